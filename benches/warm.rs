//! A process that stays: questions to rows in memory beside `USearch`, beside a process that writes, from eight threads, and
//! durable adds from many.
//!
//! `cargo bench --bench warm`; one JSON line a figure, each beside its peer of the same run. `ROWS` (100,000) and `SECONDS`
//! (60) set the size; `HUEDB_BENCH_FILE` and `HUEDB_BENCH_QUESTIONS` (a file of 384 x f32, `NumPy`'s or bare) take real data
//! instead of made-up vectors, the first collection of the file. Invariant: every answer is compared with the exact one.

#![expect(clippy::print_stdout, reason = "the figures are the output")]
#![expect(clippy::indexing_slicing, reason = "there are as many questions as are asked for")]
#![expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "figures")]

use std::collections::HashSet;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use huedb::query::Query;
use huedb::record::{CollectionName, MetadataPatch, Ordinal, RecordId};
use huedb::store::{Access, Change, Collection, Include, NewCollection, Options, Store};
use serde_json::json;
use usearch::{Index, IndexOptions, MetricKind, ScalarKind};

const DIMENSION: usize = 384;
const HITS: usize = 10;
const QUESTIONS: usize = 1000;

type Done<T> = Result<T, Box<dyn Error>>;

fn main() -> Done<()> {
    let folder = tempfile::TempDir::new()?;
    let path = folder.path().join("warm.redb");
    let (name, questions) = match (std::env::var_os("HUEDB_BENCH_FILE"), std::env::var_os("HUEDB_BENCH_QUESTIONS")) {
        (Some(file), Some(questions)) => {
            std::fs::copy(file, &path)?;
            (first_collection(&path)?, read_vectors(&PathBuf::from(questions))?)
        }
        _ => ("warm".to_owned(), make(&path)?),
    };
    let questions: Vec<Vec<f32>> = questions.into_iter().take(QUESTIONS).collect();
    let options = Options { cache_bytes: 256 << 20, warm_bytes: 2 << 30, ..Options::default() };
    let store = Store::open_with(&path, Access::Write, &options)?;
    let collection = store.collection(&name)?;
    let alone = questions_alone(&collection, &questions)?;
    if std::env::var_os("ONLY_QUESTIONS").is_some() {
        return Ok(());
    }
    if collection.count()? <= 200_000 {
        beside_usearch(&collection, &questions, alone)?;
    }
    beside_commits(&collection, &path, &name, &questions, alone);
    eight_threads(&collection, &questions)?;
    adds(&store)
}

fn report(figure: &str, value: f64, unit: &str) {
    println!("{}", json!({"bench": "warm", "figure": figure, "value": value, "unit": unit}));
}

/// Milliseconds in the middle of all questions, asked by one thread.
fn questions_alone(collection: &Collection, questions: &[Vec<f32>]) -> Done<f64> {
    // The first ones read the rows.
    questions.iter().take(20).try_for_each(|question| ask(collection, question).map(drop))?;
    let mut taken = Vec::new();
    for question in questions {
        let start = Instant::now();
        ask(collection, question)?;
        taken.push(milliseconds(start));
    }
    report("question", middle(&mut taken), "ms");
    report("question_p99", taken.get(taken.len() * 99 / 100).copied().unwrap_or_default(), "ms");
    let exact = query(&questions[..questions.len().min(200)], 2).exact(true);
    let exact = collection.query(&exact)?.hits;
    let mut found = 0;
    for (question, exact) in questions.iter().zip(&exact) {
        let hits: HashSet<String> = ask(collection, question)?.into_iter().collect();
        found += exact.iter().filter(|hit| hits.contains(hit.record.id.as_str())).count();
    }
    report("recall", found as f64 / (exact.len() * HITS) as f64, "");
    Ok(middle(&mut taken))
}

