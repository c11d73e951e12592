//! Folders that real Chromas wrote, against what the same programs answer of them; and damaged ones.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::*;
use crate::error::Error;
use crate::input::Archive;
use crate::record::random::Random;
use crate::record::{CollectionInfo, DumpLine, NewRecord, Scope, Space};

const VERSIONS: [&str; 3] = ["0.4.24", "0.6.3", "1.5.9"];

fn fixture(version: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/chroma").join(version)
}

/// All lines and records, by tenant, database and name of their collection.
type All = (Vec<DumpLine>, BTreeMap<[String; 3], (CollectionInfo, Vec<NewRecord>)>);

fn read(archive: &mut dyn Archive) -> Result<All, Error> {
    let (mut lines, mut all) = (Vec::new(), BTreeMap::new());
    while let Some(line) = archive.next_line()? {
        let DumpLine::Collection { tenant, database, collection, .. } = line else {
            lines.push(line);
            continue;
        };
        let mut rows = Vec::new();
        while let Some(row) = archive.next_record()? {
            rows.push(row);
        }
        all.insert([tenant, database, collection.name.to_string()], (*collection, rows));
    }
    Ok((lines, all))
}

fn of_folder(folder: &Path) -> Result<All, Error> {
    read(&mut ChromaFolder::open(folder, &Selection::default())?)
}

/// What a program said: of every collection what it is, and its records.
fn said(version: &str) -> Vec<(Json, Vec<Json>)> {
    let text = fs::read_to_string(fixture(version).join("said.jsonl")).unwrap();
    let mut said = Vec::new();
    for line in text.lines() {
        let json: Json = serde_json::from_str(line).unwrap();
        match (json.get("count").is_some(), said.last_mut()) {
            (true, _) | (false, None) => said.push((json, Vec::new())),
            (false, Some((_, records))) => records.push(json),
        }
    }
    said
}

fn bits(json: &Json) -> Option<Vec<u32>> {
    Some(json.as_array()?.iter().map(|x| (x.as_f64().unwrap() as f32).to_bits()).collect())
}

#[test]
fn what_real_programs_wrote_is_read_as_they_answer_it() {
    for version in VERSIONS {
        let (lines, mut all) = of_folder(&fixture(version).join("folder")).unwrap();
        let shown: Vec<String> = lines.iter().map(|line| serde_json::to_string(line).unwrap()).collect();
        assert_eq!(shown.len(), 3, "{version}: {shown:?}");
        assert!(shown[0].contains("\"others\"") && shown[1].contains("\"staging\"") && shown[2].contains("\"theirs\""));
        let (mut as_answered, mut as_given) = (0, 0);
        for (collection, records) in said(version) {
            let key = ["tenant", "database", "name"].map(|field| collection[field].as_str().unwrap().to_owned());
            let (info, mut rows) = all.remove(&key).unwrap();
            if version.starts_with("0.4") {
                // It answers in the order of the ids.
                rows.sort_by(|a, b| a.id.cmp(&b.id));
            }
            let place = format!("{version} {key:?}");
            assert_eq!(info.id.to_string(), collection["id"].as_str().unwrap());
            let metadata = info.metadata.as_ref().map_or(Json::Null, crate::record::Metadata::to_json);
            assert_eq!(metadata, collection["metadata"], "{place}");
            assert_eq!(rows.len() as u64, collection["count"].as_u64().unwrap(), "{place}");
            let settings = (info.space, info.hnsw.ef_construction, info.hnsw.ef_search, info.hnsw.max_neighbors);
            let expected = match key[2].as_str() {
                "written-cosine" => (Space::Cosine, 100, 100, 16),
                "written-ip" => (Space::Ip, 100, 100, 16),
                "queued" => (Space::Cosine, 77, 33, 24),
                _ => (Space::L2, 100, 100, 16),
            };
            assert_eq!(settings, expected, "{place}");
            assert_eq!(info.dimension, rows.first().map(|row| row.embedding.as_ref().unwrap().len()), "{place}");
            for (row, said) in rows.iter().zip(&records) {
                let place = format!("{place} {said}");
                assert_eq!(row.id.as_str(), said["id"].as_str().unwrap(), "{place}");
                assert_eq!(row.document.as_deref(), said["document"].as_str(), "{place}");
                assert_eq!(row.uri.as_deref(), said["uri"].as_str(), "{place}");
                let metadata = row.metadata.clone().into_metadata().unwrap();
                let metadata = if metadata.is_empty() { Json::Null } else { metadata.to_json() };
                assert_eq!(metadata, said["metadata"], "{place}");
                let read = row.embedding.as_ref().map(|e| e.iter().map(|x| x.to_bits()).collect::<Vec<u32>>());
                // Of space cosine, what waits in the queue is as it was given; Chroma rounds it before it answers.
                if read == bits(&said["embedding"]) {
                    as_answered += 1;
                } else {
                    assert!(said["embedding"].is_null() || info.space == Space::Cosine, "{place} {read:?}");
                    assert_eq!(read, bits(&said["given"]), "{place}");
                    as_given += 1;
                }
            }
        }
        assert!(all.is_empty(), "{version}: {all:?}");
        assert!(as_answered > 130 && as_given < 12, "{version}: {as_answered} {as_given}");
    }
}

