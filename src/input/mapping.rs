//! Which columns of a table, or fields of an object, are which part of a record.
//!
//! Does not read inputs; [`super::columns`] and [`super::json`] apply it. Invariant: a part that is not named
//! is looked for under its own name, and only the id must be there.

use std::collections::BTreeMap;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use super::cell_type::Types;
use super::text_columns::{TextColumns, join_names};
use crate::error::{Advice, Error, Remark};
use crate::record::{MetadataPatch, NewRecord, Origin, RecordId};

/// The field a JSON object of metadata is read from; it has no other name.
pub(super) const METADATA: &str = "metadata";

/// Where the id of a row comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdFrom {
    /// A column or field.
    Column(String),
    /// A hash of the document, or of the embedding where there is no document: the same content, the same id.
    Content,
}

impl FromStr for IdFrom {
    type Err = std::convert::Infallible;

    /// Takes `auto` for [`IdFrom::Content`] and anything else as the name of a column.
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Ok(if name == "auto" { Self::Content } else { Self::Column(name.to_owned()) })
    }
}

/// What each part of a record is called in the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// Where the id comes from; a text file's id is its path unless it is [`IdFrom::Content`].
    pub id: IdFrom,
    /// The document's column, or several; `None` for `document` where there is one.
    pub document: Option<TextColumns>,
    /// The embedding's column; `None` for `embedding` where there is one.
    pub embedding: Option<String>,
    /// The uri's column; `None` for `uri` where there is one.
    pub uri: Option<String>,
    /// The columns that become metadata beside what the `metadata` object holds; `None` for all that are no other part.
    pub metadata: Option<Vec<String>>,
    /// Types of metadata that are not to be inferred.
    pub types: Types,
    /// Whether all that stands in nested objects becomes metadata, each by its path: `user.name`.
    ///
    /// What a part, a type or the metadata names by its path is found without that.
    pub flatten: bool,
    /// Whether rows are to bring a document or an embedding, so that it is said when the first has neither.
    pub expects_content: bool,
}

impl Default for Mapping {
    fn default() -> Self {
        Self {
            id: IdFrom::Column("id".into()),
            document: None,
            embedding: None,
            uri: None,
            metadata: None,
            types: Types::default(),
            flatten: false,
            expects_content: true,
        }
    }
}

impl Mapping {
    pub(super) fn document(&self) -> String {
        self.document.as_ref().map_or_else(|| "document".into(), ToString::to_string)
    }

    /// Returns the place of a column among those that make the document; `None` when it is none of them.
    pub(super) fn document_place(&self, name: &str) -> Option<usize> {
        match &self.document {
            Some(columns) => columns.place(name),
            None => (name == "document").then_some(0),
        }
    }

    /// Whether the document is the text of this column as it is.
    pub(super) fn is_whole_document(&self, name: &str) -> bool {
        self.document.as_ref().is_none_or(|columns| columns.is_one(name))
    }

    /// Returns the names of the columns that make the document.
    pub(super) fn documents(&self) -> Vec<&str> {
        self.document
            .as_ref()
            .map_or_else(|| vec!["document"], |columns| columns.names().iter().map(String::as_str).collect())
    }

    /// Returns the mapping with the columns of the document that are meant in a table of these columns.
    pub(super) fn among(&self, has: impl Fn(&str) -> bool) -> Self {
        Self { document: self.document.as_ref().map(|columns| columns.among(has)), ..self.clone() }
    }

    pub(super) fn embedding(&self) -> &str {
        self.embedding.as_deref().unwrap_or("embedding")
    }

    pub(super) fn uri(&self) -> &str {
        self.uri.as_deref().unwrap_or("uri")
    }

    pub(super) fn id(&self) -> Option<&str> {
        match &self.id {
            IdFrom::Column(name) => Some(name),
            IdFrom::Content => None,
        }
    }

    /// Returns the columns that the header of a table has at least one of.
    pub(super) fn wanted(&self) -> Vec<&str> {
        match self.id() {
            Some(id) => vec![id],
            None => self.documents().into_iter().chain([self.embedding()]).collect(),
        }
    }

    /// Returns the mapping without the blanks around its names, as the header of a table is read.
    pub(super) fn trimmed(&self) -> Self {
        let trim = |name: &String| name.trim().to_owned();
        let id = match &self.id {
            IdFrom::Column(name) => IdFrom::Column(trim(name)),
            IdFrom::Content => IdFrom::Content,
        };
        let (embedding, uri) = (self.embedding.as_ref().map(trim), self.uri.as_ref().map(trim));
        let metadata = self.metadata.as_ref().map(|names| names.iter().map(trim).collect());
        Self { id, embedding, uri, metadata, ..self.clone() }
    }

