//! Output packed with gzip or Zstandard.
//!
//! Invariant: what is finished is a whole stream that other programs unpack.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use flate2::write::GzEncoder;

/// How output is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    /// gzip.
    Gzip,
    /// Zstandard.
    Zstd,
}

named!(pub(crate) Compression { Gzip: "gz", Zstd: "zst" });

impl Compression {
    /// Takes the packing off a file's name: `notes.csv.gz` is `notes.csv`, packed.
    #[must_use]
    pub(crate) fn of_path(path: &Path) -> (Option<Self>, PathBuf) {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
        let packing = match ending.as_str() {
            "gz" | "gzip" => Some(Self::Gzip),
            "zst" | "zstd" => Some(Self::Zstd),
            _ => None,
        };
        (packing, if packing.is_some() { path.with_extension("") } else { path.to_owned() })
    }
}

/// Packs what is written to it.
pub(crate) enum Compressed<W: Write> {
    /// Does not.
    Plain(W),
    /// With gzip.
    Gzip(GzEncoder<W>),
    /// With Zstandard.
    Zstd(zstd::Encoder<'static, W>),
}

impl<W: Write> Compressed<W> {
    /// Begins a stream.
    ///
    /// # Errors
    /// When Zstandard cannot be set up.
    pub(crate) fn new(out: W, packing: Option<Compression>) -> io::Result<Self> {
        Ok(match packing {
            None => Self::Plain(out),
            Some(Compression::Gzip) => Self::Gzip(GzEncoder::new(out, flate2::Compression::default())),
            Some(Compression::Zstd) => Self::Zstd(zstd::Encoder::new(out, zstd::DEFAULT_COMPRESSION_LEVEL)?),
        })
    }

    /// Ends the stream.
    ///
    /// # Errors
    /// Those of what is written to.
    pub(crate) fn finish(self) -> io::Result<W> {
        match self {
            Self::Plain(out) => Ok(out),
            Self::Gzip(encoder) => encoder.finish(),
            Self::Zstd(encoder) => encoder.finish(),
        }
    }
}

impl<W: Write> Write for Compressed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(out) => out.write(bytes),
            Self::Gzip(encoder) => encoder.write(bytes),
            Self::Zstd(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(out) => out.flush(),
            // A flush inside a stream makes it longer, and what was written stays in order without one.
            Self::Gzip(_) | Self::Zstd(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn what_is_packed_unpacks() {
        let packed = |packing| {
            let mut out = Compressed::new(Vec::new(), packing).unwrap();
            out.write_all(b"one ").unwrap();
            out.flush().unwrap();
            out.write_all(b"two").unwrap();
            out.finish().unwrap()
        };
        assert_eq!(packed(None), b"one two");
        let mut text = String::new();
        flate2::read::GzDecoder::new(&packed(Some(Compression::Gzip))[..]).read_to_string(&mut text).unwrap();
        assert_eq!(text, "one two");
        assert_eq!(zstd::decode_all(&packed(Some(Compression::Zstd))[..]).unwrap(), b"one two");
    }

    #[test]
    fn a_name_says_how_it_is_packed() {
        let of = |path: &str| Compression::of_path(Path::new(path));
        assert_eq!(of("a/b.csv.GZ"), (Some(Compression::Gzip), "a/b.csv".into()));
        assert_eq!(of("b.jsonl.zst"), (Some(Compression::Zstd), "b.jsonl".into()));
        assert_eq!(of("b.parquet"), (None, "b.parquet".into()));
    }
}
