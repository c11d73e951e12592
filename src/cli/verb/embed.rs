//! `huedb embed`.

use clap::Args;
use huedb::embed::{DEFAULT_MODEL, TextRole};
use huedb::error::Result;
use huedb::record::{Record, RecordId};

use crate::cli::context::command::Context;
use crate::cli::process::exit::Status;
use crate::output::{OutputFormat, RecordColumn, RecordColumns, ShownRecord, count, count_of};

/// Texts embedded together, so that memory does not grow with the input.
const TEXTS_AT_ONCE: usize = 512;

/// Print the embeddings of texts
///
/// Without arguments, each line of standard input is a text. The output is jsonl unless -o says otherwise.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  huedb embed \"some text\"
  huedb query notes --embedding \"$(huedb embed 'some text' | jq -c .embedding)\"")]
pub(crate) struct EmbedArgs {
    /// Texts to embed
    #[arg(value_name = "TEXT")]
    texts: Vec<String>,

    /// Model: a name from `huedb model list`, or a folder
    #[arg(long, default_value = DEFAULT_MODEL)]
    model: String,

    /// Embed as queries instead of documents; some models treat them differently
    #[arg(long)]
    question: bool,
}

impl EmbedArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        let total = (!self.texts.is_empty()).then_some(self.texts.len() as u64);
        let mut texts: Box<dyn Iterator<Item = Result<String>>> =
            if total.is_some() { Box::new(self.texts.into_iter().map(Ok)) } else { Box::new(context.stdin_lines()) };
        let role = if self.question { TextRole::Query } else { TextRole::Document };
        let embedder = context.load_model(&self.model)?;
        let columns = [RecordColumn::Document, RecordColumn::Embedding].into_iter().collect::<RecordColumns>();
        let format = context.chosen_format().unwrap_or(OutputFormat::Jsonl);
        let timing = context.timing.clone();
        let progress = context.output_progress("embed", total, true);
        let (mut done, mut cut) = (0, 0);
        let mut sink = context.sink_in(format, columns)?;
        loop {
            let part = texts.by_ref().take(TEXTS_AT_ONCE).collect::<Result<Vec<_>>>()?;
            if part.is_empty() {
                break;
            }
            let borrowed: Vec<&str> = part.iter().map(String::as_str).collect();
            let output = timing.of("embed", || embedder.embed(&borrowed, role))?;
            if let Some(progress) = &progress {
                progress.add_rows(part.len() as u64);
            }
            done += part.len() as u64;
            cut += output.truncated.len() as u64;
            for (text, embedding) in part.into_iter().zip(output.vectors) {
                sink.entry(ShownRecord::from(&record(text, embedding)?))?;
            }
        }
        sink.end()?;
        if cut > 0 {
            let (of, tokens) = (count_of(done, "text"), count(embedder.fingerprint().max_tokens as u64));
            let notice = format!(
                "{} of {of} longer than the {tokens} tokens the model reads; the rest is not embedded",
                count(cut)
            );
            context.printer.notice(notice);
        }
        Ok(Status::Done)
    }
}

/// A record as the writers take it; its id is not shown.
fn record(text: String, embedding: Vec<f32>) -> Result<Record> {
    let id = RecordId::parse("-")?;
    Ok(Record { id, embedding: Some(embedding), document: Some(text), uri: None, metadata: None })
}
