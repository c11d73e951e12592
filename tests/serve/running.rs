//! A server under test: a real process on a port of its own, over a file of its own or over PostgreSQL.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use tempfile::TempDir;
use ureq::Agent;
use ureq::http::{HeaderMap, Method, Request};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

pub(crate) const DATABASE: &str = "/api/v2/tenants/default_tenant/databases/default_database";

pub(crate) struct Running {
    folder: TempDir,
    db: PathBuf,
    pub(crate) child: Child,
    pub(crate) address: String,
    scheme: &'static str,
    pub(crate) agent: Agent,
    /// Reads what it says after its first line.
    said: Option<JoinHandle<String>>,
}

/// An answer: its status, its headers by name, its body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) trace: Option<String>,
    pub(crate) retry_after: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Json {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn message(&self) -> String {
        self.json()["message"].as_str().unwrap_or_default().to_owned()
    }
}

/// Returns the command, with the key of an encrypted run.
pub(crate) fn huedb(db: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_huedb"));
    command.arg("--db").arg(db).env_remove("HUEDB_FILE").env("HUEDB_CONFIG", "/dev/null").stdin(Stdio::null());
    command
}

impl Running {
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::over(TempDir::new().unwrap(), args)
    }

    /// Starts over a file that is there, or is made.
    pub(crate) fn over(folder: TempDir, args: &[&str]) -> Self {
        let db = folder.path().join("test.redb");
        Self::of(folder, db, args)
    }

    /// Starts over PostgreSQL.
    pub(crate) fn pod(address: &str, args: &[&str]) -> Self {
        Self::of(TempDir::new().unwrap(), address.into(), args)
    }

    fn of(folder: TempDir, db: PathBuf, args: &[&str]) -> Self {
        let mut command = huedb(&db);
        command.args(["serve", "--port", "0"]).args(args);
        let mut server = Self::run(folder, command);
        server.db = db;
        server
    }

    /// Starts with a config file.
    pub(crate) fn with_config(folder: TempDir, config: &Path, args: &[&str]) -> Self {
        let mut command = huedb(&folder.path().join("test.redb"));
        command.env("HUEDB_CONFIG", config).args(["serve", "--port", "0"]).args(args);
        Self::run(folder, command)
    }

    /// Starts over a file that may not grow beyond so many blocks of 512 bytes.
    pub(crate) fn limited(folder: TempDir, blocks: u64) -> Self {
        let inner = huedb(&folder.path().join("test.redb"));
        let mut command = Command::new("sh");
        // The signal that comes with the refusal would end the process.
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
        command.args(["-c", &script, "sh"]).arg(inner.get_program()).args(inner.get_args());
        command.args(["serve", "--port", "0"]).env("HUEDB_CONFIG", "/dev/null").stdin(Stdio::null());
        Self::run(folder, command)
    }

    fn run(folder: TempDir, mut command: Command) -> Self {
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        // Warnings may come first.
        let address = loop {
            let mut line = String::new();
            assert!(stderr.read_line(&mut line).unwrap() > 0, "it ended: {said}");
            said.push_str(&line);
            if let Some((_, address)) = line.rsplit_once("://").filter(|_| line.contains("serving ")) {
                break address.trim_end_matches(['"', '}', '\n']).to_owned();
            }
        };
        let rest = std::thread::spawn(move || {
            let mut rest = said;
            let _ = stderr.read_to_string(&mut rest);
            rest
        });
        let config = Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_mins(2)));
        let db = folder.path().join("test.redb");
        Self { folder, db, child, address, scheme: "http", agent: config.build().into(), said: Some(rest) }
    }

    /// Starts with arguments that may be encrypted requests' certificates; `ca` is whom its clients believe.
    pub(crate) fn encrypted(folder: TempDir, args: &[&str], ca: &Certificate<'static>) -> Self {
        let mut server = Self::over(folder, args);
        (server.scheme, server.agent) = ("https", Self::believing(ca));
        server
    }

    /// Returns a client that believes this authority.
    pub(crate) fn believing(ca: &Certificate<'static>) -> Agent {
        let config = Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_mins(2)));
        let tls = TlsConfig::builder().root_certs(RootCerts::new_with_certs(std::slice::from_ref(ca)));
        config.tls_config(tls.build()).build().into()
    }

    pub(crate) fn db(&self) -> PathBuf {
        self.db.clone()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a command on the file.
    pub(crate) fn command(&self, args: &[&str]) -> Output {
        huedb(&self.db()).args(args).output().unwrap()
    }

    pub(crate) fn ok(&self, args: &[&str]) -> String {
        let output = self.command(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Sends a request as it is.
    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let method: Method = method.parse().unwrap();
        let mut request = Request::builder().method(method).uri(format!("{}://{}{path}", self.scheme, self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = self.agent.run(request.body(body).unwrap()).unwrap();
        let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let (trace, retry_after) = (header("chroma-trace-id"), header("retry-after"));
        let status = response.status().as_u16();
        let bytes = response.body_mut().with_config().limit(1 << 30).read_to_vec().unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Answer { status, trace, retry_after, headers: response.headers().clone(), text }
    }

    /// Sends a request with a token; JSON null is no body.
    pub(crate) fn with(&self, token: &str, method: &str, path: &str, body: &Json) -> Answer {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let json = ("content-type", "application/json");
        if token.is_empty() {
            return self.send(method, path, &[json], &body);
        }
        self.send(method, path, &[json, ("x-chroma-token", token)], &body)
    }

    /// Makes a token and returns it.
    pub(crate) fn token(&self, args: &[&str]) -> String {
        let args = [&["token", "create"], args].concat();
        self.ok(&args).trim().to_owned()
    }

    /// Waits until what it listens for has happened, such as a new token being asked for.
    pub(crate) fn until(&self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let deadline = Instant::now() + Duration::from_mins(1);
        while !holds(self) {
            assert!(Instant::now() < deadline, "{what} does not happen");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn request(&self, method: &str, path: &str, body: &Json) -> Answer {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        self.send(method, path, &[("content-type", "application/json")], &body)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.request("GET", path, &Json::Null)
    }

    pub(crate) fn post(&self, path: &str, body: &Json) -> Answer {
        self.request("POST", path, body)
    }

    /// Makes a collection and returns its path.
    pub(crate) fn collection(&self, name: &str) -> String {
        let made = self.post(&format!("{DATABASE}/collections"), &json!({ "name": name }));
        assert_eq!(made.status, 200, "{}", made.text);
        format!("{DATABASE}/collections/{}", made.json()["id"].as_str().unwrap())
    }

    pub(crate) fn signal(&self, signal: &str) {
        assert!(Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap().success());
    }

    /// Waits for its end; returns how it ended and what it said.
    pub(crate) fn wait(&mut self) -> (ExitStatus, String) {
        let deadline = Instant::now() + Duration::from_mins(2);
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None if Instant::now() > deadline => panic!("it does not end"),
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        (status, self.said.take().unwrap().join().unwrap())
    }

    /// Kills it; returns the folder with its file.
    pub(crate) fn kill(mut self) -> TempDir {
        self.signal("-KILL");
        let _ = self.child.wait();
        std::mem::replace(&mut self.folder, TempDir::new().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
