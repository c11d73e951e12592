//! Scripts of commands, and the shell that takes them typed.

use crate::huedb::World;

#[test]
fn a_script_runs_line_by_line() {
    let world = World::new();
    let encrypt = if crate::open::encrypted() { " --encrypt" } else { "" };
    let script = format!(
        "# A comment, and an empty line.\n\ncreate notes --model hash-64{encrypt}\nadd notes --id a --document \"it's a \\\n\
         fox\" --metadata '{{\"n\": 1}}' # behind\nadd notes --id b <<END\nlines of\n\"text\"\nEND\n\
         query notes 'no such thing' --where 'n = 7'\nhuedb get notes --include documents -o csv\n"
    );
    world.write("build.huedb", &script);
    world.run(&["exec", "build.huedb"]).is(
        "id,document\na,it's a fox\nb,\"lines of\n\"\"text\"\"\"\n",
        "created notes in test.redb (model hash-64, 64 dimensions, cosine)\nadded 1\nadded 1\n",
        0,
    );
    // The flags of exec hold for every line, and a line may say otherwise.
    let lines =
        "get notes --id a --include documents\ndelete notes --id a -o json\nget notes -o csv --include documents\n";
    world.run_with(&["-o", "ids", "--quiet", "exec", "-"], lines).is(
        "a\nid,document\nb,\"lines of\n\"\"text\"\"\"\n",
        "",
        0,
    );
}

#[test]
fn the_first_failure_ends_it_with_its_line() {
    let world = World::with_notes();
    let script = "count notes\n\ncount ghosts\ncount notes\nnonsense\n";
    world.write("bad.huedb", script);
    let missing = "error: no collection named \"ghosts\"\n\nhint: available: notes\n";
    world.run(&["exec", "bad.huedb"]).is("0\n", &format!("{missing}error: bad.huedb:3: exit code 2\n"), 2);
    let all = world.run(&["exec", "bad.huedb", "--keep-going"]);
    assert!(all.stdout == "0\n0\n" && all.status == Some(2), "{all:?}");
    assert!(all.stderr.contains("warning: bad.huedb:3: exit code 2\n"), "{all:?}");
    assert!(all.stderr.contains("warning: bad.huedb:5: exit code 2\n"), "{all:?}");
    world.run_with(&["exec", "-"], "count notes\nget 'x\n").is(
        "0\n",
        "error: -:2: a quote is not closed, or nothing follows a backslash\n",
        2,
    );
    world.run_with(&["exec", "-"], "add notes --id a <<END\ntext\n").is(
        "",
        "error: -:1: no line END ends its text\n",
        2,
    );
    // What reads the standard input must not read the script.
    let robbed = world.run_with(&["exec", "-"], "add notes --id a\ncount notes\n");
    assert!(robbed.stderr.starts_with("error: standard input contains no text\n"), "{robbed:?}");
    let again = world.run_with(&["exec", "-"], "exec bad.huedb\n");
    again.is("", "error: exec cannot be used in a script\nerror: -:1: exit code 2\n", 2);
    world.run(&["exec", "none.huedb"]).is("", "error: none.huedb: no such file\n", 2);
    world.run(&["exec", "."]).is("", "error: .: it is a folder, not a script\n", 2);
    world.run_with(&["exec", "-"], "").is("", "", 0);
    // Of the standard input a command that fails leaves nothing to the next.
    let left = "import notes - --format jsonl <<END\nnonsense\nmore\nEND\nadd notes --id a <<END\nfox\nEND\nget notes -o csv\n";
    let left = world.run_with(&["exec", "-", "--keep-going"], left);
    assert!(left.stdout.ends_with("\na,fox,,\n") && left.status == Some(2), "{left:?}");
}

#[test]
fn a_shell_without_a_terminal_is_a_script() {
    let world = World::with_notes();
    world.run_with(&["shell"], "count notes\nlist -o ids\n").is("0\nnotes\n", "", 0);
}
