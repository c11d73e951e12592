//! Facts about a file as a whole.

use redb::ReadableTable;
use uuid::Uuid;

use super::catalog::CatalogEntry;
use super::crypt::Seal;
use super::table::{self, meta};
use super::{KeyDerivation, Store};
use crate::error::{Error, Result};

/// Facts about a file that belong to no collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFacts {
    /// Its identity, kept when it is copied.
    pub id: Uuid,
    /// The format version it has.
    pub format: u32,
    /// The program that made it.
    pub created_by: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// Collections in all its databases.
    pub collections: u64,
    /// Records in all of them.
    pub records: u64,
    /// How its key is made, when it is encrypted.
    pub encryption: Option<KeyDerivation>,
}

impl Store {
    /// Returns facts about the file as a whole.
    ///
    /// # Errors
    /// [`Error::Damaged`] or [`Error::Io`].
    pub fn file_facts(&self) -> Result<FileFacts> {
        let bytes = self.file_bytes()?;
        let encryption = self.handle().seal.as_ref().map(Seal::derivation);
        self.read(|tx| {
            let names = tx.open_table(table::META)?;
            let value = |name| names.get(name).map(|value| value.map(|v| v.value().to_vec()).unwrap_or_default());
            let entries = tx.open_table(table::COLLECTION)?;
            let (mut collections, mut records) = (0, 0);
            for row in entries.iter()? {
                let (number, entry) = row?;
                let name = format!("number {}", u32::from_be_bytes(*number.value()));
                records += CatalogEntry::decode(entry.value(), &name)?.counts().records;
                collections += 1;
            }
            let format = value(meta::FORMAT)?.try_into().map_err(|_| Error::damaged("the format version"))?;
            Ok(FileFacts {
                id: Uuid::from_slice(&value(meta::FILE_ID)?).map_err(|_| Error::damaged("the id of the file"))?,
                format: u32::from_le_bytes(format),
                created_by: String::from_utf8_lossy(&value(meta::CREATED_BY)?).into_owned(),
                bytes,
                collections,
                records,
                encryption,
            })
        })
    }
}
