//! `huedb dedupe`.

use std::ops::ControlFlow;
use std::time::Instant;

use clap::Args;
use huedb::error::Result;
use huedb::query;
use huedb::query::{Groups, RecordQuery};
use huedb::record::Ordinal;
use huedb::store::{Access, Include};

use crate::cli::arguments::filter::FilterArgs;
use crate::cli::context::command::Context;
use crate::cli::context::unknown_key::warn_of_filter;
use crate::cli::process::exit::Status;
use crate::cli::process::interrupt::Interrupt;
use crate::output::{OutputFormat, ProgressKind, Properties, count, duration};

/// Compared records after which that many are told of, when details are.
const RECORDS_BETWEEN_DETAILS: u64 = 10_000;

/// List records that are near-duplicates of others
///
/// Records are read in insertion order. A record whose embedding is within --max-distance of a record kept before it is a
/// near-duplicate of the nearest such record; any other record is kept. Each output line is a near-duplicate with the
/// record it duplicates and their distance; lines of one group are printed together. Once every listed record is deleted,
/// no two records are that close any more. Distances are exact, in the distance function of the collection.
///
/// Each record is compared with all records before it: a hundred thousand texts take seconds, a million far longer.
/// Progress is shown on a terminal, and as lines with --verbose. Large distances take longer, and so do inner products (ip)
/// of embeddings of very different lengths, and embeddings without any structure.
///
/// The exit code is 0 if there are any and 1 if there are none; with --check it is 1 if there are any, like diff, so that
/// CI can fail on it.
#[derive(Debug, Args)]
#[command(override_usage = "huedb dedupe [OPTIONS] <COLLECTION> --max-distance <DISTANCE>")]
#[command(after_help = "Examples:
  huedb dedupe notes --max-distance 0.05
  huedb dedupe notes --max-distance 0.05 -o jsonl --documents | jq .
  huedb dedupe notes --max-distance 0.01 -o ids > near-duplicates.txt
  huedb dedupe notes --max-distance 0.05 --check && echo \"none\"")]
pub(crate) struct DedupeArgs {
    /// Collection
    collection: String,

    /// Maximum distance of near-duplicates; 0.05 with cosine finds texts that say the same
    #[arg(long, value_name = "DISTANCE", value_parser = distance, allow_negative_numbers = true)]
    max_distance: f32,

    #[command(flatten)]
    conditions: FilterArgs,

    /// Also print the texts, as a table always does
    #[arg(long = "documents")]
    with_documents: bool,

    /// Exit with 1 if there are any, and with 0 if there are none
    #[arg(long)]
    check: bool,
}

impl DedupeArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        let start = Instant::now();
        let interrupt = Interrupt::listen();
        let records = context.open(Access::Read)?.collection(self.collection.as_str().into());
        let wanted = query::Dedupe {
            ids: self.conditions.ids(context)?,
            filter: self.conditions.filter()?,
            max_distance: self.max_distance,
            threads: context.models.threads(),
        };
        warn_of_filter(context, records.state()?.as_ref(), wanted.filter.as_ref());
        // How many are left to compare, where a filter keeps fewer, is found out meanwhile.
        let total = self.conditions.is_empty().then(|| records.count()).transpose()?;
        let include = Include { embeddings: true, documents: true, ..Include::NONE };
        let among = RecordQuery { ids: wanted.ids.clone(), filter: wanted.filter.clone(), ..RecordQuery::default() };
        let local = records.local(&among, include)?;
        let wanted = query::Dedupe { ids: local.among.ids.clone(), filter: local.among.filter.clone(), ..wanted };
        let progress = context.printer.progress("compare", ProgressKind::RowsAgainstEarlier, total);
        let (printer, mut done) = (&mut context.printer, 0);
        let watch = |records| {
            progress.add_rows(records);
            let before = done;
            done += records;
            if printer.tells_details() && done / RECORDS_BETWEEN_DETAILS > before / RECORDS_BETWEEN_DETAILS {
                let of = total.map(|total| format!(" of {}", count(total))).unwrap_or_default();
                let took = duration(start.elapsed());
                progress.suspend(|| printer.detail(format!("compared {}{of} records in {took}", count(done))));
            }
            if interrupt.is_asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let found = context.timing.of("compare", || local.collection.dedupe(&wanted, watch))?;
        progress.finish();
        let lines = self.lines(&found, context.printer.format())?;
        let duplicates = lines.len() as u64;
        if duplicates > 0 {
            context.list(&lines)?;
        }
        let (groups, compared) = (count(found.groups.len() as u64), count(found.compared));
        let took = duration(start.elapsed());
        context
            .printer
            .notice(format!("near-duplicates {} of {compared} records, groups {groups}, in {took}", count(duplicates)));
        Ok(Status::found((duplicates > 0) != self.check))
    }

    #[expect(clippy::cast_possible_truncation, reason = "distances are shown as f32, as in Chroma")]
    fn lines(&self, found: &Groups, format: OutputFormat) -> Result<Vec<Properties>> {
        let documents = (self.with_documents || format == OutputFormat::Table) && format != OutputFormat::Ids;
        let include = Include { documents, ..Include::NONE };
        let read = |ordinal: Ordinal| found.view.record(ordinal, include);
        let mut lines = Vec::new();
        for group in &found.groups {
            let kept = found.view.record(group.kept, Include::NONE)?.id;
            for duplicate in &group.duplicates {
                let record = read(duplicate.ordinal)?;
                // Through text, so that 0.1 is not 0.10000000149.
                let distance: f64 = (duplicate.distance as f32).to_string().parse().unwrap_or(duplicate.distance);
                let line = Properties::new().with("id", record.id.as_str()).with("duplicate_of", kept.as_str());
                let line = line.with("distance", distance);
                lines.push(match record.document {
                    Some(document) if documents => line.with("document", document),
                    _ => line,
                });
            }
        }
        Ok(lines)
    }
}

fn distance(text: &str) -> Result<f32, String> {
    text.parse().ok().filter(|distance: &f32| !distance.is_nan()).ok_or_else(|| format!("{text:?} is not a distance"))
}
