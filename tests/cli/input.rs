//! Nothing of an input is lost, cut, guessed or ignored in silence: numbers, quotes, ends of lines, kinds of files, ids.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::huedb::{Ran, World, finish};

/// A world with a collection `rows` without a model.
fn world() -> World {
    let world = World::new();
    world.ok(&["create", "rows", "--no-model"]);
    world
}

/// Checks that a command is refused in words, and that the file is as it was.
#[track_caller]
fn refused(world: &World, args: &[&str], stdin: &str, words: &[&str]) {
    let before = world.bytes();
    let ran = world.run_with(args, stdin);
    assert_eq!(ran.status, Some(2), "{args:?}: {ran:?}");
    for word in words {
        assert!(ran.stderr.contains(word), "{args:?}: {word} is not in {ran:?}");
    }
    assert_eq!(world.bytes(), before, "{args:?}");
}

fn metadata(world: &World) -> String {
    world.ok(&["get", "rows", "--include", "metadatas"])
}

#[test]
fn an_integer_that_no_type_holds_is_refused_by_name_and_kept_as_text() {
    let world = world();
    for number in ["18446744073709551615", "9223372036854775808", "-9223372036854775809", "100000000000000000000000"] {
        let row = |field: &str| format!("{{\"id\":\"a\",\"embedding\":[1,0],{field}}}\n");
        for (field, name) in [
            (format!("\"h\":{number}"), "\"h\""),
            (format!("\"h\":[1,{number}]"), "\"h\""),
            (format!("\"metadata\":{{\"x\":1,\"h\":{number}}}"), "\"h\""),
        ] {
            refused(&world, &["import", "rows", "-"], &row(&field), &["-:1: ", name, number, "no type here holds"]);
        }
        refused(&world, &["import", "rows", "-"], &row(&format!("\"h\":{number}")), &["--types h:str"]);
        let object = format!("{{\"h\":{number}}}");
        let add = ["add", "rows", "--id", "a", "--embedding", "[1,0]", "--metadata", &object];
        refused(&world, &add, "", &["\"h\"", number, "no type here holds"]);
        for filter in [format!("h = {number}"), format!("h in (1, {number})"), object.clone()] {
            refused(&world, &["count", "rows", "--where", &filter], "", &["an integer that no metadata value is"]);
        }
        let rows = row(&format!("\"h\":{number}"))
            + &row(&format!("\"metadata\":{{\"h\":{number}}}")).replace("\"a\"", "\"b\"");
        let ran = world.run_with(&["import", "rows", "-", "--types", "h:str"], rows);
        assert_eq!(ran.status, Some(0), "{ran:?}");
        assert_eq!(world.ok(&["count", "rows", "--where", &format!("h = \"{number}\"")]), "2\n");
    }
    world.run_with(&["import", "rows", "-", "--types", "h:str"], "{\"id\":\"a\",\"embedding\":[1,0],\"h\":1.10}\n");
    assert!(metadata(&world).contains("{\"h\":\"1.10\"}"), "{}", metadata(&world));
}

