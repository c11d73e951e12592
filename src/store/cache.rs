//! What stays in memory of a file between questions, in the form in which it is used.
//!
//! Other modules put in what they made of a committed state, under a key that says which state; what was used longest ago
//! is evicted first. Invariants: the declared sizes never add up to more than the budget; nothing is kept that pins a
//! page of the file.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;

/// Which collection, and what of it: the text of a filter, or nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct CacheKey {
    collection: u32,
    kind: TypeId,
    part: String,
}

/// A bounded store of decoded data, shared by the threads of a process.
pub struct Cache {
    budget: usize,
    kept: Mutex<CacheEntries>,
}

#[derive(Default)]
struct CacheEntries {
    values: HashMap<CacheKey, CachedValue, RandomState>,
    bytes: usize,
    hits: u64,
    misses: u64,
    /// Counts the uses, which orders the values by their last one.
    uses: u64,
}

struct CachedValue {
    value: Arc<dyn Any + Send + Sync>,
    bytes: usize,
    last_use: u64,
}

impl Cache {
    pub(crate) fn new(budget: usize) -> Self {
        Self { budget, kept: Mutex::default() }
    }

    fn kept(&self) -> MutexGuard<'_, CacheEntries> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the most bytes it may hold.
    #[must_use]
    pub fn budget(&self) -> usize {
        self.budget
    }

    /// Returns how many bytes it holds.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.kept().bytes
    }

    /// Returns what was put in for a part of a collection.
    pub(crate) fn get<T: Any + Send + Sync>(&self, collection: u32, part: &str) -> Option<Arc<T>> {
        let mut kept = self.kept();
        kept.uses += 1;
        let now = kept.uses;
        let key = CacheKey { collection, kind: TypeId::of::<T>(), part: part.to_owned() };
        let value = kept.values.get_mut(&key).map(|value| {
            value.last_use = now;
            Arc::clone(&value.value)
        });
        if value.is_some() {
            kept.hits += 1;
        } else {
            kept.misses += 1;
        }
        value?.downcast().ok()
    }

    /// Returns how often something was found, and how often it was not.
    #[must_use]
    pub fn uses(&self) -> (u64, u64) {
        let kept = self.kept();
        (kept.hits, kept.misses)
    }

    /// Keeps a value of so many bytes in place of what was there, unless it is too large.
    pub(crate) fn put<T: Any + Send + Sync>(&self, collection: u32, part: &str, value: Arc<T>, bytes: usize) {
        let key = CacheKey { collection, kind: TypeId::of::<T>(), part: part.to_owned() };
        let mut gone = Vec::new();
        let mut kept = self.kept();
        gone.extend(kept.remove(&key));
        if bytes <= self.budget {
            while kept.bytes + bytes > self.budget {
                let oldest = kept.values.iter().min_by_key(|(_, value)| value.last_use).map(|(key, _)| key.clone());
                let Some(oldest) = oldest else { break };
                gone.extend(kept.remove(&oldest));
            }
            kept.uses += 1;
            let last_use = kept.uses;
            kept.bytes += bytes;
            kept.values.insert(key, CachedValue { value, bytes, last_use });
        }
        drop(kept);
        // Freeing hundreds of megabytes takes time that nobody else needs to wait for.
        drop(gone);
    }
}

impl CacheEntries {
    fn remove(&mut self, key: &CacheKey) -> Option<CachedValue> {
        let gone = self.values.remove(key)?;
        self.bytes -= gone.bytes;
        Some(gone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_longest_ago_goes_first_and_the_budget_holds() {
        let cache = Cache::new(100);
        for part in ["a", "b", "c"] {
            cache.put(1, part, Arc::new(part.to_owned()), 30);
        }
        assert!(cache.get::<String>(1, "a").is_some());
        cache.put(1, "d", Arc::new("d".to_owned()), 40);
        let there = ["a", "b", "c", "d"].map(|part| cache.get::<String>(1, part).is_some());
        assert_eq!((there, cache.bytes()), ([true, false, true, true], 100));
        cache.put(1, "c", Arc::new("c".to_owned()), 101);
        assert_eq!((cache.get::<String>(1, "c"), cache.bytes()), (None, 70));
    }

    #[test]
    fn collections_parts_and_types_are_told_apart() {
        let cache = Cache::new(100);
        cache.put(1, "", Arc::new(7_u8), 1);
        assert_eq!(cache.get::<u8>(1, "").as_deref(), Some(&7));
        assert!(cache.get::<u16>(1, "").is_none() && cache.get::<u8>(2, "").is_none());
        assert!(cache.get::<u8>(1, "x").is_none());
    }
}
