//! `huedb export`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use huedb::error::{Error, Result};
use huedb::query::{RecordPage, RecordQuery};
use huedb::record::RecordId;
use huedb::store::Access;

use crate::cli::arguments::columns::{ColumnArgs, needed};
use crate::cli::arguments::destination::Destination;
use crate::cli::arguments::filter::FilterArgs;
use crate::cli::arguments::include::read_for;
use crate::cli::arguments::one_of;
use crate::cli::context::command::Context;
use crate::cli::context::unknown_key::warn_of_filter;
use crate::cli::process::exit::Status;
use crate::cli::process::interrupt::Interrupt;
use crate::output::{
    BinaryFormat, BinaryLayout, Compression, OutputFormat, RecordColumn, RecordColumns, ShownRecord, Sink, Style, open,
    open_binary,
};

/// Write all records of a collection, with their embeddings
///
/// `huedb import` reads the output back into an equal collection. The format is given by -o, else by the file extension,
/// else it is jsonl; names ending in .gz or .zst are compressed. The file appears once it is complete. With --all, every
/// tenant, database and collection is written, settings included, as one jsonl stream that `huedb import --all` reads into
/// a new file.
///
/// Parquet and Arrow files have the columns id, document, uri and embedding, and one column of its own type for each
/// metadata key. Keys whose values have several types, sparse vectors, and keys named like those columns go into a JSON
/// column named metadata. An .npy matrix holds the embeddings only: --rows writes the rest to a second file, or --ids the
/// ids.
///
/// csv and tsv hold everything but NUL characters, which are refused; "" is an empty text, and an empty cell no value. A
/// spreadsheet that treats a cell starting with =, +, - or @ as a formula must be told to import it as text.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  huedb export notes notes.jsonl.gz
  huedb export notes notes.parquet --where 'lang = \"en\"'
  huedb export notes -o csv --no-embeddings > notes.csv
  huedb export notes --columns id,year,document -o tsv
  huedb export notes vectors.npy --rows rows.jsonl
  huedb export --all everything.jsonl.zst")]
pub(crate) struct ExportArgs {
    /// Collection
    #[arg(required_unless_present = "all")]
    collection: Option<String>,

    /// File to write to [default: standard output]
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: Option<PathBuf>,

    /// Write all collections of all tenants and databases
    #[arg(long, conflicts_with_all = ["FilterArgs", "no_embeddings", "columns", "ids_file", "rows_file"])]
    all: bool,

    #[command(flatten)]
    conditions: FilterArgs,

    /// Leave out the embeddings
    #[arg(long, conflicts_with = "columns")]
    no_embeddings: bool,

    #[command(flatten)]
    columns: ColumnArgs,

    /// Compress the output [default: by file extension]
    #[arg(long, value_name = "PACKING")]
    #[arg(value_parser = one_of!(Compression))]
    compress: Option<Compression>,

    /// File for the ids of an .npy matrix, one per line
    #[arg(long = "ids", value_name = "FILE", value_hint = ValueHint::FilePath)]
    ids_file: Option<PathBuf>,

    /// File for everything that an .npy matrix lacks: csv, tsv, json or jsonl
    #[arg(long = "rows", value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "ids_file")]
    rows_file: Option<PathBuf>,

    /// Replace existing files
    #[arg(long)]
    force: bool,
}

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ExportForm {
    Text(OutputFormat),
    Binary(BinaryFormat),
}

