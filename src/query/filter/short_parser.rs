//! Where a parser of the short form stands, and its steps over words and space.
//!
//! Knows no operator. Invariant: what is looked at is not stepped over.

use super::lexer::Cursor;

/// Returns whether a character may be part of a word.
pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | '-')
}

/// A parser at a place in a text.
pub(super) struct Parser<'t> {
    pub(super) cursor: Cursor<'t>,
}

impl Parser<'_> {
    pub(super) fn skip_space(&mut self) {
        self.cursor.take_while(char::is_whitespace);
    }

    /// Returns the word that stands here, without stepping over it.
    pub(super) fn word(&self) -> &str {
        self.cursor.clone().take_while(is_word)
    }

    /// Steps over space and the word, if it comes next.
    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        let mut ahead = self.cursor.clone();
        ahead.take_while(char::is_whitespace);
        let here = ahead.take_while(is_word).eq_ignore_ascii_case(word);
        if here {
            self.cursor = ahead;
        }
        here
    }
}
