//! A disk that takes no more: writes are refused, questions answered, and what was answered before is there.

use serde_json::{Value as Json, json};

use crate::running::{DATABASE, Running};

fn rows(from: usize, count: usize) -> Json {
    let ids: Vec<String> = (from..from + count).map(|n| format!("r{n}")).collect();
    let embeddings: Vec<[usize; 2]> = (from..from + count).map(|n| [n, 1]).collect();
    let documents: Vec<String> = (from..from + count).map(|n| format!("text {n} ").repeat(50)).collect();
    json!({"ids": ids, "embeddings": embeddings, "documents": documents})
}

#[test]
fn a_file_that_may_not_grow_is_served_on() {
    let server = Running::start(&[]);
    let notes = server.collection("notes");
    assert_eq!(server.post(&format!("{notes}/add"), &rows(0, 100)).status, 201);
    let blocks = std::fs::metadata(server.db()).unwrap().len() / 512 + 8;
    let server = Running::limited(server.kill(), blocks);
    let mut written = 100;
    let mut refused = 0;
    while refused < 5 {
        let answer = server.post(&format!("{notes}/add"), &rows(written, 200));
        match answer.status {
            201 => written += 200,
            500 => {
                assert!(answer.message().contains("File too large"), "{}", answer.text);
                refused += 1;
            }
            other => panic!("{other}: {}", answer.text),
        }
        assert!(written < 100_000, "it is never full");
        assert_eq!(server.get(&format!("{notes}/count")).text, written.to_string());
        let asked = json!({"query_embeddings": [[7, 1]], "n_results": 1});
        assert_eq!(server.post(&format!("{notes}/query"), &asked).json()["ids"], json!([["r7"]]));
    }
    // With room all works again.
    let server = Running::over(server.kill(), &[]);
    assert_eq!(server.get(&format!("{notes}/count")).text, written.to_string());
    assert_eq!(server.post(&format!("{notes}/add"), &rows(written, 200)).status, 201);
    server.ok(&["check", "--deep"]);
    assert_eq!(server.get(&format!("{DATABASE}/collections_count")).text, "1");
}
