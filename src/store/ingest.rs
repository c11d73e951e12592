//! Rows in, records stored: embeds what needs it, a batch at a time, and holds no lock while it does.
//!
//! Before a batch is embedded, a read decides which texts are new; the write that follows decides again, since
//! another process may have written meanwhile. Invariant: after an error or a kill, every batch before it is
//! stored whole, and running the same rows again stores the rest and doubles nothing.

use super::{Change, Collection, Effect, Mode, View, check_dimension, check_embedding};
use crate::embed::{Embedder, Role};
use crate::error::{Error, Result};
use crate::record::{CollectionInfo, Fingerprint, Ordinal, Row};

/// What happens at a row that is bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnError {
    /// The import stops; earlier batches stay.
    #[default]
    Stop,
    /// The row is left out and counted.
    Skip,
}

/// How many rows came to what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// New records.
    pub added: u64,
    /// Records changed.
    pub updated: u64,
    /// Records that already said what the row says.
    pub unchanged: u64,
    /// Rows whose id exists (add) or does not (update).
    pub skipped: u64,
    /// Bad rows left out.
    pub failed: u64,
    /// Texts that were embedded.
    pub embedded: u64,
}

impl Tally {
    /// Returns the rows seen.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.added + self.updated + self.unchanged + self.skipped + self.failed
    }

    fn count(&mut self, effect: Effect) {
        match effect {
            Effect::Added => self.added += 1,
            Effect::Updated => self.updated += 1,
            Effect::Unchanged => self.unchanged += 1,
            Effect::Exists | Effect::Missing => self.skipped += 1,
            Effect::NeedsEmbedding => self.failed += 1,
        }
    }
}

/// Stores rows in a collection, batch by batch.
pub struct Ingest<'a> {
    collection: &'a Collection<'a>,
    embedder: Option<&'a mut dyn Embedder>,
    mode: Mode,
    on_error: OnError,
    tally: Tally,
}

impl<'a> Ingest<'a> {
    /// Prepares to store rows; `embedder` is what texts are embedded with.
    ///
    /// # Errors
    /// [`Error::ModelMismatch`] when the collection was made with another model than `embedder`.
    pub fn new(
        collection: &'a Collection<'a>,
        embedder: Option<&'a mut dyn Embedder>,
        mode: Mode,
        on_error: OnError,
    ) -> Result<Self> {
        if let Some(embedder) = &embedder {
            let view = collection.view()?;
            check_model(view.info().name.as_str(), view.info().embedder.as_ref(), embedder.fingerprint())?;
        }
        Ok(Self { collection, embedder, mode, on_error, tally: Tally::default() })
    }

    /// Returns what came of the rows so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// Counts a row that could not be read, or stops because of it.
    ///
    /// # Errors
    /// The row's own error, with [`OnError::Stop`].
    pub fn refuse(&mut self, error: Error) -> Result<Option<Error>> {
        match self.on_error {
            OnError::Stop => Err(error),
            OnError::Skip => {
                self.tally.failed += 1;
                Ok(Some(error))
            }
        }
    }

    /// Stores one batch of rows in one transaction; returns the errors of rows that were left out.
    ///
    /// # Errors
    /// With [`OnError::Stop`] the first bad row; nothing of the batch is stored then. Otherwise what the model or the
    /// file refuses.
    pub fn store(&mut self, rows: Vec<Row>) -> Result<Vec<Error>> {
        let mut refused = Vec::new();
        let mut pending: Vec<Row> = Vec::with_capacity(rows.len());
        let mut info = self.collection.view()?.info().clone();
        for row in rows {
            // The first embedding fixes the dimension for the rest of its batch too.
            info.dimension =
                info.dimension.or_else(|| pending.iter().find_map(|row| Some(row.embedding.as_ref()?.len())));
            match self.check(&row, &info) {
                Ok(()) => pending.push(row),
                Err(error) => refused.extend(self.refuse(error)?),
            }
        }
        // Two rounds: the second embeds texts that another process made new between reading and writing.
        for _ in 0..2 {
            if pending.is_empty() {
                break;
            }
            let embedded = self.embed_new(&mut pending)?;
            let changes = pending.iter().zip(&embedded).map(|(row, here)| change(row, *here));
            let effects = self.collection.apply(changes.collect::<Vec<_>>(), self.mode)?;
            let mut again = Vec::new();
            for (row, effect) in pending.into_iter().zip(effects) {
                if effect == Effect::NeedsEmbedding { again.push(row) } else { self.tally.count(effect) }
            }
            pending = again;
        }
        for row in pending {
            let error = bad_row(&row, "it has neither a document nor an embedding");
            refused.extend(self.refuse(error)?);
        }
        Ok(refused)
    }

