//! Section 3: the filter grammar, and for each filter the records that pass, from postings as by definition.

use huedb::error::{Error, Result};
use huedb::query::filter::RecordFields;
use huedb::query::{Filter, RecordQuery};
use huedb::record::{CollectionName, Metadata, MetadataPatch, RecordId};
use huedb::store::{Access, Change, Include, NewCollection, Store};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::open::open;
use crate::shell::check;

/// (id, metadata, document); `a` is the contract's own record.
fn records() -> Vec<(&'static str, Option<Metadata>, Option<&'static str>)> {
    let metadata = |json: Json| Some(Metadata::from_json(json).unwrap());
    vec![
        (
            "a",
            metadata(json!({"i": 1, "f": 1.5, "s": "x", "b": true, "arr": ["p", "q"], "ia": [1, 2],
                "fa": [1.5, 2.0], "ba": [true], "mix": 5})),
            Some("ab\nCd 100% a_b"),
        ),
        ("b", metadata(json!({"i": 2, "f": 2, "s": "y", "b": false, "arr": "p", "mix": "5"})), Some("日本語")),
        ("c", metadata(json!({"i": 9_007_199_254_740_993_i64, "f": 2.0, "mix": true})), Some("")),
        ("d", None, None),
    ]
}

/// The records in a file, where filters are answered from postings.
struct World {
    _folder: TempDir,
    store: Store,
}

impl World {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let store = open(folder.path().join("f.redb"), Access::Create).unwrap();
        store.create_collection(CollectionName::parse("records").unwrap(), NewCollection::default()).unwrap();
        let change = |(id, metadata, document): (&str, Option<Metadata>, Option<&str>)| Change {
            id: RecordId::parse(id).unwrap(),
            embedding: Some(vec![1.0]),
            embedded_here: false,
            document: document.map(str::to_owned),
            uri: None,
            metadata: metadata.map(MetadataPatch::from).unwrap_or_default(),
        };
        store.collection("records").unwrap().add(records().into_iter().map(change)).unwrap();
        Self { _folder: folder, store }
    }

    /// The ids that pass by the definition, which must be those that the file gives.
    #[track_caller]
    fn passing(&self, filter: &Filter) -> String {
        let passes = |(id, metadata, document): &(&str, Option<Metadata>, Option<&str>)| {
            filter.matches(RecordFields { id, metadata: metadata.as_ref(), document: *document, uri: None })
        };
        let defined: String = records().iter().filter(|record| passes(record)).map(|record| record.0).collect();
        let query = RecordQuery { filter: Some(filter.clone()), ..RecordQuery::default() };
        let page = self.store.collection("records").unwrap().find(&query, Include::NONE).unwrap();
        let found: String = page.records().map(|record| record.unwrap().id.to_string()).collect();
        assert_eq!(found, defined, "{filter} by postings and by definition");
        found
    }
}

/// What is wrong with a filter, without its text.
fn why(parsed: Result<Filter>) -> String {
    match parsed {
        Err(Error::InvalidWhere { why, .. }) => why,
        other => panic!("expected a fault, got {other:?}"),
    }
}

