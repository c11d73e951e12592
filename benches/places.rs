//! Servers over PostgreSQL: questions through one beside the bare SQL, one server beside two, and their answers beside the file's.
//!
//! `cargo bench --bench places`, after `make postgres`; one JSON line a figure. `HUEDB_BENCH_FILE` is a file whose first
//! collection has 384 x f32 embeddings, `HUEDB_BENCH_QUESTIONS` 384 x f32 as `NumPy` writes them, `SECONDS` (5) how long each
//! figure is measured. Records reach the database by requests, and the graph is built once they are there. Invariants: the
//! bare SQL walks the same graph with the same settings; an answer that is no success ends the bench.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the figures are the output")]
#![expect(clippy::indexing_slicing, reason = "there are as many questions as are asked for")]
#![expect(clippy::cast_precision_loss, reason = "figures")]

mod http;
#[path = "../tests/shared/postgres.rs"]
#[allow(dead_code, clippy::unwrap_used, reason = "of the tests, which use other parts of it and are meant to panic")]
mod postgres_server;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use http::{Done, read_answer, read_vectors, seconds};
use huedb::record::Ordinal;
use huedb::store::{Access, Include, Options, Store};
use huedb::{Query, View};
use postgres_server::Postgres;
use serde_json::{Value as Json, json};

const DATABASE: &str = "tenants/default_tenant/databases/default_database/collections";
const BATCH: usize = 5000;
/// Questions that recall is measured with.
const ASKED: usize = 200;

struct Pod {
    child: Child,
    port: u16,
}

impl Drop for Pod {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Pod {
    fn start(address: &str) -> Done<Self> {
        let mut command =
            Command::new(std::env::var("HUEDB_BENCH_BIN").unwrap_or_else(|_| env!("CARGO_BIN_EXE_huedb").into()));
        command.args(["--db", address, "serve", "--port", "0"]).env("HUEDB_CONFIG", "/dev/null");
        let mut child = command.stderr(Stdio::piped()).spawn()?;
        let mut stderr = BufReader::new(child.stderr.take().ok_or("no stderr")?);
        let mut line = String::new();
        while !line.contains("serving ") {
            line.clear();
            if stderr.read_line(&mut line)? == 0 {
                return Err("it ended".into());
            }
        }
        // Kept open, and read by nobody.
        std::mem::forget(stderr);
        Ok(Self { child, port: line.trim().rsplit(':').next().ok_or("no port")?.parse()? })
    }

    fn open(&self) -> Done<BufReader<TcpStream>> {
        let stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_nodelay(true)?;
        Ok(BufReader::new(stream))
    }
}

fn post(stream: &mut BufReader<TcpStream>, path: &str, body: &Json) -> Done<Json> {
    let body = body.to_string();
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    );
    stream.get_mut().write_all(format!("{head}{body}").as_bytes())?;
    match read_answer(stream)? {
        (200 | 201, body) => Ok(serde_json::from_slice(&body).unwrap_or_default()),
        (status, body) => Err(format!("{status}: {}", String::from_utf8_lossy(&body)).into()),
    }
}

fn report(figure: &str, value: f64, unit: &str) {
    println!("{}", json!({"bench": "places", "figure": figure, "value": value, "unit": unit}));
}

fn main() -> Done<()> {
    let file = PathBuf::from(std::env::var_os("HUEDB_BENCH_FILE").ok_or("HUEDB_BENCH_FILE is not set")?);
    let questions = std::env::var_os("HUEDB_BENCH_QUESTIONS").ok_or("HUEDB_BENCH_QUESTIONS is not set")?;
    let questions = read_vectors(&PathBuf::from(questions))?;
    let settings = ["shared_buffers=1GB", "maintenance_work_mem=1GB"];
    let Some(postgres) = Postgres::start("the bench of places", &settings) else { return Ok(()) };
    let address = postgres.database();
    let pods = [Pod::start(&address)?, Pod::start(&address)?];
    let store = Store::open_with(&file, Access::Read, &Options::default())?;
    let (info, _) = store.collections()?.into_iter().next().ok_or("no collection")?;
    let view = store.view(info.name.as_str())?;
    let id = load(&pods[0], &view)?;
    recall(&pods[0], &id, &view, &questions)?;
    beside_sql(&pods[0], &id, &postgres, &address, &questions)?;
    let one = throughput("one_server", &pods[..1], &id, &postgres, &questions)?;
    let two = throughput("two_servers", &pods, &id, &postgres, &questions)?;
    report("two_servers_beside_one", two / one, "times");
    Ok(())
}

/// Copies the records of the file; returns the identity of the copy.
fn load(pod: &Pod, view: &View) -> Done<String> {
    let mut stream = pod.open()?;
    let hnsw = json!({"space": view.info().space.as_str()});
    let body = json!({"name": "glosses", "configuration": {"hnsw": hnsw}});
    let made = post(&mut stream, &format!("/api/v2/{DATABASE}"), &body)?;
    let id = made["id"].as_str().ok_or("no id")?.to_owned();
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
        post(&mut stream, &format!("/api/v2/{DATABASE}/{id}/add"), &body)?;
    }
    report("load", live.len() as f64 / start.elapsed().as_secs_f64(), "records/s");
    let start = Instant::now();
    index(pod, &id)?;
    report("graph", live.len() as f64 / start.elapsed().as_secs_f64(), "records/s");
    Ok(id)
}