#[test]
fn a_selection_narrows_what_is_read() {
    let folder = fixture("1.5.9").join("folder");
    let select = |tenant: &str, database: &str, collection: Option<&str>| {
        let scope = Scope { tenant: tenant.into(), database: database.into() };
        let selection = Selection { scope, collection: collection.map(str::to_owned) };
        let (lines, all) = read(&mut ChromaFolder::open(&folder, &selection)?)?;
        Ok::<_, Error>((lines.len(), all.into_keys().map(|[_, _, name]| name).collect::<Vec<_>>()))
    };
    let (tenant, database) = (Scope::DEFAULT_TENANT, Scope::DEFAULT_DATABASE);
    assert_eq!(select(tenant, database, Some("written-l2")).unwrap(), (0, vec!["written-l2".to_owned()]));
    assert_eq!(select(tenant, "staging", None).unwrap(), (1, vec!["queued".to_owned()]));
    assert_eq!(select("others", database, None).unwrap(), (2, vec!["usual".to_owned()]));
    assert_eq!(select("others", "theirs", Some("usual")).unwrap(), (2, vec!["usual".to_owned()]));
    let error = select(tenant, database, Some("queued")).unwrap_err();
    assert!(error.hint().unwrap().contains("available: empty, written-cosine, written-ip, written-l2"), "{error}");
    assert!(select(tenant, "nope", None).is_err() && select("nope", database, None).is_err());
}

#[test]
fn what_is_noticed_is_told_once() {
    let mut archive = ChromaFolder::open(&fixture("1.5.9").join("folder"), &Selection::default()).unwrap();
    read(&mut archive).unwrap();
    let notices = archive.take_notices();
    assert!(
        notices.len() == 1 && notices[0].text.starts_with("usual: Chroma embeds its texts by all-MiniLM"),
        "{notices:?}"
    );
    assert!(archive.take_notices().is_empty());
}

fn copied(from: &Path, to: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            files.extend(copied(&path, &to));
        } else {
            fs::copy(&path, &to).unwrap();
            files.push(to);
        }
    }
    files
}

