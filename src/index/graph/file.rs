//! A graph as the file keeps it: a header and the serialised index, cut into chunks that each carry a checksum.
//!
//! A graph is derived data: a query reports what is wrong with its bytes as a warning and does without. Invariant: bytes in a [`StoredGraph`] are the bytes that were written, all of
//! them and from one writing: every chunk's checksum covers its place, the number of chunks and the writing's own mark.
//!
//! A chunk, all little-endian: `u64` XXH3 of the rest, `u64` XXH3 of the whole graph (the mark), `u32` place, `u32`
//! number of chunks, then a part of the stream. The stream: the header in 64 bytes, then the index.

use std::fmt::Display;

use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Error, Result};
use crate::record::{Hnsw, Space};
use crate::store::MAX_VALUE_BYTES;

/// The version of the format that this program writes, and the only one it reads.
const VERSION: u32 = 1;

const CHUNK_HEAD_BYTES: usize = 24;
const BODY_BYTES: usize = MAX_VALUE_BYTES - CHUNK_HEAD_BYTES;
pub(super) const HEADER_BYTES: usize = 64;

/// Says what is wrong with a stored graph.
pub(super) fn damaged(why: impl Display) -> Error {
    Error::damaged(format!("the graph: {why}"))
}

/// What rows a graph was made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stamp {
    /// The collection's epoch when it was written.
    pub epoch: u64,
    /// Rows with a smaller ordinal are in the graph or were deleted; the others are not in it.
    pub high_water: u64,
}

/// What a stored graph says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GraphHeader {
    /// The number of components of a vector.
    pub dim: usize,
    /// How distances are measured.
    pub space: Space,
    /// The settings it was built with.
    pub hnsw: Hnsw,
    /// Vectors that are not removed.
    pub rows: u64,
    /// Removed vectors whose slots have not been reused yet.
    pub removed: u64,
    /// What it was made from.
    pub stamp: Stamp,
    /// Bytes of the serialised index.
    pub bytes: u64,
}

impl GraphHeader {
    /// Reads the header from the first chunk, whose checksum is verified.
    ///
    /// # Errors
    /// [`Error::Damaged`] when the bytes are not the first chunk of a graph of this format.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn read(first_chunk: &[u8]) -> Result<Self> {
        Self::parse(&GraphChunk::parse(first_chunk, 0)?).map(|(header, _)| header)
    }

    fn parse<'a>(chunk: &GraphChunk<'a>) -> Result<(Self, &'a [u8])> {
        let damage = |why: &str| damaged(format!("its header {why}"));
        let (fields, index) = chunk.body.split_first_chunk::<HEADER_BYTES>().ok_or_else(|| damage("is cut off"))?;
        let [version, dim, space, neighbors, construction, search] = u32s(fields);
        if version != VERSION {
            return Err(damage(&format!("has the format version {version}, not {VERSION}")));
        }
        let [.., rows, removed, epoch, high_water, bytes] = u64s(fields);
        let header = Self {
            dim: dim as usize,
            space: *SPACES.get(space as usize).ok_or_else(|| damage("names no space"))?,
            hnsw: Hnsw {
                ef_construction: construction as usize,
                ef_search: search as usize,
                max_neighbors: neighbors as usize,
            },
            rows,
            removed,
            stamp: Stamp { epoch, high_water },
            bytes,
        };
        let stream = bytes.checked_add(HEADER_BYTES as u64);
        if stream.is_none_or(|stream| stream.div_ceil(BODY_BYTES as u64) != u64::from(chunk.count)) {
            return Err(damage("contradicts the number of chunks"));
        }
        Ok((header, index))
    }

    pub(super) fn write(&self) -> [u8; HEADER_BYTES] {
        let word = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        let space = SPACES.iter().position(|&space| space == self.space).unwrap_or_default();
        let Hnsw { ef_construction, ef_search, max_neighbors } = self.hnsw;
        let words = [VERSION, word(self.dim), word(space), word(max_neighbors), word(ef_construction), word(ef_search)];
        let Stamp { epoch, high_water } = self.stamp;
        let counts = [self.rows, self.removed, epoch, high_water, self.bytes];
        let fields = words.into_iter().flat_map(u32::to_le_bytes).chain(counts.into_iter().flat_map(u64::to_le_bytes));
        let mut header = [0; HEADER_BYTES];
        header.iter_mut().zip(fields).for_each(|(slot, byte)| *slot = byte);
        header
    }
}

/// Spaces by their number in the header.
const SPACES: [Space; 3] = [Space::Cosine, Space::L2, Space::Ip];

fn u32s(bytes: &[u8; HEADER_BYTES]) -> [u32; 6] {
    let mut words = bytes.as_chunks::<4>().0.iter().map(|&word| u32::from_le_bytes(word));
    [(); 6].map(|()| words.next().unwrap_or_default())
}

