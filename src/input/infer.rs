//! What a column of a table is, decided by its cells together.
//!
//! Knows nothing of records. Invariant: a column is numbers only where every cell of it is a number that prints back as it
//! stands, and the like for truth values and arrays; else all of it is text, so that nothing of it is lost and a filter
//! finds what stands there.

use super::cell_type::{CellType, Look, look};
use crate::error::{Advice, Remark};
use crate::record::Value;

/// Rows that are looked at before the first is taken.
pub(super) const ROWS: usize = 100_000;
/// Bytes of a pipe that are held for that.
pub(super) const HELD_BYTES: usize = 16 << 20;

/// What the cells of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inferred {
    Number,
    Bool,
    Array,
    Text,
}

/// What was met in a column, and where first.
#[derive(Debug, Clone, Default)]
pub(super) struct Evidence {
    first: [Option<(u64, String)>; Look::COUNT],
}

impl Evidence {
    /// Takes a cell into account.
    pub(super) fn add(&mut self, cell: &str, line: u64) {
        const LONGEST: usize = 40;
        let Some(look) = look(cell) else { return };
        if let Some(first @ None) = self.first.get_mut(look as usize) {
            let cut = cell.char_indices().nth(LONGEST).map(|(end, _)| cell.get(..end).unwrap_or_default());
            *first = Some((line, cut.map_or_else(|| cell.to_owned(), |start| format!("{start}..."))));
        }
    }

    /// Returns whether the column has a value.
    pub(super) fn is_any(&self) -> bool {
        self.first.iter().any(Option::is_some)
    }

    fn met(&self, look: Look) -> Option<&(u64, String)> {
        self.first.get(look as usize)?.as_ref()
    }

    /// Decides; a column without a value is text, which any later value is.
    pub(super) fn decide(&self) -> Inferred {
        let only = |looks: &[Look]| {
            let is_among = |at: usize| looks.iter().any(|look| *look as usize == at);
            self.first.iter().enumerate().all(|(at, first)| first.is_none() || is_among(at))
                && looks.iter().any(|look| self.met(*look).is_some())
        };
        if only(&[Look::Int, Look::Float]) {
            Inferred::Number
        } else if only(&[Look::Bool]) {
            Inferred::Bool
        } else if only(&[Look::Array]) {
            Inferred::Array
        } else {
            Inferred::Text
        }
    }

    /// Says what was inferred where that is not plain.
    pub(super) fn notice(&self, name: &str) -> Option<Remark> {
        let at = |(line, cell): &(u64, String)| format!("{cell:?} on line {line}");
        let met = |look: Look| self.met(look).map(at);
        match self.decide() {
            Inferred::Number => {
                let (int, float) = (met(Look::Int)?, met(Look::Float)?);
                let notice = format!("the column {name:?} holds integers ({int}) and floats ({float})");
                Some(Remark::with(notice, Advice::ReadAsNumbers(name.to_owned())))
            }
            Inferred::Bool | Inferred::Array => None,
            Inferred::Text => {
                let inexact = met(Look::Inexact).map(|cell| format!("{cell} would not print back as written"));
                let is_numbers = met(Look::Other).is_none() && met(Look::Bool).is_none() && met(Look::Array).is_none();
                if let Some(cell) = met(Look::Comma).filter(|_| is_numbers && met(Look::Float).is_none()) {
                    let notice = format!("the column {name:?} is text, since {cell} has a decimal comma");
                    return Some(Remark::with(notice, Advice::ReadAsDecimalComma(name.to_owned())));
                }
                if is_numbers && met(Look::Comma).is_none() {
                    let notice = format!("the column {name:?} is text, since {}", inexact?);
                    return Some(Remark::with(notice, Advice::ReadAsNumbers(name.to_owned())));
                }
                let looks = [Look::Other, Look::Bool, Look::Array, Look::Comma];
                let other = looks.into_iter().find_map(met);
                let alike = [Look::Int, Look::Float, Look::Inexact, Look::Comma, Look::Bool, Look::Array];
                let alike = alike.into_iter().filter_map(met).find(|cell| Some(cell) != other.as_ref())?;
                Some(format!("the column {name:?} is text, {alike} too, since it holds {}", other?).into())
            }
        }
    }
}

