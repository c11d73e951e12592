//! What people read: columns, colour, one record below the other, statistics and maps.

use crate::huedb::{Ran, World, finish};

/// Three records, one of which has a key that is called like a part of a record.
fn world() -> World {
    let world = World::with_notes();
    let lines = concat!(
        r#"{"id": "a", "document": "The quick brown fox jumps", "metadata": {"year": 2021, "id": "own", "a,b": true}}"#,
        "\n",
        r#"{"id": "b", "document": "a lazy dog", "metadata": {"year": 2022}}"#,
        "\n",
        r#"{"id": "c", "document": "two foxes", "metadata": {"lang": "en"}}"#,
        "\n"
    );
    world.write("notes.jsonl", lines);
    world.ok(&["import", "notes", "notes.jsonl"]);
    world
}

/// Three points of a plane, whose distances are 1, 18 and 25.
fn plane() -> World {
    let world = World::new();
    world.ok(&["create", "plane", "--no-model", "--space", "l2"]);
    for (id, embedding) in [("a", "[0, 0]"), ("b", "[3, 4]"), ("c", "[0, 1]")] {
        world.ok(&["add", "plane", "--id", id, "--embedding", embedding, "--metadata", r#"{"of": "x"}"#]);
    }
    world
}

fn colored(world: &World, args: &[&str], variables: &[(&str, &str)]) -> bool {
    let mut command = world.command(args);
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
        command.env_remove(name);
    }
    command.env("TERM", "xterm").envs(variables.iter().copied());
    let Ran { stdout, status, .. } = finish(command.spawn().unwrap());
    assert_eq!(status, Some(0));
    stdout.contains('\u{1b}')
}

#[test]
fn colour_is_where_it_is_wanted() {
    let world = world();
    let table = ["get", "notes", "--where-document", "fox", "-o", "table"];
    for (variables, wanted) in [
        (&[][..], false),
        (&[("CLICOLOR_FORCE", "1")], true),
        (&[("CLICOLOR_FORCE", "0")], false),
        (&[("CLICOLOR", "0")], false),
        (&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], false),
        (&[("NO_COLOR", "")], false),
    ] {
        assert_eq!(colored(&world, &table, variables), wanted, "{variables:?}");
    }
    let with = |when| [&table[..], &["--color", when]].concat();
    assert!(colored(&world, &with("always"), &[("NO_COLOR", "1")]));
    assert!(!colored(&world, &with("never"), &[("CLICOLOR_FORCE", "1")]));
    for format in ["jsonl", "json", "csv", "tsv", "ids"] {
        let data = ["query", "notes", "fox", "-o", format, "--color", "always"];
        assert!(!colored(&world, &data, &[("CLICOLOR_FORCE", "1")]), "{format}");
    }
}

