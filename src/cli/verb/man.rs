//! `huedb man`: a page for every verb, made from its arguments, and a page for every topic, written by hand.
//!
//! `man/` holds the same pages as files, which `tests/generated.rs` keeps equal.

use clap::Args;
use clap_mangen::Man as Page;
use huedb::error::{Error, Result};

use crate::cli::context::command::Context;
use crate::cli::process::exit::Status;

/// Print a manual page, for `man -l -`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  huedb man | man -l -
  huedb man query | man -l -
  huedb man errors | man -l -

Topics:
  errors     every error, its exit code and what to do
  filters    the short form and the JSON of --where and --where-document")]
pub(crate) struct ManArgs {
    /// Command or topic [default: huedb itself]
    #[arg(value_name = "VERB")]
    name: Option<String>,
}

/// The pages written by hand, which are in section 7.
const TOPICS: [(&str, &str); 2] = [
    ("errors", include_str!("../../../man/huedb-errors.7")),
    ("filters", include_str!("../../../man/huedb-filters.7")),
];

impl ManArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        let file = match &self.name {
            None => "huedb.1".to_owned(),
            Some(name) => format!("huedb-{name}."),
        };
        let pages = pages(context.invocation.0.plain_tree())?;
        let Some((_, page)) = pages.iter().find(|(page, _)| page.starts_with(&file)) else {
            let name = self.name.unwrap_or_default();
            let names = pages.iter().filter_map(|(page, _)| page.strip_prefix("huedb-")?.split('.').next());
            let hint = Some(format!("available: {}", names.collect::<Vec<_>>().join(", ")).into());
            return Err(Error::InvalidArgument { why: format!("no manual page {name:?}"), hint });
        };
        context.write(page)?;
        Ok(Status::Done)
    }
}

/// Returns every manual page, as the name of its file and its text.
///
/// # Errors
/// [`Error::Io`], never seen, since the pages are written to memory.
fn pages(mut huedb: clap::Command) -> Result<Vec<(String, Vec<u8>)>> {
    huedb.build();
    let verbs = huedb.get_subcommands().filter(|verb| !verb.is_hide_set());
    let mut pages = vec![page("huedb".into(), &huedb)?];
    for verb in verbs {
        pages.push(page(format!("huedb-{}", verb.get_name()), verb)?);
    }
    pages.extend(TOPICS.map(|(name, text)| (format!("huedb-{name}.7"), text.into())));
    Ok(pages)
}

fn page(name: String, command: &clap::Command) -> Result<(String, Vec<u8>)> {
    let file = format!("{name}.1");
    let mut text = Vec::new();
    let command = command.clone().name(name).version(env!("CARGO_PKG_VERSION"));
    Page::new(command).date("").render(&mut text).map_err(|e| Error::io(format!("write {file}"), e))?;
    Ok((file, text))
}
