//! The short form: `year >= 2020 and lang in ("en", "de")`.
//!
//! ```text
//! filter  := both ("or" both)*          both := one ("and" one)*
//! one     := "not" one | "(" filter ")" | "true" | "false" | test
//! test    := key ("=" | "==" | "!=" | "<>") value       key ("<" | "<=" | ">" | ">=") (number | string)
//!          | key ["not"] "in" "(" value ("," value)* ")"  key ["not"] ("has" | "contains") value
//!          | key ["not"] "starts" "with" string            key ("~" | "!~") pattern
//!          | key ["not"] "exists"                          key "is" ["not"] "null"
//! key     := letters, digits, `_`, `.` and `-`  |  anything in backticks  |  "#id"  |  "#uri"  |  "#document"
//! value   := string | number | "true" | "false"
//! ```
//! Words may be in any case. Strings stand in `"` or `'`, where a backslash escapes and a doubled quote is one; a
//! pattern is the same without escapes, so `~ "\d+"` needs no second backslash. A bare `id` or `document` is a
//! metadata key. `has` is Chroma's `$contains`, for elements of arrays; `contains` finds a text in a string as well.
//! Metadata has no null in Chroma, so `is null` is `not exists`. Invariant: whatever parses here can be written as JSON.

use super::lexer::Cursor;
use super::parse_error::{ParseError, ParseResult};
use super::rules::{self, FIELDS, NESTING_LIMIT};
use super::short_parser::{Parser, is_word};
use super::short_words::Operator;
use super::{Filter, Scalar, Test, TextField, TextTest};

/// Words that are a key only in backticks.
const RESERVED: [&str; 7] = ["and", "or", "not", "in", "contains", "true", "false"];

/// What texts that are no metadata take.
const ID_OPERATORS: &str = "=, !=, in, contains, starts with, ~ and their negations";
const DOCUMENT_OPERATORS: &str = "contains, starts with, ~, exists and their negations";

/// Returns whether a key needs no backticks.
pub(super) fn is_bare(key: &str) -> bool {
    !key.is_empty() && key.chars().all(is_word) && !RESERVED.iter().any(|word| word.eq_ignore_ascii_case(key))
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

fn text_test(field: TextField, test: TextTest, negated: bool) -> Test {
    Test::Text { field, test: if negated { !test } else { test } }
}

impl Parser<'_> {
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
        match (key, operator) {
            (TextField::Key(key), Operator::Exists) => Ok(Test::Exists { key, negated }),
            // Like Chroma's, an empty text is in every one there is.
            (field @ (TextField::Uri | TextField::Document), Operator::Exists) => {
                Ok(text_test(field, TextTest::substring(""), negated))
            }
            (field, Operator::Match) => Ok(text_test(field, rules::pattern(&self.string(Cursor::pattern)?)?, negated)),
            (field, Operator::StartsWith) => {
                Ok(text_test(field, TextTest::prefix(self.string(Cursor::quoted)?.value), negated))
            }
            (TextField::Key(key), operator) => self.metadata_test(key, operator, negated),
            (field, Operator::Contains) => {
                Ok(text_test(field, TextTest::substring(self.string(Cursor::quoted)?.value), negated))
            }
            (TextField::Id, Operator::Equal | Operator::In) => {
                Ok(Test::Id { ids: self.strings("#id", operator)?, negated })
            }
            (TextField::Uri, Operator::Equal | Operator::In) => {
                Ok(Test::Uri { uris: self.strings("#uri", operator)?, negated })
            }
            (TextField::Id, Operator::Exists) => Err(ParseError::new(operator_at, "every record has an id")),
            (TextField::Document, _) => {
                Err(ParseError::new(operator_at, format!("#document takes {DOCUMENT_OPERATORS}")))
            }
            (TextField::Id, _) => Err(ParseError::new(operator_at, format!("#id takes {ID_OPERATORS}"))),
            (TextField::Uri, _) => Err(ParseError::new(operator_at, format!("#uri takes {ID_OPERATORS}, and exists"))),
        }
    }

    /// Reads the values that an id or a URI is compared with.
    fn strings(&mut self, field: &str, operator: Operator) -> ParseResult<Vec<String>> {
        let values = if matches!(operator, Operator::In) { self.list()?.1 } else { vec![self.value()?] };
        rules::strings(field, values)
    }

    fn metadata_test(&mut self, key: String, operator: Operator, negated: bool) -> ParseResult<Test> {
        if matches!(operator, Operator::In) {
            let (at, values) = self.list()?;
            return Ok(Test::In { key, values: rules::list_of_one_kind(at, values)?, negated });
        }
        let (at, value) = self.value()?;
        match (operator, value) {
            (Operator::Side(_), Scalar::Bool(_)) => {
                Err(ParseError::new(at, "<, <=, > and >= compare numbers and strings, not booleans"))
            }
            (Operator::Side(side), bound) => Ok(Test::Range { key, side, bound }),
            (Operator::Contains, Scalar::Str(text)) => {
                Ok(text_test(TextField::Key(key), TextTest::substring(text), negated))
            }
            (Operator::Contains | Operator::Has, element) => Ok(Test::Contains { key, element, negated }),
            (_, value) => Ok(Test::In { key, values: vec![value], negated }),
        }
    }

    fn key(&mut self) -> ParseResult<TextField> {
        let at = self.cursor.at();
        match self.cursor.peek() {
            Some('`') => rules::metadata_key(self.cursor.quoted()?).map(TextField::Key),
            Some('#') => {
                self.cursor.bump();
                match self.cursor.take_while(is_word) {
                    "id" => Ok(TextField::Id),
                    "uri" => Ok(TextField::Uri),
                    "document" => Ok(TextField::Document),
                    other => Err(ParseError::unknown(at, "key", &format!("#{other}"), &FIELDS)),
                }
            }
            Some('"' | '\'') => Err(self.cursor.fault("expected a key, found a string; quote a key with backticks")),
            _ => match self.cursor.take_while(is_word) {
                "" => Err(self.cursor.fault(format!("expected a key, found {}", self.cursor.found()))),
                word if is_bare(word) => Ok(TextField::Key(word.to_owned())),
                word => Err(ParseError::new(
                    at,
                    format!("expected a key, found {word:?}; put a key of that name in backticks"),
                )),
            },
        }
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
