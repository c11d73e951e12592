//! A filter written back, as JSON and in the short form.
//!
//! Invariant: parsing what is written here gives the same tree.

use std::fmt::{self, Display, Formatter, Write as _};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value as Json, json};

use super::short_form::is_bare;
use super::{Filter, Scalar, Side, Test, TextField, TextTest};

impl Filter {
    /// Returns the filter as a JSON `where`: Chroma's, and huedb's own operators for what Chroma cannot say.
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

impl Serialize for Filter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_json(&Json::deserialize(deserializer)?).map_err(D::Error::custom)
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
            Self::Range { key, side, bound } => json!({ key: { side.name(bound): bound.to_json() } }),
            Self::Contains { key, element, negated } => {
                json!({ key: { pick(*negated, "$contains", "$not_contains"): element.to_json() } })
            }
            Self::Exists { key, negated } => json!({ key: { "$exists": !negated } }),
            Self::Text { field, test } => json!({ field.key(): { test.operator(field): test.text() } }),
            Self::Id { ids: texts, negated } | Self::Uri { uris: texts, negated } => {
                let field = if matches!(self, Self::Id { .. }) { TextField::Id } else { TextField::Uri };
                match texts.as_slice() {
                    [one] => json!({ field.key(): { pick(*negated, "$eq", "$ne"): one } }),
                    many => json!({ field.key(): { pick(*negated, "$in", "$nin"): many } }),
                }
            }
        }
    }
}

impl TextField {
    /// Returns what stands for it in a filter.
    fn key(&self) -> &str {
        match self {
            Self::Key(key) => key,
            Self::Id => "#id",
            Self::Uri => "#uri",
            Self::Document => "#document",
        }
    }
}

impl TextTest {
    /// Returns the name of the operator; of a metadata key, Chroma's `$contains` is for arrays alone.
    fn operator(&self, field: &TextField) -> &'static str {
        if self.as_pattern().is_some() {
            pick(self.is_negated(), "$regex", "$not_regex")
        } else if self.as_prefix().is_some() {
            pick(self.is_negated(), "$starts_with", "$not_starts_with")
        } else if matches!(field, TextField::Key(_)) {
            pick(self.is_negated(), "$contains_text", "$not_contains_text")
        } else {
            pick(self.is_negated(), "$contains", "$not_contains")
        }
    }

    fn text(&self) -> Option<&str> {
        self.as_pattern().or(self.as_prefix()).or(self.as_substring())
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
    /// Returns the name of the operator: Chroma's of numbers, huedb's own of strings.
    fn name(self, bound: &Scalar) -> &'static str {
        match (self, bound) {
            (Self::Above, Scalar::Str(_)) => "$gt_text",
            (Self::AtLeast, Scalar::Str(_)) => "$gte_text",
            (Self::Below, Scalar::Str(_)) => "$lt_text",
            (Self::AtMost, Scalar::Str(_)) => "$lte_text",
            (Self::Above, _) => "$gt",
            (Self::AtLeast, _) => "$gte",
            (Self::Below, _) => "$lt",
            (Self::AtMost, _) => "$lte",
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
                write!(f, " {} {bound}", side.symbol())
            }
            Self::Contains { key, element, negated } => {
                write_key(f, key)?;
                write!(f, " {} {element}", pick(*negated, "has", "not has"))
            }
            Self::Exists { key, negated } => {
                write_key(f, key)?;
                write!(f, " {}", pick(*negated, "exists", "not exists"))
            }
            Self::Text { field, test } => {
                match field {
                    TextField::Key(key) => write_key(f, key)?,
                    other => f.write_str(other.key())?,
                }
                write!(f, " {test}")
            }
            Self::Id { ids: texts, negated } | Self::Uri { uris: texts, negated } => {
                f.write_str(if matches!(self, Self::Id { .. }) { "#id" } else { "#uri" })?;
                write_in(f, texts, *negated, |f, text| write_quoted(f, text, '"'))
            }
        }
    }
}

impl Display for TextTest {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(text) = self.as_substring() {
            write!(f, "{} ", pick(self.is_negated(), "contains", "not contains"))?;
            write_quoted(f, text, '"')?;
        }
        if let Some(text) = self.as_prefix() {
            write!(f, "{} ", pick(self.is_negated(), "starts with", "not starts with"))?;
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
