//! `huedb ping`.

use std::time::Duration;

use clap::Args;
use huedb::error::Result;
use huedb::serve::{PingOptions, ping};

use crate::cli::arguments::global::seconds;
use crate::cli::context::command::Context;
use crate::cli::process::exit::Status;
use crate::output::{Properties, duration};

/// Ask a server whether it is ready
///
/// For health checks of containers and scripts: any server that speaks Chroma's API answers. Prints what it serves.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  huedb ping
  huedb ping http://db.internal:8000 --timeout 1
  huedb ping https://db.internal:8000 --ca-file ca.pem --token-file token

Exit codes:
  0 ready, 5 not reached or not ready")]
pub(crate) struct PingArgs {
    /// Address of the server
    #[arg(value_name = "URL", default_value = "http://127.0.0.1:8000")]
    url: String,

    /// Seconds to wait for an answer
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    timeout: Duration,
}

impl PingArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        let server = context.token.options()?;
        let options = PingOptions { patience: self.timeout, server };
        let pong = ping(&self.url, &options)?;
        let facts = Properties::new().with("url", self.url.as_str()).with("ready", true).with("version", pong.version);
        let facts = facts.with("collections", pong.collections).with("records", pong.records);
        context.facts(&facts.with("took", duration(pong.took)))?;
        Ok(Status::Done)
    }
}
