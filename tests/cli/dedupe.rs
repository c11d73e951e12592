//! Near-duplicates from the command line, and what a script makes of them.

use crate::huedb::World;

fn world() -> World {
    let world = World::with_notes();
    let rows = [
        ("a", "the red fox runs"),
        ("b", "owls see at night"),
        ("c", "the red fox runs"),
        ("d", "the red fox runs fast"),
    ];
    for (id, text) in rows {
        world.ok(&["add", "notes", "--id", id, "--document", text]);
    }
    world
}

#[test]
fn near_duplicates_are_listed_with_the_record_they_are_of() {
    let world = world();
    let ran = world.run(&["dedupe", "notes", "--max-distance", "0.05"]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert_eq!(ran.stdout, "{\"id\":\"c\",\"duplicate_of\":\"a\",\"distance\":0.0}\n");
    assert!(ran.stderr.starts_with("near-duplicates 1 of 4 records, groups 1, in "), "{ran:?}");
    let csv = world.ok(&["dedupe", "notes", "--max-distance", "0.5", "-o", "csv", "--documents"]);
    let lines: Vec<_> = csv.lines().collect();
    assert_eq!(lines[0], "id,duplicate_of,distance,document");
    assert_eq!(lines[1], "c,a,0.0,the red fox runs");
    assert!(lines[2].starts_with("d,a,0.") && lines[2].ends_with("the red fox runs fast"), "{csv}");
    assert!(world.ok(&["dedupe", "notes", "--max-distance", "0.5", "-o", "table"]).contains("the red fox runs fast"));
    assert_eq!(world.ok(&["dedupe", "notes", "--max-distance", "0.5", "-o", "ids"]), "c\nd\n");
    // What is listed can go, and then there is none.
    world.ok(&["delete", "notes", "--id", "c", "--id", "d"]);
    let none = world.run(&["dedupe", "notes", "--max-distance", "0.5"]);
    assert_eq!((none.stdout.as_str(), none.status), ("", Some(1)));
}

#[test]
fn a_check_fails_when_there_are_any_and_errors_fail_it_as_well() {
    let world = world();
    let status = |args: &[&str]| world.run(&[&["dedupe", "notes", "--check", "--max-distance"], args].concat()).status;
    assert_eq!(status(&["0.05"]), Some(1));
    assert_eq!(status(&["0.05", "--where", "year = 1"]), Some(0));
    assert_eq!(status(&["-1"]), Some(0));
    assert_eq!(status(&["near"]), Some(2));
    assert_eq!(status(&["nan"]), Some(2));
    assert_eq!(world.run(&["dedupe", "none", "--max-distance", "0.1", "--check"]).status, Some(2));
    assert_eq!(world.run(&["dedupe", "notes"]).status, Some(2));
}

/// A collection with more records than are compared at once, without documents.
fn many(world: &World, records: usize) {
    world.ok(&["create", "points", "--no-model"]);
    let line = |n: usize| {
        let x = n as f32;
        format!("{{\"id\":\"{n}\",\"embedding\":[{},{},{}]}}\n", x.sin(), (x * 1.7).cos(), (x * 0.3).sin())
    };
    world.write("points.jsonl", (0..records).map(line).collect::<String>());
    world.ok(&["import", "points", "points.jsonl"]);
}

#[test]
fn lines_say_how_far_it_has_come_where_details_are_asked_for() {
    let world = World::with_notes();
    many(&world, 21_000);
    let args = ["dedupe", "points", "--max-distance", "0.0001", "-o", "ids"];
    let ran = world.run(&[&args[..], &["--verbose"]].concat());
    let said: Vec<_> = ran.stderr.lines().filter(|line| line.starts_with("compared ")).collect();
    assert!(
        said.len() == 2 && said[0].starts_with("compared 10,") && said[1].contains(" of 21,000 records in "),
        "{ran:?}"
    );
    let quiet = world.run(&args);
    assert_eq!((quiet.stdout, quiet.stderr.lines().count()), (ran.stdout, 1));
}

#[test]
fn a_terminal_shows_how_far_it_has_come() {
    let world = World::with_notes();
    many(&world, 5000);
    // `script` gives a command a terminal, and what it writes there.
    let huedb = env!("CARGO_BIN_EXE_huedb");
    let command = format!("{huedb} --db test.redb dedupe points --max-distance 0.0001 -o ids");
    let mut script = std::process::Command::new("script");
    script.args(["-qec", &command, "/dev/null"]).current_dir(world.path("")).env("COLUMNS", "100");
    // The key too, where the file is encrypted.
    for (name, value) in world.command(&[]).get_envs() {
        if let Some(value) = value {
            script.env(name, value);
        }
    }
    let Ok(shown) = script.stdin(std::process::Stdio::null()).output() else {
        eprintln!("not run, for `script` is not installed: a_terminal_shows_how_far_it_has_come");
        return;
    };
    let shown = String::from_utf8_lossy(&shown.stdout);
    assert!(shown.contains("compare [") && shown.contains(" rows"), "{shown:?}");
}
