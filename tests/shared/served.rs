//! Rows of the contract on a server in place of a file.
//!
//! A row that is of files alone is named in [`FILES_ALONE`], with why.

use std::any::Any;
use std::path::Path;

use huedb::serve::{ServeOptions, Server};
use huedb::store::{Access, Store};
use tempfile::TempDir;

use crate::rows::{Row, RowPlace};

/// What stands in the scripts of rows that are of files alone.
const FILES_ALONE: [&str; 6] = [
    // Verbs that work on a file.
    "huedb check",
    "huedb compact",
    "huedb reembed",
    "export --all",
    "import --all",
    // The file itself is looked at.
    "test.redb",
];

pub(crate) fn is_of_files(row: &Row) -> bool {
    FILES_ALONE.iter().any(|script| row.1.contains(script))
}

/// A server of its own for each row.
pub(crate) struct ServerPlace;

impl RowPlace for ServerPlace {
    fn begin(&self, _: &Path) -> (Vec<(&'static str, String)>, Box<dyn Any>) {
        let folder = TempDir::new().unwrap();
        let store = Store::open(folder.path().join("served.redb"), Access::Create).unwrap();
        let options = ServeOptions::of_process().unwrap();
        let server = Server::start(store, "127.0.0.1:0".parse().unwrap(), options).unwrap();
        (vec![("HUEDB_FILE", format!("http://{}", server.address()))], Box::new((server, folder)))
    }

    fn passes_over(&self, row: &Row) -> bool {
        is_of_files(row)
    }
}
