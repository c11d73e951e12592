//! What is looked for in documents, and where it stands in one.
//!
//! Words of a question are found by their stems, as in BM25; a filter's texts and patterns as the filter finds them.
//! Invariant: places ascend, never touch, and end at characters' ends.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use huedb::bm25::Words;
use huedb::query::Filter;
use huedb::query::filter::{Test, TextField, TextTest};

/// How far words are looked for: stemming a whole book to print one line of it would take longer than the search.
const WORDS_UP_TO_BYTES: usize = 64 << 10;
/// How many places are weighed against each other.
const MOST_PLACES: usize = 10_000;

/// Something that is looked for: a word by its term, or the text or pattern of a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Sought {
    Word(u32),
    Test(usize),
}

/// What is marked in the documents of a table.
#[derive(Debug, Clone, Default)]
pub(crate) struct Highlight {
    words: BTreeSet<u32>,
    tests: Vec<TextTest>,
}

impl Highlight {
    /// Marks the words of a question, in any of their forms, and what a filter wants documents to hold.
    #[must_use]
    pub(crate) fn new(question: Option<&str>, filter: Option<&Filter>) -> Self {
        let words = question.into_iter().flat_map(Words::asked).collect();
        let tests = filter.into_iter().flat_map(Filter::tests).filter_map(|test| match test {
            Test::Text { field: TextField::Document, test } if !test.is_negated() => Some(test.clone()),
            _ => None,
        });
        Self { words, tests: tests.collect() }
    }

    /// Returns the stretch of at most `room` bytes, or one place, where most of what is looked for stands: the most
    /// different things; of as many the rarer in this document, then the closer together, then the first.
    pub(super) fn best(&self, document: &str, room: usize) -> Option<Range<usize>> {
        let tests = self
            .tests
            .iter()
            .enumerate()
            .flat_map(|(number, test)| places(test, document, 0).map(move |place| (place, Sought::Test(number))));
        let words = self.terms(document, 0).map(|(place, term)| (place, Sought::Word(term)));
        let mut places: Vec<(Range<usize>, Sought)> = words.chain(tests.take(MOST_PLACES)).take(MOST_PLACES).collect();
        places.sort_by_key(|(place, _)| place.start);
        let mut counts: HashMap<Sought, u32> = HashMap::new();
        for (_, sought) in &places {
            *counts.entry(*sought).or_default() += 1;
        }
        let rarity = |sought: &Sought| counts.get(sought).map_or(0.0, |count| f64::from(*count).recip());
        let mut best: Option<((usize, f64, usize), Range<usize>)> = None;
        for (at, (first, _)) in places.iter().enumerate() {
            let (mut found, mut weight, mut end) = (BTreeSet::new(), 0.0, first.end);
            let here =
                places.iter().skip(at).take_while(|(place, _)| *place == *first || place.end <= first.start + room);
            for (place, sought) in here {
                if found.insert(*sought) {
                    weight += rarity(sought);
                    end = end.max(place.end);
                }
            }
            let rank = (found.len(), weight, end - first.start);
            let is_better = best.as_ref().is_none_or(|(before, _)| {
                let order = rank.0.cmp(&before.0).then(rank.1.total_cmp(&before.1)).then(before.2.cmp(&rank.2));
                order.is_gt()
            });
            if is_better {
                best = Some((rank, first.start..end));
            }
        }
        best.map(|(_, place)| place)
    }

    /// Returns the places that begin in a part of a document.
    pub(super) fn within(&self, document: &str, part: Range<usize>) -> Vec<Range<usize>> {
        let begins_here = |place: &Range<usize>| place.start < part.end;
        let words = self.words(document, part.start).take_while(begins_here);
        let tests = self.tests.iter().flat_map(|test| places(test, document, part.start).take_while(begins_here));
        let mut places: Vec<Range<usize>> = words.chain(tests).collect();
        places.sort_by_key(|place| place.start);
        places.dedup_by(|later, kept| {
            let joined = later.start <= kept.end;
            if joined {
                kept.end = kept.end.max(later.end);
            }
            joined
        });
        places
    }

    fn words<'a>(&'a self, document: &'a str, from: usize) -> impl Iterator<Item = Range<usize>> + 'a {
        self.terms(document, from).map(|(place, _)| place)
    }

