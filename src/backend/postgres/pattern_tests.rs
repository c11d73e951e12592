//! Random patterns on random texts: PostgreSQL finds what the `regex` crate finds.

use regex::Regex;

use super::translated;
use crate::postgres_server::Postgres;
use crate::random::Random;

/// What texts and patterns are made of: what means something to either language, and letters of one to four bytes.
const CHARACTERS: [&str; 19] =
    ["a", "b", "B", "K", "1", "_", " ", "\n", "\r", "-", "]", "^", "\\", ".", "é", "ß", "ſ", "中", "𐐀"];

/// Parts of patterns that stand for one character, or for a place.
const PARTS: [&str; 32] = [
    ".",
    "\\d",
    "\\D",
    "\\w",
    "\\s",
    "\\S",
    "(?-u:\\w)",
    "(?-u:\\d)",
    "[a-c]",
    "[^a-c]",
    "[^\\n]",
    "[]\\-^\\\\]",
    "[é-中]",
    "(?i:k)",
    "(?i:ß)",
    "(?s:.)",
    "\\p{Lu}",
    "\\p{Greek}",
    "[[:alpha:]]",
    "^",
    "$",
    "\\A",
    "\\z",
    "(?m:^)",
    "(?m:$)",
    "(?-u:\\b)",
    "(?-u:\\B)",
    "\\b",
    "\\x{1F600}",
    "(?:)",
    "(?R:$)",
    "[\\x00-\\x{7f}]",
];

fn pattern(random: &mut Random, depth: u32) -> String {
    if depth == 0 || random.below(5) == 0 {
        return match random.below(2) {
            0 => regex::escape(random.pick::<&str>(&CHARACTERS)),
            _ => (*random.pick(&PARTS)).to_owned(),
        };
    }
    let mut part = || pattern(random, depth - 1);
    let (a, b, c) = (part(), part(), part());
    match random.below(7) {
        0 => format!("(?:{a})*"),
        1 => format!("(?:{a})+?"),
        2 => format!("({a}){{{},{}}}", random.below(3), 3 + random.below(2)),
        3 => format!("(?:{a}|{b}|)"),
        4 => format!("(?P<n{depth}{}>{a}|{b})", random.next()),
        _ => format!("{a}{b}{c}"),
    }
}

#[test]
fn patterns_match_what_they_matched() {
    let Some(server) = Postgres::shared("patterns_match_what_they_matched") else { return };
    let mut client = server.client("postgres");
    let mut random = Random::new();
    let texts: Vec<String> =
        (0..300).map(|_| (0..random.below(7)).map(|_| *random.pick(&CHARACTERS)).collect()).collect();
    let mut asked = 0;
    for _ in 0..1500 {
        let pattern = pattern(&mut random, 3);
        let Ok(regex) = Regex::new(&pattern) else { continue };
        let Some(are) = translated(&pattern) else { continue };
        let expected: Vec<&String> = texts.iter().filter(|text| regex.is_match(text)).collect();
        let found = client.query(
            "select t from unnest($1::text[]) with ordinality as u(t, at) where t ~ $2 order by at",
            &[&texts, &are],
        );
        let found: Vec<String> =
            found.unwrap_or_else(|error| panic!("{pattern}\n{are}\n{error:?}")).iter().map(|row| row.get(0)).collect();
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{pattern}\n{are}");
        asked += 1;
    }
    assert!(asked > 400, "only {asked} patterns were translated");
}

#[test]
fn large_patterns_are_refused_here_and_not_there() {
    let Some(server) = Postgres::shared("large_patterns_are_refused_here_and_not_there") else { return };
    let mut client = server.client("postgres");
    for (pattern, is_translated) in [
        ("a{255}", true),
        ("a{256}", false),
        ("(?:a{0,60}b){60}", true),
        ("(?:a{0,255}b){200}", false),
        ("\\w+", false),
        ("\\bfox\\b", false),
        ("(?-u:\\b)fox(?-u:\\b)", true),
        ("\\d{2,}", true),
        ("a\\x00b", false),
        ("", true),
    ] {
        let are = translated(pattern);
        assert_eq!(are.is_some(), is_translated, "{pattern}");
        if let Some(are) = are {
            client.query("select 'a fox 12' ~ $1", &[&are]).unwrap_or_else(|error| panic!("{pattern}: {error:?}"));
        }
    }
}
