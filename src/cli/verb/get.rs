//! `huedb get`, `huedb peek` and `huedb count`.

use clap::Args;
use huedb::backend::Records;
use huedb::error::Result;
use huedb::query::{RecordQuery, Sort};
use huedb::record::check_key;
use huedb::store::{Access, Include};

use crate::cli::arguments::columns::{ColumnArgs, needed};
use crate::cli::arguments::filter::FilterArgs;
use crate::cli::arguments::include::{RecordPart, columns, include, read_for};
use crate::cli::context::command::Context;
use crate::cli::context::nothing_found::{tell_of_nothing, warn_of_pathless};
use crate::cli::context::unknown_key::{warn_of_filter, warn_of_key};
use crate::cli::process::exit::Status;
use crate::output::{Highlight, OutputFormat, RecordColumns, ShownRecord, file_path};

/// Print records, in insertion order or sorted by a metadata key
///
/// On a terminal, the record of a single --id is printed as with -o vertical: each part on lines of its own, and the whole
/// document.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  huedb get notes --id a --id b
  huedb get notes --where 'year >= 2020' --limit 20 -o jsonl
  huedb get notes --sort year --desc -n 5 --columns id,year,document
  huedb get notes --where-document whale -o vertical
  huedb query notes \"foxes\" -o ids | huedb get notes --ids-from -")]
pub(crate) struct GetArgs {
    /// Collection
    collection: String,

    #[command(flatten)]
    conditions: FilterArgs,

    /// Maximum number of records
    #[arg(long, short = 'n', value_name = "N")]
    limit: Option<u64>,

    /// Skip the first N records
    #[arg(long, value_name = "N", default_value_t = 0)]
    offset: u64,

    /// Sort by the value of this metadata key; records without it come last
    #[arg(long, value_name = "KEY")]
    sort: Option<String>,

    /// Sort in descending order
    #[arg(long, requires = "sort")]
    desc: bool,

    /// Parts to print
    #[arg(long, value_enum, value_name = "PARTS", value_delimiter = ',', default_value = "documents,metadatas,uris")]
    #[arg(conflicts_with = "columns")]
    include: Vec<RecordPart>,

    #[command(flatten)]
    columns: ColumnArgs,

    /// Wrap long text in a table instead of truncating it
    #[arg(long)]
    full: bool,
}

/// Print the first records with their embeddings
#[derive(Debug, Args)]
pub(crate) struct PeekArgs {
    /// Collection
    collection: String,

    /// Maximum number of records
    #[arg(long, short = 'n', value_name = "N", default_value_t = 10)]
    limit: u64,

    #[command(flatten)]
    columns: ColumnArgs,

    /// Wrap long text in a table instead of truncating it
    #[arg(long)]
    full: bool,
}

/// Print the number of records
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  huedb count notes
  huedb count notes --where 'lang = \"de\"'")]
pub(crate) struct CountArgs {
    /// Collection
    collection: String,

    #[command(flatten)]
    conditions: FilterArgs,
}

impl GetArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        self.sort.as_deref().map(check_key).transpose()?;
        let query = RecordQuery {
            ids: self.conditions.ids(context)?,
            filter: self.conditions.filter()?,
            offset: self.offset,
            limit: self.limit,
            sort: self.sort.clone().map(|key| Sort { key, descending: self.desc }),
        };
        context.full = self.full;
        let records = context.open(Access::Read)?.collection(self.collection.as_str().into());
        let chosen = self.columns.of(records.state()?.as_ref(), &RecordColumns::export())?;
        let (include, columns) = match chosen {
            Some(chosen) => (needed(&chosen), chosen),
            None => (include(&self.include), columns(RecordColumns::record(), &self.include)),
        };
        context.bookkeeping = self.columns.are_chosen();
        let is_one = query.ids.as_ref().is_some_and(|ids| ids.len() == 1) && context.chosen_format().is_none();
        let format = match context.printer.format() {
            OutputFormat::Table if is_one => OutputFormat::Vertical,
            format => format,
        };
        let narrowing = self.conditions.narrowing().chain((self.offset > 0).then_some("--offset"));
        let narrowing: Vec<_> = narrowing.chain((self.limit == Some(0)).then_some("--limit")).collect();
        print(context, records.as_ref(), &query, (include, columns, format), &narrowing)
    }
}

impl PeekArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        let query = RecordQuery { limit: Some(self.limit), ..RecordQuery::default() };
        context.full = self.full;
        let records = context.open(Access::Read)?.collection(self.collection.as_str().into());
        let format = context.printer.format();
        let columns = match self.columns.of(records.state()?.as_ref(), &RecordColumns::export())? {
            Some(chosen) => chosen,
            // A terminal is no place for 384 numbers a line.
            None if format.is_for_people() => RecordColumns::record(),
            None => RecordColumns::export(),
        };
        context.bookkeeping = self.columns.are_chosen();
        print(context, records.as_ref(), &query, (needed(&columns), columns, format), &[])
    }
}

fn print(
    context: &mut Context,
    records: &dyn Records,
    query: &RecordQuery,
    (include, columns, format): (Include, RecordColumns, OutputFormat),
    narrowing: &[&'static str],
) -> Result<Status> {
    let view = records.state()?;
    warn_of_filter(context, view.as_ref(), query.filter.as_ref());
    query.sort.iter().for_each(|sort| warn_of_key(context, view.as_ref(), &sort.key));
    let page = records.find(query, read_for(format, include))?;
    let mut sink = context.sink_in(format, columns)?;
    sink.highlight(Highlight::new(None, query.filter.as_ref()));
    let mut pathless = 0;
    for record in page.records() {
        let record = record?;
        pathless += u64::from(file_path(&record).is_none());
        sink.entry(ShownRecord::from(&record))?;
    }
    sink.end()?;
    warn_of_pathless(context, format, pathless);
    if page.is_empty() {
        tell_of_nothing(context, view.as_ref(), narrowing.iter().copied());
    }
    Ok(Status::found(!page.is_empty()))
}

impl CountArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        let collection = context.open(Access::Read)?.collection(self.collection.as_str().into());
        let records =
            if self.conditions.is_empty() { collection.count()? } else { self.matching(context, collection.as_ref())? };
        context.write(format!("{records}\n").as_bytes())?;
        Ok(Status::Done)
    }

    fn matching(&self, context: &mut Context, collection: &dyn Records) -> Result<u64> {
        let (ids, filter) = (self.conditions.ids(context)?, self.conditions.filter()?);
        warn_of_filter(context, collection.state()?.as_ref(), filter.as_ref());
        let page = collection.find(&RecordQuery { ids, filter, ..RecordQuery::default() }, Include::NONE)?;
        Ok(page.len() as u64)
    }
}
