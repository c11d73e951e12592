//! A row on its way in: what an input holds before it is embedded and stored.

use std::fmt;
use std::sync::Arc;

use super::{Chunk, MetadataPatch, RecordId};
use crate::error::Result;

/// Where a row was read, for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The file, or `-` for standard input, or the name of a flag.
    pub source: Arc<str>,
    /// The line the row begins on, from 1; 0 where lines mean nothing (a text file is one row).
    pub line: u64,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 { f.write_str(&self.source) } else { write!(f, "{}:{}", self.source, self.line) }
    }
}

/// One record to add, update or upsert; a part that is `None` is not given.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRecord {
    /// Its id.
    pub id: RecordId,
    /// Its embedding; `None` means: embed the document.
    pub embedding: Option<Vec<f32>>,
    /// Whether the embedding was made from the document by the collection's model, as a dump may say.
    pub embedded_here: bool,
    /// Its text.
    pub document: Option<String>,
    /// Where its content lives.
    pub uri: Option<String>,
    /// Its metadata; a null value deletes the key on update and upsert.
    pub metadata: MetadataPatch,
    /// Which part of a document it is, when it is one.
    pub part: Option<Chunk>,
    /// Where it was read.
    pub origin: Origin,
}

impl NewRecord {
    /// A record of this id, and nothing else yet.
    ///
    /// ```
    /// use huedb::NewRecord;
    ///
    /// let row = NewRecord::new("fox")?.with_document("a red fox").with_metadata(serde_json::json!({"year": 2021}))?;
    /// assert_eq!(row.document.as_deref(), Some("a red fox"));
    /// # Ok::<(), huedb::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`crate::error::Error::EmptyId`] for the empty string.
    pub fn new(id: impl Into<String>) -> Result<Self> {
        Ok(Self {
            id: RecordId::parse(id)?,
            embedding: None,
            embedded_here: false,
            document: None,
            uri: None,
            metadata: MetadataPatch::default(),
            part: None,
            origin: Origin { source: "row".into(), line: 0 },
        })
    }

    /// Gives it a text, which is embedded where the row has no embedding.
    #[must_use]
    pub fn with_document(self, document: impl Into<String>) -> Self {
        Self { document: Some(document.into()), ..self }
    }

    /// Gives it an embedding: `[dimension]` finite numbers, as many as every other of the collection has.
    #[must_use]
    pub fn with_embedding(self, embedding: Vec<f32>) -> Self {
        Self { embedding: Some(embedding), ..self }
    }

    /// Says where its content lives.
    #[must_use]
    pub fn with_uri(self, uri: impl Into<String>) -> Self {
        Self { uri: Some(uri.into()), ..self }
    }

    /// Gives it metadata: a JSON object of strings, numbers, booleans and arrays of one of these. A null deletes a key.
    ///
    /// # Errors
    /// [`crate::error::Error::InvalidMetadata`] for a key or a value that is not allowed.
    pub fn with_metadata(self, metadata: serde_json::Value) -> Result<Self> {
        Ok(Self { metadata: MetadataPatch::from_json(metadata)?, ..self })
    }
}
