//! The threads that large batches of texts are spread over.
//!
//! rayon's global pool is left alone: it belongs to the program that has this library in it. Invariant: a process has one
//! pool for each number of threads that was asked for, made when it is first needed.

use std::sync::{Arc, Mutex, PoisonError};

use rayon::{ThreadPool, ThreadPoolBuilder};

use super::LoadOptions;

static POOLS: Mutex<Vec<Arc<ThreadPool>>> = Mutex::new(Vec::new());

/// The pool of the caller, or that of the process.
pub(super) enum Threads {
    Given(Arc<ThreadPool>),
    OfProcess(usize),
}

impl Threads {
    pub(super) fn new(options: &LoadOptions) -> Self {
        match &options.pool {
            Some(pool) => Self::Given(Arc::clone(pool)),
            None => Self::OfProcess(options.threads()),
        }
    }

    /// Returns the pool; an error where the system has no threads to give.
    pub(super) fn pool(&self) -> Result<Arc<ThreadPool>, String> {
        let threads = match self {
            Self::Given(pool) => return Ok(Arc::clone(pool)),
            Self::OfProcess(threads) => *threads,
        };
        let mut pools = POOLS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pool) = pools.iter().find(|pool| pool.current_num_threads() == threads) {
            return Ok(Arc::clone(pool));
        }
        let named = ThreadPoolBuilder::new().num_threads(threads).thread_name(|n| format!("embed-{n}"));
        let pool = named.build().map_err(|error| format!("no threads to embed with: {error}"))?;
        let pool = Arc::new(pool);
        pools.push(Arc::clone(&pool));
        Ok(pool)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;

    #[test]
    fn a_process_has_one_pool_for_each_number_of_threads() {
        let threads = |n| LoadOptions { threads: NonZeroUsize::new(n), ..LoadOptions::default() };
        let pool = |options: &LoadOptions| Threads::new(options).pool().unwrap();
        let (two, again, three) = (pool(&threads(2)), pool(&threads(2)), pool(&threads(3)));
        assert!(Arc::ptr_eq(&two, &again) && !Arc::ptr_eq(&two, &three));
        assert_eq!((two.current_num_threads(), three.current_num_threads()), (2, 3));
        let given = LoadOptions { pool: Some(Arc::clone(&three)), ..threads(2) };
        assert!(Arc::ptr_eq(&pool(&given), &three));
    }
}
