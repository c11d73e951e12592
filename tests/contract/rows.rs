//! Rows that are shell scripts: what they print, what they say, and how they end, in a place that each has for itself.

use std::any::Any;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A line of the contract, a script, its standard output, a part of its standard error, and its exit code.
pub(crate) type Row<'r> = (&'r str, &'r str, &'r str, &'r str, i32);

/// Where a row runs.
pub(crate) trait RowPlace {
    /// Makes an empty place; returns the variables that name it, and what holds it.
    fn begin(&self, folder: &Path) -> (Vec<(&'static str, String)>, Box<dyn Any>);

    /// Returns whether a row is of files alone.
    fn passes_over(&self, _: &Row) -> bool {
        false
    }
}

/// Runs `before` and then each row; returns every row that fails, not only the first.
pub(crate) fn failures(place: &dyn RowPlace, before: &str, rows: &[Row]) -> Vec<String> {
    let rows = rows.iter().filter(|row| !place.passes_over(row));
    rows.filter_map(|row| run(place, before, row).err()).collect()
}

fn run(place: &dyn RowPlace, before: &str, (line, script, stdout, says, status): &Row) -> Result<(), String> {
    let folder = TempDir::new().unwrap();
    let huedb = Path::new(env!("CARGO_BIN_EXE_huedb")).parent().unwrap();
    let path = format!("{}:{}", huedb.display(), std::env::var("PATH").unwrap());
    let mut command = Command::new("sh");
    let (variables, _held) = place.begin(folder.path());
    command.args(["-c", &format!("set -e\n{before}\n{script}")]).current_dir(folder.path()).env("PATH", path);
    for name in ["HUEDB_TENANT", "HUEDB_DATABASE", "HUEDB_BUSY_TIMEOUT"] {
        command.env_remove(name);
    }
    let output = command.envs(variables).stdin(Stdio::null()).output().unwrap();
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    let matches = out.trim_end() == stdout.trim_end() && err.contains(says) && output.status.code() == Some(*status);
    if matches {
        return Ok(());
    }
    let got = output.status.code();
    Err(format!(
        "{line}\n  script: {script}\n  expected: {stdout:?}, {says:?}, {status}\n  got: {out:?}, {err:?}, {got:?}"
    ))
}
