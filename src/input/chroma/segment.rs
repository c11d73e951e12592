//! The vectors of a collection as Chroma's index (hnswlib) keeps them on the disk.
//!
//! | file | |
//! |---|---|
//! | `header.bin` | how many vectors there are, and where what stands of each |
//! | `data_level0.bin` | of each its edges, its components and its label |
//! | `length.bin` | of each its length: with space cosine the components are scaled to length 1 |
//! | `index_metadata.pickle` | the label of every id |
//!
//! The graph itself is not read. Invariants: of the vectors one at a time is in memory; a vector is given out only when the
//! label beside it is the one of its id, and any bytes are either read or refused.

use std::collections::HashMap;
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::pickle::{self, IndexMetadata};
use crate::error::{Error, Result};

const HINT: &str = "stop the Chroma that writes there, and run it again; if nothing does, the index is damaged";
/// The only version hnswlib has written so far.
const VERSION: i32 = 1;

/// The index of one collection; an index that was not written yet has no vectors.
#[derive(Default)]
pub(super) struct HnswSegment {
    pub(super) max_seq_id: Option<i64>,
    labels: HashMap<String, u64>,
    /// Where the vector of each label stands.
    places: HashMap<u64, u64>,
    files: Option<SegmentFiles>,
}

struct SegmentFiles {
    folder: PathBuf,
    data: File,
    /// Of a collection whose vectors are scaled.
    lengths: Option<File>,
    layout: VectorLayout,
    /// When the file was written last: nanoseconds, and bytes.
    written: (i128, u64),
}

/// Where what stands of a vector, in bytes.
#[derive(Debug, Clone, Copy)]
struct VectorLayout {
    vectors: u64,
    size: u64,
    data: u64,
    label: u64,
}

impl HnswSegment {
    /// Opens the index in a folder, which need not be there.
    ///
    /// # Errors
    /// [`Error::BadInput`] when it is damaged, [`Error::Io`] when it cannot be read.
    pub(super) fn open(folder: &Path, is_scaled: bool) -> Result<Self> {
        let path = folder.join("index_metadata.pickle");
        let pickle = match std::fs::read(&path) {
            Ok(pickle) => pickle,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(e) => return Err(Error::io(format!("read {}", path.display()), e)),
        };
        let IndexMetadata { labels, max_seq_id } = pickle::read(&pickle).map_err(|why| bad(&path, &why))?;
        if labels.is_empty() {
            return Ok(Self { max_seq_id, ..Self::default() });
        }
        let data = open(&folder.join("data_level0.bin"))?;
        let layout = VectorLayout::read(&folder.join("header.bin"))?;
        let written = written(&data, folder)?;
        if written.1 < layout.vectors.saturating_mul(layout.size) {
            return Err(bad(&folder.join("data_level0.bin"), "is shorter than its header says"));
        }
        let lengths = is_scaled.then(|| open(&folder.join("length.bin"))).transpose()?;
        let files = SegmentFiles { folder: folder.to_owned(), data, lengths, layout, written };
        let mut places = HashMap::new();
        for place in 0..layout.vectors {
            places.insert(u64::from_le_bytes(files.at(place, layout.label)?), place);
        }
        Ok(Self { max_seq_id, labels, places, files: Some(files) })
    }

    pub(super) fn contains(&self, id: &str) -> bool {
        self.labels.contains_key(id)
    }

    /// Returns the vector of an id, as Chroma answers it.
    ///
    /// # Errors
    /// [`Error::BadInput`] when the files do not fit together, [`Error::Io`].
    pub(super) fn embedding(&self, id: &str) -> Result<Option<Vec<f32>>> {
        let (Some(label), Some(files)) = (self.labels.get(id), &self.files) else { return Ok(None) };
        let Some(place) = self.places.get(label) else { return Ok(None) };
        if u64::from_le_bytes(files.at(*place, files.layout.label)?) != *label {
            return Err(files.changed());
        }
        files.vector(*place).map(Some)
    }

    /// Refuses files that were written since they were opened: what was read of them may be of two states.
    pub(super) fn check_unchanged(&self) -> Result<()> {
        match &self.files {
            Some(files) if written(&files.data, &files.folder)? != files.written => Err(files.changed()),
            _ => Ok(()),
        }
    }
}

impl SegmentFiles {
    fn changed(&self) -> Error {
        bad(&self.folder, "the index changed while it was read")
    }

    fn io(&self, e: std::io::Error) -> Error {
        if e.kind() == ErrorKind::UnexpectedEof { self.changed() } else { io(&self.folder, e) }
    }

    /// Reads eight bytes of a vector.
    fn at(&self, place: u64, offset: u64) -> Result<[u8; 8]> {
        let mut word = [0; 8];
        self.data.read_exact_at(&mut word, place * self.layout.size + offset).map_err(|e| self.io(e))?;
        Ok(word)
    }

    fn vector(&self, place: u64) -> Result<Vec<f32>> {
        let VectorLayout { size, data, label, .. } = self.layout;
        let mut bytes = vec![0; usize::try_from(label - data).map_err(|_| self.changed())?];
        self.data.read_exact_at(&mut bytes, place * size + data).map_err(|e| self.io(e))?;
        let (words, _) = bytes.as_chunks::<4>();
        let scale = match &self.lengths {
            None => return Ok(words.iter().map(|word| f32::from_le_bytes(*word)).collect()),
            Some(lengths) => {
                let mut word = [0; 4];
                lengths.read_exact_at(&mut word, place * 4).map_err(|e| self.io(e))?;
                f32::from_le_bytes(word)
            }
        };
        Ok(words.iter().map(|word| f32::from_le_bytes(*word) * scale).collect())
    }
}

impl VectorLayout {
    fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|e| io(path, e))?;
        Self::parse(&bytes).ok_or_else(|| bad(path, "is not the header of a known index"))
    }

    /// hnswlib's `saveIndex`: version, offset of level 0, capacity, vectors, bytes of one, offsets of label and components.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let (version, rest) = bytes.split_first_chunk::<4>()?;
        let (words, _) = rest.as_chunks::<8>();
        let number = |at: usize| words.get(at).map(|word| u64::from_le_bytes(*word));
        let layout = Self { vectors: number(2)?, size: number(3)?, label: number(4)?, data: number(5)? };
        let components = layout.label.checked_sub(layout.data)?;
        let sound = i32::from_le_bytes(*version) == VERSION
            && layout.label.checked_add(8)? <= layout.size
            && layout.size <= 1 << 20
            && components >= 4
            && components % 4 == 0
            && layout.vectors <= number(1)?
            && layout.vectors.checked_mul(layout.size)?.checked_add(layout.size)? < 1 << 50;
        sound.then_some(layout)
    }
}

fn open(path: &Path) -> Result<File> {
    File::open(path).map_err(|e| io(path, e))
}

fn written(file: &File, folder: &Path) -> Result<(i128, u64)> {
    let data = file.metadata().map_err(|e| io(folder, e))?;
    Ok((i128::from(data.mtime()) * 1_000_000_000 + i128::from(data.mtime_nsec()), data.len()))
}

fn io(path: &Path, e: std::io::Error) -> Error {
    // A folder that is torn is the folder's fault; what the system refuses is not.
    if e.kind() == ErrorKind::NotFound {
        bad(path, "is missing")
    } else {
        Error::io(format!("read {}", path.display()), e)
    }
}

fn bad(path: &Path, why: &str) -> Error {
    Error::BadInput { source: path.display().to_string(), why: why.to_owned(), hint: Some(HINT.into()) }
}
