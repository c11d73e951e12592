//! `import` of what other programs wrote: Chroma's folders and servers, llm's files.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use base64::Engine;
use serde_json::Value as Json;

use crate::huedb::{Ran, World, finish};
use crate::server::serve;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

fn chroma(version: &str) -> String {
    fixtures().join("chroma").join(version).join("folder").to_str().unwrap().to_owned()
}

/// The bytes of all files of a folder.
fn state(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let of =
        |path: PathBuf| if path.is_dir() { state(&path) } else { [(path.clone(), fs::read(path).unwrap())].into() };
    entries.flat_map(of).collect()
}

fn lines(text: &str) -> Vec<Json> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The records of a dump, with the embeddings as bits.
fn records(dump: &str) -> Vec<Json> {
    let mut records = lines(dump);
    records.retain(|record| record.get("id").is_some());
    for record in &mut records {
        let bytes = base64::prelude::BASE64_STANDARD.decode(record["embedding"].as_str().unwrap()).unwrap();
        let bits: Vec<u32> = bytes.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word)).collect();
        record["embedding"] = bits.into();
    }
    records
}

#[test]
fn a_folder_is_imported_again_and_again() {
    for version in ["0.4.24", "0.6.3", "1.5.9"] {
        let (world, folder) = (World::plain(), chroma(version));
        let before = state(Path::new(&folder));
        let ran = world.run(&["import", "--from-chroma", &folder]);
        assert_eq!((ran.status, ran.stdout.as_str()), (Some(0), ""), "{version}: {}", ran.stderr);
        let says = "6 collections: added 143, updated 0, unchanged 0, skipped 0 in ";
        assert!(ran.stderr.contains(says), "{version}: {}", ran.stderr);
        assert_eq!(state(Path::new(&folder)), before, "the folder is as it was");
        let dump = world.ok(&["export", "--all"]);
        let ran = world.run(&["import", "--from-chroma", &folder]);
        assert!(ran.stderr.contains("6 collections: added 0, updated 0, unchanged 143"), "{version}: {}", ran.stderr);
        assert_eq!(world.ok(&["export", "--all"]), dump);
        world.run(&["check", "--deep"]).is("", "no damage found in test.redb\n", 0);
        assert_eq!(world.ok(&["count", "queued", "--database", "staging"]), "12\n");
        assert_eq!(world.ok(&["query", "written-l2", "--embedding", "[9, 8, 7]", "-n", "1", "-o", "ids"]), "r5\n");
        let shown: Json = serde_json::from_str(&world.ok(&["show", "written-cosine", "-o", "json"])).unwrap();
        assert_eq!(shown["configuration_json"]["hnsw"]["space"], "cosine");
        assert_eq!(shown["configuration_json"]["hnsw"]["sync_threshold"], 20, "{shown}");
        let id = world.ok(&["get", "written-l2", "-o", "ids"]).lines().next().unwrap().to_owned();
        assert_eq!(id, "r0", "insertion order");
    }
}

#[test]
fn one_collection_can_have_another_name_and_come_into_one_that_is_there() {
    let (world, folder) = (World::new(), chroma("1.5.9"));
    world.ok(&["create", "mine", "--no-model", "--space", "l2"]);
    world.ok(&["add", "mine", "--id", "own", "--embedding", "[1, 2, 3]"]);
    let from = ["import", "--from-chroma", &folder, "written-l2"];
    world.ok(&[&from[..], &["--into", "mine"]].concat());
    assert_eq!(world.ok(&["count", "mine"]), "43\n");
    world.ok(&[&from[..], &["--into", "copy"]].concat());
    let ran = world.run(&[&from[..], &["--into", "copy"]].concat());
    assert!(ran.stderr.contains("unchanged 42"), "{}", ran.stderr);
    let ran = world.run(&[&from[..], &["--into", "copy", "--mode", "add"]].concat());
    assert!(ran.stderr.contains("skipped 42"), "{}", ran.stderr);
    // Under its own name it is another collection than one that is there.
    world.ok(&["create", "written-l2", "--no-model"]);
    let before = world.bytes();
    let ran = world.run(&from);
    assert!(ran.status == Some(2) && ran.stderr.contains("exists already and is another one"), "{}", ran.stderr);
    world.ok(&["create", "wide", "--no-model"]);
    world.ok(&["add", "wide", "--id", "own", "--embedding", "[1, 2]"]);
    let ran = world.run(&[&from[..], &["--into", "wide"]].concat());
    assert!(ran.status == Some(2) && ran.stderr.contains("dimension 2, got 3"), "{}", ran.stderr);
    assert!(before != world.bytes());
    assert_eq!(world.ok(&["count", "wide"]), "1\n");
}

