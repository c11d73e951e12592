//! How tests open files: plain, or encrypted when `HUEDB_TEST_ENCRYPTED` is set.

use std::path::Path;

use huedb::error::Result;
use huedb::store::{Access, Key, Options, Store};

/// 32 bytes that are no text, so no passphrase that every opening would have to be paid for.
pub(crate) const KEY: [u8; 32] = [0xa5; 32];

pub(crate) fn encrypted() -> bool {
    std::env::var_os("HUEDB_TEST_ENCRYPTED").is_some_and(|set| !set.is_empty() && set != "0")
}

pub(crate) fn options() -> Options {
    let key = encrypted().then(|| Key::new(KEY.to_vec()).unwrap());
    Options { encrypt: key.is_some(), key, ..Options::default() }
}

pub(crate) fn open(path: impl AsRef<Path>, access: Access) -> Result<Store> {
    Store::open_with(path, access, &options())
}
