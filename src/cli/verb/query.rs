//! `huedb query`.

mod explain;

use std::sync::Arc;

use clap::{ArgGroup, Args};
use huedb::backend::{Backend, State};
use huedb::embed::{Embedder, Reranker};
use huedb::error::{Error, Result};
use huedb::input::{Question, Questions, embedding_from_json};
use huedb::query::{self as ask, Answer, Ask, BestPer, Filter};
use huedb::record::{CollectionInfo, Hit, RecordId};
use huedb::store::{Access, Include, check_dimension, check_embedding};

use self::explain::explain;
use crate::cli::arguments::columns::{ColumnArgs, needed};
use crate::cli::arguments::filter::FilterArgs;
use crate::cli::arguments::include::{RecordPart, columns, include, read_for};
use crate::cli::context::command::Context;
use crate::cli::context::nothing_found::{tell_of_nothing, warn_of_pathless};
use crate::cli::context::stdin::is_piped;
use crate::cli::context::unknown_key::{warn_of_filter, warn_of_key};
use crate::cli::process::editor;
use crate::cli::process::exit::Status;
use crate::output::{
    self, FilePlace, Highlight, Label, OutputFormat, RecordColumn, RecordColumns, ShownRecord, file_path,
};

/// Find the records nearest to a query
///
/// The query is a text, an embedding, or a file of several; a batch prints one list per query, in order. Empty queries are
/// refused, and so are blank lines in a file of one query per line, except at the end: the number of a query is its line
/// number, starting at 0.
///
/// On a terminal a hit is a snippet: where it is from (`path:line` where the record has a uri and lines, else its id), its
/// distance or score, and two or three lines of its text around the place where most words of the query stand. Metadata that
/// only says how a document was cut or synced is left out. With --columns, hits are a table; -o table prints one as well.
#[derive(Debug, Args)]
#[command(override_usage = "huedb query [OPTIONS] <COLLECTION> <TEXT>
       huedb query [OPTIONS] <COLLECTION> --embedding <JSON>
       huedb query [OPTIONS] <COLLECTION> --like <ID>
       huedb query [OPTIONS] <COLLECTION> --input <FILE>")]
#[expect(clippy::struct_excessive_bools, reason = "each flag is given or not by itself")]
#[command(group = ArgGroup::new("question").args(["text", "embedding", "like", "input"]))]
#[command(after_help = "Examples:
  huedb query notes \"how do foxes move\" -n 5
  huedb query notes \"keys\" --where 'year >= 2020 and lang in (\"en\",\"de\")' -o jsonl | jq -r .id
  huedb query notes --embedding '[0.1, 0.2, 0.3]' --max-distance 0.5
  huedb query notes \"error E0282\" --hybrid
  huedb query notes \"why do leaves fall\" --rerank ms-marco-MiniLM-L6-v2 -n 5
  huedb query notes --like fox-1 --like fox-2 --unlike dog-1
  huedb query docs \"rotate keys\" --best-per uri --unique
  huedb query docs \"rotate keys\" --open
  huedb query docs \"rotate keys\" -o vimgrep > hits && vim -q hits
  huedb query notes \"keys\" --columns distance,year,document --full
  huedb query notes --input questions.jsonl -o csv")]
pub(crate) struct QueryArgs {
    /// Collection
    collection: String,

    /// Query text; `-`, or nothing where a pipe or a file is put in, reads it from standard input
    text: Option<String>,

    /// Query embedding, as a JSON array of numbers
    #[arg(long, value_name = "JSON", allow_hyphen_values = true)]
    embedding: Option<String>,

    /// Find records like the one with this ID (repeatable: like all of them together)
    ///
    /// Compares with the embedding of the record, or with the mean of several. The records themselves are left out.
    #[arg(long, value_name = "ID", conflicts_with_all = ["hybrid", "rerank"])]
    like: Vec<String>,

    /// Find records unlike the one with this ID: its embedding is subtracted (repeatable)
    #[arg(long, value_name = "ID", requires = "like")]
    unlike: Vec<String>,

    /// File of queries, `-` for standard input: jsonl, json or csv with text or embedding, or one per line
    #[arg(long, short, value_name = "FILE")]
    input: Option<String>,

    /// Number of hits per query
    #[arg(long = "limit", short, visible_alias = "n", value_name = "N", default_value_t = 10)]
    n: usize,

