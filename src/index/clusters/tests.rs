//! Clusters while records change, builds that are interrupted or come too late, and damage to every part.

use std::ops::ControlFlow;

use redb::{ReadableTable, WriteTransaction};
use roaring::RoaringTreemap;
use tempfile::TempDir;

use super::{build_clusters, nearest_in_clusters};
use crate::error::{Error, Result};
use crate::index::{Allowed, rank_all, unwatched};
use crate::record::random::Random;
use crate::record::{CollectionName, MetadataPatch, Ordinal, RecordId, Space};
use crate::store::{Access, CLUSTERS, Change, ClusterReader, Collection, Depth, Mode, NewCollection, Options, Store};

const DIMENSION: usize = 48;
const ROWS: usize = 900;

fn id(row: usize) -> RecordId {
    RecordId::parse(format!("r{row}")).unwrap()
}

fn change(row: usize, embedding: Vec<f32>) -> Change {
    let metadata = MetadataPatch::default();
    Change { id: id(row), embedding: Some(embedding), embedded_here: false, document: None, uri: None, metadata }
}

/// Rows near one of some points.
fn embedding(random: &mut Random) -> Vec<f32> {
    let of_point = random.below(30);
    let point = (0..DIMENSION as u64).map(|at| ((of_point * 37 + at * at * 11) as f32).sin());
    point.zip(random.floats(DIMENSION)).map(|(x, noise)| x + 0.5 * noise).collect()
}

fn notes(random: &mut Random, space: Space) -> (TempDir, Store, Collection) {
    let folder = TempDir::new().unwrap();
    let store = Store::open_in_test(folder.path().join("test.redb"), Access::Create).unwrap();
    let new = NewCollection { space, ..NewCollection::default() };
    store.create_collection(CollectionName::parse("notes").unwrap(), new).unwrap();
    let notes = store.collection("notes").unwrap();
    notes.add((0..ROWS).map(|row| change(row, embedding(random)))).unwrap();
    (folder, store, notes)
}

/// How many parts are stored.
fn parts(store: &Store) -> usize {
    let mut count = 0;
    let look = |tx: &WriteTransaction| {
        count = tx.open_table(CLUSTERS)?.iter()?.count();
        Ok(())
    };
    store.write(look).unwrap();
    count
}

/// Returns the share of the ten nearest that is found.
fn recall(notes: &Collection, random: &mut Random) -> f64 {
    let view = notes.view().unwrap();
    let questions: Vec<Vec<f32>> = (0..100).map(|_| embedding(random)).collect();
    let questions: Vec<&[f32]> = questions.iter().map(Vec::as_slice).collect();
    let exact = rank_all(&view, &questions, &view.live(), 10, 1).unwrap();
    let found = nearest_in_clusters(&view, &questions, Allowed::AllBut(view.dead()), 10, 2).unwrap().nearest;
    let mut same = 0;
    for (exact, found) in exact.iter().zip(&found) {
        assert_eq!(found.len(), 10);
        assert!(found.windows(2).all(|pair| pair[0].distance <= pair[1].distance), "{found:?}");
        same += found.iter().filter(|hit| exact.contains(hit)).count();
    }
    same as f64 / 1000.0
}

