//! What is particular to PostgreSQL: how its tables come to be, what it cannot hold, who waits for whom.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use huedb::backend::{Backend, PostgresBackend, SCHEMA};
use huedb::error::{Error, ErrorKind};
use huedb::index::unwatched;
use huedb::record::{CollectionName, Grant, MetadataPatch, RecordId, Role, Scope, Token, TokenText};
use huedb::store::{Change, Mode, NewCollection};

use crate::postgres_server::Postgres;

fn open(address: &str) -> PostgresBackend {
    PostgresBackend::connect(address, Scope::default(), Duration::from_secs(20)).unwrap()
}

fn named(name: &str) -> CollectionName {
    CollectionName::parse(name).unwrap()
}

fn change(id: &str, embedding: Vec<f32>) -> Change {
    Change {
        id: RecordId::parse(id).unwrap(),
        embedding: Some(embedding),
        embedded_here: false,
        document: None,
        uri: None,
        metadata: MetadataPatch::default(),
    }
}

#[test]
fn tables_are_made_once_however_many_begin() {
    let Some(server) = Postgres::shared("tables_are_made_once_however_many_begin") else { return };
    let address = server.database();
    let makers: Vec<_> = (0..8)
        .map(|n| {
            let address = address.clone();
            std::thread::spawn(move || {
                open(&address).create_collection(named(&format!("c-{n}")), NewCollection::default())
            })
        })
        .collect();
    for maker in makers {
        drop(maker.join().unwrap().unwrap());
    }
    let place = open(&address);
    assert_eq!(place.collections().unwrap().len(), 8);
    let facts = place.facts().unwrap();
    assert_eq!((facts.collections, facts.records, facts.format), (8, 0, Some(1)));
    assert!(facts.id.is_some() && facts.made_by.contains("pgvector 0.8.6"), "{facts:?}");
}

#[test]
fn clusters_are_refused_by_name() {
    let Some(server) = Postgres::shared("clusters_are_refused_by_name") else { return };
    let address = server.database();
    let place = open(&address);
    place.create_collection(named("notes"), NewCollection::default()).unwrap();
    let notes = place.collection("notes".into());
    let build = notes.build_clusters(1, &unwatched).map(drop);
    for refused in [build.unwrap_err(), notes.drop_clusters().unwrap_err()] {
        let said = refused.to_string();
        assert!(said.starts_with("--clusters works on a file or on a huedb server; postgresql://"), "{said}");
        assert!(refused.hint().unwrap().contains("`huedb index build`"), "{refused:?}");
    }
}

#[test]
fn a_database_without_tables_is_an_empty_one_and_a_newer_one_is_refused() {
    let Some(server) = Postgres::shared("a_database_without_tables_is_an_empty_one_and_a_newer_one_is_refused") else {
        return;
    };
    let address = server.database();
    let place = open(&address);
    assert_eq!((place.collections().unwrap().len(), place.tenants().unwrap()), (0, vec!["default_tenant".to_owned()]));
    assert!(matches!(place.collection("notes".into()).state().err(), Some(Error::CollectionNotFound { .. })));
    let mut client = ::postgres::Client::connect(&address, ::postgres::NoTls).unwrap();
    client.batch_execute(SCHEMA).unwrap();
    assert_eq!(open(&address).databases().unwrap().len(), 1);
    client.batch_execute("update huedb.meta set value = '2' where key = 'schema'").unwrap();
    assert!(matches!(open(&address).collections(), Err(Error::NewerFormat { found: 2, supported: 1, .. })));
}

#[test]
fn what_postgresql_cannot_hold_is_refused_by_name() {
    let Some(server) = Postgres::shared("what_postgresql_cannot_hold_is_refused_by_name") else { return };
    let place = open(&server.database());
    place.create_collection(named("notes"), NewCollection::default()).unwrap();
    let notes = place.collection("notes".into());
    let said = |change: Change| notes.apply(vec![change], Mode::Add).unwrap_err().to_string();
    assert!(said(change(&"x".repeat(3000), vec![1.0])).contains("3000 bytes"));
    assert!(said(change("a", vec![1.0; 16_001])).contains("16001 components"));
    assert!(said(Change { document: Some("a\0b".into()), ..change("nul", vec![1.0]) }).contains("\"nul\""));
    assert!(said(change("nan", vec![f32::NAN])).contains("component 0"));
    assert_eq!(notes.count().unwrap(), 0);
    notes.apply(vec![change("a", vec![0.0; 16_000])], Mode::Add).unwrap();
    assert_eq!(notes.state().unwrap().info().dimension, Some(16_000));
}

