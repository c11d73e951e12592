//! Asks a server whether it is ready, as a health check does.

use std::time::{Duration, Instant};

use serde_json::Value as Json;
use ureq::{Agent, Body};

use crate::error::{Error, Result};
use crate::input::http::{ServerOptions, authorities, why};

/// What a server that is ready answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Pong {
    /// huedb's version; `None` for another server that speaks Chroma's API.
    pub version: Option<String>,
    /// Collections in the file, where it says so.
    pub collections: Option<u64>,
    /// Records in the file, where it says so.
    pub records: Option<u64>,
    /// How long its first answer took.
    pub took: Duration,
}

/// How a server is asked.
#[derive(Clone)]
pub struct PingOptions {
    /// How long to wait for an answer.
    pub patience: Duration,
    /// Who asks, which only what is told beside readiness needs, and whom its certificate may be from.
    pub server: ServerOptions,
}

/// Asks a server whether it can answer questions; any server of Chroma's API says so.
///
/// # Errors
/// [`Error::Server`] when it cannot be reached in time, or says that it is not ready; [`Error::BadInput`] for a file of
/// authorities that cannot be read.
pub fn ping(url: &str, options: &PingOptions) -> Result<Pong> {
    let tls = options.server.ca.as_deref().map(authorities).transpose()?.unwrap_or_default();
    let config = Agent::config_builder().timeout_global(Some(options.patience)).http_status_as_error(false);
    let agent: Agent = config.tls_config(tls).build().into();
    let base = url.trim_end_matches('/');
    let base = if base.contains("://") { base.to_owned() } else { format!("http://{base}") };
    let failed = |why: String| Error::Server { url: base.clone(), why, hint: None };
    let get = |path: &str| {
        let request = agent.get(format!("{base}{path}"));
        let headers = &options.server.headers;
        headers.iter().fold(request, |request, (name, value)| request.header(name, value)).call()
    };
    let start = Instant::now();
    let mut answer = get("/api/v2/healthcheck").map_err(|error| failed(why(&error)))?;
    let took = start.elapsed();
    if !answer.status().is_success() {
        let said = json(answer.body_mut()).unwrap_or_default();
        let message = said.get("message").and_then(Json::as_str).unwrap_or("it is not ready");
        return Err(failed(format!("{message} (HTTP {})", answer.status().as_u16())));
    }
    let info: Option<Json> =
        get("/huedb/v1/info").ok().filter(|info| info.status().is_success()).and_then(|mut info| json(info.body_mut()));
    let number = |name: &str| info.as_ref()?.get(name)?.as_u64();
    let version = info.as_ref().and_then(|info| Some(info.get("version")?.as_str()?.to_owned()));
    Ok(Pong { version, collections: number("collections"), records: number("records"), took })
}

fn json(body: &mut Body) -> Option<Json> {
    serde_json::from_slice(&body.read_to_vec().ok()?).ok()
}
