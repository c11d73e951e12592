//! `huedb config`.

use clap::{Args, Subcommand};
use huedb::error::{Error, Result};

use crate::cli::configuration::file::ConfigEntry;
use crate::cli::context::command::Context;
use crate::cli::process::exit::Status;

/// Show the value of each global flag and where it comes from
///
/// A flag takes precedence over its environment variable, the variable over the config file, and the file over the default.
/// The config file is `huedb/config.toml` in `$XDG_CONFIG_HOME` or `~/.config`; `HUEDB_CONFIG` names another one, or none
/// if it is empty. It has one setting per line, such as `output = "json"`, `busy-timeout = 30` or `quiet = true`; the keys
/// are the long names of the global flags. A path may begin with ~/.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  huedb config
  huedb config set output json
  huedb config set db '~/notes.redb'
  huedb config unset output
  $EDITOR \"$(huedb config path)\"")]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    verb: Option<ConfigVerb>,
}

#[derive(Debug, Subcommand)]
enum ConfigVerb {
    /// Print the path of the config file, whether or not it exists
    Path,
    /// Set a key in the config file; comments and order are kept
    Set {
        /// Long name of a global flag
        key: String,
        /// Value
        #[arg(allow_hyphen_values = true)]
        value: String,
    },
    /// Remove a key from the config file
    Unset {
        /// Long name of a global flag
        key: String,
    },
}

impl ConfigArgs {
    /// `faults` is what is wrong with the config file: it must not keep anybody from looking at it.
    pub(crate) fn run(self, context: &mut Context, faults: Vec<Error>) -> Result<Status> {
        let (defaults, matches) = context.invocation;
        let path = defaults.config().path();
        match self.verb {
            None => {
                context.list(&defaults.settings(matches))?;
                return end(context, faults);
            }
            Some(ConfigVerb::Path) => {
                let Some(path) = path else {
                    context.printer.notice("no config file is read");
                    return Ok(Status::NothingFound);
                };
                context.write(format!("{}\n", path.display()).as_bytes())?;
            }
            Some(ConfigVerb::Set { key, value }) => {
                let is_bare = value == "true" || value == "false";
                let given = Ok(value.clone());
                let entry = ConfigEntry { is_of_serve: false, key, line: 0, value: given, list: None, is_bare };
                defaults.take(&entry).map_err(Error::argument)?;
                defaults.config().change(&entry.key, Some(&value))?;
                context.printer.notice(format!("set {} in {}", entry.key, defaults.config().shown()));
            }
            Some(ConfigVerb::Unset { key }) => {
                defaults.config().change(&key, None)?;
                context.printer.notice(format!("{key} is not set in {}", defaults.config().shown()));
            }
        }
        Ok(Status::Done)
    }
}

/// Tells of every fault; the last one ends the command.
fn end(context: &mut Context, mut faults: Vec<Error>) -> Result<Status> {
    let Some(last) = faults.pop() else { return Ok(Status::Done) };
    for fault in faults {
        context.printer.warning(fault);
    }
    Err(last)
}
