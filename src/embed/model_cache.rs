//! Models that stay loaded, and what was found out about files of models, for all that share the cache.
//!
//! Invariants: a model is kept under its name and all that decides its embeddings, so none is taken for another; while
//! one is loaded or works, nobody waits who wants another. What was read from a file is used again only while the file
//! is the same by its number, its length and its times.

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::hash::Hash;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Embedder;
use super::once::TryOnce;
use crate::error::{Error, Result};
use crate::record::Fingerprint;

/// Models that stay loaded; the one that was not used for longest makes room for another.
const MAX_LOADED: usize = 8;
/// Folders whose checksums are kept.
const MAX_CHECKED: usize = 64;
/// A file that changed so lately may change again within the same tick of the file system's clock.
const SETTLED: Duration = Duration::from_secs(2);

/// The loaded models of a process, or of a part of it. Cloning it is cheap, and the clones share the models.
///
/// Any number of threads may use it at once. Loading a model holds back those who want this model, and nobody else. A
/// model that makes room for another stays loaded for as long as somebody uses it.
#[derive(Clone, Default)]
pub struct ModelCache(Arc<CachedModels>);

#[derive(Default)]
struct CachedModels {
    /// The one that was used last stands last.
    loaded: Mutex<Vec<LoadedModel>>,
    checked: Mutex<HashMap<Vec<FileStamp>, GraphFacts>>,
}

struct LoadedModel {
    name: String,
    used: Fingerprint,
    model: Arc<TryOnce<Arc<dyn Embedder>>>,
}

/// What was found out about the files of a graph by reading all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GraphFacts {
    pub(super) sha256: String,
    pub(super) quantized_by_batch: bool,
}

/// What tells whether a file is the one it was.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct FileStamp {
    path: PathBuf,
    number: (u64, u64),
    bytes: u64,
    /// When its content and when anything about it was last changed, in seconds and nanoseconds since 1970.
    times: [(i64, i64); 2],
}

impl ModelCache {
    /// Returns the model of this name with this fingerprint, and loads it the first time.
    ///
    /// # Errors
    /// Those of `load`; the next call tries again.
    pub(super) fn get_or_load(
        &self,
        name: &str,
        used: &Fingerprint,
        load: impl FnOnce() -> Result<Arc<dyn Embedder>>,
    ) -> Result<Arc<dyn Embedder>> {
        let model = self.slot(name, used);
        model.get_or_try_init(load).cloned()
    }

    fn slot(&self, name: &str, used: &Fingerprint) -> Arc<TryOnce<Arc<dyn Embedder>>> {
        let mut loaded = lock(&self.0.loaded);
        let found = loaded.iter().position(|known| known.name == name && known.used == *used);
        let known = match found {
            Some(at) => loaded.remove(at),
            None => LoadedModel { name: name.to_owned(), used: used.clone(), model: Arc::default() },
        };
        let model = Arc::clone(&known.model);
        if loaded.len() >= MAX_LOADED {
            loaded.remove(0);
        }
        loaded.push(known);
        model
    }

