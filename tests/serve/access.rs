//! Every route, by everybody who may knock: the whole table of statuses, in `tables/access.txt`.
//!
//! A route that is added without a line there fails the test. `UPDATE=1` writes the file anew, to be read line by line.

use std::fmt::Write;

use serde_json::{Value as Json, json};

use crate::routes::check_form;
use crate::running::Running;

const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/serve/tables/access.txt");
const DATABASE: &str = "/api/v2/tenants/acme/databases/main";

/// Who asks, in the order of the columns.
const WHO: [&str; 12] = [
    "none",
    "wrong",
    "expired",
    "revoked",
    "tenant",
    "database",
    "collection",
    "monitor",
    "reader",
    "writer",
    "filtered",
    "admin",
];

struct Place {
    server: Running,
    tokens: Vec<String>,
    admin: String,
    notes: String,
}

impl Place {
    fn new() -> Self {
        let server = Running::start(&["--allow-reset"]);
        let drawn = server.ok(&["token", "generate"]).trim().to_owned();
        let admin = server.token(&["admin", "--role", "admin"]);
        let expired = server.token(&["expired", "--role", "admin", "--expires", "1s"]);
        let revoked = server.token(&["revoked", "--role", "admin"]);
        server.ok(&["token", "revoke", "revoked"]);
        let own = |name: &str, args: &[&str]| server.token(&[&[name, "--role"], args].concat());
        let tokens = vec![
            String::new(),
            drawn,
            expired.clone(),
            revoked,
            own("t", &["admin", "--tenant", "beta"]),
            own("d", &["admin", "--tenant", "acme", "--database", "other"]),
            own("c", &["admin", "--tenant", "acme", "--database", "main", "--collection", "letters"]),
            own("m", &["monitor"]),
            own("r", &["reader"]),
            own("w", &["writer"]),
            own("f", &["writer", "--where", "user = 'ann'"]),
            admin.clone(),
        ];
        server.until("an answer of 401", |server| server.get("/api/v2/auth/identity").status == 401);
        server.until("the end of a token", |server| {
            server.with(&expired, "GET", "/api/v2/auth/identity", &Json::Null).status == 401
        });
        let mut place = Self { server, tokens, admin, notes: String::new() };
        place.fill();
        place
    }

    /// Makes what the requests are about, where it is not there.
    fn fill(&mut self) {
        let admin = |method: &str, path: &str, body: Json| self.server.with(&self.admin, method, path, &body);
        for (path, name) in [("/api/v2/tenants", "acme"), ("/api/v2/tenants/acme/databases", "main")] {
            admin("POST", path, json!({ "name": name }));
        }
        let body = json!({"name": "notes", "get_or_create": true});
        let made = admin("POST", &format!("{DATABASE}/collections"), body).json();
        made["id"].as_str().unwrap().clone_into(&mut self.notes);
        let record = json!({"ids": ["a"], "embeddings": [[1, 0]], "metadatas": [{"user": "ann"}]});
        admin("POST", &format!("{DATABASE}/collections/{}/upsert", self.notes), record);
    }

    /// Puts what there is for what a path leaves open.
    fn path(&self, route: &str, by_name: bool) -> String {
        let collection = if by_name { "notes" } else { &self.notes };
        let path = route.replace("{tenant}", "acme").replace("{database}", "main").replace("{collection}", collection);
        path.replace("{function}", "f").replace("{file}", "app.js").replace("{crn}", "acme:main:notes")
    }

    fn statuses(&mut self, method: &str, route: &str) -> String {
        let by_name = matches!(method, "GET" | "DELETE") && route.ends_with("/collections/{collection}");
        let mut statuses = String::new();
        for token in self.tokens.clone() {
            let path = self.path(route, by_name);
            // Bodies that do what they can; of routes that make something the name is theirs.
            let body = match (method, route.rsplit('/').next().unwrap()) {
                ("GET" | "DELETE", _) => Json::Null,
                (_, "add" | "upsert" | "update") => json!({"ids": ["a"], "embeddings": [[1, 0]]}),
                (_, "query") => json!({"query_embeddings": [[1, 0]]}),
                (_, "search") => json!({"searches": []}),
                (_, "collections") => json!({"name": "notes", "get_or_create": true}),
                (_, "fork") => json!({"new_name": "notes"}),
                (_, "tenants" | "databases") => json!({"name": "main"}),
                (_, "import") => json!({"id": "a", "embedding": [1, 0]}),
                _ => json!({}),
            };
            let path = if route.ends_with("/distinct") { format!("{path}?key=user") } else { path };
            let answer = self.server.with(&token, method, &path, &body);
            if answer.status >= 400 {
                check_form(&answer, &format!("{method} {path}"));
            }
            write!(statuses, " {:>9}", answer.status).unwrap();
            if answer.status == 200 && !matches!(method, "GET") {
                self.fill();
            }
        }
        statuses
    }
}

