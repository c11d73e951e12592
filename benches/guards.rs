//! What tokens, TLS and an audit trail cost: the same server over the same file with them and without, in turns.
//!
//! `cargo bench --bench guards`; one JSON line a figure. `HUEDB_BENCH_FILE` is a file whose first collection has 384 x f32
//! embeddings, `HUEDB_BENCH_QUESTIONS` 384 x f32. The server has one core, the client the other. `SECONDS` (5) is how long
//! each figure is measured. Invariant: an answer that is no success ends the bench.

#![expect(clippy::print_stdout, reason = "the figures are the output")]
#![expect(clippy::indexing_slicing, reason = "there are as many questions as are asked for")]
#![expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "figures")]

mod http;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use http::{Done, read_answer, read_vectors, seconds};
use rcgen::{CertificateParams, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value as Json, json};

const DATABASE: &str = "/api/v2/tenants/default_tenant/databases/default_database";
const CONNECTIONS: usize = 64;

trait Stream: Read + Write + Send {}
impl<S: Read + Write + Send> Stream for S {}

struct Server {
    name: &'static str,
    child: Child,
    port: u16,
    tls: Option<Arc<ClientConfig>>,
    token: String,
    collection: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn start(
        name: &'static str,
        db: &Path,
        args: &[String],
        tls: Option<Arc<ClientConfig>>,
        token: String,
    ) -> Done<Self> {
        let mut command = Command::new("taskset");
        command
            .args(["-c", "0", env!("CARGO_BIN_EXE_huedb"), "--db"])
            .arg(db)
            .args(["serve", "--port", "0"])
            .args(args);
        let mut child = command.stderr(Stdio::piped()).spawn()?;
        let mut stderr = BufReader::new(child.stderr.take().ok_or("no stderr")?);
        let mut line = String::new();
        while !line.contains("serving ") {
            line.clear();
            stderr.read_line(&mut line)?;
        }
        // Kept open: nobody reads on, and it says little more.
        std::mem::forget(stderr);
        let port = line.trim().rsplit(':').next().ok_or("no port")?.parse()?;
        let mut this = Self { name, child, port, tls, token, collection: String::new() };
        let listed = this.connect()?.good(&this.request("GET", &format!("{DATABASE}/collections"), ""))?;
        let listed: Json = serde_json::from_slice(&listed)?;
        this.collection = format!("{DATABASE}/collections/{}", listed[0]["id"].as_str().ok_or("no collection")?);
        Ok(this)
    }

    fn connect(&self) -> Done<Connection> {
        let stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_nodelay(true)?;
        let stream: Box<dyn Stream> = match &self.tls {
            None => Box::new(stream),
            Some(config) => {
                let client = ClientConnection::new(Arc::clone(config), "localhost".try_into()?)?;
                Box::new(StreamOwned::new(client, stream))
            }
        };
        Ok(Connection { stream: BufReader::new(stream) })
    }

    fn request(&self, method: &str, path: &str, body: &str) -> Vec<u8> {
        let length = body.len();
        let token = if self.token.is_empty() { String::new() } else { format!("x-chroma-token: {}\r\n", self.token) };
        format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n{token}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
    }
}

struct Connection {
    stream: BufReader<Box<dyn Stream>>,
}

impl Connection {
    fn good(&mut self, request: &[u8]) -> Done<Vec<u8>> {
        self.stream.get_mut().write_all(request)?;
        let (status, body) = read_answer(&mut self.stream)?;
        if matches!(status, 200 | 201) {
            Ok(body)
        } else {
            Err(format!("{status}: {}", String::from_utf8_lossy(&body)).into())
        }
    }
}

