//! A file or a pipe as a stream of UTF-8-to-be bytes.
//!
//! Unpacks gzip and Zstandard by their magic bytes, whatever the name says, drops a UTF-8 byte order mark and
//! refuses what is plainly not text. Does not check that the rest is UTF-8: rows do, so that a bad one can be
//! skipped. Invariant: an error of the operating system is [`Error::Io`], damaged data is [`Error::BadInput`].

use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::sync::Arc;

use super::encoding::{DecodedReader, TextEncoding, Undecodable};
use super::format::InputFormat;
use super::gzip::Members;
use super::progress::{CountedReader, ReadProgress};
use crate::error::{Advice, Error, Remark, Result};

/// What UTF-8 text of some programs begins with.
pub(super) const BOM: &[u8] = b"\xef\xbb\xbf";
const BLOCK_BYTES: usize = 64 * 1024;

/// What other programs' files begin with, what they are, and what to do about it.
static OTHER_FORMATS: [(&[u8], &str, Advice); 11] = [
    (b"PAR1", "a Parquet file", Advice::ImportOnly("csv or jsonl")),
    (b"\x93NUMPY", "a NumPy file", Advice::ImportOnly("jsonl")),
    (b"ARROW1\0\0", "an Arrow file", Advice::ImportOnly("csv or jsonl")),
    (b"FEA1", "a Feather file of version 1", plain("write it with version 2, which is an Arrow file")),
    (b"%PDF-", "a PDF file", plain("take its text out first: pdftotext FILE.pdf")),
    (b"PK\x03\x04", "a zip archive", plain("unpack it first; of an .npz file, save one array as .npy")),
    (b"BZh", "packed with bzip2", Advice::Decompress("bzip2 -dc")),
    (b"\xfd7zXZ\0", "packed with xz", Advice::Decompress("xz -dc")),
    (b"SQLite format 3\0", "an SQLite database", Advice::AskWithSql),
    (b"\xff\xfe", "UTF-16 text", Advice::NameEncoding("utf-16")),
    (b"\xfe\xff", "UTF-16 text", Advice::NameEncoding("utf-16")),
];

/// What to say of a file of which nothing else is known.
pub(super) const BINARY: &str =
    "the inputs are csv, tsv, json, jsonl, html and text files, plain or packed with gzip or zstd";

const fn plain(text: &'static str) -> Advice {
    Advice::Text(Cow::Borrowed(text))
}

/// A stream of text, its name for messages, and how it was packed.
pub(super) struct InputBytes {
    reader: Box<dyn BufRead + Send>,
    source: Arc<str>,
    packing: Option<&'static str>,
}

impl InputBytes {
    /// Looks at the first bytes of `raw`, unpacks it and refuses binary data.
    ///
    /// # Errors
    /// [`Error::NotText`] for a binary file, [`Error::BadInput`] for damaged packed data, [`Error::Io`] when it cannot be read.
    pub(super) fn open(raw: impl Read + Send + 'static, source: Arc<str>, progress: Arc<ReadProgress>) -> Result<Self> {
        let mut this = Self::unpack(raw, source, progress)?;
        this.refuse_binary()?;
        Ok(this)
    }

    /// Does the same, but leaves it to the caller to look at the first bytes.
    pub(super) fn unpack(
        raw: impl Read + Send + 'static,
        source: Arc<str>,
        progress: Arc<ReadProgress>,
    ) -> Result<Self> {
        let mut raw = CountedReader { inner: raw, progress };
        let mut this = Self { reader: Box::new(io::empty()), source, packing: None };
        let head = read_head(&mut raw).map_err(|e| this.failure(e))?;
        let magic = |magic: &[u8]| head.starts_with(magic);
        let (gzip, zstd) = (magic(b"\x1f\x8b"), magic(b"\x28\xb5\x2f\xfd"));
        let packed = Cursor::new(head).chain(raw);
        let mut unpacked: Box<dyn Read + Send> = if gzip {
            this.packing = Some("gzip");
            Box::new(Members::new(BufReader::with_capacity(BLOCK_BYTES, packed)))
        } else if zstd {
            this.packing = Some("zstd");
            Box::new(zstd::Decoder::new(packed).map_err(|e| this.failure(e))?)
        } else {
            Box::new(packed)
        };
        let mut head = read_head(&mut unpacked).map_err(|e| this.failure(e))?;
        if head.starts_with(BOM) {
            head.drain(..BOM.len());
        }
        this.reader = Box::new(BufReader::with_capacity(BLOCK_BYTES, Cursor::new(head).chain(unpacked)));
        Ok(this)
    }

