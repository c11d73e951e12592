//! The table of routes. Whatever is reached over HTTP is a line here, and `/openapi.json` is made of it.

use std::sync::LazyLock;

use axum::http::Method;
use serde_json::{Value as Json, json};

use super::access::Action;
use super::call::{Call, Handled, Reply, Site};
use super::call::{Doc, Kind, Route, Shape};
use super::{collections, far, map, openapi, own, page, query, records, search, system, tenants, visitor};

type Handler = fn(&Site, &Call) -> Handled;

const fn route(
    method: Method,
    path: &'static str,
    action: Action,
    (kind, handler): (Kind, Handler),
    summary: &'static str,
    (request, response): (Shape, Shape),
) -> Route {
    Route { method, path, action, kind, handler, doc: Doc { summary, request, response } }
}

const NONE: (Shape, Shape) = (None, None);

fn name_example() -> Json {
    json!({"name": "acme"})
}

fn create_example() -> Json {
    json!({"name": "notes", "metadata": {"topic": "animals"}, "configuration": {"hnsw": {"space": "cosine"}}, "get_or_create": true})
}

fn modify_example() -> Json {
    json!({"new_name": "letters"})
}

fn fork_example() -> Json {
    json!({"new_name": "notes-copy"})
}

fn records_example() -> Json {
    json!({"ids": ["fox"], "embeddings": [[0.1, 0.2, 0.3]], "documents": ["a red fox"], "metadatas": [{"year": 2021}]})
}

fn get_example() -> Json {
    json!({"ids": ["fox"], "include": ["documents", "metadatas"]})
}

fn got_example() -> Json {
    json!({"ids": ["fox"], "embeddings": null, "documents": ["a red fox"], "uris": null, "metadatas": [{"year": 2021}],
        "include": ["documents", "metadatas"]})
}

fn delete_example() -> Json {
    json!({"where": {"year": {"$lt": 2020}}})
}

fn deleted_example() -> Json {
    json!({"deleted": 0})
}

fn query_example() -> Json {
    json!({"query_embeddings": [[0.1, 0.2, 0.3]], "n_results": 1, "where": {"year": {"$gte": 2020}}})
}

fn answer_example() -> Json {
    json!({"ids": [["fox"]], "embeddings": null, "documents": [["a red fox"]], "uris": null,
        "metadatas": [[{"year": 2021}]], "distances": [[0.0]], "include": ["documents", "metadatas", "distances"]})
}

fn search_example() -> Json {
    json!({"searches": [{"rank": {"$knn": {"query": [0.1, 0.2, 0.3]}}, "limit": {"limit": 10},
        "select": {"keys": ["#document", "#score"]}}]})
}

fn description(_: &Site, _: &Call) -> Handled {
    static TEXT: LazyLock<Vec<u8>> = LazyLock::new(|| openapi::describe(ALL).to_string().into_bytes());
    Ok(Reply { body: TEXT.clone(), ..Reply::empty() }.into())
}

const TENANT: &str = "/api/v2/tenants/{tenant}";
const NAME: Shape = Some(("NameBody", name_example));
const RECORDS: Shape = Some(("RecordsBody", records_example));
const FAR: (Shape, Shape) = (Some(("AskedBody", far::example)), None);
const COLLECTION: Shape = Some(("Collection", none));

fn none() -> Json {
    Json::Null
}

fn make_example() -> Json {
    json!({"new": ["notes", {"space": "cosine"}]})
}

/// A path of a tenant's database, or of a collection in it.
macro_rules! path {
    (database $rest:literal) => {
        concat!("/api/v2/tenants/{tenant}/databases/{database}", $rest)
    };
    (collection $rest:literal) => {
        concat!("/api/v2/tenants/{tenant}/databases/{database}/collections/{collection}", $rest)
    };
    (own database $rest:literal) => {
        concat!("/huedb/v1/tenants/{tenant}/databases/{database}", $rest)
    };
    (own $rest:literal) => {
        concat!("/huedb/v1/tenants/{tenant}/databases/{database}/collections/{collection}", $rest)
    };
}

use Kind::{Constant, Long, Read, Upload, Write};
const GET: Method = Method::GET;
const POST: Method = Method::POST;

