//! How large the parts of a record may be: what the README promises, checked before anything is written.
//!
//! redb would take more, but a value of several GiB needs as much memory, and redb's own error comes too late to
//! name the record.

use crate::error::{Error, Result};
use crate::record::RecordId;

/// The longest id.
pub const MAX_ID_BYTES: usize = 1 << 20;
/// The largest record: id, document, uri and metadata together, as the file keeps them.
pub const MAX_RECORD_BYTES: usize = 128 << 20;

/// Characters of a long id that a message shows.
const SHOWN_CHARACTERS: usize = 64;

/// Refuses an id that is too long.
///
/// # Errors
/// [`Error::InvalidArgument`].
pub fn check_id(id: &RecordId) -> Result<()> {
    let bytes = id.as_str().len();
    if bytes <= MAX_ID_BYTES {
        return Ok(());
    }
    Err(Error::argument(format!("the id has {bytes} bytes; the maximum is {MAX_ID_BYTES}")))
}

/// Refuses texts that are too large for a record, before any work is done on them.
///
/// # Errors
/// [`Error::InvalidArgument`].
pub fn check_texts(id: &RecordId, document: Option<&str>, uri: Option<&str>) -> Result<()> {
    check_record(id.as_str().len() + document.map_or(0, str::len) + uri.map_or(0, str::len))
}

/// Refuses a record that takes too many bytes in the file.
pub(crate) fn check_record(bytes: usize) -> Result<()> {
    if bytes <= MAX_RECORD_BYTES {
        return Ok(());
    }
    Err(Error::InvalidArgument {
        why: format!(
            "it takes {bytes} bytes; the maximum is {MAX_RECORD_BYTES} for id, document, uri and metadata together"
        ),
        hint: Some("split the document into several records".into()),
    })
}

/// Names a record, with a long id shortened.
pub(crate) fn of_record(id: &RecordId, error: Error) -> Error {
    let id = id.as_str();
    let start: String = id.chars().take(SHOWN_CHARACTERS).collect();
    if start.len() == id.len() { error.of_record(id) } else { error.of_record(&format!("{start}...")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::record::CollectionName;
    use crate::store::table::{self, meta};
    use crate::store::{Access, Change, Depth, NewCollection, Store};

    #[test]
    fn the_last_collection_of_a_file() {
        let folder = tempfile::TempDir::new().unwrap();
        let store = Store::open(folder.path().join("test.redb"), Access::Create).unwrap();
        let create =
            |name: &str| store.create_collection(CollectionName::parse(name).unwrap(), NewCollection::default());
        create("first").unwrap();
        let last = (u32::MAX - 1).to_le_bytes();
        let set = |tx: &redb::WriteTransaction| {
            Ok(tx.open_table(table::META)?.insert(meta::NEXT_COLLECTION, last.as_slice())?.map(drop))
        };
        store.write(set).unwrap();
        create("last").unwrap();
        let change = |embedding: f32| Change {
            id: RecordId::parse("a").unwrap(),
            embedding: Some(vec![embedding]),
            embedded_here: false,
            document: Some("text".into()),
            uri: None,
            metadata: crate::record::MetadataPatch::from_json(serde_json::json!({"n": 1})).unwrap(),
        };
        for name in ["first", "last"] {
            store.collection(name).unwrap().add([change(1.0)]).unwrap();
        }
        assert_eq!(create("one-more").unwrap_err().kind(), ErrorKind::Input);
        assert_eq!(store.collections().unwrap().len(), 2);
        assert_eq!(store.check(None, Depth::Deep).unwrap(), []);
        store.drop_collection("last").unwrap();
        assert_eq!(store.check(None, Depth::Deep).unwrap(), []);
    }
}
