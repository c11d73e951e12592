//! Records chosen by a filter, in every verb that takes one; what is changed by one, and what is only said.

use serde_json::json;

use crate::encrypt::on_terminal;
use crate::huedb::World;

fn world() -> World {
    filled(World::with_notes())
}

fn filled(world: World) -> World {
    for (id, uri, metadata) in [
        ("note-1", "drafts/a.md", json!({"date": "2026-11-19", "title": "The fox", "draft": true})),
        ("note-2", "drafts/b.md", json!({"date": "2026-11-20", "title": "A dog", "n": 5})),
        ("mail-1", "mail/1", json!({"date": "2026-11-20T08:00:00Z", "title": "the foxes", "tags": ["fox", "red"]})),
        ("mail-2", "mail/2", json!({"date": 20_261_121})),
    ] {
        let text = format!("text of {id}");
        world.ok(&["add", "notes", "--id", id, "--document", &text, "--uri", uri, "--metadata", &metadata.to_string()]);
    }
    world
}

#[test]
fn what_the_short_form_says_is_understood_in_every_verb() {
    let world = world();
    for (filter, ids) in [
        ("date >= '2026-11-20'", "note-2 mail-1"),
        ("date < '2026-11-20'", "note-1"),
        ("date > 1", "mail-2"),
        ("not date >= '2026-11-20'", "note-1"),
        ("title starts with 'The '", "note-1"),
        ("title not starts with 'The '", "note-2 mail-1 mail-2"),
        ("title contains 'fox'", "note-1 mail-1"),
        ("title has 'fox'", ""),
        ("tags has 'fox'", "mail-1"),
        ("tags contains 'fox'", "mail-1"),
        ("title ~ '(?i)^the'", "note-1 mail-1"),
        ("draft exists", "note-1"),
        ("draft is null and title is not null", "note-2 mail-1"),
        ("#id starts with 'note-'", "note-1 note-2"),
        ("#id !~ '1$'", "note-2 mail-2"),
        ("#uri in ('mail/1', 'mail/2')", "mail-1 mail-2"),
        ("#uri starts with 'drafts/' and n exists", "note-2"),
        ("#document starts with 'text of mail'", "mail-1 mail-2"),
        (r#"{"date": {"$gte_text": "2026-11-20"}}"#, "note-2 mail-1"),
        (r##"{"$or": [{"draft": {"$exists": true}}, {"#uri": {"$regex": "2$"}}]}"##, "note-1 mail-2"),
    ] {
        let expected: Vec<&str> = ids.split_whitespace().collect();
        let got = world.run(&["get", "notes", "--where", filter, "-o", "ids"]);
        assert_eq!(got.stdout.lines().collect::<Vec<_>>(), expected, "{filter}: {got:?}");
        let count = format!("{}\n", expected.len());
        assert_eq!(world.ok(&["count", "notes", "--where", filter]), count, "{filter}");
        let query = world.run(&["query", "notes", "text", "--where", filter, "-o", "ids"]);
        let (mut found, mut sorted) = (query.stdout.lines().collect::<Vec<_>>(), expected.clone());
        found.sort_unstable();
        sorted.sort_unstable();
        assert_eq!(found, sorted, "{filter}: {query:?}");
        let export = world.ok(&["export", "notes", "--where", filter]);
        assert_eq!(export.lines().count(), expected.len(), "{filter}");
        let keys = world.run(&["distinct", "notes", "date", "--where", filter]);
        assert_eq!(keys.stdout.lines().count(), expected.len(), "{filter}: {keys:?}");
    }
    world.run(&["delete", "notes", "--where", "#uri starts with 'mail/' and tags is null"]).is("", "deleted 1\n", 0);
}

#[test]
fn an_update_of_many_is_one_change() {
    let world = world();
    let update = |filter: &str, more: &[&str]| world.run(&[&["update", "notes", "--where", filter], more].concat());
    let drafts = "#uri starts with 'drafts/'";
    let before = world.bytes();
    let seen = ["--metadata", r#"{"seen": true, "n": null}"#];
    update(drafts, &[&seen[..], &["--dry-run"]].concat()).is("", "2 would be updated: note-1, note-2\n", 0);
    update("date = 'never'", &[&seen[..], &["--dry-run"]].concat()).is("", "0 would be updated\n", 0);
    assert!(before == world.bytes());
    update(drafts, &seen).is("", "updated 2, unchanged 0\n", 0);
    update(drafts, &["--metadata", r#"{"seen": true}"#, "--uri", "drafts/a.md"]).is("", "updated 1, unchanged 1\n", 0);
    assert_eq!(world.ok(&["get", "notes", "--where", "seen exists and n not exists", "-o", "ids"]), "note-1\nnote-2\n");
    // Ids and a filter must both hold.
    let both = ["--id", "note-1", "--id", "mail-1", "--uri", "x"];
    update("seen = true", &both).is("", "updated 1, unchanged 0\n", 0);
    world.run(&["update", "notes", "--id", "note-1", "--id", "ghost", "--uri", "y"]).is(
        "",
        "updated 1, unchanged 0, no such id 1\n",
        0,
    );
    // A new text is embedded, once for all.
    update("seen = true", &["--document", "a whale"]).is("", "updated 2, unchanged 0\n", 0);
    let near = world.ok(&["query", "notes", "a whale", "-n", "2", "-o", "csv"]);
    assert!(near.lines().skip(1).all(|line| line.starts_with("note-")), "{near}");
    world.run(&["check", "--deep"]).is("", "no damage found in test.redb\n", 0);
}

#[test]
fn an_update_that_cannot_be_meant_is_refused() {
    let world = world();
    world.ok(&["create", "plain", "--no-model"]);
    world.ok(&["add", "plain", "--id", "a", "--embedding", "[1,2]", "--document", "old"]);
    world.ok(&["add", "plain", "--id", "b", "--embedding", "[2,1]", "--document", "new"]);
    let all = || [world.ok(&["export", "notes"]), world.ok(&["export", "plain"])];
    let before = all();
    for (args, why) in [
        (&["notes", "--uri", "x"][..], "which records to change was not specified"),
        (&["notes", "--where", "draft exists"], "nothing to change"),
        (&["notes", "--where", "draft exists", "--embedding", "[1]"], "--embedding is for one record"),
        (&["notes", "--where", r#"{"$and": []}"#, "--uri", "x"], "does not say which records are meant"),
        (
            &["notes", "--where", "draft exists", "--document", "x", "--keep-embedding"],
            "for collections without a model",
        ),
        (&["notes", "--ids-from", "-", "--document", "-"], "cannot both read the standard input"),
        (&["notes", "--where", "draft exists", "--metadata", "3"], "metadata"),
        // Nothing of it is done, not even what needs no embedding.
        (&["plain", "--where", "true", "--document", "new", "--uri", "x"], "has no model to embed text with"),
    ] {
        let ran = world.run(&[&["update"], args].concat());
        assert!(ran.status == Some(2) && ran.stderr.contains(why), "{args:?}: {ran:?}");
    }
    assert_eq!(before, all());
    let kept = world.run(&["update", "plain", "--where", "true", "--document", "new", "--keep-embedding"]);
    kept.is("", "updated 1, unchanged 1\n", 0);
}

#[test]
fn a_dry_run_deletes_nothing() {
    let world = world();
    let before = world.bytes();
    let dry = |more: &[&str]| world.run(&[&["delete", "notes", "--dry-run"], more].concat());
    dry(&["--where", "date exists"]).is("", "4 would be deleted: note-1, note-2, mail-1, mail-2\n", 0);
    dry(&["--where", "date exists", "--limit", "1"]).is("", "1 would be deleted: note-1\n", 0);
    dry(&["--where", "n > 9"]).is("", "0 would be deleted\n", 0);
    dry(&["--id", "ghost", "--id", "mail-1"]).is("", "1 would be deleted: mail-1\n", 0);
    assert_eq!(dry(&[]).status, Some(2));
    assert!(before == world.bytes());
    for at in 0..12 {
        world.ok(&["add", "notes", "--id", &format!("many-{at}"), "--document", "x"]);
    }
    let many = dry(&["--where", "#id starts with 'many'"]);
    assert!(
        many.stderr.starts_with("12 would be deleted: many-0, ") && many.stderr.ends_with("many-9, ...\n"),
        "{many:?}"
    );
}

#[test]
fn a_drop_is_asked_for_on_a_terminal_alone() {
    let world = filled(World::plain().having_notes());
    let question = "Drop notes with 4 records? [y/N] ";
    for answer in ["n", "", "no", "yesterday"] {
        let (shown, status) = on_terminal(&world, "huedb drop notes", &[answer]);
        assert!(status == Some(0) && shown.contains(question) && shown.contains("kept notes"), "{shown}");
        assert_eq!(world.ok(&["count", "notes"]), "4\n");
    }
    let (shown, status) = on_terminal(&world, "huedb drop notes", &["Y"]);
    assert!(status == Some(0) && shown.contains(question) && shown.contains("dropped notes with 4 records"), "{shown}");
    world.ok(&["create", "notes", "--no-model"]);
    let (shown, status) = on_terminal(&world, "huedb drop notes --force", &[]);
    assert!(status == Some(0) && !shown.contains("[y/N]") && shown.contains("dropped notes with 0 records"), "{shown}");
    world.ok(&["create", "notes", "--no-model"]);
    world.run(&["drop", "notes"]).is("", "dropped notes with 0 records\n", 0);
}
