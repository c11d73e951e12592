//! Quantised rows that stay in memory: read once, then used by every question until the collection changes.
//!
//! Kept in the [`Cache`](crate::store::Cache) of the file. The signs lie interleaved there, so that eight rows are compared
//! at once, and rows that fill no segment yet are coded in small groups as they come. Invariants: what is used for a view
//! holds exactly what that view would read, up to [`ResidentRows::end`]; a state that is only longer than the last one
//! costs only the new rows.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, TryLockError};

use roaring::RoaringTreemap;

use super::graph_search::keep_graph;
use super::kernel::EIGHT;
use super::row_filter::{centre_of, code, read_rows};
use crate::error::{Error, Result};
use crate::record::{Ordinal, Space};
use crate::store::{
    Centre, RowsState, SKETCH_FROM_DIMENSION, Segment, Sketch, SketchAccuracy, Sketcher, View, sign_bytes,
};

/// Rows of the tail that are coded together; any fewer are ranked by their embeddings.
const TAIL_ROWS: u64 = 64;
/// Bytes of a row besides its codes and signs: the numbers of both.
const NUMBERS_BYTES: usize = 44;
/// A collection that is rewritten again and again is reread only after this many questions, so that reading costs no more
/// than a part of what answering did.
const MOST_QUESTIONS: u64 = 16;
/// The number of the centre of a tail that follows no segment.
const OWN_CENTRE: u32 = u32::MAX;

/// The quantised rows of a collection.
pub(crate) struct ResidentRows {
    state: RowsState,
    sealed_until: u64,
    replaced: u64,
    segments: Vec<Arc<ResidentSegment>>,
    tail: Vec<Arc<ResidentSegment>>,
    /// Where the tail begins, which is where segments ended when its first rows were coded.
    tail_from: u64,
    end: u64,
    centres: HashMap<Option<u32>, Arc<Centre>>,
}

/// Some of them, in ascending order.
pub(crate) struct ResidentSegment {
    first: u64,
    bytes: Vec<u8>,
    /// Factor, bias, residual and length of each row side by side; in the segment they lie far apart.
    numbers: Vec<[f32; 4]>,
    pub(super) signs: Option<Signs>,
}

/// The signs of a segment, eight rows side by side.
pub(super) struct Signs {
    pub(super) words: Vec<[u64; EIGHT]>,
    pub(super) weights: Vec<f32>,
    pub(super) biases: Vec<f32>,
    pub(super) slacks: Vec<f32>,
    pub(super) accuracy: SketchAccuracy,
}

/// How often a collection was queried, so that what is queried once is not read as a whole.
#[derive(Default)]
struct History {
    asked: AtomicU64,
    reads: AtomicU32,
    reading: Mutex<()>,
}

/// Returns whether the rows of a view are in memory.
pub(crate) fn is_resident(view: &View) -> bool {
    view.cache().get::<ResidentRows>(view.number(), "").is_some_and(|kept| kept.is_all_of(view))
}

/// Returns the rows of a view from memory, reading them now if that pays off; `None` where they do not stay.
pub(crate) fn resident(view: &View) -> Option<Arc<ResidentRows>> {
    let (cache, number) = (view.cache(), view.number());
    if cache.budget() == 0 || view.info().dimension.is_none() {
        return None;
    }
    let kept = cache.get::<ResidentRows>(number, "");
    if let Some(kept) = kept.as_ref().filter(|kept| kept.is_all_of(view)) {
        return Some(Arc::clone(kept));
    }
    if kept.as_ref().is_some_and(|kept| kept.is_later_than(view)) || bytes_of(view) > cache.budget() {
        return None;
    }
    let history = cache.get::<History>(number, "").unwrap_or_else(|| {
        let history = Arc::new(History::default());
        cache.put(number, "", Arc::clone(&history), size_of::<History>());
        history
    });
    let asked = history.asked.fetch_add(1, Ordering::Relaxed) + 1;
    let goes_on = kept.as_ref().is_some_and(|kept| kept.state == view.rows_state());
    let reads = history.reads.load(Ordering::Relaxed);
    if !goes_on && asked < MOST_QUESTIONS.min(2 << reads.min(8)) {
        return None;
    }
    // While another thread reads them in, the file answers sooner.
    let _reading = match history.reading.try_lock() {
        Ok(reading) => reading,
        Err(TryLockError::Poisoned(reading)) => reading.into_inner(),
        Err(TryLockError::WouldBlock) => return None,
    };
    // Damage is reported by the path that reads the file.
    let rows = ResidentRows::read(view, kept.as_deref().filter(|_| goes_on)).ok()?;
    if !goes_on {
        history.asked.store(0, Ordering::Relaxed);
        history.reads.fetch_add(1, Ordering::Relaxed);
    }
    let rows = Arc::new(rows);
    cache.put(number, "", Arc::clone(&rows), rows.bytes());
    keep_graph(view);
    Some(rows)
}

