//! The documents of a collection embedded anew by another model, while searches go on with the old one.
//!
//! Documents are read, a batch at a time, and embedded outside of any transaction; what comes of them gathers under a
//! number of its own (`store/next_embeddings.rs`). Whoever deletes a record or changes a document meanwhile
//! notes that there in the same transaction, and new records have ordinals that are still to come. Once nothing is
//! left to embed, one transaction lets the collection point there and drops the old embeddings. Invariant: all that a
//! search sees was embedded by one model; a run that stops anywhere is continued by the next.

#[cfg(test)]
#[path = "reembed_tests.rs"]
mod tests;

use super::embed_each;
use crate::embed::Embedder;
use crate::error::{Advice, Error, Result};
use crate::record::{Fingerprint, Ordinal, RecordId, embeds_alike};
use crate::store::{Collection, CollectionChange, NewEmbedding, ReembedBatch, Reembedded, View, unfinished};

/// Texts embedded between two transactions: the most that a kill can undo.
const TEXTS_AT_ONCE: usize = 256;
/// Bytes of these texts.
const BYTES_AT_ONCE: usize = 4 << 20;

/// Embeds every document of a collection with another model, and then searches by these embeddings.
///
/// Other processes read and write meanwhile, and search by the old embeddings. `heard` is told how far it is before
/// each batch; its error ends the run, and so may a kill: another run of the same model goes on from there. Embeddings
/// that were given are replaced as well. Does nothing for a collection of this model.
///
/// # Errors
/// [`Error::InvalidArgument`] when a record has no document or another model's run was not finished; those of the
/// model, of `heard` and of every write.
pub fn reembed(
    collection: &Collection,
    embedder: &dyn Embedder,
    heard: &mut dyn FnMut(Reembedded) -> Result<()>,
) -> Result<Reembedded> {
    reembed_leaving_out(collection, embedder, &mut Err, heard)
}

/// Does the same; `leave_out` is told of each record whose document the model cannot embed, and decides whether to go on.
///
/// Such a record is given an embedding of zeros: it stays, and says nothing to a search by meaning.
///
/// # Errors
/// As [`reembed`], and those of `leave_out`.
pub fn reembed_leaving_out(
    collection: &Collection,
    embedder: &dyn Embedder,
    leave_out: &mut dyn FnMut(Error) -> Result<()>,
    heard: &mut dyn FnMut(Reembedded) -> Result<()>,
) -> Result<Reembedded> {
    let model = embedder.fingerprint().clone();
    let view = collection.view()?;
    let (mut texts_done, mut cut) = (0_u64, 0);
    if is_of_model(&view, &model) {
        let records = view.counts().records;
        if view.info().embedder.as_ref() != Some(&model) {
            // Its documents' embeddings stay as they are.
            let change = CollectionChange { query_prefix: Some(model.query_prefix), ..CollectionChange::default() };
            collection.store().modify_collection(collection.name(), change)?;
        }
        return Ok(Reembedded { embedded: texts_done, cut, done: records, records });
    }
    if let Some(other) = view.next_embedder().filter(|next| **next != model) {
        return Err(unfinished(&view, other));
    }
    require_documents(&view)?;
    drop(view);
    let number = collection.begin_next(&model)?;
    loop {
        let view = collection.view()?;
        match view.next().filter(|next| next.number == number.0) {
            Some(_) => {}
            // Another process that ran the same did the rest.
            None if is_of_model(&view, &model) => return Ok(Reembedded { cut, ..view.reembedded(texts_done) }),
            None => return Err(Error::argument("another process has discarded the re-embedding")),
        }
        heard(view.reembedded(texts_done))?;
        let Some(work) = Work::next(&view)? else {
            let complete = Reembedded { cut, ..view.reembedded(texts_done) };
            // A view keeps the pages of its state from being used again.
            drop(view);
            if collection.take_next(number)? {
                return Ok(complete);
            }
            continue;
        };
        drop(view);
        let texts: Vec<&str> = work.documents.iter().map(|to_embed| to_embed.document.as_str()).collect();
        let outcome = embed_each(embedder, &texts)?;
        cut += outcome.cut;
        let made =
            work.documents.into_iter().zip(outcome.each).map(|(ToEmbed { ordinal, id, document }, embedding)| {
                let embedding = match embedding {
                    Ok(embedding) => {
                        texts_done += 1;
                        embedding
                    }
                    Err(error) => {
                        leave_out(error.of_record(id.as_str()))?;
                        vec![0.0; model.dimension]
                    }
                };
                if embedding.len() != model.dimension {
                    return Err(Error::argument(format!("{} gave {} components", model.model, embedding.len())));
                }
                Ok(NewEmbedding { ordinal, document, embedding })
            });
        let made = made.collect::<Result<_>>()?;
        let made_by = embedder.fingerprint().clone();
        let batch = ReembedBatch { from: work.from, until: work.until, made, made_by };
        collection.put_next(number, batch)?;
    }
}

fn is_of_model(view: &View, model: &Fingerprint) -> bool {
    view.info().embedder.as_ref().is_some_and(|stored| embeds_alike(stored, model))
}

/// Looks through what is still to be embedded for records that cannot be.
fn require_documents(view: &View) -> Result<()> {
    let (mut bare, mut first) = (0_u64, None);
    for ordinal in view.to_embed() {
        let stored = view.stored(ordinal)?;
        if stored.document.is_none() {
            bare += 1;
            first.get_or_insert(stored.id);
        }
    }
    first.map_or(Ok(()), |first| Err(no_documents(view, bare, first.as_str())))
}

fn no_documents(view: &View, bare: u64, first: &str) -> Error {
    let name = &view.info().name;
    Error::InvalidArgument {
        why: format!("records of {name} without a document, which cannot be embedded: {bare}; the first is {first:?}"),
        hint: Some(Advice::GiveDocuments(name.to_string())),
    }
}

/// Documents to embed between two transactions.
struct Work {
    from: u64,
    until: u64,
    documents: Vec<ToEmbed>,
}

/// A document to embed.
struct ToEmbed {
    ordinal: Ordinal,
    id: RecordId,
    document: String,
}

impl Work {
    /// Reads the next documents; `None` when every record has its embedding.
    fn next(view: &View) -> Result<Option<Self>> {
        let Some(next) = view.next() else { return Ok(None) };
        let (from, end) = (next.until, view.end().0);
        let mut work = Self { from, until: from, documents: Vec::new() };
        if from == end {
            let stale = view.next_stale()?;
            work.read(view, stale.iter().map(Ordinal))?;
            return Ok(Some(work).filter(|work| !work.documents.is_empty()));
        }
        work.until = work.read(view, view.to_embed())?.map_or(end, |last| last.0 + 1);
        Ok(Some(work))
    }

    /// Reads documents until there are enough; returns the last then.
    fn read(&mut self, view: &View, ordinals: impl Iterator<Item = Ordinal>) -> Result<Option<Ordinal>> {
        let mut bytes = 0;
        for ordinal in ordinals {
            let stored = view.stored(ordinal)?;
            let document = stored.document.ok_or_else(|| no_documents(view, 1, stored.id.as_str()))?;
            bytes += document.len();
            self.documents.push(ToEmbed { ordinal, id: stored.id, document });
            if self.documents.len() >= TEXTS_AT_ONCE || bytes >= BYTES_AT_ONCE {
                return Ok(Some(ordinal));
            }
        }
        Ok(None)
    }
}
