//! What opens an encrypted file: a passphrase, or 32 random bytes.
//!
//! A passphrase is made expensive to guess by Argon2id; random bytes need nothing of the kind. Which of the two some
//! bytes are is decided by the bytes alone, so a file opens with what it was made with. Invariant: nothing of a key is
//! printed, and what is dropped is overwritten.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use argon2::{Algorithm, Argon2, Params, Version};
use zeroize::Zeroizing;

use crate::error::{Error, Result};

pub(super) const SALT_BYTES: usize = 32;

/// Encrypts the key that the text is encrypted with.
pub(super) type WrappingKey = Zeroizing<[u8; RAW_BYTES]>;

const RAW_BYTES: usize = 32;
/// The longest key or passphrase. A longer file is not the one that was meant.
pub const MOST_KEY_BYTES: usize = 4096;

/// How the wrapping key is derived from what the user gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyDerivation {
    /// Argon2id, version 1.3, from a passphrase.
    Argon2id {
        /// Memory in KiB.
        memory_kib: u32,
        /// Passes over it.
        passes: u32,
        /// Lanes that it is divided into.
        lanes: u32,
    },
    /// None: the 32 random bytes are the key.
    Raw,
}

impl KeyDerivation {
    /// The cost of a guess in new files: more than OWASP asks for, and the memory of RFC 9106's second choice, in one lane
    /// since this program computes one after the other.
    pub(super) const PASSPHRASE: Self = Self::Argon2id { memory_kib: 64 << 10, passes: 3, lanes: 1 };
    /// No file may ask for more: 1 GiB, ...
    const MOST_MEMORY_KIB: u32 = 1 << 20;
    /// ... nor for more work: eight passes over it.
    const MOST_KIB_PASSED: u64 = 8 << 20;
    const MOST_LANES: u32 = 64;

    /// Returns a cost that a header asks for, when it is within bounds.
    pub(super) fn argon2id(memory_kib: u32, passes: u32, lanes: u32) -> Option<Self> {
        let work = u64::from(memory_kib) * u64::from(passes);
        let bounded = memory_kib <= Self::MOST_MEMORY_KIB && work <= Self::MOST_KIB_PASSED && lanes <= Self::MOST_LANES;
        bounded.then_some(Self::Argon2id { memory_kib, passes, lanes })
    }
}

impl fmt::Display for KeyDerivation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argon2id { memory_kib, passes, lanes } => {
                write!(f, "passphrase, Argon2id with {} MiB, {passes} passes, {lanes} lanes", memory_kib >> 10)
            }
            Self::Raw => write!(f, "32 random bytes"),
        }
    }
}

enum Secret {
    Passphrase(Zeroizing<Vec<u8>>),
    Raw(WrappingKey),
}

/// What opens an encrypted file.
#[derive(Clone)]
pub struct Key(Arc<Inner>);

struct Inner {
    secret: Secret,
    /// The last key that was made: a command opens one file more than once.
    made: Mutex<Option<MadeKey>>,
}

struct MadeKey {
    derivation: KeyDerivation,
    salt: [u8; SALT_BYTES],
    key: WrappingKey,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").finish_non_exhaustive()
    }
}

impl Key {
    /// Takes the content of a key file, or typed input.
    ///
    /// 64 hexadecimal digits, and 32 bytes that are no UTF-8 text, are random bytes; anything else is a passphrase. One
    /// line end after digits or a passphrase does not count.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when there is nothing, or more than 4096 bytes.
    pub fn new(bytes: impl Into<Zeroizing<Vec<u8>>>) -> Result<Self> {
        let bytes: Zeroizing<Vec<u8>> = bytes.into();
        if bytes.len() > MOST_KEY_BYTES {
            return Err(Error::argument(format!("the key has more than {MOST_KEY_BYTES} bytes")));
        }
        let secret = match <[u8; RAW_BYTES]>::try_from(bytes.as_slice()) {
            Ok(raw) if std::str::from_utf8(&bytes).is_err() => Secret::Raw(Zeroizing::new(raw)),
            _ => {
                let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                if line.is_empty() {
                    return Err(Error::argument("the key is empty"));
                }
                digits(line).map_or_else(|| Secret::Passphrase(Zeroizing::new(line.to_vec())), Secret::Raw)
            }
        };
        Ok(Self(Arc::new(Inner { secret, made: Mutex::new(None) })))
    }

    /// Returns how the key of a new header is made.
    pub(super) fn derivation(&self) -> KeyDerivation {
        match self.0.secret {
            Secret::Passphrase(_) => KeyDerivation::PASSPHRASE,
            Secret::Raw(_) => KeyDerivation::Raw,
        }
    }

