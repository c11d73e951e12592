//! Tokens as people make them, and as clients send them.

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};

use crate::running::{Running, huedb};

const IDENTITY: &str = "/api/v2/auth/identity";

#[test]
fn a_file_with_tokens_asks_for_them_and_one_without_does_not() {
    let server = Running::start(&[]);
    assert_eq!(server.get(IDENTITY).json()["tenant"], "default_tenant");
    // Clients that are set up with one are answered, too.
    assert_eq!(server.with("anything", "GET", IDENTITY, &Json::Null).status, 200);
    let token = server.token(&["ann", "--role", "reader", "--tenant", "acme", "--database", "main"]);
    server.until("an answer of 401", |server| server.get(IDENTITY).status == 401);
    let refused = server.get(IDENTITY);
    assert_eq!(refused.headers["www-authenticate"], "Bearer");
    assert_eq!(refused.json()["error"], "AuthorizationError");
    let basic = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
    for (name, value) in [
        ("x-chroma-token", token.clone()),
        ("authorization", format!("Bearer {token}")),
        ("authorization", basic(&format!("ann:{token}"))),
        ("authorization", basic(&format!("{token}:"))),
    ] {
        let answer = server.send("GET", IDENTITY, &[(name, &value)], b"");
        assert_eq!(
            answer.json(),
            json!({"user_id": "ann", "tenant": "acme", "databases": ["main"]}),
            "{name}: {value}"
        );
    }
    // Health needs none.
    for path in ["/healthz", "/livez", "/readyz", "/api/v2/heartbeat", "/api/v2/version", "/openapi.json"] {
        assert_eq!(server.get(path).status, 200, "{path}");
    }
    // What is revoked is refused by the next request.
    server.ok(&["token", "revoke", "ann"]);
    assert_eq!(server.with(&token, "GET", IDENTITY, &Json::Null).status, 401);
    // And no token at all is no open door.
    assert_eq!(server.get(IDENTITY).status, 401);
}

#[test]
fn a_rotated_token_and_the_old_one_are_good_for_a_while() {
    let server = Running::start(&[]);
    let old = server.token(&["ci", "--role", "writer", "--expires", "90d"]);
    let fresh = server.ok(&["token", "rotate", "ci", "--overlap", "1h"]).trim().to_owned();
    server.until("an answer of 401", |server| server.get(IDENTITY).status == 401);
    for token in [&old, &fresh] {
        assert_eq!(server.with(token, "GET", IDENTITY, &Json::Null).status, 200);
    }
    let last = server.ok(&["token", "rotate", "ci"]).trim().to_owned();
    for (token, status) in [(&old, 401), (&fresh, 401), (&last, 200)] {
        let answer = server.with(token, "GET", IDENTITY, &Json::Null);
        assert_eq!(answer.status, status, "{}", answer.text);
    }
    let listed = server.ok(&["token", "list", "-o", "jsonl"]);
    assert_eq!(listed.lines().count(), 3);
    for secret in [&old, &fresh, &last] {
        assert!(!listed.contains(&secret[13..56]), "a list shows a secret");
    }
    assert!(server.ok(&["token", "show", "ci", "-o", "json"]).contains("\"writer\""));
}

#[test]
fn a_token_that_was_drawn_elsewhere_is_kept_once() {
    let server = Running::start(&[]);
    let file = server.path("token");
    fs::write(&file, server.ok(&["token", "generate"])).unwrap();
    let file = file.to_str().unwrap().to_owned();
    let create = ["token", "create", "boot", "--role", "admin", "--token-file", &file];
    assert_eq!(server.ok(&create), "", "it is not printed");
    let again = server.command(&create);
    assert!(again.status.success() && String::from_utf8_lossy(&again.stderr).contains("is there already"));
    let other = server.command(&["token", "create", "boot", "--role", "reader"]);
    assert_eq!(other.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&other.stderr).contains("exists already"));
    let text = fs::read_to_string(&file).unwrap();
    server.until("an answer of 401", |server| server.get(IDENTITY).status == 401);
    assert_eq!(server.with(text.trim(), "GET", IDENTITY, &Json::Null).status, 200);
    fs::write(server.path("cut"), &text[..40]).unwrap();
    let cut = server.command(&[
        "token",
        "create",
        "cut",
        "--role",
        "admin",
        "--token-file",
        server.path("cut").to_str().unwrap(),
    ]);
    assert!(String::from_utf8_lossy(&cut.stderr).contains("cut or mistyped"), "{cut:?}");
}

