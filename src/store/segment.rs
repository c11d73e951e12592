//! Sealed rows: one value that holds as many quantised embeddings as 1 MiB takes.
//!
//! Layout: xxh3-64 of all that follows, rows (u32), dimension (u32), first ordinal (u64), flags (u32), zeros
//! (u32); then offsets of the ordinals from the first (u32 each, only where there are gaps), factors (f32), biases
//! (f32, only for l2) and the codes, row after row. What the numbers mean: [`super::quantise`].
//! Invariant: ordinals ascend, and every ordinal of a segment is below every one of the next.

use xxhash_rust::xxh3::xxh3_64;

use super::codec::{Reader, floats, put_floats};
use super::quantise::Codes;
use super::sketch::rows_per_sketch;
use super::table::MAX_VALUE_BYTES;
use crate::error::{Error, Result};
use crate::record::{Ordinal, Space};

const HEADER_BYTES: usize = 32;
const HAS_GAPS: u32 = 1;
const HAS_BIASES: u32 = 2;
/// The bias of every row in the spaces that do not store one.
const COMMON_BIAS: f32 = 1.0;
/// Codes, and at the most an offset, a factor and a bias.
const NUMBERS_BYTES: usize = 12;

/// Rows that fill a segment and whose sketch fills its page.
#[must_use]
pub fn rows_per_segment(dimension: usize) -> usize {
    ((MAX_VALUE_BYTES - HEADER_BYTES) / (dimension + NUMBERS_BYTES)).min(rows_per_sketch(dimension))
}

/// A segment seen in its bytes.
#[derive(Debug, Clone, Copy)]
pub struct Segment<'a> {
    first: Ordinal,
    dimension: usize,
    offsets: Option<&'a [u8]>,
    factors: &'a [u8],
    biases: Option<&'a [u8]>,
    codes: &'a [i8],
}

impl<'a> Segment<'a> {
    /// Finds the parts of a segment; the checksum is not computed.
    ///
    /// # Errors
    /// [`Error::Damaged`] when the lengths do not add up.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes, "a segment");
        let _checksum = reader.u64()?;
        let (rows, dimension) = (reader.u32()? as usize, reader.u32()? as usize);
        let first = Ordinal(reader.u64()?);
        let flags = reader.u32()?;
        reader.u32()?;
        let numbers = 4 + if flags & HAS_GAPS == 0 { 0 } else { 4 } + if flags & HAS_BIASES == 0 { 0 } else { 4 };
        let expected = rows.checked_mul(dimension + numbers).and_then(|parts| parts.checked_add(HEADER_BYTES));
        if rows == 0 || dimension == 0 || expected != Some(bytes.len()) {
            return Err(reader.damaged("its parts do not add up to its length"));
        }
        if first.0.checked_add(u64::from(u32::MAX)).is_none() {
            return Err(reader.damaged("its ordinals are out of range"));
        }
        let offsets = if flags & HAS_GAPS == 0 { None } else { Some(reader.bytes(4 * rows)?) };
        let factors = reader.bytes(4 * rows)?;
        let biases = if flags & HAS_BIASES == 0 { None } else { Some(reader.bytes(4 * rows)?) };
        Ok(Self { first, dimension, offsets, factors, biases, codes: bytemuck::cast_slice(reader.rest()) })
    }

    /// Compares the checksum of a segment with its bytes.
    ///
    /// # Errors
    /// [`Error::Damaged`] when they differ.
    pub fn verify(bytes: &'a [u8]) -> Result<()> {
        let mut reader = Reader::new(bytes, "a segment");
        if reader.u64()? == xxh3_64(reader.rest()) {
            Self::parse(bytes).map(drop)
        } else {
            Err(Error::damaged("a segment does not match its checksum"))
        }
    }

    /// Returns the number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.factors.len() / 4
    }

    /// Returns the length of the embeddings.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// Returns the codes of all rows, one row after the other.
    #[must_use]
    pub fn codes(&self) -> &'a [i8] {
        self.codes
    }

    /// Returns the ordinal of row `row`.
    #[must_use]
    pub fn ordinal(&self, row: usize) -> Ordinal {
        let offset = match self.offsets {
            None => row as u64,
            Some(offsets) => offsets.as_chunks::<4>().0.get(row).map_or(0, |b| u64::from(u32::from_le_bytes(*b))),
        };
        Ordinal(self.first.0 + offset)
    }

    /// Returns the first ordinal, when all rows follow it without a gap.
    #[must_use]
    pub fn contiguous_from(&self) -> Option<Ordinal> {
        self.offsets.is_none().then_some(self.first)
    }

    /// Returns the factor of each row.
    pub fn factors(&self) -> impl Iterator<Item = f32> + 'a {
        floats(self.factors)
    }

    /// Returns the bias of each row.
    pub fn biases(&self) -> impl Iterator<Item = f32> + 'a {
        let own = self.biases.into_iter().flat_map(floats);
        let common = std::iter::repeat_n(COMMON_BIAS, if self.biases.is_none() { self.rows() } else { 0 });
        own.chain(common)
    }

    /// Returns whether rows differ in their bias.
    #[must_use]
    pub fn has_biases(&self) -> bool {
        self.biases.is_some()
    }

    /// Returns the row that holds an ordinal.
    #[must_use]
    pub fn find(&self, ordinal: Ordinal) -> Option<usize> {
        let row = match self.offsets {
            None => usize::try_from(ordinal.0.checked_sub(self.first.0)?).ok()?,
            Some(offsets) => {
                let wanted = u32::try_from(ordinal.0.checked_sub(self.first.0)?).ok()?;
                offsets.as_chunks::<4>().0.binary_search_by_key(&wanted, |b| u32::from_le_bytes(*b)).ok()?
            }
        };
        (row < self.rows()).then_some(row)
    }

    /// Copies the rows out.
    pub(crate) fn to_rows(self) -> Vec<(Ordinal, Codes)> {
        let codes = self.codes.chunks_exact(self.dimension);
        let numbers = self.factors().zip(self.biases());
        let rows = codes.zip(numbers).enumerate();
        rows.map(|(row, (codes, (factor, bias)))| (self.ordinal(row), Codes { codes: codes.to_vec(), factor, bias }))
            .collect()
    }
}

