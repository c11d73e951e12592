//! Section 2.3: the Search API in Chroma's wire format, which Chroma's own local server answers with 501; and BM25 (5).

use huedb::bm25::bm25;
use huedb::error::Result;
use huedb::query::{ChromaRequest, RecordQuery};
use huedb::record::{CollectionName, MetadataPatch, RecordId, Space};
use huedb::store::{Access, Change, Include, Mode, NewCollection, Store};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::open::open;

/// Four records at 1, 2, 4 and 8 on a line, with words, sparse vectors and metadata that some lack.
struct World {
    _folder: TempDir,
    store: Store,
}

impl World {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let store = open(folder.path().join("s.redb"), Access::Create).unwrap();
        let new = NewCollection { space: Space::L2, bm25: true, ..NewCollection::default() };
        store.create_collection(CollectionName::parse("records").unwrap(), new).unwrap();
        let world = Self { _folder: folder, store };
        let sparse =
            |indices: Json, values: Json| json!({"#type": "sparse_vector", "indices": indices, "values": values});
        for (id, x, document, metadata) in [
            (
                "a",
                1.0,
                Some("red fox"),
                json!({"lang": "en", "year": 2020, "terms": sparse(json!([1]), json!([1.0])), "more": sparse(json!([1]), json!([0.185]))}),
            ),
            (
                "b",
                2.0,
                Some("blue whale"),
                json!({"lang": "en", "year": 2021, "terms": sparse(json!([1, 2]), json!([3.0, 1.0]))}),
            ),
            ("c", 4.0, Some("red red tower"), json!({"lang": "de", "year": 2019})),
            ("d", 8.0, None, Json::Null),
        ] {
            world.put(id, x, document, metadata);
        }
        world
    }

    fn put(&self, id: &str, x: f32, document: Option<&str>, metadata: Json) {
        let change = Change {
            id: RecordId::parse(id).unwrap(),
            embedding: Some(vec![x]),
            embedded_here: false,
            document: document.map(str::to_owned),
            uri: None,
            metadata: MetadataPatch::from_json(metadata).unwrap(),
        };
        self.store.collection("records").unwrap().apply([change], Mode::Upsert).unwrap();
    }

    fn respond(&self, request: &Json) -> Result<Json> {
        let request = ChromaRequest::parse(&request.to_string())?;
        self.store.view("records")?.respond(&request).map(|(response, _)| response)
    }

    /// The ids one search finds, and the scores.
    fn find(&self, search: &Json) -> (String, Vec<f64>) {
        let mut search = search.clone();
        search["select"] = json!({"keys": ["#score"]});
        let response = self.respond(&json!({"searches": [search]})).unwrap();
        let ids = response["ids"][0].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
        let scores = response["scores"][0].as_array().unwrap().iter().filter_map(Json::as_f64).collect();
        (ids, scores)
    }
}

/// A search by embedding that finds `limit` records; from 0 the scores of a, b, c, d are 1, 4, 16, 64.
fn near(limit: usize, default: Option<f64>) -> Json {
    json!({"$knn": {"query": [0.0], "limit": limit, "default": default}})
}

/// From 9 the scores are the other way round: d 1, c 25, b 49, a 64.
fn far(limit: usize, default: Option<f64>) -> Json {
    json!({"$knn": {"query": [9.0], "limit": limit, "default": default}})
}

fn places(rank: &Json) -> Json {
    let mut rank = rank.clone();
    rank["$knn"]["return_rank"] = json!(true);
    rank
}

