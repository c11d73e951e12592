//! `huedb setup`.

use huedb::error::Result;
use std::path::PathBuf;

use clap::{Args, ValueHint};
use huedb::embed::{SetupStep, setup};

use crate::cli::context::command::Context;
use crate::cli::process::exit::Status;

/// Install ONNX Runtime, which embeds several times faster than the engine inside this program
///
/// Fetches the pinned, checksummed Python wheel of ONNX Runtime with pip and unpacks its library into the data
/// directory. Without pip or network, give --from.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  huedb setup
  huedb setup --from onnxruntime-*.whl
  huedb setup --from /usr/lib/libonnxruntime.so")]
pub(crate) struct SetupArgs {
    /// A wheel, a shared library, or a folder with one of these, instead of pip
    #[arg(long, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    from: Option<PathBuf>,
}

impl SetupArgs {
    pub(crate) fn run(self, context: &mut Context) -> Result<Status> {
        let printer = &mut *context.printer;
        let installed = setup(self.from.as_deref(), &context.models, &mut |step| match step {
            SetupStep::Fetching(file) => printer.notice(format!("fetching {file} with pip")),
            SetupStep::Checking(path) => printer.notice(format!("checking {}", path.display())),
            SetupStep::Installing(path) => printer.notice(format!("installing from {}", path.display())),
        })?;
        if !installed.pinned {
            let sha256 = &installed.sha256;
            context.printer.warning(format!("this program knows no checksum of that file; its sha256 is {sha256}"));
        }
        context.printer.notice(format!("ONNX Runtime {} is at {}", installed.version, installed.path.display()));
        Ok(Status::Done)
    }
}