/// Chroma 1.5 leaves the arrays of a dropped collection in its tables, under numbers that new records get.
#[test]
fn arrays_that_no_record_was_given_are_left_out_and_told() {
    let folder = tempfile::TempDir::new().unwrap();
    copied(&fixture("1.5.9").join("folder"), folder.path());
    let (_, before) = of_folder(folder.path()).unwrap();
    let database = rusqlite::Connection::open(folder.path().join("chroma.sqlite3")).unwrap();
    // "sa" is a key of both collections, and not of these records; nobody knows "ghost".
    for collection in ["written-l2", "queued"] {
        for (id, key) in [("bare1", "ghost"), ("bare1", "ghost"), ("bare1", "sa"), ("r7", "ghost"), ("r3", "ghost")] {
            let sql = "INSERT INTO embedding_metadata_array (id, key, string_value)
                       SELECT embeddings.id, ?3, 'old' FROM embeddings JOIN segments ON segment_id = segments.id
                       JOIN collections ON collection = collections.id WHERE name = ?1 AND embedding_id = ?2";
            assert_eq!(database.execute(sql, [collection, id, key]).unwrap(), 1, "{collection} {id}");
        }
    }
    drop(database);
    let mut archive = ChromaFolder::open(folder.path(), &Selection::default()).unwrap();
    let (_, mut after) = read(&mut archive).unwrap();
    let mut notices = archive.take_notices();
    notices.retain(|notice| notice.text.contains("arrays"));
    let says = |name: &str, count: usize| {
        format!(
            "{name}: left out {count} arrays that no record of it was given, the first of them of \"ghost\": Chroma shows \
             those of a dropped collection in new records"
        )
    };
    // The index has what was in the queue of one of the two: only the keys of the whole collection are known.
    assert_eq!(notices, [says("written-l2", 3).into(), says("queued", 4).into()]);
    let (_, rows) = after.values_mut().find(|(info, _)| info.name.as_str() == "written-l2").unwrap();
    let bare = rows.iter_mut().find(|row| row.id.as_str() == "bare1").unwrap();
    assert!(bare.metadata.iter().map(|(key, _)| key).eq(["sa"]));
    bare.metadata = crate::record::MetadataPatch::default();
    assert_eq!(format!("{after:?}").replace(&folder.path().display().to_string(), ""), {
        format!("{before:?}").replace(&folder.path().display().to_string(), "")
    });
}

/// Damage is refused or read, never a panic; and refused as bad input, for it is the folder's fault.
#[test]
fn damaged_folders_are_refused() {
    let mut random = Random::new();
    let random = &mut random;
    for version in VERSIONS {
        let folder = tempfile::TempDir::new().unwrap();
        let mut files = copied(&fixture(version).join("folder"), folder.path());
        files.sort();
        // Those that are read, each as often as the others.
        files.retain(|path| !path.ends_with("link_lists.bin"));
        let mut refused = 0;
        for round in 0..150 {
            let path = &files[round % files.len()];
            let whole = fs::read(path).unwrap();
            let mut bytes = whole.clone();
            // Most of a file of hnswlib is empty, and of a database its tables.
            let reach = if random.below(2) == 0 { bytes.len() } else { bytes.len().min(300) };
            for _ in 0..=random.below(4) {
                let at = random.below(reach.max(1) as u64) as usize;
                match (random.below(4), bytes.get_mut(at)) {
                    (0, _) => bytes.truncate(at),
                    (1, Some(byte)) => *byte ^= 1 << random.below(8),
                    (_, Some(byte)) => *byte = [0, 0xff, 0x7f, 0x80, b'}', b'(', b'u'][random.below(7) as usize],
                    (_, None) => {}
                }
            }
            fs::write(path, &bytes).unwrap();
            if let Err(error) = of_folder(folder.path()) {
                refused += 1;
                assert_eq!(error.kind(), crate::error::ErrorKind::Input, "{version} {}: {error}", path.display());
                assert!(error.to_string().contains(&folder.path().display().to_string()), "{error}");
            }
            fs::write(path, &whole).unwrap();
        }
        assert!(refused > 15, "{version}: {refused}");
        assert!(of_folder(folder.path()).is_ok());
    }
}

#[test]
fn an_index_without_its_files_is_named() {
    let folder = tempfile::TempDir::new().unwrap();
    let files = copied(&fixture("1.5.9").join("folder"), folder.path());
    let pickle = files.iter().find(|path| path.ends_with("index_metadata.pickle")).unwrap();
    let data = pickle.with_file_name("data_level0.bin");
    let kept = fs::read(&data).unwrap();
    fs::remove_file(&data).unwrap();
    let error = of_folder(folder.path()).unwrap_err();
    assert!(matches!(&error, Error::BadInput { source, .. } if source.ends_with("data_level0.bin")), "{error}");
    fs::write(&data, kept).unwrap();
    // Without its ids an index has no vectors, and of the records that are not in the queue each says so.
    fs::remove_file(pickle).unwrap();
    let error = of_folder(folder.path()).unwrap_err();
    assert!(matches!(&error, Error::BadRow { why, .. } if why.contains("\"r0\" has no embedding")), "{error}");
}
