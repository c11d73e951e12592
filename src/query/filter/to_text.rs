//! A filter written back, as Chroma's JSON and in the short form.
//!
//! Invariant: parsing what is written here gives the same tree.

use std::fmt::{self, Display, Formatter, Write as _};

use serde_json::{Value as Json, json};

use super::short_form::is_bare;
use super::{DocumentTest, Filter, Scalar, Side, Test};

impl Filter {
    /// Returns the filter as Chroma's JSON `where`.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let all = |children: &[Self]| children.iter().map(Self::to_json).collect::<Vec<_>>();
        match self {
            Self::And(children) => json!({ "$and": all(children) }),
            Self::Or(children) => json!({ "$or": all(children) }),
            Self::Test(test) => test.to_json(),
        }
    }

    /// Writes a child of a junction; a junction in a junction stands in parentheses.
    fn write_inside(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(children) | Self::Or(children) if !children.is_empty() => write!(f, "({self})"),
            _ => write!(f, "{self}"),
        }
    }
}

impl Test {
    fn to_json(&self) -> Json {
        match self {
            Self::In { key, values, negated } => match values.as_slice() {
                [one] => json!({ key: { pick(*negated, "$eq", "$ne"): one.to_json() } }),
                many => {
                    let many: Vec<_> = many.iter().map(Scalar::to_json).collect();
                    json!({ key: { pick(*negated, "$in", "$nin"): many } })
                }
            },
            Self::Range { key, side, bound } => json!({ key: { side.name(): bound.to_json() } }),
            Self::Contains { key, element, negated } => {
                json!({ key: { pick(*negated, "$contains", "$not_contains"): element.to_json() } })
            }
            Self::Id { ids, negated } => match ids.as_slice() {
                [one] => json!({ "#id": { pick(*negated, "$eq", "$ne"): one } }),
                many => json!({ "#id": { pick(*negated, "$in", "$nin"): many } }),
            },
            Self::Document(test) => {
                let operator = match test.as_pattern() {
                    Some(_) => pick(test.is_negated(), "$regex", "$not_regex"),
                    None => pick(test.is_negated(), "$contains", "$not_contains"),
                };
                json!({ "#document": { operator: test.as_pattern().or(test.as_substring()) } })
            }
        }
    }
}

impl Scalar {
    fn to_json(&self) -> Json {
        match self {
            Self::Bool(b) => (*b).into(),
            Self::Number(n) => n.to_json(),
            Self::Str(s) => s.as_str().into(),
        }
    }
}

impl Side {
    /// Returns Chroma's name of the operator.
    fn name(self) -> &'static str {
        match self {
            Self::Above => "$gt",
            Self::AtLeast => "$gte",
            Self::Below => "$lt",
            Self::AtMost => "$lte",
        }
    }

    fn symbol(self) -> &'static str {
        match self {
            Self::Above => ">",
            Self::AtLeast => ">=",
            Self::Below => "<",
            Self::AtMost => "<=",
        }
    }
}

fn pick(negated: bool, plain: &'static str, opposite: &'static str) -> &'static str {
    if negated { opposite } else { plain }
}

impl Display for Filter {
    /// Writes the short form.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (children, word, empty) = match self {
            Self::And(children) => (children, "and", "true"),
            Self::Or(children) => (children, "or", "false"),
            Self::Test(test) => return write!(f, "{test}"),
        };
        let [first, rest @ ..] = children.as_slice() else { return f.write_str(empty) };
        first.write_inside(f)?;
        for child in rest {
            write!(f, " {word} ")?;
            child.write_inside(f)?;
        }
        Ok(())
    }
}

impl Display for Test {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::In { key, values, negated } => {
                write_key(f, key)?;
                write_in(f, values, *negated, |f, value| write!(f, "{value}"))
            }
            Self::Range { key, side, bound } => {
                write_key(f, key)?;
                write!(f, " {} {}", side.symbol(), bound.to_json())
            }
            Self::Contains { key, element, negated } => {
                write_key(f, key)?;
                write!(f, " {} {element}", pick(*negated, "contains", "not contains"))
            }
            Self::Id { ids, negated } => {
                f.write_str("#id")?;
                write_in(f, ids, *negated, |f, id| write_quoted(f, id, '"'))
            }
            Self::Document(test) => write!(f, "#document {test}"),
        }
    }
}

impl Display for DocumentTest {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(text) = self.as_substring() {
            write!(f, "{} ", pick(self.is_negated(), "contains", "not contains"))?;
            write_quoted(f, text, '"')?;
        }
        if let Some(pattern) = self.as_pattern() {
            write!(f, "{} ", pick(self.is_negated(), "~", "!~"))?;
            let quote = if pattern.contains('"') && !pattern.contains('\'') { '\'' } else { '"' };
            write!(f, "{quote}{}{quote}", pattern.replace(quote, &format!("{quote}{quote}")))?;
        }
        Ok(())
    }
}

impl Display for Scalar {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(b) => write!(f, "{b}"),
            Self::Number(n) => write!(f, "{}", n.to_json()),
            Self::Str(s) => write_quoted(f, s, '"'),
        }
    }
}

fn write_in<T>(
    f: &mut Formatter<'_>,
    values: &[T],
    negated: bool,
    write: impl Fn(&mut Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    if let [one] = values {
        write!(f, " {} ", pick(negated, "=", "!="))?;
        return write(f, one);
    }
    write!(f, " {} (", pick(negated, "in", "not in"))?;
    for (at, value) in values.iter().enumerate() {
        if at > 0 {
            f.write_str(", ")?;
        }
        write(f, value)?;
    }
    f.write_char(')')
}

/// Returns a metadata key as it stands in the short form: in backticks where it needs them.
#[must_use]
pub fn filter_key(key: &str) -> String {
    fmt::from_fn(|f| write_key(f, key)).to_string()
}

fn write_key(f: &mut Formatter<'_>, key: &str) -> fmt::Result {
    if is_bare(key) { f.write_str(key) } else { write_quoted(f, key, '`') }
}

fn write_quoted(f: &mut Formatter<'_>, text: &str, quote: char) -> fmt::Result {
    f.write_char(quote)?;
    for c in text.chars() {
        match c {
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            c if c == quote => write!(f, "\\{c}")?,
            c if c.is_control() => write!(f, "\\u{:04x}", u32::from(c))?,
            c => f.write_char(c)?,
        }
    }
    f.write_char(quote)
}
