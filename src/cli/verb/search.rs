//! `huedb search`.

use clap::Args;
use huedb::error::{Error, Result};
use huedb::query::{ChromaRequest, Query};
use huedb::store::Access;

use crate::cli::context::command::Context;
use crate::cli::context::unknown_key::warn_of_request;
use crate::cli::process::exit::Status;
use crate::cli::verb::query::asking;

/// Run a request of Chroma's Search API
///
/// Request and response are Chroma's JSON: filters, rank expressions, groups, pages and selected fields. A `$knn` may give
/// a text: for `#embedding` it is embedded by the model of the collection, for `#document` and sparse vectors by BM25.
/// Chroma's own local server does not support such requests.
///
/// Two fields of a search are huedb's own: `best_per`, which is "uri" or a metadata key, keeps only the best hit of each
/// value, and `unique`: true leaves out near-duplicates of better hits. The list still has as many hits as its limit says,
/// where the rank finds enough.
#[derive(Debug, Args)]
#[command(override_usage = "huedb search [OPTIONS] <COLLECTION> --json <REQUEST>")]
#[command(after_help = "Examples:
  huedb search notes --json '{\"searches\": [{\"rank\": {\"$knn\": {\"query\": \"foxes\"}},
    \"limit\": {\"limit\": 5}, \"select\": {\"keys\": [\"#document\", \"#score\"]}}]}'
  huedb search notes --json @request.json
  jq -n '{searches: [{filter: {year: 2021}}]}' | huedb search notes --json -")]
pub(crate) struct SearchArgs {
    /// Collection
    collection: String,

    /// Request: JSON, `@FILE`, or `-` for standard input
    #[arg(long, value_name = "REQUEST")]
    json: String,
}

impl SearchArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        let mut request = ChromaRequest::parse(&self.read(context)?)?;
        let view = context.open(Access::Read)?.state_of(&self.collection)?;
        let texts = request.texts_to_embed();
        for text in &texts {
            asking((*text).to_owned())?;
        }
        if !texts.is_empty() {
            let embedder = context.embedder(view.info(), None)?;
            Query::embed_all(request.queries_mut(), embedder.as_ref())?;
            context.warn_of_long_questions(embedder.fingerprint());
        }
        for query in request.queries_mut() {
            query.threads = context.models.threads();
        }
        warn_of_request(context, view.as_ref(), &request);
        let (response, warnings) = view.respond(&request)?;
        for warning in warnings {
            context.printer.warning(warning);
        }
        context.write(format!("{response}\n").as_bytes())?;
        let ids = response.get("ids").and_then(serde_json::Value::as_array);
        let found = ids.is_some_and(|ids| ids.iter().any(|ids| ids.as_array().is_some_and(|ids| !ids.is_empty())));
        Ok(Status::found(found))
    }

    fn read(&self, context: &Context) -> Result<String> {
        match self.json.strip_prefix('@') {
            Some(path) => std::fs::read_to_string(path).map_err(|e| Error::io(format!("read {path}"), e)),
            None if self.json == "-" => context.read_stdin(),
            None => Ok(self.json.clone()),
        }
    }
}