fn bytes_of(view: &View) -> usize {
    let dimension = view.info().dimension.unwrap_or(0);
    let rows = usize::try_from(view.counts().sealed.saturating_add(view.counts().tail)).unwrap_or(usize::MAX);
    rows.saturating_mul(dimension + sign_bytes(dimension) + NUMBERS_BYTES)
}

impl ResidentRows {
    fn is_all_of(&self, view: &View) -> bool {
        let end = view.end().0;
        self.state == view.rows_state()
            && self.sealed_until == view.sealed_until().0
            && self.replaced == view.replaced()
            && (self.end..self.end.saturating_add(TAIL_ROWS)).contains(&end)
    }

    /// Whether it is of a state committed after the view was taken.
    fn is_later_than(&self, view: &View) -> bool {
        self.end > view.end().0 || self.replaced > view.replaced() || self.sealed_until > view.sealed_until().0
    }

    /// Reads the rows of a view that `kept` does not have.
    fn read(view: &View, kept: Option<&Self>) -> Result<Self> {
        let empty = Self {
            state: view.rows_state(),
            sealed_until: 0,
            replaced: view.replaced(),
            segments: Vec::new(),
            tail: Vec::new(),
            tail_from: 0,
            end: 0,
            centres: HashMap::new(),
        };
        let mut rows = kept.map_or(empty, |kept| Self {
            segments: kept.segments.clone(),
            tail: kept.tail.clone(),
            centres: kept.centres.clone(),
            ..*kept
        });
        rows.read_segments(view)?;
        rows.read_tail(view)?;
        Ok(rows)
    }

    fn read_segments(&mut self, view: &View) -> Result<()> {
        let until = view.sealed_until().0;
        let firsts = self.sealed_until..until;
        if firsts.is_empty() {
            return Ok(());
        }
        let mut sketches: HashMap<u64, Vec<u8>> = HashMap::new();
        if self.state.sketched {
            view.for_each_sketch(firsts.clone(), |first, bytes| {
                sketches.insert(first.0, bytes.to_vec());
                Ok(())
            })?;
        }
        let mut maker = None;
        let mut read = Vec::new();
        view.for_each_segment(firsts, |bytes| {
            let segment = Segment::parse(bytes)?;
            let first = segment.ordinal(0).0;
            let signs = if self.state.dimension < SKETCH_FROM_DIMENSION || segment.centre().is_none() {
                None
            } else if let Some(sketch) = sketches.remove(&first) {
                Some(Signs::new(&Sketch::parse(&sketch)?))
            } else {
                let maker = maker.get_or_insert_with(|| Sketcher::new(self.state.dimension));
                Some(Signs::new(&Sketch::parse(&maker.sketch(&segment, self.state.space))?))
            };
            read.push((segment.centre(), ResidentSegment::new(first, &segment, bytes, signs)));
            Ok(())
        })?;
        for (centre, segment) in read {
            if let Entry::Vacant(place) = self.centres.entry(centre) {
                place.insert(Arc::new(view.centre(centre)?));
            }
            self.segments.push(Arc::new(segment));
        }
        self.sealed_until = until;
        Ok(())
    }

    /// Codes the rows that fill no segment, in groups of as many as have come.
    fn read_tail(&mut self, view: &View) -> Result<()> {
        if self.replaced != view.replaced() || self.tail_from != self.sealed_until {
            self.tail.clear();
            (self.tail_from, self.end) = (self.sealed_until, self.sealed_until);
            self.replaced = view.replaced();
        }
        while self.end + TAIL_ROWS <= view.end().0 {
            let ordinals = (self.end..self.end + TAIL_ROWS).filter(|ordinal| !view.dead().contains(*ordinal));
            let rows = read_rows(view, ordinals)?;
            let (number, centre) = self.tail_centre(&rows)?;
            if let Some(bytes) = code(&rows, (number, &centre), self.state.space) {
                let segment = Segment::parse(&bytes)?;
                self.tail.push(Arc::new(ResidentSegment::new(self.end, &segment, &bytes, None)));
            }
            self.end += TAIL_ROWS;
        }
        Ok(())
    }

    /// Returns the centre of the last segment, so that questions are coded around it once; else one of the first rows.
    fn tail_centre(&mut self, rows: &[(Ordinal, Vec<f32>)]) -> Result<(u32, Arc<Centre>)> {
        let of_last = self.segments.last().map(|last| last.segment()).transpose()?.and_then(|last| last.centre());
        let number = of_last.unwrap_or(OWN_CENTRE);
        let (space, dimension) = (self.state.space, self.state.dimension);
        let own = || Arc::new(if rows.is_empty() { Centre::origin(dimension) } else { centre_of(rows, space) });
        Ok((number, Arc::clone(self.centres.entry(Some(number)).or_insert_with(own))))
    }

