//! The audit trail and the log of requests, as files that other programs read.

use std::fs;

use serde_json::{Value as Json, json};

use crate::running::{DATABASE, Running};

fn lines(text: &str) -> Vec<Json> {
    text.lines().filter(|line| line.starts_with('{')).map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn trail(server: &Running, name: &str) -> Vec<Json> {
    lines(&fs::read_to_string(server.path(name)).unwrap_or_default())
}

#[test]
fn every_decision_leaves_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let audit = folder.path().join("audit.jsonl");
    let server = Running::over(folder, &["--audit", audit.to_str().unwrap()]);
    let notes = server.collection("notes");
    server.post(
        &format!("{notes}/add"),
        &json!({"ids": ["a", "b"], "embeddings": [[1, 0], [0, 1]], "documents": ["a secret", null]}),
    );
    let reader = server.token(&["ann", "--role", "reader"]);
    server.until("an answer of 401", |server| server.get("/api/v2/auth/identity").status == 401);
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let headers = [
        ("x-chroma-token", reader.as_str()),
        ("x-request-id", "my-own-id"),
        ("traceparent", parent),
        ("content-type", "application/json"),
    ];
    let query =
        server.send("POST", &format!("{notes}/query"), &headers, br#"{"query_embeddings": [[1, 0]], "n_results": 2}"#);
    assert_eq!((query.status, &query.headers["x-request-id"]), (200, &"my-own-id".parse().unwrap()));
    server.with(&reader, "POST", &format!("{notes}/delete"), &json!({"ids": ["a"]}));
    server.with("hdb_nonsense", "GET", &format!("{notes}/count"), &Json::Null);
    server.get("/healthz");
    let since = |told: &[Json]| told.iter().position(|line| line["request_id"] == "my-own-id").unwrap_or(told.len());
    server.until("the last line", |server| {
        let told = trail(server, "audit.jsonl");
        told.len() >= since(&told) + 3
    });
    let told = trail(&server, "audit.jsonl");
    let [asked, deleted, unknown] = &told[since(&told)..] else { panic!("{} lines", told.len()) };
    let id = notes.rsplit('/').next().unwrap();
    for (field, value) in [
        ("request_id", json!("my-own-id")),
        ("trace_id", json!("4bf92f3577b34da6a3ce929d0e0e4736")),
        ("method", json!("POST")),
        ("route", json!("/api/v2/tenants/{tenant}/databases/{database}/collections/{collection}/query")),
        ("action", json!("collection:query")),
        ("auth_type", json!("token")),
        ("subject", json!("ann")),
        ("token_id", json!(&reader[4..12])),
        ("remote", json!("127.0.0.1")),
        ("tenant", json!("default_tenant")),
        ("database", json!("default_database")),
        ("collection", json!(id)),
        ("result", json!("allowed")),
        ("status", json!(200)),
        ("records", json!(2)),
    ] {
        assert_eq!(asked[field], value, "{field} in {asked}");
    }
    assert!(asked["duration_ms"].is_number() && asked["timestamp"].as_str().unwrap().ends_with('Z'));
    assert_eq!(
        (&deleted["result"], &deleted["status"], &deleted["subject"]),
        (&json!("denied"), &json!(403), &json!("ann"))
    );
    assert_eq!(
        (&unknown["result"], &unknown["status"], &unknown["subject"]),
        (&json!("unauthenticated"), &json!(401), &Json::Null)
    );
    // Neither what was stored nor what opens the door is in it.
    let text = fs::read_to_string(&audit).unwrap();
    assert!(!text.contains("a secret") && !text.contains(&reader[13..56]) && !text.contains("hdb_nonsense"), "{text}");
    // Moved away by what rotates logs, it goes on in a new file.
    fs::rename(&audit, server.path("audit.1")).unwrap();
    server.signal("-HUP");
    server.until("the new file", |_| audit.exists());
    server.with(&reader, "GET", &format!("{notes}/count"), &Json::Null);
    server.until("its first line", |server| !trail(server, "audit.jsonl").is_empty());
}

#[test]
fn a_client_that_leaves_leaves_a_line() {
    use std::io::Write;

    let folder = tempfile::tempdir().unwrap();
    let audit = folder.path().join("audit.jsonl");
    let server = Running::over(folder, &["--audit", audit.to_str().unwrap()]);
    let mut stream = std::net::TcpStream::connect(&server.address).unwrap();
    let head = format!("POST {DATABASE}/collections HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n{{");
    stream.write_all(head.as_bytes()).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(100));
    drop(stream);
    server.until("its line", |server| !trail(server, "audit.jsonl").is_empty());
    let told = trail(&server, "audit.jsonl");
    assert!(["499", "400"].contains(&told[0]["status"].to_string().as_str()), "{told:?}");
}

#[test]
fn requests_are_logged_as_text_and_as_json() {
    for (format, level, count) in
        [("json", "requests", 2), ("json", "errors", 0), ("text", "requests", 2), ("text", "off", 0)]
    {
        let mut server = Running::start(&["--log", level, "--log-format", format]);
        server.get("/api/v2/heartbeat");
        server.post(&format!("{DATABASE}/collections"), &json!({"name": "a secret name!"}));
        server.signal("-TERM");
        let (_, said) = server.wait();
        let found: Vec<&str> = said.lines().filter(|line| line.contains("/api/v2/")).collect();
        assert_eq!(found.len(), count, "{format} {level}: {said}");
        if format == "json" {
            for line in found {
                let line: Json = serde_json::from_str(line).unwrap();
                assert!(line["request_id"].is_string() && line["ms"].is_number() && line["status"].is_number());
            }
        }
    }
}

/// A file that cannot be opened is said before anything is served.
#[test]
fn an_audit_file_that_cannot_be_opened_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let output = crate::running::huedb(&folder.path().join("t.redb"))
        .args(["serve", "--port", "0", "--audit", "/no/such/folder/audit.jsonl"])
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("open /no/such/folder/audit.jsonl"), "{output:?}");
}

/// Where a request comes from is the word of a trusted proxy, and of nobody else.
#[test]
fn the_address_of_a_client_is_believed_from_trusted_proxies_alone() {
    for (args, address) in [(&[][..], "127.0.0.1"), (&["--trusted-proxy", "127.0.0.0/8"], "198.51.100.7")] {
        let folder = tempfile::tempdir().unwrap();
        let audit = folder.path().join("audit.jsonl");
        let server = Running::over(folder, &[&["--audit", audit.to_str().unwrap()], args].concat());
        server.send("GET", "/api/v2/auth/identity", &[("x-forwarded-for", "203.0.113.1, 198.51.100.7")], b"");
        server.until("its line", |server| !trail(server, "audit.jsonl").is_empty());
        assert_eq!(trail(&server, "audit.jsonl")[0]["remote"], address);
    }
}