    /// Derives the wrapping key; `None` when the file needs a passphrase and this is not one, or the other way round.
    pub(super) fn wrapping(&self, derivation: KeyDerivation, salt: &[u8; SALT_BYTES]) -> Result<Option<WrappingKey>> {
        let (memory_kib, passes, lanes, passphrase) = match (derivation, &self.0.secret) {
            (KeyDerivation::Raw, Secret::Raw(key)) => return Ok(Some(key.clone())),
            (KeyDerivation::Argon2id { memory_kib, passes, lanes }, Secret::Passphrase(passphrase)) => {
                (memory_kib, passes, lanes, passphrase)
            }
            _ => return Ok(None),
        };
        let mut made = self.0.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = made.as_ref().filter(|made| made.derivation == derivation && made.salt == *salt) {
            return Ok(Some(made.key.clone()));
        }
        let failed =
            |e: argon2::Error| Error::io("make the key from the passphrase", std::io::Error::other(e.to_string()));
        let params = Params::new(memory_kib, passes, lanes, Some(RAW_BYTES)).map_err(failed)?;
        let mut key = Zeroizing::new([0; RAW_BYTES]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase, salt, key.as_mut())
            .map_err(failed)?;
        *made = Some(MadeKey { derivation, salt: *salt, key: key.clone() });
        Ok(Some(key))
    }
}

fn digits(line: &[u8]) -> Option<WrappingKey> {
    let mut key = Zeroizing::new([0; RAW_BYTES]);
    let (pairs, rest) = line.as_chunks::<2>();
    if pairs.len() != RAW_BYTES || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in key.iter_mut().zip(pairs) {
        let digit = |digit: &u8| char::from(*digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        *byte = digit(high)? << 4 | digit(low)?;
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(bytes: &[u8]) -> Key {
        Key::new(bytes.to_vec()).unwrap()
    }

    #[test]
    fn what_a_key_is_follows_from_its_bytes() {
        let raw: [u8; 32] = std::array::from_fn(|i| 0xf0 + (i % 16) as u8);
        let hex: String = raw.iter().map(|byte| format!("{byte:02x}")).collect();
        let salt = [0; SALT_BYTES];
        for bytes in [raw.to_vec(), hex.clone().into_bytes(), format!("{}\r\n", hex.to_uppercase()).into_bytes()] {
            assert_eq!(key(&bytes).derivation(), KeyDerivation::Raw);
            assert_eq!(*key(&bytes).wrapping(KeyDerivation::Raw, &salt).unwrap().unwrap(), raw);
        }
        for text in [&b"correct horse"[..], &[b'x'; 32], &hex.as_bytes()[1..], &[0xff; 31]] {
            assert_eq!(key(text).derivation(), KeyDerivation::PASSPHRASE);
            assert!(key(text).wrapping(KeyDerivation::Raw, &salt).unwrap().is_none());
        }
        assert!(key(&raw).wrapping(KeyDerivation::PASSPHRASE, &salt).unwrap().is_none());
        for none in [&b""[..], b"\n", b"\r\n", &[b'x'; MOST_KEY_BYTES + 1]] {
            assert!(Key::new(none.to_vec()).is_err());
        }
    }

    #[test]
    fn a_line_end_does_not_count_and_everything_else_does() {
        let cheap = KeyDerivation::Argon2id { memory_kib: 64, passes: 1, lanes: 1 };
        let made = |text: &str, salt: u8| key(text.as_bytes()).wrapping(cheap, &[salt; SALT_BYTES]).unwrap().unwrap();
        assert_eq!(made("secret", 1), made("secret\n", 1));
        assert_eq!(made("secret", 1), made("secret\r\n", 1));
        assert_ne!(made("secret", 1), made("secret ", 1));
        assert_ne!(made("secret", 1), made("secret\n\n", 1));
        assert_ne!(made("secret", 1), made("secret", 2));
    }

    #[test]
    fn argon2id_is_that_of_its_reference() {
        // The reference implementation, through argon2-cffi.
        let derivation = KeyDerivation::Argon2id { memory_kib: 256, passes: 2, lanes: 1 };
        let made = key(b"password").wrapping(derivation, b"somesaltsomesaltsomesaltsomesalt").unwrap().unwrap();
        let hex: String = made.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "f43a2575d69c38696eafaa18f59dfe13ac7225c2b8984b2626347c090aae2f15");
    }

    #[test]
    fn a_key_prints_nothing_of_itself() {
        assert_eq!(format!("{:?}", key(b"hunter2")), "Key { .. }");
    }
}
