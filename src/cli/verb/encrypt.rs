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
/// Encrypts the file with AES-256-XTS. The key is given by --key-file or --key-command, or typed twice: a passphrase, 32
/// random bytes, or 64 hexadecimal digits. The encrypted file is written next to the old one, checked, and renamed over it;
/// other commands on the file wait until then.
///
/// The old plaintext may still be recoverable from the disk, from snapshots and from backups: encrypt before storing
/// anything secret (`huedb create --encrypt`). Without the key, the data cannot be recovered.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  huedb encrypt notes.redb
  head -c 32 /dev/urandom > notes.key; huedb encrypt notes.redb --key-file notes.key
  huedb encrypt notes.redb --key-command 'pass show notes'")]
pub(crate) struct EncryptArgs {
    /// Database file [default: that of --db]
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: Option<PathBuf>,
}

impl EncryptArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        context.use_file(self.file, "encrypt")?;
        let facts = encrypt(&context.db, || context.keys.new_of(&context.db), context.options())?;
        context.printer.notice(format!("encrypted {} in {}", amount(&facts), context.db.display()));
        context.printer.notice("the old data may still be recoverable from free space, snapshots and backups");
        Ok(Status::Done)
    }
}

/// Decrypt an encrypted database
///
/// Reverses `huedb encrypt` in the same way: the new file is written next to the old one, checked and renamed.
#[derive(Debug, Args)]
pub(crate) struct DecryptArgs {
    /// Database file [default: that of --db]
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: Option<PathBuf>,
}

impl DecryptArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        context.use_file(self.file, "decrypt")?;
        let facts = context.with_key(|options| decrypt(&context.db, options))?;
        context.printer.notice(format!("decrypted {} in {}", amount(&facts), context.db.display()));
        Ok(Status::Done)
    }
}
