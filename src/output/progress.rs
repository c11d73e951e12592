//! How far a long work has come, on the standard error, and gone when the work is done.
//!
//! Draws nothing unless asked to be visible. Invariant: the line is cleared at the end, also on an early
//! return, so that it never mixes with what is printed after; what is printed meanwhile goes through
//! [`ProgressDisplay::suspend`].

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::number::{bytes, count, duration, per_second};
use super::time_left::TimeLeft;

const REDRAWS_PER_SECOND: u8 = 10;
const TICK: Duration = Duration::from_millis(100);
const RATE_AFTER: Duration = Duration::from_millis(500);
const BAR: &str = "{prefix} [{wide_bar}] {percent:>3}%  {done}{left}";
const SPINNER: &str = "{prefix} {spinner} {done}";

/// What is counted, and what the total counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProgressKind {
    /// Rows, of a total of rows: an export, a graph.
    Rows,
    /// Rows, each of which is compared with all before it, so that a row takes longer the later it comes.
    RowsAgainstEarlier,
    /// Things of this name, of a total of bytes: an import, which knows the size of a file but not its rows.
    OfBytes(&'static str),
    /// Bytes, of a total of bytes: a download.
    Bytes,
    /// Nothing but the time: work whose size is not known, such as moving pages.
    Time,
}

impl ProgressKind {
    /// Returns the time left, given what it is when the rest goes on as fast as now.
    #[expect(clippy::cast_precision_loss, reason = "it is an estimate")]
    fn left(self, at_this_rate: Duration, done: u64, total: u64) -> Duration {
        match self {
            // What a row takes grows with those before it, so the rest takes the mean of now and the end.
            Self::RowsAgainstEarlier if done > 0 => {
                Duration::try_from_secs_f64(at_this_rate.as_secs_f64() * (1.0 + total as f64 / done as f64) / 2.0)
                    .unwrap_or(at_this_rate)
            }
            _ => at_this_rate,
        }
    }
}

/// A progress bar, or a spinner while the total is not known.
#[derive(Debug)]
pub(crate) struct ProgressDisplay {
    bar: ProgressBar,
    kind: ProgressKind,
    rows: Arc<AtomicU64>,
}

impl ProgressDisplay {
    /// Begins to show a work, named by a verb such as `importing`.
    #[must_use]
    pub(crate) fn new(action: &'static str, kind: ProgressKind, total: Option<u64>, visible: bool) -> Self {
        if visible {
            let progress = Self::on(ProgressDrawTarget::stderr_with_hz(REDRAWS_PER_SECOND), action, kind, total);
            progress.bar.enable_steady_tick(TICK);
            progress
        } else {
            Self::on(ProgressDrawTarget::hidden(), action, kind, total)
        }
    }

    fn on(target: ProgressDrawTarget, action: &'static str, kind: ProgressKind, total: Option<u64>) -> Self {
        let rows = Arc::new(AtomicU64::new(0));
        let bar = ProgressBar::with_draw_target(total, target).with_prefix(action);
        bar.set_style(style(kind, total.is_some(), &rows));
        Self { bar, kind, rows }
    }

    /// Says that `rows` more are done.
    pub(crate) fn add_rows(&self, rows: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
        match self.kind {
            ProgressKind::Rows | ProgressKind::RowsAgainstEarlier => self.bar.inc(rows),
            ProgressKind::OfBytes(_) | ProgressKind::Bytes | ProgressKind::Time => {}
        }
    }

    /// Says how many rows are done in all, where they are of a total of bytes.
    pub(crate) fn set_rows(&self, rows: u64) {
        self.rows.store(rows, Ordering::Relaxed);
    }

    /// Says how many bytes are done in all; without meaning for [`ProgressKind::Rows`].
    pub(crate) fn set_bytes(&self, done: u64) {
        match self.kind {
            ProgressKind::Rows | ProgressKind::RowsAgainstEarlier | ProgressKind::Time => {}
            ProgressKind::OfBytes(_) | ProgressKind::Bytes => self.bar.set_position(done),
        }
    }

