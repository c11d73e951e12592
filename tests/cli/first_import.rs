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
         hint: say which holds the text: --document body\n",
        2,
    );
    assert_eq!(world.run(&["import", "notes", &csv, "--document", "body"]).status, Some(0));

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
