//! The standard output where it is a terminal: data formats too must not control it.
//!
//! In a pipe or a file the data formats are exact, and this does nothing. Invariant: apart from what is for people, which is
//! sanitised cell by cell, nothing passes that [`is_removed`] names, except line ends and tabs. JSON stays exact even
//! here, for it can escape.

use std::io::{self, Write};

use super::{OutputFormat, is_removed};

/// Writes to what may be a terminal.
pub(crate) struct TerminalGuard<'w> {
    out: &'w mut (dyn Write + 'w),
    is_terminal: bool,
    rule: Rule,
    /// The start of a character whose end was not written yet.
    started: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Rule {
    Pass,
    Escape,
    Remove,
}

impl<'w> TerminalGuard<'w> {
    /// Passes everything on until a format is set; always where `out` is no terminal.
    pub(crate) fn new(out: &'w mut (dyn Write + 'w), is_terminal: bool) -> Self {
        Self { out, is_terminal, rule: Rule::Pass, started: Vec::new() }
    }

    /// Returns whether it writes to one.
    #[must_use]
    pub(crate) fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// Says what is written from now on.
    pub(crate) fn set_format(&mut self, format: OutputFormat) {
        self.rule = match format {
            _ if !self.is_terminal => Rule::Pass,
            // It is sanitised already, and has escapes of its own.
            OutputFormat::Table | OutputFormat::Snippets | OutputFormat::Vertical => Rule::Pass,
            OutputFormat::Json | OutputFormat::Jsonl => Rule::Escape,
            OutputFormat::Csv | OutputFormat::Tsv | OutputFormat::Ids | OutputFormat::Vimgrep => Rule::Remove,
        };
    }

    fn text(&mut self, text: &str) -> io::Result<()> {
        for part in text.split_inclusive(is_unsafe) {
            match part.chars().next_back().filter(|c| is_unsafe(*c)) {
                None => self.out.write_all(part.as_bytes())?,
                Some(c) => {
                    self.out.write_all(part.get(..part.len() - c.len_utf8()).unwrap_or_default().as_bytes())?;
                    if self.rule == Rule::Escape {
                        for unit in c.encode_utf16(&mut [0; 2]) {
                            write!(self.out, "\\u{unit:04x}")?;
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

fn is_unsafe(c: char) -> bool {
    is_removed(c) && !matches!(c, '\n' | '\t')
}

impl Write for TerminalGuard<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.rule == Rule::Pass {
            return self.out.write(bytes);
        }
        self.started.extend_from_slice(bytes);
        let started = std::mem::take(&mut self.started);
        let mut chunks = started.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            self.text(chunk.valid())?;
            let is_last = chunks.peek().is_none();
            // What may become a character when more is written waits.
            let is_cut = std::str::from_utf8(chunk.invalid()).is_err_and(|error| error.error_len().is_none());
            if is_last && is_cut {
                self.started = chunk.invalid().to_vec();
            } else if !chunk.invalid().is_empty() {
                self.text("\u{fffd}")?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(format: OutputFormat, is_terminal: bool, parts: &[&[u8]]) -> String {
        let mut out = Vec::new();
        let mut guard = TerminalGuard::new(&mut out, is_terminal);
        guard.set_format(format);
        for part in parts {
            guard.write_all(part).unwrap();
        }
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn a_terminal_gets_no_controls_and_json_stays_exact() {
        let hostile = "a\u{1b}[2Jb\u{9b}c\u{202e}d\r\n\u{e0041}é";
        let parts = [hostile.as_bytes()];
        assert_eq!(written(OutputFormat::Csv, true, &parts), "a[2Jbcd\né");
        assert_eq!(written(OutputFormat::Jsonl, true, &parts), "a\\u001b[2Jb\\u009bc\\u202ed\\u000d\n\\udb40\\udc41é");
        for (format, is_terminal) in
            [(OutputFormat::Csv, false), (OutputFormat::Json, false), (OutputFormat::Table, true)]
        {
            assert_eq!(written(format, is_terminal, &parts), hostile);
        }
    }

    #[test]
    fn characters_may_come_in_pieces() {
        let bytes = "x\u{9b}日\u{1f600}y".as_bytes();
        for at in 0..=bytes.len() {
            for again in at..=bytes.len() {
                let parts = [&bytes[..at], &bytes[at..again], &bytes[again..]];
                assert_eq!(written(OutputFormat::Ids, true, &parts), "x日\u{1f600}y", "{at} {again}");
            }
        }
        assert_eq!(written(OutputFormat::Ids, true, &[b"a\xffb", b"\xe6\x97", b"\nc"]), "a\u{fffd}b\u{fffd}\nc");
    }
}
