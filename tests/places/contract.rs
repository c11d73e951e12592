//! The rows of the contract, on PostgreSQL in place of a file.

use std::any::Any;
use std::path::Path;
use std::sync::Arc;

use crate::postgres_server::Postgres;
use crate::rows::{Row, RowPlace, failures};

/// What stands in the scripts of rows that are of files alone: verbs that work on one, the file itself, and the character NUL,
/// which no text of PostgreSQL has.
const FILES_ALONE: [&str; 7] =
    ["huedb check", "huedb compact", "huedb reembed", "export --all", "import --all", "test.redb", "\\u0000"];

/// A database of its own for each row.
struct PostgresPlace(Arc<Postgres>);

impl RowPlace for PostgresPlace {
    fn begin(&self, _: &Path) -> (Vec<(&'static str, String)>, Box<dyn Any>) {
        (vec![("HUEDB_FILE", self.0.database())], Box::new(()))
    }

    fn passes_over(&self, row: &Row) -> bool {
        FILES_ALONE.iter().any(|script| row.1.contains(script))
    }
}

/// Runs `before` and then each row; reports every row that fails.
#[track_caller]
pub(crate) fn check(before: &str, rows: &[Row]) {
    let Some(server) = Postgres::shared("rows of the contract") else { return };
    let failed = failures(&PostgresPlace(server), before, rows);
    assert!(failed.is_empty(), "{} of {} rows failed\n\n{}", failed.len(), rows.len(), failed.join("\n"));
}
