//! Chroma's JSON of rank expressions, with errors that name the place.
//!
//! Besides Chroma's wire format it takes `$rrf`, which Chroma's clients write out, and texts as questions.
//! Invariant: what leaves has operands wherever the evaluation needs them, and is of bounded depth.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value as Json, json};

use super::expression::{EMBEDDING, KNN_LIMIT, Knn, KnnQuery, RRF_K, Rank};
use crate::bm25::bm25;
use crate::error::{Error, Result};
use crate::record::SparseVector;
use crate::store::DOCUMENT;

const DEPTH_LIMIT: usize = 64;

const OPERATORS: &str = "$knn, $val, $sum, $sub, $mul, $div, $abs, $exp, $log, $max, $min and $rrf";

/// Where in a request something stands, as in `searches[0].rank.$sum[1]`.
#[derive(Debug, Clone)]
pub(crate) struct RequestPath {
    path: String,
    depth: usize,
}

impl RequestPath {
    pub(crate) fn root(name: &str) -> Self {
        Self { path: name.to_owned(), depth: 0 }
    }

    pub(crate) fn key(&self, key: &str) -> Self {
        Self { path: format!("{self}.{key}"), depth: self.depth + 1 }
    }

    pub(crate) fn item(&self, at: usize) -> Self {
        Self { path: format!("{self}[{at}]"), depth: self.depth + 1 }
    }

    pub(crate) fn error(&self, why: impl fmt::Display) -> Error {
        Error::argument(format!("in the request at {self}: {why}"))
    }

    pub(crate) fn object<'j>(&self, json: &'j Json, known: &[&str]) -> Result<&'j Map<String, Json>> {
        let object = json.as_object().ok_or_else(|| self.error("expected an object"))?;
        match object.keys().find(|key| !known.contains(&key.as_str())) {
            Some(unknown) => Err(self.error(format!("unknown field {unknown:?}; there are {}", known.join(", ")))),
            None => Ok(object),
        }
    }

    pub(crate) fn list<'j>(&self, json: &'j Json) -> Result<&'j [Json]> {
        json.as_array().map(Vec::as_slice).ok_or_else(|| self.error("expected a list"))
    }

    pub(crate) fn number(&self, json: &Json) -> Result<f64> {
        json.as_f64().ok_or_else(|| self.error("expected a number"))
    }

    pub(crate) fn count(&self, json: &Json) -> Result<usize> {
        let count = json.as_u64().and_then(|count| usize::try_from(count).ok());
        count.ok_or_else(|| self.error("expected a whole number, 0 or more"))
    }

    pub(crate) fn flag(&self, json: &Json) -> Result<bool> {
        json.as_bool().ok_or_else(|| self.error("expected true or false"))
    }

    pub(crate) fn text<'j>(&self, json: &'j Json) -> Result<&'j str> {
        json.as_str().ok_or_else(|| self.error("expected a string"))
    }
}

impl fmt::Display for RequestPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)
    }
}

/// Returns a field that is there and not null.
pub(super) fn given<'j>(object: &'j Map<String, Json>, key: &str) -> Option<&'j Json> {
    object.get(key).filter(|json| !json.is_null())
}

/// Reads a rank expression.
pub(crate) fn parse(json: &Json, place: &RequestPath) -> Result<Rank> {
    if place.depth > DEPTH_LIMIT {
        return Err(place.error("the expression is nested too deep here"));
    }
    let object = json.as_object().ok_or_else(|| place.error(format!("expected an object with one of {OPERATORS}")))?;
    let mut entries = object.iter();
    let (Some((operator, operand)), None) = (entries.next(), entries.next()) else {
        return Err(place.error("expected an object with one operator"));
    };
    let place = place.key(operator);
    let one = || parse(operand, &place).map(Box::new);
    let several = || {
        let parts = place.list(operand)?;
        if parts.is_empty() {
            return Err(place.error("an empty list; give one operand or more"));
        }
        parts.iter().enumerate().map(|(at, part)| parse(part, &place.item(at))).collect::<Result<Vec<_>>>()
    };
    let side = |name: &str| {
        let sides = place.object(operand, &["left", "right"])?;
        let side = sides.get(name).ok_or_else(|| place.error(format!("{name:?} is missing")))?;
        parse(side, &place.key(name)).map(Box::new)
    };
    match operator.as_str() {
        "$knn" => knn(operand, &place).map(Rank::Knn),
        "$val" => place.number(operand).map(Rank::Val),
        "$sum" => several().map(Rank::Sum),
        "$mul" => several().map(Rank::Mul),
        "$max" => several().map(Rank::Max),
        "$min" => several().map(Rank::Min),
        "$sub" => Ok(Rank::Sub(side("left")?, side("right")?)),
        "$div" => Ok(Rank::Div(side("left")?, side("right")?)),
        "$abs" => one().map(Rank::Abs),
        "$exp" => one().map(Rank::Exp),
        "$log" => one().map(Rank::Log),
        "$rrf" => rrf(operand, &place),
        _ => Err(place.error(format!("unknown operator {operator:?}; there are {OPERATORS}"))),
    }
}

