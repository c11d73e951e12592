//! What huedb's own routes for another huedb are sent, and what they answer.
//!
//! Both ends read and write these types, as JSON in which embeddings are base64 and distances their bits, so that what arrives
//! is what was sent. Every body is an [`Asked`]; an answer is named after its method of [`super::Records`].

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

#[cfg(feature = "serve")]
use super::records::bytes_of;
use crate::query::{Filter, RecordQuery};
use crate::record::{CollectionInfo, CollectionName, Counts, Fingerprint, Record, RecordId};
use crate::store::{Change, Include, NewCollection};

/// What is asked of the records that pass a filter, or of all.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Asked<T> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) only: Option<Filter>,
    pub(crate) what: T,
}

/// A collection as it is now.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Whole {
    pub(crate) info: CollectionInfo,
    pub(crate) counts: Counts,
    pub(crate) version: u64,
    pub(crate) is_restricted: bool,
}

/// Which records are found, and which parts of the first are wanted at once.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct FindBody<'b> {
    pub(crate) query: Cow<'b, RecordQuery>,
    pub(crate) include: Include,
}

/// The ids of all records that were found, and the first of these records.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct FindReply {
    pub(crate) ids: Vec<RecordId>,
    pub(crate) dimension: Option<usize>,
    pub(crate) records: Vec<Record>,
}

/// Which records are read.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ReadBody<'b> {
    pub(crate) ids: Cow<'b, [RecordId]>,
    pub(crate) include: Include,
}

/// The records of the first `covered` ids, in their order; those that are not there are left out.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ReadReply {
    pub(crate) covered: usize,
    pub(crate) records: Vec<Record>,
}

/// One change to every record of a query; its id stands for that of each.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct UpdateBody<'b> {
    pub(crate) query: Cow<'b, RecordQuery>,
    pub(crate) change: Change,
    pub(crate) keep_embeddings: bool,
    pub(crate) embedded_by: Option<Cow<'b, Fingerprint>>,
}

/// Where a page of whole records begins, and the most there are on it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ScanBody {
    pub(crate) after: Option<u64>,
    pub(crate) limit: usize,
}

/// Whose values are counted, and of which key.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DistinctBody<'b> {
    pub(crate) key: Cow<'b, str>,
    pub(crate) among: Cow<'b, RecordQuery>,
}

/// Which indexes of embeddings are due, and what there is to say of those that are there.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct IndexReply {
    pub(crate) is_due: bool,
    pub(crate) clusters_are_due: bool,
    pub(crate) facts: Option<Vec<(String, serde_json::Value)>>,
}

/// A collection that is to be made.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MakeBody {
    /// With these settings.
    New(CollectionName, Box<NewCollection>),
    /// As it is in another place.
    Adopt(Box<CollectionInfo>),
}

/// Bytes of records in one answer, about; what is left is asked for again.
#[cfg(feature = "serve")]
pub(crate) const ANSWER_BYTES: usize = 8 << 20;

/// Takes records for one answer: as many as have room in it, and one in any case.
#[cfg(feature = "serve")]
pub(crate) fn take_page<T>(
    records: impl Iterator<Item = crate::error::Result<T>>,
    most: usize,
    record: impl Fn(&T) -> &Record,
) -> crate::error::Result<Vec<T>> {
    let (mut page, mut bytes) = (Vec::new(), 0);
    for next in records.take(most) {
        let next = next?;
        bytes += bytes_of(record(&next));
        page.push(next);
        if bytes >= ANSWER_BYTES {
            break;
        }
    }
    Ok(page)
}
