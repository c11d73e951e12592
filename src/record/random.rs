//! Random numbers for tests: `SplitMix64`, which needs no crate.
//!
//! Not for anything but tests. Invariant: a test that panics prints the seed; `HUEDB_SEED` runs it again.

#![allow(clippy::cast_possible_truncation, reason = "a seed and an index below a length")]

use std::time::SystemTime;

use super::SplitMix64;

/// A stream of numbers that its seed decides.
#[derive(Debug)]
pub(crate) struct Random {
    seed: u64,
    stream: SplitMix64,
}

impl Random {
    /// Starts from `HUEDB_SEED`, else from the clock.
    pub(crate) fn new() -> Self {
        let given = std::env::var("HUEDB_SEED").ok().and_then(|seed| seed.parse().ok());
        let clock = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |t| t.as_nanos() as u64);
        let seed = given.unwrap_or_else(clock);
        Self { seed, stream: SplitMix64::new(seed) }
    }

    /// Returns the next 64 bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.stream.next()
    }

    /// Returns a number below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Returns bytes.
    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| (self.next() >> 56) as u8).collect()
    }

    /// Returns numbers from -1 to 1.
    #[allow(clippy::cast_precision_loss, reason = "24 bits fit an f32")]
    pub(crate) fn floats(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| (self.next() >> 40) as f32 / 8_388_608.0 - 1.0).collect()
    }

    /// Returns one of the items.
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        let at = self.below(items.len() as u64);
        &items[at as usize]
    }
}

impl Drop for Random {
    fn drop(&mut self) {
        if std::thread::panicking() {
            #[expect(clippy::print_stderr, reason = "the seed belongs to the report of the failed test")]
            {
                eprintln!("run this test again with HUEDB_SEED={}", self.seed);
            }
        }
    }
}
