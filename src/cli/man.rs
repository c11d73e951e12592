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
    "huedb-modify",
    "huedb-drop",
    "huedb-add",
    "huedb-update",
    "huedb-upsert",
    "huedb-get",
    "huedb-peek",
    "huedb-count",
    "huedb-delete",
    "huedb-distinct",
    "huedb-keys",
    "huedb-query",
    "huedb-search",
    "huedb-import",
    "huedb-export",
    "huedb-reembed",
    "huedb-index",
    "huedb-database",
    "huedb-tenant",
    "huedb-info",
    "huedb-check",
    "huedb-repair",
    "huedb-compact",
    "huedb-backup",
    "huedb-restore",
    "huedb-encrypt",
    "huedb-decrypt",
    "huedb-rekey",
    "huedb-embed",
    "huedb-model",
    "huedb-setup",
    "huedb-config",
    "huedb-exec",
    "huedb-shell",
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

#[cfg(test)]
mod tests {
    use super::PAGES;

    #[test]
    fn every_verb_has_a_page() {
        let tree = crate::cli::command();
        let verbs = tree.get_subcommands().map(|verb| format!("huedb-{}", verb.get_name()));
        let missing: Vec<_> = verbs.filter(|page| !PAGES.iter().any(|(name, _)| name == page)).collect();
        assert_eq!(missing, [""; 0]);
    }
}