impl ExportArgs {
    pub(crate) fn run(mut self, context: &mut Context) -> Result<Status> {
        if self.all {
            // There is no collection to name.
            let file = self.collection.take().map(PathBuf::from);
            if let (Some(_), Some(more)) = (&file, &self.file) {
                let why = format!("--all takes one file, and {} is another", more.display());
                return Err(Error::argument(why));
            }
            self.file = file;
        }
        let asked = context.chosen_format().map(ExportForm::Text).or(context.chosen_binary().map(ExportForm::Binary));
        let (packing, format) = self.form(asked)?;
        let packed = packing.is_some() || matches!(format, ExportForm::Binary(_));
        let destination = Destination::open(self.file.as_deref(), self.force)?;
        if destination.is_stdout() && packed && context.stdout_is_terminal() {
            return Err(Error::InvalidArgument {
                why: "refusing to write binary data to a terminal".into(),
                hint: Some("name a file, or pipe it to another command".into()),
            });
        }
        if self.all {
            if format != ExportForm::Text(OutputFormat::Jsonl) {
                return Err(Error::argument("export --all writes jsonl and no other format"));
            }
            crate::cli::bulk::archive::export(context, destination, packing)?;
        } else {
            self.records(context, destination, packing, format)?;
        }
        Ok(Status::Done)
    }

    /// Decides the packing and the format: what was asked for, else what the name says.
    fn form(&self, asked: Option<ExportForm>) -> Result<(Option<Compression>, ExportForm)> {
        let named = self.file.as_deref().filter(|file| file.as_os_str() != "-").map(Compression::of_path);
        let (packing, path) = named.unwrap_or_default();
        let is_npy = |format| format == ExportForm::Binary(BinaryFormat::Npy);
        let format = match asked {
            Some(format) => format,
            None if path.as_os_str().is_empty() || is_device(&path) => ExportForm::Text(OutputFormat::Jsonl),
            None => format_of(&path)?,
        };
        if !is_npy(format) && (self.ids_file.is_some() || self.rows_file.is_some()) {
            return Err(Error::argument("--ids and --rows go with an .npy matrix"));
        }
        if is_npy(format) && self.no_embeddings {
            return Err(Error::argument("an .npy matrix holds nothing but the embeddings"));
        }
        Ok((self.compress.or(packing), format))
    }

    fn records(
        &self,
        context: &mut Context,
        destination: Destination,
        packing: Option<Compression>,
        format: ExportForm,
    ) -> Result<()> {
        let beside = RowsFile::of(self)?;
        let place = context.open(Access::Read)?;
        let query = RecordQuery {
            ids: self.conditions.ids(context)?,
            filter: self.conditions.filter()?,
            ..RecordQuery::default()
        };
        let name = self.collection.as_deref().unwrap_or_default();
        let all = RecordColumns::export();
        let records = place.collection(name.into());
        let state = records.state()?;
        warn_of_filter(context, state.as_ref(), query.filter.as_ref());
        let columns = match self.columns.of(state.as_ref(), &all)? {
            Some(_) if matches!(format, ExportForm::Binary(_)) => {
                return Err(Error::argument("--columns is for the formats that are text"));
            }
            Some(chosen) => chosen,
            None if self.no_embeddings => all.without(&RecordColumn::Embedding),
            None => all,
        };
        let include = match format {
            ExportForm::Text(format) => read_for(format, needed(&columns)),
            ExportForm::Binary(_) => needed(&columns),
        };
        let page = records.find(&query, include)?;
        // A file that is not whole is taken away; the standard output is another's business.
        let interrupt = (!destination.is_stdout()).then(Interrupt::listen);
        let start = std::time::Instant::now();
        let progress = context.output_progress("export", Some(page.len() as u64), destination.is_stdout());
        let style = context.printer.style();
        // What suits the terminal does not suit a file.
        let style = if destination.is_stdout() { style } else { Style { color: false, ..style } };
        let (text_format, binary) = match format {
            ExportForm::Text(format) => (format, None),
            ExportForm::Binary(format) => (OutputFormat::Jsonl, Some((format, layout(&page, !self.no_embeddings)?))),
        };
        destination.write(packing, context.out_in(text_format), |out| {
            let mut main = match &binary {
                Some((format, layout)) => open_binary(*format, layout, out)?,
                None => open(text_format, columns, style, out)?,
            };
            let each = |sink: &mut dyn Sink, mut other: Option<&mut dyn Sink>| {
                for record in page.records() {
                    interrupt.iter().try_for_each(Interrupt::check)?;
                    let record = record?;
                    sink.entry(ShownRecord::from(&record))?;
                    if let Some(other) = other.as_deref_mut() {
                        other.entry(ShownRecord::from(&record))?;
                    }
                    if let Some(progress) = &progress {
                        progress.add_rows(1);
                    }
                }
                Ok(())
            };
            match beside {
                Some(beside) => beside.write(&page, style, |other| each(main.as_mut(), Some(other)))?,
                None => each(main.as_mut(), None)?,
            }
            main.end()
        })?;
        if let Some(progress) = progress {
            progress.finish();
        }
        context.timing.add("export", start.elapsed());
        Ok(())
    }
}

