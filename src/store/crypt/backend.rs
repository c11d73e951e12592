//! A storage backend for redb that encrypts its sectors on top of another.
//!
//! The header stands before them, so every offset is moved by its length; locks are not, since what redb locks are
//! numbers without another meaning. Invariant: the storage below sees only whole sectors of cipher text. redb
//! writes whole sectors as well, but for its own header, whose writes it keeps apart by a lock; the rest of that sector
//! is written again as it was, byte for byte, so what a torn write leaves is what it leaves in a plain file.

use std::io::{Error, ErrorKind, Result};

use redb::StorageBackend;

use super::header::HEADER_BYTES;
use super::xts::{SECTOR, Xts};
use crate::store::backend::{Locked, Offset};

/// Bytes encrypted or decrypted between two calls of the storage below: they stay in the processor's cache.
const AT_ONCE: usize = 32 * SECTOR;

/// Encrypts what goes into `inner` and decrypts what comes out.
pub(in crate::store) struct EncryptedBackend<B> {
    inner: B,
    cipher: Xts,
}

impl<B> std::fmt::Debug for EncryptedBackend<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EncryptedBackend").finish_non_exhaustive()
    }
}

/// The sector that an offset lies in, the place in it, and how many of `len` bytes lie in the same sector, or, from its
/// beginning, in whole sectors that are handled at once.
fn part(offset: u64, len: usize) -> Result<(u64, usize, usize)> {
    let number = offset / SECTOR as u64;
    let within = usize::try_from(offset % SECTOR as u64).map_err(Error::other)?;
    let whole = len.min(AT_ONCE) / SECTOR * SECTOR;
    Ok((number, within, if within == 0 && whole > 0 { whole } else { len.min(SECTOR - within) }))
}

/// The offset of a sector in the storage below.
fn place(number: u64) -> Result<u64> {
    let place = number.checked_mul(SECTOR as u64).and_then(|place| place.checked_add(HEADER_BYTES));
    place.ok_or_else(|| Error::new(ErrorKind::InvalidInput, "an offset past the end of all files"))
}

impl<B: StorageBackend> EncryptedBackend<B> {
    pub(in crate::store) fn new(inner: B, cipher: Xts) -> Self {
        Self { inner, cipher }
    }

    fn read_sectors(&self, number: u64, out: &mut [u8]) -> Result<()> {
        self.inner.read(place(number)?, out)?;
        self.cipher.decrypt(number, out);
        Ok(())
    }

    fn write_sectors(&self, number: u64, sectors: &mut [u8]) -> Result<()> {
        self.cipher.encrypt(number, sectors);
        self.inner.write(place(number)?, sectors)
    }
}

impl<B: StorageBackend> StorageBackend for EncryptedBackend<B> {
    fn len(&self) -> Result<u64> {
        Ok(self.inner.len()?.saturating_sub(HEADER_BYTES))
    }

