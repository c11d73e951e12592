//! The server under load beside Chroma's, each on one core and the client on the other, taking turns.
//!
//! `cargo bench --bench serve`; one JSON line a figure. `HUEDB_BENCH_FILE` is a file whose first collection has 384 x f32
//! embeddings, documents and metadata (`pos`, a string; `offset`, a number), `HUEDB_BENCH_QUESTIONS` 384 x f32 as
//! `NumPy` writes them; `HUEDB_BENCH_CHROMA` is Chroma's command, left out where it is not set. `SECONDS` (5) is how long each
//! figure is measured, `HUEDB_BENCH_ONLY` a part of the names of the figures that are. Records reach both servers by the same
//! requests. Invariant: an answer that is no success ends the bench.

#![expect(clippy::print_stdout, reason = "the figures are the output")]
#![expect(clippy::indexing_slicing, reason = "there are as many questions as are asked for")]
#![expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "figures")]

mod http;

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use http::{Done, read_answer, read_vectors, seconds};
use huedb::record::Ordinal;
use huedb::store::{Access, Include, Options, Store};
use serde_json::{Value as Json, json};

const DATABASE: &str = "/api/v2/tenants/default_tenant/databases/default_database";
const BATCH: usize = 5000;

struct Server {
    name: &'static str,
    child: Child,
    port: u16,
    collection: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One kept connection.
struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    fn open(port: u16) -> Done<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Sends a request that is written out; returns the status and the body.
    fn send(&mut self, request: &[u8]) -> Done<(u16, Vec<u8>)> {
        self.stream.get_mut().write_all(request)?;
        read_answer(&mut self.stream)
    }

    fn good(&mut self, request: &[u8]) -> Done<Vec<u8>> {
        match self.send(request)? {
            (200 | 201, body) => Ok(body),
            (status, body) => Err(format!("{status}: {}", String::from_utf8_lossy(&body)).into()),
        }
    }
}

