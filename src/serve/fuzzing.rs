//! What `fuzz/` calls here: heads of requests as bytes, one header a line.
//!
//! Invariants: a credential that is read as a token is that token, to the letter; an identity can do no harm in a log.

#![allow(clippy::panic, reason = "a panic is what a fuzzer looks for")]

use std::net::{IpAddr, Ipv4Addr};

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use super::access::Credential;
use super::net::client_address;
use super::observe::RequestId;

/// Reads the headers of a request as the server does; returns whether they say who asks.
pub(crate) fn headers(bytes: &[u8]) -> bool {
    let mut headers = HeaderMap::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let Some(at) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = line.split_at(at);
        let value = value.get(1..).unwrap_or_default();
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    let id = RequestId::of(&headers);
    assert!(id.as_str().len() <= 128 && id.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
    let proxy = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
    let trusted: Vec<ipnet::IpNet> = "10.0.0.0/8".parse().into_iter().collect();
    assert_eq!(client_address(proxy, &headers, &[]), proxy);
    let _client = client_address(proxy, &headers, &trusted);
    match Credential::of(&headers) {
        Credential::Token(token) => {
            let text = token.as_str();
            let is_said = headers.values().any(|value| value.to_str().is_ok_and(|value| value.contains(text)));
            // Basic writes it in another alphabet.
            assert!(is_said || headers.contains_key("authorization"));
            true
        }
        Credential::Signed(_) => true,
        Credential::Nobody | Credential::Malformed => false,
    }
}
