//! A chunk of a cluster: a sketch of some of its rows around its centre, as many as fill a page.
//!
//! Layout: xxh3-64 of all that follows, the first ordinal (u64), then the [`Sketch`]. Invariant: ordinals ascend.

use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Error, Result};
use crate::record::{Ordinal, Space};
use crate::store::codec::Reader;
use crate::store::sketch::{Sketch, SketchRows};
use crate::store::sketch_size::{HEADER_BYTES, sign_bytes};

/// The pages that a chunk may fill: redb's are powers of two.
const LONGEST_PAGE: usize = 32 * 1024;
const SHORTEST_PAGE: usize = 4 * 1024;
/// What redb keeps of a page for itself and the key.
const PAGE_OVERHEAD: usize = 64;
const FIRST_BYTES: usize = 16;
/// The numbers and the offset of a row.
const ROW_NUMBERS_BYTES: usize = 7;

/// Returns how many rows fill the longest page that holds no more than `most` of them, or else the shortest.
pub(crate) fn rows_per_chunk(dimension: usize, most: usize) -> usize {
    let rows =
        |page: usize| (page - PAGE_OVERHEAD - FIRST_BYTES - HEADER_BYTES) / (sign_bytes(dimension) + ROW_NUMBERS_BYTES);
    let mut page = LONGEST_PAGE;
    while page > SHORTEST_PAGE && rows(page) > most {
        page /= 2;
    }
    rows(page).max(1)
}

/// Rows that will be a chunk.
#[derive(Debug, Clone)]
pub(crate) struct ChunkRows {
    ordinals: Vec<u64>,
    rows: SketchRows,
}

impl ChunkRows {
    /// Starts with room for so many.
    pub(crate) fn with_room(dimension: usize, rows: usize) -> Self {
        Self { ordinals: Vec::with_capacity(rows), rows: SketchRows::with_room(dimension, rows) }
    }

    /// Forgets the rows and keeps the room.
    pub(crate) fn clear(&mut self) {
        self.ordinals.clear();
        self.rows.clear();
    }

    /// Returns how many there are.
    pub(crate) fn len(&self) -> usize {
        self.ordinals.len()
    }

    /// Adds a row of a greater ordinal, given its signs, the sums of its turned codes and their numbers.
    pub(crate) fn push(
        &mut self,
        ordinal: Ordinal,
        (signs, sums): (&[u8], (f32, f32)),
        numbers: [f32; 4],
        space: Space,
    ) {
        self.ordinals.push(ordinal.0);
        self.rows.push(signs, sums, numbers, space);
    }

    /// Returns the bytes of the chunk of the cluster of this number.
    pub(crate) fn to_bytes(&self, cluster: u32) -> Vec<u8> {
        let first = self.ordinals.first().copied().unwrap_or(0);
        let last = self.ordinals.last().copied().unwrap_or(0);
        let gaps = last - first + 1 != self.len() as u64;
        let offsets: Vec<u64> = self.ordinals.iter().filter(|_| gaps).map(|ordinal| ordinal - first).collect();
        let mut out = vec![0; 8];
        out.extend(first.to_le_bytes());
        out.extend(self.rows.to_bytes(cluster, &offsets));
        let checksum = out.get(8..).map_or(0, xxh3_64);
        out.splice(0..8, checksum.to_le_bytes());
        out
    }

    /// Returns whether a row may be added: offsets from the first are of 32 bits.
    pub(crate) fn takes(&self, ordinal: Ordinal) -> bool {
        self.ordinals.first().is_none_or(|first| ordinal.0.saturating_sub(*first) < u64::from(u32::MAX))
    }
}

/// A chunk seen in its bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClusterChunkRef<'a> {
    first: Ordinal,
    pub(crate) sketch: Sketch<'a>,
}

impl<'a> ClusterChunkRef<'a> {
    /// Finds the parts of a chunk; the checksums are not computed.
    ///
    /// # Errors
    /// [`Error::Damaged`] when the lengths do not add up.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes, "a chunk of a cluster");
        let _checksum = reader.u64()?;
        let first = Ordinal(reader.u64()?);
        Ok(Self { first, sketch: Sketch::parse(reader.rest())? })
    }

    /// Compares the checksum of a chunk with its bytes, and finds its parts.
    ///
    /// # Errors
    /// [`Error::Damaged`] when they differ.
    pub(crate) fn verified(bytes: &'a [u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes, "a chunk of a cluster");
        if reader.u64()? != xxh3_64(reader.rest()) {
            return Err(Error::damaged("a chunk of a cluster does not match its checksum"));
        }
        Sketch::verify(bytes.get(FIRST_BYTES..).unwrap_or_default())?;
        Self::parse(bytes)
    }

    /// Returns the ordinal of a row.
    pub(crate) fn ordinal(&self, row: usize) -> Ordinal {
        self.sketch.ordinal(self.first, row)
    }

    /// Returns the number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.sketch.rows()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::random::Random;
    use crate::store::centre::Centre;
    use crate::store::quantise::quantise;
    use crate::store::sketch::Sketcher;

    fn chunk(ordinals: &[u64], dimension: usize) -> ChunkRows {
        let mut random = Random::new();
        let (mut rows, mut sketcher) = (ChunkRows::with_room(dimension, ordinals.len()), Sketcher::new(dimension));
        let mut signs = vec![0; 8 * sign_bytes(dimension)];
        for ordinal in ordinals {
            let codes = quantise(&random.floats(dimension), &Centre::origin(dimension), Space::Cosine);
            let [sums, ..] = sketcher.turn(&codes.codes, &mut signs);
            let numbers = [codes.factor, codes.bias, codes.residual, codes.length];
            rows.push(Ordinal(*ordinal), (&signs[..sign_bytes(dimension)], sums), numbers, Space::Cosine);
        }
        rows
    }

    #[test]
    fn ordinals_round_trip_and_damage_is_seen() {
        for ordinals in [&[5, 6, 7][..], &[5, 9, 70_000], &[1 << 40]] {
            let bytes = chunk(ordinals, 33).to_bytes(3);
            let found = ClusterChunkRef::verified(&bytes).unwrap();
            assert_eq!((0..found.rows()).map(|row| found.ordinal(row).0).collect::<Vec<_>>(), ordinals);
            assert_eq!(found.sketch.centre(), 3);
            for at in 0..bytes.len() {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1;
                assert!(ClusterChunkRef::verified(&flipped).is_err(), "flipped at {at}");
                let _ = ClusterChunkRef::parse(&flipped);
                assert!(ClusterChunkRef::verified(&bytes[..at]).is_err(), "cut at {at}");
            }
        }
    }

    #[test]
    fn a_full_chunk_fits_its_page() {
        for dimension in [192, 384, 1536] {
            let mut page = LONGEST_PAGE;
            let mut most = usize::MAX;
            while page >= SHORTEST_PAGE {
                let rows = rows_per_chunk(dimension, most);
                let ordinals: Vec<u64> = (0..rows as u64).map(|n| 2 * n).collect();
                let bytes = chunk(&ordinals, dimension).to_bytes(0).len();
                let of_a_row = sign_bytes(dimension) + ROW_NUMBERS_BYTES;
                assert!(bytes + PAGE_OVERHEAD <= page && bytes + PAGE_OVERHEAD + of_a_row > page, "{dimension} {page}");
                (page, most) = (page / 2, rows - 1);
            }
        }
    }
}
