//! Chroma's JSON `where` and `where_document`, under the server's rules (contract, section 3), and huedb's own operators for
//! what the short form alone could say otherwise.
//!
//! Not the JSON itself, which [`super::json_parser`] reads. It is the server's grammar, without the client's stricter
//! rules: a junction takes any number of children. Where it differs: `$in` mixes integers and floats, `#id`, `#uri` and
//! `#document` are keys, and a key that metadata cannot have is an error. Invariant: what Chroma accepts means here what it
//! means there, but for its faults; huedb's operators have names that Chroma refuses.

use super::json_operand::{bound, scalar, scalars, side, text_test};
use super::json_parser::{JsonContent, JsonNode};
use super::lexer::Literal;
use super::parse_error::{ParseError, ParseResult, list};
use super::rules::{self, DOCUMENT_OPERATORS, ID_OPERATORS, METADATA_OPERATORS, NESTING_LIMIT};
use super::{Filter, Test, TextField};

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
        "#document" => document_test(operand)?,
        "#id" => id_test(operand, TextField::Id)?,
        "#uri" => id_test(operand, TextField::Uri)?,
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
            let test = text_test(&operator, operand)?;
            Ok(Filter::Test(Test::Text { field: TextField::Document, test }))
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
    let negated = operator.value == "$ne" || operator.value == "$nin" || operator.value.starts_with("$not_");
    if let Some((side, of_strings)) = side(&operator.value) {
        let bound = bound(&operator, operand, of_strings)?;
        return Ok(Test::Range { key, side, bound });
    }
    match operator.value.as_str() {
        "$eq" | "$ne" => {
            let (_, value) = scalar(operand)?;
            Ok(Test::In { key, values: vec![value], negated })
        }
        "$in" | "$nin" => {
            let at = operand.at;
            let values = rules::list_of_one_kind(at, scalars(&operator, operand)?)?;
            Ok(Test::In { key, values, negated })
        }
        "$contains" | "$not_contains" => {
            let (_, element) = scalar(operand)?;
            Ok(Test::Contains { key, element, negated })
        }
        "$exists" => match operand.content {
            JsonContent::Bool(exists) => Ok(Test::Exists { key, negated: !exists }),
            _ => Err(ParseError::new(operand.at, format!("$exists takes true or false, found {}", operand.noun()))),
        },
        known if METADATA_OPERATORS.contains(&known) => {
            let test = text_test(&operator, operand)?;
            Ok(Test::Text { field: TextField::Key(key), test })
        }
        other => Err(ParseError::unknown(operator.at, "operator", other, &METADATA_OPERATORS)),
    }
}

/// A test of the id or of the URI.
fn id_test(operand: JsonNode, field: TextField) -> ParseResult<Test> {
    let name = if field == TextField::Id { "#id" } else { "#uri" };
    let one_of = |values, negated| {
        let texts = rules::strings(name, values)?;
        Ok(match field {
            TextField::Id => Test::Id { ids: texts, negated },
            _ => Test::Uri { uris: texts, negated },
        })
    };
    if !matches!(operand.content, JsonContent::Object(_)) {
        return one_of(vec![scalar(operand)?], false);
    }
    let (operator, operand) = only_entry(operand, ONE_OPERATOR)?;
    match operator.value.as_str() {
        "$eq" => one_of(vec![scalar(operand)?], false),
        "$ne" => one_of(vec![scalar(operand)?], true),
        "$in" | "$nin" => {
            let at = operand.at;
            let values = scalars(&operator, operand)?;
            if values.is_empty() {
                return Err(ParseError::new(at, "an empty list; name one or more"));
            }
            one_of(values, operator.value == "$nin")
        }
        known if ID_OPERATORS.contains(&known) => {
            let test = text_test(&operator, operand)?;
            Ok(Test::Text { field, test })
        }
        known if METADATA_OPERATORS.contains(&known) => {
            Err(ParseError::new(operator.at, format!("{name} takes {}", list(&ID_OPERATORS))))
        }
        other => Err(ParseError::unknown(operator.at, "operator", other, &ID_OPERATORS)),
    }
}

fn document_test(operand: JsonNode) -> ParseResult<Test> {
    if !matches!(operand.content, JsonContent::Object(_)) {
        return Err(ParseError::new(operand.at, format!("#document takes an operator: {}", list(&DOCUMENT_OPERATORS))));
    }
    let (operator, operand) = only_entry(operand, ONE_OPERATOR)?;
    match operator.value.as_str() {
        known if DOCUMENT_OPERATORS.contains(&known) => {
            let test = text_test(&operator, operand)?;
            Ok(Test::Text { field: TextField::Document, test })
        }
        known if METADATA_OPERATORS.contains(&known) => {
            Err(ParseError::new(operator.at, format!("#document takes {}", list(&DOCUMENT_OPERATORS))))
        }
        other => Err(ParseError::unknown(operator.at, "operator", other, &DOCUMENT_OPERATORS)),
    }
}
