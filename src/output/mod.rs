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

pub use binary::{BinaryFormat, Layout, open_binary};
pub use chroma::chroma_collection;
pub use collection::{collection_facts, collection_line};
pub use color::{ColorChoice, ColorEnvironment};
pub use column::{Column, Columns};
pub use dump::DumpWriter;
pub use fact::{Facts, write_facts, write_list};
pub use format::Format;
pub use highlight::Highlight;
pub use map::{Legend, MapPoint, PointMap, hover, write_map};
pub use number::{bytes, count, count_of, duration, per_second};
pub use packing::{Packed, Packing};
pub use printer::{Printer, PrinterSettings, Stream, chain};
pub use progress::{Progress, ProgressKind};
pub use sanitize::{is_removed, sanitize};
pub use sink::{Entry, Label, Question, Sink, Style, open};
pub use statistics::{Measured, is_utf8_locale, write_statistics};
pub use talk::{Failure, TalkFormat};
pub use terminal::TerminalGuard;
pub use width::{cut, width};
