//! `huedb setup`.

use huedb::error::Result;
use std::path::PathBuf;

use clap::{Args, ValueHint};
use huedb::embed::{SetupStep, setup};

use crate::cli::context::command::Context;
use crate::cli::process::exit::Status;

/// Install ONNX Runtime, for other models than the built-in one
///
/// The built-in model needs nothing. ONNX Runtime runs other models several times faster than the engine they have without it.
/// Downloads the pinned Python wheel of ONNX Runtime with pip, verifies its checksum and unpacks the library into the data
/// directory. Without pip or a network, use --from.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  huedb setup
  huedb setup --from onnxruntime-*.whl
  huedb setup --from /usr/lib/libonnxruntime.so")]
pub(crate) struct SetupArgs {
    /// Wheel, shared library, or folder with one of these, to install instead
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
