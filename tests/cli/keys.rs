//! Every verb on a plain and on an encrypted file, with each way of giving the key and with none.

use std::os::unix::fs::FileExt;
use std::process::Stdio;

use crate::help;
use crate::huedb::{Ran, World, finish};

/// Where the key comes from: arguments and variables.
type Way = (&'static str, &'static [&'static str], &'static [(&'static str, &'static str)]);

const WAYS: [Way; 5] = [
    ("--key-file", &["--key-file", "raw.key"], &[]),
    ("--key-command", &["--key-command", "cat raw.key"], &[]),
    ("HUEDB_KEY_FILE", &[], &[("HUEDB_KEY_FILE", "raw.key")]),
    ("HUEDB_KEY_COMMAND", &[], &[("HUEDB_KEY_COMMAND", "cat raw.key")]),
    ("config", &[], &[("HUEDB_CONFIG", "huedb.toml")]),
];

/// What is run, its exit code on a plain file and on an encrypted one, and whether both print the same.
struct Case {
    args: &'static [&'static str],
    plain: i32,
    encrypted: i32,
    alike: bool,
}

const fn case(args: &'static [&'static str]) -> Case {
    Case { args, plain: 0, encrypted: 0, alike: true }
}

const CASES: &[Case] = &[
    case(&["create", "more", "--no-model"]),
    case(&["list"]),
    case(&["show", "notes"]),
    case(&["modify", "notes", "--metadata", "{\"a\":1}"]),
    case(&["drop", "notes"]),
    case(&["add", "notes", "--id", "new", "--document", "x"]),
    case(&["update", "notes", "--id", "r1", "--document", "x"]),
    case(&["upsert", "notes", "--id", "r1", "--document", "x"]),
    case(&["get", "notes"]),
    case(&["peek", "notes"]),
    case(&["count", "notes"]),
    case(&["delete", "notes", "--id", "r1"]),
    case(&["distinct", "notes", "n"]),
    case(&["keys", "notes"]),
    case(&["stats", "notes"]),
    case(&["plot", "notes", "map.svg", "--force"]),
    case(&["dedupe", "notes", "--max-distance", "2"]),
    case(&["query", "notes", "number 7"]),
    case(&["search", "notes", "--json", "{\"searches\":[{\"limit\":{\"limit\":2}}]}"]),
    case(&["import", "notes", "rows.jsonl"]),
    case(&["import", "--all", "dump.jsonl"]),
    case(&["import", "notes", "--into", "fresh", "--from-llm", "llm.db"]),
    case(&["sync", "notes", "texts"]),
    case(&["sync", "fresh", "texts", "--create", "--model", "hash-8"]),
    case(&["export", "notes"]),
    case(&["export", "--all", "-"]),
    case(&["push", "notes", "template.redb"]),
    case(&["push", "--all", "template.redb", "--verify"]),
    case(&["pull", "notes", "template.redb", "--prune"]),
    case(&["reembed", "notes", "--model", "hash-32"]),
    case(&["index", "build", "notes"]),
    case(&["index", "build", "notes", "--hybrid"]),
    case(&["database", "create", "staging"]),
    case(&["database", "list", "-o", "ids"]),
    case(&["tenant", "create", "others"]),
    case(&["tenant", "list"]),
    // A secret is another each time.
    Case { alike: false, ..case(&["token", "create", "ci", "--role", "reader"]) },
    case(&["token", "list"]),
    Case { alike: false, ..case(&["info"]) },
    case(&["check", "--deep"]),
    case(&["repair"]),
    case(&["repair", "--to", "saved.redb", "--force"]),
    case(&["compact"]),
    case(&["backup", "copy.redb", "--force"]),
    case(&["restore", "template.redb", "--force"]),
    Case { encrypted: 2, ..case(&["encrypt"]) },
    Case { plain: 2, ..case(&["decrypt"]) },
    Case { plain: 2, ..case(&["rekey", "--new-key-file", "other.key"]) },
    Case { plain: 2, ..case(&["rekey", "--full", "--new-key-file", "other.key"]) },
    // Its client has left before it begins.
    case(&["mcp"]),
    case(&["exec", "script"]),
    case(&["shell"]),
];

