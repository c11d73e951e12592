//! The tools over a file, without a protocol around them.

use serde_json::{Value as Json, json};
use tempfile::TempDir;

use super::*;
use crate::embed::{Embedder, HashEmbedder, LoadOptions};
use crate::error::Error;
use crate::record::CollectionName;
use crate::store::{Access, NewCollection, Store};

struct World {
    _folder: TempDir,
    catalogue: PlaceCatalogue,
}

impl World {
    /// A file with the collections `notes` and `other`, three records in `notes`.
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let store = Store::open_in_test(folder.path().join("t.redb"), Access::Create).unwrap();
        let embedder = Some(HashEmbedder::new(64).fingerprint().clone());
        for name in ["notes", "other"] {
            let new = NewCollection { embedder: embedder.clone(), ..NewCollection::default() };
            store.create_collection(CollectionName::parse(name).unwrap(), new).unwrap();
        }
        let catalogue = PlaceCatalogue {
            backend: store.into(),
            only: ["notes".to_owned()].into(),
            writes: true,
            models: LoadOptions::default(),
            limits: AnswerLimits::default(),
            wording: Error::with_hint,
            sync: None,
        };
        let world = Self { _folder: folder, catalogue };
        let records = json!([
            {"id": "fox", "document": "a red fox jumps", "metadata": {"year": 2021}},
            {"id": "dog", "document": "a lazy dog sleeps", "metadata": {"year": 2022}, "uri": "dog.txt"},
            {"id": "a b/c", "document": "a cat – über", "metadata": {"tags": ["x", "y"]}},
        ]);
        let added = world.does("add", json!({"collection": "notes", "records": records}));
        assert_eq!(added, json!({"added": 3}));
        world
    }

    fn call(&self, tool: &str, arguments: Json) -> Response {
        let Json::Object(arguments) = arguments else { panic!("{arguments} is no object") };
        answer(&self.catalogue, Request::Call { tool: tool.to_owned(), arguments })
    }

    fn does(&self, tool: &str, arguments: Json) -> Json {
        match self.call(tool, arguments) {
            Response::Done(answer) => answer,
            other => panic!("{tool}: {other:?}"),
        }
    }

    fn fails(&self, tool: &str, arguments: Json) -> String {
        match self.call(tool, arguments) {
            Response::Failed(why) => why,
            other => panic!("{tool}: {other:?}"),
        }
    }

    fn read(&self, uri: &str) -> Response {
        answer(&self.catalogue, Request::Read { uri: uri.to_owned() })
    }
}

fn ids(answer: &Json) -> Vec<&str> {
    let records = answer.get("hits").or_else(|| answer.get("records")).unwrap();
    records.as_array().unwrap().iter().map(|record| record["id"].as_str().unwrap()).collect()
}

#[test]
fn collections_are_listed_and_described() {
    let world = World::new();
    let listed = world.does("list_collections", json!({}));
    let line = json!({"name": "notes", "records": 3, "dimension": 64, "space": "cosine", "model": "hash-64", "metadata": null});
    assert_eq!(listed, json!({"collections": [line]}));
    let described = world.does("describe_collection", json!({"collection": "notes"}));
    assert_eq!((&described["records"], &described["words_indexed"]), (&json!(3), &json!(false)));
    let year = json!({"key": "year", "type": "int", "records": 2, "distinct": 2, "min": 2021, "max": 2022});
    let keys = described["keys"].as_array().unwrap();
    assert_eq!(keys.iter().map(|key| key["key"].as_str().unwrap()).collect::<Vec<_>>(), ["tags", "year"]);
    assert_eq!(keys[1]["max"], year["max"]);
}

