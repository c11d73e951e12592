//! How a command opens and makes its file, with a key where it needs one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use huedb::backend::{Backend, Only, Place, State, only_in};
use huedb::error::{Error, Result};
use huedb::record::{CollectionInfo, CollectionName, Fingerprint, Scope};
use huedb::store::{Access, NewCollection, Options, Store, View, is_encrypted};

use super::command::Context;
use super::places::Reach;
use crate::cli::arguments::global::NewFileArgs;

impl Context<'_, '_> {
    /// Opens the place, whatever it is.
    pub(crate) fn open(&self, access: Access) -> Result<Arc<dyn Backend>> {
        self.place_or(|| self.open_file(access))
    }

    /// Returns what connects to another place than that of --db.
    #[cfg(feature = "serve")]
    pub(crate) fn opener(&self, place: Place) -> impl Fn() -> Result<Arc<dyn Backend>> + Send + Sync + 'static {
        let reach = self.reach();
        move || reach.connect(&place)
    }

    /// Returns how places that are not files are reached.
    fn reach(&self) -> Reach {
        Reach { scope: self.scope().clone(), token: self.token.clone(), patience: self.options.busy_timeout }
    }

    /// Opens the place, and the file by `open` where it is one.
    fn place_or(&self, open: impl FnOnce() -> Result<Store>) -> Result<Arc<dyn Backend>> {
        match self.place() {
            Place::File(_) => Ok(open()?.into()),
            place => self.timing.of("connect", || self.reach().connect(&place)),
        }
    }

    /// Returns the file for what only a file can do; `verb` is what is asked for.
    pub(crate) fn require_file(&self, verb: &'static str) -> Result<()> {
        match self.place() {
            Place::File(_) => Ok(()),
            place => Err(only_in(&place, Only::File(verb))),
        }
    }

    /// Opens the file with the memory that suits what it is opened for.
    pub(crate) fn open_file(&self, access: Access) -> Result<Store> {
        let cache_bytes = match access {
            Access::Read => Options::READ_CACHE_BYTES,
            Access::Write | Access::Create => Options::WRITE_CACHE_BYTES,
        };
        self.open_with(access, cache_bytes, 0)
    }

    /// Opens the place for a process that stays.
    #[cfg(any(feature = "mcp", feature = "serve"))]
    pub(crate) fn open_to_stay(
        &mut self,
        access: Access,
        cache_bytes: usize,
        warm_bytes: usize,
    ) -> Result<Arc<dyn Backend>> {
        match (self.place(), access) {
            (Place::File(_), Access::Create) => Ok(self.or_make(cache_bytes, warm_bytes)?.into()),
            _ => self.place_or(|| self.open_with(access, cache_bytes, warm_bytes)),
        }
    }

    /// A command asks once, and so keeps no warm bytes.
    fn open_with(&self, access: Access, cache_bytes: usize, warm_bytes: usize) -> Result<Store> {
        let open = |options: &Options| {
            let options = Options { cache_bytes, warm_bytes, ..options.clone() };
            self.timing.of("open", || Store::open_with(&self.db, access, &options))
        };
        self.with_key(open)
    }

    /// Does what may need a key: gets one when it does.
    pub(crate) fn with_key<T>(&self, work: impl Fn(&Options) -> Result<T>) -> Result<T> {
        match work(&self.options) {
            Err(Error::KeyNeeded { path }) => {
                let with = |key| work(&Options { key: Some(key), ..self.options.clone() });
                let (key, is_fresh) = self.keys.of(&path)?;
                let done = with(key);
                let Err(Error::WrongKey { .. }) = &done else { return done };
                self.keys.forget(&path);
                // An earlier command got it, and it may have been changed since.
                if is_fresh { done } else { with(self.keys.of(&path)?.0) }
            }
            done => done,
        }
    }

    /// Returns how a file is opened, with its key where it is encrypted: for work that opens it more than once.
    pub(crate) fn options_of(&self, path: &Path) -> Result<Options> {
        if !is_encrypted(path) {
            return Ok(self.options.clone());
        }
        let open = |options: &Options| Store::open_with(path, Access::Read, options);
        // Whatever else is wrong with it, the key is right.
        if let Err(error @ (Error::KeyNeeded { .. } | Error::WrongKey { .. })) = self.with_key(open) {
            return Err(error);
        }
        Ok(Options { key: Some(self.keys.of(path)?.0), ..self.options.clone() })
    }

    /// Takes in how a file is made, should one be; asks for its key.
    pub(crate) fn prepare(&mut self, new: NewFileArgs) -> Result<()> {
        let is_new = self.db.metadata().map_or(true, |facts| facts.is_file() && facts.len() == 0);
        if new.encrypt {
            self.require_file("--encrypt")?;
        }
        if new.encrypt && is_new {
            self.options.key = Some(self.keys.new_of(&self.db)?);
        }
        self.options.encrypt = new.encrypt;
        Ok(())
    }

    /// Does one thing to the file.
    pub(crate) fn change<T>(&self, work: impl FnOnce(&dyn Backend) -> Result<T>) -> Result<T> {
        closing(self.open(Access::Write)?, work)
    }

    /// Does one thing to the file, which is made when there is none.
    pub(crate) fn change_or_make<T>(
        &mut self,
        new: NewFileArgs,
        work: impl FnOnce(&dyn Backend) -> Result<T>,
    ) -> Result<T> {
        self.prepare(new)?;
        closing(self.open_or_make()?, work)
    }

    /// Makes a collection with a model, and the file when there is none.
    pub(crate) fn make_collection(
        &mut self,
        file: NewFileArgs,
        name: &str,
        model: &Fingerprint,
    ) -> Result<CollectionInfo> {
        let new = NewCollection { embedder: Some(model.clone()), ..NewCollection::default() };
        let info = self.change_or_make(file, |store| store.create_collection(CollectionName::parse(name)?, new))?;
        let (name, db) = (&info.name, self.place());
        self.printer.notice(format!("created {name} in {db} (model {}, {})", model.model, info.space));
        Ok(info)
    }

    /// Opens the file for writing, and makes it when there is none.
    pub(crate) fn open_or_make(&mut self) -> Result<Arc<dyn Backend>> {
        match self.place() {
            Place::File(_) => Ok(self.or_make(Options::WRITE_CACHE_BYTES, 0)?.into()),
            _ => self.open(Access::Create),
        }
    }

    fn or_make(&mut self, cache_bytes: usize, warm_bytes: usize) -> Result<Store> {
        let is_new = !self.db.exists();
        let store = self.open_with(Access::Create, cache_bytes, warm_bytes)?;
        if is_new && !self.options.encrypt {
            self.warn_of_plain(&self.db.clone());
        }
        Ok(store)
    }

    /// Says of a plain file that was made that it is plain, where somebody gave a key.
    pub(crate) fn warn_of_plain(&mut self, made: &Path) {
        if self.keys.are_given() {
            let made = made.display();
            self.printer.warning(format!("{made} is plain although a key was given; `huedb encrypt` encrypts it"));
        }
    }

    /// Works on this file instead of that of --db; `verb` is what is asked for.
    pub(crate) fn use_file(&mut self, file: Option<PathBuf>, verb: &'static str) -> Result<()> {
        if let Some(file) = file {
            self.db = file;
        }
        self.require_file(verb)?;
        if self.db.exists() { Ok(()) } else { Err(Error::FileNotFound { path: self.db.clone() }) }
    }

    /// Returns how files are opened, without a key.
    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    /// Returns the tenant and database that names are looked up in.
    pub(crate) fn scope(&self) -> &Scope {
        &self.options.scope
    }

    /// Returns what the place is.
    pub(crate) fn place(&self) -> Place {
        Place::parse(&self.db)
    }

    /// Returns whether there may be something at the place already.
    pub(crate) fn may_exist(&self) -> bool {
        !matches!(self.place(), Place::File(path) if !path.exists())
    }

    /// Looks at a collection before the file is opened for writing: what is refused here has not touched a byte.
    pub(crate) fn look(&self, collection: &str) -> Result<Box<dyn State>> {
        self.open(Access::Read)?.state_of(collection)
    }

    /// Does the same with what only a file has.
    pub(crate) fn look_into_file(&self, collection: &str) -> Result<View> {
        self.open_file(Access::Read)?.view(collection)
    }

    /// Opens the place for writing a lot.
    pub(crate) fn open_for_bulk(&self, access: Access) -> Result<Arc<dyn Backend>> {
        self.place_or(|| self.open_file_for_bulk(access))
    }

    /// Opens the file for writing a lot.
    pub(crate) fn open_file_for_bulk(&self, access: Access) -> Result<Store> {
        self.open_with(access, Options::BULK_CACHE_BYTES, 0)
    }

    /// Opens the place for writing a lot, and makes the file where there is none.
    pub(crate) fn open_or_make_for_bulk(&mut self) -> Result<Arc<dyn Backend>> {
        match self.place() {
            Place::File(_) => Ok(self.open_for_import(Access::Create, None)?.into()),
            _ => self.open(Access::Create),
        }
    }

    /// Does something at another place than that of --db.
    pub(crate) fn elsewhere<T>(&mut self, place: &Path, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let own = (std::mem::replace(&mut self.db, place.to_owned()), self.options.clone());
        let done = work(self).map_err(|error| self.naming_its_file(error));
        (self.db, self.options) = own;
        done
    }

    /// Opens the place for an import of so many bytes.
    pub(crate) fn open_for_rows(&self, input_bytes: Option<u64>) -> Result<Arc<dyn Backend>> {
        let file_bytes = std::fs::metadata(&self.db).map_or(0, |facts| facts.len());
        let cache_bytes = Options::import_cache_bytes(file_bytes, input_bytes);
        self.place_or(|| self.open_with(Access::Write, cache_bytes, 0))
    }

    /// Opens the file for an import of so many bytes.
    pub(crate) fn open_for_import(&mut self, access: Access, input_bytes: Option<u64>) -> Result<Store> {
        let file_bytes = std::fs::metadata(&self.db).map_or(0, |facts| facts.len());
        let cache_bytes = Options::import_cache_bytes(file_bytes, input_bytes);
        if access == Access::Create { self.or_make(cache_bytes, 0) } else { self.open_with(access, cache_bytes, 0) }
    }
}

fn closing<T>(place: Arc<dyn Backend>, work: impl FnOnce(&dyn Backend) -> Result<T>) -> Result<T> {
    let done = work(place.as_ref())?;
    place.close()?;
    Ok(done)
}
