//! What a fuzzer calls with any bytes: the codecs of the file.
//!
//! Segments and sketches stand behind a checksum, which is made right here first, so that what comes after it is
//! tried. Invariant: no bytes make a codec panic, and what was read is written and read again equal. Each function
//! returns whether the bytes were a value.

#![allow(clippy::panic, clippy::indexing_slicing, reason = "a panic is what a fuzzer looks for")]

use std::sync::LazyLock;

use roaring::RoaringTreemap;
use xxhash_rust::xxh3::xxh3_64;

use super::catalog::CatalogEntry;
use super::centre::Centre;
use super::clusters::{ClusterChunkRef, Directory, RowList, rows};
use super::codec::{set_from_bytes, set_to_bytes};
use super::packing::{Dictionary, Packer};
use super::quantise::difference;
use super::segment::{Bounds, Segment, seal};
use super::sketch::{Sketch, SketchQuestion, Sketcher};
use super::sketch_size::sign_bytes;
use super::table::CollectionNumber;
use super::{posting, record, terms};
use crate::bm25::Words;
use crate::record::{Ordinal, Space};

/// What packed documents are packed with here; any bytes do.
fn dictionary() -> &'static Dictionary {
    static DICTIONARY: LazyLock<Dictionary> = LazyLock::new(|| {
        let bytes = "The quick brown fox jumps over the lazy dog. ".as_bytes().to_vec();
        Dictionary::new(bytes).unwrap_or_else(|e| panic!("{e}"))
    });
    &DICTIONARY
}

/// Packs a record, where that saves enough.
fn packed(stored: &record::StoredRecord) -> Option<Vec<u8>> {
    let mut packer = Packer::new(dictionary()).ok()?;
    record::pack(&record::encode(stored), &mut packer).unwrap_or_else(|e| panic!("{stored:?}: {e}"))
}

/// Reads a record, and what is indexed of it.
pub(crate) fn stored_record(bytes: &[u8]) -> bool {
    let decode = |bytes: &[u8]| record::decode(bytes, || Ok(dictionary()));
    let Ok(stored) = decode(bytes) else { return false };
    for bytes in [Some(record::encode(&stored)), packed(&stored)].into_iter().flatten() {
        let Ok(again) = decode(&bytes) else { panic!("{stored:?} is not read back") };
        assert_eq!(again, stored);
    }
    let Ok(rest) = record::decode_but_document(bytes) else { panic!("{stored:?} is not read in part") };
    assert_eq!(rest, record::StoredRecord { document: None, ..stored.clone() });
    let ordinal = Ordinal(3 << 16 | 7);
    for key in posting::keys(CollectionNumber(1), ordinal, &stored.metadata) {
        let members = posting::members(&key, &7_u16.to_le_bytes()).unwrap_or_default();
        assert!(members.contains(ordinal.0) && stored.metadata.get(&posting::metadata_key(&key)).is_some());
    }
    terms::TermChanges::new(CollectionNumber(1), Some(Words::default())).add(ordinal, &stored);
    true
}

/// Reads a sealed segment, seals its rows again, and sketches it.
pub(crate) fn segment(bytes: &[u8]) -> bool {
    let bytes = with_checksum(bytes);
    if Segment::verify(&bytes).is_err() {
        return false;
    }
    let Ok(segment) = Segment::parse(&bytes) else { panic!("verified, but not parsed") };
    let rows = segment.to_rows(Space::L2);
    assert_eq!(rows.len(), segment.rows());
    for (ordinal, _) in &rows {
        let _ = segment.find(*ordinal);
    }
    for space in Space::ALL {
        let mut bounds = Bounds::default();
        segment.read_bounds(space, &mut bounds);
        let numbers = [&bounds.factors, &bounds.biases, &bounds.residuals, &bounds.lengths];
        assert!(numbers.iter().all(|numbers| numbers.len() == rows.len()));
        let sketch_bytes = Sketcher::new(segment.dimension()).sketch(&segment, space);
        assert!(Sketch::verify(&sketch_bytes).is_ok_and(|()| read_sketch(&sketch_bytes, segment.rows())));
    }
    let ascend = rows.is_sorted_by(|(a, _), (b, _)| a < b);
    let span = rows.last().and_then(|(last, _)| last.0.checked_sub(segment.ordinal(0).0));
    let near = span.is_some_and(|span| span < u64::from(u32::MAX));
    if let (true, true, Some(centre)) = (ascend, near, segment.centre()) {
        let again = seal(&rows, centre).unwrap_or_default();
        let again = Segment::parse(&again).map(|segment| segment.to_rows(Space::L2)).unwrap_or_default();
        let bits = |rows: &[(Ordinal, super::Codes)]| {
            let numbers = |c: &super::Codes| [c.factor, c.bias, c.residual, c.length].map(f32::to_bits);
            rows.iter().map(|(o, c)| (o.0, c.codes.clone(), numbers(c))).collect::<Vec<_>>()
        };
        assert_eq!(bits(&again), bits(&rows));
    }
    true
}