#[test]
fn what_changed_since_is_found_and_what_was_deleted_is_not() {
    let mut random = Random::new();
    for space in Space::ALL {
        let (_folder, store, notes) = notes(&mut random, space);
        let built = build_clusters(&notes, 2, &unwatched).unwrap().unwrap();
        assert!(built.clusters.recall().unwrap() > 0.97 && built.clusters.entries == 2 * ROWS as u64, "{built:?}");
        assert!(recall(&notes, &mut random) > 0.96, "{space}: {built:?}, {random:?}");
        notes.delete((0..50).map(id).collect::<Vec<_>>().iter()).unwrap();
        notes.apply((40..90).map(|row| change(row, embedding(&mut random))), Mode::Upsert).unwrap();
        notes.add((ROWS..ROWS + 40).map(|row| change(row, embedding(&mut random)))).unwrap();
        let view = notes.view().unwrap();
        assert_eq!(view.rows_moved().unwrap().len(), 40);
        for ordinal in &view.live() {
            let own = view.embedding(Ordinal(ordinal)).unwrap();
            let found = nearest_in_clusters(&view, &[&own], Allowed::AllBut(view.dead()), 1, 1).unwrap().nearest;
            // In ip a longer one may be nearer.
            let is_own = space == Space::Ip || found[0][0].ordinal == Ordinal(ordinal);
            assert!(is_own && !view.dead().contains(found[0][0].ordinal.0), "{ordinal}, {random:?}");
        }
        drop(view);
        assert!(recall(&notes, &mut random) > 0.96, "{space}, {random:?}");
        assert_eq!(store.check(None, Depth::Deep).unwrap(), []);
        let extended = build_clusters(&notes, 1, &unwatched).unwrap().unwrap();
        assert!(extended.extended && extended.added == 50, "{extended:?}");
        assert_eq!(store.check(None, Depth::Deep).unwrap(), []);
        assert!(recall(&notes, &mut random) > 0.96, "{space}, {random:?}");
        notes.delete((90..500).map(id).collect::<Vec<_>>().iter()).unwrap();
        let cleared = build_clusters(&notes, 1, &unwatched).unwrap().unwrap();
        assert!(cleared.extended && cleared.added == 0, "{cleared:?}");
        assert_eq!(cleared.clusters.rows, notes.count().unwrap());
        assert_eq!(store.check(None, Depth::Deep).unwrap(), []);
        store.drop_collection("notes").unwrap();
        assert_eq!(parts(&store), 0);
        assert_eq!(store.check(None, Depth::Deep).unwrap(), []);
    }
}

#[test]
fn clusters_that_grow_are_split_and_never_built_anew() {
    let mut random = Random::new();
    for space in Space::ALL {
        let (_folder, store, notes) = notes(&mut random, space);
        let first = build_clusters(&notes, 2, &unwatched).unwrap().unwrap().clusters;
        let (mut rows, mut last) = (ROWS, first);
        while rows < 8 * ROWS {
            let next = rows + rows / 2;
            notes.add((rows..next).map(|row| change(row, embedding(&mut random)))).unwrap();
            notes.delete((next - 60..next - 20).map(id).collect::<Vec<_>>().iter()).unwrap();
            notes.apply((rows - 19..rows).map(|row| change(row, embedding(&mut random))), Mode::Update).unwrap();
            let built = build_clusters(&notes, 2, &unwatched).unwrap().unwrap();
            assert!(built.extended && built.clusters.number == first.number, "{built:?}, {random:?}");
            assert_eq!(built.clusters.covers_until, next as u64);
            assert_eq!(store.check(None, Depth::Deep).unwrap(), [], "{space}, {random:?}");
            assert!(recall(&notes, &mut random) > 0.96, "{space}, {built:?}, {random:?}");
            (rows, last) = (next, built.clusters);
        }
        assert!(last.clusters > first.clusters && last.judged_of > first.judged_of, "{first:?} {last:?}, {random:?}");
        assert_eq!(last.bytes, bytes_of_clusters(&store), "{space}, {random:?}");
    }
}

/// What the chunks and the rows of all clusters take.
fn bytes_of_clusters(store: &Store) -> u64 {
    let mut bytes = 0;
    let look = |tx: &WriteTransaction| {
        for part in tx.open_table(CLUSTERS)?.iter()? {
            let (key, part) = part?;
            let is_of_a_cluster = u64::from_be_bytes(key.value()[4..].try_into().unwrap()) >> 32 > 0;
            bytes += if is_of_a_cluster { part.value().len() as u64 } else { 0 };
        }
        Ok(())
    };
    store.write(look).unwrap();
    bytes
}

/// How many clusters have rows.
fn open_clusters(notes: &Collection) -> usize {
    let view = notes.view().unwrap();
    let directory = ClusterReader::open(&view).unwrap().directory().unwrap();
    directory.clusters.iter().filter(|facts| facts.entries > 0).count()
}