#[test]
fn a_search_finds_the_nearest_and_says_what_is_odd() {
    let world = World::new();
    let found = world.does("search", json!({"collection": "notes", "query": "a lazy dog sleeps", "limit": 2}));
    assert_eq!(ids(&found).len(), 2);
    let hit = &found["hits"][0];
    assert_eq!((&hit["id"], &hit["uri"], &hit["metadata"]), (&json!("dog"), &json!("dog.txt"), &json!({"year": 2022})));
    assert!(hit["distance"].as_f64().unwrap() < 1e-3 && found.get("notes").is_none(), "{found}");
    let filtered = world.does("search", json!({"collection": "notes", "query": "dog", "filter": "year < 2022"}));
    assert_eq!(ids(&filtered), ["fox"]);
    let slip = world.does("search", json!({"collection": "notes", "query": "dog", "filter": "yaer = 2022"}));
    assert_eq!(slip, json!({"hits": [], "notes": ["no record has the metadata key \"yaer\"; did you mean year?"]}));
    for (arguments, why) in [
        (json!({"collection": "notes", "query": " "}), "the query is empty"),
        (json!({"collection": "notes"}), "missing field `query`"),
        (json!({"collection": "notes", "query": "a", "limit": "many"}), "limit: invalid type"),
        (json!({"collection": "notes", "query": "a", "limit": -1}), "limit: invalid value"),
        (json!({"collection": "notes", "query": "a", "top": 3}), "unknown field `top`"),
        (json!({"collection": "notes", "query": "a", "filter": "year >="}), "filter"),
        (json!({"collection": "notes", "query": "a", "hybrid": true}), "index"),
        (json!({"collection": "nodes", "query": "a"}), "no collection named \"nodes\" (available: notes)"),
        // It is there, and not offered.
        (json!({"collection": "other", "query": "a"}), "no collection named \"other\" (available: notes)"),
    ] {
        let said = world.fails("search", arguments.clone());
        assert!(said.contains(why), "{arguments}: {said}");
    }
}

#[test]
fn records_are_read_in_pages() {
    let mut world = World::new();
    let page = |world: &World, arguments: Json| world.does("get", arguments);
    let first = page(&world, json!({"collection": "notes", "limit": 2}));
    assert_eq!((ids(&first), &first["total"]), (vec!["fox", "dog"], &json!(3)));
    assert_eq!(ids(&page(&world, json!({"collection": "notes", "limit": 2, "offset": 2}))), ["a b/c"]);
    assert_eq!(ids(&page(&world, json!({"collection": "notes", "offset": 9}))), Vec::<&str>::new());
    let sorted = page(&world, json!({"collection": "notes", "sort": "year", "descending": true}));
    assert_eq!(ids(&sorted), ["dog", "fox", "a b/c"]);
    let some = page(&world, json!({"collection": "notes", "ids": ["dog", "none"]}));
    assert_eq!((ids(&some), &some["notes"]), (vec!["dog"], &json!(["1 of 2 ids do not exist"])));
    let all = page(&world, json!({"collection": "notes", "limit": 5_000_000}));
    assert!(ids(&all).len() == 3 && all.get("notes").is_none(), "{all}");
    world.catalogue.limits.records = 2;
    let few = json!(["an answer has at most 2 records; ask for the others with offset"]);
    for (tool, arguments) in [
        ("get", json!({"collection": "notes", "limit": 5_000_000})),
        ("search", json!({"collection": "notes", "query": "dog", "limit": 3})),
    ] {
        let answer = world.does(tool, arguments);
        assert_eq!((ids(&answer).len(), &answer["notes"]), (2, &few), "{tool}");
    }
}

#[test]
fn what_is_too_much_is_cut_and_can_be_read_on() {
    let mut world = World::new();
    world.catalogue.limits = AnswerLimits { records: 100, bytes: 4096 };
    let text = "äö".repeat(20_000);
    let records: Vec<Json> = (0..4).map(|i| json!({"id": format!("long-{i}"), "document": text})).collect();
    world.does("add", json!({"collection": "notes", "records": records}));
    let long =
        |from: usize| world.does("get", json!({"collection": "notes", "ids": ["long-0"], "document_offset": from}));
    let (mut read, mut at) = (String::new(), 0);
    for _ in 0..100 {
        let part = long(at);
        assert!(part.to_string().len() < 5000, "{}", part.to_string().len());
        read.push_str(part["records"][0]["document"].as_str().unwrap());
        let said = part["notes"][0].as_str().unwrap().to_owned();
        let Some((_, next)) = said.split_once("document_offset ") else { break };
        at = next.split(' ').next().unwrap().parse().unwrap();
    }
    assert!(read == text, "{} of {} bytes", read.len(), text.len());
    let many = world.does("get", json!({"collection": "notes", "filter": "#document contains \"äö\""}));
    assert!(many.to_string().len() < 5000 && !ids(&many).is_empty());
    let said = many["notes"].to_string();
    assert!(said.contains("of 4 records are left out"), "{said}");
    // Metadata is not cut in pieces.
    let big = json!({"id": "big", "document": "x", "metadata": {"all": "y".repeat(9000)}});
    world.does("add", json!({"collection": "notes", "records": [big]}));
    let big = world.does("get", json!({"collection": "notes", "ids": ["big"]}));
    assert_eq!(big["records"], json!([{"id": "big"}]));
    assert!(big["notes"][0].as_str().unwrap().contains("too large"), "{big}");
}

