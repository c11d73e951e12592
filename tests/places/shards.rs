//! Collections that are spread over shards of this database and of two other servers.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use huedb::backend::{Backend, PostgresBackend, Records, Shards};
use huedb::query::{Query, RecordQuery};
use huedb::record::{CollectionName, MetadataPatch, RecordId, Scope, Space};
use huedb::store::{Access, Change, Include, Mode, NewCollection, Store};
use serde_json::json;
use tempfile::TempDir;

use crate::cut::{Cut, Proxy};
use crate::postgres_server::Postgres;
use crate::random::Random;

const PATIENCE: Duration = Duration::from_secs(20);

fn change(id: &str, n: u32) -> Change {
    Change {
        id: RecordId::parse(id).unwrap(),
        embedding: Some(vec![n as f32, 1.0]),
        embedded_here: false,
        document: Some(format!("text {n}")),
        uri: None,
        metadata: MetadataPatch::from_json(json!({"n": n})).unwrap(),
    }
}

fn open(address: &str, servers: &[String]) -> Arc<dyn Backend> {
    let place = PostgresBackend::connect(address, Scope::default(), PATIENCE).unwrap();
    place.spread_over(Shards::new(Some(3), servers.to_vec()).unwrap()).unwrap()
}

/// What there is, by id, as numbers.
fn numbers(records: &dyn Records) -> BTreeMap<String, u32> {
    let state = records.state().unwrap();
    let all = records.find(&RecordQuery::default(), Include::TEXT).unwrap();
    let all: Vec<_> = all.records().map(Result::unwrap).collect();
    assert_eq!(state.counts().records, all.len() as u64, "as many as are said to be there");
    let number = |text: &str| text.strip_prefix("text ").unwrap().parse().unwrap();
    let found: BTreeMap<_, _> = all.iter().map(|r| (r.id.to_string(), number(r.document.as_ref().unwrap()))).collect();
    assert_eq!(found.len(), all.len(), "each id once");
    found
}

#[test]
fn a_write_that_is_cut_off_from_a_shard_is_told_and_can_be_repeated() {
    let test = "a_write_that_is_cut_off_from_a_shard_is_told_and_can_be_repeated";
    let Some(server) = Postgres::shared(test) else { return };
    let (address, shard, other) = (server.database(), server.database(), server.database());
    let mut told = 0;
    for cut in [Cut::Before, Cut::After] {
        for at in 1.. {
            let proxy = Proxy::start(server.port(), at, cut);
            let through = shard.replace(&server.port().to_string(), &proxy.port.to_string()) + "?sslmode=disable";
            let place = open(&address, &[through, other.clone()]);
            let name = format!("notes-{cut:?}-{at}");
            place.create_collection(CollectionName::parse(&name).unwrap(), NewCollection::default()).unwrap();
            let notes = place.collection(name.as_str().into());
            let with = |n: u32, ids: std::ops::Range<u32>| -> Vec<Change> {
                ids.map(|id| change(&format!("r{id}"), n)).collect()
            };
            notes.apply(with(0, 0..12), Mode::Add).unwrap();
            // Connections are made anew, so that each is cut in its turn.
            let place = open(&address, &[]);
            let notes = place.collection(name.as_str().into());
            proxy.count();
            let done = notes.apply(with(1, 6..18), Mode::Upsert);
            proxy.rest();
            match done {
                Ok(effects) => assert_eq!(effects.len(), 12),
                Err(error) => {
                    told += 1;
                    assert!(error.to_string().contains("shard") || error.to_string().contains("server"), "{error}");
                }
            }
            let place = open(&address, &[]);
            let notes = place.collection(name.as_str().into());
            for (id, n) in numbers(notes.as_ref()) {
                let id: u32 = id[1..].parse().unwrap();
                assert!(n == 0 && id < 12 || n == 1 && (6..18).contains(&id), "{cut:?} {at}: r{id} is {n}");
            }
            notes.apply(with(2, 6..18), Mode::Upsert).unwrap();
            let found = numbers(notes.as_ref());
            let wanted = |id: u32| if id < 6 { 0 } else { 2 };
            assert_eq!(found, (0..18).map(|id| (format!("r{id}"), wanted(id))).collect(), "{cut:?} {at}");
            if !proxy.has_cut() {
                assert!(at > 5, "a write is more messages than {at}");
                break;
            }
        }
    }
    assert!(told > 0, "a commit that fails in part is told");
}

