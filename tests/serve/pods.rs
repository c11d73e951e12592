//! Servers over PostgreSQL: several on one database, one that is killed, a database that fails over.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use ureq::Agent;

use crate::clients::{javascript_scenario, python_scenario};
use crate::postgres_server::Postgres;
use crate::running::{DATABASE, Running, huedb};

const WRITERS: usize = 8;

#[test]
fn the_python_client_works_over_postgresql() {
    let test = "the_python_client_works_over_postgresql";
    let Some(postgres) = Postgres::shared(test) else { return };
    python_scenario(test, || Running::pod(&postgres.database(), &[]));
}

#[test]
fn the_javascript_client_works_over_postgresql() {
    let test = "the_javascript_client_works_over_postgresql";
    let Some(postgres) = Postgres::shared(test) else { return };
    javascript_scenario(test, || Running::pod(&postgres.database(), &[]));
}

/// Returns the path of a collection at every server, once a server has it.
fn collection(server: &Running, name: &str) -> String {
    let found = server.get(&format!("{DATABASE}/collections/{name}"));
    assert_eq!(found.status, 200, "{}", found.text);
    format!("{DATABASE}/collections/{}", found.json()["id"].as_str().unwrap())
}

#[test]
fn two_servers_of_one_database_are_one() {
    let Some(postgres) = Postgres::shared("two_servers_of_one_database_are_one") else { return };
    let address = postgres.database();
    let [one, other] = [(); 2].map(|()| Running::pod(&address, &[]));
    let notes = one.collection("notes");
    assert_eq!(collection(&other, "notes"), notes);
    // Both write to the same records at once.
    std::thread::scope(|scope| {
        for (at, server) in [&one, &other, &one, &other].into_iter().enumerate() {
            let notes = &notes;
            scope.spawn(move || {
                for n in 0..25 {
                    let numbers: BTreeSet<usize> = (0..8).map(|m| (n + m * (at + 1)) % 40).collect();
                    // In another order at each.
                    let numbers: Vec<_> =
                        if at < 2 { numbers.into_iter().collect() } else { numbers.into_iter().rev().collect() };
                    let ids: Vec<String> = numbers.iter().map(ToString::to_string).collect();
                    let embeddings: Vec<Json> = numbers.iter().map(|number| json!([number, 1])).collect();
                    let body = json!({"ids": ids, "embeddings": embeddings});
                    let done = server.post(&format!("{notes}/upsert"), &body);
                    assert_eq!(done.status, 200, "{}", done.text);
                }
            });
        }
    });
    let counts = [&one, &other].map(|server| server.get(&format!("{notes}/count")).json());
    assert_eq!(counts[0], counts[1]);
    let body = json!({"query_embeddings": [[3, 1], [9, 1]], "n_results": 5, "include": ["distances", "metadatas"]});
    let answers = [&one, &other].map(|server| server.post(&format!("{notes}/query"), &body).json());
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0]["ids"][0].as_array().unwrap().len(), 5, "{}", answers[0]);
    // A token is good at both, and at neither once it is revoked.
    let admin = one.token(&["admin", "--role", "admin"]);
    let ann = one.token(&["ann", "--role", "reader", "--collection", "no*"]);
    for server in [&one, &other] {
        server.until("an answer of 401", |server| server.get("/api/v2/auth/identity").status == 401);
        assert_eq!(server.with(&ann, "GET", &format!("{notes}/count"), &Json::Null).json(), counts[0]);
        assert_eq!(server.with(&ann, "POST", &format!("{notes}/delete"), &json!({"ids": ["1"]})).status, 403);
    }
    one.ok(&["token", "revoke", "ann"]);
    for server in [&one, &other] {
        assert_eq!(server.with(&ann, "GET", &format!("{notes}/count"), &Json::Null).status, 401);
        assert_eq!(server.with(&admin, "GET", &format!("{notes}/count"), &Json::Null).status, 200);
    }
}