#[test]
fn words_of_a_question_are_marked() {
    let world = world();
    let shown =
        |args: &[&str]| world.ok(&[args, &["-o", "table", "--color", "always", "--columns", "document"]].concat());
    let (on, off) = ("\u{1b}[1;31m", "\u{1b}[0m");
    let found = shown(&["query", "notes", "a fox jumping"]);
    for line in [format!("The quick brown {on}fox{off} {on}jumps{off}\n"), format!("two {on}foxes{off}\n")] {
        assert!(found.contains(&line), "{found:?}");
    }
    let found = shown(&["query", "notes", "nothing", "--where-document", "zy do"]);
    assert!(found.ends_with(&format!("a la{on}zy do{off}g\n")), "{found:?}");
    let found = shown(&["get", "notes", "--where", r#"#document ~ "(?i)the|LAZY""#]);
    assert!(found.ends_with(&format!("{on}The{off} quick brown fox jumps\na {on}lazy{off} dog\n")), "{found:?}");
    world.write("q.jsonl", "{\"text\": \"fox\"}\n{\"text\": \"dog\"}\n");
    let found = shown(&["query", "notes", "--input", "q.jsonl"]);
    let (fox, dog) = found.split_once("\n\n").unwrap();
    assert!(fox.contains(&format!("{on}fox{off}")) && !fox.contains(&format!("{on}dog{off}")), "{found:?}");
    assert!(dog.contains(&format!("{on}dog{off}")) && !dog.contains(&format!("{on}fox{off}")), "{found:?}");
}

#[test]
fn columns_are_chosen_and_ordered() {
    let world = world();
    let names = "year,metadata.id,id,document,\"a,b\"";
    let get = ["get", "notes", "-n", "2", "--columns", names];
    for (format, expected) in [
        (
            "jsonl",
            "{\"year\":2021,\"metadata.id\":\"own\",\"id\":\"a\",\"document\":\"The quick brown fox jumps\",\"a,b\":true}\n\
             {\"year\":2022,\"metadata.id\":null,\"id\":\"b\",\"document\":\"a lazy dog\",\"a,b\":null}\n",
        ),
        (
            "csv",
            "year,metadata.id,id,document,\"a,b\"\n2021,own,a,The quick brown fox jumps,true\n2022,,b,a lazy dog,\n",
        ),
        ("ids", "a\nb\n"),
        (
            "table",
            "year  metadata.id  id  document                   a,b\n\
             ──────────────────────────────────────────────────────\n\
             2021  own          a   The quick brown fox jumps  true\n\
             2022               b   a lazy dog\n",
        ),
    ] {
        world.run(&[&get[..], &["-o", format]].concat()).is(expected, "", 0);
    }
    world.run(&["peek", "notes", "-n", "1", "--columns", "id", "--columns", "metadata.year", "-o", "tsv"]).is(
        "id\tyear\na\t2021\n",
        "",
        0,
    );
    world.run(&["export", "notes", "--columns", "year,id", "-o", "csv"]).is("year,id\n2021,a\n2022,b\n,c\n", "", 0);
    let hits = world.ok(&["query", "notes", "lazy dog", "-n", "1", "--columns", "distance,id,lang", "-o", "csv"]);
    assert!(hits.starts_with("distance,id,lang\n") && hits.ends_with(",b,\n"), "{hits}");
}

#[test]
fn columns_that_are_not_there_are_told() {
    let world = world();
    let parts = "id, document, metadata, uri, embedding";
    world.run(&["get", "notes", "--columns", "id,yaer"]).is(
        "",
        &format!(
            "error: no record has the metadata key \"yaer\"\n\n\
             hint: did you mean year? there are {parts}, and the metadata keys a,b, id, lang, year\n"
        ),
        2,
    );
    world.run(&["get", "notes", "--columns", "distance"]).is(
        "",
        &format!(
            "error: no column distance here\n\n\
             hint: there are {parts}, and metadata keys; a key of that name is metadata.distance\n"
        ),
        2,
    );
    for names in ["", "id,,year", ","] {
        world.run(&["get", "notes", "--columns", names]).is("", "error: a column of --columns has no name\n", 2);
    }
    assert_eq!(world.run(&["get", "notes", "--columns", "id", "--include", "uris"]).status, Some(2));
    assert_eq!(world.run(&["query", "notes", "x", "--columns", "docment"]).status, Some(2));
    world.ok(&["create", "empty", "--model", "hash-64"]);
    world.run(&["get", "empty", "--columns", "id,year", "-o", "csv"]).is("id,year\n", "", 1);
}

#[test]
fn a_record_is_shown_from_top_to_bottom() {
    let world = world();
    let expected = "\
id           a
document     The quick brown fox jumps
a,b          true
metadata.id  own
year         2021
";
    world.run(&["get", "notes", "--id", "a", "-o", "vertical"]).is(expected, "", 0);
    // In a pipe a single record is data.
    assert!(world.ok(&["get", "notes", "--id", "a"]).starts_with("{\"id\":\"a\""));
    let shown = world.ok(&["query", "notes", "dog", "-n", "2", "-o", "vertical", "--columns", "id,lang"]);
    assert!(shown.contains("id  b\n\nid"), "{shown}");
    assert!(world.ok(&["show", "notes", "-o", "vertical"]).starts_with("name"));
    assert_eq!(world.ok(&["list", "-o", "vertical"]).lines().next(), Some("name       notes"));
}

#[test]
fn nothing_is_cut_with_full() {
    let world = World::with_notes();
    let long = "word ".repeat(60) + "end";
    world.ok(&["add", "notes", "--id", "a", "--document", &long]);
    assert!(world.ok(&["get", "notes", "-o", "table"]).contains('…'));
    for verb in [&["get", "notes"][..], &["peek", "notes"], &["query", "notes", "word"]] {
        let shown = world.ok(&[verb, &["-o", "table", "--full"]].concat());
        assert!(!shown.contains('…') && shown.matches("word").count() == 60 && shown.contains("end"), "{shown}");
        assert!(shown.lines().all(|line| line.chars().count() <= 100), "{shown}");
    }
}

#[test]
fn statistics_are_what_the_points_say() {
    let world = plane();
    let json: serde_json::Value = serde_json::from_str(&world.ok(&["stats", "plane", "-o", "json"])).unwrap();
    for (pointer, expected) in [
        ("/records", 3.0),
        ("/sampled", 3.0),
        ("/dimension", 2.0),
        ("/embeddings_bytes", 24.0),
        ("/nearest_distance/count", 3.0),
        ("/nearest_distance/min", 1.0),
        ("/nearest_distance/median", 1.0),
        ("/nearest_distance/max", 18.0),
        ("/pair_distance/min", 1.0),
        ("/pair_distance/median", 18.0),
        ("/pair_distance/max", 25.0),
        ("/embedding_norm/max", 5.0),
        ("/keys/0/share", 1.0),
    ] {
        assert_eq!(json.pointer(pointer).and_then(serde_json::Value::as_f64), Some(expected), "{pointer}: {json}");
    }
    assert!(json["document_characters"].is_null());
    let csv = world.ok(&["stats", "plane", "-o", "csv"]);
    for line in ["measure,number,from,to,value", "nearest_distance,p95,,,18.0", "nearest_distance,bin,0.0,2.0,2"] {
        assert!(csv.lines().any(|found| found == line), "{line}: {csv}");
    }
    assert!(world.ok(&["stats", "plane"]).starts_with("{\"name\":\"plane\""));
    let among = world.ok(&["stats", "plane", "--where", "#id in (\"a\", \"b\")", "-o", "csv"]);
    assert!(among.contains("nearest_distance,min,,,25.0\n") && among.contains("collection,records,,,2\n"), "{among}");
    assert_eq!(world.run(&["stats", "plane", "--id", "ghost", "-o", "csv"]).status, Some(1));
    assert_eq!(world.run(&["stats", "plane", "-o", "ids"]).status, Some(2));
}

#[test]
fn statistics_are_drawn() {
    let world = world();
    world.ok(&["add", "notes", "--id", "bare", "--embedding", &format!("[{}1]", "0, ".repeat(63))]);
    let table = |locale: &str| {
        let mut command = world.command(&["stats", "notes", "-o", "table", "--sample", "50"]);
        finish(command.env("LC_ALL", locale).spawn().unwrap()).stdout
    };
    let shown = table("C.UTF-8");
    assert!(shown.starts_with("notes: 4 records, 64 dimensions, cosine, embeddings 1.0 kB\n"), "{shown}");
    for part in
        ["nearest neighbour", "random pairs", "characters", "without a document: 1 of 4", "--max-distance", "█", "year"]
    {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let ascii = table("C");
    assert!(ascii.is_ascii() && ascii.contains("####"), "{ascii}");
    let sampled = world.ok(&["stats", "notes", "-o", "table", "--sample", "2", "--seed", "7"]);
    assert!(sampled.contains("\nmeasured on 2 of them, drawn with seed 7\n"), "{sampled}");
    assert_eq!(sampled, world.ok(&["stats", "notes", "-o", "table", "--sample", "2", "--seed", "7"]));
    world.ok(&["create", "empty", "--no-model"]);
    world.run(&["stats", "empty", "-o", "table"]).is("empty: 0 records, cosine, embeddings 0 B\n", "", 1);
}

#[test]
fn a_map_is_drawn_into_a_file() {
    let world = world();
    let drawn = world.run(&["plot", "notes", "map.svg", "--color-by", "year"]);
    drawn.is("", "drew 3 of 3 records: map.svg\n", 0);
    let svg = std::fs::read_to_string(world.path("map.svg")).unwrap();
    assert!(svg.starts_with("<svg xmlns=") && svg.ends_with("</svg>\n"), "{svg}");
    assert_eq!(svg.matches("<title>").count(), 4);
    assert!(svg.contains("<title>a\nThe quick brown fox jumps\nyear: 2021</title>"), "{svg}");
    assert_eq!(world.ok(&["plot", "notes", "--color-by", "year"]), svg);
    assert_eq!(world.ok(&["plot", "notes", "--color-by", "year", "-"]), svg);
    let labelled = world.ok(&["plot", "notes", "--label", "lang", "--size", "400x300", "--where", "lang = \"en\""]);
    assert!(labelled.contains("<title>c\nlang: en</title>") && labelled.contains(r#"width="400" height="300""#));
    let sampled = world.run(&["plot", "notes", "map.svg", "--force", "--sample", "2"]);
    sampled.is("", "drew 2 of 3 records, drawn at random; --sample says how many: map.svg\n", 0);
    assert!(std::fs::read_to_string(world.path("map.svg")).unwrap().contains("2 of 3 records, drawn with seed 0;"));
}

#[test]
fn a_map_of_hardly_anything_is_drawn() {
    let world = World::new();
    world.ok(&["create", "few", "--no-model", "--space", "ip"]);
    world.run(&["plot", "few", "map.svg"]).is("", "no records to draw\n", 1);
    assert!(!world.path("map.svg").exists());
    for (id, embedding) in [("a", "[2]"), ("b", "[2]"), ("c", "[7]")] {
        world.ok(&["add", "few", "--id", id, "--embedding", embedding]);
        let svg = world.ok(&["plot", "few"]);
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        let share = if id == "c" { "100.0" } else { "0.0" };
        assert!(svg.contains(&format!("first component, {share} % of the variance")), "{svg}");
    }
}

#[test]
fn a_map_goes_where_it_can() {
    let world = world();
    let before = world.bytes();
    world.write("there.svg", "mine");
    let refused = world.run(&["plot", "notes", "there.svg"]);
    assert!(refused.status == Some(2) && refused.stderr.contains("--force"), "{refused:?}");
    assert_eq!(std::fs::read(world.path("there.svg")).unwrap(), b"mine");
    assert_eq!(world.run(&["plot", "notes", "test.redb", "--force"]).status, Some(2));
    assert_eq!(world.bytes(), before);
    assert_eq!(world.run(&["plot", "notes", "no/such/map.svg"]).status, Some(5));
    assert_eq!(world.run(&["plot", "notes", "/dev/null"]).status, Some(0));
    assert_eq!(world.run(&["plot", "notes", "--size", "10x10"]).status, Some(2));
    assert_eq!(world.run(&["plot", "notes", "--label", "uri"]).status, Some(2));
    world.run(&["plot", "notes", "--color-by", "yeer"]).is(
        "",
        "error: no record has the metadata key \"yeer\"\n\n\
         hint: did you mean year? there are the metadata keys a,b, id, lang, year\n",
        2,
    );
    // Other verbs take a format there, not a file.
    assert_eq!(world.run(&["get", "notes", "-o", "map.svg"]).status, Some(2));
}
