//! A real Chroma server, in a folder of its own, for tests.
//!
//! `make clients` prepares its program; a test that needs it is named as not run where that is missing. Invariant: a server ends
//! with its handle, or with the process of the tests, and leaves no file.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use ureq::Agent;

/// Where the library is that `chroma run` runs: that of Chroma 1.5.9.
const LIBRARY: &str = "target/clients/chroma";
/// What `chroma run` does, without the packages that the command wants beside it.
const RUN: &str = "import sys, chromadb_rust_bindings; chromadb_rust_bindings.cli(sys.argv[1:])";

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_mins(1);

/// A server that runs.
pub(crate) struct Chroma {
    folder: TempDir,
    child: Child,
    pub(crate) address: String,
}

impl Chroma {
    /// Starts a server for one test; `None`, which is said, where there is no program.
    pub(crate) fn start(test: &str) -> Option<Self> {
        let library = Path::new(env!("CARGO_MANIFEST_DIR")).join(LIBRARY);
        if !library.exists() {
            eprintln!("not run, for `make clients` was not: {test}");
            return None;
        }
        let folder = TempDir::with_prefix("huedb-chroma-").unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new("setpriv");
        // A server whose tests were killed ends too.
        command.args(["--pdeathsig", "INT", "python3", "-c", RUN, "chroma", "run", "--host", "127.0.0.1", "--port"]);
        command.arg(port.to_string()).arg("--path").arg(folder.path().join("data"));
        command.env("PYTHONPATH", &library).env("PYTHONDONTWRITEBYTECODE", "1").current_dir(folder.path());
        let said = std::fs::File::create(folder.path().join("log")).unwrap();
        let child = command.stdin(Stdio::null()).stdout(said.try_clone().unwrap()).stderr(said).spawn().unwrap();
        let server = Self { folder, child, address: format!("http://127.0.0.1:{port}") };
        server.wait();
        Some(server)
    }

    fn wait(&self) {
        let from = Instant::now();
        let agent: Agent = Agent::config_builder().timeout_global(Some(Duration::from_secs(5))).build().into();
        while let Err(error) = agent.get(format!("{}/api/v2/heartbeat", self.address)).call() {
            let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(from.elapsed() < PATIENCE, "Chroma does not answer: {error}\n{log}");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Chroma {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
