//! Models already optimised for this machine, kept between runs.
//!
//! ONNX Runtime rewrites a model's graph each time it opens it; its own `.ort` format keeps the outcome and is
//! used from the mapped file as it lies. The cache is derived: a file that is missing, cut off, damaged or not
//! writable only costs time. Invariant: a file is written under another name and renamed into place, and its
//! last 16 bytes prove the rest, so that no damaged byte reaches the runtime.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use memmap2::Mmap;
use tempfile::NamedTempFile;
use xxhash_rust::xxh3::xxh3_64;

use crate::foreign;

/// The trailer: this mark, then the xxh3 of everything before it, little-endian.
const MARK: &[u8; 8] = b"huedbort";
const TRAILER_BYTES: usize = 16;

/// Returns the place of a model in the cache: it depends on all that decides the optimised graph.
pub(super) fn path_of(cache_dir: &Path, sha256: &str, runtime_version: &str) -> PathBuf {
    let model = sha256.get(..16).unwrap_or(sha256);
    cache_dir.join("models").join(format!("{model}-onnxruntime-{runtime_version}-{}.ort", cpu()))
}

/// The instruction sets that ONNX Runtime's optimiser and kernels choose by.
fn cpu() -> String {
    #[cfg(target_arch = "x86_64")]
    let features = [
        (std::arch::is_x86_feature_detected!("avx2"), "avx2"),
        (std::arch::is_x86_feature_detected!("fma"), "fma"),
        (std::arch::is_x86_feature_detected!("avx512f"), "avx512f"),
        (std::arch::is_x86_feature_detected!("avx512bw"), "avx512bw"),
        (std::arch::is_x86_feature_detected!("avx512vnni"), "avx512vnni"),
        (std::arch::is_x86_feature_detected!("avxvnni"), "avxvnni"),
    ];
    #[cfg(target_arch = "aarch64")]
    let features = [
        (std::arch::is_aarch64_feature_detected!("dotprod"), "dotprod"),
        (std::arch::is_aarch64_feature_detected!("i8mm"), "i8mm"),
        (std::arch::is_aarch64_feature_detected!("fp16"), "fp16"),
        (std::arch::is_aarch64_feature_detected!("sve"), "sve"),
    ];
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let features: [(bool, &str); 0] = [];
    let mut name = std::env::consts::ARCH.to_owned();
    for (_, feature) in features.iter().filter(|(present, _)| *present) {
        name.push('-');
        name.push_str(feature);
    }
    name
}

/// A model from the cache, whole and proven.
pub(super) struct CachedModel(Mmap);

impl CachedModel {
    /// Returns the model's bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        self.0.get(..self.0.len() - TRAILER_BYTES).unwrap_or_default()
    }
}

/// Opens a model of the cache; `None` when it is not there or not whole.
pub(super) fn open(path: &Path) -> Option<CachedModel> {
    let file = File::open(path).ok()?;
    if file.metadata().ok()?.len() <= TRAILER_BYTES as u64 {
        return None;
    }
    let mapped = foreign::map(&file).ok()?;
    let (model, trailer) = mapped.split_at_checked(mapped.len().checked_sub(TRAILER_BYTES)?)?;
    let sum = trailer.strip_prefix(MARK)?;
    (sum == xxh3_64(model).to_le_bytes()).then_some(CachedModel(mapped))
}

/// An optimised model being written, beside its place.
pub(super) struct Draft {
    file: NamedTempFile,
    place: PathBuf,
}

impl Draft {
    /// Begins one; `None` when the cache cannot be written.
    pub(super) fn begin(place: PathBuf) -> Option<Self> {
        let dir = place.parent()?;
        fs::create_dir_all(dir).ok()?;
        let file = tempfile::Builder::new().prefix(".draft-").suffix(".ort").tempfile_in(dir).ok()?;
        Some(Self { file, place })
    }

    /// Returns the path that the model is to be written to.
    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }

    /// Proves what was written and puts it into its place.
    pub(super) fn finish(self) -> std::io::Result<()> {
        let model = fs::read(self.path())?;
        // The runtime may have replaced the file it was given, so it is opened again.
        let mut file = File::options().append(true).open(self.path())?;
        file.write_all(MARK)?;
        file.write_all(&xxh3_64(&model).to_le_bytes())?;
        file.sync_data()?;
        self.file.persist(&self.place)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(dir: &Path) -> PathBuf {
        let place = path_of(dir, "0123456789abcdef0123", "1.32.0");
        let draft = Draft::begin(place.clone()).unwrap();
        fs::write(draft.path(), b"a model").unwrap();
        draft.finish().unwrap();
        place
    }

    #[test]
    fn what_was_written_is_read_and_nothing_else_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let place = written(dir.path());
        assert_eq!(open(&place).unwrap().bytes(), b"a model");
        assert_eq!(fs::read_dir(place.parent().unwrap()).unwrap().count(), 1);
        assert_eq!(written(dir.path()), place, "a second writer replaces the file");
    }

    #[test]
    fn a_damaged_file_is_as_good_as_none() {
        let dir = tempfile::tempdir().unwrap();
        let place = written(dir.path());
        let whole = fs::read(&place).unwrap();
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            fs::write(&place, &damaged).unwrap();
            assert!(open(&place).is_none(), "byte {at}");
            fs::write(&place, &whole[..at]).unwrap();
            assert!(open(&place).is_none(), "cut at {at}");
        }
        assert!(open(dir.path()).is_none());
        assert!(open(&dir.path().join("absent")).is_none());
    }

    #[test]
    fn a_cache_that_cannot_be_written_is_no_error() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "x").unwrap();
        assert!(Draft::begin(path_of(&file, "00", "1.32.0")).is_none());
    }
}
