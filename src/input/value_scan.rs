//! Where a JSON value ends, found without reading it.
//!
//! Knows no lines and no rows. Invariant: a scan goes on in the next block where it stopped in the last.

use memchr::memchr2;

/// Nesting beyond this is an attack, not a record; `serde_json` stops at 128.
const DEPTH_LIMIT: usize = 512;

/// Whether the brackets and strings of `text` are all closed.
pub(super) fn is_closed(text: &[u8]) -> bool {
    !matches!(ValueScan::default().run(text), (_, ElementState::Open))
}

/// How a scan stands at the end of a block.
pub(super) enum ElementState {
    Open,
    Closed,
    Broken(&'static str),
}

/// Where in a value the scan stands.
#[derive(Default)]
pub(super) struct ValueScan {
    closers: Vec<u8>,
    in_string: bool,
    escaped: bool,
    in_scalar: bool,
}

impl ValueScan {
    /// Whether the value is a number or a word, which only what follows it can end.
    pub(super) fn is_scalar(&self) -> bool {
        self.in_scalar && self.closers.is_empty()
    }

    /// Goes on through `block`; returns the bytes of it that belong to the value.
    pub(super) fn run(&mut self, block: &[u8]) -> (usize, ElementState) {
        let mut at = 0;
        while let Some(rest) = block.get(at..).filter(|rest| !rest.is_empty()) {
            if self.in_string {
                at += self.run_string(rest);
                if !self.in_string && self.closers.is_empty() {
                    return (at, ElementState::Closed);
                }
                continue;
            }
            let plain =
                if self.closers.is_empty() { 0 } else { rest.iter().take_while(|&&b| !is_structural(b)).count() };
            let Some(&byte) = rest.get(plain) else { break };
            at += plain;
            match byte {
                b'"' if self.is_scalar() => return (at, ElementState::Broken("a quote inside a word")),
                b'"' => self.in_string = true,
                b'{' | b'[' => {
                    if self.closers.len() == DEPTH_LIMIT {
                        return (at, ElementState::Broken("too many nested brackets"));
                    }
                    self.closers.push(if byte == b'{' { b'}' } else { b']' });
                }
                b'}' | b']' if self.is_scalar() => return (at, ElementState::Closed),
                b'}' | b']' => {
                    if self.closers.pop() != Some(byte) {
                        return (at, ElementState::Broken("a bracket that does not match"));
                    }
                    if self.closers.is_empty() {
                        return (at + 1, ElementState::Closed);
                    }
                }
                b',' | b' ' | b'\t' | b'\r' | b'\n' => return (at, ElementState::Closed),
                _ => self.in_scalar = true,
            }
            at += 1;
        }
        (block.len(), ElementState::Open)
    }

    /// Goes on inside a string; returns the bytes of it, its closing quote among them.
    fn run_string(&mut self, rest: &[u8]) -> usize {
        if self.escaped {
            self.escaped = false;
            return 1;
        }
        match memchr2(b'"', b'\\', rest) {
            None => rest.len(),
            Some(at) => {
                self.escaped = rest.get(at) == Some(&b'\\');
                self.in_string = self.escaped;
                at + 1
            }
        }
    }
}

fn is_structural(byte: u8) -> bool {
    matches!(byte, b'"' | b'{' | b'}' | b'[' | b']')
}
