//! What can be done for a batch before the file is written: every row checked, every new text embedded.
//!
//! Only reads, so that whatever is wrong with a batch is known before a byte of the file has changed, and batches can
//! be prepared while earlier ones are written. Invariant: a text is left unembedded only where the file, and no
//! batch still on its way there, has it already.

use std::collections::{HashMap, HashSet, VecDeque};
use std::{iter, mem};

use xxhash_rust::xxh3::xxh3_64;

use super::each::{Embedded, embed_each, weigh_each};
use super::prepared_row::{PreparedRow, bad_row};
use super::rules::{Files, Rules, bad_document, decisive_ids};
use super::tally::{OnError, Tally};
use super::target::Existing;
use crate::embed::Embedder;
use crate::error::{Advice, Error, Remark, Result};
use crate::record::{
    Chunk, CollectionInfo, Fingerprint, NewRecord, RecordId, SparseSettings, Value, check_document_model,
};
use crate::store::{Mode, check_dimension, check_embedding, check_id, check_model, check_texts, of_record};

/// A batch that is ready to be written.
#[derive(Debug, Default)]
pub struct PreparedBatch {
    pub(super) rows: Vec<PreparedRow>,
    pub(super) refused: Vec<Error>,
    /// The model that made embeddings of it.
    pub(super) embedded_by: Option<Fingerprint>,
    /// Where the collection wants the weights of the terms of each document.
    pub(super) sparse_key: Option<String>,
    tally: Tally,
}

impl PreparedBatch {
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

/// How batches are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct IngestSettings {
    pub(super) mode: Mode,
    pub(super) keep_embeddings: bool,
}

/// Checks and embeds batches of rows.
pub struct Preparer<'a> {
    embedder: Option<&'a dyn Embedder>,
    mode: Mode,
    on_error: OnError,
    /// Of the first embedding seen, for a collection that has none yet.
    dimension: Option<usize>,
    /// Each batch prepared and not yet written.
    on_their_way: VecDeque<Texts>,
    rules: Rules,
    files: Files,
    /// Documents whose parts came as rows of their own, as from an export: these are not removed.
    given_in_parts: HashSet<String>,
    /// Hashes of the ids of rows that were only rehearsed, which a real import would have stored by now.
    rehearsed: HashSet<u64>,
}

impl<'a> Preparer<'a> {
    /// Prepares rows for a collection; `embedder` is what texts are embedded with.
    ///
    /// # Errors
    /// [`Error::ModelMismatch`] when the collection was made with another model than `embedder`.
    pub fn new(
        collection: &CollectionInfo,
        embedder: Option<&'a dyn Embedder>,
        mode: Mode,
        on_error: OnError,
    ) -> Result<Self> {
        if let Some(embedder) = &embedder {
            check_model(collection.name.as_str(), collection.embedder.as_ref(), embedder.fingerprint())?;
        }
        Ok(Self {
            embedder,
            mode,
            on_error,
            dimension: None,
            on_their_way: VecDeque::new(),
            rules: Rules::default(),
            files: Files::default(),
            given_in_parts: HashSet::new(),
            rehearsed: HashSet::new(),
        })
    }

    /// Has the ingest follow rules other than the strictest.
    #[must_use]
    pub fn following(self, rules: Rules) -> Self {
        Self { rules, ..self }
    }

    pub(super) fn way(&self) -> IngestSettings {
        IngestSettings { mode: self.mode, keep_embeddings: self.rules.keep_embedding }
    }

    /// Checks and embeds one batch, as the collection is seen in `existing`. A row may be an error of its own, as the
    /// input found it.
    ///
    /// # Errors
    /// With [`OnError::Stop`] the first bad row; else what the model or the file refuses.
    pub fn prepare(
        &mut self,
        existing: &dyn Existing,
        rows: impl IntoIterator<Item = Result<NewRecord>>,
    ) -> Result<PreparedBatch> {
        let (mut prepared, _) = self.check_all(existing, rows)?;
        self.embed_new(existing, &mut prepared)?;
        self.weigh_new(existing, &mut prepared)?;
        let mut texts = Texts::default();
        prepared.rows.iter().for_each(|PreparedRow { row, .. }| texts.add(row));
        self.on_their_way.push_back(texts);
        Ok(prepared)
    }

