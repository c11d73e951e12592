//! What a rank expression means: the records it supports, their scores, and the value of all others.
//!
//! Chroma's rules: where both sides have a default the result supports the union, where one has the other's
//! support, and where none has the intersection. Invariant: an expression's default is the same arithmetic on its
//! parts' defaults, so a supported record is never scored with a value that is not there.

use std::collections::BTreeMap;

use roaring::RoaringTreemap;

use super::super::knn::nearest;
use super::expression::{EMBEDDING, Knn, KnnQuery, Rank};
use crate::bm25::Words;
use crate::error::{Error, Result};
use crate::index::{best_by_terms, holds_any};
use crate::record::{CollectionInfo, Ordinal};
use crate::store::{DOCUMENT, View, check_dimension, check_embedding};

/// Characters of a question that a message shows.
const SHOWN_CHARS: usize = 60;

/// Scores of the records an expression supports, by ordinal.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scores {
    pub(crate) support: BTreeMap<u64, f64>,
    pub(crate) default: Option<f64>,
}

impl Scores {
    fn map(self, f: impl Fn(f64) -> f64) -> Self {
        Self {
            support: self.support.into_iter().map(|(ordinal, score)| (ordinal, f(score))).collect(),
            default: self.default.map(f),
        }
    }

    /// Joins two sets of scores under the rules above.
    fn combine(self, other: &Self, f: impl Fn(f64, f64) -> f64) -> Self {
        let default = self.default.zip(other.default).map(|(a, b)| f(a, b));
        let left = self.support.iter().filter_map(|(ordinal, a)| {
            let b = other.support.get(ordinal).copied().or(other.default)?;
            Some((*ordinal, f(*a, b)))
        });
        let right = other.support.iter().filter_map(|(ordinal, b)| {
            let a = self.support.get(ordinal).copied().or(self.default)?;
            Some((*ordinal, f(a, *b)))
        });
        Self { support: left.chain(right).collect(), default }
    }
}

/// Evaluates an expression over the records of `chosen`, or over all.
pub(crate) fn evaluate(
    view: &View,
    rank: &Rank,
    chosen: Option<&RoaringTreemap>,
    threads: usize,
    warnings: &mut Vec<String>,
) -> Result<Scores> {
    evaluate_with(rank, &mut |knn| leaf(view, knn, chosen, threads, warnings))
}

fn evaluate_with(rank: &Rank, leaf: &mut dyn FnMut(&Knn) -> Result<Scores>) -> Result<Scores> {
    let mut fold = |parts: &[Rank], f: fn(f64, f64) -> f64| {
        let mut parts = parts.iter().map(|part| evaluate_with(part, leaf));
        let first = parts.next().ok_or_else(|| Error::argument("a rank expression has no operands"))??;
        parts.try_fold(first, |left, right| Ok(left.combine(&right?, f)))
    };
    match rank {
        Rank::Knn(knn) => leaf(knn),
        Rank::Val(value) => Ok(Scores { support: BTreeMap::new(), default: Some(*value) }),
        Rank::Sum(parts) => fold(parts, |a, b| a + b),
        Rank::Mul(parts) => fold(parts, |a, b| a * b),
        Rank::Max(parts) => fold(parts, f64::max),
        Rank::Min(parts) => fold(parts, f64::min),
        Rank::Sub(left, right) => Ok(evaluate_with(left, leaf)?.combine(&evaluate_with(right, leaf)?, |a, b| a - b)),
        Rank::Div(left, right) => Ok(evaluate_with(left, leaf)?.combine(&evaluate_with(right, leaf)?, |a, b| a / b)),
        Rank::Abs(part) => Ok(evaluate_with(part, leaf)?.map(f64::abs)),
        Rank::Exp(part) => Ok(evaluate_with(part, leaf)?.map(f64::exp)),
        Rank::Log(part) => Ok(evaluate_with(part, leaf)?.map(f64::ln)),
    }
}

/// The error of a search by words where they are not indexed.
pub(in crate::query) fn words_not_indexed(collection: &CollectionInfo) -> Error {
    Error::WordsNotIndexed { collection: collection.name.to_string() }
}

