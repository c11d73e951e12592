//! What was met over all inputs of one import: formats, types of columns, ids.
//!
//! Knows nothing of how inputs are read. Invariant: what stays of an id is its hash of 96 bits and its place, 16 bytes, so
//! that a million rows take some 40 MB.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::InputFormat;
use super::infer::Inferred;
use crate::error::{Advice, Error, Remark};
use crate::record::{NewRecord, Origin};

/// What happens to the rows of an id that comes again in one input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnDuplicate {
    /// The row is bad.
    Error,
    /// All of them are taken, one after the other, so that the last counts.
    #[default]
    Last,
    /// The row is left out.
    First,
}

named!(pub OnDuplicate { Error: "error", Last: "last", First: "first" });

/// What was met.
#[derive(Default)]
pub struct Met(Mutex<SeenIds>);

#[derive(Default)]
struct SeenIds {
    formats: BTreeMap<&'static str, (u64, String)>,
    columns: BTreeMap<String, (Inferred, String)>,
    /// Fields asked for by name: `None` where a row has it, else what was looked through first and what it has.
    sought: BTreeMap<String, Option<(String, String)>>,
    ids: Ids,
    repeats: Repeats,
}

/// The rows whose id came before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repeats {
    /// How many there are.
    pub rows: u64,
    /// The id that came again first, where it did, and where it stands the first time.
    pub first: Option<(String, Origin, String)>,
}

impl Met {
    fn state(&self) -> MutexGuard<'_, SeenIds> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes down what an input was taken for.
    pub(super) fn format(&self, format: InputFormat, source: &str) {
        let mut state = self.state();
        state.formats.entry(format.as_str()).or_insert_with(|| (0, source.to_owned())).0 += 1;
    }

    /// Says what inputs were taken for, where that was not the same for all.
    #[must_use]
    pub fn formats(&self) -> Option<String> {
        let state = self.state();
        let each = state.formats.iter().map(|(format, (count, first))| match *count {
            1 => format!("{first} as {format}"),
            count => format!("{count} as {format} ({first} and others)"),
        });
        (state.formats.len() > 1).then(|| format!("read {}", each.collect::<Vec<_>>().join(", ")))
    }

    /// Takes down which fields asked for by name an input has, and which it has not in any row.
    pub(super) fn sought<'a>(
        &self,
        source: &str,
        found: impl Iterator<Item = &'a str>,
        missing: &[String],
        fields: &str,
    ) {
        let mut state = self.state();
        state.sought.extend(found.map(|name| (name.to_owned(), None)));
        for name in missing {
            state.sought.entry(name.clone()).or_insert_with(|| Some((source.to_owned(), fields.to_owned())));
        }
    }

    /// Says which fields were asked for by name and are in no row of any input.
    #[must_use]
    pub fn not_found(&self) -> Vec<String> {
        let state = self.state();
        let missing = state.sought.iter().filter_map(|(name, missing)| Some((name, missing.as_ref()?)));
        missing
            .map(|(name, (source, fields))| {
                format!("no row has the field {name:?}; the first of {source} has {fields}")
            })
            .collect()
    }

    /// Takes down the type of a column; returns what is to be said when it had another in an earlier input.
    pub(super) fn column(&self, name: &str, inferred: Inferred, source: &str) -> Option<Remark> {
        match self.state().columns.entry(name.to_owned()) {
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert((inferred, source.to_owned()));
                None
            }
            std::collections::btree_map::Entry::Occupied(entry) => {
                let (before, first) = entry.get();
                (*before != inferred).then(|| {
                    let (here, there) = (inferred.as_str(), before.as_str());
                    let notice = format!("{source}: the column {name:?} is {here} here, but {there} in {first}");
                    Remark::with(notice, Advice::ReadAsText(name.to_owned()))
                })
            }
        }
    }

    /// Takes down a row's id; returns `None` when the row is to be left out.
    ///
    /// # Errors
    /// [`Error::BadRow`] when its id came before and that was to be one.
    pub fn row(&self, row: NewRecord, on_duplicate: OnDuplicate) -> Result<Option<NewRecord>, Error> {
        let mut state = self.state();
        let Some(before) = state.ids.place(row.id.as_str(), &row.origin) else { return Ok(Some(row)) };
        if on_duplicate == OnDuplicate::Error {
            return Err(Error::bad_row(
                row.origin.source,
                row.origin.line,
                format!("the id {:?} was already used at {before}", row.id.as_str()),
            ));
        }
        state.repeats.rows += 1;
        if state.repeats.first.is_none() {
            state.repeats.first = Some((row.id.as_str().to_owned(), row.origin.clone(), before));
        }
        Ok(Some(row).filter(|_| on_duplicate == OnDuplicate::Last))
    }

    /// Returns the rows whose id came before.
    #[must_use]
    pub fn repeats(&self) -> Repeats {
        self.state().repeats.clone()
    }
}

/// How many maps the ids are in.
const SHARDS: usize = 16;

type Shard = HashMap<[u32; 3], u32, BuildHasherDefault<Taken>>;

/// Ids and their places.
#[derive(Default)]
struct Ids {
    /// Each takes a twenty-third more of them than the one before, so that they double one after the other: never is most of the memory empty,
    /// nor copied at once.
    seen: [Shard; SHARDS],
    keys: (RandomState, RandomState),
    /// The inputs, and the place from which their lines count.
    sources: Vec<(std::sync::Arc<str>, u32)>,
    /// The place of the row before.
    last: u32,
}