fn request(method: &str, path: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

fn main() -> Done<()> {
    let file = PathBuf::from(std::env::var_os("HUEDB_BENCH_FILE").ok_or("HUEDB_BENCH_FILE is not set")?);
    let questions = std::env::var_os("HUEDB_BENCH_QUESTIONS").ok_or("HUEDB_BENCH_QUESTIONS is not set")?;
    let questions = read_vectors(&PathBuf::from(questions))?;
    let folder = tempfile::TempDir::new()?;
    let mut servers = vec![start_huedb(&folder.path().join("serve.redb"))?];
    if let Some(chroma) = std::env::var_os("HUEDB_BENCH_CHROMA") {
        servers.push(start_chroma(Path::new(&chroma), folder.path())?);
    }
    for server in &mut servers {
        load(server, &file)?;
    }
    for server in &mut servers {
        restart(server, folder.path(), &questions)?;
    }
    if servers.len() > 1 {
        recall(&servers, &questions)?;
    }
    for connections in [1, 8, 64] {
        each(&servers, &format!("questions_{connections}"), connections, &queries(&questions, &json!({})))?;
    }
    for (name, filter) in
        [("filter_1", json!({"offset": {"$lt": 62_000}})), ("filter_50", json!({"offset": {"$lt": 2_900_000}}))]
    {
        each(&servers, name, 8, &queries(&questions, &json!({ "where": filter })))?;
    }
    for server in &servers {
        memory(server, "memory_after_questions");
    }
    for writers in [1, 8, 64] {
        adds(&servers, writers, &questions)?;
    }
    upserts(&servers, &questions)?;
    mixed(&servers, &questions)
}

fn is_wanted(figure: &str) -> bool {
    std::env::var("HUEDB_BENCH_ONLY").map_or(true, |part| figure.contains(&part))
}

fn report(server: &str, figure: &str, value: f64, unit: &str) {
    println!("{}", json!({"bench": "serve", "server": server, "figure": figure, "value": value, "unit": unit}));
}

fn start_huedb(db: &Path) -> Done<Server> {
    let mut command = Command::new("taskset");
    let bin = std::env::var("HUEDB_BENCH_BIN").unwrap_or_else(|_| env!("CARGO_BIN_EXE_huedb").into());
    command.args(["-c", "0", &bin, "--db"]).arg(db).args(["serve", "--port", "0"]);
    let mut child = command.stderr(Stdio::piped()).spawn()?;
    let mut line = String::new();
    let mut stderr = BufReader::new(child.stderr.take().ok_or("no stderr")?);
    stderr.read_line(&mut line)?;
    // Kept open: nobody reads on, and it says nothing more.
    std::mem::forget(stderr);
    let port = line.trim().rsplit(':').next().ok_or("no port")?.parse()?;
    Ok(Server { name: "huedb", child, port, collection: String::new() })
}

fn start_chroma(chroma: &Path, folder: &Path) -> Done<Server> {
    let port = 18_231;
    let mut command = Command::new("taskset");
    command
        .args(["-c", "0"])
        .arg(chroma)
        .args(["run", "--port", &port.to_string(), "--path"])
        .arg(folder.join("chroma"));
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let deadline = Instant::now() + Duration::from_mins(1);
    while !is_ready(port) {
        if Instant::now() > deadline {
            return Err("Chroma does not start".into());
        }
        thread::sleep(Duration::from_millis(2));
    }
    Ok(Server { name: "chroma", child, port, collection: String::new() })
}

fn is_ready(port: u16) -> bool {
    let asked =
        Connection::open(port).and_then(|mut connection| connection.send(&request("GET", "/api/v2/heartbeat", "")));
    asked.is_ok_and(|(status, _)| status == 200)
}

/// Makes the collection and adds all records of the file to it.
fn load(server: &mut Server, file: &Path) -> Done<()> {
    let mut connection = Connection::open(server.port)?;
    let body = json!({"name": "glosses"}).to_string();
    let made: Json =
        serde_json::from_slice(&connection.good(&request("POST", &format!("{DATABASE}/collections"), &body))?)?;
    server.collection = format!("{DATABASE}/collections/{}", made["id"].as_str().ok_or("no id")?);
    let store = Store::open_with(file, Access::Read, &Options::default())?;
    let (name, _) =
        store.collections()?.into_iter().next().map(|(info, counts)| (info.name, counts)).ok_or("no collection")?;
    let view = store.view(name.as_str())?;
    let live: Vec<u64> = view.live().iter().collect();
    let start = Instant::now();
    for batch in live.chunks(BATCH) {
        let (mut ids, mut embeddings, mut documents, mut metadatas) = (vec![], vec![], vec![], vec![]);
        for ordinal in batch {
            let record = view.record(Ordinal(*ordinal), Include::ALL)?;
            ids.push(record.id.as_str().to_owned());
            embeddings.push(record.embedding.unwrap_or_default());
            documents.push(record.document);
            metadatas.push(record.metadata.map(|metadata| metadata.to_json()));
        }
        let body = json!({"ids": ids, "embeddings": embeddings, "documents": documents, "metadatas": metadatas});
        connection.good(&request("POST", &format!("{}/add", server.collection), &body.to_string()))?;
    }
    report(server.name, "load", live.len() as f64 / start.elapsed().as_secs_f64(), "records/s");
    Ok(())
}

/// Stops a server and measures how soon its first answer comes once it is started again.
fn restart(server: &mut Server, folder: &Path, questions: &[Vec<f32>]) -> Done<()> {
    let _ = Command::new("kill").arg(server.child.id().to_string()).status();
    server.child.wait()?;
    let collection = std::mem::take(&mut server.collection);
    let start = Instant::now();
    let started = if server.name == "huedb" {
        start_huedb(&folder.join("serve.redb"))?
    } else {
        let chroma = std::env::var_os("HUEDB_BENCH_CHROMA").ok_or("no Chroma")?;
        start_chroma(Path::new(&chroma), folder)?
    };
    *server = started;
    server.collection = collection;
    let mut connection = Connection::open(server.port)?;
    memory(server, "memory_started");
    connection.good(&query(server, &questions[0], &json!({})))?;
    report(server.name, "start_to_first_answer", start.elapsed().as_secs_f64() * 1000.0, "ms");
    Ok(())
}

fn memory(server: &Server, figure: &str) {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.child.id())).unwrap_or_default();
    let resident =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse::<f64>().ok());
    report(server.name, figure, resident.unwrap_or_default() / 1024.0, "MiB");
}

fn query(server: &Server, question: &[f32], more: &Json) -> Vec<u8> {
    let mut body = json!({"query_embeddings": [question], "n_results": 10});
    if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
        body.extend(more.clone());
    }
    request("POST", &format!("{}/query", server.collection), &body.to_string())
}

fn queries<'a>(questions: &'a [Vec<f32>], more: &'a Json) -> impl Fn(&Server) -> Vec<Vec<u8>> + 'a {
    move |server| questions.iter().map(|question| query(server, question, more)).collect()
}

/// The share of the ten nearest that both name.
fn recall(servers: &[Server], questions: &[Vec<f32>]) -> Done<()> {
    let mut same = 0;
    let mut connections = [Connection::open(servers[0].port)?, Connection::open(servers[1].port)?];
    for question in questions.iter().take(200) {
        let mut ids = Vec::new();
        for (server, connection) in servers.iter().zip(&mut connections) {
            let answer: Json = serde_json::from_slice(&connection.good(&query(server, question, &json!({})))?)?;
            ids.push(answer["ids"][0].as_array().cloned().unwrap_or_default());
        }
        same += ids[0].iter().filter(|id| ids[1].contains(id)).count();
    }
    report("both", "hits_in_common", same as f64 / 2000.0, "");
    Ok(())
}