#[test]
fn who_is_waited_for_too_long_is_busy() {
    let Some(server) = Postgres::shared("who_is_waited_for_too_long_is_busy") else { return };
    let address = server.database();
    open(&address).create_collection(named("notes"), NewCollection::default()).unwrap();
    let mut client = ::postgres::Client::connect(&address, ::postgres::NoTls).unwrap();
    client.batch_execute("begin; select * from huedb.collection for update").unwrap();
    let hasty = PostgresBackend::connect(&address, Scope::default(), Duration::from_millis(50)).unwrap();
    let error = hasty.collection("notes".into()).apply(vec![change("a", vec![1.0])], Mode::Add).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
    client.batch_execute("rollback").unwrap();
    assert_eq!(hasty.collection("notes".into()).count().unwrap(), 0);
}

#[test]
fn several_write_at_once_and_nothing_is_lost_or_doubled() {
    let Some(server) = Postgres::shared("several_write_at_once_and_nothing_is_lost_or_doubled") else { return };
    let address = server.database();
    let place = Arc::new(open(&address));
    place.create_collection(named("notes"), NewCollection::default()).unwrap();
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let place = Arc::clone(&place);
            std::thread::spawn(move || {
                let notes = place.collection("notes".into());
                for n in 0..20 {
                    let both = ["shared".to_owned(), format!("w{writer}-")].map(|name| format!("{name}{n}"));
                    notes.apply(both.iter().map(|id| change(id, vec![1.0, 2.0])).collect(), Mode::Add).unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.join().unwrap();
    }
    let notes = place.collection("notes".into());
    let state = notes.state().unwrap();
    assert_eq!((state.counts().records, state.version()), (100, 81));
    let scanned = notes.scan(None, 1000).unwrap();
    assert_eq!((scanned.records.len(), scanned.next), (100, None));
}

#[test]
fn tokens_are_those_of_a_file() {
    let Some(server) = Postgres::shared("tokens_are_those_of_a_file") else { return };
    let place = open(&server.database());
    let tokens = place.tokens().unwrap();
    let now = std::time::SystemTime::now();
    let text = TokenText::draw().unwrap();
    assert!(!tokens.has_tokens().unwrap());
    assert!(tokens.tokens_of(std::slice::from_ref(&text), now).unwrap()[0].is_err());
    let token = Token::new(&text, "ci", Grant::everywhere(Role::Reader)).unwrap();
    assert!(tokens.create_token(&token, &text).unwrap() && !tokens.create_token(&token, &text).unwrap());
    let fresh = TokenText::draw().unwrap();
    tokens.rotate_token("ci", &fresh, now + Duration::from_secs(100)).unwrap();
    let both = [text, fresh];
    assert!(tokens.tokens_of(&both, now).unwrap().iter().all(Result::is_ok));
    let later = tokens.tokens_of(&both, now + Duration::from_secs(101)).unwrap();
    assert!(later[0].is_err() && later[1].is_ok());
    assert_eq!((tokens.tokens().unwrap().len(), tokens.revoke_token("ci").unwrap()), (2, 2));
    assert!(matches!(tokens.revoke_token("ci"), Err(Error::TokenNotFound { .. })));
}

#[test]
fn an_older_server_is_written_to_and_read() {
    let Some(server) = Postgres::start_older("an_older_server_is_written_to_and_read") else { return };
    let place = open(&server.database());
    place.create_collection(named("notes"), NewCollection::default()).unwrap();
    let notes = place.collection("notes".into());
    notes.apply(vec![change("a", vec![-0.0, 1.5e-42])], Mode::Add).unwrap();
    let read = notes.dump(&[RecordId::parse("a").unwrap()]).unwrap();
    assert_eq!(read[0].record.embedding.as_ref().unwrap()[0].to_bits(), (-0.0_f32).to_bits());
}

#[test]
fn the_command_works_on_it() {
    let Some(server) = Postgres::shared("the_command_works_on_it") else { return };
    let address = server.database();
    let huedb = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_huedb"));
        command.args(["--db", &address]).args(arguments).env("HUEDB_CONFIG", "/dev/null");
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    };
    huedb(&["create", "notes", "--model", "hash-64"]);
    huedb(&["add", "notes", "--id", "fox", "--document", "a red fox jumps", "--metadata", r#"{"year": 2021}"#]);
    huedb(&["add", "notes", "--id", "dog", "--document", "a lazy dog sleeps", "--metadata", r#"{"year": 2022}"#]);
    assert_eq!(huedb(&["count", "notes"]).trim(), "2");
    assert!(huedb(&["query", "notes", "a red fox", "-n", "1", "-o", "ids"]).contains("fox"));
    assert_eq!(huedb(&["get", "notes", "--where", "year > 2021", "-o", "ids"]).trim(), "dog");
    huedb(&["update", "notes", "--id", "dog", "--metadata", r#"{"year": 2030}"#]);
    assert!(huedb(&["get", "notes", "--id", "dog", "-o", "json"]).contains("2030"));
    huedb(&["delete", "notes", "--id", "fox"]);
    assert_eq!(huedb(&["count", "notes"]).trim(), "1");
    assert!(huedb(&["info", "-o", "json"]).contains("PostgreSQL 18"));
    assert!(huedb(&["info", "--schema"]).starts_with("create extension"));
}