    /// Checks a batch as [`Self::prepare`] does, embeds nothing, and returns what is wrong with rows that are left out.
    ///
    /// # Errors
    /// As [`Self::prepare`], but for those of the model.
    pub fn rehearse(
        &mut self,
        existing: &dyn Existing,
        rows: impl IntoIterator<Item = Result<NewRecord>>,
    ) -> Result<Vec<Error>> {
        let (prepared, ids) = self.check_all(existing, rows)?;
        if existing.info().embedder.is_none() && !self.to_embed(existing, &prepared)?.is_empty() {
            return Err(Error::NoModel { collection: existing.info().name.to_string() });
        }
        self.rehearsed.extend(ids.iter().map(|id| hash(id.as_str())));
        Ok(prepared.refused)
    }

    fn check_all(
        &mut self,
        existing: &dyn Existing,
        rows: impl IntoIterator<Item = Result<NewRecord>>,
    ) -> Result<(PreparedBatch, HashSet<RecordId>)> {
        let mut prepared = PreparedBatch::default();
        let mut ids = HashSet::new();
        self.dimension = existing.info().dimension.or(self.dimension);
        let rows: Vec<Result<NewRecord>> = rows.into_iter().collect();
        existing.look_up(&mut rows.iter().flatten().flat_map(decisive_ids))?;
        for row in rows {
            match row.and_then(|row| self.check(row, &ids, existing)) {
                Ok(row) => {
                    ids.insert(row.id.clone());
                    let replaces_form = self.replaces_form(&row);
                    prepared.rows.push(PreparedRow { row, replaces_form });
                }
                Err(error @ Error::BadRow { .. }) => {
                    prepared.refused.extend(self.refuse(error, &mut prepared.tally)?);
                }
                Err(error) => return Err(error),
            }
        }
        self.leave_out(existing, &mut prepared)?;
        Ok((prepared, ids))
    }

    /// Returns whether a row takes the place of its document's other form.
    fn replaces_form(&mut self, row: &NewRecord) -> bool {
        if !self.rules.one_form || row.document.is_none() {
            return false;
        }
        let said = row.metadata.iter().find(|(key, _)| *key == Chunk::OF);
        match (&row.part, said) {
            (None, Some((_, Some(Value::Str(of))))) => {
                self.given_in_parts.insert(of.clone());
                true
            }
            (None, _) => !self.given_in_parts.contains(row.id.as_str()),
            (Some(_), _) => true,
        }
    }

    /// Takes out the documents that the rules refuse.
    fn leave_out(&mut self, existing: &dyn Existing, prepared: &mut PreparedBatch) -> Result<()> {
        let rows = mem::take(&mut prepared.rows);
        let mut refused = Vec::new();
        for document in rows.chunk_by(is_same_document) {
            refused.push(self.rules.why_not(document, self.mode, existing, &mut self.files)?);
        }
        if refused.iter().all(Option::is_none) {
            prepared.rows = rows;
            return Ok(());
        }
        self.take_out(prepared, rows, refused)
    }

