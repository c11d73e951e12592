//! What a name that is not known was probably meant to be.

/// Returns the name that a slip or two of the keyboard may have become.
pub(crate) fn nearest(given: &str, known: impl Iterator<Item = String>) -> Option<String> {
    let given = given.to_lowercase();
    let distance = |name: &str| strsim::damerau_levenshtein(&given, &name.to_lowercase());
    let near =
        known.map(|name| (distance(&name), name)).filter(|(slips, name)| *slips <= 2 && *slips < name.chars().count());
    near.min().map(|(_, name)| name)
}

/// Words what else could have been meant.
pub(crate) fn meant(given: &str, known: &[String]) -> String {
    nearest(given, known.iter().cloned()).map_or(String::new(), |name| format!("; did you mean {name}?"))
}
