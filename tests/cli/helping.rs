//! What is shown to who asks for help.

use crate::huedb::World;
use crate::terminal::on_terminal;

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

#[test]
fn a_terminal_shows_a_manual_page_by_man() {
    let world = World::plain();
    let man = world.path("man");
    std::fs::write(&man, "#!/bin/sh\necho \"shown by man $*: $(head -n 1)\"\n").unwrap();
    std::fs::set_permissions(&man, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path = |folder: &str| format!("{folder}:{}", std::env::var("PATH").unwrap());
    let mut command = world.command(&["man", "index", "build"]);
    command.env("PATH", path(world.path("").to_str().unwrap()));
    let (shown, _) = on_terminal(command);
    assert!(shown.starts_with("shown by man -l -: .TH huedb-index-build 1"), "{shown}");
    // Without such a program, and in a pipe, the source is printed.
    let mut command = world.command(&["man", "query"]);
    command.env("PATH", world.path("nothing"));
    assert!(on_terminal(command).0.starts_with(".TH huedb-query 1"));
    assert!(world.ok(&["man"]).starts_with(".TH huedb 1"));
    let ran = world.run(&["man", "qurey"]);
    assert!(ran.status == Some(2) && ran.stderr.contains("no manual page \"qurey\"; did you mean query?"), "{ran:?}");
}
