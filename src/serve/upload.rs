//! A body that is read while it arrives.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use axum::body::Bytes;

/// Pieces that wait for the thread that reads them.
const PIECES: usize = 8;

/// The end that is read.
pub(super) struct Upload {
    pieces: Receiver<io::Result<Bytes>>,
    piece: Bytes,
}

impl io::Read for Upload {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.pieces.recv() {
                Ok(piece) => self.piece = piece?,
                Err(_) => return Ok(0),
            }
        }
        let length = self.piece.len().min(buffer.len());
        let taken = self.piece.split_to(length);
        if let Some(target) = buffer.get_mut(..length) {
            target.copy_from_slice(&taken);
        }
        Ok(length)
    }
}

/// Returns the end that pieces are put into, and the one that is read.
pub(super) fn upload() -> (SyncSender<io::Result<Bytes>>, Upload) {
    let (sender, pieces) = sync_channel(PIECES);
    (sender, Upload { pieces, piece: Bytes::new() })
}
