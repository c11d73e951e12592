//! The words that a document is found by: Chroma's, of composed text (NFC), and where a text has no spaces between
//! words also its letters and every two that stand together.
//!
//! Whole runs of such text are Chroma's words, which nobody asks for. A question asks for its pairs, and for a letter
//! only where that stands alone. Invariant: what is asked of a document that equals the question is found; text without
//! such scripts whose accents are composed gives the terms and weights of [`super::bm25`].

use std::borrow::Cow;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use unicode_categories::UnicodeCategories;
use unicode_normalization::{UnicodeNormalization, is_nfc};

use super::script::is_unspaced;
use super::stem::{English, Release};
use super::vector::{chroma_terms, is_word_character, number, term, weigh, word_places};
use crate::record::SparseVector;

/// How words are made; a collection keeps the way its documents' words were made in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Words {
    /// Chroma's words alone, with the stems of Snowball 3.0: what files without a mark have.
    #[serde(rename = "1")]
    First,
    /// What this version makes.
    #[default]
    #[serde(rename = "2")]
    Second,
}

/// Which side of a search a text is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TextSide {
    Document,
    Question,
}

/// A word: where it stands in the text, in bytes, its term, and whether it counts towards the length of the text.
type Bm25Word = (Range<usize>, u32, bool);

impl Words {
    /// Returns the way of a collection whose entry says none.
    #[must_use]
    pub fn of_files_without_a_mark() -> Self {
        Self::First
    }

    /// Returns the weights of a document's words.
    #[must_use]
    pub fn of_document(self, text: &str) -> SparseVector {
        self.weigh(text, TextSide::Document)
    }

    /// Returns the weights of the words that a question asks for.
    #[must_use]
    pub fn of_question(self, text: &str) -> SparseVector {
        self.weigh(text, TextSide::Question)
    }

    fn weigh(self, text: &str, side: TextSide) -> SparseVector {
        match self {
            Self::First => weigh(chroma_terms(text, English::new(Release::Three)).map(|(_, term)| (term, true))),
            Self::Second => weigh(words(text, side).map(|(_, term, is_long)| (term, is_long))),
        }
    }

    /// Visits the words that a question asks for, by the numbers of their terms.
    pub fn asked(text: &str) -> impl Iterator<Item = u32> + '_ {
        words(text, TextSide::Question).map(|(_, term, _)| term)
    }

    /// Visits the words of a document, in its order: where each stands, in bytes, and the number of its term.
    ///
    /// Words may overlap.
    pub fn places(text: &str) -> impl Iterator<Item = (Range<usize>, u32)> + '_ {
        words(text, TextSide::Document).map(|(place, term, _)| (place, term))
    }
}

fn words(text: &str, side: TextSide) -> impl Iterator<Item = Bm25Word> + '_ {
    let stemmer = English::new(Release::ThreeOne);
    pieces(text).flat_map(move |(start, piece)| {
        // Nearly all text: one word, and nothing to allocate.
        let (one, more) = if piece.is_ascii() {
            (term(piece, &stemmer).map(|term| (start..start + piece.len(), term, true)), Vec::new())
        } else {
            (None, words_of(piece, start, side, &stemmer))
        };
        one.into_iter().chain(more)
    })
}

/// Cuts a text into what stands between spaces and punctuation, marks and all: where each piece begins, and the piece.
fn pieces(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..)?;
        let start = at + rest.find(is_word_character)?;
        let rest = text.get(start..)?;
        let len = rest.find(|c| !is_word_character(c) && !is_mark(c)).unwrap_or(rest.len());
        at = start + len;
        Some((start, rest.get(..len)?))
    })
}

fn is_mark(c: char) -> bool {
    !c.is_ascii() && c.is_mark()
}

