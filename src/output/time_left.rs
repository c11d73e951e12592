//! How long a work still takes, by how much of it was done in the last half minute.
//!
//! Reads no clock: it is told the time. Invariant: what was long ago does not count, so that a work which has become slower
//! or faster is believed after half a minute; while nothing is known of its speed, no time is said.

use std::collections::VecDeque;
use std::time::Duration;

/// What counts.
const WINDOW: Duration = Duration::from_secs(30);
/// Two looks closer than this count as one.
const APART: Duration = Duration::from_millis(250);

/// What was done when, in the last half minute.
#[derive(Debug, Default)]
pub(super) struct TimeLeft {
    /// When somebody looked, and how much was done then: the oldest first.
    looks: VecDeque<(Duration, u64)>,
}

impl TimeLeft {
    /// Notes how much is done `now`, and returns the time that the rest takes; `None` while that is not known.
    #[expect(clippy::cast_precision_loss, reason = "it is an estimate")]
    pub(super) fn after(&mut self, now: Duration, done: u64, total: u64) -> Option<Duration> {
        if self.looks.is_empty() {
            // Whatever was done before the first look was done since the start.
            self.looks.push_back((Duration::ZERO, 0));
        }
        if self.looks.back().is_some_and(|(last, _)| now >= *last + APART) {
            self.looks.push_back((now, done));
        }
        // One from before the window stays, so that all of the window is known.
        while self.looks.get(1).is_some_and(|(second, _)| now.saturating_sub(*second) >= WINDOW) {
            self.looks.pop_front();
        }
        let (then, before) = self.looks.front()?;
        let (took, more) = (now.saturating_sub(*then), done.saturating_sub(*before));
        if more == 0 || took < APART {
            return None;
        }
        let rest = total.saturating_sub(done) as f64;
        Duration::try_from_secs_f64(took.as_secs_f64() * rest / more as f64).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Does so much in each second, and returns what was said at the end.
    fn said(each: impl Iterator<Item = u64>, total: u64) -> Option<Duration> {
        let (mut left, mut done, mut now) = (TimeLeft::default(), 0, Duration::ZERO);
        let mut said = left.after(now, done, total);
        for more in each {
            (done, now) = (done + more, now + SECOND);
            said = left.after(now, done, total);
        }
        said
    }

    #[test]
    fn a_steady_work_is_known_from_the_first_second() {
        assert_eq!(said([10].into_iter(), 1000), Some(99 * SECOND));
        assert_eq!(said([10; 50].into_iter(), 1000), Some(50 * SECOND));
        assert_eq!(said([10; 100].into_iter(), 1000), Some(Duration::ZERO));
        assert_eq!(said([].into_iter(), 1000), None);
        assert_eq!(said([0; 9].into_iter(), 1000), None, "nothing is known of its speed");
    }

    #[test]
    fn what_was_more_than_half_a_minute_ago_does_not_count() {
        let slower = [100; 60].into_iter().chain([10; 31]);
        assert_eq!(said(slower, 7310), Some(100 * SECOND));
        let stuck = [10; 20].into_iter().chain([0; 60]);
        assert_eq!(said(stuck, 1000), None);
    }

    /// The time left is right within a third from a tenth of the work on, where work comes in lumps of up to two seconds.
    #[test]
    fn lumps_even_out() {
        let mut left = TimeLeft::default();
        let (total, seconds) = (10_000_u64, 100_u64);
        for tenth in 0..=10 * seconds {
            let now = Duration::from_millis(100 * tenth);
            // Half of the time nothing comes, then the work of two seconds at once.
            let done = (tenth / 20) * 20 * total / (10 * seconds);
            let said = left.after(now, done, total);
            let (truth, done_part) = ((10 * seconds - tenth) as f64 / 10.0, tenth as f64 / (10 * seconds) as f64);
            if (0.1..0.9).contains(&done_part) {
                let said = said.unwrap().as_secs_f64();
                assert!((said - truth).abs() <= truth / 3.0, "after {now:?}: {said} s of {truth} s");
            }
        }
    }
}
