//! What can be done for a batch before the file is written: every row checked, every new text embedded.
//!
//! Only reads, so that whatever is wrong with a batch is known before a byte of the file has changed, and batches can
//! be prepared while earlier ones are written. Invariant: a text is left unembedded only where the file, and no
//! batch still on its way there, has it already.

use std::collections::{HashSet, VecDeque};

use super::super::model::{check_document_model, check_model};
use super::super::{Change, Mode, View, check_dimension, check_embedding, limit};
use super::{OnError, Tally, bad_row};
use crate::embed::{Embedder, Role};
use crate::error::{Error, Result};
use crate::record::{CollectionInfo, Fingerprint, Part, RecordId, Row};

/// A batch that is ready to be written.
#[derive(Debug, Default)]
pub struct Prepared {
    pub(super) rows: Vec<PreparedRow>,
    pub(super) refused: Vec<Error>,
    /// The model that made embeddings of it.
    pub(super) embedded_by: Option<Fingerprint>,
    tally: Tally,
}

impl Prepared {
    /// Returns whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns the rows refused and the texts embedded.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.tally
    }
}

/// A row and what was found out about it.
#[derive(Debug)]
pub(super) struct PreparedRow {
    pub(super) row: Row,
    /// Whether its embedding was made here.
    embedded_here: bool,
}

impl PreparedRow {
    pub(super) fn into_change(self) -> (Change, Option<Part>) {
        let Self { row, embedded_here } = self;
        let change = Change {
            id: row.id,
            embedding: row.embedding,
            embedded_here,
            document: row.document,
            uri: row.uri,
            metadata: row.metadata,
        };
        (change, row.part)
    }
}

/// Checks and embeds batches of rows.
pub struct Preparer<'a> {
    embedder: Option<&'a mut dyn Embedder>,
    mode: Mode,
    on_error: OnError,
    /// Of the first embedding seen, for a collection that has none yet.
    dimension: Option<usize>,
    /// The ids of each batch prepared and not yet written.
    on_their_way: VecDeque<HashSet<RecordId>>,
}

impl<'a> Preparer<'a> {
    /// Prepares rows for a collection; `embedder` is what texts are embedded with.
    ///
    /// # Errors
    /// [`Error::ModelMismatch`] when the collection was made with another model than `embedder`.
    pub fn new(
        collection: &CollectionInfo,
        embedder: Option<&'a mut dyn Embedder>,
        mode: Mode,
        on_error: OnError,
    ) -> Result<Self> {
        if let Some(embedder) = &embedder {
            check_model(collection.name.as_str(), collection.embedder.as_ref(), embedder.fingerprint())?;
        }
        Ok(Self { embedder, mode, on_error, dimension: None, on_their_way: VecDeque::new() })
    }

    pub(super) fn mode(&self) -> Mode {
        self.mode
    }

    /// Checks and embeds one batch, as the collection is seen in `view`. A row may be an error of its own, as the
    /// input found it.
    ///
    /// # Errors
    /// With [`OnError::Stop`] the first bad row; else what the model or the file refuses.
    pub fn prepare(&mut self, view: &View, rows: impl IntoIterator<Item = Result<Row>>) -> Result<Prepared> {
        let mut prepared = Prepared::default();
        let mut ids = HashSet::new();
        self.dimension = view.info().dimension.or(self.dimension);
        for row in rows {
            match row.and_then(|row| self.check(row, &ids, view)) {
                Ok(row) => {
                    ids.insert(row.id.clone());
                    prepared.rows.push(PreparedRow { embedded_here: row.embedded_here, row });
                }
                Err(error @ Error::BadRow { .. }) => {
                    prepared.refused.extend(self.refuse(error, &mut prepared.tally)?);
                }
                Err(error) => return Err(error),
            }
        }
        self.embed_new(view, &mut prepared)?;
        self.on_their_way.push_back(ids);
        Ok(prepared)
    }

    /// Tells that the batch prepared first of those that waited is written.
    pub(super) fn forget_oldest(&mut self) {
        self.on_their_way.pop_front();
    }

    /// Counts a bad row, or stops because of it.
    pub(super) fn refuse(&self, error: Error, tally: &mut Tally) -> Result<Option<Error>> {
        match self.on_error {
            OnError::Stop => Err(error),
            OnError::Skip => {
                tally.failed += 1;
                Ok(Some(error))
            }
        }
    }

