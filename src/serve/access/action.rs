//! What a route does, by Chroma's names, and who may do it where.
//!
//! The names are those of `AuthzAction` in Chroma's server, so that audit logs and policies written for it fit; what Chroma
//! has no route for has a name of the same form. Its `get_or_create_collection` stands in a body, and so is `create_collection`
//! here, where nobody looks into a body before the decision. Invariant: an action says itself what it needs, and no route says otherwise.

use crate::record::Role;

/// What an action is about, and so what a grant must cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::serve) enum Level {
    /// Nothing that could be kept from anybody: whether the server is alive.
    Public,
    /// Whoever asks.
    Asker,
    /// The server's figures.
    Metrics,
    /// The whole file.
    File,
    /// A tenant.
    Tenant,
    /// A tenant's database.
    Database,
    /// A collection as a whole.
    Collection,
    /// The records of a collection.
    Records,
}

macro_rules! actions {
    ($($action:ident = $name:literal, $level:ident, $role:ident;)*) => {
        /// What is asked for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[cfg_attr(not(feature = "mcp"), allow(dead_code, reason = "its route is not there either"))]
        pub(in crate::serve) enum Action {
            $($action,)*
        }

        impl Action {
            /// Every action.
            #[cfg(test)]
            pub(in crate::serve) const ALL: &[Self] = &[$(Self::$action,)*];

            /// Returns its name.
            pub(in crate::serve) fn name(self) -> &'static str {
                match self {
                    $(Self::$action => $name,)*
                }
            }

            /// Returns what it is about.
            pub(in crate::serve) fn level(self) -> Level {
                match self {
                    $(Self::$action => Level::$level,)*
                }
            }

            /// Returns the least role that may do it.
            pub(in crate::serve) fn role(self) -> Role {
                match self {
                    $(Self::$action => Role::$role,)*
                }
            }
        }
    };
}

actions! {
    Heartbeat = "system:heartbeat", Public, Monitor;
    Version = "system:version", Public, Monitor;
    Healthcheck = "system:healthcheck", Public, Monitor;
    PreFlightChecks = "system:pre_flight_checks", Public, Monitor;
    OpenApi = "system:openapi", Public, Monitor;
    Page = "system:page", Public, Monitor;
    Enter = "system:enter", Public, Monitor;
    Gone = "system:v1", Public, Monitor;
    GetUserIdentity = "system:get_user_identity", Asker, Monitor;
    GetCollectionByCrn = "collection:get_collection_by_crn", Asker, Reader;
    Mcp = "system:mcp", Asker, Reader;
    Metrics = "system:metrics", Metrics, Monitor;
    Reset = "system:reset", File, Admin;
    Info = "system:info", File, Reader;
    Backup = "system:backup", File, Admin;
    CreateTenant = "tenant:create_tenant", File, Admin;
    UpdateTenant = "tenant:update_tenant", Tenant, Admin;
    GetTenant = "tenant:get_tenant", Tenant, Reader;
    ListDatabases = "db:list_databases", Tenant, Reader;
    CreateDatabase = "db:create_database", Tenant, Admin;
    GetDatabase = "db:get_database", Database, Reader;
    DeleteDatabase = "db:delete_database", Database, Admin;
    ListCollections = "db:list_collections", Database, Reader;
    CountCollections = "db:count_collections", Database, Reader;
    CreateCollection = "db:create_collection", Database, Writer;
    GetCollection = "collection:get_collection", Records, Reader;
    UpdateCollection = "collection:update_collection", Collection, Writer;
    DeleteCollection = "collection:delete_collection", Collection, Admin;
    ForkCollection = "collection:fork_collection", Collection, Writer;
    CountForks = "collection:count_forks", Records, Reader;
    Index = "collection:index", Collection, Writer;
    Add = "collection:add", Collection, Writer;
    Update = "collection:update", Collection, Writer;
    Upsert = "collection:upsert", Collection, Writer;
    Delete = "collection:delete", Records, Writer;
    Get = "collection:get", Records, Reader;
    Count = "collection:count", Records, Reader;
    Query = "collection:query", Records, Reader;
    Search = "collection:search", Records, Reader;
    AttachFunction = "collection:attach_function", Collection, Writer;
    GetAttachedFunction = "collection:get_attached_function", Records, Reader;
    DetachFunction = "collection:detach_function", Collection, Writer;
}

impl Action {
    /// Returns what is done to records, where that is what it does.
    pub(in crate::serve) fn operation(self) -> Option<&'static str> {
        Some(match self {
            Self::Add => "add",
            Self::Update => "update",
            Self::Upsert => "upsert",
            Self::Delete => "delete",
            _ => return None,
        })
    }
}
