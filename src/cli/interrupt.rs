//! Ctrl-C during long work: the first asks it to end after what it is doing, the second ends it at once.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, Result};

static ASKED: AtomicBool = AtomicBool::new(false);
static LISTENING: Mutex<bool> = Mutex::new(false);

/// Whether the user has asked for an end.
#[derive(Debug, Clone)]
pub(super) struct Interrupt(());

impl Interrupt {
    /// Listens from now on; what was asked before is forgotten.
    pub(super) fn listen() -> Result<Self> {
        Self::listen_saying("")
    }

    /// Does the same, and has the first ctrl-C say something.
    pub(super) fn listen_saying(words: &'static str) -> Result<Self> {
        let mut listening = LISTENING.lock().unwrap_or_else(PoisonError::into_inner);
        if !*listening {
            let handler = move || {
                if ASKED.swap(true, Ordering::Relaxed) {
                    // A committed file needs no cleaning up.
                    std::process::exit(130);
                }
                let _ = io::stderr().write_all(words.as_bytes());
            };
            ctrlc::set_handler(handler).map_err(|e| Error::io("listen for interrupts", io::Error::other(e)))?;
            *listening = true;
        }
        ASKED.store(false, Ordering::Relaxed);
        Ok(Self(()))
    }

    /// Ends the work once asked to.
    ///
    /// # Errors
    /// [`Error::Interrupted`].
    pub(super) fn check(&self) -> Result<()> {
        if self.is_asked() { Err(Error::Interrupted) } else { Ok(()) }
    }

    #[expect(clippy::unused_self, reason = "nobody is asked who does not listen")]
    pub(super) fn is_asked(&self) -> bool {
        ASKED.load(Ordering::Relaxed)
    }
}

impl Interrupt {
    /// Begins anew, for the next command.
    #[expect(clippy::unused_self, reason = "nobody is asked who does not listen")]
    pub(super) fn forget(&self) {
        ASKED.store(false, Ordering::Relaxed);
    }
}

/// Output that ends as that of a closed pipe once the user asks for an end, so that a long list stops.
pub(super) struct UntilInterrupted<'w>(pub(super) &'w mut dyn Write);

impl Write for UntilInterrupted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if ASKED.load(Ordering::Relaxed) { Err(io::ErrorKind::BrokenPipe.into()) } else { self.0.write(bytes) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
