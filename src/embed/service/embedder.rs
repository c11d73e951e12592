//! A service as any model is used.
//!
//! The first request of a process has the probe text with it, so that another model behind the same name is found out and
//! no request more is paid. Invariants: an embedding has the dimension of the model that was added; what was paid
//! for in a call that failed is kept for the next.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use xxhash_rust::xxh3::xxh3_128_with_seed;

use super::answer::{self, BadAnswer};
use super::client::ServiceClient;
use super::manifest::ServiceManifest;
use super::plan::{estimated_tokens, plan};
use super::request::body;
use crate::embed::pooling::scale_to_length_1;
use crate::embed::{EmbedOutput, Embedder, LoadOptions, TextRole};
use crate::error::{Advice, Error, Result};
use crate::record::{Fingerprint, Probe};

/// The text whose embedding tells one model from another. Never to be changed: it is compared with what was kept.
pub(super) const PROBE: &str =
    "A quick brown fox jumps over the lazy dog; 42 numbers, one river and the colour of rain.";
/// Embeddings that are kept of calls that failed.
const MOST_KEPT: usize = 4096;

/// Embeds by asking a service. Several threads may use one.
pub(in crate::embed) struct ServiceEmbedder {
    fingerprint: Fingerprint,
    manifest: ServiceManifest,
    client: ServiceClient,
    /// Whether the service has shown to be the one that was added.
    checked: AtomicBool,
    /// By role and text, those of calls that failed.
    kept: Mutex<HashMap<u128, Vec<f32>>>,
}

impl ServiceEmbedder {
    /// Prepares to ask an installed service, with the prefixes of `used`.
    pub(in crate::embed) fn open(
        manifest: &ServiceManifest,
        used: &Fingerprint,
        options: &LoadOptions,
    ) -> Result<Self> {
        let client = ServiceClient::new(&used.model, &manifest.settings)?;
        if options.offline && !client.address.is_local {
            return Err(client.failed("HUEDB_OFFLINE forbids asking it", None));
        }
        Ok(Self {
            fingerprint: used.clone(),
            manifest: manifest.clone(),
            client,
            checked: AtomicBool::new(false),
            kept: Mutex::default(),
        })
    }

    /// Returns how many threads may use it at once.
    pub(in crate::embed) fn parallel(&self) -> NonZeroUsize {
        self.manifest.settings.limits.concurrency
    }

    /// Embeds the probe text alone.
    pub(super) fn embed_probe(&self, role: TextRole) -> Result<Vec<f32>> {
        self.request(&[PROBE], role)?.pop().ok_or_else(|| self.client.failed("it gave no embedding", None))
    }

    /// Refuses another model than the one that was added.
    pub(super) fn check(&self, role: TextRole, probe: &[f32]) -> Result<()> {
        let stored = match role {
            TextRole::Query => self.manifest.query_probe.as_ref().or(self.manifest.fingerprint.probe.as_ref()),
            TextRole::Document => self.manifest.fingerprint.probe.as_ref(),
        };
        let now = Probe::of(probe);
        let Some(stored) = stored.filter(|stored| now.as_ref() != Some(*stored)) else { return Ok(()) };
        let similarity = now.as_ref().map_or(0.0, |now| now.similarity(stored));
        let remote = &self.manifest.settings.remote_model;
        Err(self.is_other(format!(
            "another model answers for {remote:?} than when it was added: the embeddings of a probe text have a \
             similarity of {similarity:.3}, not 1"
        )))
    }

    fn is_other(&self, why: String) -> Error {
        self.client.failed(why, Some(Advice::AddServiceAnew(self.fingerprint.model.clone())))
    }

    /// Makes one request; what it returns is scaled where that is wanted, and has the model's dimension.
    fn request(&self, texts: &[&str], role: TextRole) -> Result<Vec<Vec<f32>>> {
        let ServiceManifest { settings, as_floats, .. } = &self.manifest;
        let tokens = texts.iter().map(|text| estimated_tokens(text)).sum();
        let bytes = self.client.post(&body(settings, *as_floats, texts, role), tokens)?;
        let mut vectors = answer::read(settings.api, &bytes, texts.len()).map_err(|bad| self.bad(bad))?;
        let expected = self.fingerprint.dimension;
        // It is not known yet while the service is added.
        if let Some(other) = vectors.iter().map(Vec::len).find(|length| expected != 0 && *length != expected) {
            let why = format!("it gave an embedding of {other} dimensions; the model that was added has {expected}");
            return Err(self.is_other(why));
        }
        if settings.normalize == Some(true) {
            for vector in &mut vectors {
                scale_to_length_1(vector);
            }
        }
        Ok(vectors)
    }

    fn bad(&self, BadAnswer { why, by_text }: BadAnswer) -> Error {
        if by_text {
            let why = format!("{}: {why}", self.client.address.shown);
            return Error::Model { model: self.fingerprint.model.clone(), why, hint: None };
        }
        self.client.failed(why, Some("check the endpoint and which API it has".into()))
    }

