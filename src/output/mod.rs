//! Hits, records, collections and facts to bytes; progress and messages to a terminal.
//!
//! Knows nothing of the store or of processes: writers take `io::Write`, and what a stream is comes from the
//! caller. The data formats (jsonl, json, csv, tsv, ids) are exact and an export reads back as an equal
//! collection; only tables and messages shorten and sanitise. Invariant: data and talk never share a stream.

mod binary;
mod cell;
mod chroma;
mod collection;
mod color;
mod column;
mod dump;
mod fact;
mod format;
mod grid;
mod highlight;
mod histogram;
mod ids;
mod json;
mod listing;
mod map;
mod marked;
mod number;
mod packing;
mod printer;
mod progress;
mod sanitize;
mod separated;
mod sink;
mod statistics;
mod talk;
mod terminal;
mod vertical;
mod width;

#[cfg(test)]
mod tests;

pub(crate) use binary::{BinaryFormat, BinaryLayout, open_binary};
pub(crate) use chroma::chroma_collection;
pub(crate) use collection::{collection_facts, collection_line};
pub(crate) use color::{ColorChoice, ColorEnvironment};
pub(crate) use column::{RecordColumn, RecordColumns};
pub(crate) use dump::DumpWriter;
pub(crate) use fact::Properties;
pub(crate) use format::OutputFormat;
pub(crate) use highlight::Highlight;
pub(crate) use map::{Legend, MapPoint, PointMap, hover, write_map};
pub(crate) use number::{bytes, count, count_of, duration};
pub(crate) use packing::{Packed, Packing};
pub(crate) use printer::{Printer, PrinterSettings, Stream, chain};
pub(crate) use progress::{ProgressDisplay, ProgressKind};
pub(crate) use sanitize::{is_removed, sanitize};
pub(crate) use sink::{Label, ShownQuestion, ShownRecord, Sink, Style, open};
pub(crate) use statistics::{Measured, is_utf8_locale, write_statistics};
pub(crate) use talk::{FailureReport, MessageFormat};
pub(crate) use terminal::TerminalGuard;
pub(crate) use width::width;
