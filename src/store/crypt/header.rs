//! The header of an encrypted file: how its key is made, and the key of its text, wrapped.
//!
//! Two pages of 4 KiB in front of the text, each with a copy of the same; a change writes the one that is not in force,
//! then the other, so a torn write leaves one of them whole. Everything in a copy is authenticated by the wrap (AES-256-GCM
//! over the fields before it); a checksum tells damage from a wrong key. Invariant: nothing a header asks for is done
//! before it is found to be within bounds.
//!
//! | at | bytes | |
//! |---|---|---|
//! | 0 | 16 | `huedb encrypted\n` |
//! | 16 | 4 | version, 1 |
//! | 20 | 8 | generation: the higher one of two copies is in force |
//! | 28 | 4 | 1 a passphrase through Argon2id, 2 random bytes |
//! | 32 | 12 | memory in KiB, passes, lanes |
//! | 44 | 32 | salt |
//! | 76 | 12 | nonce |
//! | 88 | 64 | the key of the text, encrypted |
//! | 152 | 16 | tag over all before |
//! | 168 | 8 | xxh3 of all before |

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit, Nonce, Tag};
use xxhash_rust::xxh3::xxh3_64;
use zeroize::Zeroizing;

use super::key::{Key, KeyDerivation, SALT_BYTES, WrappingKey};
use super::xts::{KEY_BYTES, SECTOR};
use crate::error::{Error, Result};

/// The length of the header: two copies, in sectors that no disk writes together.
pub(super) const HEADER_BYTES: u64 = 2 * SECTOR as u64;

const PLACES: [u64; 2] = [0, SECTOR as u64];
const MAGIC: &[u8; 16] = b"huedb encrypted\n";
const VERSION: u32 = 1;
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
const COPY_BYTES: usize = 176;
const ARGON2ID: u32 = 1;
const RAW: u32 = 2;

/// The key of the text.
pub(super) type DataKey = Zeroizing<[u8; KEY_BYTES]>;

/// What one copy of the header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct EncryptionHeader {
    generation: u64,
    derivation: KeyDerivation,
    salt: [u8; SALT_BYTES],
    nonce: [u8; NONCE_BYTES],
    wrapped: [u8; KEY_BYTES],
    tag: [u8; TAG_BYTES],
}

/// What is found in the place of one copy.
#[derive(Debug, PartialEq, Eq)]
enum HeaderSlot {
    Whole(EncryptionHeader),
    Damaged,
    Newer(u32),
    /// No header at all.
    Other,
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    let drawn = getrandom::fill(&mut bytes);
    drawn.map_err(|e| Error::io("draw random bytes", std::io::Error::other(e)))?;
    Ok(bytes)
}

/// Draws a key for a new text.
pub(super) fn new_data_key() -> Result<DataKey> {
    random().map(Zeroizing::new)
}

impl EncryptionHeader {
    /// Wraps the key of a text.
    pub(super) fn wrap(data_key: &DataKey, key: &Key, generation: u64) -> Result<Self> {
        let mut header = Self {
            generation,
            derivation: key.derivation(),
            salt: random()?,
            nonce: random()?,
            wrapped: **data_key,
            tag: [0; TAG_BYTES],
        };
        let refused = || Error::argument("the key cannot wrap");
        let cipher = cipher(&key.wrapping(header.derivation, &header.salt)?.ok_or_else(refused)?);
        let (nonce, fields) = (Nonce::from(header.nonce), header.fields());
        let tag = cipher.encrypt_inout_detached(&nonce, &fields, header.wrapped.as_mut_slice().into());
        header.tag = tag.map_err(|_| refused())?.0;
        Ok(header)
    }

