//! An answer that is sent while it is made.
//!
//! Invariant: at most a few pieces wait for a client that reads slowly, and one that has left ends the work.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::call::Stream;
use super::observe::Metrics;
use super::rejection::Rejection;

/// Pieces that wait for the client.
const PIECES: usize = 8;
/// How soon it is looked whether there is room again.
const LOOK_AGAIN: Duration = Duration::from_millis(2);
/// Bytes of a piece.
const PIECE_BYTES: usize = 64 << 10;

/// The end that is sent to the client.
pub(super) struct Streamed {
    pub(super) content_type: &'static str,
    pub(super) length: Option<u64>,
    pub(super) pieces: mpsc::Receiver<io::Result<Bytes>>,
}

/// The end that is written to.
pub(super) struct StreamOut {
    sender: mpsc::Sender<io::Result<Bytes>>,
    piece: Vec<u8>,
    /// How long the client may take nothing.
    patience: Duration,
    was_stalled: bool,
}

pub(super) fn stream(content_type: &'static str, length: Option<u64>, patience: Duration) -> (Streamed, StreamOut) {
    let (sender, pieces) = mpsc::channel(PIECES);
    (
        Streamed { content_type, length, pieces },
        StreamOut { sender, piece: Vec::with_capacity(PIECE_BYTES), patience, was_stalled: false },
    )
}

impl StreamOut {
    /// Writes an answer. Where that fails the connection is cut, so that no client takes it for whole.
    pub(super) fn run(mut self, write: Stream, metrics: &Metrics) {
        let done = write(&mut self)
            .and_then(|()| self.flush().map_err(|error| crate::error::Error::io("send the answer", error)));
        if let Err(error) = done {
            if self.was_stalled {
                metrics.reject(Rejection::Stall);
            }
            let _ = self.sender.try_send(Err(io::Error::other(error.to_string())));
        }
    }

    /// Waits until the client has taken something, no longer than it may take nothing.
    fn send(&mut self, piece: Bytes) -> io::Result<()> {
        let start = Instant::now();
        let mut piece = Ok(piece);
        loop {
            match self.sender.try_send(piece) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Closed(_)) => {
                    // The connection has a timer of its own, which began a little sooner.
                    self.was_stalled = start.elapsed() > self.patience / 2;
                    return Err(io::ErrorKind::BrokenPipe.into());
                }
                Err(TrySendError::Full(_)) if start.elapsed() > self.patience => {
                    self.was_stalled = true;
                    return Err(io::ErrorKind::TimedOut.into());
                }
                Err(TrySendError::Full(back)) => piece = back,
            }
            std::thread::sleep(LOOK_AGAIN);
        }
    }
}

impl Write for StreamOut {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE_BYTES));
        self.send(piece.into())
    }
}
