//! What each API is sent, and that the key goes nowhere else.

use std::fs;
use std::path::Path;

use serde_json::{Value as Json, json};

use super::fake::{Reply, Service, status, vector};
use super::{KEY, add, ok, run, run_with, with_notes};
use crate::huedb::World;

/// The bodies that a service of an API was sent for a document and a question, without their probe texts.
fn bodies(api: &str, path: &str, flags: &[&str]) -> Vec<Json> {
    let service = Service::good();
    let flags = [&["--api", api, "--api-key-env", "SERVICE_KEY"], flags].concat();
    let world = with_notes(&service, &flags);
    ok(&world, &["add", "notes", "--id", "a", "--document", "a red fox"]);
    let found = ok(&world, &["query", "notes", "a fox", "-o", "ids"]);
    assert_eq!(found, "a\n");
    let asked = service.take_asked();
    assert_eq!(asked.len(), 2, "the probe goes with the first request");
    let mut bodies = Vec::new();
    for mut asked in asked {
        assert_eq!(asked.path, path);
        assert_eq!(asked.header("authorization"), format!("Bearer {KEY}"));
        assert_eq!(asked.header("content-type"), "application/json");
        for name in ["input", "inputs", "texts"] {
            if let Some(texts) = asked.body[name].as_array_mut() {
                let probe = texts.remove(0);
                assert!(probe.as_str().unwrap().contains("quick brown fox"), "{probe}");
            }
            // Looking for a name adds it.
            if asked.body[name].is_null() {
                asked.body.as_object_mut().unwrap().remove(name);
            }
        }
        bodies.push(asked.body);
    }
    bodies
}

/// The embedding of a record that was printed.
fn embedding(line: &str) -> Vec<f32> {
    let record: Json = serde_json::from_str(line).unwrap();
    serde_json::from_value(record["embedding"].clone()).unwrap()
}

fn stored(world: &World, id: &str) -> Vec<f32> {
    embedding(&ok(world, &["get", "notes", "--id", id, "--include", "embeddings"]))
}

#[test]
fn each_api_is_asked_in_its_own_way() {
    assert_eq!(
        bodies("openai", "/v1/embeddings", &[]),
        [
            json!({"model": "m", "input": ["a red fox"], "encoding_format": "base64"}),
            json!({"model": "m", "input": ["a fox"], "encoding_format": "base64"}),
        ]
    );
    assert_eq!(
        bodies("ollama", "/api/embed", &["--query-prefix", "q: ", "--document-prefix", "d: ", "--dimensions", "16"]),
        [
            json!({"model": "m", "input": ["d: a red fox"], "truncate": false, "dimensions": 16}),
            json!({"model": "m", "input": ["q: a fox"], "truncate": false, "dimensions": 16}),
        ]
    );
    assert_eq!(
        bodies("tei", "/embed", &["--truncate", "--normalize", "true"]),
        [
            json!({"inputs": ["a red fox"], "truncate": true, "normalize": true}),
            json!({"inputs": ["a fox"], "truncate": true, "normalize": true}),
        ]
    );
    let cohere = |kind: &str, text: &str| {
        json!({"model": "m", "texts": [text], "input_type": kind, "embedding_types": ["float"], "truncate": "NONE",
            "output_dimension": 16})
    };
    assert_eq!(
        bodies("cohere", "/v2/embed", &["--dimensions", "16"]),
        [cohere("search_document", "a red fox"), cohere("search_query", "a fox")]
    );
    assert_eq!(
        bodies("voyage", "/v1/embeddings", &[]),
        [
            json!({"model": "m", "input": ["a red fox"], "input_type": "document", "truncation": false}),
            json!({"model": "m", "input": ["a fox"], "input_type": "query", "truncation": false}),
        ]
    );
}

#[test]
fn azure_has_its_own_address_and_header() {
    let service = Service::good();
    let world = World::new();
    let endpoint = format!("{}/openai/deployments/small?api-version=2024-10-21", service.address);
    let args = ["model", "add", "azure", "--endpoint", &endpoint, "--api-key-command", "echo $SERVICE_KEY"];
    ok(&world, &args);
    let asked = service.take_asked();
    assert_eq!(asked[0].path, "/openai/deployments/small/embeddings?api-version=2024-10-21");
    assert_eq!((asked[0].header("api-key"), asked[0].header("authorization")), (KEY, ""));
    // The name here is the name there, where none is given.
    assert_eq!(asked[0].body["model"], "azure");
}

#[test]
fn a_service_that_knows_no_base64_is_asked_for_numbers() {
    let service = Service::that(|_, asked| match asked.body.get("encoding_format") {
        Some(_) => status("422 Unprocessable Entity", json!({"detail": [{"msg": "Extra inputs are not permitted"}]})),
        None => Reply::Embeddings,
    });
    let world = with_notes(&service, &[]);
    ok(&world, &["add", "notes", "--id", "a", "--document", "a red fox"]);
    let asked = service.take_asked();
    assert_eq!((asked.len(), asked[0].body.get("encoding_format")), (1, None));
    assert_eq!(stored(&world, "a"), vector("a red fox"));
}

