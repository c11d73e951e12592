//! The whole command line on a server instead of a file: on another huedb, and on what speaks Chroma's API alone.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use huedb::backend::{Backend, FileBackend, ServerBackend};
use huedb::input::ServerOptions;
use huedb::query::{Ask, Filter, Query, RecordQuery};
use huedb::record::{CollectionName, MetadataPatch, RecordId, Scope, Space, Value};
use huedb::store::{Access, Change, Effect, Include, Mode, NewCollection, Store};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::proxy::{Asked, Deed, Proxy, answer};
use crate::random::Random;
use crate::running::{DATABASE, Running, huedb};

/// Runs a command on a place, in a folder of its own.
pub(crate) fn on(place: &str, folder: &Path, args: &[&str]) -> Output {
    let mut command = huedb(Path::new(place));
    command.current_dir(folder).env("COLUMNS", "200").args(args).output().unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub(crate) fn ok(place: &str, folder: &Path, args: &[&str]) -> String {
    let output = on(place, folder, args);
    assert!(output.status.success(), "{place} {args:?}: {}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

const ROWS: &str = r#"{"id":"fox","document":"a red fox jumps over the fence","metadata":{"year":2021,"price":1.5,"tags":["a","b"],"ok":true,"lang":"en"},"uri":"fox.md"}
{"id":"dog","document":"a lazy dog sleeps","metadata":{"year":2022,"price":2,"lang":"en"}}
{"id":"cat","document":"a red cat sleeps by the fire","metadata":{"year":2023,"price":2.5,"tags":["b"],"lang":"de"},"uri":"cat.md"}
{"id":"owl","document":"an owl sees at night","metadata":{"year":2021,"lang":"de"}}
{"id":"eel","document":"an eel swims in the river"}
{"id":"bee","document":"a bee makes honey","metadata":{"year":2020,"ok":false,"lang":"fr"},"uri":"bee.md"}
"#;

/// What is asked of every place, one after another; what it answers is compared, and its exit code.
pub(crate) const ALIKE: &[&[&str]] = &[
    &["create", "notes", "--model", "hash-32", "--space", "cosine"],
    &["import", "notes", "rows.jsonl"],
    &["import", "notes", "rows.jsonl"],
    &["count", "notes"],
    &["count", "notes", "--where", "year >= 2021"],
    &["count", "notes", "--where", "price > 1.75"],
    &["count", "notes", "--where", "year != 2021"],
    &["count", "notes", "--where", "tags exists or ok = false"],
    &["get", "notes", "-o", "json"],
    &["get", "notes", "--id", "fox", "--id", "cat", "--id", "ghost", "-o", "json"],
    &["get", "notes", "--where", "lang = 'de' and #document contains 'red'", "-o", "json"],
    &["get", "notes", "--where-document", "sleeps", "-o", "ids"],
    &["get", "notes", "--sort", "year", "--limit", "3", "-o", "ids"],
    &["get", "notes", "--sort", "year", "--desc", "--offset", "1", "-o", "ids"],
    &["get", "notes", "--limit", "2", "--offset", "3", "-o", "ids"],
    &["peek", "notes", "-o", "jsonl"],
    &["add", "notes", "--id", "fox", "--document", "another fox"],
    &["add", "notes", "--id", "new", "--document", "a new record", "--metadata", "{\"year\": 2024}"],
    &["update", "notes", "--id", "dog", "--document", "a dog that runs"],
    &["update", "notes", "--id", "ghost", "--document", "nobody"],
    &["update", "notes", "--where", "lang = 'de'", "--metadata", "{\"seen\": true, \"year\": null}"],
    &["upsert", "notes", "--id", "eel", "--document", "an electric eel", "--metadata", "{\"year\": 2025}"],
    &["get", "notes", "-o", "json", "--include", "documents,metadatas,uris,embeddings"],
    &["query", "notes", "a red fox", "-o", "json"],
    &["query", "notes", "a red fox", "--limit", "2", "--where", "year <= 2023", "-o", "json"],
    &["query", "notes", "sleeps", "--where", "price < 2.25", "-o", "json"],
    &["query", "notes", "sleeps", "--id", "fox", "--id", "dog", "-o", "json"],
    &["query", "notes", "honey", "--offset", "1", "--limit", "3", "-o", "json"],
    &["query", "notes", "--like", "fox", "--unlike", "owl", "-o", "json"],
    &["query", "notes", "red", "--unique", "-o", "json"],
    &["query", "notes", "red", "--best-per", "lang", "-o", "json"],
    &["query", "notes", "a red fox", "--max-distance", "0.9", "-o", "json"],
    &["query", "notes", "--embedding", "[1, 2]"],
    &["distinct", "notes", "year", "-o", "json"],
    &["keys", "notes", "-o", "json"],
    &["dedupe", "notes", "--max-distance", "0.5", "-o", "json"],
    &["stats", "notes", "-o", "json"],
    &["delete", "notes", "--id", "bee", "--id", "ghost"],
    &["delete", "notes", "--where", "year = 2025", "--dry-run"],
    &["delete", "notes", "--where", "year = 2025"],
    &["export", "notes"],
    &["modify", "notes", "--name", "letters"],
    &["count", "letters"],
    &["count", "notes"],
    &["create", "letters"],
    &["drop", "letters"],
    &["count", "letters"],
];

/// Takes out what a place says of itself.
fn plain(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), text(&output.stdout))
}

pub(crate) fn compare(place: &str, verbs: &[&[&str]]) {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("rows.jsonl"), ROWS).unwrap();
    let file = folder.path().join("file.redb");
    for args in verbs {
        let expected = on(file.to_str().unwrap(), folder.path(), args);
        let got = on(place, folder.path(), args);
        let (said, wanted) = (text(&got.stderr), text(&expected.stderr));
        assert_eq!(plain(&got), plain(&expected), "{args:?}\nplace: {said}\nfile: {wanted}");
    }
}