/// Reads a centre, and asks a question around it.
pub(crate) fn centre(bytes: &[u8]) -> bool {
    let dimension = bytes.len() / 4;
    let Ok(centre) = Centre::from_bytes(&with_checksum(bytes), dimension) else { return false };
    for space in Space::ALL {
        let _ = difference(&vec![0.5; dimension], &centre, space);
    }
    true
}

/// Reads a sketch.
pub(crate) fn stored_sketch(bytes: &[u8]) -> bool {
    let bytes = with_checksum(bytes);
    let Ok(sketch) = Sketch::verify(&bytes).and_then(|()| Sketch::parse(&bytes)) else { return false };
    read_sketch(&bytes, sketch.rows())
}

fn read_sketch(bytes: &[u8], rows: usize) -> bool {
    let Ok(sketch) = Sketch::parse(bytes) else { panic!("verified, but not parsed") };
    let mut bounds = Bounds::default();
    sketch.read_bounds(&SketchQuestion::new(&[0.5; 9], 1.5), (0.0, 0.0), &mut bounds);
    let numbers = bounds.factors.len().min(bounds.biases.len());
    for row in 0..rows {
        let _ = sketch.ordinal(Ordinal(u64::MAX - 1), row);
    }
    numbers == rows && sketch.rows() == rows && (rows == 0 || sketch.signs().len() >= sign_bytes(1))
}

/// Reads the directory of clusters.
pub(crate) fn clusters(bytes: &[u8]) -> bool {
    let bytes = with_checksum(bytes);
    let Ok(directory) = Directory::from_bytes(&bytes) else { return false };
    assert_eq!(directory.to_bytes(), bytes);
    true
}

/// Reads a chunk of a cluster: eight bytes are its first ordinal, a sketch follows.
pub(crate) fn cluster_chunk(bytes: &[u8]) -> bool {
    let Some((first, sketch)) = bytes.split_first_chunk::<8>() else { return false };
    let bytes = with_checksum(&[&first[..], &with_checksum(sketch)].concat());
    let Ok(chunk) = ClusterChunkRef::verified(&bytes) else { return false };
    for row in 0..chunk.rows() {
        let _ = chunk.ordinal(row);
    }
    read_sketch(&bytes[16..], chunk.rows())
}

/// Reads the rows of a cluster.
pub(crate) fn cluster_rows(bytes: &[u8]) -> bool {
    let Ok(rows) = rows::all(&with_checksum(bytes)) else { return false };
    let again = RowList::of(rows.iter().copied()).to_bytes();
    assert!(rows::all(&again).is_ok_and(|again| again == rows), "{rows:?}");
    true
}

/// Reads a posting: two bytes say how long its key is, the key and the members follow.
pub(crate) fn stored_posting(bytes: &[u8]) -> bool {
    let Some((len, rest)) = bytes.split_first_chunk::<2>() else { return false };
    let Some((key, members)) = rest.split_at_checked(usize::from(u16::from_le_bytes(*len))) else { return false };
    let _ = (posting::metadata_key(key), posting::has_member(members, Ordinal(7)));
    let named = posting::term_of(key).is_some_and(|term| term.kind().is_some() && term.value().is_some());
    let Ok(found) = posting::members(key, members) else { return false };
    assert!(found.min().is_none_or(|least| found.max().is_some_and(|most| least >> 16 == most >> 16)));
    let again = posting::members(key, &posting::encode(&found)).unwrap_or_default();
    assert_eq!(again, found);
    named
}