#[test]
fn section_2_3_rank_expressions() {
    let world = World::new();
    let all = near(16, None);
    let e = std::f64::consts::E;
    let rows: Vec<(&str, Json, &str, Vec<f64>)> = vec![
        ("$knn finds 16 of #embedding by default", json!({"$knn": {"query": [0.0]}}), "abcd", vec![1., 4., 16., 64.]),
        ("$knn: limit", near(2, None), "ab", vec![1., 4.]),
        (
            "$knn: a key names a sparse vector",
            json!({"$knn": {"query": {"indices": [1, 9], "values": [2, 1]}, "key": "terms"}}),
            "ba",
            vec![-5., -1.],
        ),
        (
            "$knn: #type is allowed",
            json!({"$knn": {"query": {"#type": "sparse_vector", "indices": [2], "values": [1]}, "key": "terms"}}),
            "b",
            vec![0.],
        ),
        (
            "$knn: a key nobody has",
            json!({"$knn": {"query": {"indices": [1], "values": [1]}, "key": "nokey"}}),
            "",
            vec![],
        ),
        ("$knn: return_rank is the place from 0", places(&all), "abcd", vec![0., 1., 2., 3.]),
        ("$knn: a default alone finds nothing more", near(1, Some(5.0)), "a", vec![1.]),
        ("$val supports no record", json!({"$val": 1}), "", vec![]),
        ("$sum", json!({"$sum": [all, {"$val": 1}, {"$val": 2}]}), "abcd", vec![4., 7., 19., 67.]),
        ("$sub", json!({"$sub": {"left": {"$val": 0}, "right": all}}), "dcba", vec![-64., -16., -4., -1.]),
        ("$mul", json!({"$mul": [all, {"$val": -1}]}), "dcba", vec![-64., -16., -4., -1.]),
        ("$div", json!({"$div": {"left": {"$val": 16}, "right": all}}), "dcba", vec![0.25, 1., 4., 16.]),
        ("$abs", json!({"$abs": {"$sub": {"left": all, "right": {"$val": 16}}}}), "cbad", vec![0., 12., 15., 48.]),
        ("$exp", json!({"$exp": {"$div": {"left": near(1, None), "right": {"$val": 1}}}}), "a", vec![e]),
        ("$log", json!({"$log": near(2, None)}), "ab", vec![0., 4_f64.ln()]),
        ("$max", json!({"$max": [all, {"$val": 10}]}), "abcd", vec![10., 10., 16., 64.]),
        ("$min", json!({"$min": [all, {"$val": 10}]}), "abcd", vec![1., 4., 10., 10.]),
        ("no default: the intersection", json!({"$sum": [near(3, None), far(3, None)]}), "cb", vec![41., 53.]),
        (
            "left has a default: the right's support",
            json!({"$sum": [near(1, Some(100.0)), far(2, None)]}),
            "dc",
            vec![101., 125.],
        ),
        (
            "right has a default: the left's support",
            json!({"$sum": [near(2, None), far(1, Some(100.0))]}),
            "ab",
            vec![101., 104.],
        ),
        (
            "both have defaults: the union",
            json!({"$sum": [near(1, Some(100.0)), far(1, Some(50.0))]}),
            "ad",
            vec![51., 101.],
        ),
        (
            "the default of a sum is the sum of defaults",
            json!({"$sum": [{"$sum": [near(1, Some(100.0)), far(1, Some(50.0))]}, near(3, None)]}),
            "abc",
            vec![52., 154., 166.],
        ),
        ("ascending scores, ties by insertion", json!({"$mul": [all, {"$val": 0}]}), "abcd", vec![0.; 4]),
    ];
    for (line, rank, ids, scores) in rows {
        let (found, found_scores) = world.find(&json!({"rank": rank}));
        assert_eq!(found, ids, "2.3 {line}: {rank}");
        let off = found_scores.iter().zip(&scores).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(found_scores.len() == scores.len() && off < 1e-5, "2.3 {line}: {found_scores:?}, not {scores:?}");
    }
}

