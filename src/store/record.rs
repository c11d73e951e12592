//! A record as one value of the `records` table: id, document, uri, metadata.
//!
//! Layout: flags (u8), id, then document, uri and metadata where their flag is set. A packed document is the number of
//! its bytes, then a frame of zstd ([`super::packing`]). Metadata is a count, then key, tag and value of each. Invariant:
//! what [`encode`] and [`pack`] write, [`decode`] reads back equal.

use std::borrow::Borrow;

use super::codec::{Reader, put_floats, put_len, put_text};
use super::packing::{Dictionary, PackedDocument, Packer, is_packable};
use crate::error::{Error, Result};
use crate::record::{Metadata, RecordId, SparseVector, Value};

const HAS_DOCUMENT: u8 = 1;
const HAS_URI: u8 = 2;
const HAS_METADATA: u8 = 4;
const EMBEDDED_HERE: u8 = 8;
const PACKED: u8 = 16;

const BOOL: u8 = 1;
const INT: u8 = 2;
const FLOAT: u8 = 3;
const STR: u8 = 4;
const SPARSE: u8 = 5;
const SPARSE_WITH_TOKENS: u8 = 6;
const ARRAY: u8 = 0x10;

/// Everything of a record but its embedding.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoredRecord {
    pub(crate) id: RecordId,
    pub(crate) document: Option<String>,
    pub(crate) uri: Option<String>,
    pub(crate) metadata: Metadata,
    /// Whether the embedding was made from the document by the collection's model.
    pub(crate) embedded_here: bool,
}

/// Returns a record's bytes, once they have been verified to read back as the same record.
///
/// # Errors
/// [`Error::InvalidArgument`].
pub(crate) fn encode_checked(record: &StoredRecord) -> Result<Vec<u8>> {
    let bytes = encode(record);
    match says(&bytes, record) {
        Ok(true) => Ok(bytes),
        Ok(false) => Err(Error::argument("it cannot be stored as it is")),
        Err(e) => Err(Error::argument(format!("it cannot be stored: {e}"))),
    }
}

/// Returns whether bytes read back as this record. Texts are compared in place: an import does this for each row.
fn says(bytes: &[u8], record: &StoredRecord) -> Result<bool> {
    let mut reader = Reader::new(bytes, "a record");
    let flags = reader.u8()?;
    if (flags & (EMBEDDED_HERE | PACKED) == EMBEDDED_HERE) != record.embedded_here
        || reader.text()? != record.id.as_str()
    {
        return Ok(false);
    }
    for (flag, text) in [(HAS_DOCUMENT, &record.document), (HAS_URI, &record.uri)] {
        let read = if flags & flag == 0 { None } else { Some(reader.text()?) };
        if read != text.as_deref() {
            return Ok(false);
        }
    }
    let pairs = if flags & HAS_METADATA == 0 { 0 } else { reader.len()? };
    let mut expected = record.metadata.iter();
    for _ in 0..pairs {
        let same = match (reader.text()?, expected.next()) {
            (read, Some((key, Value::Str(text)))) => read == key && reader.u8()? == STR && reader.text()? == text,
            (read, Some((key, expected))) => read == key && value(&mut reader)? == *expected,
            (_, None) => false,
        };
        if !same {
            return Ok(false);
        }
    }
    reader.end()?;
    Ok(expected.next().is_none() && !record.id.as_str().is_empty())
}

pub(crate) fn encode(record: &StoredRecord) -> Vec<u8> {
    let document = record.document.as_deref();
    let uri = record.uri.as_deref();
    let mut flags = 0;
    for (flag, set) in [
        (HAS_DOCUMENT, document.is_some()),
        (HAS_URI, uri.is_some()),
        (HAS_METADATA, !record.metadata.is_empty()),
        (EMBEDDED_HERE, record.embedded_here),
    ] {
        flags |= if set { flag } else { 0 };
    }
    let mut out = Vec::with_capacity(64 + document.map_or(0, str::len));
    out.push(flags);
    put_text(&mut out, record.id.as_str());
    for text in document.into_iter().chain(uri) {
        put_text(&mut out, text);
    }
    if !record.metadata.is_empty() {
        put_len(&mut out, record.metadata.iter().count());
        for (key, value) in record.metadata.iter() {
            put_text(&mut out, key);
            put_value(&mut out, value);
        }
    }
    out
}