/// Reads a block of the inverted index: eight bytes are its first ordinal.
pub(crate) fn terms_block(bytes: &[u8]) -> bool {
    let Some((first, block)) = bytes.split_first_chunk::<8>() else { return false };
    let read = |first: u64, block: &[u8]| {
        let mut records = Vec::new();
        terms::visit_block(first, block, |ordinal, weight| records.push((ordinal.0, weight.to_bits())))
            .map(|()| records)
    };
    let Ok(records) = read(u64::from_be_bytes(*first), block) else { return false };
    let weighted: Vec<(u64, f32)> = records.iter().map(|(o, bits)| (*o, f32::from_bits(*bits))).collect();
    let start = records.first().map_or(0, |(first, _)| *first);
    assert_eq!(read(start, &terms::encode(&weighted)).unwrap_or_default(), records);
    true
}

/// Reads the settings of a collection.
pub(crate) fn collection(bytes: &[u8]) -> bool {
    let Ok(entry) = CatalogEntry::decode(bytes, "c") else { return false };
    let _ = entry.counts();
    let json = serde_json::to_vec(&entry).unwrap_or_default();
    let Ok(again) = CatalogEntry::decode(&json, "c") else { panic!("{entry:?} is not read back") };
    assert_eq!(serde_json::to_vec(&again).unwrap_or_default(), json);
    true
}

/// Reads a set of ordinals.
pub(crate) fn ordinals(bytes: &[u8]) -> bool {
    let Ok(set) = set_from_bytes(bytes, "a set") else { return false };
    let mut all = RoaringTreemap::new();
    all.insert_range(0..1 << 20);
    let _ = (set.len(), set.max(), all - &set);
    // A set may be written with duplicates and empty parts; once it was written here it is itself.
    let Ok(again) = set_from_bytes(&set_to_bytes(&set), "a set") else { panic!("a set is not read back") };
    assert!(again == set);
    true
}

/// Puts before bytes the checksum they need.
fn with_checksum(bytes: &[u8]) -> Vec<u8> {
    [&xxh3_64(bytes).to_le_bytes(), bytes].concat()
}

/// Values of the codecs of clusters, by target.
#[cfg(test)]
pub(crate) fn cluster_examples() -> Vec<(&'static str, Vec<u8>)> {
    use super::clusters::{ChunkRows, ClusterFacts};
    use super::quantise::quantise;

    let facts = |n: u32| ClusterFacts { radius: 0.5, squared: 1.5, entries: 7 * n, chunks: n };
    let directory = Directory { clusters: (0..3).map(facts).collect() };
    let mut examples = vec![("clusters", directory.to_bytes()[8..].to_vec())];
    for ordinals in [&[5, 6, 7][..], &[5, 9, 70_000]] {
        let (mut rows, mut signs) = (ChunkRows::with_room(9, 3), vec![0; 8 * sign_bytes(9)]);
        for ordinal in ordinals {
            let codes = quantise(&[0.5; 9], &Centre::origin(9), Space::Cosine);
            let [sums, ..] = Sketcher::new(9).turn(&codes.codes, &mut signs);
            let numbers = [codes.factor, codes.bias, codes.residual, codes.length];
            rows.push(Ordinal(*ordinal), (&signs[..sign_bytes(9)], sums), numbers, Space::Cosine);
        }
        let bytes = rows.to_bytes(3);
        examples.push(("cluster_chunk", [&bytes[8..16], &bytes[24..]].concat()));
        examples.push(("cluster_rows", RowList::of(ordinals.iter().copied()).to_bytes()[8..].to_vec()));
    }
    examples
}