impl Ids {
    /// Takes an id down; returns where it stands the first time when it came before.
    fn place(&mut self, id: &str, origin: &Origin) -> Option<String> {
        if self.sources.last().is_none_or(|(source, _)| *source != origin.source) {
            self.sources.push((std::sync::Arc::clone(&origin.source), self.last.saturating_add(1)));
        }
        let start = self.sources.last().map_or(0, |(_, start)| *start);
        // Of more lines than that the places are not right any more, the ids still are.
        let place = start.saturating_add(u32::try_from(origin.line).unwrap_or(u32::MAX));
        self.last = self.last.max(place);
        let hash = self.hash(id);
        match self.seen.get_mut(shard(hash))?.entry(hash) {
            Entry::Vacant(entry) => {
                entry.insert(place);
                None
            }
            Entry::Occupied(entry) => {
                let before = *entry.get();
                let at = self.sources.partition_point(|(_, start)| *start <= before).checked_sub(1)?;
                let (source, start) = self.sources.get(at)?;
                let line = u64::from(before - start);
                Some(Origin { source: std::sync::Arc::clone(source), line }.to_string())
            }
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "96 bits of 128")]
    fn hash(&self, id: &str) -> [u32; 3] {
        let (one, other) = (self.keys.0.hash_one(id), self.keys.1.hash_one(id));
        [one as u32, (one >> 32) as u32, other as u32]
    }
}

/// Returns which map an id is in.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "from 0 to 15"
)]
fn shard([.., last]: [u32; 3]) -> usize {
    let part = f64::from(last) / 4_294_967_296.0;
    (((1.0 + part).log2() * SHARDS as f64) as usize).min(SHARDS - 1)
}

/// Takes a hash for what it is.
#[derive(Default)]
struct Taken(u64);

impl Hasher for Taken {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // An array of integers comes as its length and its bytes.
        let word = bytes.first_chunk::<8>().map(|word| u64::from_le_bytes(*word));
        self.0 ^= word.unwrap_or_default();
    }

    fn write_usize(&mut self, _: usize) {}

    fn write_u32(&mut self, word: u32) {
        self.0 = self.0.rotate_left(32) ^ u64::from(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{MetadataPatch, RecordId};

    fn row(id: &str, source: &str, line: u64) -> NewRecord {
        NewRecord {
            id: RecordId::parse(id).unwrap(),
            embedding: None,
            embedded_here: false,
            document: None,
            uri: None,
            metadata: MetadataPatch::default(),
            part: None,
            origin: Origin { source: source.into(), line },
        }
    }

    #[test]
    fn an_id_that_comes_again_is_told_with_both_places() {
        let met = Met::default();
        let mut taken = Vec::new();
        for (id, source, line) in
            [("a", "x", 2), ("b", "x", 3), ("a", "x", 9), ("c", "y", 1), ("b", "y", 2), ("c", "x", 1), ("a", "z.md", 0)]
        {
            taken.push(met.row(row(id, source, line), OnDuplicate::First).unwrap().is_some());
        }
        assert_eq!(taken, [true, true, false, true, false, false, false]);
        let first = Origin { source: "x".into(), line: 9 };
        assert_eq!(met.repeats(), Repeats { rows: 4, first: Some(("a".into(), first, "x:2".into())) });
        let error = met.row(row("c", "w", 7), OnDuplicate::Error).unwrap_err().to_string();
        assert_eq!(error, "w:7: the id \"c\" was already used at y:1");
        assert!(met.row(row("c", "w", 8), OnDuplicate::Last).unwrap().is_some());
    }

    #[test]
    fn a_million_ids_are_all_different() {
        let mut ids = Ids::default();
        let origin = Origin { source: "x".into(), line: 1 };
        assert!((0..200_000).all(|i| ids.place(&format!("r{i}"), &origin).is_none()));
        assert!((0..200_000).all(|i| ids.place(&format!("r{i}"), &origin).is_some()));
    }

    #[test]
    fn never_is_most_of_the_memory_empty() {
        let mut ids = Ids::default();
        let origin = Origin { source: "x".into(), line: 1 };
        for i in 0..200_000 {
            ids.place(&format!("r{i}"), &origin);
            let room = ids.seen.iter().map(HashMap::capacity).sum::<usize>();
            assert!(i < 20_000 || 10 * room < 17 * i, "{room} places for {i} ids");
        }
    }

    #[test]
    fn mixed_formats_and_types_are_said() {
        let met = Met::default();
        met.format(InputFormat::Csv, "a.csv");
        met.format(InputFormat::Csv, "b.csv");
        assert_eq!(met.formats(), None);
        met.format(InputFormat::Text, "c.md");
        assert_eq!(met.formats().unwrap(), "read 2 as csv (a.csv and others), c.md as text");
        assert_eq!(met.column("zip", Inferred::Number, "a.csv"), None);
        assert_eq!(met.column("zip", Inferred::Number, "b.csv"), None);
        assert_eq!(
            met.column("zip", Inferred::Text, "c.csv").unwrap(),
            Remark::with(
                "c.csv: the column \"zip\" is text here, but numbers in a.csv",
                Advice::ReadAsText("zip".into())
            )
        );
    }
}