    /// Finds what is wrong with a row before anything is embedded; `before` are the ids before it in its batch.
    fn check(&mut self, row: Row, before: &HashSet<RecordId>, view: &View) -> Result<Row> {
        let too_large = |why: Error| Error::BadRow {
            source: row.origin.source.to_string(),
            line: row.origin.line,
            why: limit::of_record(&row.id, why).to_string(),
        };
        limit::check_id(&row.id).map_err(too_large)?;
        limit::check_texts(&row.id, row.document.as_deref(), row.uri.as_deref()).map_err(too_large)?;
        let bad = |why: Error| bad_row(&row, &why.to_string());
        if let Some(embedding) = &row.embedding {
            let info = view.info();
            check_embedding(embedding).map_err(bad)?;
            let expected = *self.dimension.get_or_insert(embedding.len());
            if expected != embedding.len() {
                check_dimension(&CollectionInfo { dimension: Some(expected), ..info.clone() }, embedding)
                    .map_err(bad)?;
            }
        } else if row.document.is_none() && self.mode != Mode::Update && !self.exists(&row.id, before, view)? {
            return Err(bad_row(&row, "it has neither a document nor an embedding"));
        }
        if self.mode == Mode::Add {
            row.metadata.check_new().map_err(bad)?;
        }
        Ok(row)
    }

    fn exists(&self, id: &RecordId, before: &HashSet<RecordId>, view: &View) -> Result<bool> {
        Ok(before.contains(id) || self.is_on_its_way(id) || view.ordinal(id)?.is_some())
    }

    fn is_on_its_way(&self, id: &RecordId) -> bool {
        self.on_their_way.iter().any(|ids| ids.contains(id))
    }

    /// Embeds the texts that are new to the collection.
    fn embed_new(&mut self, view: &View, prepared: &mut Prepared) -> Result<()> {
        let (mut wanted, mut before) = (Vec::new(), HashSet::new());
        for (at, PreparedRow { row, .. }) in prepared.rows.iter().enumerate() {
            let is_again = !before.insert(&row.id);
            if self.needs_embedding(row, is_again, view)? {
                wanted.push(at);
            }
        }
        if wanted.is_empty() {
            return Ok(());
        }
        let Some(embedder) = self.embedder.as_deref_mut() else {
            return Err(Error::NoModel { collection: view.info().name.to_string() });
        };
        check_document_model(view.info().name.as_str(), view.info().embedder.as_ref(), embedder.fingerprint())?;
        let texts: Vec<&str> = wanted.iter().filter_map(|at| prepared.rows.get(*at)?.row.document.as_deref()).collect();
        let embeddings = embedder.embed(&texts, Role::Document)?;
        // Now it also says what ran it.
        prepared.embedded_by = Some(embedder.fingerprint().clone());
        prepared.tally.embedded += embeddings.len() as u64;
        for (at, embedding) in wanted.into_iter().zip(embeddings) {
            if let Some(prepared) = prepared.rows.get_mut(at) {
                prepared.row.embedding = Some(embedding);
                prepared.embedded_here = true;
            }
        }
        Ok(())
    }

    /// Returns whether a row's text has to be embedded for what the mode does with it; `is_again` when its batch has the
    /// id before.
    fn needs_embedding(&self, row: &Row, is_again: bool, view: &View) -> Result<bool> {
        let Some(text) = row.document.as_ref().filter(|_| row.embedding.is_none()) else { return Ok(false) };
        // What a row before it makes of the record is not known here, so the text is embedded in any case.
        if self.mode != Mode::Add && view.info().embedder.is_some() && (is_again || self.is_on_its_way(&row.id)) {
            return Ok(true);
        }
        let mode = match &row.part {
            // The mode goes for the document, which exists when its first part does.
            Some(part) => match (view.ordinal(&Part::id(&part.of, 0))?, self.mode) {
                (Some(_), Mode::Add) | (None, Mode::Update) => return Ok(false),
                _ => Mode::Upsert,
            },
            None => self.mode,
        };
        match (view.ordinal(&row.id)?, mode) {
            (Some(_), Mode::Add) | (None, Mode::Update) => Ok(false),
            (None, Mode::Add | Mode::Upsert) => Ok(true),
            // Without a model a text needs no embedding of its own.
            (Some(_), _) if view.info().embedder.is_none() => Ok(false),
            (Some(ordinal), _) => Ok(view.stored(ordinal)?.document.as_deref() != Some(text)),
        }
    }
}
