//! Connections that are lost at every message of a write: it is written once, or an error says that it was not.

use std::time::Duration;

use huedb::backend::{Backend, PostgresBackend, Records};
use huedb::record::{CollectionName, MetadataPatch, RecordId, Scope};
use huedb::store::{Change, Effect, Mode, NewCollection};
use serde_json::json;

use crate::cut::{Cut, Proxy};
use crate::postgres_server::Postgres;

const PATIENCE: Duration = Duration::from_secs(20);

fn open(address: &str) -> PostgresBackend {
    PostgresBackend::connect(address, Scope::default(), PATIENCE).unwrap()
}

fn change(id: &str, n: f32) -> Change {
    Change {
        id: RecordId::parse(id).unwrap(),
        embedding: Some(vec![n, 1.0]),
        embedded_here: false,
        document: Some(format!("text {n}")),
        uri: None,
        metadata: MetadataPatch::from_json(json!({"n": n})).unwrap(),
    }
}

fn facts(records: &dyn Records) -> (u64, u64) {
    let state = records.state().unwrap();
    (state.counts().records, state.version())
}

#[test]
fn a_write_whose_connection_is_lost_is_written_once() {
    let Some(server) = Postgres::start("a_write_whose_connection_is_lost_is_written_once", &[]) else { return };
    let address = server.database();
    let direct = open(&address);
    direct.create_collection(CollectionName::parse("notes").unwrap(), NewCollection::default()).unwrap();
    let notes = direct.collection("notes".into());
    notes.apply(vec![change("kept", 0.0)], Mode::Add).unwrap();
    for cut in [Cut::Before, Cut::After] {
        for at in 1.. {
            let proxy = Proxy::start(server.port(), at, cut);
            let through = address.replace(&server.port().to_string(), &proxy.port.to_string());
            let place = open(&format!("{through}?sslmode=disable"));
            let far = place.collection("notes".into());
            assert_eq!(far.count().unwrap(), notes.count().unwrap(), "the connection is used");
            let (records, version) = facts(notes.as_ref());
            let new = |part: &str| change(&format!("{cut:?} {at} {part}"), at as f32);
            let changes = vec![new("a"), change("kept", at as f32 + version as f32), new("b")];
            proxy.count();
            let done = far.apply(changes, Mode::Upsert);
            let effects = done.unwrap_or_else(|error| panic!("{cut:?} the answer to message {at}: {error}"));
            assert_eq!(effects, [Effect::Added, Effect::Updated, Effect::Added], "{cut:?} {at}");
            assert_eq!(facts(notes.as_ref()), (records + 2, version + 1), "{cut:?} {at}");
            if !proxy.has_cut() {
                assert!(at > 5, "a write is more messages than {at}");
                break;
            }
        }
    }
}

#[test]
fn a_server_that_comes_back_is_used_again() {
    let Some(server) = Postgres::start("a_server_that_comes_back_is_used_again", &[]) else { return };
    let place = open(&server.database());
    place.create_collection(CollectionName::parse("notes").unwrap(), NewCollection::default()).unwrap();
    let notes = place.collection("notes".into());
    notes.apply(vec![change("a", 0.0)], Mode::Add).unwrap();
    server.kill();
    let error = open_error(&place);
    assert!(error.contains("127.0.0.1") && !error.contains("panicked"), "{error}");
    server.start_again();
    notes.apply(vec![change("b", 0.0)], Mode::Add).unwrap();
    assert_eq!(notes.count().unwrap(), 2);
}

/// Asks with little patience.
fn open_error(place: &PostgresBackend) -> String {
    let address = match place.place() {
        huedb::backend::Place::Postgres(address) => address.clone(),
        other => panic!("{other}"),
    };
    let opened = PostgresBackend::connect(&address, Scope::default(), Duration::from_millis(100));
    opened.err().expect("no server").to_string()
}