fn put_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Bool(b) => out.extend([BOOL, u8::from(*b)]),
        Value::Int(i) => {
            out.push(INT);
            out.extend(i.to_le_bytes());
        }
        Value::Float(f) => {
            out.push(FLOAT);
            out.extend(f.to_le_bytes());
        }
        Value::Str(s) => {
            out.push(STR);
            put_text(out, s);
        }
        Value::BoolArray(items) => put_array(out, BOOL, items, |out, b| out.push(u8::from(*b))),
        Value::IntArray(items) => put_array(out, INT, items, |out, i| out.extend(i.to_le_bytes())),
        Value::FloatArray(items) => put_array(out, FLOAT, items, |out, f| out.extend(f.to_le_bytes())),
        Value::StrArray(items) => put_array(out, STR, items, |out, s| put_text(out, s)),
        Value::Sparse(vector) => {
            out.push(if vector.tokens().is_some() { SPARSE_WITH_TOKENS } else { SPARSE });
            put_len(out, vector.indices().len());
            out.extend(vector.indices().iter().flat_map(|index| index.to_le_bytes()));
            put_floats(out, vector.values());
            vector.tokens().unwrap_or_default().iter().for_each(|token| put_text(out, token));
        }
    }
}

fn put_array<T>(out: &mut Vec<u8>, tag: u8, items: &[T], put: impl Fn(&mut Vec<u8>, &T)) {
    out.push(ARRAY | tag);
    put_len(out, items.len());
    for item in items {
        put(out, item);
    }
}

/// Returns the bytes that [`encode`] wrote with the document packed; `None` where that saves too little.
pub(crate) fn pack(bytes: &[u8], packer: &mut Packer) -> Result<Option<Vec<u8>>> {
    let mut reader = Reader::new(bytes, "a record");
    let flags = reader.u8()?;
    let id = reader.text()?;
    if flags & HAS_DOCUMENT == 0 || flags & PACKED != 0 {
        return Ok(None);
    }
    let document = reader.text()?;
    let Some(frame) = packer.pack(document) else { return Ok(None) };
    let mut out = Vec::with_capacity(bytes.len() - document.len() + frame.len());
    out.push(flags | PACKED);
    put_text(&mut out, id);
    put_len(&mut out, document.len());
    put_len(&mut out, frame.len());
    out.extend_from_slice(frame);
    out.extend_from_slice(reader.rest());
    Ok(Some(out))
}

/// Returns whether the document of a record is packed.
pub(crate) fn is_packed(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|flags| flags & PACKED != 0)
}

/// Returns how many bytes the document has that [`pack`] may pack: none where it is packed, or too short.
pub(crate) fn packable_bytes(bytes: &[u8]) -> Result<usize> {
    let mut reader = Reader::new(bytes, "a record");
    let flags = reader.u8()?;
    let _id = reader.text()?;
    let len = if flags & HAS_DOCUMENT == 0 || flags & PACKED != 0 { 0 } else { reader.text()?.len() };
    Ok(if is_packable(len) { len } else { 0 })
}