#[test]
fn what_only_a_file_has_is_said_and_the_rest_is_there() {
    let Some(postgres) = Postgres::shared("what_only_a_file_has_is_said_and_the_rest_is_there") else { return };
    let pod = Running::pod(&postgres.database(), &["--metrics-listen", "127.0.0.1:0"]);
    let file = Running::start(&[]);
    let rows = json!({
        "ids": ["a", "b", "c", "d"], "embeddings": [[1, 0], [0, 1], [1, 1], [2, 1]],
        "documents": ["a red fox", "a lazy dog", null, "a quiet cat"], "metadatas": [{"n": 1}, {"n": 2.5}, null, {"n": 1}],
    });
    let [of_pod, of_file] = [&pod, &file].map(|server| {
        let notes = server.collection("notes");
        assert_eq!(server.post(&format!("{notes}/add"), &rows).status, 201);
        let own = notes.replace("/api/v2/", "/huedb/v1/");
        let routes = ["stats", "map?key=n", "distinct?key=n", "keys", "where?where=n%20%3E%201", "export"];
        routes.map(|route| {
            let said = server.get(&format!("{own}/{route}"));
            assert_eq!(said.status, 200, "{route}: {}", said.text);
            said.text
        })
    });
    assert_eq!(of_pod, of_file);
    let refused = pod.get("/huedb/v1/backup");
    assert_eq!(refused.status, 501, "{}", refused.text);
    assert!(refused.message().contains("pg_dump"), "{}", refused.text);
    let metrics = pod.get("/metrics").text;
    assert!(metrics.contains("huedb_http_requests_total") && !metrics.contains("huedb_file_bytes"), "{metrics}");
    assert_eq!(pod.get("/readyz").status, 200);
    let tool = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": "get", "arguments": {"collection": "notes", "filter": "n = 1"}}});
    let accepts = [("accept", "application/json, text/event-stream"), ("content-type", "application/json")];
    let said = pod.send("POST", "/mcp", &accepts, tool.to_string().as_bytes());
    assert_eq!(said.json()["result"]["structuredContent"]["total"], 2, "{}", said.text);
}

#[test]
fn a_server_over_a_server_and_a_replica_of_a_file_are_refused() {
    let server = Running::start(&[]);
    let address = format!("http://{}", server.address);
    for (db, args, says) in [
        (address.as_str(), &["serve", "--port", "0"][..], "is a server"),
        (address.as_str(), &["browse", "--no-open"], "same page"),
        ("none.redb", &["serve", "--port", "0", "--read-from", "postgresql://localhost/x"], "replicas of PostgreSQL"),
    ] {
        let refused = huedb(Path::new(db)).args(args).output().unwrap();
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(refused.status.code() == Some(2) && said.contains(says), "{args:?}: {said}");
    }
}

#[test]
fn a_place_that_says_nothing_is_not_pinged_without_end() {
    // It takes connections, and no more comes of them.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = silent.local_addr().unwrap();
    for place in [format!("postgresql://ann@{at}/none"), format!("http://{at}")] {
        let output = huedb(Path::new("none.redb")).args(["ping", &place, "--timeout", "0.5"]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(5) && said.contains("no answer came in time"), "{place}: {said}");
    }
}

/// Writers that add one record after the other, until they are told to end.
struct Load {
    acknowledged: Mutex<BTreeSet<String>>,
    has_ended: AtomicBool,
}

impl Load {
    fn new() -> Arc<Self> {
        let (acknowledged, has_ended) = (Mutex::default(), AtomicBool::new(false));
        Arc::new(Self { acknowledged, has_ended })
    }

    fn len(&self) -> usize {
        self.acknowledged.lock().unwrap().len()
    }