#[test]
fn texts_are_spread_over_requests_and_come_back_in_their_order() {
    let service = Service::good();
    let world = with_notes(&service, &["--api", "tei", "--batch-texts", "7", "--concurrency", "3"]);
    let rows: String = (0..100).map(|n| format!("{{\"id\": \"r{n}\", \"document\": \"text number {n}\"}}\n")).collect();
    world.write("rows.jsonl", rows);
    ok(&world, &["import", "notes", "rows.jsonl"]);
    let asked = service.take_asked();
    assert!(asked.len() >= 15 && asked.iter().all(|asked| asked.texts().len() <= 7), "{}", asked.len());
    for id in ["r0", "r57", "r99"] {
        assert_eq!(stored(&world, id), vector(&format!("text number {}", &id[1..])), "{id}");
    }
}

#[test]
fn everything_that_takes_a_model_takes_a_service() {
    let service = Service::good();
    let world = with_notes(&service, &["--api", "tei"]);
    let listed = ok(&world, &["model", "list", "-o", "json"]);
    let listed: Json = serde_json::from_str(&listed).unwrap();
    let far = listed.as_array().unwrap().iter().find(|model| model["name"] == "far").unwrap();
    assert_eq!((&far["dimension"], &far["pooling"]), (&json!(16), &Json::Null));
    assert_eq!(far["from"], format!("m at {} (tei)", service.address));
    assert_eq!(embedding(&ok(&world, &["embed", "a fox", "--model", "far"])), vector("a fox"));
    fs::create_dir(world.path("docs")).unwrap();
    fs::write(world.path("docs/a.md"), "the fox sleeps. ".repeat(40)).unwrap();
    ok(&world, &["sync", "notes", "docs", "--chunk", "32", "--overlap", "0"]);
    let count = |world: &World| ok(world, &["count", "notes"]).trim().parse::<usize>().unwrap();
    assert!(count(&world) > 4);
    let verified = run(&world, &["model", "verify", "far"]);
    assert!(verified.status == Some(0) && verified.stderr.contains("answers as when it was added"), "{verified:?}");
    ok(&world, &["create", "other", "--model", "hash-8"]);
    ok(&world, &["add", "other", "--id", "a", "--document", "a red fox"]);
    ok(&world, &["reembed", "other", "--model", "far"]);
    assert!(ok(&world, &["show", "other", "-o", "json"]).replace(' ', "").contains("\"dimension\":16"));
    ok(&world, &["model", "remove", "far"]);
    let gone = run(&world, &["query", "notes", "a fox"]);
    assert!(gone.status == Some(2) && gone.stderr.contains("no model"), "{gone:?}");
}

#[test]
fn the_key_is_in_no_output_and_in_no_file() {
    let service = Service::that(|number, asked| {
        assert!(!asked.body.to_string().contains(KEY));
        match number {
            0..=2 => Reply::Embeddings,
            // As a service that repeats what it was given.
            _ => status("401 Unauthorized", json!({"error": {"message": format!("Incorrect key {KEY}")}})),
        }
    });
    let world = World::new();
    let mut said = String::new();
    let mut note = |ran: crate::huedb::Ran| {
        said.push_str(&ran.stdout);
        said.push_str(&ran.stderr);
        ran.status
    };
    assert_eq!(note(add(&world, &service, &["--api-key-env", "SERVICE_KEY", "-v"])), Some(0));
    assert_eq!(note(run(&world, &["create", "notes", "--model", "far", "-v"])), Some(0));
    assert_eq!(note(run(&world, &["add", "notes", "--id", "a", "--document", "fox", "-v"])), Some(0));
    assert_eq!(note(run(&world, &["query", "notes", "fox", "-v", "--timing"])), Some(0));
    assert_eq!(note(run(&world, &["query", "notes", "fox", "-v"])), Some(5));
    assert_eq!(note(run(&world, &["model", "verify", "far", "--error-format", "json"])), Some(5));
    assert_eq!(note(run(&world, &["model", "list", "-o", "json"])), Some(0));
    assert_eq!(note(run(&world, &["export", "--all"])), Some(0));
    assert!(said.contains("it answered 401: Incorrect key ***"), "{said}");
    assert!(said.contains("SERVICE_KEY"), "{said}");
    assert!(!said.contains(KEY), "{said}");
    let mut files = 0;
    let mut look = vec![world.path("")];
    while let Some(dir) = look.pop() {
        for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
            if entry.path().is_dir() {
                look.push(entry.path());
            } else {
                files += 1;
                let bytes = fs::read(entry.path()).unwrap();
                let found = bytes.windows(KEY.len()).any(|window| window == KEY.as_bytes());
                assert!(!found, "{}", entry.path().display());
            }
        }
    }
    assert!(files >= 3 && Path::new(&world.path("data/models/far/huedb-service.json")).exists());
    // A key in the place of the name of its variable is not stored either.
    let refused = run(&world, &["model", "add", "x", "--endpoint", &service.address, "--api-key-env", KEY]);
    assert_eq!(refused.status, Some(2));
    assert!(!refused.stderr.contains(KEY) && !world.path("data/models/x").exists(), "{}", refused.stderr);
}

