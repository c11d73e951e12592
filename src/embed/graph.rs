//! Whether a file is a whole ONNX graph, before an engine that words it otherwise is asked to run it.
//!
//! ONNX is protobuf: fields with numbers and lengths, one in another. Only the lengths are followed, never the content.
//! Invariant: what is refused here no engine could read; reading any bytes ends, without a panic.

use std::collections::BTreeMap;

use super::encoder::protobuf::{Field, fields};

/// How a file begins that Git keeps elsewhere.
const LFS_POINTER: &[u8] = b"version https://git-lfs.github.com/spec/";

/// Whether bytes are those of a Git LFS pointer instead of the file itself.
pub(super) fn is_lfs_pointer(bytes: &[u8]) -> bool {
    bytes.starts_with(LFS_POINTER)
}

/// Follows a graph from end to end; returns how long the files of its weights must be, by name.
///
/// `None` when a part of it is missing.
pub(super) fn weights_in(bytes: &[u8]) -> Option<BTreeMap<String, u64>> {
    const GRAPH: u64 = 7;
    const INITIALIZER: u64 = 5;
    const EXTERNAL_DATA: u64 = 13;
    let mut has_graph = false;
    let mut weights: BTreeMap<String, u64> = BTreeMap::new();
    for model in fields(bytes) {
        let (GRAPH, Field::Bytes(graph)) = model? else { continue };
        has_graph = true;
        for part in fields(graph) {
            let (INITIALIZER, Field::Bytes(tensor)) = part? else { continue };
            let mut said = BTreeMap::new();
            for field in fields(tensor) {
                if let (EXTERNAL_DATA, Field::Bytes(entry)) = field? {
                    let (key, value) = entry_of(entry)?;
                    said.insert(key, value);
                }
            }
            if let Some(file) = said.get("location") {
                let number = |key: &str| said.get(key).and_then(|value| value.parse::<u64>().ok()).unwrap_or(0);
                let end = number("offset").saturating_add(number("length"));
                let longest = weights.entry(file.clone()).or_default();
                *longest = end.max(*longest);
            }
        }
    }
    has_graph.then_some(weights)
}

/// A key and its value.
fn entry_of(bytes: &[u8]) -> Option<(String, String)> {
    let (mut key, mut value) = (String::new(), String::new());
    for field in fields(bytes) {
        match field? {
            (1, Field::Bytes(text)) => key = String::from_utf8_lossy(text).into_owned(),
            (2, Field::Bytes(text)) => value = String::from_utf8_lossy(text).into_owned(),
            _ => {}
        }
    }
    Some((key, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(number: u8, content: &[u8]) -> Vec<u8> {
        let len = u8::try_from(content.len()).unwrap();
        let len = if len < 0x80 { vec![len] } else { vec![len & 0x7f | 0x80, len >> 7] };
        [&[number << 3 | 2], len.as_slice(), content].concat()
    }

    #[test]
    fn the_built_in_graph_is_whole_and_no_part_of_it_is() {
        let Ok(bytes) = super::super::builtin::graph() else { return };
        assert_eq!(weights_in(&bytes), Some(BTreeMap::new()));
        for cut in [1, 1000, bytes.len() / 2, bytes.len() - 1] {
            assert_eq!(weights_in(&bytes[..cut]), None, "{cut}");
        }
    }

    #[test]
    fn weights_beside_the_graph_are_named_with_their_length() {
        let entry =
            |key: &str, value: &str| field(13, &[field(1, key.as_bytes()), field(2, value.as_bytes())].concat());
        let tensor = |offset, length| {
            [entry("location", "m.onnx_data"), entry("offset", offset), entry("length", length)].concat()
        };
        let graph = [field(5, &tensor("100", "50")), field(5, &tensor("0", "100"))].concat();
        let model = [&[8, 9][..], &field(7, &graph)].concat();
        assert_eq!(weights_in(&model), Some([("m.onnx_data".to_owned(), 150)].into()));
        for cut in 0..model.len() {
            assert_eq!(weights_in(&model[..cut]), None, "{cut}");
        }
    }

    #[test]
    fn other_files_are_no_graphs() {
        let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n";
        assert!(is_lfs_pointer(pointer) && !is_lfs_pointer(&pointer[..20]));
        for bytes in [&pointer[..], b"", b"<html>not found</html>", &[0; 64], &[0xff; 64]] {
            assert_eq!(weights_in(bytes), None, "{bytes:?}");
        }
    }
}
