//! What was made to be lost goes out and in again in every format: empty, null, NUL, quotes, ends of lines, byte order
//! marks, digits that are no numbers, neighbours of 2^53 and 2^64, -0.0, characters of every plane.

use serde_json::{Map, Value as Json, json};

use crate::huedb::World;
use crate::random::Random;

const ROWS: usize = 80;

/// A text of pieces that some format or program takes for something else.
fn text(random: &mut Random, nul: bool) -> String {
    const PIECES: [&str; 38] = [
        "",
        "\"",
        "\"\"",
        "'",
        "\r\n",
        "\r",
        "\n",
        ",",
        ";",
        "\t",
        "|",
        "\\",
        "\u{feff}",
        "007",
        "1.10",
        "1e3",
        "-0.0",
        "-0",
        "9007199254740993",
        "18446744073709551615",
        "true",
        "null",
        "NULL",
        "NaN",
        "[1]",
        "{\"a\":1}",
        "=1+1",
        " ",
        "é",
        "e\u{301}",
        "日本",
        "🦊\u{200d}🦊",
        "\u{202e}",
        "\u{2028}",
        "\u{85}",
        "#",
        "id",
        "\u{10ffff}",
    ];
    let mut text = String::new();
    for _ in 0..random.below(5) {
        if nul && random.chance(20) {
            text.push('\0');
        }
        if random.chance(25) {
            // A character of any plane; what is none is left out.
            let (plane, within) = (random.below(17) as u32, random.below(0x1_0000) as u32);
            text.extend(char::from_u32(plane << 16 | within).filter(|c| *c != '\0'));
        } else {
            text.push_str(PIECES[random.below(PIECES.len())]);
        }
    }
    text
}

fn number(random: &mut Random) -> Json {
    let (two_53, two_63, two_64) = (2_f64.powi(53), 2_f64.powi(63), 2_f64.powi(64));
    let floats = [
        0.0,
        -0.0,
        0.1,
        f64::from(0.1_f32),
        -1.5,
        1e3,
        1e16,
        1e21,
        1e-7,
        two_53,
        two_53 + 2.0,
        two_63,
        -two_63,
        two_64,
        two_64.next_down(),
        two_64.next_up(),
        f64::MAX,
        f64::MIN_POSITIVE,
        5e-324,
        1.0,
    ];
    let exact = 1_i64 << 53;
    let ints = [0, 1, -1, exact - 1, exact, exact + 1, -exact - 1, i64::MAX, i64::MAX - 1, i64::MIN, i64::MIN + 1];
    if random.chance(50) { floats[random.below(floats.len())].into() } else { ints[random.below(ints.len())].into() }
}

fn value(random: &mut Random) -> Json {
    match random.below(7) {
        0 | 1 => number(random),
        2 => random.chance(50).into(),
        3 => (0..=random.below(3)).map(|_| Json::from(text(random, true))).collect(),
        4 => (0..=random.below(3)).map(|_| Json::from(random.next().cast_signed())).collect(),
        5 => (0..=random.below(3)).map(|_| Json::from(f64::from(random.below(9) as u32) / 7.0)).collect(),
        _ => text(random, true).into(),
    }
}

fn row(random: &mut Random, at: usize, nul: bool) -> Json {
    const KEYS: [&str; 12] =
        ["k", "n", "id", "document", "uri", "embedding", "metadata", "a,b", "\"q\"", " ", "\u{feff}ü", "k\r\nk"];
    const COMPONENTS: [f32; 9] = [0.0, -0.0, 0.1, -1.5, f32::MIN_POSITIVE, 1e-45, 65504.0, 16_777_217.0, 1e18];
    let mut metadata = Map::new();
    for _ in 0..random.below(5) {
        metadata.insert(KEYS[random.below(KEYS.len())].to_owned(), value(random));
    }
    // One at least is not zero, so that there is a direction.
    let mut embedding = [1.0; 4];
    embedding.iter_mut().skip(1).for_each(|component| *component = COMPONENTS[random.below(COMPONENTS.len())]);
    let optional = |random: &mut Random| if random.chance(30) { Json::Null } else { text(random, nul).into() };
    let id =
        if random.chance(50) { format!("{}{at}", text(random, nul)) } else { format!("{at}{}", text(random, nul)) };
    json!({"id": id, "document": optional(random), "uri": optional(random), "metadata": metadata, "embedding": embedding})
}

/// Does what storing does: -0.0 in metadata is 0.0, and no metadata is null.
fn stored(row: &Json) -> Json {
    let plain = |json: &Json| if json.as_f64() == Some(0.0) && json.is_f64() { 0.0.into() } else { json.clone() };
    let value = |json: &Json| match json {
        Json::Array(items) => items.iter().map(plain).collect(),
        json => plain(json),
    };
    let metadata: Map<String, Json> =
        row["metadata"].as_object().into_iter().flatten().map(|(key, json)| (key.clone(), value(json))).collect();
    let metadata = if metadata.is_empty() { Json::Null } else { metadata.into() };
    let embedding = row["embedding"].as_array().into_iter().flatten();
    let embedding: Vec<f32> = embedding.map(|component| component.as_f64().unwrap() as f32).collect();
    json!({"id": row["id"], "document": row["document"], "uri": row["uri"], "metadata": metadata, "embedding": embedding})
}

