//! One way to ask: vectors, texts, meaning and words together, rank expressions, groups and everything there is.

use std::sync::Arc;

use huedb::embed::{Embedder, HashEmbedder, LoadOptions, TextRole};
use huedb::query::rank::{Knn, KnnQuery};
use huedb::query::{Aggregate, Ask, Extreme, Filter, GroupBy, Query, Rank};
use huedb::record::{CollectionName, MetadataPatch, RecordId};
use huedb::store::{Access, Change, Collection, Include, NewCollection, Store};
use serde_json::json;
use tempfile::TempDir;

use crate::open::open;

const TEXTS: [(&str, &str, &str); 5] = [
    ("fox", "the red fox jumps over the lazy dog", "en"),
    ("vixen", "a red vixen with her cubs", "en"),
    ("fuchs", "der rote fuchs springt", "de"),
    ("tax", "tax law of nineteen twenty one", "en"),
    ("code", "error E0282 type annotations needed", "en"),
];

fn notes(bm25: bool) -> (TempDir, Store, Collection) {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path().join("test.redb"), Access::Create).unwrap();
    let model = HashEmbedder::new(64);
    let new = NewCollection { embedder: Some(model.fingerprint().clone()), bm25, ..NewCollection::default() };
    store.create_collection(CollectionName::parse("notes").unwrap(), new).unwrap();
    let notes = store.collection("notes").unwrap();
    let change = |(id, text, lang): (&str, &str, &str)| Change {
        id: RecordId::parse(id).unwrap(),
        embedding: Some(model.embed_one(text, TextRole::Document).unwrap()),
        embedded_here: false,
        document: Some(text.to_owned()),
        uri: None,
        metadata: MetadataPatch::from_json(json!({ "lang": lang })).unwrap(),
    };
    notes.add(TEXTS.map(change)).unwrap();
    (folder, store, notes)
}

fn ids(notes: &Collection, query: &Query) -> Vec<Vec<String>> {
    let hits = notes.query(query).unwrap().hits;
    hits.into_iter().map(|hits| hits.into_iter().map(|hit| hit.record.id.as_str().to_owned()).collect()).collect()
}

#[test]
fn a_text_is_asked_as_its_vector_is() {
    let (_folder, _store, notes) = notes(false);
    let model: Arc<dyn Embedder> = Arc::new(HashEmbedder::new(64));
    let texts = ["red fox", "tax law"];
    let by_vector = Query::vectors(model.embed(&texts, TextRole::Query).unwrap().vectors).top(2);
    let expected = notes.query(&by_vector).unwrap();
    assert_eq!((expected.hits.len(), expected.hits[0][0].record.id.as_str()), (2, "fox"));
    // By the model that is given, by the collection's own, and by the collection's own as options find it.
    for query in [
        Query::texts(texts).top(2).embedder(Arc::clone(&model)),
        Query::texts(texts).top(2),
        Query::texts(texts).top(2).models(LoadOptions::default()),
    ] {
        let answer = notes.query(&query).unwrap();
        assert_eq!(answer.hits, expected.hits);
        assert_eq!((answer.plan.way, answer.warnings.len()), (expected.plan.way, 0));
    }
    let mixed =
        Query::new([Ask::from("tax law"), Ask::from(model.embed_one("red fox", TextRole::Query).unwrap())]).top(1);
    assert_eq!(ids(&notes, &mixed), [["tax"], ["fox"]]);
}

#[test]
fn another_model_is_refused_with_both_names() {
    let (_folder, store, notes) = notes(false);
    let other = Query::text("red fox").embedder(Arc::new(HashEmbedder::new(32)));
    let why = notes.query(&other).unwrap_err().to_string();
    assert!(why.contains("hash-64") && why.contains("hash-32"), "{why}");
    store.create_collection(CollectionName::parse("bare").unwrap(), NewCollection::default()).unwrap();
    let why = store.collection("bare").unwrap().query(&Query::text("fox")).unwrap_err().to_string();
    assert!(why.contains("bare"), "{why}");
}

#[test]
fn a_hybrid_question_finds_by_meaning_and_by_words() {
    let (_folder, _store, with_words) = notes(true);
    let hybrid = Query::texts(["E0282", "red fox"]).hybrid(true).top(1);
    assert_eq!(ids(&with_words, &hybrid), [["code"], ["fox"]]);
    let scores: Vec<Option<f32>> = with_words.query(&hybrid).unwrap().hits.iter().map(|hits| hits[0].score).collect();
    assert_eq!(scores, [Some(1.0); 2], "the best by both");
    let none = notes(false);
    assert!(none.2.query(&hybrid).unwrap_err().to_string().contains("no index of the words"));
    let wordless = Query::vector(vec![1.0; 64]).hybrid(true);
    assert!(with_words.query(&wordless).unwrap_err().to_string().contains("needs the text"));
    let why = with_words.query(&hybrid.max_distance(0.5)).unwrap_err().to_string();
    assert!(why.contains("greatest distance"), "{why}");
}

#[test]
fn groups_and_expressions_are_asked_the_same_way() {
    let (_folder, _store, notes) = notes(false);
    let aggregate = Aggregate { extreme: Extreme::Min, keys: vec!["#score".into()], k: 1 };
    let group_by = GroupBy { keys: vec!["lang".into()], aggregate };
    let nearest = ids(&notes, &Query::text("der rote fox"));
    assert_eq!(nearest[0].len(), 5);
    let grouped = ids(&notes, &Query::text("der rote fox").group_by(group_by));
    assert_eq!(grouped[0].len(), 2, "one of each language: {grouped:?}");
    assert_eq!(grouped[0][0], nearest[0][0]);

    let knn = Rank::Knn(Knn::by_embedding(KnnQuery::Text("der rote fox".into()), 3));
    let scored = notes.query(&Query::rank(Rank::Mul(vec![knn, Rank::Val(2.0)])).include(Include::NONE)).unwrap();
    let found: Vec<&str> = scored.hits[0].iter().map(|hit| hit.record.id.as_str()).collect();
    assert_eq!(found, &nearest[0][..3]);
    let single = notes.query(&Query::text("der rote fox").top(1)).unwrap().hits[0][0].distance;
    assert!((scored.hits[0][0].distance - 2.0 * single).abs() < 1e-6);
    let near = notes.query(&Query::text("der rote fox").max_distance(single).include(Include::NONE)).unwrap();
    assert_eq!(near.hits[0].len(), 1);
}

#[test]
fn all_are_returned_in_the_order_of_insertion() {
    let (_folder, _store, notes) = notes(false);
    assert_eq!(ids(&notes, &Query::all())[0], TEXTS.map(|(id, ..)| id));
    let english = Query::all().filter(Filter::parse("lang = 'en'").unwrap()).offset(1).top(2);
    assert_eq!(ids(&notes, &english), [["vixen", "tax"]]);
    assert_eq!(ids(&notes, &Query::default()), Vec::<Vec<String>>::new(), "nothing is asked");
    let some = vec![RecordId::parse("code").unwrap(), RecordId::parse("fox").unwrap()];
    assert_eq!(ids(&notes, &Query::text("red fox").ids(some)), [["fox", "code"]]);
}
