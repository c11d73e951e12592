//! Comparisons with a kind of value that no record has under a key, such as a number with strings: they let nothing pass, which
//! looks as if nothing were there, so it is told beside the answer.

use super::filter::{Filter, Scalar, Test};
use crate::store::TermKind;

/// Returns what is to be said of the tests of a filter that compare a key with values of a kind it never has; `kinds` are
/// those of each key.
#[must_use]
pub fn other_kinds(filter: &Filter, kinds: &[(String, Vec<TermKind>)]) -> Vec<String> {
    let mut said: Vec<String> = filter.tests().filter_map(|test| other_kind(test, kinds)).collect();
    said.dedup();
    said
}

fn other_kind(test: &Test, kinds: &[(String, Vec<TermKind>)]) -> Option<String> {
    let (key, scalar) = match test {
        Test::In { key, values, negated: false } => (key, values.first()?),
        Test::Range { key, bound, .. } => (key, bound),
        _ => return None,
    };
    let (_, has) = kinds.iter().find(|(known, _)| known == key)?;
    let (wanted, within, name) = match scalar {
        Scalar::Bool(_) => (TermKind::Bool, vec![TermKind::BoolElement], "truth value"),
        Scalar::Number(_) => (TermKind::Number, vec![TermKind::IntElement, TermKind::FloatElement], "number"),
        Scalar::Str(_) => (TermKind::Str, vec![TermKind::StrElement], "string"),
    };
    if has.is_empty() || has.contains(&wanted) {
        return None;
    }
    let hint = if within.iter().any(|kind| has.contains(kind)) { "; `has` looks inside arrays" } else { "" };
    let has = has.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ");
    Some(format!("no record has a {name} under the metadata key {key:?}; its values are of type {has}{hint}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_comparison_that_no_value_can_pass_is_told() {
        let kinds = [
            ("price".to_owned(), vec![TermKind::Str]),
            ("tags".to_owned(), vec![TermKind::StrElement]),
            ("mixed".to_owned(), vec![TermKind::Number, TermKind::Str]),
        ];
        for (filter, says) in [
            ("price > 20", "no record has a number under the metadata key \"price\"; its values are of type string"),
            (
                "price = true",
                "no record has a truth value under the metadata key \"price\"; its values are of type string",
            ),
            (
                "tags = 'x'",
                "no record has a string under the metadata key \"tags\"; its values are of type string[]; `has` looks inside arrays",
            ),
            ("price > '20' and mixed > 3 and mixed < 'x' and unknown = 3 and price != 20 and tags has 'x'", ""),
        ] {
            let said = other_kinds(&Filter::parse(filter).unwrap(), &kinds).join("\n");
            assert_eq!(said, says, "{filter}");
        }
    }
}
