//! Metadata keys that no record has: a slip in one leaves an answer empty or whole, so it is told beside the answer.

use crate::error::Result;
use crate::store::View;

/// The metadata keys of a collection.
pub trait MetadataKeys {
    /// Returns whether there are no records.
    fn has_no_records(&self) -> bool;

    /// Returns the keys that records have, in order.
    ///
    /// # Errors
    /// Those of reading.
    fn metadata_keys(&self) -> Result<Vec<String>>;

    /// Returns whether a record has a key.
    ///
    /// # Errors
    /// Those of reading.
    fn has_metadata_key(&self, key: &str) -> Result<bool> {
        Ok(self.metadata_keys()?.iter().any(|known| known == key))
    }
}

impl MetadataKeys for View {
    fn has_no_records(&self) -> bool {
        self.counts().records == 0
    }

    fn metadata_keys(&self) -> Result<Vec<String>> {
        self.metadata_keys()
    }

    fn has_metadata_key(&self, key: &str) -> Result<bool> {
        self.has_metadata_key(key)
    }
}

/// Keys that are named when none of them is near.
const MOST_KEYS: usize = 20;

/// What stands in a filter for parts of a record that are no metadata.
const PARTS: [&str; 3] = ["#id", "#uri", "#document"];

/// Returns what is to be said of a key of a filter that no record has; `None` where some have it, and where there are no
/// records, of which nothing can be said.
#[must_use]
pub fn unknown_key(known: &(impl MetadataKeys + ?Sized), key: &str) -> Option<String> {
    unknown_among(known, key, &PARTS)
}

/// Does so for a key that is not of a filter: what it may have been meant for besides keys.
#[must_use]
pub fn unknown_among(known: &(impl MetadataKeys + ?Sized), key: &str, parts: &[&str]) -> Option<String> {
    // What is damaged is told by whoever needs it.
    if known.has_no_records() || known.has_metadata_key(key).unwrap_or(true) {
        return None;
    }
    Some(unknown(key, &known.metadata_keys().unwrap_or_default(), parts))
}

/// Returns the name that a slip or two of the keyboard may have become.
#[must_use]
pub fn nearest(given: &str, known: impl Iterator<Item = String>) -> Option<String> {
    let given = given.to_lowercase();
    let distance = |name: &str| strsim::damerau_levenshtein(&given, &name.to_lowercase());
    let near =
        known.map(|name| (distance(&name), name)).filter(|(slips, name)| *slips <= 2 && *slips < name.chars().count());
    near.min().map(|(_, name)| name)
}

fn unknown(key: &str, keys: &[String], parts: &[&str]) -> String {
    let said = format!("no record has the metadata key {key:?}");
    // The word itself was meant, however near a key is.
    if let Some(part) = parts.iter().find(|part| part.trim_start_matches('#').eq_ignore_ascii_case(key)) {
        return format!("{said}; the record's own {} is {part}", part.trim_start_matches('#'));
    }
    let known = keys.iter().cloned().chain(parts.iter().map(|part| (*part).to_owned()));
    if let Some(name) = nearest(key, known) {
        return format!("{said}; did you mean {name}?");
    }
    if keys.is_empty() {
        return format!("{said}; no record has metadata");
    }
    let shown = keys.iter().take(MOST_KEYS).map(String::as_str).chain((keys.len() > MOST_KEYS).then_some("..."));
    format!("{said}; the keys are {}", shown.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_is_named_and_else_what_there_is() {
        let keys = ["ids".to_owned(), "lang".to_owned(), "year".to_owned()];
        for (key, says) in [
            ("yaer", "did you mean year?"),
            ("id", "the record's own id is #id"),
            ("Document", "the record's own document is #document"),
            ("uri", "the record's own uri is #uri"),
            ("documnt", "did you mean #document?"),
            ("author", "the keys are ids, lang, year"),
        ] {
            let said = unknown(key, &keys, &PARTS);
            assert_eq!(said, format!("no record has the metadata key {key:?}; {says}"));
        }
        assert_eq!(unknown("id", &[], &[]), "no record has the metadata key \"id\"; no record has metadata");
    }
}
