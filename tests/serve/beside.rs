//! Commands on the file that a server serves, and files that are put in its place.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::running::{DATABASE, Running, huedb};

fn rows(from: usize, count: usize) -> serde_json::Value {
    let ids: Vec<String> = (from..from + count).map(|n| format!("r{n}")).collect();
    let embeddings: Vec<[f32; 2]> = (from..from + count).map(|n| [n as f32, 1.0]).collect();
    json!({"ids": ids, "embeddings": embeddings})
}

#[test]
fn commands_and_clients_share_the_file() {
    let server = Running::start(&[]);
    let notes = server.collection("notes");
    assert_eq!(server.post(&format!("{notes}/add"), &rows(0, 500)).status, 201);
    assert_eq!(server.ok(&["count", "notes"]).trim(), "500");
    server.ok(&["add", "notes", "--id", "mine", "--embedding", "[7.25, 1]"]);
    let answer = server.post(&format!("{notes}/query"), &json!({"query_embeddings": [[7.25, 1]], "n_results": 1}));
    assert_eq!(answer.json()["ids"], json!([["mine"]]));
    server.ok(&["modify", "notes", "--name", "letters"]);
    assert_eq!(server.get(&format!("{notes}/count")).text, "501");
    server.ok(&["drop", "letters"]);
    assert_eq!(server.get(&format!("{notes}/count")).status, 404);
}

#[test]
fn clients_are_served_while_commands_work() {
    let server = Running::start(&[]);
    let notes = server.collection("notes");
    server.post(&format!("{notes}/add"), &rows(0, 1000));
    let lines: String = (0..20_000).map(|n| format!("{{\"id\":\"i{n}\",\"embedding\":[{n},2]}}\n")).collect();
    std::fs::write(server.path("rows.jsonl"), lines).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let client = |from: usize| {
            let (server, notes, done) = (&server, &notes, &done);
            move || {
                let mut written = 0;
                while !done.load(Ordering::Relaxed) {
                    let answer =
                        server.post(&format!("{notes}/query"), &json!({"query_embeddings": [[3, 1]], "n_results": 3}));
                    assert_eq!(answer.status, 200, "{}", answer.text);
                    let added = server.post(&format!("{notes}/add"), &rows(from + written, 1));
                    // The command may hold the file for longer than a request waits.
                    assert!(
                        added.status == 201 || (added.status == 429 && added.retry_after.is_some()),
                        "{}",
                        added.text
                    );
                    written += usize::from(added.status == 201);
                }
                written
            }
        };
        let clients = [scope.spawn(client(1_000_000)), scope.spawn(client(2_000_000))];
        let import = server.path("rows.jsonl");
        server.ok(&["import", "notes", import.to_str().unwrap(), "--busy-timeout", "60"]);
        server.ok(&["backup", server.path("copy.redb").to_str().unwrap()]);
        server.ok(&["compact", "--busy-timeout", "60"]);
        server.ok(&["check"]);
        done.store(true, Ordering::Relaxed);
        let written: usize = clients.into_iter().map(|client| client.join().unwrap()).sum();
        let count = server.get(&format!("{notes}/count")).text;
        assert_eq!(count.parse::<usize>().unwrap(), 1000 + 20_000 + written);
    });
    server.ok(&["check", "--deep"]);
}

#[test]
fn a_file_that_is_put_in_place_is_served_from_the_next_request_on() {
    let server = Running::start(&[]);
    let notes = server.collection("notes");
    server.post(&format!("{notes}/add"), &rows(0, 10));
    let copy = server.path("copy.redb");
    server.ok(&["backup", copy.to_str().unwrap()]);
    server.post(&format!("{notes}/add"), &rows(10, 10));
    server.ok(&["restore", copy.to_str().unwrap(), "--force"]);
    assert_eq!(server.get(&format!("{notes}/count")).text, "10");
    assert_eq!(server.post(&format!("{notes}/add"), &rows(10, 5)).status, 201);
    assert_eq!(server.ok(&["count", "notes"]).trim(), "15");
    // Encrypted, it cannot be read without the key: the server says so, and is not ready.
    let key = server.path("key");
    std::fs::write(&key, [7; 32]).unwrap();
    let key = key.to_str().unwrap();
    let encrypted = server.command(&["encrypt", "--key-file", key, "--busy-timeout", "0.5"]);
    assert!(encrypted.status.success(), "{}", String::from_utf8_lossy(&encrypted.stderr));
    let refused = server.get(&format!("{notes}/count"));
    assert!(refused.status == 503 && refused.message().contains("encrypted"), "{}", refused.text);
    assert_eq!(server.get("/readyz").status, 503);
    assert_eq!(server.get("/livez").status, 200);
    assert!(server.command(&["decrypt", "--key-file", key, "--busy-timeout", "0.5"]).status.success());
    assert_eq!(server.get(&format!("{notes}/count")).text, "15");
    std::fs::remove_file(server.db()).unwrap();
    assert_eq!(server.get(&format!("{notes}/count")).status, 503);
}

#[test]
fn an_encrypted_file_is_served_with_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    std::fs::write(&key, [7; 32]).unwrap();
    let key = key.to_str().unwrap().to_owned();
    let made = huedb(&folder.path().join("test.redb"))
        .args(["create", "notes", "--no-model", "--encrypt", "--key-file", &key])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let server = Running::over(folder, &["--key-file", &key]);
    let described = server.get(&format!("{DATABASE}/collections/notes")).json();
    let notes = format!("{DATABASE}/collections/{}", described["id"].as_str().unwrap());
    assert_eq!(server.post(&format!("{notes}/add"), &rows(0, 10)).status, 201);
    let other = server.path("other");
    std::fs::write(&other, [8; 32]).unwrap();
    let rekeyed = server.command(&[
        "rekey",
        "--busy-timeout",
        "0.5",
        "--full",
        "--key-file",
        &key,
        "--new-key-file",
        other.to_str().unwrap(),
    ]);
    assert!(rekeyed.status.success(), "{}", String::from_utf8_lossy(&rekeyed.stderr));
    assert_eq!(server.get(&format!("{notes}/count")).status, 503);
    assert!(server.command(&["count", "notes", "--key-file", other.to_str().unwrap()]).status.success());
}
