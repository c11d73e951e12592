//! What the old file says of its collections, as far as it can be read.

use std::collections::BTreeMap;

use redb::{Key, TableDefinition, TableHandle, Value};

use crate::error::Result;
use crate::record::Scope;
use crate::store::catalog::CatalogEntry;
use crate::store::packing::Dictionary;
use crate::store::page::{PageState, Tree, TreeShape};
use crate::store::panic_guard::guarded;
use crate::store::table::{self, CollectionNumber};

/// A collection of the old file.
pub(super) struct OldCollection {
    pub(super) scope: Scope,
    pub(super) name: String,
    /// Its settings and counters; `None` when they cannot be read.
    pub(super) entry: Option<CatalogEntry>,
    /// Whether name and settings come from sound pages.
    pub(super) is_certain: bool,
}

/// The small tables of the old file.
#[derive(Default)]
pub(super) struct OldCatalogue {
    pub(super) meta: BTreeMap<String, Vec<u8>>,
    pub(super) tenants: Vec<String>,
    pub(super) databases: Vec<((String, String), [u8; 16])>,
    /// Of sound pages alone: what a damaged one says of rights is not to be believed.
    pub(super) tokens: Vec<(String, Vec<u8>)>,
    pub(super) collections: BTreeMap<CollectionNumber, OldCollection>,
    /// Of each collection one that is whole, from whichever table.
    pub(super) dictionaries: BTreeMap<CollectionNumber, Dictionary>,
}

/// Returns whether a page's table is this one.
pub(super) fn is<K: Key + 'static, V: Value + 'static>(shape: &TreeShape, table: TableDefinition<K, V>) -> bool {
    !shape.is_system && !shape.holds_tables && shape.table == table.name()
}

/// Reads a value that may come from a damaged page, which redb's own types would trust.
fn read<V: Value, T>(bytes: &[u8], take: impl FnOnce(V::SelfType<'_>) -> T) -> Option<T> {
    guarded(|| Ok::<_, crate::error::Error>(take(V::from_bytes(bytes)))).ok()
}

impl OldCatalogue {
    pub(super) fn read(tree: &Tree) -> Result<Self> {
        let mut found = Self::default();
        let mut names = BTreeMap::new();
        let mut entries = BTreeMap::new();
        let wanted = |shape: &TreeShape| {
            is(shape, table::META)
                || is(shape, table::TENANTS)
                || is(shape, table::DATABASES)
                || is(shape, table::TOKENS)
                || is(shape, table::COLLECTIONS)
                || is(shape, table::COLLECTION)
                || table::DICTIONARIES.iter().any(|table| is(shape, *table))
        };
        tree.walk(true, &wanted, &mut |page| {
            let is_certain = page.state != PageState::Damaged;
            for (key, value) in page.rows() {
                if is(page.shape, table::META) {
                    found.meta.extend(read::<&str, _>(key, str::to_owned).map(|name| (name, value.to_vec())));
                } else if is(page.shape, table::TENANTS) {
                    found.tenants.extend(read::<&str, _>(key, str::to_owned));
                } else if is(page.shape, table::DATABASES) {
                    let key = read::<(&str, &str), _>(key, |(tenant, name)| (tenant.to_owned(), name.to_owned()));
                    found.databases.extend(key.zip(value.try_into().ok()));
                } else if is(page.shape, table::TOKENS) {
                    let id = read::<&str, _>(key, str::to_owned).filter(|_| is_certain);
                    found.tokens.extend(id.map(|id| (id, value.to_vec())));
                } else if is(page.shape, table::COLLECTIONS) {
                    let key = read::<(&str, &str, &str), _>(key, |(tenant, database, name)| {
                        (Scope { tenant: tenant.to_owned(), database: database.to_owned() }, name.to_owned())
                    });
                    names.extend(value.try_into().ok().map(u32::from_be_bytes).zip(key.map(|key| (key, is_certain))));
                } else if is(page.shape, table::COLLECTION) {
                    let number: Option<u32> = key.try_into().ok().map(u32::from_be_bytes);
                    entries.extend(number.zip(CatalogEntry::decode(value, "").ok().map(|entry| (entry, is_certain))));
                } else {
                    let number = key.try_into().ok().map(u32::from_be_bytes).map(CollectionNumber);
                    found.dictionaries.extend(number.zip(Dictionary::from_bytes(value).ok()));
                }
            }
            Ok(())
        })?;
        for (number, ((scope, name), name_is_certain)) in names {
            let (entry, entry_is_certain) = entries.remove(&number).map_or((None, true), |(e, c)| (Some(e), c));
            let is_certain = name_is_certain && entry_is_certain;
            found.collections.insert(CollectionNumber(number), OldCollection { scope, name, entry, is_certain });
        }
        for (number, (entry, _)) in entries {
            // The settings know the name, but not the database.
            let (scope, name) = (Scope::default(), entry.info.name.to_string());
            let entry = Some(entry);
            found.collections.insert(CollectionNumber(number), OldCollection { scope, name, entry, is_certain: false });
        }
        found.name_apart();
        Ok(found)
    }

    /// Renames collections whose name is taken, which can only be the result of damage.
    fn name_apart(&mut self) {
        let mut taken = std::collections::BTreeSet::new();
        for (number, found) in &mut self.collections {
            let key =
                |found: &OldCollection| (found.scope.tenant.clone(), found.scope.database.clone(), found.name.clone());
            if crate::record::CollectionName::parse(&found.name).is_err() || !taken.insert(key(found)) {
                found.name = format!("recovered-{}", number.0);
                found.is_certain = false;
                taken.insert(key(found));
            }
        }
    }
}
