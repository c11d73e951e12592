//! Collections brought from file to file and back: equal at the end, wherever the work was cut off.

use std::sync::Arc;

use serde_json::json;
use tempfile::TempDir;
use uuid::Uuid;

use super::*;
use crate::backend::FileBackend;
use crate::embed::HashEmbedder;
use crate::record::random::Random;
use crate::record::{CollectionInfo, DatabaseName, Metadata, Ordinal, RecordId, Scope, Space, TenantName};
use crate::store::{Access, Change, Mode, NewCollection, Options, Store};

const ROWS: u64 = 100;

/// A folder with files in it.
struct World(TempDir);

impl World {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn store(&self, name: &str) -> Store {
        Store::open_with(self.0.path().join(name), Access::Create, &Options::of_tests()).unwrap()
    }

    fn place(&self, name: &str) -> FileBackend {
        FileBackend::new(self.store(name))
    }

    /// A place with a collection of random records.
    fn filled(&self, name: &str, random: &mut Random) -> FileBackend {
        let place = self.place(name);
        let metadata = Metadata::from_json(json!({"about": "tests"})).unwrap();
        let new = NewCollection {
            metadata: Some(metadata),
            embedder: Some(crate::Embedder::fingerprint(&HashEmbedder::new(8)).clone()),
            bm25: true,
            ..NewCollection::default()
        };
        place.create_collection(CollectionName::parse("notes").unwrap(), new).unwrap();
        let changes: Vec<Change> = (0..ROWS).map(|i| change(i, random)).collect();
        place.collection("notes".into()).apply(changes, Mode::Add).unwrap();
        place
    }
}

/// A record whose id says nothing of its place in the order.
fn change(i: u64, random: &mut Random) -> Change {
    Change {
        id: RecordId::parse(format!("{:02}-{i}", i * 37 % ROWS)).unwrap(),
        embedding: Some(random.floats(8)),
        embedded_here: random.below(2) == 0,
        document: (random.below(4) > 0).then(|| format!("text {} of words", random.below(50))),
        uri: (random.below(4) == 0).then(|| format!("file:{i}")),
        metadata: Metadata::from_json(json!({"n": random.below(9), "w": 0.1, "tags": ["a", "b"]})).unwrap().into(),
    }
}

/// All that a dump says of a collection.
fn dump(place: &FileBackend, name: &str) -> (CollectionInfo, Vec<DumpRecord>) {
    let view = place.file().unwrap().view(name).unwrap();
    let records = view.live().iter().map(|ordinal| view.dump(Ordinal(ordinal)).unwrap()).collect();
    (view.info().clone(), records)
}

fn transfer<'a>(from: &'a dyn Backend, to: &'a dyn Backend) -> Transfer<'a> {
    Transfer { from, name: "notes", to, into: None, prune: false, dry_run: false, verify: true }
}

fn run(transfer: &Transfer) -> Result<Transferred> {
    transfer.run(&mut |_| Ok(()))
}

/// Ends a transfer after so many batches.
fn stopping_after(batches: u64) -> impl FnMut(TransferStep) -> Result<()> {
    let mut seen = 0;
    move |step| {
        seen += u64::from(matches!(step, TransferStep::Sent(_)));
        if seen == batches { Err(Error::Interrupted) } else { Ok(()) }
    }
}

/// Changes, adds and deletes some records.
fn stir(place: &FileBackend, random: &mut Random, more: u64) {
    let records = place.collection("notes".into());
    let changes: Vec<Change> = (0..more).map(|i| change(random.below(2) * 1000 + i, random)).collect();
    records.apply(changes, Mode::Upsert).unwrap();
    let (_, all) = dump(place, "notes");
    let ids = (0..3).map(|_| random.pick(&all).record.id.clone()).collect();
    records.delete_where(&RecordQuery { ids: Some(ids), ..RecordQuery::default() }).unwrap();
}

