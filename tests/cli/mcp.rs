//! `huedb mcp` by the messages themselves: what no client would send, and what is on which stream.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use serde_json::{Value as Json, json};

use crate::huedb::{World, finish};

fn call(id: u64, tool: &str, arguments: &Json) -> Json {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": tool, "arguments": arguments}})
}

fn hello() -> Vec<Json> {
    let client = json!({"name": "test", "version": "1"});
    let parameters = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client});
    vec![
        json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": parameters}),
        json!({"jsonrpc": "2.0", "method": "notifications/initialized"}),
    ]
}

#[test]
fn a_hostile_client_is_answered_and_breaks_nothing() {
    let world = World::with_notes();
    for i in 0..30 {
        world.ok(&["add", "notes", "--id", &format!("r{i}"), "--document", &"long ".repeat(2000)]);
    }
    let before = world.ok(&["export", "notes"]);
    let mut child = world.command(&["mcp"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut to = child.stdin.take().unwrap();
    let mut from = BufReader::new(child.stdout.take().unwrap());
    let mut ask = |lines: &[String]| -> Json {
        for line in lines {
            writeln!(to, "{line}").unwrap();
        }
        let mut answer = String::new();
        from.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer}"))
    };
    let welcome = ask(&hello().iter().map(Json::to_string).collect::<Vec<_>>());
    assert_eq!(welcome["result"]["serverInfo"]["name"], "huedb", "{welcome}");
    // What is no JSON is passed over, and the next message answered.
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let broken = ["{\"jsonrpc\": \"2.0\", \"id\": 1", "\u{0}\u{7f}", "", &deep].map(str::to_owned);
    let get = |id: u64, arguments: &Json| call(id, "get", arguments).to_string();
    let answer = ask(&[&broken[..], &[get(2, &json!({"collection": "notes", "limit": 1}))]].concat());
    assert_eq!((&answer["id"], &answer["result"]["isError"]), (&json!(2), &json!(false)), "{answer}");
    // A limit beyond reason is cut, and said to be.
    let answer = ask(&[get(3, &json!({"collection": "notes", "limit": u64::MAX}))]);
    let told = &answer["result"]["structuredContent"];
    assert!(told["notes"].to_string().contains("are left out"), "{told}");
    assert!(told.to_string().len() < 80_000 && told["total"] == 30, "{}", told.to_string().len());
    for (id, arguments) in [
        (4, json!({"collection": "notes", "limit": -1})),
        (5, json!({"collection": "notes", "limit": 1e300})),
        (6, json!({"collection": {"$ne": null}})),
        (7, json!({"collection": "../../etc/passwd"})),
        (8, json!({"collection": "notes", "filter": "(".repeat(100_000)})),
    ] {
        let answer = ask(&[get(id, &arguments)]);
        assert_eq!((&answer["id"], &answer["result"]["isError"]), (&json!(id), &json!(true)), "{answer}");
    }
    for (id, tool) in [(9, "delete"), (10, "sync"), (11, "no such tool"), (12, "")] {
        let answer = ask(&[call(id, tool, &json!({"collection": "notes", "ids": ["r1"]})).to_string()]);
        let why = answer["error"]["message"].as_str().unwrap_or_else(|| panic!("{answer}"));
        assert!(why.contains("no tool is named"), "{why}");
    }
    let answer = ask(&[json!({"jsonrpc": "2.0", "id": 13, "method": "no/such"}).to_string()]);
    assert_eq!(answer["error"]["code"], -32601, "{answer}");
    drop(to);
    let ran = finish(child);
    assert_eq!((ran.stderr.as_str(), ran.status), ("", Some(0)));
    assert_eq!(world.ok(&["export", "notes"]), before);
}

#[test]
fn what_is_not_the_protocol_is_on_the_standard_error() {
    let world = World::with_notes();
    // Who has nothing to say has left.
    world.run(&["mcp"]).is("", "", 0);
    let ran = world.run(&["mcp", "--collection", "nodes"]);
    ran.is("", "warning: no collection named \"nodes\"; available: notes\n", 0);
    let ran = world.run(&["mcp", "--db", "none.redb"]);
    assert!(ran.status == Some(2) && ran.stdout.is_empty() && ran.stderr.contains("none.redb"), "{ran:?}");
    let ran = world.run_with(&["mcp"], "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}\n");
    assert!(ran.stdout.lines().all(|line| serde_json::from_str::<Json>(line).is_ok()), "{ran:?}");
}
