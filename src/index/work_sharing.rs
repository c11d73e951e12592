//! Several threads over one collection: each takes the next range of ordinals until there are no more.
//!
//! Ranges are handed out one by one, so a thread that is held up leaves the rest to the others; the first are long,
//! since at the end of each redb reads a value too many, and the last short, so that all end together (guided
//! self-scheduling, Polychronopoulos and Kuck 1987). Invariant: every ordinal below the end is in exactly one range,
//! whatever the number of threads.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::top_k::Nearest;
use crate::error::{Error, Result};
use crate::threads::together;

/// The ranges one thread takes.
pub(super) struct Turns<'a> {
    next: &'a AtomicU64,
    step: u64,
    end: u64,
    threads: u64,
}

impl Iterator for Turns<'_> {
    type Item = Range<u64>;

    fn next(&mut self) -> Option<Range<u64>> {
        let until = |from: u64| {
            let steps = self.end.saturating_sub(from).div_ceil(self.step);
            let taken = if self.threads == 1 { steps } else { steps.div_ceil(2 * self.threads) };
            from.saturating_add(taken.saturating_mul(self.step)).min(self.end)
        };
        let take = |from: u64| (from < self.end).then(|| until(from));
        let from = self.next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).ok()?;
        Some(from..until(from))
    }
}

/// Runs `work` on up to `threads` threads, which share the ordinals below `end` in ranges of whole `step`s; merges
/// what each has found, question by question.
pub(super) fn gather(
    end: u64,
    step: u64,
    threads: usize,
    work: impl Fn(Turns) -> Result<Vec<Nearest<f64>>> + Sync,
) -> Result<Vec<Nearest<f64>>> {
    share(end, step, threads, work, |found, other| {
        found.iter_mut().zip(other).for_each(|(found, other)| found.merge(other));
    })
}

/// Does the same with anything that can be merged.
pub(super) fn share<T: Send>(
    end: u64,
    step: u64,
    threads: usize,
    work: impl Fn(Turns) -> Result<T> + Sync,
    merge: impl Fn(&mut T, T),
) -> Result<T> {
    let (next, step) = (AtomicU64::new(0), step.max(1));
    let threads = threads.min(usize::try_from(end.div_ceil(step)).unwrap_or(threads)).max(1);
    let done = together(threads, || work(Turns { next: &next, step, end, threads: threads as u64 }));
    let mut all = in_agreement(done)?.into_iter();
    // There is one for each thread.
    let mut merged = all.next().ok_or_else(|| Error::argument("no thread worked"))?;
    all.for_each(|other| merge(&mut merged, other));
    Ok(merged)
}

/// Splits `len` items over threads, where there are at least so many for each, and runs `work` on each part; returns what
/// was made of the parts, in no order.
pub(super) fn in_parts<T: Send>(
    len: usize,
    per_thread: usize,
    threads: usize,
    work: impl Fn(Range<usize>) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let parts = threads.min(len.div_ceil(per_thread.max(1))).max(1);
    let (next, size) = (AtomicUsize::new(0), len.div_ceil(parts));
    let done = in_agreement(together(parts, || {
        let mut made = Vec::new();
        // Where the system has no threads to give, one does all parts.
        while let part = next.fetch_add(1, Ordering::Relaxed)
            && part < parts
        {
            made.push(work((part * size).min(len)..((part + 1) * size).min(len))?);
        }
        Ok(made)
    }))?;
    Ok(done.into_iter().flatten().collect())
}

/// Puts what was made of parts, each with the first of its items, one after another.
pub(super) fn in_order<T>(mut parts: Vec<(usize, Vec<T>)>) -> Vec<T> {
    parts.sort_unstable_by_key(|(first, _)| *first);
    parts.into_iter().flat_map(|(_, made)| made).collect()
}

/// Returns what all threads made.
///
/// Of two failures the cause counts: once reading has failed, redb tells all other threads only that it has.
fn in_agreement<T>(done: Vec<Result<T>>) -> Result<Vec<T>> {
    let (mut made, mut failure) = (Vec::with_capacity(done.len()), None::<Error>);
    for result in done {
        match result {
            Ok(value) => made.push(value),
            Err(error) if failure.as_ref().is_none_or(Error::is_consequence) => failure = Some(error),
            Err(_) => {}
        }
    }
    failure.map_or(Ok(made), Err)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Ordinal;

    #[test]
    fn every_ordinal_is_visited_once() {
        for (end, step, threads) in [(0, 5, 2), (1, 5, 2), (10, 5, 1), (1003, 10, 4), (7, 1, 64)] {
            let found = gather(end, step, threads, |turns| {
                let mut nearest = Nearest::up_to(2000, f64::INFINITY);
                turns.flatten().for_each(|ordinal| nearest.push(0.0, Ordinal(ordinal)));
                Ok(vec![nearest])
            });
            let ordinals: Vec<u64> = found.unwrap().remove(0).into_sorted().iter().map(|(_, o)| o.0).collect();
            assert_eq!(ordinals, (0..end).collect::<Vec<_>>(), "{end}, {step}, {threads}");
        }
    }
}
