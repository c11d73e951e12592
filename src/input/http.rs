//! Questions to an HTTP server, asked again when the connection or the server fails.
//!
//! Knows nothing of what is asked. Invariants: who asks is told to the server that was named and to no other (a redirect
//! is not followed); every wait has an end; an answer has a bounded length.

use std::thread::sleep;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::error::{Advice, Error, Result};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const ANSWER_TIMEOUT: Duration = Duration::from_mins(2);
const ANSWER_LIMIT_BYTES: u64 = 1 << 30;
/// How long to wait before a question is asked again, each time longer.
const WAITS_MS: [u64; 3] = [200, 800, 3200];

/// One server.
pub(super) struct HttpClient {
    agent: ureq::Agent,
    base: String,
    headers: Vec<(String, String)>,
}

/// What a server answered.
pub(super) struct HttpAnswer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

impl HttpClient {
    /// Takes an address, `http://...` or `https://...`.
    ///
    /// # Errors
    /// [`Error::BadInput`] when it is none, or holds a password.
    pub(super) fn new(url: &str, headers: &[(String, String)]) -> Result<Self> {
        let bad = |why: &str, hint: &str| Error::BadInput {
            // A password is not repeated.
            source: url.rsplit_once('@').map_or(url, |(_, after)| after).to_owned(),
            why: why.to_owned(),
            hint: Some(hint.into()),
        };
        let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
        let Some(rest) = rest.filter(|rest| !rest.is_empty() && !rest.contains(['?', '#', ' '])) else {
            return Err(bad("is not the address of a server", "write it as http://localhost:8000"));
        };
        if rest.split('/').next().unwrap_or_default().contains('@') {
            let hint = "every program here can see it; set CHROMA_TOKEN or CHROMA_AUTHORIZATION instead";
            return Err(bad("the address holds a password", hint));
        }
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_per_call(Some(ANSWER_TIMEOUT))
            .user_agent(concat!("huedb/", env!("CARGO_PKG_VERSION")))
            .build();
        let base = url.trim_end_matches('/').trim_end_matches("/api/v2").to_owned();
        Ok(Self { agent: agent.into(), base, headers: headers.to_vec() })
    }

    /// Returns what the server is called in messages.
    pub(super) fn shown(&self) -> &str {
        &self.base
    }

    /// Asks and takes any answer that is not a failure of the server.
    pub(super) fn ask(&self, path: &str) -> Result<HttpAnswer> {
        self.answer(|| {
            let request = self.agent.get(format!("{}{path}", self.base));
            let request = self.headers.iter().fold(request, |request, (name, value)| request.header(name, value));
            request.call()
        })
    }

    /// Asks with JSON and takes any answer that is not a failure of the server.
    pub(super) fn post(&self, path: &str, json: &Json) -> Result<HttpAnswer> {
        let text = json.to_string();
        self.answer(|| {
            let request = self.agent.post(format!("{}{path}", self.base)).header("content-type", "application/json");
            let request = self.headers.iter().fold(request, |request, (name, value)| request.header(name, value));
            request.send(text.as_str())
        })
    }

    /// Asks and reads the answer.
    pub(super) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let answer = self.ask(path)?;
        if answer.status == 200 { self.read(&answer.body) } else { Err(self.refused(&answer)) }
    }

    pub(super) fn read<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T> {
        serde_json::from_slice(body)
            .map_err(|e| self.bad(&format!("returned an answer that cannot be read: {e}"), None))
    }

    fn answer(&self, ask: impl Fn() -> Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<HttpAnswer> {
        let mut waits = WAITS_MS.into_iter();
        loop {
            let answer = ask().and_then(|mut response| {
                let status = response.status().as_u16();
                let body = response.body_mut().with_config().limit(ANSWER_LIMIT_BYTES).read_to_vec()?;
                Ok(HttpAnswer { status, body })
            });
            let failed = match answer {
                Ok(answer) if !matches!(answer.status, 429 | 500 | 502..=599) => return Ok(answer),
                Ok(answer) => (true, said(&answer)),
                Err(error) => (is_passing(&error), error.to_string()),
            };
            let (again, why) = failed;
            let Some(ms) = waits.next().filter(|_| again) else {
                let hint = "see that it runs and can be reached from here; what was stored is kept, and the same command \
                            goes on";
                return Err(Error::Server { url: self.base.clone(), why, hint: Some(hint.into()) });
            };
            sleep(Duration::from_millis(ms));
        }
    }

    /// The server understood and would not.
    pub(super) fn refused(&self, answer: &HttpAnswer) -> Error {
        let hint = match answer.status {
            401 | 403 => Some(
                "set CHROMA_TOKEN to its token, or CHROMA_AUTHORIZATION to what the header of that name is to say"
                    .into(),
            ),
            300..=399 => Some("it leads elsewhere, which is not followed; name the address it leads to".into()),
            404 => Some(Advice::CheckDatabase),
            _ => None,
        };
        self.bad(&format!("refused: {}", said(answer)), hint)
    }

    pub(super) fn bad(&self, why: &str, hint: Option<Advice>) -> Error {
        Error::BadInput { source: self.base.clone(), why: why.to_owned(), hint }
    }
}

/// Returns whether the same may go well in a while.
fn is_passing(error: &ureq::Error) -> bool {
    matches!(
        error,
        ureq::Error::Io(_) | ureq::Error::Timeout(_) | ureq::Error::ConnectionFailed | ureq::Error::Protocol(_)
    )
}

/// Returns what an answer that is no good says, in one line.
fn said(answer: &HttpAnswer) -> String {
    let json: Option<Json> = serde_json::from_slice(&answer.body).ok();
    let message = json.as_ref().and_then(|json| json.get("message").or_else(|| json.get("error"))?.as_str());
    let text = message.map_or_else(|| String::from_utf8_lossy(&answer.body).into_owned(), str::to_owned);
    let line: String = text.lines().next().unwrap_or_default().chars().take(200).collect();
    let status = format!("it answered {}", answer.status);
    if line.is_empty() { status } else { format!("{status}: {line}") }
}
