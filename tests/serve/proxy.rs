//! What stands before a server: it may leave out routes, answer itself, cut answers, and counts what it passes on.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What becomes of a request.
pub(crate) enum Deed {
    /// It is passed on.
    Pass,
    /// This is answered instead, as it is.
    Say(Vec<u8>),
    /// It is passed on, and nothing is heard of it.
    PassAndHangUp,
    /// It is passed on, and so many bytes of the answer come back.
    Cut(usize),
    /// Nothing comes for a long time.
    Wait,
    /// The answer never ends.
    Endless,
}

/// A request as it is judged.
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

pub(crate) struct Proxy {
    pub(crate) address: String,
    /// Method and path of every request.
    pub(crate) seen: Arc<Mutex<Vec<String>>>,
}

/// An answer with JSON.
pub(crate) fn answer(status: &str, headers: &str, json: &str) -> Deed {
    Deed::Say(
        format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{json}", json.len())
            .into(),
    )
}

impl Proxy {
    /// Stands before a server, `host:port`.
    pub(crate) fn before(server: &str, judge: impl Fn(&Asked) -> Deed + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let (server, judge, log) = (server.to_owned(), Arc::new(judge), Arc::clone(&seen));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (server, judge, log) = (server.clone(), Arc::clone(&judge), Arc::clone(&log));
                thread::spawn(move || handle(stream.unwrap(), &server, judge.as_ref(), &log));
            }
        });
        Self { address, seen }
    }

    /// A server that speaks Chroma's API and nothing else.
    pub(crate) fn chroma(server: &str) -> Self {
        Self::before(server, |asked| {
            if asked.path.starts_with("/huedb/") { answer("404 Not Found", "", "") } else { Deed::Pass }
        })
    }

    pub(crate) fn count(&self, part: &str) -> usize {
        self.seen.lock().unwrap().iter().filter(|seen| seen.contains(part)).count()
    }
}

fn handle(mut client: TcpStream, server: &str, judge: &dyn Fn(&Asked) -> Deed, log: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(client.try_clone().unwrap());
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).unwrap_or(0) == 0 {
            return;
        }
    }
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).unwrap();
    let mut words = head.split(' ');
    let (method, path) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
    log.lock().unwrap().push(format!("{method} {path}"));
    let asked = Asked { path, head, body };
    let deed = judge(&asked);
    match deed {
        Deed::Say(bytes) => drop(client.write_all(&bytes)),
        Deed::Wait => thread::sleep(Duration::from_secs(30)),
        Deed::Endless => {
            drop(client.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n["));
            while client.write_all(b"0,").is_ok() {
                thread::sleep(Duration::from_millis(1));
            }
        }
        Deed::Pass => drop(client.write_all(&passed_on(server, &asked))),
        Deed::PassAndHangUp => drop(passed_on(server, &asked)),
        Deed::Cut(bytes) => {
            let whole = passed_on(server, &asked);
            drop(client.write_all(&whole[..whole.len().min(bytes)]));
        }
    }
}

fn passed_on(server: &str, asked: &Asked) -> Vec<u8> {
    let mut upstream = TcpStream::connect(server).unwrap();
    // The server is known by its own name alone, and closes after one answer.
    let lines = asked.head.trim_end().lines().filter(|line| {
        let line = line.to_lowercase();
        !line.starts_with("host:") && !line.starts_with("connection:")
    });
    let head: Vec<&str> = lines.collect();
    upstream
        .write_all(format!("{}\r\nhost: {server}\r\nconnection: close\r\n\r\n", head.join("\r\n")).as_bytes())
        .unwrap();
    upstream.write_all(&asked.body).unwrap();
    let mut answer = Vec::new();
    upstream.read_to_end(&mut answer).unwrap();
    answer
}
