//! `huedb embed`.

use clap::Args;

use super::context::{Context, read_stdin};
use super::exit::Status;
use crate::embed::{DEFAULT_MODEL, Role};
use crate::error::Result;
use crate::output::{Column, Columns, Entry, Format};
use crate::record::{Record, RecordId};

/// Print the embeddings of texts
///
/// Without a text, each line of standard input is one. jsonl unless -o says otherwise.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  huedb embed \"some text\"
  huedb query notes --embedding \"$(huedb embed 'some text' | jq -c .embedding)\"")]
pub(super) struct Embed {
    /// The texts
    #[arg(value_name = "TEXT")]
    texts: Vec<String>,

    /// The model: a name from `huedb model list` or a folder
    #[arg(long, default_value = DEFAULT_MODEL)]
    model: String,

    /// Embed as questions; some models treat them differently
    #[arg(long)]
    question: bool,
}

impl Embed {
    pub(super) fn run(self, context: &mut Context) -> anyhow::Result<Status> {
        let texts = if self.texts.is_empty() { read_stdin()?.lines().map(str::to_owned).collect() } else { self.texts };
        let role = if self.question { Role::Query } else { Role::Document };
        let borrowed: Vec<&str> = texts.iter().map(String::as_str).collect();
        let mut embedder = context.load_model(&self.model)?;
        let embeddings = context.timing.of("embed", || embedder.embed(&borrowed, role))?;
        let columns = [Column::Document, Column::Embedding].into_iter().collect::<Columns>();
        let format = context.chosen_format().unwrap_or(Format::Jsonl);
        let mut sink = context.sink_in(format, columns)?;
        for (text, embedding) in texts.into_iter().zip(embeddings) {
            sink.entry(Entry::from(&record(text, embedding)?))?;
        }
        sink.end()?;
        Ok(Status::Done)
    }
}

/// A record as the writers take it; its id is not shown.
fn record(text: String, embedding: Vec<f32>) -> Result<Record> {
    let id = RecordId::parse("-")?;
    Ok(Record { id, embedding: Some(embedding), document: Some(text), uri: None, metadata: None })
}
