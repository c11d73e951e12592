//! How many requests are under way, and how fast they follow each other.
//!
//! Of one process; other processes that ask the same service count by themselves. Invariant: no more requests are under
//! way than the limits say, and over any stretch of time no more begin than their rates allow and one.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::settings::ServiceLimits;

/// Lets requests through.
pub(super) struct Pace {
    concurrency: usize,
    requests_per_minute: Option<u64>,
    tokens_per_minute: Option<u64>,
    state: Mutex<PaceState>,
    freed: Condvar,
}

struct PaceState {
    under_way: usize,
    /// When the next request may begin.
    next: Instant,
}

impl Pace {
    pub(super) fn new(limits: &ServiceLimits) -> Self {
        Self {
            concurrency: limits.concurrency.get(),
            requests_per_minute: limits.requests_per_minute.map(Into::into),
            tokens_per_minute: limits.tokens_per_minute.map(Into::into),
            state: Mutex::new(PaceState { under_way: 0, next: Instant::now() }),
            freed: Condvar::new(),
        }
    }

    /// Waits until a request of so many tokens may begin; it is under way until what is returned is dropped.
    pub(super) fn begin(&self, tokens: usize) -> UnderWay<'_> {
        let mut state = self.lock();
        while state.under_way >= self.concurrency {
            state = self.freed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.under_way += 1;
        let wait = self.reserve(&mut state.next, Instant::now(), tokens);
        drop(state);
        let under_way = UnderWay(self);
        std::thread::sleep(wait);
        under_way
    }

    /// Takes the time of a request; returns how long it is until that.
    fn reserve(&self, next: &mut Instant, now: Instant, tokens: usize) -> Duration {
        let each = |count: u64, per_minute: Option<u64>| {
            per_minute.map_or(Duration::ZERO, |rate| Duration::from_mins(1).mul_f64(ratio(count, rate)))
        };
        let begins = (*next).max(now);
        let takes = each(1, self.requests_per_minute).max(each(tokens as u64, self.tokens_per_minute));
        *next = begins + takes;
        begins - now
    }

    fn lock(&self) -> MutexGuard<'_, PaceState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a part of a minute")]
fn ratio(count: u64, of: u64) -> f64 {
    count as f64 / of as f64
}

/// A request that is under way.
pub(super) struct UnderWay<'p>(&'p Pace);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.lock().under_way -= 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::num::{NonZeroU64, NonZeroUsize};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn requests_begin_at_the_slower_of_both_rates() {
        let rate = NonZeroU64::new;
        for (requests, tokens, texts, waits_ms) in [
            (None, None, 1_000_000, [0, 0, 0]),
            (rate(60), None, 1_000_000, [0, 1000, 2000]),
            (None, rate(600), 20, [0, 2000, 4000]),
            (rate(60), rate(600), 20, [0, 2000, 4000]),
            (rate(10), rate(600), 20, [0, 6000, 12000]),
        ] {
            let limits =
                ServiceLimits { requests_per_minute: requests, tokens_per_minute: tokens, ..ServiceLimits::default() };
            let (pace, now) = (Pace::new(&limits), Instant::now());
            let mut next = now;
            let waits = waits_ms.map(|_| pace.reserve(&mut next, now, texts).as_millis());
            assert_eq!(waits, waits_ms);
            // What was not used does not gather.
            let later = now + Duration::from_mins(10);
            assert_eq!(pace.reserve(&mut next, later, texts), Duration::ZERO);
        }
    }

    #[test]
    fn no_more_are_under_way_than_there_may_be() {
        let limits = ServiceLimits { concurrency: NonZeroUsize::new(3).unwrap(), ..ServiceLimits::default() };
        let (pace, now, most) = (Pace::new(&limits), AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    let _under_way = pace.begin(1);
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    thread::yield_now();
                    now.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        let most = most.into_inner();
        assert!((1..=3).contains(&most), "{most}");
    }
}
