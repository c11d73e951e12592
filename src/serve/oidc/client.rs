//! Questions to a provider: where its keys are, and its keys.
//!
//! Invariants: the provider is asked over TLS, or on this machine; every wait has an end; an answer has a bounded length; the
//! issuer of the document is the one that was named, so that no provider speaks for another (RFC 8414, section 3.3).

use std::net::IpAddr;
use std::time::Duration;

use serde::Deserialize;
use ureq::http::Uri;
use ureq::{Agent, Proxy};

use super::OidcOptions;
use super::keys::KeySet;
use crate::error::{Advice, Error, Result};

const TIMEOUT: Duration = Duration::from_secs(10);
const ANSWER_LIMIT_BYTES: u64 = 1 << 20;
/// Redirects of one question, which stay on TLS; on this machine none is followed.
const MOST_REDIRECTS: u32 = 3;
const DISCOVERY: &str = "/.well-known/openid-configuration";

/// A provider.
#[derive(Debug)]
pub(super) struct ProviderClient {
    agent: Agent,
    issuer: String,
    is_local: bool,
}

#[derive(Deserialize)]
struct Discovered {
    issuer: String,
    jwks_uri: String,
}

impl ProviderClient {
    /// Takes a provider, without asking it.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for an issuer that is no address to be asked, and for an empty audience.
    pub(super) fn new(options: &OidcOptions) -> Result<Self> {
        let issuer = options.issuer.clone();
        let bad = |why: &str| {
            let hint = "write it as the provider's tokens do in `iss`: https://id.example.com/realms/acme";
            let why = format!("the OIDC issuer {issuer:?} {why}");
            Err(Error::InvalidArgument { why, hint: Some(hint.into()) })
        };
        if options.audience.is_empty() {
            let hint = "it is what stands for this server in `aud` of the provider's tokens";
            return Err(Error::InvalidArgument { why: "the OIDC audience is empty".into(), hint: Some(hint.into()) });
        }
        let is_local = match Reach::of(&issuer) {
            Some(Reach::Tls) => false,
            Some(Reach::ThisMachine) => true,
            Some(Reach::InTheClear) => return bad("is not asked without TLS: its keys could be anyone's"),
            None => return bad("is not the address of a provider"),
        };
        if issuer.contains(['?', '#']) {
            return bad("has a query or a fragment, which an issuer has not");
        }
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(TIMEOUT))
            .https_only(!is_local)
            .max_redirects(if is_local { 0 } else { MOST_REDIRECTS })
            .max_redirects_will_error(false)
            .proxy(if is_local { None } else { Proxy::try_from_env() })
            .user_agent(concat!("huedb/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self { agent: config.into(), issuer, is_local })
    }

    /// Asks where the keys are, and for the keys.
    ///
    /// # Errors
    /// [`Error::Server`] with the address and what failed.
    pub(super) fn keys(&self) -> Result<KeySet> {
        let url = format!("{}{DISCOVERY}", self.issuer.trim_end_matches('/'));
        let answer = self.ask(&url)?;
        let Discovered { issuer, jwks_uri } = serde_json::from_slice(&answer)
            .map_err(|e| failed(&url, format!("is no discovery document of OpenID Connect: {e}"), None))?;
        if issuer != self.issuer {
            let why = format!("is the document of the issuer {issuer:?}, not {:?}", self.issuer);
            return Err(failed(&url, why, Some("name the issuer exactly as its document does".into())));
        }
        match Reach::of(&jwks_uri) {
            Some(Reach::Tls) => {}
            Some(Reach::ThisMachine) if self.is_local => {}
            _ => return Err(failed(&url, format!("has its keys at {jwks_uri:?}, which is not under TLS"), None)),
        }
        KeySet::parse(&self.ask(&jwks_uri)?).map_err(|why| failed(&jwks_uri, why, None))
    }

    fn ask(&self, url: &str) -> Result<Vec<u8>> {
        let failed = |error: ureq::Error| {
            let hint = "see that the identity provider can be reached from here";
            failed(url, error.to_string(), Some(hint.into()))
        };
        let mut answer = self.agent.get(url).header("accept", "application/json").call().map_err(failed)?;
        match answer.status().as_u16() {
            200 => answer.body_mut().with_config().limit(ANSWER_LIMIT_BYTES).read_to_vec().map_err(failed),
            status @ 300..=399 => {
                Err(self::failed(url, format!("it answered {status} and leads elsewhere, which is not followed"), None))
            }
            status => Err(self::failed(url, format!("it answered {status}"), None)),
        }
    }
}

/// Who can read and change what is asked at an address.
enum Reach {
    Tls,
    ThisMachine,
    InTheClear,
}

impl Reach {
    fn of(url: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        let (host, authority) = (uri.host()?, uri.authority()?.as_str());
        if host.is_empty() || authority.contains('@') {
            return None;
        }
        match uri.scheme_str()? {
            "https" => Some(Self::Tls),
            "http" if is_loopback(host) => Some(Self::ThisMachine),
            "http" => Some(Self::InTheClear),
            _ => None,
        }
    }
}

fn is_loopback(host: &str) -> bool {
    let number = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || number.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn failed(url: &str, why: String, hint: Option<Advice>) -> Error {
    Error::Server { url: url.to_owned(), why, hint }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issuers_are_asked_over_tls_or_on_this_machine() {
        let new = |issuer: &str| {
            ProviderClient::new(&OidcOptions { issuer: issuer.into(), audience: "huedb".into() }).map(|_| ())
        };
        for good in [
            "https://id.example.com",
            "https://id.example.com/realms/a/",
            "http://localhost:80",
            "http://127.0.0.9:1/x",
        ] {
            new(good).unwrap();
        }
        new("http://[::1]:8080").unwrap();
        for bad in [
            "",
            "id.example.com",
            "/x",
            "ftp://id.example.com",
            "http://id.example.com",
            "http://localhost.example.com",
            "http://127.0.0.1.example.com",
            "http://127.0.0.1@id.example.com",
            "https://user:secret@id.example.com",
            "https://id.example.com/?tenant=1",
            "https://id.example.com/#x",
        ] {
            let error = new(bad).unwrap_err();
            assert!(error.to_string().contains(&format!("{bad:?}")) && error.hint().is_some(), "{error}");
        }
        let empty = OidcOptions { issuer: "https://id.example.com".into(), audience: String::new() };
        assert!(ProviderClient::new(&empty).is_err());
    }
}
