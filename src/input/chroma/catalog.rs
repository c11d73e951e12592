//! The tenants, databases and collections of a Chroma folder, out of its database.
//!
//! Invariant: of columns and tables that came with later versions none is needed.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use serde_json::Value as Json;
use uuid::Uuid;

use super::found::{FoundCollection, Noticed};
use super::selection::Selection;
use super::settings::{ParsedSettings, settings};
use super::values::{LeftOut, MetadataEntry, Said};
use crate::error::{Error, Result};
use crate::input::sqlite::SqliteFile;
use crate::record::{ClientSettings, CollectionInfo, CollectionName, DumpLine, IndexMode, Scope};

const COLUMNS: [[&str; 2]; 7] = [
    ["collections", "name"],
    ["collection_metadata", "str_value"],
    ["segments", "scope"],
    ["embeddings", "embedding_id"],
    ["embedding_metadata", "bool_value"],
    ["embeddings_queue", "topic"],
    ["max_seq_id", "seq_id"],
];
const HINT: &str = "a folder that Chroma 0.4 or later wrote has them in its chroma.sqlite3";

/// Id, name, dimension, database, topic, configuration and schema of a collection.
type CollectionRow = (String, String, Option<i64>, String, String, Option<String>, Option<String>);

/// A collection and where its parts are.
pub(super) struct StoredCollection {
    pub(super) found: FoundCollection,
    /// The names of its segments: the one of its records, the one of its vectors.
    pub(super) records: Option<String>,
    pub(super) vectors: Option<String>,
    /// What its operations go by in the queue.
    pub(super) topic: String,
    /// The metadata keys that its records were ever given, where Chroma notes them: since before it had arrays.
    pub(super) keys: Option<HashSet<String>>,
}

/// Everything that is wanted of a folder, in the order it is told.
pub(super) struct Catalog {
    pub(super) lines: Vec<DumpLine>,
    pub(super) collections: Vec<StoredCollection>,
}