fn beside_usearch(collection: &Collection, questions: &[Vec<f32>], alone: f64) -> Done<()> {
    let view = collection.view()?;
    let options = IndexOptions {
        dimensions: DIMENSION,
        metric: MetricKind::Cos,
        quantization: ScalarKind::BF16,
        connectivity: 16,
        expansion_add: 128,
        expansion_search: 64,
        ..IndexOptions::default()
    };
    let index = Index::new(&options)?;
    index.reserve_capacity_and_threads(view.end().0 as usize, 2)?;
    let next = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let row = next.fetch_add(1, Ordering::Relaxed);
                    if row >= view.end().0 {
                        return;
                    }
                    if let Ok(embedding) = view.embedding(Ordinal(row)) {
                        let _ = index.add(row, &embedding);
                    }
                }
            });
        }
    });
    let exact = collection.query(&query(&questions[..200], 2).exact(true))?.hits;
    let ids: Vec<String> = view
        .live()
        .iter()
        .map(|o| Ok(view.record(Ordinal(o), Include::NONE)?.id.to_string()))
        .collect::<huedb::error::Result<_>>()?;
    for expansion in [64, 96, 128, 192, 256, 384, 512] {
        index.change_expansion_search(expansion);
        let mut found = 0;
        for (question, exact) in questions.iter().zip(&exact) {
            let keys: HashSet<&str> = index
                .search(question, HITS)?
                .keys
                .iter()
                .filter_map(|key| ids.get(*key as usize).map(String::as_str))
                .collect();
            found += exact.iter().filter(|hit| keys.contains(hit.record.id.as_str())).count();
        }
        let recall = found as f64 / (exact.len() * HITS) as f64;
        if recall < 0.99 && expansion < 512 {
            continue;
        }
        let mut taken = Vec::new();
        for question in questions {
            let start = Instant::now();
            index.search(question, HITS)?;
            taken.push(milliseconds(start));
        }
        report("usearch_bf16", middle(&mut taken), "ms");
        report("usearch_bf16_recall", recall, "");
        report("question_against_usearch", alone / middle(&mut taken), "times");
        return Ok(());
    }
    Ok(())
}

/// The same while another process commits once a second.
fn beside_commits(collection: &Collection, path: &Path, name: &str, questions: &[Vec<f32>], alone: f64) {
    let done = AtomicBool::new(false);
    let taken = thread::scope(|scope| {
        scope.spawn(|| {
            let mut row = 0;
            while !done.load(Ordering::Relaxed) {
                row += 1;
                let embedding = serde_json::to_string(&questions[row % questions.len()]).unwrap_or_default();
                let status = Command::new(env!("CARGO_BIN_EXE_huedb"))
                    .args(["--db".as_ref(), path.as_os_str()])
                    .args(["add", name, "--id", &format!("beside-{row}"), "--embedding", &embedding, "--quiet"])
                    .status();
                assert!(status.is_ok_and(|status| status.success()), "the other process failed");
                thread::sleep(Duration::from_millis(950));
            }
        });
        let mut taken = Vec::new();
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(10) {
            for question in questions.iter().take(50) {
                let start = Instant::now();
                if ask(collection, question).is_err() {
                    break;
                }
                taken.push(milliseconds(start));
            }
        }
        done.store(true, Ordering::Relaxed);
        taken
    });
    let mean = taken.iter().sum::<f64>() / taken.len().max(1) as f64;
    let mut sorted = taken;
    report("question_beside_commits", middle(&mut sorted), "ms");
    report("question_beside_commits_mean", mean, "ms");
    report("beside_commits_against_alone", middle(&mut sorted) / alone, "times");
}

/// Nine questions and an add in turn, from one thread and from eight.
fn eight_threads(collection: &Collection, questions: &[Vec<f32>]) -> Done<()> {
    let seconds = std::env::var("SECONDS").map_or(Ok(60), |seconds| seconds.parse())?;
    let mixed = |threads: u64, seconds: u64| -> (f64, f64) {
        let (asked, failed) = (AtomicU64::new(0), AtomicU64::new(0));
        let end = Instant::now() + Duration::from_secs(seconds);
        let start = Instant::now();
        thread::scope(|scope| {
            for thread in 0..threads {
                let (asked, failed) = (&asked, &failed);
                scope.spawn(move || {
                    for n in 0_u64.. {
                        if Instant::now() >= end {
                            return;
                        }
                        let question = &questions[(n as usize * 7 + thread as usize) % questions.len()];
                        let result = if n % 10 == 9 {
                            let id = format!("mixed-{threads}-{thread}-{n}-{}", start.elapsed().as_nanos());
                            change(&id, question.clone()).and_then(|change| Ok(collection.add([change]).map(drop)?))
                        } else {
                            asked.fetch_add(1, Ordering::Relaxed);
                            ask(collection, question).map(drop)
                        };
                        failed.fetch_add(u64::from(result.is_err()), Ordering::Relaxed);
                    }
                });
            }
        });
        let failed = failed.load(Ordering::Relaxed);
        assert!(failed == 0, "{failed} requests failed");
        (asked.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64(), resident_megabytes())
    };
    let (one, _) = mixed(1, seconds / 6 + 1);
    let (_, before) = mixed(8, seconds / 6 + 1);
    let (eight, after) = mixed(8, seconds);
    report("mixed_1_thread", one, "questions/s");
    report("mixed_8_threads", eight, "questions/s");
    report("mixed_8_against_1", eight / one, "times");
    report("memory_before", before, "MB");
    report("memory_after", after, "MB");
    Ok(())
}

