//! Chroma's JSON `where` and `where_document`, under the server's rules (contract, section 3).
//!
//! Not the JSON itself, which [`super::json_parser`] reads. It is the server's grammar, without the client's stricter
//! rules: a junction takes any number of children. Where it differs: `$in` mixes integers and floats, `#id` and
//! `#document` are keys, and a key that metadata cannot have is an error.

use super::json_parser::{JsonContent, JsonNode};
use super::lexer::Literal;
use super::parse_error::{ParseError, ParseResult, list};
use super::rules::{self, DOCUMENT_OPERATORS, ID_OPERATORS, METADATA_OPERATORS, NESTING_LIMIT};
use super::{DocumentTest, Filter, Scalar, Side, Test};
use crate::record::Number;

/// A junction is an object and a list; below the last stand an object, its operator's object and a list.
const DEPTH_LIMIT: usize = 2 * NESTING_LIMIT + 3;

const JUNCTIONS: [&str; 2] = ["$and", "$or"];

const ONE_OPERATOR: &str = r#"one operator to a key; join several with {"$and": [...]}"#;

/// Parses a `where`; null is the filter every record passes.
pub(super) fn parse(text: &str) -> ParseResult<Filter> {
    root(text, filter)
}

/// Parses a `where_document`; null is the filter every record passes.
pub(super) fn parse_document(text: &str) -> ParseResult<Filter> {
    root(text, document_filter)
}

/// Refuses junctions without filters, however deep they stand; what does not parse is left to [`parse`].
pub(super) fn refuse_empty_junctions(text: &str) -> ParseResult<()> {
    JsonNode::read(text, DEPTH_LIMIT).map_or(Ok(()), |node| refuse_empty(&node))
}

fn refuse_empty(node: &JsonNode) -> ParseResult<()> {
    let JsonContent::Object(entries) = &node.content else { return Ok(()) };
    for (key, operand) in entries {
        let JsonContent::List(children) = &operand.content else { continue };
        if !JUNCTIONS.contains(&key.value.as_str()) {
            continue;
        }
        if children.is_empty() {
            let why = format!("an empty {} does not say which records are meant; give at least one filter", key.value);
            return Err(ParseError::new(operand.at, why));
        }
        children.iter().try_for_each(refuse_empty)?;
    }
    Ok(())
}

fn root(text: &str, grammar: fn(JsonNode) -> ParseResult<Filter>) -> ParseResult<Filter> {
    match JsonNode::read(text, DEPTH_LIMIT)? {
        JsonNode { content: JsonContent::Null, .. } => Ok(Filter::ALL),
        node => grammar(node),
    }
}

