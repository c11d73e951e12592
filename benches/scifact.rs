//! How well and how fast a real corpus is found: `SciFact` in BEIR's form, through the command line.
//!
//! `HUEDB_BENCH_DATA=DIR cargo bench --bench scifact`; DIR holds corpus.jsonl, queries.jsonl and qrels.tsv. Prints one
//! JSON line a figure. Invariant: every figure comes from real processes and a real file.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a bench reports on the standard output")]

use std::collections::HashMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use serde_json::{Value as Json, json};

/// Hits that count.
const DEPTH: usize = 10;

/// Judgements: question, then document, then how relevant it is.
type Judgements = HashMap<String, HashMap<String, f64>>;

fn main() -> Result<(), Box<dyn Error>> {
    let Some(data) = std::env::var_os("HUEDB_BENCH_DATA").map(PathBuf::from) else {
        eprintln!("set HUEDB_BENCH_DATA to a folder with corpus.jsonl, queries.jsonl and qrels.tsv");
        return Ok(());
    };
    let folder = tempfile::TempDir::new()?;
    let file = folder.path().join("scifact.redb");
    let documents = std::fs::read_to_string(data.join("corpus.jsonl"))?.lines().count();
    huedb(&file, &["create", "scifact"])?;
    let start = Instant::now();
    huedb(&file, &["import", "scifact", &text(&data.join("corpus.jsonl")), "--document", "text"])?;
    let import_seconds = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let questions = text(&data.join("queries.jsonl"));
    let hits = huedb(
        &file,
        &["query", "scifact", "--input", &questions, "-n", "10", "--include", "distances", "-o", "jsonl"],
    )?;
    let query_seconds = start.elapsed().as_secs_f64();
    let judgements = judgements(&std::fs::read_to_string(data.join("qrels.tsv"))?)?;
    let dense = ndcg(&ranked(&hits)?, &judgements);
    let bytes = std::fs::metadata(&file)?.len();
    let start = Instant::now();
    huedb(&file, &["index", "build", "scifact", "--hybrid"])?;
    let words_seconds = start.elapsed().as_secs_f64();
    let bm25 = ndcg(&by_words(&file, &std::fs::read_to_string(data.join("queries.jsonl"))?)?, &judgements);
    let start = Instant::now();
    let fused = huedb(
        &file,
        &["query", "scifact", "--hybrid", "--input", &questions, "-n", "10", "--include", "distances", "-o", "jsonl"],
    )?;
    let hybrid_seconds = start.elapsed().as_secs_f64();
    let hybrid = ndcg(&ranked(&fused)?, &judgements);
    for (figure, value) in [
        ("ndcg_at_10", json!(dense)),
        ("ndcg_at_10_bm25", json!(bm25)),
        ("ndcg_at_10_hybrid", json!(hybrid)),
        ("documents", json!(documents)),
        ("import_seconds", json!(import_seconds)),
        ("query_batch_seconds", json!(query_seconds)),
        ("index_words_seconds", json!(words_seconds)),
        ("hybrid_batch_seconds", json!(hybrid_seconds)),
        ("file_bytes", json!(bytes)),
    ] {
        println!("{}", json!({"bench": "scifact", "figure": figure, "value": value}));
    }
    Ok(())
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Runs one command on the file and returns its output.
fn huedb(file: &Path, arguments: &[&str]) -> Result<String, Box<dyn Error>> {
    let output = Command::new(env!("CARGO_BIN_EXE_huedb")).args(arguments).env("HUEDB_FILE", file).output()?;
    if output.status.success() {
        Ok(String::from_utf8(output.stdout)?)
    } else {
        Err(format!("huedb {arguments:?}: {}", String::from_utf8_lossy(&output.stderr)).into())
    }
}

/// Returns the ids found for each question, nearest first.
fn ranked(hits: &str) -> Result<HashMap<String, Vec<String>>, Box<dyn Error>> {
    let mut ranked: HashMap<String, Vec<String>> = HashMap::new();
    for line in hits.lines() {
        let hit: Json = serde_json::from_str(line)?;
        let field = |name: &str| hit.get(name).and_then(Json::as_str).map(str::to_owned).ok_or("a hit without its ids");
        ranked.entry(field("query")?).or_default().push(field("id")?);
    }
    Ok(ranked)
}

/// Returns the ids that BM25 alone finds for each question, best first.
fn by_words(file: &Path, questions: &str) -> Result<HashMap<String, Vec<String>>, Box<dyn Error>> {
    let questions = questions.lines().map(serde_json::from_str).collect::<Result<Vec<Json>, _>>()?;
    let search = |question: &Json| {
        let text = question.get("text").or_else(|| question.get("query"));
        json!({"rank": {"$knn": {"query": text, "key": "#document", "limit": DEPTH}}})
    };
    let searches: Vec<Json> = questions.iter().map(search).collect();
    let request = tempfile::NamedTempFile::new()?;
    std::fs::write(request.path(), json!({ "searches": searches }).to_string())?;
    let response = huedb(file, &["search", "scifact", "--json", &format!("@{}", text(request.path()))])?;
    let response: Json = serde_json::from_str(&response)?;
    let found: Vec<Vec<String>> = serde_json::from_value(response.get("ids").cloned().unwrap_or_default())?;
    let id = |question: &Json| {
        question.get("id").and_then(Json::as_str).map(str::to_owned).ok_or("a question without its id")
    };
    questions.iter().zip(found).map(|(question, found)| Ok((id(question)?, found))).collect()
}

fn judgements(qrels: &str) -> Result<Judgements, Box<dyn Error>> {
    let mut judgements = Judgements::new();
    for line in qrels.lines().skip(1) {
        let mut fields = line.split('\t');
        let (Some(question), Some(document), Some(score)) = (fields.next(), fields.next(), fields.next()) else {
            return Err(format!("qrels.tsv: {line:?}").into());
        };
        judgements.entry(question.to_owned()).or_default().insert(document.to_owned(), score.trim().parse()?);
    }
    Ok(judgements)
}

/// The mean over judged questions of the discounted gain of the first ten, as a share of the best possible
/// (Jarvelin and Kekalainen, 2002; gain = score, discount = log2(rank + 1)).
fn ndcg(ranked: &HashMap<String, Vec<String>>, judgements: &Judgements) -> f64 {
    let discounted = |gains: &[f64]| -> f64 {
        gains.iter().take(DEPTH).zip(2_u32..).map(|(gain, place)| gain / f64::from(place).log2()).sum()
    };
    let of_question = |(question, relevant): (&String, &HashMap<String, f64>)| {
        let found = ranked.get(question).map(Vec::as_slice).unwrap_or_default();
        let gains: Vec<f64> = found.iter().map(|id| relevant.get(id).copied().unwrap_or(0.0)).collect();
        let mut best: Vec<f64> = relevant.values().copied().collect();
        best.sort_by(|a, b| b.total_cmp(a));
        discounted(&gains) / discounted(&best).max(f64::MIN_POSITIVE)
    };
    let all: Vec<f64> = judgements.iter().map(of_question).collect();
    let questions = u32::try_from(all.len()).map_or(f64::INFINITY, f64::from);
    all.iter().sum::<f64>() / questions
}