    /// Skip the first N hits
    #[arg(long, value_name = "N", default_value_t = 0)]
    offset: usize,

    /// Drop hits farther away than this
    #[arg(long, value_name = "DISTANCE", allow_negative_numbers = true)]
    max_distance: Option<f32>,

    /// Print only the best hit of each value: `uri`, or a metadata key
    ///
    /// With `uri`, the best part of each file. The list still has --limit hits where there are enough: more of the ranking is
    /// looked at. A record without a value is alike no other. `metadata.KEY` is always a key.
    #[arg(long, value_name = "uri|KEY")]
    best_per: Option<BestPer>,

    /// Leave out near-duplicates of better hits: within a cosine distance of 0.05
    ///
    /// The list still has --limit hits where there are enough. With --rerank, what is left is read again.
    #[arg(long)]
    unique: bool,

    #[command(flatten)]
    conditions: FilterArgs,

    /// Parts to print
    #[arg(long, value_enum, value_name = "PARTS", value_delimiter = ',')]
    #[arg(default_value = "documents,metadatas,uris,distances")]
    #[arg(conflicts_with = "columns")]
    include: Vec<RecordPart>,

    #[command(flatten)]
    columns: ColumnArgs,

    /// Print long text whole instead of the lines that answer
    #[arg(long)]
    full: bool,

    /// Open the N-th hit in the editor of $VISUAL or $EDITOR, instead of printing hits [default: 1]
    ///
    /// The editor is told the line that answers, as `+LINE PATH` if it is vi, Vim, nano, Emacs, Helix or the like, and as
    /// `-g PATH:LINE` if it is VS Code; any other gets the path alone. The uri of the hit must be a path. Put --open after
    /// the query.
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "1", conflicts_with = "input")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    open: Option<u32>,

    /// Fail unless the collection uses this model
    #[arg(long)]
    model: Option<String>,

    /// Compare with every stored embedding, without an index
    #[arg(long)]
    exact: bool,

    /// Rank by semantic and keyword search; needs a word index
    ///
    /// Hits have a score from 0 to 1 in place of a distance, larger is better: 0.75 (1 + cos) / (1 + best cos) + 0.25 bm25 /
    /// best bm25. BM25 is 0 where no word of the query is in the document.
    #[arg(long, conflicts_with_all = ["embedding", "max_distance", "explain"])]
    hybrid: bool,

    /// Read the first 50 hits again with this cross-encoder, and return them in its order
    ///
    /// The model is installed with `huedb model add DIR --reranker`. Hits have its score in place of a distance, from 0 to 1,
    /// larger is better. It reads a query and a document together, which takes much longer than to compare embeddings. A
    /// record without a document comes last.
    #[arg(long, value_name = "MODEL", conflicts_with = "embedding")]
    rerank: Option<String>,

    /// Print the query plan and timings to standard error
    #[arg(long)]
    explain: bool,
}