#[test]
fn a_column_of_a_table_has_one_type() {
    let world = world();
    let table = "id,embedding,version,zip,year,score,ok,big,note\n\
                 a,\"[1,0]\",1.10,01234,2020,1.5,true,12345678901234567890,1984\n\
                 b,\"[1,0]\",1.9,99,2021,-2.25,False,1,prose\n\
                 c,\"[1,0]\",,,,,,,\"\"\n";
    let ran = world.run_with(&["import", "rows", "-"], table);
    assert_eq!(
        metadata(&world),
        "{\"id\":\"a\",\"metadata\":{\"big\":\"12345678901234567890\",\"note\":\"1984\",\"ok\":true,\"score\":1.5,\"version\":\"1.10\",\"year\":2020,\"zip\":\"01234\"}}\n\
         {\"id\":\"b\",\"metadata\":{\"big\":\"1\",\"note\":\"prose\",\"ok\":false,\"score\":-2.25,\"version\":\"1.9\",\"year\":2021,\"zip\":\"99\"}}\n\
         {\"id\":\"c\",\"metadata\":{\"note\":\"\"}}\n"
    );
    assert_eq!(world.ok(&["count", "rows", "--where", "version = \"1.10\""]), "1\n");
    for said in [
        "-: the column \"version\" is text, since \"1.10\" on line 2 would not print back as written; --types version:float",
        "-: the column \"zip\" is text, since \"01234\"",
        "-: the column \"big\" is text, since \"12345678901234567890\"",
        "-: the column \"note\" is text, \"1984\" on line 2 too, since it holds \"prose\" on line 3",
    ] {
        assert!(ran.stderr.contains(said), "{said}: {ran:?}");
    }
    assert!(!ran.stderr.contains("\"year\"") && !ran.stderr.contains("\"score\""), "{ran:?}");
    let typed = world.run_with(&["import", "rows", "-", "--types", "version:float,zip:int,big:str,note:str"], table);
    assert!(typed.stderr.starts_with("added 0, updated 2, unchanged 1"), "{typed:?}");
    assert_eq!(world.ok(&["count", "rows", "--where", "version < 1.5 and zip = 1234"]), "1\n");
    let bad = world.run(&["import", "rows", "-", "--types", "zip:number,year:date"]);
    let listed = "\"year:date\" is not a column and a type: write NAME:TYPE with one of the types str, int, float, \
                  decimal-comma, bool and array";
    assert!(bad.status == Some(2) && bad.stderr.contains(listed), "{bad:?}");
    assert!(world.ok(&["import", "--help"]).contains("decimal-comma"));
}

#[test]
fn a_row_beyond_the_first_that_breaks_a_type_is_refused() {
    let world = world();
    let rows = |range: std::ops::Range<u32>| range.map(|row| format!("{row},x{row},{row}\n")).collect::<String>();
    let early = format!("id,document,zip\n{}99999,x,A1\n", rows(0..99_999));
    let late = format!("id,document,zip\n{}100000,x,A1\n", rows(0..100_000));
    world.write("early.csv", &early);
    world.write("late.csv", &late);
    let survey = |args: &[&str], stdin: &str| {
        let ran = world.run_with(&[&["import", "none-yet", "--dry-run", "-o", "ids"], args].concat(), stdin);
        assert_eq!(ran.status, Some(if ran.stderr.contains("bad 0") { 0 } else { 2 }), "{ran:?}");
        ran.stderr
    };
    for said in [survey(&["early.csv"], ""), survey(&["-"], &early)] {
        assert!(
            said.contains("the column \"zip\" is text, \"0\" on line 2 too, since it holds \"A1\" on line 100001"),
            "{said}"
        );
        assert!(said.contains("rows 100,000, bad 0"), "{said}");
    }
    for said in [survey(&["late.csv"], ""), survey(&["-"], &late)] {
        let bad = ":100002: the column \"zip\" holds \"A1\", which is not a number as its first 100,000 rows are; \
                   --types zip:str makes all of it text";
        assert!(said.contains(bad) && said.contains("rows 100,000, bad 1"), "{said}");
    }
    assert!(survey(&["late.csv", "--types", "zip:str"], "").contains("rows 100,001, bad 0"));
}