fn main() -> Done<()> {
    let file = PathBuf::from(std::env::var_os("HUEDB_BENCH_FILE").ok_or("HUEDB_BENCH_FILE is not set")?);
    let questions = std::env::var_os("HUEDB_BENCH_QUESTIONS").ok_or("HUEDB_BENCH_QUESTIONS is not set")?;
    let questions = read_vectors(&PathBuf::from(questions))?;
    let folder = tempfile::TempDir::new()?;
    let path = |name: &str| folder.path().join(name);
    for name in ["plain.redb", "guarded.redb"] {
        std::fs::copy(&file, path(name))?;
    }
    let mut create = Command::new(env!("CARGO_BIN_EXE_huedb"));
    create.arg("--db").arg(path("guarded.redb"));
    let made = create.args(["token", "create", "bench", "--role", "writer", "--database", "default_*"]).output()?;
    let token = String::from_utf8(made.stdout)?.trim().to_owned();
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new(vec!["localhost".into()])?.self_signed(&key)?;
    std::fs::write(path("cert.pem"), certificate.pem())?;
    std::fs::write(path("key.pem"), key.serialize_pem())?;
    let args = [("--tls-cert", "cert.pem"), ("--tls-key", "key.pem"), ("--audit", "audit.jsonl")];
    let args: Vec<String> =
        args.iter().flat_map(|(flag, name)| [(*flag).to_owned(), path(name).display().to_string()]).collect();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(certificate.der().to_vec()))?;
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?;
    let tls = Arc::new(tls.with_root_certificates(roots).with_no_client_auth());
    let servers = [
        Server::start("plain", &path("plain.redb"), &[], None, String::new())?,
        Server::start("guarded", &path("guarded.redb"), &args, Some(tls), token)?,
    ];
    let query = |server: &Server, question: &[f32]| {
        let body = json!({"query_embeddings": [question], "n_results": 10}).to_string();
        server.request("POST", &format!("{}/query", server.collection), &body)
    };
    compare(&servers, "questions_64", &|server| questions.iter().map(|question| query(server, question)).collect())?;
    compare(&servers, "counts_64", &|server| vec![server.request("GET", &format!("{}/count", server.collection), "")])?;
    compare(&servers, "adds_64", &|server| {
        let count = 6000 * seconds().as_secs() as usize;
        let add = |n: usize| {
            let id = format!("added-{}", ADDED.fetch_add(1, Ordering::Relaxed));
            let body = json!({"ids": [id], "embeddings": [questions[n % questions.len()]]}).to_string();
            server.request("POST", &format!("{}/add", server.collection), &body)
        };
        (0..count).map(add).collect()
    })
}

static ADDED: AtomicU64 = AtomicU64::new(0);

/// Measures both in turns, three times; prints the middle ones and their ratio.
fn compare(servers: &[Server; 2], figure: &str, requests: &dyn Fn(&Server) -> Vec<Vec<u8>>) -> Done<()> {
    let mut rates = [Vec::new(), Vec::new()];
    for _ in 0..3 {
        for (rates, server) in rates.iter_mut().zip(servers) {
            rates.push(rate(server, &requests(server))?);
        }
    }
    let [plain, guarded] = rates.map(|mut rates| {
        rates.sort_by(f64::total_cmp);
        rates[1]
    });
    for (server, rate) in servers.iter().zip([plain, guarded]) {
        println!(
            "{}",
            json!({"bench": "guards", "server": server.name, "figure": figure, "value": rate, "unit": "1/s"})
        );
    }
    println!("{}", json!({"bench": "guards", "figure": figure, "ratio": guarded / plain}));
    Ok(())
}

fn rate(server: &Server, requests: &[Vec<u8>]) -> Done<f64> {
    let (stop, next) = (AtomicBool::new(false), AtomicU64::new(0));
    let start = Instant::now();
    let counts: Vec<Result<u64, String>> = thread::scope(|scope| {
        let client = || {
            let run = || -> Done<u64> {
                let mut connection = server.connect()?;
                let mut count = 0;
                while !stop.load(Ordering::Relaxed) {
                    connection.good(&requests[next.fetch_add(1, Ordering::Relaxed) as usize % requests.len()])?;
                    count += 1;
                }
                Ok(count)
            };
            run().map_err(|error| error.to_string())
        };
        let clients: Vec<_> = (0..CONNECTIONS).map(|_| scope.spawn(client)).collect();
        thread::sleep(seconds());
        stop.store(true, Ordering::Relaxed);
        clients.into_iter().map(|client| client.join().unwrap_or_else(|_| Err("a client panicked".into()))).collect()
    });
    let count: u64 = counts.into_iter().collect::<Result<Vec<_>, _>>()?.iter().sum();
    Ok(count as f64 / start.elapsed().as_secs_f64())
}