/// Durable adds of one record from one thread and from 64.
fn adds(store: &Store) -> Done<()> {
    let new = store.create_collection(CollectionName::parse("adds")?, NewCollection::default())?;
    let collection = store.collection(new.name.as_str())?;
    let rate = |threads: usize, each: usize| -> Done<f64> {
        let start = Instant::now();
        thread::scope(|scope| {
            for thread in 0..threads {
                let collection = &collection;
                scope.spawn(move || {
                    for n in 0..each {
                        let mut embedding = vec![0.5; DIMENSION];
                        embedding[n % DIMENSION] += thread as f32;
                        let added = change(&format!("{threads}-{thread}-{n}"), embedding)
                            .and_then(|change| Ok(collection.add([change])?));
                        assert!(added.is_ok(), "{added:?}");
                    }
                });
            }
        });
        Ok((threads * each) as f64 / start.elapsed().as_secs_f64())
    };
    let one = rate(1, 200)?;
    let many = rate(64, 50)?;
    report("adds_1_thread", one, "records/s");
    report("adds_64_threads", many, "records/s");
    report("adds_64_against_1", many / one, "times");
    Ok(())
}

fn query(questions: &[Vec<f32>], threads: usize) -> Query {
    Query::vectors(questions.to_vec()).top(HITS).include(Include::NONE).threads(threads)
}

fn ask(collection: &Collection, question: &[f32]) -> Done<Vec<String>> {
    let hits = collection.query(&query(&[question.to_vec()], 1))?.hits;
    Ok(hits.into_iter().flatten().map(|hit| hit.record.id.to_string()).collect())
}

fn change(id: &str, embedding: Vec<f32>) -> Done<Change> {
    Ok(Change {
        id: RecordId::parse(id)?,
        embedding: Some(embedding),
        embedded_here: false,
        document: None,
        uri: None,
        metadata: MetadataPatch::default(),
    })
}

fn first_collection(path: &Path) -> Done<String> {
    let collections = Store::open(path, Access::Read)?.collections()?;
    Ok(collections.first().ok_or("the file has no collection")?.0.name.to_string())
}

/// Reads vectors; a `NumPy` file's header is passed over.
fn read_vectors(path: &Path) -> Done<Vec<Vec<f32>>> {
    let bytes = std::fs::read(path)?;
    let skip =
        if bytes.starts_with(b"\x93NUMPY") { 10 + usize::from(bytes[8]) + 256 * usize::from(bytes[9]) } else { 0 };
    let floats: Vec<f32> = bytes[skip..].as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    Ok(floats.chunks_exact(DIMENSION).map(<[f32]>::to_vec).collect())
}

/// Fills a file with vectors around centres of unequal size; returns questions of the same kind.
fn make(path: &Path) -> Done<Vec<Vec<f32>>> {
    let rows: usize = std::env::var("ROWS").map_or(Ok(100_000), |rows| rows.parse())?;
    let store = Store::open(path, Access::Create)?;
    store.create_collection(CollectionName::parse("warm")?, NewCollection::default())?;
    let collection = store.collection("warm")?;
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut component = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    let centres: Vec<Vec<f32>> = (0..3000).map(|_| (0..DIMENSION).map(|_| component()).collect()).collect();
    let mut vector = || -> Vec<f32> {
        let centre = &centres[((component() * component()).abs() * 3000.0) as usize % centres.len()];
        centre.iter().map(|x| x + 0.7 * component()).collect()
    };
    for first in (0..rows).step_by(8192) {
        let batch = (first..rows.min(first + 8192)).map(|row| change(&format!("r{row}"), vector()));
        collection.add(batch.collect::<Done<Vec<_>>>()?)?;
    }
    collection.settle()?;
    Ok((0..QUESTIONS).map(|_| vector()).collect())
}

fn milliseconds(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}

fn middle(taken: &mut [f64]) -> f64 {
    taken.sort_by(f64::total_cmp);
    taken.get(taken.len() / 2).copied().unwrap_or_default()
}

fn resident_megabytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kilobytes.unwrap_or_default() / 1024.0
}
