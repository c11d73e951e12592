//! Groups of found records: of each group only the first few by some keys are kept, or the best alone.
//!
//! Invariant: what is kept stays in the order of the scores, and a record without a grouping key is in the group of
//! those without it.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::rank::RequestPath;
use crate::error::{Error, Result};
use crate::record::{Metadata, Number, Value, check_key};
use crate::store::StoredRecord;

/// The key that stands for the score.
pub(super) const SCORE: &str = "#score";

/// How found records are grouped, and what is kept of each group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupBy {
    /// The metadata keys whose values make a group.
    pub keys: Vec<String>,
    /// What is kept.
    pub aggregate: Aggregate,
}

/// The records kept of a group: `k` of them, by the values of some keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Aggregate {
    /// Whether the smallest or the greatest are kept.
    pub extreme: Extreme,
    /// Metadata keys or `#score`; later keys decide ties of earlier ones.
    pub keys: Vec<String>,
    /// Records kept of each group.
    pub k: usize,
}

/// Which end of the order is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Extreme {
    /// The smallest: `$min_k`.
    Min,
    /// The greatest: `$max_k`.
    Max,
}

/// What hits are told apart by where only the best of each value is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BestPer {
    /// The uri.
    Uri,
    /// The value of a metadata key.
    Key(String),
}

impl BestPer {
    /// Returns the value of a record; a record without one is alike no other.
    pub(super) fn value_of(&self, stored: &StoredRecord) -> Option<String> {
        match self {
            Self::Uri => stored.uri.clone(),
            // JSON tells types apart.
            Self::Key(key) => stored.metadata.get(key).map(|value| value.to_json().to_string()),
        }
    }
}

impl FromStr for BestPer {
    type Err = Error;

    /// Reads `uri` or a metadata key; `metadata.KEY` is always a key.
    fn from_str(name: &str) -> Result<Self> {
        let key = match name.strip_prefix("metadata.") {
            None if name == "uri" => return Ok(Self::Uri),
            key => key.unwrap_or(name),
        };
        check_key(key)?;
        Ok(Self::Key(key.to_owned()))
    }
}

impl fmt::Display for BestPer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uri => f.write_str("uri"),
            Self::Key(key) => f.write_str(key),
        }
    }
}

impl GroupBy {
    /// Reads Chroma's JSON; neither keys nor an aggregate is no grouping, which its Rust types write out.
    pub(super) fn parse(json: &Json, place: &RequestPath) -> Result<Option<Self>> {
        let fields = place.object(json, &["keys", "aggregate"])?;
        let is_set = |json: &Json| !json.is_null() && json.as_array().is_none_or(|keys| !keys.is_empty());
        if !fields.values().any(is_set) {
            return Ok(None);
        }
        let fields: Map<String, Json> = fields.clone().into_iter().filter(|(_, json)| !json.is_null()).collect();
        let field = |name: &str| fields.get(name).ok_or_else(|| place.error(format!("{name:?} is missing")));
        let (keys, aggregate) = (field("keys")?, field("aggregate")?);
        let keys = key_list(keys, &place.key("keys"), false)?;
        let place = place.key("aggregate");
        let aggregate = place.object(aggregate, &["$min_k", "$max_k"])?;
        let mut entries = aggregate.iter();
        let (Some((name, operand)), None) = (entries.next(), entries.next()) else {
            return Err(place.error("expected one of $min_k and $max_k"));
        };
        let place = place.key(name);
        let fields = place.object(operand, &["keys", "k"])?;
        let field = |name: &str| fields.get(name).ok_or_else(|| place.error(format!("{name:?} is missing")));
        let k = place.key("k").count(field("k")?)?;
        if k == 0 {
            return Err(place.key("k").error("expected 1 or more"));
        }
        let extreme = if name == "$min_k" { Extreme::Min } else { Extreme::Max };
        let aggregate = Aggregate { extreme, keys: key_list(field("keys")?, &place.key("keys"), true)?, k };
        Ok(Some(Self { keys, aggregate }))
    }

    /// Returns what is kept of records in the order of their scores, in that order.
    pub(super) fn keep<T: Copy>(&self, found: Vec<(T, f64, Metadata)>) -> Vec<(T, f64)> {
        let mut groups: BTreeMap<String, Vec<(usize, T, f64, Metadata)>> = BTreeMap::new();
        for (at, (item, score, metadata)) in found.into_iter().enumerate() {
            groups.entry(self.group_of(&metadata)).or_default().push((at, item, score, metadata));
        }
        let mut kept = Vec::new();
        for (_, mut group) in groups {
            group.sort_by(|a, b| self.aggregate.compare((a.2, &a.3), (b.2, &b.3)));
            kept.extend(group.into_iter().take(self.aggregate.k).map(|(at, item, score, _)| (at, item, score)));
        }
        kept.sort_unstable_by_key(|(at, ..)| *at);
        kept.into_iter().map(|(_, item, score)| (item, score)).collect()
    }

