//! How a server is run.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use crate::embed::LoadOptions;
use crate::error::Result;

/// How a server is run. Every number is a bound on what clients may take of the machine.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServeOptions {
    /// Threads that read requests and answer them; one for each core unless it is set.
    pub threads: usize,
    /// Requests that may wait for one of these threads; further ones are told to come back.
    pub queue: usize,
    /// Bytes of one request's body, unpacked.
    pub max_body: usize,
    /// Bytes of all bodies at once.
    pub max_bodies: usize,
    /// How long a request may take, from its head to its answer.
    pub request_timeout: Duration,
    /// Whether nothing is written, whoever asks for it.
    pub read_only: bool,
    /// Whether `POST /api/v2/reset` removes everything.
    pub allow_reset: bool,
    /// How the models of texts are found.
    pub models: LoadOptions,
    /// What is told lines about what was done beside what was asked.
    pub notice: Notice,
}

/// Is told lines; each different one once.
#[derive(Clone)]
pub struct Notice(Arc<dyn Fn(&str) + Send + Sync>);

impl Notice {
    /// Has a function told.
    #[must_use]
    pub fn new(tell: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    pub(super) fn tell(&self, line: &str) {
        (self.0)(line);
    }
}

impl fmt::Debug for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Notice")
    }
}

impl ServeOptions {
    /// Returns the defaults, with models found as the environment says.
    ///
    /// # Errors
    /// Those of [`LoadOptions::of_process`].
    pub fn of_process() -> Result<Self> {
        Ok(Self::with_models(LoadOptions::of_process()?.clone()))
    }

    /// Returns how many requests may wait for so many threads, unless it is set.
    #[must_use]
    pub fn queue_for(threads: usize) -> usize {
        64 * threads.max(4)
    }

    /// Returns the defaults, with models found by these options.
    #[must_use]
    pub fn with_models(models: LoadOptions) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self {
            threads,
            queue: Self::queue_for(threads),
            max_body: 64 << 20,
            max_bodies: 512 << 20,
            request_timeout: Duration::from_mins(1),
            read_only: false,
            allow_reset: false,
            models,
            notice: Notice::new(|_| {}),
        }
    }
}
