//! Numbers as people read them: `1,204`, `12.3 MB`, `3 min 20 s`.
//!
//! Only tables, messages and progress use these; data formats hold plain numbers. Integer arithmetic
//! throughout, so no rounding steps over a unit (never `1000.0 kB`).

use std::time::Duration;

/// Returns a whole number with a comma before each group of three digits.
#[must_use]
pub(crate) fn count(n: u64) -> String {
    grouped(&n.to_string())
}

/// Returns how many of a thing there are, whose name takes an s: `1 record`, `1,204 records`.
#[must_use]
pub(crate) fn count_of(n: u64, thing: &str) -> String {
    format!("{} {thing}{}", count(n), if n == 1 { "" } else { "s" })
}

/// Returns a decimal integer with a comma before each group of three digits; a sign stays in front.
pub(super) fn grouped(digits: &str) -> String {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |rest| ("-", rest));
    let mut text = String::from(sign);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Returns a size with one decimal, in powers of 1000: `999 B`, `1.2 kB`, `12.3 MB`.
#[must_use]
pub(crate) fn bytes(n: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if n < 1000 {
        return format!("{n} B");
    }
    let mut unit_bytes: u128 = 1;
    let mut text = String::new();
    for unit in UNITS {
        unit_bytes *= 1000;
        let tenths = (u128::from(n) * 10 + unit_bytes / 2) / unit_bytes;
        text = format!("{}.{} {unit}", tenths / 10, tenths % 10);
        if tenths < 10_000 {
            break;
        }
    }
    text
}

/// Returns a time in one or two units: `42 ms`, `9.8 s`, `3 min 20 s`, `1 h 05 min`.
#[must_use]
pub(crate) fn duration(time: Duration) -> String {
    let ms = (time.as_micros() + 500) / 1000;
    let tenths = (ms + 50) / 100;
    let seconds = (ms + 500) / 1000;
    let minutes = (seconds + 30) / 60;
    if ms < 1000 {
        format!("{ms} ms")
    } else if tenths < 600 {
        format!("{}.{} s", tenths / 10, tenths % 10)
    } else if seconds < 3600 {
        format!("{} min {:02} s", seconds / 60, seconds % 60)
    } else {
        format!("{} h {:02} min", minutes / 60, minutes % 60)
    }
}

/// Returns how many of `n` things were done a second, rounded down.
#[must_use]
pub(crate) fn per_second(n: u64, time: Duration) -> u64 {
    let per_second = u128::from(n) * 1_000_000 / time.as_micros().max(1);
    u64::try_from(per_second).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_commas() {
        let cases = [(0, "0"), (999, "999"), (1000, "1,000"), (1204, "1,204"), (12_345_678, "12,345,678")];
        for (n, text) in cases {
            assert_eq!(count(n), text);
        }
        assert_eq!(count(u64::MAX), "18,446,744,073,709,551,615");
        assert_eq!([0, 1, 1204].map(|n| count_of(n, "row")), ["0 rows", "1 row", "1,204 rows"]);
        assert_eq!(grouped("-1234"), "-1,234");
        assert_eq!(grouped("-123"), "-123");
    }

    #[test]
    fn sizes_never_show_a_thousand_of_a_unit() {
        let cases = [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (12_345_678, "12.3 MB"),
            (999_949, "999.9 kB"),
            (999_950, "1.0 MB"),
            (999_950_000, "1.0 GB"),
            (u64::MAX, "18.4 EB"),
        ];
        for (n, text) in cases {
            assert_eq!(bytes(n), text, "{n}");
        }
    }

    #[test]
    fn times_never_show_sixty_of_a_unit() {
        let cases = [
            (0, "0 ms"),
            (42_000, "42 ms"),
            (999_499, "999 ms"),
            (999_500, "1.0 s"),
            (9_840_000, "9.8 s"),
            (59_949_000, "59.9 s"),
            (59_950_000, "1 min 00 s"),
            (200_000_000, "3 min 20 s"),
            (3_599_600_000, "1 h 00 min"),
            (3_900_000_000, "1 h 05 min"),
        ];
        for (us, text) in cases {
            assert_eq!(duration(Duration::from_micros(us)), text, "{us}");
        }
    }

    #[test]
    fn rates_survive_no_time_at_all() {
        assert_eq!(per_second(1000, Duration::from_millis(500)), 2000);
        assert_eq!(per_second(0, Duration::ZERO), 0);
        assert_eq!(per_second(u64::MAX, Duration::ZERO), u64::MAX);
    }
}
