//! The text of an HTML page.
//!
//! Does not build a tree: the tags say where words, lines and paragraphs end, and what no reader sees is left out. Invariant:
//! every word of the page's title and body comes out once and in its order, with references such as `&auml;` resolved.

use html5gum::{DefaultEmitter, Token, Tokenizer};

/// What no reader of the page sees.
const HIDDEN: [&[u8]; 8] = [b"script", b"style", b"template", b"noscript", b"svg", b"iframe", b"object", b"datalist"];
/// Before and after these a paragraph ends.
const PARAGRAPHS: [&[u8]; 33] = [
    b"address",
    b"article",
    b"aside",
    b"blockquote",
    b"body",
    b"caption",
    b"details",
    b"dialog",
    b"dl",
    b"fieldset",
    b"figure",
    b"footer",
    b"form",
    b"h1",
    b"h2",
    b"h3",
    b"h4",
    b"h5",
    b"h6",
    b"header",
    b"hr",
    b"main",
    b"nav",
    b"ol",
    b"p",
    b"pre",
    b"section",
    b"summary",
    b"table",
    b"textarea",
    b"title",
    b"ul",
    b"figcaption",
];
/// Before and after these a line ends.
const LINES: [&[u8]; 9] = [b"br", b"div", b"dd", b"dt", b"legend", b"li", b"option", b"select", b"tr"];
/// Between these there is a blank.
const CELLS: [&[u8]; 2] = [b"td", b"th"];

/// Returns the text of a page: paragraphs with a blank line between them, and in `pre` the lines as they are.
pub(super) fn text_of(html: &str) -> String {
    let mut emitter = DefaultEmitter::default();
    emitter.naively_switch_states(true);
    let mut text = PageText::default();
    // The error of reading a string is none that can be.
    for token in Tokenizer::new_with_emitter(html, emitter).flatten() {
        match token {
            Token::StartTag(tag) => text.tag(&tag.name, tag.self_closing),
            Token::EndTag(tag) => text.end(&tag.name),
            Token::String(words) if text.hidden.is_none() => text.put(&String::from_utf8_lossy(&words)),
            _ => {}
        }
    }
    text.out.truncate(text.out.trim_end().len());
    text.out
}

#[derive(Default)]
struct PageText {
    out: String,
    /// Line ends that go before the next word.
    breaks: usize,
    /// Whether a blank goes before the next word.
    blank: bool,
    /// How many `pre` are open.
    verbatim: usize,
    /// The element whose content is left out, and how many of its name are open.
    hidden: Option<(Vec<u8>, usize)>,
}

impl PageText {
    fn tag(&mut self, name: &[u8], closes_itself: bool) {
        // Of the tags that hide something only a drawing's may.
        let opens = !closes_itself || name != b"svg";
        if let Some((hidden, open)) = &mut self.hidden {
            *open += usize::from(opens && hidden.as_slice() == name);
        } else if opens && HIDDEN.contains(&name) {
            self.hidden = Some((name.to_vec(), 1));
        } else {
            self.end_piece(name);
            self.verbatim += usize::from(name == b"pre");
        }
    }

    fn end(&mut self, name: &[u8]) {
        match &mut self.hidden {
            Some((hidden, 1)) if hidden.as_slice() == name => self.hidden = None,
            Some((hidden, open)) => *open -= usize::from(hidden.as_slice() == name),
            None => {
                self.end_piece(name);
                self.verbatim = self.verbatim.saturating_sub(usize::from(name == b"pre"));
            }
        }
    }

    /// Ends a paragraph, a line or a word, as a tag says.
    fn end_piece(&mut self, name: &[u8]) {
        let breaks = if PARAGRAPHS.contains(&name) { 2 } else { usize::from(LINES.contains(&name)) };
        self.breaks = self.breaks.max(breaks);
        self.blank |= CELLS.contains(&name);
    }

    fn put(&mut self, text: &str) {
        if self.verbatim > 0 {
            // The line end behind the tag is none of its lines.
            let text = if self.breaks > 0 { text.strip_prefix('\n').unwrap_or(text) } else { text };
            if !text.is_empty() {
                self.begin();
                self.out.push_str(text);
            }
            return;
        }
        self.blank |= text.starts_with(char::is_whitespace);
        for word in text.split_whitespace() {
            self.begin();
            self.out.push_str(word);
            self.blank = true;
        }
        self.blank = text.ends_with(char::is_whitespace) || self.blank && text.trim().is_empty();
    }

    /// Writes what goes before a word.
    fn begin(&mut self) {
        if self.breaks > 0 {
            self.out.truncate(self.out.trim_end().len());
        }
        if !self.out.is_empty() {
            self.out.push_str(match self.breaks {
                0 if self.blank => " ",
                0 => "",
                1 => "\n",
                _ => "\n\n",
            });
        }
        (self.breaks, self.blank) = (0, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_its_text() {
        let page = "<!DOCTYPE html><html><head><title>Fees &amp; fines</title>\n<style>p { color: red }</style>\
            <script>if (a < b) { document.write('<p>no</p>') }</script></head><body><!-- no -->\n\
            <h1>Geb&uuml;hren</h1>\n<p>A <b>f</b>ox,\n  a&nbsp;<i>hound</i></p><p>Next</p>\
            <ul><li>one<li>two <a href='x'>link</a></ul>\
            <table><tr><td>a</td><td>b</td></tr><tr><td>c<td>d</table>\
            <pre>\nx = 1\n  <b>y</b>\n<i>z</i> = 2\n</pre>after<br>all<svg><title>no</title><svg></svg>no</svg> 1 &lt; 2</body></html>";
        assert_eq!(
            text_of(page),
            "Fees & fines\n\nGebühren\n\nA fox, a hound\n\nNext\n\none\ntwo link\n\na b\nc d\n\nx = 1\n  y\nz = 2\n\nafter\nall 1 < 2"
        );
    }

    #[test]
    fn what_is_no_page_does_no_harm() {
        assert_eq!(text_of("plain text, 1 < 2"), "plain text, 1 < 2");
        assert_eq!(text_of(""), "");
        assert_eq!(text_of("<p>a</p></p></pre></div>b<pre> c"), "a\n\nb\n\n c");
        assert_eq!(text_of("<p>cut <scr"), "cut");
        assert_eq!(text_of("a<script>never closed"), "a");
        let deep = format!("{}x{}", "<div>".repeat(100_000), "</div>".repeat(100_000));
        assert_eq!(text_of(&deep), "x");
    }
}