#[test]
fn quotes_that_are_not_closed_or_not_the_end_lose_no_row() {
    let world = World::with_notes();
    let table = "id,document\n1,\"open quote\n2,plain\n3,he said \"hi\" today\n4,end\n";
    let row = "-:2: text follows the closing quote of line 4, which opened on line 2; inside quotes a quote is doubled";
    refused(&world, &["import", "notes", "-"], table, &[row]);
    let skipped = world.run_with(&["import", "notes", "-", "--on-error", "skip"], table);
    assert!(skipped.stderr.contains(row) && skipped.stderr.contains("added 1") && skipped.stderr.contains("failed 1"));
    for cut in ["id,document\nz,\"The quick bro", "id,document\ny,\"a\"\"\nx,\"\"q\"\""] {
        refused(&world, &["import", "notes", "-"], cut, &["-: line 2: a quote opens a field and never closes"]);
    }
    world.write("questions.csv", "id,text\n1,\"how");
    let never = "questions.csv: line 2: a quote opens a field and never closes";
    refused(&world, &["query", "notes", "--input", "questions.csv"], "", &[never]);
}

#[test]
fn any_delimiter_is_read() {
    let world = World::with_notes();
    for (text, flags) in [
        ("id|document\na|x, y; z\n", &[][..]),
        ("id;\"a, b\";document\na;;x, y; z\n".replace("x, y; z", "\"x, y; z\"").as_str(), &["--metadata", "a, b"][..0]),
        ("id^document\na^x, y; z\n", &["--delimiter", "^"]),
        ("id\tdocument\na\tx, y; z\n", &["--delimiter", "tab"]),
        ("id\tdocument\na\tx, y; z\n", &["--delimiter", "\\t", "--format", "csv"]),
    ] {
        let ran = world.run_with(&[&["import", "notes", "-"], flags].concat(), text);
        assert_eq!(ran.status, Some(0), "{text}: {ran:?}");
        assert!(world.ok(&["get", "notes"]).contains("\"document\":\"x, y; z\""), "{text}");
        world.ok(&["delete", "notes", "--id", "a"]);
    }
    refused(&world, &["import", "notes", "-", "--delimiter", "ab"], "", &["one ASCII character"]);
    refused(&world, &["import", "notes", "-", "--delimiter", "\""], "", &["no quote"]);
    let jsonl = "{\"id\":\"a\",\"document\":\"x\"}\n";
    refused(
        &world,
        &["import", "notes", "-", "--delimiter", ";"],
        jsonl,
        &["is read as jsonl, which has no delimiter"],
    );
}

#[test]
fn tables_are_tables_wherever_they_come_from() {
    let world = World::with_notes();
    std::fs::create_dir_all(world.path("parts/sub")).unwrap();
    world.write("parts/1.csv", "id,document\na,x\n");
    world.write("parts/2.csv", "id,document\nb,y\n");
    world.write("parts/sub/3.jsonl", "{\"id\":\"c\",\"document\":\"z\"}\n");
    world.ok(&["import", "notes", "parts/*.csv"]);
    assert_eq!(world.ok(&["get", "notes", "-o", "ids"]), "a\nb\n");
    let ran = world.run(&["import", "notes", "parts"]);
    assert!(ran.stderr.contains("read 2 as csv (parts/1.csv and others), parts/sub/3.jsonl as jsonl\n"), "{ran:?}");
    assert_eq!(world.ok(&["get", "notes", "-o", "ids"]), "a\nb\nc\n");
    world.write("parts/table.txt", "id\tdocument\td\nd\tw\t1\n");
    world.write("parts/package.json", "{\"name\": \"x\"}\n");
    world.write("parts/letter.txt", "Dear id,\tdocument\n");
    let ran = world.run(&["import", "notes", "parts/*.{txt,json}"]);
    assert!(ran.stderr.contains(
        "parts/table.txt: looks like a table and is read as one (tsv); --format text makes one document of it\n"
    ));
    assert!(ran.stderr.contains("read 2 as text (parts/letter.txt and others), parts/table.txt as tsv\n"), "{ran:?}");
    assert_eq!(world.ok(&["get", "notes", "-o", "ids"]), "a\nb\nc\nletter.txt\npackage.json\nd\n");
    world.write("lines.txt", "{\"id\":\"e\",\"document\":\"v\"}\n{\"id\":\"f\",\"document\":\"v\"}\n");
    world.write("bare", "id,document\ng,u\n");
    let ran = world.run(&["import", "notes", "lines.txt", "bare"]);
    assert!(
        ran.stderr.contains("lines.txt: looks like a table") && ran.stderr.contains("bare: looks like a table"),
        "{ran:?}"
    );
    assert_eq!(world.ok(&["count", "notes", "--id", "e", "--id", "f", "--id", "g"]), "3\n");
    world.ok(&["import", "notes", "parts/table.txt", "--format", "text"]);
    assert_eq!(world.ok(&["count", "notes", "--where", "#id = \"parts/table.txt\""]), "1\n");
}

