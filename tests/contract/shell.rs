//! The rows run on a file, each in a folder of its own.

use std::any::Any;
use std::path::Path;

use huedb::store::Access;
use tempfile::TempDir;

use crate::rows::{Row, RowPlace, failures};

struct FilePlace;

impl RowPlace for FilePlace {
    fn begin(&self, folder: &Path) -> (Vec<(&'static str, String)>, Box<dyn Any>) {
        let mut variables = vec![("HUEDB_FILE", "test.redb".to_owned())];
        let keys = TempDir::new().unwrap();
        if crate::open::encrypted() {
            let key = keys.path().join("test.key");
            std::fs::write(&key, crate::open::KEY).unwrap();
            variables.push(("HUEDB_KEY_FILE", key.to_str().unwrap().to_owned()));
            drop(crate::open::open(folder.join("test.redb"), Access::Create).unwrap());
        }
        (variables, Box::new(keys))
    }
}

/// Runs `before` and then each row; reports every row that fails.
#[track_caller]
pub(crate) fn check(before: &str, rows: &[Row]) {
    let failed = failures(&FilePlace, before, rows);
    assert!(failed.is_empty(), "{} of {} rows failed\n\n{}", failed.len(), rows.len(), failed.join("\n"));
}
