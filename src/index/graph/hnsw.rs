//! A graph in memory: made, extended, searched and stored.
//!
//! Invariant: `USearch` is given bytes only after both the checksums and [`layout::check`] passed.

use super::file::{GraphChunks, GraphHeader, Stamp, StoredGraph};
use super::file::{HEADER_BYTES, damaged};
use super::layout;
use super::native::{FREE_KEY, IndexShape, Native};
use crate::error::{Error, Result};
use crate::record::{Hnsw, Ordinal, Space};
use crate::store::{Centre, Codes, quantise};
use crate::threads::together;
use std::fmt;
use std::io;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Rows a thread takes at once while a graph is built.
const SHARE: usize = 32;

/// Called as rows are added, with how many more are in, from several threads; [`ControlFlow::Break`]
/// stops the work.
pub type Watch<'a> = &'a (dyn Fn(usize) -> ControlFlow<()> + Sync);

/// Hierarchical navigable small worlds over the quantised rows of a collection.
pub struct Graph {
    native: Native,
    shape: IndexShape,
    origin: Centre,
    removed: usize,
}

impl Graph {
    /// Makes an empty graph for embeddings of `dim` components, in which up to `threads` searches or additions run at once.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for settings a graph cannot have; [`Error::Io`] when memory is short.
    pub fn new(dim: usize, space: Space, hnsw: Hnsw, threads: usize) -> Result<Self> {
        let shape = IndexShape { dim, space, hnsw, threads: threads.max(1) };
        shape.validate().map_err(Error::argument)?;
        let native = Native::empty(&shape).map_err(|why| memory("make a graph", why))?;
        Ok(Self { native, shape, origin: Centre::origin(dim), removed: 0 })
    }

    /// Copies a stored graph into memory of its own, so that it can be extended.
    ///
    /// # Errors
    /// [`Error::Damaged`] when its bytes do not make a graph.
    pub fn load(stored: &StoredGraph, threads: usize) -> Result<Self> {
        Self::restore(stored, threads, |shape, stored| Native::load(shape, &stored.index))
    }

    /// Takes over a stored graph and searches it in place: ready sooner than by [`Self::load`] and searched as
    /// fast, but read-only.
    ///
    /// # Errors
    /// [`Error::Damaged`] when its bytes do not make a graph.
    pub fn view(stored: StoredGraph, threads: usize) -> Result<Self> {
        Self::restore(stored, threads, |shape, stored| Native::view(shape, stored.index))
    }

    fn restore<S: AsRef<StoredGraph>>(
        stored: S,
        threads: usize,
        native: impl FnOnce(&IndexShape, S) -> Result<Native, String>,
    ) -> Result<Self> {
        let StoredGraph { header, index } = stored.as_ref();
        let shape = IndexShape { dim: header.dim, space: header.space, hnsw: header.hnsw, threads: threads.max(1) };
        shape.validate().map_err(|why| damaged(format!("its header is wrong: {why}")))?;
        let counted = layout::check(index, &shape).map_err(damaged)?;
        if (counted.live as u64, counted.removed as u64) != (header.rows, header.removed) {
            return Err(damaged("it has another number of vectors than its header says"));
        }
        // USearch cannot load an index without nodes.
        let empty = counted.live + counted.removed == 0;
        let native = if empty { Native::empty(&shape) } else { native(&shape, stored) };
        let origin = Centre::origin(shape.dim);
        Ok(Self { native: native.map_err(damaged)?, shape, origin, removed: counted.removed })
    }

