//! Arguments and options on a manual page: what each is called, what it does, and what it takes.
//!
//! Invariant: an option stands with the names of its values, its default and what it can be, in that order and in sentences.

use clap::Arg;

use super::roff::{Roff, bold, italic};

/// Writes those that are shown at all.
pub(super) fn write<'a>(page: &mut Roff, arguments: impl Iterator<Item = &'a Arg>) {
    for arg in arguments.filter(|arg| !arg.is_hide_set()) {
        page.item(&term(arg), &text(arg));
    }
}

/// `-n, --limit N`, or `COLLECTION`.
fn term(arg: &Arg) -> String {
    let short = arg.get_short().map(|short| bold(&format!("-{short}")));
    let long = arg.get_long().map(|long| bold(&format!("--{long}")));
    let names: Vec<String> = short.into_iter().chain(long).collect();
    let takes = arg.is_positional() || arg.get_action().takes_values();
    let values = arg.get_value_names().filter(|_| takes).unwrap_or_default();
    let values: Vec<String> = values.iter().map(|name| italic(name)).collect();
    let names = names.join(", ");
    if names.is_empty() { values.join(" ") } else { format!("{names} {}", values.join(" ")).trim_end().to_owned() }
}

fn text(arg: &Arg) -> String {
    let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
    let mut said = vec![if help.ends_with(['.', ':', ')', ']']) { help } else { format!("{help}.") }];
    let takes = arg.get_action().takes_values();
    let defaults: Vec<String> =
        arg.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
    if takes && !defaults.is_empty() && !arg.is_hide_default_value_set() {
        said.push(format!("Default: {}.", defaults.join(",")));
    }
    let possible: Vec<_> = arg.get_possible_values().into_iter().filter(|value| !value.is_hide_set()).collect();
    if takes && !possible.is_empty() && !arg.is_hide_possible_values_set() {
        let names: Vec<&str> = possible.iter().map(clap::builder::PossibleValue::get_name).collect();
        said.push(format!("One of {}.", names.join(", ")));
    }
    if let Some(variable) = arg.get_env() {
        said.push(format!("From the environment: `{}`.", variable.to_string_lossy()));
    }
    said.join(" ")
}