#[test]
fn section_2_3_reciprocal_rank_fusion() {
    let world = World::new();
    let both = |depth: usize| [places(&near(depth, Some(1000.0))), places(&far(depth, Some(1000.0)))];
    let written_out = |weights: [f64; 2], k: f64| {
        let [near, far] = both(2);
        let share = |weight: f64, rank: Json| json!({"$div": {"left": {"$val": weight}, "right": {"$sum": [{"$val": k}, rank]}}});
        json!({"$mul": [{"$val": -1}, {"$sum": [share(weights[0], near), share(weights[1], far)]}]})
    };
    for (line, rrf, same) in [
        ("k is 60 and weights are 1", json!({"ranks": both(2)}), written_out([1.0, 1.0], 60.0)),
        ("k", json!({"ranks": both(2), "k": 1}), written_out([1.0, 1.0], 1.0)),
        ("weights", json!({"ranks": both(2), "weights": [3.0, 1.0]}), written_out([3.0, 1.0], 60.0)),
        (
            "weights are made to add up to 1",
            json!({"ranks": both(2), "weights": [3.0, 1.0], "normalize": true}),
            written_out([0.75, 0.25], 60.0),
        ),
    ] {
        let (ids, scores) = world.find(&json!({"rank": {"$rrf": rrf}}));
        let (as_chroma, as_chromas_scores) = world.find(&json!({"rank": same}));
        assert_eq!(ids, as_chroma, "2.3 RRF, {line}");
        assert!(scores.iter().zip(as_chromas_scores).all(|(a, b)| (a - b).abs() < 1e-6), "2.3 RRF, {line}");
        assert_eq!(scores.len(), 4, "2.3 RRF, {line}: the union");
    }
    let (_, scores) = world.find(&json!({"rank": {"$rrf": {"ranks": both(4)}}}));
    assert!((scores[0] - (-1.0 / 60.0 - 1.0 / 63.0)).abs() < 1e-6, "2.3 RRF, places are counted from 0");
}

#[test]
fn section_2_3_filters_pages_and_groups() {
    let world = World::new();
    let all = near(16, None);
    let min = |keys: Json, k: u64| json!({"$min_k": {"keys": keys, "k": k}});
    let max = |keys: Json, k: u64| json!({"$max_k": {"keys": keys, "k": k}});
    let groups = |keys: Json, aggregate: Json| json!({"rank": all, "group_by": {"keys": keys, "aggregate": aggregate}});
    for (line, search, ids) in [
        ("no rank: the order of insertion", json!({}), "abcd"),
        ("rank null", json!({"rank": null, "filter": null, "group_by": null, "limit": null}), "abcd"),
        ("rank {}", json!({"rank": {}, "filter": {}, "group_by": {}, "limit": {}}), "abcd"),
        ("filter", json!({"filter": {"year": {"$gte": 2020}}}), "ab"),
        ("filter: #id", json!({"filter": {"#id": {"$in": ["d", "b"]}}}), "bd"),
        ("filter: #document $contains", json!({"filter": {"#document": {"$contains": "red"}}}), "ac"),
        ("filter: #document $not_contains", json!({"filter": {"#document": {"$not_contains": "red"}}}), "bd"),
        ("filter: #document $regex", json!({"filter": {"#document": {"$regex": "^b"}}}), "b"),
        ("filter: #document $not_regex", json!({"filter": {"#document": {"$not_regex": "^b"}}}), "acd"),
        ("a filter comes before the search", json!({"rank": far(1, None), "filter": {"lang": "en"}}), "b"),
        ("limit", json!({"rank": all, "limit": {"limit": 2}}), "ab"),
        ("offset", json!({"rank": all, "limit": {"offset": 1}}), "bcd"),
        ("limit and offset", json!({"rank": all, "limit": {"offset": 1, "limit": 1}}), "b"),
        ("limit without a rank", json!({"limit": {"offset": 1, "limit": 2}}), "bc"),
        ("limit 0", json!({"rank": all, "limit": {"limit": 0}}), ""),
        (
            "$min_k of #score; those without the key are a group",
            groups(json!(["lang"]), min(json!(["#score"]), 1)),
            "acd",
        ),
        ("$max_k of #score", groups(json!(["lang"]), max(json!(["#score"]), 1)), "bcd"),
        ("$min_k of a key", groups(json!(["lang"]), min(json!(["year"]), 1)), "acd"),
        ("$max_k of a key", groups(json!(["lang"]), max(json!(["year"]), 1)), "bcd"),
        ("k records of each group", groups(json!(["lang"]), max(json!(["year"]), 2)), "abcd"),
        ("several keys make a group", groups(json!(["lang", "year"]), min(json!(["#score"]), 1)), "abcd"),
        ("a key that nobody has makes one group", groups(json!(["nokey"]), min(json!(["#score"]), 2)), "ab"),
    ] {
        assert_eq!(world.find(&search).0, ids, "2.3 {line}: {search}");
    }
    for none in [json!({"keys": [], "aggregate": null}), json!({"keys": []}), json!({"aggregate": null})] {
        let search = json!({"rank": near(16, None), "group_by": none});
        assert_eq!(world.find(&search).0, "abcd", "2.3 no grouping, as Chroma's Rust types write it: {search}");
    }
    let mut paged = groups(json!(["lang"]), max(json!(["#score"]), 1));
    paged["limit"] = json!({"offset": 1, "limit": 1});
    assert_eq!(world.find(&paged).0, "c", "2.3 limit and offset come after the groups");
}

