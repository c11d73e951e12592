//! The command line on a real Chroma server, one that others made.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value as Json;
use tempfile::TempDir;

use crate::chroma_server::Chroma;
use crate::far::{ALIKE, compare, ok, on, text};

/// Records beyond those of one page, and beyond those that are looked through whole.
const MANY: usize = 1300;

fn lines(of: &str) -> Vec<Json> {
    of.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_real_chroma_answers_as_the_file() {
    let Some(chroma) = Chroma::start("a_real_chroma_answers_as_the_file") else { return };
    // Chroma's API names the model of a collection only where it is the default one; in a cosine space it rounds embeddings.
    let alike: Vec<&[&str]> = ALIKE.iter().copied().filter(|args| !args.contains(&"--model")).collect();
    compare(&chroma.address, &[&[&["create", "notes", "--space", "l2"][..]][..], alike.as_slice()].concat());
    let there: &[&[&str]] = &[
        &["database", "create", "staging"],
        &["database", "list", "-o", "ids"],
        &["--database", "staging", "create", "deep", "--no-model"],
        &["--database", "staging", "add", "deep", "--id", "a", "--embedding", "[1, 2.5]"],
        &["--database", "staging", "get", "deep", "--include", "embeddings", "-o", "json"],
        &["--database", "staging", "list", "-o", "ids"],
        &["list", "-o", "ids"],
        &["database", "drop", "staging", "--force"],
        &["database", "list", "-o", "ids"],
    ];
    compare(&chroma.address, there);
}

/// Writes rows of many records, several of them of the same text.
fn many_rows(folder: &Path) {
    let line = |n: usize| {
        let embedding: Vec<String> = (0..6).map(|at| format!("{}", (n / 2 * 7 + at * 5) % 31)).collect();
        let embedding = embedding.join(",");
        format!(
            "{{\"id\":\"r{n}\",\"document\":\"the text of row {n}\",\"metadata\":{{\"n\":{n},\"ten\":{},\"half\":{}.5}},\"embedding\":[{embedding}]}}\n",
            n % 10,
            n % 3,
        )
    };
    std::fs::write(folder.join("many.jsonl"), (0..MANY).map(line).collect::<String>()).unwrap();
}

#[test]
fn a_collection_goes_to_a_real_chroma_and_comes_back_the_same() {
    let Some(chroma) = Chroma::start("a_collection_goes_to_a_real_chroma_and_comes_back_the_same") else { return };
    let folder = TempDir::new().unwrap();
    let (here, there) = (folder.path(), chroma.address.as_str());
    many_rows(here);
    ok("file.redb", here, &["create", "notes", "--no-model", "--space", "l2", "--metadata", "{\"made\": \"here\"}"]);
    ok("file.redb", here, &["import", "notes", "many.jsonl"]);
    let said = |args: &[&str]| {
        let output = on("file.redb", here, args);
        assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
        text(&output.stderr)
    };
    let done = said(&["push", "notes", there, "--verify"]);
    assert!(done.contains("added 1,300, replaced 0, unchanged 0"), "{done}");
    let again = said(&["push", "notes", there]);
    assert!(again.contains("added 0, replaced 0, unchanged 1,300"), "{again}");
    ok("back.redb", here, &["pull", "notes", there, "--verify"]);
    let export = ["export", "notes", "-"];
    assert_eq!(ok("back.redb", here, &export), ok("file.redb", here, &export));
    // What takes all records is done here, over pages of them.
    let filter = "half > 0.5 and n < 900";
    for args in [
        &["distinct", "notes", "ten", "-o", "json"][..],
        &["distinct", "notes", "half", "--where", filter, "-o", "json"],
        &["keys", "notes", "-o", "json"],
        &["stats", "notes", "-o", "json"],
        &["dedupe", "notes", "--max-distance", "0.5", "-o", "json"],
        &["get", "notes", "--where", filter, "--sort", "n", "--desc", "--limit", "7", "-o", "ids"],
        &["get", "notes", "--offset", "1290", "-o", "ids"],
        &["query", "notes", "--embedding", "[1,2,3,4,5,6]", "--exact", "-n", "1200", "-o", "json"],
        &["query", "notes", "--embedding", "[1,2,3,4,5,6]", "--where", filter, "-n", "20", "-o", "json"],
    ] {
        assert_eq!(ok(there, here, args), ok("file.redb", here, args), "{args:?}");
    }
    // Its own index is asked where it can be; what it finds has the file's distances.
    let ask = ["query", "notes", "--embedding", "[1,2,3,4,5,6]", "-n", "20", "-o", "jsonl"];
    let distances: BTreeMap<String, Json> =
        lines(&ok("file.redb", here, &["query", "notes", "--embedding", "[1,2,3,4,5,6]", "-n", "1300", "-o", "jsonl"]))
            .into_iter()
            .map(|hit| (hit["id"].as_str().unwrap().to_owned(), hit["distance"].clone()))
            .collect();
    let found = lines(&ok(there, here, &ask));
    assert_eq!(found.len(), 20);
    assert!(found.iter().all(|hit| distances[hit["id"].as_str().unwrap()] == hit["distance"]), "{found:?}");
    // Of what differs, all travels and nothing else.
    ok("file.redb", here, &["update", "notes", "--id", "r3", "--metadata", "{\"ten\": null, \"more\": [1, 2]}"]);
    ok("file.redb", here, &["delete", "notes", "--id", "r5"]);
    ok("file.redb", here, &["add", "notes", "--id", "new", "--embedding", "[1,1,1,1,1,1.5]"]);
    let done = said(&["push", "notes", there, "--prune", "--verify"]);
    assert!(done.contains("added 1, replaced 1, unchanged 1,298, deleted 1"), "{done}");
    ok("back.redb", here, &["pull", "notes", there, "--prune"]);
    assert_eq!(ok("back.redb", here, &export), ok("file.redb", here, &export));
    for place in [there, "file.redb"] {
        let doubles = ok(place, here, &["dedupe", "notes", "--max-distance", "0", "-o", "ids"]);
        std::fs::write(here.join("doubles"), doubles).unwrap();
        ok(place, here, &["delete", "notes", "--ids-from", "doubles"]);
    }
    assert_eq!(ok(there, here, &["export", "notes", "-"]), ok("file.redb", here, &export));
}

#[test]
fn what_a_real_chroma_cannot_do_is_refused_by_name() {
    let Some(chroma) = Chroma::start("what_a_real_chroma_cannot_do_is_refused_by_name") else { return };
    let folder = TempDir::new().unwrap();
    ok(&chroma.address, folder.path(), &["create", "notes"]);
    let pong = ok(&chroma.address, folder.path(), &["ping", "-o", "json"]);
    assert!(pong.contains("another server of Chroma's API"), "{pong}");
    for (args, why) in [
        (&["tenant", "list"][..], "no way to list tenants"),
        (&["create", "words", "--hybrid"], "cannot be hybrid"),
        (&["create", "other", "--model", "hash-16"], "does not keep that a collection is embedded by"),
        (&["query", "notes", "a fox", "--hybrid"], "has no index of"),
        (&["index", "build", "notes", "--hybrid"], "an index of words works on a file"),
        (&["index", "drop", "notes"], "dropping the index works on a file"),
        (&["index", "build", "notes", "--clusters"], "--clusters works on a file or on a huedb server"),
        (&["index", "drop", "notes", "--clusters"], "--clusters works on a file or on a huedb server"),
        (&["compact"], "compact works on a file"),
        (&["backup", "x"], "backup works on a file"),
        (&["token", "list"], "token works on a file"),
        (&["reembed", "notes", "--model", "hash-16"], "reembed works on a file"),
        (&["serve", "--port", "0"], "is a server"),
        (&["count", "ghost"], "ghost"),
    ] {
        let output = on(&chroma.address, folder.path(), args);
        let said = text(&output.stderr);
        assert!(output.status.code() == Some(2) && said.contains(why), "{args:?}: {said}");
    }
}
