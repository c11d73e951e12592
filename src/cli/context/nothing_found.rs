//! What is said where something is not shown, or nothing was found: a terminal that stays empty looks like a failure.
//!
//! Invariant: that nothing was found is said only where somebody looks; a program has the exit code.

use huedb::backend::State;

use crate::cli::context::command::Context;
use crate::output::{OutputFormat, count_of};

/// Says on a terminal that there is nothing to show, and what to try: without the flags that leave records out, or records
/// to be found.
pub(crate) fn tell_of_nothing(context: &mut Context, state: &dyn State, narrowing: impl Iterator<Item = &'static str>) {
    if context.stdout_is_terminal() {
        let collection = state.info().name.as_str();
        context.printer.notice(said(collection, state.counts().records, &narrowing.collect::<Vec<_>>()));
    }
}

/// Warns of records that are not shown as places in files, because they are in none.
pub(crate) fn warn_of_pathless(context: &mut Context, format: OutputFormat, records: u64) {
    if format == OutputFormat::Vimgrep && records > 0 {
        context.printer.warning(format!("left out {} without a path in its uri", count_of(records, "record")));
    }
}

fn said(collection: &str, records: u64, narrowing: &[&str]) -> String {
    match (records, narrowing) {
        (0, _) => {
            format!(
                "nothing found: {collection} is empty; add records with `huedb import {collection} FILE` or `huedb sync {collection} FOLDER`"
            )
        }
        (_, []) => format!("nothing found in {collection}"),
        (_, flags) => format!("nothing found in {collection}; try it without {}", flags.join(" or ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_try_is_what_left_records_out() {
        assert!(
            said("notes", 0, &["--where"])
                .starts_with("nothing found: notes is empty; add records with `huedb import notes")
        );
        assert_eq!(said("notes", 3, &[]), "nothing found in notes");
        assert_eq!(
            said("notes", 3, &["--where", "--offset"]),
            "nothing found in notes; try it without --where or --offset"
        );
    }
}
