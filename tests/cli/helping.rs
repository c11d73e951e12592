//! What is shown to who asks for help.

use crate::huedb::World;

#[test]
fn huedb_alone_shows_an_overview_that_fits_a_screen() {
    let world = World::plain();
    let ran = world.run(&[]);
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(2), ""));
    assert!(ran.stderr.lines().count() <= 40, "{}", ran.stderr);
    for part in ["Start here:", "  query ", "huedb help COMMAND", "Exit codes:"] {
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    }
    for asked in [&["help"][..], &["-h"], &["--help"]] {
        assert_eq!(world.ok(asked), ran.stderr);
    }
}

#[test]
fn a_command_is_explained_by_its_name_or_by_its_flag() {
    let world = World::plain();
    let page = world.ok(&["help", "query"]);
    assert_eq!(page, world.ok(&["query", "--help"]));
    assert!(page.contains("Usage: huedb query [OPTIONS] <COLLECTION> <TEXT>\n"), "{page}");
    assert!(page.contains("`huedb help options`") && !page.contains("--busy-timeout"), "{page}");
    assert!(world.ok(&["help", "index", "build"]).contains("Usage: huedb index build"));
    assert!(world.ok(&["help", "options"]).contains("--busy-timeout <SECONDS>"));
    let commands = world.ok(&["help", "commands"]);
    assert!(commands.starts_with("Start here:\n  sync ") && commands.contains("\n  rekey "), "{commands}");
}

#[test]
fn a_command_that_there_is_not_is_refused_with_the_nearest() {
    let world = World::plain();
    let ran = world.run(&["help", "qurey"]);
    assert_eq!(ran.status, Some(2));
    assert!(ran.stderr.contains("no command \"qurey\"; did you mean query?"), "{}", ran.stderr);
    assert_eq!(world.run(&["help", "index", "bild"]).status, Some(2));
}
