//! The short form: `year >= 2020 and lang in ("en", "de")`.
//!
//! ```text
//! filter  := both ("or" both)*          both := one ("and" one)*
//! one     := "not" one | "(" filter ")" | "true" | "false" | test
//! test    := key ("=" | "==" | "!=" | "<>") value        key ("<" | "<=" | ">" | ">=") number
//!          | key ["not"] "in" "(" value ("," value)* ")"  key ["not"] "contains" value
//!          | "#document" ["not"] "contains" string        "#document" ("~" | "!~") pattern
//! key     := letters, digits, `_`, `.` and `-`  |  anything in backticks  |  "#id"  |  "#document"
//! value   := string | number | "true" | "false"
//! ```
//! Words may be in any case. Strings stand in `"` or `'`, where a backslash escapes and a doubled quote is one; a
//! pattern is the same without escapes, so `~ "\d+"` needs no second backslash. A bare `id` or `document` is a
//! metadata key. Invariant: whatever parses here can be written as Chroma's JSON.

use super::lexer::{Cursor, Literal};
use super::parse_error::{ParseError, ParseResult};
use super::rules::{self, NESTING_LIMIT};
use super::{DocumentTest, Filter, Scalar, Side, Test};

/// Words that are a key only in backticks.
const RESERVED: [&str; 7] = ["and", "or", "not", "in", "contains", "true", "false"];

/// The operators, for messages.
const OPERATORS: [&str; 12] = ["=", "!=", ">", ">=", "<", "<=", "in", "not in", "contains", "not contains", "~", "!~"];

/// Returns whether a key needs no backticks.
pub(super) fn is_bare(key: &str) -> bool {
    !key.is_empty() && key.chars().all(is_word) && !RESERVED.iter().any(|word| word.eq_ignore_ascii_case(key))
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | '-')
}

/// Parses a filter in the short form.
pub(super) fn parse(text: &str) -> ParseResult<Filter> {
    let mut parser = Parser { cursor: Cursor::new(text) };
    let filter = parser.filter(NESTING_LIMIT)?;
    parser.skip_space();
    match parser.cursor.peek() {
        None => Ok(filter),
        Some(_) => Err(parser.after_test()),
    }
}

struct Parser<'t> {
    cursor: Cursor<'t>,
}

enum ShortKey {
    Metadata(String),
    Id,
    Document,
}

#[derive(Clone, Copy)]
enum Operator {
    Equal,
    Side(Side),
    In,
    Contains,
    Match,
}

impl<'t> Parser<'t> {
    fn filter(&mut self, depth: usize) -> ParseResult<Filter> {
        let mut parts = vec![self.both(depth)?];
        while self.eat_word("or") {
            parts.push(self.both(depth)?);
        }
        Ok(Filter::any_of(parts))
    }

    fn both(&mut self, depth: usize) -> ParseResult<Filter> {
        let mut parts = vec![self.one(depth)?];
        while self.eat_word("and") {
            parts.push(self.one(depth)?);
        }
        Ok(Filter::all_of(parts))
    }

    fn one(&mut self, depth: usize) -> ParseResult<Filter> {
        self.skip_space();
        let deeper =
            || depth.checked_sub(1).ok_or_else(|| self.cursor.fault("not and parentheses are nested too deep here"));
        if self.cursor.peek() == Some('(') {
            let depth = deeper()?;
            self.cursor.bump();
            let filter = self.filter(depth)?;
            self.skip_space();
            return if self.cursor.eat(')') { Ok(filter) } else { Err(self.after_test()) };
        }
        if self.word().eq_ignore_ascii_case("not") {
            let depth = deeper()?;
            self.eat_word("not");
            return self.one(depth).map(|filter| !filter);
        }
        if self.eat_word("true") {
            return Ok(Filter::ALL);
        }
        if self.eat_word("false") {
            return Ok(Filter::NONE);
        }
        self.test().map(Filter::Test)
    }

    fn test(&mut self) -> ParseResult<Test> {
        let key = self.key()?;
        self.skip_space();
        let operator_at = self.cursor.at();
        let (operator, negated) = self.operator()?;
        self.skip_space();
        match key {
            ShortKey::Metadata(key) => self.metadata_test(key, operator, negated, operator_at),
            ShortKey::Id => {
                let values = match operator {
                    Operator::Equal => vec![self.value()?],
                    Operator::In => self.list()?.1,
                    _ => return Err(ParseError::new(operator_at, "#id takes =, !=, in and not in")),
                };
                Ok(Test::Id { ids: rules::ids(values)?, negated })
            }
            ShortKey::Document => {
                let test = match operator {
                    Operator::Contains => DocumentTest::substring(self.string(Cursor::quoted)?.value),
                    Operator::Match => rules::pattern(&self.string(Cursor::pattern)?)?,
                    _ => {
                        return Err(ParseError::new(operator_at, "#document takes contains, not contains, ~ and !~"));
                    }
                };
                Ok(Test::Document(if negated { !test } else { test }))
            }
        }
    }

    fn metadata_test(
        &mut self,
        key: String,
        operator: Operator,
        negated: bool,
        operator_at: usize,
    ) -> ParseResult<Test> {
        match operator {
            Operator::Equal => Ok(Test::In { key, values: vec![self.value()?.1], negated }),
            Operator::Contains => Ok(Test::Contains { key, element: self.value()?.1, negated }),
            Operator::In => {
                let (at, values) = self.list()?;
                Ok(Test::In { key, values: rules::list_of_one_kind(at, values)?, negated })
            }
            Operator::Side(side) => match self.value()? {
                (_, Scalar::Number(bound)) => Ok(Test::Range { key, side, bound }),
                (at, other) => {
                    Err(ParseError::new(at, format!("<, <=, > and >= compare numbers, not {}", other.plural())))
                }
            },
            Operator::Match => Err(ParseError::new(operator_at, "~ and !~ are for documents; their key is #document")),
        }
    }