#[test]
fn every_route_by_everybody() {
    let mut place = Place::new();
    let description = place.server.get("/openapi.json").json();
    let mut found = format!("#{:108}", "");
    for who in WHO {
        write!(found, " {who:>9}").unwrap();
    }
    found.push('\n');
    for (path, methods) in description["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let method = method.to_uppercase();
            let statuses = place.statuses(&method, path);
            writeln!(found, "{method:6} {path:102}{statuses}").unwrap();
        }
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(TABLE, &found).unwrap();
    }
    let expected = std::fs::read_to_string(TABLE).unwrap();
    for (found, expected) in found.lines().zip(expected.lines()) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.lines().count(), expected.lines().count());
}

/// What the server says of something hidden is, byte for byte, what it says of something that does not exist.
#[test]
fn what_is_hidden_is_answered_as_what_does_not_exist() {
    let place = Place::new();
    let [tenant, database, collection] = [4, 5, 6].map(|at: usize| place.tokens[at].clone());
    let absent = "00000000-0000-4000-8000-000000000000";
    let says = |token: &str, path: String, name: &str| {
        let answer = place.server.with(token, "GET", &path, &Json::Null);
        (answer.status, answer.text.replace(name, "NAME"))
    };
    for token in [&tenant, &database, &collection] {
        let of = |id: &str| says(token, format!("{DATABASE}/collections/{id}/count"), id);
        assert_eq!(of(&place.notes), of(absent));
        assert_eq!(of(&place.notes).0, 404);
        let named = |name: &str| says(token, format!("{DATABASE}/collections/{name}"), name);
        assert_eq!(named("notes"), named("no-such-name"));
    }
    let tenants = |name: &str| says(&tenant, format!("/api/v2/tenants/{name}"), name);
    assert_eq!(tenants("acme"), tenants("none"));
    let databases = |name: &str| says(&database, format!("/api/v2/tenants/acme/databases/{name}"), name);
    assert_eq!(databases("main"), databases("none"));
}

/// A request that is refused is refused before its body has come.
#[test]
fn nothing_of_a_refused_request_is_read() {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    let place = Place::new();
    let path = format!("{DATABASE}/collections/{}/add", place.notes);
    for (token, status) in [("", "401"), (place.tokens[8].as_str(), "403"), (place.tokens[4].as_str(), "404")] {
        let mut stream = TcpStream::connect(&place.server.address).unwrap();
        let token = if token.is_empty() { String::new() } else { format!("x-chroma-token: {token}\r\n") };
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\n{token}content-type: application/json\r\ncontent-length: 1000000\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(std::str::from_utf8(&answer).unwrap(), format!("HTTP/1.1 {status}"));
    }
}

#[test]
fn names_outside_a_tokens_patterns_are_not_given() {
    let place = Place::new();
    let writer = place.server.token(&[
        "n",
        "--role",
        "writer",
        "--tenant",
        "acme",
        "--database",
        "main",
        "--collection",
        "notes*",
    ]);
    let admin = place.server.token(&["a", "--role", "admin", "--tenant", "acme", "--database", "ma*"]);
    let notes = format!("{DATABASE}/collections/{}", place.notes);
    let collections = format!("{DATABASE}/collections");
    let databases = "/api/v2/tenants/acme/databases";
    for (token, method, path, body, status) in [
        (&writer, "POST", &collections, json!({"name": "letters"}), 403),
        (&writer, "POST", &collections, json!({"name": "notes-2"}), 200),
        (&writer, "PUT", &notes, json!({"new_name": "letters"}), 403),
        (&writer, "POST", &format!("{notes}/fork"), json!({"new_name": "letters"}), 403),
        (&writer, "POST", &format!("{notes}/fork"), json!({"new_name": "notes-3"}), 200),
        (&admin, "POST", &databases.to_owned(), json!({"name": "other"}), 403),
        (&admin, "POST", &databases.to_owned(), json!({"name": "main-2"}), 200),
    ] {
        let answer = place.server.with(token, method, path, &body);
        assert_eq!(answer.status, status, "{method} {path} {body}: {}", answer.text);
    }
    // Lists show what is granted.
    place.server.with(&place.admin, "POST", &collections, &json!({"name": "letters"}));
    place.server.with(&place.admin, "POST", databases, &json!({"name": "other"}));
    let names = |token: &str, path: &str| -> Vec<String> {
        let listed = place.server.with(token, "GET", path, &Json::Null).json();
        let mut names: Vec<String> =
            listed.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&writer, &collections), ["notes", "notes-2", "notes-3"]);
    let counted = place.server.with(&writer, "GET", &format!("{DATABASE}/collections_count"), &Json::Null);
    assert_eq!(counted.text, "3");
    assert_eq!(names(&place.admin, &collections).len(), 4);
    assert_eq!(names(&admin, databases), ["main", "main-2"]);
}
