//! Input that means harm: it is data, kept exactly, and never an instruction to a terminal, a parser or a machine.

use serde_json::json;

use crate::huedb::World;
use crate::terminal;

/// Escapes of a terminal in 7 and 8 bits, bidi overrides, NUL, tags, and a carriage return that hides what is before it.
const HOSTILE: &str = "x\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}31m\u{202e}gpj.\u{2066}\0\u{8}\r\u{e0041}y";

/// Runs a command on a terminal; returns output and errors.
fn on_terminal(world: &World, args: &[&str]) -> (String, String) {
    let (out, err) = terminal::on_terminal(world.command(&[args, &["--color", "never"]].concat()));
    // How the progress of long work clears its line.
    (out, err.replace("\r\u{1b}[2K", "\n"))
}

/// Whether a character controls a terminal, reorders text or hides in it.
fn is_wild(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{e0000}'..='\u{e007f}')
}

#[track_caller]
fn assert_tame(text: &str) {
    let wild = text.chars().find(|c| is_wild(*c) && !matches!(c, '\n' | '\t'));
    assert_eq!(wild, None, "{text:?}");
}

#[test]
fn a_terminal_is_never_told_what_to_do() {
    let world = World::plain().having_notes();
    let metadata = json!({ "topic": HOSTILE, format!("k{HOSTILE}"): [HOSTILE] });
    let row = json!({ "id": HOSTILE, "document": HOSTILE, "uri": HOSTILE, "metadata": metadata });
    world.write("rows.jsonl", format!("{row}\n"));
    world.ok(&["import", "notes", "rows.jsonl"]);
    world.ok(&["modify", "notes", "--query-prefix", "q\u{1b}[2J"]);
    world.ok(&["create", "other", "--no-model", "--metadata", &json!({ "a": HOSTILE }).to_string()]);
    world.ok(&["tenant", "create", &HOSTILE.replace('\0', "")]);
    let hostile = HOSTILE.replace('\0', "");
    let (by_topic, request) = (format!("topic = '{hostile}'"), format!("{{\"searches\": [\"{hostile}\"]}}"));
    world.write("questions.jsonl", format!("{}\n", json!({ "id": HOSTILE, "text": HOSTILE })));
    world.write("bad.csv", format!("id,document\n{hostile}\n"));
    let bad = [world.path("bad.csv"), world.path("questions.jsonl"), world.path(&format!("no{hostile}"))];
    let [csv, questions, missing] = bad.map(|path| path.to_str().unwrap().to_owned());
    let mut wrote = 0;
    for format in ["table", "snippets", "jsonl", "json", "csv", "tsv", "ids"] {
        for args in [
            &["get", "notes"][..],
            &["peek", "notes"],
            &["export", "notes"],
            &["query", "notes", "x"],
            &["query", "notes", "--input", &questions],
            &["distinct", "notes", "topic"],
            &["keys", "notes"],
            &["list"],
            &["show", "notes"],
            &["show", "other"],
            &["info"],
            &["tenant", "list"],
            &["check"],
            // What is refused quotes what it refuses.
            &["get", "notes", "--where", &by_topic],
            &["count", &hostile],
            &["search", "notes", "--json", &request],
            &["import", "notes", &csv],
            &["import", "notes", &missing],
            &["database", "create", "more", "--tenant", &hostile],
            &["list", "--tenant", &format!("no{hostile}")],
            &["add", "notes", "--id", "a", "--metadata", &hostile],
            &["create", &hostile],
        ] {
            let (out, err) = on_terminal(&world, &[args, &["-o", format]].concat());
            assert_tame(&out);
            assert_tame(&err);
            wrote += usize::from(!out.is_empty());
        }
    }
    assert!(wrote > 60, "{wrote}");
    let (dump, _) = on_terminal(&world, &["export", "--all"]);
    assert_tame(&dump);
    // JSON escapes what it may not show, and so stays the same record.
    let (shown, _) = on_terminal(&world, &["get", "notes", "-o", "jsonl"]);
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!((&shown["id"], &shown["document"]), (&json!(HOSTILE), &json!(HOSTILE)));
    let ran = world.run(&["nonsense\u{1b}[2J"]);
    assert!(ran.status == Some(2) && ran.stderr.contains("nonsense"), "{ran:?}");
    assert_tame(&ran.stderr);
}

