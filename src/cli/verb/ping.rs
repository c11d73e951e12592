//! `huedb ping`.

use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use clap::Args;
use huedb::backend::Place;
use huedb::error::{Error, Result};
use huedb::serve::{PingOptions, ping};

use crate::cli::arguments::global::seconds;
use crate::cli::context::command::Context;
use crate::cli::process::exit::Status;
use crate::output::{Properties, duration};

/// Ask a server or PostgreSQL whether it is ready
///
/// For health checks of containers and scripts: any server that speaks Chroma's API answers, and PostgreSQL by its address.
/// Prints which it is and what it holds.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  huedb ping
  huedb ping http://db.internal:8000 --timeout 1
  huedb ping postgresql://ann@db.internal/vectors
  huedb ping https://db.internal:8000 --ca-file ca.pem --token-file token

Exit codes:
  0 ready, 5 not reached or not ready")]
pub(crate) struct PingArgs {
    /// Address [default: that of --db, where it is one, else `http://127.0.0.1:8000`]
    #[arg(value_name = "URL")]
    url: Option<String>,

    /// Seconds to wait for an answer
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    timeout: Duration,
}

impl PingArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        let place = match (self.url, context.place()) {
            (Some(url), _) => Place::parse(Path::new(&url)),
            (None, Place::File(_)) => Place::Server("http://127.0.0.1:8000".into()),
            (None, place) => place,
        };
        let url = match &place {
            Place::Postgres(_) => return postgres(context, place, self.timeout),
            Place::Server(url) => url.clone(),
            // A host and its port.
            Place::File(host) => host.display().to_string(),
        };
        let server = context.token.options()?;
        let options = PingOptions { patience: self.timeout, server };
        let pong = ping(&url, &options)?;
        let kind = if pong.version.is_some() { "huedb" } else { "another server of Chroma's API" };
        let facts = Properties::new().with("url", place.to_string()).with("ready", true).with("server", kind);
        let facts = facts.with("version", pong.version);
        let facts = facts.with("collections", pong.collections).with("records", pong.records);
        context.facts(&facts.with("took", duration(pong.took)))?;
        Ok(Status::Done)
    }
}

/// Asks PostgreSQL, which says more of itself than a server does.
fn postgres(context: &mut Context, place: Place, patience: Duration) -> Result<Status> {
    let (start, url, open) = (Instant::now(), place.to_string(), context.opener(place));
    let (tell, told) = mpsc::channel();
    // Nobody listens any longer, maybe.
    std::thread::spawn(move || drop(tell.send(open().and_then(|there| there.facts()))));
    let silent = |_| Error::Server { url: url.clone(), why: "no answer came in time".into(), hint: None };
    let found = told.recv_timeout(patience).map_err(silent)??;
    let facts = Properties::new().with("url", url).with("ready", true).with("server", found.made_by);
    let facts = found.more.into_iter().fold(facts, |facts, (name, value)| facts.with(name, value));
    let facts = facts.with("collections", found.collections).with("records", found.records);
    context.facts(&facts.with("took", duration(start.elapsed())))?;
    Ok(Status::Done)
}
