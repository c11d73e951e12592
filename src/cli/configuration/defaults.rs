//! What the global flags are when a command line does not give them: their variables, then the config file.
//!
//! Keys and variables are made from clap's own global arguments, so a flag that is added has both at once. Invariant: for
//! every one of them a flag goes before the environment, that before the config file, and that before the default.

use std::collections::BTreeMap;
use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::builder::BoolishValueParser;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint};
use huedb::backend::Place;
use huedb::error::{Error, Result};

use crate::cli::arguments::did_you_mean::meant;
use crate::cli::configuration::file::{ConfigEntry, ConfigFile};
use crate::cli::configuration::serve;
use crate::output::Properties;

/// The tree of commands with these defaults in it, and where each came from.
pub(crate) struct Defaults {
    /// Makes the tree without them.
    plain: fn() -> Command,
    pub(crate) tree: Command,
    /// Whether all of the tree is there.
    is_whole: bool,
    /// By the long name of the flag.
    origins: BTreeMap<String, String>,
    config: ConfigFile,
}

/// Gives every global flag its variable: `HUEDB_` and its long name, where it has none of its own.
pub(crate) fn with_variables(tree: Command) -> Command {
    tree.mut_args(|arg| {
        let Some(variable) = variable(&arg) else { return arg };
        // An empty variable is as good as none.
        let is_empty = env::var_os(&variable).is_some_and(|value| value.is_empty());
        let arg = if is_empty { arg.env(None::<&str>) } else { arg.env(variable) };
        match arg.get_action() {
            ArgAction::SetTrue => arg.value_parser(BoolishValueParser::new()).hide_env_values(true),
            _ => arg.hide_env_values(true),
        }
    })
}

fn variable(arg: &Arg) -> Option<String> {
    let long = arg.get_long().filter(|_| arg.is_global_set())?;
    let own = arg.get_env().map(|own| own.to_string_lossy().into_owned());
    Some(own.unwrap_or_else(|| format!("HUEDB_{}", long.replace('-', "_").to_uppercase())))
}

/// The flags that every command has.
fn globals(tree: &Command) -> impl Iterator<Item = &Arg> {
    tree.get_arguments().filter(|arg| arg.is_global_set() && arg.get_long().is_some())
}

impl Defaults {
    /// Reads the config file into the tree of commands, or into the part of it that is given.
    pub(crate) fn from_config(plain: fn() -> Command, part: Option<Command>) -> Self {
        let mut config = ConfigFile::read();
        let mut this = Self {
            plain,
            is_whole: part.is_none(),
            tree: part.unwrap_or_else(plain),
            origins: BTreeMap::new(),
            config: ConfigFile::default(),
        };
        for entry in config.take_entries() {
            let taken = if entry.is_of_serve {
                serve::take(&mut this.tree, &entry)
            } else {
                let origin = format!("config {}:{}", config.shown(), entry.line);
                this.take(&entry).map(|value| this.set(&entry.key, value, origin))
            };
            taken.unwrap_or_else(|why| config.fault(entry.line, why));
        }
        this.config = config;
        this
    }

    /// Makes the whole tree of a part of it; returns whether it was one.
    pub(crate) fn complete(&mut self) -> bool {
        let was_part = !self.is_whole;
        if was_part {
            *self = Self::from_config(self.plain, None);
        }
        was_part
    }

    /// Has the lines of a script, or of a shell, start from what was given to it.
    pub(crate) fn inherited(&self, matches: &ArgMatches) -> Self {
        let mut this = Self {
            plain: self.plain,
            tree: self.plain_tree(),
            is_whole: true,
            origins: BTreeMap::new(),
            config: ConfigFile::default(),
        };
        let given: Vec<_> = globals(&self.tree).map(|arg| (arg.clone(), self.origin(arg, matches))).collect();
        this.tree = this.tree.mut_args(|arg| if arg.is_global_set() { arg.env(None::<&str>) } else { arg });
        for (arg, origin) in given {
            let (Some(long), Some(value)) = (arg.get_long(), raw(&arg, matches)) else { continue };
            if origin != DEFAULT {
                this.set(long, value, origin);
            }
        }
        this
    }

    /// Returns the tree of commands without the defaults.
    pub(crate) fn plain_tree(&self) -> Command {
        (self.plain)()
    }

    /// Returns the keys of a config file.
    pub(crate) fn keys(&self) -> Vec<String> {
        globals(&self.tree).filter_map(Arg::get_long).map(str::to_owned).collect()
    }

    /// Returns what is wrong with the config file, the first thing first.
    pub(crate) fn take_faults(&mut self) -> Vec<Error> {
        self.config.take_faults()
    }

    /// Returns where the config file is, or would be.
    pub(crate) fn config(&self) -> &ConfigFile {
        &self.config
    }

