//! Routes of collections: made, listed, changed, copied, removed.

use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::call::{Call, Handled, Reply, Site};
use super::fault::Fault;
use super::tenants::{as_count, broken_rule};
use super::wire::collection::{CollectionReply, CreateBody, ForkBody, ModifyBody};
use super::wire::metadata::SentMetadata;
use super::wire::schema::configuration_in;
use crate::backend::Backend;
use crate::error::Error;
use crate::record::{
    ClientSettings, CollectionName, Configuration, EmbeddingPrecision, Hnsw, IndexMode, Metadata, Space,
};
use crate::store::{CollectionChange, NewCollection};

/// Chroma's defaults, which are another than the command's.
const HNSW: Hnsw = Hnsw { ef_construction: 100, ef_search: 100, max_neighbors: 16 };

pub(super) fn create(site: &Site, call: &Call) -> Handled {
    let CreateBody { name, metadata, configuration, schema, get_or_create } = site.body(call)?;
    let parsed = collection_name(&name)?;
    let new = new_collection(metadata.as_ref(), configuration, schema)?;
    check_name(call, &name)?;
    let backend = site.backend_of(call);
    match backend.create_collection(parsed, new) {
        Err(Error::CollectionExists { .. }) if get_or_create => {}
        Err(Error::DatabaseNotFound { name, .. } | Error::TenantNotFound { name, .. }) => {
            return Err(Fault::invalid(format!("Database [{name}] does not exist")));
        }
        done => {
            done?;
        }
    }
    described(backend.as_ref(), &name)
}

fn described(backend: &dyn Backend, name: &str) -> Handled {
    let state = backend.state_of(name)?;
    Ok(Reply::json(&CollectionReply::of(state.as_ref(), backend.scope())?).into())
}

/// Refuses a name that whoever asks may not give.
fn check_name(call: &Call, name: &str) -> Result<(), Fault> {
    if call.access.may_make_collection(&call.scope(), name) {
        return Ok(());
    }
    Err(Fault::forbidden("this token may not make a collection of that name"))
}

fn collection_name(name: &str) -> Result<CollectionName, Fault> {
    let broken = |_| Fault::invalid(format!("Validation error: name: {}", broken_rule(name)));
    CollectionName::parse(name).map_err(broken)
}

/// Reads what a client says of a new collection.
fn new_collection(
    metadata: Option<&SentMetadata>,
    configuration: Option<Json>,
    schema: Option<Json>,
) -> Result<NewCollection, Fault> {
    let metadata = metadata.map(collection_metadata).transpose()?;
    let (said, mut function) = configuration.map(split_function).unwrap_or_default();
    let mut configured = parsed(&said)?;
    let schema = schema.filter(|schema| !schema.is_null());
    if let Some(schema) = &schema {
        let (in_schema, schema_function) = configuration_in(schema)?;
        if !says_nothing(&said) && !says_nothing(&in_schema) {
            let why = "Cannot set both collection config and schema simultaneously";
            return Err(Fault::invalid(format!("Failed to reconcile schema: {why}")));
        }
        if says_nothing(&said) {
            configured = parsed(&in_schema)?;
        }
        function = function.or(schema_function);
    }
    if let Some(metadata) = &metadata {
        let old = Configuration::from_metadata(metadata).map_err(|error| {
            Fault::invalid(format!("Failed to parse hnsw parameters from segment metadata: {error}"))
        })?;
        configured = configured.with_old_keys(&old);
    }
    Ok(NewCollection {
        space: configured.space.unwrap_or(Space::L2),
        precision: EmbeddingPrecision::default(),
        embedder: None,
        metadata,
        hnsw: Hnsw {
            ef_construction: configured.ef_construction.unwrap_or(HNSW.ef_construction),
            ef_search: configured.ef_search.unwrap_or(HNSW.ef_search),
            max_neighbors: configured.max_neighbors.unwrap_or(HNSW.max_neighbors),
        },
        index: IndexMode::default(),
        chroma: configured.chroma,
        bm25: false,
        sparse: None,
        client: ClientSettings { embedding_function: function, schema },
    })
}

