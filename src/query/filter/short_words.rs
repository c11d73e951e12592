//! The words of the short form after a key: operators and values.
//!
//! Knows not which key takes which. Invariant: what is not an operator or a value is refused with those there are.

use super::lexer::{Cursor, Literal};
use super::parse_error::{ParseError, ParseResult};
use super::short_parser::{Parser, is_word};
use super::{Scalar, Side};

/// The operators, for messages; before those that are words may stand `not`.
const OPERATORS: [&str; 14] =
    ["=", "!=", ">", ">=", "<", "<=", "in", "contains", "has", "starts with", "~", "!~", "exists", "is null"];

/// What a test does, apart from its negation.
#[derive(Clone, Copy)]
pub(super) enum Operator {
    Equal,
    Side(Side),
    In,
    Contains,
    Has,
    StartsWith,
    Match,
    Exists,
}

impl<'t> Parser<'t> {
    pub(super) fn operator(&mut self) -> ParseResult<(Operator, bool)> {
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
            "" => return self.operator_word(),
            other => return Err(ParseError::unknown(at, "operator", other, &OPERATORS)),
        };
        Ok(operator)
    }

    fn operator_word(&mut self) -> ParseResult<(Operator, bool)> {
        if self.eat_word("is") {
            let exists = self.eat_word("not");
            return if self.eat_word("null") {
                Ok((Operator::Exists, !exists))
            } else {
                self.skip_space();
                Err(self.cursor.fault(format!("expected null, found {}; = compares with a value", self.cursor.found())))
            };
        }
        let negated = self.eat_word("not");
        let words = [
            ("in", Operator::In),
            ("contains", Operator::Contains),
            ("has", Operator::Has),
            ("exists", Operator::Exists),
            ("starts", Operator::StartsWith),
        ];
        let Some((word, operator)) = words.into_iter().find(|(word, _)| self.eat_word(word)) else {
            return Err(self.no_operator(negated));
        };
        if word == "starts" && !self.eat_word("with") {
            self.skip_space();
            return Err(self.cursor.fault(format!("expected with, found {}", self.cursor.found())));
        }
        Ok((operator, negated))
    }

    fn no_operator(&mut self, negated: bool) -> ParseError {
        self.skip_space();
        match self.word() {
            _ if negated => {
                let found = self.cursor.found();
                self.cursor.fault(format!("expected in, contains, has, starts with or exists, found {found}"))
            }
            "" => self.cursor.fault(format!("expected an operator, found {}", self.cursor.found())),
            word => ParseError::unknown(self.cursor.at(), "operator", word, &OPERATORS),
        }
    }

    pub(super) fn list(&mut self) -> ParseResult<(usize, Vec<(usize, Scalar)>)> {
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

    pub(super) fn value(&mut self) -> ParseResult<(usize, Scalar)> {
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
                word if word.eq_ignore_ascii_case("null") => {
                    return Err(ParseError::new(at, "null is not a value; write `is null` or `is not null`"));
                }
                word => {
                    return Err(ParseError::new(at, format!("unquoted text; write \"{word}\"")));
                }
            },
        };
        Ok((at, value))
    }

    pub(super) fn string(&mut self, read: fn(&mut Cursor<'t>) -> ParseResult<Literal>) -> ParseResult<Literal> {
        match self.cursor.peek() {
            Some('"' | '\'') => read(&mut self.cursor),
            _ => Err(self.cursor.fault(format!("expected a string in quotes, found {}", self.cursor.found()))),
        }
    }
}