#[test]
fn another_huedb_answers_as_the_file() {
    let server = Running::start(&[]);
    let hybrid: &[&[&str]] = &[
        &["create", "words", "--model", "hash-32", "--hybrid"],
        &["import", "words", "rows.jsonl"],
        &["query", "words", "a red fox", "--hybrid", "-o", "json"],
        &["query", "words", "fire", "--hybrid", "--where", "lang = 'de'", "-o", "json"],
        &["index", "build", "words"],
        &["index", "show", "words", "-o", "json"],
        &["index", "build", "words", "--clusters"],
        &["index", "show", "words", "-o", "json"],
        &["index", "drop", "words", "--clusters"],
        &["index", "drop", "words", "--clusters"],
        &["index", "drop", "words"],
        &["index", "drop", "words"],
        &["tenant", "create", "acme"],
        &["tenant", "list"],
        &["--tenant", "acme", "database", "create", "main"],
        &["--tenant", "acme", "database", "list", "-o", "ids"],
        &["--tenant", "acme", "--database", "main", "create", "deep"],
        &["--tenant", "acme", "--database", "main", "list", "-o", "ids"],
        &["tenant", "drop", "acme"],
        &["tenant", "list"],
    ];
    compare(&format!("http://{}", server.address), &[ALIKE, hybrid].concat());
    server.ok(&["check", "--deep"]);
}

#[test]
fn what_speaks_chromas_api_answers_as_the_file() {
    let server = Running::start(&[]);
    let proxy = Proxy::chroma(&server.address);
    // Chroma's API names the model of a collection only where it is the default one.
    let alike: Vec<&[&str]> = ALIKE.iter().copied().filter(|args| !args.contains(&"--model")).collect();
    let create: &[&str] = &["create", "notes", "--space", "cosine"];
    compare(&proxy.address, &[&[create][..], alike.as_slice()].concat());
    assert_eq!(proxy.count(" /huedb/v1/tenants"), 0);
}