    /// Returns every name that was given.
    pub(super) fn asked(&self) -> impl Iterator<Item = &str> {
        let id = self.id().filter(|id| *id != "id");
        let document = self.document.iter().flat_map(|columns| columns.names().iter().map(String::as_str));
        let parts = [&self.embedding, &self.uri].into_iter().flatten().chain(self.metadata.iter().flatten());
        id.into_iter().chain(document).chain(parts.map(String::as_str)).chain(self.types.names())
    }

    /// Whether metadata of this name was asked for.
    pub(super) fn is_listed(&self, name: &str) -> bool {
        self.metadata.as_ref().is_some_and(|names| names.iter().any(|listed| listed == name))
    }

    /// Whether what is in the object of this path is read, rather than the object.
    pub(super) fn goes_into(&self, path: &str) -> bool {
        let is_inside = |name: &str| name.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'));
        !self.is_part(path) && !self.is_listed(path) && (self.flatten || self.asked().any(is_inside))
    }

    /// Refuses what no input can satisfy.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when the embedding's column is another part as well.
    pub(super) fn check(&self) -> Result<(), Error> {
        let embedding = self.embedding();
        let is_text = self.document_place(embedding).is_some() || self.uri() == embedding;
        if self.is_listed(embedding) || self.id() == Some(embedding) || is_text {
            return Err(Error::argument(format!(
                "the column {embedding:?} is the embedding and cannot be another part too"
            )));
        }
        Ok(())
    }

    /// Whether the field is another part of the record than its metadata.
    pub(super) fn is_part(&self, name: &str) -> bool {
        let is_other = [self.embedding(), self.uri()].contains(&name) || self.id() == Some(name);
        is_other || self.document_place(name).is_some()
    }
}

/// Lists names for a message, shortened so that a wrong kind of input does not fill the screen.
pub(super) fn list_names<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    const MOST: usize = 20;
    const LONGEST: usize = 40;
    let more = names.len().saturating_sub(MOST);
    let short = |name: &str| match name.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", name.get(..end).unwrap_or_default()),
        None => name.to_owned(),
    };
    let listed = names.take(MOST).map(short).collect::<Vec<_>>().join(", ");
    if more == 0 { listed } else { format!("{listed} and {more} more") }
}

/// Names that columns of text often have, the likeliest first.
const TEXTS: [&str; 12] = [
    "text",
    "body",
    "content",
    "contents",
    "description",
    "abstract",
    "summary",
    "message",
    "comment",
    "review",
    "answer",
    "question",
];
/// Names that columns of titles often have: what goes before a text, or stands for it.
const TITLES: [&str; 4] = ["title", "headline", "subject", "name"];

/// Guesses which of these columns holds the text, a title before it; as an argument is written.
pub(super) fn likely_text<'a>(names: impl Iterator<Item = &'a str>) -> Option<String> {
    let names: Vec<&str> = names.collect();
    let find = |texts: &[&str]| {
        let names = names.iter().copied();
        let whole = texts.iter().find_map(|text| names.clone().find(|name| name.trim().eq_ignore_ascii_case(text)));
        let holds = |name: &str| texts.iter().position(|text| name.to_ascii_lowercase().contains(text));
        whole.or_else(|| names.clone().filter(|name| holds(name).is_some()).min_by_key(|name| holds(name)))
    };
    let text = find(&TEXTS);
    // A file has its name, a thing has its name: only what is called a title is one before a text.
    let title = find(if text.is_some() { TITLES.get(..3).unwrap_or_default() } else { &TITLES });
    let both = title.filter(|title| Some(*title) != text).into_iter().chain(text);
    Some(join_names(both)).filter(|names| !names.is_empty())
}

/// Says that a table has no column of text, where it should.
pub(super) fn without_text<'a>(
    source: &str,
    mapping: &Mapping,
    names: impl ExactSizeIterator<Item = &'a str> + Clone,
) -> Remark {
    let (document, columns) = (mapping.document(), list_names(names.clone()));
    let said = format!("{source}: no column {document:?} and no embedding; the columns are {columns}");
    Remark::with(said, Advice::NameTextColumn(likely_text(names)))
}

/// Says that a table has no column of ids; and none of text, where that is so.
pub(super) fn without_ids<'a>(
    id: &str,
    mapping: &Mapping,
    names: impl ExactSizeIterator<Item = &'a str> + Clone,
) -> Remark {
    let columns = list_names(names.clone());
    let has = |part: &str| names.clone().any(|name| name == part);
    if !mapping.expects_content || mapping.documents().into_iter().all(has) || has(mapping.embedding()) {
        return Remark::with(format!("has no column {id:?}; its columns are {columns}"), Advice::NameIdColumn);
    }
    let why = format!("has no column {id:?} and none {:?}; its columns are {columns}", mapping.document());
    Remark::with(why, Advice::NameIdAndTextColumns(likely_text(names)))
}

