//! Encrypted files as a shell uses them: where keys come from, what is on the disk, what is refused.

use std::io::{Read, Write};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::huedb::{World, finish};

const NEEDS_KEY: &str = "error: test.redb is encrypted, and no key was given\n\nhint: give its key with --key-file FILE \
                         (or HUEDB_KEY_FILE), with --key-command COMMAND (or HUEDB_KEY_COMMAND), or on a terminal, where \
                         it is asked for\n";
const WRONG_KEY: &str = "error: the key does not open test.redb\n\nhint: its key is the one last given to \
                         `huedb create --encrypt`, `huedb encrypt` or `huedb rekey`\n";
/// What a plain file shows of itself and of its records.
const SECRETS: [&str; 6] = ["redb", "Zanzibar", "row-1", "of_place", "file:///", "hash-64"];

fn rows(range: std::ops::Range<usize>) -> String {
    let row = |i| {
        format!(
            "{{\"id\":\"row-{i}\",\"document\":\"Zanzibar {i}\",\"uri\":\"file:///{i}\",\"metadata\":{{\"of_place\":{i}}}}}\n"
        )
    };
    range.map(row).collect()
}

#[track_caller]
fn assert_hidden(bytes: &[u8], hidden: bool) {
    // "redb" stands in the magic number alone, "huedb encrypted" in the header.
    let named = memchr::memmem::find(bytes, b"huedb").is_some();
    let bytes = if named { bytes.get(16..).unwrap_or_default() } else { bytes };
    for secret in SECRETS {
        let found = memchr::memmem::find(bytes, secret.as_bytes());
        assert_eq!(found.is_none(), hidden, "{secret} at {found:?}");
    }
}

/// A plain file of 300 records.
fn plain() -> World {
    let world = World::plain();
    world.write("rows.jsonl", rows(0..300));
    world.ok(&["create", "notes", "--model", "hash-64"]);
    world.ok(&["import", "notes", "rows.jsonl"]);
    world
}

const KEY: [&str; 2] = ["--key-file", "test.key"];