/// Values of every codec, by target.
#[cfg(test)]
pub(crate) fn examples() -> Vec<(&'static str, Vec<u8>)> {
    use super::Codes;
    use super::catalog::GraphEntry;
    use super::quantise::quantise;
    use crate::record::{Metadata, RecordId};
    use serde_json::json;

    let metadata = json!({"b": true, "i": i64::MIN, "f": 0.1, "s": "ü\u{0}", "ba": [true, false], "ia": [1, -2],
        "fa": [1.5], "sa": ["", "x"], "sv": {"#type": "sparse_vector", "indices": [1, 9], "values": [0.5, -1.0]},
        "st": {"#type": "sparse_vector", "indices": [3], "values": [2.0], "tokens": ["fox"]}});
    let metadata = Metadata::from_json(metadata).unwrap();
    let stored = record::StoredRecord {
        id: RecordId::parse("a/b").unwrap(),
        document: Some("The fox.".into()),
        uri: Some("file:///x".into()),
        metadata: metadata.clone(),
        embedded_here: true,
    };
    let long = record::StoredRecord { document: Some("The lazy fox jumps. ".repeat(20)), ..stored.clone() };
    let mut examples = vec![("record", record::encode(&stored)), ("record", packed(&long).unwrap())];
    for space in Space::ALL {
        for ordinals in [[0, 1, 2], [5, 9, 70_000]] {
            let embedding = [0.5, -1.0, 0.25, 0.0, 2.0, 1.0, -1.0, 0.1, 0.2];
            let centre = Centre::of(&[&embedding, &[0.5; 9]], space);
            let rows: Vec<(Ordinal, Codes)> =
                ordinals.map(|o| (Ordinal(o), quantise(&embedding, &centre, space))).to_vec();
            let sealed = seal(&rows, 3).unwrap();
            let segment = Segment::parse(&sealed).unwrap();
            examples.push(("sketch", Sketcher::new(9).sketch(&segment, space)[8..].to_vec()));
            examples.push(("segment", sealed[8..].to_vec()));
            examples.push(("centre", centre.to_bytes()[8..].to_vec()));
        }
    }
    for (key, members) in
        posting::keys(CollectionNumber(1), Ordinal(70_000), &metadata).zip([1, 3, 5000].iter().cycle())
    {
        let members: RoaringTreemap = (0..*members).map(|low| (1 << 16) + low * 3).collect();
        let len = u16::try_from(key.len()).unwrap();
        examples.push(("posting", [&len.to_le_bytes(), key.as_slice(), &posting::encode(&members)].concat()));
    }
    let block = terms::encode(&[(7, 0.5), (8, 1.5), (1 << 30, -2.0)]);
    examples.push(("terms", [&7_u64.to_be_bytes()[..], &block].concat()));
    let graph = GraphEntry { epoch: 1, covers_until: 3, rows: 3, bytes: 900, chunks: 1, recall: Some(0.5) };
    for (info, graph) in [
        (json!({"embedder": null, "dimension": null, "metadata": null}), None),
        (
            json!({"dimension": 3, "metadata": {"a": 1}, "bm25": true, "chroma": {"num_threads": 2},
            "embedder": {"model": "m", "sha256": "00", "dimension": 3, "pooling": "cls", "normalize": true,
                "max_tokens": 256, "query_prefix": "q: ", "document_prefix": ""}}),
            Some(graph),
        ),
    ] {
        let mut whole = json!({"id": "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "name": "notes", "space": "l2",
            "hnsw": {"ef_construction": 100, "ef_search": 50, "max_neighbors": 16}, "index": "auto"});
        let fields = info.as_object().unwrap().clone();
        whole.as_object_mut().unwrap().extend(fields);
        let entry = json!({"info": whole, "next_ordinal": 5, "records": 4, "sealed_until": 3, "sealed_rows": 3,
            "tail_rows": 2, "sketched": true, "replaced": 1, "epoch": 1, "graph": graph});
        examples.push(("collection", entry.to_string().into_bytes()));
    }
    for set in [vec![], vec![1, 2, 3], (0..9000).map(|n| n * 3).collect(), vec![0, 1 << 33, u64::MAX]] {
        examples.push(("ordinals", set_to_bytes(&set.into_iter().collect())));
    }
    examples
}