#[cfg(feature = "arrow")]
#[test]
fn a_folder_of_parquet_files_is_rows() {
    let world = World::with_notes();
    std::fs::create_dir(world.path("parts")).unwrap();
    for id in ["a", "b"] {
        world.ok(&["add", "notes", "--id", id, "--document", id]);
        world.ok(&["export", "notes", &format!("parts/{id}.parquet"), "--id", id]);
    }
    world.ok(&["create", "copy", "--model", "hash-64"]);
    world.ok(&["import", "copy", "parts"]);
    assert_eq!(world.ok(&["export", "copy"]), world.ok(&["export", "notes"]));
}

#[test]
fn what_the_columns_are_is_said_beside_the_first_row_without_content() {
    let world = world();
    for (text, said) in [
        ("id,body\na,x\n", "error: -:2: no column \"document\" and no embedding; the columns are id, body\n"),
        (
            "{\"id\":\"a\",\"body\":\"x\"}\n",
            "error: -:1: no document under \"document\" and no embedding; the fields are id, body\n",
        ),
    ] {
        refused(&world, &["import", "rows", "-"], text, &[said, "--document body"]);
    }
}

#[test]
fn what_only_tables_heed_is_not_ignored_beside_text() {
    let world = World::with_notes();
    world.write("a.csv", "key,document\na,x\n");
    world.write("b.md", "text");
    for flags in [
        &["--id", "key"][..],
        &["--document", "body"],
        &["--embedding", "e"],
        &["--uri", "u"],
        &["--metadata", "year"],
        &["--types", "year:int"],
        &["--id", "key", "--dry-run"],
    ] {
        let words = ["b.md is read as one document, which has no columns", flags[0], "--format"];
        refused(&world, &[&["import", "notes", "a.csv", "b.md"], flags].concat(), "", &words);
        refused(&world, &[&["import", "notes", "*.md"], flags].concat(), "", &words);
    }
    world.ok(&["import", "notes", "b.md", "--id", "auto"]);
}

#[test]
fn types_that_differ_between_files_are_said() {
    let world = World::with_notes();
    world.write("1.csv", "id,document,zip\na,x,12\n");
    world.write("2.csv", "id,document,zip\nb,x,A1\n");
    let ran = world.run(&["import", "notes", "1.csv", "2.csv"]);
    let said = "2.csv: the column \"zip\" is text here, but numbers in 1.csv; --types zip:str makes all of it text\n";
    assert!(ran.stderr.contains(said), "{ran:?}");
}

