//! The rules by which changes become records, wherever those are kept.
//!
//! They are Chroma's: add ignores ids that exist, update ignores ids that do not, and metadata is merged key by key. What a
//! place does with a row it says in [`Rows`]. Invariant: the same changes have the same effects on the same records in every
//! place.

use serde::{Deserialize, Serialize};

use super::StoredRecord;
use super::limit;
use super::model::check_document_model;
use super::quantise::check_embedding;
use crate::error::{Error, Result};
use crate::record::{
    Chunk, CollectionInfo, DumpRecord, Fingerprint, MetadataPatch, Ordinal, Record, RecordId, embedding_text,
};

/// What happens to ids that exist, and to ids that do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// New ids are added, existing ones left alone.
    #[default]
    Add,
    /// Existing ids are changed, new ones left out.
    Update,
    /// Existing ids are changed, new ones added.
    Upsert,
}

named!(pub Mode { Add: "add", Upsert: "upsert", Update: "update" });

/// A record to add, or the change to one; a part that is `None` stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Which record.
    pub id: RecordId,
    /// Its embedding; serialised as base64 of little-endian f32.
    #[serde(default, with = "embedding_text")]
    pub embedding: Option<Vec<f32>>,
    /// Whether the collection's model made the embedding from the document.
    pub embedded_here: bool,
    /// Its text.
    pub document: Option<String>,
    /// The URI of the original.
    pub uri: Option<String>,
    /// Its metadata, or the change to it.
    pub metadata: MetadataPatch,
}

impl Change {
    fn check_sizes(&self) -> Result<()> {
        limit::check_id(&self.id)?;
        limit::check_texts(&self.id, self.document.as_deref(), self.uri.as_deref())
    }
}

/// The effect of a [`Change`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The record is new.
    Added,
    /// The record was changed.
    Updated,
    /// The record already said all this.
    Unchanged,
    /// Left alone: the id exists ([`Mode::Add`]).
    Exists,
    /// Left out: the id does not exist ([`Mode::Update`]).
    Missing,
    /// Not done: the text is new and came without an embedding, or without the sparse vector that the collection's sparse
    /// model makes of it.
    NeedsEmbedding,
}

/// How a change relates to its document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// A record by itself.
    Record,
    /// A whole document, which takes the place of the parts it was stored in.
    Whole,
    /// A part of a document, all of whose parts come in order and in one transaction.
    Part {
        /// Which part.
        part: Chunk,
        /// Whether the parts take the place of the record of the whole document.
        replaces_whole: bool,
    },
}

/// How far a transaction's changes to a collection have come.
#[derive(Debug)]
pub(crate) struct Progress {
    /// The document whose parts are arriving, and whether they are written.
    cut: Option<(RecordId, bool)>,
    /// Parts removed because their document has fewer now.
    removed: u64,
    /// Whether a new document may come without an embedding where there is no model.
    keeps_embeddings: bool,
    /// Whether any record is a part, once that has been looked up.
    has_parts: Option<bool>,
}

impl Default for Progress {
    fn default() -> Self {
        Self { cut: None, removed: 0, keeps_embeddings: true, has_parts: None }
    }
}

impl Progress {
    /// Refuses a new document without an embedding of its own, where there is no model to make one, from now on.
    pub(crate) fn require_embeddings(&mut self) {
        self.keeps_embeddings = false;
    }

    /// Returns how many parts were removed because their document has fewer now.
    pub(crate) fn removed(&self) -> u64 {
        self.removed
    }
}

/// The rows of one collection in one transaction: what a place does, and what is decided on it alike everywhere.
pub(crate) trait Rows {
    /// Returns what the collection is.
    fn info(&self) -> &CollectionInfo;

    /// Returns what it is, to be changed.
    fn info_mut(&mut self) -> &mut CollectionInfo;

    /// Returns how far the changes have come.
    fn progress(&mut self) -> &mut Progress;

    /// Takes in how long embeddings are, which the first one says.
    fn fix_dimension(&mut self, dimension: usize);

