//! Text made safe for a terminal: no escape sequences, no reordering, no invisible characters.
//!
//! Only what people read is sanitised (tables, messages); data formats are exact. Removing instead of
//! replacing keeps a cell's width equal to what is seen. The price: emoji joined by U+200D fall apart into
//! their parts. Invariant: the result is one line.

/// Returns whether a character is removed: it would control the terminal, reorder text or hide in it.
#[must_use]
pub(crate) fn is_removed(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}'                        // soft hyphen
            | '\u{61c}' | '\u{180e}'        // Arabic letter mark, Mongolian vowel separator
            | '\u{200b}'..='\u{200f}'       // zero-width space and joiners, direction marks
            | '\u{202a}'..='\u{202e}'       // bidi embeddings and overrides
            | '\u{2060}'..='\u{206f}'       // word joiner, invisible operators, bidi isolates
            | '\u{feff}'                    // zero-width no-break space
            | '\u{fff9}'..='\u{fffb}'       // interlinear annotation
            | '\u{e0000}'..='\u{e007f}'     // tags
        )
}

/// Visits the characters of a text as they may be shown on one line, each with its place in the text: breaks and tabs
/// become one space each.
pub(super) fn one_line_indices(text: &str) -> impl Iterator<Item = (usize, char)> + '_ {
    let mut characters = text.char_indices().peekable();
    std::iter::from_fn(move || {
        loop {
            match characters.next()? {
                (_, '\r') if characters.peek().is_some_and(|(_, c)| *c == '\n') => {}
                (at, '\t') => return Some((at, ' ')),
                (at, c) if is_break(c) => return Some((at, ' ')),
                (_, c) if is_removed(c) => {}
                shown => return Some(shown),
            }
        }
    })
}

/// Returns whether a character ends a line.
pub(super) fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Visits the characters of a text as they may be shown on one line.
pub(super) fn one_line(text: &str) -> impl Iterator<Item = char> + '_ {
    one_line_indices(text).map(|(_, c)| c)
}

/// Returns a text as it may be shown on one line.
#[must_use]
pub(crate) fn sanitize(text: &str) -> String {
    one_line(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_lose_their_escape() {
        assert_eq!(sanitize("\x1b[31mred\x1b[0m \x1b]0;title\x07"), "[31mred[0m ]0;title");
        assert_eq!(sanitize("a\0b\x08c\x7fd\u{9b}e\u{90}f"), "abcdef");
    }

    #[test]
    fn breaks_become_one_space() {
        assert_eq!(sanitize("a\nb\r\nc\rd\te\u{2028}f\u{2029}g\u{85}h"), "a b c d e f g h");
        assert_eq!(sanitize("a\n\nb"), "a  b");
    }

    #[test]
    fn nothing_reorders_or_hides() {
        let hidden = "\u{202e}\u{2066}\u{2069}\u{200b}\u{200d}\u{200f}\u{2060}\u{feff}\u{61c}\u{e0041}\u{ad}\u{180e}";
        assert_eq!(sanitize(&format!("a{hidden}b")), "ab");
    }

    #[test]
    fn other_text_stays() {
        let text = "naïve, Größe, 日本語, עברית, ❤️, e\u{301}, \u{a0}";
        assert_eq!(sanitize(text), text);
    }

    #[test]
    fn every_character_of_the_result_may_stay() {
        for c in '\0'..=char::MAX {
            assert!(one_line(c.encode_utf8(&mut [0; 4])).all(|c| !is_removed(c)), "U+{:04X}", u32::from(c));
        }
    }
}
