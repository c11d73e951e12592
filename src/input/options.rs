//! How an input is to be read.

use std::path::PathBuf;

use super::encoding::TextEncoding;
use super::format::InputFormat;
use super::mapping::Mapping;
use super::met::OnDuplicate;
use super::source::InputSource;

/// The longest row that is read, so that a hostile input cannot take all memory.
pub const ROW_LIMIT_BYTES: usize = 256 << 20;

/// How an input is to be read.
#[derive(Debug, Clone)]
pub struct InputOptions {
    /// The format; `None` to guess it from the name or the first block.
    pub format: Option<InputFormat>,
    /// What the parts of a record are called.
    pub mapping: Mapping,
    /// The byte between the fields of a csv table; `None` to guess it from the header.
    pub delimiter: Option<u8>,
    /// What text is written in; UTF-8 without that.
    pub encoding: Option<TextEncoding>,
    /// What an `SQLite` database, which the source then is, is asked; its answer is the table.
    pub sql: Option<String>,
    /// What was said that only tables heed, as a message names it; a file that is one document is refused then.
    pub only_tables: Option<&'static str>,
    /// What happens to a row whose id came before.
    pub on_duplicate: OnDuplicate,
    /// Where the rows of an npy matrix have their ids from.
    pub beside: Option<MatrixIds>,
    /// The longest row.
    pub row_limit_bytes: usize,
}

impl Default for InputOptions {
    fn default() -> Self {
        Self {
            format: None,
            mapping: Mapping::default(),
            delimiter: None,
            encoding: None,
            sql: None,
            only_tables: None,
            on_duplicate: OnDuplicate::default(),
            beside: None,
            row_limit_bytes: ROW_LIMIT_BYTES,
        }
    }
}

/// Where the rows of a matrix have their ids from.
#[derive(Debug, Clone)]
pub enum MatrixIds {
    /// Ids, one a line.
    Ids(PathBuf),
    /// Rows of any format, without embeddings.
    Rows(InputSource),
}
