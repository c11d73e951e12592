//! A request of Chroma's Search API, read from its JSON (contract, section 2.3).
//!
//! Does not run it. Invariant: an error names the place in the request.

use serde_json::{Map, Value as Json};

use super::group::{GroupBy, SCORE};
use super::rank::{KnnQuery, Place, Rank, parse};
use super::{Filter, rank};
use crate::error::{Error, Result};
use crate::store::DOCUMENT;

/// Several searches of one collection.
#[derive(Debug, Clone)]
pub struct Request {
    /// The searches, answered in their order.
    pub searches: Vec<Search>,
}

/// One search.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// Only records this keeps.
    pub filter: Option<Filter>,
    /// How records are found and scored; without it all are found in the order they were inserted.
    pub rank: Option<Rank>,
    /// How the found are thinned out.
    pub group_by: Option<GroupBy>,
    /// Which of what is left are read.
    pub page: Page,
    /// What is read of them.
    pub select: Select,
}

/// A part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Page {
    /// Records to leave out at the start.
    pub offset: usize,
    /// Records at the most.
    pub limit: Option<usize>,
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

impl Request {
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
        let place = Place::root("the top");
        place.object(&json, &["searches", "read_level"])?;
        let searches = object.get("searches").ok_or_else(|| place.error("\"searches\" is missing"))?;
        let place = Place::root("searches");
        let searches = place.list(searches)?.iter().enumerate();
        let searches = searches.map(|(at, search)| Search::parse(search, &place.item(at))).collect::<Result<_>>()?;
        Ok(Self { searches })
    }

    /// Returns the texts that the collection's model is to embed, in the order of the request.
    pub fn texts(&mut self) -> Vec<String> {
        let mut texts = Vec::new();
        self.for_each_text(|query| {
            if let KnnQuery::Text(text) = query {
                texts.push(text.clone());
            }
        });
        texts
    }

    /// Puts embeddings in the places of the texts, in the same order.
    pub fn set_embeddings(&mut self, embeddings: Vec<Vec<f32>>) {
        let mut embeddings = embeddings.into_iter();
        self.for_each_text(|query| {
            if let Some(embedding) = embeddings.next() {
                *query = KnnQuery::Dense(embedding);
            }
        });
    }

    fn for_each_text(&mut self, mut visit: impl FnMut(&mut KnnQuery)) {
        let mut knn = |knn: &mut rank::Knn| {
            if matches!(knn.query, KnnQuery::Text(_)) {
                visit(&mut knn.query);
            }
        };
        self.searches.iter_mut().filter_map(|search| search.rank.as_mut()).for_each(|rank| rank.for_each_knn(&mut knn));
    }
}

impl Search {
    fn parse(json: &Json, place: &Place) -> Result<Self> {
        let fields = place.object(json, &["filter", "rank", "group_by", "limit", "select"])?;
        let given = |key: &str| fields.get(key).filter(|json| !is_empty(json)).map(|json| (json, place.key(key)));
        let search = Self {
            filter: given("filter")
                .map(|(json, place)| Filter::from_json(json).map_err(|error| place.error(error)))
                .transpose()?,
            rank: given("rank").map(|(json, place)| parse(json, &place)).transpose()?,
            group_by: given("group_by").map(|(json, place)| GroupBy::parse(json, &place)).transpose()?.flatten(),
            page: given("limit").map(|(json, place)| Page::parse(json, &place)).transpose()?.unwrap_or_default(),
            select: given("select").map(|(json, place)| Select::parse(json, &place)).transpose()?.unwrap_or_default(),
        };
        if search.group_by.is_some() && search.rank.is_none() {
            return Err(place.key("group_by").error("groups need a rank"));
        }
        Ok(search)
    }
}

fn is_empty(json: &Json) -> bool {
    json.is_null() || json.as_object().is_some_and(Map::is_empty)
}

impl Page {
    fn parse(json: &Json, place: &Place) -> Result<Self> {
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
    fn parse(json: &Json, place: &Place) -> Result<Self> {
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

    #[test]
    fn parts_may_be_missing_null_or_empty() {
        let request = r#"{"searches":[{},{"filter":null,"rank":null},{"filter":{},"rank":{},"group_by":{},"limit":{},"select":{"keys":[]}},
            {"group_by":{"keys":[],"aggregate":null}},{"group_by":{"keys":[]}},{"group_by":{"aggregate":null}}]}"#;
        for search in Request::parse(request).unwrap().searches {
            assert!(search.filter.is_none() && search.rank.is_none() && search.group_by.is_none());
            assert_eq!((search.page, search.select), (Page::default(), Select::default()));
        }
    }

    #[test]
    fn texts_are_embedded_in_their_places() {
        let request = r##"{"searches":[{"rank":{"$sum":[{"$knn":{"query":"a"}},{"$knn":{"query":"w","key":"#document"}}]}},{"rank":{"$knn":{"query":"b"}}}]}"##;
        let mut request = Request::parse(request).unwrap();
        assert_eq!(request.texts(), ["a", "b"]);
        request.set_embeddings(vec![vec![1.0], vec![2.0]]);
        assert!(request.texts().is_empty());
        let Some(Rank::Knn(knn)) = &request.searches[1].rank else { panic!() };
        assert_eq!(knn.query, KnnQuery::Dense(vec![2.0]));
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
            let error = Request::parse(request).unwrap_err().to_string();
            assert!(error.contains(why), "{request}: {error}");
        }
    }
}
