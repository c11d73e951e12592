//! Encryption at rest: the pages of the file as cipher text, under redb.
//!
//! A random key encrypts the pages; what the user gives encrypts that key, which stands in the [`header`]. So another
//! passphrase is another header. Invariant: no content reaches the disk unencrypted, and without the key nothing but the
//! header is read. XTS hides and does not authenticate: SECURITY.md says what follows.

mod backend;
mod header;
mod key;
mod seal;
mod xts;

pub(super) use backend::EncryptedBackend;
pub use key::MOST_KEY_BYTES;
pub use key::{Key, KeyDerivation};
pub use seal::is_encrypted;
pub(super) use seal::{Seal, finding};
pub(super) use xts::Xts;
