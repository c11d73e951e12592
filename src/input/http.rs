//! Requests to an HTTP server, made again when the connection or the server fails.
//!
//! Knows nothing of what is asked. Invariants: who asks is told to the server that was named and to no other (a redirect
//! is not followed); every wait has an end; an answer has a bounded length; what may not be done twice is sent again only
//! when it was certainly not done.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use ureq::http::request::Builder;
use ureq::http::{HeaderValue, Method, Request};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

use super::retry::{Jitter, is_passing, is_passing_status, retry_after, wait};
use crate::error::connection::words_of;
use crate::error::{Advice, Error, Result};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const ANSWER_TIMEOUT: Duration = Duration::from_mins(2);
const ANSWER_LIMIT_BYTES: u64 = 1 << 30;
/// How long to wait before a request is made again, the first time.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// How often a request is made that fails.
const ATTEMPTS: u32 = 4;
/// How often one is made that the server puts off.
const PUT_OFF_ATTEMPTS: u32 = 8;

/// How a server is spoken to.
#[derive(Clone, Default)]
pub struct ServerOptions {
    /// Headers that say who asks, by their names.
    pub headers: Vec<(String, String)>,
    /// Authorities that its certificate may be from, a file in PEM, in place of the usual ones.
    pub ca: Option<PathBuf>,
    /// Whether Chroma's cloud answers there; at its own address it is known without.
    pub is_cloud: bool,
    /// How long to wait for one answer; two minutes unless it is set.
    pub patience: Option<Duration>,
}

impl ServerOptions {
    /// Has a token sent, in both headers that Chroma's servers look for.
    #[must_use]
    pub fn with_token(mut self, token: &str) -> Self {
        self.headers.push(("authorization".into(), format!("Bearer {token}")));
        self.headers.push(("x-chroma-token".into(), token.into()));
        self
    }
}

/// What may come of a request that is sent twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// The same as of one.
    Same,
    /// Something else.
    Other,
}

/// One server.
pub(crate) struct HttpClient {
    agent: ureq::Agent,
    base: String,
    headers: Vec<(String, HeaderValue)>,
}

/// What a server answered.
pub(crate) struct HttpAnswer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    retry_after: Option<Duration>,
}

impl HttpAnswer {
    pub(crate) fn is_done(&self) -> bool {
        matches!(self.status, 200..=299)
    }
}

impl HttpClient {
    /// Takes an address, `http://...` or `https://...`.
    ///
    /// # Errors
    /// [`Error::BadInput`] when it is none, or holds a password; or for a file of authorities that cannot be read.
    pub(crate) fn new(url: &str, options: &ServerOptions) -> Result<Self> {
        let bad = |why: &str, hint: Advice| Error::BadInput {
            // A password is not repeated.
            source: url.rsplit_once('@').map_or(url, |(_, after)| after).to_owned(),
            why: why.to_owned(),
            hint: Some(hint),
        };
        let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
        let Some(rest) = rest.filter(|rest| !rest.is_empty() && !rest.contains(['?', '#', ' '])) else {
            return Err(bad("is not the address of a server", "write it as http://localhost:8000".into()));
        };
        if rest.split('/').next().unwrap_or_default().contains('@') {
            return Err(bad("the address holds a password, which every program here can see", Advice::GiveToken));
        }
        let header = |(name, value): &(String, String)| {
            let value = HeaderValue::from_str(value);
            let mut value =
                value.map_err(|_| bad("the token has characters that no header can have", Advice::GiveToken))?;
            value.set_sensitive(true);
            Ok((name.clone(), value))
        };
        let headers = options.headers.iter().map(header).collect::<Result<_>>()?;
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_per_call(Some(options.patience.unwrap_or(ANSWER_TIMEOUT)))
            .user_agent(concat!("huedb/", env!("CARGO_PKG_VERSION")))
            .tls_config(options.ca.as_deref().map(authorities).transpose()?.unwrap_or_default())
            .build();
        let base = url.trim_end_matches('/').trim_end_matches("/api/v2").to_owned();
        Ok(Self { agent: agent.into(), base, headers })
    }