/// Returns the bytes of a segment of these rows, whose ordinals ascend; `None` for no rows.
pub(crate) fn seal(rows: &[(Ordinal, Codes)], space: Space) -> Option<Vec<u8>> {
    let ((first, first_codes), (last, _)) = (rows.first()?, rows.last()?);
    let dimension = first_codes.codes.len();
    let gaps = last.0 - first.0 + 1 != rows.len() as u64;
    let flags = if gaps { HAS_GAPS } else { 0 } | if space == Space::L2 { HAS_BIASES } else { 0 };
    let mut out = Vec::with_capacity(HEADER_BYTES + rows.len() * (dimension + NUMBERS_BYTES));
    out.extend([0; 8]);
    // Both are bounded by the size of a segment.
    for n in [rows.len(), dimension] {
        out.extend(u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes());
    }
    out.extend(first.0.to_le_bytes());
    out.extend(flags.to_le_bytes());
    out.extend([0; 4]);
    if gaps {
        for (ordinal, _) in rows {
            out.extend(u32::try_from(ordinal.0 - first.0).ok()?.to_le_bytes());
        }
    }
    for (_, row) in rows {
        put_floats(&mut out, &[row.factor]);
    }
    if space == Space::L2 {
        for (_, row) in rows {
            put_floats(&mut out, &[row.bias]);
        }
    }
    for (_, row) in rows {
        out.extend_from_slice(bytemuck::cast_slice(&row.codes));
    }
    let checksum = out.get(8..).map_or(0, xxh3_64);
    out.splice(0..8, checksum.to_le_bytes());
    Some(out)
}

/// Returns the value of the `tail` table for one row: factor, bias, codes.
pub(crate) fn tail_row(row: &Codes) -> Vec<u8> {
    let mut out = Vec::with_capacity(8 + row.codes.len());
    put_floats(&mut out, &[row.factor, row.bias]);
    out.extend_from_slice(bytemuck::cast_slice(&row.codes));
    out
}

/// Reads a value of the `tail` table: factor, bias and codes.
pub(crate) fn parse_tail_row(bytes: &[u8]) -> Result<(f32, f32, &[i8])> {
    let mut reader = Reader::new(bytes, "a tail row");
    let (factor, bias) = (reader.array().map(f32::from_le_bytes)?, reader.array().map(f32::from_le_bytes)?);
    Ok((factor, bias, bytemuck::cast_slice(reader.rest())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::quantise::quantise;

    fn rows(ordinals: &[u64], space: Space) -> Vec<(Ordinal, Codes)> {
        let embedding = |o: u64| [o as f32, 1.0, -2.0];
        ordinals.iter().map(|&o| (Ordinal(o), quantise(&embedding(o), space))).collect()
    }

    #[test]
    fn round_trip_with_and_without_gaps() {
        for space in Space::ALL {
            for ordinals in [&[5, 6, 7][..], &[5, 9, 70_000], &[0]] {
                let rows = rows(ordinals, space);
                let bytes = seal(&rows, space).unwrap();
                Segment::verify(&bytes).unwrap();
                let segment = Segment::parse(&bytes).unwrap();
                assert_eq!(segment.to_rows(), rows);
                for (row, &ordinal) in ordinals.iter().enumerate() {
                    assert_eq!(segment.find(Ordinal(ordinal)), Some(row));
                }
                assert_eq!(segment.find(Ordinal(8)), None);
            }
        }
    }

    #[test]
    fn a_full_segment_fits_its_value() {
        for dimension in [1, 2, 3, 384, 768, 4096, 65_536] {
            let row = quantise(&vec![1.0; dimension], Space::L2);
            let rows: Vec<_> = (0..rows_per_segment(dimension) as u64).map(|o| (Ordinal(2 * o), row.clone())).collect();
            assert!(seal(&rows, Space::L2).unwrap().len() <= MAX_VALUE_BYTES, "{dimension}");
        }
    }

    #[test]
    fn damage_is_seen() {
        let bytes = seal(&rows(&[1, 2, 4], Space::L2), Space::L2).unwrap();
        for at in 0..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            assert!(Segment::verify(&bytes).is_err(), "flipped at {at}");
            assert!(Segment::verify(&bytes[..at]).is_err(), "cut at {at}");
            let _ = Segment::parse(&bytes).map(Segment::to_rows);
        }
    }
}