/// Has every server answer requests over so many connections, three times in turn; reports the middle ones.
fn each(servers: &[Server], figure: &str, connections: usize, requests: &dyn Fn(&Server) -> Vec<Vec<u8>>) -> Done<()> {
    if !is_wanted(figure) {
        return Ok(());
    }
    let mut rates = vec![Vec::new(); servers.len()];
    let mut slow = vec![Vec::new(); servers.len()];
    for _ in 0..3 {
        for (at, server) in servers.iter().enumerate() {
            let (rate, p99) = load_with(server, connections, &requests(server))?;
            rates[at].push(rate);
            slow[at].push(p99);
        }
    }
    for (at, server) in servers.iter().enumerate() {
        report(server.name, figure, middle(&mut rates[at]), "1/s");
        report(server.name, &format!("{figure}_p99"), middle(&mut slow[at]), "ms");
    }
    Ok(())
}

/// Requests a second, and the milliseconds that one of a hundred takes longer than.
fn load_with(server: &Server, connections: usize, requests: &[Vec<u8>]) -> Done<(f64, f64)> {
    let stop = AtomicBool::new(false);
    let next = AtomicU64::new(0);
    let start = Instant::now();
    let results: Vec<Result<Vec<f64>, String>> = thread::scope(|scope| {
        let client = || {
            let run = || -> Done<Vec<f64>> {
                let mut connection = Connection::open(server.port)?;
                let mut taken = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let at = next.fetch_add(1, Ordering::Relaxed) as usize % requests.len();
                    let begun = Instant::now();
                    connection.good(&requests[at])?;
                    taken.push(begun.elapsed().as_secs_f64() * 1000.0);
                }
                Ok(taken)
            };
            run().map_err(|error| error.to_string())
        };
        let clients: Vec<_> = (0..connections).map(|_| scope.spawn(client)).collect();
        thread::sleep(seconds());
        stop.store(true, Ordering::Relaxed);
        clients.into_iter().map(|client| client.join().unwrap_or_else(|_| Err("a client panicked".into()))).collect()
    });
    let elapsed = start.elapsed().as_secs_f64();
    let mut taken: Vec<f64> = results.into_iter().collect::<Result<Vec<_>, _>>()?.concat();
    taken.sort_by(f64::total_cmp);
    Ok((taken.len() as f64 / elapsed, taken[taken.len() * 99 / 100]))
}

static ADDED: AtomicU64 = AtomicU64::new(0);

fn add(server: &Server, question: &[f32]) -> Vec<u8> {
    let id = format!("added-{}", ADDED.fetch_add(1, Ordering::Relaxed));
    let body =
        json!({"ids": [id], "embeddings": [question], "documents": ["a record"], "metadatas": [{"pos": "noun"}]});
    request("POST", &format!("{}/add", server.collection), &body.to_string())
}

fn adds(servers: &[Server], writers: usize, questions: &[Vec<f32>]) -> Done<()> {
    // More than can be answered in the time, so that no id comes twice.
    let count = 6000 * seconds().as_secs() as usize;
    let requests = |server: &Server| (0..count).map(|n| add(server, &questions[n % questions.len()])).collect();
    each(servers, &format!("adds_{writers}"), writers, &requests)
}

fn upserts(servers: &[Server], questions: &[Vec<f32>]) -> Done<()> {
    let body = |batch: usize| {
        let mut text = String::from("{\"ids\":[");
        for n in 0..5461 {
            let _ = write!(text, "{}\"upserted-{}\"", if n == 0 { "" } else { "," }, batch * 5461 + n);
        }
        text.push_str("],\"embeddings\":[");
        for n in 0..5461 {
            let vector = serde_json::to_string(&questions[(n * 7 + batch) % questions.len()]).unwrap_or_default();
            let _ = write!(text, "{}{vector}", if n == 0 { "" } else { "," });
        }
        text.push_str("]}");
        text
    };
    let requests = |server: &Server| {
        (0..3).map(|batch| request("POST", &format!("{}/upsert", server.collection), &body(batch))).collect()
    };
    each(servers, "upserts_of_5461", 1, &requests)
}

/// Nine questions to one add, over 16 connections: how long a question takes then.
fn mixed(servers: &[Server], questions: &[Vec<f32>]) -> Done<()> {
    let requests = |server: &Server| {
        let one = |(n, question): (usize, &Vec<f32>)| {
            if n % 10 == 9 { add(server, question) } else { query(server, question, &json!({})) }
        };
        questions.iter().cycle().take(4000 * seconds().as_secs() as usize).enumerate().map(one).collect()
    };
    each(servers, "mixed_16", 16, &requests)
}

fn middle(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
