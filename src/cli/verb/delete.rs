//! `huedb delete`.

use clap::Args;
use huedb::error::{Error, Result};
use huedb::query::RecordQuery;
use huedb::store::Access;

use crate::cli::arguments::filter::FilterArgs;
use crate::cli::context::command::Context;
use crate::cli::context::tidying::bytes_of;
use crate::cli::context::unknown_key::warn_of_filter;
use crate::cli::process::exit::Status;
use crate::output::count;

/// Delete records
///
/// Choose records with --id, --ids-from, --where and --where-document; a record must match both the ids and the filters.
/// All of them are deleted in one transaction, or none. An empty list of ids deletes nothing; a filter that contains an
/// empty `$and` or `$or` is refused.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  huedb delete notes --id a
  huedb delete notes --where 'year < 2000' --limit 100
  huedb delete notes --where 'draft not exists' --dry-run
  huedb query notes \"spam\" -n 100 -o ids | huedb delete notes --ids-from -")]
pub(crate) struct DeleteArgs {
    /// Collection
    collection: String,

    #[command(flatten)]
    conditions: FilterArgs,

    /// Maximum number of records to delete, in insertion order (with a filter only)
    #[arg(long, short = 'n', value_name = "N")]
    limit: Option<u64>,

    /// Say which records would be deleted, and delete none
    #[arg(long)]
    dry_run: bool,
}

impl DeleteArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        if self.conditions.is_empty() {
            return Err(Error::InvalidArgument {
                why: "nothing to delete was specified".into(),
                hint: Some(
                    "give --id, --ids-from, --where or --where-document; `huedb drop` removes a whole collection"
                        .into(),
                ),
            });
        }
        if self.limit.is_some() && !self.conditions.has_filter() {
            return Err(Error::InvalidArgument {
                why: "--limit is for filters; ids say themselves how many".into(),
                hint: Some("give --where or --where-document, or leave --limit out".into()),
            });
        }
        let query = RecordQuery {
            ids: self.conditions.ids(context)?,
            filter: self.conditions.filter_to_write()?,
            offset: 0,
            limit: self.limit,
            sort: None,
        };
        warn_of_filter(context, context.look(&self.collection)?.as_ref(), query.filter.as_ref());
        if query.ids.as_ref().is_some_and(Vec::is_empty) {
            context.printer.notice("deleted 0: the list holds no ids");
            return Ok(Status::Done);
        }
        if self.dry_run {
            return context.say_what_would_be("deleted", &self.collection, &query);
        }
        let place = context.open(Access::Write)?;
        let bytes_before = bytes_of(place.file())?;
        let deleted = place.collection(self.collection.as_str().into()).delete_where(&query)?;
        context.tidy_after_delete(place.file(), bytes_before);
        place.close()?;
        context.printer.notice(format!("deleted {}", count(deleted)));
        Ok(Status::Done)
    }
}
