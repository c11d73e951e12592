//! Hits, records, collections and facts to bytes; progress and messages to a terminal.
//!
//! Knows nothing of the store or of processes: writers take `io::Write`, and what a stream is comes from the
//! caller. The data formats (jsonl, json, csv, tsv, ids) are exact and an export reads back as an equal
//! collection; only tables and messages shorten and sanitise. Invariant: data and talk never share a stream.

mod binary;
mod chroma;
mod collection;
mod color;
mod column;
mod compression;
mod delimited;
mod dump;
mod format;
mod grid;
mod highlight;
mod highlighted_text;
mod histogram;
mod ids;
mod json;
mod messages;
mod number;
mod open;
mod place;
mod printer;
mod progress;
mod properties;
mod record_layout;
mod sanitize;
mod scatter_plot;
mod sink;
mod snippet;
mod statistics;
mod table;
mod table_cell;
mod terminal;
mod time_left;
mod vertical;
mod vimgrep;
mod width;
mod wrap;

#[cfg(test)]
mod tests;

pub(crate) use binary::{BinaryFormat, BinaryLayout, open_binary};
pub(crate) use chroma::chroma_collection;
pub(crate) use collection::{collection_facts, collection_line};
pub(crate) use color::{ColorChoice, ColorEnvironment};
pub(crate) use column::{RecordColumn, RecordColumns};
pub(crate) use compression::{Compressed, Compression};
pub(crate) use dump::DumpWriter;
pub(crate) use format::OutputFormat;
pub(crate) use highlight::Highlight;
pub(crate) use messages::{FailureReport, MessageFormat};
pub(crate) use number::{bytes, count, count_of, duration};
pub(crate) use open::open;
pub(crate) use place::{FilePlace, path as file_path};
pub(crate) use printer::{Printer, PrinterSettings, Stream, chain};
pub(crate) use progress::{ProgressDisplay, ProgressKind};
pub(crate) use properties::Properties;
pub(crate) use sanitize::{is_removed, sanitize};
pub(crate) use scatter_plot::{Legend, MapName, MapPoint, PointMap, hover, write_map};
pub(crate) use sink::{Label, ShownQuestion, ShownRecord, Sink, Style};
pub(crate) use statistics::{Measured, is_utf8_locale, write_statistics};
pub(crate) use terminal::TerminalGuard;
pub(crate) use width::width;