/// Verbs that open no database, and those that stay, of which `tests/serve` starts one with a key.
const OTHERS: &[&str] = &["browse", "embed", "model", "ping", "serve", "setup", "config", "completions", "man", "help"];

fn world() -> World {
    let world = World::plain();
    let row = |i: usize| format!("{{\"id\":\"r{i}\",\"document\":\"text number {i}\",\"metadata\":{{\"n\":{i}}}}}\n");
    world.write("rows.jsonl", (0..40).map(row).collect::<String>());
    world.write("raw.key", [0xc7; 32]);
    world.write("other.key", [0xb6; 32]);
    world.write("huedb.toml", "key-file = \"raw.key\"\n");
    world.write("script", "count notes\nget notes --id r1\n");
    std::fs::create_dir(world.path("texts")).unwrap();
    world.write("texts/a.txt", "one text");
    std::fs::copy("fixtures/llm/embeddings.db", world.path("llm.db")).unwrap();
    world.ok(&["create", "notes", "--model", "hash-64"]);
    world.ok(&["import", "notes", "rows.jsonl"]);
    world.ok(&["export", "--all", "dump.jsonl"]);
    world
}

fn run(world: &World, args: &[&str], way: &[&str], variables: &[(&str, &str)]) -> Ran {
    let mut command = world.command(&[way, args].concat());
    command.envs(variables.iter().copied());
    if args == ["shell"] {
        command.stdin(Stdio::from(std::fs::File::open(world.path("script")).unwrap()));
    }
    finish(command.spawn().unwrap())
}