#[test]
fn a_shard_that_dies_under_load_loses_nothing_that_was_acknowledged() {
    let test = "a_shard_that_dies_under_load_loses_nothing_that_was_acknowledged";
    let (Some(server), Some(shard)) = (Postgres::shared(test), Postgres::start(test, &[])) else { return };
    let (address, far, near) = (server.database(), shard.database(), server.database());
    let place = open(&address, &[far, near]);
    place.create_collection(CollectionName::parse("notes").unwrap(), NewCollection::default()).unwrap();
    let ends = AtomicBool::new(false);
    let acknowledged: Vec<Vec<String>> = thread::scope(|scope| {
        let writer = |writer: usize| {
            let (place, ends) = (Arc::clone(&place), &ends);
            scope.spawn(move || {
                let notes = place.collection("notes".into());
                let mut acknowledged = Vec::new();
                for n in 0.. {
                    let ids: Vec<String> = (0..4).map(|i| format!("w{writer}-{n}-{i}")).collect();
                    let changes = ids.iter().map(|id| change(id, 1)).collect();
                    if notes.apply(changes, Mode::Upsert).is_ok() {
                        acknowledged.extend(ids);
                    }
                    if ends.load(Ordering::SeqCst) {
                        return acknowledged;
                    }
                }
                unreachable!("a writer ends when it is told to")
            })
        };
        let writers = [writer(0), writer(1)];
        for _ in 0..3 {
            thread::sleep(Duration::from_millis(400));
            shard.kill();
            thread::sleep(Duration::from_millis(200));
            shard.start_again();
        }
        thread::sleep(Duration::from_millis(400));
        ends.store(true, Ordering::SeqCst);
        writers.map(|writer| writer.join().unwrap()).into()
    });
    let notes = place.collection("notes".into());
    // One more write settles what the others left.
    notes.apply(vec![change("last", 1)], Mode::Add).unwrap();
    let found = numbers(notes.as_ref());
    let acknowledged: Vec<&String> = acknowledged.iter().flatten().collect();
    assert!(acknowledged.len() > 8, "writes went on");
    let lost: Vec<_> = acknowledged.iter().filter(|id| !found.contains_key(**id)).collect();
    assert!(lost.is_empty(), "{lost:?}");
    eprintln!("{} records acknowledged, {} there", acknowledged.len(), found.len());
}

#[test]
fn graphs_on_shards_find_what_a_file_finds() {
    let test = "graphs_on_shards_find_what_a_file_finds";
    let Some(server) = Postgres::shared(test) else { return };
    let servers = [server.database(), server.database()];
    let mut random = Random::new();
    for (space, of_shards) in [(Space::Cosine, &servers[..]), (Space::L2, &[])] {
        let folder = TempDir::new().unwrap();
        let file = Store::open(folder.path().join("here.redb"), Access::Create).unwrap();
        let place = open(&server.database(), of_shards);
        let new = || NewCollection { space, ..NewCollection::default() };
        file.create_collection(CollectionName::parse("notes").unwrap(), new()).unwrap();
        place.create_collection(CollectionName::parse("notes").unwrap(), new()).unwrap();
        let (here, there) = (file.collection("notes").unwrap(), place.collection("notes".into()));
        let mut embedding = || (0..12).map(|_| random.below(2001) as f32 / 1000.0 - 1.0).collect::<Vec<f32>>();
        let row =
            |n: usize, embedding| Change { embedding: Some(embedding), ..change(&format!("r{n}"), n as u32 % 50) };
        for start in (0..3000).step_by(1000) {
            let changes: Vec<Change> = (start..start + 1000).map(|n| row(n, embedding())).collect();
            Records::apply(&here, changes.clone(), Mode::Add).unwrap();
            there.apply(changes, Mode::Add).unwrap();
        }
        let built = there.build_index(2, &|_| std::ops::ControlFlow::Continue(())).unwrap().unwrap();
        assert!(built.is_used && built.rows == 3000, "{built:?}");
        assert!(
            there.index_facts().unwrap().unwrap().iter().any(|(name, size)| *name == "size" && size.as_i64() > Some(0))
        );
        let (mut found, mut wanted) = (0, 0);
        for at in 0..60 {
            let mut query = Query::vector(embedding()).top(10).exact(at % 3 == 0);
            if at % 2 == 1 {
                query.filter = Some(huedb::query::Filter::parse("n > 3 and n < 30").unwrap());
            }
            let [here, there] = [&here as &dyn Records, there.as_ref()].map(|records| {
                let answer = records.state().unwrap().query(&query).unwrap();
                answer.hits[0].iter().map(|hit| (hit.record.id.to_string(), hit.distance)).collect::<Vec<_>>()
            });
            assert_eq!(there.len(), 10);
            assert!(at % 3 != 0 || there == here, "compared one by one: {there:?} {here:?}");
            wanted += here.len();
            found += here.iter().filter(|hit| there.contains(hit)).count();
        }
        assert!(found * 100 >= wanted * 98, "{found} of {wanted}");
        assert_eq!((there.drop_index().unwrap(), there.drop_index().unwrap()), (Some(3000), None));
    }
}

