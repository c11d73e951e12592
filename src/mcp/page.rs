//! Records as an answer shows them, within its limits.
//!
//! Invariants: a record is shown in its place or not at all; what is cut or left out is said in the notes, with how to go on.

use serde_json::{Map, Value as Json};

use super::catalogue::AnswerLimits;
use crate::error::Result;
use crate::record::Record;

/// Bytes of a text that stands beside others.
const BESIDE_OTHERS: usize = 8 << 10;

/// Records of one answer.
pub(super) struct Page {
    limits: AnswerLimits,
    /// Bytes that are left.
    left: usize,
    pub(super) shown: Vec<Json>,
    pub(super) notes: Vec<String>,
}

impl Page {
    pub(super) fn new(limits: AnswerLimits) -> Self {
        Self { limits, left: limits.bytes, shown: Vec::new(), notes: Vec::new() }
    }

    /// Returns how many of the records that there are may be in the answer, of so many that are asked for.
    pub(super) fn most(&mut self, asked: usize, available: usize) -> usize {
        let most = self.limits.records;
        if asked.min(available) > most {
            self.notes.push(format!("an answer has at most {most} records; ask for the others with offset"));
        }
        asked.min(most)
    }

    /// Shows as many of so many records as fit, each with what ranked it, and reads no further; `from` is where their texts begin.
    pub(super) fn fill(
        &mut self,
        count: usize,
        records: impl Iterator<Item = Result<(Record, Option<(&'static str, f32)>)>>,
        from: usize,
    ) -> Result<()> {
        let most = if count == 1 { self.left } else { BESIDE_OTHERS };
        for (at, record) in records.enumerate() {
            let (record, rank) = record?;
            if !self.show(&record, rank, from, most) {
                let (left_out, bytes) = (count - at, self.limits.bytes);
                self.notes.push(format!(
                    "{left_out} of {count} records are left out, for an answer has at most {bytes} bytes; ask for them with offset"
                ));
                break;
            }
        }
        Ok(())
    }

    /// Shows a record; the first one in any case, with less and less of it.
    fn show(&mut self, record: &Record, rank: Option<(&'static str, f32)>, from: usize, mut most: usize) -> bool {
        let is_first = self.shown.is_empty();
        loop {
            let (shown, cut) = shown(record, rank, from, most);
            let bytes = shown.to_string().len();
            if bytes <= self.left {
                self.left -= bytes;
                self.shown.push(shown);
                self.notes.extend(cut);
                return true;
            }
            if !is_first {
                return false;
            }
            if most == 0 {
                let id = record.id.as_str();
                let id: String = id.chars().take(self.left / 8).collect();
                self.notes.push(format!("record {id:?} is too large for an answer: only its id is here"));
                self.shown.push(Json::from_iter([("id", id)]));
                self.left = 0;
                return true;
            }
            most /= 2;
        }
    }

    /// Shows lines of a list, as many as fit.
    pub(super) fn list(&mut self, what: &str, lines: impl ExactSizeIterator<Item = Json>) {
        let count = lines.len();
        for (at, line) in lines.enumerate() {
            let bytes = line.to_string().len();
            if at >= self.limits.records || bytes > self.left {
                self.notes
                    .push(format!("{} of {count} {what} are left out: an answer has no room for them", count - at));
                break;
            }
            self.left -= bytes;
            self.shown.push(line);
        }
    }
}

/// Returns a record with at most so many bytes of its text, and what is to be said of that.
fn shown(record: &Record, rank: Option<(&'static str, f32)>, from: usize, most: usize) -> (Json, Option<String>) {
    let mut json = Map::new();
    json.insert("id".into(), record.id.as_str().into());
    json.extend(rank.map(|(name, value)| (name.to_owned(), value.into())));
    let mut said = None;
    if let Some(text) = &record.document {
        let start = text.ceil_char_boundary(from.min(text.len()));
        let end = text.floor_char_boundary(start.saturating_add(most));
        json.insert("document".into(), text.get(start..end).unwrap_or_default().into());
        if (start, end) != (0, text.len()) {
            let (id, bytes) = (record.id.as_str(), text.len());
            let rest = if end < text.len() {
                format!("; get it with document_offset {end} to read on")
            } else {
                String::new()
            };
            said = Some(format!("the text of {id:?} is here from byte {start} to {end} of {bytes}{rest}"));
        }
    }
    json.extend(record.uri.as_ref().map(|uri| ("uri".to_owned(), uri.as_str().into())));
    let metadata = record.metadata.as_ref().filter(|metadata| !metadata.is_empty());
    json.extend(metadata.map(|metadata| ("metadata".to_owned(), metadata.to_json())));
    (json.into(), said)
}
