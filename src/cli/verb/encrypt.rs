//! `huedb encrypt` and `huedb decrypt`.

use huedb::error::Result;
use std::path::PathBuf;

use clap::{Args, ValueHint};
use huedb::store::{decrypt, encrypt};

use crate::cli::context::command::Context;
use crate::cli::process::exit::Status;
use crate::cli::verb::backup::amount;

/// Encrypt a plain database
///
/// The file becomes cipher text (AES-256-XTS), which opens with the key given by --key-file, --key-command, or typed twice:
/// a passphrase, 32 random bytes, or 64 hexadecimal digits. It is written beside the old one, checked, and takes its name;
/// until then other commands on the file wait.
///
/// The old bytes may survive on the medium, in free space, snapshots and backups: encrypt before anything secret is
/// stored (`huedb create --encrypt`). There is no way back without the key.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  huedb encrypt notes.redb
  head -c 32 /dev/urandom > notes.key; huedb encrypt notes.redb --key-file notes.key
  huedb encrypt notes.redb --key-command 'pass show notes'")]
pub(crate) struct EncryptArgs {
    /// The database, instead of that of --db
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: Option<PathBuf>,
}

impl EncryptArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        context.use_file(self.file)?;
        let facts = encrypt(&context.db, || context.keys.new_of(&context.db), context.options())?;
        context.printer.notice(format!("encrypted {} in {}", amount(&facts), context.db.display()));
        context.printer.notice("what was there before may survive on the medium, in free space, snapshots and backups");
        Ok(Status::Done)
    }
}

/// Make an encrypted database plain
///
/// The opposite of `huedb encrypt`, in the same way: beside the old file, checked, renamed.
#[derive(Debug, Args)]
pub(crate) struct DecryptArgs {
    /// The database, instead of that of --db
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: Option<PathBuf>,
}

impl DecryptArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        context.use_file(self.file)?;
        let facts = context.with_key(|options| decrypt(&context.db, options))?;
        context.printer.notice(format!("decrypted {} in {}", amount(&facts), context.db.display()));
        Ok(Status::Done)
    }
}
