//! When a request that failed is made again, and after what time.
//!
//! Does not sleep itself. Invariant: no wait is shorter than what the service asked for, up to the two minutes beyond which it
//! is given up.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ureq::http::HeaderMap;

use crate::record::SplitMix64;

/// A service that asks for more time is given up.
pub(crate) const MOST_WAIT: Duration = Duration::from_mins(2);
/// The longest wait that nobody asked for.
const MOST_UNASKED: Duration = Duration::from_secs(30);

/// Whether the same request may go well in a while.
pub(crate) fn is_passing_status(status: u16) -> bool {
    matches!(status, 408 | 429 | 500 | 502..=599)
}

/// Whether a connection that failed may go well in a while.
pub(crate) fn is_passing(error: &ureq::Error) -> bool {
    use ureq::Error::{ConnectionFailed, HostNotFound, Io, Protocol, Timeout};
    // A certificate that is no good is an error of I/O as well, and stays.
    let is_tls = |error: &std::io::Error| error.kind() == std::io::ErrorKind::InvalidData;
    match error {
        Io(error) => !is_tls(error),
        Timeout(_) | ConnectionFailed | HostNotFound | Protocol(_) => true,
        _ => false,
    }
}

/// Returns how long to wait before a request is made for the time after `attempt` failed ones, from 1.
pub(crate) fn wait(attempt: u32, first: Duration, asked: Option<Duration>, jitter: &mut Jitter) -> Duration {
    let doubled = first.saturating_mul(1 << attempt.saturating_sub(1).min(16)).min(MOST_UNASKED);
    // Those who were refused together come back one by one.
    let unasked = doubled / 2 + jitter.part_of(doubled / 2);
    asked.map_or(unasked, |asked| unasked.max(asked.min(MOST_WAIT) + jitter.part_of(first.min(MOST_UNASKED))))
}

/// Parts of waits that differ from one process and thread to the next.
pub(crate) struct Jitter(SplitMix64);

impl Jitter {
    pub(crate) fn new() -> Self {
        let mut seed = [0; 8];
        // Without it all wait the same, which is worse and no harm.
        let _ = getrandom::fill(&mut seed);
        Self(SplitMix64::new(u64::from_le_bytes(seed)))
    }

    fn part_of(&mut self, whole: Duration) -> Duration {
        let nanos = u64::try_from(whole.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(self.0.next() % nanos.max(1))
    }
}

/// Reads what a service says of when to come again: milliseconds in a header of its own, seconds or a date in the usual one.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let seconds = |text: &str| Duration::try_from_secs_f64(text.parse().ok()?).ok();
    if let Some(wait) =
        text("retry-after-ms").and_then(|ms| Duration::try_from_secs_f64(ms.parse::<f64>().ok()? / 1e3).ok())
    {
        return Some(wait);
    }
    let text = text("retry-after")?;
    seconds(text).or_else(|| Some(date(text)?.duration_since(now).unwrap_or_default()))
}

/// Reads a date of HTTP, as in `Sun, 06 Nov 1994 08:49:37 GMT`.
fn date(text: &str) -> Option<SystemTime> {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let mut words = text.split_once(", ")?.1.split(' ');
    let day: u64 = words.next()?.parse().ok()?;
    let month = u64::try_from(MONTHS.find(words.next()?)?).ok()? / 3 + 1;
    let year: u64 = words.next()?.parse().ok().filter(|year| (1970..=9999).contains(year))?;
    let mut clock = words.next()?.split(':').map(|part| part.parse::<u64>().ok().filter(|part| *part < 61));
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    if words.next()? != "GMT" || !(1..=31).contains(&day) {
        return None;
    }
    // Years that begin in March, so that a leap day is the last of one.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1;
    // 1970-01-01 by the same count.
    let days = days.checked_sub(719_468)?;
    Some(UNIX_EPOCH + Duration::from_secs(days * 86_400 + hour * 3600 + minute * 60 + second))
}

#[cfg(test)]
mod tests {
    use ureq::http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn waits_grow_and_heed_what_is_asked() {
        let (first, jitter) = (Duration::from_millis(500), &mut Jitter::new());
        for (attempt, most_ms) in [(1, 500), (2, 1000), (3, 2000), (6, 16_000), (7, 30_000), (40, 30_000)] {
            let waited = wait(attempt, first, None, jitter).as_millis();
            assert!(waited >= most_ms / 2 && waited <= most_ms, "{attempt}: {waited}");
        }
        for (asked, least_ms) in [(7, 7000), (0, 250), (600, 120_000)] {
            let waited = wait(1, first, Some(Duration::from_secs(asked)), jitter);
            let least = Duration::from_millis(least_ms);
            assert!(waited >= least && waited <= least + first, "{asked}: {waited:?}");
        }
    }

    #[test]
    fn what_a_service_asks_for_is_read_in_every_form() {
        let now = UNIX_EPOCH + Duration::from_secs(784_111_777);
        for (name, value, ms) in [
            ("retry-after", "3", Some(3000)),
            ("retry-after", " 0 ", Some(0)),
            ("retry-after", "1.5", Some(1500)),
            ("retry-after-ms", "250", Some(250)),
            ("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT", Some(10_000)),
            ("retry-after", "Sun, 06 Nov 1994 08:49:27 GMT", Some(0)),
            ("retry-after", "Mon, 07 Nov 1994 08:49:37 GMT", Some(86_400_000)),
            ("retry-after", "-1", None),
            ("retry-after", "soon", None),
            ("retry-after", "Sun, 06 Nov 1994", None),
            ("retry-after", "Sun, 06 Nov 1994 08:49:37 CET", None),
            ("other", "3", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
            let found = retry_after(&headers, now).map(|wait| wait.as_millis());
            assert_eq!(found, ms, "{name}: {value}");
        }
    }

    #[test]
    fn dates_are_counted_by_the_calendar() {
        for (text, seconds) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Tue, 29 Feb 2000 00:00:00 GMT", 951_782_400),
            ("Wed, 01 Mar 2000 00:00:00 GMT", 951_868_800),
            ("Sat, 28 Nov 2026 23:33:26 GMT", 1_795_908_806),
        ] {
            assert_eq!(date(text), Some(UNIX_EPOCH + Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        for (status, passing) in [
            (408, true),
            (429, true),
            (500, true),
            (503, true),
            (400, false),
            (401, false),
            (404, false),
            (422, false),
            (501, false),
        ] {
            assert_eq!(is_passing_status(status), passing, "{status}");
        }
        let io = |kind: std::io::ErrorKind| ureq::Error::Io(kind.into());
        assert!(is_passing(&io(std::io::ErrorKind::ConnectionRefused)));
        assert!(is_passing(&io(std::io::ErrorKind::UnexpectedEof)));
        assert!(!is_passing(&io(std::io::ErrorKind::InvalidData)));
        assert!(!is_passing(&ureq::Error::BadUri("x".into())));
    }
}
