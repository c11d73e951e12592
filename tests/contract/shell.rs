//! Rows that are shell scripts: what they print, what they say, and how they end.
//!
//! Each row runs in a folder of its own with `huedb` on its path; a command that fails ends the script there.

use std::process::{Command, Stdio};

use huedb::store::Access;
use tempfile::TempDir;

/// A line of the contract, a script, its standard output, a part of its standard error, and its exit code.
pub(crate) type Row<'r> = (&'r str, &'r str, &'r str, &'r str, i32);

/// Runs `before` and then each row; reports every row that fails, not only the first.
#[track_caller]
pub(crate) fn check(before: &str, rows: &[Row]) {
    let failed: Vec<String> = rows.iter().filter_map(|row| run(before, row).err()).collect();
    assert!(failed.is_empty(), "{} of {} rows failed\n\n{}", failed.len(), rows.len(), failed.join("\n"));
}

fn run(before: &str, (line, script, stdout, says, status): &Row) -> Result<(), String> {
    let folder = TempDir::new().unwrap();
    let huedb = std::path::Path::new(env!("CARGO_BIN_EXE_huedb")).parent().unwrap();
    let path = format!("{}:{}", huedb.display(), std::env::var("PATH").unwrap());
    let mut command = Command::new("sh");
    let keys = TempDir::new().unwrap();
    if crate::open::encrypted() {
        std::fs::write(keys.path().join("test.key"), crate::open::KEY).unwrap();
        command.env("HUEDB_KEY_FILE", keys.path().join("test.key"));
        drop(crate::open::open(folder.path().join("test.redb"), Access::Create).unwrap());
    }
    command.args(["-c", &format!("set -e\n{before}\n{script}")]).current_dir(folder.path()).env("PATH", path);
    for name in ["HUEDB_TENANT", "HUEDB_DATABASE", "HUEDB_BUSY_TIMEOUT"] {
        command.env_remove(name);
    }
    let output = command.env("HUEDB_FILE", "test.redb").stdin(Stdio::null()).output().unwrap();
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