/// Returns the words of a piece that begins at `start` of its text.
fn words_of(piece: &str, start: usize, side: TextSide, stemmer: &English) -> Vec<Bm25Word> {
    let composed: Cow<str> = if is_nfc(piece) { piece.into() } else { piece.nfc().collect::<String>().into() };
    // In text that is composed here nobody knows any longer which byte came from where.
    let place = |place: &Range<usize>| match composed {
        Cow::Borrowed(_) => start + place.start..start + place.end,
        Cow::Owned(_) => start..start + piece.len(),
    };
    let text = |place: &Range<usize>| composed.get(place.clone()).unwrap_or_default();
    let whole: Vec<Range<usize>> = word_places(&composed).collect();
    let known = |place: &Range<usize>| whole.binary_search_by_key(&place.start, |whole| whole.start);
    let mut found: Vec<Bm25Word> = Vec::new();
    found.extend(whole.iter().filter_map(|place| Some((place.clone(), term(text(place), stemmer)?, true))));
    let mut put = |place: Range<usize>, term: Option<u32>, is_long: bool| {
        let is_new = known(&place).ok().and_then(|at| whole.get(at)).is_none_or(|whole| *whole != place);
        found.extend(term.filter(|_| is_new).map(|term| (place, term, is_long)));
    };
    for stretch in stretches(&composed) {
        match stretch {
            // Beside letters of such a script: without any, these are the words above.
            Stretch::Spaced(place) => put(place.clone(), term(text(&place), stemmer), true),
            Stretch::Letters(letters) => {
                let is_asked_alone = side == TextSide::Document || letters.len() == 1;
                for place in letters.iter().filter(|_| is_asked_alone) {
                    // Letters beside their pairs would count a text twice.
                    put(place.clone(), Some(number(text(place))), letters.len() == 1);
                }
                for (one, next) in letters.iter().zip(letters.iter().skip(1)) {
                    let place = one.start..next.end;
                    put(place.clone(), Some(number(text(&place))), true);
                }
            }
        }
    }
    found.sort_by_key(|(place, ..)| place.start);
    found.into_iter().map(|(found, term, is_long)| (place(&found), term, is_long)).collect()
}

/// A part of a piece.
enum Stretch {
    /// Word characters of scripts that have spaces.
    Spaced(Range<usize>),
    /// Letters of scripts that have none, each with the marks on it.
    Letters(Vec<Range<usize>>),
}

