//! A proxy in front of a server that cuts a connection at a message of the client's.
//!
//! Messages that the server answers are counted. Invariant: exactly one connection is cut, and before the message is
//! forwarded, or after it was answered and before the client has the answer.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

/// Where it is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The server never has the message.
    Before,
    /// The client never has the answer.
    After,
}

pub(crate) struct Proxy {
    pub(crate) port: u16,
    state: Arc<State>,
}

struct State {
    at: usize,
    cut: Cut,
    counts: AtomicBool,
    met: AtomicUsize,
}

impl Proxy {
    /// Listens; the message with the number `at`, from 1, is the one.
    pub(crate) fn start(server: u16, at: usize, cut: Cut) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State { at, cut, counts: AtomicBool::new(false), met: AtomicUsize::new(0) });
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming() {
                let server = TcpStream::connect(("127.0.0.1", server)).unwrap();
                forward(client.unwrap(), server, &shared);
            }
        });
        Self { port, state }
    }

    /// Counts from now on.
    pub(crate) fn count(&self) {
        self.state.counts.store(true, Ordering::SeqCst);
    }

    /// Counts no longer.
    pub(crate) fn rest(&self) {
        self.state.counts.store(false, Ordering::SeqCst);
    }

    /// Returns whether the message came.
    pub(crate) fn has_cut(&self) -> bool {
        self.state.met.load(Ordering::SeqCst) >= self.state.at
    }
}

fn forward(client: TcpStream, server: TcpStream, state: &Arc<State>) {
    for stream in [&client, &server] {
        stream.set_nodelay(true).unwrap();
    }
    let swallows = Arc::new(AtomicBool::new(false));
    let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let (shared, swallowing) = (Arc::clone(state), Arc::clone(&swallows));
    thread::spawn(move || {
        // The first message has no type.
        let mut is_first = true;
        while let Some(message) = read_message(&mut from, !is_first) {
            let is_answered = !is_first && matches!(message[0], b'Q' | b'S' | b'c');
            is_first = false;
            if is_answered && shared.counts.load(Ordering::SeqCst) {
                let is_the_one = shared.met.fetch_add(1, Ordering::SeqCst) + 1 == shared.at;
                if is_the_one && shared.cut == Cut::Before {
                    break;
                }
                swallowing.fetch_or(is_the_one, Ordering::SeqCst);
            }
            if to.write_all(&message).is_err() {
                break;
            }
        }
        drop(from.shutdown(Shutdown::Both));
        drop(to.shutdown(Shutdown::Both));
    });
    let (mut from, mut to) = (server, client);
    thread::spawn(move || {
        while let Some(message) = read_message(&mut from, true) {
            if swallows.load(Ordering::SeqCst) {
                // Also what asks for the rows of a copy is an answer.
                if matches!(message[0], b'Z' | b'G') {
                    break;
                }
            } else if to.write_all(&message).is_err() {
                break;
            }
        }
        drop(from.shutdown(Shutdown::Both));
        drop(to.shutdown(Shutdown::Both));
    });
}

fn read_message(from: &mut TcpStream, is_typed: bool) -> Option<Vec<u8>> {
    let mut message = vec![0; if is_typed { 5 } else { 4 }];
    from.read_exact(&mut message).ok()?;
    let length = u32::from_be_bytes(message[message.len() - 4..].try_into().unwrap()) as usize;
    let head = message.len();
    message.resize(head + length - 4, 0);
    from.read_exact(&mut message[head..]).ok()?;
    Some(message)
}
