//! The stem of an English word, as snowballstemmer 3.1.1 finds it, which pip installs beside chromadb 1.5.9.
//!
//! Invariant: a word without an ASCII letter is its own stem.

use std::borrow::Cow;

use waken_snowball::{Algorithm, Stemmer};

/// Which release of the Snowball project's English algorithm stems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Release {
    /// 3.0, whose code the crate is.
    Three,
    /// 3.1, which also leaves the prefix "inter" whole: "interval" is no form of "interv".
    ThreeOne,
}

/// A prefix that 3.0 knows as one that is left whole, as 3.1 does "inter". The two are as long as each other and end
/// alike, so no rule tells them apart: neither by what it looks for in them nor by their length.
const KNOWN: &str = "later";
const NEW: &str = "inter";

pub(super) struct English {
    stemmer: Stemmer,
    release: Release,
}

impl English {
    pub(super) fn new(release: Release) -> Self {
        Self { stemmer: Algorithm::English.stemmer(), release }
    }

    /// Returns the stem of a lower-case word.
    pub(super) fn stem<'w>(&self, word: &'w str) -> Cow<'w, str> {
        let rest = word.strip_prefix(NEW).filter(|_| self.release == Release::ThreeOne);
        let Some(rest) = rest else { return self.stemmer.stem(word) };
        let stem = self.stemmer.stem(&format!("{KNOWN}{rest}")).into_owned();
        // What is left whole is still there.
        Cow::Owned(stem.strip_prefix(KNOWN).map_or_else(|| word.to_owned(), |rest| format!("{NEW}{rest}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made once by snowballstemmer 3.1.1: every word of scifact whose stem differs from 3.0.1's, and what is near.
    #[test]
    fn stems_are_those_of_snowballstemmer() {
        let (three_one, three) = (English::new(Release::ThreeOne), English::new(Release::Three));
        let mut words = 0;
        for line in include_str!("stems.tsv").lines() {
            let (word, stem) = line.split_once('\t').unwrap();
            assert_eq!(three_one.stem(word), stem, "{word}");
            words += 1;
        }
        assert!(words > 300);
        assert_eq!((three.stem("interval"), three_one.stem("interval")), ("interv".into(), "interval".into()));
    }
}