    /// Returns what is known of the files of a graph, and reads them where they changed since.
    pub(super) fn graph_facts<'p>(
        &self,
        files: impl Iterator<Item = &'p Path>,
        read: impl FnOnce() -> Result<GraphFacts>,
    ) -> Result<GraphFacts> {
        let stamps = files.map(FileStamp::of).collect::<Result<Vec<_>>>()?;
        self.facts_of(stamps, SystemTime::now(), read)
    }

    fn facts_of(
        &self,
        stamps: Vec<FileStamp>,
        now: SystemTime,
        read: impl FnOnce() -> Result<GraphFacts>,
    ) -> Result<GraphFacts> {
        if let Some(known) = lock(&self.0.checked).get(&stamps) {
            return Ok(known.clone());
        }
        let facts = read()?;
        if stamps.iter().all(|stamp| stamp.is_settled(now)) {
            let mut checked = lock(&self.0.checked);
            if checked.len() >= MAX_CHECKED {
                checked.clear();
            }
            checked.insert(stamps, facts.clone());
        }
        Ok(facts)
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl FileStamp {
    fn of(path: &Path) -> Result<Self> {
        use std::os::unix::fs::MetadataExt;
        let facts = fs::metadata(path).map_err(|error| Error::io(format!("read {}", path.display()), error))?;
        Ok(Self {
            path: path.to_owned(),
            number: (facts.dev(), facts.ino()),
            bytes: facts.len(),
            times: [(facts.mtime(), facts.mtime_nsec()), (facts.ctime(), facts.ctime_nsec())],
        })
    }

    /// Whether its last change is long enough ago that another would show.
    fn is_settled(&self, now: SystemTime) -> bool {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let limit = i64::try_from(now.saturating_sub(SETTLED).as_secs()).unwrap_or(0);
        self.times.iter().all(|&(seconds, _)| seconds < limit)
    }
}

impl fmt::Debug for ModelCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ModelCache")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use super::*;
    use crate::embed::{HashEmbedder, TextRole};

    fn hash(name: &str) -> Arc<dyn Embedder> {
        Arc::new(HashEmbedder::from_name(name).unwrap())
    }

    #[test]
    fn a_model_is_loaded_once_for_each_fingerprint() {
        let cache = ModelCache::default();
        let (mut loads, plain) = (0, HashEmbedder::new(8));
        let used = plain.fingerprint().clone();
        let prefixed = Fingerprint { query_prefix: "query: ".into(), ..used.clone() };
        for fingerprint in [&used, &used, &prefixed, &used] {
            let load = || {
                loads += 1;
                Ok(hash("hash-8"))
            };
            let model = cache.clone().get_or_load("hash-8", fingerprint, load).unwrap();
            assert_eq!(model.embed_one("a fox", TextRole::Query).unwrap().len(), 8);
        }
        assert_eq!(loads, 2);
    }

    #[test]
    fn a_model_that_is_being_loaded_holds_back_no_other() {
        let cache = ModelCache::default();
        let (small, large) = (HashEmbedder::new(2).fingerprint().clone(), HashEmbedder::new(4).fingerprint().clone());
        let both_load = Barrier::new(2);
        thread::scope(|scope| {
            for used in [&small, &large] {
                let (cache, both_load) = (&cache, &both_load);
                // Neither is loaded before the other began to be.
                let load = move || {
                    both_load.wait();
                    Ok(hash(&used.model))
                };
                scope.spawn(move || cache.get_or_load(&used.model, used, load).unwrap());
            }
        });
        let not_again = || Err(Error::argument("loaded again"));
        assert_eq!(cache.get_or_load("hash-4", &large, not_again).unwrap().fingerprint(), &large);
    }

    #[test]
    fn a_failure_is_tried_again_and_the_least_used_makes_room() {
        let cache = ModelCache::default();
        let used = |n: usize| HashEmbedder::new(n).fingerprint().clone();
        let fails = || Err(Error::argument("not yet"));
        assert!(cache.get_or_load("hash-1", &used(1), fails).is_err());
        for n in 1..=MAX_LOADED + 1 {
            cache.get_or_load(&used(n).model, &used(n), || Ok(hash(&used(n).model))).unwrap();
            cache.get_or_load("hash-1", &used(1), || Ok(hash("hash-1"))).unwrap();
        }
        assert_eq!(lock(&cache.0.loaded).len(), MAX_LOADED);
        assert!(cache.get_or_load("hash-1", &used(1), fails).is_ok());
        assert!(cache.get_or_load("hash-2", &used(2), fails).is_err());
    }

    #[test]
    fn a_file_is_read_again_only_when_it_changed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("model.onnx");
        let cache = ModelCache::default();
        let mut reads = 0;
        let mut facts = |now| {
            let read = || {
                reads += 1;
                Ok(GraphFacts { sha256: fs::read_to_string(&path).unwrap(), quantized_by_batch: false })
            };
            let found = cache.facts_of(vec![FileStamp::of(&path).unwrap()], now, read).unwrap();
            (found.sha256, reads)
        };
        let now = SystemTime::now();
        fs::write(&path, "graph").unwrap();
        // It may be written again within one tick of the clock, so it is read each time.
        assert_eq!(facts(now), ("graph".into(), 1));
        assert_eq!(facts(now), ("graph".into(), 2));
        let later = now + 60 * SETTLED;
        assert_eq!(facts(later), ("graph".into(), 3));
        assert_eq!(facts(later), ("graph".into(), 3));
        fs::write(&path, "graph of another length").unwrap();
        assert_eq!(facts(later), ("graph of another length".into(), 4));
        // Another file in its place, of the same length and with the same time.
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        let other = dir.path().join("other");
        fs::write(&other, "GRAPH OF ANOTHER LENGTH").unwrap();
        fs::File::options().write(true).open(&other).unwrap().set_modified(modified).unwrap();
        fs::rename(&other, &path).unwrap();
        assert_eq!(facts(later), ("GRAPH OF ANOTHER LENGTH".into(), 5));
    }
}