    /// Sets the total once it is known, turning a spinner into a bar.
    pub(crate) fn set_total(&self, total: u64) {
        self.bar.set_length(total);
        self.bar.set_style(style(self.kind, true, &self.rows));
    }

    /// Takes the line away while `print` writes to the terminal.
    pub(crate) fn suspend<R>(&self, print: impl FnOnce() -> R) -> R {
        self.bar.suspend(print)
    }

    /// Takes the line away for good.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for ProgressDisplay {
    fn drop(&mut self) {
        self.finish();
    }
}

fn style(kind: ProgressKind, total_known: bool, rows: &Arc<AtomicU64>) -> ProgressStyle {
    let rows = Arc::clone(rows);
    let done = move |state: &ProgressState, line: &mut dyn fmt::Write| {
        // A line that cannot be drawn is not worth an error.
        let _ = line.write_str(&done(kind, state.pos(), rows.load(Ordering::Relaxed), state.elapsed()));
    };
    let estimate = Arc::new(Mutex::new(TimeLeft::default()));
    let left = move |state: &ProgressState, line: &mut dyn fmt::Write| {
        let (done, total) = (state.pos(), state.len().unwrap_or(0));
        let mut estimate = estimate.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at_this_rate) = estimate.after(state.elapsed(), done, total) {
            let _ = line.write_str(&left(kind.left(at_this_rate, done, total)));
        }
    };
    // The templates are constants and a test reads them; a default bar is better than a panic all the same.
    let style = if total_known {
        ProgressStyle::with_template(BAR).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ")
    } else {
        ProgressStyle::with_template(SPINNER).unwrap_or_else(|_| ProgressStyle::default_spinner())
    };
    style.with_key("done", done).with_key("left", left)
}

/// Returns what is done and, once there is a rate to speak of, how fast: `1,204 rows  310 rows/s`.
fn done(kind: ProgressKind, position: u64, rows: u64, elapsed: Duration) -> String {
    let (done, rate) = match kind {
        ProgressKind::Rows | ProgressKind::RowsAgainstEarlier => counted(rows, "rows", elapsed),
        ProgressKind::OfBytes(things) => counted(rows, things, elapsed),
        ProgressKind::Bytes => (bytes(position), bytes(per_second(position, elapsed))),
        ProgressKind::Time => return duration(Duration::from_secs(elapsed.as_secs())),
    };
    if elapsed < RATE_AFTER { done } else { format!("{done}  {rate}/s") }
}

fn counted(n: u64, things: &str, elapsed: Duration) -> (String, String) {
    (format!("{} {things}", count(n)), format!("{} {things}", count(per_second(n, elapsed))))
}

