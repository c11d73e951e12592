//! The rows of a cluster by themselves, so that a filter meets them before their signs are read.
//!
//! Layout: xxh3-64 of all that follows, then what each ordinal lies past the one before, in seven-bit groups. Invariant: every
//! row in a chunk of the cluster is among them; others may be, which were in one.

use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Error, Result};
use crate::store::codec::{Reader, put_len};

const WHAT: &str = "the rows of a cluster";
const CHECKSUM_BYTES: usize = 8;

/// Ordinals, ascending, on their way into the file.
#[derive(Debug, Clone, Default)]
pub(crate) struct RowList {
    gaps: Vec<u8>,
    last: u64,
}

impl RowList {
    /// Adds an ordinal that is not below the last.
    pub(crate) fn push(&mut self, ordinal: u64) {
        put_len(&mut self.gaps, usize::try_from(ordinal.saturating_sub(self.last)).unwrap_or(usize::MAX));
        self.last = self.last.max(ordinal);
    }

    /// Returns a list of ordinals, which ascend.
    pub(crate) fn of(ordinals: impl IntoIterator<Item = u64>) -> Self {
        let mut list = Self::default();
        ordinals.into_iter().for_each(|ordinal| list.push(ordinal));
        list
    }

    /// Returns whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.gaps.is_empty()
    }

    /// Returns their bytes in the file.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        [&xxh3_64(&self.gaps).to_le_bytes(), self.gaps.as_slice()].concat()
    }
}

/// Compares the checksum of a list with its bytes.
///
/// # Errors
/// [`Error::Damaged`] when they differ.
pub(crate) fn verify(bytes: &[u8]) -> Result<()> {
    let mut reader = Reader::new(bytes, WHAT);
    if reader.u64()? == xxh3_64(reader.rest()) {
        Ok(())
    } else {
        Err(Error::damaged("the rows of a cluster do not match their checksum"))
    }
}

/// Returns whether any of the rows is wanted; the checksum is not computed.
///
/// # Errors
/// [`Error::Damaged`] when they cannot be read.
pub(crate) fn any(bytes: &[u8], mut wanted: impl FnMut(u64) -> bool) -> Result<bool> {
    let mut reader = Reader::new(bytes, WHAT);
    reader.bytes(CHECKSUM_BYTES)?;
    let mut ordinal = 0_u64;
    while reader.remaining() > 0 {
        ordinal = ordinal.saturating_add(reader.gap()?);
        if wanted(ordinal) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns all rows; the checksum is computed.
///
/// # Errors
/// [`Error::Damaged`] when they are not what was written.
pub(crate) fn all(bytes: &[u8]) -> Result<Vec<u64>> {
    let mut all = Vec::new();
    verify(bytes)?;
    any(bytes, |ordinal| {
        all.push(ordinal);
        false
    })?;
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_round_trip_and_damage_is_seen() {
        let ordinals = [0, 1, 127, 128, 70_000, 1 << 40];
        let bytes = RowList::of(ordinals).to_bytes();
        assert_eq!(all(&bytes).unwrap(), ordinals);
        assert!(RowList::of([]).is_empty() && all(&RowList::of([]).to_bytes()).unwrap().is_empty());
        assert!(any(&bytes, |ordinal| ordinal == 128).unwrap() && !any(&bytes, |ordinal| ordinal == 129).unwrap());
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            let _ = any(&flipped, |_| false);
            assert!(all(&flipped).is_err() && all(&bytes[..at]).is_err(), "at {at}");
        }
    }
}