/// The file that stands beside a matrix.
struct RowsFile {
    destination: Destination,
    packing: Option<Compression>,
    format: OutputFormat,
}

impl RowsFile {
    fn of(export: &ExportArgs) -> Result<Option<Self>> {
        let Some(path) = export.ids_file.as_deref().or(export.rows_file.as_deref()) else { return Ok(None) };
        let (packing, unpacked) = Compression::of_path(path);
        let format = match format_of(&unpacked) {
            _ if export.ids_file.is_some() => OutputFormat::Ids,
            Ok(ExportForm::Text(format)) => format,
            _ => {
                let why = format!("{} is not named as csv, tsv, json or jsonl is", path.display());
                return Err(Error::argument(why));
            }
        };
        Ok(Some(Self { destination: Destination::open(Some(path), export.force)?, packing, format }))
    }

    fn write(self, page: &RecordPage, style: Style, work: impl FnOnce(&mut dyn Sink) -> Result<()>) -> Result<()> {
        if self.format == OutputFormat::Ids {
            page.ids().try_for_each(|id| check_line(&id?))?;
        }
        self.destination.write(self.packing, &mut std::io::stdout(), |out| {
            let mut sink = open(self.format, RecordColumns::record(), style, out)?;
            work(sink.as_mut())?;
            sink.end()
        })
    }
}

/// Refuses an id that would not come back from a line of its own.
fn check_line(id: &RecordId) -> Result<()> {
    let text = id.as_str();
    // A byte order mark would be dropped from the first line.
    let is_changed = text.ends_with('\r') || text.starts_with('\u{feff}') || text.trim().is_empty();
    if is_changed || text.contains(['\n', '\0']) {
        return Err(Error::InvalidArgument {
            why: format!("the id {text:?} cannot be written on one line"),
            hint: Some("write --rows FILE.jsonl in place of --ids".into()),
        });
    }
    Ok(())
}

/// Looks at every record for the columns that hold them.
fn layout(page: &RecordPage, embeddings: bool) -> Result<BinaryLayout> {
    let dimension = page.dimension().filter(|_| embeddings);
    let mut layout = BinaryLayout::new(dimension);
    for metadata in page.metadatas() {
        layout.add(metadata?.as_ref());
    }
    Ok(layout)
}

fn is_device(path: &Path) -> bool {
    path.metadata().is_ok_and(|data| !data.is_file() && !data.is_dir())
}

fn format_of(path: &Path) -> Result<ExportForm> {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
    Ok(match ending.as_str() {
        "csv" => ExportForm::Text(OutputFormat::Csv),
        "tsv" | "tab" => ExportForm::Text(OutputFormat::Tsv),
        "json" => ExportForm::Text(OutputFormat::Json),
        "jsonl" | "ndjson" => ExportForm::Text(OutputFormat::Jsonl),
        "parquet" | "pq" => ExportForm::Binary(BinaryFormat::Parquet),
        "arrow" | "feather" | "ipc" => ExportForm::Binary(BinaryFormat::Arrow),
        "npy" => ExportForm::Binary(BinaryFormat::Npy),
        _ => {
            return Err(Error::InvalidArgument {
                why: format!("the name of {} does not say its format", path.display()),
                hint: Some("name the format with -o, or end the name with .jsonl, .csv, .parquet or another".into()),
            });
        }
    })
}
