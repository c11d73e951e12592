//! The inverted index: for each field and term, the records that hold it and the term's weight there.
//!
//! A field is the document, by its BM25 weights, or a metadata key that holds sparse vectors. A block's key is
//! collection, field, term and the first ordinal it may hold; its value is, for each record, the distance from the
//! ordinal before it in seven-bit groups and the weight as f32. Blocks hold at most [`BLOCK_RECORDS`] records, so a
//! change rewrites under 5 KB per term whatever the size of the collection. Invariant: a record is listed under exactly
//! the terms it holds, and under each once; blocks of a term do not overlap and are never empty.

use std::collections::{BTreeMap, HashMap};

use redb::{ReadableTable, Table};
use roaring::RoaringTreemap;

use super::codec::{Reader, put_len, put_text};
use super::record::StoredRecord;
use super::table::CollectionNumber;
use crate::bm25::Words;
use crate::error::{Error, Result};
use crate::record::{Ordinal, SparseVector, Value};

/// The field of documents, under Chroma's name.
pub const DOCUMENT: &str = "#document";

/// The most records in a block.
pub(crate) const BLOCK_RECORDS: usize = 512;
/// A longer distance between two ordinals begins a new block.
const LONGEST_STEP: u64 = 1 << 32;

/// The records of one block, in order.
type TermBlock = BTreeMap<u64, f32>;

/// The front of the keys of one term's blocks.
fn term_key(collection: CollectionNumber, field: &str, term: u32) -> Vec<u8> {
    let mut key = field_key(collection, field);
    key.extend(term.to_be_bytes());
    key
}

/// No metadata key is empty, so the document takes the empty name: one byte in each key.
fn field_key(collection: CollectionNumber, field: &str) -> Vec<u8> {
    let mut key = collection.key().to_vec();
    put_text(&mut key, if field == DOCUMENT { "" } else { field });
    key
}

/// A key before and a key after every block of the documents.
pub(crate) fn document_keys(collection: CollectionNumber) -> (Vec<u8>, Vec<u8>) {
    let from = field_key(collection, DOCUMENT);
    let mut to = collection.key().to_vec();
    to.push(1);
    (from, to)
}

fn block_key(term_key: &[u8], first: u64) -> Vec<u8> {
    [term_key, &first.to_be_bytes()].concat()
}

fn first_of(block_key: &[u8]) -> u64 {
    block_key.last_chunk().map_or(0, |first| u64::from_be_bytes(*first))
}

/// Cuts a block's key into the term's part and the first ordinal.
pub(crate) fn split_block_key(key: &[u8]) -> Option<(&[u8], u64)> {
    key.split_last_chunk().map(|(term_key, first)| (term_key, u64::from_be_bytes(*first)))
}

/// Returns the field of a key, for messages; `None` for documents.
pub(crate) fn field_of(key: &[u8]) -> Option<String> {
    let mut reader = Reader::new(key.get(4..).unwrap_or_default(), "a key of the inverted index");
    reader.text().ok().filter(|field| !field.is_empty()).map(str::to_owned)
}

/// Returns every metadata key that holds sparse vectors.
pub(crate) fn metadata_keys(
    table: &impl ReadableTable<&'static [u8], &'static [u8]>,
    collection: CollectionNumber,
) -> Result<Vec<String>> {
    let (_, mut from) = document_keys(collection);
    let (_, to) = collection.prefix();
    let mut keys = Vec::new();
    while let Some(block) = table.range(from.as_slice()..to.as_slice())?.next() {
        let field = field_of(block?.0.value()).ok_or_else(|| Error::damaged("a key of the inverted index"))?;
        // Sorts after what follows in any block's key.
        from = [field_key(collection, &field).as_slice(), &[u8::MAX; 16]].concat();
        keys.push(field);
    }
    Ok(keys)
}

/// Returns whether a record has a sparse vector under the metadata key.
pub(crate) fn has_key(
    table: &impl ReadableTable<&'static [u8], &'static [u8]>,
    collection: CollectionNumber,
    key: &str,
) -> Result<bool> {
    let from = field_key(collection, key);
    let to = [from.as_slice(), &[u8::MAX; 16]].concat();
    Ok(table.range(from.as_slice()..to.as_slice())?.next().transpose()?.is_some())
}