#[test]
fn a_key_that_is_refused_is_got_again_from_its_command() {
    let service = Service::that(|_, asked| match asked.header("authorization") {
        "Bearer 1" => status("401 Unauthorized", "expired"),
        _ => Reply::Embeddings,
    });
    let world = World::new();
    let ran = add(&world, &service, &["--api-key-command", "echo x >> calls; wc -l < calls"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let keys: Vec<String> = service.take_asked().iter().map(|asked| asked.header("authorization").to_owned()).collect();
    assert_eq!(keys, ["Bearer 1", "Bearer 2"]);
    let failing = add(&world, &service, &["--api-key-command", "exit 3"]);
    assert!(failing.status == Some(2) && service.take_asked().is_empty(), "{failing:?}");
}

#[test]
fn a_redirect_is_not_followed_and_nobody_else_gets_the_key() {
    let elsewhere = Service::good();
    let to = format!("{}/v1/embeddings", elsewhere.address);
    let service = Service::that(move |_, _| status(&format!("307 Temporary Redirect\r\nlocation: {to}"), ""));
    let world = World::new();
    let ran = add(&world, &service, &["--api-key-env", "SERVICE_KEY"]);
    assert!(ran.status == Some(5) && ran.stderr.contains("leads elsewhere, which is not followed"), "{ran:?}");
    assert!(elsewhere.take_asked().is_empty());
    assert_eq!(service.take_asked().len(), 1);
}

#[test]
fn offline_nothing_leaves_this_machine() {
    let service = Service::good();
    let world = with_notes(&service, &[]);
    let offline = [("HUEDB_OFFLINE", "1")];
    let local = run_with(&world, &["embed", "a fox", "--model", "far"], &offline);
    assert_eq!(local.status, Some(0), "{}", local.stderr);
    let args = ["model", "add", "away", "--endpoint", "http://service.invalid"];
    let refused = run_with(&world, &args, &offline);
    assert!(refused.status == Some(5) && refused.stderr.contains("HUEDB_OFFLINE forbids"), "{refused:?}");
    // Nor is this machine's own service asked through a proxy.
    let proxied = run_with(&world, &["embed", "a fox", "--model", "far"], &[("HTTP_PROXY", "http://127.0.0.1:1")]);
    assert_eq!(proxied.status, Some(0), "{}", proxied.stderr);
}

#[test]
fn settings_that_cannot_be_are_refused_before_anything_is_asked() {
    let service = Service::good();
    let world = World::new();
    for args in [
        &["--pooling", "cls"][..],
        &["--file", "x.onnx"],
        &["--name", "x"],
        &["--truncate"],
        &["--api", "other"],
        &["--timeout", "0"],
        &["--timeout=-1"],
        &["--concurrency", "0"],
        &["--api-key-env", "A", "--api-key-command", "b"],
        &["--remote-model", ""],
    ] {
        let ran = add(&world, &service, args);
        assert_eq!(ran.status, Some(2), "{args:?}: {}", ran.stderr);
    }
    for args in [
        &["model", "add", "x", "--api", "tei"][..],
        &["model", "add", "x", "--remote-model", "m"],
        &["model", "add", "a b", "--endpoint", &service.address],
        &["model", "add", "hash-8", "--endpoint", &service.address],
        &["model", "add", "x", "--endpoint", "localhost:1234"],
        &["model", "add", "x", "--endpoint", "http://u:p@localhost"],
        &["model", "add", "x", "--endpoint", &service.address, "--api-key-env", "NOT_SET_ANYWHERE"],
    ] {
        let ran = run(&world, args);
        assert_eq!(ran.status, Some(2), "{args:?}: {}", ran.stderr);
    }
    assert!(service.take_asked().is_empty());
    // A folder from elsewhere cannot bring a service, and with it a command to run.
    ok(&world, &["model", "add", "far", "--endpoint", &service.address, "--api-key-command", "echo x"]);
    fs::rename(world.path("data/models/far"), world.path("far")).unwrap();
    assert_ne!(run(&world, &["embed", "x", "--model", "./far"]).status, Some(0));
    assert_eq!(service.take_asked().len(), 1);
}