    /// Returns every global flag with its value and where that came from.
    pub(crate) fn settings(&self, matches: &ArgMatches) -> Vec<Properties> {
        let setting = |arg: &Arg| {
            let shown = |value: &OsStr| match arg.get_long() {
                // An address may have a password in it.
                Some("db") => Place::parse(Path::new(value)).to_string(),
                _ => value.to_string_lossy().into_owned(),
            };
            let value = raw(arg, matches).map(|value| shown(&value));
            Properties::new()
                .with("key", arg.get_long().unwrap_or_default())
                .with("value", value)
                .with("from", self.origin(arg, matches))
        };
        globals(&self.tree).map(setting).collect()
    }

    fn origin(&self, arg: &Arg, matches: &ArgMatches) -> String {
        let long = arg.get_long().unwrap_or_default();
        match matches.value_source(arg.get_id().as_str()) {
            Some(ValueSource::CommandLine) => format!("flag --{long}"),
            Some(ValueSource::EnvVariable) => format!("environment {}", variable(arg).unwrap_or_default()),
            _ => self.origins.get(long).cloned().unwrap_or_else(|| DEFAULT.into()),
        }
    }

    /// Checks a key of the config file and its value; returns the value as it would stand on a command line.
    pub(crate) fn take(&self, entry: &ConfigEntry) -> Result<OsString, String> {
        let Some(arg) = globals(&self.tree).find(|arg| arg.get_long() == Some(&entry.key)) else {
            return Err(format!("unknown key {:?}{}", entry.key, meant(&entry.key, &self.keys())));
        };
        let value = entry.value.clone()?;
        match arg.get_action() {
            ArgAction::SetTrue | ArgAction::SetFalse => match value.as_str() {
                "true" | "false" if entry.is_bare => {}
                _ => return Err(format!("{} is true or false, without quotes", entry.key)),
            },
            ArgAction::Count => {
                value.parse::<u8>().map_err(|_| format!("{} is a number from 0 to 255", entry.key))?;
            }
            _ => self.check(arg, &value)?,
        }
        let is_path = matches!(arg.get_value_hint(), ValueHint::FilePath | ValueHint::DirPath | ValueHint::AnyPath);
        Ok(if is_path { at_home(&value).into_os_string() } else { value.into() })
    }

    /// Says which variable holds what its flag would refuse.
    pub(crate) fn bad_variable(&self) -> Option<Error> {
        globals(&self.tree).find_map(|arg| {
            let name = variable(arg)?;
            let value = env::var_os(&name).filter(|value| !value.is_empty())?;
            let why = match (value.to_str(), arg.get_action()) {
                (None, _) => "it is not UTF-8 text".to_owned(),
                (Some(text), ArgAction::Set) => self.check(arg, text).err()?,
                (Some(_), ArgAction::SetTrue) => "it is true or false, or 1 or 0".to_owned(),
                _ => "it is a number".to_owned(),
            };
            Some(Error::BadInput { source: name, why, hint: None })
        })
    }

    /// Has clap read a value as that of a flag.
    fn check(&self, arg: &Arg, value: &str) -> Result<(), String> {
        let alone = globals(&self.tree).map(|arg| arg.clone().global(false).env(None::<&str>));
        let tree = Command::new("huedb").no_binary_name(true).args(alone);
        let long = arg.get_long().unwrap_or_default();
        match tree.try_get_matches_from([format!("--{long}={value}")]) {
            Ok(_) => Ok(()),
            Err(refused) => {
                use std::error::Error as _;
                let values: Vec<_> = arg.get_possible_values().iter().map(|v| v.get_name().to_owned()).collect();
                Err(match refused.source() {
                    Some(cause) => format!("{long}: {cause}"),
                    None if values.is_empty() => format!("invalid {long} {value:?}"),
                    None => {
                        let meant = meant(value, &values);
                        format!("invalid {long} {value:?}; expected {}{meant}", listed(&values))
                    }
                })
            }
        }
    }

    fn set(&mut self, long: &str, value: impl Into<OsString>, origin: String) {
        let value = value.into();
        let tree = std::mem::take(&mut self.tree);
        self.tree = tree.mut_args(|arg| {
            if arg.get_long() != Some(long) || !arg.is_global_set() {
                return arg;
            }
            // Where the help words the default itself, this is not it.
            let is_worded = arg.get_default_values().is_empty() && arg.get_action().takes_values();
            arg.default_value(value.clone()).hide_default_value(is_worded)
        });
        self.origins.insert(long.to_owned(), origin);
    }
}

const DEFAULT: &str = "default";

fn raw(arg: &Arg, matches: &ArgMatches) -> Option<OsString> {
    matches.get_raw(arg.get_id().as_str())?.next().map(OsStr::to_owned)
}

/// Lists alternatives: `auto, always or never`.
fn listed(values: &[String]) -> String {
    match values {
        [before @ .., last] if !before.is_empty() => format!("{} or {last}", before.join(", ")),
        _ => values.concat(),
    }
}

/// Reads `~/` as a shell would, since no shell reads the config file.
pub(crate) fn at_home(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), etcetera::home_dir()) {
        (Some(rest), Ok(home)) => home.join(rest),
        _ => path.into(),
    }
}
