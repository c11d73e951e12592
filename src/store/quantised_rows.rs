//! The quantised rows of a collection while a transaction changes them: segments of rows, sealed when there are enough.
//!
//! Rows that fill no segment yet are the tail: they are searched by their embeddings, until an import that has ended settles
//! them. Invariant: every live row below
//! `sealed_until` is in a segment and no other is; live rows from there on are fewer than fill one once a
//! transaction is done; every segment is coded around a centre that is there; once a collection is sketched every segment
//! has a sketch.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::ops::Bound;
use std::thread;

use rayon::prelude::*;
use redb::{ReadableTable, Table, WriteTransaction};
use roaring::RoaringTreemap;

use super::catalog::{Sealing, remove_tail};
use super::centre::Centre;
use super::quantise::{Codes, quantise};
use super::rotation::ROTATION;
use super::segment::{Segment, rows_per_segment, seal};
use super::sketch::{Sketch, Sketcher};
use super::sketch_size::SKETCH_FROM_DIMENSION;
use super::table::{self, CollectionNumber, PairKey, pair_number, pair_ordinal};
use super::vector::{Embeddings, RowForm};
use crate::error::{Error, Result};
use crate::record::{Ordinal, Space};
use crate::threads::pool;

/// A segment is rewritten when more than this share of its rows is dead, in percent.
const DEAD_PERCENT: usize = 30;
/// From this many sealed rows on, a collection is sketched: below, reading all codes is as fast.
const SKETCH_FROM_ROWS: u64 = 50_000;
/// One transaction purges this fraction of the waiting segments: what it writes lengthens the file.
const PURGED_PART: usize = 16;
/// A shorter tail is ranked as fast as a segment is read.
const LEAST_SETTLED: u64 = 256;
/// Fewer rows than this are not worth a thread.
const ROWS_PER_THREAD: usize = 512;

type WritablePairs<'tx> = Table<'tx, &'static PairKey, &'static [u8]>;

/// The open tables of quantised rows.
pub(crate) struct QuantisedRows<'tx> {
    tx: &'tx WriteTransaction,
    number: CollectionNumber,
    space: Space,
    segments: WritablePairs<'tx>,
    sketches: WritablePairs<'tx>,
    centres: WritablePairs<'tx>,
    /// The centre read or made last.
    centre: Option<(u32, Centre)>,
    sketcher: Option<Sketcher>,
}

/// What is stored under the number: embeddings, and which of their rows are empty.
pub(crate) struct HeldEmbeddings<'v> {
    pub(crate) vectors: &'v WritablePairs<'v>,
    pub(crate) form: RowForm,
    /// The first ordinal that is not given yet.
    pub(crate) end: u64,
    pub(crate) dead: &'v RoaringTreemap,
}

impl<'tx> QuantisedRows<'tx> {
    pub(crate) fn open(tx: &'tx WriteTransaction, number: CollectionNumber, space: Space) -> Result<Self> {
        Ok(Self {
            tx,
            number,
            space,
            segments: tx.open_table(table::SEGMENTS)?,
            sketches: tx.open_table(table::SKETCH)?,
            centres: tx.open_table(table::CENTRES)?,
            centre: None,
            sketcher: None,
        })
    }

    /// Upgrades rows of version 1 of the format, which have no bounds, by sealing all of them again.
    pub(crate) fn upgrade(&mut self, sealed: &mut Sealing, held: &HeldEmbeddings) -> Result<()> {
        if sealed.bounded {
            return Ok(());
        }
        *sealed = Sealing { rewritten: sealed.rewritten + 1, ..Sealing::new() };
        let (first, last) = (self.number.pair(0), self.number.pair(u64::MAX));
        self.segments.retain_in::<&PairKey, _>(&first..=&last, |_, _| false)?;
        self.sketches.retain_in::<&PairKey, _>(&first..=&last, |_, _| false)?;
        remove_tail(self.tx, self.number)?;
        sealed.tail_rows = held.live_from(0);
        self.seal(sealed, held)
    }

    /// Seals what fills a segment.
    pub(crate) fn seal(&mut self, sealed: &mut Sealing, held: &HeldEmbeddings) -> Result<()> {
        let per_segment = rows_per_segment(held.form.dimension);
        let full = per_segment as u64;
        if sealed.tail_rows >= full {
            let mut embeddings = Embeddings::new(held.vectors, self.number, held.form);
            let mut tail = (sealed.sealed_until..held.end).filter(|ordinal| !held.dead.contains(*ordinal)).map(Ordinal);
            while sealed.tail_rows >= full {
                let ordinals: Vec<Ordinal> = tail.by_ref().take(per_segment).collect();
                if ordinals.len() < per_segment {
                    return Err(Error::damaged("there are fewer rows than are counted"));
                }
                self.seal_these(sealed, &ordinals, &mut embeddings)?;
            }
        }
        if sealed.sealed_rows > SKETCH_FROM_ROWS && held.form.dimension >= SKETCH_FROM_DIMENSION {
            self.sketch_all(sealed)?;
        }
        Ok(())
    }