    /// Returns the ordinal of an id.
    fn ordinal(&self, id: &RecordId) -> Result<Option<Ordinal>>;

    /// Reads the record at an ordinal, as the changes before left it.
    fn stored(&self, ordinal: Ordinal) -> Result<StoredRecord>;

    /// Returns whether a record has exactly this embedding, in the place or from a change before.
    fn holds(&self, ordinal: Ordinal, embedding: &[f32]) -> Result<bool>;

    /// Returns whether any record says that it is a part of a document.
    fn knows_parts(&self) -> Result<bool>;

    /// Returns the numbers of the parts of a document that there may be, by their ids.
    fn parts(&self, of: &RecordId) -> Result<Vec<u64>>;

    /// Adds a record at the end.
    fn add_row(&mut self, record: StoredRecord, embedding: Vec<f32>) -> Result<()>;

    /// Replaces the record of an ordinal, and its embedding where there is another one.
    fn replace_row(
        &mut self,
        ordinal: Ordinal,
        old: &StoredRecord,
        new: StoredRecord,
        embedding: Option<Vec<f32>>,
    ) -> Result<()>;

    /// Removes the record of an ordinal.
    fn remove_row(&mut self, ordinal: Ordinal, stored: &StoredRecord) -> Result<()>;

    /// Applies a change.
    fn apply(&mut self, mut change: Change, mode: Mode) -> Result<Effect> {
        change.check_sizes().map_err(|e| limit::of_record(&change.id, e))?;
        if let Some(embedding) = &mut change.embedding {
            self.fit(embedding).map_err(|e| e.of_record(change.id.as_str()))?;
        }
        if mode == Mode::Add {
            change.metadata.check_new().map_err(|e| e.of_record(change.id.as_str()))?;
        }
        match (self.ordinal(&change.id)?, mode) {
            (Some(_), Mode::Add) => Ok(Effect::Exists),
            (None, Mode::Update) => Ok(Effect::Missing),
            (Some(ordinal), Mode::Update | Mode::Upsert) => self.merge(ordinal, change),
            (None, Mode::Add | Mode::Upsert) => self.insert(change),
        }
    }

    /// Changes a record that is there and for which `condition` holds.
    fn update_if(&mut self, change: Change, condition: impl FnOnce(&StoredRecord) -> bool) -> Result<Effect> {
        match self.ordinal(&change.id)? {
            Some(ordinal) if condition(&self.stored(ordinal)?) => self.apply(change, Mode::Update),
            _ => Ok(Effect::Missing),
        }
    }

    /// Applies a change to a record, a document or a part of one.
    ///
    /// The mode applies to the document as a whole, whether it is stored whole or in parts.
    fn apply_form(&mut self, change: Change, form: &Form, mode: Mode) -> Result<Effect> {
        match form {
            Form::Record => self.apply(change, mode),
            Form::Whole => self.apply_whole(change, mode),
            Form::Part { part, replaces_whole } => self.apply_part(change, part, *replaces_whole, mode),
        }
    }

    /// Applies a change to a whole document, which takes the place of its parts.
    fn apply_whole(&mut self, change: Change, mode: Mode) -> Result<Effect> {
        if !self.has_parts()? {
            return self.apply(change, mode);
        }
        let of = change.id.clone();
        let in_parts = self.is_part(&Chunk::id(&of, 0), &of, 0)?;
        if in_parts && mode == Mode::Add {
            return Ok(Effect::Exists);
        }
        let effect = self.apply(change, if in_parts { Mode::Upsert } else { mode })?;
        if matches!(effect, Effect::Added | Effect::Updated | Effect::Unchanged) {
            self.remove_parts(&of, 0)?;
        }
        Ok(effect)
    }

    /// Returns whether any record says that it is a part of a document.
    fn has_parts(&mut self) -> Result<bool> {
        if let Some(has_parts) = self.progress().has_parts {
            return Ok(has_parts);
        }
        let found = self.knows_parts()?;
        self.progress().has_parts = Some(found);
        Ok(found)
    }

