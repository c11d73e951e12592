//! Bodies that make or change a collection, and a collection as Chroma's clients read it.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;

use super::configuration::configuration;
use super::metadata::SentMetadata;
use super::schema;
use crate::backend::State;
use crate::error::Result;
use crate::record::{Metadata, Scope};

/// Body that makes a collection.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = CreateCollectionBody)]
pub(in crate::serve) struct CreateBody {
    pub(in crate::serve) name: String,
    #[schema(value_type = Option<Object>)]
    pub(in crate::serve) metadata: Option<SentMetadata>,
    #[schema(value_type = Option<Object>)]
    pub(in crate::serve) configuration: Option<Json>,
    #[schema(value_type = Option<Object>)]
    pub(in crate::serve) schema: Option<Json>,
    #[serde(default)]
    pub(in crate::serve) get_or_create: bool,
}

/// Body that changes a collection; what is left out stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = ModifyCollectionBody)]
#[expect(clippy::struct_field_names, reason = "Chroma names them")]
pub(in crate::serve) struct ModifyBody {
    pub(in crate::serve) new_name: Option<String>,
    #[schema(value_type = Option<Object>)]
    pub(in crate::serve) new_metadata: Option<SentMetadata>,
    #[schema(value_type = Option<Object>)]
    pub(in crate::serve) new_configuration: Option<Json>,
}

/// Body that copies a collection.
#[derive(Debug, Deserialize, ToSchema)]
pub(in crate::serve) struct ForkBody {
    pub(in crate::serve) new_name: String,
}

/// A collection.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Collection)]
pub(in crate::serve) struct CollectionReply {
    id: String,
    name: String,
    #[schema(value_type = Object)]
    configuration_json: Json,
    #[schema(value_type = Object)]
    schema: Json,
    #[schema(value_type = Option<Object>)]
    metadata: Option<Metadata>,
    dimension: Option<usize>,
    tenant: String,
    database: String,
    log_position: u64,
    /// Grows with every commit that changes the collection.
    version: u64,
}

impl CollectionReply {
    /// Returns a collection as of one state.
    pub(in crate::serve) fn of(state: &dyn State, scope: &Scope) -> Result<Self> {
        let info = state.info();
        Ok(Self {
            id: info.id.to_string(),
            name: info.name.to_string(),
            configuration_json: configuration(info),
            schema: schema::of(state)?,
            metadata: info.metadata.clone(),
            dimension: info.dimension,
            tenant: scope.tenant.clone(),
            database: scope.database.clone(),
            log_position: 0,
            // How often what is hidden was written is hidden, too.
            version: if state.is_restricted() { 0 } else { state.version() },
        })
    }
}