/// Cuts a piece where the kind of script changes.
fn stretches(piece: &str) -> Vec<Stretch> {
    let mut found: Vec<Stretch> = Vec::new();
    // Whether a mark belongs to the character before it: a mark ends a word of Chroma's.
    let mut is_open = false;
    for (at, c) in piece.char_indices() {
        let place = at..at + c.len_utf8();
        match (found.last_mut(), is_mark(c), is_unspaced(c)) {
            (Some(Stretch::Letters(letters)), true, _) => {
                if let Some(letter) = letters.last_mut() {
                    letter.end = place.end;
                }
            }
            (_, true, _) => is_open = false,
            (Some(Stretch::Letters(letters)), false, true) => letters.push(place),
            (Some(Stretch::Spaced(word)), false, false) if is_open => word.end = place.end,
            (_, false, true) => found.push(Stretch::Letters(vec![place])),
            (_, false, false) => {
                found.push(Stretch::Spaced(place));
                is_open = true;
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::bm25;
    use super::*;
    use crate::record::random::Random;

    fn finds(document: &str, question: &str) -> bool {
        let (document, question) = (Words::Second.of_document(document), Words::Second.of_question(question));
        question.iter().any(|(term, _)| document.indices().contains(&term))
    }

    #[test]
    fn words_know_their_place() {
        let text = "The foxes: ÜBER-Fuchs fox_ cafe\u{301}s";
        let shown: Vec<(&str, u32)> = Words::places(text).map(|(place, term)| (&text[place], term)).collect();
        let words: Vec<&str> = shown.iter().map(|(word, _)| *word).collect();
        assert_eq!(words, ["foxes", "ÜBER", "Fuchs", "fox_", "cafe\u{301}s"]);
        assert_eq!(shown[0].1, Words::asked("FOX").next().unwrap());
        assert_eq!(shown[4].1, Words::asked("CAFÉ").next().unwrap());
        let text = "使用Python語";
        let shown: Vec<&str> = Words::places(text).map(|(place, _)| &text[place]).collect();
        assert_eq!(shown, ["使用Python語", "使", "使用", "用", "Python", "語"]);
    }

    #[test]
    fn text_without_spaces_is_found() {
        for (document, questions) in [
            ("今日は成語しりとりをした", &["しりとり", "成語", "今日", "今", "今日は成語しりとりをした"][..]),
            ("把機器推論洗成權威事實", &["權威事實", "推論", "實"]),
            ("게임을 했다", &["게임", "게임을"]),
            ("ฉันชอบดื่มน้ำชาเย็น", &["น้ำ", "ชา", "ดื่ม", "น้ำชา"]),
            ("ຂ້ອຍຮັກພາສາລາວ", &["ລາວ", "ພາສາ"]),
            ("ខ្ញុំស្រឡាញ់ភាសាខ្មែរ", &["ភាសា", "ខ្មែរ"]),
            ("မြန်မာဘာသာ", &["ဘာသာ", "မြန်မာ"]),
            ("使用Python編程,Rustも", &["Python", "pythons", "編程", "rust"]),
            ("ﾃｽﾄです", &["ﾃｽﾄ"]),
        ] {
            for question in questions {
                assert!(finds(document, question), "{document} {question}");
            }
        }
        assert!(!finds("今日は成語しりとりをした", "語成") && !finds("게임을", "임게"));
    }

    #[test]
    fn composed_and_decomposed_are_one_and_accents_count_in_both() {
        let (composed, decomposed) = ("caf\u{e9} A\u{30a}ngström が 각", "cafe\u{301} \u{c5}ngström か\u{3099} 각");
        for words in [Words::of_document, Words::of_question] {
            assert_eq!(words(Words::Second, composed), words(Words::Second, decomposed));
        }
        for text in ["caf\u{e9}", "cafe\u{301}"] {
            assert!(finds(text, "café") && finds(text, "cafe\u{301}"));
            assert!(!finds(text, "cafe") && !finds("cafe", text));
        }
    }

    #[test]
    fn other_text_has_chromas_terms_and_weights() {
        for text in
            ["The quick brown foxes, jumping!", "Größe naïve façade ΣΊΣΥΦΟΣ snake_case x_1", "हिन्दी में", "", "interval"]
        {
            let composed: String = text.nfc().collect();
            assert_eq!(Words::Second.of_document(text), bm25(&composed), "{text}");
            assert_eq!(Words::Second.of_question(text), bm25(&composed), "{text}");
        }
        assert_ne!(Words::First.of_document("interval"), bm25("interval"));
        assert_eq!(Words::First.of_document("cafe\u{301} 今日は"), bm25("cafe\u{301} 今日は"));
    }

    #[test]
    fn every_part_of_a_random_text_is_found_in_it() {
        let mut random = Random::new();
        let alphabet: Vec<char> = "ab é e\u{301}日本語しりน้ำชา게임\u{1100}\u{1161}Ж_9,·\u{20d7}".chars().collect();
        for _ in 0..2000 {
            let text: String = (0..random.below(24)).map(|_| *random.pick(&alphabet)).collect();
            let places: Vec<(Range<usize>, u32)> = Words::places(&text).collect();
            for (place, _) in &places {
                assert!(text.get(place.clone()).is_some_and(|word| !word.is_empty()), "{text:?} {place:?}");
            }
            let composed: String = text.nfc().collect();
            assert_eq!(Words::Second.of_document(&text), Words::Second.of_document(&composed), "{text:?}");
            let held = Words::Second.of_document(&text);
            for asked in Words::asked(&text) {
                assert!(held.indices().contains(&asked), "{text:?}");
            }
        }
    }
}