    /// Reads text from here on as it was said to be encoded; what is no text stays as it is.
    pub(super) fn decoded(mut self, encoding: Option<TextEncoding>) -> Result<Self> {
        if let Some(encoding) = encoding
            && InputFormat::of_magic(self.fill()?).is_none()
        {
            let reader = std::mem::replace(&mut self.reader, Box::new(io::empty()));
            self.reader = Box::new(BufReader::with_capacity(BLOCK_BYTES, DecodedReader::new(reader, encoding)));
        }
        Ok(self)
    }

    /// Returns a copy of the lines that come next, at most so many and not much more than so many bytes of them; they are
    /// read again from here. A line that is not whole is left out.
    pub(super) fn hold_start(&mut self, lines: usize, limit_bytes: usize) -> Result<Self> {
        let (mut held, mut seen, mut ended) = (Vec::new(), 0, false);
        while seen <= lines && held.len() < limit_bytes && !ended {
            let block = self.fill()?;
            ended = block.is_empty();
            seen += memchr::memchr_iter(b'\n', block).count();
            held.extend_from_slice(block);
            let length = block.len();
            self.consume(length);
        }
        let whole = if ended { held.len() } else { memchr::memrchr(b'\n', &held).map_or(0, |end| end + 1) };
        let copy = held.get(..whole).unwrap_or_default().to_vec();
        let rest = std::mem::replace(&mut self.reader, Box::new(io::empty()));
        self.reader = Box::new(Cursor::new(held).chain(rest));
        Ok(Self { reader: Box::new(Cursor::new(copy)), source: Arc::clone(&self.source), packing: None })
    }

    /// Refuses what is plainly not text by its first bytes.
    pub(super) fn refuse_binary(&mut self) -> Result<()> {
        let source = Arc::clone(&self.source);
        refuse_binary(self.fill()?, &source)
    }

    /// Whether the bytes are those of the file itself.
    pub(super) fn is_packed(&self) -> bool {
        self.packing.is_some()
    }

    /// Fills a buffer; returns fewer bytes than it holds only at the end of the input.
    pub(super) fn read_full(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let block = self.fill()?;
            let n = block.len().min(rest.len());
            let (Some(to), Some(from)) = (rest.get_mut(..n).filter(|to| !to.is_empty()), block.get(..n)) else { break };
            to.copy_from_slice(from);
            self.consume(n);
            filled += n;
        }
        Ok(filled)
    }

    /// Returns the name for messages.
    pub(super) fn source(&self) -> &Arc<str> {
        &self.source
    }

    /// Returns what is buffered, reading when nothing is; empty at the end.
    pub(super) fn fill(&mut self) -> Result<&[u8]> {
        // Asked twice because a slice returned from inside the loop would borrow the reader for all of it.
        loop {
            match self.reader.fill_buf() {
                Ok(_) => break,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(self.failure(e)),
            }
        }
        let (source, packing) = (&self.source, self.packing);
        self.reader.fill_buf().map_err(|e| failure(e, source, packing))
    }

    /// Passes over `n` bytes of what [`Self::fill`] returned.
    pub(super) fn consume(&mut self, n: usize) {
        self.reader.consume(n);
    }

    /// Reads to the end, at most `limit` bytes.
    pub(super) fn read_all(&mut self, limit: usize) -> Result<Vec<u8>> {
        let mut all = Vec::new();
        loop {
            let block = self.fill()?;
            if block.is_empty() {
                return Ok(all);
            }
            all.extend_from_slice(block);
            let n = block.len();
            self.consume(n);
            if all.len() > limit {
                return Err(self.bad(format!("is longer than {limit} bytes"), None));
            }
        }
    }

    /// Makes an error about the input as a whole.
    pub(super) fn bad(&self, why: impl Into<String>, hint: Option<Advice>) -> Error {
        Error::BadInput { source: self.source.to_string(), why: why.into(), hint }
    }

    /// Makes an error about an input that is no text.
    pub(super) fn no_text(&self, why: impl Into<String>, hint: Option<Advice>) -> Error {
        Error::NotText { source: self.source.to_string(), why: why.into(), hint }
    }

    /// Makes an error about one row.
    pub(super) fn bad_row(&self, line: u64, why: impl Into<Remark>) -> Error {
        Error::bad_row(&self.source, line, why)
    }

    fn failure(&self, error: io::Error) -> Error {
        failure(error, &self.source, self.packing)
    }
}

