//! Where the operations run: a place that can be opened again, in any tenant and database.

use std::path::PathBuf;
use std::sync::Arc;

use huedb::backend::{Backend, FileBackend};
use huedb::record::Scope;
use huedb::store::{Access, Depth, Options, Store};
use tempfile::TempDir;

use super::world::{Same, same};
use crate::open::options;

pub(crate) trait ModelPlace {
    /// Opens it, empty at the first time, once nothing uses it any longer.
    fn open(&mut self, scope: Scope) -> Arc<dyn Backend>;

    /// Returns whether it holds whatever a file does: texts with the character NUL, and ids of any length.
    fn holds_all(&self) -> bool {
        true
    }

    /// Does what keeps a file small; other places do so by themselves.
    fn compact(&self, _: &dyn Backend) -> Same {
        Ok(())
    }

    /// Looks for damage.
    fn check(&self, _: &dyn Backend) -> Same {
        Ok(())
    }
}

/// A file in memory: waiting for a disk would take most of the time, and tells nothing here.
pub(crate) struct FilePlace {
    _folder: TempDir,
    path: PathBuf,
}

impl FilePlace {
    pub(crate) fn new() -> Self {
        let memory = std::path::Path::new("/dev/shm");
        let folder = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() }.unwrap();
        let path = folder.path().join("model.redb");
        Self { _folder: folder, path }
    }
}

impl ModelPlace for FilePlace {
    fn open(&mut self, scope: Scope) -> Arc<dyn Backend> {
        let access = if self.path.exists() { Access::Write } else { Access::Create };
        let store = Store::open_with(&self.path, access, &Options { scope, ..options() }).unwrap();
        Arc::new(FileBackend::new(store))
    }

    fn compact(&self, place: &dyn Backend) -> Same {
        place.file().unwrap().compact().map(drop).map_err(|error| format!("compact: {error}"))
    }

    fn check(&self, place: &dyn Backend) -> Same {
        let findings = place.file().unwrap().check(None, Depth::Deep).map_err(|error| format!("{error}"))?;
        same("findings", &findings, &Vec::new())
    }
}
