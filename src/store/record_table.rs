//! The records of one collection while a transaction writes them.
//!
//! Where a collection has no dictionary yet, its long documents wait until there are enough to make one of, or the
//! transaction ends: redb would keep the pages of records that shrink afterwards. Short ones after them wait too, because
//! redb splits pages that are not filled in order. Invariants: what was put is what is read,
//! waiting or not; no record refers to another dictionary than [`RecordTable::finish`] returns.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use redb::{ReadableTable, Table, TableDefinition, WriteTransaction};

use super::packing::{Dictionary, Packer, Sample, no_dictionary};
use super::record::{StoredRecord, decode, encode_checked, pack, packable_bytes};
use super::table::{self, CollectionNumber, PairKey, pair_ordinal};
use super::{dictionaries, limit};
use crate::error::{Error, Result};
use crate::record::Ordinal;

/// Records that wait are written when they have so many bytes, whether they make a dictionary or not.
const MOST_WAITING_BYTES: usize = 8 << 20;

/// The records of one collection.
pub(crate) struct RecordTable<'tx> {
    tx: &'tx WriteTransaction,
    number: CollectionNumber,
    table: Table<'tx, &'static PairKey, &'static [u8]>,
    /// The dictionary that the settings of the collection name.
    identity: Option<u64>,
    dictionary: OnceCell<Arc<Dictionary>>,
    packer: Option<Packer>,
    /// Records that a dictionary may be made of, and those put after them, by ordinal, encoded.
    waiting: BTreeMap<u64, Vec<u8>>,
    /// Their bytes.
    waiting_bytes: usize,
}

impl<'tx> RecordTable<'tx> {
    /// Opens those of a collection whose settings name this dictionary.
    pub(crate) fn open(tx: &'tx WriteTransaction, number: CollectionNumber, dictionary: Option<u64>) -> Result<Self> {
        Self::open_in(tx, table::RECORDS, number, dictionary)
    }

    /// Does the same in another table.
    pub(crate) fn open_in(
        tx: &'tx WriteTransaction,
        table: TableDefinition<&'static PairKey, &'static [u8]>,
        number: CollectionNumber,
        dictionary: Option<u64>,
    ) -> Result<Self> {
        Ok(Self {
            tx,
            number,
            table: tx.open_table(table)?,
            identity: dictionary,
            dictionary: OnceCell::new(),
            packer: None,
            waiting: BTreeMap::new(),
            waiting_bytes: 0,
        })
    }

    /// Reads the record of an ordinal.
    pub(crate) fn get(&self, ordinal: Ordinal) -> Result<StoredRecord> {
        if let Some(bytes) = self.waiting.get(&ordinal.0) {
            return self.decoded(bytes);
        }
        let missing = || Error::damaged(format!("the record of row {} is missing", ordinal.0));
        self.decoded(self.table.get(&self.number.pair(ordinal.0))?.ok_or_else(missing)?.value())
    }

    /// Visits all records in order.
    pub(crate) fn for_each(&mut self, mut visit: impl FnMut(Ordinal, StoredRecord) -> Result<()>) -> Result<()> {
        self.write_waiting()?;
        for row in self.table.range::<&PairKey>(&self.number.pair(0)..=&self.number.pair(u64::MAX))? {
            let (key, record) = row?;
            visit(pair_ordinal(key.value()), self.decoded(record.value())?)?;
        }
        Ok(())
    }

    /// Puts a record in the place of what was there; whether it fits does not depend on how well it packs.
    pub(crate) fn put(&mut self, ordinal: Ordinal, record: &StoredRecord) -> Result<()> {
        let named = |e| limit::of_record(&record.id, e);
        let bytes = encode_checked(record).map_err(named)?;
        limit::check_record(bytes.len()).map_err(named)?;
        self.put_bytes(ordinal, bytes.into())
    }

    /// Puts a record that was encoded and is not packed.
    pub(crate) fn put_bytes(&mut self, ordinal: Ordinal, bytes: Cow<[u8]>) -> Result<()> {
        self.forget(ordinal);
        let waits = self.identity.is_none() && (!self.waiting.is_empty() || packable_bytes(&bytes)? > 0);
        if !waits {
            return self.insert(ordinal.0, &bytes);
        }
        self.waiting_bytes += bytes.len();
        self.waiting.insert(ordinal.0, bytes.into_owned());
        if self.waiting_bytes < MOST_WAITING_BYTES { Ok(()) } else { self.write_waiting() }
    }

    pub(crate) fn remove(&mut self, ordinal: Ordinal) -> Result<()> {
        self.forget(ordinal);
        self.table.remove(&self.number.pair(ordinal.0))?;
        Ok(())
    }

    /// Writes what waits; returns the dictionary that the settings of the collection are to name.
    pub(crate) fn finish(mut self) -> Result<Option<u64>> {
        self.write_waiting()?;
        Ok(self.identity)
    }

    /// Makes a dictionary of what waits, if that is enough, and writes it.
    fn write_waiting(&mut self) -> Result<()> {
        self.waiting_bytes = 0;
        let waiting = std::mem::take(&mut self.waiting);
        if self.identity.is_none() {
            let mut sample = Sample::default();
            for bytes in waiting.values() {
                self.decoded(bytes)?.document.iter().for_each(|document| sample.add(document));
            }
            if let Some(dictionary) = sample.train() {
                dictionaries::put(self.tx, self.number, &dictionary)?;
                self.identity = Some(dictionary.identity());
                self.dictionary = Arc::new(dictionary).into();
            }
        }
        waiting.into_iter().try_for_each(|(ordinal, bytes)| self.insert(ordinal, &bytes))
    }

    fn insert(&mut self, ordinal: u64, bytes: &[u8]) -> Result<()> {
        let packed = if self.identity.is_some() && packable_bytes(bytes)? > 0 { self.pack(bytes)? } else { None };
        self.table.insert(&self.number.pair(ordinal), packed.as_deref().unwrap_or(bytes))?;
        Ok(())
    }

    fn pack(&mut self, bytes: &[u8]) -> Result<Option<Vec<u8>>> {
        let packer = match self.packer.take() {
            Some(packer) => packer,
            None => Packer::new(&*self.dictionary()?)?,
        };
        pack(bytes, self.packer.insert(packer))
    }

    fn forget(&mut self, ordinal: Ordinal) {
        if let Some(bytes) = self.waiting.remove(&ordinal.0) {
            self.waiting_bytes -= bytes.len();
        }
    }

    fn decoded(&self, bytes: &[u8]) -> Result<StoredRecord> {
        decode(bytes, || self.dictionary())
    }

    fn dictionary(&self) -> Result<Arc<Dictionary>> {
        if let Some(dictionary) = self.dictionary.get() {
            return Ok(Arc::clone(dictionary));
        }
        let identity = self.identity.ok_or_else(no_dictionary)?;
        let found = dictionaries::read_for_writing(self.tx, self.number, identity)?;
        Ok(Arc::clone(self.dictionary.get_or_init(|| found)))
    }
}