    /// Returns the number of vectors that are not removed.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.native.len()
    }

    /// Returns the number of removed vectors that searches still pass through; past a third, rebuild.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn removed(&self) -> usize {
        self.removed
    }

    /// Returns an embedding as the graph holds it.
    #[must_use]
    pub fn row(&self, embedding: &[f32]) -> Codes {
        quantise(embedding, &self.origin, self.shape.space)
    }

    /// Adds rows, made by [`Self::row`], with all threads.
    ///
    /// # Errors
    /// [`Error::Interrupted`] when `watch` says so, with part of the rows added; [`Error::InvalidArgument`] for a row
    /// that is there already or of another dimension, or a viewed graph; [`Error::Io`] when memory is short.
    pub fn extend(&mut self, rows: &[(Ordinal, Codes)], watch: Watch) -> Result<()> {
        self.refuse_viewed()?;
        let slots = self.rows() + self.removed + rows.len();
        self.native.reserve(slots, self.shape.threads).map_err(|why| memory("make room in the graph", why))?;
        // `USearch` reuses the slots of removed vectors without a lock, so one thread fills those by itself.
        let (alone, together) = rows.split_at(rows.len().min(self.removed));
        let before = self.rows();
        let filled = self.add_rows(alone, 1, watch);
        self.removed -= (self.rows() - before).min(self.removed);
        filled?;
        self.add_rows(together, self.shape.threads, watch)
    }

    fn add_rows(&self, rows: &[(Ordinal, Codes)], threads: usize, watch: Watch) -> Result<()> {
        let shares: Vec<_> = rows.chunks(SHARE).collect();
        let next = AtomicUsize::new(0);
        let stop = AtomicBool::new(false);
        let failure = Mutex::new(None);
        let work = || {
            let mut bytes = Vec::with_capacity(self.shape.row_bytes());
            while !stop.load(Ordering::Relaxed)
                && let Some(share) = shares.get(next.fetch_add(1, Ordering::Relaxed))
            {
                let mut added = share.iter().try_for_each(|(ordinal, row)| self.add(*ordinal, row, &mut bytes));
                if added.is_ok() && watch(share.len()).is_break() {
                    added = Err(Error::Interrupted);
                }
                if let Err(error) = added {
                    stop.store(true, Ordering::Relaxed);
                    failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                }
            }
        };
        together(threads.min(shares.len()), work);
        failure.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
    }

    fn add(&self, Ordinal(key): Ordinal, row: &Codes, bytes: &mut Vec<i8>) -> Result<()> {
        if key == FREE_KEY {
            return Err(Error::argument("the largest ordinal cannot be in a graph"));
        }
        self.refuse_dimension(row.codes.len())?;
        self.shape.write_row(row, bytes);
        self.native.add(key, bytes).map_err(|why| {
            if self.native.contains(key) {
                Error::argument(format!("row {key} is in the graph already"))
            } else {
                memory("add to the graph", why)
            }
        })
    }

    /// Removes a row and says whether it was there. A later row reuses its slot.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a viewed graph; [`Error::Io`] when memory is short.
    pub fn remove(&mut self, ordinal: Ordinal) -> Result<bool> {
        self.refuse_viewed()?;
        let was_in = self.native.remove(ordinal.0).map_err(|why| memory("remove from the graph", why))?;
        self.removed += usize::from(was_in);
        Ok(was_in)
    }

    /// Finds up to `k` rows near an embedding, with their approximate distance, nearest first, ties by ordinal. Keeps
    /// `candidates` on the way, or `k` when that is more; more is slower and finds more.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a question of another dimension; [`Error::Io`] when memory is short or more
    /// searches run at once than [`Self::threads`].
    pub fn search(&self, question: &[f32], k: usize, candidates: usize) -> Result<Vec<(f32, Ordinal)>> {
        self.ranked(question, k, candidates, |query, wanted| self.native.search(query, wanted))
    }

    /// As [`Self::search`], among the rows that `keep` lets pass; the fewer pass, the longer it takes. A panic in `keep`
    /// ends the process.
    ///
    /// # Errors
    /// As [`Self::search`].
    pub fn search_filtered(
        &self,
        question: &[f32],
        k: usize,
        candidates: usize,
        keep: impl Fn(Ordinal) -> bool,
    ) -> Result<Vec<(f32, Ordinal)>> {
        self.ranked(question, k, candidates, |query, wanted| {
            self.native.search_filtered(query, wanted, |key| keep(Ordinal(key)))
        })
    }

    fn ranked(
        &self,
        question: &[f32],
        k: usize,
        candidates: usize,
        search: impl FnOnce(&[i8], usize) -> Result<Vec<(u64, f32)>, String>,
    ) -> Result<Vec<(f32, Ordinal)>> {
        self.refuse_dimension(question.len())?;
        let wanted = candidates.max(k).min(self.rows());
        if k == 0 || wanted == 0 {
            return Ok(Vec::new());
        }
        let mut query = Vec::with_capacity(self.shape.row_bytes());
        // Not quantised as a scan's question, which leaves out what all rows share: the index compares rows with rows.
        self.shape.write_row(&self.row(question), &mut query);
        let found = search(&query, wanted).map_err(|why| memory("search the graph", why))?;
        let mut found: Vec<_> = found.into_iter().map(|(key, distance)| (distance, Ordinal(key))).collect();
        found.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        found.truncate(k);
        Ok(found)
    }

    /// Serialises the graph into chunks for the file.
    ///
    /// # Errors
    /// [`Error::Io`] when memory is short.
    pub fn to_chunks(&self, stamp: Stamp) -> Result<GraphChunks> {
        let mut stream = vec![0; HEADER_BYTES];
        self.native.save(&mut stream).map_err(|why| memory("serialise the graph", why))?;
        let header = GraphHeader {
            dim: self.shape.dim,
            space: self.shape.space,
            hnsw: self.shape.hnsw,
            rows: self.rows() as u64,
            removed: self.removed as u64,
            stamp,
            bytes: (stream.len() - HEADER_BYTES) as u64,
        };
        stream.iter_mut().zip(header.write()).for_each(|(slot, byte)| *slot = byte);
        Ok(GraphChunks::new(stream))
    }

    fn refuse_dimension(&self, got: usize) -> Result<()> {
        let dim = self.shape.dim;
        if got == dim { Ok(()) } else { Err(Error::argument(format!("the graph has {dim} dimensions, not {got}"))) }
    }

    fn refuse_viewed(&self) -> Result<()> {
        if self.native.is_viewed() { Err(Error::argument("a viewed graph cannot be changed")) } else { Ok(()) }
    }
}

impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Graph")
            .field("shape", &self.shape)
            .field("len", &self.rows())
            .field("removed", &self.removed)
            .finish_non_exhaustive()
    }
}

/// What `USearch` can still fail at once all it is given has been checked.
fn memory(action: &str, why: String) -> Error {
    Error::io(action, io::Error::new(io::ErrorKind::OutOfMemory, why))
}
