//! Sealed rows: one value that holds as many quantised embeddings as 1 MiB takes.
//!
//! Layout: xxh3-64 of all that follows, rows (u32), dimension (u32), first ordinal (u64), flags (u32), the number of the
//! centre that its rows are coded around (u32); then offsets of the ordinals from the first (u32 each, only where there
//! are gaps), factors (f32), biases (f32), residuals and lengths (the upper half of an f32 each) and the codes, row after
//! row. What the numbers mean: [`super::quantise`]. Version 1 of the format had no centre, no residuals, no lengths, and
//! biases only for l2; its rows get bounds that hold for any rounding. Invariant: ordinals ascend, and every ordinal of a
//! segment is below every one of the next.

use xxhash_rust::xxh3::xxh3_64;

use super::codec::{Reader, floats, put_floats};
use super::quantise::{Codes, above};
use super::sketch_size::rows_per_sketch;
use super::table::MAX_VALUE_BYTES;
use crate::error::{Error, Result};
use crate::record::{Ordinal, Space};

const HEADER_BYTES: usize = 32;
const HAS_GAPS: u32 = 1;
const HAS_BIASES: u32 = 2;
const HAS_BOUNDS: u32 = 4;
/// An offset, a factor, a bias, a residual and a length.
const NUMBERS_BYTES: usize = 16;

/// Rows that fill a segment and whose sketch fills its page.
#[must_use]
pub(crate) fn rows_per_segment(dimension: usize) -> usize {
    ((MAX_VALUE_BYTES - HEADER_BYTES) / (dimension + NUMBERS_BYTES)).min(rows_per_sketch(dimension))
}

/// A segment seen in its bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Segment<'a> {
    first: Ordinal,
    dimension: usize,
    centre: Option<u32>,
    offsets: Option<&'a [u8]>,
    factors: &'a [u8],
    biases: Option<&'a [u8]>,
    residuals: &'a [u8],
    lengths: &'a [u8],
    codes: &'a [i8],
}

/// What turns the products of a segment's rows into bounds, a number a row each.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Bounds {
    /// What products are multiplied with.
    pub factors: Vec<f32>,
    /// What they are subtracted from.
    pub biases: Vec<f32>,
    /// The lengths of what the codes leave out.
    pub residuals: Vec<f32>,
    /// The lengths of what they stand for.
    pub lengths: Vec<f32>,
}

