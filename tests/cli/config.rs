//! The config file and the variables: which goes first, where a value came from, and what a wrong one says.

use std::process::Stdio;

use crate::help;
use crate::huedb::{Ran, World, finish};

/// Runs a command that reads `config.toml`, with more variables.
fn with(world: &World, variables: &[(&str, &str)], args: &[&str]) -> Ran {
    let mut command = world.command(args);
    command.env("HUEDB_CONFIG", "config.toml").envs(variables.iter().copied());
    finish(command.spawn().unwrap())
}

#[test]
fn a_flag_goes_before_a_variable_and_that_before_the_file() {
    let world = World::plain().having_notes();
    world.ok(&["add", "notes", "--id", "a", "--document", "one"]);
    world.write("config.toml", "# mine\noutput = \"ids\"\n\nbusy-timeout = 0.5\nquiet = true\n");
    let get = ["get", "notes"];
    with(&world, &[], &get).is("a\n", "", 0);
    with(&world, &[("HUEDB_OUTPUT", "csv")], &get).is("id,document,metadata,uri\na,one,,\n", "", 0);
    with(&world, &[("HUEDB_OUTPUT", "csv")], &["get", "notes", "-o", "ids"]).is("a\n", "", 0);
    with(&world, &[("HUEDB_OUTPUT", "")], &get).is("a\n", "", 0);
    with(&world, &[("HUEDB_CONFIG", "")], &["get", "notes", "-o", "ids"]).is("a\n", "", 0);
    with(&world, &[], &["delete", "notes", "--id", "a"]).is("", "", 0);
    with(&world, &[("HUEDB_QUIET", "0")], &["delete", "notes", "--id", "a"]).is("", "deleted 0\n", 0);
    let shown =
        with(&world, &[("HUEDB_TENANT", "acme"), ("HUEDB_QUIET", "no")], &["config", "-o", "csv", "--color", "never"]);
    assert_eq!(shown.status, Some(0), "{shown:?}");
    for line in [
        "db,test.redb,environment HUEDB_FILE",
        "tenant,acme,environment HUEDB_TENANT",
        "database,default_database,default",
        "output,csv,flag --output",
        "color,never,flag --color",
        "quiet,no,environment HUEDB_QUIET",
        "busy-timeout,0.5,config config.toml:4",
        "key-file,,default",
    ] {
        assert!(shown.stdout.lines().any(|found| found == line), "{line}\n{}", shown.stdout);
    }
}

#[test]
fn a_usage_error_is_told_in_the_format_of_the_file() {
    let world = World::plain();
    world.write("config.toml", "error-format = \"json\"\n");
    let refused = with(&world, &[], &["count", "notes", "--limt"]);
    assert!(refused.status == Some(2) && refused.stderr.starts_with("{\"error\":"), "{refused:?}");
    let text = with(&world, &[("HUEDB_ERROR_FORMAT", "text")], &["count", "notes", "--limt"]);
    assert!(text.status == Some(2) && text.stderr.starts_with("error: "), "{text:?}");
}

#[test]
fn every_global_flag_has_a_key() {
    let world = World::plain();
    let shown = world.ok(&["config", "-o", "ids"]);
    let globals = help::flags(&[]).into_iter().filter(|flag| !["help", "version"].contains(&flag.as_str()));
    assert_eq!(shown, globals.map(|flag| flag + "\n").collect::<String>());
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let world = World::plain().having_notes();
    for (text, error) in [
        ("outptu = \"json\"\n", "error: config.toml:1: unknown key \"outptu\"; did you mean output?\n"),
        ("\n\n[output]\n", "error: config.toml:3: output is one value: a string, a number, true or false\n"),
        ("quiet = \"yes\"\n", "error: config.toml:1: quiet is true or false, without quotes\n"),
        ("busy-timeout = -1\n", "error: config.toml:1: busy-timeout: \"-1\" is not a number of seconds, 0 or more\n"),
        (
            "color = \"allways\"\n",
            "error: config.toml:1: invalid color \"allways\"; expected auto, always or never; did you mean always?\n",
        ),
    ] {
        world.write("config.toml", text);
        with(&world, &[], &["count", "notes"]).is("", error, 2);
        let shown = with(&world, &[], &["config", "-o", "ids"]);
        assert!(shown.stdout.starts_with("db\n") && shown.stderr == error && shown.status == Some(2), "{shown:?}");
        assert_eq!(with(&world, &[], &["--help"]).status, Some(0));
        with(&world, &[], &["config", "path"]).is("config.toml\n", "", 0);
    }
    world.write("config.toml", "output = \"json\n");
    let refused = with(&world, &[], &["count", "notes"]);
    assert!(refused.stderr.starts_with("error: config.toml:1: "), "{refused:?}");
    world.write("config.toml", "a = 1\nb = 2\n");
    let both = with(&world, &[], &["config", "-o", "ids"]);
    assert!(both.stderr.contains("warning: config.toml:1: ") && both.stderr.contains("error: config.toml:2: "));
    let missing = with(&world, &[("HUEDB_CONFIG", "none.toml")], &["count", "notes"]);
    missing.is("", "error: none.toml: no such file\n\nhint: HUEDB_CONFIG names it; `huedb config set` makes it\n", 2);
    let variable = with(&world, &[("HUEDB_CONFIG", ""), ("HUEDB_OUTPUT", "jsn")], &["count", "notes"]);
    assert!(variable.stderr.starts_with("error: HUEDB_OUTPUT: invalid output \"jsn\""), "{variable:?}");
    assert_eq!(variable.status, Some(2));
}