/// Reads a configuration; what is wrong with it has the wrong shape to Chroma.
fn parsed(configuration: &Json) -> Result<Configuration, Fault> {
    if configuration.is_null() {
        return Ok(Configuration::default());
    }
    Configuration::from_json(configuration).map_err(|error| match &error {
        Error::InvalidArgument { why, .. } if why.contains("both hnsw and spann") => {
            Fault::invalid("Multiple vector index configurations provided")
        }
        Error::InvalidArgument { why, hint } => {
            let hint = hint.as_ref().map(|hint| format!(", {hint}")).unwrap_or_default();
            Fault::shape(format!("configuration: {why}{hint}"))
        }
        _ => Fault::shape(format!("configuration: {error}")),
    })
}

/// Takes the embedding function out of a configuration: it is kept as it was sent, whatever it is.
fn split_function(mut configuration: Json) -> (Json, Option<Json>) {
    let function = configuration.as_object_mut().and_then(|object| object.shift_remove("embedding_function"));
    (configuration, function.filter(|function| !function.is_null()))
}

/// Returns whether a configuration asks for nothing but what Chroma does anyway.
fn says_nothing(configuration: &Json) -> bool {
    let chroma = [
        ("space", json!("l2")),
        ("ef_construction", json!(100)),
        ("ef_search", json!(100)),
        ("max_neighbors", json!(16)),
        ("batch_size", json!(100)),
        ("sync_threshold", json!(1000)),
        ("resize_factor", json!(1.2)),
    ];
    let is_default = |(key, value): (&String, &Json)| {
        value.is_null()
            || key == "num_threads"
            || chroma.iter().any(|(known, default)| known == key && default == value)
    };
    let Some(object) = configuration.as_object() else { return true };
    object.iter().all(|(key, value)| match value.as_object() {
        Some(fields) if key == "hnsw" => fields.iter().all(is_default),
        _ => value.is_null(),
    })
}

/// Reads a collection's metadata: not empty, without nulls.
fn collection_metadata(sent: &SentMetadata) -> Result<Metadata, Fault> {
    if let Some(key) = sent.null_key() {
        return Err(Fault::shape(format!(
            "metadata.{key}: data did not match any variant of untagged enum MetadataValue"
        )));
    }
    let (metadata, bad_key) = (sent.clone().patch(), sent.bad_key());
    match (metadata, bad_key) {
        (Some(metadata), _) if metadata.is_empty() => {
            Err(Fault::invalid("Validation error: metadata: Metadata cannot be empty"))
        }
        (Some(metadata), _) => Ok(metadata.into_metadata_dropping_nulls()),
        (None, Some("")) => Err(Fault::invalid("Validation error: metadata: Metadata key cannot be empty")),
        (None, key) => {
            let key = key.unwrap_or_default();
            let why = format!("Metadata key cannot start with '#' or '$': {key}");
            Err(Fault::invalid(format!("Validation error: metadata: {why}")))
        }
    }
}

