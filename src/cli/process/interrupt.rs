//! Ctrl-C: work that comes in steps ends after the one it is doing, anything else at once.
//!
//! Invariant: a process that was interrupted exits with 130, the database is as its last transaction left it, and no file
//! that was only begun is left behind.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use huedb::error::{Error, Result};
use huedb::store::remove_unfinished;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Whether the work at hand comes in steps.
static IN_STEPS: AtomicBool = AtomicBool::new(false);
/// Whether the user has asked for an end.
static ASKED: AtomicBool = AtomicBool::new(false);
/// Whether a hangup asks to read settings again, not for an end.
static RELOADS: AtomicBool = AtomicBool::new(false);
/// Whether it has.
static RELOAD: AtomicBool = AtomicBool::new(false);
/// What the first ctrl-C says.
static WORDS: Mutex<&str> = Mutex::new("");

/// Listens from now on, once a process; `last_words` is what is written when the process ends at once.
pub(crate) fn listen(last_words: Arc<dyn Fn() -> String + Send + Sync>) {
    static LISTENING: AtomicBool = AtomicBool::new(false);
    // A command of a series is heard by whom the first one has started: two would take one ctrl-C for two.
    if LISTENING.swap(true, Ordering::Relaxed) {
        return;
    }
    // Without a listener the system ends the process at once, which loses nothing either.
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM, SIGHUP]) else { return };
    let mut hear = move |signal| {
        if signal == SIGHUP && RELOADS.load(Ordering::Relaxed) {
            RELOAD.store(true, Ordering::Relaxed);
            return;
        }
        let is_second = ASKED.swap(true, Ordering::Relaxed);
        if is_second || !IN_STEPS.load(Ordering::Relaxed) {
            remove_unfinished();
            let _ = io::stderr().write_all(last_words().as_bytes());
            #[expect(clippy::exit, reason = "whoever is at work cannot be asked to return")]
            std::process::exit(130);
        }
        let words = *WORDS.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = io::stderr().write_all(words.as_bytes());
    };
    let _ = std::thread::Builder::new().name("signals".into()).spawn(move || signals.forever().for_each(&mut hear));
}

/// Says when the user has asked for an end.
#[derive(Debug, Clone)]
pub(crate) struct Interrupt(());

impl Interrupt {
    /// Begins work that comes in steps, which look here in between; what was asked before is forgotten.
    pub(crate) fn listen() -> Self {
        IN_STEPS.store(true, Ordering::Relaxed);
        ASKED.store(false, Ordering::Relaxed);
        Self(())
    }

    /// Does the same, and has the first ctrl-C say something.
    pub(crate) fn listen_saying(words: &'static str) -> Self {
        *WORDS.lock().unwrap_or_else(PoisonError::into_inner) = words;
        Self::listen()
    }

    /// Takes a hangup (SIGHUP) for the wish to read settings again, from now on.
    #[cfg(feature = "serve")]
    #[expect(clippy::unused_self, reason = "nobody is asked who does not listen")]
    pub(crate) fn reload_at_hangup(&self) {
        RELOADS.store(true, Ordering::Relaxed);
    }

    /// Returns whether there was one since this was asked last.
    #[cfg(feature = "serve")]
    #[expect(clippy::unused_self, reason = "nobody is asked who does not listen")]
    pub(crate) fn takes_reload(&self) -> bool {
        RELOAD.swap(false, Ordering::Relaxed)
    }

    /// Ends the work once asked to.
    ///
    /// # Errors
    /// [`Error::Interrupted`].
    pub(crate) fn check(&self) -> Result<()> {
        if self.is_asked() { Err(Error::Interrupted) } else { Ok(()) }
    }

    #[expect(clippy::unused_self, reason = "nobody is asked who does not listen")]
    pub(crate) fn is_asked(&self) -> bool {
        ASKED.load(Ordering::Relaxed)
    }

    /// Begins anew, for the next command.
    #[expect(clippy::unused_self, reason = "nobody is asked who does not listen")]
    pub(crate) fn forget(&self) {
        ASKED.store(false, Ordering::Relaxed);
    }
}

/// Output that ends as that of a closed pipe once the user asks for an end, so that a long list stops.
pub(crate) struct UntilInterrupted<'w>(pub(crate) &'w mut dyn Write);

impl Write for UntilInterrupted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if ASKED.load(Ordering::Relaxed) { Err(io::ErrorKind::BrokenPipe.into()) } else { self.0.write(bytes) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
