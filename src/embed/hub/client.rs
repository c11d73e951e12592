//! Requests to the hub, and to where it sends us for large files.
//!
//! Invariants: the token goes to the hub itself and to no other host, whatever leads there; every wait has an end; what
//! has arrived of a file stays, and a request that is made again goes on behind it.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde::Deserialize;
use ureq::http::{Response, StatusCode, Uri};
use ureq::{Agent, Body};

use super::super::HubOptions;

const HUB: &str = "https://huggingface.co";
/// How long to wait before a request is made again, each time longer.
const WAITS_MS: [u64; 3] = [300, 1000, 3000];
/// Redirects of one request.
const MOST_HOPS: usize = 8;
const LIST_LIMIT_BYTES: u64 = 64 << 20;

/// Why a request failed.
#[derive(Debug)]
pub(super) enum HubFailure {
    /// The hub's answer.
    Status(u16),
    Other(String),
}

impl std::fmt::Display for HubFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Status(status) => write!(f, "it answered {status}"),
            Self::Other(why) => f.write_str(why),
        }
    }
}

impl From<ureq::Error> for HubFailure {
    fn from(error: ureq::Error) -> Self {
        Self::Other(error.to_string())
    }
}

/// The files of a repository at one commit.
#[derive(Debug, Deserialize)]
pub(super) struct RepositoryListing {
    pub(super) sha: String,
    siblings: Vec<Sibling>,
}

#[derive(Debug, Deserialize)]
struct Sibling {
    rfilename: String,
}

impl RepositoryListing {
    pub(super) fn files(&self) -> Vec<&str> {
        self.siblings.iter().map(|file| file.rfilename.as_str()).collect()
    }
}

/// What the hub says of a file.
#[derive(Debug)]
pub(super) struct Described {
    pub(super) commit: String,
    pub(super) etag: String,
    pub(super) bytes: u64,
}

/// A hub.
pub(super) struct HubClient {
    agent: Agent,
    endpoint: String,
    token: Option<String>,
}

impl HubClient {
    pub(super) fn new(options: &HubOptions) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(options.patience))
            .timeout_per_call(Some(options.patience))
            .user_agent(concat!("huedb/", env!("CARGO_PKG_VERSION")))
            .build();
        let endpoint = options.endpoint.as_deref().unwrap_or(HUB).trim_end_matches('/').to_owned();
        Self { agent: agent.into(), endpoint, token: options.token.clone() }
    }

    /// Lists a repository at a revision.
    pub(super) fn list(&self, repo: &str, revision: &str) -> Result<RepositoryListing, HubFailure> {
        let url = format!("{}/api/models/{repo}/revision/{}", self.endpoint, escaped(revision).replace('/', "%2F"));
        again(|| {
            let mut response = self.follow(&url, None)?.last;
            let body = response.body_mut().with_config().limit(LIST_LIMIT_BYTES).read_to_vec()?;
            serde_json::from_slice(&body).map_err(|e| HubFailure::Other(format!("its answer cannot be read: {e}")))
        })
    }

    /// The address of a file.
    pub(super) fn url(&self, repo: &str, commit: &str, path: &str) -> String {
        format!("{}/{repo}/resolve/{commit}/{}", self.endpoint, escaped(path))
    }

    /// Asks what the hub knows of a file.
    pub(super) fn describe(&self, url: &str) -> Result<Described, HubFailure> {
        again(|| {
            let Followed { first, last } = self.follow(url, Some("bytes=0-0"))?;
            let of = |response: &Response<Body>, name: &str| {
                response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
            };
            let on_hub = first.as_ref().unwrap_or(&last);
            let lacking = |what: &str| HubFailure::Other(format!("the hub does not give its {what}"));
            let etag = of(on_hub, "x-linked-etag").or_else(|| of(on_hub, "etag")).ok_or_else(|| lacking("etag"))?;
            let commit = of(on_hub, "x-repo-commit").ok_or_else(|| lacking("commit"))?;
            let range = of(&last, "content-range");
            let of_range = range.as_deref().and_then(|range| range.rsplit_once('/')).map(|(_, bytes)| bytes.to_owned());
            let bytes = of(on_hub, "x-linked-size").or(of_range).and_then(|bytes| bytes.parse().ok());
            let etag = etag.trim_start_matches("W/").replace('"', "");
            Ok(Described { commit, etag, bytes: bytes.ok_or_else(|| lacking("length"))? })
        })
    }

    /// Fetches what a file that is begun still lacks of so many bytes.
    pub(super) fn fetch(
        &self,
        url: &str,
        part: &Path,
        bytes: u64,
        arrived: &mut dyn FnMut(u64),
    ) -> Result<(), HubFailure> {
        let words = |e: std::io::Error| HubFailure::Other(format!("{}: {e}", part.display()));
        let mut file = OpenOptions::new().create(true).append(true).open(part).map_err(words)?;
        let mut waits = WAITS_MS.into_iter();
        loop {
            let from = file.metadata().map_err(words)?.len();
            if from >= bytes {
                return file.sync_all().map_err(words);
            }
            let begun = Instant::now();
            let why = match self.fetch_from(url, &mut file, from, arrived) {
                Ok(()) if file.metadata().map_err(words)?.len() >= bytes => continue,
                Ok(()) => HubFailure::Other("the connection ended too early".into()),
                Err(why @ HubFailure::Status(status)) if !is_passing(status) => return Err(why),
                Err(why) => why,
            };
            // The time of a request is over, and it did bring something: the connection is slow, no more.
            let is_slow = self.is_over(begun) && file.metadata().map_err(words)?.len() > from;
            if !is_slow {
                sleep(Duration::from_millis(waits.next().ok_or(why)?));
            }
        }
    }

    fn is_over(&self, begun: Instant) -> bool {
        self.agent.config().timeouts().per_call.is_some_and(|patience| begun.elapsed() >= patience)
    }

    fn fetch_from(
        &self,
        url: &str,
        file: &mut File,
        from: u64,
        arrived: &mut dyn FnMut(u64),
    ) -> Result<(), HubFailure> {
        let response = self.follow(url, Some(&format!("bytes={from}-")))?.last;
        if response.status() != StatusCode::PARTIAL_CONTENT && from > 0 {
            // It sends everything, whatever it was asked for.
            file.set_len(0).map_err(|e| HubFailure::Other(e.to_string()))?;
        }
        let mut body = response.into_body().into_reader();
        let mut buffer = vec![0; 1 << 16];
        loop {
            let read = body.read(&mut buffer).map_err(|e| HubFailure::Other(e.to_string()))?;
            let Some(read) = buffer.get(..read).filter(|read| !read.is_empty()) else { return Ok(()) };
            file.write_all(read).map_err(|e| HubFailure::Other(e.to_string()))?;
            arrived(read.len() as u64);
        }
    }

    /// Asks, and follows where the answers lead to.
    fn follow(&self, url: &str, range: Option<&str>) -> Result<Followed, HubFailure> {
        let mut url = url.to_owned();
        let mut first = None;
        for _ in 0..MOST_HOPS {
            let mut request = self.agent.get(&url);
            if let Some(token) = self.token.as_ref().filter(|_| self.is_hub(&url)) {
                request = request.header("authorization", format!("Bearer {token}"));
            }
            if let Some(range) = range {
                request = request.header("range", range);
            }
            let response = request.call()?;
            if response.status().is_success() {
                return Ok(Followed { first, last: response });
            }
            let place = response.headers().get("location").and_then(|place| place.to_str().ok());
            let Some(next) = place.filter(|_| response.status().is_redirection()) else {
                return Err(HubFailure::Status(response.status().as_u16()));
            };
            url = joined(&url, next).ok_or_else(|| HubFailure::Other("it redirects to an invalid address".into()))?;
            // What the hub says of a file it says before it leads elsewhere.
            if first.is_none() && !self.is_hub(&url) || response.headers().contains_key("x-linked-etag") {
                first.get_or_insert(response);
            }
        }
        Err(HubFailure::Other("it leads from one address to the next without an end".into()))
    }

    /// Whether an address is of the hub itself.
    fn is_hub(&self, url: &str) -> bool {
        let origin = |url: &str| {
            let uri: Uri = url.parse().ok()?;
            let port = uri.port_u16().or_else(|| Some(if uri.scheme_str()? == "https" { 443 } else { 80 }));
            Some((uri.scheme_str()?.to_owned(), uri.host()?.to_lowercase(), port))
        };
        origin(url).is_some_and(|found| Some(found) == origin(&self.endpoint))
    }
}