    /// Adds records to a collection; what is refused or lost is not tried again.
    fn write(&self, writer: usize, url: &str) {
        let config = Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(30)));
        let agent: Agent = config.build().into();
        for n in 0.. {
            if self.has_ended.load(Ordering::Relaxed) {
                break;
            }
            let id = format!("{writer}-{n}");
            let body = json!({"ids": [id], "embeddings": [[n, writer]], "documents": ["x"]}).to_string();
            match agent.post(format!("{url}/add")).header("content-type", "application/json").send(body) {
                Ok(answer) if answer.status() == 201 => drop(self.acknowledged.lock().unwrap().insert(id)),
                _ => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let from = Instant::now();
        while !holds(self) {
            assert!(from.elapsed() < Duration::from_mins(2), "{what} does not happen");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Holds what was acknowledged against what a server has.
    fn is_whole_at(&self, server: &Running) {
        let listed = server.ok(&["get", "notes", "-o", "ids"]);
        let ids: Vec<&str> = listed.lines().collect();
        let there: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(ids.len(), there.len(), "some are there twice");
        let acknowledged = self.acknowledged.lock().unwrap();
        let lost: Vec<_> = acknowledged.iter().filter(|id| !there.contains(id.as_str())).collect();
        assert!(lost.is_empty(), "{lost:?} of {}", acknowledged.len());
        // What was sent and not acknowledged may be there: at most one record of each writer for each failure.
        assert_eq!(server.ok(&["count", "notes"]).trim(), ids.len().to_string());
    }
}

#[test]
fn what_was_answered_is_there_when_a_server_is_killed_and_the_others_go_on() {
    let test = "what_was_answered_is_there_when_a_server_is_killed_and_the_others_go_on";
    let Some(postgres) = Postgres::start(test, &[]) else { return };
    let address = postgres.database();
    let [doomed, other] = [(); 2].map(|()| Running::pod(&address, &[]));
    let notes = doomed.collection("notes");
    let load = Load::new();
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let server = if writer % 2 == 0 { &doomed } else { &other };
            let url = format!("http://{}{notes}", server.address);
            let load = Arc::clone(&load);
            scope.spawn(move || load.write(writer, &url));
        }
        load.until("200 records", |load| load.len() >= 200);
        doomed.signal("-KILL");
        let before = load.len();
        load.until("100 more", |load| load.len() >= before + 100);
        load.has_ended.store(true, Ordering::Relaxed);
    });
    load.is_whole_at(&other);
}

#[test]
fn writes_go_on_when_a_standby_takes_over_and_nothing_is_lost() {
    let test = "writes_go_on_when_a_standby_takes_over_and_nothing_is_lost";
    let Some(primary) = Postgres::start(test, &[]) else { return };
    let name = primary.database().rsplit_once('/').unwrap().1.to_owned();
    let standby = primary.standby();
    // A commit is answered once both have it.
    let mut client = primary.client("postgres");
    client.batch_execute("alter system set synchronous_standby_names = '*'").unwrap();
    client.batch_execute("select pg_reload_conf()").unwrap();
    drop(client);
    let address = format!("postgresql://postgres@127.0.0.1:{},127.0.0.1:{}/{name}", primary.port(), standby.port());
    let [one, other] = [(); 2].map(|()| Running::pod(&address, &[]));
    let notes = one.collection("notes");
    let load = Load::new();
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let server = if writer % 2 == 0 { &one } else { &other };
            let url = format!("http://{}{notes}", server.address);
            let load = Arc::clone(&load);
            scope.spawn(move || load.write(writer, &url));
        }
        load.until("200 records", |load| load.len() >= 200);
        primary.kill();
        assert_ne!(one.get("/readyz").status, 200, "there is no database that takes writes");
        standby.promote();
        let promoted = Instant::now();
        let before = load.len();
        load.until("a record after the promotion", |load| load.len() > before + WRITERS);
        eprintln!("writes went on {:?} after the promotion", promoted.elapsed());
        load.until("100 more", |load| load.len() >= before + 100);
        load.has_ended.store(true, Ordering::Relaxed);
    });
    load.is_whole_at(&one);
    load.is_whole_at(&other);
    assert_eq!(one.get("/readyz").status, 200);
}
