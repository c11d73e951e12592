//! Pages of other origins, as browsers ask for them.

use crate::running::Running;

fn asked(server: &Running, origin: &str) -> Option<String> {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "x-chroma-token"),
    ];
    let answer = server.send("OPTIONS", "/api/v2/tenants", &headers, b"");
    let allowed = answer.headers.get("access-control-allow-origin").map(|origin| origin.to_str().unwrap().to_owned());
    if allowed.is_some() {
        assert_eq!(answer.headers["access-control-allow-headers"], "x-chroma-token");
    }
    allowed
}

#[test]
fn only_listed_origins_are_told_that_they_may() {
    let off = Running::start(&[]);
    assert_eq!(asked(&off, "https://app.example"), None);
    let listed = Running::start(&["--cors", "https://app.example", "--cors", "https://other.example"]);
    assert_eq!(asked(&listed, "https://app.example").as_deref(), Some("https://app.example"));
    assert_eq!(asked(&listed, "https://evil.example"), None);
    let answer = listed.send("GET", "/api/v2/heartbeat", &[("origin", "https://other.example")], b"");
    assert_eq!(answer.headers["access-control-allow-origin"], "https://other.example");
    let all = Running::start(&["--cors", "*"]);
    assert_eq!(asked(&all, "https://anybody.example").as_deref(), Some("*"));
}

/// A name of somebody else that is made to lead to this machine (DNS rebinding) opens no server without tokens.
#[test]
fn a_page_of_another_name_is_not_answered() {
    let server = Running::start(&[]);
    let path = "/api/v2/tenants/default_tenant";
    let asked = |server: &Running, host: &str, token: &str| {
        server.send("GET", path, &[("host", host), ("x-chroma-token", token)], b"").status
    };
    assert_eq!(asked(&server, "evil.example:8000", "none"), 403);
    assert_eq!(asked(&server, "localhost:8000", "none"), 200);
    // Whoever knows a token is no such page.
    let token = server.token(&["ann", "--role", "reader"]);
    server.until("an answer of 401", |server| asked(server, "localhost", "none") == 401);
    assert_eq!(asked(&server, "db.example", &token), 200);
}