#[test]
fn hostile_text_is_kept_exactly() {
    let world = World::with_notes();
    let (long, tabular) = ("é".repeat(500_000), HOSTILE.replace('\0', ""));
    // The longest metadata key.
    let key = "é".repeat(32 << 10);
    let rows = [
        json!({ "id": HOSTILE, "document": HOSTILE, "uri": HOSTILE, "metadata": { "k": HOSTILE, "other": [HOSTILE] } }),
        json!({ "id": tabular, "document": tabular, "uri": tabular, "metadata": { "k": HOSTILE, "other": [HOSTILE] } }),
        json!({ "id": long, "document": "a long id", "metadata": { "k": long, &key: 1 } }),
        json!({ "id": "=1+1", "document": "=cmd|' /C calc'!A0", "metadata": { "k": "@SUM(1)" } }),
    ];
    world.write("rows.jsonl", rows.iter().map(|row| format!("{row}\n")).collect::<String>());
    world.ok(&["import", "notes", "rows.jsonl"]);
    world.run(&["check", "--deep"]).is("", "no damage found in test.redb\n", 0);
    for format in ["jsonl", "json", "csv", "tsv"] {
        if format == "csv" {
            // A table is refused as binary where it holds a NUL; JSON escapes it.
            world.ok(&["delete", "notes", "--where-document", r#"{"$regex": "\u0000"}"#]);
            world.run(&["count", "notes"]).is("3\n", "", 0);
        }
        let name = format!("out.{format}");
        world.write(&name, world.ok(&["export", "notes", "-o", format]));
        let db = format!("{format}.redb");
        world.ok(&["--db", &db, "create", "notes", "--model", "hash-64"]);
        world.ok(&["--db", &db, "import", "notes", &name]);
        assert_eq!(world.ok(&["--db", &db, "export", "notes"]), world.ok(&["export", "notes"]), "{format}");
    }
    // A spreadsheet must be told to take cells for text; huedb does not change them.
    assert!(world.ok(&["export", "notes", "-o", "csv"]).contains("\n=1+1,=cmd|' /C calc'!A0,"));
    world.run(&["count", "notes", "--where", "k = \"@SUM(1)\""]).is("1\n", "", 0);
    world.run(&["delete", "notes", "--where", "k = \"@SUM(1)\""]).is("", "deleted 1\n", 0);
    // An id that is quoted in an error does not fill the screen.
    world.write("bad.jsonl", format!("{}\n", json!({ "id": long, "embedding": [1, 2] })));
    let ran = world.run(&["import", "notes", "bad.jsonl"]);
    assert!(ran.status == Some(2) && ran.stderr.len() < 5000, "{} bytes", ran.stderr.len());
    assert!(ran.stderr.contains("dimension 64, got 2"), "{}", ran.stderr);
}

#[test]
fn patterns_that_explode_are_refused_or_answered() {
    let world = World::with_notes();
    world.write("rows.jsonl", format!("{}\n", json!({ "id": "a", "document": "a".repeat(100_000) + "!" })));
    world.ok(&["import", "notes", "rows.jsonl"]);
    let count = |pattern: &str| world.run(&["count", "notes", "--where", &format!("#document ~ '{pattern}'")]);
    for (pattern, found) in [
        ("(a*)*b", "0\n"),
        ("(a|a)*$", "1\n"),
        ("(a|aa)+!$", "1\n"),
        ("^(([a-z])+.)+[A-Z]([a-z])+$", "0\n"),
        ("(x+x+)+y", "0\n"),
        ("(?:a?){100}a{100}", "1\n"),
    ] {
        count(pattern).is(found, "", 0);
    }
    let nested = "(".repeat(5000) + &")".repeat(5000);
    for (pattern, says) in [
        ("(a{1000}){1000}", "more than 10485760 bytes"),
        (r"\p{L}{100000}", "more than 10485760 bytes"),
        ("((((a{100}){100}){100}){100}){100}", "more than 10485760 bytes"),
        (nested.as_str(), "nest"),
    ] {
        let ran = count(pattern);
        assert!(ran.status == Some(2) && ran.stderr.contains(says), "{ran:?}");
    }
}

#[test]
fn depth_and_length_have_limits() {
    let world = World::with_notes();
    let deep = |n: usize| "[".repeat(n) + &"]".repeat(n);
    let not = "not ".repeat(20_000) + "a = 1";
    let parens = "(".repeat(100_000) + "a = 1";
    let list = format!("a in ({})", vec!["1"; 20_000].join(","));
    let and = r#"{"$and":["#.repeat(10_000);
    for (args, says) in [
        (&["count", "notes", "--where", &not][..], "nested too deep"),
        (&["count", "notes", "--where", &parens], "nested too deep"),
        (&["count", "notes", "--where", &and], "nested too deep"),
        (&["search", "notes", "--json", &deep(10_000)], "not JSON"),
        (&["add", "notes", "--id", "a", "--document", "x", "--metadata", &deep(10_000)], "not JSON"),
    ] {
        let ran = world.run(args);
        assert!(ran.status == Some(2) && ran.stderr.contains(says), "{}", ran.stderr);
        assert!(ran.stderr.len() < 5000);
    }
    world.run(&["count", "notes", "--where", &list]).is("0\n", "", 0);
    for text in [
        format!("{{\"id\":\"a\",\"metadata\":{{\"k\":{}}}}}\n", deep(100_000)),
        format!("{{\"id\":\"a\",\"embedding\":{}}}\n", deep(100_000)),
        format!("{{\"id\":\"a\",\"k\":{}}}\n", deep(100_000)),
        deep(100_000),
    ] {
        for format in ["json", "jsonl"] {
            world.write("deep", &text);
            let ran = world.run(&["import", "notes", "deep", "--format", format]);
            assert!(ran.status == Some(2) && ran.stderr.len() < 5000, "{ran:?}");
        }
    }
}
