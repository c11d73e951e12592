//! The rows of several inputs, cut into batches to be stored together.
//!
//! Does not know what a batch is stored in. Invariant: a batch holds at least one row and stays within its limits by
//! at most the row that fills it, or all that this is split into, so memory is bounded whatever the size of the input.

use std::sync::{Arc, Mutex, PoisonError};

use super::met::Met;
use super::options::InputOptions;
use super::progress::ReadProgress;
use super::rows::{InputRows, SkippedFile};
use super::source::InputSource;
use crate::error::{Error, Remark, Result};
use crate::record::NewRecord;

/// When a batch is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchLimits {
    /// Rows.
    pub rows: usize,
    /// Texts that come without an embedding.
    pub texts: usize,
    /// Bytes of documents and embeddings.
    pub bytes: usize,
}

/// Makes several rows of one, which are then stored together.
pub type Split = Box<dyn FnMut(NewRecord) -> Result<Vec<NewRecord>> + Send>;

/// What a user should know of an input and was not told yet, such as fields that are left out.
pub type Notices = Arc<Mutex<Vec<Remark>>>;

/// Files of folders that were passed over, in their order.
pub type SkippedFiles = Arc<Mutex<Vec<SkippedFile>>>;

/// Batches of rows; a row that cannot be read is an error in its place.
///
/// An error that is not about one row is the last item.
pub struct RowBatches {
    sources: std::vec::IntoIter<InputSource>,
    options: InputOptions,
    limits: BatchLimits,
    progress: Arc<ReadProgress>,
    notices: Notices,
    met: Arc<Met>,
    skipped: SkippedFiles,
    open: Option<InputRows>,
    split: Option<Split>,
}

impl RowBatches {
    /// Prepares to read these sources one after another.
    ///
    /// # Errors
    /// [`Error::BadInput`] or [`Error::Io`] when one of them is not there.
    pub fn open(sources: Vec<InputSource>, options: InputOptions, limits: BatchLimits) -> Result<Self> {
        sources.iter().try_for_each(|source| InputRows::check_files(source, &options))?;
        let mut sizes: Vec<Option<u64>> = sources.iter().map(InputSource::size_bytes).collect::<Result<_>>()?;
        if options.sql.is_some() {
            // How much of a database an answer takes is not known.
            sizes.push(None);
        }
        Ok(Self {
            sources: sources.into_iter(),
            options,
            limits,
            progress: ReadProgress::new(sizes.into_iter().sum()),
            notices: Notices::default(),
            met: Arc::default(),
            skipped: SkippedFiles::default(),
            open: None,
            split: None,
        })
    }

    /// Has every row split before it is counted.
    #[must_use]
    pub fn splitting(mut self, split: Split) -> Self {
        self.split = Some(split);
        self
    }

    /// Returns whether rows are split.
    #[must_use]
    pub fn splits(&self) -> bool {
        self.split.is_some()
    }

    /// Returns the bytes read and to read, which another thread may watch.
    #[must_use]
    pub fn progress(&self) -> Arc<ReadProgress> {
        Arc::clone(&self.progress)
    }

    /// Returns where notices gather while the batches are read.
    #[must_use]
    pub fn notices(&self) -> Notices {
        Arc::clone(&self.notices)
    }

    /// Returns what was met in all sources so far.
    #[must_use]
    pub fn met(&self) -> Arc<Met> {
        Arc::clone(&self.met)
    }

    /// Returns where the files that are passed over gather while the batches are read.
    #[must_use]
    pub fn skipped(&self) -> SkippedFiles {
        Arc::clone(&self.skipped)
    }

    /// Returns what becomes of the next row of the input.
    fn next_rows(&mut self) -> Option<Vec<Result<NewRecord>>> {
        let row = self.next_row()?;
        let Some(split) = &mut self.split else { return Some(vec![row]) };
        Some(match row.and_then(split) {
            Ok(rows) => rows.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        })
    }

    /// Hands on what is to be known of the input that is open.
    fn note(&mut self) {
        let said = self.open.as_mut().map(InputRows::take_notices).unwrap_or_default();
        self.notices.lock().unwrap_or_else(PoisonError::into_inner).extend(said);
    }

    fn next_row(&mut self) -> Option<Result<NewRecord>> {
        loop {
            if let Some(rows) = &mut self.open {
                let row = rows.next();
                let skipped = rows.take_skipped();
                if !skipped.is_empty() {
                    self.skipped.lock().unwrap_or_else(PoisonError::into_inner).extend(skipped);
                }
                if row.is_some() {
                    return row;
                }
                self.note();
                self.open = None;
            }
            match InputRows::open_counted(&self.sources.next()?, self.options.clone(), self.progress(), self.met()) {
                Ok(rows) => self.open = Some(rows),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl Iterator for RowBatches {
    type Item = Vec<Result<NewRecord>>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut batch = Vec::new();
        let (mut texts, mut bytes) = (0, 0);
        while batch.len() < self.limits.rows && texts < self.limits.texts && bytes < self.limits.bytes {
            let Some(rows) = self.next_rows() else { break };
            for row in &rows {
                match row {
                    Ok(row) => {
                        texts += usize::from(row.embedding.is_none());
                        bytes += row.document.as_ref().map_or(0, String::len);
                        bytes += row.embedding.as_ref().map_or(0, |embedding| 4 * embedding.len());
                    }
                    Err(Error::BadRow { .. }) => {}
                    Err(_) => {
                        // Nothing that follows can be trusted to be what the user meant.
                        self.sources = Vec::new().into_iter();
                        self.note();
                        self.open = None;
                    }
                }
            }
            batch.extend(rows);
        }
        // Before the batch is looked at: it helps most beside an error.
        self.note();
        (!batch.is_empty()).then_some(batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: BatchLimits = BatchLimits { rows: 3, texts: 2, bytes: 100 };

    fn sizes(files: &[(&str, &str)]) -> Vec<usize> {
        let folder = tempfile::TempDir::new().unwrap();
        let sources = files.iter().map(|(name, text)| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            InputSource::File(path)
        });
        let batches = RowBatches::open(sources.collect(), InputOptions::default(), LIMITS).unwrap();
        batches.map(|batch| batch.len()).collect()
    }

    #[test]
    fn a_batch_ends_at_the_first_limit_it_meets() {
        let embedded = "{\"id\":\"a\",\"embedding\":[1]}\n".repeat(4);
        let texts = "{\"id\":\"a\",\"document\":\"x\"}\n".repeat(3);
        let long = format!("{{\"id\":\"a\",\"embedding\":[1],\"document\":\"{}\"}}\n", "x".repeat(100)).repeat(2);
        assert_eq!(sizes(&[("a.jsonl", &embedded)]), [3, 1]);
        assert_eq!(sizes(&[("a.jsonl", &texts)]), [2, 1]);
        assert_eq!(sizes(&[("a.jsonl", &long)]), [1, 1]);
    }

    #[test]
    fn batches_go_on_over_files_and_end_at_a_file_that_cannot_be_read() {
        let one = "{\"id\":\"a\",\"embedding\":[1]}\n";
        assert_eq!(sizes(&[("a.jsonl", one), ("b.jsonl", one), ("empty.jsonl", "")]), [2]);
        assert_eq!(sizes(&[("a.jsonl", one), ("b.gz", "\x1f\u{8b}nonsense"), ("c.jsonl", one)]).len(), 1);
        assert_eq!(sizes(&[]), [0; 0]);
    }
}