#[test]
fn every_verb_is_in_the_table() {
    let is_listed = |verb: &str| OTHERS.contains(&verb) || CASES.iter().any(|case| case.args.first() == Some(&verb));
    let verbs = help::commands(&[]);
    assert!(verbs.len() > 40, "{verbs:?}");
    let missing: Vec<String> = verbs.into_iter().filter(|verb| !is_listed(verb)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_verb_works_with_every_way_of_giving_the_key() {
    let world = world();
    let plain = world.bytes();
    world.ok(&["encrypt", "--key-file", "raw.key"]);
    let encrypted = world.bytes();
    for case in CASES {
        let start = |bytes: &[u8]| {
            world.write("test.redb", bytes);
            world.write("template.redb", bytes);
        };
        start(&plain);
        let needs_key = case.args == ["encrypt"];
        let way: &[&str] = if needs_key { &["--key-file", "raw.key"] } else { &[] };
        let on_plain = run(&world, case.args, way, &[]);
        assert_eq!(on_plain.status, Some(case.plain), "plain {:?}: {on_plain:?}", case.args);
        for (name, way, variables) in WAYS {
            start(&encrypted);
            let ran = run(&world, case.args, way, variables);
            assert_eq!(ran.status, Some(case.encrypted), "{name} {:?}: {ran:?}", case.args);
            if case.alike {
                assert_eq!(ran.stdout, on_plain.stdout, "{name} {:?}", case.args);
            }
        }
        if needs_key {
            continue;
        }
        start(&encrypted);
        for (way, says) in [(&[][..], "and no key was given"), (&["--key-file", "other.key"], "the key does not open")]
        {
            let ran = run(&world, case.args, way, &[]);
            assert_eq!((ran.status, ran.stdout.as_str()), (Some(2), ""), "{way:?} {:?}: {ran:?}", case.args);
            assert!(ran.stderr.contains(says), "{way:?} {:?}: {ran:?}", case.args);
            assert!(world.bytes() == encrypted, "{way:?} {:?} wrote", case.args);
        }
    }
}

#[test]
fn an_encrypted_file_is_repaired_and_stays_encrypted() {
    let world = world();
    world.ok(&["encrypt", "--key-file", "raw.key"]);
    let key = ["--key-file", "raw.key"];
    let with = |args: &[&str]| run(&world, args, &key, &[]);
    let all = with(&["export", "notes"]).stdout;
    let sound = world.bytes();
    // Damage that the check names, wherever in the file it lies; of what is only derived all comes back.
    let mut repaired = 0;
    for at in (3 * 4096..sound.len() as u64).step_by(4096) {
        world.write("test.redb", &sound);
        let file = std::fs::OpenOptions::new().write(true).open(world.path("test.redb")).unwrap();
        file.write_all_at(&[sound[at as usize + 100] ^ 0x40], at + 100).unwrap();
        if with(&["check"]).status != Some(4) {
            continue;
        }
        let saved = with(&["repair", "--to", "saved.redb", "--force"]);
        assert!(matches!(saved.status, Some(0 | 4)), "byte {at}: {saved:?}");
        let is_saved = saved.stderr.contains("saved ");
        assert!(!is_saved || huedb::store::is_encrypted(&world.path("saved.redb")), "byte {at}");
        let ran = with(&["repair"]);
        assert_eq!(ran.status, saved.status, "byte {at}: {ran:?}");
        if ran.status == Some(0) {
            assert!(ran.stderr.starts_with("repaired test.redb"), "byte {at}: {ran:?}");
            with(&["check", "--deep"]).is("", "no damage found in test.redb\n", 0);
            assert_eq!(with(&["export", "notes"]).stdout, all, "byte {at}");
            repaired += 1;
            if repaired == 3 {
                break;
            }
        }
    }
    assert!(repaired > 0, "no damage that can be repaired was met");
}

#[test]
fn a_file_is_made_encrypted_by_every_verb_that_makes_one() {
    let world = world();
    let key = ["--key-file", "raw.key"];
    std::fs::copy("fixtures/llm/embeddings.db", world.path("llm.db")).unwrap();
    for args in [
        &["create", "fresh", "--no-model"][..],
        &["import", "--all", "dump.jsonl"],
        &["import", "--from-llm", "llm.db"],
        &["pull", "notes", "test.redb"],
        &["sync", "fresh", "texts", "--create", "--model", "hash-8"],
        &["tenant", "create", "others"],
        &["token", "create", "ci", "--role", "reader"],
        &["database", "create", "staging"],
    ] {
        let new = ["--db", "new.redb"];
        let ran = run(&world, &[&new[..], args, &["--encrypt"]].concat(), &key, &[]);
        assert_eq!(ran.status, Some(0), "{args:?}: {ran:?}");
        assert!(huedb::store::is_encrypted(&world.path("new.redb")), "{args:?}");
        run(&world, &[&new[..], &["check", "--deep"]].concat(), &key, &[]).is("", "no damage found in new.redb\n", 0);
        std::fs::remove_file(world.path("new.redb")).unwrap();
        // Without a key none is made.
        let ran = run(&world, &[&new[..], args, &["--encrypt"]].concat(), &[], &[]);
        assert_eq!(ran.status, Some(2), "{args:?}: {ran:?}");
        assert!(ran.stderr.contains("no key was given to encrypt new.redb with"), "{args:?}: {ran:?}");
        assert!(!world.path("new.redb").exists(), "{args:?}");
        // A key that nothing is encrypted with is worth a word.
        let ran = run(&world, &[&new[..], args].concat(), &key, &[]);
        assert_eq!(ran.status, Some(0), "{args:?}: {ran:?}");
        assert!(ran.stderr.contains("new.redb is plain although a key was given"), "{args:?}: {ran:?}");
        std::fs::remove_file(world.path("new.redb")).unwrap();
    }
    for args in
        [&["backup", "new.redb"][..], &["--db", "new.redb", "restore", "test.redb"], &["repair", "--to", "new.redb"]]
    {
        let ran = run(&world, args, &key, &[]);
        assert_eq!(ran.status, Some(0), "{args:?}: {ran:?}");
        assert!(ran.stderr.contains("new.redb is plain although a key was given"), "{args:?}: {ran:?}");
        std::fs::remove_file(world.path("new.redb")).unwrap();
    }
    let ran = run(&world, &["import", "notes", "rows.jsonl", "--encrypt"], &key, &[]);
    assert!(ran.status == Some(2) && ran.stderr.contains("makes no file to encrypt"), "{ran:?}");
}

#[test]
fn a_series_gets_the_key_once() {
    let world = world();
    world.ok(&["encrypt", "--key-file", "raw.key"]);
    world.write("series", "count notes\ncount notes\nget notes --id r1 -o ids\nadd notes --id x --document y\n");
    let counting = ["--key-command", "echo . >> asked; cat raw.key"];
    let asked = || std::fs::read_to_string(world.path("asked")).unwrap_or_default().lines().count();
    run(&world, &["exec", "series"], &counting, &[]).is("40\n40\nr1\n", "added 1\n", 0);
    assert_eq!(asked(), 1);
    // A pipe can be read once.
    let mut command = std::process::Command::new("bash");
    let line = format!("{} exec series --key-file <(cat raw.key)", env!("CARGO_BIN_EXE_huedb"));
    command.args(["-c", &line]).current_dir(world.path(".")).env("HUEDB_FILE", "test.redb").env("HUEDB_CONFIG", "");
    command.env_remove("HUEDB_KEY_FILE").env_remove("HUEDB_KEY_COMMAND");
    let ran = finish(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    ran.is("41\n41\nr1\n", "added 0: the id exists\n", 0);
    // A key that was changed meanwhile is got anew.
    world.write("series", "count notes\nrekey --new-key-command 'cat other.key; cp other.key raw.key'\ncount notes\n");
    run(&world, &["exec", "series"], &["--key-file", "raw.key"], &[]).is("41\n41\n", "test.redb has another key\n", 0);
    world.write("series", "count notes\nrekey --new-key-command 'head -c 32 /dev/zero'\ncount notes\n");
    let ran = run(&world, &["exec", "series"], &["--key-file", "raw.key"], &[]);
    assert!(ran.status == Some(2) && ran.stdout == "41\n" && ran.stderr.contains("does not open"), "{ran:?}");
}

/// Nobody listens there: what is said is said of the place, without the password.
#[test]
fn no_verb_takes_an_address_for_a_file() {
    let world = world();
    world.write("template.redb", world.bytes());
    // All at once, for most of the time goes into asking again.
    std::thread::scope(|scope| {
        for place in ["http://127.0.0.1:9", "postgresql://ann:secret@127.0.0.1:9/none"] {
            // The shell opens nothing before its first line.
            for Case { args, .. } in CASES.iter().filter(|case| case.args != ["shell"]) {
                let world = &world;
                scope.spawn(move || {
                    let ran = run(world, &[&["--db", place], *args].concat(), &[], &[]);
                    assert!(matches!(ran.status, Some(2 | 5)), "{place} {args:?}: {ran:?}");
                    assert!(ran.stderr.contains("127.0.0.1:9"), "{place} {args:?}: {ran:?}");
                    let said = &ran.stderr;
                    assert!(!said.contains("file not found") && !said.contains("secret"), "{args:?}: {ran:?}");
                    // What is told of a place is a sentence, and nothing of a write where nothing is written.
                    assert!(!said.contains("os error") && !said.contains("what was stored"), "{args:?}: {ran:?}");
                });
            }
        }
    });
    for args in [&["encrypt", "http://127.0.0.1:9"][..], &["rekey", "--db", "http://127.0.0.1:9"]] {
        let ran = world.run(args);
        assert!(ran.stderr.contains("works on a file; http://127.0.0.1:9 is a server"), "{ran:?}");
    }
    let shown = world.run(&["config", "--db", "postgresql://ann:secret@127.0.0.1:9/none", "-o", "jsonl"]);
    assert!(shown.stdout.contains("postgresql://ann@127.0.0.1:9/none"), "{shown:?}");
    assert!(["http:", "postgresql:"].iter().all(|name| !world.path(name).exists()));
}