    /// JSON tells types apart, and null is no value of metadata.
    fn group_of(&self, metadata: &Metadata) -> String {
        let values = self.keys.iter().map(|key| metadata.get(key).map_or(Json::Null, Value::to_json));
        Json::Array(values.collect()).to_string()
    }
}

impl Aggregate {
    /// Orders records of a group; a record without a key comes before the others, as in Chroma.
    fn compare(&self, a: (f64, &Metadata), b: (f64, &Metadata)) -> Ordering {
        let by_key = |key: &String| {
            if key == SCORE { a.0.total_cmp(&b.0) } else { compare(a.1.get(key), b.1.get(key)) }
        };
        let ascending = self.keys.iter().map(by_key).find(|order| order.is_ne()).unwrap_or(Ordering::Equal);
        if self.extreme == Extreme::Min { ascending } else { ascending.reverse() }
    }
}

fn compare(a: Option<&Value>, b: Option<&Value>) -> Ordering {
    let (Some(a), Some(b)) = (a, b) else { return a.is_some().cmp(&b.is_some()) };
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Str(a), Value::Str(b)) => a.cmp(b),
        _ => match (Number::of(a), Number::of(b)) {
            (Some(a), Some(b)) => a.compare(b),
            _ => kind(a).cmp(&kind(b)).then_with(|| a.to_string().cmp(&b.to_string())),
        },
    }
}

/// Orders values of different types.
fn kind(value: &Value) -> u8 {
    match value {
        Value::Bool(_) => 0,
        Value::Int(_) | Value::Float(_) => 1,
        Value::Str(_) => 2,
        _ => 3,
    }
}

fn key_list(json: &Json, place: &RequestPath, with_score: bool) -> Result<Vec<String>> {
    let keys = place.list(json)?;
    if keys.is_empty() {
        return Err(place.error("an empty list; name one key or more"));
    }
    let key = |(at, key)| {
        let place = place.item(at);
        match place.text(key)? {
            key if key.starts_with('#') && !(with_score && key == SCORE) => {
                Err(place.error(format!("{key:?} is not a metadata key")))
            }
            key => Ok(key.to_owned()),
        }
    };
    keys.iter().enumerate().map(key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn kept(group_by: &Json) -> Vec<u32> {
        let group_by = GroupBy::parse(group_by, &RequestPath::root("group_by")).unwrap().unwrap();
        let rows = [
            (1, json!({"lang": "en", "year": 3})),
            (2, json!({"lang": "en", "year": 1})),
            (3, json!({"lang": "de", "year": 2})),
            (4, json!({"year": 9})),
            (5, json!({"lang": "en", "year": 2.5})),
            (6, json!({"lang": "en"})),
            (7, json!({"year": 8})),
        ];
        let found = rows.map(|(n, metadata)| (n, f64::from(n), Metadata::from_json(metadata).unwrap()));
        group_by.keep(found.into()).into_iter().map(|(n, _)| n).collect()
    }

    #[test]
    fn each_group_keeps_its_first_and_the_scores_keep_their_order() {
        let of = |aggregate: Json| kept(&json!({"keys": ["lang"], "aggregate": aggregate}));
        assert_eq!(of(json!({"$min_k": {"keys": ["#score"], "k": 1}})), [1, 3, 4]);
        assert_eq!(of(json!({"$max_k": {"keys": ["#score"], "k": 1}})), [3, 6, 7]);
        assert_eq!(of(json!({"$max_k": {"keys": ["year"], "k": 2}})), [1, 3, 4, 5, 7]);
        assert_eq!(of(json!({"$min_k": {"keys": ["year", "#score"], "k": 1}})), [3, 6, 7]);
    }

    #[test]
    fn errors_name_the_place() {
        let aggregate = json!({"$min_k": {"keys": ["#score"], "k": 1}});
        for (group_by, why) in [
            (json!({"keys": ["a"]}), "at group_by: \"aggregate\" is missing"),
            (json!({"keys": ["a"], "aggregate": null}), "at group_by: \"aggregate\" is missing"),
            (json!({"keys": null, "aggregate": aggregate}), "at group_by: \"keys\" is missing"),
            (json!({"keys": [], "aggregate": aggregate}), "at group_by.keys: an empty list"),
            (
                json!({"keys": ["#score"], "aggregate": aggregate}),
                "at group_by.keys[0]: \"#score\" is not a metadata key",
            ),
            (json!({"keys": ["a"], "aggregate": {"$min_k": {"keys": ["b"], "k": 0}}}), "$min_k.k: expected 1 or more"),
            (json!({"keys": ["a"], "aggregate": {"$sum": 1}}), "unknown field \"$sum\""),
        ] {
            let error = GroupBy::parse(&group_by, &RequestPath::root("group_by")).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