#[rustfmt::skip]
static TABLE: &[Route] = &[
    route(GET, "/api/v2", Action::Heartbeat, (Constant, system::heartbeat), "Nanoseconds since 1970", NONE),
    route(GET, "/api/v2/heartbeat", Action::Heartbeat, (Constant, system::heartbeat), "Nanoseconds since 1970", NONE),
    route(GET, "/api/v2/version", Action::Version, (Constant, system::version), "The version of Chroma's API", NONE),
    route(GET, "/api/v2/healthcheck", Action::Healthcheck, (Read, system::healthcheck), "Whether the file can be read", NONE),
    route(GET, "/api/v2/pre-flight-checks", Action::PreFlightChecks, (Constant, system::pre_flight_checks), "What clients ask before they send", NONE),
    route(GET, "/api/v2/auth/identity", Action::GetUserIdentity, (Constant, system::identity), "Who asks", NONE),
    route(POST, "/api/v2/reset", Action::Reset, (Write, system::reset), "Remove everything, where that is allowed", NONE),
    route(POST, "/api/v2/tenants", Action::CreateTenant, (Write, tenants::create_tenant), "Make a tenant", (NAME, None)),
    route(GET, TENANT, Action::GetTenant, (Read, tenants::get_tenant), "A tenant", NONE),
    route(Method::PATCH, TENANT, Action::UpdateTenant, (Write, tenants::update_tenant), "Nothing, as in a local Chroma", (Some(("TenantBody", tenant_example)), None)),
    route(GET, "/api/v2/tenants/{tenant}/databases", Action::ListDatabases, (Read, tenants::list_databases), "The databases of a tenant, by name", NONE),
    route(POST, "/api/v2/tenants/{tenant}/databases", Action::CreateDatabase, (Write, tenants::create_database), "Make a database", (NAME, None)),
    route(GET, path!(database ""), Action::GetDatabase, (Read, tenants::get_database), "A database", NONE),
    route(Method::DELETE, path!(database ""), Action::DeleteDatabase, (Write, tenants::delete_database), "Remove a database with its collections", NONE),
    route(GET, path!(database "/collections"), Action::ListCollections, (Read, collections::list), "Collections, by their ids", NONE),
    route(POST, path!(database "/collections"), Action::CreateCollection, (Write, collections::create), "Make a collection", (Some(("CreateCollectionBody", create_example)), COLLECTION)),
    route(GET, path!(database "/collections_count"), Action::CountCollections, (Read, collections::count), "How many collections there are", NONE),
    route(GET, path!(database "/collections/by-id/{collection}"), Action::GetCollection, (Read, collections::get_by_id), "A collection, by its id", (None, COLLECTION)),
    route(GET, path!(collection ""), Action::GetCollection, (Read, collections::get), "A collection, by its name", (None, COLLECTION)),
    route(Method::PUT, path!(collection ""), Action::UpdateCollection, (Write, collections::modify), "Change a collection, by its id", (Some(("ModifyCollectionBody", modify_example)), None)),
    route(Method::DELETE, path!(collection ""), Action::DeleteCollection, (Write, collections::delete), "Remove a collection, by its name", NONE),
    route(POST, path!(collection "/fork"), Action::ForkCollection, (Write, collections::fork), "Copy a collection", (Some(("ForkBody", fork_example)), COLLECTION)),
    route(GET, path!(collection "/fork_count"), Action::CountForks, (Read, collections::fork_count), "0: copies know nothing of each other", NONE),
    route(GET, path!(collection "/indexing_status"), Action::Get, (Read, collections::indexing_status), "How much is indexed: all", NONE),
    route(POST, path!(collection "/add"), Action::Add, (Write, records::add), "Add records; ids that exist are left alone", (RECORDS, None)),
    route(POST, path!(collection "/update"), Action::Update, (Write, records::update), "Change records; ids that do not exist are left out", (RECORDS, None)),
    route(POST, path!(collection "/upsert"), Action::Upsert, (Write, records::upsert), "Add or change records", (RECORDS, None)),
    route(POST, path!(collection "/delete"), Action::Delete, (Write, records::delete), "Delete records", (Some(("DeleteBody", delete_example)), Some(("DeleteResponse", deleted_example)))),
    route(POST, path!(collection "/get"), Action::Get, (Read, records::get), "Records, in the order they were inserted", (Some(("GetBody", get_example)), Some(("GetResponse", got_example)))),
    route(GET, path!(collection "/count"), Action::Count, (Read, records::count), "How many records there are", NONE),
    route(POST, path!(collection "/query"), Action::Query, (Kind::Question, query::read), "The records nearest to each of several embeddings", (Some(("QueryBody", query_example)), Some(("QueryResponse", answer_example)))),
    route(POST, path!(collection "/search"), Action::Search, (Read, search::search), "Records ranked by an expression", (Some(("SearchBody", search_example)), None)),
    route(POST, path!(collection "/conditional/get"), Action::Get, (Constant, system::unimplemented), "501: conditional writes belong to Chroma's cloud", NONE),
    route(POST, path!(collection "/conditional/commit"), Action::Update, (Constant, system::unimplemented), "501: conditional writes belong to Chroma's cloud", NONE),
    route(POST, path!(collection "/functions/attach"), Action::AttachFunction, (Constant, system::unimplemented), "501: functions belong to Chroma's cloud", NONE),
    route(GET, path!(collection "/functions/{function}"), Action::GetAttachedFunction, (Constant, system::unimplemented), "501: functions belong to Chroma's cloud", NONE),
    route(POST, path!(collection "/attached_functions/{function}/detach"), Action::DetachFunction, (Constant, system::unimplemented), "501: functions belong to Chroma's cloud", NONE),
    route(POST, path!(collection "/attached_functions/{function}/add_input"), Action::AttachFunction, (Constant, system::unimplemented), "501: functions belong to Chroma's cloud", NONE),
    route(GET, "/api/v2/collections/{crn}", Action::GetCollectionByCrn, (Constant, system::unimplemented), "501: names across databases belong to Chroma's cloud", NONE),
    route(GET, "/", Action::Page, (Constant, page::index), "A page to look at collections with, in a browser", NONE),
    route(GET, "/page/{file}", Action::Page, (Constant, page::file), "What that page is made of", NONE),
    route(POST, "/huedb/v1/enter", Action::Enter, (Constant, visitor::enter), "The token of `huedb browse` for the key of its address, once", (Some(("EnterBody", enter_example)), None)),
    route(GET, "/openapi.json", Action::OpenApi, (Constant, description), "This description", NONE),
    route(GET, "/healthz", Action::Healthcheck, (Constant, own::live), "Whether the process is alive", NONE),
    route(GET, "/livez", Action::Healthcheck, (Constant, own::live), "Whether the process is alive", NONE),
    route(GET, "/readyz", Action::Healthcheck, (Read, own::ready), "Whether the file can be read", NONE),
    route(GET, "/metrics", Action::Metrics, (Constant, system::metrics), "What the server counts and measures, as OpenMetrics", NONE),
    route(GET, "/huedb/v1/info", Action::Info, (Read, own::info), "The file, and this server", NONE),
    route(GET, "/huedb/v1/backup", Action::Backup, (Long, own::backup), "A copy of the file, as of one moment", NONE),
    route(GET, path!(own "/stats"), Action::Get, (Long, own::stats), "How embeddings and documents are spread: ?where, ?sample, ?seed", NONE),
    route(GET, path!(own "/map"), Action::Get, (Long, map::map), "Records as points of a plane: ?where, ?sample, ?seed, ?key to have its values with them", NONE),
    route(GET, path!(own "/where"), Action::Get, (Read, own::check_where), "A filter in its short form as the JSON that other routes take: ?where", NONE),
    route(GET, path!(own "/distinct"), Action::Get, (Read, own::distinct), "The values of a metadata key: ?key, ?where", NONE),
    route(GET, path!(own "/keys"), Action::Get, (Read, own::keys), "The metadata keys: ?where", NONE),
    route(POST, path!(own "/index"), Action::Index, (Long, own::index), "Build the graph, and the clusters where they are due; a JSON line for each step", NONE),
    route(POST, path!(own "/clusters"), Action::Index, (Long, own::clusters), "Build the clusters; a JSON line for each step", NONE),
    route(GET, path!(own "/export"), Action::Get, (Long, own::export), "All records, a JSON object a line: ?where", NONE),
    route(POST, path!(own "/import"), Action::Upsert, (Upload, own::import), "Read records, a JSON object a line: ?mode", NONE),
    route(GET, "/huedb/v1/tenants", Action::Info, (Read, far::tenants), "The tenants", NONE),
    route(Method::DELETE, "/huedb/v1/tenants/{tenant}", Action::CreateTenant, (Write, far::drop_tenant), "Remove a tenant with all that is in it", NONE),
    route(GET, path!(own database "/collections"), Action::ListCollections, (Read, far::collections), "Collections in full, by name", NONE),
    route(POST, path!(own database "/collections"), Action::CreateCollection, (Write, far::make), "Make a collection with all its settings", (Some(("MakeBody", make_example)), None)),
    route(GET, path!(own ""), Action::GetCollection, (Read, far::whole), "A collection in full, by its name", NONE),
    route(POST, path!(own "/count"), Action::Count, (Read, far::count), "How many records pass a filter", FAR),
    route(POST, path!(own "/ask"), Action::Query, (Read, far::ask), "Questions of every kind, as the command asks them", FAR),
    route(POST, path!(own "/find"), Action::Get, (Read, far::find), "The ids of records, in any order, and the first records", FAR),
    route(POST, path!(own "/read"), Action::Get, (Read, far::read), "Records by their ids, in that order", FAR),
    route(POST, path!(own "/distinct"), Action::Get, (Read, far::distinct), "The values of a metadata key among the records of a query", FAR),
    route(POST, path!(own "/keys"), Action::Get, (Read, far::keys), "The metadata keys of the records of a query", FAR),
    route(POST, path!(own "/key_kinds"), Action::Get, (Read, far::key_kinds), "The metadata keys, and the kinds of their values", FAR),
    route(POST, path!(own "/batch"), Action::Upsert, (Write, far::batch), "Write rows that are prepared, all or none", FAR),
    route(POST, path!(own "/update_where"), Action::Update, (Write, far::update_where), "Make one change to the records of a query", FAR),
    route(POST, path!(own "/delete_where"), Action::Delete, (Write, far::delete_where), "Delete the records of a query", FAR),
    route(POST, path!(own "/scan"), Action::Get, (Read, far::scan), "Whole records, in the order they were inserted", FAR),
    route(POST, path!(own "/digests"), Action::Get, (Long, far::digests), "The id and the digest of every record", FAR),
    route(POST, path!(own "/dump"), Action::Get, (Read, far::dump), "Whole records by their ids", FAR),
    route(POST, path!(own "/put"), Action::Upsert, (Write, far::put), "Put whole records in the place of what is there", FAR),
    route(POST, path!(own "/modify"), Action::UpdateCollection, (Write, far::modify), "Change any setting of a collection", FAR),
    route(POST, path!(own "/words"), Action::Index, (Write, far::words), "Index the words of documents, or drop that index", FAR),
    route(POST, path!(own "/settle"), Action::Upsert, (Write, far::settle), "Make searches fast after many writes", FAR),
    route(POST, path!(own "/index_facts"), Action::Get, (Read, far::index_facts), "Whether the graph and the clusters are due, and what there is to say of them", FAR),
    route(Method::DELETE, path!(own "/index"), Action::Index, (Write, far::drop_index), "Drop the graph", NONE),
    route(Method::DELETE, path!(own "/clusters"), Action::Index, (Write, far::drop_clusters), "Drop the clusters", NONE),
    #[cfg(feature = "mcp")]
    route(POST, "/mcp", Action::Mcp, (Read, super::mcp::handle), "A message of the Model Context Protocol", NONE),
    gone(GET, "/api/v1"), gone(POST, "/api/v1"), gone(Method::PUT, "/api/v1"), gone(Method::PATCH, "/api/v1"), gone(Method::DELETE, "/api/v1"),
    gone(GET, "/api/v1/{*rest}"), gone(POST, "/api/v1/{*rest}"), gone(Method::PUT, "/api/v1/{*rest}"), gone(Method::PATCH, "/api/v1/{*rest}"),
    gone(Method::DELETE, "/api/v1/{*rest}"),
];

/// Every route.
pub(super) static ALL: &[Route] = TABLE;

fn enter_example() -> Json {
    json!({"key": "hdb_"})
}

fn tenant_example() -> Json {
    json!({"resource_name": "acme"})
}

const fn gone(method: Method, path: &'static str) -> Route {
    route(method, path, Action::Gone, (Constant, system::gone), "410: the first API is no more", NONE)
}