/// Returns the time left, nothing while it is not known; whole seconds, for it is an estimate.
fn left(eta: Duration) -> String {
    match eta.as_secs() {
        0 => String::new(),
        seconds @ 1..60 => format!("  {seconds} s left"),
        seconds => format!("  {} left", duration(Duration::from_secs(seconds))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use indicatif::TermLike;
    use std::io;

    /// A terminal that remembers what was written to it.
    #[derive(Debug, Clone, Default)]
    struct Screen(Arc<Mutex<Vec<String>>>);

    impl Screen {
        fn push(&self, text: &str) {
            self.0.lock().unwrap().push(text.to_owned());
        }

        fn drawn(&self) -> Vec<String> {
            self.0.lock().unwrap().clone()
        }
    }

    impl TermLike for Screen {
        fn width(&self) -> u16 {
            60
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.push(text);
            Ok(())
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.push(text);
            Ok(())
        }
        fn clear_line(&self) -> io::Result<()> {
            self.push("<clear>");
            Ok(())
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    fn progress(screen: &Screen, kind: ProgressKind, total: Option<u64>) -> ProgressDisplay {
        ProgressDisplay::on(ProgressDrawTarget::term_like(Box::new(screen.clone())), "importing", kind, total)
    }

    fn last_line(screen: &Screen) -> String {
        let drawn = screen.drawn();
        drawn.iter().rfind(|text| text.starts_with("importing")).cloned().unwrap_or_default()
    }

    #[test]
    fn the_templates_are_read() {
        assert!(ProgressStyle::with_template(BAR).is_ok());
        assert!(ProgressStyle::with_template(SPINNER).is_ok());
    }

    #[test]
    fn an_import_counts_rows_and_fills_by_bytes() {
        let screen = Screen::default();
        let progress = progress(&screen, ProgressKind::OfBytes("rows"), Some(1000));
        progress.add_rows(1204);
        progress.set_bytes(500);
        progress.bar.force_draw();
        let line = last_line(&screen);
        assert!(line.starts_with("importing [="), "{line}");
        assert!(line.contains("]  50%  1,204 rows"), "{line}");
    }

    #[test]
    fn an_unknown_total_is_a_spinner_until_it_is_known() {
        let screen = Screen::default();
        let progress = progress(&screen, ProgressKind::Rows, None);
        progress.add_rows(7);
        progress.bar.force_draw();
        assert!(last_line(&screen).contains(" 7 rows"), "{:?}", screen.drawn());
        assert!(!last_line(&screen).contains('%'), "{:?}", screen.drawn());
        progress.set_total(14);
        progress.bar.force_draw();
        assert!(last_line(&screen).contains("]  50%  7 rows"), "{:?}", screen.drawn());
    }

    #[test]
    fn the_line_is_cleared_at_the_end_and_on_an_early_return() {
        for finish in [|progress: ProgressDisplay| progress.finish(), drop::<ProgressDisplay>] {
            let screen = Screen::default();
            let progress = progress(&screen, ProgressKind::Rows, Some(2));
            progress.add_rows(1);
            progress.bar.force_draw();
            let before = screen.drawn().len();
            finish(progress);
            let after = screen.drawn().split_off(before);
            assert!(after.iter().any(|text| text == "<clear>"), "{after:?}");
            assert!(!after.iter().any(|text| text.contains("rows")), "{after:?}");
        }
    }

    #[test]
    fn a_hidden_bar_still_counts() {
        let progress = ProgressDisplay::new("importing", ProgressKind::Rows, Some(10), false);
        progress.add_rows(3);
        assert!(progress.bar.is_hidden());
        assert_eq!(progress.bar.position(), 3);
        assert_eq!(progress.suspend(|| 5), 5);
    }

    #[test]
    fn what_takes_longer_the_later_it_comes_takes_longer_to_its_end() {
        let second = Duration::from_secs(1);
        let left = |kind: ProgressKind, done, total| kind.left(10 * second, done, total);
        assert_eq!(left(ProgressKind::Rows, 100, 400), 10 * second);
        assert_eq!(left(ProgressKind::RowsAgainstEarlier, 100, 400), 25 * second);
        assert_eq!(left(ProgressKind::RowsAgainstEarlier, 400, 400), 10 * second);
        assert_eq!(left(ProgressKind::RowsAgainstEarlier, 0, 400), 10 * second);
    }

    #[test]
    fn rates_and_times_read_well() {
        let second = Duration::from_secs(1);
        assert_eq!(done(ProgressKind::Rows, 0, 1204, second * 4), "1,204 rows  301 rows/s");
        assert_eq!(done(ProgressKind::Rows, 0, 1204, second / 4), "1,204 rows");
        assert_eq!(done(ProgressKind::Bytes, 12_300_000, 0, second), "12.3 MB  12.3 MB/s");
        assert_eq!(done(ProgressKind::Time, 0, 0, second * 65), "1 min 05 s");
        assert_eq!(left(Duration::ZERO), "");
        assert_eq!(left(Duration::from_millis(12_800)), "  12 s left");
        assert_eq!(left(Duration::from_secs(200)), "  3 min 20 s left");
    }
}
