//! The JSON reader against `serde_json`: both accept the same texts and read the same values.

use serde_json::Value as Json;

use super::super::json_parser::{JsonContent, JsonNode};
use crate::record::beyond_integers;
use crate::record::random::Random;

fn json_of(node: JsonNode) -> Json {
    match node.content {
        JsonContent::Null => Json::Null,
        JsonContent::Bool(b) => b.into(),
        JsonContent::Number(n) => n.to_json(),
        JsonContent::Str(s) => s.value.into(),
        JsonContent::List(nodes) => nodes.into_iter().map(json_of).collect(),
        JsonContent::Object(entries) => Json::Object(entries.into_iter().map(|(k, v)| (k.value, json_of(v))).collect()),
    }
}

#[track_caller]
fn check(text: &str) {
    let ours = JsonNode::read(text, 100).ok().map(json_of);
    // The sign of a zero is not kept: metadata has none. Nor has it an integer beyond 64 bits, sign included.
    let theirs = serde_json::from_str::<Json>(text).ok().filter(|_| beyond_integers(text).is_none());
    assert_eq!(ours, theirs, "{text:?}");
}

#[test]
fn agrees_with_serde_json() {
    for text in [
        "",
        " ",
        "null",
        "nul",
        "nulll",
        "true",
        "[true,false]",
        "1",
        "-0",
        "-1",
        "01",
        "1.",
        ".5",
        "+1",
        "1e5",
        "1E+5",
        "1e",
        "1.5e-3",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "-9223372036854775809",
        "18446744073709551616",
        "1e308",
        "1e309",
        "1e-400",
        "0.1",
        "123456789012345678901234567890",
        "\"\"",
        "\"a",
        "\"\\u00e9\"",
        "\"\\ud83e\\udd8a\"",
        "\"\\ud83e\"",
        "\"\\ud83ex\"",
        "\"\\udd8a\"",
        "\"\\ud83e\\u0041\"",
        "\"\\u00g0\"",
        "\"\\u+123\"",
        "\"\\/\\b\\f\\n\\r\\t\\\"\\\\\"",
        "\"\\x\"",
        "\"\n\"",
        "\"\u{7f}\u{85}\"",
        "[]",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{}",
        "{\"a\":1,}",
        "{\"a\":1,\"a\":2}",
        "{a:1}",
        "{\"a\":}",
        "[1]]",
        "[[[]]]",
        "\u{feff}1",
        "\u{a0}1",
        "\u{b}1",
        "\t\r\n 1 ",
        "NaN",
        "Infinity",
        "'a'",
    ] {
        check(text);
    }
}

#[test]
fn agrees_with_serde_json_on_random_texts() {
    let mut random = Random::new();
    let pieces = [
        "{", "}", "[", "]", ",", ":", "\"", "\\", "u00e9", "ud83e", "udd8a", "a", "null", "true", "1", "-", "0", ".5",
        "e9", " ", "\n", "é", "\"k\":", "\"v\"", "[1,2]", "{\"x\":", "\u{1}",
    ];
    for _ in 0..50_000 {
        let length = random.below(12);
        check(&(0..length).map(|_| *random.pick(&pieces)).collect::<String>());
    }
}
