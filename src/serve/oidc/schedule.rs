//! When a provider's keys are asked for again.
//!
//! Pure: times are given. Invariant: what senders of tokens do has the provider asked at most once a minute.

use std::time::{Duration, Instant};

/// How often the keys are asked for without a reason.
pub(super) const REGULAR: Duration = Duration::from_hours(1);
/// How long until they are asked for after a failure, and again for a token of an unknown key.
pub(super) const PAUSE: Duration = Duration::from_mins(1);

/// When the keys are asked for again, and how it went.
#[derive(Debug)]
pub(super) struct Schedule {
    regular: Instant,
    /// When a token last had them asked for.
    asked: Option<Instant>,
    state: ScheduleState,
    /// Renewals that have ended, well or not.
    renewals: u64,
    /// Why the last one failed.
    failure: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ScheduleState {
    Waiting,
    Wanted,
    Renewing,
    Ended,
}

impl Schedule {
    /// Starts with keys that were just asked for.
    pub(super) fn new(now: Instant) -> Self {
        Self { regular: now + REGULAR, asked: None, state: ScheduleState::Waiting, renewals: 0, failure: None }
    }

    /// A token has a key that is not known. Returns whether a renewal is under way.
    pub(super) fn ask(&mut self, now: Instant) -> bool {
        match self.state {
            ScheduleState::Wanted | ScheduleState::Renewing => true,
            ScheduleState::Ended => false,
            ScheduleState::Waiting => {
                let may = self.asked.is_none_or(|asked| now.saturating_duration_since(asked) >= PAUSE);
                if may {
                    self.asked = Some(now);
                    self.state = ScheduleState::Wanted;
                }
                may
            }
        }
    }

    /// Returns how long there is nothing to do.
    pub(super) fn rest(&self, now: Instant) -> Duration {
        match self.state {
            ScheduleState::Wanted => Duration::ZERO,
            _ => self.regular.saturating_duration_since(now),
        }
    }

    pub(super) fn begin(&mut self) {
        if self.state != ScheduleState::Ended {
            self.state = ScheduleState::Renewing;
        }
    }

    /// A renewal ended.
    pub(super) fn finish(&mut self, now: Instant, failure: Option<String>) {
        if self.state != ScheduleState::Ended {
            self.state = ScheduleState::Waiting;
        }
        self.regular = now + if failure.is_none() { REGULAR } else { PAUSE };
        self.failure = failure;
        self.renewals += 1;
    }

    /// No further renewal begins.
    pub(super) fn end(&mut self) {
        self.state = ScheduleState::Ended;
    }

    pub(super) fn has_ended(&self) -> bool {
        self.state == ScheduleState::Ended
    }

    pub(super) fn renewals(&self) -> u64 {
        self.renewals
    }

    pub(super) fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renew(schedule: &mut Schedule, now: Instant, failure: Option<&str>) {
        assert_eq!(schedule.rest(now), Duration::ZERO);
        schedule.begin();
        schedule.finish(now, failure.map(str::to_owned));
    }

    #[test]
    fn keys_are_asked_for_hourly_and_sooner_after_a_failure() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start);
        assert_eq!(schedule.rest(start), REGULAR);
        let mut now = start + REGULAR;
        renew(&mut schedule, now, Some("it is down"));
        assert_eq!((schedule.rest(now), schedule.failure()), (PAUSE, Some("it is down")));
        now += PAUSE;
        renew(&mut schedule, now, None);
        assert_eq!((schedule.rest(now), schedule.failure(), schedule.renewals()), (REGULAR, None, 2));
    }

    #[test]
    fn tokens_have_them_asked_for_at_once_and_then_once_a_minute() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start);
        assert!(schedule.ask(start) && schedule.ask(start));
        renew(&mut schedule, start, None);
        let just_before = start + Duration::from_secs(59);
        assert!(!schedule.ask(just_before));
        assert!(schedule.rest(just_before) > Duration::ZERO);
        assert!(schedule.ask(start + PAUSE));
        renew(&mut schedule, start + PAUSE, None);
        schedule.end();
        assert!(!schedule.ask(start + REGULAR) && schedule.has_ended());
    }
}