    /// Returns the key of the text; `None` when `key` is not the one it was wrapped with.
    pub(super) fn unwrap(&self, key: &Key) -> Result<Option<DataKey>> {
        let Some(wrapping) = key.wrapping(self.derivation, &self.salt)? else { return Ok(None) };
        let mut data_key = Zeroizing::new(self.wrapped);
        let (nonce, tag) = (Nonce::from(self.nonce), Tag::from(self.tag));
        let text = data_key.as_mut_slice().into();
        let opened = cipher(&wrapping).decrypt_inout_detached(&nonce, &self.fields(), text, &tag);
        Ok(opened.is_ok().then_some(data_key))
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    pub(super) fn derivation(&self) -> KeyDerivation {
        self.derivation
    }

    /// The fields before the nonce.
    fn fields(&self) -> Vec<u8> {
        let (kind, memory_kib, passes, lanes) = match self.derivation {
            KeyDerivation::Argon2id { memory_kib, passes, lanes } => (ARGON2ID, memory_kib, passes, lanes),
            KeyDerivation::Raw => (RAW, 0, 0, 0),
        };
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend(self.generation.to_le_bytes());
        for number in [kind, memory_kib, passes, lanes] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(self.salt);
        bytes
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = self.fields();
        bytes.extend(self.nonce);
        bytes.extend(self.wrapped);
        bytes.extend(self.tag);
        bytes.extend(xxh3_64(&bytes).to_le_bytes());
        bytes.resize(SECTOR, 0);
        bytes
    }

    /// Reads the header of a file; `None` when it has none, as a plain file.
    pub(super) fn read(file: &File) -> Result<Option<Self>> {
        let places = places(file)?;
        // A page of a plain file may begin with anything, but not the first page.
        let plain =
            matches!(places, [HeaderSlot::Other, HeaderSlot::Other | HeaderSlot::Damaged | HeaderSlot::Newer(_)]);
        let newer =
            places.iter().find_map(|place| if let HeaderSlot::Newer(version) = place { Some(*version) } else { None });
        let whole = places
            .into_iter()
            .filter_map(|place| if let HeaderSlot::Whole(header) = place { Some(header) } else { None });
        match (whole.max_by_key(|header| header.generation), newer) {
            (None, _) if plain => Ok(None),
            (None, None) => Err(Error::damaged("both copies of the header of its encryption")),
            (None, Some(found)) => Err(Error::NewerFormat { path: PathBuf::new(), found, supported: VERSION }),
            (whole, _) => Ok(whole),
        }
    }

    /// Says what is wrong with the copies of an encrypted file, of which one is in force.
    pub(super) fn finding(file: &File) -> Result<Option<&'static str>> {
        Ok(match places(file)? {
            [one, other] if one == other => None,
            [HeaderSlot::Whole(_), HeaderSlot::Whole(_)] => Some("a change of the key was interrupted"),
            _ => Some("one of its two copies is damaged"),
        })
    }

    /// Writes both copies to a new file.
    pub(super) fn write_new(&self, file: &File) -> Result<()> {
        self.write(file, PLACES)
    }

    /// Takes the place of the header in force: whatever happens meanwhile, one of the two is in the file.
    pub(super) fn replace(&self, file: &File, in_force: &Self) -> Result<()> {
        let [first, second] = PLACES;
        let [at_first, _] = places(file)?;
        let is_first = matches!(at_first, HeaderSlot::Whole(header) if header == *in_force);
        self.write(file, if is_first { [second, first] } else { [first, second] })
    }

    fn write(&self, file: &File, places: [u64; 2]) -> Result<()> {
        let page = self.encode();
        let write = |place| file.write_all_at(&page, place).and_then(|()| file.sync_data());
        places.into_iter().try_for_each(write).map_err(|e| Error::io(String::new(), e))
    }
}

fn places(file: &File) -> Result<[HeaderSlot; 2]> {
    let read = |at| {
        let mut bytes = [0; COPY_BYTES];
        match file.read_exact_at(&mut bytes, at) {
            Ok(()) => Ok(HeaderSlot::parse(&bytes).unwrap_or(HeaderSlot::Damaged)),
            Err(e) if e.kind() == ErrorKind::UnexpectedEof => Ok(HeaderSlot::Other),
            Err(e) => Err(Error::io(String::new(), e)),
        }
    };
    let [first, second] = PLACES;
    Ok([read(first)?, read(second)?])
}

fn cipher(wrapping: &WrappingKey) -> Aes256Gcm {
    let key: &[u8; 32] = wrapping;
    Aes256Gcm::new(key.into())
}