    fn key(&mut self) -> ParseResult<ShortKey> {
        let at = self.cursor.at();
        match self.cursor.peek() {
            Some('`') => rules::metadata_key(self.cursor.quoted()?).map(ShortKey::Metadata),
            Some('#') => {
                self.cursor.bump();
                match self.cursor.take_while(is_word) {
                    "id" => Ok(ShortKey::Id),
                    "document" => Ok(ShortKey::Document),
                    other => Err(ParseError::unknown(at, "key", &format!("#{other}"), &["#id", "#document"])),
                }
            }
            Some('"' | '\'') => Err(self.cursor.fault("expected a key, found a string; quote a key with backticks")),
            _ => match self.cursor.take_while(is_word) {
                "" => Err(self.cursor.fault(format!("expected a key, found {}", self.cursor.found()))),
                word if is_bare(word) => Ok(ShortKey::Metadata(word.to_owned())),
                word => Err(ParseError::new(
                    at,
                    format!("expected a key, found {word:?}; put a key of that name in backticks"),
                )),
            },
        }
    }

    fn operator(&mut self) -> ParseResult<(Operator, bool)> {
        let at = self.cursor.at();
        let symbol = self.cursor.take_while(|c| "=!<>~&|".contains(c));
        let operator = match symbol {
            "=" | "==" => (Operator::Equal, false),
            "!=" | "<>" => (Operator::Equal, true),
            ">" => (Operator::Side(Side::Above), false),
            ">=" => (Operator::Side(Side::AtLeast), false),
            "<" => (Operator::Side(Side::Below), false),
            "<=" => (Operator::Side(Side::AtMost), false),
            "~" => (Operator::Match, false),
            "!~" => (Operator::Match, true),
            "" => {
                let negated = self.eat_word("not");
                if self.eat_word("in") {
                    (Operator::In, negated)
                } else if self.eat_word("contains") {
                    (Operator::Contains, negated)
                } else {
                    return Err(self.no_operator(negated));
                }
            }
            other => return Err(ParseError::unknown(at, "operator", other, &OPERATORS)),
        };
        Ok(operator)
    }

    fn no_operator(&mut self, negated: bool) -> ParseError {
        self.skip_space();
        match self.word() {
            _ if negated => self.cursor.fault(format!("expected in or contains, found {}", self.cursor.found())),
            "" => self.cursor.fault(format!("expected an operator, found {}", self.cursor.found())),
            word => ParseError::unknown(self.cursor.at(), "operator", word, &OPERATORS),
        }
    }

    fn list(&mut self) -> ParseResult<(usize, Vec<(usize, Scalar)>)> {
        let at = self.cursor.at();
        if !self.cursor.eat('(') {
            return Err(self.cursor.fault(format!("expected '(' and values, found {}", self.cursor.found())));
        }
        let mut values = Vec::new();
        loop {
            self.skip_space();
            values.push(self.value()?);
            self.skip_space();
            if self.cursor.eat(')') {
                return Ok((at, values));
            }
            if !self.cursor.eat(',') {
                return Err(self.cursor.fault(format!("expected ',' or ')', found {}", self.cursor.found())));
            }
        }
    }

    fn value(&mut self) -> ParseResult<(usize, Scalar)> {
        let at = self.cursor.at();
        let value = match self.cursor.peek() {
            Some('"' | '\'') => Scalar::Str(self.cursor.quoted()?.value),
            Some('-' | '0'..='9') => {
                let number = self.cursor.number()?;
                if self.cursor.peek().is_some_and(is_word) {
                    return Err(ParseError::new(at, "a number ends in the middle of a word; write text in quotes"));
                }
                Scalar::Number(number)
            }
            _ => match self.cursor.take_while(is_word) {
                word if word.eq_ignore_ascii_case("true") => Scalar::Bool(true),
                word if word.eq_ignore_ascii_case("false") => Scalar::Bool(false),
                "" => {
                    let found = self.cursor.found();
                    return Err(self.cursor.fault(format!("expected a string, number, true or false, found {found}")));
                }
                word => {
                    return Err(ParseError::new(at, format!("unquoted text; write \"{word}\"")));
                }
            },
        };
        Ok((at, value))
    }

    fn string(&mut self, read: fn(&mut Cursor<'t>) -> ParseResult<Literal>) -> ParseResult<Literal> {
        match self.cursor.peek() {
            Some('"' | '\'') => read(&mut self.cursor),
            _ => Err(self.cursor.fault(format!("expected a string in quotes, found {}", self.cursor.found()))),
        }
    }

    fn skip_space(&mut self) {
        self.cursor.take_while(char::is_whitespace);
    }

    /// Returns the word that stands here, without stepping over it.
    fn word(&self) -> &str {
        self.cursor.clone().take_while(is_word)
    }

    /// Steps over space and the word, if it comes next.
    fn eat_word(&mut self, word: &str) -> bool {
        let mut ahead = self.cursor.clone();
        ahead.take_while(char::is_whitespace);
        let here = ahead.take_while(is_word).eq_ignore_ascii_case(word);
        if here {
            self.cursor = ahead;
        }
        here
    }

    fn after_test(&self) -> ParseError {
        let why = match self.cursor.peek() {
            Some('&') => "expected and, or or the end, found '&'; write and".to_owned(),
            Some('|') => "expected and, or or the end, found '|'; write or".to_owned(),
            Some(')') => "a ')' without its '('".to_owned(),
            None => "a '(' without its ')'".to_owned(),
            Some(c) => format!("expected and, or or the end, found {c:?}"),
        };
        self.cursor.fault(why)
    }
}