    fn terms<'a>(&'a self, document: &'a str, from: usize) -> impl Iterator<Item = (Range<usize>, u32)> + 'a {
        let end = if self.words.is_empty() { from } else { document.floor_char_boundary(WORDS_UP_TO_BYTES) };
        let text = document.get(from..end).unwrap_or_default();
        let found = Words::places(text).filter(|(_, term)| self.words.contains(term));
        found.map(move |(place, term)| (place.start + from..place.end + from, term))
    }
}

fn places<'a>(test: &'a TextTest, document: &'a str, from: usize) -> impl Iterator<Item = Range<usize>> + 'a {
    let mut from = from;
    std::iter::from_fn(move || {
        loop {
            let place = test.find(document, from)?;
            if !place.is_empty() {
                from = place.end;
                return Some(place);
            }
            // Nothing is no place: a pattern may match it between any two characters.
            from = place.end + document.get(place.end..)?.chars().next()?.len_utf8();
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found<'d>(question: Option<&str>, filter: &str, document: &'d str) -> Vec<&'d str> {
        let filter = (!filter.is_empty()).then(|| Filter::parse(filter).unwrap());
        let highlight = Highlight::new(question, filter.as_ref());
        let places = highlight.within(document, 0..document.len());
        let best = highlight.best(document, document.len());
        assert_eq!(best.is_some(), !places.is_empty());
        assert!(best.is_none_or(|best| places.iter().any(|place| place.start <= best.start && best.start < place.end)));
        places.into_iter().map(|place| &document[place]).collect()
    }

    #[test]
    fn words_are_found_in_any_form() {
        let document = "Foxes MOVED; a fox, the moving box, and how they do it. Übung";
        assert_eq!(found(Some("how do foxes move"), "", document), ["Foxes", "MOVED", "fox", "moving"]);
        assert_eq!(found(Some("übung"), "", document), ["Übung"]);
        assert_eq!(found(Some("しりとり cafe\u{301}"), "", "今日は成語しりとりをした café"), ["しりとり", "café"]);
        assert_eq!(found(Some("café"), "", "cafe cafe\u{301}s"), ["cafe\u{301}s"]);
        assert!(found(Some("the of"), "", document).is_empty());
        assert!(found(None, "", document).is_empty());
    }

    #[test]
    fn filters_are_found_as_they_match() {
        let document = "a whale, Whales and the wale";
        assert_eq!(found(None, r#"#document ~ "(?i)whales?""#, document), ["whale", "Whales"]);
        assert_eq!(found(None, r#"#document contains "wh" and not #document contains "le""#, document), ["wh"]);
        assert_eq!(found(None, r#"#document contains "ale" or #document ~ "le,""#, document), ["ale,", "ale", "ale"]);
        assert_eq!(found(None, r#"#document ~ "x*""#, "axxé"), ["xx"]);
        assert!(found(None, r#"#document contains """#, document).is_empty());
        assert_eq!(found(Some("whales"), r#"#document contains "hal""#, document), ["whale", "Whales"]);
    }

    #[test]
    fn the_best_place_has_the_most_of_what_is_asked_for() {
        let best = |question: &str, document: &str, room| {
            let place = Highlight::new(Some(question), None).best(document, room)?;
            Some(document[place].to_owned())
        };
        let document = "apt is apt. Use a proxy with apt: use use use. The trademark of apt and its uses.";
        assert_eq!(best("configure apt to use a proxy", document, 30).unwrap(), "apt. Use a proxy");
        assert_eq!(best("can I use the trademark", document, 40).unwrap(), "use. The trademark");
        // Too far from each other: the rarer one.
        assert_eq!(best("can I use the trademark", document, 12).unwrap(), "trademark");
        assert_eq!(best("proxy", document, 1).unwrap(), "proxy");
        assert_eq!(best("cheese", document, 80), None);
        let filter = Filter::parse(r#"#document contains "proxy" or #document ~ "with a..""#).unwrap();
        let highlight = Highlight::new(None, Some(&filter));
        assert_eq!(&document[highlight.best(document, 30).unwrap()], "proxy with apt");
    }

    #[test]
    fn a_part_has_only_what_begins_in_it() {
        let highlight = Highlight::new(Some("fox"), None);
        assert_eq!(highlight.within("fox fox fox", 1..8), vec![Range { start: 4, end: 7 }]);
        assert_eq!(highlight.within("fox fox fox", 4..9), [4..7, 8..11]);
    }
}