    /// Embeds texts, some at once; keeps those that were embedded where others were not.
    fn embed_all(&self, texts: &[&str], role: TextRole) -> Result<Vec<Vec<f32>>> {
        let is_checked = self.checked.load(Ordering::Relaxed);
        let with_probe: Vec<&str> = [PROBE].into_iter().filter(|_| !is_checked).chain(texts.iter().copied()).collect();
        let tokens: Vec<usize> = with_probe.iter().map(|text| estimated_tokens(text)).collect();
        let (settings, at_once) = (&self.manifest.settings, self.parallel().get());
        let requests = plan(&tokens, settings.texts_at_once().get(), settings.limits.tokens.get(), at_once);
        let ask = |request: &Range<usize>| self.request(with_probe.get(request.clone()).unwrap_or_default(), role);
        let mut made = Vec::with_capacity(with_probe.len());
        let mut rest = requests.as_slice();
        if !is_checked && let Some((first, others)) = requests.split_first() {
            // Nothing more is paid to a service that is another.
            let vectors = ask(first)?;
            self.check(role, vectors.first().map_or(&[], Vec::as_slice))?;
            self.checked.store(true, Ordering::Relaxed);
            made.extend(vectors.into_iter().skip(1));
            rest = others;
        }
        let mut failed = None;
        let mut paid: Vec<(&str, Vec<f32>)> = Vec::new();
        for (request, outcome) in rest.iter().zip(side_by_side(rest, at_once, &ask)) {
            match outcome {
                Some(Ok(vectors)) => {
                    let request = with_probe.get(request.clone()).unwrap_or_default();
                    paid.extend(request.iter().copied().zip(vectors));
                }
                Some(Err(error)) => {
                    failed.get_or_insert(error);
                }
                None => {}
            }
        }
        if let Some(error) = failed {
            let first = texts.iter().copied().zip(made);
            self.keep(role, first.chain(paid));
            return Err(error);
        }
        made.extend(paid.into_iter().map(|(_, vector)| vector));
        Ok(made)
    }

    fn keep<'t>(&self, role: TextRole, made: impl Iterator<Item = (&'t str, Vec<f32>)>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        for (text, vector) in made {
            if kept.len() < MOST_KEPT {
                kept.insert(hash(role, text), vector);
            }
        }
    }

    /// Takes the embeddings that are kept of these texts.
    fn take_kept(&self, texts: &[String], role: TextRole) -> Vec<Option<Vec<f32>>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.is_empty() {
            return vec![None; texts.len()];
        }
        texts.iter().map(|text| kept.remove(&hash(role, text))).collect()
    }
}

impl Embedder for ServiceEmbedder {
    fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// What is too long for the model is refused by the service, or cut there without being told.
    fn embed(&self, texts: &[&str], role: TextRole) -> Result<EmbedOutput> {
        let prefix = role.prefix(&self.fingerprint);
        let texts: Vec<String> = texts.iter().map(|text| format!("{prefix}{text}")).collect();
        let kept = self.take_kept(&texts, role);
        let unpaid = texts.iter().zip(&kept).filter(|(_, kept)| kept.is_none()).map(|(text, _)| text.as_str());
        let unpaid: Vec<&str> = unpaid.collect();
        if unpaid.is_empty() {
            return Ok(EmbedOutput { vectors: kept.into_iter().flatten().collect(), truncated: Vec::new() });
        }
        match self.embed_all(&unpaid, role) {
            Ok(made) => {
                let mut made = made.into_iter();
                let vectors = kept.into_iter().filter_map(|kept| kept.or_else(|| made.next())).collect();
                Ok(EmbedOutput { vectors, truncated: Vec::new() })
            }
            Err(error) => {
                let again = texts.iter().zip(kept).filter_map(|(text, kept)| Some((text.as_str(), kept?)));
                self.keep(role, again);
                Err(error)
            }
        }
    }
}

fn hash(role: TextRole, text: &str) -> u128 {
    xxh3_128_with_seed(text.as_bytes(), u64::from(role == TextRole::Query))
}

/// Does each piece of work, some at once; after a failure none is begun, and `None` stands for those.
fn side_by_side<W: Sync, T: Send>(
    work: &[W],
    at_once: usize,
    each: &(impl Fn(&W) -> Result<T> + Sync),
) -> Vec<Option<Result<T>>> {
    let (next, has_failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let outcomes: Vec<Mutex<Option<Result<T>>>> = work.iter().map(|_| Mutex::new(None)).collect();
    let run = || {
        while !has_failed.load(Ordering::Relaxed) {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let (Some(piece), Some(place)) = (work.get(at), outcomes.get(at)) else { return };
            let outcome = each(piece);
            has_failed.fetch_or(outcome.is_err(), Ordering::Relaxed);
            *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..at_once.min(work.len()) {
            scope.spawn(run);
        }
        run();
    });
    outcomes.into_iter().map(|place| place.into_inner().unwrap_or_else(PoisonError::into_inner)).collect()
}
