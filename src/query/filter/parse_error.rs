//! What is wrong at which place of a filter's text, and what may have been meant.
//!
//! Internal to the parsers, which do not hold the whole text; it becomes [`Error::InvalidWhere`] where they end.

use crate::error::Error;

/// The result of a part of a parser.
pub(super) type ParseResult<T> = Result<T, ParseError>;

/// A fault at a byte offset.
#[derive(Debug)]
pub(super) struct ParseError {
    pub(super) at: usize,
    pub(super) why: String,
}

impl ParseError {
    pub(super) fn new(at: usize, why: impl Into<String>) -> Self {
        Self { at, why: why.into() }
    }

    /// An operator or key that is not one of those there are.
    pub(super) fn unknown(at: usize, what: &str, given: &str, known: &[&str]) -> Self {
        let meant = match nearest(given, known) {
            Some(known) => format!("; did you mean {known}?"),
            None => String::new(),
        };
        Self::new(at, format!("unknown {what} {given:?}; there are {}{meant}", list(known)))
    }

    pub(super) fn in_text(self, text: &str) -> Error {
        Error::InvalidWhere { text: text.to_owned(), at: Some(self.at), why: self.why }
    }
}

/// Writes names as `a, b and c`.
pub(super) fn list(names: &[&str]) -> String {
    match names {
        [rest @ .., last] if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        names => names.concat(),
    }
}

/// Returns the name that two slips of the keyboard or fewer, a missing `$` or another case may have become.
fn nearest<'n>(given: &str, known: &[&'n str]) -> Option<&'n str> {
    // Longer words are no slips, and the distance takes the product of the lengths.
    if given.len() > 24 {
        return None;
    }
    let plain = |name: &str| name.trim_start_matches('$').to_lowercase();
    let given = plain(given);
    known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(&given, &plain(name)), *name))
        .filter(|(distance, name)| *distance <= 2 && distance * 2 <= plain(name).len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised() {
        let known = ["$eq", "$gt", "$gte", "$in", "$contains", "$not_contains"];
        for (given, meant) in
            [("gte", "$gte"), ("$GT", "$gt"), ("$contain", "$contains"), ("$notcontains", "$not_contains")]
        {
            assert_eq!(nearest(given, &known), Some(meant), "{given}");
        }
        for other in ["$like", "$between", "", "$", &"$gt".repeat(100)] {
            assert_eq!(nearest(other, &known), None, "{other}");
        }
    }

    #[test]
    fn names_are_listed() {
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
        assert_eq!(list(&["a"]), "a");
        assert_eq!(list(&[]), "");
    }
}
