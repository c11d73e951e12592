//! The short form: each of its phrases equals a JSON filter, or says what is wrong with it.

use super::super::*;

#[test]
fn every_phrase_has_its_json() {
    for (short, json) in [
        ("year = 2020", r#"{"year": 2020}"#),
        ("year == 2020", r#"{"year": {"$eq": 2020}}"#),
        ("year=2020", r#"{"year": 2020}"#),
        ("year != -1.5e3", r#"{"year": {"$ne": -1500.0}}"#),
        ("year <> 1", r#"{"year": {"$ne": 1}}"#),
        ("year > 1", r#"{"year": {"$gt": 1}}"#),
        ("year>=1", r#"{"year": {"$gte": 1}}"#),
        ("year < 1", r#"{"year": {"$lt": 1}}"#),
        ("year <=1", r#"{"year": {"$lte": 1}}"#),
        ("draft = TRUE", r#"{"draft": true}"#),
        ("lang = 'en'", r#"{"lang": "en"}"#),
        (r#"lang in ("en","de")"#, r#"{"lang": {"$in": ["en", "de"]}}"#),
        (r#"lang IN ("en")"#, r#"{"lang": "en"}"#),
        ("n not  in ( 1 , 2.0 )", r#"{"n": {"$nin": [1, 2.0]}}"#),
        ("tags has 'x'", r#"{"tags": {"$contains": "x"}}"#),
        ("tags NOT HAS 'x'", r#"{"tags": {"$not_contains": "x"}}"#),
        ("tags contains 'x'", r#"{"tags": {"$contains_text": "x"}}"#),
        ("tags Not Contains 1.0", r#"{"tags": {"$not_contains": 1.0}}"#),
        ("date >= '2026'", r#"{"date": {"$gte_text": "2026"}}"#),
        ("title Starts  With 'x'", r#"{"title": {"$starts_with": "x"}}"#),
        ("not title starts with 'x'", r#"{"title": {"$not_starts_with": "x"}}"#),
        (r"title ~ '\d'", r#"{"title": {"$regex": "\\d"}}"#),
        ("year EXISTS and a = 1", r#"{"$and": [{"year": {"$exists": true}}, {"a": 1}]}"#),
        ("year is NULL or a = 1", r#"{"$or": [{"year": {"$exists": false}}, {"a": 1}]}"#),
        ("not year is null", r#"{"year": {"$exists": true}}"#),
        ("exists exists", r#"{"exists": {"$exists": true}}"#),
        ("is = 'x'", r#"{"is": "x"}"#),
        ("not d > 'x'", r#"{"d": {"$lte_text": "x"}}"#),
        ("#uri = 'a'", r##"{"#uri": "a"}"##),
        ("#document not exists", r##"{"#document": {"$not_contains": ""}}"##),
        ("#document contains 'x'", r##"{"#document": {"$contains": "x"}}"##),
        ("#document not contains 'x'", r##"{"#document": {"$not_contains": "x"}}"##),
        ("#document ~ '(?i)x'", r##"{"#document": {"$regex": "(?i)x"}}"##),
        ("#document !~ 'x'", r##"{"#document": {"$not_regex": "x"}}"##),
        ("#id = 'a'", r##"{"#id": "a"}"##),
        ("#id != 'a'", r##"{"#id": {"$ne": "a"}}"##),
        ("#id in ('a', 'b')", r##"{"#id": {"$in": ["a", "b"]}}"##),
        ("#id not in ('a', 'b')", r##"{"#id": {"$nin": ["a", "b"]}}"##),
        ("id = 'a'", r#"{"id": "a"}"#),
        ("document = 'a'", r#"{"document": "a"}"#),
        ("a.b-c_d = 1", r#"{"a.b-c_d": 1}"#),
        ("jahr_größe = 1", r#"{"jahr_größe": 1}"#),
        ("2020 = 1", r#"{"2020": 1}"#),
        ("`not` = 1", r#"{"not": 1}"#),
        ("`two words` = 1", r#"{"two words": 1}"#),
        ("`a``b` = 1", r#"{"a`b": 1}"#),
        ("a = 1 and b = 2 or c = 3", r#"{"$or": [{"$and": [{"a": 1}, {"b": 2}]}, {"c": 3}]}"#),
        ("a = 1 and (b = 2 or c = 3)", r#"{"$and": [{"a": 1}, {"$or": [{"b": 2}, {"c": 3}]}]}"#),
        ("((a = 1))", r#"{"a": 1}"#),
        ("true", r#"{"$and": []}"#),
        ("false", r#"{"$or": []}"#),
        ("not true", r#"{"$or": []}"#),
        ("true and a = 1", r#"{"a": 1}"#),
        ("true or a = 1", r#"{"$and": []}"#),
        ("not a = 1", r#"{"a": {"$ne": 1}}"#),
        ("not not a = 1", r#"{"a": 1}"#),
        ("not a > 1", r#"{"a": {"$lte": 1}}"#),
        ("not a >= 1", r#"{"a": {"$lt": 1}}"#),
        ("not a < 1", r#"{"a": {"$gte": 1}}"#),
        ("not a <= 1", r#"{"a": {"$gt": 1}}"#),
        ("not (a = 1 and b in (1, 2))", r#"{"$or": [{"a": {"$ne": 1}}, {"b": {"$nin": [1, 2]}}]}"#),
        ("not (a contains 1 or #id = 'x')", r##"{"$and": [{"a": {"$not_contains": 1}}, {"#id": {"$ne": "x"}}]}"##),
        ("not #document ~ 'x'", r##"{"#document": {"$not_regex": "x"}}"##),
        ("not a = 1 and b = 2", r#"{"$and": [{"a": {"$ne": 1}}, {"b": 2}]}"#),
        ("a=1 and(b=2)", r#"{"$and": [{"a": 1}, {"b": 2}]}"#),
    ] {
        let expected = Filter::parse(json).unwrap();
        assert_eq!(Filter::parse(short).unwrap(), expected, "{short}");
    }
}

#[test]
fn strings_and_their_escapes() {
    for (written, meant) in [
        (r#""a\"b""#, "a\"b"),
        (r#""a""b""#, "a\"b"),
        ("'it''s'", "it's"),
        (r"'it\'s'", "it's"),
        (r#""tab\tline\n\\""#, "tab\tline\n\\"),
        (r#""\u00e9\ud83e\udd8a""#, "é🦊"),
        ("\"日本 \"", "日本 "),
        ("''", ""),
        ("''''", "'"),
    ] {
        let expected =
            Filter::Test(Test::In { key: "k".into(), values: vec![Scalar::Str(meant.into())], negated: false });
        assert_eq!(Filter::parse(&format!("k = {written}")).unwrap(), expected, "{written}");
    }
}

#[test]
fn a_pattern_is_taken_as_it_stands() {
    for (written, meant) in [(r#""\d+""#, r"\d+"), (r#""say ""hi""""#, "say \"hi\""), (r"'\bthe\b'", r"\bthe\b")] {
        let filter = Filter::parse(&format!("#document ~ {written}")).unwrap();
        assert_eq!(
            filter,
            Filter::Test(Test::Text { field: TextField::Document, test: TextTest::pattern(meant).unwrap() }),
            "{written}"
        );
    }
}

#[test]
fn not_is_the_complement_except_of_a_range() {
    let record = crate::record::Metadata::from_json(serde_json::json!({"n": 1, "tags": ["x"]})).unwrap();
    for test in [
        "n = 1",
        "n in (1, 2)",
        "tags contains 'x'",
        "k = 1",
        "#id = 'a'",
        "#document contains 'x'",
        "tags contains 'y'",
        "k exists",
        "n starts with 'x'",
        "k ~ 'x'",
        "#id starts with 'b'",
        "#uri = 'x'",
        "#uri exists",
    ] {
        for (metadata, document) in [(Some(&record), Some("x")), (None, None)] {
            let plain = Filter::parse(test).unwrap();
            let opposite = !plain.clone();
            let record = RecordFields { id: "a", metadata, document, uri: document };
            assert_ne!(plain.matches(record), opposite.matches(record), "{test}");
        }
    }
    for range in ["k > 1", "k > 'x'", "n > 'x'"] {
        let range = Filter::parse(range).unwrap();
        let record = RecordFields { id: "a", metadata: Some(&record), ..RecordFields::default() };
        assert!(!range.matches(record) && !(!range.clone()).matches(record));
    }
}