/// What is said where words were made as this version does not make them.
fn words_made_otherwise(collection: &CollectionInfo, words: Words) -> Option<String> {
    let name = &collection.name;
    let say = || {
        format!(
            "the words of collection {:?} were indexed by an earlier huedb, and fewer are found; `huedb index build \
             {name} --hybrid` indexes them again",
            name.as_str()
        )
    };
    (words != Words::default()).then(say)
}

pub(crate) fn no_word_indexed(collection: &CollectionInfo, question: &str) -> String {
    let start: String = question.chars().take(SHOWN_CHARS).collect();
    let more = if start.len() < question.len() { "..." } else { "" };
    format!("no word of the question \"{start}{more}\" is in the word index of {}", collection.name)
}

/// Chroma's distance of sparse vectors is 1 less their product.
fn by_distance(best: Vec<(Ordinal, f64)>) -> Vec<(u64, f64)> {
    best.into_iter().map(|(ordinal, product)| (ordinal.0, 1.0 - product)).collect()
}

/// Returns the records whose documents match the words of a question best, best first.
pub(in crate::query) fn best_by_words(
    view: &View,
    question: &str,
    chosen: Option<&RoaringTreemap>,
    limit: usize,
    warnings: &mut Vec<String>,
) -> Result<Vec<(Ordinal, f64)>> {
    let words = view.words_indexed().ok_or_else(|| words_not_indexed(view.info()))?;
    let asked = words.of_question(question);
    let best = best_by_terms(view, DOCUMENT, &asked, chosen, limit)?;
    warnings.extend(words_made_otherwise(view.info(), words));
    let is_strange = best.is_empty() && view.counts().records > 0;
    if is_strange && !holds_any(view, DOCUMENT, &asked)? {
        warnings.push(no_word_indexed(view.info(), question));
    }
    Ok(best)
}

