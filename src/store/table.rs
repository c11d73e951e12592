//! The file on one page: every table, its key and its value.
//!
//! Keys are big-endian, so that byte order is their order; stored numbers are little-endian. Values stay at or
//! under [`MAX_VALUE_BYTES`]: redb gives a large value one page of the next power of two. `v` is the number that the
//! embeddings of collection c stand under: c until they are made anew by another model, which takes a new number.
//!
//! | table | key | value |
//! |---|---|---|
//! | `meta` | name | format version (u32), version of the writer, uuid of the file |
//! | `tenants` | tenant | nothing; the table is absent until it is needed |
//! | `databases` | tenant, database | uuid; the table is absent until it is needed |
//! | `tokens` | id of the token | who has it and what for, JSON ([`crate::record::Token`]); the table is absent until it is needed |
//! | `collections` | tenant, database, name | collection number c |
//! | `collection` | c | settings and counters, JSON ([`super::catalog::Entry`]) |
//! | `ids` | c, id | ordinal r |
//! | `records` | c, r | id, document, uri, metadata ([`super::record`]) |
//! | `dictionaries` | c | checksum, and what long documents of the collection are packed with ([`super::packing`]); absent until it is needed |
//! | `spare dictionaries` | c | the same: no damaged page takes both |
//! | `vectors` | v, r / rows per block | rows of f32 or f16, as many as fit a 32 KiB page ([`super::vector`]) |
//! | `segments` | v, first r | sealed i8 rows ([`super::segment`]) |
//! | `centres` | v, n | the n-th point that rows of segments are coded around ([`super::centre`]); absent until it is needed |
//! | `sketch` | v, first r | the signs of a segment, above 50,000 rows ([`super::sketch`]) |
//! | `dead` | c | roaring bitmap of deleted ordinals |
//! | `stale` | c | roaring bitmap of ordinals whose embedding changed since the graph was built; under the v of embeddings on their way: whose document changed since it was embedded |
//! | `postings` | c, metadata key, typed value, r / 65,536 | set of r % 65,536 ([`super::posting`]) |
//! | `terms` | c, field, term, first r | up to 512 records that hold a term, and its weight in each ([`super::terms`]) |
//! | `graph` | c, chunk | the `USearch` graph, in chunks with a checksum each |
//! | `clusters` | n, part | under a number n of their own: what is known of each cluster, their centres, and for each the signs of its rows in chunks ([`super::clusters`]); absent until it is needed |
//!
//! Version 3 knew no `dictionaries` and no packed documents; compacting its files packs them.
//! Version 2 knew f32 alone, and no `clusters`; its files are what they would be now.
//! Version 1 had no `centres`, segments without bounds, and a table `tail` of rows not yet sealed. Its files are read; the
//! rows of a collection are sealed anew when it is next written, and those of all when the file is compacted.

use redb::{TableDefinition, TableHandle};

use crate::record::Ordinal;

/// The version of everything described here; a file of a later one is refused.
pub const FORMAT_VERSION: u32 = 4;

/// The longest value that fits a 1 MiB page of redb with its key.
pub const MAX_VALUE_BYTES: usize = (1 << 20) - 64;

/// The number of a collection inside its file, or of embeddings; never used again once dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct CollectionNumber(pub(crate) u32);

/// A collection number and a number within the collection: an ordinal, a block, a chunk.
pub(crate) type PairKey = [u8; 12];

pub(crate) const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta");
pub(crate) const TENANTS: TableDefinition<&str, ()> = TableDefinition::new("tenants");
pub(crate) const DATABASES: TableDefinition<(&str, &str), &[u8; 16]> = TableDefinition::new("databases");
pub(crate) const TOKENS: TableDefinition<&str, &[u8]> = TableDefinition::new("tokens");
pub(crate) const COLLECTIONS: TableDefinition<(&str, &str, &str), &[u8; 4]> = TableDefinition::new("collections");
pub(crate) const COLLECTION: TableDefinition<&[u8; 4], &[u8]> = TableDefinition::new("collection");
pub(crate) const IDS: TableDefinition<&[u8], &[u8; 8]> = TableDefinition::new("ids");
pub(crate) const RECORDS: TableDefinition<&PairKey, &[u8]> = TableDefinition::new("records");
/// Two copies of every dictionary, each in a table of its own.
pub(crate) const DICTIONARIES: [TableDefinition<&[u8; 4], &[u8]>; 2] =
    [TableDefinition::new("dictionaries"), TableDefinition::new("spare dictionaries")];