#[test]
fn there_and_back_is_the_same_collection() {
    let (world, mut random) = (World::new(), Random::new());
    let (from, to, back) = (world.filled("a", &mut random), world.place("b"), world.place("c"));
    let done = run(&transfer(&from, &to)).unwrap();
    assert_eq!((done.is_new, done.added, done.replaced, done.unchanged), (true, ROWS, 0, 0));
    assert_eq!(dump(&to, "notes"), dump(&from, "notes"));
    run(&transfer(&to, &back)).unwrap();
    assert_eq!(dump(&back, "notes"), dump(&from, "notes"));
    let again = run(&transfer(&from, &to)).unwrap();
    assert_eq!((again.is_new, again.added, again.replaced, again.unchanged), (false, 0, 0, ROWS));
    for place in [to, back] {
        assert_eq!(place.file().unwrap().check(None, crate::store::Depth::Deep).unwrap(), []);
    }
}

#[test]
fn only_what_differs_travels_and_only_prune_deletes() {
    let (world, mut random) = (World::new(), Random::new());
    let (from, to) = (world.filled("a", &mut random), world.place("b"));
    run(&transfer(&from, &to)).unwrap();
    for more in [0, 1, 5, 80] {
        stir(&from, &mut random, more);
        let own = change(5_000 + more, &mut random);
        to.collection("notes".into()).apply(vec![own], Mode::Add).unwrap();
        let said = run(&Transfer { dry_run: true, ..transfer(&from, &to) }).unwrap();
        let before = dump(&to, "notes");
        let mut sent = 0;
        let mut count = |step| {
            sent += if let TransferStep::Sent(rows) = step { rows } else { 0 };
            Ok(())
        };
        let done = transfer(&from, &to).run(&mut count).unwrap();
        assert_eq!(said, done);
        assert_eq!(sent, done.added + done.replaced);
        assert!(done.kept > 0 && done.deleted == 0);
        // What was there keeps its place, and what is new comes last, in the order of the source.
        let ids = |place| dump(place, "notes").1.into_iter().map(|it| it.record.id).collect::<Vec<_>>();
        let old: Vec<RecordId> = before.1.into_iter().map(|it| it.record.id).collect();
        let new = ids(&from).into_iter().filter(|id| !old.contains(id));
        assert_eq!(ids(&to), old.iter().cloned().chain(new).collect::<Vec<_>>());
        let kept = done.kept;
        let done = run(&Transfer { prune: true, ..transfer(&from, &to) }).unwrap();
        assert_eq!((done.deleted, done.kept, done.added, done.replaced), (kept, 0, 0, 0));
        let sorted = |place| {
            let mut records = dump(place, "notes").1;
            records.sort_by(|a, b| a.record.id.cmp(&b.record.id));
            records.into_iter().map(|it| it.record).collect::<Vec<_>>()
        };
        assert_eq!(sorted(&to), sorted(&from));
    }
}

#[test]
fn a_transfer_that_was_cut_off_goes_on() {
    let (world, mut random) = (World::new(), Random::new());
    let from = world.filled("a", &mut random);
    let mut batches = 0;
    loop {
        batches += 1;
        let to = world.place(&format!("to-{batches}"));
        match transfer(&from, &to).run(&mut stopping_after(batches)) {
            Ok(_) => break,
            Err(error) => assert!(matches!(error, Error::Interrupted), "{error}"),
        }
        let (_, arrived) = dump(&to, "notes");
        assert_eq!(arrived, dump(&from, "notes").1[..arrived.len()], "{batches}");
        let done = run(&transfer(&from, &to)).unwrap();
        assert_eq!((done.added, done.unchanged), (ROWS - arrived.len() as u64, arrived.len() as u64));
        assert_eq!(dump(&to, "notes"), dump(&from, "notes"), "{batches}");
    }
    assert!(batches > 5, "{batches}");
}

#[test]
fn two_at_once_double_nothing() {
    let (world, mut random) = (World::new(), Random::new());
    let (from, to) = (world.filled("a", &mut random), world.place("b"));
    std::thread::scope(|scope| {
        let both = [(), ()].map(|()| scope.spawn(|| run(&transfer(&from, &to)).unwrap()));
        let _ = both.map(|one| one.join().unwrap());
    });
    assert_eq!(dump(&to, "notes"), dump(&from, "notes"));
}

