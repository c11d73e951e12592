//! Bodies, scopes, schemas, texts and the routes of huedb's own.

use serde_json::{Value as Json, json};

use crate::routes::{check_form, table};
use crate::running::{DATABASE, Running};

fn collection_path(rest: &str) -> String {
    format!("{DATABASE}/collections{rest}")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn bodies_as_chroma_takes_them() {
    let server = Running::start(&["--max-body", "1"]);
    let get = format!("{}/get", server.collection("notes"));
    let json = ("content-type", "application/json");
    let packed = gzip(b"{}");
    let bomb = gzip(&vec![b' '; 8 << 20]);
    let large = vec![b' '; (1 << 20) + 1];
    for (headers, body, status, part) in [
        (&[][..], &b"{}"[..], 200, ""),
        (&[json], b"{}", 200, ""),
        (&[("content-type", "application/json; charset=utf-8")], b"{}", 200, ""),
        (&[("content-type", "text/plain")], b"{}", 415, "Expected request with `Content-Type: application/json`"),
        (
            &[json],
            b"{",
            400,
            "Failed to parse the request body as JSON: EOF while parsing an object at line 1 column 1",
        ),
        (&[json], b"{\"limit\": NaN}", 400, "Failed to parse the request body as JSON"),
        (&[json], b"\xff", 400, "Failed to parse the request body as JSON"),
        (&[json], b"{} {}", 400, "Failed to parse the request body as JSON"),
        (&[json], b"{\"limit\":1,\"limit\":2}", 422, "duplicate field `limit`"),
        (&[json], b"{\"where\":{\"a\":1},\"more\":[]}", 200, ""),
        (&[json, ("content-encoding", "gzip")], &packed, 200, ""),
        (&[json, ("content-encoding", "gzip")], b"{}", 400, "not gzip"),
        (&[json, ("content-encoding", "gzip")], &bomb, 413, "Payload too large"),
        (&[json, ("content-encoding", "br")], b"{}", 415, ""),
        (&[json], &large, 413, "Payload too large"),
    ] {
        let answer = server.send("POST", &get, headers, body);
        assert_eq!(answer.status, status, "{headers:?} {:?}: {}", body.get(..20), answer.text);
        assert!(answer.text.contains(part), "{}", answer.text);
        check_form(&answer, "body");
    }
}

#[test]
fn a_collection_is_found_in_its_own_database_alone() {
    let server = Running::start(&[]);
    let notes = server.collection("notes");
    server.post("/api/v2/tenants", &json!({"name": "acme"}));
    server.post("/api/v2/tenants/acme/databases", &json!({"name": "main"}));
    let row = json!({"ids": ["a"], "embeddings": [[1, 0]]});
    assert_eq!(server.post(&format!("{notes}/add"), &row).status, 201);
    for place in [
        "/api/v2/tenants/acme/databases/main",
        "/api/v2/tenants/acme/databases/none",
        "/api/v2/tenants/none/databases/main",
    ] {
        let foreign = notes.replace(DATABASE, place);
        for (method, rest, body) in [
            ("POST", "/get", json!({})),
            ("POST", "/query", json!({"query_embeddings": [[1, 0]]})),
            ("POST", "/search", json!({"searches": []})),
            ("POST", "/add", json!({"ids": ["b"], "embeddings": [[1, 0]]})),
            ("POST", "/upsert", json!({"ids": ["b"], "embeddings": [[1, 0]]})),
            ("POST", "/update", json!({"ids": ["a"], "documents": ["x"]})),
            ("POST", "/delete", json!({"ids": ["a"]})),
            ("POST", "/fork", json!({"new_name": "stolen"})),
            ("GET", "/count", Json::Null),
            ("GET", "/indexing_status", Json::Null),
            ("PUT", "", json!({"new_name": "stolen"})),
        ] {
            let answer = server.request(method, &format!("{foreign}{rest}"), &body);
            assert_eq!(answer.status, 404, "{method} {foreign}{rest}: {}", answer.text);
        }
        let by_id = foreign.replace("/collections/", "/collections/by-id/");
        assert_eq!(server.get(&by_id).status, 404);
    }
    assert_eq!(server.get(&format!("{notes}/count")).text, "1");
}

#[test]
fn a_schema_that_disables_a_key_is_heeded() {
    let server = Running::start(&[]);
    let schema = json!({"keys": {"secret": {"string": {"string_inverted_index": {"enabled": false, "config": {}}}}}});
    let made = server.post(&collection_path(""), &json!({"name": "notes", "schema": schema})).json();
    let notes = collection_path(&format!("/{}", made["id"].as_str().unwrap()));
    let lines = r#"POST @/get {"where":{"secret":"x"}} => 400 Cannot filter using metadata key 'secret' with type 'Str' because indexing is disabled
POST @/get {"where":{"secret":{"$ne":"x"}}} => 400 indexing is disabled
POST @/get {"where":{"secret":1}} => 200"#;
    table(&server, &notes, lines);
}

#[test]
fn texts_are_embedded_by_a_model_of_huedb() {
    let server = Running::start(&[]);
    server.ok(&["create", "notes", "--model", "hash-16"]);
    let notes = collection_path(&format!("/{}", server.get(&collection_path("/notes")).json()["id"].as_str().unwrap()));
    let words = "words that only this one has";
    let lines = r#"POST @/add {"ids":["a","b"],"documents":["a red fox","words that only this one has"]} => 201 {}
POST @/update {"ids":["a"],"documents":["a blue whale"]} => 200 {}
POST @/query {"query_texts":["a blue whale","words that only this one has"],"n_results":1} => 200 {"ids":[["a"],["b"]],
POST @/query {"query_texts":["a"],"query_embeddings":[[1]]} => 400 give one
POST @/search {"searches":[{"rank":{"$knn":{"query":"words that only this one has","limit":1}}}]} => 200 [["b"]]"#;
    table(&server, &notes, lines);
    // The command sees the same.
    assert_eq!(server.ok(&["query", "notes", words, "-n", "1", "-o", "ids"]), "b\n");
}

#[test]
fn a_collection_of_chromas_default_function_is_asked_by_text() {
    let server = Running::start(&[]);
    let function = json!({"type": "known", "name": "default", "config": {}});
    let made =
        server.post(&collection_path(""), &json!({"name": "notes", "configuration": {"embedding_function": function}}));
    let notes = collection_path(&format!("/{}", made.json()["id"].as_str().unwrap()));
    let texts = ["a fox hunts at night", "the tax office opens at nine"];
    let vectors: Vec<Json> = texts
        .iter()
        .map(|text| serde_json::from_str::<Json>(&server.ok(&["embed", text, "-o", "json"])).unwrap())
        .map(|said| said[0]["embedding"].clone())
        .collect();
    let row = json!({"ids": ["fox", "tax"], "embeddings": vectors, "documents": texts});
    let added = server.post(&format!("{notes}/add"), &row);
    assert_eq!(added.status, 201, "{}", added.text);
    let answer =
        server.post(&format!("{notes}/query"), &json!({"query_texts": ["when can I pay my taxes"], "n_results": 1}));
    assert_eq!(answer.json()["ids"], json!([["tax"]]), "{}", answer.text);
    let output = server.command(&["query", "notes", "an animal in the dark", "-n", "1", "-o", "ids"]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "fox\n");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("Chroma's default function"), "{said}");
}

#[test]
fn routes_of_our_own() {
    let server = Running::start(&[]);
    let notes = server.collection("notes");
    let own = notes.replace("/api/v2", "/huedb/v1");
    let lines: String = (0..300)
        .map(|n| {
            format!(
                "{}\n",
                json!({"id": format!("r{n}"), "embedding": [n, 1], "document": "x", "metadata": {"n": n % 3}})
            )
        })
        .collect();
    let imported =
        server.send("POST", &format!("{own}/import"), &[("content-type", "application/jsonl")], lines.as_bytes());
    assert_eq!(imported.status, 200, "{}", imported.text);
    assert_eq!(imported.json()["added"], 300);
    let bad = server.send("POST", &format!("{own}/import"), &[], b"{\"id\":\"x\",\"embedding\":[1]}\n");
    assert_eq!(bad.status, 400, "{}", bad.text);
    let exported = server.get(&format!("{own}/export?where=n%20%3D%202")).text;
    assert_eq!(exported.lines().count(), 100);
    // What Chroma's own routes refuse.
    let started = server.get(&format!("{own}/export?where=%23id%20starts%20with%20%22r29%22%20and%20n%20exists")).text;
    assert_eq!(started.lines().count(), 11);
    let first: Json = serde_json::from_str(exported.lines().next().unwrap()).unwrap();
    assert_eq!(first, json!({"id": "r2", "document": "x", "uri": null, "metadata": {"n": 2}, "embedding": [2.0, 1.0]}));
    let distinct = server.get(&format!("{own}/distinct?key=n")).json();
    assert_eq!(distinct[0], json!({"value": 0, "type": "number", "count": 100}));
    assert_eq!(server.get(&format!("{own}/keys")).json()[0]["distinct"], 3);
    assert_eq!(server.get(&format!("{own}/stats")).json()["records"], 300);
    let built = server.post(&format!("{own}/index"), &Json::Null).text;
    assert!(built.lines().last().unwrap().contains("\"built\":true"), "{built}");
    let clusters = server.post(&format!("{own}/clusters"), &Json::Null).text;
    assert!(clusters.lines().last().unwrap().contains("\"built\":false"), "{clusters}");
    let copy = server.path("copy.redb");
    let mut response = ureq::get(format!("http://{}/huedb/v1/backup", server.address)).call().unwrap();
    std::fs::write(&copy, response.body_mut().with_config().limit(1 << 30).read_to_vec().unwrap()).unwrap();
    let counted = crate::running::huedb(&copy).args(["count", "notes"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&counted.stdout).trim(), "300");
    let left = std::fs::read_dir(server.db().parent().unwrap()).unwrap();
    let left: Vec<_> = left
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| name.to_string_lossy().starts_with(".huedb"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
