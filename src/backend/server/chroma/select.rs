//! Which part of a filter Chroma can be trusted with; the whole of it is tested here again where anything is left.
//!
//! Left out is what Chroma answers otherwise than huedb: bounds that are floats, lists of numbers, texts with NUL, and what
//! only huedb can ask. Invariant: what Chroma is asked for passes over no record that the filter keeps.

use serde_json::{Value as Json, json};

use crate::query::filter::TextField;
use crate::query::{Filter, RecordQuery, Scalar, Test};
use crate::record::{Number, Record};

/// Ids that one request asks for at the most.
pub(super) const MOST_IDS: usize = 1000;
/// Beyond these an integer is not every float's neighbour.
const EXACT: u64 = 1 << 53;

/// What of a query goes to the server.
#[derive(Debug, Default)]
pub(super) struct Pushed {
    /// The fields of a request.
    pub(super) fields: Vec<(&'static str, Json)>,
    /// What is to be tested here.
    pub(super) left: Option<Filter>,
    /// Whether the ids are to be tested here.
    pub(super) tests_ids: bool,
}

impl Pushed {
    /// Divides a query; `most` tests may go to the server.
    pub(super) fn of(query: &RecordQuery, most: usize) -> Self {
        let mut pushed = Self::default();
        match &query.ids {
            Some(ids) if ids.len() <= MOST_IDS => pushed.fields.push(("ids", json!(ids))),
            Some(_) => pushed.tests_ids = true,
            None => {}
        }
        let Some(filter) = query.filter.as_ref().filter(|filter| !filter.is_all()) else { return pushed };
        let mut parts: Vec<&Filter> = match filter {
            Filter::And(children) => children.iter().collect(),
            other => vec![other],
        };
        let all = parts.len();
        parts.retain(|part| is_document(part) || is_alike(part));
        let is_few = parts.iter().map(|part| part.tests().count()).sum::<usize>() <= most;
        if !is_few {
            parts.clear();
        }
        pushed.left = (parts.len() < all).then(|| filter.clone());
        let (documents, others): (Vec<&Filter>, Vec<&Filter>) = parts.into_iter().partition(|part| is_document(part));
        let joined = |parts: &[&Filter]| Filter::all_of(parts.iter().map(|part| (*part).clone()).collect()).to_json();
        if !others.is_empty() {
            pushed.fields.push(("where", joined(&others)));
        }
        if !documents.is_empty() {
            // Its keys are operators alone.
            let bare = |part: &&Filter| part.to_json().get("#document").cloned().unwrap_or_default();
            let bare: Vec<Json> = documents.iter().map(bare).collect();
            let one = bare.first().cloned().unwrap_or_default();
            pushed.fields.push(("where_document", if bare.len() == 1 { one } else { json!({ "$and": bare }) }));
        }
        pushed
    }

    /// Returns whether anything is to be tested here.
    pub(super) fn tests(&self) -> bool {
        self.left.is_some() || self.tests_ids
    }

    /// Returns whether a record passes what is tested here; its text is there.
    pub(super) fn keeps(&self, record: &Record) -> bool {
        self.left.as_ref().is_none_or(|filter| filter.matches(record.into()))
    }
}

/// A substring of the document, in a place where Chroma takes one.
fn is_document(filter: &Filter) -> bool {
    let Filter::Test(Test::Text { field: TextField::Document, test }) = filter else { return false };
    // Chroma looks no further into a document than its first NUL, so what is not found there is not said.
    !test.is_negated() && test.as_substring().is_some_and(|text| !text.is_empty() && !text.contains('\0'))
}

/// Returns whether Chroma answers a filter as huedb does.
fn is_alike(filter: &Filter) -> bool {
    let plain = |scalar: &Scalar| match scalar {
        Scalar::Bool(_) => true,
        Scalar::Str(text) => !text.contains('\0'),
        Scalar::Number(number) => is_exact(*number),
    };
    match filter {
        Filter::And(children) | Filter::Or(children) => !children.is_empty() && children.iter().all(is_alike),
        Filter::Test(Test::In { values, .. }) => {
            let has_numbers = values.iter().any(|value| matches!(value, Scalar::Number(_)));
            values.iter().all(plain) && (values.len() == 1 || !has_numbers)
        }
        Filter::Test(Test::Range { bound: Scalar::Number(number), .. }) => is_exact(*number),
        Filter::Test(Test::Contains { element, .. }) => plain(element),
        Filter::Test(_) => false,
    }
}

fn is_exact(number: Number) -> bool {
    matches!(number, Number::Int(int) if int.unsigned_abs() <= EXACT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed(filter: &str) -> (Vec<(&'static str, Json)>, bool) {
        let query = RecordQuery { filter: Some(Filter::parse(filter).unwrap()), ..RecordQuery::default() };
        let pushed = Pushed::of(&query, 8);
        (pushed.fields, pushed.left.is_some())
    }

    #[test]
    fn what_chroma_answers_otherwise_stays_here() {
        let alike = |filter: &str, json: Json| assert_eq!(pushed(filter), (vec![("where", json)], false), "{filter}");
        alike("a = 'x'", json!({"a": {"$eq": "x"}}));
        alike("a != 1", json!({"a": {"$ne": 1}}));
        alike(
            "a > 1 and (b = true or c in ('x', 'y'))",
            json!({"$and": [{"a": {"$gt": 1}}, {"$or": [{"b": {"$eq": true}}, {"c": {"$in": ["x", "y"]}}]}]}),
        );
        for filter in ["a > 1.5", "a in (1, 2)", "a = 9007199254740993", "#id = 'a'", "a exists", "a = 1 or #uri = 'x'"]
        {
            assert_eq!(pushed(filter), (vec![], true), "{filter}");
        }
        let (fields, is_left) = pushed("a = 1 and #document contains 'fox' and a < 2.5");
        assert!(is_left);
        assert_eq!(fields, [("where", json!({"a": {"$eq": 1}})), ("where_document", json!({"$contains": "fox"}))]);
        let many: Vec<String> = (0..9).map(|n| format!("k{n} = {n}")).collect();
        assert_eq!(pushed(&many.join(" and ")), (vec![], true));
    }
}