#[test]
fn what_is_wrong_with_a_token_is_said_and_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("t.redb");
    for (args, why) in [
        (&["create", "a", "--role", "root"][..], "root"),
        (&["create", "a", "--role", "reader", "--collection", "a*b"], "no pattern"),
        (&["create", "a", "--role", "reader", "--where", "user ="], "in the filter"),
        (&["create", "a", "--role", "admin", "--where", "user = 'a'"], "--where has the role"),
        (&["create", "a", "--role", "reader", "--expires", "soon"], "soon"),
        (&["create", "a", "--role", "reader", "--rate", "5"], "100/s"),
        (&["create", "", "--role", "reader"], "name of a token"),
        (&["revoke", "none"], "no database at"),
    ] {
        let output = huedb(&db).arg("token").args(args).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains(why), "{args:?}: {said}");
        assert!(!db.exists());
    }
    let output = huedb(&db).args(["token", "create", "a", "--role", "reader"]).output().unwrap();
    assert!(output.status.success());
    let output = huedb(&db).args(["token", "revoke", "b"]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("no token named \"b\""));
}

#[test]
fn requests_without_a_token_may_do_what_the_server_says() {
    let server = Running::start(&["--anonymous", "reader"]);
    assert_eq!(server.get(IDENTITY).status, 200);
    let collections = "/api/v2/tenants/default_tenant/databases/default_database/collections";
    assert_eq!(server.post(collections, &json!({"name": "notes"})).status, 403);
    assert_eq!(server.get(collections).status, 200);
    let admin = server.token(&["admin", "--role", "admin"]);
    assert_eq!(server.with(&admin, "POST", collections, &json!({"name": "notes"})).status, 200);
    // A token that is wrong is not taken for none.
    assert_eq!(server.with("hdb_wrong", "GET", collections, &Json::Null).status, 401);
}

/// Tokens are found again after a damaged file was repaired, where their page is sound; no damaged one lets anybody in.
#[test]
fn tokens_survive_backup_restore_and_repair() {
    let server = Running::start(&[]);
    let token = server.token(&["ann", "--role", "reader"]);
    let copy = server.path("copy.redb");
    server.ok(&["backup", copy.to_str().unwrap()]);
    let repaired = server.path("repaired.redb");
    let output = huedb(&copy).args(["repair", "--to", repaired.to_str().unwrap()]).output().unwrap();
    let repaired = if output.status.success() && repaired.exists() { repaired } else { copy };
    let listed = huedb(&repaired).args(["token", "list"]).output().unwrap();
    assert!(String::from_utf8_lossy(&listed.stdout).contains("\"ann\""), "{output:?} {listed:?}");
    server.ok(&["token", "revoke", "ann"]);
    server.ok(&["restore", server.path("copy.redb").to_str().unwrap(), "--force"]);
    assert_eq!(server.with(&token, "GET", IDENTITY, &Json::Null).status, 200);
}

/// What a server is may stand in the config file, and what is wrong there is said with its line.
#[test]
fn settings_of_a_server_stand_in_the_config_file() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    let run = |text: &str, args: &[&str]| {
        fs::write(&config, text).unwrap();
        let mut command = huedb(&folder.path().join("t.redb"));
        command.env("HUEDB_CONFIG", &config).args(["serve", "--port", "0"]).args(args).output().unwrap()
    };
    for (text, why) in [
        (
            "quiet = false\n[serve]\nlistn = \"x\"\n",
            "config.toml:3: unknown key \"listn\" of serve; did you mean listen?",
        ),
        ("[serve]\nmax-body = 0\n", "config.toml:2: max-body"),
        ("[serve]\ninsecure = \"yes\"\n", "config.toml:2: insecure is true or false"),
        ("[serve]\noidc-rule = ['groups']\n", "in the rule \"groups\""),
        ("[serve]\ntls-cert = \"c.pem\"\n", "tls-cert and tls-key go together"),
        ("[serve]\nlisten = [\"a\", \"b\"]\n", "config.toml:2"),
        ("[other]\nlisten = 1\n", "config.toml:1: unknown key \"other\""),
    ] {
        let output = run(text, &[]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains(why), "{text}: {said}");
    }
    fs::write(
        &config,
        "[serve]\nanonymous = \"reader\"\ncors = [\"https://a.example\", \"https://b.example\"]\nmax-results = 5\n",
    )
    .unwrap();
    let server = Running::with_config(folder, &config, &["--max-results", "7"]);
    let collections = "/api/v2/tenants/default_tenant/databases/default_database/collections";
    assert_eq!(server.post(collections, &json!({"name": "notes"})).status, 403, "anonymous");
    let told = server.send("GET", "/api/v2/heartbeat", &[("origin", "https://b.example")], b"");
    assert_eq!(told.headers["access-control-allow-origin"], "https://b.example");
}
