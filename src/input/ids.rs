//! A list of ids, as `-o ids` writes it: one a line, or each with a NUL after it.
//!
//! Invariant: an id is taken exactly as it stands between two ends, so that what was written is what is read. Only an
//! empty line is none, a line may end as on Windows, and a byte order mark before the first is dropped.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};

use super::decompress::BOM;
use super::stdin::Stdin;
use crate::error::{Error, Result};
use crate::record::RecordId;

/// Reads a list of ids, none longer than `limit_bytes`, from a file, or from `stdin` when the argument is `-`.
///
/// # Errors
/// [`Error::BadInput`] when no such file, [`Error::BadRow`] for an id that is too long or no UTF-8 text,
/// [`Error::Io`] when it cannot be read.
pub fn read_ids(argument: &str, stdin: Stdin, null_terminated: bool, limit_bytes: usize) -> Result<Vec<RecordId>> {
    if argument == "-" {
        return ids(BufReader::new(stdin), argument, null_terminated, limit_bytes);
    }
    let file = File::open(argument).map_err(|e| failure(argument, e))?;
    ids(BufReader::new(file), argument, null_terminated, limit_bytes)
}

fn ids(mut reader: impl BufRead, source: &str, null_terminated: bool, limit_bytes: usize) -> Result<Vec<RecordId>> {
    let end = if null_terminated { 0 } else { b'\n' };
    // With room for its end, be that two bytes, and for what the first begins with.
    let longest = (limit_bytes + 2 + BOM.len()) as u64;
    let (mut ids, mut held) = (Vec::new(), Vec::new());
    for line in 1.. {
        held.clear();
        let read = (&mut reader).take(longest).read_until(end, &mut held).map_err(|e| failure(source, e))?;
        if read == 0 {
            break;
        }
        let bad = |why: String| Error::bad_row(source, line, why);
        let is_whole = held.last() == Some(&end);
        held.truncate(held.len() - usize::from(is_whole));
        if !null_terminated && held.last() == Some(&b'\r') {
            held.pop();
        }
        // Text of some programs begins so; with NULs the list is one of ours, and this is an id's.
        if !null_terminated && line == 1 && held.starts_with(BOM) {
            held.drain(..BOM.len());
        }
        if held.len() > limit_bytes {
            return Err(bad(format!("the id is longer than {limit_bytes} bytes")));
        }
        let text = std::str::from_utf8(&held).map_err(|_| bad("the id is not UTF-8 text".into()))?;
        if !null_terminated && text.contains('\0') {
            return Err(bad("the id holds a NUL; ids that end with NUL are read with -0".into()));
        }
        if !text.is_empty() {
            ids.push(RecordId::parse(text)?);
        }
    }
    Ok(ids)
}

fn failure(source: &str, error: io::Error) -> Error {
    let why = match error.kind() {
        ErrorKind::NotFound => "no such file",
        ErrorKind::IsADirectory => "it is a folder, not a list of ids",
        _ => return Error::io(format!("read {source}"), error),
    };
    Error::BadInput { source: source.to_owned(), why: why.into(), hint: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 1000;

    fn read(bytes: &[u8], null_terminated: bool) -> std::result::Result<Vec<String>, String> {
        let found = ids(bytes, "t", null_terminated, LIMIT).map_err(|e| e.to_string())?;
        Ok(found.into_iter().map(String::from).collect())
    }

    #[test]
    fn an_id_is_what_stands_between_two_ends() {
        assert_eq!(read(b"a\n b \n\nc\r\nd", false).unwrap(), ["a", " b ", "c", "d"]);
        assert_eq!(read(b"a\nb\0c\r\0\0d", true).unwrap(), ["a\nb", "c\r", "d"]);
        assert_eq!(read(b"\xef\xbb\xbfa\r\n\xef\xbb\xbfb", false).unwrap(), ["a", "\u{feff}b"]);
        assert_eq!(read(b"\xef\xbb\xbfa\0", true).unwrap(), ["\u{feff}a"]);
        assert_eq!(read(b"", false).unwrap(), [""; 0]);
        assert_eq!(read(b"\n\n", false).unwrap(), [""; 0]);
    }

    #[test]
    fn the_longest_id_and_one_byte_more() {
        let longest = "x".repeat(LIMIT);
        assert_eq!(read(format!("{longest}\r\na").as_bytes(), false).unwrap(), [longest.as_str(), "a"]);
        for more in ["x", "xx", "xxx", "x\n", "x\r\n"] {
            let error = read(format!("a\n{longest}{more}").as_bytes(), false).unwrap_err();
            assert_eq!(error, "t:2: the id is longer than 1000 bytes");
        }
    }

    #[test]
    fn what_is_no_id_is_told_with_its_line() {
        assert_eq!(read(b"a\n\xff\n", false).unwrap_err(), "t:2: the id is not UTF-8 text");
        let error = read(b"a\0b\0", false).unwrap_err();
        assert_eq!(error, "t:1: the id holds a NUL; ids that end with NUL are read with -0");
    }
}
