//! A server on this machine, for commands that ask one.

use std::net::{TcpListener, TcpStream};
use std::thread;

/// Answers every connection on a thread of its own, until the process ends; returns the address.
pub(crate) fn serve(answer: impl Fn(&TcpStream) + Clone + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let answer = answer.clone();
            thread::spawn(move || answer(&stream.unwrap()));
        }
    });
    address
}