#[test]
fn a_hybrid_collection_of_chroma_answers_as_the_file() {
    let server = Running::start(&[]);
    let proxy = Proxy::chroma(&server.address);
    let hybrid: &[&[&str]] = &[
        &["create", "words", "--hybrid"],
        &["import", "words", "rows.jsonl"],
        &["query", "words", "a red fox", "--hybrid", "-o", "json"],
        &["query", "words", "fire", "--hybrid", "--where", "lang = 'de'", "-o", "json"],
        &["query", "words", "granite", "--hybrid", "-o", "json"],
        &["update", "words", "--id", "eel", "--document", "a red eel by the fire"],
        &["update", "words", "--where", "lang = 'de'", "--metadata", "{\"seen\": true}"],
        &["query", "words", "fire", "--hybrid", "-o", "json"],
        &["get", "words", "-o", "json"],
        &["keys", "words", "-o", "json"],
        &["export", "words"],
    ];
    compare(&proxy.address, hybrid);
    // What its clients find by words is there, and follows the document.
    let words = server.get(&format!("{DATABASE}/collections/words")).json();
    let path = format!("{DATABASE}/collections/{}/get", words["id"].as_str().unwrap());
    let kept = server.post(&path, &json!({"ids": ["eel"]})).json();
    let vector = &kept["metadatas"][0]["sparse_embedding"];
    assert_eq!(vector, &huedb::bm25::bm25("a red eel by the fire").to_json(), "{kept}");
    // It goes into a file and comes back hybrid.
    let folder = TempDir::new().unwrap();
    ok("file.redb", folder.path(), &["pull", "words", &proxy.address, "--verify"]);
    ok("file.redb", folder.path(), &["push", "words", &proxy.address, "--into", "again", "--verify"]);
    let ask = |name: &'static str| ["query", name, "fire", "--hybrid", "-o", "json"];
    let expected = ok(&proxy.address, folder.path(), &ask("words"));
    assert_eq!(ok("file.redb", folder.path(), &ask("words")), expected);
    assert_eq!(ok(&proxy.address, folder.path(), &ask("again")), expected);
    // Vectors of another kind are no words to huedb, and are left alone.
    let model = json!({"type": "known", "name": "default", "config": {}});
    let other = json!({"name": "other", "schema": {"keys": {
        "#embedding": {"float_list": {"vector_index": {"enabled": true, "config": {"embedding_function": model}}}},
        "terms": {"sparse_vector": {"sparse_vector_index": {"enabled": true, "config": {
            "source_key": "#document", "embedding_function": {"name": "chroma-cloud-splade"}}}}}}}});
    assert_eq!(server.post(&format!("{DATABASE}/collections"), &other).status, 200);
    let refused = on(&proxy.address, folder.path(), &["query", "other", "fire", "--hybrid"]);
    let said = text(&refused.stderr);
    assert!(refused.status.code() == Some(2) && said.contains("weighed by chroma-cloud-splade"), "{said}");
}

#[test]
fn what_a_server_cannot_do_is_refused_by_name() {
    let server = Running::start(&[]);
    let (own, chroma) = (format!("http://{}", server.address), Proxy::chroma(&server.address));
    let folder = TempDir::new().unwrap();
    ok(&own, folder.path(), &["create", "notes", "--model", "hash-32"]);
    for (place, args, why) in [
        (&own, &["compact"][..], "compact works on a file"),
        (&own, &["check"], "check works on a file"),
        (&own, &["backup", "x"], "backup works on a file"),
        (&own, &["token", "list"], "token works on a file or on PostgreSQL"),
        (&chroma.address, &["tenant", "list"], "no way to list tenants"),
        (&chroma.address, &["index", "build", "notes", "--hybrid"], "an index of words works on a file"),
    ] {
        let output = on(place, folder.path(), args);
        let said = text(&output.stderr);
        assert!(output.status.code() == Some(2) && said.contains(why), "{args:?}: {said}");
    }
}

