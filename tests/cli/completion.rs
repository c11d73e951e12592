//! Completion as the shells do it: real bash, zsh and fish with the scripts that huedb prints.
//!
//! A shell that is not installed is passed over, with a message.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::huedb::World;

/// Collections `notes`, `notes.old` and `vectors`; keys that are words and one that is not; a tenant and a database.
fn world() -> World {
    let world = World::plain().having_notes();
    world.ok(&["create", "notes.old", "--model", "hash-64"]);
    world.ok(&["create", "vectors", "--no-model"]);
    let metadata = "{\"year\": 2000, \"year of birth\": 1, \"lang\": \"en\"}";
    world.ok(&["add", "notes", "--id", "a", "--document", "text", "--metadata", metadata]);
    world.ok(&["tenant", "create", "acme"]);
    world.ok(&["database", "create", "staging"]);
    world.write("script.huedb", "list\n");
    for (shell, name) in [("bash", "huedb.bash"), ("zsh", "_huedb"), ("fish", "huedb.fish")] {
        world.write(name, world.ok(&["completions", shell]));
    }
    world
}

/// Runs a program of a shell in the world's folder; `None` where the shell is not installed.
fn in_shell(world: &World, shell: &[&str], program: &str) -> Option<String> {
    let (name, args) = shell.split_first().unwrap();
    let path = Path::new(env!("CARGO_BIN_EXE_huedb")).parent().unwrap();
    let path = format!("{}:{}", path.display(), std::env::var("PATH").unwrap());
    if Command::new(name).arg("--version").output().is_err() {
        eprintln!("{name} is not installed; its completions were not tried");
        return None;
    }
    let mut command = Command::new("timeout");
    command.args(["60", name]).args(args).arg(program).current_dir(world.path("")).stdin(Stdio::null());
    command.env("PATH", path).env("HUEDB_FILE", "test.redb").env("HUEDB_CONFIG", "").env("HOME", world.path(""));
    let output = command.output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{program}");
    Some(String::from_utf8(output.stdout).unwrap())
}

