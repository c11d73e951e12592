//! Long documents packed by zstd with a dictionary that was made of documents of their collection.
//!
//! A dictionary saves a third of what zstd leaves of an abstract by itself; a short document it would save little of is
//! left as it is, because a filter over documents would have to unpack it. Invariant: unpacking gives the very bytes that
//! were packed or an error, whatever it is given, and takes no more memory than the longest document that is packed.

use std::cell::RefCell;

use xxhash_rust::xxh3::xxh3_64;
use zstd::bulk::Compressor;
use zstd::dict::DecoderDictionary;
use zstd::zstd_safe::{CParameter, DCtx, compress_bound, find_frame_compressed_size};

use super::codec::Reader;
use super::table::MAX_VALUE_BYTES;
use crate::error::{Error, Result};

/// How many bytes a document has that is packed. What is longer is rare, and unpacked in pieces of unbounded memory or not
/// at all.
const PACKED_BYTES: std::ops::RangeInclusive<usize> = 256..=MAX_VALUE_BYTES;
/// What every frame begins with; it is not stored, and so never leads to the code that reads older forms of frames.
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// zstd's own: 8 us to pack an abstract, 3.5 us to unpack it.
const LEVEL: i32 = 3;

/// The fewest documents, and bytes of them, that a dictionary is made of: half a batch of an import that embeds.
const LEAST_DOCUMENTS: usize = 128;
const LEAST_SAMPLE_BYTES: usize = 128 << 10;
/// The most bytes: eight times as many save a hundredth more, and take a second.
const MOST_SAMPLE_BYTES: usize = 2 << 20;
/// How much longer than a dictionary its sample is, at the least.
const SAMPLE_PER_DICTIONARY: usize = 8;
/// The longest dictionary, with what redb puts beside it in a page.
const DICTIONARY_PAGE_BYTES: usize = 64 << 10;
const BESIDE_IN_PAGE: usize = 128;

thread_local! {
    /// Making one takes longer than unpacking a document.
    static CONTEXT: RefCell<Option<DCtx<'static>>> = const { RefCell::new(None) };
}

/// The document of a record as it is stored packed.
pub(crate) struct PackedDocument<'a> {
    /// The id of the record.
    pub(crate) id: &'a str,
    /// The bytes of the document.
    pub(crate) len: usize,
    /// A frame of zstd behind its [`MAGIC`].
    pub(crate) frame: &'a [u8],
}

/// Says that there is nothing to unpack a document with.
pub(crate) fn no_dictionary() -> Error {
    Error::damaged("a document is packed, and its collection has no dictionary")
}

/// Returns whether a document of so many bytes is packed where that saves enough.
pub(crate) fn is_packable(len: usize) -> bool {
    PACKED_BYTES.contains(&len)
}

/// What documents of a collection are packed with.
pub(crate) struct Dictionary {
    bytes: Vec<u8>,
    identity: u64,
    prepared: DecoderDictionary<'static>,
}

impl Dictionary {
    pub(crate) fn new(bytes: Vec<u8>) -> Result<Self> {
        let prepared = DecoderDictionary::try_copy(&bytes).map_err(|e| Error::io("prepare a dictionary", e))?;
        Ok(Self { identity: xxh3_64(&bytes), bytes, prepared })
    }

    /// Reads what [`Dictionary::to_bytes`] wrote.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes, "a dictionary");
        let identity = reader.u64()?;
        if xxh3_64(bytes.get(8..).unwrap_or_default()) != identity {
            return Err(reader.damaged("it does not match its checksum"));
        }
        Self::new(reader.rest().to_vec())
    }

    /// Its checksum and its bytes.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        [&self.identity.to_le_bytes(), self.bytes.as_slice()].concat()
    }

    /// The checksum of its bytes, by which the collection knows it.
    pub(crate) fn identity(&self) -> u64 {
        self.identity
    }

    /// About how much memory it takes.
    pub(crate) fn memory(&self) -> usize {
        2 * self.bytes.len()
    }

    pub(crate) fn unpack(&self, packed: &PackedDocument) -> Result<String> {
        let damaged = || Error::damaged(format!("the document of record {:?} does not unpack", packed.id));
        let frame = [&MAGIC, packed.frame].concat();
        if !is_packable(packed.len) || find_frame_compressed_size(&frame).ok() != Some(frame.len()) {
            return Err(damaged());
        }
        let mut document = Vec::with_capacity(packed.len);
        CONTEXT.with_borrow_mut(|context| {
            if context.is_none() {
                *context = DCtx::try_create();
            }
            let context = context.as_mut().ok_or_else(damaged)?;
            let unpacked = context.decompress_using_ddict(&mut document, &frame, self.prepared.as_ddict());
            unpacked.map_err(|_| damaged())
        })?;
        if document.len() != packed.len {
            return Err(damaged());
        }
        String::from_utf8(document).map_err(|_| damaged())
    }
}