fn filter(node: JsonNode) -> ParseResult<Filter> {
    let (key, operand) = only_entry(node, r#"one key to an object; join several with {"$and": [...]}"#)?;
    let test = match key.value.as_str() {
        "$and" => return children(operand, filter).map(Filter::all_of),
        "$or" => return children(operand, filter).map(Filter::any_of),
        "#document" => Test::Document(document_test(operand)?),
        "#id" => id_test(operand)?,
        operator if METADATA_OPERATORS.contains(&operator) || DOCUMENT_OPERATORS.contains(&operator) => {
            return Err(ParseError::new(
                key.at,
                format!("{operator} belongs inside a key, as in {{\"key\": {{\"{operator}\": ...}}}}"),
            ));
        }
        operator if operator.starts_with('$') => {
            return Err(ParseError::unknown(key.at, "operator", operator, &JUNCTIONS));
        }
        _ => metadata_test(key, operand)?,
    };
    Ok(Filter::Test(test))
}

fn document_filter(node: JsonNode) -> ParseResult<Filter> {
    let (operator, operand) = only_entry(node, r#"one operator to an object; join several with {"$and": [...]}"#)?;
    match operator.value.as_str() {
        "$and" => children(operand, document_filter).map(Filter::all_of),
        "$or" => children(operand, document_filter).map(Filter::any_of),
        known if DOCUMENT_OPERATORS.contains(&known) => {
            document_operator(&operator, operand).map(|test| Filter::Test(Test::Document(test)))
        }
        other if other.starts_with('$') => {
            let all = [DOCUMENT_OPERATORS.as_slice(), JUNCTIONS.as_slice()].concat();
            Err(ParseError::unknown(operator.at, "operator", other, &all))
        }
        _ => Err(ParseError::new(operator.at, "a document filter has no keys; metadata keys go into the other filter")),
    }
}

/// Returns the one entry of an object; `rule` says what to do with more.
fn only_entry(node: JsonNode, rule: &str) -> ParseResult<(Literal, JsonNode)> {
    let noun = node.noun();
    let JsonContent::Object(entries) = node.content else {
        return Err(ParseError::new(node.at, format!("expected an object, found {noun}")));
    };
    let mut entries = entries.into_iter();
    match (entries.next(), entries.next()) {
        (Some(entry), None) => Ok(entry),
        (None, _) => Err(ParseError::new(node.at, "an empty object; leave the filter out to take every record")),
        (Some((first, _)), Some((second, _))) if first.value == second.value => {
            Err(ParseError::new(second.at, format!("{:?} appears twice in one object", second.value)))
        }
        (_, Some((second, _))) => Err(ParseError::new(second.at, rule)),
    }
}

fn children(operand: JsonNode, grammar: fn(JsonNode) -> ParseResult<Filter>) -> ParseResult<Vec<Filter>> {
    let noun = operand.noun();
    match operand.content {
        JsonContent::List(nodes) => nodes.into_iter().map(grammar).collect(),
        _ => Err(ParseError::new(operand.at, format!("expected a list of filters, found {noun}"))),
    }
}

fn metadata_test(key: Literal, operand: JsonNode) -> ParseResult<Test> {
    let key = rules::metadata_key(key)?;
    if !matches!(operand.content, JsonContent::Object(_)) {
        let (_, value) = scalar(operand)?;
        return Ok(Test::In { key, values: vec![value], negated: false });
    }
    let (operator, operand) = only_entry(operand, ONE_OPERATOR)?;
    let range = |side| number(&operator, &operand).map(|bound| Test::Range { key: key.clone(), side, bound });
    match operator.value.as_str() {
        "$gt" => range(Side::Above),
        "$gte" => range(Side::AtLeast),
        "$lt" => range(Side::Below),
        "$lte" => range(Side::AtMost),
        "$eq" | "$ne" => {
            let (_, value) = scalar(operand)?;
            Ok(Test::In { key, values: vec![value], negated: operator.value == "$ne" })
        }
        "$in" | "$nin" => {
            let at = operand.at;
            let values = rules::list_of_one_kind(at, scalars(&operator, operand)?)?;
            Ok(Test::In { key, values, negated: operator.value == "$nin" })
        }
        "$contains" | "$not_contains" => {
            let (_, element) = scalar(operand)?;
            Ok(Test::Contains { key, element, negated: operator.value == "$not_contains" })
        }
        other if DOCUMENT_OPERATORS.contains(&other) => {
            Err(ParseError::new(operator.at, format!("{other} is for documents; its key is \"#document\"")))
        }
        other => Err(ParseError::unknown(operator.at, "operator", other, &METADATA_OPERATORS)),
    }
}

fn id_test(operand: JsonNode) -> ParseResult<Test> {
    if !matches!(operand.content, JsonContent::Object(_)) {
        return Ok(Test::Id { ids: rules::ids(vec![scalar(operand)?])?, negated: false });
    }
    let (operator, operand) = only_entry(operand, ONE_OPERATOR)?;
    let (values, negated) = match operator.value.as_str() {
        "$eq" => (vec![scalar(operand)?], false),
        "$ne" => (vec![scalar(operand)?], true),
        "$in" | "$nin" => {
            let at = operand.at;
            let values = scalars(&operator, operand)?;
            if values.is_empty() {
                return Err(ParseError::new(at, "an empty list; name one id or more"));
            }
            (values, operator.value == "$nin")
        }
        known if METADATA_OPERATORS.contains(&known) || DOCUMENT_OPERATORS.contains(&known) => {
            return Err(ParseError::new(operator.at, format!("#id takes {}", list(&ID_OPERATORS))));
        }
        other => return Err(ParseError::unknown(operator.at, "operator", other, &ID_OPERATORS)),
    };
    Ok(Test::Id { ids: rules::ids(values)?, negated })
}

fn document_test(operand: JsonNode) -> ParseResult<DocumentTest> {
    if !matches!(operand.content, JsonContent::Object(_)) {
        return Err(ParseError::new(operand.at, format!("#document takes an operator: {}", list(&DOCUMENT_OPERATORS))));
    }
    let (operator, operand) = only_entry(operand, ONE_OPERATOR)?;
    match operator.value.as_str() {
        known if DOCUMENT_OPERATORS.contains(&known) => document_operator(&operator, operand),
        known if METADATA_OPERATORS.contains(&known) => {
            Err(ParseError::new(operator.at, format!("#document takes {}", list(&DOCUMENT_OPERATORS))))
        }
        other => Err(ParseError::unknown(operator.at, "operator", other, &DOCUMENT_OPERATORS)),
    }
}

fn document_operator(operator: &Literal, operand: JsonNode) -> ParseResult<DocumentTest> {
    let noun = operand.noun();
    let JsonContent::Str(string) = operand.content else {
        return Err(ParseError::new(operand.at, format!("{} takes a string, found {noun}", operator.value)));
    };
    let test = if operator.value.ends_with("regex") {
        rules::pattern(&string)?
    } else {
        DocumentTest::substring(string.value)
    };
    Ok(if operator.value.starts_with("$not_") { !test } else { test })
}

fn scalar(node: JsonNode) -> ParseResult<(usize, Scalar)> {
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

fn scalars(operator: &Literal, operand: JsonNode) -> ParseResult<Vec<(usize, Scalar)>> {
    let noun = operand.noun();
    match operand.content {
        JsonContent::List(nodes) => nodes.into_iter().map(scalar).collect(),
        _ => Err(ParseError::new(operand.at, format!("{} takes a list, found {noun}", operator.value))),
    }
}

fn number(operator: &Literal, operand: &JsonNode) -> ParseResult<Number> {
    match operand.content {
        JsonContent::Number(number) => Ok(number),
        _ => Err(ParseError::new(operand.at, format!("{} compares numbers, found {}", operator.value, operand.noun()))),
    }
}
