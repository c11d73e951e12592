//! Texts embedded together; where the model fails, the text it fails at is found.
//!
//! Knows nothing of records. Invariant: an error of the model itself, which has it fail at any text, is told as that.

use crate::embed::{EmbedOutput, Embedder, SparseEmbedder, SparseOutput, TextRole};
use crate::error::{Error, Result};
use crate::record::SparseVector;
use crate::store::check_embedding;

/// What a model that works can embed.
const PROBE: &str = "a text";

/// What came of texts.
pub(crate) struct Embedded<T> {
    /// What the model made of each, or why it made nothing.
    pub(crate) each: Vec<Result<T>>,
    /// How many were longer than the model reads.
    pub(crate) cut: u64,
}

/// A model at work: makes one thing of each text, and says how many texts were longer than it reads.
type Model<'m, T> = &'m dyn Fn(&[&str]) -> Result<(Vec<Result<T>>, usize)>;

/// Embeds documents, and says of each what went wrong with it.
///
/// # Errors
/// What has nothing to do with the texts.
pub(crate) fn embed_each(embedder: &dyn Embedder, texts: &[&str]) -> Result<Embedded<Vec<f32>>> {
    let model = |texts: &[&str]| {
        let EmbedOutput { vectors, truncated } = embedder.embed(texts, TextRole::Document)?;
        check_count(&embedder.fingerprint().model, vectors.len(), texts.len())?;
        let checked = vectors.into_iter().map(|vector| check_embedding(&vector).map(|()| vector));
        Ok((checked.collect(), truncated.len()))
    };
    each(&model, texts)
}

/// Weighs the terms of documents, and says of each what went wrong with it.
///
/// # Errors
/// What has nothing to do with the texts.
pub(super) fn weigh_each(sparse: &SparseEmbedder, texts: &[&str]) -> Result<Embedded<SparseVector>> {
    let model = |texts: &[&str]| {
        let SparseOutput { vectors, truncated } = sparse.embed(texts, TextRole::Document)?;
        check_count(&sparse.fingerprint().model, vectors.len(), texts.len())?;
        Ok((vectors.into_iter().map(Ok).collect(), truncated.len()))
    };
    each(&model, texts)
}

fn check_count(model: &str, vectors: usize, texts: usize) -> Result<()> {
    if vectors == texts {
        return Ok(());
    }
    let why = format!("it gave {vectors} vectors for {texts} texts");
    Err(Error::Model { model: model.to_owned(), why, hint: None })
}

fn each<T>(model: Model<T>, texts: &[&str]) -> Result<Embedded<T>> {
    let mut outcome = Embedded { each: Vec::with_capacity(texts.len()), cut: 0 };
    match attempt(model, texts, &mut outcome) {
        Ok(()) => Ok(outcome),
        Err(error @ Error::Model { .. }) => {
            if model(&[PROBE]).is_err() {
                return Err(error);
            }
            halve(model, texts, error, &mut outcome)?;
            Ok(outcome)
        }
        Err(error) => Err(error),
    }
}

fn attempt<T>(model: Model<T>, texts: &[&str], outcome: &mut Embedded<T>) -> Result<()> {
    let (made, cut) = model(texts)?;
    outcome.cut += cut as u64;
    outcome.each.extend(made);
    Ok(())
}

/// Embeds each half of texts that failed together.
fn halve<T>(model: Model<T>, texts: &[&str], error: Error, outcome: &mut Embedded<T>) -> Result<()> {
    if texts.len() <= 1 {
        outcome.each.push(Err(error));
        return Ok(());
    }
    let (one, other) = texts.split_at(texts.len() / 2);
    for half in [one, other] {
        match attempt(model, half, outcome) {
            Err(error @ Error::Model { .. }) => halve(model, half, error, outcome)?,
            done => done?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::embed::HashEmbedder;
    use crate::record::Fingerprint;

    /// Fails at texts with "bad" in them, as a model does whose numbers overflow; or at all.
    struct Failing {
        inner: HashEmbedder,
        always: bool,
        calls: AtomicUsize,
    }

    impl Embedder for Failing {
        fn fingerprint(&self) -> &Fingerprint {
            self.inner.fingerprint()
        }

        fn embed(&self, texts: &[&str], role: TextRole) -> Result<EmbedOutput> {
            self.calls.fetch_add(1, Ordering::Relaxed);
            if self.always || texts.iter().any(|text| text.contains("bad")) {
                return Err(Error::Model { model: "failing".into(), why: "NaN".into(), hint: None });
            }
            self.inner.embed(texts, role)
        }
    }

    fn failing(always: bool) -> Failing {
        Failing { inner: HashEmbedder::new(4), always, calls: AtomicUsize::new(0) }
    }

    #[test]
    fn the_texts_that_fail_are_found_and_the_others_embedded() {
        let names: Vec<String> =
            (0..100).map(|n| if n == 3 || n == 97 { "bad".into() } else { n.to_string() }).collect();
        let texts: Vec<&str> = names.iter().map(String::as_str).collect();
        let model = failing(false);
        let embedded = embed_each(&model, &texts).unwrap().each;
        let failed: Vec<usize> =
            embedded.iter().enumerate().filter(|(_, made)| made.is_err()).map(|(at, _)| at).collect();
        assert_eq!((embedded.len(), failed), (100, vec![3, 97]));
        let alone = HashEmbedder::new(4).embed_one("50", TextRole::Document).unwrap();
        assert_eq!(embedded[50].as_ref().unwrap(), &alone);
        let calls = model.calls.into_inner();
        assert!(calls < 40, "{calls}");
        assert!(embed_each(&failing(false), &["bad", "bad"]).unwrap().each.iter().all(Result::is_err));
    }

    #[test]
    fn a_model_that_never_works_is_told_as_that() {
        assert!(matches!(embed_each(&failing(true), &["a", "b"]), Err(Error::Model { .. })));
        assert!(embed_each(&failing(false), &[]).unwrap().each.is_empty());
    }
}