impl<'a> Segment<'a> {
    /// Finds the parts of a segment; the checksum is not computed.
    ///
    /// # Errors
    /// [`Error::Damaged`] when the lengths do not add up.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes, "a segment");
        let _checksum = reader.u64()?;
        let (rows, dimension) = (reader.u32()? as usize, reader.u32()? as usize);
        let first = Ordinal(reader.u64()?);
        let (flags, centre) = (reader.u32()?, reader.u32()?);
        let has = |flag: u32| flags & flag != 0;
        let numbers =
            4 + [HAS_GAPS, HAS_BIASES, HAS_BOUNDS].map(|flag| if has(flag) { 4 } else { 0 }).iter().sum::<usize>();
        let expected = rows.checked_mul(dimension + numbers).and_then(|parts| parts.checked_add(HEADER_BYTES));
        let bounds_without_biases = has(HAS_BOUNDS) && !has(HAS_BIASES);
        if rows == 0 || dimension == 0 || expected != Some(bytes.len()) || bounds_without_biases {
            return Err(reader.damaged("its parts do not add up to its length"));
        }
        if first.0.checked_add(u64::from(u32::MAX)).is_none() {
            return Err(reader.damaged("its ordinals are out of range"));
        }
        let offsets = if has(HAS_GAPS) { Some(reader.bytes(4 * rows)?) } else { None };
        let factors = reader.bytes(4 * rows)?;
        let biases = if has(HAS_BIASES) { Some(reader.bytes(4 * rows)?) } else { None };
        let bounds = if has(HAS_BOUNDS) { 2 * rows } else { 0 };
        let (residuals, lengths) = (reader.bytes(bounds)?, reader.bytes(bounds)?);
        let codes = bytemuck::cast_slice(reader.rest());
        let centre = has(HAS_BOUNDS).then_some(centre);
        Ok(Self { first, dimension, centre, offsets, factors, biases, residuals, lengths, codes })
    }

    /// Compares the checksum of a segment with its bytes.
    ///
    /// # Errors
    /// [`Error::Damaged`] when they differ.
    pub(crate) fn verify(bytes: &'a [u8]) -> Result<()> {
        let mut reader = Reader::new(bytes, "a segment");
        if reader.u64()? == xxh3_64(reader.rest()) {
            Self::parse(bytes).map(drop)
        } else {
            Err(Error::damaged("a segment does not match its checksum"))
        }
    }

    /// Returns the number of rows.
    #[must_use]
    pub(crate) fn rows(&self) -> usize {
        self.factors.len() / 4
    }

    /// Returns the length of the embeddings.
    #[must_use]
    pub(crate) fn dimension(&self) -> usize {
        self.dimension
    }

    /// Returns the number of the centre its rows are coded around; `None` for the origin, as in version 1 of the format.
    #[must_use]
    pub(crate) fn centre(&self) -> Option<u32> {
        self.centre
    }

    /// Returns the codes of all rows, one row after the other.
    #[must_use]
    pub(crate) fn codes(&self) -> &'a [i8] {
        self.codes
    }

    /// Returns the ordinal of row `row`.
    #[must_use]
    pub(crate) fn ordinal(&self, row: usize) -> Ordinal {
        let offset = match self.offsets {
            None => row as u64,
            Some(offsets) => offsets.as_chunks::<4>().0.get(row).map_or(0, |b| u64::from(u32::from_le_bytes(*b))),
        };
        Ordinal(self.first.0 + offset)
    }

    /// Returns the first ordinal, when all rows follow it without a gap.
    #[must_use]
    pub(crate) fn contiguous_from(&self) -> Option<Ordinal> {
        self.offsets.is_none().then_some(self.first)
    }

    /// Writes the numbers of all rows into `out`, in the place of what it held.
    pub(crate) fn read_bounds(&self, space: Space, out: &mut Bounds) {
        out.clear();
        out.factors.extend(floats(self.factors));
        if self.centre.is_none() {
            return self.bound_any_rounding(space, out);
        }
        out.biases.extend(self.biases.into_iter().flat_map(floats));
        out.residuals.extend(shorts(self.residuals));
        out.lengths.extend(shorts(self.lengths));
    }

    /// Returns factor, bias, residual and length of one row; `None` where they have to be computed, as in version 1 of the
    /// format.
    pub(crate) fn numbers(&self, row: usize) -> Option<[f32; 4]> {
        let float = |bytes: &[u8]| bytes.as_chunks::<4>().0.get(row).map(|bytes| f32::from_le_bytes(*bytes));
        let short = |bytes: &[u8]| {
            bytes.as_chunks::<2>().0.get(row).map(|half| f32::from_bits(u32::from(u16::from_le_bytes(*half)) << 16))
        };
        Some([float(self.factors)?, float(self.biases?)?, short(self.residuals)?, short(self.lengths)?])
    }

    /// Bounds rows of version 1 of the format by what its rounding can lose at most.
    #[expect(clippy::cast_precision_loss, reason = "a dimension is small")]
    fn bound_any_rounding(&self, space: Space, out: &mut Bounds) {
        const HALF_STEP: f64 = 0.5001;
        const ROUNDING: f64 = 1e-6;
        let root = (self.dimension as f64).sqrt();
        let mut biases = self.biases.into_iter().flat_map(floats);
        for (codes, factor) in self.codes.chunks_exact(self.dimension).zip(&mut out.factors) {
            let squared: i64 = codes.iter().map(|code| i64::from(*code) * i64::from(*code)).sum();
            let scale = f64::from(*factor) / if space == Space::L2 { 2.0 } else { 1.0 };
            let length = scale * (squared as f64).sqrt();
            let bias = f64::from(biases.next().unwrap_or(0.0));
            let mut residual = scale * HALF_STEP * root + ROUNDING * length + 1e-30;
            // Lengths that were clamped to what f32 holds, and embeddings too short to be told from zero.
            let of_length_one = (0.9..1.1).contains(&length);
            if length > 1e18 || bias > 1e36 || (space == Space::Cosine && !of_length_one) {
                *factor = 0.0;
                residual = f64::INFINITY;
            }
            out.residuals.push(above(residual));
            out.lengths.push(above(length.min(1e18)));
            out.biases.push(above(bias - ROUNDING * bias.abs()).min(1e36));
        }
    }

    /// Returns the row that holds an ordinal.
    #[must_use]
    pub(crate) fn find(&self, ordinal: Ordinal) -> Option<usize> {
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
    pub(crate) fn to_rows(self, space: Space) -> Vec<(Ordinal, Codes)> {
        let mut bounds = Bounds::default();
        self.read_bounds(space, &mut bounds);
        let codes = self.codes.chunks_exact(self.dimension).map(<[i8]>::to_vec);
        let rows = codes.zip(bounds.rows()).enumerate();
        rows.map(|(row, (codes, [factor, bias, residual, length]))| {
            (self.ordinal(row), Codes { codes, factor, bias, residual, length })
        })
        .collect()
    }
}