#[test]
fn section_3_where_truth_table() {
    let world = World::new();
    for (line, filter, expected) in [
        ("negated operators are complements", r#"{"i": {"$ne": 1}}"#, "bcd"),
        ("negated operators are complements", r#"{"i": {"$nin": [1, 2]}}"#, "cd"),
        ("negated operators are complements", r#"{"arr": {"$not_contains": "p"}}"#, "bcd"),
        ("negated operators are complements", r##"{"#document": {"$not_regex": "b"}}"##, "bcd"),
        ("negated operators are complements", r##"{"#document": {"$not_contains": "b"}}"##, "bcd"),
        ("a missing key passes $ne", r#"{"nokey": {"$ne": 1}}"#, "abcd"),
        ("a missing key fails the rest", r#"{"nokey": 1}"#, ""),
        ("a missing key fails the rest", r#"{"nokey": {"$in": [1]}}"#, ""),
        ("a missing key fails the rest", r#"{"nokey": {"$lt": 1}}"#, ""),
        ("a missing key fails the rest", r#"{"nokey": {"$contains": 1}}"#, ""),
        ("int and float are interchangeable", r#"{"i": 1.0}"#, "a"),
        ("int and float are interchangeable", r#"{"f": 2}"#, "bc"),
        ("int and float are interchangeable", r#"{"f": {"$in": [2]}}"#, "bc"),
        ("int and float are interchangeable", r#"{"f": {"$ne": 2}}"#, "ad"),
        ("done right: $lt 1.5 sees 1", r#"{"i": {"$lt": 1.5}}"#, "a"),
        ("done right: $gte 1.5 does not see 1", r#"{"i": {"$gte": 1.5}}"#, "bc"),
        ("done right: 1.5 is not 1", r#"{"i": 1.5}"#, ""),
        ("done right: 2^53 + 1 is above 2^53", r#"{"i": {"$gt": 9007199254740992.0}}"#, "c"),
        ("done right: 2^53 + 1 is above 2^53", r#"{"i": 9007199254740992.0}"#, ""),
        ("done right: 2^53 + 1 is above 2^53", r#"{"i": {"$lte": 9007199254740992}}"#, "ab"),
        ("$gt $gte $lt $lte", r#"{"i": {"$gt": 1}}"#, "bc"),
        ("$gt $gte $lt $lte", r#"{"i": {"$gte": 1}}"#, "abc"),
        ("$gt $gte $lt $lte", r#"{"f": {"$lt": 2}}"#, "a"),
        ("$gt $gte $lt $lte", r#"{"f": {"$lte": 2}}"#, "abc"),
        ("done right: $in mixes int and float", r#"{"i": {"$in": [1, 2.0]}}"#, "ab"),
        ("$in of floats and ints", r#"{"f": {"$in": [1.5, 2]}}"#, "abc"),
        ("$in of strings", r#"{"s": {"$in": ["x", "z"]}}"#, "a"),
        ("$in of booleans", r#"{"b": {"$in": [false]}}"#, "b"),
        ("bool is no int", r#"{"b": 1}"#, ""),
        ("bool is no int", r#"{"b": true}"#, "a"),
        ("bool is no int", r#"{"mix": {"$gte": 0}}"#, "a"),
        ("types are strict", r#"{"mix": "5"}"#, "b"),
        ("types are strict", r#"{"mix": 5}"#, "a"),
        ("types are strict", r#"{"mix": {"$ne": 5}}"#, "bcd"),
        ("array elements match in type", r#"{"ia": {"$contains": 1}}"#, "a"),
        ("array elements match in type", r#"{"ia": {"$contains": 1.0}}"#, ""),
        ("array elements match in type", r#"{"fa": {"$contains": 2}}"#, ""),
        ("array elements match in type", r#"{"fa": {"$contains": 2.0}}"#, "a"),
        ("array elements match in type", r#"{"ba": {"$contains": true}}"#, "a"),
        ("array elements match in type", r#"{"ba": {"$contains": 1}}"#, ""),
        ("array elements match in type", r#"{"arr": {"$contains": "q"}}"#, "a"),
        ("scalar operators never see arrays", r#"{"arr": "p"}"#, "b"),
        ("scalar operators never see arrays", r#"{"arr": {"$in": ["p"]}}"#, "b"),
        ("scalar operators never see arrays", r#"{"arr": {"$ne": "p"}}"#, "acd"),
        ("scalar operators never see arrays", r#"{"ia": {"$gte": 0}}"#, ""),
        ("no substrings of metadata", r#"{"s": {"$contains": "x"}}"#, ""),
        ("no substrings of metadata", r#"{"arr": {"$contains": "p"}}"#, "a"),
        ("$and $or", r#"{"$and": [{"i": 1}, {"s": "x"}]}"#, "a"),
        ("$and $or", r#"{"$or": [{"i": 1}, {"s": "y"}]}"#, "ab"),
        ("$and $or with one child or none", r#"{"$and": [{"i": 1}]}"#, "a"),
        ("$and $or with one child or none", r#"{"$and": []}"#, "abcd"),
        ("$and $or with one child or none", r#"{"$or": []}"#, ""),
        ("#id", r##"{"#id": "a"}"##, "a"),
        ("#id", r##"{"#id": {"$ne": "a"}}"##, "bcd"),
        ("#id", r##"{"#id": {"$in": ["d", "b", "x"]}}"##, "bd"),
        ("#id", r##"{"#id": {"$nin": ["d", "b", "x"]}}"##, "ac"),
    ] {
        assert_eq!(world.passing(&Filter::parse(filter).unwrap()), expected, "{line}: {filter}");
    }
}

#[test]
fn section_3_where_document_truth_table() {
    let world = World::new();
    for (line, filter, expected) in [
        ("$contains is a literal substring", r#"{"$contains": "ab"}"#, "a"),
        ("$contains minds the case", r#"{"$contains": "cd"}"#, ""),
        ("$contains takes % as it is", r#"{"$contains": "0%"}"#, "a"),
        ("$contains takes % as it is", r#"{"$contains": "a%b"}"#, ""),
        ("$contains takes _ as it is", r#"{"$contains": "a_b"}"#, "a"),
        ("$contains takes _ as it is", r#"{"$contains": "_n"}"#, ""),
        ("$contains finds one character", r#"{"$contains": "本"}"#, "b"),
        ("$contains \"\" needs a document", r#"{"$contains": ""}"#, "abc"),
        ("$not_contains passes without a document", r#"{"$not_contains": ""}"#, "d"),
        ("$not_contains passes without a document", r#"{"$not_contains": "b"}"#, "bcd"),
        ("$regex is not anchored", r#"{"$regex": "[0-9]{3}"}"#, "a"),
        ("$regex minds the case", r#"{"$regex": "cd"}"#, ""),
        ("$regex: . is not a line break", r#"{"$regex": "b.C"}"#, ""),
        ("$regex: flags", r#"{"$regex": "(?i)CD"}"#, "a"),
        ("$regex: flags", r#"{"$regex": "(?s)b.C"}"#, "a"),
        ("$regex: flags", r#"{"$regex": "(?m)^Cd"}"#, "a"),
        ("$regex \"\" needs a document", r#"{"$regex": ""}"#, "abc"),
        ("$not_regex passes without a document", r#"{"$not_regex": "."}"#, "cd"),
        ("$and $or", r#"{"$and": [{"$contains": "a"}, {"$not_contains": "z"}]}"#, "a"),
        ("$and $or", r#"{"$or": [{"$contains": "本"}, {"$regex": "^$"}]}"#, "bc"),
    ] {
        let filter_of = Filter::parse_document(filter).unwrap();
        assert_eq!(world.passing(&filter_of), expected, "{line}: {filter}");
        if !filter.contains("$and") && !filter.contains("$or") {
            let as_key = format!(r##"{{"#document": {filter}}}"##);
            assert_eq!(Filter::parse(&as_key).unwrap(), filter_of, "{line}: {as_key}");
        }
    }
    assert_eq!(world.passing(&Filter::parse_document("100%").unwrap()), "a", "a bare text is the substring");
}

#[test]
fn section_3_text_after_a_nul_is_found() {
    check(
        "huedb create vec --no-model -q
         printf '{\"id\":\"n\",\"embedding\":[1],\"document\":\"head\\\\u0000tail\"}' | huedb import vec - -q",
        &[
            ("3 ours: text after a NUL is found", "huedb get vec --where-document tail -o ids", "n", "", 0),
            (
                "3 a NUL is stored and returned",
                "huedb get vec --include documents",
                "{\"id\":\"n\",\"document\":\"head\\u0000tail\"}",
                "",
                0,
            ),
        ],
    );
}

#[test]
fn section_3_both_given_are_joined() {
    let world = World::new();
    let filter = Filter::parse(r#"{"i": {"$gte": 1}}"#).unwrap().and(Filter::parse_document("本").unwrap());
    assert_eq!(world.passing(&filter), "b");
}

#[test]
fn section_3_null_passes_every_record() {
    let world = World::new();
    assert_eq!(Filter::from_json(&Json::Null).unwrap(), Filter::ALL);
    assert_eq!(Filter::from_document_json(&Json::Null).unwrap(), Filter::ALL);
    assert_eq!(world.passing(&Filter::from_json(&json!({"i": 1})).unwrap()), "a");
    assert_eq!(world.passing(&Filter::from_document_json(&json!({"$contains": "ab"})).unwrap()), "a");
}

#[test]
fn section_3_refused_as_where() {
    for (line, filter, expected) in [
        ("{} is no filter", "{}", "an empty object"),
        ("two keys", r#"{"i": 1, "s": "x"}"#, "one key to an object"),
        ("two equal keys", r#"{"i": 1, "i": 2}"#, "appears twice"),
        ("two operators", r#"{"i": {"$gt": 1, "$lt": 5}}"#, "one operator to a key"),
        ("$gt of a string", r#"{"s": {"$gt": "a"}}"#, "$gt compares numbers, found a string"),
        ("$gt of a boolean", r#"{"b": {"$gt": true}}"#, "$gt compares numbers, found a boolean"),
        ("null", r#"{"i": null}"#, "found null"),
        ("null", r#"{"i": {"$eq": null}}"#, "found null"),
        ("null", r#"{"i": {"$in": [null]}}"#, "found null"),
        ("a list to $eq", r#"{"i": {"$eq": [1]}}"#, "found a list"),
        ("a list as a literal", r#"{"i": [1]}"#, "found a list"),
        ("an empty operand", r#"{"i": {}}"#, "an empty object"),
        ("an empty $in", r#"{"i": {"$in": []}}"#, "an empty list"),
        ("an empty $in", r##"{"#id": {"$in": []}}"##, "an empty list"),
        ("a mixed $in", r#"{"i": {"$in": [1, "a"]}}"#, "a list mixes numbers and strings"),
        ("a mixed $in", r#"{"i": {"$in": [true, 1]}}"#, "a list mixes booleans and numbers"),
        ("no list to $in", r#"{"i": {"$in": 1}}"#, "$in takes a list, found a number"),
        ("an unknown operator", r#"{"i": {"$between": [1, 2]}}"#, "unknown operator \"$between\"; there are $eq, $ne"),
        ("an unknown operator", r#"{"i": {"gte": 1}}"#, "did you mean $gte?"),
        (
            "an unknown operator",
            r#"{"$an": []}"#,
            "unknown operator \"$an\"; there are $and and $or; did you mean $and?",
        ),
        ("$not", r#"{"$not": {"i": 1}}"#, "unknown operator \"$not\"; there are $and and $or"),
        ("an operator without a key", r#"{"$eq": 1}"#, "$eq belongs inside a key"),
        ("no list to $and", r#"{"$and": {"i": 1}}"#, "expected a list of filters, found an object"),
        ("no filter in $and", r#"{"$and": [1]}"#, "expected an object, found a number"),
        ("#document equals nothing", r##"{"#document": "ab"}"##, "#document takes an operator"),
        ("#document equals nothing", r##"{"#document": {"$eq": "ab"}}"##, "#document takes $contains"),
        ("#document holds text", r##"{"#document": {"$contains": 1}}"##, "$contains takes a string, found a number"),
        ("#id is a string", r##"{"#id": 1}"##, "#id compares with strings, not with numbers"),
        ("#id is a string", r##"{"#id": {"$in": ["a", true]}}"##, "#id compares with strings, not with booleans"),
        ("#id has four operators", r##"{"#id": {"$gt": 1}}"##, "#id takes $eq, $ne, $in, $nin, $contains"),
        ("no other # key", r##"{"#documents": {"$contains": "x"}}"##, "did you mean #document?"),
        ("chroma:document leaks no more", r#"{"chroma:document": "ab"}"#, "write #document"),
        ("no chroma: key", r#"{"chroma:uri": "ab"}"#, "starts with 'chroma:'"),
        (
            "no # key but these",
            r##"{"#embedding": 1}"##,
            "unknown key \"#embedding\"; there are #id, #uri and #document",
        ),
        ("no # key but these", r##"{"#foo": 1}"##, "unknown key \"#foo\"; there are #id, #uri and #document"),
        ("#document has no numbers", r##"{"#document": {"$gt": 1}}"##, "#document takes $contains"),
        ("an operator twice", r#"{"i": {"$gt": 1, "$gt": 2}}"#, "appears twice"),
        ("ours: null where a filter is given by itself", " null\n", "null is not a filter; omit the filter"),
        ("no empty key", r#"{"": 1}"#, "at least one character"),
        ("no look-around", r##"{"#document": {"$regex": "a(?=b)"}}"##, "look-around"),
    ] {
        let why = why(Filter::parse(filter));
        assert!(why.contains(expected), "{line}: {filter}: {why}");
    }
}

#[test]
fn section_3_refused_as_where_document() {
    for (line, filter, expected) in [
        ("{} is no filter", "{}", "an empty object"),
        ("two operators", r#"{"$contains": "a", "$regex": "b"}"#, "one operator to an object"),
        ("a key", r#"{"year": 2020}"#, "a document filter has no keys"),
        ("an unknown operator", r#"{"$contain": "a"}"#, "did you mean $contains?"),
        ("$eq", r#"{"$eq": "a"}"#, "unknown operator \"$eq\"; there are $contains, $not_contains"),
        ("no string", r#"{"$contains": ["a"]}"#, "$contains takes a string, found a list"),
        ("a bad pattern", r#"{"$regex": "("}"#, "in the pattern: unclosed group"),
        ("an empty text", "", "an empty text"),
    ] {
        let why = why(Filter::parse_document(filter));
        assert!(why.contains(expected), "{line}: {filter}: {why}");
    }
}

#[test]
fn section_3_the_short_form_is_the_same_tree() {
    for (short, json) in [
        ("i = 1", r#"{"i": {"$eq": 1}}"#),
        ("i != 1", r#"{"i": {"$ne": 1}}"#),
        ("i > 1", r#"{"i": {"$gt": 1}}"#),
        ("i >= 1", r#"{"i": {"$gte": 1}}"#),
        ("i < 1.5", r#"{"i": {"$lt": 1.5}}"#),
        ("i <= 1", r#"{"i": {"$lte": 1}}"#),
        ("i in (1, 2)", r#"{"i": {"$in": [1, 2]}}"#),
        ("s not in ('x', 'y')", r#"{"s": {"$nin": ["x", "y"]}}"#),
        ("arr has 'p'", r#"{"arr": {"$contains": "p"}}"#),
        ("arr not has 'p'", r#"{"arr": {"$not_contains": "p"}}"#),
        ("ia contains 1", r#"{"ia": {"$contains": 1}}"#),
        ("b = true", r#"{"b": true}"#),
        ("i = 1 and s = 'x'", r#"{"$and": [{"i": 1}, {"s": "x"}]}"#),
        ("i = 1 or s = 'x'", r#"{"$or": [{"i": 1}, {"s": "x"}]}"#),
        ("#id = 'a'", r##"{"#id": "a"}"##),
        ("#id in ('a', 'b')", r##"{"#id": {"$in": ["a", "b"]}}"##),
        ("#document contains 'ab'", r##"{"#document": {"$contains": "ab"}}"##),
        ("#document not contains 'ab'", r##"{"#document": {"$not_contains": "ab"}}"##),
        ("#document ~ '^a'", r##"{"#document": {"$regex": "^a"}}"##),
        ("#document !~ '^a'", r##"{"#document": {"$not_regex": "^a"}}"##),
    ] {
        assert_eq!(Filter::parse(short).unwrap(), Filter::parse(json).unwrap(), "{short}");
    }
}

/// What the short form adds has operators that Chroma refuses, so that nothing Chroma understands changes its meaning.
#[test]
fn what_chroma_cannot_say_is_known_as_such() {
    for (short, json) in [
        ("s > 'a'", r#"{"s": {"$gt_text": "a"}}"#),
        ("s >= 'a'", r#"{"s": {"$gte_text": "a"}}"#),
        ("s < 'a'", r#"{"s": {"$lt_text": "a"}}"#),
        ("s <= 'a'", r#"{"s": {"$lte_text": "a"}}"#),
        ("s contains 'a'", r#"{"s": {"$contains_text": "a"}}"#),
        ("s not contains 'a'", r#"{"s": {"$not_contains_text": "a"}}"#),
        ("s starts with 'a'", r#"{"s": {"$starts_with": "a"}}"#),
        ("s not starts with 'a'", r#"{"s": {"$not_starts_with": "a"}}"#),
        ("s ~ 'a'", r#"{"s": {"$regex": "a"}}"#),
        ("s !~ 'a'", r#"{"s": {"$not_regex": "a"}}"#),
        ("s exists", r#"{"s": {"$exists": true}}"#),
        ("s not exists", r#"{"s": {"$exists": false}}"#),
        ("s is null", r#"{"s": {"$exists": false}}"#),
        ("s is not null", r#"{"s": {"$exists": true}}"#),
        ("#id starts with 'a'", r##"{"#id": {"$starts_with": "a"}}"##),
        ("#id contains 'a'", r##"{"#id": {"$contains": "a"}}"##),
        ("#id !~ 'a'", r##"{"#id": {"$not_regex": "a"}}"##),
        ("#uri = 'a'", r##"{"#uri": "a"}"##),
        ("#uri not in ('a', 'b')", r##"{"#uri": {"$nin": ["a", "b"]}}"##),
        ("#uri not starts with 'a'", r##"{"#uri": {"$not_starts_with": "a"}}"##),
        ("#uri exists", r##"{"#uri": {"$contains": ""}}"##),
        ("#document starts with 'a'", r##"{"#document": {"$starts_with": "a"}}"##),
    ] {
        let filter = Filter::parse(short).unwrap();
        assert_eq!(filter, Filter::parse(json).unwrap(), "{short}");
        let inside = Filter::parse(&format!("i = 1 or ({short} and #id = 'a')")).unwrap();
        assert!(filter.beyond_chroma().is_some() && inside.beyond_chroma().is_some(), "{short}");
    }
    for short in ["i >= 1", "arr has 'p'", "ia contains 1", "#id in ('a')", "#document ~ 'a'", "#document exists"] {
        assert!(Filter::parse(short).unwrap().beyond_chroma().is_none(), "{short}");
    }
}

#[test]
fn section_3_errors_point_at_the_place() {
    let long = format!(r#"{{"$and": [{}{{"year": {{"$gte": "x"}}}}]}}"#, r#"{"a": 1}, "#.repeat(500));
    let told = Filter::parse(&long).unwrap_err().to_string();
    let place = long.find(r#""x""#).unwrap() + 1;
    assert!(told.contains(&format!("at character {place}: $gte compares numbers, found a string")), "{told}");
    assert!(told.contains("...") && told.len() < 250, "an excerpt, not the whole filter: {told}");
}
