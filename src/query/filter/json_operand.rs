//! What an operator of the JSON language is given: a scalar, a list, a bound, a text.
//!
//! Knows no keys. Invariant: a fault names the operator and what it was given instead.

use super::json_parser::{JsonContent, JsonNode};
use super::lexer::Literal;
use super::parse_error::{ParseError, ParseResult};
use super::{Scalar, Side, TextTest, rules};

/// Returns the side of a bound that an operator names, and whether the bound is a string.
pub(super) fn side(operator: &str) -> Option<(Side, bool)> {
    let (name, of_strings) = operator.strip_suffix("_text").map_or((operator, false), |name| (name, true));
    let side = match name {
        "$gt" => Side::Above,
        "$gte" => Side::AtLeast,
        "$lt" => Side::Below,
        "$lte" => Side::AtMost,
        _ => return None,
    };
    Some((side, of_strings))
}

pub(super) fn bound(operator: &Literal, operand: JsonNode, of_strings: bool) -> ParseResult<Scalar> {
    let (at, name, noun) = (operand.at, &operator.value, operand.noun());
    match (operand.content, of_strings) {
        (JsonContent::Number(number), false) => Ok(Scalar::Number(number)),
        (JsonContent::Str(string), true) => Ok(Scalar::Str(string.value)),
        (JsonContent::Str(_), false) => {
            Err(ParseError::new(at, format!("{name} compares numbers, found a string; {name}_text compares strings")))
        }
        (_, of_strings) => {
            let kind = if of_strings { "strings" } else { "numbers" };
            Err(ParseError::new(at, format!("{name} compares {kind}, found {noun}")))
        }
    }
}

/// A test of a text by one of the operators that texts have: `$contains`, `$starts_with`, `$regex` and their negations.
pub(super) fn text_test(operator: &Literal, operand: JsonNode) -> ParseResult<TextTest> {
    let noun = operand.noun();
    let JsonContent::Str(string) = operand.content else {
        return Err(ParseError::new(operand.at, format!("{} takes a string, found {noun}", operator.value)));
    };
    let test = if operator.value.ends_with("regex") {
        rules::pattern(&string)?
    } else if operator.value.ends_with("starts_with") {
        TextTest::prefix(string.value)
    } else {
        TextTest::substring(string.value)
    };
    Ok(if operator.value.starts_with("$not_") { !test } else { test })
}

pub(super) fn scalar(node: JsonNode) -> ParseResult<(usize, Scalar)> {
    let noun = node.noun();
    let value = match node.content {
        JsonContent::Bool(b) => Scalar::Bool(b),
        JsonContent::Number(n) => Scalar::Number(n),
        JsonContent::Str(s) => Scalar::Str(s.value),
        JsonContent::List(_) => {
            return Err(ParseError::new(node.at, "expected one value, found a list; $in and $nin take lists"));
        }
        JsonContent::Null | JsonContent::Object(_) => {
            return Err(ParseError::new(node.at, format!("expected a string, number or boolean, found {noun}")));
        }
    };
    Ok((node.at, value))
}

pub(super) fn scalars(operator: &Literal, operand: JsonNode) -> ParseResult<Vec<(usize, Scalar)>> {
    let noun = operand.noun();
    match operand.content {
        JsonContent::List(nodes) => nodes.into_iter().map(scalar).collect(),
        _ => Err(ParseError::new(operand.at, format!("{} takes a list, found {noun}", operator.value))),
    }
}
