//! Where an answer is awaited. Whoever has left is not told.

use tokio::sync::oneshot;

use super::call::Answered;
use super::connection::Streamed;

/// What is sent to the client.
pub(super) enum Outgoing {
    Whole(Answered),
    Streamed(Streamed),
}

/// Where an answer is awaited.
pub(super) struct Responder(oneshot::Sender<Outgoing>);

impl Responder {
    pub(super) fn new(sender: oneshot::Sender<Outgoing>) -> Self {
        Self(sender)
    }

    pub(super) fn is_awaited(&self) -> bool {
        !self.0.is_closed()
    }

    pub(super) fn answer(self, answered: Answered) {
        let _ = self.0.send(Outgoing::Whole(answered));
    }

    /// Begins an answer that is sent while it is made; returns whether somebody awaits it.
    pub(super) fn begin(self, streamed: Streamed) -> bool {
        self.0.send(Outgoing::Streamed(streamed)).is_ok()
    }
}
