//! Models that stay loaded from one command of a process to the next.
//!
//! Invariant: a model is kept under its name and all that decides its embeddings, so none is taken for another.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Embedder, Role};
use crate::error::Result;
use crate::record::Fingerprint;

type Loaded = Arc<Mutex<Box<dyn Embedder>>>;

/// The models that a process has loaded.
#[derive(Default)]
pub struct KeptModels(Mutex<Vec<(String, Fingerprint, Loaded)>>);

impl KeptModels {
    /// Returns the model of this name with this fingerprint, and loads it the first time.
    ///
    /// # Errors
    /// Those of `load`.
    pub(super) fn get(
        &self,
        name: &str,
        used: &Fingerprint,
        load: impl FnOnce() -> Result<Box<dyn Embedder>>,
    ) -> Result<Box<dyn Embedder>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().find(|(known, fingerprint, _)| known == name && fingerprint == used);
        let loaded = if let Some((_, _, loaded)) = found {
            Arc::clone(loaded)
        } else {
            let loaded: Loaded = Arc::new(Mutex::new(load()?));
            kept.push((name.to_owned(), used.clone(), Arc::clone(&loaded)));
            loaded
        };
        let fingerprint = loaded.lock().unwrap_or_else(PoisonError::into_inner).fingerprint().clone();
        Ok(Box::new(Kept { fingerprint, loaded }))
    }
}

impl fmt::Debug for KeptModels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeptModels")
    }
}

/// A model that others use as well.
struct Kept {
    fingerprint: Fingerprint,
    loaded: Loaded,
}

impl Embedder for Kept {
    fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    fn embed(&mut self, texts: &[&str], role: Role) -> Result<Vec<Vec<f32>>> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner).embed(texts, role)
    }

    fn take_cut(&mut self) -> u64 {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner).take_cut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embed::HashEmbedder;

    #[test]
    fn a_model_is_loaded_once_for_each_fingerprint() {
        let kept = KeptModels::default();
        let (mut loads, plain) = (0, HashEmbedder::from_name("hash-8").unwrap());
        let used = plain.fingerprint().clone();
        let prefixed = Fingerprint { query_prefix: "query: ".into(), ..used.clone() };
        for fingerprint in [&used, &used, &prefixed, &used] {
            let load = || {
                loads += 1;
                Ok(Box::new(HashEmbedder::from_name("hash-8").unwrap()) as Box<dyn Embedder>)
            };
            let mut model = kept.get("hash-8", fingerprint, load).unwrap();
            assert_eq!(model.embed(&["a fox"], Role::Query).unwrap()[0].len(), 8);
        }
        assert_eq!(loads, 2);
    }
}