/// The answer at the end of a chain, and that of the hub where the chain left it.
struct Followed {
    first: Option<Response<Body>>,
    last: Response<Body>,
}

/// Does what may go well when it is done again.
fn again<T>(work: impl Fn() -> Result<T, HubFailure>) -> Result<T, HubFailure> {
    let mut waits = WAITS_MS.into_iter();
    loop {
        let why = match work() {
            Err(HubFailure::Status(status)) if !is_passing(status) => return Err(HubFailure::Status(status)),
            Err(why) => why,
            done => return done,
        };
        sleep(Duration::from_millis(waits.next().ok_or(why)?));
    }
}

fn is_passing(status: u16) -> bool {
    matches!(status, 429 | 500 | 502..=599)
}

/// Returns the address that a redirect leads to from another.
fn joined(from: &str, to: &str) -> Option<String> {
    if to.starts_with("http://") || to.starts_with("https://") {
        return Some(to.to_owned());
    }
    let uri: Uri = from.parse().ok()?;
    let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
    if let Some(other) = to.strip_prefix("//") {
        return Some(format!("{scheme}://{other}"));
    }
    if to.starts_with('/') {
        return Some(format!("{scheme}://{authority}{to}"));
    }
    let folder = uri.path().rsplit_once('/').map_or("", |(folder, _)| folder);
    Some(format!("{scheme}://{authority}{folder}/{to}"))
}

/// Escapes what has a meaning in an address, but for the slash.
fn escaped(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_hub_itself_is_the_hub() {
        let client =
            |endpoint: &str| HubClient::new(&HubOptions { endpoint: Some(endpoint.into()), ..HubOptions::default() });
        let hub = client("https://hub.example/");
        for (url, is) in [
            ("https://hub.example/x", true),
            ("https://HUB.example:443/x", true),
            ("http://hub.example/x", false),
            ("https://hub.example:8443/x", false),
            ("https://hub.example.evil/x", false),
            ("https://cdn.hub.example/x", false),
            ("https://evil/https://hub.example/", false),
            ("https://hub.example@evil/x", false),
        ] {
            assert_eq!(hub.is_hub(url), is, "{url}");
        }
        assert!(!client("http://127.0.0.1:80").is_hub("http://localhost:80/"));
    }

    #[test]
    fn a_redirect_leads_where_it_says() {
        let from = "https://hub/a/b?c=d";
        for (to, joined_to) in [
            ("http://cdn/x", "http://cdn/x"),
            ("//cdn/x", "https://cdn/x"),
            ("/x/y?z", "https://hub/x/y?z"),
            ("x", "https://hub/a/x"),
        ] {
            assert_eq!(joined(from, to).as_deref(), Some(joined_to));
        }
        assert_eq!(escaped("refs/pr 1/a#b"), "refs/pr%201/a%23b");
    }
}