#[test]
fn what_is_no_folder_of_chromas_makes_no_file() {
    let world = World::plain();
    world.write("text.db", "this is no database");
    fs::create_dir_all(world.path("other")).unwrap();
    world.write("other/chroma.sqlite3", fs::read(fixtures().join("llm/embeddings.db")).unwrap());
    fs::create_dir_all(world.path("empty")).unwrap();
    let chroma_db = format!("{}/chroma.sqlite3", chroma("1.5.9"));
    let mut torn = fs::read(&chroma_db).unwrap();
    torn[4096..].fill(0x5a);
    fs::create_dir_all(world.path("torn")).unwrap();
    world.write("torn/chroma.sqlite3", torn);
    for (args, says) in [
        (&["--from-chroma", "nowhere"][..], "nowhere: no such folder"),
        (&["--from-chroma", "text.db"], "text.db: is not a folder"),
        (&["--from-chroma", "empty"], "empty: holds no chroma.sqlite3"),
        (&["--from-chroma", "other"], "other/chroma.sqlite3: is not a database of Chroma"),
        (&["--from-chroma", "torn"], "torn/chroma.sqlite3: is damaged"),
        (&["--from-chroma", &chroma("1.5.9"), "nope"], "no collection named \"nope\""),
        (&["--from-llm", "nowhere"], "nowhere: no such file"),
        (&["--from-llm", "text.db"], "text.db: is not an SQLite database"),
        (&["--from-llm", &chroma_db], "is not an embeddings database of llm"),
        (&["--from-chroma-url", "localhost:8000"], "is not the address of a server"),
        (&["--from-chroma-url", "http://me:secret@localhost"], "localhost: the address holds a password"),
        (&["--from-chroma", "a", "--from-llm", "b"], "cannot be used with"),
        (&["--from-chroma", "a", "notes", "more.csv"], "cannot be used with"),
        (&["--into", "b"], "required"),
    ] {
        let ran = world.run(&[&["import"][..], args].concat());
        assert!(ran.status == Some(2) && ran.stderr.contains(says), "{args:?}: {ran:?}");
        assert!(!ran.stderr.contains("secret"), "{}", ran.stderr);
        assert!(!world.path("test.redb").exists(), "{args:?}");
    }
}

