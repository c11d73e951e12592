//! Copies records and embeddings from the pages of the old file into the new one, where all derived data is made again.

use std::collections::{BTreeMap, HashMap};

use redb::WriteTransaction;
use roaring::RoaringTreemap;

use super::catalogue::{OldCatalogue, OldCollection, is};
use super::loss::{Certainty, Loss, RepairedCollection};
use super::rebuild::Repair;
use crate::error::{Error, Result};
use crate::record::{CollectionName, Ordinal};
use crate::store::apply::Rows;
use crate::store::catalog::{self, CatalogEntry};
use crate::store::crypt::Seal;
use crate::store::packing::{Dictionary, no_dictionary};
use crate::store::page::{Link, PageState, Tree, TreeShape, WalkedPage};
use crate::store::record::{StoredRecord, decode};
use crate::store::table::{self, CollectionNumber, PairKey, meta, pair_number};
use crate::store::vector::RowForm;
use crate::store::write::WriteBatch;
use crate::store::{Access, Change, Effect, FORMAT_VERSION, Mode, Options, Store, check_embedding, layout};

/// Records written in one transaction.
const RECORDS_AT_ONCE: usize = 4096;
/// Bytes of texts in one, far under half of the cache.
const BYTES_AT_ONCE: usize = 32 << 20;

/// Where a block of embeddings can be found.
enum EmbeddingBlock {
    /// On a sound page.
    Sound(Link),
    /// Here, because the page was not sound.
    Bytes { bytes: Vec<u8>, is_certain: bool },
}

/// The embeddings of the old file, found by collection and block.
struct Blocks<'t> {
    tree: &'t Tree<'t>,
    shape: Option<TreeShape>,
    places: HashMap<PairKey, EmbeddingBlock>,
    /// The one read last.
    last: Option<(PairKey, Vec<u8>)>,
}

impl<'t> Blocks<'t> {
    fn new(tree: &'t Tree<'t>) -> Self {
        Self { tree, shape: None, places: HashMap::new(), last: None }
    }

    fn note(&mut self, page: &WalkedPage) {
        self.shape.get_or_insert_with(|| page.shape.clone());
        for (key, value) in page.rows() {
            let Ok(key) = PairKey::try_from(key) else { continue };
            let block = match page.state {
                PageState::Sound => EmbeddingBlock::Sound(page.link),
                state => EmbeddingBlock::Bytes { bytes: value.to_vec(), is_certain: state == PageState::Healed },
            };
            // The content of a damaged page never hides that of a sound one.
            if matches!(block, EmbeddingBlock::Bytes { is_certain: false, .. }) && self.places.contains_key(&key) {
                continue;
            }
            self.places.insert(key, block);
        }
    }

    /// Returns the embedding of a row, and whether it is certain.
    fn embedding(&mut self, number: CollectionNumber, row: u64, form: RowForm) -> Option<(Vec<f32>, bool)> {
        let key = number.pair(row / form.rows_per_block());
        let range = form.range(Ordinal(row));
        match self.places.get(&key)? {
            EmbeddingBlock::Bytes { bytes, is_certain } => Some((form.floats(bytes.get(range)?), *is_certain)),
            EmbeddingBlock::Sound(link) => {
                if self.last.as_ref().is_none_or(|(last, _)| *last != key) {
                    self.last = Some((key, self.tree.value(link, self.shape.as_ref()?, &key)?));
                }
                let (_, bytes) = self.last.as_ref()?;
                Some((form.floats(bytes.get(range)?), true))
            }
        }
    }
}

/// Records to be written to the new file.
struct Waiting<'s> {
    store: &'s Store,
    collection: Option<(CollectionNumber, String)>,
    changes: Vec<Change>,
    bytes: usize,
}

impl Waiting<'_> {
    /// Writes what is waiting; returns the ids that another record already had.
    fn write(&mut self) -> Result<Vec<String>> {
        let changes = std::mem::take(&mut self.changes);
        self.bytes = 0;
        let Some((number, name)) = self.collection.as_ref().filter(|_| !changes.is_empty()) else {
            return Ok(Vec::new());
        };
        self.store.write(|tx| {
            let mut batch = WriteBatch::begin(tx, *number, name)?;
            let mut twice = Vec::new();
            for change in changes {
                let id = change.id.to_string();
                if batch.apply(change, Mode::Add)? != Effect::Added {
                    twice.push(id);
                }
            }
            batch.finish()?;
            Ok(twice)
        })
    }
}

/// What is known of one collection while its records are copied.
struct Progress<'c> {
    found: &'c OldCollection,
    entry: &'c CatalogEntry,
    /// Rows that were copied or reported as lost.
    seen: RoaringTreemap,
    kept: u64,
}

