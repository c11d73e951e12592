//! Filters as section 3 of the contract has them: written in both languages, and asked record by record.

use std::cmp::Ordering;

use serde_json::{Value as Json, json};

use super::contract::Record;
use super::draw;
use super::value::Value;
use crate::random::Random;

#[derive(Debug, Clone)]
pub(crate) enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Key(String, Operator),
    Id(Vec<String>, bool),
    /// A substring or a pattern; the flag is for the complement.
    Document(Matcher, String, bool),
}

#[derive(Debug, Clone)]
pub(crate) enum Operator {
    /// `$eq`, `$ne`, and with more values `$in`, `$nin`; the flag is for the complement.
    In(Vec<Value>, bool),
    Than(&'static str, Value),
    Contains(Value, bool),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Matcher {
    Contains,
    Regex,
}

impl Filter {
    pub(crate) fn passes(&self, record: &Record) -> bool {
        match self {
            Self::All(children) => children.iter().all(|child| child.passes(record)),
            Self::Any(children) => children.iter().any(|child| child.passes(record)),
            Self::Key(key, operator) => operator.passes(record.metadata.get(key)),
            Self::Id(ids, negated) => ids.contains(&record.id) != *negated,
            Self::Document(matcher, text, negated) => {
                let holds = |document: &String| match matcher {
                    Matcher::Contains => document.contains(text),
                    Matcher::Regex => regex::Regex::new(text).unwrap().is_match(document),
                };
                record.document.as_ref().is_some_and(holds) != *negated
            }
        }
    }

    /// Chroma's JSON.
    pub(crate) fn json(&self) -> Json {
        let all = |children: &[Self]| children.iter().map(Self::json).collect::<Vec<_>>();
        let among = |values: Vec<Json>, negated: bool| match values.as_slice() {
            [one] => json!({ pick(negated, "$eq", "$ne"): one }),
            many => json!({ pick(negated, "$in", "$nin"): many }),
        };
        match self {
            Self::All(children) => json!({ "$and": all(children) }),
            Self::Any(children) => json!({ "$or": all(children) }),
            Self::Key(key, Operator::In(values, negated)) => {
                json!({ key: among(values.iter().map(Value::json).collect(), *negated) })
            }
            Self::Key(key, Operator::Than(than, bound)) => json!({ key: { *than: bound.json() } }),
            Self::Key(key, Operator::Contains(element, negated)) => {
                json!({ key: { pick(*negated, "$contains", "$not_contains"): element.json() } })
            }
            Self::Id(ids, negated) => json!({ "#id": among(ids.iter().map(|id| json!(id)).collect(), *negated) }),
            Self::Document(Matcher::Contains, text, negated) => {
                json!({ "#document": { pick(*negated, "$contains", "$not_contains"): text } })
            }
            Self::Document(Matcher::Regex, text, negated) => {
                json!({ "#document": { pick(*negated, "$regex", "$not_regex"): text } })
            }
        }
    }

    /// The short form.
    pub(crate) fn short(&self) -> String {
        let all = |children: &[Self], word: &str, none: &str| match children {
            [] => none.to_owned(),
            some => some.iter().map(|child| format!("({})", child.short())).collect::<Vec<_>>().join(word),
        };
        let among = |key: &str, values: &[String], negated: bool| match values {
            [one] => format!("{key} {} {one}", pick(negated, "=", "!=")),
            many => format!("{key} {} ({})", pick(negated, "in", "not in"), many.join(", ")),
        };
        match self {
            Self::All(children) => all(children, " and ", "true"),
            Self::Any(children) => all(children, " or ", "false"),
            Self::Key(key, Operator::In(values, negated)) => {
                among(key, &values.iter().map(literal).collect::<Vec<_>>(), *negated)
            }
            Self::Key(key, Operator::Than(than, bound)) => {
                let than = match *than {
                    "$gt" => ">",
                    "$gte" => ">=",
                    "$lt" => "<",
                    _ => "<=",
                };
                format!("{key} {than} {}", literal(bound))
            }
            Self::Key(key, Operator::Contains(element, negated)) => {
                format!("{key} {} {}", pick(*negated, "has", "not has"), literal(element))
            }
            Self::Id(ids, negated) => among("#id", &ids.iter().map(|id| quoted(id)).collect::<Vec<_>>(), *negated),
            Self::Document(Matcher::Contains, text, negated) => {
                format!("#document {} {}", pick(*negated, "contains", "not contains"), quoted(text))
            }
            // A pattern has no escapes but the doubled quote.
            Self::Document(Matcher::Regex, text, negated) => {
                format!("#document {} '{}'", pick(*negated, "~", "!~"), text.replace('\'', "''"))
            }
        }
    }

    pub(crate) fn draw(random: &mut Random, depth: usize) -> Self {
        let children = |random: &mut Random| (0..random.below(4)).map(|_| Self::draw(random, depth - 1)).collect();
        match random.below(if depth > 0 { 12 } else { 8 }) {
            0 => Self::Id((0..=random.below(3)).map(|_| draw::id(random)).collect(), random.chance(30)),
            1 => Self::Document(Matcher::Contains, draw::part_of_a_text(random), random.chance(30)),
            2 => Self::Document(Matcher::Regex, draw::pattern(random), random.chance(30)),
            3..8 => Self::Key(draw::key(random), Operator::draw(random)),
            8 | 9 => Self::All(children(random)),
            _ => Self::Any(children(random)),
        }
    }
}

impl Operator {
    fn passes(&self, value: Option<&Value>) -> bool {
        match self {
            Self::In(values, negated) => value.is_some_and(|value| values.iter().any(|one| one.is(value))) != *negated,
            Self::Than(than, bound) => {
                let order = value.and_then(|value| value.compare_numbers(bound));
                order.is_some_and(|order| match *than {
                    "$gt" => order == Ordering::Greater,
                    "$gte" => order != Ordering::Less,
                    "$lt" => order == Ordering::Less,
                    _ => order != Ordering::Greater,
                })
            }
            Self::Contains(element, negated) => {
                value.is_some_and(|value| value.elements().contains(element)) != *negated
            }
        }
    }

    fn draw(random: &mut Random) -> Self {
        match random.below(6) {
            0 | 1 => {
                let first = draw::scalar(random);
                let mut values = vec![first];
                while random.chance(40) {
                    let another = draw::scalar(random);
                    if another.is_number() == values[0].is_number()
                        && (another.is_number()
                            || std::mem::discriminant(&another) == std::mem::discriminant(&values[0]))
                    {
                        values.push(another);
                    }
                }
                Self::In(values, random.chance(30))
            }
            2 | 3 => Self::Than(["$gt", "$gte", "$lt", "$lte"][random.below(4)], draw::number(random)),
            _ => Self::Contains(draw::scalar(random), random.chance(30)),
        }
    }
}

fn pick(negated: bool, plain: &'static str, opposite: &'static str) -> &'static str {
    if negated { opposite } else { plain }
}

fn literal(value: &Value) -> String {
    match value {
        Value::Text(text) => quoted(text),
        other => other.json().to_string(),
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}
