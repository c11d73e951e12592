//! What is put in the place of what: devices and folders stay, owners and modes are kept, nothing is left over.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use crate::huedb::{World, finish};

/// A file with a few records, and a backup of it.
fn world() -> World {
    let world = World::with_notes();
    world.ok(&["add", "notes", "--id", "a", "--document", "the only one"]);
    world.ok(&["backup", "copy.redb"]);
    world
}

fn make(world: &World, command: &str, args: &[&str]) {
    assert!(Command::new(command).args(args).current_dir(world.path(".")).status().unwrap().success(), "{command}");
}

#[test]
fn nothing_but_a_file_is_replaced() {
    let world = world();
    make(&world, "mkfifo", &["fifo"]);
    fs::create_dir(world.path("folder")).unwrap();
    let _listener = UnixListener::bind(world.path("socket")).unwrap();
    symlink("fifo", world.path("link")).unwrap();
    symlink("/dev/null", world.path("null")).unwrap();
    for (place, what) in
        [("fifo", "a FIFO"), ("folder", "a folder"), ("socket", "a socket"), ("link", "a FIFO"), ("null", "a device")]
    {
        for args in [
            &["backup", place, "--force"][..],
            &["--db", place, "restore", "copy.redb", "--force"],
            &["repair", "--to", place, "--force"],
            &["backup", place],
            &["--db", place, "restore", "copy.redb"],
            &["repair", "--to", place],
        ] {
            let ran = world.run(args);
            assert!(matches!(ran.status, Some(2 | 4)), "{args:?}: {ran:?}");
            let is_said = ran.stderr.contains(what) || ran.stderr.contains("exists already");
            assert!(is_said, "{args:?}: {ran:?}");
        }
        // Nor is it waited for.
        for args in
            [&["count", "notes"][..], &["add", "notes", "--id", "b", "--document", "x"], &["info"], &["create", "more"]]
        {
            let ran = world.run(&[&["--db", place], args].concat());
            assert_eq!(ran.status, Some(4), "{place} {args:?}: {ran:?}");
            assert!(ran.stderr.contains(&format!("it is {what}")), "{place} {args:?}: {ran:?}");
        }
    }
    assert!(fs::metadata(world.path("fifo")).unwrap().file_type().is_fifo());
    assert!(fs::metadata(world.path("socket")).unwrap().file_type().is_socket());
    assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
}

#[test]
fn a_link_stays_one_whatever_is_put_in_its_place() {
    let world = world();
    fs::create_dir(world.path("other")).unwrap();
    for args in [
        &["backup", "link", "--force"][..],
        &["--db", "link", "restore", "copy.redb", "--force"],
        &["repair", "--to", "link", "--force"],
        &["export", "notes", "link", "-o", "jsonl", "--force"],
        &["export", "--all", "link", "-o", "jsonl", "--force"],
    ] {
        for target in ["there", "not there"] {
            let _ = fs::remove_file(world.path("link"));
            let _ = fs::remove_file(world.path("other/not there"));
            world.write("other/there", "old");
            symlink(format!("other/{target}"), world.path("link")).unwrap();
            world.ok(args);
            assert!(world.path("link").is_symlink(), "{args:?}");
            assert_ne!(fs::read(world.path("other").join(target)).unwrap(), b"old", "{args:?}");
        }
    }
}

