//! What waits for a thread, within a bound.
//!
//! Invariant: what was put in before the end is taken out; what comes later is given back.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

struct State<T> {
    waiting: VecDeque<T>,
    closed: bool,
}

pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    arrived: Condvar,
}

impl<T> Queue<T> {
    pub(super) fn new() -> Self {
        Self { state: Mutex::new(State { waiting: VecDeque::new(), closed: false }), arrived: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts one in, unless so many wait already; gives it back then, with how many do.
    pub(super) fn push(&self, item: T, most: usize) -> Result<(), (T, usize)> {
        let mut state = self.state();
        if state.closed || state.waiting.len() >= most {
            return Err((item, state.waiting.len()));
        }
        state.waiting.push_back(item);
        drop(state);
        self.arrived.notify_one();
        Ok(())
    }

    /// Waits until `pick` takes something of what waits; `None` once there will be no more.
    pub(super) fn take<R>(&self, pick: impl Fn(&mut VecDeque<T>) -> Option<R>) -> Option<R> {
        let mut state = self.state();
        loop {
            if let Some(taken) = pick(&mut state.waiting) {
                return Some(taken);
            }
            if state.closed {
                return None;
            }
            state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Returns how many wait.
    pub(super) fn len(&self) -> usize {
        self.state().waiting.len()
    }

    /// Lets nothing more in.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.arrived.notify_all();
    }
}