#[test]
fn random_operations_have_the_same_outcome_in_a_file_and_at_a_server() {
    let mut random = Random::new();
    let seed = random.seed();
    let server = Running::start(&[]);
    let own = format!("http://{}", server.address);
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file.redb");
    let file = file.to_str().unwrap();
    let (mut script, mut ids) = (String::new(), 0);
    for _ in 0..200 {
        let id = random.below(30);
        let line = match random.below(9) {
            0 | 1 => {
                ids += 1;
                format!(
                    "add notes --id r{id} --document 'text {ids} of {id}' --metadata '{{\"n\": {}}}'",
                    random.below(5)
                )
            }
            2 => format!(
                "upsert notes --id r{id} --document 'other text {}' --metadata '{{\"m\": {}}}'",
                random.below(9),
                random.below(3)
            ),
            3 => format!("update notes --id r{id} --metadata '{{\"n\": {}}}'", random.below(5)),
            4 => format!("delete notes --id r{id}"),
            5 => format!("get notes --where 'n > {} or m = 1' -o json", random.below(5)),
            6 => format!("query notes 'text {}' --limit 4 -o json", random.below(30)),
            7 => format!("query notes 'other text' --where 'n != {}' -o json", random.below(5)),
            _ => "count notes".to_owned(),
        };
        script.push_str(&line);
        script.push('\n');
    }
    std::fs::write(folder.path().join("script"), &script).unwrap();
    for place in [file, &own] {
        ok(place, folder.path(), &["create", "notes", "--model", "hash-16"]);
    }
    let run = |place: &str| on(place, folder.path(), &["exec", "script", "--keep-going"]);
    let (expected, got) = (run(file), run(&own));
    assert_eq!(plain(&got), plain(&expected), "seed {seed}: {}", text(&got.stderr));
    let whole = ["export", "notes", "-o", "jsonl"];
    assert_eq!(ok(&own, folder.path(), &whole), ok(file, folder.path(), &whole), "seed {seed}");
}

/// Rows of an import, more than go into one request of the server.
fn many_rows(folder: &Path, rows: usize) {
    let line =
        |n: usize| format!("{{\"id\":\"r{n}\",\"document\":\"the text of row {n}\",\"metadata\":{{\"n\":{n}}}}}\n");
    std::fs::write(folder.join("many.jsonl"), (0..rows).map(line).collect::<String>()).unwrap();
}

