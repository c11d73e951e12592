//! Notes in one file: added, and found by what they mean.
//!
//! `cargo run --example notes` adds a few to `notes.redb`; `cargo run --example notes -- "how do foxes move"` asks.

use std::io::{Write, stdout};

use huedb::embed::{DEFAULT_MODEL, fingerprint};
use huedb::{Access, CollectionName, Error, LoadOptions, Mode, NewCollection, NewRecord, Query, Result, Store};
use serde_json::json;

const NOTES: [(&str, &str, &str); 4] = [
    ("fox", "A red fox trots, and gallops when it hunts.", "animals"),
    ("octopus", "An octopus has three hearts and blue blood.", "animals"),
    ("cactus", "A cactus stores water in its thick green stem.", "plants"),
    ("tide", "The moon pulls the sea up twice a day.", "sea"),
];

fn main() -> Result<()> {
    let store = Store::open("notes.redb", Access::Create)?;
    if let Err(Error::CollectionNotFound { .. }) = store.collection("notes") {
        // The model inside the library; `huedb model list` names others.
        let embedder = Some(fingerprint(DEFAULT_MODEL, LoadOptions::of_process()?)?);
        store.create_collection(
            CollectionName::parse("notes")?,
            NewCollection { embedder, ..NewCollection::default() },
        )?;
    }
    let notes = store.collection("notes")?;
    let print = |line: String| writeln!(stdout(), "{line}").map_err(|error| Error::io("write", error));
    let Some(question) = std::env::args().nth(1) else {
        let row = |(id, text, topic)| NewRecord::new(id)?.with_document(text).with_metadata(json!({ "topic": topic }));
        let rows = NOTES.map(row).into_iter().collect::<Result<Vec<NewRecord>>>()?;
        let tally = notes.write_rows(rows, Mode::Upsert)?;
        return print(format!("added {}, updated {}", tally.added, tally.updated));
    };
    let answer = notes.query(&Query::text(question).top(2))?;
    for hit in answer.hits.iter().flatten() {
        print(format!("{:.3}  {}", hit.distance, hit.record.document.as_deref().unwrap_or_default()))?;
    }
    Ok(())
}
