//! Adding a service, and asking one that was added whether it is still what it was.
//!
//! Invariant: a service is added only once it has embedded the probe text, and what it made of that is kept.

use super::embedder::ServiceEmbedder;
use super::key;
use super::manifest::ServiceManifest;
use super::settings::{ServiceApi, ServiceSettings};
use crate::embed::install::{check_name, put_in_place, stage};
use crate::embed::registry::{ModelSpec, models_dir, resolve};
use crate::embed::{LoadOptions, ModelOverrides, TextRole};
use crate::error::{Error, Result};
use crate::record::{Fingerprint, MAX_DIMENSION, Pooling, Probe};

/// The tokens that the model of a service reads, where nobody says how many: a bound for chunks.
const MAX_TOKENS: usize = 8192;

/// Adds a service under a name, once it has embedded a text: that says what dimension it has and which model it is.
///
/// Of `overrides`, those of a graph mean nothing here.
///
/// # Errors
/// [`Error::InvalidArgument`] when the name is taken or none, or a setting cannot be; [`Error::Server`] when the service
/// cannot be reached, fails or is none; [`Error::Model`] when it refuses the text; [`Error::Io`] when nothing can be written.
pub fn add_service(
    name: &str,
    settings: &ServiceSettings,
    overrides: &ModelOverrides,
    options: &LoadOptions,
) -> Result<ModelSpec> {
    let models = models_dir(options)
        .ok_or_else(|| Error::argument("no data directory to keep services in; set HUEDB_DATA_DIR"))?;
    check_name(name, &models)?;
    if overrides.graph.is_some() || overrides.pooling.is_some() {
        return Err(Error::argument("a service has no graph and pools by itself"));
    }
    let settings = ServiceSettings { normalize: overrides.normalize.or(settings.normalize), ..settings.clone() };
    check(&settings)?;
    let fingerprint = Fingerprint {
        model: name.to_owned(),
        sha256: String::new(),
        dimension: 0,
        pooling: Pooling::Mean,
        normalize: settings.normalize == Some(true),
        max_tokens: overrides.max_tokens.unwrap_or(MAX_TOKENS),
        query_prefix: overrides.query_prefix.clone().unwrap_or_default(),
        document_prefix: overrides.document_prefix.clone().unwrap_or_default(),
        made_by: None,
        probe: None,
    };
    let manifest = tried_out(ServiceManifest::new(settings, fingerprint, None, false), options)?;

    let (staging, _alive) = stage(&models)?;
    manifest.write(staging.path())?;
    put_in_place(staging, name, &models)?;
    let spec = resolve(name, options)?;
    Ok(ModelSpec { notes: notes(&manifest)?, ..spec })
}

fn check(settings: &ServiceSettings) -> Result<()> {
    if let Some(source) = &settings.key {
        key::check(source)?;
    }
    if settings.remote_model.trim().is_empty() {
        return Err(Error::argument("the model has no name at the service"));
    }
    if settings.truncate && settings.api == ServiceApi::OpenAi {
        return Err(Error::argument("the API openai cannot be asked to cut what is too long"));
    }
    Ok(())
}

/// Embeds the probe text, and notes what comes of it.
fn tried_out(mut manifest: ServiceManifest, options: &LoadOptions) -> Result<ServiceManifest> {
    let open = |manifest: &ServiceManifest| ServiceEmbedder::open(manifest, &manifest.fingerprint, options);
    let mut service = open(&manifest)?;
    let vector = match service.embed_probe(TextRole::Document) {
        Err(Error::Model { .. }) if manifest.settings.api == ServiceApi::OpenAi => {
            manifest.as_floats = true;
            service = open(&manifest)?;
            service.embed_probe(TextRole::Document)?
        }
        outcome => outcome?,
    };
    let failure = |why: String| Error::Model { model: manifest.fingerprint.model.clone(), why, hint: None };
    let (dimension, asked) = (vector.len(), manifest.settings.dimensions.map(usize::from));
    if let Some(asked) = asked.filter(|asked| *asked != dimension) {
        return Err(failure(format!("it was asked for {asked} dimensions and gave {dimension}")));
    }
    if dimension > MAX_DIMENSION {
        return Err(failure(format!("its embeddings have {dimension} components; the maximum is {MAX_DIMENSION}")));
    }
    let kept = |vector: &[f32]| Probe::of(vector).ok_or_else(|| failure("its embedding of a text is zero".into()));
    let probe = kept(&vector)?;
    if manifest.settings.api.tells_roles() {
        manifest.query_probe = Some(kept(&service.embed_probe(TextRole::Query)?)?);
    }
    manifest.fingerprint = Fingerprint { dimension, probe: Some(probe), ..manifest.fingerprint };
    Ok(manifest)
}

/// Returns what is worth saying of a service.
fn notes(manifest: &ServiceManifest) -> Result<Vec<String>> {
    let ServiceSettings { api, endpoint, key, .. } = &manifest.settings;
    let address = super::address::Address::of(*api, endpoint)?;
    let sent = if key.is_some() { "texts and the key" } else { "texts" };
    let unencrypted = (!address.is_encrypted && !address.is_local)
        .then(|| format!("{sent} are sent to {} without encryption", address.shown));
    Ok(unencrypted.into_iter().collect())
}

/// Embeds the probe text again, and compares.
pub(in crate::embed) fn ask_again(manifest: &ServiceManifest, options: &LoadOptions) -> Result<()> {
    let service = ServiceEmbedder::open(manifest, &manifest.fingerprint, options)?;
    let roles = [TextRole::Document, TextRole::Query];
    for role in roles.into_iter().take(if manifest.settings.api.tells_roles() { 2 } else { 1 }) {
        service.check(role, &service.embed_probe(role)?)?;
    }
    Ok(())
}