    /// Seals the tail, which fills no segment, unless it is short.
    pub(crate) fn settle(&mut self, sealed: &mut Sealing, held: &HeldEmbeddings) -> Result<()> {
        if sealed.tail_rows < LEAST_SETTLED {
            return Ok(());
        }
        let tail = (sealed.sealed_until..held.end).filter(|ordinal| !held.dead.contains(*ordinal)).map(Ordinal);
        let mut embeddings = Embeddings::new(held.vectors, self.number, held.form);
        self.seal_these(sealed, &tail.collect::<Vec<_>>(), &mut embeddings)
    }

    fn seal_these(
        &mut self,
        sealed: &mut Sealing,
        ordinals: &[Ordinal],
        embeddings: &mut Embeddings<WritablePairs>,
    ) -> Result<()> {
        let rows = ordinals.iter().map(|ordinal| Ok((*ordinal, embeddings.floats(*ordinal)?)));
        self.insert_segment(sealed, &rows.collect::<Result<Vec<_>>>()?)?;
        sealed.tail_rows = sealed.tail_rows.saturating_sub(ordinals.len() as u64);
        Ok(())
    }

    fn insert_segment(&mut self, sealed: &mut Sealing, rows: &[(Ordinal, Vec<f32>)]) -> Result<()> {
        let embeddings: Vec<&[f32]> = rows.iter().map(|(_, embedding)| embedding.as_slice()).collect();
        let space = self.space;
        let (number, centre) = self.centre_of(&embeddings)?;
        let coded = quantised(rows, centre, space);
        if let (Some((last, _)), Some(bytes)) = (coded.last(), seal(&coded, number)) {
            let key = coded.first().map_or(0, |(first, _)| first.0);
            self.insert_sealed(sealed, &self.number.pair(key), &bytes)?;
            sealed.sealed_rows += coded.len() as u64;
            sealed.sealed_until = sealed.sealed_until.max(last.0 + 1);
        }
        Ok(())
    }

    /// Returns the centre for new rows: the latest, or one of their own where they lie elsewhere.
    fn centre_of(&mut self, embeddings: &[&[f32]]) -> Result<(u32, &Centre)> {
        let dimension = embeddings.first().map_or(0, |first| first.len());
        let (first, last) = (self.number.pair(0), self.number.pair(u64::MAX));
        let latest = match self.centres.range::<&PairKey>(&first..=&last)?.next_back() {
            Some(row) => {
                let (key, bytes) = row?;
                // Numbers are given one after the other.
                let number = u32::try_from(pair_number(key.value())).unwrap_or(u32::MAX);
                match &self.centre {
                    Some((known, _)) if *known == number => {}
                    _ => self.centre = Some((number, Centre::from_bytes(bytes.value(), dimension)?)),
                }
                Some(number)
            }
            None => None,
        };
        let is_far = |centre: &Centre| centre.is_far_from(embeddings, self.space);
        if latest.is_none() || self.centre.as_ref().is_none_or(|(_, centre)| is_far(centre)) {
            let number = latest.map_or(0, |latest| latest.saturating_add(1));
            let centre = Centre::of(embeddings, self.space);
            let bytes = centre.to_bytes();
            Centre::from_bytes(&bytes, dimension).map_err(unreadable)?;
            self.centres.insert(&self.number.pair(u64::from(number)), bytes.as_slice())?;
            self.centre = Some((number, centre));
        }
        self.centre
            .as_ref()
            .map(|(number, centre)| (*number, centre))
            .ok_or_else(|| Error::damaged("a centre is missing"))
    }

    /// Returns the centre of this number.
    fn centre(&mut self, number: u32, dimension: usize) -> Result<&Centre> {
        if self.centre.as_ref().is_none_or(|(known, _)| *known != number) {
            self.centre = Some((number, read_centre(&self.centres, self.number, number, dimension)?));
        }
        self.centre.as_ref().map(|(_, centre)| centre).ok_or_else(|| Error::damaged("a centre is missing"))
    }

    /// Writes the bytes of a segment, and its sketch where the collection has sketches; both are read before.
    fn insert_sealed(&mut self, sealed: &Sealing, key: &PairKey, bytes: &[u8]) -> Result<()> {
        Segment::verify(bytes).map_err(unreadable)?;
        self.segments.insert(key, bytes)?;
        if sealed.sketched { self.insert_sketch(key, bytes) } else { Ok(()) }
    }

