//! The names of the output formats and which one is the default.
//!
//! Knows nothing of how they are written. Invariant: every format's name parses back to it.

use std::str::FromStr;

use huedb::error::{Error, Result};

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum OutputFormat {
    /// Aligned columns for people; it shortens and sanitises.
    Table,
    /// Hits for people: where each is from, how near it is, and the lines of its text that answer.
    Snippets,
    /// A line for each part of a record, for people; it sanitises and wraps.
    Vertical,
    /// One JSON object a line.
    Jsonl,
    /// One JSON array.
    Json,
    /// Comma-separated values with a header (RFC 4180).
    Csv,
    /// Tab-separated values with a header, quoted as in csv.
    Tsv,
    /// Ids only, one a line.
    Ids,
    /// `path:line:column:text` of each place that answers, for editors.
    Vimgrep,
}

named!(pub(crate) OutputFormat {
    Table: "table", Snippets: "snippets", Vertical: "vertical", Jsonl: "jsonl", Json: "json", Csv: "csv", Tsv: "tsv", Ids: "ids", Vimgrep: "vimgrep",
});

impl OutputFormat {
    /// Returns whether it is for people, not for programs.
    #[must_use]
    pub(crate) const fn is_for_people(self) -> bool {
        matches!(self, Self::Table | Self::Snippets | Self::Vertical)
    }

    /// Returns the format used when none is asked for: a table on a terminal, jsonl in a pipe. Hits are snippets
    /// there, which `query` decides.
    #[must_use]
    pub(crate) const fn default_for(stdout_is_terminal: bool) -> Self {
        if stdout_is_terminal { Self::Table } else { Self::Jsonl }
    }
}

impl FromStr for OutputFormat {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::named(name).ok_or_else(|| Error::InvalidArgument {
            why: format!("{name:?} is not an output format"),
            hint: Some(format!("there are {}", Self::ALL.map(Self::as_str).join(", ")).into()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_back() {
        for format in OutputFormat::ALL {
            assert_eq!(format.to_string().parse::<OutputFormat>().unwrap(), format);
        }
        let error = "xml".parse::<OutputFormat>().unwrap_err();
        assert_eq!(error.to_string(), "\"xml\" is not an output format");
        assert_eq!(error.hint().unwrap(), "there are table, snippets, vertical, jsonl, json, csv, tsv, ids, vimgrep");
    }

    #[test]
    fn a_pipe_gets_jsonl() {
        assert_eq!(OutputFormat::default_for(true), OutputFormat::Table);
        assert_eq!(OutputFormat::default_for(false), OutputFormat::Jsonl);
    }
}
