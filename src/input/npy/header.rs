//! The header of an npy file (NEP 1, versions 1.0 to 3.0): how numbers are written, and how many.
//!
//! It is ours because the npyz crate takes as much memory for a header as the file asks for, and brings a parser of Python
//! (some 15 crates) in place of 50 lines. Does not read the numbers. Invariant: what leaves is a matrix of rows that lie
//! one after another.

use half::f16;

use crate::error::Result;
use crate::input::decompress::InputBytes;

/// The library's own limit on what it takes for a header.
const HEADER_LIMIT_BYTES: usize = 64 << 10;

/// One number in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MatrixNumber {
    F16,
    F32,
    F64,
}

/// What a matrix is like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MatrixHeader {
    pub(super) number: MatrixNumber,
    pub(super) big_endian: bool,
    pub(super) rows: u64,
    pub(super) columns: usize,
    /// Where the numbers begin.
    pub(super) bytes: u64,
}

impl MatrixHeader {
    /// Reads the header at the start of an input.
    ///
    /// # Errors
    /// [`crate::error::Error::BadInput`] for what is no matrix of floats, with what to do about it.
    pub(super) fn read(input: &mut InputBytes) -> Result<Self> {
        let mut start = [0; 8];
        let read = input.read_full(&mut start)?;
        let [magic @ .., major, _] = start;
        if read < start.len() || magic != *b"\x93NUMPY" {
            return Err(input.bad("is not a NumPy file", Some("write it with numpy.save".into())));
        }
        let width = match major {
            1 => 2,
            2 | 3 => 4,
            _ => return Err(input.bad(format!("is a NumPy file of version {major}, which is not known"), None)),
        };
        let mut length = [0; 4];
        let read = input.read_full(length.get_mut(..width).unwrap_or_default())?;
        let length = u32::from_le_bytes(length) as usize;
        if read < width || length > HEADER_LIMIT_BYTES {
            return Err(input.bad("its header is damaged or cut off", None));
        }
        let mut text = vec![0; length];
        if input.read_full(&mut text)? < length {
            return Err(input.bad("its header is cut off", None));
        }
        let header =
            Self::parse(&String::from_utf8_lossy(&text)).map_err(|(why, hint)| input.bad(why, Some(hint.into())))?;
        Ok(Self { bytes: (start.len() + width + length) as u64, ..header })
    }

    /// Reads the Python dictionary; the error is a sentence and a hint.
    fn parse(text: &str) -> Result<Self, (String, &'static str)> {
        let damaged = || ("its header is damaged".to_owned(), "write it again with numpy.save");
        let descr = field(text, "descr").ok_or_else(damaged)?;
        let Some(descr) = descr.strip_prefix(['\'', '"']).and_then(|rest| rest.split(['\'', '"']).next()) else {
            return Err(("holds records, not numbers".into(), "save a matrix of one kind of number"));
        };
        let (order, kind) = descr.split_at_checked(1).unwrap_or_default();
        let number = match kind {
            "f2" => MatrixNumber::F16,
            "f4" => MatrixNumber::F32,
            "f8" => MatrixNumber::F64,
            _ => {
                return Err((format!("holds numbers of type {descr:?}, not floats"), "save array.astype(\"float32\")"));
            }
        };
        if !matches!(order, "<" | ">" | "=" | "|") {
            return Err(damaged());
        }
        let shape = field(text, "shape").and_then(|rest| rest.strip_prefix('(')?.split(')').next());
        let shape = shape.ok_or_else(damaged)?;
        let sizes: Vec<u64> = shape
            .split(',')
            .map(str::trim)
            .filter(|size| !size.is_empty())
            .map(|size| size.trim_end_matches('L').parse().map_err(|_| damaged()))
            .collect::<Result<_, _>>()?;
        let &[rows, columns] = sizes.as_slice() else {
            let why = format!("is an array of shape ({shape}), not a matrix of rows and columns");
            return Err((why, "save an array of two dimensions, such as array.reshape(rows, -1)"));
        };
        if field(text, "fortran_order").is_some_and(|rest| rest.starts_with("True")) && rows > 1 {
            return Err((
                "is written column by column (Fortran order)".into(),
                "save numpy.ascontiguousarray(array), whose rows lie one after another",
            ));
        }
        let columns = usize::try_from(columns).ok().filter(|&columns| columns > 0).ok_or_else(damaged)?;
        Ok(Self { number, big_endian: order == ">", rows, columns, bytes: 0 })
    }

