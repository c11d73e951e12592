//! Names of columns in one argument, and the document that several of them make.
//!
//! Knows nothing of rows. Invariant: an argument that names a column as a whole means that column; else commas outside
//! double quotes stand between names, as in csv.

use std::fmt;

/// One column whose text is the document, or several whose texts are joined, a blank line between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextColumns {
    /// As it was given, which may be the name of one column.
    given: String,
    names: Vec<String>,
}

impl TextColumns {
    /// Returns the names, in the order of the text.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Returns the columns meant where these are there.
    pub(super) fn among(&self, has: impl Fn(&str) -> bool) -> Self {
        let names = if has(&self.given) { vec![self.given.clone()] } else { self.names.clone() };
        Self { given: self.given.clone(), names }
    }

    /// Returns the place of a column among those that are joined.
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|each| each == name).or_else(|| (self.given == name).then_some(0))
    }

    /// Returns whether the document is one column as it is.
    pub(super) fn is_one(&self, name: &str) -> bool {
        self.names.len() == 1 || self.given == name
    }
}

impl From<&str> for TextColumns {
    fn from(given: &str) -> Self {
        let names = split_names(given).filter(|names| names.iter().all(|name| !name.is_empty()));
        Self { given: given.to_owned(), names: names.unwrap_or_else(|| vec![given.to_owned()]) }
    }
}

impl fmt::Display for TextColumns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.given)
    }
}

/// Splits names at commas as csv does, so that a name in double quotes may hold one; `None` where there is no name.
#[must_use]
pub fn split_names(text: &str) -> Option<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).trim(csv::Trim::All).from_reader(text.as_bytes());
    let record = reader.records().next()?.ok()?;
    Some(record.iter().map(str::to_owned).collect())
}

/// Writes names so that [`split_names`] reads them.
pub(super) fn join_names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let quoted = |name: &str| match name {
        plain if !plain.contains([',', '"']) => plain.to_owned(),
        other => format!("\"{}\"", other.replace('"', "\"\"")),
    };
    names.map(quoted).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_between_commas_and_a_whole_name_wins() {
        let names = |given: &str| TextColumns::from(given).names().to_vec();
        assert_eq!(names("title, body"), ["title", "body"]);
        assert_eq!(names("\"Title, long\",body"), ["Title, long", "body"]);
        for odd in ["a,,b", "", "a\"b"] {
            assert_eq!(names(odd), [odd], "{odd}");
        }
        let columns = TextColumns::from("Title, long");
        assert_eq!(columns.among(|name| name == "Title, long").names(), ["Title, long"]);
        assert_eq!(columns.among(|name| name == "Title").names(), ["Title", "long"]);
        assert_eq!((columns.place("long"), columns.place("Title, long"), columns.place("x")), (Some(1), Some(0), None));
        for name in ["a", "a,b", "a \"b\""] {
            assert_eq!(split_names(&join_names([name, "c"].into_iter())).unwrap(), [name, "c"]);
        }
    }
}