/// Packs documents with one dictionary.
pub(crate) struct Packer {
    compressor: Compressor<'static>,
    frame: Vec<u8>,
}

impl Packer {
    pub(crate) fn new(dictionary: &Dictionary) -> Result<Self> {
        let prepare = || {
            let mut compressor = Compressor::with_dictionary(LEVEL, &dictionary.bytes)?;
            // The record knows the length, the collection the dictionary, and pages have checksums.
            for parameter in [CParameter::ContentSizeFlag(false), CParameter::DictIdFlag(false)] {
                compressor.set_parameter(parameter)?;
            }
            Ok(compressor)
        };
        let compressor = prepare().map_err(|e| Error::io("prepare a dictionary", e))?;
        Ok(Self { compressor, frame: Vec::new() })
    }

    /// Returns a document as a [`PackedDocument::frame`], where that saves a fifth of it.
    pub(crate) fn pack(&mut self, document: &str) -> Option<&[u8]> {
        if !is_packable(document.len()) {
            return None;
        }
        self.frame.clear();
        self.frame.reserve(compress_bound(document.len()));
        self.compressor.compress_to_buffer(document.as_bytes(), &mut self.frame).ok()?;
        self.frame.strip_prefix(&MAGIC).filter(|frame| frame.len() * 5 <= document.len() * 4)
    }
}

/// Documents that a dictionary is to be made of.
#[derive(Default)]
pub(crate) struct Sample {
    documents: Vec<u8>,
    lens: Vec<usize>,
}

impl Sample {
    /// Adds a document that would be packed, unless there is enough.
    pub(crate) fn add(&mut self, document: &str) {
        if is_packable(document.len()) && self.documents.len() < MOST_SAMPLE_BYTES {
            self.documents.extend_from_slice(document.as_bytes());
            self.lens.push(document.len());
        }
    }

