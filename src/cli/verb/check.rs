//! `huedb check`.

use clap::Args;
use huedb::error::Result;
use huedb::store::{Access, Depth, MOST_FINDINGS, unfinished_beside};

use crate::cli::context::command::Context;
use crate::cli::process::exit::Status;
use crate::output::{Properties, count};

/// Check the file for damage
///
/// Verifies the checksum of every page and the counters of all collections, or of one, and lists what is damaged, one
/// problem per line, up to 100. Damage to `derived` data can be repaired by recomputing it; any other damage means that
/// data was lost. Nothing is written; `huedb repair` fixes what can be fixed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  huedb check
  huedb check notes --deep

Exit codes:
  0 sound, 4 damaged, and those of every command")]
pub(crate) struct CheckArgs {
    /// Check only this collection, and the catalogue
    collection: Option<String>,

    /// Also read every record and recompute what is derived
    #[arg(long)]
    deep: bool,
}

impl CheckArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        context.require_file("check")?;
        let depth = if self.deep { Depth::Deep } else { Depth::Quick };
        let store = context.open_file(Access::Read)?;
        let findings = context.stage("check", || store.check(self.collection.as_deref(), depth))?;
        for left in unfinished_beside(&context.db) {
            let left = left.display();
            context.printer.notice(format!("{left} was left by a command that was killed; the next write removes it"));
        }
        let what = self.collection.unwrap_or_else(|| context.db.display().to_string());
        if findings.is_empty() {
            store.close()?;
            context.printer.notice(format!("no damage found in {what}"));
            return Ok(Status::Done);
        }
        let lines: Vec<_> = findings
            .iter()
            .map(|finding| {
                let facts = Properties::new().with("where", finding.place.as_str()).with("what", finding.what.as_str());
                facts.with("derived", finding.derived)
            })
            .collect();
        context.list(&lines)?;
        let lost = findings.iter().filter(|finding| !finding.derived).count();
        let more = if findings.len() == MOST_FINDINGS { " or more" } else { "" };
        let (all, lost) = (count(findings.len() as u64), count(lost as u64));
        context.printer.warning(format!("{what} is damaged in {all}{more} places; {lost} of them are not derived"));
        Ok(Status::Damaged)
    }
}
