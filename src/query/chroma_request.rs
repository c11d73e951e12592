//! A request of Chroma's Search API, read from its JSON (contract, section 2.3).
//!
//! Does not run it. Invariant: an error names the place in the request.

use serde_json::{Map, Value as Json};

use super::group::{BestPer, GroupBy, SCORE};
use super::rank::{RequestPath, parse};
use super::request::{Ask, Query};
use super::{Filter, rank};
use crate::error::{Error, Result};
use crate::store::{DOCUMENT, Include};

/// Several searches of one collection, as Chroma's Search API writes them.
#[derive(Debug, Clone)]
pub struct ChromaRequest {
    /// The searches, answered in their order.
    pub searches: Vec<ChromaSearch>,
}

/// One search: what is asked, and which parts the response has.
#[derive(Debug, Clone)]
pub struct ChromaSearch {
    /// One question: a rank expression, or all records where there is none.
    pub query: Query,
    /// What the response says of the hits.
    pub select: Select,
}

/// A part of a list.
#[derive(Default)]
struct ChromaPage {
    offset: usize,
    limit: Option<usize>,
}

/// The parts of records that are asked for; ids always are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each part is in or out by itself")]
pub struct Select {
    /// The keys as they were written.
    pub keys: Vec<String>,
    /// Documents.
    pub document: bool,
    /// Embeddings.
    pub embedding: bool,
    /// All metadata.
    pub metadata: bool,
    /// Scores.
    pub score: bool,
    /// These metadata keys.
    pub fields: Vec<String>,
}

impl ChromaRequest {
    /// Reads a request.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] or [`Error::InvalidWhere`] with the place in the request.
    pub fn parse(text: &str) -> Result<Self> {
        let json: Json =
            serde_json::from_str(text).map_err(|e| Error::argument(format!("the request is not JSON: {e}")))?;
        let object = json.as_object().ok_or_else(|| Error::InvalidArgument {
            why: "the request is not an object".into(),
            hint: Some(r#"write {"searches": [{"rank": {"$knn": {"query": "text"}}, "limit": {"limit": 10}}]}"#.into()),
        })?;
        // `read_level` chooses between a log and an index, which are one here.
        let place = RequestPath::root("the top");
        place.object(&json, &["searches", "read_level"])?;
        let searches = object.get("searches").ok_or_else(|| place.error("\"searches\" is missing"))?;
        let place = RequestPath::root("searches");
        let searches = place.list(searches)?.iter().enumerate();
        let searches =
            searches.map(|(at, search)| ChromaSearch::parse(search, &place.item(at))).collect::<Result<_>>()?;
        Ok(Self { searches })
    }

    /// Returns the queries, in the order of the request.
    pub fn queries_mut(&mut self) -> impl Iterator<Item = &mut Query> {
        self.searches.iter_mut().map(|search| &mut search.query)
    }

    /// Returns the texts that the collection's model is to embed, in the order of the request.
    #[must_use]
    pub fn texts_to_embed(&self) -> Vec<&str> {
        self.searches.iter().flat_map(|search| search.query.texts_to_embed()).collect()
    }
}

impl ChromaSearch {
    fn parse(json: &Json, place: &RequestPath) -> Result<Self> {
        let fields = place.object(json, &["filter", "rank", "group_by", "limit", "select", "best_per", "unique"])?;
        let given = |key: &str| fields.get(key).filter(|json| !is_empty(json)).map(|json| (json, place.key(key)));
        let filter = given("filter").map(|(json, place)| Filter::from_json(json).map_err(|error| place.error(error)));
        let rank = given("rank").map(|(json, place)| parse(json, &place)).transpose()?;
        let query = rank.map_or_else(Query::all, Query::rank).filter(filter.transpose()?);
        let group_by = given("group_by").map(|(json, place)| GroupBy::parse(json, &place)).transpose()?.flatten();
        let page = given("limit").map(|(json, place)| ChromaPage::parse(json, &place)).transpose()?.unwrap_or_default();
        let select = given("select").map(|(json, place)| Select::parse(json, &place)).transpose()?.unwrap_or_default();
        if group_by.is_some() && query.asks == [Ask::All] {
            return Err(place.key("group_by").error("groups need a rank"));
        }
        // These two are huedb's own.
        let best_per = given("best_per")
            .map(|(json, place)| place.text(json)?.parse::<BestPer>().map_err(|error| place.error(error)));
        let unique =
            given("unique").map(|(json, place)| json.as_bool().ok_or_else(|| place.error("expected true or false")));
        let query = query.best_per(best_per.transpose()?).unique(unique.transpose()?.unwrap_or(false));
        if query.thins() && query.asks == [Ask::All] {
            return Err(place.error("\"best_per\" and \"unique\" need a rank"));
        }
        let query = query.group_by(group_by).offset(page.offset).top(page.limit.unwrap_or(usize::MAX));
        Ok(Self { query: query.include(select.include()), select })
    }
}

fn is_empty(json: &Json) -> bool {
    json.is_null() || json.as_object().is_some_and(Map::is_empty)
}

impl ChromaPage {
    fn parse(json: &Json, place: &RequestPath) -> Result<Self> {
        if json.is_u64() {
            return Ok(Self { offset: 0, limit: Some(place.count(json)?) });
        }
        let fields = place.object(json, &["offset", "limit"])?;
        let count = |key: &str| {
            fields.get(key).filter(|json| !json.is_null()).map(|json| place.key(key).count(json)).transpose()
        };
        Ok(Self { offset: count("offset")?.unwrap_or(0), limit: count("limit")? })
    }
}

impl Select {
    fn include(&self) -> Include {
        Include {
            documents: self.document,
            metadatas: self.metadata || !self.fields.is_empty(),
            uris: false,
            embeddings: self.embedding,
        }
    }

