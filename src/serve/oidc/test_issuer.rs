//! A provider on this machine that answers as it is told, and counts.
//!
//! Invariant: one connection, one request, one answer.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde_json::{Value as Json, json};

use super::OidcOptions;

/// Status and headers behind it, and body.
pub(super) type Answer = (&'static str, Vec<u8>);

pub(super) struct TestIssuer {
    pub(super) url: String,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    discovery: Mutex<Answer>,
    keys: Mutex<Answer>,
    is_down: AtomicBool,
    has_ended: AtomicBool,
    asked: AtomicUsize,
}

impl TestIssuer {
    pub(super) fn new(keys: &[Json]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let discovery = json!({"issuer": url, "jwks_uri": format!("{url}/keys")});
        let shared = Arc::new(Shared {
            discovery: Mutex::new(("200 OK", discovery.to_string().into_bytes())),
            keys: Mutex::default(),
            is_down: AtomicBool::new(false),
            has_ended: AtomicBool::new(false),
            asked: AtomicUsize::new(0),
        });
        let serving = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            for connection in listener.incoming().take_while(|_| !serving.has_ended.load(Ordering::SeqCst)) {
                serving.answer(&mut connection.unwrap());
            }
        });
        let issuer = Self { url, shared, thread: Some(thread) };
        issuer.publish(keys);
        issuer
    }

    pub(super) fn options(&self) -> OidcOptions {
        OidcOptions { issuer: self.url.clone(), audience: "huedb".into() }
    }

    pub(super) fn publish(&self, keys: &[Json]) {
        self.answer_keys(("200 OK", json!({"keys": keys}).to_string().into_bytes()));
    }

    pub(super) fn answer_keys(&self, answer: Answer) {
        *self.shared.keys.lock().unwrap() = answer;
    }

    pub(super) fn answer_discovery(&self, answer: Answer) {
        *self.shared.discovery.lock().unwrap() = answer;
    }

    /// Ends every connection unanswered, or no longer does.
    pub(super) fn set_down(&self, is_down: bool) {
        self.shared.is_down.store(is_down, Ordering::SeqCst);
    }

    /// How often it was asked for its keys, or would have been when it was down.
    pub(super) fn asked(&self) -> usize {
        self.shared.asked.load(Ordering::SeqCst)
    }
}

impl Shared {
    fn answer(&self, connection: &mut TcpStream) {
        if self.is_down.load(Ordering::SeqCst) {
            self.asked.fetch_add(1, Ordering::SeqCst);
            return;
        }
        let mut head = Vec::new();
        let mut bytes = [0; 4096];
        while !head.windows(4).any(|end| end == b"\r\n\r\n") {
            match connection.read(&mut bytes) {
                Ok(0) | Err(_) => return,
                Ok(read) => head.extend_from_slice(&bytes[..read]),
            }
        }
        let (status, body) = if head.starts_with(b"GET /keys ") {
            self.asked.fetch_add(1, Ordering::SeqCst);
            self.keys.lock().unwrap().clone()
        } else if head.starts_with(b"GET /.well-known/openid-configuration ") {
            self.discovery.lock().unwrap().clone()
        } else {
            ("404 Not Found", Vec::new())
        };
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
        // Whoever has enough of an answer may leave.
        let _ = connection.write_all(head.as_bytes()).and_then(|()| connection.write_all(&body));
    }
}

impl Drop for TestIssuer {
    fn drop(&mut self) {
        self.shared.has_ended.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.url.trim_start_matches("http://")));
        self.thread.take().unwrap().join().unwrap();
    }
}
