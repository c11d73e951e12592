//! A test of a text (a document, a metadata string, an id, a URI), prepared once for many of them.
//!
//! Not a text index: it reads the text it is given. All three kinds are case-sensitive; a substring and a pattern may match
//! anywhere, as in Chroma. Invariant: a pattern that exists has compiled within [`PATTERN_LIMIT_BYTES`].

use std::ops::{Not, Range};

use memchr::memmem::Finder;
use regex::{Regex, RegexBuilder};
use regex_syntax::ParserBuilder;

use super::parse_error::ParseError;
use crate::error::Result;
use crate::record::Value;

/// The memory one compiled pattern may take; the `regex` crate's own default, and so Chroma's.
pub const PATTERN_LIMIT_BYTES: usize = 10 << 20;

/// How deep the groups of a pattern may be nested.
const PATTERN_NESTING: u32 = 100;

/// A prepared test; clone it for each thread, so that threads do not share a pattern's scratch memory.
#[derive(Debug, Clone)]
pub struct TextTest {
    needle: Needle,
    negated: bool,
}

#[derive(Debug, Clone)]
enum Needle {
    Substring { text: String, finder: Box<Finder<'static>> },
    Prefix(String),
    Pattern(Regex),
}

impl TextTest {
    /// Tests for a substring; the empty one is in every text there is.
    #[must_use]
    pub fn substring(text: impl Into<String>) -> Self {
        let text = text.into();
        let finder = Box::new(Finder::new(&text).into_owned());
        Self { needle: Needle::Substring { text, finder }, negated: false }
    }

    /// Tests for the beginning of a text.
    #[must_use]
    pub fn prefix(text: impl Into<String>) -> Self {
        Self { needle: Needle::Prefix(text.into()), negated: false }
    }

    /// Tests for a match of a pattern in the syntax of the `regex` crate.
    ///
    /// # Errors
    /// [`crate::error::Error::InvalidWhere`] at the place in the pattern that is wrong, or for one that is too large.
    pub fn pattern(pattern: &str) -> Result<Self> {
        compile(pattern).map_err(|fault| fault.in_text(pattern))
    }

    /// Returns whether a text passes; a record without one passes exactly the negated tests.
    #[must_use]
    pub fn matches(&self, text: Option<&str>) -> bool {
        text.is_some_and(|text| self.is_found_in(text)) != self.negated
    }

    /// Returns whether a metadata value passes: a string as a text; an array of strings when it has the substring as an
    /// element. Every other value, and none, passes exactly the negated tests.
    #[must_use]
    pub fn matches_value(&self, value: Option<&Value>) -> bool {
        let found = match value {
            Some(Value::Str(text)) => self.is_found_in(text),
            Some(Value::StrArray(texts)) => {
                self.as_substring().is_some_and(|wanted| texts.iter().any(|text| text == wanted))
            }
            _ => false,
        };
        found != self.negated
    }

    /// Returns whether a text has what the test is for or against.
    #[must_use]
    pub fn is_found_in(&self, text: &str) -> bool {
        match &self.needle {
            Needle::Substring { finder, .. } => finder.find(text.as_bytes()).is_some(),
            Needle::Prefix(prefix) => text.starts_with(prefix.as_str()),
            Needle::Pattern(regex) => regex.is_match(text),
        }
    }

    /// Returns the bytes of the first place at or after `from`, a character's start, that the test is for or against.
    #[must_use]
    pub fn find(&self, text: &str, from: usize) -> Option<Range<usize>> {
        match &self.needle {
            Needle::Substring { text: wanted, finder } => {
                let start = from + finder.find(text.as_bytes().get(from..)?)?;
                Some(start..start + wanted.len())
            }
            Needle::Prefix(prefix) => (from == 0 && text.starts_with(prefix.as_str())).then_some(0..prefix.len()),
            Needle::Pattern(regex) => text.get(from..).and_then(|_| regex.find_at(text, from)).map(|m| m.range()),
        }
    }

    /// Returns the substring, if the test is for one.
    #[must_use]
    pub fn as_substring(&self) -> Option<&str> {
        match &self.needle {
            Needle::Substring { text, .. } => Some(text),
            Needle::Prefix(_) | Needle::Pattern(_) => None,
        }
    }

    /// Returns the beginning, if the test is for one.
    #[must_use]
    pub fn as_prefix(&self) -> Option<&str> {
        match &self.needle {
            Needle::Prefix(prefix) => Some(prefix),
            Needle::Substring { .. } | Needle::Pattern(_) => None,
        }
    }

    /// Returns the pattern as written, if the test is for one.
    #[must_use]
    pub fn as_pattern(&self) -> Option<&str> {
        match &self.needle {
            Needle::Substring { .. } | Needle::Prefix(_) => None,
            Needle::Pattern(regex) => Some(regex.as_str()),
        }
    }

    /// Returns whether the test is for the complement.
    #[must_use]
    pub fn is_negated(&self) -> bool {
        self.negated
    }
}

impl Not for TextTest {
    type Output = Self;

    fn not(self) -> Self {
        Self { needle: self.needle, negated: !self.negated }
    }
}

impl PartialEq for TextTest {
    fn eq(&self, other: &Self) -> bool {
        self.negated == other.negated
            && self.as_substring() == other.as_substring()
            && self.as_prefix() == other.as_prefix()
            && self.as_pattern() == other.as_pattern()
    }
}

/// Compiles a pattern; the place of a fault is a byte offset in the pattern.
pub(super) fn compile(pattern: &str) -> Result<TextTest, ParseError> {
    let built = RegexBuilder::new(pattern).size_limit(PATTERN_LIMIT_BYTES).nest_limit(PATTERN_NESTING).build();
    match built {
        Ok(regex) => Ok(TextTest { needle: Needle::Pattern(regex), negated: false }),
        Err(regex::Error::CompiledTooBig(limit)) => {
            Err(ParseError::new(0, format!("the pattern takes more than {limit} bytes when compiled")))
        }
        Err(other) => Err(locate(pattern).unwrap_or_else(|| ParseError::new(0, other.to_string()))),
    }
}

/// Finds the place of a syntax error, which `regex` gives only as a drawing over several lines.
fn locate(pattern: &str) -> Option<ParseError> {
    let (span, why) = match ParserBuilder::new().nest_limit(PATTERN_NESTING).build().parse(pattern).err()? {
        regex_syntax::Error::Parse(error) => (*error.span(), error.kind().to_string()),
        regex_syntax::Error::Translate(error) => (*error.span(), error.kind().to_string()),
        _ => return None,
    };
    Some(ParseError::new(span.start.offset, format!("in the pattern: {why}")))
}
