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
