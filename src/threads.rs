//! The threads that searches and large batches of texts are spread over, one pool for all of them.
//!
//! rayon's global pool is left alone: it belongs to the program that has this library in it. Invariant: a process has one
//! pool for each number of threads that was asked for, made when it is first needed; whoever spreads work takes part in it.

use std::sync::{Arc, Mutex, PoisonError};

use rayon::{ThreadPool, ThreadPoolBuilder};

static POOLS: Mutex<Vec<Arc<ThreadPool>>> = Mutex::new(Vec::new());

/// Returns the pool of so many threads; an error where the system has none to give.
pub(crate) fn pool(threads: usize) -> Result<Arc<ThreadPool>, String> {
    let mut pools = POOLS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(pool) = pools.iter().find(|pool| pool.current_num_threads() == threads) {
        return Ok(Arc::clone(pool));
    }
    let named = ThreadPoolBuilder::new().num_threads(threads).thread_name(|n| format!("huedb-{n}"));
    let pool = named.build().map_err(|error| format!("no threads can be started: {error}"))?;
    let pool = Arc::new(pool);
    pools.push(Arc::clone(&pool));
    Ok(pool)
}

/// Runs `work` on this thread and on up to `threads - 1` others at once; returns what each made, this one's first.
pub(crate) fn together<T: Send>(threads: usize, work: impl Fn() -> T + Sync) -> Vec<T> {
    // This thread is one of them: a worker more would only spin.
    let pool = if threads > 1 { pool(threads - 1).ok() } else { None };
    let Some(pool) = pool else { return vec![work()] };
    let others = Mutex::new(Vec::with_capacity(threads));
    let own = pool.in_place_scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|_| {
                let made = work();
                others.lock().unwrap_or_else(PoisonError::into_inner).push(made);
            });
        }
        work()
    });
    let mut all = vec![own];
    all.append(&mut others.into_inner().unwrap_or_else(PoisonError::into_inner));
    all
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn a_process_has_one_pool_for_each_number_of_threads() {
        let (two, again, three) = (pool(2).unwrap(), pool(2).unwrap(), pool(3).unwrap());
        assert!(Arc::ptr_eq(&two, &again) && !Arc::ptr_eq(&two, &three));
        assert_eq!((two.current_num_threads(), three.current_num_threads()), (2, 3));
    }

    #[test]
    fn everything_that_was_asked_for_is_done_once() {
        let next = AtomicUsize::new(0);
        let work = || std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed)).take_while(|n| *n < 1000).count();
        for threads in [1, 2, 5] {
            next.store(0, Ordering::Relaxed);
            let done = together(threads, work);
            assert_eq!((done.len(), done.iter().sum::<usize>()), (threads, 1000));
        }
    }
}
