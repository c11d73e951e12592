//! Errors point at the place in the text: `^` in a row stands right before it and is no part of the text.

use super::super::*;
use crate::error::{Error, Result};

#[track_caller]
fn check(parse: fn(&str) -> Result<Filter>, marked: &str, expected: &str) {
    let place = marked.find('^').unwrap();
    let text = marked.replacen('^', "", 1);
    match parse(&text) {
        Err(Error::InvalidWhere { text: told, at, why }) => {
            assert_eq!(told, text);
            assert_eq!(at, Some(place), "{marked}: {why}");
            assert!(why.contains(expected), "{marked}: {why}");
        }
        other => panic!("{marked}: {other:?}"),
    }
}

#[test]
fn in_json() {
    for (marked, expected) in [
        ("  ^{}", "an empty object"),
        (r#"{"year": {^"$gtx": 1}}"#, "did you mean $gt?"),
        (r#"{"year": {"$gt": ^"1"}}"#, "$gt compares numbers, found a string; $gt_text compares strings"),
        (r#"{"year": {"$gt_text": ^1}}"#, "$gt_text compares strings, found a number"),
        (r#"{"year": {"$exists": ^1}}"#, "$exists takes true or false, found a number"),
        (r#"{"year": {"$starts_with": ^1}}"#, "$starts_with takes a string, found a number"),
        (r#"{"year": {"$regex": "x^(y"}}"#, "unclosed group"),
        (r##"{"#uri": {^"$exists": true}}"##, "#uri takes $eq"),
        (r#"{"año": 1, ^"b": 2}"#, "one key"),
        (r#"{"$and": [{"a": 1}, {"b": {"$in": [1, ^"x"]}}]}"#, "mixes numbers and strings"),
        (r#"{"a": ^[1]}"#, "found a list"),
        (r#"{"a": ^nul}"#, "found \"nul\""),
        (r#"{"a": ^01}"#, "leading zeros"),
        (r#"{"a": 1.^}"#, "expected a digit after the point"),
        (r#"{"a": 1e^}"#, "expected a digit in the exponent"),
        (r#"{"a": -^}"#, "expected a digit"),
        (r#"{"a": ^1e999}"#, "beyond 64-bit floats"),
        (r#"{"a": ^9223372036854775808}"#, "an integer that no metadata value is"),
        (r#"{"a": {"$in": [1, ^-9223372036854775809]}}"#, "an integer that no metadata value is"),
        (r#"{"a": {"$lt": ^18446744073709551616}}"#, "an integer that no metadata value is"),
        (r#"{"a": 1^"#, "expected ',' or '}', found the end"),
        (r#"{"a" ^1}"#, "expected ':'"),
        (r#"{"a": 1} ^}"#, "expected the end"),
        ("{^'a': 1}", "expected a key in double quotes, found '\\''"),
        (r#"{"a": ^'x'}"#, "double quotes"),
        (r#"{"a": 1, ^}"#, "expected a key"),
        (r#"{"a": ^"x}"#, "without a closing quote"),
        (r#"{"a": "x^\q"}"#, "unknown escape \\q"),
        (r#"{"a": "^\ud83e"}"#, "surrogate"),
        (r#"{"a": "^\u12"}"#, "four hexadecimal digits"),
        (r##"{"#document": {"$regex": "x^(y"}}"##, "unclosed group"),
        (r##"{"#document": {"$regex": "\u00e9\n^(y"}}"##, "unclosed group"),
        (r##"{"#document": {"$regex": "\\d^(?=y)"}}"##, "look-around"),
    ] {
        check(Filter::parse, marked, expected);
    }
}

#[test]
fn in_the_short_form() {
    for (marked, expected) in [
        ("^", "expected a key, found the end"),
        ("  ^", "expected a key, found the end"),
        ("year^", "expected an operator, found the end"),
        ("year ^like 'x'", "unknown operator \"like\""),
        ("year ^contain 'x'", "did you mean contains?"),
        ("year ^=~ 'x'", "unknown operator \"=~\""),
        ("year not ^like 'x'", "expected in, contains, has, starts with or exists"),
        ("größe = ^en", "unquoted text; write \"en\""),
        ("day = ^2020-01-01", "write text in quotes"),
        ("h = ^18446744073709551615", "an integer that no metadata value is"),
        ("year = ^", "expected a string, number, true or false, found the end"),
        ("year > ^true", "compare numbers and strings, not booleans"),
        ("year in ^1", "expected '('"),
        ("year in (^)", "expected a string, number, true or false"),
        ("year in (1, ^'x')", "mixes numbers and strings"),
        ("year in (1 ^2)", "expected ',' or ')'"),
        ("year = 1 ^year = 2", "expected and, or or the end"),
        ("year = 1 ^&& year = 2", "write and"),
        ("year = 1 ^|| year = 2", "write or"),
        ("year = 1 and ^and", "expected a key, found \"and\""),
        ("(year = 1^", "a '(' without its ')'"),
        ("year = 1^)", "a ')' without its '('"),
        ("^\"year\" = 1", "quote a key with backticks"),
        ("^#di = 1", "did you mean #id?"),
        ("^`chroma:document` = 1", "write #document"),
        ("#id ^> 1", "#id takes =, !=, in, contains"),
        ("#id ^exists", "every record has an id"),
        ("#uri ^>= 'x'", "#uri takes =, !=, in, contains"),
        ("#uri = ^1", "#uri compares with strings"),
        ("year is ^3", "expected null"),
        ("year = ^null", "write `is null`"),
        ("year starts ^'x'", "expected with"),
        ("year ^startswith 'x'", "did you mean starts with?"),
        ("year starts with ^1", "expected a string in quotes"),
        ("year ~ 'a^(b'", "unclosed group"),
        ("#id = ^1", "#id compares with strings"),
        ("#document ^= 'x'", "#document takes contains"),
        ("#document contains ^1", "expected a string in quotes"),
        ("#document ~ \"a^(b\"", "unclosed group"),
        ("#document ~ \"a\"\"^(b\"", "unclosed group"),
        ("year = ^'x", "without a closing quote"),
        ("year = '^\\d'", "unknown escape \\d"),
    ] {
        check(Filter::parse, marked, expected);
    }
}

#[test]
fn in_a_document_filter() {
    check(Filter::parse_document, r#"{"$or": [{"$contains": "a"}, {^"year": 1}]}"#, "has no keys");
    check(Filter::parse_document, r#"{"$contains": ^1}"#, "takes a string");
}

#[test]
fn the_message_counts_characters() {
    let error = Filter::parse("größe = en").unwrap_err();
    assert!(error.to_string().contains("at character 9: unquoted text; write \"en\""), "{error}");
}