fn u64s(bytes: &[u8; HEADER_BYTES]) -> [u64; 8] {
    let mut words = bytes.as_chunks::<8>().0.iter().map(|&word| u64::from_le_bytes(word));
    [(); 8].map(|()| words.next().unwrap_or_default())
}

/// The chunks of a graph, in order; each at most [`MAX_VALUE_BYTES`] long.
#[derive(Debug)]
pub struct GraphChunks {
    stream: Vec<u8>,
    mark: u64,
    next: u32,
    total: u32,
}

impl GraphChunks {
    pub(super) fn new(stream: Vec<u8>) -> Self {
        let total = u32::try_from(stream.len().div_ceil(BODY_BYTES)).unwrap_or(u32::MAX);
        Self { mark: xxh3_64(&stream), stream, next: 0, total }
    }
}

impl Iterator for GraphChunks {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let body = self.stream.chunks(BODY_BYTES).nth(self.next as usize)?;
        let mut chunk = Vec::with_capacity(CHUNK_HEAD_BYTES + body.len());
        chunk.extend([0; 8]);
        chunk.extend(self.mark.to_le_bytes());
        chunk.extend(self.next.to_le_bytes());
        chunk.extend(self.total.to_le_bytes());
        chunk.extend(body);
        let (checksum, rest) = chunk.split_at_mut(8);
        checksum.copy_from_slice(&xxh3_64(rest).to_le_bytes());
        self.next += 1;
        Some(chunk)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = (self.total - self.next) as usize;
        (left, Some(left))
    }
}

impl ExactSizeIterator for GraphChunks {}

/// One chunk whose checksum is right.
struct GraphChunk<'a> {
    mark: u64,
    count: u32,
    body: &'a [u8],
}

impl<'a> GraphChunk<'a> {
    fn parse(bytes: &'a [u8], place: u32) -> Result<Self> {
        let damage = |why: &str| damaged(format!("chunk {place} {why}"));
        let cut = || damage("is cut off");
        let (checksum, rest) = bytes.split_first_chunk().ok_or_else(cut)?;
        if u64::from_le_bytes(*checksum) != xxh3_64(rest) {
            return Err(damage("does not match its checksum"));
        }
        let (mark, rest) = rest.split_first_chunk().ok_or_else(cut)?;
        let (own_place, rest) = rest.split_first_chunk().ok_or_else(cut)?;
        let (count, body) = rest.split_first_chunk().ok_or_else(cut)?;
        if u32::from_le_bytes(*own_place) != place {
            return Err(damage("belongs to another place"));
        }
        Ok(Self { mark: u64::from_le_bytes(*mark), count: u32::from_le_bytes(*count), body })
    }
}

/// Puts the chunks of a graph together again, verifying each.
#[derive(Debug, Default)]
pub struct GraphReader {
    next: u32,
    first: Option<(GraphHeader, u64, u32)>,
    index: Vec<u8>,
}

impl GraphReader {
    /// Begins with no chunk.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next chunk.
    ///
    /// # Errors
    /// [`Error::Damaged`] that names the chunk, when it is not the next one of this graph, whole.
    pub fn push(&mut self, bytes: &[u8]) -> Result<()> {
        let chunk = GraphChunk::parse(bytes, self.next)?;
        let part = if let Some((_, mark, count)) = self.first {
            if (chunk.mark, chunk.count) != (mark, count) || self.next >= count {
                return Err(damaged(format!("chunk {} belongs to another writing", self.next)));
            }
            chunk.body
        } else {
            let (header, part) = GraphHeader::parse(&chunk)?;
            // Not the length the header gives: it may be false until the last chunk has arrived.
            let most = usize::try_from(header.bytes).unwrap_or(usize::MAX);
            self.index.try_reserve_exact(most).map_err(|_| damaged("it does not fit into memory"))?;
            self.first = Some((header, chunk.mark, chunk.count));
            part
        };
        self.index.extend_from_slice(part);
        self.next += 1;
        Ok(())
    }

    /// Returns the graph once all of its chunks have been taken.
    ///
    /// # Errors
    /// [`Error::Damaged`] when chunks are missing.
    pub fn finish(self) -> Result<StoredGraph> {
        let (header, _, count) = self.first.ok_or_else(|| damaged("it has no chunks"))?;
        if self.next != count {
            return Err(damaged(format!("chunk {} of {count} is missing", self.next)));
        }
        if self.index.len() as u64 != header.bytes {
            return Err(damaged("its length differs from its header"));
        }
        Ok(StoredGraph { header, index: self.index })
    }
}

/// A stored graph, verified byte for byte.
#[derive(Debug, Clone)]
pub struct StoredGraph {
    /// What it says about itself.
    pub header: GraphHeader,
    pub(super) index: Vec<u8>,
}

impl StoredGraph {
    /// Returns how many bytes it takes in memory.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.index.len()
    }
}

impl AsRef<Self> for StoredGraph {
    fn as_ref(&self) -> &Self {
        self
    }
}
