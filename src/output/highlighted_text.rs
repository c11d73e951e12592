//! Sanitised text with marked places, cut or wrapped to a width.
//!
//! Line ends stand in it only where nothing is cut. Invariant: marks ascend, do not touch, and lie within the text.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use super::width::{self, ELLIPSIS};

/// Stand around a mark while a line is laid out: of no width, and in no sanitised text.
const BEGIN: char = '\u{2066}';
const END: char = '\u{2069}';
/// Bold and red, as `grep` marks what it found.
const BEGIN_ESCAPE: &str = "\u{1b}[1;31m";
const END_ESCAPE: &str = "\u{1b}[0m";
/// Narrower snippets show what was found and nothing around it.
const NARROWEST_SNIPPET: usize = 12;

/// A text of a cell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Marked {
    text: String,
    marks: Vec<Range<usize>>,
}

impl From<String> for Marked {
    fn from(text: String) -> Self {
        Self { text, marks: Vec::new() }
    }
}

impl From<&str> for Marked {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl Marked {
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Bytes of memory, nearly.
    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    /// Returns the width of its widest line.
    pub(super) fn width(&self) -> usize {
        self.text.split('\n').map(width::width).max().unwrap_or(0)
    }

    pub(super) fn push(&mut self, c: char, marked: bool) {
        let start = self.text.len();
        self.text.push(c);
        match self.marks.last_mut() {
            Some(last) if marked && last.end == start => last.end = self.text.len(),
            _ if marked => self.marks.push(start..self.text.len()),
            _ => {}
        }
    }

    /// Removes white space at the end.
    pub(super) fn trim_end(&mut self) {
        let end = self.text.trim_end().len();
        *self = self.part(0..end);
    }

    fn part(&self, part: Range<usize>) -> Self {
        let within = |mark: &Range<usize>| mark.start.max(part.start)..mark.end.min(part.end);
        let marks = self.marks.iter().map(within).filter(|mark| mark.start < mark.end);
        let marks = marks.map(|mark| mark.start - part.start..mark.end - part.start).collect();
        Self { text: self.text.get(part.clone()).unwrap_or_default().to_owned(), marks }
    }

    /// Cuts the text, which is one line, to `limit` cells: its beginning, or, where that shows no mark, what is around
    /// the first one.
    pub(super) fn cut(&self, limit: usize) -> Self {
        if width::width(&self.text) <= limit {
            return self.clone();
        }
        let beginning = self.beginning(limit);
        match self.marks.first() {
            Some(first) if beginning.marks.is_empty() && limit >= NARROWEST_SNIPPET => self.around(first, limit),
            _ => beginning,
        }
    }

    /// Cuts the text, which is one line, to `limit` cells with something after it that is not shown.
    pub(super) fn broken_off(&self, limit: usize) -> Self {
        let mut text = self.clone();
        text.push(ELLIPSIS, false);
        if text.width() > limit { text.beginning(limit) } else { text }
    }

    fn beginning(&self, limit: usize) -> Self {
        let shown = width::cut(&self.text, limit).into_owned();
        let kept = shown.strip_suffix(ELLIPSIS).map_or(shown.len(), str::len);
        Self { text: shown, marks: self.part(0..kept).marks }
    }

    /// Cuts text away on both sides of a mark, a third of what is left before it.
    fn around(&self, mark: &Range<usize>, limit: usize) -> Self {
        let before = self.text.get(..mark.start).unwrap_or_default();
        let marked = width::width(self.text.get(mark.clone()).unwrap_or_default());
        let mut lead = limit.saturating_sub(marked + 2) / 3;
        let mut start = mark.start;
        for (at, cluster) in before.grapheme_indices(true).rev() {
            match lead.checked_sub(width::width(cluster)) {
                Some(left) => (lead, start) = (left, at),
                None => break,
            }
        }
        // Not in the middle of a word, where there is a word's beginning.
        let head = self.text.get(start..mark.start).unwrap_or_default();
        let is_begun = !before.get(..start).unwrap_or_default().ends_with(' ');
        start += head.find(' ').filter(|_| is_begun).map_or(0, |space| space + 1);
        let after = self.part(start..self.text.len());
        let tail = if width::width(&after.text) < limit { after } else { after.beginning(limit.saturating_sub(1)) };
        let moved = ELLIPSIS.len_utf8();
        let marks = tail.marks.into_iter().map(|mark| mark.start + moved..mark.end + moved).collect();
        Self { text: format!("{ELLIPSIS}{}", tail.text), marks }
    }

    /// Breaks the text into lines of at most `limit` cells, at white space where there is some.
    pub(super) fn wrapped(&self, limit: usize) -> Vec<Self> {
        let mut lines = Vec::new();
        let mut start = 0;
        for line in self.text.split('\n') {
            let places = wrap(line, limit.max(1)).into_iter();
            lines.extend(places.map(|place| self.part(start + place.start..start + place.end)));
            start += line.len() + 1;
        }
        lines
    }

    /// Returns the text with signs around its marks, which [`escapes`] makes colours of.
    pub(super) fn with_signs(&self) -> String {
        let mut text = String::with_capacity(self.text.len());
        let mut done = 0;
        for mark in &self.marks {
            text.push_str(self.text.get(done..mark.start).unwrap_or_default());
            text.push(BEGIN);
            text.push_str(self.text.get(mark.clone()).unwrap_or_default());
            text.push(END);
            done = mark.end;
        }
        text.push_str(self.text.get(done..).unwrap_or_default());
        // A mark that ends inside a ligature would make the text wider.
        if width::width(&text) == width::width(&self.text) { text } else { self.text.clone() }
    }