impl HeaderSlot {
    /// `None` where a field is invalid.
    fn parse(bytes: &[u8; COPY_BYTES]) -> Option<Self> {
        let (content, checksum) = bytes.split_last_chunk::<8>()?;
        let (magic, rest) = content.split_first_chunk::<16>()?;
        if magic != MAGIC {
            return Some(Self::Other);
        }
        if xxh3_64(content).to_le_bytes() != *checksum {
            return Some(Self::Damaged);
        }
        let (version, rest) = rest.split_first_chunk()?;
        match u32::from_le_bytes(*version) {
            VERSION => {}
            newer if newer > VERSION => return Some(Self::Newer(newer)),
            _ => return None,
        }
        let (generation, mut rest) = rest.split_first_chunk()?;
        let mut numbers = [0; 4];
        for number in &mut numbers {
            let (bytes, after) = rest.split_first_chunk()?;
            (*number, rest) = (u32::from_le_bytes(*bytes), after);
        }
        let derivation = match numbers {
            [ARGON2ID, memory_kib, passes, lanes] => KeyDerivation::argon2id(memory_kib, passes, lanes)?,
            [RAW, 0, 0, 0] => KeyDerivation::Raw,
            _ => return None,
        };
        let (salt, rest) = rest.split_first_chunk()?;
        let (nonce, rest) = rest.split_first_chunk()?;
        let (wrapped, rest) = rest.split_first_chunk()?;
        let tag = rest.try_into().ok()?;
        let generation = u64::from_le_bytes(*generation);
        let (salt, nonce, wrapped) = (*salt, *nonce, *wrapped);
        Some(Self::Whole(EncryptionHeader { generation, derivation, salt, nonce, wrapped, tag }))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use super::*;
    use crate::record::random::Random;

    fn key(text: &str) -> Key {
        Key::new(text.as_bytes().to_vec()).unwrap()
    }

    /// A key that costs nothing.
    fn raw(byte: u8) -> Key {
        Key::new(vec![byte | 0x80; 32]).unwrap()
    }

    fn copy(header: &EncryptionHeader) -> [u8; COPY_BYTES] {
        header.encode()[..COPY_BYTES].try_into().unwrap()
    }

    /// Gives a copy the checksum of its other bytes.
    fn sealed(mut bytes: [u8; COPY_BYTES]) -> [u8; COPY_BYTES] {
        let checksum = xxh3_64(&bytes[..COPY_BYTES - 8]);
        bytes[COPY_BYTES - 8..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    #[test]
    fn only_its_own_key_opens_a_header() {
        let data_key = new_data_key().unwrap();
        for (own, other) in
            [(key("a passphrase"), key("another")), (raw(1), raw(2)), (key("x"), raw(1)), (raw(1), key("x"))]
        {
            let header = EncryptionHeader::wrap(&data_key, &own, 1).unwrap();
            assert_eq!(HeaderSlot::parse(&copy(&header)), Some(HeaderSlot::Whole(header.clone())));
            assert_eq!(header.unwrap(&own).unwrap(), Some(data_key.clone()));
            assert_eq!(header.unwrap(&other).unwrap(), None);
            // Nothing of the keys is in it.
            let bytes = header.encode();
            assert!(!bytes.windows(16).any(|window| data_key.windows(16).any(|part| part == window)));
        }
    }

    #[test]
    fn every_bit_of_a_header_is_authenticated() {
        let mut random = Random::new();
        let whole = copy(&EncryptionHeader::wrap(&new_data_key().unwrap(), &raw(1), 3).unwrap());
        for at in 0..COPY_BYTES - 8 {
            let mut bytes = whole;
            bytes[at] ^= 1 << random.below(8);
            let damaged = HeaderSlot::parse(&bytes);
            assert!(matches!(damaged, Some(HeaderSlot::Damaged | HeaderSlot::Other)), "byte {at}: {damaged:?}");
            // A hostile one has a checksum that fits.
            match HeaderSlot::parse(&sealed(bytes)) {
                Some(HeaderSlot::Whole(header)) => assert_eq!(header.unwrap(&raw(1)).unwrap(), None, "byte {at}"),
                other => assert!(at < 44, "byte {at}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_header_cannot_ask_for_more_than_the_bounds() {
        let with = |numbers: [u32; 4]| {
            let mut bytes = copy(&EncryptionHeader::wrap(&new_data_key().unwrap(), &raw(1), 1).unwrap());
            for (place, number) in bytes[28..44].chunks_mut(4).zip(numbers) {
                place.copy_from_slice(&number.to_le_bytes());
            }
            HeaderSlot::parse(&sealed(bytes)).unwrap_or(HeaderSlot::Damaged)
        };
        for allowed in [[1, 64 << 10, 3, 1], [1, 1 << 20, 8, 4], [1, 256 << 10, 32, 64], [2, 0, 0, 0]] {
            assert!(matches!(with(allowed), HeaderSlot::Whole(_)), "{allowed:?}");
        }
        for refused in [
            [1, u32::MAX, 1, 1],
            [1, (1 << 20) + 1, 1, 1],
            [1, 1 << 20, 9, 1],
            [1, 1 << 10, u32::MAX, 1],
            [1, 64 << 10, 3, 65],
            [2, 1, 0, 0],
            [3, 0, 0, 0],
        ] {
            assert_eq!(with(refused), HeaderSlot::Damaged, "{refused:?}");
        }
        // Less than Argon2 accepts is an error, not a panic.
        let HeaderSlot::Whole(header) = with([1, 0, 0, 0]) else { panic!("within bounds") };
        assert!(header.unwrap(&key("x")).is_err());
    }

    #[test]
    fn a_torn_change_of_the_key_loses_nothing() {
        let mut random = Random::new();
        let data_key = new_data_key().unwrap();
        let (old_key, new_key) = (raw(1), raw(2));
        let old = EncryptionHeader::wrap(&data_key, &old_key, 1).unwrap();
        let new = EncryptionHeader::wrap(&data_key, &new_key, 2).unwrap();
        let page = new.encode();
        let opens = |file: &File| {
            let header = EncryptionHeader::read(file).unwrap().unwrap();
            let key = [&old_key, &new_key].into_iter().find_map(|key| header.unwrap(key).unwrap());
            assert_eq!(key, Some(data_key.clone()));
        };
        for [first, second] in [[0, SECTOR as u64], [SECTOR as u64, 0]] {
            let file = tempfile::tempfile().unwrap();
            old.write_new(&file).unwrap();
            assert_eq!(EncryptionHeader::finding(&file).unwrap(), None);
            for place in [first, second] {
                for _ in 0..20 {
                    // A part of the page arrives, in any of its pieces.
                    let start = random.below(COPY_BYTES as u64) as usize;
                    let end = start + random.below((SECTOR - start) as u64) as usize;
                    file.write_all_at(&page[start..end], place + start as u64).unwrap();
                    opens(&file);
                }
                file.write_all_at(&page, place).unwrap();
                opens(&file);
                assert_eq!(EncryptionHeader::finding(&file).unwrap().is_some(), place == first);
            }
            assert_eq!(EncryptionHeader::read(&file).unwrap(), Some(new.clone()));
        }
    }

    #[test]
    fn a_change_writes_the_copy_that_is_not_in_force_first() {
        let data_key = new_data_key().unwrap();
        let (old, new) = (
            EncryptionHeader::wrap(&data_key, &raw(1), 1).unwrap(),
            EncryptionHeader::wrap(&data_key, &raw(2), 2).unwrap(),
        );
        for damaged in [None, Some(0), Some(SECTOR as u64)] {
            let file = tempfile::tempfile().unwrap();
            old.write_new(&file).unwrap();
            if let Some(place) = damaged {
                file.write_all_at(&[0; 100], place).unwrap();
                assert_eq!(EncryptionHeader::read(&file).unwrap(), Some(old.clone()), "one copy is enough");
                assert_eq!(EncryptionHeader::finding(&file).unwrap(), Some("one of its two copies is damaged"));
            }
            new.replace(&file, &old).unwrap();
            assert_eq!(EncryptionHeader::read(&file).unwrap(), Some(new.clone()));
            assert_eq!(EncryptionHeader::finding(&file).unwrap(), None);
        }
    }

    #[test]
    fn a_file_is_plain_damaged_or_of_a_later_version() {
        let header = EncryptionHeader::wrap(&new_data_key().unwrap(), &raw(1), 1).unwrap();
        let read = |first: &[u8], second: &[u8]| {
            let file = tempfile::tempfile().unwrap();
            file.write_all_at(first, 0).unwrap();
            file.write_all_at(second, SECTOR as u64).unwrap();
            EncryptionHeader::read(&file)
        };
        let (whole, mut damaged) = (copy(&header), copy(&header));
        damaged[60] ^= 1;
        let mut newer = whole;
        newer[16] = 9;
        let newer = sealed(newer);
        assert!(matches!(read(b"", b""), Ok(None)));
        assert!(matches!(read(b"redb\x1a\x0a\xa9\x0d\x0a", &[1; 4096]), Ok(None)));
        assert!(matches!(read(&[1; 4096], &damaged), Ok(None)));
        assert!(matches!(read(&damaged, &whole), Ok(Some(_))));
        assert!(matches!(read(&whole, b""), Ok(Some(_))));
        assert!(matches!(read(&damaged, &damaged), Err(Error::Damaged { .. })));
        assert!(matches!(read(&damaged, b""), Err(Error::Damaged { .. })));
        assert!(matches!(read(&newer, &newer), Err(Error::NewerFormat { found: 9, supported: 1, .. })));
        assert!(matches!(read(&newer, &damaged), Err(Error::NewerFormat { .. })));
    }
}