fn leaf(
    view: &View,
    knn: &Knn,
    chosen: Option<&RoaringTreemap>,
    threads: usize,
    warnings: &mut Vec<String>,
) -> Result<Scores> {
    let found: Vec<(u64, f64)> = match &knn.query {
        KnnQuery::Text(_) => return Err(Error::NoModel { collection: view.info().name.to_string() }),
        KnnQuery::Dense(_) if knn.key != EMBEDDING => {
            return Err(Error::argument(format!("{:?} is searched with a sparse vector or a text", knn.key)));
        }
        KnnQuery::Sparse(_) if knn.key == EMBEDDING => {
            return Err(Error::argument(format!("{EMBEDDING:?} is searched with an embedding or a text")));
        }
        KnnQuery::Dense(question) => {
            check_embedding(question)?;
            check_dimension(view.info(), question)?;
            let ranked = nearest(view, question, chosen, knn.limit, (false, threads), warnings)?;
            ranked.into_iter().map(|ranked| (ranked.ordinal.0, ranked.distance)).collect()
        }
        KnnQuery::Words(_) if knn.key != DOCUMENT => {
            return Err(Error::argument(format!("{:?} has no words; {DOCUMENT:?} has", knn.key)));
        }
        KnnQuery::Words(question) => by_distance(best_by_words(view, question, chosen, knn.limit, warnings)?),
        KnnQuery::Sparse(_) if knn.key == DOCUMENT && !view.info().bm25 => {
            return Err(words_not_indexed(view.info()));
        }
        KnnQuery::Sparse(question) => by_distance(best_by_terms(view, &knn.key, question, chosen, knn.limit)?),
    };
    let place = |(place, (ordinal, _))| (ordinal, f64::from(place));
    let support = if knn.return_rank { (0_u32..).zip(found).map(place).collect() } else { found.into_iter().collect() };
    Ok(Scores { support, default: knn.default })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Section 2.3 of the contract: searches that find a=1, b=2 and b=10, c=20, with and without defaults.
    fn scores(rank: &str) -> (Vec<(u64, f64)>, Option<f64>) {
        let json: serde_json::Value = serde_json::from_str(rank).unwrap();
        let rank = super::super::parse(&json, &super::super::RequestPath::root("rank")).unwrap();
        let found = evaluate_with(&rank, &mut |knn| {
            let support = if knn.key == "x" { [(1, 1.0), (2, 2.0)] } else { [(2, 10.0), (3, 20.0)] };
            Ok(Scores { support: support.into_iter().collect(), default: knn.default })
        });
        let found = found.unwrap();
        (found.support.into_iter().collect(), found.default)
    }

    fn rank(template: &str) -> String {
        let knn = |key: &str, default: &str| {
            format!(r#"{{"$knn":{{"query":{{"indices":[],"values":[]}},"key":"{key}","default":{default}}}}}"#)
        };
        template
            .replace("X5", &knn("x", "5"))
            .replace("Y7", &knn("y", "7"))
            .replace('X', &knn("x", "null"))
            .replace('Y', &knn("y", "null"))
    }

    #[test]
    fn support_and_defaults() {
        for (template, support, default) in [
            ("X", vec![(1, 1.0), (2, 2.0)], None),
            (r#"{"$val":3}"#, vec![], Some(3.0)),
            (r#"{"$sum":[X,Y]}"#, vec![(2, 12.0)], None),
            (r#"{"$sum":[X5,Y]}"#, vec![(2, 12.0), (3, 25.0)], None),
            (r#"{"$sum":[X,Y7]}"#, vec![(1, 8.0), (2, 12.0)], None),
            (r#"{"$sum":[X5,Y7]}"#, vec![(1, 8.0), (2, 12.0), (3, 25.0)], Some(12.0)),
            (r#"{"$sum":[X,{"$val":1},{"$val":2}]}"#, vec![(1, 4.0), (2, 5.0)], None),
            (r#"{"$sub":{"left":X,"right":{"$val":1}}}"#, vec![(1, 0.0), (2, 1.0)], None),
            (r#"{"$sub":{"left":{"$val":1},"right":X5}}"#, vec![(1, 0.0), (2, -1.0)], Some(-4.0)),
            (r#"{"$mul":[X5,Y7]}"#, vec![(1, 7.0), (2, 20.0), (3, 100.0)], Some(35.0)),
            (r#"{"$div":{"left":X,"right":{"$val":4}}}"#, vec![(1, 0.25), (2, 0.5)], None),
            (r#"{"$abs":{"$mul":[X5,{"$val":-1}]}}"#, vec![(1, 1.0), (2, 2.0)], Some(5.0)),
            (r#"{"$exp":{"$mul":[X,{"$val":0}]}}"#, vec![(1, 1.0), (2, 1.0)], None),
            (r#"{"$log":{"$exp":X}}"#, vec![(1, 1.0), (2, 2.0)], None),
            (r#"{"$max":[X5,Y7]}"#, vec![(1, 7.0), (2, 10.0), (3, 20.0)], Some(7.0)),
            (r#"{"$min":[X5,Y7]}"#, vec![(1, 1.0), (2, 2.0), (3, 5.0)], Some(5.0)),
            (r#"{"$rrf":{"ranks":[X,Y]}}"#, vec![(2, -1.0 / 62.0 - 1.0 / 70.0)], None),
            (
                r#"{"$rrf":{"ranks":[X5,Y7],"k":1,"weights":[3,1],"normalize":true}}"#,
                vec![(1, -0.75 / 2.0 - 0.25 / 8.0), (2, -0.75 / 3.0 - 0.25 / 11.0), (3, -0.75 / 6.0 - 0.25 / 21.0)],
                Some(-0.75 / 6.0 - 0.25 / 8.0),
            ),
        ] {
            let (found, found_default) = scores(&rank(template));
            let near = |a: f64, b: f64| (a - b).abs() < 1e-12;
            let same =
                found.len() == support.len() && found.iter().zip(&support).all(|(a, b)| a.0 == b.0 && near(a.1, b.1));
            assert!(same, "{template}: {found:?}");
            let same = found_default.zip(default).map_or(found_default == default, |(a, b)| near(a, b));
            assert!(same, "{template}: {found_default:?}");
        }
    }
}