/// Adds the records that have a sparse vector with a weight under the metadata key to a set.
pub(crate) fn add_with_key(
    table: &impl ReadableTable<&'static [u8], &'static [u8]>,
    collection: CollectionNumber,
    key: &str,
    to: &mut RoaringTreemap,
) -> Result<()> {
    let from = field_key(collection, key);
    let end = [from.as_slice(), &[u8::MAX; 16]].concat();
    for block in table.range(from.as_slice()..end.as_slice())? {
        let (block_key, bytes) = block?;
        visit_block(first_of(block_key.value()), bytes.value(), |ordinal, _| {
            to.insert(ordinal.0);
        })?;
    }
    Ok(())
}

/// Returns the key of every term a record holds, and its weight there; `words` says how documents' are made, if they count.
pub(crate) fn weights(
    collection: CollectionNumber,
    record: &StoredRecord,
    words: Option<Words>,
) -> Vec<(Vec<u8>, f32)> {
    let mut weights = Vec::new();
    let mut put = |field: &str, vector: &SparseVector| {
        weights.extend(vector.iter().map(|(term, weight)| (term_key(collection, field, term), weight)));
    };
    if let Some((document, words)) = record.document.as_ref().zip(words) {
        put(DOCUMENT, &words.of_document(document));
    }
    for (key, value) in record.metadata.iter() {
        if let Value::Sparse(vector) = value {
            put(key, vector);
        }
    }
    weights
}

/// Visits the records of a block in order, and their weights.
pub(crate) fn visit_block(first: u64, bytes: &[u8], mut visit: impl FnMut(Ordinal, f32)) -> Result<()> {
    let mut reader = Reader::new(bytes, "a block of the inverted index");
    let mut ordinal = first;
    while reader.remaining() > 0 {
        ordinal = ordinal.saturating_add(reader.len()? as u64);
        visit(Ordinal(ordinal), f32::from_le_bytes(reader.array()?));
    }
    Ok(())
}

pub(super) fn encode(records: &[(u64, f32)]) -> Vec<u8> {
    let mut out = Vec::with_capacity(records.len() * 6);
    let mut before = records.first().map_or(0, |(first, _)| *first);
    for (ordinal, weight) in records {
        put_len(&mut out, usize::try_from(ordinal - before).unwrap_or(usize::MAX));
        out.extend(weight.to_le_bytes());
        before = *ordinal;
    }
    out
}

/// Visits the records that hold a term, in order, and its weight in each.
pub(crate) fn for_each_weight(
    table: &impl ReadableTable<&'static [u8], &'static [u8]>,
    collection: CollectionNumber,
    field: &str,
    term: u32,
    visit: impl FnMut(Ordinal, f32),
) -> Result<()> {
    for_each_weight_near(table, &term_key(collection, field, term), Ordinal(0), Ordinal(u64::MAX), visit)
}

/// Visits the records of every block of a term that may hold one from `first` to `last`.
pub(crate) fn for_each_weight_near(
    table: &impl ReadableTable<&'static [u8], &'static [u8]>,
    term_key: &[u8],
    first: Ordinal,
    last: Ordinal,
    mut visit: impl FnMut(Ordinal, f32),
) -> Result<()> {
    let (start, first) = (block_key(term_key, 0), block_key(term_key, first.0));
    let before = table.range(start.as_slice()..=first.as_slice())?.next_back().transpose()?;
    let from = before.map_or(start, |(key, _)| key.value().to_vec());
    for block in table.range(from.as_slice()..=block_key(term_key, last.0).as_slice())? {
        let (key, bytes) = block?;
        visit_block(first_of(key.value()), bytes.value(), &mut visit)?;
    }
    Ok(())
}

/// Changes to the inverted index of one collection, gathered so that each block is written once.
pub(crate) struct TermChanges {
    collection: CollectionNumber,
    words: Option<Words>,
    /// By term: each record's weight, or `None` when it no longer holds the term.
    by_term: HashMap<Vec<u8>, BTreeMap<u64, Option<f32>>>,
}