/// Rows of one id in every format; the matrix has two rows and its ids beside it.
fn twice(world: &World) -> Vec<Vec<String>> {
    world.write("twice.jsonl", "{\"id\":\"a\",\"embedding\":[1,0],\"x\":1}\n{\"id\":\"b\",\"embedding\":[1,1]}\n{\"id\":\"a\",\"embedding\":[0,1],\"x\":2}\n");
    world.write("twice.json", "[{\"id\":\"a\",\"embedding\":[1,0],\"x\":1},\n{\"id\":\"b\",\"embedding\":[1,1]},\n{\"id\":\"a\",\"embedding\":[0,1],\"x\":2}]");
    world.write("twice.csv", "id,embedding,x\na,\"[1,0]\",1\nb,\"[1,1]\",\na,\"[0,1]\",2\n");
    world.write("twice.tsv", "id\tembedding\tx\na\t[1,0]\t1\nb\t[1,1]\t\na\t[0,1]\t2\n");
    let mut files: Vec<Vec<String>> =
        ["twice.jsonl", "twice.json", "twice.csv", "twice.tsv"].map(|name| vec![name.to_owned()]).to_vec();
    world.ok(&["create", "distinct", "--no-model"]);
    world.run_with(
        &["import", "distinct", "-"],
        "{\"id\":\"1\",\"of\":\"a\",\"x\":1,\"embedding\":[1,0]}\n{\"id\":\"2\",\"of\":\"b\",\"embedding\":[1,1]}\n{\"id\":\"3\",\"of\":\"a\",\"x\":2,\"embedding\":[0,1]}\n",
    );
    world.ok(&["export", "distinct", "twice.npy", "--ids", "numbers.txt"]);
    world.write("ids.txt", "a\nb\na\n");
    files.push(["twice.npy", "--ids", "ids.txt"].map(str::to_owned).to_vec());
    world.write("rows.csv", "id,x\na,1\nb,\na,2\n");
    files.push(["twice.npy", "--rows", "rows.csv"].map(str::to_owned).to_vec());
    if cfg!(feature = "arrow") {
        for name in ["twice.parquet", "twice.arrow"] {
            world.ok(&["export", "distinct", name]);
            files.push([name, "--id", "of", "--metadata", "x"].map(str::to_owned).to_vec());
        }
    }
    files
}

#[test]
fn an_id_that_comes_again_is_counted_and_told_in_every_format() {
    let world = World::new();
    for file in twice(&world) {
        let import = |action: &str| -> Ran {
            world.run(&["drop", "rows"]);
            world.ok(&["create", "rows", "--no-model"]);
            let file: Vec<&str> = file.iter().map(String::as_str).collect();
            world.run(&[&["import", "rows"], &file[..], &["--on-duplicate", action]].concat())
        };
        let last = import("last");
        let first_place =
            last.stderr.split("repeated id: first \"a\" at ").nth(1).unwrap_or_else(|| panic!("{file:?}: {last:?}"));
        assert!(last.stderr.contains("warning: 1 row has a repeated id"), "{last:?}");
        assert!(file.iter().any(|name| first_place.starts_with(&format!("{name}:"))), "{first_place}");
        let embedding = || world.ok(&["get", "rows", "--id", "a", "--include", "embeddings"]);
        assert!(last.status == Some(0) && embedding().contains("[0.0,1.0]"), "{file:?}: {}", embedding());
        let first = import("first");
        assert!(first.status == Some(0) && embedding().contains("[1.0,0.0]"), "{file:?}: {}", embedding());
        assert!(
            first.stderr.contains("added 2") && first.stderr.contains("repeated id was skipped: first \"a\""),
            "{first:?}"
        );
        let error = import("error");
        assert!(error.status == Some(2) && error.stderr.contains("the id \"a\" was already used at"), "{error:?}");
        assert_eq!(world.ok(&["count", "rows"]), "0\n", "{file:?}");
    }
    world.write("again.jsonl", "{\"id\":\"a\",\"embedding\":[0,1]}\n");
    let both = world.run(&["import", "rows", "twice.csv", "again.jsonl"]);
    assert!(both.stderr.contains("2 rows have repeated ids"), "{both:?}");
    let dry = world.run(&["import", "rows", "twice.csv", "--dry-run", "-o", "ids"]);
    assert!(dry.stderr.contains("first \"a\" at twice.csv:4, which was already used at twice.csv:2"), "{dry:?}");
}

