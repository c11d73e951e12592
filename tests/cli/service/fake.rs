//! An embedding service on this machine, of every API, that behaves as it is told.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::Duration;

use huedb::embed::{Embedder, HashEmbedder, TextRole};
use serde_json::{Value as Json, json};

use crate::server::serve;

pub(crate) const DIMENSION: usize = 16;

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Json,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub(crate) fn texts(&self) -> Vec<String> {
        let texts = ["input", "inputs", "texts"].into_iter().find_map(|name| self.body[name].as_array()).unwrap();
        texts.iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    }
}

/// What comes back.
pub(crate) enum Reply {
    /// A status and whatever headers, a body.
    Whole(String, String),
    /// The embeddings that the API has for the texts.
    Embeddings,
    /// A body that ends after its first half.
    Cut,
    /// Nothing, for a minute.
    Stall,
    /// A body that comes a byte at a time, for a minute.
    Drip,
    /// The connection ends.
    Close,
}

#[expect(clippy::needless_pass_by_value, reason = "bodies are made where they are given")]
pub(crate) fn status(head: &str, body: impl ToString) -> Reply {
    Reply::Whole(head.to_owned(), body.to_string())
}

/// What a service does at its n-th request, from 0.
type Behaviour = Arc<dyn Fn(usize, &Asked) -> Reply + Send + Sync>;

/// A service.
#[derive(Clone)]
pub(crate) struct Service {
    asked: Arc<Mutex<Vec<Asked>>>,
    behaviour: Arc<Mutex<Behaviour>>,
    pub(crate) address: String,
}

impl Service {
    /// One that always embeds.
    pub(crate) fn good() -> Self {
        Self::that(|_, _| Reply::Embeddings)
    }

    pub(crate) fn that(behaves: impl Fn(usize, &Asked) -> Reply + Send + Sync + 'static) -> Self {
        let mut service =
            Self { asked: Arc::default(), behaviour: Arc::new(Mutex::new(Arc::new(behaves))), address: String::new() };
        let answering = service.clone();
        service.address = serve(move |stream| answering.answer(stream));
        service
    }

    /// Behaves otherwise from now on, and forgets what it was asked.
    pub(crate) fn now(&self, behaves: impl Fn(usize, &Asked) -> Reply + Send + Sync + 'static) {
        *self.behaviour.lock().unwrap() = Arc::new(behaves);
        self.asked.lock().unwrap().clear();
    }

    /// What it was asked so far, which it forgets.
    pub(crate) fn take_asked(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }

    fn answer(&self, mut stream: &TcpStream) {
        let mut reader = BufReader::new(stream);
        let mut lines = reader.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty());
        let Some(first) = lines.next() else { return };
        let headers: BTreeMap<String, String> = lines
            .filter_map(|line| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned())))
            .collect();
        let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let path = first.split(' ').nth(1).unwrap().to_owned();
        let asked = Asked { path, headers, body: serde_json::from_slice(&body).unwrap_or_default() };
        let mut all = self.asked.lock().unwrap();
        all.push(asked.clone());
        let number = all.len() - 1;
        drop(all);
        let behaviour = Arc::clone(&self.behaviour.lock().unwrap());
        let reply = behaviour(number, &asked);
        let ok = || ("200 OK\r\ncontent-type: application/json".to_owned(), embeddings(&asked, vector).to_string());
        let (head, body) = match &reply {
            Reply::Whole(head, body) => (head.clone(), body.clone()),
            Reply::Close => return,
            Reply::Stall => return sleep(Duration::from_mins(1)),
            Reply::Embeddings | Reply::Cut | Reply::Drip => ok(),
        };
        let length = body.len();
        let head = format!("HTTP/1.1 {head}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
        let whole = body.as_bytes();
        let _ = stream.write_all(head.as_bytes()).and_then(|()| match reply {
            Reply::Cut => stream.write_all(&whole[..length / 2]),
            Reply::Drip => whole.iter().try_for_each(|byte| {
                sleep(Duration::from_millis(20));
                stream.write_all(&[*byte])
            }),
            _ => stream.write_all(whole),
        });
    }
}

/// The embedding of a text.
pub(crate) fn vector(text: &str) -> Vec<f32> {
    HashEmbedder::new(DIMENSION).embed_one(text, TextRole::Document).unwrap()
}

/// That of another model.
pub(crate) fn other_vector(text: &str) -> Vec<f32> {
    vector(&format!("{text} and more words than that"))
}

/// Answers as the API whose path was asked.
pub(crate) fn embeddings(asked: &Asked, embed: impl Fn(&str) -> Vec<f32>) -> Json {
    let vectors: Vec<Vec<f32>> = asked.texts().iter().map(|text| embed(text)).collect();
    match asked.path.split('?').next().unwrap() {
        "/api/embed" => json!({"embeddings": vectors}),
        "/embed" => json!(vectors),
        "/v2/embed" => json!({"embeddings": {"float": vectors}}),
        _ if asked.body["encoding_format"] == "base64" => {
            // Not in their order, which the index says.
            let base64 = |vector: &Vec<f32>| {
                let bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
                base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes)
            };
            let of = |(index, vector)| json!({"index": index, "embedding": base64(vector)});
            json!({"data": vectors.iter().enumerate().rev().map(of).collect::<Vec<_>>()})
        }
        _ => {
            let of = |(index, vector)| json!({"index": index, "embedding": vector});
            json!({"data": vectors.iter().enumerate().rev().map(of).collect::<Vec<_>>()})
        }
    }
}
