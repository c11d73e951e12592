//! `huedb man`: prints the committed pages, which `tests/generated.rs` keeps equal to the arguments.

use clap::Args;

use super::context::Context;
use super::exit::Status;
use crate::error::Error;

/// Print a manual page, for `man -l -`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  huedb man | man -l -
  huedb man query | man -l -")]
pub(super) struct Man {
    /// The verb [default: huedb itself]
    verb: Option<String>,
}

macro_rules! pages {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../../man/", $name, ".1")))),+]
    };
}

/// Every page by its name.
const PAGES: &[(&str, &str)] = pages![
    "huedb",
    "huedb-create",
    "huedb-list",
    "huedb-show",
    "huedb-drop",
    "huedb-add",
    "huedb-update",
    "huedb-upsert",
    "huedb-get",
    "huedb-peek",
    "huedb-count",
    "huedb-delete",
    "huedb-query",
    "huedb-import",
    "huedb-export",
    "huedb-index",
    "huedb-info",
    "huedb-embed",
    "huedb-model",
    "huedb-setup",
    "huedb-completions",
    "huedb-man",
];

impl Man {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Status> {
        let name = self.verb.map_or("huedb".to_owned(), |verb| format!("huedb-{verb}"));
        let Some((_, page)) = PAGES.iter().find(|(page, _)| *page == name) else {
            let verbs: Vec<_> = PAGES.iter().filter_map(|(page, _)| page.strip_prefix("huedb-")).collect();
            return Err(Error::InvalidArgument {
                why: format!("there is no manual page {name:?}"),
                hint: Some(format!("there are: {}", verbs.join(", "))),
            }
            .into());
        };
        context.write(page.as_bytes())?;
        Ok(Status::Done)
    }
}
