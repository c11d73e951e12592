//! A disk that is full, a real one: a clear error, the file as it was and still readable, and with room all works.

use std::path::Path;
use std::process::Command;

use crate::huedb::{Ran, World, finish};

const ROWS: usize = 2000;

fn world_with_rows() -> (World, String) {
    let world = World::plain().having_notes();
    world.ok(&["add", "notes", "--id", "fox", "--document", "a red fox"]);
    let row = |i: usize| format!("{{\"id\":\"r{i}\",\"document\":\"{}\"}}\n", format!("text {i} ").repeat(40));
    let file = world.write("rows.jsonl", (0..ROWS).map(row).collect::<String>());
    (world, file)
}

#[track_caller]
fn is_refused(ran: &Ran, why: &str) {
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(5), ""), "{ran:?}");
    let said = format!("error: cannot use test.redb: {why}");
    assert!(ran.stderr.starts_with(&said) && ran.stderr.contains("hint: free some space"), "{ran:?}");
}

/// What can be done with the file while there is no room.
fn can_be_read(world: &World) {
    assert_eq!(world.ok(&["get", "notes", "-o", "ids"]), "fox\n");
    assert_eq!(world.ok(&["query", "notes", "fox", "-o", "ids"]), "fox\n");
}

fn can_be_written(world: &World, rows: &str) {
    world.ok(&["add", "notes", "--id", "more", "--document", &"text ".repeat(20_000)]);
    world.ok(&["import", "notes", rows]);
    assert_eq!(world.ok(&["count", "notes"]), format!("{}\n", ROWS + 2));
    world.ok(&["check", "--deep"]);
}

#[test]
fn a_file_that_may_not_grow() {
    let (world, rows) = world_with_rows();
    // In blocks of 512 bytes; the signal that comes with the refusal would end the process.
    let blocks = world.bytes().len() / 512 + 8;
    let limited = |args: &[&str]| {
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
        let inner = world.command(args);
        let mut outer = Command::new("sh");
        outer.args(["-c", &script, "sh"]).arg(inner.get_program()).args(inner.get_args()).current_dir(world.path(""));
        outer.env("HUEDB_FILE", "test.redb").stdin(std::process::Stdio::null());
        finish(outer.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap())
    };
    is_refused(&limited(&["import", "notes", &rows]), "File too large");
    is_refused(&limited(&["add", "notes", "--id", "more", "--document", &"text ".repeat(20_000)]), "File too large");
    can_be_read(&world);
    can_be_written(&world, &rows);
}

/// A small file system of its own, taken away with it.
struct Small<'a>(&'a Path);

impl Small<'_> {
    fn mount(at: &Path, options: &str) -> bool {
        let ran = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(at).output();
        ran.is_ok_and(|ran| ran.status.success())
    }
}

impl Drop for Small<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).status();
    }
}

#[test]
fn a_file_system_without_room() {
    let (world, _) = world_with_rows();
    let folder = world.path("");
    let (file, rows) = (world.bytes(), std::fs::read(world.path("rows.jsonl")).unwrap());
    let size = file.len() + rows.len() + (64 << 10);
    if !Small::mount(&folder, &format!("size={size}")) {
        eprintln!("only root may mount; a file that may not grow is tested in any case");
        return;
    }
    let _small = Small(&folder);
    world.write("test.redb", &file);
    let rows = world.write("rows.jsonl", &rows);
    is_refused(&world.run(&["import", "notes", &rows]), "No space left on device");
    is_refused(
        &world.run(&["add", "notes", "--id", "more", "--document", &"text ".repeat(20_000)]),
        "No space left on device",
    );
    can_be_read(&world);
    assert!(Small::mount(&folder, "remount,size=64m"));
    can_be_written(&world, &rows);
}