/// A document as it stands in a record.
enum StoredDocument<'a> {
    Plain(&'a str),
    Packed(PackedDocument<'a>),
}

/// Reads a record; `dictionary` is asked for where the document is packed.
pub(crate) fn decode<D: Borrow<Dictionary>>(
    bytes: &[u8],
    dictionary: impl FnOnce() -> Result<D>,
) -> Result<StoredRecord> {
    decode_with(bytes, |document| match document {
        StoredDocument::Plain(text) => Ok(Some(text.to_owned())),
        StoredDocument::Packed(packed) => dictionary()?.borrow().unpack(&packed).map(Some),
    })
}

/// Reads a record as if it had no document, packed or not.
pub(crate) fn decode_but_document(bytes: &[u8]) -> Result<StoredRecord> {
    decode_with(bytes, |_| Ok(None))
}

fn decode_with(bytes: &[u8], document: impl FnOnce(StoredDocument) -> Result<Option<String>>) -> Result<StoredRecord> {
    let mut reader = Reader::new(bytes, "a record");
    let flags = reader.u8()?;
    let id = id(&mut reader)?;
    let document = match (flags & HAS_DOCUMENT != 0, flags & PACKED != 0) {
        (true, true) => {
            let len = reader.len()?;
            let frame_len = reader.len()?;
            let frame = reader.bytes(frame_len)?;
            document(StoredDocument::Packed(PackedDocument { id: id.as_str(), len, frame }))?
        }
        (true, false) => document(StoredDocument::Plain(reader.text()?))?,
        (false, true) => return Err(reader.damaged("it has no document that is packed")),
        (false, false) => None,
    };
    let uri = if flags & HAS_URI == 0 { None } else { Some(reader.text()?.to_owned()) };
    let mut metadata = Metadata::default();
    if flags & HAS_METADATA != 0 {
        for _ in 0..reader.len()? {
            let key = reader.text()?;
            let value = value(&mut reader)?;
            metadata.insert(key, value).map_err(|e| reader.damaged(&e.to_string()))?;
        }
    }
    reader.end()?;
    Ok(StoredRecord { id, document, uri, metadata, embedded_here: flags & EMBEDDED_HERE != 0 })
}

/// Reads the id alone.
pub(crate) fn decode_id(bytes: &[u8]) -> Result<RecordId> {
    let mut reader = Reader::new(bytes, "a record");
    let _flags = reader.u8()?;
    id(&mut reader)
}

fn id(reader: &mut Reader) -> Result<RecordId> {
    RecordId::parse(reader.text()?).map_err(|_| reader.damaged("its id is empty"))
}

fn value(reader: &mut Reader) -> Result<Value> {
    let tag = reader.u8()?;
    Ok(match tag {
        BOOL => Value::Bool(bool(reader)?),
        INT => Value::Int(int(reader)?),
        FLOAT => Value::Float(float(reader)?),
        STR => Value::Str(reader.text()?.to_owned()),
        SPARSE | SPARSE_WITH_TOKENS => Value::Sparse(sparse(reader, tag == SPARSE_WITH_TOKENS)?),
        _ => {
            let len = reader.len()?;
            match tag ^ ARRAY {
                BOOL => Value::BoolArray(array(reader, len, bool)?),
                INT => Value::IntArray(array(reader, len, int)?),
                FLOAT => Value::FloatArray(array(reader, len, float)?),
                STR => Value::StrArray(array(reader, len, |r| r.text().map(str::to_owned))?),
                _ => return Err(reader.damaged("a value has an unknown type")),
            }
        }
    })
}

fn sparse(reader: &mut Reader, with_tokens: bool) -> Result<SparseVector> {
    let len = reader.len()?;
    let indices = array(reader, len, |r| r.array().map(u32::from_le_bytes))?;
    let values = array(reader, len, |r| r.array().map(f32::from_le_bytes))?;
    let tokens = with_tokens.then(|| array(reader, len, |r| r.text().map(str::to_owned))).transpose()?;
    SparseVector::new(indices, values, tokens).map_err(|why| reader.damaged(&format!("a sparse vector {why}")))
}

fn bool(reader: &mut Reader) -> Result<bool> {
    reader.u8().map(|b| b != 0)
}

fn int(reader: &mut Reader) -> Result<i64> {
    reader.array().map(i64::from_le_bytes)
}

fn float(reader: &mut Reader) -> Result<f64> {
    let float = f64::from_le_bytes(reader.array()?);
    if float.is_finite() { Ok(float) } else { Err(reader.damaged("a number is not finite")) }
}

/// Reads `len` items; a `len` no value could hold ends at the first item missing.
fn array<T>(reader: &mut Reader, len: usize, item: impl Fn(&mut Reader) -> Result<T>) -> Result<Vec<T>> {
    let mut items = Vec::with_capacity(len.min(reader.remaining()));
    for _ in 0..len {
        items.push(item(reader)?);
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::random::Random;
    use crate::store::packing::{no_dictionary, tests as packing};
    use serde_json::json;

    fn example() -> StoredRecord {
        let metadata = json!({"b": true, "i": i64::MIN, "f": 0.1, "s": "ü\u{0}", "ba": [true, false], "ia": [1, -2],
            "fa": [1.5], "sa": ["", "x"], "sv": {"#type": "sparse_vector", "indices": [1, 9], "values": [0.5, -1.0]},
            "st": {"#type": "sparse_vector", "indices": [3], "values": [2.0], "tokens": ["fox"]}});
        StoredRecord {
            id: RecordId::parse("a/b").unwrap(),
            document: Some(String::new()),
            uri: Some("file:///x".into()),
            metadata: Metadata::from_json(metadata).unwrap(),
            embedded_here: true,
        }
    }

    /// Reads a record whose document is not packed.
    fn read(bytes: &[u8]) -> Result<StoredRecord> {
        decode::<&Dictionary>(bytes, || Err(no_dictionary()))
    }

    #[test]
    fn round_trip() {
        let bare = StoredRecord {
            document: None,
            uri: None,
            metadata: Metadata::default(),
            embedded_here: false,
            ..example()
        };
        for record in [example(), bare] {
            assert_eq!(read(&encode(&record)).unwrap(), record);
            assert_eq!(encode_checked(&record).unwrap(), encode(&record));
            assert_eq!(decode_id(&encode(&record)).unwrap(), record.id);
        }
    }

    #[test]
    fn packed_documents_are_read_back_and_damage_to_them_is_survived() {
        let mut random = Random::new();
        let dictionary = packing::dictionary(&mut random);
        let mut packer = Packer::new(&dictionary).unwrap();
        let read = |bytes: &[u8]| decode(bytes, || Ok(&dictionary));
        let record = StoredRecord { document: Some(packing::text(&mut random, 900)), ..example() };
        let bytes = encode_checked(&record).unwrap();
        let stored = pack(&bytes, &mut packer).unwrap().unwrap();
        assert!(stored.len() + 450 < bytes.len());
        assert_eq!(read(&stored).unwrap(), record);
        assert_eq!(read(&bytes).unwrap(), record);
        assert_eq!(decode_id(&stored).unwrap(), record.id);
        let rest = StoredRecord { document: None, ..record.clone() };
        assert_eq!(decode_but_document(&stored).unwrap(), rest);
        assert_eq!(decode_but_document(&bytes).unwrap(), rest);
        assert_eq!(
            (packable_bytes(&bytes).unwrap(), packable_bytes(&stored).unwrap()),
            (record.document.unwrap().len(), 0)
        );
        assert!(!says(&stored, &rest).unwrap_or(false), "packed bytes are not what is compared");
        for bytes in [&stored, &encode(&example()), &encode(&rest)] {
            assert_eq!(pack(bytes, &mut packer).unwrap(), None);
        }
        assert!(matches!(decode::<&Dictionary>(&stored, || Err(no_dictionary())), Err(Error::Damaged { .. })));
        for at in 0..stored.len() {
            assert!(matches!(read(&stored[..at]), Err(Error::Damaged { .. })), "cut at {at}");
            for flip in [1, 0x10, 0x80, 0xff] {
                let mut flipped = stored.clone();
                flipped[at] ^= flip;
                let _ = (read(&flipped), decode_but_document(&flipped), decode_id(&flipped), packable_bytes(&flipped));
            }
        }
    }

    #[test]
    fn bytes_that_say_something_else_are_seen() {
        let (record, bytes) = (example(), encode(&example()));
        for at in 0..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            let again = read(&bytes);
            assert_eq!(says(&bytes, &record).is_ok_and(|same| same), again.is_ok_and(|read| read == record), "{at}");
        }
        assert!(!says(&encode(&StoredRecord { uri: None, ..example() }), &record).unwrap());
        assert!(!says(&bytes, &StoredRecord { metadata: Metadata::default(), ..example() }).unwrap());
    }

    #[test]
    fn every_cut_and_every_flipped_byte_is_read_or_refused() {
        let bytes = encode(&example());
        for len in 0..bytes.len() {
            assert!(matches!(read(&bytes[..len]), Err(Error::Damaged { .. })), "cut at {len}");
        }
        for at in 0..bytes.len() {
            for flip in [1, 0x10, 0x80, 0xff] {
                let mut bytes = bytes.clone();
                bytes[at] ^= flip;
                let _ = read(&bytes);
            }
        }
    }
}