    /// Returns whether the record of an id is that part of a document.
    fn is_part(&self, id: &RecordId, of: &RecordId, number: u64) -> Result<bool> {
        let Some(ordinal) = self.ordinal(id)? else { return Ok(false) };
        Ok(Chunk::is_said_by(&self.stored(ordinal)?.metadata, of, number))
    }

    /// Applies a change to a part of a document; all parts of one come in order, in one transaction.
    ///
    /// Parts of an earlier version beyond the last are removed.
    fn apply_part(&mut self, change: Change, part: &Chunk, replaces_whole: bool, mode: Mode) -> Result<Effect> {
        let is_taken = self.ordinal(&change.id)?.is_some() && !self.is_part(&change.id, &part.of, part.number)?;
        if part.number == 0 {
            self.progress().has_parts = Some(true);
            let whole = if replaces_whole { self.ordinal(&part.of)? } else { None };
            let whole = whole.map(|whole| self.stored(whole)).transpose()?.filter(|whole| whole.document.is_some());
            let exists = whole.is_some() || (!is_taken && self.ordinal(&change.id)?.is_some());
            let written = match mode {
                Mode::Add => !exists,
                Mode::Update => exists,
                Mode::Upsert => true,
            };
            if written {
                self.remove_parts(&part.of, part.count)?;
                if whole.is_some() {
                    let removed = self.delete(&part.of, |stored| stored.document.is_some())?;
                    self.progress().removed += u64::from(removed);
                }
            }
            self.progress().cut = Some((part.of.clone(), written));
        }
        // Parts whose first was written before: another process made embedding them necessary.
        let written = self.progress().cut.as_ref().is_none_or(|(of, written)| *of != part.of || *written);
        if written && is_taken {
            return Err(Error::argument(taken_by_another(&change.id)).of_record(part.of.as_str()));
        }
        match mode {
            _ if written => self.apply(change, Mode::Upsert),
            Mode::Update => Ok(Effect::Missing),
            Mode::Add | Mode::Upsert => Ok(Effect::Exists),
        }
    }

    /// Removes the parts of a document from a number on.
    fn remove_parts(&mut self, of: &RecordId, from: u64) -> Result<()> {
        for number in self.parts(of)?.into_iter().filter(|number| *number >= from) {
            let removed =
                self.delete(&Chunk::id(of, number), |stored| Chunk::is_said_by(&stored.metadata, of, number))?;
            self.progress().removed += u64::from(removed);
        }
        Ok(())
    }

    /// Checks an embedding against the collection, and rounds it to what is kept; the first one fixes the dimension.
    fn fit(&mut self, embedding: &mut [f32]) -> Result<()> {
        check_embedding(embedding)?;
        check_dimension(self.info(), embedding)?;
        self.info().precision.round(embedding)?;
        if self.info().dimension.is_none() {
            self.fix_dimension(embedding.len());
        }
        Ok(())
    }

    /// Puts a record as it is in another place: what was there under its id is replaced and not merged, at its old ordinal.
    fn put(&mut self, record: DumpRecord) -> Result<()> {
        let DumpRecord { record: Record { id, embedding, document, uri, metadata }, embedded_here } = record;
        let mut embedding = embedding.ok_or_else(|| Error::argument("it has no embedding").of_record(id.as_str()))?;
        let metadata = metadata.unwrap_or_default();
        let Some(ordinal) = self.ordinal(&id)? else {
            let metadata = MetadataPatch::from(metadata);
            let change = Change { id, embedding: Some(embedding), embedded_here, document, uri, metadata };
            return match self.apply(change, Mode::Add)? {
                Effect::NeedsEmbedding => Err(Error::argument("a document came without the weights of its terms")),
                _ => Ok(()),
            };
        };
        self.fit(&mut embedding).map_err(|e| e.of_record(id.as_str()))?;
        limit::check_texts(&id, document.as_deref(), uri.as_deref()).map_err(|e| limit::of_record(&id, e))?;
        let embedding = if self.holds(ordinal, &embedding)? { None } else { Some(embedding) };
        let old = self.stored(ordinal)?;
        let new = StoredRecord { id, document, uri, metadata, embedded_here };
        self.replace(ordinal, &old, new, embedding).map(drop)
    }

