//! `huedb backup` and `huedb restore`.

use huedb::error::Result;
use std::path::PathBuf;
use std::time::Instant;

use clap::{Args, ValueHint};
use huedb::store::{Access, FileFacts, is_encrypted, restore};

use crate::cli::context::command::Context;
use crate::cli::process::exit::Status;
use crate::output::{bytes, count_of, duration};

/// Copy the database to another file while others use it
///
/// The copy is a consistent snapshot and is checked before it gets its name. It is a database like any other: open it with
/// --db, or put it back with `huedb restore`. A copy of an encrypted database opens with the same key.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  huedb backup notes-2026-11-24.redb
  huedb backup /mnt/safe/huedb.redb --force")]
pub(crate) struct BackupArgs {
    /// File to write the copy to
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    target: PathBuf,

    /// Replace the file if it exists
    #[arg(long)]
    force: bool,
}

impl BackupArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        context.require_file("backup")?;
        let store = context.open_file(Access::Read)?;
        let start = Instant::now();
        let facts = context.stage("copy and verify", || store.backup(&self.target, self.force))?;
        if facts.encryption.is_none() {
            context.warn_of_plain(&self.target);
        }
        let (amount, took) = (amount(&facts), duration(start.elapsed()));
        context.printer.notice(format!("backed up {amount} to {} in {took}", self.target.display()));
        Ok(Status::Done)
    }
}

/// Replace the database with a backup
///
/// The backup is checked first, and the old database stays in place until the copy is complete.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  huedb restore notes-2026-11-24.redb --force
  huedb --db new.redb restore notes-2026-11-24.redb")]
pub(crate) struct RestoreArgs {
    /// Backup made by `huedb backup`
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    backup: PathBuf,

    /// Replace the existing database
    #[arg(long)]
    force: bool,
}

impl RestoreArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        context.require_file("restore")?;
        let was_encrypted = is_encrypted(&context.db);
        let copy = || context.with_key(|options| restore(&self.backup, &context.db, self.force, options));
        let start = Instant::now();
        let facts = context.stage("copy and verify", copy)?;
        let took = duration(start.elapsed());
        if was_encrypted && facts.encryption.is_none() {
            context.printer.warning(format!("{} was encrypted, and the backup is plain", context.db.display()));
        } else if facts.encryption.is_none() {
            context.warn_of_plain(&context.db.clone());
        }
        context.printer.notice(format!("restored {} to {} in {took}", amount(&facts), context.db.display()));
        Ok(Status::Done)
    }
}

pub(crate) fn amount(facts: &FileFacts) -> String {
    let (records, collections) = (count_of(facts.records, "record"), count_of(facts.collections, "collection"));
    format!("{records} of {collections} ({})", bytes(facts.bytes))
}
