//! Text as the source of a manual page.
//!
//! Knows no command. Invariant: nothing of a text is taken for an instruction, and a block of lines is shown as it stands.

use std::fmt::Write;

/// The source of a page that is being written.
pub(super) struct Roff(String);

impl Roff {
    /// Begins a page of a section of the manual.
    pub(super) fn page(name: &str, section: u8) -> Self {
        Self(format!(".TH {name} {section} \"\" \"huedb {}\" \"\"\n", env!("CARGO_PKG_VERSION")))
    }

    /// Begins a part of the page.
    pub(super) fn section(&mut self, name: &str) {
        let _ = writeln!(self.0, ".SH {}", escaped(&name.to_uppercase()));
    }

    /// Begins a group inside a part.
    pub(super) fn group(&mut self, name: &str) {
        let _ = writeln!(self.0, ".SS {}", escaped(name));
    }

    /// Writes paragraphs, which are filled.
    pub(super) fn text(&mut self, text: &str) {
        for (at, paragraph) in text.split("\n\n").enumerate() {
            let start = if at == 0 { "" } else { ".PP\n" };
            let _ = writeln!(self.0, "{start}{}", inline(paragraph));
        }
    }

    /// Writes a term and what it means.
    pub(super) fn item(&mut self, term: &str, text: &str) {
        let _ = writeln!(self.0, ".TP\n{term}\n{}", inline(text).replace("\n\n", "\n.IP\n"));
    }

    /// Writes a paragraph that follows others.
    pub(super) fn paragraph(&mut self, text: &str) {
        let _ = writeln!(self.0, ".PP\n{}", inline(text));
    }

    /// Writes lines as they stand, inside of a text.
    pub(super) fn indented_block(&mut self, lines: &[&str]) {
        self.0.push_str(".PP\n.RS 4\n");
        self.block(lines);
        self.0.push_str(".RE\n");
    }

    /// Writes source that was made of [`bold`] and [`italic`].
    pub(super) fn source(&mut self, source: &str) {
        let _ = writeln!(self.0, "{source}");
    }

    /// Writes lines as they stand.
    pub(super) fn block(&mut self, lines: &[&str]) {
        self.0.push_str(".nf\n");
        for line in lines {
            let _ = writeln!(self.0, "{}", line_start(&escaped(line)));
        }
        self.0.push_str(".fi\n");
    }

    /// Returns the source.
    pub(super) fn finish(self) -> Vec<u8> {
        self.0.into_bytes()
    }
}

/// Returns a text in bold type.
pub(super) fn bold(text: &str) -> String {
    format!("\\fB{}\\fR", escaped(text))
}

/// Returns a text in italic type, as what stands for something else.
pub(super) fn italic(text: &str) -> String {
    format!("\\fI{}\\fR", escaped(text))
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-")
}

/// Has a line that begins like an instruction be text.
fn line_start(line: &str) -> String {
    if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line.to_owned() }
}

/// Writes what stands between backticks in bold type.
pub(super) fn inline(text: &str) -> String {
    let mut written = String::new();
    for (at, part) in text.split('`').enumerate() {
        written += &if at % 2 == 1 { bold(part) } else { escaped(part) };
    }
    written.lines().map(line_start).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_never_an_instruction() {
        let mut page = Roff::page("x", 1);
        page.text(".SH is `--no` instruction\n'nor this\n\nback\\slash");
        page.block(&["  .nf", "'x"]);
        let text = String::from_utf8(page.finish()).unwrap();
        let (_, body) = text.split_once('\n').unwrap();
        let expected =
            "\\&.SH is \\fB\\-\\-no\\fR instruction\n\\&'nor this\n.PP\nback\\eslash\n.nf\n  .nf\n\\&'x\n.fi\n";
        assert_eq!(body, expected);
    }
}
