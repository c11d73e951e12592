//! A server as a place: its tenants, databases and collections.
//!
//! Invariant: which kind of server answers is found out once, at the first call.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use ureq::http::Method;
use uuid::Uuid;

use super::chroma::{ChromaRecords, creation, describe};
use super::connection::{About, Connection, ServerKind, own_path_of};
use super::own::{OwnRecords, name_by_id};
use crate::backend::protocol::MakeBody;
use crate::backend::{Backend, Place, PlaceFacts, Records, Which};
use crate::error::{Error, Result};
use crate::input::chroma::wire::{CollectionJson, DatabaseJson, collections_of, of_tenant, path_of};
use crate::input::http::{Repeat, ServerOptions, escaped};
use crate::record::{CollectionInfo, CollectionName, Counts, DatabaseName, Scope, TenantName};
use crate::store::{DatabaseInfo, NewCollection};

/// A server of huedb, or any that speaks Chroma's API.
///
/// ```no_run
/// use huedb::backend::{Backend, ServerBackend};
/// use huedb::input::ServerOptions;
/// use huedb::record::Scope;
///
/// let options = ServerOptions::default().with_token("hdb_...");
/// let server = ServerBackend::connect("http://localhost:8000", Scope::default(), &options)?;
/// for (collection, counts) in server.collections()? {
///     println!("{} {}", collection.name.as_str(), counts.records);
/// }
/// # Ok::<(), huedb::Error>(())
/// ```
#[derive(Clone)]
pub struct ServerBackend {
    connection: Arc<Connection>,
    scope: Scope,
}

impl ServerBackend {
    /// Takes an address, `http://host:8000` or `https://..`; it is asked when something is asked of it.
    ///
    /// # Errors
    /// [`Error::BadInput`] when the address is none or holds a password, or the authorities cannot be read.
    pub fn connect(address: &str, scope: Scope, options: &ServerOptions) -> Result<Self> {
        Ok(Self { connection: Arc::new(Connection::new(address, options)?), scope })
    }

    fn about(&self) -> About<'_> {
        About { scope: &self.scope, collection: None }
    }

    fn own_collections(&self) -> String {
        format!("{}/collections", own_path_of(&self.scope))
    }

    /// Sends what is done there, and takes whatever is answered.
    fn done(&self, method: Method, path: &str, body: Option<&Json>, repeat: Repeat) -> Result<()> {
        self.connection.call::<Json>(method, path, body, repeat, self.about()).map(drop)
    }

    fn is_chroma(&self) -> Result<bool> {
        Ok(self.connection.kind()? == ServerKind::Chroma)
    }

    fn chroma(&self, which: Which) -> ChromaRecords {
        ChromaRecords::new(Arc::clone(&self.connection), self.scope.clone(), which)
    }

    fn create_in_chroma(&self, name: &CollectionName, new: &NewCollection) -> Result<CollectionInfo> {
        let (path, body) = (format!("{}/collections", path_of(&self.scope)), creation(name, new)?);
        let made: Result<CollectionJson> =
            self.connection.call(Method::POST, &path, Some(&body), Repeat::Other, self.about());
        let no_words = || Error::argument(format!("{}, so a collection there cannot be hybrid", self.without_words()));
        let made = made.map_err(|error| {
            let says_so = new.bm25 && error.to_string().contains("Sparse vector indexing is not enabled");
            if says_so { no_words() } else { error }
        })?;
        let info = describe(&self.connection, &made)?.info;
        if new.bm25 && !info.bm25 {
            // It passed over what it does not know.
            self.done(Method::DELETE, &format!("{path}/{}", escaped(name.as_str())), None, Repeat::Other)?;
            return Err(no_words());
        }
        Ok(info)
    }

    fn without_words(&self) -> String {
        format!("{} is a Chroma server that keeps no index of words", self.connection.place)
    }

    fn unknown_to_chroma(&self, what: &str) -> Error {
        Error::argument(format!("Chroma's API has no way to {what}; {} is a Chroma server", self.connection.place))
    }

    fn make(&self, body: &MakeBody, repeat: Repeat) -> Result<Json> {
        self.connection.call(Method::POST, &self.own_collections(), Some(body), repeat, self.about())
    }

    fn tenant_path(&self) -> String {
        format!("/api/v2/tenants/{}", escaped(&self.scope.tenant))
    }
}

impl Backend for ServerBackend {
    fn place(&self) -> &Place {
        &self.connection.place
    }

    fn scope(&self) -> &Scope {
        &self.scope
    }

    fn in_scope(&self, scope: Scope) -> Arc<dyn Backend> {
        Arc::new(Self { connection: Arc::clone(&self.connection), scope })
    }

    fn collection(&self, which: Which) -> Arc<dyn Records> {
        let (connection, scope) = (Arc::clone(&self.connection), self.scope.clone());
        // What cannot be asked for its kind fails at the first call all the same.
        match self.connection.kind() {
            Ok(ServerKind::Chroma) => Arc::new(ChromaRecords::new(connection, scope, which)),
            Ok(ServerKind::Huedb) | Err(_) => Arc::new(OwnRecords::new(connection, scope, which)),
        }
    }