#[test]
fn a_record_without_an_embedding_can_be_passed_over() {
    let world = World::plain();
    let folder = world.path("chroma");
    for (path, bytes) in state(Path::new(&chroma("1.5.9"))) {
        let to = folder.join(path.strip_prefix(chroma("1.5.9")).unwrap());
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(to, bytes).unwrap();
    }
    let pickles: Vec<PathBuf> =
        state(&folder).into_keys().filter(|path| path.ends_with("index_metadata.pickle")).collect();
    pickles.iter().for_each(|path| fs::remove_file(path).unwrap());
    let ran = world.run(&["import", "--from-chroma", "chroma"]);
    assert!(ran.status == Some(2) && ran.stderr.contains("record \"r0\" has no embedding"), "{}", ran.stderr);
    let ran = world.run(&["import", "--from-chroma", "chroma", "--on-error", "skip"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert!(ran.stderr.contains("failed "), "{}", ran.stderr);
    assert_eq!(world.ok(&["get", "written-l2", "-o", "ids"]).lines().filter(|id| *id == "new").count(), 1);
}

#[test]
fn the_file_of_llm_comes_bit_for_bit() {
    let world = World::plain();
    let file = fixtures().join("llm/embeddings.db");
    let file = file.to_str().unwrap();
    let ran = world.run(&["import", "--from-llm", file]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    for says in [
        "2 collections: added 34, updated 0, unchanged 0, skipped 0 in ",
        "collection \"my docs/2\" is named my-docs-2 here",
        "notes: contents left out, since they are bytes: 1",
        "notes: left out 1 metadata values",
    ] {
        assert!(ran.stderr.contains(says), "{says}: {}", ran.stderr);
    }
    let dump = world.ok(&["export", "--all"]);
    let said = fs::read_to_string(fixtures().join("llm/said.jsonl")).unwrap();
    let (records, said) = (records(&dump), lines(&said));
    // In the order of the collections' names.
    let (notes, docs): (Vec<&Json>, Vec<&Json>) = said.iter().partition(|record| record["collection"] == "notes");
    assert_eq!(records.len(), said.len());
    for (record, said) in records.iter().zip(docs.into_iter().chain(notes)) {
        assert_eq!(record["id"], said["id"]);
        assert_eq!(record["embedding"], said["bits"], "{said}");
        assert_eq!(record.get("document").unwrap_or(&Json::Null), &said["content"]);
        let metadata = record.get("metadata").unwrap_or(&Json::Null);
        match said["id"].as_str().unwrap() {
            "two" => assert_eq!(*metadata, serde_json::json!({"a.b": 1, "a.c": "[\"x\",1]", "tags": ["x", "y"]})),
            _ => assert_eq!(metadata, &said["metadata"]),
        }
    }
    let shown = world.ok(&["show", "notes", "-o", "json"]);
    assert!(shown.contains("\"llm_model\": \"letters\"") || shown.contains("\"llm_model\":\"letters\""), "{shown}");
    let ran = world.run(&["import", "--from-llm", file, "my docs/2"]);
    assert!(ran.stderr.contains("1 collection: added 0, updated 0, unchanged 1"), "{}", ran.stderr);
    world.ok(&["import", "--from-llm", file, "my docs/2", "--into", "docs"]);
    assert_eq!(world.ok(&["get", "docs", "--include", "documents", "-o", "json"]).matches("an owl").count(), 1);
    let ran = world.run(&["import", "--from-llm", file, "none"]);
    assert!(ran.status == Some(2) && ran.stderr.contains("available: notes, my docs/2"), "{}", ran.stderr);
}

/// A server that answers what a real one was recorded to answer.
#[derive(Clone, Default)]
struct Server(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// Answers by path and limit and offset of what is asked.
    answers: BTreeMap<(String, u64, u64), (u16, String)>,
    /// The path, limit and the two headers that say who asks, of every question.
    asked: Vec<(String, u64, [String; 2])>,
    /// How many questions fail before one is answered, by turns with a 503 and a connection that breaks off.
    failures: usize,
    /// The most records it gives at once.
    quota: Option<u64>,
    token: Option<String>,
}

impl Server {
    fn recorded() -> Self {
        let server = Self::default();
        for line in lines(&fs::read_to_string(fixtures().join("chroma/server.jsonl")).unwrap()) {
            let number = |name: &str| line["asked"][name].as_u64().unwrap_or(0);
            let key = (line["path"].as_str().unwrap().to_owned(), number("limit"), number("offset"));
            let answer = (line["status"].as_u64().unwrap() as u16, line["answer"].as_str().unwrap().to_owned());
            server.state().answers.insert(key, answer);
        }
        server
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn serve(&self) -> String {
        let server = self.clone();
        serve(move |stream| server.answer(stream))
    }

    /// Answers one question and closes the connection.
    fn answer(&self, mut stream: &TcpStream) {
        let mut reader = BufReader::new(stream);
        let mut head = Vec::new();
        while let Some(Ok(line)) =
            (&mut reader).lines().next().filter(|line| line.as_ref().is_ok_and(|l| !l.is_empty()))
        {
            head.push(line);
        }
        let Some(path) = head.first().and_then(|line| line.split(' ').nth(1)) else { return };
        let header = |name: &str| {
            let named =
                head.iter().find_map(|line| line.split_once(": ").filter(|(n, _)| n.eq_ignore_ascii_case(name)));
            named.map(|(_, value)| value.to_owned()).unwrap_or_default()
        };
        let mut body = vec![0; header("content-length").parse().unwrap_or(0)];
        reader.read_exact(&mut body).unwrap();
        let asked: Json = serde_json::from_slice(&body).unwrap_or_default();
        let number = |name: &str| asked[name].as_u64().unwrap_or(0);
        let mut state = self.state();
        state.asked.push((path.to_owned(), number("limit"), [header("x-chroma-token"), header("authorization")]));
        let (status, text) = if state.failures > 0 {
            state.failures -= 1;
            if state.failures.is_multiple_of(2) {
                return;
            }
            (503, "busy".to_owned())
        } else if state.token.as_ref().is_some_and(|token| *token != header("x-chroma-token")) {
            (401, r#"{"error":"ChromaError","message":"Unauthorized"}"#.to_owned())
        } else if state.quota.is_some_and(|quota| number("limit") > quota) {
            (422, r#"{"error":"ChromaError","message":"Quota exceeded"}"#.to_owned())
        } else {
            let key = (path.to_owned(), number("limit"), number("offset"));
            state.answers.get(&key).cloned().unwrap_or((404, String::new()))
        };
        drop(state);
        let head = format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", text.len());
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(text.as_bytes()));
    }
}

fn import(world: &World, address: &str, args: &[&str], env: &[(&str, &str)]) -> Ran {
    let mut command = world.command(&[&["import", "--from-chroma-url", address][..], args].concat());
    command.env_remove("CHROMA_TOKEN").env_remove("CHROMA_AUTHORIZATION");
    finish(command.envs(env.iter().copied()).spawn().unwrap())
}

#[test]
fn a_server_is_read_page_by_page() {
    let (world, server) = (World::plain(), Server::recorded());
    server.state().quota = Some(300);
    server.state().token = Some("secret".to_owned());
    server.state().failures = 3;
    let address = server.serve();
    let env = [("CHROMA_TOKEN", "secret"), ("CHROMA_AUTHORIZATION", "Bearer other")];
    let ran = import(&world, &address, &[], &env);
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(0), ""), "{}", ran.stderr);
    assert!(ran.stderr.contains("3 collections: added 352, updated 0, unchanged 0, skipped 0 in "), "{}", ran.stderr);
    let who = ["secret".to_owned(), "Bearer other".to_owned()];
    assert!(server.state().asked.iter().all(|(_, _, headers)| *headers == who));
    let pages = |server: &Server| {
        server.state().asked.iter().map(|(_, limit, _)| *limit).filter(|l| *l > 0).collect::<Vec<_>>()
    };
    // The first collection is empty by name; too many at once are asked for once only.
    assert_eq!(pages(&server), [1000, 300, 300, 300, 300, 300, 300]);

    let dump = world.ok(&["export", "--all"]);
    let read = records(&dump);
    let first = &read[0];
    assert_eq!(read.len(), 352);
    assert_eq!((&first["id"], first.get("metadata"), first.get("document")), (&"m0".into(), None, None));
    let second = serde_json::json!({"f": 1.0, "i": 1, "list": ["b", "a"], "ok": false});
    assert_eq!(
        (&read[1]["metadata"], &read[1]["document"], &read[1]["uri"]),
        (&second, &"text 1".into(), &"file:///1".into())
    );
    let answers = server.state().answers.clone();
    let said = answers.iter().filter(|((path, limit, _), _)| path.ends_with("/get") && *limit == 1000);
    let said: Vec<Json> = said.map(|(_, (_, text))| serde_json::from_str(text).unwrap()).collect();
    let mut said: BTreeMap<String, Vec<u32>> = said
        .iter()
        .flat_map(|page| page["ids"].as_array().unwrap().iter().zip(page["embeddings"].as_array().unwrap()))
        .map(|(id, embedding)| {
            let bits = embedding.as_array().unwrap().iter().map(|x| x.to_string().parse::<f32>().unwrap().to_bits());
            (id.as_str().unwrap().to_owned(), bits.collect())
        })
        .collect();
    for record in &read {
        let bits = said.remove(record["id"].as_str().unwrap()).unwrap();
        assert_eq!(record["embedding"], Json::from(bits), "{record}");
    }
    assert!(said.is_empty());
    let shown: Json = serde_json::from_str(&world.ok(&["show", "many", "-o", "json"])).unwrap();
    assert_eq!(shown["metadata"], serde_json::json!({"n": 7, "owner": "ü"}));
    assert_eq!(shown["configuration_json"]["hnsw"]["ef_search"], 33);

    // Again, without a quota; then one collection alone, under another name.
    server.state().quota = None;
    let ran = import(&world, &address, &[], &env);
    assert!(ran.stderr.contains("unchanged 352"), "{}", ran.stderr);
    assert_eq!(world.ok(&["export", "--all"]), dump);
    let ran = import(&world, &address, &["notes", "--database", "staging", "--into", "other"], &env);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(world.ok(&["count", "other", "--database", "staging"]), "2\n");
}

#[test]
fn a_server_that_fails_or_is_none_is_said() {
    let (world, server) = (World::plain(), Server::recorded());
    let address = server.serve();
    let says = |args: &[&str], address: &str, status: i32, says: &str| {
        let ran = import(&world, address, args, &[]);
        assert!(ran.status == Some(status) && ran.stderr.contains(says), "{says}: {ran:?}");
        assert!(ran.stderr.contains("hint: ") && !world.path("test.redb").exists(), "{ran:?}");
    };
    says(&["nope"], &address, 2, "no collection named \"nope\"");
    says(&[], "http://127.0.0.1:1", 5, "http://127.0.0.1:1: ");
    server.state().token = Some("secret".to_owned());
    says(&[], &address, 2, "refused: it answered 401: Unauthorized");
    server.state().token = None;
    server.state().failures = 101;
    says(&[], &address, 5, "it answered 503: busy");
    server.state().failures = 0;
    let mut old = std::mem::take(&mut server.state().answers);
    says(&[], &address, 2, "is not a Chroma server: it answered 404 to a heartbeat");
    let heartbeat = old.remove(&("/api/v2/heartbeat".to_owned(), 0, 0)).unwrap();
    server.state().answers.insert(("/api/v1/heartbeat".to_owned(), 0, 0), heartbeat.clone());
    says(&[], &address, 2, "speaks only version 1 of the API");
    // A page that is not what it must be ends the import, and what was stored before stays.
    old.insert(("/api/v2/heartbeat".to_owned(), 0, 0), heartbeat);
    for ((path, ..), (_, text)) in &mut old {
        if path.ends_with("/get") && text.contains("\"m0\"") {
            *text = text.replacen("[\"m0\",", "[", 1);
        }
    }
    server.state().answers = old;
    let ran = import(&world, &address, &[], &[]);
    assert!(ran.status == Some(2) && ran.stderr.contains("lists differ in length from its ids"), "{}", ran.stderr);
}
