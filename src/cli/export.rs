//! `huedb export`.

use clap::Args;

use super::columns::{ColumnChoice, needed};
use super::condition::Conditions;
use super::context::Context;
use super::exit::Status;
use crate::output::{Column, Columns, Entry, Format};
use crate::query::RecordQuery;
use crate::store::Access;

/// Print all records of a collection with their embeddings
///
/// What comes out goes back in with `huedb import` and makes an equal collection. jsonl unless -o says
/// otherwise. With --all every tenant, database and collection is written, settings and all, as one stream of jsonl that
/// `huedb import --all` reads into a new file.
///
/// csv and tsv hold what the records hold: a spreadsheet that takes a cell beginning with =, +, - or @ for a
/// formula must be told to import it as text.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  huedb export notes > notes.jsonl
  huedb export notes -o csv --where 'lang = \"en\"' > english.csv
  huedb export notes --no-embeddings -o json
  huedb export notes --columns id,year,document -o tsv
  huedb export --all | gzip > everything.jsonl.gz")]
pub(super) struct Export {
    /// The collection
    #[arg(required_unless_present = "all")]
    collection: Option<String>,

    /// Write all collections of all databases and tenants
    #[arg(long, conflicts_with_all = ["collection", "Conditions", "no_embeddings", "columns"])]
    all: bool,

    #[command(flatten)]
    conditions: Conditions,

    /// Leave the embeddings out
    #[arg(long, conflicts_with = "columns")]
    no_embeddings: bool,

    #[command(flatten)]
    columns: ColumnChoice,
}

impl Export {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Status> {
        let Some(name) = self.collection.as_deref().filter(|_| !self.all) else { return super::dump::export(context) };
        let store = context.open(Access::Read)?;
        let query = RecordQuery {
            ids: self.conditions.ids(context)?,
            filter: self.conditions.filter()?,
            ..RecordQuery::default()
        };
        let all = Columns::export();
        let columns = match self.columns.of(&store.view(name)?, &all)? {
            Some(chosen) => chosen,
            None if self.no_embeddings => all.without(&Column::Embedding),
            None => all,
        };
        let page = store.collection(name)?.find(&query, needed(&columns))?;
        let format = context.chosen_format().unwrap_or(Format::Jsonl);
        let progress = context.export_progress(page.len() as u64);
        let mut sink = context.sink_in(format, columns)?;
        let start = std::time::Instant::now();
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
        context.timing.add("export", start.elapsed());
        Ok(Status::Done)
    }
}
