//! The table `[serve]` of the config file: flags of `huedb serve`, those that can be repeated as lists.
//!
//! ```toml
//! [serve]
//! listen = "127.0.0.1:9000"
//! oidc-rule = ['groups contains "search" => reader tenant=acme', 'groups contains "ops" => admin']
//! ```
//! Invariant: a key that is no flag, and a value that its flag would refuse, are faults; a flag goes before the file.

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, Command};

use super::file::{ConfigEntry, SERVE};
use crate::cli::arguments::did_you_mean::meant;

/// Makes a key the default of its flag, in a tree that has the verb.
pub(super) fn take(tree: &mut Command, entry: &ConfigEntry) -> Result<(), String> {
    let Some(serve) = tree.find_subcommand(SERVE) else { return Ok(()) };
    let ConfigEntry { key, is_bare, .. } = entry;
    let is_own = |arg: &&Arg| !arg.is_global_set() && arg.get_long().is_some_and(|long| long != "help");
    let Some(arg) = serve.get_arguments().filter(is_own).find(|arg| arg.get_long() == Some(key)) else {
        let known: Vec<String> =
            serve.get_arguments().filter(is_own).filter_map(Arg::get_long).map(str::to_owned).collect();
        return Err(format!("unknown key {key:?} of {SERVE}{}", meant(key, &known)));
    };
    let can_repeat = matches!(arg.get_action(), ArgAction::Append);
    let values = match &entry.list {
        Some(list) if can_repeat => list.clone(),
        _ => vec![entry.value.clone()?],
    };
    if matches!(arg.get_action(), ArgAction::SetTrue) {
        let is_truth = *is_bare && values.iter().all(|value| value == "true" || value == "false");
        if !is_truth {
            return Err(format!("{key} is true or false, without quotes"));
        }
    } else {
        values.iter().try_for_each(|value| check(serve, key, value))?;
    }
    let (id, whole) = (arg.get_id().clone(), std::mem::take(tree));
    *tree = whole.mut_subcommand(SERVE, |serve| serve.mut_arg(id, |arg| arg.default_values(values)));
    Ok(())
}

/// Has clap read a value as that of a flag.
fn check(serve: &Command, key: &str, value: &str) -> Result<(), String> {
    match serve.clone().no_binary_name(true).try_get_matches_from([format!("--{key}={value}")]) {
        Ok(_) => Ok(()),
        // The other flag may stand in the file as well.
        Err(refused) if refused.kind() == ErrorKind::MissingRequiredArgument => Ok(()),
        Err(refused) => {
            use std::error::Error as _;
            let why = refused.source().map_or_else(|| format!("invalid value {value:?}"), ToString::to_string);
            Err(format!("{key}: {why}"))
        }
    }
}