#[test]
fn section_2_3_select_and_response() {
    let world = World::new();
    let first = |keys: Json| {
        let search = json!({"rank": near(1, None), "select": {"keys": keys}});
        let mut response = world.respond(&json!({"searches": [search], "read_level": "index_and_wal"})).unwrap();
        response.as_object_mut().unwrap().remove("select");
        response
    };
    let expected = |documents: Json, embeddings: Json, metadatas: Json, scores: Json| {
        json!({"ids": [["a"]], "documents": [documents], "embeddings": [embeddings], "metadatas": [metadatas],
            "scores": [scores]})
    };
    let null = || Json::Null;
    let whole = json!([{"lang": "en", "year": 2020, "terms": {"#type": "sparse_vector", "indices": [1], "values": [1.0]},
            "more": {"#type": "sparse_vector", "indices": [1], "values": [0.185]}}]);
    for (line, keys, response) in [
        ("ids always", json!([]), expected(null(), null(), null(), null())),
        ("#document", json!(["#document"]), expected(json!(["red fox"]), null(), null(), null())),
        ("#embedding", json!(["#embedding"]), expected(null(), json!([[1.0]]), null(), null())),
        ("#metadata", json!(["#metadata"]), expected(null(), null(), whole, null())),
        ("#score", json!(["#score"]), expected(null(), null(), null(), json!([1.0]))),
        ("names of metadata", json!(["year", "nokey"]), expected(null(), null(), json!([{"year": 2020}]), null())),
        ("a name that the record lacks", json!(["nokey"]), expected(null(), null(), json!([null]), null())),
    ] {
        assert_eq!(first(keys), response, "2.3 select: {line}");
    }
    let searches = json!([{"limit": {"limit": 1}}, {"filter": {"year": 1}}, {"select": {"keys": ["#document"]}}]);
    let response = world.respond(&json!({"searches": searches})).unwrap();
    assert_eq!(response["ids"], json!([["a"], [], ["a", "b", "c", "d"]]), "2.3 a list for each search");
    assert_eq!(response["documents"][2][3], Json::Null, "2.3 a record without a document");
    assert_eq!(response["select"], json!([[], [], ["#document"]]));
    assert_eq!(world.respond(&json!({"searches": []})).unwrap()["ids"], json!([]), "2.3 no searches, no lists");
}