fn with<'a>(key: &[&'a str], args: &[&'a str]) -> Vec<&'a str> {
    [key, args].concat()
}

#[test]
fn nothing_but_cipher_text_reaches_the_disk() {
    let world = World::plain();
    world.write("rows.jsonl", rows(0..300));
    world.ok(&with(&KEY, &["create", "notes", "--model", "hash-64", "--encrypt", "--hybrid"]));
    world.ok(&with(&KEY, &["import", "notes", "rows.jsonl"]));
    assert_hidden(&world.bytes(), true);
    world.ok(&with(&KEY, &["delete", "notes", "--where", "of_place < 200"]));
    world.ok(&with(&KEY, &["compact"]));
    world.run(&with(&KEY, &["check", "--deep"])).is("", "no damage found in test.redb\n", 0);
    world.run(&with(&KEY, &["count", "notes"])).is("100\n", "", 0);
    let info = world.ok(&with(&KEY, &["info", "-o", "json"]));
    assert!(info.contains("\"encryption\":\"AES-256-XTS\",\"key\":\"32 random bytes\""), "{info}");

    // So it is with what a command in the middle of its work leaves.
    world.write("more.jsonl", rows(300..3000));
    let mut import = world.spawn(&with(&KEY, &["import", "notes", "more.jsonl", "--batch-size", "20"]));
    sleep(Duration::from_millis(200));
    import.kill().unwrap();
    import.wait().unwrap();
    assert_hidden(&world.bytes(), true);
    world.run(&with(&KEY, &["check", "--deep"])).is("", "no damage found in test.redb\n", 0);

    world.ok(&with(&KEY, &["backup", "copy.redb"]));
    assert_hidden(&std::fs::read(world.path("copy.redb")).unwrap(), true);
    let all = world.ok(&with(&KEY, &["export", "notes"]));
    assert_eq!(world.ok(&with(&KEY, &["--db", "copy.redb", "export", "notes"])), all);
    world.ok(&with(&KEY, &["delete", "notes", "--where", "of_place >= 0"]));
    world.ok(&with(&KEY, &["restore", "copy.redb", "--force"]));
    assert_eq!(world.ok(&with(&KEY, &["export", "notes"])), all);
}

#[test]
fn without_its_key_a_file_is_neither_read_nor_touched() {
    let world = World::plain();
    world.ok(&with(&KEY, &["create", "notes", "--model", "hash-64", "--encrypt"]));
    world.ok(&with(&KEY, &["add", "notes", "--id", "a", "--document", "Zanzibar"]));
    let before = world.bytes();
    world.write("other.key", [0xb6; 32]);
    world.write("pass.txt", "a passphrase\n");
    world.write("empty.key", "\n");
    world.write("copy.redb", &before);
    for args in [
        &["get", "notes"][..],
        &["add", "notes", "--id", "b", "--document", "x"],
        &["create", "more", "--no-model"],
        &["info"],
        &["check", "--deep"],
        &["compact"],
        &["backup", "new.redb"],
        &["restore", "copy.redb", "--force"],
        &["decrypt"],
        &["rekey", "--new-key-file", "other.key"],
        &["rekey", "--new-key-file", "other.key", "--full"],
    ] {
        let path = if args.contains(&"restore") { "copy.redb" } else { "test.redb" };
        world.run(args).is("", &NEEDS_KEY.replace("test.redb", path), 2);
        for wrong in ["other.key", "pass.txt"] {
            world.run(&with(&["--key-file", wrong], args)).is("", &WRONG_KEY.replace("test.redb", path), 2);
        }
        assert!(world.bytes() == before, "{args:?}");
    }
    world.run(&with(&KEY, &["rekey"])).is(
        "",
        "error: no new key was given for test.redb\n\nhint: give it with --new-key-file FILE or --new-key-command COMMAND\n",
        2,
    );
    for (key, says, status) in [
        (["--key-file", "nowhere.key"], "the key file nowhere.key: No such file", 2),
        (["--key-file", "empty.key"], "empty.key: the key is empty", 2),
        (["--key-command", "exit 3"], "the key command \"exit 3\": it failed with exit status: 3", 2),
        (["--key-command", "true"], "the key command \"true\": the key is empty", 2),
        (["--key-command", "head -c 5000 /dev/zero"], "more than 4096 bytes", 2),
    ] {
        let ran = world.run(&with(&key, &["count", "notes"]));
        assert_eq!((ran.status, ran.stdout.as_str()), (Some(status), ""), "{ran:?}");
        assert!(ran.stderr.contains(says), "{ran:?}");
    }
    assert!(world.bytes() == before);
    assert!(!world.path("new.redb").exists());
}

#[test]
fn a_key_comes_from_a_file_a_command_or_the_environment() {
    let world = World::plain();
    world.write("pass.txt", "correct horse\n");
    world.ok(&["--key-command", "printf 'correct horse'", "create", "notes", "--no-model", "--encrypt"]);
    world.run(&["--key-file", "pass.txt", "count", "notes"]).is("0\n", "", 0);
    for (name, value) in [("HUEDB_KEY_FILE", "pass.txt"), ("HUEDB_KEY_COMMAND", "cat pass.txt")] {
        let mut command = world.command(&["count", "notes"]);
        finish(command.env(name, value).spawn().unwrap()).is("0\n", "", 0);
    }
    // What is said on the command line goes before the environment.
    let mut command = world.command(&["count", "notes", "--key-command", "cat pass.txt"]);
    finish(command.env("HUEDB_KEY_FILE", "nowhere").spawn().unwrap()).is("0\n", "", 0);
    let info = world.ok(&["--key-file", "pass.txt", "info", "-o", "json"]);
    assert!(info.contains("\"key\":\"passphrase, Argon2id with 64 MiB, 3 passes, 1 lanes\""), "{info}");
    // The command's input is not that of huedb.
    let ran = world.run_with(
        &["--key-command", "cat; echo correct horse", "import", "notes", "-"],
        "{\"id\": \"a\", \"embedding\": [1]}\n",
    );
    assert!(ran.status == Some(0) && ran.stderr.starts_with("added 1,"), "{ran:?}");
}

#[test]
fn a_plain_file_needs_no_key_and_minds_none() {
    let world = plain();
    world.run(&["--key-file", "nowhere.key", "count", "notes"]).is("300\n", "", 0);
    world.run(&with(&KEY, &["create", "more", "--no-model", "--encrypt"])).is(
        "",
        "error: test.redb exists and is not encrypted\n\nhint: encrypt it with `huedb encrypt test.redb`\n",
        2,
    );
    let ran = world.run(&["--db", "new.redb", "--key-file", "test.key", "create", "notes", "--no-model"]);
    assert!(ran.status == Some(0) && ran.stderr.contains("new.redb is plain although a key was given"), "{ran:?}");
    let without = |says: &str| {
        format!(
            "error: {says}\n\nhint: give one with --key-file FILE (or HUEDB_KEY_FILE), with --key-command COMMAND (or \
             HUEDB_KEY_COMMAND), or on a terminal, where it is asked for\n"
        )
    };
    let no_key = without("no key was given to encrypt third.redb with");
    world.run(&["--db", "third.redb", "create", "notes", "--no-model", "--encrypt"]).is("", &no_key, 2);
    assert!(!world.path("third.redb").exists());
    world.run(&["encrypt"]).is("", &without("no key was given to encrypt test.redb with"), 2);
    // An empty file, as mktemp makes it, and a link to what is not there yet.
    world.write("empty.redb", "");
    std::os::unix::fs::symlink("fourth.redb", world.path("link.redb")).unwrap();
    for name in ["empty.redb", "link.redb"] {
        let db = ["--db", name];
        world.ok(&with(&KEY, &[&db[..], &["create", "notes", "--no-model", "--encrypt"]].concat()));
        assert!(huedb::store::is_encrypted(&world.path(name)), "{name}");
        world.run(&with(&KEY, &[&db[..], &["count", "notes"]].concat())).is("0\n", "", 0);
    }
    assert!(world.path("link.redb").is_symlink() && world.path("fourth.redb").exists());
}

#[test]
fn a_plain_file_becomes_an_encrypted_one_and_plain_again() {
    let world = plain();
    std::fs::set_permissions(world.path("test.redb"), std::fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink("test.redb", world.path("link.redb")).unwrap();
    assert_hidden(&world.bytes(), false);
    let (all, id) = (world.ok(&["export", "notes"]), world.ok(&["info", "-o", "json"]));
    let id = id.split("\"file_id\":").nth(1).unwrap().split(',').next().unwrap().to_owned();

    let ran = world.run(&["encrypt", "link.redb", "--key-file", "test.key"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(0), ""), "{ran:?}");
    assert!(ran.stderr.starts_with("encrypted 300 records of 1 collection ("), "{ran:?}");
    assert!(ran.stderr.contains("may still be recoverable"), "{ran:?}");
    assert_hidden(&world.bytes(), true);
    assert_eq!(world.ok(&with(&KEY, &["export", "notes"])), all);
    assert!(world.ok(&with(&KEY, &["info", "-o", "json"])).contains(&id));
    world.run(&with(&KEY, &["check", "--deep"])).is("", "no damage found in test.redb\n", 0);
    let facts = world.path("test.redb").metadata().unwrap();
    assert_eq!(facts.permissions().mode() & 0o777, 0o640);
    assert!(world.path("link.redb").is_symlink());

    let ran = world.run(&with(&KEY, &["encrypt"]));
    assert!(ran.status == Some(2) && ran.stderr.contains("encrypted already"), "{ran:?}");
    world.ok(&with(&KEY, &["decrypt", "test.redb"]));
    assert_hidden(&world.bytes(), false);
    assert_eq!(world.ok(&["export", "notes"]), all);
    let ran = world.run(&["decrypt"]);
    assert!(ran.status == Some(2) && ran.stderr.contains("test.redb is not encrypted"), "{ran:?}");
    let ran = world.run(&["rekey", "--new-key-file", "test.key"]);
    assert!(ran.status == Some(2) && ran.stderr.contains("test.redb is not encrypted"), "{ran:?}");
    let left: Vec<_> = std::fs::read_dir(world.path(".")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().ends_with(".part")), "{left:?}");
}

#[test]
fn another_key_opens_the_file_and_the_old_one_no_longer() {
    let world = plain();
    world.write("other.key", [0xb6; 32]);
    world.ok(&with(&KEY, &["encrypt"]));
    let all = world.ok(&with(&KEY, &["export", "notes"]));
    let encrypted = world.bytes();
    world.run(&with(&KEY, &["rekey", "--new-key-file", "other.key"])).is("", "test.redb has another key\n", 0);
    world.run(&with(&KEY, &["count", "notes"])).is("", WRONG_KEY, 2);
    let other = ["--key-file", "other.key"];
    assert_eq!(world.ok(&with(&other, &["export", "notes"])), all);
    let changed = |bytes: &[u8]| encrypted.chunks(4096).zip(bytes.chunks(4096)).filter(|(a, b)| a != b).count();
    let pages = changed(&world.bytes());
    // The header, and what an empty commit of redb writes.
    let all_pages = encrypted.len() / 4096;
    assert!(pages >= 2 && pages < all_pages / 3, "{pages} of {all_pages} pages changed");
    world.run(&with(&other, &["check", "--deep"])).is("", "no damage found in test.redb\n", 0);

    world.ok(&with(&other, &["rekey", "--full", "--new-key-command", "cat test.key"]));
    assert_eq!(world.ok(&with(&KEY, &["export", "notes"])), all);
    world.run(&with(&other, &["count", "notes"])).is("", WRONG_KEY, 2);
    // Under another key of the text no page is the same, but for those that were never written.
    let bytes = world.bytes();
    let mut same = encrypted.chunks(4096).zip(bytes.chunks(4096)).filter(|(a, b)| a == b);
    assert!(same.all(|(page, _)| page.iter().all(|byte| *byte == 0)));
}

#[test]
fn a_damaged_header_is_damage_and_one_good_copy_is_enough() {
    let world = plain();
    world.ok(&with(&KEY, &["encrypt"]));
    let flip = |at: u64| {
        let file = std::fs::OpenOptions::new().read(true).write(true).open(world.path("test.redb")).unwrap();
        let mut byte = [0];
        file.read_exact_at(&mut byte, at).unwrap();
        file.write_all_at(&[byte[0] ^ 1], at).unwrap();
    };
    flip(100);
    world.run(&with(&KEY, &["count", "notes"])).is("300\n", "", 0);
    let ran = world.run(&with(&KEY, &["check", "-o", "json"]));
    assert!(ran.status == Some(4) && ran.stdout.contains("one of its two copies is damaged"), "{ran:?}");
    world.ok(&with(&KEY, &["rekey", "--new-key-file", "test.key"]));
    world.run(&with(&KEY, &["check"])).is("", "no damage found in test.redb\n", 0);
    flip(100);
    flip(4096 + 60);
    for key in [&KEY[..], &[]] {
        let ran = world.run(&with(key, &["count", "notes"]));
        assert!(ran.status == Some(4) && ran.stderr.contains("header of its encryption"), "{ran:?}");
    }
    // Nor is a file that ends in its header anything but damaged.
    let bytes = world.bytes();
    for end in [1, 16, 100, 4096, 8191, 8192, 8193, 12_000] {
        world.write("test.redb", &bytes[..end]);
        let ran = world.run(&with(&KEY, &["count", "notes"]));
        assert_eq!(ran.status, Some(4), "{end}: {ran:?}");
    }
}

#[test]
fn nothing_is_lost_while_the_file_changes_its_form() {
    let world = plain();
    let key = ["--busy-timeout", "60", "--key-file", "test.key"];
    let adds: Vec<_> = (0..4)
        .map(|writer| {
            let rows = rows(1000 * (writer + 1)..1000 * (writer + 1) + 120);
            let name = world.write(&format!("rows-{writer}.jsonl"), rows);
            world.spawn(&with(&key, &["import", "notes", &name, "--batch-size", "10"]))
        })
        .collect();
    for _ in 0..2 {
        for args in [&["encrypt"][..], &["rekey", "--full", "--new-key-file", "test.key"], &["decrypt"]] {
            world.ok(&with(&key, args));
            world.ok(&with(&key, &["count", "notes"]));
        }
    }
    for add in adds {
        let ran = finish(add);
        assert_eq!(ran.status, Some(0), "{ran:?}");
    }
    world.run(&["count", "notes"]).is("780\n", "", 0);
    world.run(&["check", "--deep"]).is("", "no damage found in test.redb\n", 0);
}

/// Runs a command on a terminal of its own and types the lines, each when it is asked for.
pub(crate) fn on_terminal(world: &World, command: &str, lines: &[&str]) -> (String, Option<i32>) {
    let huedb = std::path::Path::new(env!("CARGO_BIN_EXE_huedb")).parent().unwrap();
    let path = format!("{}:{}", huedb.display(), std::env::var("PATH").unwrap());
    let mut child = Command::new("script")
        .args(["-qec", command, "/dev/null"])
        .current_dir(world.path("."))
        .env("PATH", path)
        .env("HUEDB_FILE", "test.redb")
        .env_remove("HUEDB_KEY_FILE")
        .env_remove("HUEDB_KEY_COMMAND")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut typing, mut seen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut shown = Vec::new();
    let mut byte = [0];
    for line in lines {
        let before = shown.len();
        while ![&b": "[..], b"[y/N] "].iter().any(|prompt| shown[before..].ends_with(prompt)) {
            seen.read_exact(&mut byte).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&shown)));
            shown.extend(byte);
        }
        // The prompt is written a moment before the echo goes.
        sleep(Duration::from_millis(300));
        writeln!(typing, "{line}").unwrap();
    }
    seen.read_to_end(&mut shown).unwrap();
    drop(typing);
    (String::from_utf8(shown).unwrap(), child.wait().unwrap().code())
}