#[test]
fn clusters_that_lose_rows_are_written_again_or_closed_and_never_built_anew() {
    let mut random = Random::new();
    for space in Space::ALL {
        let (_folder, store, notes) = notes(&mut random, space);
        notes.add((ROWS..4 * ROWS).map(|row| change(row, embedding(&mut random)))).unwrap();
        let first = build_clusters(&notes, 2, &unwatched).unwrap().unwrap().clusters;
        let (mut left, before) = ((0..4 * ROWS).collect::<Vec<usize>>(), open_clusters(&notes));
        while left.len() > ROWS {
            // Some of every cluster, most of some.
            let view = notes.view().unwrap();
            let centre = embedding(&mut random);
            let distance = |row: usize| space.distance(&centre, &view.embedding(Ordinal(row as u64)).unwrap());
            left.sort_by(|a, b| distance(*a).total_cmp(&distance(*b)));
            let (near, far) = left.split_at(left.len() / 3);
            let (gone, kept): (Vec<usize>, Vec<usize>) = far.iter().partition(|_| random.below(4) == 0);
            let gone: Vec<RecordId> = near.iter().chain(&gone).copied().map(id).collect();
            left = kept;
            drop(view);
            notes.delete(&gone).unwrap();
            let built = build_clusters(&notes, 2, &unwatched).unwrap().unwrap();
            assert!(built.extended && built.clusters.number == first.number, "{space}, {built:?}, {random:?}");
            assert_eq!(built.clusters.rows, left.len() as u64);
            assert!(built.clusters.entries <= 4 * left.len() as u64, "{space}, {built:?}, {random:?}");
            assert_eq!(store.check(None, Depth::Deep).unwrap(), [], "{space}, {random:?}");
            assert_eq!(built.clusters.bytes, bytes_of_clusters(&store), "{space}, {random:?}");
            let recall = recall(&notes, &mut random);
            assert!(recall > 0.96, "{recall}, {space}, {built:?}, {random:?}");
        }
        assert!(open_clusters(&notes) * 4 < before * 3, "{} of {before}, {space}, {random:?}", open_clusters(&notes));
        // Once most are closed, what little is left is clustered anew.
        notes.delete(left.drain(60..).map(id).collect::<Vec<_>>().iter()).unwrap();
        build_clusters(&notes, 2, &unwatched).unwrap().unwrap();
        assert_eq!(store.check(None, Depth::Deep).unwrap(), [], "{space}, {random:?}");
        notes.add((0..40).map(|row| change(9 * ROWS + row, embedding(&mut random)))).unwrap();
        build_clusters(&notes, 2, &unwatched).unwrap().unwrap();
        assert_eq!(store.check(None, Depth::Deep).unwrap(), [], "{space}, {random:?}");
    }
}

#[test]
fn embeddings_that_change_again_and_again_leave_nothing_behind_that_piles_up() {
    let mut random = Random::new();
    let (_folder, store, notes) = notes(&mut random, Space::L2);
    let first = build_clusters(&notes, 2, &unwatched).unwrap().unwrap().clusters;
    for round in 0..9 {
        let rows = (0..ROWS).filter(|row| row % 3 != round % 3);
        notes.apply(rows.map(|row| change(row, embedding(&mut random))), Mode::Update).unwrap();
        let built = build_clusters(&notes, 2, &unwatched).unwrap().unwrap();
        assert!(built.extended && built.clusters.number == first.number, "{built:?}, {random:?}");
        // At the most as many are lost as stand, and then those that moved come.
        assert!(built.clusters.entries <= 6 * ROWS as u64, "{built:?}, {random:?}");
        assert_eq!(store.check(None, Depth::Deep).unwrap(), [], "{random:?}");
        assert!(recall(&notes, &mut random) > 0.96, "{built:?}, {random:?}");
        let view = notes.view().unwrap();
        for ordinal in (0..ROWS as u64).step_by(7) {
            let own = view.embedding(Ordinal(ordinal)).unwrap();
            let found = nearest_in_clusters(&view, &[&own], Allowed::AllBut(view.dead()), 1, 1).unwrap().nearest;
            assert_eq!(found[0][0].ordinal, Ordinal(ordinal), "{random:?}");
        }
    }
}

#[test]
fn an_interrupted_build_leaves_the_old_clusters_and_the_next_removes_what_it_wrote() {
    let mut random = Random::new();
    let (_folder, store, notes) = notes(&mut random, Space::Cosine);
    let built = build_clusters(&notes, 1, &unwatched).unwrap().unwrap();
    let before = parts(&store);
    let view = notes.view().unwrap();
    let unfinished = notes.begin_clusters().unwrap();
    let chunk = crate::store::ClusterChunk { cluster: 0, chunk: 0, bytes: vec![1; 900] };
    unfinished.put(&[chunk]).unwrap();
    assert_eq!((parts(&store), notes.view().unwrap().clusters()), (before + 1, Some(built.clusters)));
    assert_eq!(store.check(None, Depth::Deep).unwrap(), []);
    notes.add((ROWS..2 * ROWS).map(|row| change(row, embedding(&mut random)))).unwrap();
    let stop = |_: usize| ControlFlow::Break(());
    assert!(matches!(build_clusters(&notes, 1, &stop), Err(Error::Interrupted)));
    assert_eq!(notes.view().unwrap().clusters(), Some(built.clusters));
    drop(view);
    let anew = build_clusters(&notes, 1, &unwatched).unwrap().unwrap();
    assert!(anew.clusters.number != built.clusters.number && !anew.extended);
    assert_eq!(store.check(None, Depth::Deep).unwrap(), []);
    assert_eq!(notes.drop_clusters().unwrap(), Some(anew.clusters));
    assert_eq!((parts(&store), notes.drop_clusters().unwrap()), (0, None));
}