fn huedb(folder: &Path, place: &str, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_huedb"));
    command.args(args).current_dir(folder).env("HUEDB_CONFIG", "").env("HUEDB_FILE", place);
    for variable in ["HUEDB_KEY_FILE", "HUEDB_KEY_COMMAND", "HUEDB_TOKEN"] {
        command.env_remove(variable);
    }
    command.output().unwrap()
}

#[test]
fn shards_are_made_shown_copied_and_dropped() {
    let test = "shards_are_made_shown_copied_and_dropped";
    let Some(server) = Postgres::shared(test) else { return };
    let (place, one, two) = (server.database(), server.database(), server.database());
    let folder = TempDir::new().unwrap();
    let run = |place: &str, args: &[&str]| {
        let output = huedb(folder.path(), place, args);
        let read = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), read(output.stdout), read(output.stderr))
    };
    let ok = |args: &[&str]| {
        let (code, out, said) = run(&place, args);
        assert_eq!(code, 0, "{args:?}: {said}");
        (out, said)
    };
    let servers = format!("{one},{two}");
    ok(&["create", "notes", "--model", "hash-16", "--hybrid", "--shards", "4", "--shard-servers", &servers]);
    let row = |n: u32| format!("{{\"id\":\"r{n}\",\"document\":\"fox {n}\"}}\n");
    let rows: String = (0..40).map(row).collect();
    std::fs::write(folder.path().join("rows.jsonl"), rows).unwrap();
    ok(&["import", "notes", "rows.jsonl"]);
    let shown = ok(&["show", "notes"]).0;
    assert!(shown.contains("shards") && shown.contains(one.split('@').nth(1).unwrap()), "{shown}");
    let of = |address: &str, sql: &str| -> i64 {
        server.client(address.rsplit('/').next().unwrap()).query_one(sql, &[]).unwrap().get(0)
    };
    let tables = "select count(*) from pg_tables where schemaname = 'huedb_shard'";
    assert_eq!((of(&one, tables), of(&two, tables)), (2, 2));
    let hits = ok(&["query", "notes", "fox 7", "--hybrid", "-n", "3", "-o", "jsonl"]).0;
    assert!(hits.lines().next().unwrap().contains("\"r7\""), "{hits}");
    // There and back again, the same; and a copy is spread as its source is.
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    assert_eq!(run(&file("back.redb"), &["pull", "notes", &place, "--verify"]).0, 0);
    assert_eq!(run(&file("back.redb"), &["export", "notes", "-"]).1, ok(&["export", "notes", "-"]).0);
    let copied = open(&place, &[]).collection("notes".into()).copy(CollectionName::parse("copy").unwrap());
    assert_eq!(copied.unwrap().name.as_str(), "copy");
    assert_eq!((of(&one, tables), of(&two, tables)), (4, 4));
    assert_eq!(ok(&["count", "copy"]).0, "40\n");
    ok(&["drop", "notes"]);
    ok(&["drop", "copy"]);
    assert_eq!((of(&one, tables), of(&two, tables)), (0, 0));
    // A collection of a file is brought into shards; one that is there stays as it is.
    let pushed = run(&file("back.redb"), &["push", "notes", &place, "--shards", "3", "--verify"]);
    assert_eq!(pushed.0, 0, "{}", pushed.2);
    assert_eq!(
        of(
            &place,
            "select count(*) from pg_tables where schemaname = 'huedb' and tablename like 'c!__%!_%' escape '!'"
        ),
        3
    );
    let again = run(&file("back.redb"), &["push", "notes", &place, "--shards", "5"]);
    assert!(again.0 == 0 && again.2.contains("stays as it is laid out"), "{}", again.2);
    // What cannot be is refused before anything is made.
    let none = file("none.redb");
    let refused = run(&none, &["create", "notes", "--no-model", "--shards", "2"]);
    assert!(refused.0 == 2 && refused.2.contains("--shards works on PostgreSQL"), "{}", refused.2);
    assert!(!Path::new(&none).exists());
    let dead = format!("{one},postgresql://postgres@127.0.0.1:1/none");
    let refused = run(&place, &["create", "other", "--no-model", "--shard-servers", &dead]);
    assert!(refused.0 != 0 && refused.2.contains("127.0.0.1:1/none"), "{}", refused.2);
    assert_eq!(of(&one, tables), 0);
    assert!(!ok(&["list"]).0.contains("other"));
}
