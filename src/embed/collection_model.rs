//! The model of a collection.
//!
//! Invariant: what embeds a collection's texts is the model that made its embeddings, with its prefixes, or an error.

use super::builtin;
use super::deferred::DeferredEmbedder;
use super::load::fingerprint;
use super::options::LoadOptions;
use crate::error::{Error, Result};
use crate::record::{CollectionInfo, EmbeddingFunction, Fingerprint, check_model};

/// Returns the model of a collection, to be loaded when the first text is embedded: found by the name that is `asked` for,
/// else by the collection's, and with the collection's prefixes.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let store = huedb::Store::open(folder.path().join("n.redb"), huedb::Access::Create)?;
/// # store.create_collection(huedb::CollectionName::parse("notes")?, huedb::NewCollection::default())?;
/// # let notes = store.collection("notes")?;
/// # notes.write_rows(["fox", "dog"].map(|id| huedb::NewRecord::new(id).unwrap().with_embedding(vec![1.0, 0.0])), huedb::Mode::Add)?;
/// use huedb::embed::of_collection;
/// use huedb::{CollectionName, Embedder, HashEmbedder, LoadOptions, NewCollection, TextRole};
///
/// let embedder = Some(HashEmbedder::new(8).fingerprint().clone());
/// let new = NewCollection { embedder, ..NewCollection::default() };
/// let info = store.create_collection(CollectionName::parse("texts")?, new)?;
/// let model = of_collection(&info, None, &LoadOptions::default())?;
/// assert_eq!(model.embed_one("a fox", TextRole::Query)?.len(), 8);
/// assert!(of_collection(&info, Some("hash-9"), &LoadOptions::default()).is_err());
/// # Ok::<(), huedb::Error>(())
/// ```
///
/// # Errors
/// [`Error::NoModel`] when the collection has none and none is asked for; [`Error::ModelMismatch`], with both names, when it
/// is not the model that the collection's embeddings were made with; those of [`fingerprint`].
pub fn of_collection(
    collection: &CollectionInfo,
    asked: Option<&str>,
    options: &LoadOptions,
) -> Result<DeferredEmbedder> {
    let stored = model_of(collection);
    let stored = stored.as_ref();
    let Some(name) = asked.or(stored.map(|stored| stored.model.as_str())) else {
        return Err(Error::NoModel { collection: collection.name.to_string() });
    };
    let mut found = fingerprint(name, options)?;
    if let Some(stored) = stored {
        // Prefixes are the collection's own.
        found.query_prefix.clone_from(&stored.query_prefix);
        found.document_prefix.clone_from(&stored.document_prefix);
    }
    check_model(collection.name.as_str(), stored, &found)?;
    Ok(DeferredEmbedder::new(name, found, options.clone()).with_sparse_of(collection))
}

/// Returns the model that texts are embedded with to ask a collection: its own, or the built-in one where a client of Chroma
/// filled it by Chroma's default function, which is the same model.
#[must_use]
pub fn model_of(collection: &CollectionInfo) -> Option<Fingerprint> {
    if collection.embedder.is_some() {
        return collection.embedder.clone();
    }
    let model = builtin::fingerprint();
    let function = collection.client.embedding_function.as_ref()?;
    let is_built_in = EmbeddingFunction::from_json(function).is_ok_and(|said| said == EmbeddingFunction::BuiltIn);
    let fits = collection.dimension.is_none_or(|dimension| dimension == model.dimension);
    (is_built_in && fits).then_some(model)
}

/// Says that a collection without a model of its own is asked with that of its client's function ([`model_of`]).
#[must_use]
pub fn asked_with_model_of_client(collection: &CollectionInfo, model: &str) -> String {
    format!("{} was embedded by Chroma's default function; asked with its model, {model}", collection.name)
}