    /// Returns the text, its marks in colour.
    pub(super) fn styled(&self, color: bool) -> String {
        if color { escapes(&self.with_signs()) } else { self.text.clone() }
    }
}

/// Turns the signs around marks into escape sequences.
pub(super) fn escapes(text: &str) -> String {
    text.replace(BEGIN, BEGIN_ESCAPE).replace(END, END_ESCAPE)
}

fn wrap(line: &str, limit: usize) -> Vec<Range<usize>> {
    let mut places = Vec::new();
    let (mut start, mut used, mut gap) = (0, 0, None);
    let trimmed = |start: usize, end: usize| start..start + line.get(start..end).unwrap_or_default().trim_end().len();
    for (at, cluster) in line.grapheme_indices(true) {
        let cells = width::width(cluster);
        let is_gap = cluster.chars().all(|c| c.is_whitespace() && c != '\u{a0}');
        if used + cells > limit && at > start {
            let end = if is_gap { at + cluster.len() } else { gap.unwrap_or(at) };
            places.push(trimmed(start, end));
            start = end;
            used = width::width(line.get(start..at).unwrap_or_default());
            gap = None;
            if is_gap {
                continue;
            }
        }
        used += cells;
        if is_gap && line.get(start..at).is_some_and(|before| !before.trim_start().is_empty()) {
            gap = Some(at + cluster.len());
        }
    }
    places.push(trimmed(start, line.len()));
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// Marks what stands in brackets.
    fn marked(text: &str) -> Marked {
        let (mut built, mut inside) = (Marked::default(), false);
        for c in text.chars() {
            match c {
                '[' => inside = true,
                ']' => inside = false,
                c => built.push(c, inside),
            }
        }
        built
    }

    fn shown(marked: &Marked) -> String {
        marked.with_signs().replace(BEGIN, "[").replace(END, "]")
    }

    #[test]
    fn a_beginning_that_shows_a_mark_is_kept() {
        let text = marked("the [quick] brown fox jumps over the [lazy] dog");
        assert_eq!(shown(&text.cut(80)), "the [quick] brown fox jumps over the [lazy] dog");
        assert_eq!(shown(&text.cut(20)), "the [quick] brown fox…");
        assert_eq!(shown(&text.cut(7)), "the [qu]…");
    }

    #[test]
    fn a_far_mark_is_shown_with_what_is_around_it() {
        let text = marked("one two three four five six seven eight [nine] ten eleven twelve thirteen");
        assert_eq!(shown(&text.cut(24)), "…eight [nine] ten eleven…");
        assert_eq!(shown(&text.cut(8)), "one two…");
        let text = marked("one two three four five six seven eight [nine] ten");
        assert_eq!(shown(&text.cut(24)), "…eight [nine] ten");
        let wide = marked("日本語日本語日本語日本語日本語[文]日本語日本語日本語");
        assert_eq!(shown(&wide.cut(16)), "…本語[文]日本語日…");
    }

    #[test]
    fn text_is_wrapped_at_white_space() {
        let lines = |text: &str, limit| marked(text).wrapped(limit).iter().map(shown).collect::<Vec<_>>();
        assert_eq!(lines("the quick [brown fox] jumps", 10), ["the quick", "[brown fox]", "jumps"]);
        assert_eq!(lines("the [quick brown] fox", 9), ["the [quick]", "[brown] fox"]);
        assert_eq!(lines("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
        assert_eq!(lines("  indented text\n\nnext", 10), ["  indented", "text", "", "next"]);
        assert_eq!(lines("日本語の文", 5), ["日本", "語の", "文"]);
        assert_eq!(lines("", 5), [""]);
    }

    #[test]
    fn no_width_is_exceeded_and_no_text_lost() {
        let pieces = ["a", " ", "日", "e\u{301}", "🦊", "❤\u{fe0f}", "🇩🇪", "👍🏽", "لا", "[", "]", "\n", "word"];
        let mut random = Random::new();
        for round in 0..20_000 {
            let text: String = (0..round % 23).map(|_| *random.pick::<&str>(&pieces)).collect();
            let limit = 2 + round % 31;
            let whole = marked(&text);
            let lines = whole.wrapped(limit);
            assert!(lines.iter().all(|line| line.width() <= limit), "{text:?} at {limit}: {lines:?}");
            let visible = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            let joined: String = lines.iter().map(|line| line.text.as_str()).collect();
            assert_eq!(visible(&joined), visible(&whole.text), "{text:?} at {limit}");
            let one = marked(&text.replace('\n', " "));
            let cut = one.cut(limit);
            assert!(cut.width() <= limit, "{text:?} at {limit}: {cut:?}");
            assert!(cut.marks.iter().all(|mark| cut.text.get(mark.clone()).is_some()), "{cut:?}");
            assert_eq!(width::width(&cut.with_signs()), cut.width(), "{cut:?}");
        }
    }

    #[test]
    fn marks_are_colours_only_where_colour_is_on() {
        let text = marked("a [b]");
        assert_eq!(text.styled(true), "a \u{1b}[1;31mb\u{1b}[0m");
        assert_eq!(text.styled(false), "a b");
    }
}