    fn insert_sketch(&mut self, key: &PairKey, segment: &[u8]) -> Result<()> {
        sketch_one(&mut self.sketches, &mut self.sketcher, self.space, key, segment)
    }

    /// Sketches every segment of a collection that has no sketches.
    pub(crate) fn sketch_all(&mut self, sealed: &mut Sealing) -> Result<()> {
        if sealed.is_sketched() || sealed.sealed_rows == 0 {
            return Ok(());
        }
        let (first, last) = (self.number.pair(0), self.number.pair(sealed.sealed_until));
        for segment in self.segments.range::<&PairKey>(&first..&last)? {
            let (key, bytes) = segment?;
            sketch_one(&mut self.sketches, &mut self.sketcher, self.space, key.value(), bytes.value())?;
        }
        (sealed.sketched, sealed.rotation) = (true, ROTATION);
        Ok(())
    }

    /// Codes rows again whose embedding was replaced.
    pub(crate) fn replace(
        &mut self,
        sealed: &mut Sealing,
        held: &HeldEmbeddings,
        changed: &RoaringTreemap,
    ) -> Result<()> {
        let mut by_segment: BTreeMap<PairKey, Vec<Ordinal>> = BTreeMap::new();
        for ordinal in changed.iter().take_while(|ordinal| *ordinal < sealed.sealed_until).map(Ordinal) {
            by_segment.entry(self.segment_of(ordinal)?).or_default().push(ordinal);
        }
        let mut embeddings = Embeddings::new(held.vectors, self.number, held.form);
        for (key, changed) in by_segment {
            let (number, mut rows) = self.read_segment(&key)?;
            let space = self.space;
            let centre = self.centre(number, held.form.dimension)?;
            for ordinal in changed {
                let at = rows.binary_search_by_key(&ordinal, |(o, _)| *o);
                let place = at.ok().and_then(|at| rows.get_mut(at)).ok_or_else(|| not_in_segment(ordinal))?;
                place.1 = quantise(&embeddings.floats(ordinal)?, centre, space);
            }
            if let Some(bytes) = seal(&rows, number) {
                self.insert_sealed(sealed, &key, &bytes)?;
                sealed.rewritten += 1;
            }
        }
        Ok(())
    }

    /// Removes deleted rows from segments of which enough is dead; returns those that are yet to be purged, where
    /// they are too many for one transaction.
    pub(crate) fn remove(
        &mut self,
        sealed: &mut Sealing,
        died: &RoaringTreemap,
        dead: &RoaringTreemap,
    ) -> Result<Vec<PairKey>> {
        let mut to_purge = Vec::new();
        // The first ordinal after the segment last looked up: each look reads a page of 1 MiB.
        let mut end = 0;
        for ordinal in died.iter().map(Ordinal) {
            if ordinal.0 >= sealed.sealed_until {
                sealed.tail_rows = sealed.tail_rows.saturating_sub(1);
            } else if ordinal.0 >= end {
                let key = self.segment_of(ordinal)?;
                end = self.end_of(&key)?;
                if self.has_many_dead(&key, dead)? {
                    to_purge.push(key);
                }
            }
        }
        if to_purge.len() > purged_at_once(to_purge.len()) {
            return Ok(to_purge);
        }
        self.purge(sealed, &to_purge, dead)?;
        Ok(Vec::new())
    }

    fn has_many_dead(&self, key: &PairKey, dead: &RoaringTreemap) -> Result<bool> {
        let Some(bytes) = self.segments.get(key)? else { return Ok(false) };
        let segment = Segment::parse(bytes.value())?;
        let gone = (0..segment.rows()).filter(|row| dead.contains(segment.ordinal(*row).0)).count();
        Ok(gone * 100 > segment.rows() * DEAD_PERCENT)
    }

    /// Writes segments anew without their dead rows; those that are not there any more are passed over.
    pub(crate) fn purge(&mut self, sealed: &mut Sealing, segments: &[PairKey], dead: &RoaringTreemap) -> Result<()> {
        segments.iter().try_for_each(|key| self.purge_one(sealed, key, dead))
    }