fn knn(json: &Json, place: &RequestPath) -> Result<Knn> {
    let fields = place.object(json, &["query", "key", "limit", "default", "return_rank"])?;
    let key = given(fields, "key").map_or(Ok(EMBEDDING), |key| place.key("key").text(key))?.to_owned();
    if key.is_empty() || (key.starts_with('#') && key != EMBEDDING && key != DOCUMENT) {
        return Err(place
            .key("key")
            .error(format!("{key:?} cannot be searched; there are #embedding, #document and metadata keys")));
    }
    let question = given(fields, "query").ok_or_else(|| place.error("\"query\" is missing"))?;
    let limit = given(fields, "limit").map_or(Ok(KNN_LIMIT), |limit| place.key("limit").count(limit))?;
    if limit == 0 {
        return Err(place.key("limit").error("expected 1 or more"));
    }
    Ok(Knn {
        query: query(question, &key, &place.key("query"))?,
        key,
        limit,
        default: given(fields, "default").map(|value| place.key("default").number(value)).transpose()?,
        return_rank: given(fields, "return_rank").map_or(Ok(false), |flag| place.key("return_rank").flag(flag))?,
    })
}

fn query(json: &Json, key: &str, place: &RequestPath) -> Result<KnnQuery> {
    match json {
        Json::String(text) if key == EMBEDDING => Ok(KnnQuery::Text(text.clone())),
        Json::String(text) if key == DOCUMENT => Ok(KnnQuery::Words(text.clone())),
        Json::String(text) => Ok(KnnQuery::Sparse(bm25(text))),
        Json::Object(_) => {
            let vector = SparseVector::from_json(json.clone());
            vector.map(KnnQuery::Sparse).map_err(|why| place.error(format!("the query {why}")))
        }
        Json::Array(components) => {
            #[expect(clippy::cast_possible_truncation, reason = "embeddings are f32")]
            let component = |(at, json)| place.item(at).number(json).map(|x| x as f32);
            components.iter().enumerate().map(component).collect::<Result<_>>().map(KnnQuery::Dense)
        }
        _ => Err(place.error("expected a list of numbers, a sparse vector or a text")),
    }
}

/// Writes out reciprocal rank fusion as Chroma's clients do.
fn rrf(json: &Json, place: &RequestPath) -> Result<Rank> {
    let fields = place.object(json, &["ranks", "k", "weights", "normalize"])?;
    let ranks_place = place.key("ranks");
    let ranks = given(fields, "ranks").ok_or_else(|| place.error("\"ranks\" is missing"))?;
    let ranks = ranks_place.list(ranks)?;
    if ranks.is_empty() {
        return Err(ranks_place.error("an empty list; give one expression or more"));
    }
    let k = given(fields, "k").map_or(Ok(RRF_K), |k| place.key("k").number(k))?;
    if k <= 0.0 {
        return Err(place.key("k").error("expected a number above 0"));
    }
    let weights_place = place.key("weights");
    let mut weights = match given(fields, "weights") {
        None => vec![1.0; ranks.len()],
        Some(weights) => {
            let weights = weights_place.list(weights)?.iter().enumerate();
            weights.map(|(at, weight)| weights_place.item(at).number(weight)).collect::<Result<Vec<_>>>()?
        }
    };
    if weights.len() != ranks.len() || weights.iter().any(|weight| *weight < 0.0) {
        return Err(weights_place.error(format!("expected {} numbers, 0 or more", ranks.len())));
    }
    if given(fields, "normalize").map_or(Ok(false), |flag| place.key("normalize").flag(flag))? {
        let sum: f64 = weights.iter().sum();
        if sum <= 0.0 {
            return Err(weights_place.error("expected a sum above 0 to normalize by"));
        }
        for weight in &mut weights {
            *weight /= sum;
        }
    }
    let parts = ranks.iter().enumerate().zip(weights);
    let parts = parts.map(|((at, rank), weight)| Ok((weight, parse(rank, &ranks_place.item(at))?)));
    Ok(Rank::rrf(parts.collect::<Result<_>>()?, k))
}