impl Bounds {
    pub(crate) fn clear(&mut self) {
        let Self { factors, biases, residuals, lengths } = self;
        [factors, biases, residuals, lengths].into_iter().for_each(Vec::clear);
    }

    /// Returns factor, bias, residual and length of each row.
    pub(crate) fn rows(&self) -> impl Iterator<Item = [f32; 4]> {
        let numbers = self.factors.iter().zip(&self.biases).zip(self.residuals.iter().zip(&self.lengths));
        numbers.map(|((factor, bias), (residual, length))| [*factor, *bias, *residual, *length])
    }
}

/// Reads numbers of which the upper half is kept.
fn shorts(bytes: &[u8]) -> impl Iterator<Item = f32> {
    bytes.as_chunks::<2>().0.iter().map(|half| f32::from_bits(u32::from(u16::from_le_bytes(*half)) << 16))
}

/// Returns the bytes of a segment of these rows, whose ordinals ascend and which are coded around the centre of this
/// number; `None` for no rows.
pub(crate) fn seal(rows: &[(Ordinal, Codes)], centre: u32) -> Option<Vec<u8>> {
    let ((first, first_codes), (last, _)) = (rows.first()?, rows.last()?);
    let dimension = first_codes.codes.len();
    let gaps = last.0 - first.0 + 1 != rows.len() as u64;
    let flags = HAS_BIASES | HAS_BOUNDS | if gaps { HAS_GAPS } else { 0 };
    let mut out = Vec::with_capacity(HEADER_BYTES + rows.len() * (dimension + NUMBERS_BYTES));
    out.extend([0; 8]);
    // Both are bounded by the size of a segment.
    for n in [rows.len(), dimension] {
        out.extend(u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes());
    }
    out.extend(first.0.to_le_bytes());
    out.extend(flags.to_le_bytes());
    out.extend(centre.to_le_bytes());
    if gaps {
        for (ordinal, _) in rows {
            out.extend(u32::try_from(ordinal.0 - first.0).ok()?.to_le_bytes());
        }
    }
    for (_, row) in rows {
        put_floats(&mut out, &[row.factor]);
    }
    for (_, row) in rows {
        put_floats(&mut out, &[row.bias]);
    }
    let upper_half = |number: f32| (number.to_bits() >> 16).to_le_bytes().into_iter().take(2);
    out.extend(rows.iter().flat_map(|(_, row)| upper_half(row.residual)));
    out.extend(rows.iter().flat_map(|(_, row)| upper_half(row.length)));
    for (_, row) in rows {
        out.extend_from_slice(bytemuck::cast_slice(&row.codes));
    }
    let checksum = out.get(8..).map_or(0, xxh3_64);
    out.splice(0..8, checksum.to_le_bytes());
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::centre::Centre;
    use crate::store::quantise::quantise;

    fn rows(ordinals: &[u64], space: Space) -> Vec<(Ordinal, Codes)> {
        let embedding = |o: u64| [o as f32, 1.0, -2.0];
        ordinals.iter().map(|&o| (Ordinal(o), quantise(&embedding(o), &Centre::origin(3), space))).collect()
    }

    #[test]
    fn round_trip_with_and_without_gaps() {
        for space in Space::ALL {
            for ordinals in [&[5, 6, 7][..], &[5, 9, 70_000], &[0]] {
                let rows = rows(ordinals, space);
                let bytes = seal(&rows, 7).unwrap();
                Segment::verify(&bytes).unwrap();
                let segment = Segment::parse(&bytes).unwrap();
                assert_eq!(segment.to_rows(space), rows);
                assert_eq!(segment.centre(), Some(7));
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
            let row = quantise(&vec![1.0; dimension], &Centre::origin(dimension), Space::L2);
            let rows: Vec<_> = (0..rows_per_segment(dimension) as u64).map(|o| (Ordinal(2 * o), row.clone())).collect();
            assert!(seal(&rows, 0).unwrap().len() <= MAX_VALUE_BYTES, "{dimension}");
        }
    }

    #[test]
    fn damage_is_seen() {
        let bytes = seal(&rows(&[1, 2, 4], Space::L2), 0).unwrap();
        for at in 0..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            assert!(Segment::verify(&bytes).is_err(), "flipped at {at}");
            assert!(Segment::verify(&bytes[..at]).is_err(), "cut at {at}");
            let _ = Segment::parse(&bytes).map(|segment| segment.to_rows(Space::L2));
        }
    }
}