impl QueryArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        let is_like = !self.like.is_empty();
        let is_asked = is_like || self.text.is_some() || self.embedding.is_some() || self.input.is_some();
        if !is_asked && !is_piped() {
            let why = format!("nothing is asked of {}", self.collection);
            return Err(Error::InvalidArgument {
                why,
                hint: Some("put the question last, in quotes; or --embedding, --like ID or --input FILE".into()),
            });
        }
        if !is_asked || self.text.as_deref() == Some("-") || self.input.as_deref() == Some("-") {
            self.conditions.leaves_stdin("the question")?;
        }
        let (ids, filter) = (self.conditions.ids(context)?, self.conditions.filter()?);
        let questions = if is_like { vec![nameless(None, None)] } else { self.questions(context)? };
        let place = context.open(Access::Read)?;
        let view = place.state_of(&self.collection).map_err(|error| self.in_order(place.as_ref(), error))?;
        if self.hybrid {
            Self::require_texts(&questions, "--hybrid")?;
        }
        let reranker = match &self.rerank {
            Some(model) => {
                Self::require_texts(&questions, "--rerank")?;
                Some(Arc::new(Reranker::load(model, &context.models)?))
            }
            None => None,
        };
        warn_of_filter(context, view.as_ref(), filter.as_ref());
        if let Some(BestPer::Key(key)) = &self.best_per {
            warn_of_key(context, view.as_ref(), key);
        }
        let (include, columns) = self.shown(view.as_ref())?;
        context.bookkeeping = self.columns.are_chosen();
        let format = match context.printer.format() {
            _ if self.open.is_some() => OutputFormat::Vimgrep,
            OutputFormat::Table if context.chosen_format().is_none() && !context.bookkeeping => OutputFormat::Snippets,
            format => format,
        };
        let asked = if is_like {
            ask::Query::like(parsed(&self.like)?).unlike(parsed(&self.unlike)?)
        } else {
            ask::Query::new(questions.iter().filter_map(ask_of))
        };
        let mut query = asked
            .top(self.n)
            .offset(self.offset)
            .ids(ids)
            .filter(filter.clone())
            .max_distance(self.max_distance)
            .include(read_for(format, include))
            .exact(self.exact)
            .hybrid(self.hybrid)
            .best_per(self.best_per.clone())
            .unique(self.unique)
            .rerank(reranker)
            .threads(context.models.threads());
        let embedder = self.embedder(context, view.info(), &questions)?;
        if let Some(embedder) = &embedder {
            query = query.embedder(Arc::clone(embedder));
        }
        let answer = view.query(&query)?;
        if let Some(embedder) = embedder {
            context.warn_of_long_questions(embedder.fingerprint());
        }
        for warning in &answer.warnings {
            context.printer.warning(warning);
        }
        let timing = &answer.timing;
        let stages = [("filter", timing.filter), ("candidates", timing.candidates), ("rank", timing.rank)];
        stages.into_iter().chain([("read", timing.read)]).for_each(|(stage, took)| context.timing.add(stage, took));
        if self.explain || (context.printer.tells_details() && !self.hybrid) {
            explain(context, &answer, self.best_per.as_ref());
        }
        let is_found = answer.hits.iter().any(|hits| !hits.is_empty());
        if let Some(n) = self.open.filter(|_| is_found) {
            // Whoever reads keeps pages from being used again, and an editor may be open for days.
            drop((view, place));
            let asked = questions.first().and_then(|question| question.text.as_deref());
            open(&answer, n, &Highlight::new(asked, filter.as_ref()))?;
            return Ok(Status::Done);
        }
        self.print(context, &questions, &answer.hits, (format, columns), filter.as_ref())?;
        if !is_found {
            let narrowed = self.conditions.narrowing().chain(self.max_distance.map(|_| "--max-distance"));
            tell_of_nothing(context, view.as_ref(), narrowed.chain((self.offset > 0).then_some("--offset")));
        }
        Ok(Status::found(is_found))
    }

    fn questions(&self, context: &Context) -> Result<Vec<Question>> {
        let single = |text, embedding| Ok(vec![nameless(text, embedding)]);
        match (self.text.as_deref(), &self.embedding, &self.input) {
            (_, _, Some(input)) => Questions::open(&context.source(input)?, None)?.collect(),
            (_, Some(json), None) => single(None, Some(embedding_from_json(json, "--embedding")?)),
            (None | Some("-"), None, None) => single(Some(asking(context.read_stdin()?)?), None),
            (Some(text), None, None) => single(Some(asking(text.to_owned())?), None),
        }
    }

    /// Checks the embeddings that were given, and loads the model where there are others or one was asked for.
    fn embedder(
        &self,
        context: &mut Context,
        collection: &CollectionInfo,
        questions: &[Question],
    ) -> Result<Option<Arc<dyn Embedder>>> {
        let at = |question: &Question, error: Error| match question.origin.line {
            0 => error,
            line => Error::bad_row(&question.origin.source, line, error.to_string()),
        };
        for question in questions {
            if let Some(embedding) = &question.embedding {
                check_embedding(embedding)
                    .and_then(|()| check_dimension(collection, embedding))
                    .map_err(|e| at(question, e))?;
            }
        }
        let needs_none = !self.like.is_empty() || questions.iter().all(|question| question.embedding.is_some());
        if needs_none && self.model.is_none() {
            return Ok(None);
        }
        context.embedder(collection, self.model.as_deref()).map(Some)
    }

    /// Of a text that stands before its collection says which comes first.
    fn in_order(&self, place: &dyn Backend, error: Error) -> Error {
        let Error::CollectionNotFound { .. } = &error else { return error };
        let named = self.text.as_deref().filter(|name| place.state_of(name).is_ok());
        let Some(named) = named else { return error };
        let text = shlex::try_quote(&self.collection).unwrap_or_default();
        let hint = format!("the collection comes first: `huedb query {named} {text}`");
        Error::InvalidArgument { why: error.to_string(), hint: Some(hint.into()) }
    }

    fn require_texts(questions: &[Question], flag: &str) -> Result<()> {
        match questions.iter().find(|question| question.text.is_none()) {
            Some(question) => Err(Error::argument(format!("{}: {flag} needs the text of a question", question.origin))),
            None => Ok(()),
        }
    }

    /// Decides what is read of the hits and what is printed.
    fn shown(&self, state: &dyn State) -> Result<(Include, RecordColumns)> {
        let mut parts = if self.input.is_some() { RecordColumns::batch() } else { RecordColumns::hit() };
        if self.hybrid || self.rerank.is_some() {
            parts = parts.replacing(&RecordColumn::Distance, &RecordColumn::Score);
        }
        Ok(match self.columns.of(state, &parts.clone().with(RecordColumn::Embedding))? {
            Some(chosen) => (needed(&chosen), chosen),
            None => (include(&self.include), columns(parts, &self.include)),
        })
    }

    fn print(
        &self,
        context: &mut Context,
        questions: &[Question],
        answer: &[Vec<Hit>],
        (format, columns): (OutputFormat, RecordColumns),
        filter: Option<&Filter>,
    ) -> Result<()> {
        let is_batch = self.input.is_some();
        context.full = self.full;
        let mut sink = context.sink_in(format, columns)?;
        for (at, (question, hits)) in questions.iter().zip(answer).enumerate() {
            if is_batch {
                let label = question.id.clone().map_or(Label::Index(at), Label::Id);
                sink.question(&output::ShownQuestion { label, text: question.text.as_deref() })?;
            }
            sink.highlight(Highlight::new(question.text.as_deref(), filter));
            for hit in hits {
                sink.entry(ShownRecord::from(hit))?;
            }
        }
        sink.end()?;
        let pathless = answer.iter().flatten().filter(|hit| file_path(&hit.record).is_none());
        warn_of_pathless(context, format, pathless.count() as u64);
        Ok(())
    }
}

