//! Which threads a model's batches are spread over: the caller's pool, or that of the process.

use std::sync::Arc;

use rayon::ThreadPool;

use super::LoadOptions;
use crate::threads;

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
        threads::pool(threads)
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
