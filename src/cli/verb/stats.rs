//! `huedb stats`.

use clap::Args;
use huedb::error::Result;
use huedb::query::{RecordQuery, StatisticsQuery};
use huedb::store::{Access, Include};

use crate::cli::arguments::filter::FilterArgs;
use crate::cli::context::command::Context;
use crate::cli::context::unknown_key::warn_of_filter;
use crate::cli::process::exit::Status;
use crate::output::{Measured, is_utf8_locale};

/// Show histograms of distances, document lengths and metadata
///
/// Measures a sample: the distance of each record in it to its nearest neighbour among all records, and the distances of
/// random pairs. A useful --max-distance lies between the two. Also the lengths of documents and embeddings, and the share
/// of records with each metadata key. With a filter, only matching records count, as neighbours too. json and csv give the
/// bins and the numbers.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  huedb stats notes
  huedb stats notes --where 'lang = \"en\"' --sample 5000
  huedb stats notes -o json | jq .nearest_distance.p95")]
pub(crate) struct StatsArgs {
    /// Collection
    collection: String,

    #[command(flatten)]
    conditions: FilterArgs,

    /// Number of records to measure; their embeddings take at most 64 MiB
    #[arg(long, value_name = "N", default_value_t = 1000)]
    sample: usize,

    /// Seed of the random sample
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
}

impl StatsArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        let query = StatisticsQuery {
            ids: self.conditions.ids(context)?,
            filter: self.conditions.filter()?,
            sample: self.sample,
            seed: self.seed,
            threads: context.models.threads(),
        };
        let records = context.open(Access::Read)?.collection(self.collection.as_str().into());
        let state = records.state()?;
        warn_of_filter(context, state.as_ref(), query.filter.as_ref());
        let local = records.local(&RecordQuery::from(&query), Include { uris: false, ..Include::ALL })?;
        let query = StatisticsQuery { ids: local.among.ids.clone(), filter: local.among.filter.clone(), ..query };
        let statistics = local.collection.view()?.statistics(&query)?;
        for warning in &statistics.warnings {
            context.printer.warning(warning);
        }
        let keys = local.collection.keys(&local.among)?;
        let measured = Measured { collection: state.info(), statistics: &statistics, keys: &keys, seed: self.seed };
        context.statistics(&measured, !is_utf8_locale(|name| std::env::var(name).ok()))?;
        Ok(Status::found(statistics.records > 0))
    }
}