impl Rank {
    /// Returns the expression as Chroma's JSON; texts that are still to be embedded as texts.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let all = |parts: &[Self]| parts.iter().map(Self::to_json).collect::<Vec<_>>();
        let sides = |left: &Self, right: &Self| json!({ "left": left.to_json(), "right": right.to_json() });
        match self {
            Self::Knn(knn) => json!({ "$knn": knn.to_json() }),
            Self::Val(value) => json!({ "$val": value }),
            Self::Sum(parts) => json!({ "$sum": all(parts) }),
            Self::Mul(parts) => json!({ "$mul": all(parts) }),
            Self::Max(parts) => json!({ "$max": all(parts) }),
            Self::Min(parts) => json!({ "$min": all(parts) }),
            Self::Sub(left, right) => json!({ "$sub": sides(left, right) }),
            Self::Div(left, right) => json!({ "$div": sides(left, right) }),
            Self::Abs(part) => json!({ "$abs": part.to_json() }),
            Self::Exp(part) => json!({ "$exp": part.to_json() }),
            Self::Log(part) => json!({ "$log": part.to_json() }),
        }
    }
}

impl Knn {
    fn to_json(&self) -> Json {
        let query = match &self.query {
            KnnQuery::Dense(vector) => json!(vector),
            KnnQuery::Sparse(vector) => vector.to_json(),
            KnnQuery::Words(text) | KnnQuery::Text(text) => json!(text),
        };
        let mut knn = json!({ "query": query, "key": self.key, "limit": self.limit, "return_rank": self.return_rank });
        if let (Some(default), Some(object)) = (self.default, knn.as_object_mut()) {
            object.insert("default".into(), default.into());
        }
        knn
    }
}

impl Serialize for Rank {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Rank {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parse(&Json::deserialize(deserializer)?, &RequestPath::root("rank")).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let sparse = json!({"#type": "sparse_vector", "indices": [1, 7], "values": [0.5, 0.1]});
        let leaves = [
            json!({"$knn": {"query": [1, 0.1], "limit": 3, "default": 2.5, "return_rank": true}}),
            json!({"$knn": {"query": "words", "key": "#document"}}),
            json!({"$knn": {"query": "a text"}}),
            json!({"$knn": {"query": sparse, "key": "weights"}}),
            json!({"$val": -0.1}),
        ];
        let wide = json!({"$sum": leaves, });
        for rank in [
            wide.clone(),
            json!({"$sub": {"left": wide, "right": {"$max": leaves}}}),
            json!({"$div": {"left": {"$exp": {"$abs": {"$val": 1}}}, "right": {"$log": {"$mul": leaves}}}}),
            json!({"$rrf": {"ranks": leaves, "k": 10}}),
        ] {
            let rank = parse(&rank, &RequestPath::root("rank")).unwrap();
            let text = serde_json::to_string(&rank).unwrap();
            assert_eq!(serde_json::from_str::<Rank>(&text).unwrap(), rank, "{text}");
        }
    }

    #[test]
    fn a_search_has_chromas_defaults() {
        let rank = parse(&json!({"$knn": {"query": [1, 0.5]}}), &RequestPath::root("rank")).unwrap();
        let query = KnnQuery::Dense(vec![1.0, 0.5]);
        let expected = Knn { query, key: "#embedding".into(), limit: 16, default: None, return_rank: false };
        assert_eq!(rank, Rank::Knn(expected));
    }

    #[test]
    fn errors_name_the_place() {
        for (rank, why) in [
            (json!(1), "at rank: expected an object with one of $knn"),
            (json!({}), "at rank: expected an object with one operator"),
            (json!({"$foo": 1}), "unknown operator \"$foo\""),
            (json!({"$sum": []}), "at rank.$sum: an empty list"),
            (json!({"$sum": [{"$val": 1}, {"$val": "x"}]}), "at rank.$sum[1].$val: expected a number"),
            (json!({"$sub": {"left": {"$val": 1}}}), "at rank.$sub: \"right\" is missing"),
            (json!({"$knn": {"limit": 3}}), "at rank.$knn: \"query\" is missing"),
            (json!({"$knn": {"query": [1], "limit": -1}}), "at rank.$knn.limit: expected a whole number"),
            (json!({"$knn": {"query": [1], "limit": 0}}), "at rank.$knn.limit: expected 1 or more"),
            (json!({"$knn": {"query": [1], "key": "#id"}}), "at rank.$knn.key: \"#id\" cannot be searched"),
            (json!({"$knn": {"query": [1], "top": 1}}), "unknown field \"top\""),
            (json!({"$knn": {"query": [1], "return_rank": 1}}), "at rank.$knn.return_rank: expected true or false"),
            (json!({"$knn": {"query": {"indices": [1], "values": []}}}), "at rank.$knn.query: the query is a sparse"),
            (json!({"$rrf": {"ranks": [{"$val": 1}], "weights": [1, 2]}}), "at rank.$rrf.weights: expected 1 numbers"),
        ] {
            let error = parse(&rank, &RequestPath::root("rank")).unwrap_err().to_string();
            assert!(error.contains(why), "{rank}: {error}");
        }
        let deep = (0..100).fold(json!({"$val": 1}), |inner, _| json!({"$abs": inner}));
        assert!(parse(&deep, &RequestPath::root("rank")).unwrap_err().to_string().contains("too deep"));
    }
}