    fn parse(json: &Json, place: &RequestPath) -> Result<Self> {
        let (list, place) = match json {
            Json::Array(_) => (json, place.clone()),
            _ => (place.object(json, &["keys"])?.get("keys").unwrap_or(&Json::Null), place.key("keys")),
        };
        let mut select = Self::default();
        for (at, key) in place.list(list)?.iter().enumerate() {
            let place = place.item(at);
            let key = place.text(key)?;
            match key {
                DOCUMENT => select.document = true,
                rank::EMBEDDING => select.embedding = true,
                "#metadata" => select.metadata = true,
                SCORE => select.score = true,
                "#id" => {}
                key if key.starts_with('#') => {
                    let there_are = "#document, #embedding, #metadata, #score and metadata keys";
                    return Err(place.error(format!("{key:?} cannot be selected; there are {there_are}")));
                }
                key => select.fields.push(key.to_owned()),
            }
            select.keys.push(key.to_owned());
        }
        Ok(select)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embed::HashEmbedder;

    #[test]
    fn parts_may_be_missing_null_or_empty() {
        let request = r#"{"searches":[{},{"filter":null,"rank":null},{"filter":{},"rank":{},"group_by":{},"limit":{},"select":{"keys":[]}},
            {"group_by":{"keys":[],"aggregate":null}},{"group_by":{"keys":[]}},{"group_by":{"aggregate":null}}]}"#;
        for ChromaSearch { query, select } in ChromaRequest::parse(request).unwrap().searches {
            assert!(query.filter.is_none() && query.asks == [Ask::All] && query.group_by.is_none());
            assert_eq!((query.offset, query.top, select), (0, usize::MAX, Select::default()));
        }
    }

    #[test]
    fn the_texts_to_embed_are_those_of_embeddings() {
        let request = r##"{"searches":[{"rank":{"$sum":[{"$knn":{"query":"a"}},{"$knn":{"query":"w","key":"#document"}}]}},{"rank":{"$knn":{"query":"b"}}}]}"##;
        let mut request = ChromaRequest::parse(request).unwrap();
        assert_eq!(request.texts_to_embed(), ["a", "b"]);
        Query::embed_all(request.queries_mut(), &HashEmbedder::new(4)).unwrap();
        assert!(request.texts_to_embed().is_empty());
    }

    #[test]
    fn errors_name_the_place() {
        for (request, why) in [
            ("[", "not JSON"),
            ("[]", "not an object"),
            ("{}", "\"searches\" is missing"),
            (r#"{"searches":[{},{"limit":{"limit":"x"}}]}"#, "at searches[1].limit.limit: expected a whole number"),
            (r##"{"searches":[{"select":{"keys":["#uri"]}}]}"##, "at searches[0].select.keys[0]: \"#uri\" cannot"),
            (r#"{"searches":[{"where":{}}]}"#, "at searches[0]: unknown field \"where\""),
            (r#"{"searches":[{"filter":{"a":{"$foo":1}}}]}"#, "at searches[0].filter: in the filter"),
            (
                r##"{"searches":[{"group_by":{"keys":["a"],"aggregate":{"$min_k":{"keys":["#score"],"k":1}}}}]}"##,
                "at searches[0].group_by: groups need a rank",
            ),
        ] {
            let error = ChromaRequest::parse(request).unwrap_err().to_string();
            assert!(error.contains(why), "{request}: {error}");
        }
    }
}
