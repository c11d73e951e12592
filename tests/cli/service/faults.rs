//! Services that misbehave: what passes is tried again, what does not is told, and nothing is written.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value as Json, json};

use super::fake::{Asked, DIMENSION, Reply, Service, embeddings, other_vector, status, vector};
use super::{add, ok, run, with_notes};
use crate::huedb::World;

fn count(world: &World) -> String {
    ok(world, &["count", "notes"]).trim().to_owned()
}

fn plain(body: &Json) -> Reply {
    status("200 OK", body)
}

/// What a service answers that gives the embeddings as lists, changed.
fn changed(asked: &Asked, change: impl Fn(&mut Vec<Json>)) -> Reply {
    let mut answer = embeddings(asked, vector);
    change(answer.as_array_mut().unwrap());
    plain(&answer)
}

#[test]
fn what_may_pass_is_tried_again() {
    let service = Service::good();
    let world = with_notes(&service, &["--api", "tei"]);
    for (at, fault) in [
        (|| status("429 Too Many Requests\r\nretry-after: 0", "slow down")) as fn() -> Reply,
        || status("429 Too Many Requests\r\nretry-after: Sun, 06 Nov 1994 08:49:37 GMT", ""),
        || status("429 Too Many Requests\r\nretry-after-ms: 5", ""),
        || status("408 Request Timeout", ""),
        || status("500 Internal Server Error", "{\"error\": \"busy\"}"),
        || status("503 Service Unavailable", "<html>"),
        || Reply::Cut,
        || Reply::Close,
    ]
    .into_iter()
    .enumerate()
    {
        service.now(move |number, _| if number < 2 { fault() } else { Reply::Embeddings });
        let (id, text) = (format!("r{at}"), format!("text {at}"));
        ok(&world, &["add", "notes", "--id", &id, "--document", &text]);
        assert_eq!(service.take_asked().len(), 3, "{at}");
    }
    assert_eq!(count(&world), "8");
    // It does not pass for ever.
    service.now(|_, _| status("503 Service Unavailable", "{\"message\": \"out of order\"}"));
    let ran = run(&world, &["add", "notes", "--id", "x", "--document", "x"]);
    assert_eq!((ran.status, service.take_asked().len()), (Some(5), 6));
    for said in
        ["it answered 503: out of order (6 requests)", "model far", &service.address, "run the same command again"]
    {
        assert!(ran.stderr.contains(said), "{said}: {}", ran.stderr);
    }
    assert_eq!(count(&world), "8");
}

#[test]
fn what_does_not_pass_is_told_and_nothing_is_written() {
    let service = Service::good();
    let world = with_notes(&service, &["--api", "tei"]);
    let refusals: [(&str, &str, &str, usize); 8] = [
        ("401 Unauthorized", "{\"message\": \"who are you\"}", "401: who are you", 1),
        ("403 Forbidden", "", "it answered 403", 1),
        ("404 Not Found", "{\"error\": \"model \\\"m\\\" not found\"}", "404: model \"m\" not found", 1),
        // A refused text is looked for: the whole again, and a text that is surely good.
        ("400 Bad Request", "{\"error\": \"no\\u001b[31m such\"}", "400: no [31m such", 2),
        ("422 Unprocessable Entity", "{\"detail\": \"bad\"}", "422: bad", 2),
        (
            "429 Too Many Requests",
            "{\"error\": {\"message\": \"no quota\", \"code\": \"insufficient_quota\"}}",
            "429: no quota",
            1,
        ),
        ("429 Too Many Requests\r\nretry-after: 86400", "", "it asks to wait for 86400 seconds", 1),
        ("302 Found\r\nlocation: /login", "", "name the address it leads to", 1),
    ];
    for (head, body, said, requests) in refusals {
        service.now(move |_, _| status(head, body));
        let ran = run(&world, &["add", "notes", "--id", "x", "--document", "x"]);
        assert!(ran.status == Some(5) && ran.stderr.contains(said), "{head}: {ran:?}");
        assert_eq!(service.take_asked().len(), requests, "{head}");
    }
    #[expect(clippy::type_complexity, reason = "it is a table")]
    let answers: [(fn(&Asked) -> Reply, &str); 9] = [
        (|asked| changed(asked, |all| drop(all.pop())), "it gave 1 embeddings for 2 texts"),
        (|asked| changed(asked, |all| all.push(json!(vec![1.0; DIMENSION]))), "it gave 3 embeddings for 2 texts"),
        (|asked| changed(asked, |all| all[1][3] = Json::Null), "text 2 of 2 has a component that is null"),
        (|_| plain(&json!("hello")), "its answer cannot be read"),
        (
            |asked| status("200 OK", embeddings(asked, vector).to_string().replacen("[[", "[[NaN,", 1)),
            "a component that is NaN",
        ),
        (|asked| changed(asked, |all| drop(all[1].as_array_mut().unwrap().pop())), "an embedding of 15 dimensions"),
        (|_| status("200 OK\r\ncontent-type: text/html", "<!doctype html>"), "a web page instead of JSON"),
        (|_| status("200 OK", "[[0.25, 0.5"), "its answer ends in the middle"),
        (|_| plain(&json!({"error": "model is loading"})), "without embeddings: model is loading"),
    ];
    for (answer, said) in answers {
        service.now(move |_, asked| answer(asked));
        let ran = run(&world, &["add", "notes", "--id", "x", "--document", "x"]);
        assert!(ran.status == Some(5) && ran.stderr.contains(said), "{said}: {ran:?}");
        assert!(ran.stderr.contains(&service.address), "{}", ran.stderr);
    }
    assert_eq!(count(&world), "0");
}