#[test]
fn another_collection_another_model_or_another_space_is_refused() {
    let (world, mut random) = (World::new(), Random::new());
    let from = world.filled("a", &mut random);
    let refused = |new: CollectionInfo, into: Option<&str>| {
        let to = world.place(&format!("{}.redb", Uuid::new_v4()));
        to.adopt_collection(new).unwrap();
        let into = into.map(|name| CollectionName::parse(name).unwrap());
        run(&Transfer { into, ..transfer(&from, &to) }).unwrap_err().to_string()
    };
    let (own, _) = dump(&from, "notes");
    let model = own.embedder.clone().unwrap();
    let other = crate::Embedder::fingerprint(&HashEmbedder::new(16)).clone();
    assert!(
        refused(CollectionInfo { id: Uuid::new_v4(), ..own.clone() }, None).contains("has another collection named")
    );
    let renamed = CollectionInfo { name: CollectionName::parse("others").unwrap(), ..own.clone() };
    assert!(refused(renamed, None).contains("already, under the name \"others\""));
    for into in [None, Some("notes")] {
        let with = CollectionInfo { embedder: Some(other.clone()), dimension: Some(16), ..own.clone() };
        let error = refused(with, into);
        assert!(error.contains("hash-8 (8 dimensions)") && error.contains("hash-16 (16 dimensions)"), "{error}");
        let error = refused(CollectionInfo { embedder: None, ..own.clone() }, into);
        assert!(error.contains(&model.model) && error.contains("none"), "{error}");
        let error = refused(CollectionInfo { space: Space::Ip, ..own.clone() }, into);
        assert!(error.contains("cosine") && error.contains("ip"), "{error}");
    }
    // Who names a collection that is there means it.
    let to = world.place("named");
    to.adopt_collection(CollectionInfo { id: Uuid::new_v4(), ..own }).unwrap();
    let into = Some(CollectionName::parse("notes").unwrap());
    assert_eq!(run(&Transfer { into, ..transfer(&from, &to) }).unwrap().added, ROWS);
}

#[test]
fn a_dry_run_makes_nothing_and_an_empty_source_deletes_nothing() {
    let (world, mut random) = (World::new(), Random::new());
    let (from, to) = (world.filled("a", &mut random), world.place("b"));
    let said = run(&Transfer { dry_run: true, ..transfer(&from, &to) }).unwrap();
    assert_eq!((said.is_new, said.added), (true, ROWS));
    assert!(to.collections().unwrap().is_empty());
    run(&transfer(&from, &to)).unwrap();
    from.collection("notes".into()).delete_where(&RecordQuery::default()).unwrap();
    let refused = run(&Transfer { prune: true, ..transfer(&from, &to) }).unwrap_err().to_string();
    assert!(refused.contains("has no records"), "{refused}");
    assert_eq!(run(&transfer(&from, &to)).unwrap().kept, ROWS);
}

#[test]
fn databases_of_every_tenant_come_over_with_their_identity() {
    let (world, mut random) = (World::new(), Random::new());
    let (from, to) = (world.filled("a", &mut random), world.place("b"));
    from.create_tenant(&TenantName::parse("acme").unwrap()).unwrap();
    let scope = Scope { tenant: "acme".into(), database: "staging".into() };
    let staging: Arc<dyn Backend> = from.in_scope(scope.clone());
    staging.create_database(&DatabaseName::parse("staging").unwrap()).unwrap();
    for scope in scopes(&from).unwrap() {
        make_scope(from.in_scope(scope.clone()).as_ref(), to.in_scope(scope).as_ref()).unwrap();
    }
    assert_eq!(to.in_scope(scope).databases().unwrap(), staging.databases().unwrap());
    assert_eq!(scopes(&to).unwrap(), scopes(&from).unwrap());
}
