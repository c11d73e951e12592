//! Which format is written by what.

use std::io::Write;

use huedb::error::Result;

use super::delimited::SeparatedSink;
use super::ids::IdSink;
use super::json::{JsonSink, JsonlSink};
use super::sink::{Sink, Style, written};
use super::table::TableSink;
use super::vertical::VerticalSink;
use super::vimgrep::VimgrepSink;
use super::{OutputFormat, RecordColumns};

/// Begins a list of records or hits, writing its header where the format has one.
///
/// # Errors
/// [`huedb::error::Error::Io`] when the output cannot be written.
pub(crate) fn open<'w>(
    format: OutputFormat,
    columns: RecordColumns,
    style: Style,
    out: &'w mut (dyn Write + 'w),
) -> Result<Box<dyn Sink + 'w>> {
    Ok(match format {
        OutputFormat::Table => Box::new(TableSink::new(columns, style, out)),
        OutputFormat::Vertical => Box::new(VerticalSink::parts(columns, style, out)),
        OutputFormat::Snippets => Box::new(VerticalSink::snippets(columns, style, out)),
        OutputFormat::Jsonl => Box::new(JsonlSink::new(columns, out)),
        OutputFormat::Json => Box::new(written(JsonSink::begin(columns, out))?),
        OutputFormat::Csv => Box::new(SeparatedSink::begin(b',', columns, out)?),
        OutputFormat::Tsv => Box::new(SeparatedSink::begin(b'\t', columns, out)?),
        OutputFormat::Vimgrep => Box::new(VimgrepSink::new(out)),
        OutputFormat::Ids => Box::new(IdSink::new(style.id_terminator, out)),
    })
}