#[test]
fn indices_that_no_text_has_are_refused() {
    let service = Service::good();
    let world = with_notes(&service, &[]);
    for (indices, said) in [([0, 0], "two embeddings with index 0"), ([0, 2], "index 2, which no text has")] {
        service.now(move |_, _| {
            plain(&json!({"data": indices.map(|index| json!({"index": index, "embedding": vec![1.0; DIMENSION]}))}))
        });
        let ran = run(&world, &["add", "notes", "--id", "x", "--document", "x"]);
        assert!(ran.status == Some(5) && ran.stderr.contains(said), "{ran:?}");
    }
    assert_eq!(count(&world), "0");
}

#[test]
fn every_wait_has_an_end() {
    for reply in [(|| Reply::Stall) as fn() -> Reply, || Reply::Drip] {
        let service = Service::good();
        let world = with_notes(&service, &["--timeout", "1", "--retries", "1"]);
        service.now(move |_, _| reply());
        let ran = run(&world, &["add", "notes", "--id", "x", "--document", "x"]);
        assert!(ran.status == Some(5) && ran.stderr.contains("no answer came in time"), "{ran:?}");
        assert_eq!((service.take_asked().len(), count(&world)), (2, "0".to_owned()));
    }
    let world = World::new();
    // Nobody listens.
    let args = ["model", "add", "x", "--endpoint", "http://127.0.0.1:1", "--retries", "1", "--retry-wait", "0.001"];
    let ran = run(&world, &args);
    assert!(ran.status == Some(5) && ran.stderr.contains("(2 requests)"), "{ran:?}");
    assert!(!world.path("data/models/x").exists());
}

#[test]
fn another_model_behind_the_same_name_is_found_out() {
    let service = Service::good();
    let world = with_notes(&service, &["--api", "tei"]);
    ok(&world, &["add", "notes", "--id", "a", "--document", "a red fox"]);
    // Services are not stable to the bit.
    service
        .now(|_, asked| plain(&embeddings(asked, |text| vector(text).iter().map(|x| x * 1.002 + 0.000_3).collect())));
    ok(&world, &["query", "notes", "fox"]);
    service.now(|_, asked| plain(&embeddings(asked, other_vector)));
    for args in [
        &["add", "notes", "--id", "b", "--document", "b"][..],
        &["query", "notes", "fox"],
        &["embed", "x", "--model", "far"],
        &["model", "verify", "far"],
    ] {
        let ran = run(&world, args);
        assert_eq!(ran.status, Some(5), "{args:?}: {ran:?}");
        for said in [
            "model far: another model answers for \"m\"",
            &service.address,
            "similarity",
            "huedb model add far-2",
            "huedb reembed",
        ] {
            assert!(ran.stderr.contains(said), "{said}: {}", ran.stderr);
        }
        assert_eq!(service.take_asked().len(), 1, "nothing more is paid for");
    }
    // Nor does a collection take another model that was added under the name of its own.
    ok(&world, &["model", "remove", "far"]);
    assert_eq!(add(&world, &service, &["--api", "tei"]).status, Some(0));
    let ran = run(&world, &["query", "notes", "fox"]);
    assert!(ran.status == Some(2) && ran.stderr.contains("probe"), "{ran:?}");
    assert_eq!(count(&world), "1");
    // The same model elsewhere, and by another API, is the same model.
    ok(&world, &["model", "remove", "far"]);
    let elsewhere = Service::good();
    assert_eq!(add(&world, &elsewhere, &["--api", "ollama"]).status, Some(0));
    assert_eq!(ok(&world, &["query", "notes", "fox", "-o", "ids"]), "a\n");
}

#[test]
fn a_text_that_is_refused_is_found_among_the_others() {
    static PAID: AtomicUsize = AtomicUsize::new(0);
    let service = Service::good();
    let world = with_notes(&service, &["--api", "tei", "--batch-texts", "8"]);
    service.now(|_, asked| {
        if asked.texts().iter().any(|text| text.contains("endless")) {
            return status("413 Payload Too Large", json!({"error": "inputs must have less than 512 tokens"}));
        }
        PAID.fetch_add(asked.texts().len(), Ordering::Relaxed);
        Reply::Embeddings
    });
    let document = |n: usize| if n == 33 { "an endless text".to_owned() } else { format!("text number {n}") };
    let row = |n| json!({"id": format!("r{n}"), "document": document(n)}).to_string() + "\n";
    world.write("rows.jsonl", (0..64).map(row).collect::<String>());
    let ran = run(&world, &["import", "notes", "rows.jsonl"]);
    assert!(ran.status == Some(2) || ran.status == Some(5), "{ran:?}");
    assert_eq!(count(&world), "0");
    PAID.store(0, Ordering::Relaxed);
    let ran = run(&world, &["import", "notes", "rows.jsonl", "--on-error", "skip"]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    for said in ["record \"r33\"", "less than 512 tokens", "--chunk N", "failed 1"] {
        assert!(ran.stderr.contains(said), "{said}: {}", ran.stderr);
    }
    assert_eq!(count(&world), "63");
    // Beside the texts the probes alone: what was paid for in requests beside the refused one is not paid for again.
    let paid = PAID.load(Ordering::Relaxed);
    assert!(paid <= 63 + 4, "{paid}");
}