impl TermChanges {
    /// `words` says how those of documents are made, where they are indexed too.
    pub(crate) fn new(collection: CollectionNumber, words: Option<Words>) -> Self {
        Self { collection, words, by_term: HashMap::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_term.is_empty()
    }

    pub(crate) fn add(&mut self, ordinal: Ordinal, record: &StoredRecord) {
        self.change(ordinal, record, true);
    }

    pub(crate) fn remove(&mut self, ordinal: Ordinal, record: &StoredRecord) {
        self.change(ordinal, record, false);
    }

    pub(crate) fn replace(&mut self, ordinal: Ordinal, old: &StoredRecord, new: &StoredRecord) {
        if old.document != new.document || old.metadata != new.metadata {
            self.remove(ordinal, old);
            self.add(ordinal, new);
        }
    }

    pub(crate) fn add_document(&mut self, ordinal: Ordinal, document: &str) {
        let Some(words) = self.words else { return };
        for (term, weight) in words.of_document(document).iter() {
            let records = self.by_term.entry(term_key(self.collection, DOCUMENT, term)).or_default();
            records.insert(ordinal.0, Some(weight));
        }
    }

    fn change(&mut self, ordinal: Ordinal, record: &StoredRecord, present: bool) {
        for (term_key, weight) in weights(self.collection, record, self.words) {
            self.by_term.entry(term_key).or_default().insert(ordinal.0, present.then_some(weight));
        }
    }

    pub(crate) fn write(self, table: &mut Table<&'static [u8], &'static [u8]>) -> Result<()> {
        let mut terms: Vec<_> = self.by_term.into_iter().collect();
        terms.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        for (term_key, mut changes) in terms {
            while let Some((first, _)) = changes.first_key_value() {
                let first = *first;
                let next = next_block(table, &term_key, first)?;
                let rest = next.map_or_else(BTreeMap::new, |next| changes.split_off(&next));
                change_block(table, &term_key, first, changes)?;
                changes = rest;
            }
        }
        Ok(())
    }
}

/// Returns the first ordinal of the block after the one an ordinal belongs to.
fn next_block(table: &Table<&'static [u8], &'static [u8]>, term_key: &[u8], ordinal: u64) -> Result<Option<u64>> {
    let Some(after) = ordinal.checked_add(1) else { return Ok(None) };
    let (from, to) = (block_key(term_key, after), block_key(term_key, u64::MAX));
    let next = table.range(from.as_slice()..=to.as_slice())?.next().transpose()?;
    Ok(next.map(|(key, _)| first_of(key.value())))
}

/// Applies changes that all belong to the block of the first of them.
fn change_block(
    table: &mut Table<&'static [u8], &'static [u8]>,
    term_key: &[u8],
    first: u64,
    changes: BTreeMap<u64, Option<f32>>,
) -> Result<()> {
    let mut block = TermBlock::new();
    let (from, to) = (block_key(term_key, 0), block_key(term_key, first));
    let old = match table.range(from.as_slice()..=to.as_slice())?.next_back().transpose()? {
        Some((key, bytes)) => {
            let key = key.value().to_vec();
            visit_block(first_of(&key), bytes.value(), |ordinal, weight| {
                block.insert(ordinal.0, weight);
            })?;
            Some(key)
        }
        None => None,
    };
    let appends = block.keys().next_back().is_none_or(|last| *last < first);
    for (ordinal, weight) in changes {
        match weight {
            Some(weight) => block.insert(ordinal, weight),
            None => block.remove(&ordinal),
        };
    }
    if let Some(old) = old {
        table.remove(old.as_slice())?;
    }
    let records: Vec<(u64, f32)> = block.into_iter().collect();
    // New records come at the end: full blocks are left behind them. Elsewhere halves leave room for more.
    let pieces = records.len().div_ceil(BLOCK_RECORDS).max(1);
    let piece_len = if appends { BLOCK_RECORDS } else { records.len().div_ceil(pieces).max(1) };
    for near in records.chunk_by(|(a, _), (b, _)| b - a < LONGEST_STEP) {
        for piece in near.chunks(piece_len) {
            if let Some((first, _)) = piece.first() {
                table.insert(block_key(term_key, *first).as_slice(), encode(piece).as_slice())?;
            }
        }
    }
    Ok(())
}
