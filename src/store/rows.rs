//! The quantised rows of a collection while a transaction changes them: the tail, and the segments it fills.
//!
//! Invariant: ordinals below `sealed_until` stand in segments and the others in the tail; the tail never holds
//! enough rows for a segment once a transaction is done; once a collection is sketched every segment has a sketch.

use std::collections::BTreeMap;
use std::ops::Bound;

use redb::{ReadableTable, Table, WriteTransaction};
use roaring::RoaringTreemap;

use super::catalog::Sealing;
use super::quantise::Codes;
use super::segment::{Segment, parse_tail_row, rows_per_segment, seal, tail_row};
use super::sketch::{Centre, Mean, SKETCH_FROM_DIMENSION, sketch};
use super::table::{self, CollectionNumber, PairKey, pair_ordinal};
use crate::error::{Error, Result};
use crate::record::{Ordinal, Space};

/// A segment is rewritten when more than this share of its rows is dead, in percent.
const DEAD_PERCENT: usize = 30;
/// From this many sealed rows on a collection is sketched: below, reading all codes is as fast.
const SKETCH_FROM_ROWS: u64 = 50_000;

/// The open tables of quantised rows.
pub(crate) struct Rows<'tx> {
    number: CollectionNumber,
    space: Space,
    tail: Table<'tx, &'static PairKey, &'static [u8]>,
    segments: Table<'tx, &'static PairKey, &'static [u8]>,
    sketches: Table<'tx, &'static PairKey, &'static [u8]>,
    /// Read when it is first needed.
    centre: Option<Centre>,
}

impl<'tx> Rows<'tx> {
    pub(crate) fn open(tx: &'tx WriteTransaction, number: CollectionNumber, space: Space) -> Result<Self> {
        Ok(Self {
            number,
            space,
            tail: tx.open_table(table::TAIL)?,
            segments: tx.open_table(table::SEGMENTS)?,
            sketches: tx.open_table(table::SKETCH)?,
            centre: None,
        })
    }

    /// Adds new rows, whose ordinals are above all others, and seals what fills a segment.
    pub(crate) fn append(&mut self, sealed: &mut Sealing, new: Vec<(Ordinal, Codes)>) -> Result<()> {
        let Some((_, first)) = new.first() else { return Ok(()) };
        let first_len = first.codes.len();
        let per_segment = rows_per_segment(first_len);
        let mut waiting = new;
        if usize::try_from(sealed.tail_rows).unwrap_or(usize::MAX).saturating_add(waiting.len()) >= per_segment {
            let mut rows = self.take_tail()?;
            sealed.tail_rows = 0;
            rows.append(&mut waiting);
            waiting = rows;
            while waiting.len() >= per_segment {
                let rest = waiting.split_off(per_segment);
                self.insert_segment(sealed, &waiting)?;
                waiting = rest;
            }
        }
        for (ordinal, row) in &waiting {
            self.tail.insert(&self.number.pair(ordinal.0), tail_row(row).as_slice())?;
        }
        sealed.tail_rows += waiting.len() as u64;
        if sealed.sealed_rows > SKETCH_FROM_ROWS && first_len >= SKETCH_FROM_DIMENSION {
            self.sketch_all(sealed)?;
        }
        Ok(())
    }

    fn take_tail(&mut self) -> Result<Vec<(Ordinal, Codes)>> {
        let mut rows = Vec::new();
        for row in self.tail.range::<&PairKey>(&self.number.pair(0)..=&self.number.pair(u64::MAX))? {
            let (key, value) = row?;
            let (factor, bias, codes) = parse_tail_row(value.value())?;
            rows.push((pair_ordinal(key.value()), Codes { codes: codes.to_vec(), factor, bias }));
        }
        self.tail.retain_in::<&PairKey, _>(&self.number.pair(0)..=&self.number.pair(u64::MAX), |_, _| false)?;
        Ok(rows)
    }

    fn insert_segment(&mut self, sealed: &mut Sealing, rows: &[(Ordinal, Codes)]) -> Result<()> {
        if let (Some((first, _)), Some((last, _)), Some(bytes)) = (rows.first(), rows.last(), seal(rows, self.space)) {
            self.insert_sealed(sealed, &self.number.pair(first.0), &bytes)?;
            sealed.sealed_rows += rows.len() as u64;
            sealed.sealed_until = sealed.sealed_until.max(last.0 + 1);
        }
        Ok(())
    }

    /// Writes the bytes of a segment, and its sketch where the collection has sketches.
    fn insert_sealed(&mut self, sealed: &Sealing, key: &PairKey, bytes: &[u8]) -> Result<()> {
        self.segments.insert(key, bytes)?;
        if sealed.sketched {
            let segment = Segment::parse(bytes)?;
            if self.centre.is_none() {
                let stored = self.sketches.get(&self.centre_key())?;
                let stored = stored.ok_or_else(|| Error::damaged("the centre of the sketch is missing"))?;
                self.centre = Some(Centre::from_bytes(stored.value(), segment.dimension())?);
            }
            if let Some(centre) = &self.centre {
                self.sketches.insert(key, sketch(&segment, centre, self.space).as_slice())?;
            }
        }
        Ok(())
    }

