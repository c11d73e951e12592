//! The page to look at collections with: what it is served as, and, in headless Chromium, what it does.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value as Json, json};

use crate::clients::{installed, passes};
use crate::running::{DATABASE, Running};

#[test]
fn it_is_given_to_everybody_and_may_load_nothing_from_elsewhere() {
    let server = Running::start(&[]);
    server.token(&["ann", "--role", "reader"]);
    server.until("an answer of 401", |server| server.get("/api/v2/auth/identity").status == 401);
    for (path, kind) in [("/", "text/html"), ("/page/app.js", "text/javascript"), ("/page/style.css", "text/css")] {
        let answer = server.get(path);
        let header = |name: &str| answer.headers.get(name).unwrap().to_str().unwrap().to_owned();
        assert_eq!(answer.status, 200);
        assert!(header("content-type").starts_with(kind), "{path}");
        let policy = header("content-security-policy");
        let parts = ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "trusted-types"];
        assert!(parts.iter().all(|part| policy.contains(part)) && !policy.contains("unsafe"), "{policy}");
        assert_eq!(
            (header("x-content-type-options"), header("referrer-policy")),
            ("nosniff".into(), "no-referrer".into())
        );
    }
}

#[test]
fn a_filter_is_read_for_the_page() {
    let server = Running::start(&[]);
    let own = filled(&server, "notes").replace("/api/v2", "/huedb/v1");
    let read = server.get(&format!("{own}/where?where=year%20%3E%202020%20and%20yaer%20%3D%201")).json();
    let json = json!({"$and": [{"year": {"$gt": 2020}}, {"yaer": {"$eq": 1}}]});
    assert_eq!(read, json!({"where": json, "unknown_keys": ["yaer"], "records": 0}));
    assert_eq!(server.get(&format!("{own}/where")).json()["where"], Json::Null);
    let refused = server.get(&format!("{own}/where?where=year%20%3E%3E%203"));
    assert_eq!(refused.status, 400, "{}", refused.text);
}

#[test]
fn a_map_has_a_point_for_each_record() {
    let server = Running::start(&[]);
    let own = filled(&server, "notes").replace("/api/v2", "/huedb/v1");
    let map = server.get(&format!("{own}/map?key=topic")).json();
    let length = |name: &str| map[name].as_array().unwrap().len();
    assert_eq!(["ids", "points", "labels", "values"].map(length), [64; 4]);
    let at = |id: &str| map["ids"].as_array().unwrap().iter().position(|known| known == id).unwrap();
    assert_eq!(map["points"][at("twin-a")], map["points"][at("twin-b")]);
    assert_eq!(map["values"][at("n3")], "sea");
    let words: Vec<&Json> = map["clusters"].as_array().unwrap().iter().map(|cluster| &cluster["words"]).collect();
    assert!(words.iter().any(|words| words.as_array().unwrap().contains(&json!("law"))), "{words:?}");
    let again = server.get(&format!("{own}/map?key=topic")).json();
    assert_eq!(map, again);
    let few = server.get(&format!("{own}/map?sample=5&where=topic%20%3D%20%27sea%27")).json();
    assert_eq!((&few["records"], &few["sampled"], &few["values"]), (&json!(20), &json!(5), &Json::Null));
    assert_eq!(server.get(&format!("{own}/map?sample=100001")).status, 400);
}

/// Makes a collection that the server can ask by text; returns its path.
pub(crate) fn filled(server: &Running, name: &str) -> String {
    server.ok(&["create", name, "--model", "hash-64"]);
    let id = server.get(&format!("{DATABASE}/collections/{name}")).json()["id"].as_str().unwrap().to_owned();
    let path = format!("{DATABASE}/collections/{id}");
    let topics = ["sea", "sky", "law"];
    let (mut ids, mut documents, mut metadatas) = (Vec::new(), Vec::new(), Vec::new());
    let mut add = |id: String, document: String, metadata: Json| {
        ids.push(id);
        documents.push(document);
        metadatas.push(metadata);
    };
    for n in 0..60 {
        let topic = topics[n % 3];
        let document = format!("note {n} on the {topic}, of words {} and {}", n * 7 % 11, n * 5 % 13);
        add(format!("n{n}"), document, json!({"year": 2000 + n, "topic": topic}));
    }
    let fox = format!("{} a red fox jumps over the lazy dog", "many other words stand before it, ".repeat(40));
    add("fox".into(), fox, json!({"year": 2021}));
    let hostile = "<script>window.pwned = 1</script><img src=x onerror='window.pwned = 2'>\u{202e}\u{1b}[31m";
    add("hostile<b>".into(), hostile.into(), json!({"<i>key</i>": hostile}));
    for id in ["twin-a", "twin-b"] {
        add(id.into(), "two that say the same".into(), json!({"year": 1999}));
    }
    let added =
        server.post(&format!("{path}/add"), &json!({"ids": ids, "documents": documents, "metadatas": metadatas}));
    assert_eq!(added.status, 201, "{}", added.text);
    path
}

/// Returns Chromium, where there is one.
pub(crate) fn chromium() -> Option<PathBuf> {
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|path| path.is_file())
}

/// Has Chromium do what a script of `tests/serve/clients` says; `None` where it cannot.
pub(crate) fn browse(script: &str, args: &[&str]) -> Option<()> {
    let modules = installed("javascript/node_modules/playwright-core")?.parent()?.to_owned();
    let chromium = chromium()?;
    let shots = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/page");
    std::fs::create_dir_all(&shots).unwrap();
    // Modules are looked for beside the script.
    let beside = modules.with_file_name(format!("{}-{script}", std::process::id()));
    std::fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/serve/clients").join(script), &beside).unwrap();
    passes(Command::new("node").arg(&beside).args([&chromium, &shots]).args(args));
    std::fs::remove_file(beside).unwrap();
    Some(())
}

#[test]
fn it_is_used_in_a_browser() {
    let server = Running::start(&[]);
    filled(&server, "notes");
    server.ok(&["create", "empty"]);
    let token = server.token(&["ann", "--role", "reader"]);
    server.until("an answer of 401", |server| server.get("/api/v2/auth/identity").status == 401);
    let address = format!("http://{}", server.address);
    if browse("page.mjs", &[&address, &token]).is_none() {
        eprintln!("not run, for there is no Chromium or `make clients` was not: it_is_used_in_a_browser");
    }
}
