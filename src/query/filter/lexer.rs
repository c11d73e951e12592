//! A place in a text, and what both languages read there: numbers and strings.
//!
//! Knows no grammar. Invariant: the place is a character boundary, and every [`Literal`] can say where in the
//! text each of its own bytes came from.

use super::parse_error::{ParseError, ParseResult};
use crate::record::Number;

/// A place in a text.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'t> {
    text: &'t str,
    at: usize,
}

/// A string read from a text, without its quotes and escapes.
#[derive(Debug)]
pub(super) struct Literal {
    pub(super) value: String,
    /// Where its opening quote stands.
    pub(super) at: usize,
    /// (offset in the value, offset in the text) from which on both advance alike.
    runs: Vec<(usize, usize)>,
}

impl Literal {
    fn new(at: usize) -> Self {
        Self { value: String::new(), at, runs: Vec::new() }
    }

    fn push(&mut self, c: char, from: usize) {
        let in_step = self.runs.last().is_some_and(|(value, text)| text + (self.value.len() - value) == from);
        if !in_step {
            self.runs.push((self.value.len(), from));
        }
        self.value.push(c);
    }

    /// Returns where in the text the byte at this offset of the value was written.
    pub(super) fn place(&self, offset: usize) -> usize {
        let run = self.runs.iter().rev().find(|(value, _)| *value <= offset);
        run.map_or(self.at, |(value, text)| text + (offset - value))
    }
}

impl<'t> Cursor<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    /// Steps over the character if it stands here.
    pub(super) fn eat(&mut self, c: char) -> bool {
        let here = self.peek() == Some(c);
        if here {
            self.at += c.len_utf8();
        }
        here
    }

    /// Takes the characters that pass.
    pub(super) fn take_while(&mut self, passes: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let taken = rest.split_once(|c| !passes(c)).map_or(rest, |(taken, _)| taken);
        self.at += taken.len();
        taken
    }

    /// Returns a fault at this place.
    pub(super) fn fault(&self, why: impl Into<String>) -> ParseError {
        ParseError::new(self.at, why)
    }

    /// Says what stands here, for a message.
    pub(super) fn found(&self) -> String {
        self.peek().map_or_else(|| "the end".to_owned(), |c| format!("{c:?}"))
    }

    /// Reads a number as JSON writes it; one without point and exponent is an integer where 64 bits hold it.
    pub(super) fn number(&mut self) -> ParseResult<Number> {
        let start = self.at;
        let text = self.rest();
        self.eat('-');
        let leading_zero = self.peek() == Some('0');
        let whole = self.take_while(|c| c.is_ascii_digit());
        if whole.is_empty() {
            return Err(self.fault(format!("expected a digit, found {}", self.found())));
        }
        if leading_zero && whole.len() > 1 {
            return Err(ParseError::new(start, "a number has no leading zeros; write text in quotes"));
        }
        let mut integer = true;
        if self.eat('.') {
            integer = false;
            self.digits("after the point")?;
        }
        if matches!(self.peek(), Some('e' | 'E')) {
            integer = false;
            self.bump();
            let _sign = self.eat('+') || self.eat('-');
            self.digits("in the exponent")?;
        }
        let text = text.get(..self.at - start).unwrap_or_default();
        // JSON's `-0` is a float to Chroma and to metadata.
        if let Some(i) = text.parse().ok().filter(|_| integer && text != "-0") {
            return Ok(Number::Int(i));
        }
        // -0 is a float; any other integer that is none of 64 bits would be rounded to a number that was not meant.
        if integer && text != "-0" {
            return Err(ParseError::new(
                start,
                "an integer that no metadata value is: they have 64 bits, sign included",
            ));
        }
        text.parse().ok().and_then(Number::float).ok_or_else(|| ParseError::new(start, "a number beyond 64-bit floats"))
    }

    fn digits(&mut self, place: &str) -> ParseResult<()> {
        if self.take_while(|c| c.is_ascii_digit()).is_empty() {
            return Err(self.fault(format!("expected a digit {place}, found {}", self.found())));
        }
        Ok(())
    }

    /// Reads a string as JSON writes it; its quote stands here.
    pub(super) fn json_string(&mut self) -> ParseResult<Literal> {
        let mut literal = Literal::new(self.at);
        self.bump();
        loop {
            let from = self.at;
            match self.bump() {
                None => return Err(ParseError::new(literal.at, "a string without a closing quote")),
                Some('"') => return Ok(literal),
                Some('\\') => {
                    let c = match self.bump() {
                        Some(c @ ('"' | '\\' | '/')) => c,
                        Some('b') => '\u{8}',
                        Some('f') => '\u{c}',
                        other => self.escape(other, from)?,
                    };
                    literal.push(c, from);
                }
                Some(c) if c < ' ' => {
                    return Err(ParseError::new(from, format!("{c:?} in a JSON string is written as an escape")));
                }
                Some(c) => literal.push(c, from),
            }
        }
    }

    /// Reads a string of the short form; its quote stands here and ends it, unless doubled or behind a backslash.
    pub(super) fn quoted(&mut self) -> ParseResult<Literal> {
        self.until_quote(true)
    }

    /// Reads a pattern of the short form; its quote stands here and ends it, unless doubled. A backslash is the
    /// pattern's own.
    pub(super) fn pattern(&mut self) -> ParseResult<Literal> {
        self.until_quote(false)
    }

    fn until_quote(&mut self, escapes: bool) -> ParseResult<Literal> {
        let mut literal = Literal::new(self.at);
        let quote = self.bump();
        loop {
            let from = self.at;
            match self.bump() {
                None => return Err(ParseError::new(literal.at, "a string without a closing quote")),
                Some('\\') if escapes => {
                    let c = match self.bump() {
                        Some(c @ ('"' | '\'' | '`' | '\\')) => c,
                        other => self.escape(other, from)?,
                    };
                    literal.push(c, from);
                }
                end if end == quote && self.peek() != quote => return Ok(literal),
                Some(c) => {
                    if Some(c) == quote {
                        self.bump();
                    }
                    literal.push(c, from);
                }
            }
        }
    }

    /// Finishes an escape both languages know; its letter has been read.
    fn escape(&mut self, letter: Option<char>, from: usize) -> ParseResult<char> {
        match letter {
            Some('n') => Ok('\n'),
            Some('r') => Ok('\r'),
            Some('t') => Ok('\t'),
            Some('u') => self.code_point(from),
            Some(c) => Err(ParseError::new(from, format!("unknown escape \\{c}; a backslash itself is written \\\\"))),
            None => Err(ParseError::new(from, "a string without a closing quote")),
        }
    }

    /// Reads the four hexadecimal digits of `\u`, or the two times four of a surrogate pair.
    fn code_point(&mut self, from: usize) -> ParseResult<char> {
        let first = self.hexadecimal(from)?;
        let code = if (0xd800..0xdc00).contains(&first) {
            let second = if self.eat('\\') && self.eat('u') { self.hexadecimal(from)? } else { 0 };
            if !(0xdc00..0xe000).contains(&second) {
                return Err(ParseError::new(from, "half of a surrogate pair"));
            }
            0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
        } else {
            first
        };
        char::from_u32(code).ok_or_else(|| ParseError::new(from, "half of a surrogate pair"))
    }

    fn hexadecimal(&mut self, from: usize) -> ParseResult<u32> {
        let digits = self.rest().get(..4).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let code = code.ok_or_else(|| ParseError::new(from, "\\u takes four hexadecimal digits"))?;
        self.at += 4;
        Ok(code)
    }
}