#[test]
fn clusters_of_embeddings_that_were_replaced_meanwhile_are_not_kept() {
    let mut random = Random::new();
    let (_folder, store, notes) = notes(&mut random, Space::L2);
    let other = notes.clone();
    let replaced = std::sync::atomic::AtomicBool::new(false);
    let replace = |added: usize| {
        if added > 0 && !replaced.swap(true, std::sync::atomic::Ordering::Relaxed) {
            other.apply([change(7, vec![0.5; DIMENSION])], Mode::Update).unwrap();
        }
        ControlFlow::Continue(())
    };
    assert!(matches!(build_clusters(&notes, 1, &replace), Err(Error::InvalidArgument { .. })));
    assert_eq!((parts(&store), notes.view().unwrap().clusters()), (0, None));
    assert!(build_clusters(&notes, 1, &unwatched).unwrap().is_some());
}

#[test]
fn nothing_and_the_shortest_embeddings_have_no_clusters_and_a_few_rows_have_one() {
    let folder = TempDir::new().unwrap();
    let store = Store::open_in_test(folder.path().join("test.redb"), Access::Create).unwrap();
    let all = [("none", 8, 0), ("short", 7, 20), ("few", 8, 3), ("same", 9, 40)];
    for (name, dimension, rows) in all {
        store.create_collection(CollectionName::parse(name).unwrap(), NewCollection::default()).unwrap();
        let notes = store.collection(name).unwrap();
        notes.add((0..rows).map(|row| change(row, vec![1.0; dimension]))).unwrap();
        let built = build_clusters(&notes, 2, &unwatched).unwrap();
        assert_eq!(built.is_some(), rows > 0 && dimension > 7, "{name}: {built:?}");
        if built.is_some() {
            let view = notes.view().unwrap();
            for k in [1, 3, 100] {
                let found = nearest_in_clusters(&view, &[&vec![1.0; dimension]], Allowed::AllBut(view.dead()), k, 1);
                let found: Vec<u64> = found.unwrap().nearest[0].iter().map(|hit| hit.ordinal.0).collect();
                assert_eq!(found, (0..rows.min(k) as u64).collect::<Vec<_>>(), "{name}");
            }
        }
    }
    assert_eq!(store.check(None, Depth::Deep).unwrap(), []);
}

#[test]
fn damage_to_any_part_is_found_and_passed_over() {
    if Options::of_tests().encrypt {
        return;
    }
    let mut random = Random::new();
    let (_folder, store, notes) = notes(&mut random, Space::Cosine);
    build_clusters(&notes, 2, &unwatched).unwrap();
    notes.apply([change(5, embedding(&mut random))], Mode::Update).unwrap();
    let question = embedding(&mut random);
    let keys = |tx: &WriteTransaction| -> Result<Vec<([u8; 12], Vec<u8>)>> {
        let table = tx.open_table(CLUSTERS)?;
        let all = table.iter()?.map(|row| row.map(|(key, value)| (*key.value(), value.value().to_vec())));
        Ok(all.collect::<std::result::Result<Vec<_>, _>>()?)
    };
    let mut all = Vec::new();
    store
        .write(|tx| {
            all = keys(tx)?;
            Ok(())
        })
        .unwrap();
    for (at, (key, bytes)) in all.iter().enumerate() {
        // Every part that there is one of, and some of the chunks.
        if at > 6 && at % 9 != 0 {
            continue;
        }
        let put = |bytes: Option<&[u8]>| {
            let write = |tx: &WriteTransaction| {
                let mut table = tx.open_table(CLUSTERS)?;
                match bytes {
                    Some(bytes) => table.insert(key, bytes)?.map(drop),
                    None => table.remove(key)?.map(drop),
                };
                Ok(())
            };
            store.write(write).unwrap();
        };
        let mut flipped = bytes.clone();
        let place = random.below(bytes.len() as u64) as usize;
        flipped[place] ^= 1 << random.below(8);
        for damaged in [Some(&flipped[..]), Some(&bytes[..bytes.len() / 2]), Some(&[]), None] {
            put(damaged);
            let is_moved = key[4..] == 2_u64.to_be_bytes();
            let found = store.check(None, Depth::Deep).unwrap();
            // Which rows moved is a set like any other: without it the row's signs are not what its embedding gives.
            assert!(!found.is_empty() || is_moved, "part {at} {key:?} flipped at {place}, {random:?}");
            assert!(found.iter().all(|finding| finding.derived), "{found:?}");
            let view = notes.view().unwrap();
            match nearest_in_clusters(&view, &[&question], Allowed::AllBut(view.dead()), 10, 1) {
                Ok(found) => assert_eq!(found.nearest[0].len(), 10, "part {at}, {random:?}"),
                Err(error) => assert!(matches!(error, Error::Damaged { .. }), "part {at}: {error:?}"),
            }
        }
        put(Some(bytes));
    }
    assert_eq!(store.check(None, Depth::Deep).unwrap(), []);
}

