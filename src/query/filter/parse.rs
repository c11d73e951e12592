//! The ways into a filter: from text in either language, and from JSON.
//!
//! Invariant: an error has the text and, where there is one, the place in it.

use super::tree::{Filter, Test, TextField};
use super::{Scalar, TextTest, json, short_form};
use crate::error::{Error, Result};

impl Filter {
    /// Parses a filter on metadata, id, URI and document: Chroma's JSON, which may have huedb's own operators, if it begins
    /// with `{`, else the short form.
    ///
    /// ```
    /// use huedb::Filter;
    ///
    /// let short = Filter::parse("year >= 2020 and lang in ('en', 'de')")?;
    /// let json = r#"{"$and": [{"year": {"$gte": 2020}}, {"lang": {"$in": ["en", "de"]}}]}"#;
    /// assert_eq!(short, Filter::parse(json)?);
    /// // What Chroma's JSON cannot say has operators of its own.
    /// let short = Filter::parse("date >= '2026-11-20' and #id starts with 'note-'")?;
    /// let json = r##"{"$and": [{"date": {"$gte_text": "2026-11-20"}}, {"#id": {"$starts_with": "note-"}}]}"##;
    /// assert_eq!(short, Filter::parse(json)?);
    /// # Ok::<(), huedb::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidWhere`] with the place in the text.
    pub fn parse(text: &str) -> Result<Self> {
        // As JSON it would be every record; as the output of a program it rather is a filter that is not there.
        if text.trim() == "null" {
            let why = "null is not a filter; omit the filter to match every record";
            return Err(Error::InvalidWhere { text: text.to_owned(), at: Some(0), why: why.into() });
        }
        let parsed = if is_json(text) { json::parse(text) } else { short_form::parse(text) };
        parsed.map_err(|fault| fault.in_text(text))
    }

    /// Parses a filter that decides what somebody may see: as [`Filter::parse`], but `contains` is `has` for metadata. Whoever
    /// lets the group `search` in does not mean `research`.
    ///
    /// # Errors
    /// As [`Filter::parse`].
    pub fn parse_grant(text: &str) -> Result<Self> {
        Self::parse(text).map(Self::of_whole_elements)
    }

    fn of_whole_elements(self) -> Self {
        match self {
            Self::And(children) => Self::all_of(children.into_iter().map(Self::of_whole_elements).collect()),
            Self::Or(children) => Self::any_of(children.into_iter().map(Self::of_whole_elements).collect()),
            Self::Test(Test::Text { field: TextField::Key(key), test }) => Self::Test(match test.as_substring() {
                Some(text) => Test::Contains { key, element: Scalar::Str(text.to_owned()), negated: test.is_negated() },
                None => Test::Text { field: TextField::Key(key), test },
            }),
            test @ Self::Test(_) => test,
        }
    }

    /// Parses a filter on documents: Chroma's JSON if it begins with `{`, else the text is the substring itself.
    ///
    /// # Errors
    /// [`Error::InvalidWhere`] with the place in the text. The empty text is an error: an unset variable of a
    /// script must not stand for every record.
    pub fn parse_document(text: &str) -> Result<Self> {
        if is_json(text) {
            return json::parse_document(text).map_err(|fault| fault.in_text(text));
        }
        if text.is_empty() {
            let why = r#"an empty text; write {"$contains": ""} for every record that has a document"#;
            return Err(Error::InvalidWhere { text: String::new(), at: None, why: why.into() });
        }
        Ok(Self::Test(Test::Text { field: TextField::Document, test: TextTest::substring(text) }))
    }

    /// Refuses `$and` and `$or` without filters, in the JSON of either kind of filter and however deep they stand.
    ///
    /// Reading takes them as Chroma's server does, every record and none. Before something is deleted they are a list of a
    /// program that came out empty.
    ///
    /// # Errors
    /// [`Error::InvalidWhere`] with the place in the text.
    pub fn refuse_empty_junctions(text: &str) -> Result<()> {
        let checked = if is_json(text) { json::refuse_empty_junctions(text) } else { Ok(()) };
        checked.map_err(|fault| fault.in_text(text))
    }

    /// Reads a `where` from JSON that has been parsed; null is the filter every record passes.
    ///
    /// # Errors
    /// [`Error::InvalidWhere`] with the place in the JSON written without spaces.
    pub fn from_json(json: &serde_json::Value) -> Result<Self> {
        let text = json.to_string();
        json::parse(&text).map_err(|fault| fault.in_text(&text))
    }

    /// Reads Chroma's `where_document` from JSON that has been parsed; null is the filter every record passes.
    ///
    /// # Errors
    /// [`Error::InvalidWhere`] with the place in the JSON written without spaces.
    pub fn from_document_json(json: &serde_json::Value) -> Result<Self> {
        let text = json.to_string();
        json::parse_document(&text).map_err(|fault| fault.in_text(&text))
    }
}

fn is_json(text: &str) -> bool {
    text.trim_start().starts_with('{')
}
