//! Metrics, as a scraper reads them.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::running::Running;

fn read(text: &str) -> BTreeMap<String, f64> {
    assert!(text.ends_with("# EOF\n"), "{text}");
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples
        .map(|line| line.rsplit_once(' ').map(|(name, value)| (name.to_owned(), value.parse().unwrap())).unwrap())
        .collect()
}

#[test]
fn what_happens_is_counted() {
    let server = Running::start(&["--max-results", "2"]);
    let notes = server.collection("notes");
    let record = json!({"ids": ["a", "b", "c"], "embeddings": [[1, 0], [0, 1], [1, 1]]});
    server.post(&format!("{notes}/add"), &record);
    server.post(&format!("{notes}/query"), &json!({"query_embeddings": [[1, 0]], "n_results": 1}));
    server.post(&format!("{notes}/get"), &json!({}));
    server.post(&format!("{notes}/delete"), &json!({"ids": ["c"]}));
    let answer = server.get("/metrics");
    assert_eq!(answer.headers["content-type"], "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let found = read(&answer.text);
    let route = "/api/v2/tenants/{tenant}/databases/{database}/collections/{collection}";
    for (name, value) in [
        (format!("huedb_http_requests_total{{method=\"POST\",route=\"{route}/add\",status=\"201\"}}"), 1.0),
        (format!("huedb_http_requests_total{{method=\"POST\",route=\"{route}/get\",status=\"400\"}}"), 1.0),
        (format!("huedb_http_request_duration_seconds_count{{method=\"POST\",route=\"{route}/query\"}}"), 1.0),
        ("huedb_rejected_total{reason=\"results\"}".into(), 1.0),
        ("huedb_rejected_total{reason=\"queue\"}".into(), 0.0),
        ("huedb_records_written_total{operation=\"add\"}".into(), 3.0),
        ("huedb_records_written_total{operation=\"delete\"}".into(), 1.0),
        ("huedb_search_duration_seconds_count".into(), 1.0),
        ("huedb_search_batch_size_sum".into(), 1.0),
        ("huedb_http_requests_in_flight".into(), 1.0),
        ("huedb_queue_length".into(), 0.0),
        (format!("huedb_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION")), 1.0),
    ] {
        assert_eq!(found.get(&name), Some(&value), "{name} in {}", answer.text);
    }
    for name in [
        "huedb_http_request_body_bytes_total",
        "huedb_connections",
        "huedb_queue_wait_seconds_count",
        "huedb_write_duration_seconds_count",
        "huedb_write_commits_total",
        "huedb_file_bytes",
        "process_resident_memory_bytes",
        "process_open_fds",
        "process_max_fds",
        "process_start_time_seconds",
    ] {
        assert!(found.get(name).is_some_and(|value| *value > 0.0), "{name} in {}", answer.text);
    }
    for name in [
        "huedb_cache_bytes",
        "huedb_cache_hits_total",
        "huedb_cache_misses_total",
        "huedb_search_warnings_total",
        "huedb_rate_limited_total",
        "huedb_tls_certificate_expiry_timestamp_seconds",
        "huedb_backup_last_success_timestamp_seconds",
        "huedb_collections",
        "huedb_audit_lines_lost_total",
        "process_cpu_seconds_total",
    ] {
        assert!(found.contains_key(name), "{name}");
    }
    server.get("/huedb/v1/backup");
    server.until("the time of the backup", |server| {
        read(&server.get("/metrics").text)["huedb_backup_last_success_timestamp_seconds"] > 1.7e9
    });
}

#[test]
fn they_are_for_monitors_or_on_an_address_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = Running::over(folder, &["--metrics-listen", &port.to_string()]);
    let [monitor, reader, admin] = ["monitor", "reader", "admin"].map(|role| server.token(&[role, "--role", role]));
    server.until("an answer of 401", |server| server.get("/metrics").status == 401);
    for (token, status) in [(&monitor, 200), (&reader, 403), (&admin, 200)] {
        assert_eq!(server.with(token, "GET", "/metrics", &Json::Null).status, status);
    }
    let failures = read(&server.with(&monitor, "GET", "/metrics", &Json::Null).text);
    assert!(failures["huedb_auth_failures_total{reason=\"missing\"}"] >= 1.0, "{failures:?}");
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut open = agent.get(format!("http://{port}/metrics")).call().unwrap();
    assert!(open.body_mut().read_to_string().unwrap().ends_with("# EOF\n"));
    let other = agent.get(format!("http://{port}/api/v2/tenants/default_tenant")).call().unwrap();
    assert_eq!(other.status().as_u16(), 404);
}