    fn insert(&mut self, change: Change) -> Result<Effect> {
        if self.lacks_weights(&change) {
            return Ok(Effect::NeedsEmbedding);
        }
        let Some(embedding) = change.embedding else { return Ok(Effect::NeedsEmbedding) };
        let metadata = change.metadata.into_metadata_dropping_nulls();
        let Change { id, embedded_here, document, uri, .. } = change;
        self.add_row(StoredRecord { id, document, uri, metadata, embedded_here }, embedding)?;
        Ok(Effect::Added)
    }

    /// Returns whether a change brings a document, and not the weights of its terms that the collection wants with it.
    fn lacks_weights(&self, change: &Change) -> bool {
        let sparse = self.info().sparse.as_ref();
        change.document.is_some() && sparse.is_some_and(|sparse| !change.metadata.contains(&sparse.key))
    }

    fn merge(&mut self, ordinal: Ordinal, change: Change) -> Result<Effect> {
        let old = self.stored(ordinal)?;
        let text_is_new = change.document.is_some() && change.document != old.document;
        let needs_embedding = self.info().embedder.is_some() || !self.progress().keeps_embeddings;
        if text_is_new && (change.embedding.is_none() && needs_embedding || self.lacks_weights(&change)) {
            return Ok(Effect::NeedsEmbedding);
        }
        let mut new = old.clone();
        new.metadata.merge(change.metadata);
        new.document = change.document.or(new.document);
        new.uri = change.uri.or(new.uri);
        let embedding = match change.embedding {
            Some(embedding) if self.holds(ordinal, &embedding)? => None,
            other => other,
        };
        if embedding.is_some() || text_is_new {
            new.embedded_here = change.embedded_here;
        }
        self.replace(ordinal, &old, new, embedding)
    }

    /// Replaces the record of an ordinal, and its embedding where there is another one.
    fn replace(
        &mut self,
        ordinal: Ordinal,
        old: &StoredRecord,
        new: StoredRecord,
        embedding: Option<Vec<f32>>,
    ) -> Result<Effect> {
        if new == *old && embedding.is_none() {
            return Ok(Effect::Unchanged);
        }
        self.replace_row(ordinal, old, new, embedding)?;
        Ok(Effect::Updated)
    }

    /// Refuses embeddings of a model that the collection no longer has, and notes what made them.
    fn take_embeddings_of(&mut self, model: &Fingerprint) -> Result<()> {
        let info = self.info_mut();
        check_document_model(info.name.as_str(), info.embedder.as_ref(), model)?;
        if let Some(embedder) = &mut info.embedder {
            embedder.add_made_by(model);
        }
        Ok(())
    }

    /// Deletes a record if it is there and `condition` holds for it; returns whether it did.
    fn delete(&mut self, id: &RecordId, condition: impl FnOnce(&StoredRecord) -> bool) -> Result<bool> {
        let Some(ordinal) = self.ordinal(id)? else { return Ok(false) };
        let stored = self.stored(ordinal)?;
        if !condition(&stored) {
            return Ok(false);
        }
        self.remove_row(ordinal, &stored)?;
        Ok(true)
    }
}

/// The message for a part whose id belongs to a record that is not a part.
pub(crate) fn taken_by_another(id: &RecordId) -> String {
    format!("its chunk would replace the record {:?}, which is not a chunk of it", id.as_str())
}

/// Refuses an embedding that is not as long as the collection's; before the first one any length will do.
///
/// # Errors
/// [`Error::DimensionMismatch`].
pub fn check_dimension(collection: &CollectionInfo, embedding: &[f32]) -> Result<()> {
    match collection.dimension {
        Some(expected) if expected != embedding.len() => {
            Err(Error::DimensionMismatch { collection: collection.name.to_string(), expected, got: embedding.len() })
        }
        _ => Ok(()),
    }
}