    fn read(&self, mut offset: u64, mut out: &mut [u8]) -> Result<()> {
        while !out.is_empty() {
            let (number, within, len) = part(offset, out.len())?;
            let (now, later) = out.split_at_mut(len);
            if len.is_multiple_of(SECTOR) {
                self.read_sectors(number, now)?;
            } else {
                let mut sector = [0; SECTOR];
                self.read_sectors(number, &mut sector)?;
                now.copy_from_slice(sector.split_at(within).1.split_at(len).0);
            }
            offset += len as u64;
            out = later;
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> Result<()> {
        if !len.is_multiple_of(SECTOR as u64) {
            return Err(Error::new(ErrorKind::InvalidInput, "an encrypted file has whole sectors"));
        }
        self.inner.set_len(place(len / SECTOR as u64)?)
    }

    fn sync_data(&self) -> Result<()> {
        self.inner.sync_data()
    }

    fn write(&self, mut offset: u64, mut data: &[u8]) -> Result<()> {
        let mut sectors = vec![0; data.len().clamp(SECTOR, AT_ONCE)];
        while !data.is_empty() {
            let (number, within, len) = part(offset, data.len())?;
            let (now, later) = data.split_at(len);
            if len.is_multiple_of(SECTOR) {
                let (sectors, _) = sectors.split_at_mut(len);
                sectors.copy_from_slice(now);
                self.write_sectors(number, sectors)?;
            } else {
                let (sector, _) = sectors.split_at_mut(SECTOR);
                self.read_sectors(number, sector)?;
                sector.split_at_mut(within).1.split_at_mut(len).0.copy_from_slice(now);
                self.write_sectors(number, sector)?;
            }
            offset += len as u64;
            data = later;
        }
        Ok(())
    }

    fn close(&self) -> Result<()> {
        self.inner.close()
    }

    fn try_lock_range(&self, start: Offset, end: Offset) -> Locked<bool> {
        self.inner.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Offset, end: Offset) -> Locked<bool> {
        self.inner.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Offset, end: Offset) -> Locked<()> {
        self.inner.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Offset, end: Offset) -> Locked<()> {
        self.inner.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Offset, end: Offset) -> Locked<()> {
        self.inner.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Offset, end: Offset) -> Locked<bool> {
        self.inner.query_lock_range(start, end)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use redb::backends::InMemoryBackend;

    use super::*;
    use crate::record::random::Random;

    /// A storage that the test can look into while the backend has it.
    #[derive(Debug, Clone)]
    struct SharedStorage(Arc<InMemoryBackend>);

    impl StorageBackend for SharedStorage {
        fn len(&self) -> Result<u64> {
            self.0.len()
        }

        fn read(&self, offset: u64, out: &mut [u8]) -> Result<()> {
            StorageBackend::read(&*self.0, offset, out)
        }

        fn set_len(&self, len: u64) -> Result<()> {
            self.0.set_len(len)
        }

        fn sync_data(&self) -> Result<()> {
            self.0.sync_data()
        }

        fn write(&self, offset: u64, data: &[u8]) -> Result<()> {
            StorageBackend::write(&*self.0, offset, data)
        }
    }

    fn below(random: &mut Random, end: usize) -> usize {
        random.below(end as u64) as usize
    }

    #[test]
    fn reads_and_writes_anywhere_are_those_of_a_plain_storage() {
        let mut random = Random::new();
        let storage = SharedStorage(Arc::new(InMemoryBackend::new()));
        let backend = EncryptedBackend::new(storage.clone(), Xts::new(&random.bytes(64).try_into().unwrap()));
        let mut plain: Vec<u8> = Vec::new();
        for _ in 0..400 {
            match random.below(8) {
                0 => {
                    let sectors = below(&mut random, 100);
                    backend.set_len((sectors * SECTOR) as u64).unwrap();
                    plain.resize(sectors * SECTOR, 0);
                }
                _ if plain.is_empty() => {}
                step => {
                    let at = below(&mut random, plain.len());
                    let longest = if step < 4 { 700 } else { plain.len() };
                    let mut len = 1 + below(&mut random, longest.min(plain.len() - at));
                    let mut at = at;
                    if random.below(2) == 0 {
                        (at, len) = (at / SECTOR * SECTOR, len.next_multiple_of(SECTOR).min(plain.len() - at));
                    }
                    if step.is_multiple_of(2) {
                        let data = random.bytes(len);
                        backend.write(at as u64, &data).unwrap();
                        plain[at..at + len].copy_from_slice(&data);
                    } else {
                        let mut out = vec![1; len];
                        backend.read(at as u64, &mut out).unwrap();
                        assert!(out == plain[at..at + len], "{len} bytes at {at}");
                    }
                }
            }
            assert_eq!(backend.len().unwrap(), plain.len() as u64);
        }
        let mut all = vec![0; plain.len()];
        backend.read(0, &mut all).unwrap();
        assert!(all == plain);
        // The header's place is left alone, and no plain text is below.
        let mut below = vec![0; storage.len().unwrap() as usize];
        StorageBackend::read(&storage, 0, &mut below).unwrap();
        let (header, below) = below.split_at(HEADER_BYTES as usize);
        assert!(header.iter().all(|byte| *byte == 0));
        for text in plain.chunks(16).filter(|text| text.iter().any(|byte| *byte != 0)) {
            assert!(!below.chunks(16).any(|cipher| cipher == text));
        }
    }

    #[test]
    fn reading_past_the_end_is_an_error() {
        let backend = EncryptedBackend::new(InMemoryBackend::new(), Xts::new(&[7; 64]));
        backend.set_len(SECTOR as u64).unwrap();
        let mut out = [0; 2];
        assert!(backend.read(SECTOR as u64 - 1, &mut out).is_err());
        assert!(backend.read(u64::MAX - 1, &mut out).is_err());
        assert!(backend.write(SECTOR as u64, &out).is_err());
        assert!(backend.set_len(100).is_err());
    }

    #[test]
    fn a_part_written_again_unchanged_changes_no_byte_below() {
        let storage = SharedStorage(Arc::new(InMemoryBackend::new()));
        let backend = EncryptedBackend::new(storage.clone(), Xts::new(&[7; 64]));
        backend.set_len(2 * SECTOR as u64).unwrap();
        backend.write(100, &[5; 5000]).unwrap();
        let below = |storage: &SharedStorage| {
            let mut bytes = vec![0; storage.len().unwrap() as usize];
            StorageBackend::read(storage, 0, &mut bytes).unwrap();
            bytes
        };
        let before = below(&storage);
        backend.write(300, &[5; 320]).unwrap();
        assert!(below(&storage) == before);
        // What redb relies on: a change of its header changes the blocks of 16 bytes it lies in, and no others.
        backend.write(320, &[6; 128]).unwrap();
        let start = HEADER_BYTES as usize;
        let after = below(&storage);
        for (at, (old, new)) in before[start..].chunks(16).zip(after[start..].chunks(16)).enumerate() {
            assert_eq!(old != new, (20..28).contains(&at), "block {at}");
        }
    }
}
