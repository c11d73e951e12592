//! What a name that is not known was probably meant to be.

pub(crate) use huedb::query::nearest;

/// Words what else could have been meant.
pub(crate) fn meant(given: &str, known: &[String]) -> String {
    nearest(given, known.iter().cloned()).map_or(String::new(), |name| format!("; did you mean {name}?"))
}
