//! The address of a service: where its API is under the endpoint that was given.
//!
//! Asks nothing. Invariant: an address holds no password and no key, since addresses are shown and kept.

use std::net::IpAddr;

use ureq::http::Uri;

use super::settings::ServiceApi;
use crate::error::{Error, Result};

/// Words in the name of a parameter that may be a key.
const SECRETS: [&str; 6] = ["key", "token", "secret", "sig", "password", "code"];

/// Where requests go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    /// All of it.
    pub(super) url: String,
    /// Without what comes after the path, for messages.
    pub(super) shown: String,
    /// Whether the key goes into Azure's own header.
    pub(super) is_azure: bool,
    /// Whether it is on this machine.
    pub(super) is_local: bool,
    /// Whether what is sent is encrypted.
    pub(super) is_encrypted: bool,
}

impl Address {
    /// Completes an endpoint by the path of the API, unless it ends with that already.
    pub(super) fn of(api: ServiceApi, endpoint: &str) -> Result<Self> {
        let bad = |why: &str, hint: &'static str| Error::InvalidArgument { why: why.into(), hint: Some(hint.into()) };
        // What may hold a password is not repeated.
        if endpoint.contains('@') {
            let hint = "an address is shown and kept; a key is got from a variable or a command";
            return Err(bad("the endpoint holds a password or an @", hint));
        }
        let uri: Option<Uri> = endpoint.parse().ok().filter(|_| !endpoint.contains(['#', ' ']));
        let parts = uri.as_ref().and_then(|uri| Some((uri.scheme_str()?, uri.authority()?.as_str(), uri.host()?, uri)));
        let Some((scheme, authority, host, uri)) = parts.filter(|(scheme, ..)| ["http", "https"].contains(scheme))
        else {
            // What may be a key is not repeated either.
            let shown = endpoint.split('?').next().unwrap_or_default();
            return Err(bad(
                &format!("{shown:?} is not the address of a service"),
                "write it as https://api.openai.com/v1 or http://localhost:11434",
            ));
        };
        let query = uri.query().unwrap_or_default();
        let mut names = query.split('&').filter_map(|pair| pair.split('=').next()).map(str::to_lowercase);
        if let Some(name) = names.find(|name| SECRETS.iter().any(|secret| name.contains(secret))) {
            let why = format!("the endpoint has a parameter {name:?}, which may be a key");
            return Err(bad(&why, "an address is shown and kept; a key is got from a variable or a command"));
        }
        let path = completed(api, uri.path());
        let shown = format!("{scheme}://{authority}{path}");
        let url = if query.is_empty() { shown.clone() } else { format!("{shown}?{query}") };
        let is_azure = query.split('&').any(|pair| pair.starts_with("api-version="));
        Ok(Self { url, shown, is_azure, is_local: is_local(host), is_encrypted: scheme == "https" })
    }
}

fn completed(api: ServiceApi, path: &str) -> String {
    let base = path.trim_end_matches('/');
    // The whole path, and what stands in it before its last part where that has a number of the API.
    let (version, last) = match api {
        ServiceApi::OpenAi | ServiceApi::Voyage => ("/v1", "/embeddings"),
        ServiceApi::Ollama => ("/api", "/embed"),
        ServiceApi::Tei => ("", "/embed"),
        ServiceApi::Cohere => ("/v2", "/embed"),
    };
    let has_version = match api {
        // Each has its own: /v1, /api/v3, /openai/deployments/NAME.
        ServiceApi::OpenAi | ServiceApi::Voyage => !base.is_empty(),
        _ => base.ends_with(version),
    };
    if base.ends_with(last) {
        base.to_owned()
    } else if has_version {
        format!("{base}{last}")
    } else {
        format!("{base}{version}{last}")
    }
}

fn is_local(host: &str) -> bool {
    let ip: Option<IpAddr> = host.trim_start_matches('[').trim_end_matches(']').parse().ok();
    let host = host.to_lowercase();
    ip.map_or(host == "localhost" || host.ends_with(".localhost"), |ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ServiceApi::{Cohere, Ollama, OpenAi, Tei, Voyage};

    #[test]
    fn an_endpoint_is_completed_once() {
        for (api, endpoint, url) in [
            (OpenAi, "https://api.openai.com/v1", "https://api.openai.com/v1/embeddings"),
            (OpenAi, "https://api.openai.com/v1/", "https://api.openai.com/v1/embeddings"),
            (OpenAi, "https://api.openai.com/v1/embeddings", "https://api.openai.com/v1/embeddings"),
            (OpenAi, "http://localhost:8000", "http://localhost:8000/v1/embeddings"),
            (OpenAi, "https://gw.example/api/v3", "https://gw.example/api/v3/embeddings"),
            (
                OpenAi,
                "https://x.openai.azure.com/openai/deployments/small?api-version=2024-02-01",
                "https://x.openai.azure.com/openai/deployments/small/embeddings?api-version=2024-02-01",
            ),
            (Ollama, "http://localhost:11434", "http://localhost:11434/api/embed"),
            (Ollama, "http://localhost:11434/api", "http://localhost:11434/api/embed"),
            (Ollama, "http://localhost:11434/api/embed", "http://localhost:11434/api/embed"),
            (Tei, "http://localhost:8080/", "http://localhost:8080/embed"),
            (Cohere, "https://api.cohere.com", "https://api.cohere.com/v2/embed"),
            (Cohere, "https://api.cohere.com/v2", "https://api.cohere.com/v2/embed"),
            (Voyage, "https://api.voyageai.com", "https://api.voyageai.com/v1/embeddings"),
        ] {
            let address = Address::of(api, endpoint).unwrap();
            assert_eq!(address.url, url, "{endpoint}");
            assert_eq!(address.is_azure, endpoint.contains("azure"), "{endpoint}");
            assert_eq!(address.is_encrypted, endpoint.starts_with("https"), "{endpoint}");
            assert!(!address.shown.contains('?'));
            // What was completed is taken as it is.
            assert_eq!(Address::of(api, url).unwrap().url, url);
        }
    }

    #[test]
    fn an_address_with_a_secret_is_refused_and_not_repeated() {
        for endpoint in [
            "https://user:hush@api.example/v1",
            "https://hush@api.example/v1",
            "https://api.example/v1?api_key=hush",
            "api.example/v1?api_key=hush",
            "https://api.example/v1?api-version=1&Token=hush",
        ] {
            let error = Address::of(OpenAi, endpoint).unwrap_err();
            assert!(!error.to_string().contains("hush"), "{error}");
        }
        for endpoint in
            ["", "api.openai.com", "ftp://x/", "http://", "http://a b/", "http://a/#b", "file:///etc/passwd"]
        {
            let error = Address::of(OpenAi, endpoint).unwrap_err();
            assert!(matches!(error, Error::InvalidArgument { .. }), "{endpoint}");
        }
    }

    #[test]
    fn this_machine_is_known_by_its_names() {
        for (endpoint, is) in [
            ("http://localhost:1", true),
            ("http://LOCALHOST", true),
            ("http://127.0.0.1:8080", true),
            ("http://127.9.9.9", true),
            ("http://[::1]:8080", true),
            ("http://localhost.example", false),
            ("http://10.0.0.1", false),
            ("https://api.openai.com", false),
        ] {
            assert_eq!(Address::of(Tei, endpoint).unwrap().is_local, is, "{endpoint}");
        }
    }
}