    fn bytes(&self) -> usize {
        self.segments.iter().chain(&self.tail).map(|segment| segment.size()).sum()
    }

    /// The first ordinal that is not among them.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    pub(super) fn space(&self) -> Space {
        self.state.space
    }

    /// Returns the centre that the rows of a segment of them are coded around.
    pub(super) fn centre(&self, number: Option<u32>) -> Result<&Centre> {
        self.centres.get(&number).map(Arc::as_ref).ok_or_else(|| Error::damaged("a centre is missing"))
    }

    /// Sealed rows and groups of the tail.
    pub(super) fn all(&self) -> impl Iterator<Item = &ResidentSegment> {
        self.segments.iter().chain(&self.tail).map(Arc::as_ref)
    }

    /// Groups of the tail.
    pub(super) fn tail(&self) -> impl Iterator<Item = &ResidentSegment> {
        self.tail.iter().map(Arc::as_ref)
    }

    /// As [`View::for_each_segment`].
    pub(super) fn for_each_segment(
        &self,
        firsts: std::ops::Range<u64>,
        mut visit: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let from = self.segments.partition_point(|segment| segment.first < firsts.start);
        let of_range = self.segments.get(from..).unwrap_or_default().iter();
        of_range.take_while(|segment| segment.first < firsts.end).try_for_each(|segment| visit(&segment.bytes))
    }

    /// Visits each of some rows with the segment that holds it and its place there.
    pub(super) fn for_each_row(
        &self,
        rows: &RoaringTreemap,
        mut visit: impl FnMut(&ResidentSegment, &Segment, usize, Ordinal) -> Result<()>,
    ) -> Result<()> {
        let mut rows = rows.iter().take_while(|ordinal| *ordinal < self.end).peekable();
        let mut segments = self.all().peekable();
        while let Some(segment) = segments.next() {
            let next = segments.peek().map_or(u64::MAX, |next| next.first);
            if rows.peek().is_none_or(|ordinal| *ordinal >= next) {
                continue;
            }
            let parsed = segment.segment()?;
            while let Some(ordinal) = rows.next_if(|ordinal| *ordinal < next).map(Ordinal) {
                let missing = || Error::damaged(format!("row {} is in no segment", ordinal.0));
                visit(segment, &parsed, parsed.find(ordinal).ok_or_else(missing)?, ordinal)?;
            }
        }
        Ok(())
    }
}

impl ResidentSegment {
    fn new(first: u64, segment: &Segment, bytes: &[u8], signs: Option<Signs>) -> Self {
        let numbers = (0..segment.rows()).map_while(|row| segment.numbers(row)).collect();
        Self { first, bytes: bytes.to_vec(), numbers, signs }
    }

    /// Returns factor, bias, residual and length of a row; `None` in version 1 of the format, where they are not known.
    pub(super) fn numbers(&self, row: usize) -> Option<&[f32; 4]> {
        self.numbers.get(row)
    }

    pub(super) fn segment(&self) -> Result<Segment<'_>> {
        Segment::parse(&self.bytes)
    }

    fn size(&self) -> usize {
        let signs = self.signs.as_ref().map_or(0, |signs| size_of_val(&*signs.words) + 12 * signs.weights.len());
        self.bytes.len() + size_of_val(&*self.numbers) + signs
    }
}

impl Signs {
    pub(super) fn new(sketch: &Sketch) -> Self {
        let (mut weights, mut biases, mut slacks) = (Vec::new(), Vec::new(), Vec::new());
        sketch.read_numbers(&mut weights, &mut biases, &mut slacks);
        let row_bytes = sketch.signs().len() / sketch.rows().max(1);
        let words_per_row = row_bytes.div_ceil(8);
        let mut words = vec![[0; EIGHT]; sketch.rows().div_ceil(EIGHT) * words_per_row];
        for (row, signs) in sketch.signs().chunks_exact(row_bytes.max(1)).enumerate() {
            for (at, bytes) in signs.chunks(8).enumerate() {
                let word = bytes.iter().rev().fold(0, |word, byte| (word << 8) | u64::from(*byte));
                let group = words.get_mut(row / EIGHT * words_per_row + at);
                if let Some(slot) = group.and_then(|group| group.get_mut(row % EIGHT)) {
                    *slot = word;
                }
            }
        }
        Self { words, weights, biases, slacks, accuracy: sketch.accuracy() }
    }
}