#[test]
fn a_stopped_import_goes_on_and_embeds_nothing_again() {
    let server = Running::start(&[]);
    let folder = TempDir::new().unwrap();
    many_rows(folder.path(), 2000);
    let writes = AtomicUsize::new(0);
    let proxy = Proxy::before(&server.address, move |asked| {
        let is_write = asked.path.ends_with("/batch");
        // The third batch and all after it are lost, however often they are sent.
        if is_write && writes.fetch_add(1, Ordering::Relaxed) >= 2 {
            return answer("500 Internal Server Error", "", r#"{"error":"InternalError","message":"broken"}"#);
        }
        Deed::Pass
    });
    ok(&proxy.address, folder.path(), &["create", "notes", "--model", "hash-32"]);
    let import = ["import", "notes", "many.jsonl", "--batch-size", "500"];
    let output = on(&proxy.address, folder.path(), &import);
    assert_eq!(output.status.code(), Some(5), "{}", text(&output.stderr));
    let own = format!("http://{}", server.address);
    assert_eq!(ok(&own, folder.path(), &["count", "notes"]).trim(), "1000");
    let output = on(&own, folder.path(), &import);
    let said = text(&output.stderr);
    assert!(output.status.success() && said.contains("unchanged 1,000"), "{said}");
    assert!(said.contains("embedded 1,000"), "{said}");
    assert_eq!(ok(&own, folder.path(), &["count", "notes"]).trim(), "2000");
    assert_eq!(
        ok(&own, folder.path(), &["get", "notes", "--limit", "1", "--offset", "1999", "-o", "ids"]).trim(),
        "r1999"
    );
}

#[test]
fn a_server_that_misbehaves_is_asked_again_or_told_of() {
    let server = Running::start(&[]);
    let folder = TempDir::new().unwrap();
    let own = format!("http://{}", server.address);
    ok(&own, folder.path(), &["create", "notes", "--model", "hash-16"]);
    ok(&own, folder.path(), &["add", "notes", "--id", "a", "--document", "one"]);
    let counted = |deed: fn(usize) -> Deed| {
        let times = AtomicUsize::new(0);
        Proxy::before(&server.address, move |asked| {
            if asked.path.ends_with("/find") || asked.path.ends_with("/batch") {
                deed(times.fetch_add(1, Ordering::Relaxed))
            } else {
                Deed::Pass
            }
        })
    };
    let get = ["get", "notes", "--id", "a", "-o", "ids"];
    let add = ["add", "notes", "--id", "b", "--document", "two"];
    let put_off = |n: usize| match n {
        0 | 1 => answer("429 Too Many Requests", "retry-after: 0\r\n", r#"{"error":"Backoff","message":"later"}"#),
        _ => Deed::Pass,
    };
    // What passes is asked for again, a write as well.
    let passing: [fn(usize) -> Deed; 4] = [
        put_off,
        |n| if n == 0 { answer("503 Service Unavailable", "", "") } else { Deed::Pass },
        |n| if n == 0 { Deed::Cut(40) } else { Deed::Pass },
        |n| if n == 0 { Deed::PassAndHangUp } else { Deed::Pass },
    ];
    for deed in passing {
        let proxy = counted(deed);
        assert_eq!(ok(&proxy.address, folder.path(), &get).trim(), "a");
        let proxy = counted(deed);
        ok(&proxy.address, folder.path(), &add);
        assert_eq!(ok(&own, folder.path(), &["count", "notes"]).trim(), "2");
        ok(&own, folder.path(), &["delete", "notes", "--id", "b"]);
    }
    // What does not is told, with the server's name.
    type Case = (fn(usize) -> Deed, i32, &'static str);
    let told: [Case; 5] = [
        (|_| answer("200 OK", "", "{\"ids\": 1}"), 2, "cannot be read"),
        (|_| answer("302 Found", "location: http://elsewhere/\r\n", ""), 2, "it leads elsewhere"),
        (
            |_| answer("401 Unauthorized", "", r#"{"error":"AuthorizationError","message":"a token is needed"}"#),
            2,
            "--token-file",
        ),
        (|_| answer("418 Teapot", "", "no"), 2, "it answered 418: no"),
        (|_| Deed::Cut(10), 5, "see that it runs"),
    ];
    for (deed, code, why) in told {
        let proxy = counted(deed);
        let output = on(&proxy.address, folder.path(), &get);
        let said = text(&output.stderr);
        assert!(output.status.code() == Some(code) && said.contains(why), "{why}: {:?} {said}", output.status);
        assert!(said.contains(&proxy.address), "{said}");
    }
    let output = on("http://127.0.0.1:1", folder.path(), &get);
    assert!(
        output.status.code() == Some(5) && text(&output.stderr).contains("127.0.0.1:1"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn a_token_comes_from_a_file_a_command_or_a_variable() {
    let folder = TempDir::new().unwrap();
    let made =
        huedb(&folder.path().join("test.redb")).args(["token", "create", "ci", "--role", "writer"]).output().unwrap();
    let token = text(&made.stdout).trim().to_owned();
    let server = Running::over(folder, &[]);
    let place = format!("http://{}", server.address);
    let here = TempDir::new().unwrap();
    std::fs::write(here.path().join("token"), format!("{token}\n")).unwrap();
    let refused = on(&place, here.path(), &["list"]);
    let said = text(&refused.stderr);
    assert!(refused.status.code() == Some(2) && said.contains("--token-command"), "{said}");
    ok(&place, here.path(), &["--token-file", "token", "create", "notes"]);
    ok(&place, here.path(), &["--token-command", "cat token", "list"]);
    let by_variable = |verb: &str| -> Command {
        let mut command = huedb(Path::new(&place));
        command.current_dir(here.path()).env("HUEDB_TOKEN", &token).arg(verb);
        command
    };
    assert!(by_variable("list").output().unwrap().status.success());
    for args in [
        &["--token-command", "false"][..],
        &["--token-command", "true"],
        &["--token-file", "none"],
        &["--token-file", "token", "--token-command", "cat token"],
    ] {
        let output = on(&place, here.path(), &[args, &["list"]].concat());
        assert!(!output.status.success() && !text(&output.stderr).contains(&token), "{args:?}");
    }
}

#[test]
fn each_end_of_a_push_is_told_its_own_token() {
    let guarded = || {
        let folder = TempDir::new().unwrap();
        let made = huedb(&folder.path().join("test.redb")).args(["token", "create", "ci", "--role", "admin"]).output();
        let token = text(&made.unwrap().stdout).trim().to_owned();
        (Running::over(folder, &[]), token)
    };
    let ((one, token), (other, other_token)) = (guarded(), guarded());
    let told = Arc::new(AtomicUsize::new(0));
    let (hears, secret) = (Arc::clone(&told), token.clone());
    let proxy = Proxy::before(&other.address, move |asked| {
        hears.fetch_add(usize::from(asked.head.contains(&secret)), Ordering::Relaxed);
        Deed::Pass
    });
    let (here, place) = (TempDir::new().unwrap(), format!("http://{}", one.address));
    std::fs::write(here.path().join("token"), &other_token).unwrap();
    let push = |db: &str, tokens: &[(&str, &str)], args: &[&str]| -> Output {
        let mut command = huedb(Path::new(db));
        command.envs(tokens.iter().copied()).current_dir(here.path()).args(args).output().unwrap()
    };
    let (own, both) =
        ([("HUEDB_TOKEN", token.as_str())], [("HUEDB_TOKEN", token.as_str()), ("HUEDB_PLACE_TOKEN", &other_token)]);
    let done = push(&place, &own, &["create", "notes", "--model", "hash-16"]);
    assert!(done.status.success(), "{}", text(&done.stderr));
    let bare = ["push", "notes", proxy.address.as_str()];
    let refused = push(&place, &own, &bare);
    assert!(refused.status.code() == Some(2) && text(&refused.stderr).contains("401"), "{}", text(&refused.stderr));
    type Way<'w> = (&'w [(&'w str, &'w str)], &'w [&'w str]);
    let ways: [Way; 3] =
        [(&both, &[]), (&own, &["--place-token-file", "token"]), (&own, &["--place-token-command", "cat token"])];
    for (tokens, more) in ways {
        for verb in ["push", "pull"] {
            let done = push(&place, tokens, &[&[verb], &bare[1..], more].concat());
            assert!(done.status.success(), "{verb} {more:?}: {}", text(&done.stderr));
        }
    }
    assert_eq!(told.load(Ordering::Relaxed), 0, "a server was told the token for another");
    // Where --db is no server, there is one token, and it is for the other place.
    let done = push("file.redb", &[("HUEDB_TOKEN", &other_token)], &["pull", "notes", &proxy.address]);
    assert!(done.status.success(), "{}", text(&done.stderr));
    let both =
        push("file.redb", &[], &[&bare[..], &["--place-token-file", "token", "--place-token-command", "x"]].concat());
    assert_eq!(both.status.code(), Some(2));
}

/// Answers as Chroma's cloud does what is beyond its quotas or says no token.
fn cloud(asked: &Asked) -> Deed {
    let refuse = |why: &str| {
        answer("422 Unprocessable Entity", "", &json!({"error": "ChromaError", "message": why}).to_string())
    };
    if asked.path.starts_with("/huedb/") {
        return answer("404 Not Found", "", "");
    }
    if !asked.head.to_lowercase().contains("x-chroma-token: sesame") {
        return answer("401 Unauthorized", "", r#"{"error":"AuthError","message":"who are you"}"#);
    }
    let body: Json = serde_json::from_slice(&asked.body).unwrap_or_default();
    let list = |name: &str| body[name].as_array().map_or(0, Vec::len);
    let longest = |name: &str| {
        let texts = body[name].as_array().into_iter().flatten().filter_map(Json::as_str);
        texts.map(str::len).max().unwrap_or(0)
    };
    let is_write = ["/add", "/update", "/upsert", "/delete"].iter().any(|end| asked.path.ends_with(end));
    if is_write && (list("ids") > 300 || longest("ids") > 128 || longest("documents") > 16 << 10) {
        return refuse("Quota exceeded: a write");
    }
    if body["limit"].as_u64().unwrap_or(0) > 300 || body["n_results"].as_u64().unwrap_or(0) > 300 {
        return refuse("Quota exceeded: results");
    }
    let searches = body["searches"].as_array().into_iter().flatten();
    if searches.clone().any(|search| search["limit"]["limit"].as_u64().is_none_or(|limit| limit > 300)) {
        return refuse("Quota exceeded: results of a search");
    }
    if searches.clone().any(|search| search["filter"].to_string().matches("\"$").count() > 8) {
        return refuse("Quota exceeded: predicates of a search");
    }
    if asked.path.ends_with("/get") && body["limit"].is_null() {
        return refuse("Quota exceeded: a get without a limit");
    }
    if body["where"].to_string().matches("$eq").count() > 8 {
        return refuse("Quota exceeded: predicates");
    }
    Deed::Pass
}

#[test]
fn the_quotas_of_chromas_cloud_are_kept_to() {
    let server = Running::start(&[]);
    let proxy = Proxy::before(&server.address, cloud);
    let options = ServerOptions { is_cloud: true, ..ServerOptions::default() };
    let stranger = ServerBackend::connect(&proxy.address, Scope::default(), &options).unwrap();
    assert!(stranger.collections().unwrap_err().to_string().contains("who are you"));
    let place = ServerBackend::connect(&proxy.address, Scope::default(), &options.with_token("sesame")).unwrap();
    let folder = TempDir::new().unwrap();
    let store = Store::open(folder.path().join("file.redb"), Access::Create).unwrap();
    let file = FileBackend::new(store);
    let mut random = Random::new();
    let changes: Vec<Change> = (0..2000)
        .map(|n| {
            let mut metadata = MetadataPatch::default();
            metadata.insert("n", Some(Value::Int(n % 10))).unwrap();
            let (id, document) = (RecordId::parse(format!("r{n}")).unwrap(), Some(format!("text {n}")));
            Change { id, embedding: Some(random.vector(8)), embedded_here: false, document, uri: None, metadata }
        })
        .collect();
    let questions: Vec<Vec<f32>> = (0..5).map(|_| random.vector(8)).collect();
    let mut answers = Vec::new();
    for place in [&place as &dyn Backend, &file] {
        place.create_collection(CollectionName::parse("notes").unwrap(), NewCollection::default()).unwrap();
        let notes = place.collection("notes".into());
        let effects = notes.apply(changes.clone(), Mode::Add).unwrap();
        assert!(effects.iter().all(|effect| *effect == Effect::Added));
        assert_eq!(notes.count().unwrap(), 2000);
        let wide: Vec<String> = (0..9).map(|n| format!("n = {n}")).collect();
        let wide = RecordQuery { filter: Some(Filter::parse(&wide.join(" or ")).unwrap()), ..RecordQuery::default() };
        let ids: Vec<RecordId> = notes.find(&wide, Include::NONE).unwrap().ids().map(Result::unwrap).collect();
        let state = notes.state().unwrap();
        let near = state.query(&Query::vectors(questions.clone()).top(10)).unwrap().hits;
        let exact = state.query(&Query::vectors(questions.clone()).top(400).exact(true)).unwrap().hits;
        let deleted = notes.delete_where(&wide).unwrap();
        answers.push((ids, near, exact, deleted, notes.count().unwrap()));
    }
    assert!(answers[0] == answers[1], "seed {}", random.seed());
    let writes = proxy.count("/add");
    let notes = place.collection("notes".into());
    let mut long = changes[0].clone();
    long.document = Some("x".repeat((16 << 10) + 1));
    let error = notes.apply(vec![changes[1].clone(), long], Mode::Add).unwrap_err().to_string();
    assert!(error.contains("record \"r0\": its document has 16385 bytes"), "{error}");
    assert_eq!(proxy.count("/add"), writes, "something was sent");
}

#[test]
fn the_cloud_is_asked_by_meaning_and_words() {
    const WORDS: [&str; 8] = ["fox", "dog", "comet", "whale", "tax", "income", "granite", "river"];
    let server = Running::start(&[]);
    let proxy = Proxy::before(&server.address, cloud);
    let options = ServerOptions { is_cloud: true, ..ServerOptions::default() }.with_token("sesame");
    let place = ServerBackend::connect(&proxy.address, Scope::default(), &options).unwrap();
    let new = NewCollection { bm25: true, space: Space::Cosine, ..NewCollection::default() };
    assert!(place.create_collection(CollectionName::parse("notes").unwrap(), new).unwrap().bm25);
    let notes = place.collection("notes".into());
    let mut random = Random::new();
    let changes: Vec<Change> = (0..1500)
        .map(|n| {
            let mut metadata = MetadataPatch::default();
            metadata.insert("n", Some(Value::Int(n % 10))).unwrap();
            // One word in a hundred records or so, so that all of them are found by it.
            let word = if random.chance(8) { WORDS[random.below(WORDS.len())] } else { "text" };
            let (id, document) = (RecordId::parse(format!("r{n}")).unwrap(), Some(format!("{word} number {n}")));
            Change { id, embedding: Some(random.vector(8)), embedded_here: false, document, uri: None, metadata }
        })
        .collect();
    notes.apply(changes.clone(), Mode::Add).unwrap();
    for word in WORDS {
        let vector = random.vector(8);
        for filter in [None, Some("n < 7")] {
            let kept = filter.map(|filter| Filter::parse(filter).unwrap());
            let asks = vec![Ask::Text { text: word.into(), vector: Some(vector.clone()), sparse: None }];
            let mut query = Query::text(word).hybrid(true).top(10).filter(kept);
            query.asks = asks;
            let (searches, reads) = (proxy.count("/search"), proxy.count("/get"));
            let hits = notes.state().unwrap().query(&query).unwrap().hits.remove(0);
            assert!(proxy.count("/search") > searches, "{word}");
            // Not all of them came here.
            assert!(proxy.count("/get") - reads <= 3, "{}", proxy.count("/get") - reads);
            // The same score over all records: words as Chroma weighs them.
            let asked = huedb::bm25::bm25(word);
            let cosine = |other: &[f32]| {
                let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
                dot(&vector, other) / (dot(&vector, &vector) * dot(other, other)).sqrt()
            };
            let by_words = |document: &str| {
                let held = huedb::bm25::bm25(document);
                let of =
                    |term| held.iter().find(|(held, _)| *held == term).map_or(0.0, |(_, weight)| f64::from(weight));
                asked.iter().map(|(term, weight)| f64::from(weight) * of(term)).sum::<f64>()
            };
            let kept = changes.iter().enumerate().filter(|(n, _)| filter.is_none() || n % 10 < 7);
            let facts: Vec<(String, f64, f64)> = kept
                .map(|(n, change)| {
                    let document = change.document.as_deref().unwrap();
                    (format!("r{n}"), cosine(change.embedding.as_deref().unwrap()), by_words(document))
                })
                .collect();
            let best = facts.iter().fold((-1.0_f64, 0.0_f64), |best, fact| (best.0.max(fact.1), best.1.max(fact.2)));
            let score = |fact: &(String, f64, f64)| 0.75 * (1.0 + fact.1) / (1.0 + best.0) + 0.25 * fact.2 / best.1;
            let mut expected: Vec<(f64, String)> = facts.iter().map(|fact| (score(fact), fact.0.clone())).collect();
            expected.sort_by(|a, b| b.0.total_cmp(&a.0));
            for (hit, (score, id)) in hits.iter().zip(&expected) {
                let found = f64::from(hit.score.unwrap());
                assert!((found - score).abs() < 1e-4, "{word} {filter:?}: {} {found} {id} {score}", hit.record.id);
                assert!(hit.record.metadata.as_ref().unwrap().get("sparse_embedding").is_none());
            }
            assert_eq!(hits.len(), 10);
        }
    }
    // A question without words, and one whose words nobody has, go by meaning alone.
    let asks = vec![Ask::Text { text: "zebra".into(), vector: Some(random.vector(8)), sparse: None }];
    let mut query = Query::text("zebra").hybrid(true).top(5);
    query.asks = asks;
    let answer = notes.state().unwrap().query(&query).unwrap();
    assert!(answer.hits[0].len() == 5 && answer.warnings[0].contains("zebra"), "{:?}", answer.warnings);
}

#[test]
fn no_answer_is_waited_for_without_end() {
    let server = Running::start(&[]);
    let options = ServerOptions { patience: Some(Duration::from_millis(300)), ..ServerOptions::default() };
    let deeds: [fn() -> Deed; 2] = [|| Deed::Wait, || Deed::Endless];
    for deed in deeds {
        let proxy =
            Proxy::before(
                &server.address,
                move |asked| {
                    if asked.path.ends_with("/collections") { deed() } else { Deed::Pass }
                },
            );
        let place = ServerBackend::connect(&proxy.address, Scope::default(), &options).unwrap();
        let error = place.collections().unwrap_err();
        assert_eq!(error.name(), "server", "{error}");
        // What is only read is asked for again, a few times.
        assert!((2..10).contains(&proxy.count("/collections")), "{:?}", proxy.seen);
    }
}