impl Repair {
    pub(super) fn copy(&mut self, tree: &Tree, seal: Option<&Seal>) -> Result<()> {
        let catalogue = OldCatalogue::read(tree)?;
        if let Some(seal) = seal {
            seal.write_to(self.file.as_file())?;
        }
        let key = seal.map(|seal| seal.key().clone());
        let options = Options { cache_bytes: Options::BULK_CACHE_BYTES, key, ..Options::default() };
        layout::fill(self.file.path(), &options)?;
        let store = Store::open_with(self.file.path(), Access::Write, &options)?;
        store.write(|tx| write_catalogue(tx, &catalogue))?;
        let mut collections = BTreeMap::new();
        for (number, found) in &catalogue.collections {
            if !found.is_certain {
                self.doubt(&found.name, None, "its name or its settings are on a damaged page");
            }
            match &found.entry {
                Some(entry) => {
                    let seen = RoaringTreemap::new();
                    collections.insert(*number, Progress { found, entry, seen, kept: 0 });
                }
                None => self.lose(&found.name, None, "its settings cannot be read, and with them its records", None),
            }
        }
        self.count_pages(tree)?;
        self.copy_records(tree, &store, &catalogue.dictionaries, &mut collections)?;
        self.find_missing(tree, &mut collections)?;
        for progress in collections.into_values() {
            let Progress { found, entry, kept, seen, .. } = progress;
            if found.is_certain && entry.records > seen.len() {
                let more = format!("{} more records, whose ids are not known", entry.records - seen.len());
                self.lose(&found.name, None, &more, None);
            }
            self.kept.push(RepairedCollection {
                scope: found.scope.clone(),
                name: found.name.clone(),
                records: kept,
                had_graph: entry.graph.is_some(),
            });
        }
        store.close()
    }

    fn lose(&mut self, collection: &str, id: Option<&str>, what: &str, document: Option<String>) {
        self.tell(collection, id, what, Certainty::Lost, document);
    }

    fn doubt(&mut self, collection: &str, id: Option<&str>, what: &str) {
        self.tell(collection, id, what, Certainty::Doubtful, None);
    }

    fn tell(&mut self, collection: &str, id: Option<&str>, what: &str, certainty: Certainty, document: Option<String>) {
        let (collection, id, what) = (collection.to_owned(), id.map(str::to_owned), what.to_owned());
        self.losses.push(Loss { collection, id, what, certainty, document });
    }

    fn count_pages(&mut self, tree: &Tree) -> Result<()> {
        tree.walk(true, &|_| true, &mut |page| {
            self.damaged_pages += u64::from(page.state != PageState::Sound);
            self.healed_pages += u64::from(page.state == PageState::Healed);
            Ok(())
        })
    }

    fn copy_records(
        &mut self,
        tree: &Tree,
        store: &Store,
        dictionaries: &BTreeMap<CollectionNumber, Dictionary>,
        collections: &mut BTreeMap<CollectionNumber, Progress>,
    ) -> Result<()> {
        let mut blocks = Blocks::new(tree);
        tree.walk(true, &|shape| is(shape, table::VECTORS), &mut |page| {
            if is(page.shape, table::VECTORS) {
                blocks.note(page);
            }
            Ok(())
        })?;
        let mut waiting = Waiting { store, collection: None, changes: Vec::new(), bytes: 0 };
        let mut twice = Vec::new();
        tree.walk(true, &|shape| is(shape, table::RECORDS), &mut |page| {
            if !is(page.shape, table::RECORDS) {
                return Ok(());
            }
            for (key, value) in page.rows() {
                let Ok(key) = PairKey::try_from(key) else { continue };
                let [a, b, c, d, ..] = key;
                let (number, row) = (CollectionNumber(u32::from_be_bytes([a, b, c, d])), pair_number(&key));
                let Some(progress) = collections.get_mut(&number) else { continue };
                // One whose row cannot be copied is reported as missing.
                if row >= progress.entry.next_ordinal && page.state == PageState::Damaged || progress.seen.contains(row)
                {
                    continue;
                }
                let Ok(stored) = decode(value, || dictionaries.get(&number).ok_or_else(no_dictionary)) else {
                    continue;
                };
                progress.seen.insert(row);
                let is_certain = page.state != PageState::Damaged;
                let Some(change) = self.change(progress, &mut blocks, number, row, stored, is_certain) else {
                    continue;
                };
                progress.kept += 1;
                if waiting.collection.as_ref().is_none_or(|(waits, _)| *waits != number)
                    || waiting.changes.len() >= RECORDS_AT_ONCE
                    || waiting.bytes >= BYTES_AT_ONCE
                {
                    twice.extend(waiting.write()?.into_iter().zip(waiting.collection.as_ref().map(|(n, _)| *n)));
                    waiting.collection = Some((number, progress.found.name.clone()));
                }
                waiting.bytes += value.len()
                    + change.document.as_ref().map_or(0, String::len)
                    + 4 * change.embedding.as_ref().map_or(0, Vec::len);
                waiting.changes.push(change);
            }
            Ok(())
        })?;
        twice.extend(waiting.write()?.into_iter().zip(waiting.collection.as_ref().map(|(n, _)| *n)));
        for (id, number) in twice {
            if let Some(progress) = collections.get_mut(&number) {
                progress.kept -= 1;
                self.lose(&progress.found.name, Some(&id), "another record has its id", None);
            }
        }
        Ok(())
    }