#[test]
fn a_script_and_a_list_of_ids_may_be_of_windows() {
    let world = world();
    let script = "\u{feff}add rows --embedding \"[1,0]\" --id x\r\nadd rows --id z --embedding \"[1,0]\" --document \"quoted text\"\r\n\
                  count rows\r\n";
    let ran = world.run_with(&["exec", "-"], script);
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(0), "2\n"), "{ran:?}");
    assert_eq!(world.ok(&["get", "rows", "-o", "ids"]), "x\nz\n");
    assert!(world.ok(&["get", "rows", "--id", "z"]).contains("\"document\":\"quoted text\""));
    world.write("ids.txt", "\u{feff}x\r\nz\r\n");
    assert_eq!(world.ok(&["count", "rows", "--ids-from", "ids.txt"]), "2\n");
    let typed = world.run_with(&["shell"], "\u{feff}count rows\r\n");
    assert_eq!((typed.status, typed.stdout.as_str()), (Some(0), "2\n"), "{typed:?}");
}

#[test]
fn zeros_behind_a_gzip_member_are_padding() {
    let world = world();
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    for row in 0..20_000 {
        writeln!(packer, "{{\"id\":\"{row}\",\"embedding\":[1,{row}]}}").unwrap();
    }
    let padded = [packer.finish().unwrap(), vec![0; 512]].concat();
    world.write("rows.jsonl.gz", padded);
    world.ok(&["import", "rows", "rows.jsonl.gz"]);
    assert_eq!(world.ok(&["count", "rows"]), "20000\n");
}

#[test]
fn odd_characters_are_named_as_what_they_are() {
    let world = world();
    let good = "{\"id\":\"a\",\"embedding\":[1,0]}\n";
    let joined = "begins with a byte order mark (U+FEFF), as where files were put together";
    refused(&world, &["import", "rows", "-"], &format!("{good}\u{feff}{good}"), &["-:2: ", joined]);
    refused(
        &world,
        &["import", "rows", "-", "--format", "json"],
        &format!("{good}\u{feff}{good}"),
        &["line 2: ", joined],
    );
    refused(&world, &["import", "rows", "-"], "id,embedding\na,\"[1,0]\"\n\u{feff}id,embedding\n", &["-:3: ", joined]);
    for field in ["\"document\":\"x \\ud83d\"", "\"k\":\"\\ud83d\"", "\"metadata\":{\"k\":\"\\ud83dx\"}"] {
        let row = format!("{{\"id\":\"a\",\"embedding\":[1,0],{field}}}\n");
        refused(&world, &["import", "rows", "-"], &row, &["-:1: ", "\\ud83d alone, which is half of a character"]);
    }
}

#[test]
fn what_cannot_be_written_is_said_and_a_reader_that_has_enough_is_none() {
    let world = world();
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    for args in [&["--version"][..], &["--help"], &["import", "--help"], &["list"]] {
        let ran = finish(world.command(args).stdout(full()).spawn().unwrap());
        assert!(ran.status == Some(5) && ran.stderr.contains("cannot write the output"), "{args:?}: {ran:?}");
    }
    let ran = world.run(&["backup", "nodir/x.redb"]);
    assert!(!ran.stderr.contains(".huedb-") && ran.stderr.contains("nodir/x.redb: No such file"), "{ran:?}");
    let ran = world.run(&["export", "rows", "nodir/x.csv"]);
    assert!(!ran.stderr.contains(".huedb-") && ran.stderr.contains("nodir/x.csv: No such file"), "{ran:?}");
    let rows: String = (0..20_000).map(|row| format!("{{\"id\":\"{row}\",\"embedding\":[1,{row}]}}\n")).collect();
    world.run_with(&["import", "rows", "-"], rows);
    for verb in ["get", "export"] {
        for format in ["csv", "tsv", "jsonl", "json", "ids"] {
            let mut child = world.spawn(&[verb, "rows", "-o", format]);
            drop(child.stdout.take());
            finish(child).is("", "", 0);
        }
    }
    let mut child = world.spawn(&["distinct", "rows", "x", "-o", "csv"]);
    drop(child.stdout.take());
    assert_ne!(finish(child).status, Some(5));
}