/// Has the graph built; its answer comes in pieces, of which the last one counts.
fn index(pod: &Pod, id: &str) -> Done<()> {
    let mut stream = pod.open()?;
    let head = format!(
        "POST /huedb/v1/{DATABASE}/{id}/index HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    );
    stream.get_mut().write_all(head.as_bytes())?;
    let said = std::io::read_to_string(stream)?;
    eprintln!("{}", said.lines().rfind(|line| line.starts_with('{')).unwrap_or(&said));
    if said.contains("\"built\":true") { Ok(()) } else { Err("the graph was not built".into()) }
}

fn ids_of(answer: &Json) -> Vec<String> {
    let ids = answer["ids"][0].as_array().into_iter().flatten();
    ids.filter_map(|id| Some(id.as_str()?.to_owned())).collect()
}

fn recall(pod: &Pod, id: &str, view: &View, questions: &[Vec<f32>]) -> Done<()> {
    let mut stream = pod.open()?;
    let (mut found, mut there) = (0, 0);
    for question in questions.iter().take(ASKED) {
        let body = json!({"query_embeddings": [question], "n_results": 10, "include": []});
        let ids = ids_of(&post(&mut stream, &format!("/api/v2/{DATABASE}/{id}/query"), &body)?);
        let exact = view.query(&Query::vectors(vec![question.clone()]).top(10).exact(true))?;
        let exact: Vec<&str> = exact.hits[0].iter().map(|hit| hit.record.id.as_str()).collect();
        there += exact.len();
        found += exact.iter().filter(|id| ids.iter().any(|found| found == *id)).count();
    }
    report("recall_beside_file", found as f64 / there as f64, "share");
    Ok(())
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// One question at a time, in turns.
fn beside_sql(pod: &Pod, id: &str, postgres: &Postgres, address: &str, questions: &[Vec<f32>]) -> Done<()> {
    let mut client = postgres.client(address.rsplit_once('/').ok_or("no database")?.1);
    let row = client.query_one("select number, space from huedb.collection where id::text = $1", &[&id])?;
    let (number, space): (i64, String) = (row.get(0), row.get(1));
    let operator = match space.as_str() {
        "l2" => "<->",
        "ip" => "<#>",
        _ => "<=>",
    };
    client.batch_execute("set hnsw.ef_search = 100; set hnsw.iterative_scan = strict_order")?;
    let dimension = questions[0].len();
    let column = format!("(embedding::vector({dimension}))");
    let sql = format!(
        "select id, document, metadata::text, {column} {operator} $1::real[]::vector({dimension}) from huedb.c_{number} \
         order by {column} {operator} $1::real[]::vector({dimension}) limit 10"
    );
    let bare = client.prepare(&sql)?;
    let mut stream = pod.open()?;
    let path = format!("/api/v2/{DATABASE}/{id}/query");
    let (mut of_sql, mut of_pod) = (Vec::new(), Vec::new());
    let end = Instant::now() + 2 * seconds();
    for question in questions.iter().cycle().take_while(|_| Instant::now() < end) {
        let start = Instant::now();
        client.query(&bare, &[question])?;
        of_sql.push(start.elapsed().as_secs_f64() * 1000.0);
        let body = json!({"query_embeddings": [question], "n_results": 10});
        let start = Instant::now();
        post(&mut stream, &path, &body)?;
        of_pod.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    let (of_sql, of_pod) = (median(of_sql), median(of_pod));
    report("question_by_sql", of_sql, "ms");
    report("question_through_server", of_pod, "ms");
    report("server_beside_sql", of_pod / of_sql, "times");
    Ok(())
}

/// Eight connections, spread over servers; returns how many questions a second are answered.
fn throughput(name: &str, pods: &[Pod], id: &str, postgres: &Postgres, questions: &[Vec<f32>]) -> Done<f64> {
    let next = AtomicUsize::new(0);
    let of_pods = || pods.iter().map(|pod| used(&pod.child.id().to_string())).sum::<f64>();
    let (before, database_before) = (of_pods(), used_by_database(postgres));
    let start = Instant::now();
    let end = start + seconds();
    let failed = thread::scope(|scope| {
        let ask = |at: usize| -> Result<(), String> {
            let mut stream = pods[at % pods.len()].open().map_err(|error| error.to_string())?;
            while Instant::now() < end {
                let question = &questions[next.fetch_add(1, Ordering::Relaxed) % questions.len()];
                let body = json!({"query_embeddings": [question], "n_results": 10});
                let path = format!("/api/v2/{DATABASE}/{id}/query");
                post(&mut stream, &path, &body).map_err(|error| error.to_string())?;
            }
            Ok(())
        };
        let asking: Vec<_> = (0..8).map(|at| scope.spawn(move || ask(at))).collect();
        asking.into_iter().find_map(|thread| thread.join().ok()?.err())
    });
    if let Some(why) = failed {
        return Err(why.into());
    }
    let answered = next.load(Ordering::Relaxed) as f64;
    let rate = answered / start.elapsed().as_secs_f64();
    report(&format!("{name}_questions"), rate, "1/s");
    report(&format!("{name}_processor"), (of_pods() - before) * 1000.0 / answered, "ms a question");
    let of_database = (used_by_database(postgres) - database_before) * 1000.0 / answered;
    report(&format!("{name}_processor_of_database"), of_database, "ms a question");
    Ok(rate)
}

/// Returns the seconds of a processor that a process has used.
fn used(pid: &str) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields: Vec<&str> =
        stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().collect()).unwrap_or_default();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or_default();
    (ticks(11) + ticks(12)) / 100.0
}

/// Returns what all processes of the database that run have used.
fn used_by_database(postgres: &Postgres) -> f64 {
    let pid = std::fs::read_to_string(postgres.folder().join("data/postmaster.pid")).unwrap_or_default();
    let pid = pid.lines().next().unwrap_or_default().to_owned();
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    children.split_whitespace().map(used).sum()
}