/// The parts of a row before it is known to have an id.
#[derive(Debug, Default)]
pub(super) struct RowParts {
    pub(super) id: Option<String>,
    pub(super) document: Option<String>,
    /// The texts that make the document, by their places, until they are joined.
    pub(super) pieces: BTreeMap<usize, String>,
    pub(super) embedding: Option<Vec<f32>>,
    pub(super) uri: Option<String>,
    pub(super) metadata: MetadataPatch,
}

impl RowParts {
    /// Makes the document of its pieces, where it has several.
    pub(super) fn join_pieces(mut self) -> Self {
        let pieces: Vec<String> = std::mem::take(&mut self.pieces).into_values().collect();
        if !pieces.is_empty() {
            self.document = Some(pieces.join("\n\n"));
        }
        self
    }
}

impl RowParts {
    /// Makes the row; the error is a sentence.
    pub(super) fn into_row(self, mapping: &Mapping, origin: Origin) -> Result<NewRecord, Remark> {
        let id = match (self.id, &mapping.id) {
            (Some(id), _) => id,
            (None, IdFrom::Column(name)) => return Err(format!("{name:?} is missing; it is the id of the row").into()),
            (None, IdFrom::Content) => content_id(self.document.as_deref(), self.embedding.as_deref())?,
        };
        let id = RecordId::parse(id).map_err(|e| e.to_string())?;
        let Self { document, embedding, uri, metadata, .. } = self;
        Ok(NewRecord { id, embedding, embedded_here: false, document, uri, metadata, part: None, origin })
    }
}

/// Returns the first 128 bits of the content's SHA-256 in hexadecimal.
fn content_id(document: Option<&str>, embedding: Option<&[f32]>) -> Result<String, Remark> {
    let hash = match (document, embedding) {
        (Some(document), _) => Sha256::digest(document),
        (None, Some(embedding)) => {
            let bytes: Vec<u8> = embedding.iter().flat_map(|x| x.to_le_bytes()).collect();
            Sha256::digest(bytes)
        }
        (None, None) => {
            let why = "has neither a document nor an embedding to make an id from";
            return Err(Remark::with(why, Advice::NameTextColumn(None)));
        }
    };
    let bits = hash.iter().take(16).fold(0u128, |bits, byte| (bits << 8) | u128::from(*byte));
    Ok(format!("{bits:032x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin() -> Origin {
        Origin { source: "t".into(), line: 1 }
    }

    #[test]
    fn the_likeliest_column_of_text_is_guessed() {
        let guess = |names: &[&str]| likely_text(names.iter().copied());
        assert_eq!(guess(&["id", "body", "Title", "year"]).as_deref(), Some("Title,body"));
        assert_eq!(guess(&["sku", "Title, long", "Description"]).as_deref(), Some("\"Title, long\",Description"));
        assert_eq!(guess(&["sku", "filename", "Description"]).as_deref(), Some("Description"));
        assert_eq!(guess(&["sku", "Product Title", "Price"]).as_deref(), Some("Product Title"));
        assert_eq!(guess(&["a", "b"]), None);
    }

    #[test]
    fn long_lists_of_names_are_cut() {
        let names: Vec<String> = (0..30).map(|i| format!("{i}{}", "é".repeat(50))).collect();
        let listed = list_names(names.iter().map(String::as_str));
        assert!(
            listed.starts_with(&format!("0{}..., 1", "é".repeat(39))) && listed.ends_with(" and 10 more"),
            "{listed}"
        );
        assert_eq!(list_names(["a", "b"].into_iter()), "a, b");
    }

    #[test]
    fn the_same_content_has_the_same_id() {
        let mapping = Mapping { id: "auto".parse().unwrap(), ..Mapping::default() };
        let id = |document: Option<&str>, embedding: Option<Vec<f32>>| {
            let parts = RowParts { document: document.map(Into::into), embedding, ..RowParts::default() };
            parts.into_row(&mapping, origin()).map(|row| row.id.to_string())
        };
        // sha256("fox") begins so.
        assert_eq!(id(Some("fox"), None).unwrap(), "776cb326ab0cd5f0a974c1b9606044d8");
        assert_eq!(id(Some("fox"), Some(vec![1.0])), id(Some("fox"), None));
        assert_ne!(id(None, Some(vec![1.0])), id(None, Some(vec![2.0])));
        assert!(id(None, None).is_err());
    }

    #[test]
    fn a_missing_or_empty_id_is_refused() {
        let row = |id: Option<&str>| {
            RowParts { id: id.map(Into::into), ..RowParts::default() }.into_row(&Mapping::default(), origin())
        };
        assert!(row(None).unwrap_err().text.contains("\"id\" is missing"));
        assert!(row(Some("")).unwrap_err().text.contains("empty"));
        assert_eq!(row(Some("a")).unwrap().id.as_str(), "a");
    }
}