pub(crate) const VECTORS: TableDefinition<&PairKey, &[u8]> = TableDefinition::new("vectors");
/// Only in files of version 1.
pub(crate) const TAIL: TableDefinition<&PairKey, &[u8]> = TableDefinition::new("tail");
pub(crate) const SEGMENTS: TableDefinition<&PairKey, &[u8]> = TableDefinition::new("segments");
pub(crate) const CENTRES: TableDefinition<&PairKey, &[u8]> = TableDefinition::new("centres");
pub(crate) const SKETCH: TableDefinition<&PairKey, &[u8]> = TableDefinition::new("sketch");
pub(crate) const DEAD: TableDefinition<&[u8; 4], &[u8]> = TableDefinition::new("dead");
pub(crate) const STALE: TableDefinition<&[u8; 4], &[u8]> = TableDefinition::new("stale");
pub(crate) const POSTINGS: TableDefinition<&[u8], &[u8]> = TableDefinition::new("postings");
pub(crate) const TERMS: TableDefinition<&[u8], &[u8]> = TableDefinition::new("terms");
pub(crate) const GRAPH: TableDefinition<&PairKey, &[u8]> = TableDefinition::new("graph");
pub(crate) const CLUSTERS: TableDefinition<&PairKey, &[u8]> = TableDefinition::new("clusters");

/// The tables whose keys begin with the number that a collection's embeddings stand under.
pub(crate) const ROWS: [TableDefinition<&PairKey, &[u8]>; 4] = [VECTORS, SEGMENTS, CENTRES, SKETCH];

/// Returns whether all that a table holds can be computed again from the others; tables of redb's own can too, and of
/// the two tables of dictionaries each can be made of the other.
pub(crate) fn is_derived(table: &str) -> bool {
    let truth = [
        META.name(),
        TENANTS.name(),
        DATABASES.name(),
        TOKENS.name(),
        COLLECTIONS.name(),
        COLLECTION.name(),
        RECORDS.name(),
        VECTORS.name(),
    ];
    !truth.contains(&table)
}

/// The names under which `meta` keeps its values.
pub(crate) mod meta {
    pub(crate) const FORMAT: &str = "format";
    pub(crate) const CREATED_BY: &str = "created by";
    pub(crate) const FILE_ID: &str = "file id";
    pub(crate) const NEXT_COLLECTION: &str = "next collection";
}

impl CollectionNumber {
    pub(crate) fn key(self) -> [u8; 4] {
        self.0.to_be_bytes()
    }

    /// The key of number `n` of this collection.
    pub(crate) fn pair(self, n: u64) -> PairKey {
        let mut key = [0; 12];
        let (c, rest) = key.split_at_mut(4);
        c.copy_from_slice(&self.key());
        rest.copy_from_slice(&n.to_be_bytes());
        key
    }

    /// The key of a record id.
    pub(crate) fn id_key(self, id: &str) -> Vec<u8> {
        [&self.key(), id.as_bytes()].concat()
    }

    /// A key before and a key after everything that starts with this collection's number.
    pub(crate) fn prefix(self) -> (Vec<u8>, Vec<u8>) {
        (self.key().to_vec(), (u64::from(self.0) + 1).to_be_bytes().into_iter().skip(4).collect())
    }
}

/// The number within the collection that a [`PairKey`] ends with.
pub(crate) fn pair_number(key: &PairKey) -> u64 {
    let [_, _, _, _, n @ ..] = *key;
    u64::from_be_bytes(n)
}

/// The ordinal that a [`PairKey`] ends with.
pub(crate) fn pair_ordinal(key: &PairKey) -> Ordinal {
    Ordinal(pair_number(key))
}
