//! A file served over HTTP with axum: texts in, the nearest records out.
//!
//! ```sh
//! cargo run --example notes && cargo run --example server &
//! curl -d '{"rows": {"bat": "A bat hears where it flies."}}' -H 'content-type: application/json' localhost:8000/notes
//! curl -d '{"texts": ["how do foxes move"], "n": 2}' -H 'content-type: application/json' localhost:8000/notes/query
//! ```
//!
//! The store is the state: it is cheap to clone, and the threads that work share it. Requests that ask at the same time
//! share the model too, which embeds in one call what waits for it.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use huedb::{Access, Error, ErrorKind, Mode, NewRecord, Query, Store};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

type Answered = std::result::Result<Json<Value>, (StatusCode, String)>;

#[derive(Deserialize)]
struct Write {
    rows: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Ask {
    texts: Vec<String>,
    n: Option<usize>,
}

async fn write(State(store): State<Store>, Path(name): Path<String>, Json(write): Json<Write>) -> Answered {
    on_a_thread(move || {
        let rows = write.rows.into_iter().map(|(id, text)| Ok(NewRecord::new(id)?.with_document(text)));
        let tally = store.collection(&name)?.write_rows(rows.collect::<huedb::Result<Vec<_>>>()?, Mode::Upsert)?;
        Ok(json!({ "added": tally.added, "updated": tally.updated }))
    })
    .await
}

async fn query(State(store): State<Store>, Path(name): Path<String>, Json(ask): Json<Ask>) -> Answered {
    on_a_thread(move || {
        let answer = store.collection(&name)?.query(&Query::texts(ask.texts).top(ask.n.unwrap_or(10)))?;
        let hit = |hit: &huedb::Hit| {
            json!({ "id": hit.record.id.as_str(), "distance": hit.distance, "document": hit.record.document })
        };
        Ok(answer.hits.iter().map(|hits| hits.iter().map(hit).collect::<Value>()).collect())
    })
    .await
}

/// Reading, writing and embedding block, so they are not for the threads that move bytes.
async fn on_a_thread(work: impl FnOnce() -> huedb::Result<Value> + Send + 'static) -> Answered {
    let done = spawn_blocking(work).await.map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    done.map(Json).map_err(|error| (status(&error), error.to_string()))
}

fn status(error: &Error) -> StatusCode {
    match error.kind() {
        ErrorKind::Input if matches!(error, Error::CollectionNotFound { .. }) => StatusCode::NOT_FOUND,
        ErrorKind::Input => StatusCode::BAD_REQUEST,
        ErrorKind::Busy => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let store = Store::open("notes.redb", Access::Write)?;
    let routes = Router::new().route("/{name}", post(write)).route("/{name}/query", post(query)).with_state(store);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 8000)).await?;
    Ok(axum::serve(listener, routes).await?)
}
