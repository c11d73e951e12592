//! `huedb rekey`.

use huedb::error::Result;
use std::path::PathBuf;

use clap::{Args, ValueHint};
use huedb::store::{Access, rekey_fully};

use crate::cli::context::command::Context;
use crate::cli::context::key::KeySource;
use crate::cli::process::exit::Status;

/// Change the key of an encrypted database
///
/// The old key comes from --key-file, --key-command or a terminal as always; the new key from the options below, or it is
/// typed twice. Only the header is rewritten, so this is quick and others may use the file meanwhile.
///
/// The data itself is encrypted with a random key stored in the header, which does not change: somebody who had the old key
/// and a copy of the file may have kept it. --full draws a new one and rewrites the whole file. Backups keep the key they
/// were made with.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  huedb rekey notes.redb
  huedb rekey notes.redb --key-file old.key --new-key-file new.key
  huedb rekey notes.redb --full")]
pub(crate) struct RekeyArgs {
    /// Database file [default: that of --db]
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: Option<PathBuf>,

    /// File that holds the new key
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    new_key_file: Option<PathBuf>,

    /// Command that prints the new key
    #[arg(long, value_name = "COMMAND", value_hint = ValueHint::CommandString, conflicts_with = "new_key_file")]
    new_key_command: Option<String>,

    /// Re-encrypt everything; old data may still be recoverable from the disk
    #[arg(long)]
    full: bool,
}

impl RekeyArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        context.use_file(self.file, "rekey")?;
        // The old key is tried before a new one is asked for, and nothing is touched before there is one.
        context.open_file(Access::Read)?.require_encrypted()?;
        let source = KeySource::given(self.new_key_file, self.new_key_command, context.is_terminal);
        let new = source.other_key(&context.db)?;
        if self.full {
            context.with_key(|options| rekey_fully(&context.db, &new, options))?;
        } else {
            let store = context.open_file(Access::Write)?;
            store.rekey(&new)?;
            store.close()?;
        }
        context.keys.forget(&context.db);
        context.printer.notice(format!("{} has another key", context.db.display()));
        Ok(Status::Done)
    }
}
