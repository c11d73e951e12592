//! Random trees come back from both languages; random texts never panic.

#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "the numbers are small or random")]

use super::super::*;
use crate::error::Error;
use crate::record::Number;
use crate::record::random::Random;

pub(crate) const STRINGS: [&str; 14] = [
    "",
    "a",
    "year",
    "two words",
    "it's",
    "say \"hi\"",
    "both ' and \"",
    "back\\slash",
    "line\nbreak\t\r",
    "\u{1}\u{7f}",
    "日本語",
    "`tick`",
    "NOT",
    "100%_",
];
const PATTERNS: [&str; 9] = ["", "a", r"\d+", "(?i)x|y", "\"", "'", "\"'", r#"\\"\.'"#, "日+$"];

pub(crate) fn key(random: &mut Random) -> String {
    ["year", "a.b-c", "in", "true", "two words", "tick`s", "größe", "id", "document", "x\\y", "-1", "9"]
        [random.below(12) as usize]
        .to_owned()
}

pub(crate) fn number(random: &mut Random) -> Number {
    match random.below(3) {
        0 => Number::Int(random.next().cast_signed() >> random.below(64)),
        1 => Number::float(f64::from_bits(random.next())).unwrap_or(Number::Float(1e16)),
        _ => Number::Float(random.below(4) as f64),
    }
}

fn values(random: &mut Random) -> Vec<Scalar> {
    let kind = random.below(3);
    let count = 1 + random.below(3);
    let value = |_| match kind {
        0 => Scalar::Bool(random.below(2) == 0),
        1 => Scalar::Number(number(random)),
        _ => Scalar::Str((*random.pick(&STRINGS)).to_owned()),
    };
    (0..count).map(value).collect()
}

fn test(random: &mut Random) -> Test {
    let test = match random.below(8) {
        0 => Test::In { key: key(random), values: values(random), negated: false },
        1 => {
            let side = *random.pick(&[Side::Above, Side::AtLeast, Side::Below, Side::AtMost]);
            let text = (*random.pick(&STRINGS)).to_owned();
            let bound = if random.below(2) == 0 { Scalar::Number(number(random)) } else { Scalar::Str(text) };
            Test::Range { key: key(random), side, bound }
        }
        2 => Test::Contains { key: key(random), element: values(random).remove(0), negated: false },
        3 => {
            let ids = (0..=random.below(3)).map(|_| (*random.pick(&STRINGS)).to_owned()).collect();
            if random.below(2) == 0 {
                Test::Id { ids, negated: false }
            } else {
                Test::Uri { uris: ids, negated: false }
            }
        }
        4 => Test::Exists { key: key(random), negated: false },
        _ => {
            let field = match random.below(4) {
                0 => TextField::Key(key(random)),
                1 => TextField::Id,
                2 => TextField::Uri,
                _ => TextField::Document,
            };
            let test = match random.below(3) {
                0 => TextTest::substring(*random.pick(&STRINGS)),
                1 => TextTest::prefix(*random.pick(&STRINGS)),
                _ => TextTest::pattern(PATTERNS[random.below(9) as usize]).unwrap(),
            };
            Test::Text { field, test }
        }
    };
    if random.below(2) == 0 { test } else { !test }
}

pub(crate) fn tree(random: &mut Random, depth: u64) -> Filter {
    match random.below(if depth == 0 { 1 } else { 4 }) {
        0 | 1 => Filter::Test(test(random)),
        junction => {
            let children = (0..random.below(5)).map(|_| tree(random, depth - 1)).collect();
            if junction == 2 { Filter::all_of(children) } else { Filter::any_of(children) }
        }
    }
}

#[test]
fn trees_come_back() {
    let mut random = Random::new();
    for _ in 0..5_000 {
        let tree = tree(&mut random, 5);
        let json = tree.to_json();
        assert_eq!(Filter::parse(&json.to_string()).unwrap(), tree, "{json}");
        assert_eq!(Filter::from_json(&json).unwrap(), tree, "{json}");
        assert_eq!(Filter::parse(&tree.to_string()).unwrap(), tree, "{tree}");
        assert_eq!(!!tree.clone(), tree, "{tree}");
    }
}

/// Parses what may be anything; what parses must come back, and a fault must point into the text.
fn survive(text: &str) {
    for parse in [Filter::parse, Filter::parse_document] {
        match parse(text) {
            Ok(filter) => {
                assert_eq!(Filter::parse(&filter.to_json().to_string()).unwrap(), filter, "{text:?}");
                assert_eq!(Filter::parse(&filter.to_string()).unwrap(), filter, "{text:?}");
                let _passes = filter.matches(RecordFields { id: "a", document: Some(text), ..RecordFields::default() });
            }
            Err(Error::InvalidWhere { at, .. }) => {
                assert!(at.is_none_or(|at| text.is_char_boundary(at)), "{at:?} in {text:?}");
            }
            Err(other) => panic!("{text:?}: {other}"),
        }
    }
}

#[test]
fn random_bytes_survive() {
    let mut random = Random::new();
    for _ in 0..20_000 {
        let bytes: Vec<u8> = (0..random.below(40)).map(|_| random.next() as u8).collect();
        survive(&String::from_utf8_lossy(&bytes));
        survive(&format!("{{{}", String::from_utf8_lossy(&bytes)));
    }
}

#[test]
fn damaged_filters_survive() {
    let mut random = Random::new();
    let noise = [
        "{", "}", "[", "]", "(", ")", "\"", "'", "`", "\\", ",", ":", "$", "#", "~", "not ", "in", "has", "is null",
        "é", "0", "-", " ",
    ];
    for _ in 0..5_000 {
        let tree = tree(&mut random, 3);
        let text = if random.below(2) == 0 { tree.to_string() } else { tree.to_json().to_string() };
        let mut chars: Vec<char> = text.chars().collect();
        for _ in 0..=random.below(3) {
            let at = random.below(chars.len() as u64) as usize;
            let piece = random.pick(&noise).chars();
            chars.splice(at..at + random.below(2) as usize, piece);
        }
        survive(&chars.into_iter().collect::<String>());
    }
}