    /// Returns what the server is called in messages.
    pub(crate) fn shown(&self) -> &str {
        &self.base
    }

    /// Asks and takes any answer that is not a failure of the server.
    pub(crate) fn ask(&self, path: &str) -> Result<HttpAnswer> {
        self.send(Method::GET, path, None, Repeat::Same)
    }

    /// Asks with JSON and takes any answer that is not a failure of the server.
    pub(crate) fn post(&self, path: &str, json: &Json) -> Result<HttpAnswer> {
        self.send(Method::POST, path, Some(json.to_string().as_bytes()), Repeat::Same)
    }

    /// Asks and reads the answer.
    pub(crate) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let answer = self.ask(path)?;
        if answer.status == 200 { self.read(&answer.body) } else { Err(self.refused(&answer)) }
    }

    pub(crate) fn read<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T> {
        serde_json::from_slice(body)
            .map_err(|e| self.bad(&format!("returned an answer that cannot be read: {e}"), None))
    }

    /// Sends a request, with JSON where it has a body, and takes any answer that is not a failure of the server.
    ///
    /// # Errors
    /// [`Error::Server`] when it cannot be reached, fails, or puts the request off for too long.
    #[expect(clippy::needless_pass_by_value, reason = "a method is a word")]
    pub(crate) fn send(&self, method: Method, path: &str, json: Option<&[u8]>, repeat: Repeat) -> Result<HttpAnswer> {
        let mut jitter = Jitter::new();
        let mut attempt = 0;
        loop {
            attempt += 1;
            let (is_done, why, again, asked) = match self.send_once(&method, path, json) {
                Ok(answer) if !is_passing_status(answer.status) => return Ok(answer),
                // It says itself that nothing was done.
                Ok(answer @ HttpAnswer { status: 429, .. }) => {
                    (false, said(&answer), attempt < PUT_OFF_ATTEMPTS, answer.retry_after)
                }
                Ok(answer) => (true, said(&answer), attempt < ATTEMPTS, answer.retry_after),
                Err(error) => (!is_unsent(&error), why(&error), is_passing(&error) && attempt < ATTEMPTS, None),
            };
            let may = !is_done || repeat == Repeat::Same;
            if !again || !may {
                return Err(self.failed(why, is_done && !may));
            }
            sleep(wait(attempt, FIRST_WAIT, asked, &mut jitter));
        }
    }

    /// Sends a request whose answer is lines that come while it works, for as long as that takes; `heard` ends it with false.
    ///
    /// # Errors
    /// [`Error::Server`] when it cannot be reached or the answer breaks off, and as [`HttpClient::refused`].
    #[expect(clippy::needless_pass_by_value, reason = "a method is a word")]
    pub(crate) fn lines(&self, method: Method, path: &str, heard: &mut dyn FnMut(&str) -> Result<bool>) -> Result<()> {
        let lost = |error: ureq::Error| self.failed(why(&error), true);
        let request = self.request(&method, path).body(()).map_err(|error| lost(error.into()))?;
        let request = self.agent.configure_request(request).timeout_per_call(None).build();
        let mut response = self.agent.run(request).map_err(lost)?;
        if !response.status().is_success() {
            let status = response.status().as_u16();
            let body = response.body_mut().with_config().limit(ANSWER_LIMIT_BYTES).read_to_vec();
            let body = body.map_err(lost)?;
            return Err(self.refused(&HttpAnswer { status, body, retry_after: None }));
        }
        for line in BufReader::new(response.body_mut().as_reader()).lines() {
            if !heard(&line.map_err(|error| lost(error.into()))?)? {
                return Ok(());
            }
        }
        Ok(())
    }

    fn request(&self, method: &Method, path: &str) -> Builder {
        let request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        self.headers.iter().fold(request, |request, (name, value)| request.header(name, value))
    }

    fn send_once(&self, method: &Method, path: &str, json: Option<&[u8]>) -> Result<HttpAnswer, ureq::Error> {
        let request = self.request(method, path);
        let mut response = match json {
            Some(json) => self.agent.run(request.header("content-type", "application/json").body(json)?)?,
            None => self.agent.run(request.body(())?)?,
        };
        let retry_after = retry_after(response.headers(), SystemTime::now());
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(ANSWER_LIMIT_BYTES).read_to_vec()?;
        Ok(HttpAnswer { status, body, retry_after })
    }

    /// The server failed; `unknown` says that it may have done what it was asked for all the same.
    fn failed(&self, why: String, unknown: bool) -> Error {
        let hint = if unknown {
            "whether it did what it was asked for is not known: look before the same is run again"
        } else {
            "see that it runs and can be reached from here"
        };
        Error::Server { url: self.base.clone(), why, hint: Some(hint.into()) }
    }

    /// The server understood and would not.
    pub(crate) fn refused(&self, answer: &HttpAnswer) -> Error {
        let hint = match answer.status {
            401 | 403 => Some(Advice::GiveToken),
            300..=399 => Some("it leads elsewhere, which is not followed; name the address it leads to".into()),
            404 => Some(Advice::CheckDatabase),
            _ => None,
        };
        self.bad(&format!("refused: {}", said(answer)), hint)
    }

    pub(crate) fn bad(&self, why: &str, hint: Option<Advice>) -> Error {
        Error::BadInput { source: self.base.clone(), why: why.to_owned(), hint }
    }
}

