//! Which lines of a text a record holds, so that a hit opens in an editor at its place.
//!
//! Knows nothing of files. Invariant: lines are counted from 1 as editors count them, and white space at the ends of a
//! stretch takes no line.

use std::ops::Range;

use super::{MetadataPatch, Value};
use crate::error::Result;

/// Lines of a text, the first and the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineRange {
    /// From 1.
    pub first: u64,
    /// At least the first.
    pub last: u64,
}

impl LineRange {
    /// The metadata key of the first line.
    pub const FIRST: &str = "line";
    /// The metadata key of the last line.
    pub const LAST: &str = "line_end";

    /// Adds the lines to metadata.
    ///
    /// # Errors
    /// [`crate::error::Error::InvalidMetadata`], never for these keys.
    pub fn describe(self, metadata: &mut MetadataPatch) -> Result<()> {
        for (key, line) in [(Self::FIRST, self.first), (Self::LAST, self.last)] {
            metadata.insert(key, Some(Value::Int(i64::try_from(line).unwrap_or(i64::MAX))))?;
        }
        Ok(())
    }
}

/// Counts the lines of a text, stretch by stretch.
pub struct LineCounter<'t> {
    text: &'t str,
    /// Where the last stretch began, and the line of that place.
    at: (usize, u64),
}

impl<'t> LineCounter<'t> {
    /// Begins at the start of a text.
    #[must_use]
    pub fn of(text: &'t str) -> Self {
        Self { text, at: (0, 1) }
    }

    /// Returns the lines of a stretch, which begins at or after the one before.
    pub fn range(&mut self, bytes: &Range<usize>) -> LineRange {
        let stretch = self.text.get(bytes.clone()).unwrap_or_default();
        let begins = bytes.start + (stretch.len() - stretch.trim_start().len());
        let first = self.at.1 + self.line_ends(self.at.0, begins);
        self.at = (begins, first);
        let last = first + self.line_ends(begins, bytes.start + stretch.trim_end().len());
        LineRange { first, last }
    }

    fn line_ends(&self, from: usize, to: usize) -> u64 {
        let stretch = self.text.as_bytes().get(from..to).unwrap_or_default();
        memchr::memchr_iter(b'\n', stretch).count() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::random::Random;

    #[test]
    fn white_space_at_the_ends_takes_no_line() {
        let text = "\n\none\r\ntwo\n\nthree";
        let at = |bytes| {
            let LineRange { first, last } = LineCounter::of(text).range(&bytes);
            (first, last)
        };
        assert_eq!(at(0..text.len()), (3, 6));
        assert_eq!(at(0..7), (3, 3));
        assert_eq!(at(2..12), (3, 4));
        assert_eq!(at(text.len() - 5..text.len()), (6, 6));
        let nothing = LineCounter::of("").range(&(0..0));
        assert_eq!((nothing.first, nothing.last), (1, 1));
    }

    #[test]
    fn stretches_that_overlap_are_counted_as_from_the_start() {
        let mut random = Random::new();
        for _ in 0..200 {
            let text: String = (0..random.below(60)).map(|_| ['a', '\n', ' '][random.below(3) as usize]).collect();
            let (mut lines, mut start) = (LineCounter::of(&text), 0);
            while start < text.len() {
                let end = start + random.below((text.len() - start) as u64 + 1) as usize;
                if text[start..end].trim().is_empty() {
                    break;
                }
                let stretch = &text[start..end];
                let before = start + stretch.len() - stretch.trim_start().len();
                let line = |until: usize| 1 + text[..until].matches('\n').count() as u64;
                let LineRange { first, last } = lines.range(&(start..end));
                assert_eq!(
                    (first, last),
                    (line(before), line(start + stretch.trim_end().len())),
                    "{text:?} {random:?}"
                );
                start += random.below((end - start) as u64 + 1) as usize + usize::from(end == start);
            }
        }
    }
}