pub(super) fn list(site: &Site, call: &Call) -> Handled {
    let backend = site.backend_of(call);
    let (offset, limit) = (call.number("offset")?, call.number("limit")?);
    let mut infos: Vec<(Uuid, String)> = seen(call, backend.as_ref())?;
    // As in Chroma.
    infos.sort();
    let page = infos.iter().skip(as_count(offset.unwrap_or(0))).take(limit.map_or(usize::MAX, as_count));
    let mut replies = Vec::new();
    for (_, name) in page {
        let seen = call.access.seen(backend.collection(name.as_str().into()), backend.scope(), name)?;
        let Some(records) = seen else { continue };
        match records.state() {
            Ok(state) => replies.push(CollectionReply::of(state.as_ref(), backend.scope())?),
            // It was dropped or renamed since.
            Err(Error::CollectionNotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Reply::json(&replies).into())
}

/// Returns the identities and names of the collections that there are to whoever asks.
fn seen(call: &Call, backend: &dyn Backend) -> Result<Vec<(Uuid, String)>, Fault> {
    let all = backend.collections()?.into_iter().map(|(info, _)| (info.id, info.name.to_string()));
    Ok(all.filter(|(_, name)| call.access.sees_collection(backend.scope(), name)).collect())
}

pub(super) fn count(site: &Site, call: &Call) -> Handled {
    Ok(Reply::json(&seen(call, site.backend_of(call).as_ref())?.len()).into())
}

pub(super) fn get(site: &Site, call: &Call) -> Handled {
    let backend = site.backend_of(call);
    let state = call.access.limit(backend.collection(call.param("collection").into())).state()?;
    Ok(Reply::json(&CollectionReply::of(state.as_ref(), backend.scope())?).into())
}

pub(super) fn get_by_id(site: &Site, call: &Call) -> Handled {
    let id = Uuid::try_parse(call.param("collection"))
        .map_err(|_| Fault::invalid("Validation error: collection_id: Invalid collection ID format, expected UUID"))?;
    let backend = site.backend_of(call);
    let state = call.access.limit(backend.collection(id.into())).state()?;
    Ok(Reply::json(&CollectionReply::of(state.as_ref(), backend.scope())?).into())
}

pub(super) fn modify(site: &Site, call: &Call) -> Handled {
    let records = site.records(call)?;
    let ModifyBody { new_name, new_metadata, new_configuration } = site.body(call)?;
    if let Some(name) = &new_name {
        check_name(call, name)?;
    }
    let (said, function) = new_configuration.map(split_function).unwrap_or_default();
    let configured = parsed(&said)?;
    if configured.space.is_some() || configured.ef_construction.is_some() {
        return Err(Fault::shape("new_configuration.hnsw: space and ef_construction cannot be changed"));
    }
    let change = CollectionChange {
        name: new_name.as_deref().map(collection_name).transpose()?,
        metadata: new_metadata.map(modified_metadata).transpose()?,
        ef_search: configured.ef_search,
        max_neighbors: configured.max_neighbors,
        chroma: configured.chroma,
        embedding_function: function,
        ..CollectionChange::default()
    };
    records.modify(change)?;
    Ok(Reply::empty().into())
}

/// Reads the metadata that is to replace a collection's; nulls are dropped, as in Chroma.
fn modified_metadata(sent: SentMetadata) -> Result<Metadata, Fault> {
    collection_metadata(&sent.without_nulls())
}

pub(super) fn delete(site: &Site, call: &Call) -> Handled {
    site.backend_of(call).drop_collection(call.param("collection"))?;
    Ok(Reply::empty().into())
}

/// Chroma's own server copies only in its cloud; here a copy is a copy.
pub(super) fn fork(site: &Site, call: &Call) -> Handled {
    let records = site.records(call)?;
    let ForkBody { new_name } = site.body(call)?;
    check_name(call, &new_name)?;
    records.copy(collection_name(&new_name)?)?;
    described(site.backend_of(call).as_ref(), &new_name)
}

/// Copies know nothing of each other.
pub(super) fn fork_count(site: &Site, call: &Call) -> Handled {
    site.records(call)?.count()?;
    Ok(Reply::json(&json!({ "count": 0 })).into())
}

/// What is answered is always in the index that answers.
pub(super) fn indexing_status(site: &Site, call: &Call) -> Handled {
    let state = site.records(call)?.state()?;
    // How often what is hidden was written is hidden, too.
    let operations = if state.is_restricted() { state.counts().records } else { state.version() };
    let said = json!({
        "op_indexing_progress": 1.0, "num_unindexed_ops": 0, "num_indexed_ops": operations, "total_ops": operations,
    });
    Ok(Reply::json(&said).into())
}