    /// Sketches every segment of a collection that has no sketches, around the mean of its sealed rows.
    pub(crate) fn sketch_all(&mut self, sealed: &mut Sealing) -> Result<()> {
        if sealed.sketched {
            return Ok(());
        }
        let (first, last) = (self.number.pair(0), self.number.pair(sealed.sealed_until));
        let mut mean: Option<Mean> = None;
        for segment in self.segments.range::<&PairKey>(&first..&last)? {
            let (_, bytes) = segment?;
            let segment = Segment::parse(bytes.value())?;
            mean.get_or_insert_with(|| Mean::new(segment.dimension())).add(&segment, self.space);
        }
        let Some(centre) = mean.map(Mean::centre) else { return Ok(()) };
        for segment in self.segments.range::<&PairKey>(&first..&last)? {
            let (key, bytes) = segment?;
            let bytes = sketch(&Segment::parse(bytes.value())?, &centre, self.space);
            self.sketches.insert(key.value(), bytes.as_slice())?;
        }
        self.sketches.insert(&self.centre_key(), centre.to_bytes().as_slice())?;
        self.centre = Some(centre);
        sealed.sketched = true;
        Ok(())
    }

    fn centre_key(&self) -> PairKey {
        self.number.pair(u64::MAX)
    }

    /// Replaces rows that exist.
    pub(crate) fn replace(&mut self, sealed: &Sealing, rows: Vec<(Ordinal, Codes)>) -> Result<()> {
        let mut by_segment: BTreeMap<PairKey, Vec<(Ordinal, Codes)>> = BTreeMap::new();
        for (ordinal, row) in rows {
            if ordinal.0 >= sealed.sealed_until {
                self.tail.insert(&self.number.pair(ordinal.0), tail_row(&row).as_slice())?;
            } else {
                by_segment.entry(self.segment_of(ordinal)?).or_default().push((ordinal, row));
            }
        }
        for (key, changed) in by_segment {
            let mut rows = self.read_segment(&key)?;
            for (ordinal, row) in changed {
                let at = rows.binary_search_by_key(&ordinal, |(o, _)| *o);
                let place = at.ok().and_then(|at| rows.get_mut(at)).ok_or_else(|| not_in_segment(ordinal))?;
                place.1 = row;
            }
            if let Some(bytes) = seal(&rows, self.space) {
                self.insert_sealed(sealed, &key, &bytes)?;
            }
        }
        Ok(())
    }

    /// Lets go of rows that died: at once from the tail, from a segment when enough of it is dead.
    pub(crate) fn remove(&mut self, sealed: &mut Sealing, died: &RoaringTreemap, dead: &RoaringTreemap) -> Result<()> {
        let mut touched = std::collections::BTreeSet::new();
        // The first ordinal after the segment last looked up: each look reads a page of 1 MiB.
        let mut end = 0;
        for ordinal in died.iter().map(Ordinal) {
            if ordinal.0 >= sealed.sealed_until {
                let removed = self.tail.remove(&self.number.pair(ordinal.0))?;
                sealed.tail_rows -= u64::from(removed.is_some());
            } else if ordinal.0 >= end {
                let key = self.segment_of(ordinal)?;
                end = self.end_of(&key)?;
                touched.insert(key);
            }
        }
        touched.iter().try_for_each(|key| self.purge(sealed, key, dead))
    }

    fn purge(&mut self, sealed: &mut Sealing, key: &PairKey, dead: &RoaringTreemap) -> Result<()> {
        let mut rows = self.read_segment(key)?;
        let before = rows.len();
        rows.retain(|(ordinal, _)| !dead.contains(ordinal.0));
        if (before - rows.len()) * 100 <= before * DEAD_PERCENT {
            return Ok(());
        }
        self.segments.remove(key)?;
        self.sketches.remove(key)?;
        sealed.sealed_rows -= before as u64;
        self.insert_segment(sealed, &rows)
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

    fn read_segment(&self, key: &PairKey) -> Result<Vec<(Ordinal, Codes)>> {
        match self.segments.get(key)? {
            Some(bytes) => {
                Segment::verify(bytes.value())?;
                Segment::parse(bytes.value()).map(Segment::to_rows)
            }
            None => Err(not_in_segment(pair_ordinal(key))),
        }
    }
}

fn not_in_segment(ordinal: Ordinal) -> Error {
    Error::damaged(format!("row {} is in no segment", ordinal.0))
}