#[test]
fn questions_asked_together_find_what_each_finds_alone() {
    let mut random = Random::new();
    for space in Space::ALL {
        let (_folder, _store, notes) = notes(&mut random, space);
        build_clusters(&notes, 2, &unwatched).unwrap();
        notes.apply((40..60).map(|row| change(row, embedding(&mut random))), Mode::Upsert).unwrap();
        let view = notes.view().unwrap();
        let questions: Vec<Vec<f32>> =
            (0..60).map(|at| if at % 9 == 0 { random.floats(DIMENSION) } else { embedding(&mut random) }).collect();
        let questions: Vec<&[f32]> = questions.iter().map(Vec::as_slice).collect();
        let third: RoaringTreemap = view.live().iter().filter(|ordinal| ordinal % 3 == 0).collect();
        for allowed in [Allowed::AllBut(view.dead()), Allowed::Only(&third)] {
            let together = nearest_in_clusters(&view, &questions, allowed, 7, 2).unwrap().nearest;
            for (question, together) in questions.iter().zip(&together) {
                let alone = nearest_in_clusters(&view, &[question], allowed, 7, 1).unwrap().nearest;
                assert_eq!(alone[0], *together, "{space}, {random:?}");
            }
        }
    }
}

#[test]
fn clusters_without_a_row_that_the_filter_keeps_are_not_read() {
    let mut random = Random::new();
    let (_folder, store, notes) = notes(&mut random, Space::L2);
    build_clusters(&notes, 2, &unwatched).unwrap();
    let view = notes.view().unwrap();
    let kept: RoaringTreemap = view.live().iter().take(9).collect();
    let question = embedding(&mut random);
    let exact = rank_all(&view, &[&question], &kept, 5, 1).unwrap();
    let clusters = view.clusters().unwrap();
    let reader = ClusterReader::open(&view).unwrap();
    let holds = |cluster: u64| reader.may_hold(cluster as usize, |ordinal| kept.contains(ordinal)).unwrap();
    let with: Vec<u64> = (0..clusters.clusters).filter(|cluster| holds(*cluster)).collect();
    assert!(!with.is_empty() && with.len() <= 18, "{with:?}, {random:?}");
    let remove = |tx: &WriteTransaction| {
        let mut table = tx.open_table(CLUSTERS)?;
        let keys = table.iter()?.map(|row| row.map(|(key, _)| *key.value()));
        for key in keys.collect::<std::result::Result<Vec<[u8; 12]>, _>>()? {
            let part = u64::from_be_bytes(key[4..].try_into().unwrap());
            let (cluster, chunk) = (part >> 32, part & u64::from(u32::MAX));
            if cluster > 0 && chunk != u64::from(u32::MAX) && !with.contains(&(cluster - 1)) {
                table.remove(&key)?;
            }
        }
        Ok(())
    };
    store.write(remove).unwrap();
    let view = notes.view().unwrap();
    let found = nearest_in_clusters(&view, &[&question], Allowed::Only(&kept), 5, 1).unwrap().nearest;
    assert_eq!(found, exact, "{random:?}");
    let unfiltered = nearest_in_clusters(&view, &[&question], Allowed::AllBut(view.dead()), 5, 1);
    assert!(matches!(unfiltered, Err(Error::Damaged { .. })), "{random:?}");
}