fn failure(error: io::Error, source: &str, packing: Option<&'static str>) -> Error {
    match packing {
        _ if error.get_ref().and_then(|cause| cause.downcast_ref::<Undecodable>()).is_some() => {
            Error::BadInput { source: source.to_owned(), why: error.to_string(), hint: None }
        }
        Some(packing) if error.raw_os_error().is_none() => Error::BadInput {
            source: source.to_owned(),
            why: format!("the {packing} data is damaged or cut off ({error})"),
            hint: None,
        },
        _ => Error::io(format!("read {source}"), error),
    }
}

/// Reads one block, but at least the bytes a magic number needs where there are as many.
fn read_head(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = vec![0; BLOCK_BYTES];
    let mut filled = 0;
    while filled < 16 {
        match reader.read(head.get_mut(filled..).unwrap_or_default()) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    head.truncate(filled);
    Ok(head)
}

/// Words an advice where nothing says how files are read.
pub(super) fn without_flag(advice: Advice) -> Advice {
    match advice {
        Advice::NameEncoding(_) | Advice::AskWithSql => Advice::from(advice.to_string()),
        other => other,
    }
}

fn refuse_binary(head: &[u8], source: &str) -> Result<()> {
    let refuse = |why: String, hint: Advice| Err(Error::NotText { source: source.to_owned(), why, hint: Some(hint) });
    if let Some((_, what, hint)) = OTHER_FORMATS.iter().find(|(magic, ..)| head.starts_with(magic)) {
        return refuse(format!("is {what}"), hint.clone());
    }
    match memchr::memchr(0, head) {
        Some(at) => refuse(format!("is a binary file, not text (a NUL byte at offset {at})"), plain(BINARY)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn open(bytes: impl Into<Vec<u8>>) -> Result<InputBytes> {
        InputBytes::open(Cursor::new(bytes.into()), "t".into(), ReadProgress::new(None))
    }

    fn gzip(text: &str) -> Vec<u8> {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(text.as_bytes()).unwrap();
        packer.finish().unwrap()
    }

    #[test]
    fn packed_inputs_are_unpacked_by_their_magic() {
        let two_members = [gzip("one "), gzip("two")].concat();
        assert_eq!(open(two_members.clone()).unwrap().read_all(99).unwrap(), b"one two");
        for zeros in [1, 512, 200_000] {
            let padded = [two_members.clone(), vec![0; zeros], gzip(" three"), vec![0; zeros]].concat();
            assert_eq!(open(padded).unwrap().read_all(99).unwrap(), b"one two three", "{zeros} zeros");
        }
        let two_frames = [zstd::encode_all(&b"one "[..], 1).unwrap(), zstd::encode_all(&b"two"[..], 1).unwrap()];
        assert_eq!(open(two_frames.concat()).unwrap().read_all(99).unwrap(), b"one two");
        assert_eq!(open("\u{feff}plain").unwrap().read_all(99).unwrap(), b"plain");
        assert_eq!(open(gzip("\u{feff}plain")).unwrap().read_all(99).unwrap(), b"plain");
        assert_eq!(open("").unwrap().read_all(99).unwrap(), b"");
    }

    #[test]
    fn damaged_packing_is_bad_input() {
        let text: String = (0..90_000u64).map(|i| char::from(b'a' + (i * i % 23) as u8)).collect();
        let mut cut = gzip(&text);
        cut.truncate(cut.len() / 2);
        let mut wrong = zstd::encode_all(text.as_bytes(), 1).unwrap();
        wrong.truncate(wrong.len() / 2);
        let trailed = [gzip(&text), b"\0\0more".to_vec()].concat();
        for damaged in [cut, wrong, trailed] {
            let error = open(damaged).and_then(|mut bytes| bytes.read_all(1 << 20)).unwrap_err();
            assert!(matches!(&error, Error::BadInput { why, .. } if why.contains("cut off")), "{error}");
        }
    }

    #[test]
    fn what_is_not_text_is_refused_with_a_hint() {
        for (bytes, why) in [
            (&b"\xff\xfei\0d\0"[..], "UTF-16"),
            (b"PAR1....", "Parquet"),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "binary"),
            (b"id,document\n1,a\0b", "NUL"),
        ] {
            let error = open(bytes).err().unwrap();
            assert!(error.to_string().contains(why) && error.hint().is_some(), "{error}");
        }
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let bomb = zstd::encode_all(io::repeat(b'a').take(64 << 20), 1).unwrap();
        assert!(open(bomb).unwrap().read_all(1 << 20).is_err());
    }
}
