//! BERT's words: text cleaned, folded and cut the way the `BertNormalizer` and `BertPreTokenizer` of the
//! tokenizers crate do it.
//!
//! It knows no vocabulary. Invariant: the words are the crate's on every text; a test goes through all of
//! Unicode. Both take their categories from the same tables, those of the `unicode_categories` crate.

use std::ops::ControlFlow;

use unicode_categories::UnicodeCategories;
use unicode_normalization::UnicodeNormalization;

/// How text is folded before it is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Folding {
    /// Whether letters are made lower case.
    pub(super) lowercase: bool,
    /// Whether accents are dropped.
    pub(super) strip_accents: bool,
    /// Whether each Chinese character is a word.
    pub(super) chinese_words: bool,
}

/// Calls `each` with every word of a text, in order, until it breaks.
pub(super) fn words(text: &str, folding: Folding, mut each: impl FnMut(&str) -> ControlFlow<()>) -> ControlFlow<()> {
    let mut word = BertWord { text: String::with_capacity(32), each: &mut each };
    if text.is_ascii() {
        for c in text.chars().filter(|&c| !is_removed(c)) {
            word.push(if folding.lowercase { c.to_ascii_lowercase() } else { c })?;
        }
        return word.end();
    }
    let cleaned = text.chars().filter(|&c| !is_removed(c)).flat_map(|c| spaced(c, folding.chinese_words));
    if folding.strip_accents {
        push_all(&mut word, cleaned.nfd().filter(|c| !c.is_mark_nonspacing()), folding)?;
    } else {
        push_all(&mut word, cleaned, folding)?;
    }
    word.end()
}

fn push_all<F: FnMut(&str) -> ControlFlow<()>>(
    word: &mut BertWord<'_, F>,
    chars: impl Iterator<Item = char>,
    folding: Folding,
) -> ControlFlow<()> {
    for c in chars {
        if folding.lowercase {
            c.to_lowercase().try_for_each(|c| word.push(c))?;
        } else {
            word.push(c)?;
        }
    }
    ControlFlow::Continue(())
}

/// The word being read.
struct BertWord<'a, F> {
    text: String,
    each: &'a mut F,
}

impl<F: FnMut(&str) -> ControlFlow<()>> BertWord<'_, F> {
    fn push(&mut self, c: char) -> ControlFlow<()> {
        if c.is_whitespace() {
            return self.end();
        }
        if is_punctuation(c) {
            self.end()?;
            self.text.push(c);
            return self.end();
        }
        self.text.push(c);
        ControlFlow::Continue(())
    }

    fn end(&mut self) -> ControlFlow<()> {
        if self.text.is_empty() {
            return ControlFlow::Continue(());
        }
        let flow = (self.each)(&self.text);
        self.text.clear();
        flow
    }
}

fn is_punctuation(c: char) -> bool {
    c.is_ascii_punctuation() || (!c.is_ascii() && c.is_punctuation())
}

/// Whether a character may be a word by itself, so that words end before and after it.
pub(super) fn stands_alone(c: char) -> bool {
    is_punctuation(c) || is_chinese(c)
}

/// Whether a character is dropped: control and format characters, private and unassigned ones.
fn is_removed(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' => false,
        '\u{fffd}' => true,
        c if c.is_ascii() => c.is_ascii_control(),
        c => c.is_other(),
    }
}

fn spaced(c: char, chinese_words: bool) -> impl Iterator<Item = char> {
    let space = (chinese_words && is_chinese(c)).then_some(' ');
    space.into_iter().chain([c]).chain(space)
}

/// The blocks that BERT calls Chinese (`is_chinese_char` of the tokenizers crate, gap and all).
fn is_chinese(c: char) -> bool {
    matches!(
        u32::from(c),
        0x3400..=0x4DBF
            | 0x4E00..=0x9FFF
            | 0xF900..=0xFAFF
            | 0x20000..=0x2A6DF
            | 0x2A700..=0x2B73F
            | 0x2B740..=0x2B81F
            | 0x2B920..=0x2CEAF
            | 0x2F800..=0x2FA1F
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str, folding: Folding) -> Vec<String> {
        let mut found = Vec::new();
        let _ = words(text, folding, |word| {
            found.push(word.to_owned());
            ControlFlow::Continue(())
        });
        found
    }

    const UNCASED: Folding = Folding { lowercase: true, strip_accents: true, chinese_words: true };

    #[test]
    fn words_end_at_spaces_and_punctuation_stands_alone() {
        assert_eq!(cut("Don't  stop,\tnow!", UNCASED), ["don", "'", "t", "stop", ",", "now", "!"]);
        assert_eq!(cut("", UNCASED), [""; 0]);
        assert_eq!(cut(" \n\r ", UNCASED), [""; 0]);
    }

    #[test]
    fn accents_go_and_case_goes_unless_kept() {
        assert_eq!(cut("Él CAFÉ İ", UNCASED), ["el", "cafe", "i"]);
        let cased = Folding { lowercase: false, strip_accents: false, chinese_words: false };
        assert_eq!(cut("Él CAFÉ 中文", cased), ["Él", "CAFÉ", "中文"]);
    }

    #[test]
    fn chinese_characters_are_words_and_what_cannot_be_seen_is_dropped() {
        assert_eq!(cut("a中文b", UNCASED), ["a", "中", "文", "b"]);
        assert_eq!(cut("a\u{200b}b\u{0}c\u{fffd}d\u{7f}e", UNCASED), ["abcde"]);
    }

    #[test]
    fn a_caller_that_breaks_is_called_no_more() {
        for text in ["one two three", "one twó three"] {
            let mut calls = 0;
            let flow = words(text, UNCASED, |_| {
                calls += 1;
                if calls == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            assert_eq!((calls, flow), (2, ControlFlow::Break(())), "{text}");
        }
    }
}