impl Catalog {
    pub(super) fn read(database: &SqliteFile, selection: &Selection, noticed: &mut Noticed) -> Result<Self> {
        database.check_columns(&COLUMNS, "a database of Chroma", Some(HINT))?;
        let scopes = scopes(database)?;
        let collections = collections(database, &scopes, selection, noticed)?;
        if collections.is_empty() && !selection.is_everything() {
            let here = |scope: &Scope| *scope == selection.scope;
            let sql = "SELECT name, database_id FROM collections ORDER BY name";
            let names: Vec<(String, String)> = database.all(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let known = names.into_iter().filter(|(_, id)| scopes.get(id).is_some_and(|(scope, _)| here(scope)));
            return Err(selection.not_found(&database.shown(), &known.map(|(name, _)| name).collect::<Vec<_>>()));
        }
        let mut lines = Vec::new();
        if !database.columns("tenants")?.is_empty() {
            let tenants: Vec<String> = database.all("SELECT id FROM tenants ORDER BY id", [], |row| row.get(0))?;
            let used = |name: &str| collections.iter().any(|stored| stored.found.scope.tenant == name);
            let wanted = tenants.into_iter().filter(|name| *name != Scope::DEFAULT_TENANT);
            lines.extend(
                wanted.filter(|name| selection.is_everything() || used(name)).map(|name| DumpLine::Tenant { name }),
            );
        }
        let mut scopes: Vec<_> = scopes.into_values().collect();
        scopes.sort();
        for (scope, id) in scopes {
            let used = collections.iter().any(|stored| stored.found.scope == scope);
            if scope != Scope::default() && (used || selection.is_everything()) {
                let Scope { tenant, database } = scope;
                // A database may stand in a tenant that was never made.
                if tenant != Scope::DEFAULT_TENANT && !lines.contains(&DumpLine::Tenant { name: tenant.clone() }) {
                    lines.push(DumpLine::Tenant { name: tenant.clone() });
                }
                lines.push(DumpLine::Database { tenant, name: database, id });
            }
        }
        Ok(Self { lines, collections })
    }
}

/// Reads the databases by their identity.
fn scopes(database: &SqliteFile) -> Result<BTreeMap<String, (Scope, Uuid)>> {
    if database.columns("databases")?.is_empty() {
        return Ok(BTreeMap::from([(String::new(), (Scope::default(), Uuid::nil()))]));
    }
    let rows: Vec<(String, String, String)> = database
        .all("SELECT id, name, tenant_id FROM databases", [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let scopes = rows.into_iter().map(|(id, name, tenant)| {
        let identity =
            Uuid::parse_str(&id).map_err(|e| database.bad(&format!("has a database of the id {id:?}: {e}"), None))?;
        Ok((id, (Scope { tenant, database: name }, identity)))
    });
    scopes.collect()
}

fn collections(
    database: &SqliteFile,
    scopes: &BTreeMap<String, (Scope, Uuid)>,
    selection: &Selection,
    noticed: &mut Noticed,
) -> Result<Vec<StoredCollection>> {
    let columns = database.columns("collections")?;
    let column =
        |name: &'static str, instead: &'static str| if columns.iter().any(|c| c == name) { name } else { instead };
    let sql = format!(
        "SELECT id, name, dimension, {}, {}, {}, {} FROM collections ORDER BY name",
        column("database_id", "''"),
        column("topic", "'persistent://default/default/' || id"),
        column("config_json_str", "NULL"),
        column("schema_str", "NULL"),
    );
    let rows: Vec<CollectionRow> = database.all(&sql, [], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?))
    })?;
    let mut found = Vec::new();
    for (id, name, dimension, of, topic, configuration, schema) in rows {
        let Some((scope, _)) = scopes.get(&of) else {
            return Err(database.bad(&format!("has a collection {name:?} in no database"), None));
        };
        if !selection.takes(&scope.tenant, &scope.database, &name) {
            continue;
        }
        let bad = |why: String| database.bad(&format!("collection {name:?}: {why}"), None);
        let mut left_out = LeftOut::default();
        let mut said = Said::default();
        said.take_scalars(metadata(database, &id)?, &mut left_out);
        noticed.others.extend(left_out.describe(&name));
        let metadata = Some(said.metadata).filter(|metadata| !metadata.is_empty());
        let json = |text: Option<String>| text.map(|text| serde_json::from_str::<Json>(&text)).transpose();
        let configuration = json(configuration).map_err(|e| bad(format!("its configuration is not JSON: {e}")))?;
        let schema = json(schema).map_err(|e| bad(format!("its schema is not JSON: {e}")))?;
        let settings = settings(configuration.as_ref(), schema.as_ref(), metadata.as_ref());
        noticed.settings(&name, &settings);
        let ParsedSettings { space, hnsw, chroma, .. } = settings;
        let segment = |scope: &str| {
            let sql = "SELECT id FROM segments WHERE collection = ?1 AND scope = ?2";
            database.first(sql, [id.as_str(), scope], |row| row.get::<_, String>(0))
        };
        let (records, vectors) = (segment("METADATA")?, segment("VECTOR")?);
        let sql = "SELECT count(*) FROM embeddings WHERE segment_id = ?1";
        let count = database.first(sql, [&records], |row| row.get::<_, i64>(0))?.map_or(0, i64::unsigned_abs);
        let info = CollectionInfo {
            id: Uuid::parse_str(&id).map_err(|e| bad(format!("its id {id:?} is not a UUID: {e}")))?,
            name: CollectionName::parse(&name).map_err(|e| bad(e.to_string()))?,
            metadata,
            space,
            dimension: dimension.and_then(|dimension| usize::try_from(dimension).ok()),
            precision: crate::record::EmbeddingPrecision::default(),
            embedder: None,
            hnsw,
            index: IndexMode::default(),
            chroma,
            bm25: false,
            sparse: None,
            client: ClientSettings::default(),
        };
        let keys = schema.as_ref().and_then(|schema| schema.get("keys")?.as_object());
        let keys = keys.map(|keys| keys.keys().cloned().collect());
        let found_here = FoundCollection { scope: scope.clone(), info, records: count };
        found.push(StoredCollection { found: found_here, records, vectors, topic, keys });
    }
    // As `export --all` tells them: by tenant, database and name.
    found.sort_by(|a, b| a.found.scope.cmp(&b.found.scope));
    Ok(found)
}

fn metadata(database: &SqliteFile, id: &str) -> Result<Vec<MetadataEntry>> {
    let bool = if database.columns("collection_metadata")?.iter().any(|column| column == "bool_value") {
        "bool_value"
    } else {
        "NULL"
    };
    let sql = format!(
        "SELECT key, str_value, int_value, float_value, {bool} FROM collection_metadata WHERE collection_id = ?1"
    );
    database.all(&sql, [id], MetadataEntry::read)
}

/// Returns the file of a folder, or says why it is none.
pub(super) fn file_of(folder: &Path) -> Result<std::path::PathBuf> {
    let file = folder.join("chroma.sqlite3");
    if file.is_file() {
        return Ok(file);
    }
    let (why, hint) = if folder.is_dir() {
        ("holds no chroma.sqlite3", "name the folder that Chroma was given as its path, written by Chroma 0.4 or later")
    } else if folder.exists() {
        ("is not a folder", "name the folder that has chroma.sqlite3 in it")
    } else {
        ("no such folder", "name the folder that has chroma.sqlite3 in it")
    };
    Err(Error::BadInput { source: folder.display().to_string(), why: why.into(), hint: Some(hint.into()) })
}
