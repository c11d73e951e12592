//! `huedb distinct` and `huedb keys`.

use clap::Args;
use huedb::error::Result;
use huedb::query::{Facet, KeyFacts, RecordQuery};
use huedb::record::check_key;
use huedb::store::Access;

use crate::cli::arguments::filter::FilterArgs;
use crate::cli::context::command::Context;
use crate::cli::context::unknown_key::{warn_of_filter, warn_of_key};
use crate::cli::process::exit::Status;
use crate::output::Properties;

/// Print the values of a metadata key and the number of records with each
///
/// Answered from the index, without reading records. An array counts once for each of its distinct elements.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  huedb distinct notes lang
  huedb distinct notes lang --where 'year >= 2020' --by-count -n 3")]
pub(crate) struct DistinctArgs {
    /// Collection
    collection: String,

    /// Metadata key
    key: String,

    #[command(flatten)]
    conditions: FilterArgs,

    /// Sort by count, most frequent first
    #[arg(long)]
    by_count: bool,

    /// Maximum number of values
    #[arg(long, short = 'n', value_name = "N")]
    limit: Option<usize>,
}

/// Print the metadata keys: types, records, distinct values, minimum and maximum
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  huedb keys notes
  huedb keys notes --where 'lang = \"de\"'")]
pub(crate) struct KeysArgs {
    /// Collection
    collection: String,

    #[command(flatten)]
    conditions: FilterArgs,
}

impl DistinctArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        check_key(&self.key)?;
        let among = among(context, &self.conditions)?;
        let records = context.open(Access::Read)?.collection(self.collection.as_str().into());
        let state = records.state()?;
        warn_of_filter(context, state.as_ref(), among.filter.as_ref());
        warn_of_key(context, state.as_ref(), &self.key);
        let mut facets = records.distinct(&self.key, &among)?;
        if self.by_count {
            facets.sort_by_key(|facet| std::cmp::Reverse(facet.count));
        }
        facets.truncate(self.limit.unwrap_or(usize::MAX));
        let line = |Facet { value, kind, count }: Facet| {
            Properties::new().with("value", value.to_json()).with("type", kind.name()).with("count", count)
        };
        context.list(&facets.into_iter().map(line).collect::<Vec<_>>())?;
        Ok(Status::Done)
    }
}

impl KeysArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        let among = among(context, &self.conditions)?;
        let records = context.open(Access::Read)?.collection(self.collection.as_str().into());
        warn_of_filter(context, records.state()?.as_ref(), among.filter.as_ref());
        let keys = records.keys(&among)?;
        let line = |KeyFacts { key, kind, records, distinct, min, max }: KeyFacts| {
            Properties::new()
                .with("key", key)
                .with("type", kind.name())
                .with("records", records)
                .with("distinct", distinct)
                .with("min", min.to_json())
                .with("max", max.to_json())
        };
        context.list(&keys.into_iter().map(line).collect::<Vec<_>>())?;
        Ok(Status::Done)
    }
}

fn among(context: &Context, conditions: &FilterArgs) -> Result<RecordQuery> {
    Ok(RecordQuery { ids: conditions.ids(context)?, filter: conditions.filter()?, ..RecordQuery::default() })
}
