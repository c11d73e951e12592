//! Digests as people compare them.

/// Writes bytes as two small hexadecimal digits each.
pub(crate) fn hexadecimal(digest: &[u8]) -> String {
    digest
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|half| char::from_digit(u32::from(half), 16))
        .collect()
}
