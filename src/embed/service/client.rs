//! Requests to a service, made again where that may help.
//!
//! Knows nothing of what is in them. Invariants: the key goes to the address of the service and to no other (a redirect is
//! not followed); every wait has an end; an answer has a bounded length; no error has the key in it.

use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use ureq::Agent;
use ureq::http::StatusCode;

use super::address::Address;
use super::answer::said;
use super::key::{Key, ServiceKey};
use super::pace::Pace;
use super::settings::{ServiceLimits, ServiceSettings};
use crate::embed::LoadOptions;
use crate::error::{Advice, Error, Result};
use crate::input::http::why;
use crate::input::retry::{Jitter, MOST_WAIT, is_passing, is_passing_status, retry_after, wait};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const ANSWER_LIMIT_BYTES: u64 = 1 << 28;
/// What services say of a text that is too long for the model.
const TOO_LONG: [&str; 5] = ["token", "too long", "too large", "length", "context"];

/// A service that can be asked.
pub(super) struct ServiceClient {
    agent: Agent,
    /// The model's name here, for messages.
    model: String,
    pub(super) address: Address,
    key: Option<ServiceKey>,
    pace: Pace,
    limits: ServiceLimits,
}

/// What a service answered.
struct Answer {
    status: StatusCode,
    body: Vec<u8>,
    retry_after: Option<Duration>,
}

impl ServiceClient {
    /// Prepares to ask a service; nothing is asked, and no key is got, before the first request.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when the endpoint is no address.
    pub(super) fn new(model: &str, settings: &ServiceSettings) -> Result<Self> {
        let address = Address::of(settings.api, &settings.endpoint)?;
        let limits = settings.limits.clone();
        let timeout = Duration::from_millis(limits.timeout_ms.max(1));
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections_per_host(limits.concurrency.get())
            .timeout_connect(Some(timeout.min(CONNECT_TIMEOUT)))
            .timeout_per_call(Some(timeout))
            .user_agent(concat!("huedb/", env!("CARGO_PKG_VERSION")));
        // A proxy of the environment leads out of this machine.
        let config = if address.is_local { config.proxy(None) } else { config };
        let key = settings.key.clone().map(|source| ServiceKey::new(source, LoadOptions::variable));
        let pace = Pace::new(&limits);
        Ok(Self { agent: config.build().into(), model: model.to_owned(), address, key, pace, limits })
    }

    /// Sends a request of so many tokens and returns what was answered to it.
    ///
    /// # Errors
    /// [`Error::Model`] when the service refuses what was sent, which may be one text's fault; [`Error::Server`] when it
    /// cannot be reached, fails or refuses who asks.
    pub(super) fn post(&self, body: &str, tokens: usize) -> Result<Vec<u8>> {
        let (mut jitter, mut attempt, mut renewed) = (Jitter::new(), 0, false);
        loop {
            let key = self.key.as_ref().map(ServiceKey::get).transpose()?;
            let under_way = self.pace.begin(tokens);
            let asked = self.ask(body, key.as_deref())?;
            drop(under_way);
            attempt += 1;
            let (why, asked_wait) = match asked {
                Ok(answer) if answer.status.is_success() => return Ok(answer.body),
                Ok(answer) if self.renews(&answer, key.as_ref(), renewed) => {
                    renewed = true;
                    continue;
                }
                Ok(answer) if answer.may_pass() => (answer.shown(key.as_deref()), answer.retry_after),
                Ok(answer) => return Err(self.refused(&answer, key.as_deref())),
                Err(error) if is_passing(&error) => (why(&error), None),
                Err(error) => return Err(self.failed(why(&error), None)),
            };
            if asked_wait.is_some_and(|asked| asked > MOST_WAIT) {
                let seconds = asked_wait.unwrap_or_default().as_secs();
                return Err(
                    self.failed(format!("{why}; it asks to wait for {seconds} seconds"), Some(Advice::GoOnLater))
                );
            }
            if attempt > self.limits.retries {
                let times = if attempt == 1 { String::new() } else { format!(" ({attempt} requests)") };
                return Err(self.failed(format!("{why}{times}"), Some(Advice::GoOnLater)));
            }
            sleep(wait(attempt, Duration::from_millis(self.limits.retry_wait_ms), asked_wait, &mut jitter));
        }
    }

    /// Makes one request. The outer error is of the key.
    fn ask(&self, body: &str, key: Option<&Key>) -> Result<Result<Answer, ureq::Error>> {
        let mut request = self.agent.post(&self.address.url).content_type("application/json");
        if let Some(key) = key {
            request = if self.address.is_azure {
                request.header("api-key", key.header("")?)
            } else {
                request.header("authorization", key.header("Bearer ")?)
            };
        }
        Ok(request.send(body).and_then(|mut response| {
            let status = response.status();
            let retry_after = retry_after(response.headers(), SystemTime::now());
            let body = response.body_mut().with_config().limit(ANSWER_LIMIT_BYTES).read_to_vec();
            // Of a refusal the status says enough.
            let body = if status.is_success() { body? } else { body.unwrap_or_default() };
            Ok(Answer { status, body, retry_after })
        }))
    }

    /// Whether the key is no longer taken and there may be another.
    fn renews(&self, answer: &Answer, key: Option<&Arc<Key>>, renewed: bool) -> bool {
        let is_refused = answer.status == StatusCode::UNAUTHORIZED && !renewed;
        is_refused && self.key.as_ref().zip(key).is_some_and(|(source, key)| source.renews(key))
    }

    /// It understood and would not.
    fn refused(&self, answer: &Answer, key: Option<&Key>) -> Error {
        let why = answer.shown(key);
        let lower = why.to_lowercase();
        match answer.status.as_u16() {
            400 | 413 | 422 => Error::Model {
                model: self.model.clone(),
                why: format!("{} refused the request: {why}", self.address.shown),
                hint: TOO_LONG.iter().any(|words| lower.contains(words)).then_some(Advice::ShortenTexts),
            },
            401 | 403 if key.is_none() => self.failed(why, Some(Advice::GiveServiceKey)),
            401 | 403 => self.failed(why, Some("check that the key is valid and may use this model".into())),
            404 => self.failed(why, Some("check the endpoint, its API, and the name of the model there".into())),
            300..=399 => {
                let hint = "it leads elsewhere, which is not followed; name the address it leads to";
                self.failed(why, Some(hint.into()))
            }
            _ => self.failed(why, None),
        }
    }

    /// Names the model and the service that something went wrong with.
    pub(super) fn failed(&self, why: impl std::fmt::Display, hint: Option<Advice>) -> Error {
        Error::Server { url: self.address.shown.clone(), why: format!("model {}: {why}", self.model), hint }
    }
}

impl Answer {
    fn may_pass(&self) -> bool {
        // No quota is left, which time does not change.
        let is_over = memchr::memmem::find(&self.body, b"insufficient_quota").is_some();
        is_passing_status(self.status.as_u16()) && !is_over
    }

    /// Returns what is shown of it.
    fn shown(&self, key: Option<&Key>) -> String {
        let status = format!("it answered {}", self.status.as_u16());
        let hidden = |text: &str| key.map_or_else(|| text.to_owned(), |key| key.hidden_in(text));
        // Before it is cut short, so that no part of a key is left, and once more, since JSON may have it in another form.
        let words = said(hidden(&String::from_utf8_lossy(&self.body)).as_bytes());
        words.map_or_else(|| status.clone(), |words| format!("{status}: {}", hidden(&words)))
    }
}