    /// Finds what is wrong with a row before anything is embedded.
    fn check(&self, row: &Row, info: &CollectionInfo) -> Result<()> {
        let bad = |why: Error| bad_row(row, &why.to_string());
        if let Some(embedding) = &row.embedding {
            check_embedding(embedding).and_then(|()| check_dimension(info, embedding)).map_err(bad)?;
        }
        if self.mode == Mode::Add {
            row.metadata.clone().into_metadata().map_err(bad)?;
        }
        Ok(())
    }

    /// Embeds the texts that are new to the collection; says for each row whether its embedding was made here.
    fn embed_new(&mut self, rows: &mut [Row]) -> Result<Vec<bool>> {
        let wanted = self.texts_to_embed(rows)?;
        let mut made = vec![false; rows.len()];
        if wanted.is_empty() {
            return Ok(made);
        }
        let Some(embedder) = self.embedder.as_deref_mut() else {
            return Err(Error::NoModel { collection: self.collection.name().to_string() });
        };
        let texts: Vec<&str> = wanted.iter().filter_map(|at| rows.get(*at)?.document.as_deref()).collect();
        let embeddings = embedder.embed(&texts, Role::Document)?;
        self.tally.embedded += embeddings.len() as u64;
        for (at, embedding) in wanted.into_iter().zip(embeddings) {
            if let (Some(row), Some(made)) = (rows.get_mut(at), made.get_mut(at)) {
                row.embedding = Some(embedding);
                *made = true;
            }
        }
        Ok(made)
    }

    /// Returns the positions of rows whose text has to be embedded for what the mode does with them.
    fn texts_to_embed(&self, rows: &[Row]) -> Result<Vec<usize>> {
        let view = self.collection.view()?;
        let mut wanted = Vec::new();
        for (at, row) in rows.iter().enumerate() {
            let Some(text) = row.document.as_ref().filter(|_| row.embedding.is_none()) else { continue };
            let is_new = match (view.ordinal(&row.id)?, self.mode) {
                (Some(_), Mode::Add) | (None, Mode::Update) => false,
                (None, Mode::Add | Mode::Upsert) => true,
                (Some(ordinal), Mode::Update | Mode::Upsert) => is_changed(&view, ordinal, text)?,
            };
            if is_new {
                wanted.push(at);
            }
        }
        Ok(wanted)
    }
}

/// Returns whether a text differs from the one stored; without a model a text needs no embedding of its own.
fn is_changed(view: &View, ordinal: Ordinal, text: &str) -> Result<bool> {
    Ok(view.info().embedder.is_some() && view.stored(ordinal)?.document.as_deref() != Some(text))
}

/// Refuses a model that would put its vectors beside those of another.
///
/// # Errors
/// [`Error::NoModel`] when the collection has none, [`Error::ModelMismatch`] with both names.
pub fn check_model(collection: &str, stored: Option<&Fingerprint>, given: &Fingerprint) -> Result<()> {
    match stored {
        None => Err(Error::NoModel { collection: collection.to_owned() }),
        Some(stored) if stored == given => Ok(()),
        Some(stored) => Err(Error::ModelMismatch {
            collection: collection.to_owned(),
            stored: describe(stored),
            given: describe(given),
        }),
    }
}

/// Names a model so that two that differ never read the same.
fn describe(fingerprint: &Fingerprint) -> String {
    let short = fingerprint.sha256.get(..8).unwrap_or(&fingerprint.sha256);
    format!("{} ({} dimensions, {short})", fingerprint.model, fingerprint.dimension)
}

fn change(row: &Row, embedded_here: bool) -> Change {
    Change {
        id: row.id.clone(),
        embedding: row.embedding.clone(),
        embedded_here,
        document: row.document.clone(),
        uri: row.uri.clone(),
        metadata: row.metadata.clone(),
    }
}

fn bad_row(row: &Row, why: &str) -> Error {
    Error::BadRow {
        source: row.origin.source.to_string(),
        line: row.origin.line,
        why: format!("record {:?}: {why}", row.id.as_str()),
    }
}
