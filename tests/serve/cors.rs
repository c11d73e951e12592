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
