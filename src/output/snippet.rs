//! A hit for people: where it is from, how near it is, and the lines of its text around the place that answers.
//!
//! The id stands whole, so that it can be copied and two hits are never shown alike; only what is beside it is cut.
//! Invariant: everything printed is sanitised, and no line is wider than the terminal but one with a long id.

use std::ops::Range;

use super::record_layout::Layout;
use super::sink::ShownRecord;
use super::table::cell;
use super::width::{cut, cut_head, width};
use super::{RecordColumn, color, place, sanitize, table_cell};

/// What stands under the first line of a hit is moved in this far.
const INDENT: &str = "   ";
/// Text is never laid out narrower, whatever the terminal.
const NARROWEST: usize = 20;
/// From this width on two lines of text say what three do on a narrow terminal.
const WIDE: usize = 100;

/// Returns the lines of a hit, the one with this number from 1.
pub(super) fn lines(layout: &Layout, number: usize, entry: ShownRecord<'_>) -> String {
    let (style, record) = (layout.style, entry.record);
    let shows = |column| layout.columns.contains(&column);
    let room = style.width.saturating_sub(INDENT.len()).max(NARROWEST);
    let document = record.document.as_deref().filter(|_| shows(RecordColumn::Document));
    let best = document.and_then(|document| layout.highlight.best(document, room * text_lines(room)));
    let place = best.clone().unwrap_or_default();

    let measures =
        layout.columns.iter().filter(|column| matches!(column, RecordColumn::Distance | RecordColumn::Score));
    let measures = measures.filter_map(|column| {
        Some(format!("  {} {}", column.name(), cell(column, entry, style, &layout.highlight)?.text()))
    });
    let measures: String = measures.collect();
    let mut text = format!("{number}. ");
    let id = sanitize::sanitize(record.id.as_str());
    let uri = record.uri.as_deref().filter(|_| shows(RecordColumn::Uri));
    let source = uri.map_or_else(
        || id.clone(),
        |uri| {
            let line = place::known_line(record, &place).map(|line| format!(":{line}")).unwrap_or_default();
            let left = style.width.saturating_sub(width(&text) + width(&measures) + line.len()).max(NARROWEST);
            cut_head(&sanitize::sanitize(place::path(record).unwrap_or(uri)), left).into_owned() + &line
        },
    );
    text.push_str(&color::bold(&source, style.color));
    text.push_str(&color::dim(&measures, style.color));
    text.push('\n');
    for line in document.map(|document| excerpt(layout, document, best.as_ref(), room)).unwrap_or_default() {
        text.push_str(format!("{INDENT}{line}").trim_end());
        text.push('\n');
    }
    let id = uri.filter(|_| shows(RecordColumn::Id)).map(|_| format!("id {id}")).unwrap_or_default();
    let left = room.saturating_sub(width(&id) + 2);
    let about: String = layout.columns.iter().filter_map(|column| about(layout, column, entry)).collect();
    let about = about.trim_start();
    let about = if left < NARROWEST && width(about) > left { "".into() } else { cut(about, left) };
    let last = [id.into(), about].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  ");
    if !last.is_empty() {
        text.push_str(INDENT);
        text.push_str(&color::dim(&last, style.color));
        text.push('\n');
    }
    text
}

fn text_lines(room: usize) -> usize {
    if room + INDENT.len() >= WIDE { 2 } else { 3 }
}

/// Returns the lines of a document: all of it where nothing is to be cut, else those around the best place.
fn excerpt(layout: &Layout, document: &str, best: Option<&Range<usize>>, room: usize) -> Vec<String> {
    let color = layout.style.color;
    if layout.style.full {
        let whole = table_cell::whole_document(document, &layout.highlight).wrapped(room);
        return whole.iter().map(|line| line.styled(color)).collect();
    }
    let most = text_lines(room);
    let start = best.map_or(0, |best| start(document, best, room * most));
    let mut lines = table_cell::from(document, start, start, room * most, &layout.highlight).wrapped(room);
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            *last = last.broken_off(room);
        }
    }
    lines.iter().filter(|line| !line.is_empty()).map(|line| line.styled(color)).collect()
}

/// Returns where the text begins that is shown around a place: with its sentence or paragraph where `room` bytes hold both,
/// else with its line, else with a word shortly before it.
fn start(document: &str, best: &Range<usize>, room: usize) -> usize {
    // A line's end loses what does not fit on it, a word of twenty letters at the most.
    let spare = room.saturating_sub(best.len() + room / 5);
    let earliest = document.ceil_char_boundary(best.start.saturating_sub(spare));
    if earliest == 0 {
        return 0;
    }
    let before = document.get(earliest..best.start).unwrap_or_default();
    let (mut sentence, mut line, mut word, mut last) = (None, None, None, [' '; 2]);
    for (at, c) in before.char_indices() {
        let after = earliest + at + c.len_utf8();
        let is_space = c.is_whitespace();
        if (is_space && ".!?".contains(last[1])) || "。！？".contains(c) || (c == '\n' && last[1] == '\n') {
            sentence = Some(after);
        }
        if c == '\n' {
            line = Some(after);
        }
        if is_space && (word.is_none() || after + room / 6 < best.start) {
            word = Some(after);
        }
        last = [last[1], c];
    }
    sentence.or(line).or(word).unwrap_or(best.start)
}

/// Returns what a column adds to the last line.
fn about(layout: &Layout, column: &RecordColumn, entry: ShownRecord<'_>) -> Option<String> {
    let metadata = entry.record.metadata.as_ref();
    let text = match column {
        RecordColumn::Metadata => table_cell::metadata(metadata?, layout.style.width, layout.style.bookkeeping),
        RecordColumn::Key(key) => {
            let value = table_cell::metadata_value(metadata?.get(key)?);
            table_cell::text(&format!("{key}={value}"), layout.style.width)
        }
        RecordColumn::Embedding => table_cell::embedding(entry.record.embedding.as_deref()?),
        _ => return None,
    };
    (!text.is_empty()).then(|| format!("  {text}"))
}
