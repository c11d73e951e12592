//! `huedb export`.

use std::io::IsTerminal;

use clap::Args;

use super::condition::Conditions;
use super::context::Context;
use super::exit::Status;
use crate::output::{Column, Columns, Entry, Format, ProgressKind};
use crate::query::RecordQuery;
use crate::store::{Access, Include};

/// Print all records of a collection with their embeddings
///
/// What comes out goes back in with `huedb import` and makes an equal collection. jsonl unless -o says
/// otherwise.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  huedb export notes > notes.jsonl
  huedb export notes -o csv --where 'lang = \"en\"' > english.csv
  huedb export notes --no-embeddings -o json")]
pub(super) struct Export {
    /// The collection
    collection: String,

    #[command(flatten)]
    conditions: Conditions,

    /// Leave the embeddings out
    #[arg(long)]
    no_embeddings: bool,
}

impl Export {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Status> {
        let store = context.open(Access::Read)?;
        let query =
            RecordQuery { ids: self.conditions.ids()?, filter: self.conditions.filter()?, ..RecordQuery::default() };
        let include = Include { embeddings: !self.no_embeddings, ..Include::ALL };
        let page = store.collection(&self.collection)?.find(&query, include)?;
        let columns = Columns::export();
        let columns = if self.no_embeddings { columns.without(&Column::Embedding) } else { columns };
        let format = context.chosen_format().unwrap_or(Format::Jsonl);
        // A bar in the middle of the data would help nobody.
        let shown = !std::io::stdout().is_terminal();
        let progress = shown.then(|| context.printer.progress("export", ProgressKind::Rows, Some(page.len() as u64)));
        let mut sink = context.sink_in(format, columns)?;
        for record in page.records() {
            sink.entry(Entry::from(&record?))?;
            if let Some(progress) = &progress {
                progress.add_rows(1);
            }
        }
        sink.end()?;
        if let Some(progress) = progress {
            progress.finish();
        }
        Ok(Status::Done)
    }
}
