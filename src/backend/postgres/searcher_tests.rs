//! The same questions to a file and to PostgreSQL: the same answers.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use crate::backend::search::tests::{DIMENSION, asked, said, world};
use crate::backend::{Backend, PostgresBackend, Records};
use crate::embed::{Embedder, HashEmbedder};
use crate::postgres_server::Postgres;
use crate::query::{Filter, Query, RecordQuery};
use crate::random::Random;
use crate::record::{CollectionName, MetadataPatch, NewRecord, Scope, Space};
use crate::store::{Access, Change, Collection, Mode, NewCollection, Store};

/// Puts the records of a collection of a file into PostgreSQL.
fn copied(notes: &Collection, server: &Postgres) -> Arc<dyn Records> {
    let place = PostgresBackend::connect(&server.database(), Scope::default(), Duration::from_secs(30)).unwrap();
    place.adopt_collection(notes.view().unwrap().info().clone()).unwrap();
    let there = place.collection("notes".into());
    there.put(notes.scan(None, 10_000).unwrap().records).unwrap();
    there
}

#[test]
fn questions_of_every_kind_are_answered_as_a_file_answers_them() {
    let test = "questions_of_every_kind_are_answered_as_a_file_answers_them";
    let Some(server) = Postgres::shared(test) else { return };
    let mut random = Random::new();
    let model: Arc<dyn Embedder> = Arc::new(HashEmbedder::new(DIMENSION));
    for space in Space::ALL {
        let (_folder, notes) = world(space, &mut random);
        let there = copied(&notes, &server);
        let half = || Filter::parse("half = true").unwrap();
        let pairs: [(Arc<dyn Records>, Arc<dyn Records>); 2] =
            [(Arc::new(notes.clone()), Arc::clone(&there)), (Arc::new(notes.only(half())), there.only(half()))];
        for (here, there) in pairs {
            for _ in 0..40 {
                let query = asked(&mut random).embedder(Arc::clone(&model));
                let [here, there] = [&here, &there].map(|records| said(records.state().unwrap().query(&query)));
                assert_eq!(there, here, "{space} {query:?}");
            }
        }
    }
}

#[test]
fn words_are_indexed_when_asked_for_and_kept_in_step() {
    let Some(server) = Postgres::shared("words_are_indexed_when_asked_for_and_kept_in_step") else { return };
    let mut random = Random::new();
    let model: Arc<dyn Embedder> = Arc::new(HashEmbedder::new(DIMENSION));
    let (_folder, notes) = world(Space::Cosine, &mut random);
    let there = copied(&notes, &server);
    let places: [&dyn Records; 2] = [&notes, there.as_ref()];
    for round in 0..4 {
        if round == 1 {
            let [here, far] = places.map(|records| [false, true].map(|on| records.index_documents(on).unwrap()));
            assert_eq!(far, here);
        }
        if round > 1 {
            let filter = Some(Filter::parse(["n = 1", "#document contains 'frog'"][round - 2]).unwrap());
            let some = RecordQuery { filter, ..RecordQuery::default() };
            let change = |id| Change {
                id,
                embedding: Some(vec![0.5; DIMENSION]),
                embedded_here: false,
                document: Some("a comet of granite".into()),
                uri: None,
                metadata: MetadataPatch::default(),
            };
            let [here, far] = places.map(|records| {
                let gone = RecordQuery { limit: Some(5), ..some.clone() };
                let gone = records.delete_where(&gone).unwrap();
                (gone, records.update_where(&some, &change, true, None).unwrap().len())
            });
            assert_eq!(far, here);
        }
        for _ in 0..6 {
            let text = *random.pick(&["fox whale", "income tax", "comet", "granite", "nothing"]);
            let query = Query::text(text).hybrid(true).top(20).embedder(Arc::clone(&model));
            let [here, far] = places.map(|records| said(records.state().unwrap().query(&query)));
            assert_eq!(far, here, "round {round} {query:?}");
        }
    }
}

#[test]
fn a_graph_is_built_described_and_dropped() {
    let Some(server) = Postgres::shared("a_graph_is_built_described_and_dropped") else { return };
    let (_folder, notes) = world(Space::L2, &mut Random::new());
    let there = copied(&notes, &server);
    assert!(there.index_facts().unwrap().is_none() && !there.index_is_due().unwrap());
    let built = there.build_index(2, &|_| ControlFlow::Continue(())).unwrap().unwrap();
    assert_eq!(built.rows, 400);
    let facts = there.index_facts().unwrap().unwrap();
    assert!(facts.iter().any(|(name, value)| *name == "vectors" && *value == 400), "{facts:?}");
    assert_eq!((there.drop_index().unwrap(), there.drop_index().unwrap()), (Some(400), None));
}

/// Such embeddings lie in a row, or nearly all are as near as each other: a graph finds some of them by chance.
#[test]
fn embeddings_of_a_few_components_are_compared_one_by_one_although_there_is_a_graph() {
    let test = "embeddings_of_a_few_components_are_compared_one_by_one_although_there_is_a_graph";
    let Some(server) = Postgres::shared(test) else { return };
    let mut random = Random::new();
    for space in Space::ALL {
        let folder = TempDir::new().unwrap();
        let store = Store::open(folder.path().join("short.redb"), Access::Create).unwrap();
        let name = CollectionName::parse("notes").unwrap();
        store.create_collection(name, NewCollection { space, ..NewCollection::default() }).unwrap();
        let notes = store.collection("notes").unwrap();
        let row = |n| NewRecord::new(format!("r{n}")).unwrap().with_embedding(random.floats(1));
        notes.write_rows((0..2000).map(row).collect::<Vec<_>>(), Mode::Add).unwrap();
        let there = copied(&notes, &server);
        for records in [&notes as &dyn Records, there.as_ref()] {
            let built = records.build_index(2, &|_| ControlFlow::Continue(())).unwrap().unwrap();
            assert!(!built.is_used, "{built:?}");
        }
        for _ in 0..40 {
            let query = Query::vector(random.floats(1)).top(16);
            let [here, far] =
                [&notes as &dyn Records, there.as_ref()].map(|records| said(records.state().unwrap().query(&query)));
            assert_eq!(far, here, "{space} {query:?}");
        }
    }
}
