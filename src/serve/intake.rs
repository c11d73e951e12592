//! Bodies as they arrive.
//!
//! Invariant: a body is read no further than its bound, and all bodies together no further than theirs.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::body::too_large;
use super::fault::Fault;
use super::rejection::Rejection;

/// Bodies are accounted for in pieces of so many bytes.
const PIECE: usize = 16 << 10;
/// How long a body that is refused is read on.
const DISCARD: Duration = Duration::from_secs(5);

/// Returns room for so many bytes of bodies.
pub(super) fn room(bytes: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new((bytes / PIECE).clamp(1, Semaphore::MAX_PERMITS)))
}

/// Reads a body within both bounds; returns also what it takes of the second, for as long as the request is worked on.
pub(super) async fn collect(
    room: &Arc<Semaphore>,
    most: usize,
    mut body: Body,
    length: Option<u64>,
) -> Result<(Bytes, Option<OwnedSemaphorePermit>), Fault> {
    if length.is_some_and(|length| length > most as u64) {
        discard(body).await;
        return Err(too_large(most));
    }
    let mut held: Option<OwnedSemaphorePermit> = None;
    let (mut bytes, mut first) = (Vec::new(), Bytes::new());
    while let Some(piece) = next(&mut body).await {
        let piece = piece?;
        let total = first.len() + bytes.len() + piece.len();
        if total > most {
            drop((bytes, first));
            discard(body).await;
            return Err(too_large(most));
        }
        let needed = total.div_ceil(PIECE).saturating_sub(held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits));
        if needed > 0 {
            let needed = u32::try_from(needed).unwrap_or(u32::MAX);
            let more = Arc::clone(room).try_acquire_many_owned(needed);
            let full = "the bodies of other requests take all the memory there is for them (--max-bodies)";
            let Ok(more) = more else {
                drop((bytes, first, held));
                discard(body).await;
                return Err(Fault::over(Rejection::Bodies, full));
            };
            match &mut held {
                Some(held) => held.merge(more),
                None => held = Some(more),
            }
        }
        // Most bodies come in one piece, which need not be copied.
        if first.is_empty() && bytes.is_empty() {
            first = piece;
        } else {
            if bytes.is_empty() {
                bytes.extend_from_slice(&std::mem::take(&mut first));
            }
            bytes.extend_from_slice(&piece);
        }
    }
    Ok((if bytes.is_empty() { first } else { bytes.into() }, held))
}

/// Reads what is left of a body that is refused, for a while: a client that is still sending would not read why.
async fn discard(mut body: Body) {
    let all = async { while let Some(Ok(_)) = next(&mut body).await {} };
    let _ = timeout(DISCARD, all).await;
}

async fn next(body: &mut Body) -> Option<Result<Bytes, Fault>> {
    loop {
        let frame = std::future::poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await?;
        match frame {
            Ok(frame) => {
                if let Ok(bytes) = frame.into_data() {
                    return Some(Ok(bytes));
                }
            }
            Err(error) => return Some(Err(Fault::invalid(format!("the body ended early: {error}")))),
        }
    }
}

/// Hands a body to the thread that reads it, as fast as that reads.
pub(super) async fn hand_over(mut body: Body, sender: SyncSender<io::Result<Bytes>>) {
    while let Some(piece) = next(&mut body).await {
        let mut piece = Some(piece.map_err(|fault| io::Error::other(fault.message)));
        while let Some(waiting) = piece.take() {
            match sender.try_send(waiting) {
                Ok(()) => {}
                Err(std::sync::mpsc::TrySendError::Full(waiting)) => {
                    piece = Some(waiting);
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                Err(std::sync::mpsc::TrySendError::Disconnected(_)) => return,
            }
        }
    }
}