    fn facts(&self) -> Result<PlaceFacts> {
        if self.is_chroma()? {
            let version: String = self.connection.get("/api/v2/version", self.about())?;
            let collections = self.collections()?;
            return Ok(PlaceFacts {
                made_by: format!("Chroma's API {version}"),
                collections: collections.len() as u64,
                records: collections.iter().map(|(_, counts)| counts.records).sum(),
                more: vec![("server", "Chroma".to_owned()), ("database", self.scope.database.clone())],
                ..PlaceFacts::default()
            });
        }
        let info: Json = self.connection.get("/huedb/v1/info", self.about())?;
        let number = |name: &str| info.get(name).and_then(Json::as_u64);
        let text = |name: &str| info.get(name).and_then(Json::as_str).unwrap_or_default();
        let is_so = |name: &str| info.get(name).and_then(Json::as_bool).unwrap_or_default();
        let mut more = vec![("server", "huedb".to_owned()), ("version", text("version").to_owned())];
        if is_so("read_only") {
            more.push(("read_only", "true".to_owned()));
        }
        Ok(PlaceFacts {
            id: Uuid::try_parse(text("file_id")).ok(),
            made_by: format!("huedb {}", text("version")),
            format: number("format").and_then(|format| u32::try_from(format).ok()),
            bytes: number("bytes"),
            collections: number("collections").unwrap_or_default(),
            records: number("records").unwrap_or_default(),
            more,
            file: None,
        })
    }

    fn tenants(&self) -> Result<Vec<String>> {
        if self.is_chroma()? {
            return Err(self.unknown_to_chroma("list tenants"));
        }
        self.connection.get("/huedb/v1/tenants", self.about())
    }

    fn create_tenant(&self, name: &TenantName) -> Result<()> {
        self.done(Method::POST, "/api/v2/tenants", Some(&json!({ "name": name.as_str() })), Repeat::Other)
    }

    fn drop_tenant(&self, name: &str) -> Result<usize> {
        if self.is_chroma()? {
            return Err(self.unknown_to_chroma("remove a tenant"));
        }
        let path = format!("/huedb/v1/tenants/{}", escaped(name));
        let scope = Scope { tenant: name.to_owned(), ..self.scope.clone() };
        let about = About { scope: &scope, collection: None };
        self.connection.call(Method::DELETE, &path, None::<&()>, Repeat::Other, about)
    }

    fn databases(&self) -> Result<Vec<DatabaseInfo>> {
        let found = of_tenant(&self.connection.http, &self.scope.tenant).or_else(|error| {
            // What is missing is said by its own path.
            self.connection.get::<serde_json::Value>(&self.tenant_path(), self.about())?;
            Err(error)
        })?;
        let tenant = || self.scope.tenant.clone();
        Ok(found.into_iter().map(|DatabaseJson { id, name }| DatabaseInfo { id, name, tenant: tenant() }).collect())
    }

    fn create_database(&self, name: &DatabaseName) -> Result<DatabaseInfo> {
        let body = json!({ "name": name.as_str() });
        self.done(Method::POST, &format!("{}/databases", self.tenant_path()), Some(&body), Repeat::Other)?;
        let path = format!("{}/databases/{}", self.tenant_path(), escaped(name.as_str()));
        let DatabaseJson { id, name } = self.connection.get(&path, self.about())?;
        Ok(DatabaseInfo { id, name, tenant: self.scope.tenant.clone() })
    }

    fn drop_database(&self, name: &str) -> Result<usize> {
        let there = Self { scope: Scope { database: name.to_owned(), ..self.scope.clone() }, ..self.clone() };
        let collections = there.collections()?.len();
        there.done(Method::DELETE, &path_of(&there.scope), None, Repeat::Other)?;
        Ok(collections)
    }

    fn collections(&self) -> Result<Vec<(CollectionInfo, Counts)>> {
        if !self.is_chroma()? {
            return self.connection.get(&self.own_collections(), self.about());
        }
        let mut found = Vec::new();
        for json in collections_of(&self.connection.http, &self.scope)? {
            let info = describe(&self.connection, &json)?.info;
            let records = self.chroma(Which::Id(info.id)).counted()?;
            found.push((info, Counts { records, ..Counts::default() }));
        }
        Ok(found)
    }

    fn name_by_id(&self, id: Uuid) -> Result<Option<String>> {
        name_by_id(&self.connection, &self.scope, id)
    }

    fn create_collection(&self, name: CollectionName, new: NewCollection) -> Result<CollectionInfo> {
        if self.is_chroma()? {
            return self.create_in_chroma(&name, &new);
        }
        let made = self.make(&MakeBody::New(name, Box::new(new)), Repeat::Other)?;
        serde_json::from_value(made).map_err(|error| Error::argument(error.to_string()))
    }

    fn adopt_collection(&self, info: CollectionInfo) -> Result<()> {
        if self.is_chroma()? {
            // Chroma gives its collections an identity itself.
            let CollectionInfo { name, space, embedder, metadata, hnsw, chroma, bm25, sparse, client, .. } = info;
            let new = NewCollection {
                space,
                embedder,
                metadata,
                hnsw,
                chroma,
                bm25,
                sparse,
                client,
                ..NewCollection::default()
            };
            return self.create_in_chroma(&name, &new).map(drop);
        }
        self.make(&MakeBody::Adopt(Box::new(info)), Repeat::Same).map(drop)
    }

    fn drop_collection(&self, name: &str) -> Result<(CollectionInfo, Counts)> {
        let (info, counts) = if self.is_chroma()? {
            let records = self.chroma(name.into());
            (records.described()?.info, Counts { records: records.counted()?, ..Counts::default() })
        } else {
            let whole = OwnRecords::new(Arc::clone(&self.connection), self.scope.clone(), name.into()).whole()?;
            (whole.info, whole.counts)
        };
        let path = format!("{}/collections/{}", path_of(&self.scope), escaped(name));
        self.done(Method::DELETE, &path, None, Repeat::Other)?;
        Ok((info, counts))
    }

    fn reset(&self) -> Result<()> {
        self.done(Method::POST, "/api/v2/reset", None, Repeat::Same)
    }
}