    /// Returns the bytes of a row; `None` when there is no such row.
    pub(super) fn row_bytes(&self) -> Option<usize> {
        self.columns.checked_mul(self.number.bytes())
    }

    /// Reads the numbers of a row, each rounded to f32 once.
    pub(super) fn numbers(&self, row: &[u8]) -> Vec<f32> {
        match self.number {
            MatrixNumber::F16 => self.read_each(row, |bytes| f16::from_le_bytes(bytes).to_f32()),
            MatrixNumber::F32 => self.read_each(row, f32::from_le_bytes),
            #[expect(clippy::cast_possible_truncation, reason = "rounded to the nearest f32")]
            MatrixNumber::F64 => self.read_each(row, |bytes| f64::from_le_bytes(bytes) as f32),
        }
    }

    fn read_each<const N: usize>(&self, row: &[u8], read: impl Fn([u8; N]) -> f32) -> Vec<f32> {
        let (words, _) = row.as_chunks::<N>();
        let in_order = |mut word: [u8; N]| {
            if self.big_endian {
                word.reverse();
            }
            word
        };
        words.iter().map(|word| read(in_order(*word))).collect()
    }
}

impl MatrixNumber {
    fn bytes(self) -> usize {
        match self {
            Self::F16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }
}

/// Returns what follows a key of the dictionary.
fn field<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    let quoted = [format!("'{key}'"), format!("\"{key}\"")];
    let after = quoted.iter().find_map(|key| text.split_once(key.as_str()))?.1;
    Some(after.trim_start().strip_prefix(':')?.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(descr: &str, fortran: &str, shape: &str) -> Result<MatrixHeader, String> {
        let text = format!("{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}   \n");
        MatrixHeader::parse(&text).map_err(|(why, hint)| format!("{why}; {hint}"))
    }

    #[test]
    fn matrices_of_floats_are_read() {
        let header = |number, big_endian, rows, columns| MatrixHeader { number, big_endian, rows, columns, bytes: 0 };
        assert_eq!(parse("'<f4'", "False", "(3, 4)"), Ok(header(MatrixNumber::F32, false, 3, 4)));
        assert_eq!(parse("'>f8'", "False", "(0, 1)"), Ok(header(MatrixNumber::F64, true, 0, 1)));
        assert_eq!(parse("\"<f2\"", "True", "(1L, 2L)"), Ok(header(MatrixNumber::F16, false, 1, 2)));
    }

    #[test]
    fn everything_else_is_refused_with_a_hint() {
        for (descr, fortran, shape, why) in [
            ("'<i8'", "False", "(3, 4)", "astype"),
            ("'|O'", "False", "(3, 4)", "not floats"),
            ("[('a', '<f4')]", "False", "(3,)", "records"),
            ("'<f4'", "True", "(3, 4)", "ascontiguousarray"),
            ("'<f4'", "False", "(3,)", "reshape"),
            ("'<f4'", "False", "(3, 4, 5)", "shape (3, 4, 5)"),
            ("'<f4'", "False", "()", "shape ()"),
            ("'<f4'", "False", "(3, 0)", "damaged"),
            ("'<f4'", "False", "(3, x)", "damaged"),
            ("'<f4'", "False", "3", "damaged"),
            ("'?f4'", "False", "(3, 4)", "damaged"),
            ("''", "False", "(3, 4)", "not floats"),
        ] {
            let error = parse(descr, fortran, shape).unwrap_err();
            assert!(error.contains(why), "{descr} {fortran} {shape}: {error}");
        }
    }
}
