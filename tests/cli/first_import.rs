//! The first ten minutes: what an import says that lacks something, and what it then takes.

use crate::huedb::World;

#[test]
fn a_table_without_text_says_which_columns_there_are_and_what_to_type() {
    let world = World::plain();
    world.ok(&["create", "notes", "--model", "hash-8"]);
    let csv = world.write("shop.csv", "id,title,body,year\na,A fox,It trots,2020\n");
    let ran = world.run(&["import", "notes", &csv]);
    ran.is(
        "",
        "error: shop.csv:2: no column \"document\" and no embedding; the columns are id, title, body, year\n\n\
         hint: say which holds the text: --document title,body\n",
        2,
    );
    assert_eq!(world.run(&["import", "notes", &csv, "--document", "title,body"]).status, Some(0));

    assert_eq!(
        world.ok(&["get", "notes", "--columns", "document", "-o", "json"]).matches("A fox\\n\\nIt trots").count(),
        1
    );

    // Everything that is missing at once.
    let csv = world.write("prices.csv", "Product;Product Title;Price\nx;A lamp;1\n");
    world.run(&["import", "notes", &csv]).is(
        "",
        "error: prices.csv: has no column \"id\" and none \"document\"; its columns are Product, Product Title, Price\n\n\
         hint: say which holds the text, and how ids are made: --document 'Product Title' --id auto (or --id COLUMN)\n",
        2,
    );
    assert_eq!(world.run(&["import", "notes", &csv, "--document", "Product Title", "--id", "auto"]).status, Some(0));
    let json = world.write("a.jsonl", "{\"title\":\"A fox\",\"tags\":[1]}\n");
    world.run(&["import", "notes", &json]).is(
        "",
        "error: a.jsonl:1: has no \"id\" and no \"document\"; its fields are title, tags\n\n\
         hint: say which holds the text, and how ids are made: --document title --id auto (or --id COLUMN)\n",
        2,
    );
    world.run(&["import", "notes", &json, "--id", "auto"]).is(
        "",
        "error: a.jsonl:1: no document under \"document\" and no embedding; the fields are title, tags\n\n\
         hint: say which holds the text: --document title\n",
        2,
    );
}

#[test]
fn an_import_makes_its_collection_and_takes_it_away_if_nothing_is_stored() {
    let world = World::plain();
    let csv = world.write("shop.csv", "id,document\na,A fox\n");
    let ran = world.run(&["import", "shop", &csv, "--create", "--model", "hash-8"]);
    assert!(ran.status == Some(0) && ran.stderr.starts_with("created shop in test.redb (model hash-8"), "{ran:?}");
    assert_eq!(world.ok(&["count", "shop"]), "1\n");
    // It is there: nothing is made.
    let again = world.run(&["import", "shop", &csv, "--create"]);
    assert!(again.status == Some(0) && !again.stderr.contains("created"), "{again:?}");
    let bad = world.write("bad.csv", "id,body\na,A fox\n");
    assert_eq!(world.run(&["import", "other", &bad, "--create", "--model", "hash-8"]).status, Some(2));
    assert_eq!(world.ok(&["list", "-o", "ids"]), "shop\n");
}

#[test]
fn a_pipe_is_read_without_being_named() {
    let world = World::plain();
    world.ok(&["create", "notes", "--model", "hash-8"]);
    let ran = world.run_with(&["import", "notes"], "{\"id\":\"a\",\"document\":\"a fox\"}\n");
    assert!(ran.status == Some(0) && ran.stderr.starts_with("added 1,"), "{ran:?}");
    world.run_with(&["query", "notes", "-o", "ids"], "a fox\n").is("a\n", "", 0);
    assert_eq!(world.run_with(&["query", "notes"], "").status, Some(2));
}

#[test]
fn a_name_that_is_too_short_is_refused_with_a_longer_one() {
    World::plain().run(&["create", "t"]).is(
        "",
        "error: the name \"t\" must have 3 to 512 characters, as in Chroma\n\nhint: choose a longer one, such as t-notes\n",
        2,
    );
}

