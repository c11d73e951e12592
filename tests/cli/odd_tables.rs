//! The odd csv of others: each is imported at the first or second try by who types no more than what the screen says.
//!
//! The second command is the first with the flags of its error's hint, as they stand there; the test knows none of them.

use crate::huedb::{Ran, World};

/// Takes the flags out of what is to be done about an error, as a shell reads them; of a flag named twice the first.
fn flags(ran: &Ran) -> Vec<String> {
    let hint = ran.stderr.split_once("hint: ").map_or(ran.stderr.as_str(), |(_, hint)| hint);
    // What stands behind a semicolon is for who wants something else, unless it is about the encoding.
    let wanted: Vec<&str> = hint
        .split("; ")
        .enumerate()
        .filter(|(at, part)| *at == 0 || part.contains("--encoding"))
        .map(|(_, part)| part)
        .collect();
    let words = shlex::split(&wanted.join(" ")).unwrap_or_else(|| panic!("{hint}"));
    let mut flags: Vec<String> = Vec::new();
    for pair in words.windows(2).filter(|pair| pair[0].starts_with("--")) {
        if !flags.contains(&pair[0]) {
            flags.extend([pair[0].clone(), pair[1].clone()]);
        }
    }
    assert!(!flags.is_empty(), "nothing to type: {ran:?}");
    flags
}

/// Imports a file, twice at the most; returns the second command, or the first where that did it, and what it left.
fn import(world: &World, file: &str) -> (Vec<String>, Ran) {
    let mut args: Vec<String> =
        ["import", "odd", file, "--create", "--model", "hash-8"].into_iter().map(str::to_owned).collect();
    let run = |args: &[String]| world.run(&args.iter().map(String::as_str).collect::<Vec<_>>());
    let first = run(&args);
    if first.status == Some(0) {
        return (args, first);
    }
    args.extend(flags(&first));
    let second = run(&args);
    assert_eq!(second.status, Some(0), "{args:?}\n{first:?}\n{second:?}");
    (args, second)
}

fn latin_1(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect()
}

fn utf_16(text: &str) -> Vec<u8> {
    std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

#[test]
fn each_is_imported_at_the_second_try_at_the_latest() {
    let german = "\u{feff}Artikel;Titel;Beschreibung;Preis\r\n1;Lampe;\"Eine \"\"schöne\"\" Lampe; aus Holz\";49,90\r\n\
                  2;Tisch;Ein Tisch mit vier Beinen;1.249,00\r\n";
    let quotes = "id,document\n1,\"A fox, \"\"red\"\",\nand a hound\"\n2,plain\n";
    let pipe = "sku|name |text|price\n1|Lamp|It shines at night|5\n2|Table|It has four legs|7\n";
    let two = "nr,Title,Description\n1,A lamp,It shines\n2,A table,It stands\n";
    let tab = "Product Title\tDescription\nA lamp\tIt shines\nA table\tIt stands\n";
    for (name, bytes, text) in [
        ("semicolon.csv", german.into(), "Eine \"schöne\" Lampe; aus Holz"),
        ("quotes.csv", quotes.into(), "A fox, \"red\",\nand a hound"),
        ("pipe.csv", pipe.into(), "It shines at night"),
        ("two.csv", two.into(), "A lamp\n\nIt shines"),
        ("tab.txt", tab.into(), "A lamp\n\nIt shines"),
        ("latin-1.csv", latin_1("id;document\n1;Caf\u{e9} am See\n2;Stra\u{df}e\n"), "Caf\u{e9} am See"),
        ("both.csv", latin_1("nr,text\n1,Caf\u{e9} am See\n2,Stra\u{df}e\n"), "Caf\u{e9} am See"),
        ("utf-16.csv", utf_16("id,document\r\n1,Caf\u{e9} am See\r\n2,Stra\u{df}e\r\n"), "Caf\u{e9} am See"),
    ] {
        let bytes: Vec<u8> = bytes;
        let world = World::plain();
        let file = world.write(name, bytes);
        let (_, ran) = import(&world, &file);
        assert!(ran.stderr.contains("added 2,"), "{name}: {ran:?}");
        let kept = world.ok(&["get", "odd", "--columns", "document", "-o", "json"]);
        let json = serde_json::to_string(text).unwrap();
        assert!(kept.contains(&json), "{name}: {json} is not in {kept}");
    }
}

#[test]
fn a_decimal_comma_is_a_number_once_it_is_said_to_be() {
    let world = World::plain();
    let csv = world.write("shop.csv", "id;document;Price (EUR)\n1;A lamp;49,90\n2;A table;1.249,00\n");
    let (mut args, ran) = import(&world, &csv);
    let notice = Ran {
        stderr: ran.stderr.lines().find(|line| line.contains("decimal comma")).unwrap().replace("; ", "hint: "),
        ..ran
    };
    args.extend(flags(&notice));
    assert_eq!(world.run(&args.iter().map(String::as_str).collect::<Vec<_>>()).status, Some(0), "{args:?}");
    assert_eq!(world.ok(&["get", "odd", "--where", "`Price (EUR)` = 1249", "-o", "ids"]), "2\n");
    assert_eq!(world.ok(&["get", "odd", "--where", "`Price (EUR)` < 49.95", "-o", "ids"]), "1\n");
}