/// Has bash complete a line as its readline would call the function.
fn bash(world: &World, line: &str) -> Option<Vec<String>> {
    let quoted = line.replace('\'', "'\\''");
    let program = format!(
        "source huedb.bash; COMP_LINE='{quoted}'; COMP_POINT=${{#COMP_LINE}}; COMP_WORDS=($COMP_LINE); \
         COMP_CWORD=1; _huedb huedb; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    );
    let shown = in_shell(world, &["bash", "--norc", "-c"], &program)?;
    Some(shown.lines().map(str::to_owned).filter(|line| !line.is_empty()).collect())
}

#[test]
fn bash_completes_names_from_the_file() {
    let world = world();
    let before = world.bytes();
    for (line, expected) in [
        ("huedb que", &["query"][..]),
        ("huedb query no", &["notes", "notes.old"]),
        ("HUEDB_QUIET=1 huedb --db test.redb drop v", &["vectors"]),
        ("huedb get notes --sort ", &["lang", "year", "year\\ of\\ birth"]),
        ("huedb get notes --sort=ye", &["year", "year\\ of\\ birth"]),
        ("huedb get notes --sort 'year ", &["year of birth"]),
        ("huedb distinct notes l", &["lang"]),
        ("huedb get notes --where 'year > 1 and ye", &["year > 1 and year"]),
        ("huedb get notes --where \"la", &["lang"]),
        ("huedb get notes --columns id,ye", &["id,year", "id,year\\ of\\ birth"]),
        ("huedb --tenant a", &["acme"]),
        ("huedb list --database s", &["staging"]),
        ("huedb index bu", &["build"]),
        ("huedb index show vec", &["vectors"]),
        ("huedb -o js", &["jsonl", "json"]),
        ("huedb config set busy", &["busy-timeout"]),
        ("huedb man que", &["query"]),
        ("huedb create --model all", &["all-MiniLM-L6-v2"]),
        ("huedb query notes --ids-", &["--ids-from"]),
        ("huedb --db none.redb query no", &[]),
        ("huedb exec scr", &[]),
    ] {
        let Some(found) = bash(&world, line) else { return };
        assert_eq!(found, expected, "{line}");
    }
    assert_eq!(world.bytes(), before);
}

#[test]
fn fish_completes_names_from_the_file() {
    let world = world();
    for (line, expected) in [
        ("huedb que", &["query"][..]),
        ("huedb query no", &["notes", "notes.old"]),
        ("huedb get notes --sort ", &["lang", "year", "year of birth"]),
        ("huedb get notes --sort=ye", &["--sort=year", "--sort=year of birth"]),
        ("huedb get notes --where 'year > 1 and la", &["year > 1 and lang"]),
        ("huedb exec scr", &["script.huedb"]),
    ] {
        let quoted = line.replace('\'', "\\'");
        let program = format!("source huedb.fish; complete --do-complete '{quoted}'");
        let Some(shown) = in_shell(&world, &["fish", "--no-config", "-c"], &program) else { return };
        let found: Vec<_> = shown.lines().map(|line| line.split('\t').next().unwrap()).collect();
        assert_eq!(found, expected, "{line}");
    }
}

#[test]
fn zsh_completes_names_from_the_file() {
    let world = world();
    for (line, expected) in [
        ("huedb que", "huedb query "),
        ("huedb query v", "huedb query vectors "),
        ("huedb distinct notes l", "huedb distinct notes lang "),
        ("huedb get notes --sort \\'year ", "huedb get notes --sort 'year of birth' "),
        ("huedb get notes --sort year\\\\ ", "huedb get notes --sort year\\ of\\ birth "),
        ("huedb exec scr", "huedb exec script.huedb "),
    ] {
        // zle has no other door than a terminal: zsh's own zpty is one.
        let program = format!(
            "zmodload zsh/zpty; zpty z 'TERM=dumb zsh -f -i'; \
             say() {{ zpty -w z \"$1\"; zpty -r z REPLY \"*$2*\"; }}; \
             say $'PS1=; fpath=($PWD $fpath); autoload -Uz compinit; compinit -D -u; bindkey \\'^I\\' complete-word; \
             show() {{ print -r -- \"<<$BUFFER>>\"; zle send-break }}; zle -N show; bindkey \\'^X\\' show; echo rea''dy' ready; \
             zpty -w -n z $'{line}\\t\\x18'; zpty -r z REPLY '*>>*'; print -r -- $REPLY"
        );
        let Some(shown) = in_shell(&world, &["zsh", "-f", "-c"], &program) else { return };
        let found = shown.rsplit_once("<<").and_then(|(_, rest)| rest.split_once(">>")).map(|(line, _)| line);
        assert_eq!(found, Some(expected), "{line}: {shown:?}");
    }
}

#[test]
fn nobody_is_told_asked_or_kept_waiting() {
    let world = world();
    let ask = |words: &[&str]| world.run(&[&["__complete", "zsh"], words].concat());
    // A file that others hold, that is encrypted, damaged, or none.
    world.write("right.key", "right");
    world.ok(&["--db", "secret.redb", "create", "diary", "--no-model", "--encrypt", "--key-file", "right.key"]);
    ask(&["--db", "secret.redb", "show", "d"]).is("", "", 0);
    ask(&["--db", "secret.redb", "--key-file", "right.key", "show", "d"]).is("diary\t\n", "", 0);
    ask(&["--db", "secret.redb", "--key-command", "touch ran; cat right.key", "show", "d"]).is("", "", 0);
    assert!(!world.path("ran").exists());
    world.write("damaged.redb", "redb".repeat(5000));
    ask(&["--db", "damaged.redb", "show", "d"]).is("", "", 0);
    ask(&["--db", "none.redb", "show", "d"]).is("", "", 0);
    assert!(!world.path("none.redb").exists());
    let mut command = world.command(&["__complete", "zsh", "show", "v"]);
    command.env("HUEDB_OUTPUT", "nonsense").env("HUEDB_CONFIG", "none.toml");
    crate::huedb::finish(command.spawn().unwrap()).is("vectors\t\n", "", 0);
    ask(&[]).is("", "", 0);
}
