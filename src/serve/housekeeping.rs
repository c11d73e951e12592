//! What a server does beside answering: it looks for new tokens and certificates, and for what the file holds.
//!
//! Invariant: nothing here keeps a request waiting.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::gate::Gate;
use crate::error::{Error, Result};
use crate::store::Store;

/// How often it looks for tokens.
const OFTEN: Duration = Duration::from_secs(1);
/// After how many of these it looks at certificates and the file.
const SELDOM: u32 = 10;

/// The thread that keeps house. It ends when this is dropped.
pub(super) struct Housekeeping {
    asked: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Housekeeping {
    pub(super) fn start(gate: Arc<Gate>) -> Result<Self> {
        let (asked, reloads) = channel();
        let run = move || keep_house(&gate, &reloads);
        let thread = std::thread::Builder::new().name("huedb-house".into()).spawn(run);
        let thread = thread.map_err(|error| Error::io("start the threads of the server", error))?;
        Ok(Self { asked: Some(asked), thread: Some(thread) })
    }

    /// Has certificates read and files of logs opened again.
    pub(super) fn reload(&self) {
        if let Some(asked) = &self.asked {
            let _ = asked.send(());
        }
    }
}

impl Drop for Housekeeping {
    fn drop(&mut self) {
        drop(self.asked.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn keep_house(gate: &Gate, reloads: &Receiver<()>) {
    let mut rounds = 0_u32;
    loop {
        if rounds.is_multiple_of(SELDOM) {
            look_at_certificate(gate, false);
            if let Some(why) = gate.admission.guard.issuer_failure() {
                gate.site.tell(&format!("the keys of the identity provider stay as they were: {why}"));
            }
            // While another process has the file, the figures are those of before.
            if let Some(Ok(facts)) = gate.site.backend.file().map(Store::file_facts) {
                gate.site.metrics().gauges.collections.set(i64::try_from(facts.collections).unwrap_or(i64::MAX));
            }
        }
        if let Err(error) = gate.admission.guard.look_for_tokens() {
            gate.site.tell(&format!("the tokens cannot be read: {error}"));
        }
        match reloads.recv_timeout(OFTEN) {
            Err(RecvTimeoutError::Timeout) => rounds = rounds.wrapping_add(1),
            Err(RecvTimeoutError::Disconnected) => return,
            Ok(()) => {
                gate.site.observed.trails.reopen();
                look_at_certificate(gate, true);
            }
        }
    }
}

fn look_at_certificate(gate: &Gate, in_any_case: bool) {
    let Some(tls) = &gate.tls else { return };
    match tls.renew(in_any_case) {
        Ok(_) if tls.has_expired() => gate.site.tell("the certificate has expired"),
        Ok(true) => gate.site.options.notice.tell("new connections have the certificate that was read now"),
        Ok(false) => {}
        Err(error) => gate.site.options.notice.tell(&format!("the certificate stays as it was: {error}")),
    }
}
