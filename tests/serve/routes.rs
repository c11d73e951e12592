//! Every route, by the statuses and bodies of Chroma's server: what it answers to the same, but for the differences that the README
//! names. The requests are in `tables/`.

use serde_json::Value as Json;

use crate::running::{Answer, DATABASE, Running};

/// Sends each request of a table and compares the status and a part of the answer.
pub(crate) fn table(server: &Running, collection: &str, lines: &str) {
    for line in lines.lines().filter(|line| !line.starts_with('#')) {
        let (request, expected) = line.split_once(" => ").unwrap();
        let (status, part) = expected.split_once(' ').unwrap_or((expected, ""));
        let mut words = request.splitn(3, ' ');
        let (method, path, body) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
        let path = path.replace('~', DATABASE).replace('@', collection);
        let body = if body == "-" { Vec::new() } else { body.as_bytes().to_vec() };
        let answer = server.send(method, &path, &[("content-type", "application/json")], &body);
        assert_eq!(answer.status.to_string(), status, "{line}: {}", answer.text);
        assert!(answer.text.contains(part), "{line}: {}", answer.text);
        check_form(&answer, line);
    }
}

/// Every error has Chroma's body and a trace id.
pub(crate) fn check_form(answer: &Answer, what: &str) {
    if answer.status < 400 {
        return;
    }
    let body = answer.json();
    assert!(body["error"].is_string() && body["message"].is_string(), "{what}: {}", answer.text);
    assert_eq!(answer.trace.as_deref().map(str::len), Some(32), "{what}");
}

#[test]
fn the_system() {
    table(&Running::start(&[]), "", include_str!("tables/system.txt"));
}

#[test]
fn tenants_and_databases() {
    table(&Running::start(&[]), "", include_str!("tables/tenants.txt"));
}

#[test]
fn collections() {
    let server = Running::start(&[]);
    table(&server, "", include_str!("tables/collections.txt"));
    let listed = server.get(&format!("{DATABASE}/collections")).json();
    let ids: Vec<&str> = listed.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert!(ids.is_sorted(), "{ids:?}");
    let cc2 = listed.as_array().unwrap().iter().find(|one| one["name"] == "cc2").unwrap()["id"].as_str().unwrap();
    table(&server, &format!("{DATABASE}/collections/{cc2}"), include_str!("tables/modify.txt"));
}

#[test]
fn records() {
    let server = Running::start(&[]);
    let notes = server.collection("notes");
    table(&server, &notes, include_str!("tables/records.txt"));
    let described = server.get(&format!("{DATABASE}/collections/notes")).json();
    assert_eq!(described["dimension"], 2);
    let keys: Vec<&String> = described["schema"]["keys"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["#document", "#embedding", "b", "c", "l", "n", "t"]);
    assert!(described["version"].as_u64().unwrap() > 5);
}

#[test]
fn everything_is_removed_where_that_is_allowed() {
    let server = Running::start(&["--allow-reset"]);
    server.collection("notes");
    assert_eq!(server.post("/api/v2/reset", &Json::Null).text, "true");
    assert_eq!(server.get(&format!("{DATABASE}/collections_count")).text, "0");
}