    /// Keeps the documents that nothing was found wrong with, and refuses the others.
    fn take_out(&self, prepared: &mut PreparedBatch, rows: Vec<PreparedRow>, wrong: Vec<Option<Remark>>) -> Result<()> {
        let lengths: Vec<usize> = rows.chunk_by(is_same_document).map(<[PreparedRow]>::len).collect();
        let mut rows = rows.into_iter();
        for (length, wrong) in lengths.into_iter().zip(wrong) {
            let document: Vec<PreparedRow> = rows.by_ref().take(length).collect();
            match (wrong, document.first()) {
                (Some(why), Some(first)) => {
                    let error = bad_document(&first.row, why);
                    prepared.refused.extend(self.refuse(error, &mut prepared.tally)?);
                }
                _ => prepared.rows.extend(document),
            }
        }
        Ok(())
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
    fn check(&mut self, row: NewRecord, before: &HashSet<RecordId>, existing: &dyn Existing) -> Result<NewRecord> {
        let too_large =
            |why: Error| Error::bad_row(&row.origin.source, row.origin.line, of_record(&row.id, why).to_string());
        check_id(&row.id).map_err(too_large)?;
        check_texts(&row.id, row.document.as_deref(), row.uri.as_deref()).map_err(too_large)?;
        let bad = |why: Error| bad_row(&row, &why.to_string());
        if let Some(embedding) = &row.embedding {
            let info = existing.info();
            check_embedding(embedding).map_err(bad)?;
            let expected = *self.dimension.get_or_insert(embedding.len());
            if expected != embedding.len() {
                check_dimension(&CollectionInfo { dimension: Some(expected), ..info.clone() }, embedding)
                    .map_err(bad)?;
            }
        } else if row.document.is_none() && self.mode != Mode::Update && !self.exists(&row.id, before, existing)? {
            let why = format!("record {:?}: it has neither a document nor an embedding", row.id.as_str());
            let why = Remark::with(why, Advice::NameTextColumn(None));
            return Err(Error::bad_row(&row.origin.source, row.origin.line, why));
        }
        if self.mode == Mode::Add {
            row.metadata.check_new().map_err(bad)?;
        }
        Ok(row)
    }

    fn exists(&self, id: &RecordId, before: &HashSet<RecordId>, existing: &dyn Existing) -> Result<bool> {
        Ok(before.contains(id) || self.is_on_its_way(id) || existing.exists(id)?)
    }

    fn is_on_its_way(&self, id: &RecordId) -> bool {
        let is_rehearsed = || !self.rehearsed.is_empty() && self.rehearsed.contains(&hash(id.as_str()));
        self.on_their_way.iter().any(|texts| texts.has(id)) || is_rehearsed()
    }

    /// Embeds the texts that are new to the collection.
    fn embed_new(&mut self, existing: &dyn Existing, prepared: &mut PreparedBatch) -> Result<()> {
        let wanted = self.to_embed(existing, prepared)?;
        if wanted.is_empty() {
            return Ok(());
        }
        let Some(embedder) = self.embedder else {
            return Err(Error::NoModel { collection: existing.info().name.to_string() });
        };
        check_document_model(existing.info().name.as_str(), existing.info().embedder.as_ref(), embedder.fingerprint())?;
        let made = embed_each(embedder, &texts_of(prepared, &wanted))?;
        // Now it also says what ran it.
        prepared.embedded_by = Some(embedder.fingerprint().clone());
        prepared.tally.cut += made.cut;
        self.give(prepared, wanted, made, &mut |tally, row, embedding| {
            tally.embedded += 1;
            row.embedding = Some(embedding);
            row.embedded_here = true;
            Ok(())
        })
    }

    /// Weighs the terms of the texts that are new to a collection with a sparse model, unless their rows say the weights.
    fn weigh_new(&mut self, existing: &dyn Existing, prepared: &mut PreparedBatch) -> Result<()> {
        let Some(SparseSettings { key, model }) = &existing.info().sparse else { return Ok(()) };
        prepared.sparse_key = Some(key.clone());
        let wanted = rows_where(prepared, |row, before| {
            Ok(!row.metadata.contains(key) && self.news(row, before, existing)? != TextNews::Kept)
        })?;
        if wanted.is_empty() {
            return Ok(());
        }
        let Some(sparse) = self.embedder.map(Embedder::sparse).transpose()?.flatten() else {
            let why = format!("{} has it for its documents, and it is not loaded", existing.info().name);
            return Err(Error::Model { model: model.model.clone(), why, hint: None });
        };
        let made = weigh_each(sparse, &texts_of(prepared, &wanted))?;
        prepared.tally.cut_by_sparse += made.cut;
        self.give(prepared, wanted, made, &mut |_, row, weights| {
            row.metadata.insert(key.as_str(), Some(Value::Sparse(weights)))
        })
    }

    /// Gives rows what a model made of their texts, and takes out the documents of which it could make nothing.
    fn give<T>(
        &self,
        prepared: &mut PreparedBatch,
        wanted: Vec<usize>,
        made: Embedded<T>,
        give: &mut dyn FnMut(&mut Tally, &mut NewRecord, T) -> Result<()>,
    ) -> Result<()> {
        let mut failed = HashMap::new();
        for (at, made) in wanted.into_iter().zip(made.each) {
            let Some(PreparedRow { row, .. }) = prepared.rows.get_mut(at) else { continue };
            match made {
                Ok(made) => give(&mut prepared.tally, row, made)?,
                Err(error) => {
                    let advice = error.advice().cloned();
                    failed.insert(at, Remark { text: error.to_string(), advice });
                }
            }
        }
        if failed.is_empty() { Ok(()) } else { self.leave_out_failed(prepared, &mut failed) }
    }

    /// Takes out the documents of which the model could not embed a part.
    fn leave_out_failed(&self, prepared: &mut PreparedBatch, failed: &mut HashMap<usize, Remark>) -> Result<()> {
        let rows = mem::take(&mut prepared.rows);
        let mut at = 0;
        let why = |document: &[PreparedRow]| {
            let places = at..at + document.len();
            at = places.end;
            places.into_iter().find_map(|place| failed.remove(&place))
        };
        let wrong = rows.chunk_by(is_same_document).map(why).collect();
        self.take_out(prepared, rows, wrong)
    }

    /// Returns which rows have a text to embed.
    fn to_embed(&self, existing: &dyn Existing, prepared: &PreparedBatch) -> Result<Vec<usize>> {
        rows_where(prepared, |row, before| {
            Ok(row.embedding.is_none()
                && match self.news(row, before, existing)? {
                    TextNews::New => true,
                    // Without a model the text of a record that is there needs no embedding of its own.
                    TextNews::Changed => existing.info().embedder.is_some(),
                    TextNews::Kept => false,
                })
        })
    }

    /// Returns what a row's text is to the collection, by what the mode does with it; `before` are the rows before it in
    /// its batch.
    fn news(&self, row: &NewRecord, before: &Texts, existing: &dyn Existing) -> Result<TextNews> {
        let Some(text) = &row.document else { return Ok(TextNews::Kept) };
        let is_stored = || -> Result<bool> {
            let stored = existing.stored(&row.id)?.and_then(|stored| stored.document);
            Ok(stored.as_deref() == Some(text))
        };
        if self.mode != Mode::Add && (before.has(&row.id) || self.is_on_its_way(&row.id)) {
            let mut newest_first = iter::once(before).chain(self.on_their_way.iter().rev());
            let is_kept = match newest_first.find_map(|texts| texts.of(&row.id)) {
                Some(latest) => latest == hash(text),
                None => is_stored()?,
            };
            // Where a text was kept wrongly, the write finds that it lacks its embedding.
            return Ok(if is_kept { TextNews::Kept } else { TextNews::Changed });
        }
        // The mode goes for the document, whether it is there whole or in parts.
        let mode = match self.mode {
            Mode::Upsert => Mode::Upsert,
            mode if row.part.is_none() && !self.rules.one_form => mode,
            mode => match (self.rules.document_exists(row, existing)?, mode) {
                (true, Mode::Add) | (false, Mode::Update) => return Ok(TextNews::Kept),
                _ => Mode::Upsert,
            },
        };
        Ok(match (existing.exists(&row.id)?, mode) {
            (true, Mode::Add) | (false, Mode::Update) => TextNews::Kept,
            (false, Mode::Add | Mode::Upsert) => TextNews::New,
            (true, _) if is_stored()? => TextNews::Kept,
            (true, _) => TextNews::Changed,
        })
    }
}

/// What the text of a row is to the collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TextNews {
    /// There already, or not written.
    Kept,
    /// The text of a record that is there, and may have another.
    Changed,
    /// That of a new record.
    New,
}