#[test]
fn a_key_is_set_and_unset_and_comments_stay() {
    let world = World::plain();
    world.write("config.toml", "# colours\ncolor = \"auto\" # as it comes\n");
    with(&world, &[], &["config", "set", "color", "never"]).is("", "set color in config.toml\n", 0);
    with(&world, &[], &["config", "set", "busy-timeout", "30"]).is("", "set busy-timeout in config.toml\n", 0);
    with(&world, &[], &["config", "set", "quiet", "true"]).is("", "set quiet in config.toml\n", 0);
    let text = std::fs::read_to_string(world.path("config.toml")).unwrap();
    assert_eq!(text, "# colours\ncolor = \"never\" # as it comes\nbusy-timeout = 30\nquiet = true\n");
    with(&world, &[], &["config", "unset", "quiet"]).is("", "", 0);
    let refused = with(&world, &[], &["config", "set", "colour", "never"]);
    refused.is("", "error: unknown key \"colour\"; did you mean color?\n", 2);
    let refused = with(&world, &[], &["config", "set", "output", "xml"]);
    assert_eq!(refused.status, Some(2), "{refused:?}");
    let text = std::fs::read_to_string(world.path("config.toml")).unwrap();
    assert_eq!(text, "# colours\ncolor = \"never\" # as it comes\nbusy-timeout = 30\n");
}

#[test]
fn the_file_is_found_where_configuration_is_kept() {
    let world = World::plain().having_notes();
    let run = |variables: &[(&str, &str)], args: &[&str]| {
        let mut command = world.command(args);
        command.env_clear().envs(variables.iter().copied()).stdin(Stdio::null());
        finish(command.spawn().unwrap())
    };
    let home = world.path("home");
    std::fs::create_dir_all(home.join(".config/huedb")).unwrap();
    std::fs::copy(world.path("test.redb"), home.join("mine.redb")).unwrap();
    std::fs::write(home.join(".config/huedb/config.toml"), "db = \"~/mine.redb\"\n").unwrap();
    let home = home.to_str().unwrap();
    run(&[("HOME", home)], &["count", "notes"]).is("0\n", "", 0);
    // As in a container: nobody lives there, or HOME is not a folder.
    for variables in
        [&[][..], &[("HOME", "/dev/null")], &[("HOME", "/nonexistent"), ("XDG_CONFIG_HOME", "/nonexistent")]]
    {
        run(variables, &["--db", "test.redb", "count", "notes"]).is("0\n", "", 0);
    }
    let set = run(&[("HOME", home), ("XDG_CONFIG_HOME", &format!("{home}/else"))], &["config", "set", "output", "ids"]);
    assert_eq!(set.status, Some(0), "{set:?}");
    assert!(world.path("home/else/huedb/config.toml").exists());
}

#[test]
fn of_two_keys_the_nearer_one_opens_the_file() {
    let world = World::plain();
    world.write("right.key", "right");
    world.write("wrong.key", "wrong");
    world.ok(&["create", "notes", "--no-model", "--encrypt", "--key-file", "right.key"]);
    let count = ["count", "notes"];
    world.write("config.toml", "key-command = \"echo wrong\"\n");
    with(&world, &[("HUEDB_KEY_FILE", "right.key")], &count).is("0\n", "", 0);
    with(&world, &[], &["count", "notes", "--key-file", "right.key"]).is("0\n", "", 0);
    let flag = ["count", "notes", "--key-command", "cat right.key"];
    with(&world, &[("HUEDB_KEY_FILE", "wrong.key")], &flag).is("0\n", "", 0);
    world.write("config.toml", "key-file = \"right.key\"\n");
    with(&world, &[], &count).is("0\n", "", 0);
    let both = with(&world, &[], &["count", "notes", "--key-file", "right.key", "--key-command", "true"]);
    assert_eq!(both.status, Some(2));
    assert!(both.stderr.contains("cannot be used with"), "{both:?}");
}