#[test]
fn records_are_added_changed_and_deleted() {
    let world = World::new();
    let again = json!([{"id": "fox", "document": "another"}, {"id": "new", "document": "a new one"}]);
    let added = world.does("add", json!({"collection": "notes", "records": again}));
    assert_eq!(added, json!({"added": 1, "notes": ["left as they are, for these ids exist: \"fox\""]}));
    let records = json!([{"id": "fox", "metadata": {"year": null, "seen": true}}, {"id": "none", "document": "x"}]);
    let changed = world.does("update", json!({"collection": "notes", "records": records}));
    let notes = json!(["left out, for these ids do not exist: \"none\""]);
    assert_eq!(changed, json!({"updated": 1, "unchanged": 0, "notes": notes}));
    let fox = world.does("get", json!({"collection": "notes", "ids": ["fox"]}));
    assert_eq!(fox["records"], json!([{"id": "fox", "document": "a red fox jumps", "metadata": {"seen": true}}]));
    for (tool, arguments, why) in [
        ("add", json!({"collection": "notes", "records": [{"id": ""}]}), "id"),
        ("add", json!({"collection": "notes", "records": [{"id": "x", "metadata": {"a": {"b": 1}}}]}), "\"a\""),
        ("add", json!({"collection": "notes", "records": [{"id": "x", "embedding": [1, 2]}]}), "2"),
        ("delete", json!({"collection": "notes"}), "nothing to delete was specified"),
        ("delete", json!({"collection": "notes", "filter": "{\"$and\": []}"}), "$and"),
        ("delete", json!({"collection": "other", "ids": ["a"]}), "no collection named"),
        ("sync", json!({"collection": "notes", "folder": "/"}), "no tool is named"),
    ] {
        let said = match world.call(tool, arguments.clone()) {
            Response::Failed(why) | Response::Unknown(why) => why,
            Response::Done(answer) => panic!("{tool} {arguments}: {answer}"),
        };
        assert!(said.contains(why), "{tool} {arguments}: {said}");
    }
    assert_eq!(world.does("delete", json!({"collection": "notes", "ids": ["new", "none"]})), json!({"deleted": 1}));
    assert_eq!(world.does("delete", json!({"collection": "notes", "filter": "year = 2022"})), json!({"deleted": 1}));
    assert_eq!(world.does("get", json!({"collection": "notes"}))["total"], 2);
}

#[test]
fn who_may_only_read_is_offered_no_more() {
    let mut world = World::new();
    world.catalogue.writes = false;
    for tool in ["add", "update", "delete", "sync"] {
        let Response::Unknown(why) = world.call(tool, json!({"collection": "notes"})) else { panic!("{tool}") };
        assert_eq!(
            why,
            format!("no tool is named {tool:?}; there are list_collections, describe_collection, search, get")
        );
    }
    let refused = world.catalogue.collection("notes", Need::Delete).map(|_| ()).unwrap_err();
    assert_eq!(refused, Refusal("this server only reads".into()));
}

#[test]
fn records_are_resources() {
    let world = World::new();
    let listed = answer(&world.catalogue, Request::Resources { after: None });
    let expected = json!({"resources": [{"uri": "huedb://notes", "name": "notes"}], "more": false});
    assert_eq!(listed, Response::Done(expected));
    for uri in ["huedb://notes/a%20b%2Fc", "huedb://notes/a b/c"] {
        let Response::Done(record) = world.read(uri) else { panic!("{uri}") };
        assert_eq!(record["document"], "a cat – über", "{uri}");
    }
    let Response::Done(described) = world.read("huedb://notes/") else { panic!() };
    assert_eq!(described["records"], 3);
    assert_eq!(world.read("huedb://notes/none"), Response::Failed("notes has no record \"none\"".into()));
    for uri in ["huedb://", "file:///etc/passwd", "notes", "huedb://notes/%ff"] {
        assert!(matches!(world.read(uri), Response::Unknown(_)), "{uri}");
    }
}

#[test]
fn every_tool_describes_itself_and_its_arguments() {
    let offer = Offer { writes: true, syncs: true };
    for tool in tool::Tool::all_offered(offer) {
        let described = serde_json::to_value(tool.described()).unwrap();
        let schema = &described["inputSchema"];
        assert_eq!(
            (&schema["type"], &schema["additionalProperties"]),
            (&json!("object"), &json!(false)),
            "{described}"
        );
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            assert!(field["description"].is_string(), "{tool}: {name} {field}");
        }
        let reads = !["add", "update", "delete", "sync"].contains(&tool.as_str());
        assert_eq!(described["annotations"]["readOnlyHint"], reads, "{tool}");
        assert!(reads || described["annotations"]["destructiveHint"].is_boolean(), "{tool}");
    }
}
