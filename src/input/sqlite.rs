//! `SQLite` databases of other programs, opened to be read and never written.
//!
//! Does not know what is in them. Invariants: nothing is written, but for the index of a write-ahead log, which `SQLite`
//! makes where a file has one; every error names the file, and one that is damaged or of another kind is bad input.

use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, Params, Row};

use super::mapping::list_names;
use crate::error::{Advice, Error, Result};

const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// How long another program may hold the file.
const PATIENCE: Duration = Duration::from_secs(5);

/// One database, of which one moment is read: others can write meanwhile as far as its journal lets them.
pub(super) struct SqliteFile {
    connection: Connection,
    path: PathBuf,
}

impl SqliteFile {
    /// Opens a file that must exist.
    ///
    /// # Errors
    /// [`Error::BadInput`] when it is not there or no `SQLite` database, [`Error::Busy`] while another program writes it.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let bad = |why: &str, hint: Option<&str>| bad(path, why, hint);
        let mut start = Vec::new();
        let read = fs::File::open(path).and_then(|file| file.take(MAGIC.len() as u64).read_to_end(&mut start));
        match read {
            Ok(_) if start == MAGIC => {}
            Ok(_) => return Err(bad("is not an SQLite database", None)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Err(bad("no such file", None)),
            Err(e) => return Err(Error::io(format!("read {}", path.display()), e)),
        }
        let database = Self::connect(path, false)?;
        let connection = match database.begin() {
            // A write-ahead log needs files beside it, for which there is no room on a medium that cannot be written.
            Err(e) if matches!(e.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly)) => {
                if ["-wal", "-journal"]
                    .iter()
                    .any(|end| fs::metadata(beside(path, end)).is_ok_and(|file| file.len() > 0))
                {
                    let hint = "open it once with the program that wrote it, or copy it to where it can be written";
                    return Err(bad("was left with an unfinished transaction", Some(hint)));
                }
                let database = Self::connect(path, true)?;
                database.begin().map_err(|e| database.failed(e))?;
                return Ok(database);
            }
            outcome => outcome,
        };
        connection.map_err(|e| database.failed(e))?;
        Ok(database)
    }

    fn connect(path: &Path, immutable: bool) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
        let opened = Connection::open_with_flags(uri(path, immutable), flags).and_then(|connection| {
            connection.busy_timeout(PATIENCE)?;
            // The file may have been made to deceive: what its schema would run is not run.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
            Ok(connection)
        });
        match opened {
            Ok(connection) => Ok(Self { connection, path: path.to_owned() }),
            Err(e) => Err(failed(path, &e)),
        }
    }

    /// Begins the one transaction in which all is read.
    fn begin(&self) -> rusqlite::Result<()> {
        self.connection.execute_batch("PRAGMA cell_size_check = ON; BEGIN")?;
        self.connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
    }

    /// Returns what the file is called in messages.
    pub(super) fn shown(&self) -> String {
        self.path.display().to_string()
    }

    /// Returns the columns of a table; none when there is no such table.
    pub(super) fn columns(&self, table: &str) -> Result<Vec<String>> {
        self.all("SELECT name FROM pragma_table_info(?1)", [table], |row| row.get(0))
    }

    /// Refuses a file that lacks one of these columns of tables.
    pub(super) fn check_columns(&self, columns: &[[&str; 2]], what: &str, hint: Option<&str>) -> Result<()> {
        for [table, column] in columns {
            if !self.columns(table)?.iter().any(|found| found == column) {
                return Err(self.bad(&format!("is not {what}: it has no table {table:?} with {column:?}"), hint));
            }
        }
        Ok(())
    }

    /// Reads all rows of a question.
    pub(super) fn all<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        let rows = self.connection.prepare_cached(sql).and_then(|mut statement| {
            let rows = statement.query_map(params, read)?;
            rows.collect::<rusqlite::Result<Vec<T>>>()
        });
        rows.map_err(|e| self.failed(e))
    }

    /// Reads the first row of a question, where there is one.
    pub(super) fn first<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>> {
        let row = self.connection.prepare_cached(sql).and_then(|mut statement| statement.query_row(params, read));
        match row {
            Ok(found) => Ok(Some(found)),
            Err(rusqlite::Error::QueryReturnedNoRows) => Ok(None),
            Err(e) => Err(self.failed(e)),
        }
    }

    /// Asks what a user wants asked: hands on the columns of the answer, then each row and its number, until one of both
    /// returns `false`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for SQL that is wrong, or no question.
    pub(super) fn ask(
        &self,
        sql: &str,
        begin: impl FnOnce(&[String]) -> bool,
        mut take: impl FnMut(&[String], u64, &Row<'_>) -> bool,
    ) -> Result<()> {
        let mut statement = self.connection.prepare(sql).map_err(|e| self.refused(&e))?;
        if statement.column_count() == 0 || !statement.readonly() {
            return Err(self.no_question("is no question to a database"));
        }
        let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
        if !begin(&columns) {
            return Ok(());
        }
        let mut rows = statement.query([]).map_err(|e| self.refused(&e))?;
        let mut number = 0;
        while let Some(row) = rows.next().map_err(|e| self.refused(&e))? {
            number += 1;
            if !take(&columns, number, row) {
                break;
            }
        }
        Ok(())
    }

    /// What was asked is wrong, unless the file is.
    fn refused(&self, error: &rusqlite::Error) -> Error {
        match error {
            rusqlite::Error::Empty => self.no_question("is no question to a database"),
            rusqlite::Error::MultipleStatement => self.no_question("is more than one statement"),
            rusqlite::Error::SqlInputError { msg, .. } => self.no_question(&format!("is wrong: {msg}")),
            other if other.sqlite_error_code() == Some(ErrorCode::Unknown) => {
                self.no_question(&format!("fails: {other}"))
            }
            other => failed(&self.path, other),
        }
    }

    fn no_question(&self, why: &str) -> Error {
        let sql =
            "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite%' ORDER BY 1";
        let tables: Vec<String> = self.all(sql, [], |row| row.get(0)).unwrap_or_default();
        let tables = list_names(tables.iter().map(String::as_str));
        let hint = Some(format!("write one SELECT; the tables of {} are {tables}", self.shown()).into());
        Error::InvalidArgument { why: format!("the SQL {why}"), hint }
    }

    #[expect(clippy::needless_pass_by_value, reason = "as map_err gives it")]
    fn failed(&self, error: rusqlite::Error) -> Error {
        failed(&self.path, &error)
    }

    /// The file as a whole is not what it should be.
    pub(super) fn bad(&self, why: &str, hint: Option<&str>) -> Error {
        bad(&self.path, why, hint)
    }
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// Writes a path as `SQLite`'s URI; what means something there is escaped.
fn uri(path: &Path, immutable: bool) -> String {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-~".contains(&byte);
    let escaped = absolute
        .as_os_str()
        .as_bytes()
        .iter()
        .map(|byte| if plain(*byte) { char::from(*byte).to_string() } else { format!("%{byte:02X}") });
    let ends = if immutable { "?mode=ro&immutable=1" } else { "?mode=ro" };
    format!("file://{}{ends}", escaped.collect::<String>())
}

fn bad(path: &Path, why: &str, hint: Option<&str>) -> Error {
    Error::BadInput { source: path.display().to_string(), why: why.to_owned(), hint: hint.map(Advice::from) }
}

/// Says what an error of `SQLite` means for who gave the file.
fn failed(path: &Path, error: &rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            Error::Busy { path: path.to_owned(), waited: PATIENCE }
        }
        Some(ErrorCode::SystemIoFailure | ErrorCode::OutOfMemory | ErrorCode::PermissionDenied) => {
            Error::io(format!("read {}", path.display()), std::io::Error::other(error.to_string()))
        }
        _ => bad(path, &format!("is damaged, or not what it should be: {error}"), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_escaped() {
        let shown = uri(Path::new("/a b/ü?#%.db"), true);
        assert_eq!(shown, "file:///a%20b/%C3%BC%3F%23%25.db?mode=ro&immutable=1");
    }

    #[test]
    fn nothing_is_written_and_what_is_no_database_is_said() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("a ?b.db");
        assert!(matches!(SqliteFile::open(&path), Err(Error::BadInput { .. })));
        fs::write(&path, "no database at all").unwrap();
        assert!(matches!(SqliteFile::open(&path), Err(Error::BadInput { .. })));
        fs::remove_file(&path).unwrap();
        let made = Connection::open(&path).unwrap();
        made.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES (7)").unwrap();
        let database = SqliteFile::open(&path).unwrap();
        assert_eq!(database.first("SELECT a FROM t", [], |row| row.get::<_, i64>(0)).unwrap(), Some(7));
        assert_eq!(database.columns("t").unwrap(), ["a"]);
        assert!(database.check_columns(&[["t", "a"]], "a database of tests", None).is_ok());
        assert!(database.check_columns(&[["t", "a"], ["t", "b"]], "a database of tests", None).is_err());
        assert!(database.all("INSERT INTO t VALUES (8)", [], |_| Ok(())).is_err());
    }
}
