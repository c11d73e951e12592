//! An error for programs: what happened in one word, and the things it was about by name.

use serde_json::Value as Json;

use super::Error;

impl Error {
    /// Returns what happened as a word that programs may rely on: `collection_not_found`.
    #[must_use]
    pub fn name(&self) -> String {
        if let Self::BadRecord { cause, .. } = self {
            return cause.name();
        }
        // The variants are named by what happened, and so can never be out of step with a list of names.
        let debug = format!("{self:?}");
        let variant = debug.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        let mut name = String::new();
        for c in variant.chars() {
            if c.is_ascii_uppercase() && !name.is_empty() {
                name.push('_');
            }
            name.push(c.to_ascii_lowercase());
        }
        name
    }

    /// Returns the things it was about: a file, a line, a collection, an id.
    #[must_use]
    pub fn place(&self) -> Vec<(&'static str, Json)> {
        let file = |path: &std::path::Path| ("file", Json::from(path.display().to_string()));
        let text = |name: &'static str, value: &str| (name, Json::from(value));
        match self {
            Self::CollectionNotFound { name, .. }
            | Self::CollectionExists { name }
            | Self::NoModel { collection: name }
            | Self::WordsNotIndexed { collection: name }
            | Self::Differs { collection: name, .. } => {
                vec![text("collection", name)]
            }
            Self::TenantNotFound { name, .. } | Self::TenantExists { name } | Self::InvalidTenantName { name } => {
                vec![text("tenant", name)]
            }
            Self::DatabaseNotFound { name, tenant, .. } | Self::DatabaseExists { name, tenant } => {
                vec![text("database", name), text("tenant", tenant)]
            }
            Self::InvalidName { name, .. } | Self::TokenNotFound { name, .. } | Self::TokenExists { name } => {
                vec![text("name", name)]
            }
            Self::DuplicateId { id } => vec![text("id", id)],
            Self::DimensionMismatch { collection, expected, got } => {
                vec![text("collection", collection), ("expected", (*expected).into()), ("got", (*got).into())]
            }
            Self::InvalidMetadata { key, .. } => vec![text("key", key)],
            Self::InvalidWhere { text: filter, at, .. } => {
                // In characters from 1, as the message has it.
                let place = |at: &usize| filter.get(..*at).map_or(*at, |before| before.chars().count()) + 1;
                let mut place: Vec<_> = at.iter().map(|at| ("character", place(at).into())).collect();
                place.insert(0, text("filter", filter));
                place
            }
            Self::BadRow { source, line: 0, .. } | Self::BadInput { source, .. } | Self::NotText { source, .. } => {
                vec![text("file", source)]
            }
            Self::BadRow { source, line, .. } => vec![text("file", source), ("line", (*line).into())],
            Self::BadRecord { id, cause } => std::iter::once(text("id", id)).chain(cause.place()).collect(),
            Self::ModelMismatch { collection, stored, given } => {
                vec![text("collection", collection), text("expected", stored), text("got", given)]
            }
            Self::ModelNotFound { model, .. } | Self::Model { model, .. } => vec![text("model", model)],
            Self::FileNotFound { path }
            | Self::FileExists { path }
            | Self::NotADatabase { path, .. }
            | Self::NewerFormat { path, .. }
            | Self::KeyNeeded { path }
            | Self::WrongKey { path }
            | Self::Damaged { path, .. } => vec![file(path)],
            Self::Busy { path, waited } => vec![file(path), ("waited_seconds", waited.as_secs_f64().into())],
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words_and_places_are_named() {
        let row = Error::bad_row("a.csv", 3, "no");
        assert_eq!(row.name(), "bad_row");
        assert_eq!(row.place(), [("file", "a.csv".into()), ("line", 3.into())]);
        let id = Error::InvalidMetadata { key: "k".into(), why: "no".into() }.of_record("a");
        assert_eq!(
            (id.name().as_str(), id.place()),
            ("invalid_metadata", vec![("id", "a".into()), ("key", "k".into())])
        );
        assert_eq!(Error::Interrupted.name(), "interrupted");
        let filter = Error::InvalidWhere { text: "é >< 1".into(), at: Some(3), why: "no".into() };
        assert_eq!(filter.place(), [("filter", "é >< 1".into()), ("character", 3.into())]);
    }
}