#[test]
fn a_passphrase_is_typed_unseen() {
    let world = World::plain();
    let create = "huedb create notes --no-model --encrypt";
    let (shown, status) = on_terminal(&world, create, &["correct horse", "correct house"]);
    assert!(status == Some(2) && shown.contains("the two are not the same"), "{shown}");
    assert!(!world.path("test.redb").exists());
    let (shown, status) = on_terminal(&world, create, &["correct horse", "correct horse"]);
    assert_eq!(status, Some(0), "{shown}");
    assert!(shown.contains("New key of test.redb: ") && !shown.contains("horse"), "{shown}");
    let (shown, status) = on_terminal(&world, "huedb count notes", &["correct horse"]);
    assert_eq!(status, Some(0), "{shown}");
    assert!(shown.contains("Key of test.redb: ") && shown.contains('0') && !shown.contains("horse"), "{shown}");
    let (shown, status) = on_terminal(&world, "huedb rekey", &["correct horse", "battery", "battery"]);
    assert_eq!(status, Some(0), "{shown}");
    world.run(&["--key-command", "echo battery", "count", "notes"]).is("0\n", "", 0);
    world.write("series", "count notes\ncount notes\ncount notes\n");
    let (shown, status) = on_terminal(&world, "huedb exec series", &["battery"]);
    assert!(status == Some(0) && shown.matches("Key of test.redb").count() == 1, "{shown}");
    let (shown, status) = on_terminal(&world, "huedb count notes", &["correct horse"]);
    assert!(status == Some(2) && shown.contains("the key does not open"), "{shown}");
}