#[test]
fn owner_and_mode_of_what_was_there_are_kept() {
    let world = world();
    // Only root may give files away.
    let is_root = world.path(".").metadata().unwrap().uid() == 0;
    let other = if is_root { 65_534 } else { world.path(".").metadata().unwrap().uid() };
    if !is_root {
        eprintln!("not run as root: that another owner is kept was not tested, only the mode");
    }
    world.write("other.key", [0xb6; 32]);
    let encrypted = crate::open::encrypted();
    let key = ["--key-file", "test.key"];
    let mut cases: Vec<(&str, Vec<&str>)> = vec![
        ("copy.redb", vec!["backup", "copy.redb", "--force"]),
        ("test.redb", vec!["restore", "copy.redb", "--force"]),
        ("saved.redb", vec!["repair", "--to", "saved.redb", "--force"]),
        ("all.jsonl", vec!["export", "--all", "all.jsonl", "--force"]),
        ("notes.jsonl", vec!["export", "notes", "notes.jsonl", "--force"]),
    ];
    if !encrypted {
        cases.push(("test.redb", [&key[..], &["encrypt"]].concat()));
        cases.push(("test.redb", [&key[..], &["rekey", "--full", "--new-key-file", "test.key"]].concat()));
        cases.push(("test.redb", [&key[..], &["decrypt"]].concat()));
    }
    for (place, args) in cases {
        let path = world.path(place);
        if !path.exists() {
            world.write(place, "old");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        if is_root {
            std::os::unix::fs::chown(&path, Some(other), Some(other)).unwrap();
        }
        world.ok(&args);
        let facts = fs::metadata(&path).unwrap();
        assert_eq!((facts.uid(), facts.mode() & 0o7777), (other, 0o640), "{args:?}");
    }
}

fn parts(world: &World) -> Vec<String> {
    let names = fs::read_dir(world.path(".")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.contains(".part")).collect()
}

#[test]
fn what_a_killed_command_left_is_named_and_goes_with_the_next_write() {
    let world = world();
    let rows: String =
        (0..30_000).map(|i| format!("{{\"id\":\"r{i}\",\"document\":\"text number {i} of many\"}}\n")).collect();
    world.write("rows.jsonl", rows);
    world.ok(&["import", "notes", "rows.jsonl"]);
    let commands =
        [&["backup", "new.redb"][..], &["encrypt", "--key-file", "test.key"], &["export", "--all", "all.jsonl"]];
    let commands = if crate::open::encrypted() { &commands[..1] } else { &commands[..] };
    for named in [false, true] {
        let mut left = 0;
        for (args, after) in commands.iter().flat_map(|args| [5, 20, 60, 120].map(|after| (args, after))) {
            let mut command = world.command(args);
            if named {
                // As on a system where a file has a name from the start.
                command.env("HUEDB_TEST_NAMED_PARTS", "1");
            }
            let mut child = command.spawn().unwrap();
            sleep(Duration::from_millis(after));
            let ended = child.try_wait().unwrap();
            child.kill().unwrap();
            child.wait().unwrap();
            let found = parts(&world);
            if ended.is_none() && cfg!(target_os = "linux") && !named {
                assert!(found.is_empty(), "{args:?}: {found:?}");
            }
            left += usize::from(!found.is_empty());
            sleep(Duration::from_millis(1100));
            for name in &found {
                let ran = world.run(&["check"]);
                assert!(ran.stderr.contains(name) && ran.stderr.contains("the next write removes it"), "{ran:?}");
            }
            for made in ["new.redb", "all.jsonl"] {
                let _ = fs::remove_file(world.path(made));
            }
            // The kill may come after the file was put in place and before its process had ended.
            if args[0] == "encrypt" && world.run(&["count", "notes"]).stderr.contains("is encrypted") {
                world.ok(&["decrypt", "--key-file", "test.key"]);
            }
            world.ok(&["upsert", "notes", "--id", "a", "--document", "the only one", "--uri", &format!("x:{after}")]);
            assert_eq!(parts(&world), [""; 0], "{args:?}");
        }
        assert!(!named || left > 0, "no kill came in time");
    }
    // One that is at work keeps its file.
    let mut command = world.command(&["backup", "new.redb"]);
    let child = command.env("HUEDB_TEST_NAMED_PARTS", "1").spawn().unwrap();
    world.ok(&["upsert", "notes", "--id", "a", "--document", "the only one", "--uri", "y:"]);
    assert_eq!(finish(child).status, Some(0));
}

#[test]
fn a_change_of_the_key_that_was_cut_short_is_finished_by_the_next_write() {
    let world = World::plain();
    world.write("other.key", [0xb6; 32]);
    let old = ["--key-file", "test.key"];
    let new = ["--key-file", "other.key"];
    let with = |key: &[&str], args: &[&str]| world.run(&[key, args].concat());
    world.ok(&["--key-file", "test.key", "create", "notes", "--model", "hash-8", "--encrypt"]);
    let before = world.bytes();
    assert_eq!(with(&old, &["rekey", "--new-key-file", "other.key"]).status, Some(0));
    let after = world.bytes();
    for at in [0, 4096] {
        // As a kill between the two copies leaves it.
        let mut cut = after.clone();
        cut[at..at + 4096].copy_from_slice(&before[at..at + 4096]);
        world.write("test.redb", &cut);
        let ran = with(&new, &["check"]);
        assert!(ran.status == Some(4) && ran.stdout.contains("a change of the key was interrupted"), "{ran:?}");
        assert!(with(&new, &["count", "notes"]).stdout == "0\n" && world.bytes() == cut, "a reader writes nothing");
        assert_eq!(with(&old, &["add", "notes", "--id", "a", "--document", "x"]).status, Some(2));
        assert!(world.bytes() == cut, "nor does the wrong key");
        assert_eq!(with(&new, &["add", "notes", "--id", "a", "--document", "x"]).status, Some(0));
        with(&new, &["check", "--deep"]).is("", "no damage found in test.redb\n", 0);
        assert!(world.bytes()[at..at + 4096] == after[at..at + 4096], "what the old key opens is gone");
    }
}

#[test]
fn a_copy_is_hardly_longer_than_what_it_is_a_copy_of() {
    for (model, row) in [("hash-8", "x"), ("hash-128", "some longer text of more words"), ("hash-32", "text number")] {
        let world = World::plain();
        world.ok(&["create", "notes", "--model", model]);
        let row =
            |i: usize| format!("{{\"id\":\"{i}\",\"document\":\"{row} {i}\",\"metadata\":{{\"n\":{}}}}}\n", i % 97);
        world.write("rows.jsonl", (0..20_000).map(row).collect::<String>());
        world.ok(&["import", "notes", "rows.jsonl"]);
        let bytes = |name: &str| fs::metadata(world.path(name)).unwrap().len();
        let before = bytes("test.redb");
        let key = ["--key-file", "test.key"];
        world.ok(&["backup", "copy.redb"]);
        assert!(bytes("copy.redb") <= before + before / 10, "backup: {} of {before}", bytes("copy.redb"));
        for args in [&["encrypt"][..], &["rekey", "--full", "--new-key-file", "test.key"], &["decrypt"]] {
            world.ok(&[&key[..], args].concat());
            let now = bytes("test.redb");
            assert!(now <= before + before / 10, "{args:?}: {now} of {before} bytes, {model}");
        }
    }
}

#[test]
fn a_delete_of_half_leaves_no_longer_a_file() {
    let world = World::new();
    world.ok(&["create", "notes", "--model", "hash-64"]);
    let row =
        |i: usize| format!("{{\"id\":\"{i}\",\"document\":\"text number {i}\",\"metadata\":{{\"n\":{}}}}}\n", i % 100);
    world.write("rows.jsonl", (0..24_000).map(row).collect::<String>());
    world.ok(&["import", "notes", "rows.jsonl"]);
    let before = fs::metadata(world.path("test.redb")).unwrap().len();
    for half in ["n < 50", "n >= 50"] {
        world.run(&["delete", "notes", "--where", half]).is("", "deleted 12,000\n", 0);
        let now = fs::metadata(world.path("test.redb")).unwrap().len();
        assert!(now <= before + before / 10, "{half}: {now} of {before} bytes");
        world.run(&["check", "--deep"]).is("", "no damage found in test.redb\n", 0);
    }
}

#[test]
fn a_limit_on_the_size_of_files_is_an_error() {
    let world = world();
    let rows: String = (0..20_000).map(|i| format!("{{\"id\":\"r{i}\",\"document\":\"text number {i}\"}}\n")).collect();
    world.write("rows.jsonl", rows);
    let line = format!("ulimit -f 1000; exec {} import notes rows.jsonl", env!("CARGO_BIN_EXE_huedb"));
    let mut command = Command::new("bash");
    let world_command = world.command(&[]);
    command.args(["-c", &line]).current_dir(world.path("."));
    command.envs(world_command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = command.env_remove("HUEDB_BUSY_TIMEOUT").output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{stderr}");
    assert!(stderr.contains("hint: ") && stderr.contains("test.redb"), "{stderr}");
    world.run(&["check", "--deep"]).is("", "no damage found in test.redb\n", 0);
}

#[test]
fn a_config_file_without_an_end_is_none() {
    let world = world();
    let mut command = world.command(&["count", "notes"]);
    let ran = finish(command.env("HUEDB_CONFIG", "/dev/zero").spawn().unwrap());
    assert_eq!(ran.status, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("not a config file"), "{ran:?}");
}