/// Says why no answer came.
pub(crate) fn why(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Io(error) => words_of(error),
        ureq::Error::HostNotFound => "there is no host of that name".into(),
        ureq::Error::Timeout(_) => "no answer came in time".into(),
        ureq::Error::ConnectionFailed => "no connection could be made".into(),
        error => error.to_string(),
    }
}

/// Returns whether a request that failed so was certainly not received.
fn is_unsent(error: &ureq::Error) -> bool {
    use std::io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable};
    match error {
        ureq::Error::Io(error) => matches!(error.kind(), ConnectionRefused | HostUnreachable | NetworkUnreachable),
        ureq::Error::HostNotFound
        | ureq::Error::ConnectionFailed
        | ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => true,
        _ => false,
    }
}

/// Reads authorities that a server's certificate may be from.
///
/// # Errors
/// [`Error::BadInput`] when the file cannot be read, or holds none.
pub(crate) fn authorities(path: &Path) -> Result<TlsConfig> {
    let bad = |why: String| Error::BadInput { source: path.display().to_string(), why, hint: None };
    let text = std::fs::read(path).map_err(|error| bad(error.to_string()))?;
    let items = parse_pem(&text).collect::<std::result::Result<Vec<_>, _>>().map_err(|error| bad(error.to_string()))?;
    let found = items.into_iter().filter_map(|item| match item {
        PemItem::Certificate(certificate) => Some(certificate),
        _ => None,
    });
    let found: Vec<_> = found.collect();
    if found.is_empty() {
        return Err(bad("there is no certificate in it".into()));
    }
    Ok(TlsConfig::builder().root_certs(RootCerts::new_with_certs(&found)).build())
}

/// Returns the message of an answer that is no good.
pub(crate) fn message(answer: &HttpAnswer) -> String {
    let json: Option<Json> = serde_json::from_slice(&answer.body).ok();
    let message = json.as_ref().and_then(|json| json.get("message").or_else(|| json.get("error"))?.as_str());
    message.map_or_else(|| String::from_utf8_lossy(&answer.body).into_owned(), str::to_owned)
}

/// Returns what an answer that is no good says, in one line.
fn said(answer: &HttpAnswer) -> String {
    let line: String = message(answer).lines().next().unwrap_or_default().chars().take(200).collect();
    let status = format!("it answered {}", answer.status);
    if line.is_empty() { status } else { format!("{status}: {line}") }
}

/// Writes a name as a part of a path.
pub(crate) fn escaped(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    name.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_name_is_one_part_of_a_path() {
        assert_eq!(super::escaped("a-b_c.d/ü?"), "a-b_c.d%2F%C3%BC%3F");
    }
}