#[test]
fn section_2_3_refused() {
    let world = World::new();
    let all = near(16, None);
    for (line, search, says) in [
        ("an unknown operator", json!({"rank": {"$pow": 1}}), "searches[0].rank.$pow"),
        ("two operators", json!({"rank": {"$val": 1, "$abs": {"$val": 1}}}), "one operator"),
        ("no operands", json!({"rank": {"$max": []}}), "searches[0].rank.$max"),
        ("a question of another length", json!({"rank": {"$knn": {"query": [1.0, 2.0]}}}), "dimension 1, got 2"),
        (
            "a sparse question to #embedding",
            json!({"rank": {"$knn": {"query": {"indices": [1], "values": [1]}}}}),
            "#embedding",
        ),
        ("an embedding to a sparse key", json!({"rank": {"$knn": {"query": [1.0], "key": "terms"}}}), "sparse vector"),
        (
            "indices that do not ascend",
            json!({"rank": {"$knn": {"query": {"indices": [2, 1], "values": [1, 1]}, "key": "terms"}}}),
            "ascend",
        ),
        (
            "groups need a rank",
            json!({"group_by": {"keys": ["lang"], "aggregate": {"$min_k": {"keys": ["#score"], "k": 1}}}}),
            "groups need a rank",
        ),
        (
            "groups by metadata keys only",
            json!({"rank": all, "group_by": {"keys": ["#id"], "aggregate": {"$min_k": {"keys": ["#score"], "k": 1}}}}),
            "not a metadata key",
        ),
        (
            "k is above 0",
            json!({"rank": all, "group_by": {"keys": ["lang"], "aggregate": {"$min_k": {"keys": ["#score"], "k": 0}}}}),
            "1 or more",
        ),
        ("an unknown part", json!({"select": {"keys": ["#uri"]}}), "cannot be selected"),
        ("a filter", json!({"filter": {"year": {"$gt": "x"}}}), "$gt compares numbers"),
        ("a negative limit", json!({"limit": {"limit": -1}}), "searches[0].limit.limit"),
    ] {
        let error = world.respond(&json!({"searches": [search]})).unwrap_err().to_string();
        assert!(error.contains(says), "2.3 {line}: {error}");
    }
}

#[test]
fn section_5_bm25() {
    let weight = |tf: f64, length: f64| tf * 2.2 / (tf + 1.2 * (1.0 - 0.75 + 0.75 * length / 256.0));
    for (line, text, weights) in [
        ("k 1.2, b 0.75, average 256", "fox", vec![weight(1.0, 1.0)]),
        ("a term twice", "fox fox", vec![weight(2.0, 2.0)]),
        ("lower case", "Fox FOX", vec![weight(2.0, 2.0)]),
        ("stems", "jumping jumped jumps", vec![weight(3.0, 3.0)]),
        ("stop words are left out and not counted", "the fox is a fox", vec![weight(2.0, 2.0)]),
        ("punctuation parts words", "fox,fox.fox!", vec![weight(3.0, 3.0)]),
        ("a token of 40 characters", &"x".repeat(40), vec![weight(1.0, 1.0)]),
        ("one of 41 is left out", &"x".repeat(41), vec![]),
        ("no words", "", vec![]),
    ] {
        let found: Vec<f64> = bm25(text).values().iter().map(|x| f64::from(*x)).collect();
        let near = found.len() == weights.len() && found.iter().zip(&weights).all(|(a, b)| (a - b).abs() < 1e-6);
        assert!(near, "5 BM25: {line}: {found:?}, not {weights:?}");
    }
    // The 32-bit murmur3 hash of "fox", as a positive number.
    assert_eq!(bm25("foxes").indices(), bm25("fox").indices(), "5 BM25: one index a stem");
}

#[test]
fn issue_part_5_the_inverted_index_follows_every_change() {
    let world = World::new();
    let words = |text: &str| world.find(&json!({"rank": {"$knn": {"query": text, "key": "#document"}}})).0;
    let terms = || world.find(&json!({"rank": {"$knn": {"query": {"indices": [1], "values": [1]}, "key": "terms"}}})).0;
    assert_eq!((words("red"), words("whales"), terms()), ("ca".into(), "b".into(), "ba".into()));
    world.put("a", 1.0, Some("a whale"), json!({"terms": null}));
    assert_eq!((words("red"), terms()), ("c".into(), "b".into()), "an update");
    world.put("e", 1.0, Some("red"), Json::Null);
    assert_eq!(words("red"), "ce", "an addition");
    world.store.collection("records").unwrap().delete(&[RecordId::parse("b").unwrap()]).unwrap();
    assert_eq!((words("whale"), terms()), ("a".into(), String::new()), "a deletion");
    assert_eq!(
        world.store.collection("records").unwrap().find(&RecordQuery::default(), Include::NONE).unwrap().len(),
        4
    );
}
