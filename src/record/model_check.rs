//! Whether a model is the one that a collection's embeddings were made with.
//!
//! Runs none. Invariant: two models that differ never read the same in the message that refuses one of them.

use super::Fingerprint;
use crate::error::{Error, Result};

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
            stored: describe(stored, given),
            given: describe(given, stored),
        }),
    }
}

/// Does the same for embeddings of documents, which do not depend on what is put before a question.
pub(crate) fn check_document_model(collection: &str, stored: Option<&Fingerprint>, given: &Fingerprint) -> Result<()> {
    match stored {
        Some(stored) if embeds_alike(stored, given) => Ok(()),
        stored => check_model(collection, stored, given),
    }
}

/// Returns whether two models give every document the same embedding.
pub(crate) fn embeds_alike(one: &Fingerprint, other: &Fingerprint) -> bool {
    *one == Fingerprint { query_prefix: one.query_prefix.clone(), ..other.clone() }
}

/// Names two models that differ, each with what tells it from the other.
pub(crate) fn telling_apart(one: &Fingerprint, other: &Fingerprint) -> (String, String) {
    (describe(one, other), describe(other, one))
}

/// Names a model, and what else of it differs from another.
fn describe(model: &Fingerprint, other: &Fingerprint) -> String {
    let short = model.sha256.get(..8).unwrap_or(&model.sha256);
    let probe = model.probe.as_ref().map_or("no probe".to_owned(), |probe| format!("probe {}", probe.short()));
    let settings = [
        (true, format!("{} dimensions", model.dimension)),
        (!short.is_empty(), short.to_owned()),
        (model.probe != other.probe, probe),
        (model.pooling != other.pooling, format!("{} pooling", model.pooling.as_str())),
        (model.normalize != other.normalize, format!("length 1: {}", if model.normalize { "yes" } else { "no" })),
        (model.max_tokens != other.max_tokens, format!("{} tokens", model.max_tokens)),
        (model.query_prefix != other.query_prefix, format!("query prefix {:?}", model.query_prefix)),
        (model.document_prefix != other.document_prefix, format!("document prefix {:?}", model.document_prefix)),
    ];
    let said: Vec<String> = settings.into_iter().filter_map(|(differs, what)| differs.then_some(what)).collect();
    format!("{} ({})", model.model, said.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Pooling, Probe};

    #[test]
    fn models_that_differ_never_read_the_same() {
        let model = Fingerprint {
            model: "hash-8".into(),
            sha256: String::new(),
            dimension: 8,
            pooling: Pooling::Mean,
            normalize: true,
            max_tokens: 100,
            query_prefix: String::new(),
            document_prefix: String::new(),
            made_by: None,
            probe: Probe::of(&[1.0, 0.0]),
        };
        let others = [
            Fingerprint { model: "hash-9".into(), dimension: 9, ..model.clone() },
            Fingerprint { sha256: "0123456789".into(), ..model.clone() },
            Fingerprint { pooling: Pooling::Last, ..model.clone() },
            Fingerprint { normalize: false, ..model.clone() },
            Fingerprint { max_tokens: 7, ..model.clone() },
            Fingerprint { probe: Probe::of(&[0.0, 1.0]), ..model.clone() },
            Fingerprint { probe: None, ..model.clone() },
            Fingerprint { query_prefix: "q: ".into(), ..model.clone() },
            Fingerprint { document_prefix: "d: ".into(), ..model.clone() },
        ];
        for other in others {
            match check_model("notes", Some(&model), &other).unwrap_err() {
                Error::ModelMismatch { stored, given, .. } => assert_ne!(stored, given),
                error => panic!("{error}"),
            }
            let alike = check_document_model("notes", Some(&model), &other).is_ok();
            assert_eq!(alike, other.query_prefix != model.query_prefix, "{other:?}");
        }
        assert!(matches!(check_model("notes", None, &model), Err(Error::NoModel { .. })));
    }
}