impl Inferred {
    /// Reads a cell that is not blank, or is to be text; the error is a sentence without its subject.
    pub(super) fn read(self, cell: &str, name: &str) -> Result<Option<Value>, Remark> {
        let is_blank = cell.trim().is_empty();
        let (read, wanted) = match (self, look(cell)) {
            (Self::Text, _) => return Ok(Some(Value::Str(cell.to_owned()))),
            _ if is_blank => return Ok(None),
            (Self::Number, Some(Look::Int)) => (CellType::Int.read(cell).ok(), ""),
            (Self::Number, Some(Look::Float)) => (CellType::Float.read(cell).ok(), ""),
            (Self::Bool, Some(Look::Bool)) => (CellType::Bool.read(cell).ok(), ""),
            (Self::Array, Some(Look::Array)) => (CellType::Array.read(cell).ok(), ""),
            (Self::Number, Some(Look::Inexact)) => (None, "a number that prints back as written"),
            (Self::Number, _) => (None, "a number"),
            (Self::Bool, _) => (None, "true or false"),
            (Self::Array, _) => (None, "an array"),
        };
        read.map(Some).ok_or_else(|| {
            let why = format!("holds {cell:?}, which is not {wanted} as its first 100,000 rows are");
            Remark::with(why, Advice::ReadAsText(name.to_owned()))
        })
    }

    /// What a message calls it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Number => "numbers",
            Self::Bool => "true or false",
            Self::Array => "arrays",
            Self::Text => "text",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(cells: &[&str]) -> Evidence {
        let mut evidence = Evidence::default();
        cells.iter().zip(2..).for_each(|(cell, line)| evidence.add(cell, line));
        evidence
    }

    #[test]
    fn a_column_is_numbers_where_all_of_it_is() {
        for (cells, inferred) in [
            (&["1", "", "-20", " 3 "][..], Inferred::Number),
            (&["1", "2.5", "-0.25"], Inferred::Number),
            (&["1.1", "1.10"], Inferred::Text),
            (&["1", "A1"], Inferred::Text),
            (&["007"], Inferred::Text),
            (&["1e3"], Inferred::Text),
            (&["-0.0"], Inferred::Text),
            (&["12345678901234567890"], Inferred::Text),
            (&["true", "FALSE", ""], Inferred::Bool),
            (&["true", "1"], Inferred::Text),
            (&["[1,2]", "[3]"], Inferred::Array),
            (&["[1.10]"], Inferred::Text),
            (&["[1]", "x"], Inferred::Text),
            (&["", " "], Inferred::Text),
            (&[], Inferred::Text),
        ] {
            assert_eq!(met(cells).decide(), inferred, "{cells:?}");
        }
    }

    #[test]
    fn what_is_not_plain_is_said() {
        for (cells, said) in [
            (&["1", "2"][..], None),
            (&["a", "b"], None),
            (&["", ""], None),
            (&["true"], None),
            (
                &["1.5", "1.10"],
                Some(
                    "the column \"v\" is text, since \"1.10\" on line 3 would not print back as written; its type may be \
                     given as float, which makes it numbers",
                ),
            ),
            (
                &["1", "1.249,50"],
                Some(
                    "the column \"v\" is text, since \"1.249,50\" on line 3 has a decimal comma; its type may be given as \
                     decimal-comma, which makes it numbers",
                ),
            ),
            (
                &["1.5", "2,5"],
                Some("the column \"v\" is text, \"1.5\" on line 2 too, since it holds \"2,5\" on line 3"),
            ),
            (&["12", "A1"], Some("the column \"v\" is text, \"12\" on line 2 too, since it holds \"A1\" on line 3")),
            (&["true", "1"], Some("the column \"v\" is text, \"1\" on line 3 too, since it holds \"true\" on line 2")),
            (
                &["1", "2.5"],
                Some(
                    "the column \"v\" holds integers (\"1\" on line 2) and floats (\"2.5\" on line 3); its type may be \
                     given as float, which makes it numbers",
                ),
            ),
        ] {
            assert_eq!(met(cells).notice("v").map(|notice| notice.to_string()).as_deref(), said, "{cells:?}");
        }
    }

    #[test]
    fn a_later_cell_that_breaks_it_is_refused() {
        assert_eq!(Inferred::Number.read(" 7", "v"), Ok(Some(Value::Int(7))));
        assert_eq!(Inferred::Number.read(" ", "v"), Ok(None));
        assert_eq!(Inferred::Text.read(" 7", "v"), Ok(Some(Value::Str(" 7".into()))));
        for (inferred, cell) in [(Inferred::Number, "A1"), (Inferred::Number, "1.0e1"), (Inferred::Bool, "x")] {
            assert_eq!(inferred.read(cell, "v").unwrap_err().advice, Some(Advice::ReadAsText("v".into())), "{cell}");
        }
    }
}
