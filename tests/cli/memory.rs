//! A process that may have little memory: an import of a million records stays within it.

use std::io::{BufWriter, Write};
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::huedb::{World, finish};
use crate::random::Random;

const ROWS: usize = 1_000_000;
/// What the process may ask for, of which 315 MiB are resident: how much its allocator holds besides depends on how its threads meet,
/// and was 384 MiB at the least and 430 at the most in ten runs.
const MEMORY_KIB: usize = 448 << 10;

#[test]
fn a_million_records_are_imported_in_little_memory() {
    let world = World::plain();
    world.ok(&["create", "notes", "--no-model"]);
    let inner = world.command(&["import", "notes", "-", "--format", "jsonl"]);
    let mut outer = Command::new("sh");
    outer.args(["-c", &format!("ulimit -d {MEMORY_KIB}; exec \"$@\""), "sh"]);
    outer.arg(inner.get_program()).args(inner.get_args()).current_dir(world.path("")).env("HUEDB_FILE", "test.redb");
    let mut child = outer.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufWriter::new(child.stdin.take().unwrap());
    let mut random = Random::new();
    for row in 0..ROWS {
        let embedding: Vec<u8> = random.vector(32).iter().flat_map(|x| x.to_le_bytes()).collect();
        let embedding = STANDARD.encode(embedding);
        // A process that ended tells why itself.
        let line = writeln!(lines, r#"{{"id":"r{row}","document":"text {row}","n":{row},"embedding":"{embedding}"}}"#);
        if line.is_err() {
            break;
        }
    }
    let _ = lines.flush();
    drop(lines);
    let ran = finish(child);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert_eq!(world.ok(&["count", "notes", "--where", "n >= 500000"]), format!("{}\n", ROWS / 2));
    assert!(world.bytes().len() > 256 << 20, "the file is small enough to be kept in memory");
}
