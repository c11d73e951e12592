//! Where a database may lie: behind links, in odd names, where nothing may be written.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;

use crate::huedb::{Ran, World, finish};

fn allow(path: impl AsRef<Path>, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Runs a command as a user to whom permissions apply, also where the tests run as root.
fn run_as_somebody(world: &World, args: &[&str]) -> Ran {
    let mut command = world.command(args);
    if fs::metadata(world.path(".")).unwrap().uid() == 0 {
        // The program may lie where nobody else can read. Copied by a process of its own: what this one has open for
        // writing, a child that another test starts meanwhile has too, and such a file does not run.
        let program = world.path("huedb");
        let copied = std::process::Command::new("cp").arg(env!("CARGO_BIN_EXE_huedb")).arg(&program).status();
        assert!(copied.unwrap().success());
        let mut copied = std::process::Command::new(program);
        copied.args(args).current_dir(world.path(".")).env("HUEDB_FILE", "test.redb");
        copied.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::piped());
        command = copied;
        command.stderr(std::process::Stdio::piped()).uid(65_534).gid(65_534);
    }
    finish(command.spawn().unwrap())
}

#[test]
fn a_file_that_may_only_be_read() {
    let world = World::plain().having_notes();
    world.ok(&["add", "notes", "--id", "a", "--document", "red fox"]);
    let before = world.bytes();
    allow(world.path("."), 0o755);
    allow(world.path("test.redb"), 0o444);
    for args in [&["count", "notes"][..], &["query", "notes", "fox"], &["export", "notes"], &["check", "--deep"]] {
        let ran = run_as_somebody(&world, args);
        assert_eq!(ran.status, Some(0), "{args:?}: {ran:?}");
    }
    for args in [&["add", "notes", "--id", "b", "--document", "x"][..], &["compact"], &["drop", "notes"]] {
        let ran = run_as_somebody(&world, args);
        assert_eq!(ran.status, Some(5), "{args:?}: {ran:?}");
        assert!(ran.stderr.starts_with("error: cannot open test.redb: "), "{args:?}: {ran:?}");
    }
    assert_eq!(world.bytes(), before);
}

#[test]
fn a_folder_that_may_only_be_read() {
    let world = World::plain().having_notes();
    allow(world.path("."), 0o555);
    allow(world.path("test.redb"), 0o666);
    // The file itself may be written, and nothing beside it is needed.
    for args in [&["add", "notes", "--id", "a", "--document", "red fox"][..], &["compact"], &["count", "notes"]] {
        let ran = run_as_somebody(&world, args);
        assert_eq!(ran.status, Some(0), "{args:?}: {ran:?}");
    }
    for args in [&["backup", "copy.redb"][..], &["--db", "new.redb", "create", "notes", "--model", "hash-8"]] {
        let ran = run_as_somebody(&world, args);
        assert_eq!(ran.status, Some(5), "{args:?}: {ran:?}");
        assert!(ran.stderr.contains(".redb: "), "{args:?}: {ran:?}");
    }
    allow(world.path("."), 0o755);
}

#[test]
fn a_link_stays_a_link() {
    let world = World::plain();
    fs::create_dir(world.path("real")).unwrap();
    symlink("real/notes.redb", world.path("test.redb")).unwrap();
    world.ok(&["create", "notes", "--model", "hash-64"]);
    world.ok(&["add", "notes", "--id", "a", "--document", "red fox"]);
    world.ok(&["backup", "copy.redb"]);
    world.ok(&["compact"]);
    world.ok(&["restore", "copy.redb", "--force"]);
    let mut bytes = world.bytes();
    // A page of an index, so that a repair in place has something to do.
    let at = memchr::memmem::rfind(&bytes, b"red fox").unwrap();
    bytes[at] ^= 1;
    world.write("test.redb", bytes);
    world.ok(&["repair"]);
    assert!(fs::symlink_metadata(world.path("test.redb")).unwrap().is_symlink());
    assert!(world.path("real/notes.redb").is_file());
    world.run(&["get", "notes", "-o", "ids"]).is("a\n", "", 0);
    world.run(&["--db", "real/notes.redb", "check", "--deep"]).is("", "no damage found in real/notes.redb\n", 0);
}

#[test]
fn odd_names_and_no_home() {
    for name in ["spaces in it.redb", "veri tabanı – 数据.redb", "-dash.redb", "a'b\"c.redb", "tab\tname.redb"] {
        let world = World::plain();
        let run = |args: &[&str]| {
            let db = format!("--db={name}");
            let mut command = world.command(&[&[db.as_str()], args].concat());
            command.env_remove("HOME").env_remove("XDG_CACHE_HOME").env_remove("XDG_DATA_HOME");
            let ran = finish(command.spawn().unwrap());
            assert_eq!(ran.status, Some(0), "{name:?} {args:?}: {ran:?}");
            ran.stdout
        };
        run(&["create", "notes", "--model", "hash-64"]);
        run(&["add", "notes", "--id", "a", "--document", "red fox"]);
        assert_eq!(run(&["query", "notes", "fox", "-o", "ids"]), "a\n");
        run(&["compact"]);
        run(&["backup", "copy.redb"]);
        run(&["restore", "copy.redb", "--force"]);
        run(&["check", "--deep"]);
        assert!(world.path(name).is_file());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_stream_that_is_closed_is_an_error_and_not_an_empty_one() {
    let world = World::with_notes();
    world.ok(&["add", "notes", "--id", "a", "--document", "text"]);
    world.write("s.huedb", "upsert notes --id b --document - <<END\ntext of b\nEND\n");
    let closed = |args: &[&str], which: &str| {
        let inner = world.command(args);
        let mut outer = std::process::Command::new("sh");
        outer.args(["-c", &format!("exec \"$@\" {which}"), "sh"]).arg(inner.get_program()).args(inner.get_args());
        outer.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir(world.path(""));
        outer.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::piped());
        crate::huedb::finish(outer.stderr(std::process::Stdio::piped()).spawn().unwrap())
    };
    for args in [&["count", "notes"][..], &["get", "notes"], &["list"], &["export", "notes"], &["query", "notes", "x"]]
    {
        let ran = closed(args, ">&-");
        assert_eq!(ran.status, Some(5), "{args:?}: {ran:?}");
        assert!(ran.stderr.contains("cannot write the output: Bad file descriptor"), "{args:?}: {ran:?}");
    }
    for args in [
        &["import", "notes", "-"][..],
        &["add", "notes", "--id", "z"],
        &["query", "notes", "-"],
        &["query", "notes", "--input", "-"],
        &["delete", "notes", "--ids-from", "-"],
        &["import", "--all", "-"],
        &["exec", "-"],
        &["embed", "--model", "hash-4"],
    ] {
        let ran = closed(args, "<&-");
        assert_eq!(ran.status, Some(5), "{args:?}: {ran:?}");
        assert!(ran.stderr.contains("Bad file descriptor"), "{args:?}: {ran:?}");
    }
    // What needs none does not miss it, and what a script gives is there.
    assert_eq!(closed(&["count", "notes"], "<&-").stdout, "1\n");
    assert_eq!(closed(&["exec", "s.huedb"], "<&-").status, Some(0));
    assert_eq!(world.ok(&["count", "notes"]), "2\n");
    assert_eq!(closed(&["upsert", "notes", "--id", "c", "--document", "c"], ">&-").status, Some(0));
}
