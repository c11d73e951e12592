//! Talk broken between words, so that a terminal does not break it inside of them.
//!
//! Invariant: nothing is lost or added but line breaks in place of spaces; what stands between backticks is typed as it is,
//! so it is broken only where it is longer than a line.

use super::width::width;

/// Breaks a line that begins after `taken` cells into lines of at most `columns` cells, as far as its words let it.
pub(super) fn wrapped(text: &str, taken: usize, columns: usize) -> String {
    let (mut lines, mut used) = (String::new(), taken);
    for (at, word) in words(text, columns).into_iter().enumerate() {
        let needs = width(word);
        if at > 0 {
            let breaks = used + 1 + needs > columns;
            lines.push(if breaks { '\n' } else { ' ' });
            used = if breaks { 0 } else { used + 1 };
        }
        lines.push_str(word);
        used += needs;
    }
    lines
}

/// Cuts a text at its spaces, except inside of backticks that fit a line.
fn words(text: &str, columns: usize) -> Vec<&str> {
    let (mut words, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        let plain = rest.find(' ').unwrap_or(rest.len());
        let quoted = rest.find('`').filter(|start| *start < plain).and_then(|start| {
            let length = rest.get(start + 1..)?.find('`')?;
            let end = start + 1 + length;
            let end = end + rest.get(end..)?.find(' ').unwrap_or(rest.len() - end);
            (width(rest.get(..end)?) <= columns).then_some(end)
        });
        let end = quoted.unwrap_or(plain);
        words.push(rest.get(..end).unwrap_or_default());
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrapped("one two three", 7, 15), "one two\nthree");
        assert_eq!(wrapped("one two three", 0, 80), "one two three");
        assert_eq!(wrapped("a-word-that-fits-no-line b", 0, 9), "a-word-that-fits-no-line\nb");
        assert_eq!(wrapped("日本語 日本語", 0, 12), "日本語\n日本語");
        assert_eq!(wrapped("", 7, 15), "");
        assert_eq!(wrapped("two  spaces ", 0, 80), "two  spaces");
    }

    #[test]
    fn what_is_typed_is_kept_on_one_line() {
        assert_eq!(wrapped("see `huedb help query`, then", 0, 22), "see\n`huedb help query`,\nthen");
        assert_eq!(wrapped("see `huedb help query` then", 0, 10), "see `huedb\nhelp\nquery`\nthen");
        assert_eq!(wrapped("an ` alone", 0, 4), "an `\nalone");
    }
}