#[test]
fn rows_come_from_what_a_database_answers() {
    let world = World::plain();
    let llm = format!("{}/fixtures/llm/embeddings.db", env!("CARGO_MANIFEST_DIR"));
    world.ok(&["create", "notes", "--model", "hash-8"]);
    let plain = world.run(&["import", "notes", &llm]);
    assert!(
        plain.status == Some(2) && plain.stderr.contains("is an SQLite database\n\nhint: say which rows: --from-sql")
    );
    let sql = "select collection_id || '/' || id as id, coalesce(content, 'none') as document, length(embedding) as bytes \
               from embeddings";
    let ran = world.run(&["import", "notes", "--from-sql", sql, &llm]);
    assert!(ran.status == Some(0) && ran.stderr.contains("added "), "{ran:?}");
    assert_eq!(world.ok(&["distinct", "notes", "bytes", "-o", "jsonl"]).matches("\"value\"").count(), 1);
    let wrong = world.run(&["import", "notes", "--from-sql", "select contend from embeddings", &llm]);
    assert!(
        wrong.status == Some(2) && wrong.stderr.contains("error: the SQL is wrong: no such column: contend"),
        "{wrong:?}"
    );
    assert!(wrong.stderr.contains("collections, embeddings"), "{wrong:?}");
    assert_eq!(world.run_with(&["import", "notes", "-", "--from-sql", "select 1"], "").status, Some(2));
}

#[test]
fn a_line_is_a_record_where_that_is_asked_for() {
    let world = World::plain();
    let words = world.write("words.txt", "fox\r\n\nhound\n");
    let ran = world.run(&["import", "words", &words, "--lines", "--create", "--model", "hash-8"]);
    assert!(ran.status == Some(0) && ran.stderr.contains("added 2,"), "{ran:?}");
    let kept = world.ok(&["get", "words", "--columns", "id,document,line", "-o", "csv"]);
    assert_eq!(kept.replace('\r', ""), "id,document,line\nwords.txt:1,fox,1\nwords.txt:3,hound,3\n");
    assert!(world.run_with(&["import", "words", "--lines", "--id", "auto"], "fox\nfox\n").stderr.contains("added 1,"));
    let ran = world.run(&["import", "words", &words, "--lines", "--document", "x"]);
    assert!(ran.status == Some(2) && ran.stderr.contains("is read line by line, which has no columns"), "{ran:?}");
}

#[test]
fn a_page_is_its_text_in_an_import_and_in_a_sync() {
    let world = World::plain();
    std::fs::create_dir(world.path("site")).unwrap();
    world.write(
        "site/fox.html",
        "<html><head><title>Foxes</title><style>p {}</style></head><body>\n\n<p>A <b>red</b> fox",
    );
    let text = "Foxes\\n\\nA red fox";
    for args in [&["import", "pages", "site"][..], &["sync", "synced", "site"]] {
        let ran = world.run(&[args, &["--create", "--model", "hash-64"]].concat());
        assert_eq!(ran.status, Some(0), "{ran:?}");
        let kept = world.ok(&["get", args[1], "-o", "json"]);
        assert!(kept.contains(text) && !kept.contains("<b>") && !kept.contains("\"line"), "{kept}");
    }
    assert!(world.run(&["sync", "synced", "site"]).stderr.contains("unchanged 1"));
    // A page that a pipe brings is known by its beginning.
    world.run_with(&["import", "pages", "--id", "auto"], "<!DOCTYPE html><p>A hound");
    assert!(world.ok(&["get", "pages", "-o", "json"]).contains("\"A hound\""));
}

#[test]
fn a_field_that_no_row_has_is_told() {
    let world = World::plain();
    world.ok(&["create", "notes", "--model", "hash-8"]);
    let json = world.write("a.jsonl", "{\"id\":1,\"document\":\"A fox\",\"user\":{\"login\":\"ada\"},\"year\":7}\n");
    let ran = world.run(&["import", "notes", &json, "--metadata", "user.login,topc"]);
    let said = "warning: no row has the field \"topc\"; the first of a.jsonl has id, document, user, year\n";
    assert!(ran.stderr.contains(said) && !ran.stderr.contains("left out"), "{ran:?}");
    let ran = world.run(&["import", "notes", &json]);
    assert!(
        ran.stderr.contains("\"user\" is left out: it is an object") && ran.stderr.contains("--flatten makes"),
        "{ran:?}"
    );
    world.ok(&["import", "notes", &json, "--flatten"]);
    assert_eq!(world.ok(&["count", "notes", "--where", "user.login = \"ada\" and year = 7"]), "1\n");
}
