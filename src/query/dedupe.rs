//! Near-duplicates: records whose embeddings are nearly those of records inserted before them.
//!
//! Records are taken in the order they were inserted. One that is near a record kept before it is a duplicate of the
//! nearest such record; any other is kept. So a chain of small steps does not make duplicates of its ends, nothing is near
//! another once the duplicates are deleted, and a second run finds none. Invariant: exact, whatever the number of records.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use roaring::RoaringTreemap;

use super::filter::Filter;
use super::select::choose;
use crate::error::{Error, Result};
use crate::index::{Ranked, SeenRecords, near_earlier};
use crate::record::{Ordinal, RecordId};
use crate::store::{Collection, View};

/// Records decided together.
const RECORDS_AT_ONCE: usize = 1024;

/// Which near-duplicates are looked for.
#[derive(Debug, Clone)]
pub struct Dedupe {
    /// Only among records of these ids.
    pub ids: Option<Vec<RecordId>>,
    /// Only among records a filter keeps.
    pub filter: Option<Filter>,
    /// Records at this distance or nearer are near-duplicates.
    pub max_distance: f32,
    /// Cores to use.
    pub threads: usize,
}

/// A record and those that are near-duplicates of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The record inserted first, which stays when the others are deleted.
    pub kept: Ordinal,
    /// The others in the order they were inserted, each with its distance to the first; never none.
    pub duplicates: Vec<Ranked>,
}

/// What was found.
pub struct Groups {
    /// What to read the records from.
    pub view: View,
    /// The groups, in the order their first records were inserted.
    pub groups: Vec<Group>,
    /// How many records were compared.
    pub compared: u64,
}

impl Collection {
    /// Finds near-duplicates; `watch` is told how many more records are decided, and may end the work.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a distance that is no number, [`Error::Interrupted`] when `watch` says so, or a
    /// damaged file.
    pub fn dedupe(&self, dedupe: &Dedupe, watch: impl FnMut(u64) -> ControlFlow<()>) -> Result<Groups> {
        if dedupe.max_distance.is_nan() {
            return Err(Error::argument("the maximum distance is NaN"));
        }
        let view = self.view()?;
        let chosen = choose(&view, dedupe.ids.as_deref(), dedupe.filter.as_ref())?.unwrap_or_else(|| view.live());
        let compared = chosen.len();
        let groups = group(&view, &chosen, dedupe, watch).map_err(|error| self.store().name(error))?;
        Ok(Groups { view, groups, compared })
    }
}

fn group(
    view: &View,
    chosen: &RoaringTreemap,
    dedupe: &Dedupe,
    mut watch: impl FnMut(u64) -> ControlFlow<()>,
) -> Result<Vec<Group>> {
    let mut groups: BTreeMap<Ordinal, Vec<Ranked>> = BTreeMap::new();
    let mut kept = RoaringTreemap::new();
    let ordinals: Vec<u64> = chosen.iter().collect();
    let mut compared = SeenRecords::begin(view, chosen, dedupe.max_distance)?;
    for some in ordinals.chunks(RECORDS_AT_ONCE) {
        let ordinals = || some.iter().map(|ordinal| Ordinal(*ordinal));
        let questions =
            ordinals().map(|ordinal| Ok((ordinal, view.embedding(ordinal)?))).collect::<Result<Vec<_>>>()?;
        let found = if let Some(compared) = &mut compared {
            compared.near(view, &questions, dedupe.threads)?
        } else {
            let mut among = kept.clone();
            among.extend(some.iter().copied());
            near_earlier(view, &questions, &among, dedupe.max_distance, dedupe.threads)?
        };
        for (at, ((ordinal, _), earlier)) in questions.iter().zip(found).enumerate() {
            let near = earlier.before.into_iter().chain(earlier.among).filter(|near| kept.contains(near.ordinal.0));
            let nearest = near.min_by(|a, b| a.distance.total_cmp(&b.distance).then(a.ordinal.cmp(&b.ordinal)));
            if let Some(Ranked { ordinal: first, distance }) = nearest {
                groups.entry(first).or_default().push(Ranked { ordinal: *ordinal, distance });
                continue;
            }
            kept.insert(ordinal.0);
            if let Some(compared) = &mut compared {
                compared.keep(at);
            }
        }
        if watch(some.len() as u64).is_break() {
            return Err(Error::Interrupted);
        }
    }
    Ok(groups.into_iter().map(|(kept, duplicates)| Group { kept, duplicates }).collect())
}
