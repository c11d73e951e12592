//! Clients that ask for more than there is: each is told what it went over, and the others are served meanwhile.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value as Json, json};

use crate::running::{DATABASE, Running};

const HEARTBEAT: &str = "/api/v2/heartbeat";

fn rejected(server: &Running, reason: &str) -> u64 {
    let text = server.get("/metrics").text;
    let line =
        text.lines().find(|line| line.starts_with(&format!("huedb_rejected_total{{reason=\"{reason}\"}}"))).unwrap();
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
fn what_a_request_may_ask_for_is_bounded() {
    let server = Running::start(&["--max-results", "3", "--max-offset", "5", "--max-depth", "6"]);
    let notes = server.collection("notes");
    let ids: Vec<String> = (0..5).map(|n| n.to_string()).collect();
    let embeddings: Vec<[u32; 2]> = (0..5).map(|n| [n, 1]).collect();
    server.post(&format!("{notes}/add"), &json!({"ids": ids, "embeddings": embeddings}));
    let deep = json!({"$and": [{"$or": [{"a": 1}, {"$and": [{"a": 1}, {"b": 2}]}]}, {"c": 3}]});
    let flat = json!({"$and": [{"a": 1}, {"c": 3}]});
    let knn = json!({"$knn": {"query": [1, 1]}});
    for (rest, body, status, flag, reason) in [
        ("/get", json!({}), 400, "--max-results", "results"),
        ("/get", json!({"limit": 3}), 200, "", ""),
        ("/get", json!({"limit": 1, "offset": 6}), 400, "--max-offset", "offset"),
        ("/get", json!({"limit": 1, "offset": 5}), 200, "", ""),
        ("/query", json!({"query_embeddings": [[1, 1]], "n_results": 4}), 400, "--max-results", "results"),
        ("/query", json!({"query_embeddings": [[1, 1], [1, 2]], "n_results": 2}), 400, "--max-results", "results"),
        ("/query", json!({"query_embeddings": [[1, 1]], "n_results": 3}), 200, "", ""),
        ("/search", json!({"searches": [{"rank": knn, "limit": {"limit": 4}}]}), 400, "--max-results", "results"),
        ("/search", json!({"searches": [{"limit": {"limit": 1, "offset": 6}}]}), 400, "--max-offset", "offset"),
        ("/get", json!({"where": deep, "limit": 1}), 400, "--max-depth", "depth"),
        ("/delete", json!({"where": deep}), 400, "--max-depth", "depth"),
        ("/search", json!({"searches": [{"filter": deep}]}), 400, "--max-depth", "depth"),
        ("/get", json!({"where": flat, "limit": 1}), 200, "", ""),
    ] {
        let before = if reason.is_empty() { 0 } else { rejected(&server, reason) };
        let answer = server.post(&format!("{notes}{rest}"), &body);
        assert!(answer.status == status && answer.text.contains(flag), "{rest} {body}: {}", answer.text);
        if !reason.is_empty() {
            assert_eq!(rejected(&server, reason), before + 1, "{reason}");
        }
    }
}

#[test]
fn each_token_has_its_rate() {
    let server = Running::start(&["--rate", "3/s"]);
    let [fast, slow] = ["9/s", "2/s"].map(|rate| server.token(&[rate, "--role", "reader", "--rate", rate]));
    let usual = server.token(&["usual", "--role", "reader"]);
    let path = format!("{DATABASE}/collections_count");
    server.until("an answer that asks for a token", |server| matches!(server.get(&path).status, 401 | 429));
    std::thread::sleep(Duration::from_millis(1100));
    for (token, many) in [(&fast, 9), (&slow, 2), (&usual, 3)] {
        let answers: Vec<_> = (0..30).map(|_| server.with(token, "GET", &path, &Json::Null)).collect();
        let passed = answers.iter().filter(|answer| answer.status == 200).count();
        // As many as a second's, and some more while it goes on.
        assert!((many..29).contains(&passed), "{passed} of {many}");
        let refused = answers.iter().find(|answer| answer.status != 200).unwrap();
        assert_eq!((refused.status, refused.retry_after.as_deref()), (429, Some("1")), "{}", refused.text);
        assert_eq!(refused.json()["error"], "RateLimitError");
        assert!(refused.message().contains(&format!("{many}/s")), "{}", refused.text);
    }
    // Whoever tries tokens is slowed down, too.
    let strangers: Vec<u16> = (0..20).map(|_| server.with("hdb_no", "GET", &path, &Json::Null).status).collect();
    assert!(strangers.contains(&429) && !strangers.contains(&200), "{strangers:?}");
    assert_eq!(server.get(HEARTBEAT).status, 200, "health has no rate");
}

#[test]
fn all_bodies_together_are_bounded() {
    let server = Running::start(&["--max-body", "4", "--max-bodies", "4"]);
    let path = format!("{DATABASE}/collections");
    let head = |length: usize| {
        format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
        )
    };
    // One holds most of the room and does not go on.
    let hold = || {
        let mut holder = TcpStream::connect(&server.address).unwrap();
        let _ = holder.write_all(head(4 << 20).as_bytes()).and_then(|()| holder.write_all(&vec![b' '; 3 << 20]));
        holder
    };
    let mut holder = hold();
    let padded = || {
        let mut body = vec![b' '; 2 << 20];
        body.extend_from_slice(br#"{"name": "notes", "get_or_create": true}"#);
        server.send("POST", &path, &[("content-type", "application/json")], &body)
    };
    server.until("the bound", |_| {
        let refused = padded().text.contains("--max-bodies");
        // Where they came together it may be the holder that found no room.
        if !refused {
            holder = hold();
        }
        refused
    });
    assert!(rejected(&server, "bodies") > 0);
    assert_eq!(server.get(HEARTBEAT).status, 200);
    drop(holder);
    server.until("room again", |_| padded().status == 200);
}

/// A body that never ends is given up, and a head that never ends before that.
#[test]
fn what_never_ends_is_ended() {
    let server = Running::start(&["--request-timeout", "1", "--head-timeout", "1"]);
    let read = |stream: &mut TcpStream| {
        let mut text = String::new();
        let _ = stream.read_to_string(&mut text);
        text
    };
    let mut body = TcpStream::connect(&server.address).unwrap();
    let head = format!("POST {DATABASE}/collections HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{{");
    body.write_all(head.as_bytes()).unwrap();
    let mut half = TcpStream::connect(&server.address).unwrap();
    half.write_all(b"GET /api/v2/heartbeat HTTP/1.1\r\nhost: localhost\r\nx-more: ").unwrap();
    let mut idle = TcpStream::connect(&server.address).unwrap();
    assert!(read(&mut body).starts_with("HTTP/1.1 408"), "--request-timeout");
    assert_eq!(read(&mut half), "");
    assert_eq!(read(&mut idle), "");
    assert_eq!(rejected(&server, "time"), 1);
    assert_eq!(rejected(&server, "head"), 2);
    // A connection between two requests is given up as well.
    let mut kept = TcpStream::connect(&server.address).unwrap();
    kept.write_all(b"GET /api/v2/heartbeat HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    assert!(read(&mut kept).starts_with("HTTP/1.1 200"));
}

/// Lets this process have as many files as it may; returns how many.
fn files() -> usize {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
    maximum.map_or(usize::MAX, |most| usize::try_from(most).unwrap())
}

#[test]
fn half_open_heads_keep_nobody_out() {
    files();
    let server = Running::start(&[]);
    let mut half: Vec<TcpStream> = (0..500).map(|_| TcpStream::connect(&server.address).unwrap()).collect();
    for stream in &mut half {
        stream.write_all(b"GET /api/v2/heartbeat HTTP/1.1\r\nhost:").unwrap();
    }
    let notes = server.collection("notes");
    assert_eq!(server.get(&format!("{notes}/count")).text, "0");
    drop(half);
}

/// Ten thousand connections that do nothing, where the system lets a process have as many.
#[test]
fn idle_connections_keep_nobody_out() {
    let server = Running::start(&["--head-timeout", "120"]);
    // The other tests of this process need files, too.
    let many = files().saturating_sub(4096).min(10_000);
    if many < 10_000 {
        eprintln!("with {many} connections, for this process may have no more files: idle_connections_keep_nobody_out");
    }
    let idle: Vec<TcpStream> = (0..many).map(|_| TcpStream::connect(&server.address).unwrap()).collect();
    let notes = server.collection("notes");
    assert_eq!(server.post(&format!("{notes}/add"), &json!({"ids": ["a"], "embeddings": [[1, 0]]})).status, 201);
    assert_eq!(server.get(&format!("{notes}/count")).text, "1");
    drop(idle);
}

#[test]
fn surplus_connections_are_told_so() {
    let server = Running::start(&["--max-connections", "10", "--head-timeout", "60"]);
    let idle: Vec<TcpStream> = (0..10).map(|_| TcpStream::connect(&server.address).unwrap()).collect();
    let told = || {
        let mut stream = TcpStream::connect(&server.address).unwrap();
        stream.write_all(b"GET /api/v2/heartbeat HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
        let mut text = String::new();
        let _ = stream.read_to_string(&mut text);
        text
    };
    let text = told();
    assert!(
        text.starts_with("HTTP/1.1 429") && text.contains("--max-connections") && text.contains("connection: close"),
        "{text}"
    );
    drop(idle);
    server.until("an answer", |server| server.send("GET", HEARTBEAT, &[], b"").status == 200);
    assert!(rejected(&server, "connections") >= 1);
}

/// Clients that ask for much and read nothing hold neither the workers nor the threads of long requests.
#[test]
fn clients_that_never_read_are_cut() {
    let server = Running::start(&["--stall-timeout", "1"]);
    let notes = server.collection("notes");
    // More than the system's buffers take in for a client that reads nothing.
    for part in 0..4 {
        let ids: Vec<String> = (0..5000).map(|n| format!("record {part}-{n}")).collect();
        let embeddings: Vec<Vec<f32>> = (0..5000).map(|n| vec![n as f32 + 0.123_456; 256]).collect();
        assert_eq!(server.post(&format!("{notes}/add"), &json!({"ids": ids, "embeddings": embeddings})).status, 201);
    }
    let export = format!("{}/export", notes.replace("/api/v2", "/huedb/v1"));
    let ask = || {
        let mut stream = TcpStream::connect(&server.address).unwrap();
        stream.write_all(format!("GET {export} HTTP/1.1\r\nhost: localhost\r\n\r\n").as_bytes()).unwrap();
        stream
    };
    let deaf: Vec<TcpStream> = (0..6).map(|_| ask()).collect();
    assert_eq!(server.get(&format!("{notes}/count")).text, "20000");
    // As soon as they are cut others can ask for the same.
    server.until("an export", |server| {
        let answer = server.get(&export);
        answer.status == 200 && answer.text.lines().count() == 20_000
    });
    drop(deaf);
    assert!(rejected(&server, "stall") > 0);
}