    /// Makes a dictionary; `None` where documents are too few, or have nothing in common.
    pub(crate) fn train(&self) -> Option<Dictionary> {
        if self.lens.len() < LEAST_DOCUMENTS || self.documents.len() < LEAST_SAMPLE_BYTES {
            return None;
        }
        let page = (self.documents.len() / SAMPLE_PER_DICTIONARY).min(DICTIONARY_PAGE_BYTES);
        // A page of redb is a power of two.
        let page = 1_usize << page.checked_ilog2()?;
        let bytes = zstd::dict::from_continuous(&self.documents, &self.lens, page.checked_sub(BESIDE_IN_PAGE)?).ok()?;
        Dictionary::new(bytes).ok()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::record::random::Random;

    /// Returns a text of at least so many bytes, of words that all such texts have in common.
    pub(crate) fn text(random: &mut Random, len: usize) -> String {
        let mut text = String::new();
        while text.len() < len {
            let word = random.below(400);
            text.push_str(["ka", "lo", "mi", "nu", "sé"][(word % 5) as usize]);
            text.push_str(["ra", "stel", "vo", "prin"][(word / 5 % 4) as usize]);
            text.push_str(["", "ing", "er ", "tion"][(word / 20 % 4) as usize]);
            text.push_str(["", "s ", ", ", " ", " of the "][(word / 80 % 5) as usize]);
        }
        text
    }

    pub(crate) fn dictionary(random: &mut Random) -> Dictionary {
        let mut sample = Sample::default();
        (0..400).for_each(|_| sample.add(&text(random, 600)));
        sample.train().unwrap()
    }

    fn unpack(dictionary: &Dictionary, len: usize, frame: &[u8]) -> Result<String> {
        dictionary.unpack(&PackedDocument { id: "a", len, frame })
    }

    #[test]
    fn round_trip() {
        let mut random = Random::new();
        let dictionary = dictionary(&mut random);
        assert!(dictionary.to_bytes().len() < DICTIONARY_PAGE_BYTES / 2);
        let mut packer = Packer::new(&dictionary).unwrap();
        for len in [256, 257, 1000, 20_000, 300_000] {
            let text = text(&mut random, len);
            let frame = packer.pack(&text).unwrap();
            assert!(frame.len() < text.len() / 2, "{} of {}", frame.len(), text.len());
            assert_eq!(unpack(&dictionary, text.len(), frame).unwrap(), text);
        }
        let read = Dictionary::from_bytes(&dictionary.to_bytes()).unwrap();
        assert_eq!((read.identity(), read.to_bytes()), (dictionary.identity(), dictionary.to_bytes()));
    }

    #[test]
    fn what_is_short_or_long_or_packs_badly_stays_as_it_is() {
        let mut random = Random::new();
        let mut packer = Packer::new(&dictionary(&mut random)).unwrap();
        assert!(packer.pack("").is_none() && packer.pack(&"a".repeat(255)).is_none());
        assert!(packer.pack(&"a".repeat(256)).is_some() && packer.pack(&"a".repeat(MAX_VALUE_BYTES)).is_some());
        assert!(packer.pack(&"a".repeat(MAX_VALUE_BYTES + 1)).is_none());
        let noise: String = random.bytes(4000).into_iter().map(|byte| char::from(byte & 0x7f)).collect();
        assert!(packer.pack(&noise).is_none(), "{:?}", packer.pack(&noise).map(<[u8]>::len));
    }

    #[test]
    fn few_documents_make_no_dictionary() {
        let mut random = Random::new();
        let (mut few, mut short, mut same) = (Sample::default(), Sample::default(), Sample::default());
        (0..LEAST_DOCUMENTS - 1).for_each(|_| few.add(&text(&mut random, 2000)));
        (0..LEAST_DOCUMENTS * 20).for_each(|_| short.add(&text(&mut random, 100)));
        assert!(few.train().is_none() && short.train().is_none());
        // It may make one, or not.
        (0..LEAST_DOCUMENTS * 20).for_each(|_| same.add(&"a".repeat(300)));
        let _ = same.train();
    }

    #[test]
    fn no_damage_is_more_than_an_error() {
        let mut random = Random::new();
        let dictionary = dictionary(&mut random);
        let text = text(&mut random, 900);
        let frame = Packer::new(&dictionary).unwrap().pack(&text).unwrap().to_vec();
        // A page has a checksum, and a frame none: what is read instead is as long, and a text.
        let same_length = |read: Result<String>| match read {
            Ok(read) => assert_eq!(read.len(), text.len()),
            Err(error) => assert!(matches!(&error, Error::Damaged { what, .. } if what.contains(r#""a""#)), "{error}"),
        };
        for at in 0..frame.len() {
            for flip in [1, 0x10, 0x80, 0xff] {
                let mut frame = frame.clone();
                frame[at] ^= flip;
                same_length(unpack(&dictionary, text.len(), &frame));
            }
            assert!(unpack(&dictionary, text.len(), &frame[..at]).is_err(), "cut at {at}");
        }
        for len in [0, 255, text.len() - 1, text.len() + 1, MAX_VALUE_BYTES, MAX_VALUE_BYTES + 1, usize::MAX] {
            assert!(unpack(&dictionary, len, &frame).is_err(), "{len}");
        }
        assert!(unpack(&dictionary, text.len(), &[&frame[..], b"x"].concat()).is_err());
        let other = self::dictionary(&mut random);
        assert_ne!(unpack(&other, text.len(), &frame).ok(), Some(text));
        let mut bytes = dictionary.to_bytes();
        for at in 0..bytes.len() {
            bytes[at] ^= 1;
            assert!(Dictionary::from_bytes(&bytes).is_err(), "{at}");
            bytes[at] ^= 1;
        }
        assert!(Dictionary::from_bytes(&[]).is_err());
    }
}