    /// Returns a record as it is written to the new file; `None` when it cannot be, which is reported.
    fn change(
        &mut self,
        progress: &mut Progress,
        blocks: &mut Blocks,
        number: CollectionNumber,
        row: u64,
        stored: StoredRecord,
        is_certain: bool,
    ) -> Option<Change> {
        let (name, id) = (progress.found.name.as_str(), stored.id.to_string());
        let rows_number = progress.entry.rows_number(number);
        let embedding = progress.entry.row_form().and_then(|form| blocks.embedding(rows_number, row, form));
        let Some((embedding, embedding_is_certain)) = embedding.filter(|(x, _)| check_embedding(x).is_ok()) else {
            self.lose(name, Some(&id), "its embedding cannot be read", stored.document);
            return None;
        };
        if !is_certain {
            self.doubt(name, Some(&id), "its id, document or metadata is on a damaged page");
        }
        if !embedding_is_certain {
            self.doubt(name, Some(&id), "its embedding is on a damaged page");
        }
        Some(Change {
            id: stored.id,
            embedding: Some(embedding),
            embedded_here: stored.embedded_here,
            document: stored.document,
            uri: stored.uri,
            metadata: stored.metadata.into(),
        })
    }

    /// Looks for ids whose record was not found.
    fn find_missing(&mut self, tree: &Tree, collections: &mut BTreeMap<CollectionNumber, Progress>) -> Result<()> {
        tree.walk(true, &|shape| is(shape, table::IDS), &mut |page| {
            if !is(page.shape, table::IDS) {
                return Ok(());
            }
            for (key, value) in page.rows() {
                let Some((number, id)) = key.split_first_chunk() else { continue };
                let Some(progress) = collections.get_mut(&CollectionNumber(u32::from_be_bytes(*number))) else {
                    continue;
                };
                let (Ok(id), Ok(row)) = (std::str::from_utf8(id), value.try_into()) else { continue };
                let row = u64::from_le_bytes(row);
                if row < progress.entry.next_ordinal && progress.seen.insert(row) {
                    self.lose(&progress.found.name, Some(id), "its record cannot be read", None);
                }
            }
            Ok(())
        })
    }
}

/// Writes everything of the new file but the records.
fn write_catalogue(tx: &WriteTransaction, catalogue: &OldCatalogue) -> Result<()> {
    let mut names = tx.open_table(table::META)?;
    if let Some(format) = catalogue.meta.get(meta::FORMAT)
        && let Ok(format) = format.as_slice().try_into()
        && u32::from_le_bytes(format) > FORMAT_VERSION
    {
        let (path, found) = (std::path::PathBuf::new(), u32::from_le_bytes(format));
        return Err(Error::NewerFormat { path, found, supported: FORMAT_VERSION });
    }
    if let Some(id) = catalogue.meta.get(meta::FILE_ID).filter(|id| id.len() == 16) {
        names.insert(meta::FILE_ID, id.as_slice())?;
    }
    let known = catalogue.meta.get(meta::NEXT_COLLECTION).and_then(|next| next.as_slice().try_into().ok());
    let after_last = catalogue.collections.keys().next_back().map_or(0, |last| last.0.saturating_add(1));
    let next = known.map_or(after_last, |next| u32::from_le_bytes(next).max(after_last));
    names.insert(meta::NEXT_COLLECTION, next.to_le_bytes().as_slice())?;
    for tenant in &catalogue.tenants {
        tx.open_table(table::TENANTS)?.insert(tenant.as_str(), ())?;
    }
    for ((tenant, database), id) in &catalogue.databases {
        tx.open_table(table::DATABASES)?.insert((tenant.as_str(), database.as_str()), id)?;
    }
    for (id, token) in &catalogue.tokens {
        tx.open_table(table::TOKENS)?.insert(id.as_str(), token.as_slice())?;
    }
    let mut numbers = tx.open_table(table::COLLECTIONS)?;
    let mut entries = tx.open_table(table::COLLECTION)?;
    for (number, found) in &catalogue.collections {
        let Some(entry) = &found.entry else { continue };
        let mut info = entry.info.clone();
        info.name = CollectionName::parse(&found.name)?;
        let key = (found.scope.tenant.as_str(), found.scope.database.as_str(), found.name.as_str());
        numbers.insert(key, &number.key())?;
        catalog::put(&mut entries, *number, &CatalogEntry::without_records(info))?;
    }
    Ok(())
}