    fn purge_one(&mut self, sealed: &mut Sealing, key: &PairKey, dead: &RoaringTreemap) -> Result<()> {
        if self.number.pair(pair_ordinal(key).0) != *key || self.segments.get(key)?.is_none() {
            return Ok(());
        }
        let (centre, mut rows) = self.read_segment(key)?;
        let before = rows.len();
        rows.retain(|(ordinal, _)| !dead.contains(ordinal.0));
        self.segments.remove(key)?;
        self.sketches.remove(key)?;
        sealed.sealed_rows -= before as u64;
        sealed.rewritten += 1;
        if let (Some((first, _)), Some(bytes)) = (rows.first(), seal(&rows, centre)) {
            self.insert_sealed(sealed, &self.number.pair(first.0), &bytes)?;
            sealed.sealed_rows += rows.len() as u64;
        }
        Ok(())
    }

    /// Returns the first ordinal that stands in a later segment.
    fn end_of(&self, segment: &PairKey) -> Result<u64> {
        let (after, last) = (Bound::Excluded(segment), self.number.pair(u64::MAX));
        let next = self.segments.range::<&PairKey>((after, Bound::Included(&last)))?.next();
        next.map_or(Ok(u64::MAX), |next| Ok(pair_ordinal(next?.0.value()).0))
    }

    /// Returns the key of the segment in whose range an ordinal lies.
    fn segment_of(&self, ordinal: Ordinal) -> Result<PairKey> {
        let (first, last) = (self.number.pair(0), self.number.pair(ordinal.0));
        match self.segments.range::<&PairKey>(&first..=&last)?.next_back() {
            Some(segment) => Ok(*segment?.0.value()),
            None => Err(not_in_segment(ordinal)),
        }
    }

    /// Returns the number of a segment's centre, and its rows.
    fn read_segment(&self, key: &PairKey) -> Result<(u32, Vec<(Ordinal, Codes)>)> {
        match self.segments.get(key)? {
            Some(bytes) => {
                Segment::verify(bytes.value())?;
                let segment = Segment::parse(bytes.value())?;
                let centre = segment.centre().ok_or_else(|| Error::damaged("a segment has no centre"))?;
                Ok((centre, segment.to_rows(self.space)))
            }
            None => Err(not_in_segment(pair_ordinal(key))),
        }
    }
}

impl HeldEmbeddings<'_> {
    /// Returns how many rows from an ordinal on hold something.
    pub(crate) fn live_from(&self, ordinal: u64) -> u64 {
        let given = self.end.saturating_sub(ordinal);
        given.saturating_sub(self.dead.range_cardinality(ordinal..self.end))
    }
}

/// Returns how many of the segments that wait to be purged one transaction takes.
pub(crate) fn purged_at_once(waiting: usize) -> usize {
    waiting.div_ceil(PURGED_PART).max(1)
}

/// Codes rows around a centre, with several threads where there are many.
fn quantised(rows: &[(Ordinal, Vec<f32>)], centre: &Centre, space: Space) -> Vec<(Ordinal, Codes)> {
    let code = |rows: &[(Ordinal, Vec<f32>)]| -> Vec<(Ordinal, Codes)> {
        rows.iter().map(|(ordinal, embedding)| (*ordinal, quantise(embedding, centre, space))).collect()
    };
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(rows.len() / ROWS_PER_THREAD).max(1);
    match pool(threads) {
        Ok(pool) if threads > 1 => pool.install(|| rows.par_chunks(ROWS_PER_THREAD).flat_map_iter(code).collect()),
        _ => code(rows),
    }
}

/// Writes the sketch of a segment, which is read before.
fn sketch_one(
    into: &mut WritablePairs,
    sketcher: &mut Option<Sketcher>,
    space: Space,
    key: &PairKey,
    segment: &[u8],
) -> Result<()> {
    let segment = Segment::parse(segment)?;
    let by = sketcher.get_or_insert_with(|| Sketcher::new(segment.dimension()));
    let sketch = by.sketch(&segment, space);
    Sketch::verify(&sketch).map_err(unreadable)?;
    into.insert(key, sketch.as_slice())?;
    Ok(())
}

/// Reads a centre of a collection's rows.
pub(crate) fn read_centre(
    centres: &impl ReadableTable<&'static PairKey, &'static [u8]>,
    rows: CollectionNumber,
    number: u32,
    dimension: usize,
) -> Result<Centre> {
    let bytes = centres.get(&rows.pair(u64::from(number)))?;
    let bytes = bytes.ok_or_else(|| Error::damaged(format!("centre {number} of the quantised rows is missing")))?;
    Centre::from_bytes(bytes.value(), dimension)
}

/// What would be written and could not be read is an error of this program, not of the file.
fn unreadable(error: impl std::fmt::Display) -> Error {
    Error::argument(format!("rows cannot be stored: {error}"))
}

fn not_in_segment(ordinal: Ordinal) -> Error {
    Error::damaged(format!("row {} is in no segment", ordinal.0))
}
