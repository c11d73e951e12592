//! What each way to search takes, beside what the plan expects of it: the check on the constants of `query/plan.rs`.
//!
//! `cargo bench --bench plan`; ROWS sets the size (100,000). Prints one JSON line a figure: microseconds of one core,
//! measured with one thread, in the middle of five runs. Invariant: every figure is a whole query of a real file.

#![allow(clippy::print_stdout, reason = "a bench reports on the standard output")]

use std::error::Error;
use std::time::Instant;

use huedb::index::{build_graph, unwatched};
use huedb::query::{AccessPath, Filter, Query};
use huedb::record::{CollectionName, MetadataPatch, RecordId};
use huedb::store::{Access, Change, Include, NewCollection, Store};
use serde_json::json;

const DIMENSION: usize = 384;
const RUNS: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    let rows: u64 = std::env::var("ROWS").map_or(Ok(100_000), |rows| rows.parse())?;
    let folder = tempfile::TempDir::new()?;
    let store = Store::open(folder.path().join("plan.redb"), Access::Create)?;
    store.create_collection(CollectionName::parse("plan")?, NewCollection::default())?;
    let collection = store.collection("plan")?;
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for first in (0..rows).step_by(8192) {
        let batch = (first..rows.min(first + 8192)).map(|row| {
            Ok(Change {
                id: RecordId::parse(format!("r{row}"))?,
                embedding: Some(embedding(&mut random)),
                embedded_here: false,
                document: None,
                uri: None,
                metadata: MetadataPatch::from_json(json!({"hundred": row % 100, "two": row % 2}))?,
            })
        });
        collection.add(batch.collect::<huedb::error::Result<Vec<_>>>()?)?;
    }
    build_graph(&collection, 2, &unwatched)?;
    for (questions, filter) in
        [(1, None), (1, Some("hundred = 3")), (1, Some("two = 1")), (100, None), (100, Some("two = 1"))]
    {
        for way in [AccessPath::Rows, AccessPath::Scan, AccessPath::Sketch, AccessPath::Graph] {
            let query = Query::vectors((0..questions).map(|_| embedding(&mut random)).collect())
                .filter(filter.map(Filter::parse).transpose()?)
                .include(Include::NONE)
                .way(way)
                .threads(1);
            if way == AccessPath::Rows && questions > 1 {
                continue;
            }
            let mut taken = Vec::new();
            let mut expected = 0.0;
            for _ in 0..RUNS {
                let start = Instant::now();
                let answer = collection.query(&query)?;
                taken.push(start.elapsed().as_secs_f64() * 1e6);
                expected = answer.plan.costs.of(way);
            }
            taken.sort_by(f64::total_cmp);
            let figure = format!("{way}, {questions} questions, {}", filter.unwrap_or("no filter"));
            let measured = taken.get(RUNS / 2).copied().unwrap_or_default();
            println!("{}", json!({"bench": "plan", "figure": figure, "value": measured, "expected": expected}));
        }
    }
    Ok(())
}

/// Uniform components, which is all that time depends on.
#[expect(clippy::cast_precision_loss, reason = "24 bits fit an f32")]
fn embedding(random: &mut u64) -> Vec<f32> {
    let mut component = || {
        *random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*random >> 40) as f32 / 16_777_216.0 - 0.5
    };
    (0..DIMENSION).map(|_| component()).collect()
}