/// Opens the hit of this number, from 1, in an editor.
fn open(answer: &Answer, n: u32, highlight: &Highlight) -> Result<()> {
    let hits: Vec<&Hit> = answer.hits.iter().flatten().collect();
    let Some(Hit { record, .. }) = usize::try_from(n).ok().and_then(|n| hits.get(n.checked_sub(1)?)) else {
        return Err(Error::argument(format!(
            "there is no hit {n} to open: {} found",
            output::count(hits.len() as u64)
        )));
    };
    let id = record.id.as_str();
    let Some(place) = FilePlace::of(record, highlight) else {
        let why = match &record.uri {
            Some(uri) => format!("the uri of {id:?} is not a path: {uri}"),
            None => format!("{id:?} has no uri, so there is no file to open"),
        };
        return Err(Error::InvalidArgument { why, hint: Some(format!("`huedb get` with --id {id} prints it").into()) });
    };
    editor::open(place.path, place.line)
}

/// The one question of a command.
fn nameless(text: Option<String>, embedding: Option<Vec<f32>>) -> Question {
    let origin = huedb::record::Origin { source: "question".into(), line: 0 };
    Question { id: None, text, embedding, origin }
}

fn parsed(ids: &[String]) -> Result<Vec<RecordId>> {
    ids.iter().map(RecordId::parse).collect()
}

/// A question as the library takes it.
fn ask_of(question: &Question) -> Option<Ask> {
    match (&question.text, &question.embedding) {
        (Some(text), vector) => Some(Ask::Text { text: text.clone(), vector: vector.clone(), sparse: None }),
        (None, vector) => vector.clone().map(Ask::Vector),
    }
}

/// Refuses a question that is blank: an unset variable of a script must not be answered.
pub(crate) fn asking(text: String) -> Result<String> {
    if !text.trim().is_empty() {
        return Ok(text);
    }
    Err(Error::InvalidArgument {
        why: "the query is empty".into(),
        hint: Some("give a query text or --embedding; `huedb get` reads records without a query".into()),
    })
}