fn holds_nul(row: &Json) -> bool {
    ["id", "document", "uri"].iter().any(|part| row[part].as_str().is_some_and(|text| text.contains('\0')))
}

fn exported(world: &World, collection: &str) -> Vec<Json> {
    world.ok(&["export", collection]).lines().map(|line| stored(&serde_json::from_str(line).unwrap())).collect()
}

#[test]
fn every_format_brings_back_what_was_made_to_be_lost() {
    let world = World::new();
    let mut random = Random::new();
    let rows: Vec<Json> = (0..ROWS).map(|at| row(&mut random, at, at % 4 == 0)).collect();
    let without: Vec<Json> = rows.iter().filter(|row| !holds_nul(row)).cloned().collect();
    for (name, rows) in [("all", &rows), ("without", &without)] {
        world.ok(&["create", name, "--no-model", "--space", "l2"]);
        world.write("rows.jsonl", rows.iter().map(|row| format!("{row}\n")).collect::<String>());
        world.ok(&["import", name, "rows.jsonl"]);
        let came = exported(&world, name);
        assert_eq!(came.len(), rows.len(), "{name}");
        for (came, row) in came.iter().zip(rows) {
            assert_eq!(*came, stored(row), "{name}");
        }
    }
    let mut formats = vec![
        ("all", vec!["out.jsonl"]),
        ("all", vec!["out.json"]),
        ("all", vec!["out.jsonl.gz"]),
        ("without", vec!["out.csv"]),
        ("without", vec!["out.tsv"]),
        ("without", vec!["out.csv.zst"]),
        ("all", vec!["out.npy", "--rows", "beside.jsonl"]),
        ("all", vec!["out.npy", "--rows", "beside.json"]),
        ("without", vec!["out.npy", "--rows", "beside.csv"]),
        ("without", vec!["out.npy", "--rows", "beside.tsv"]),
    ];
    if cfg!(feature = "arrow") {
        formats.extend([("all", vec!["out.parquet"]), ("all", vec!["out.arrow"]), ("all", vec!["out.feather.zst"])]);
    }
    for (name, file) in formats {
        world.run(&["drop", "copy"]);
        world.ok(&["create", "copy", "--no-model", "--space", "l2"]);
        world.ok(&[&["export", name], &file[..], &["--force"]].concat());
        world.ok(&[&["import", "copy"], &file[..]].concat());
        let (copy, original) = (exported(&world, "copy"), exported(&world, name));
        for (copy, original) in copy.iter().zip(&original) {
            assert_eq!(copy, original, "{file:?}");
        }
        assert_eq!(copy.len(), original.len(), "{file:?}");
        assert_eq!(world.ok(&["export", "copy"]), world.ok(&["export", name]), "{file:?}");
        world.ok(&["check", "--deep"]);
    }
    world.ok(&["export", "--all", "everything.jsonl.zst"]);
    world.ok(&["--db", "again.redb", "import", "--all", "everything.jsonl.zst"]);
    for name in ["all", "without"] {
        assert_eq!(world.ok(&["--db", "again.redb", "export", name]), world.ok(&["export", name]), "{name}");
    }
    world.ok(&["--db", "again.redb", "check", "--deep"]);
}

#[test]
fn a_nul_is_refused_by_csv_and_tsv_with_its_record() {
    let world = World::new();
    world.ok(&["create", "rows", "--no-model"]);
    for (part, row) in [
        ("document", json!({"id": "n", "document": "a\0b", "embedding": [1, 0]})),
        ("uri", json!({"id": "n", "uri": "a\0b", "embedding": [1, 0]})),
    ] {
        world.ok(&["create", part, "--no-model"]);
        world.run_with(&["import", part, "-"], format!("{row}\n"));
        for format in ["csv", "tsv"] {
            let file = format!("out.{format}");
            let ran = world.run(&["export", part, &file]);
            let said = format!(
                "error: record \"n\": its {part} holds a NUL, which csv and tsv cannot hold\n\n\
                 hint: choose jsonl, json, Parquet or Arrow instead\n"
            );
            ran.is("", &said, 2);
            assert!(!world.path(&file).exists());
        }
    }
}

#[test]
fn an_empty_text_and_none_differ_in_a_table() {
    let world = World::new();
    world.ok(&["create", "rows", "--no-model"]);
    let rows = r#"{"id":"e","document":"","uri":"","metadata":{"note":""},"embedding":[1,0]}
{"id":"n","embedding":[1,0]}
"#;
    world.run_with(&["import", "rows", "-"], rows);
    for format in ["csv", "tsv"] {
        world.run(&["drop", "copy"]);
        world.ok(&["create", "copy", "--no-model"]);
        let table = world.ok(&["export", "rows", "-o", format, "--columns", "id,document,uri,note,embedding"]);
        assert!(
            table.contains(&["e", "\"\"", "\"\"", "\"\""].join(if format == "csv" { "," } else { "\t" })),
            "{table}"
        );
        let ran = world.run_with(&["import", "copy", "-"], table);
        assert_eq!(ran.status, Some(0), "{ran:?}");
        assert_eq!(world.ok(&["export", "copy"]), world.ok(&["export", "rows"]), "{format}");
        assert_eq!(world.ok(&["count", "copy", "--where-document", r#"{"$contains":""}"#]), "1\n");
    }
}