/// Rows that come before others, as far as the texts of these depend on them.
#[derive(Debug, Default)]
struct Texts(HashMap<RecordId, Option<u64>>);

impl Texts {
    fn add(&mut self, row: &NewRecord) {
        let latest = self.0.entry(row.id.clone()).or_default();
        *latest = row.document.as_deref().map(hash).or(*latest);
    }

    fn has(&self, id: &RecordId) -> bool {
        self.0.contains_key(id)
    }

    /// Returns the hash of the text that a record has after them, if they say one.
    fn of(&self, id: &RecordId) -> Option<u64> {
        self.0.get(id).copied().flatten()
    }
}

/// Returns which rows a condition holds of; it is told those before each.
fn rows_where(prepared: &PreparedBatch, condition: impl Fn(&NewRecord, &Texts) -> Result<bool>) -> Result<Vec<usize>> {
    let (mut found, mut before) = (Vec::new(), Texts::default());
    for (at, PreparedRow { row, .. }) in prepared.rows.iter().enumerate() {
        if condition(row, &before)? {
            found.push(at);
        }
        before.add(row);
    }
    Ok(found)
}

/// Returns the texts of rows.
fn texts_of<'p>(prepared: &'p PreparedBatch, rows: &[usize]) -> Vec<&'p str> {
    rows.iter().filter_map(|at| prepared.rows.get(*at)?.row.document.as_deref()).collect()
}

fn hash(text: &str) -> u64 {
    xxh3_64(text.as_bytes())
}

/// Whether two rows are parts of one document.
fn is_same_document(one: &PreparedRow, other: &PreparedRow) -> bool {
    let (one, other) = (one.row.part.as_ref(), other.row.part.as_ref());
    one.zip(other).is_some_and(|(one, other)| one.of == other.of && other.number == one.number + 1)
}
