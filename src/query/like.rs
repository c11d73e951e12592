//! Questions by records: more like these, and less like those.
//!
//! Invariant: the records that are named are never among the hits, and one that is not there is an error.

use roaring::RoaringTreemap;

use super::request::{Ask, Query};
use super::thin::unit;
use crate::error::{Error, Result};
use crate::record::{RecordId, Space};
use crate::store::View;

/// Turns a query by records into one by a vector; `None` for any other.
pub(super) fn by_records(view: &View, query: &Query) -> Result<Option<Query>> {
    let (like, unlike) = match query.asks.as_slice() {
        [Ask::Like { like, unlike }] => (like, unlike),
        asks if asks.iter().any(|ask| matches!(ask, Ask::Like { .. })) => {
            return Err(Error::argument("a query by records asks nothing else"));
        }
        _ => return Ok(None),
    };
    if like.is_empty() {
        return Err(Error::argument("a query by records names at least one that hits are to be like"));
    }
    let missing: Vec<&RecordId> = like
        .iter()
        .chain(unlike)
        .filter_map(|id| view.ordinal(id).map(|found| found.is_none().then_some(id)).transpose())
        .collect::<Result<_>>()?;
    if !missing.is_empty() {
        let ids: Vec<String> = missing.iter().map(|id| format!("{:?}", id.as_str())).collect();
        let why = format!("no record {} in {}", ids.join(", "), view.info().name.as_str());
        return Err(Error::argument(why));
    }
    let mut vector = mean(view, like)?;
    if !unlike.is_empty() {
        vector.iter_mut().zip(mean(view, unlike)?).for_each(|(like, unlike)| *like -= unlike);
    }
    if view.info().space == Space::Cosine && vector.iter().all(|x| *x == 0.0) {
        return Err(Error::argument("the embeddings of these records cancel each other out"));
    }
    let left_out: RoaringTreemap = view.ordinals(like.iter().chain(unlike))?;
    let mut query = query.clone();
    (query.asks, query.left_out) = (vec![Ask::Vector(vector)], left_out);
    Ok(Some(query))
}

/// Returns the mean of some records' embeddings; in a cosine space only their directions count.
#[expect(clippy::cast_possible_truncation, reason = "a mean of f32 is no larger than they are")]
#[expect(clippy::cast_precision_loss, reason = "nobody names so many records")]
fn mean(view: &View, ids: &[RecordId]) -> Result<Vec<f32>> {
    let mut sums: Vec<f64> = Vec::new();
    for id in ids {
        let Some(ordinal) = view.ordinal(id)? else { continue };
        let embedding = view.embedding(ordinal)?;
        let embedding = if view.info().space == Space::Cosine { unit(&embedding) } else { embedding };
        sums.resize(embedding.len(), 0.0);
        sums.iter_mut().zip(embedding).for_each(|(sum, x)| *sum += f64::from(x));
    }
    Ok(sums.into_iter().map(|sum| (sum / ids.len() as f64) as f32).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::{BestPer, Filter};
    use crate::record::{CollectionName, NewRecord};
    use crate::store::{Access, Collection, Mode, NewCollection, Store};

    const ROWS: [(&str, [f32; 3]); 6] = [
        ("fox", [1.0, 0.1, 0.0]),
        ("wolf", [2.0, 0.4, 0.0]),
        ("dog", [0.5, 0.5, 0.0]),
        ("car", [0.0, 9.0, 0.1]),
        ("bus", [0.0, 1.0, 0.0]),
        ("sea", [0.0, 0.1, 1.0]),
    ];

    fn world(space: Space) -> (tempfile::TempDir, Collection) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("n.redb"), Access::Create).unwrap();
        let new = NewCollection { space, ..NewCollection::default() };
        store.create_collection(CollectionName::parse("notes").unwrap(), new).unwrap();
        let notes = store.collection("notes").unwrap();
        let rows = ROWS.map(|(id, embedding)| NewRecord::new(id).unwrap().with_embedding(embedding.to_vec()));
        notes.write_rows(rows, Mode::Add).unwrap();
        (folder, notes)
    }

    fn parsed(ids: &[&str]) -> Vec<RecordId> {
        ids.iter().map(|id| RecordId::parse(*id).unwrap()).collect()
    }

    #[test]
    fn hits_are_nearest_to_the_mean_and_not_the_records_themselves() {
        for space in [Space::Cosine, Space::L2, Space::Ip] {
            let (_folder, notes) = world(space);
            for (like, unlike) in [
                (&["fox"][..], &[][..]),
                (&["fox", "dog"], &[]),
                (&["fox", "fox", "car"], &["sea"]),
                (&["dog"], &["fox", "wolf"]),
            ] {
                let row = |id: &str| {
                    let embedding = ROWS.iter().find(|row| row.0 == id).unwrap().1;
                    let length = embedding.iter().map(|x| x * x).sum::<f32>().sqrt();
                    embedding.map(|x| if space == Space::Cosine { x / length } else { x })
                };
                let mean = |ids: &[&str], axis: usize| {
                    ids.iter().map(|id| row(id)[axis]).sum::<f32>() / ids.len().max(1) as f32
                };
                let vector: Vec<f32> = (0..3).map(|axis| mean(like, axis) - mean(unlike, axis)).collect();
                let mut expected: Vec<(f64, &str)> = ROWS
                    .iter()
                    .filter(|(id, _)| !like.contains(id) && !unlike.contains(id))
                    .map(|(id, embedding)| (space.distance(&vector, embedding), *id))
                    .collect();
                expected.sort_by(|a, b| a.0.total_cmp(&b.0));
                let answer = notes.query(&Query::like(parsed(like)).unlike(parsed(unlike))).unwrap();
                let found: Vec<&str> = answer.hits[0].iter().map(|hit| hit.record.id.as_str()).collect();
                assert_eq!(
                    found,
                    expected.iter().map(|(_, id)| *id).collect::<Vec<_>>(),
                    "{space} {like:?} {unlike:?}"
                );
                for (hit, (distance, _)) in answer.hits[0].iter().zip(&expected) {
                    assert!((f64::from(hit.distance) - distance).abs() < 1e-5, "{space} {like:?} {unlike:?}");
                }
            }
        }
    }

    #[test]
    fn other_conditions_hold_as_well() {
        let (_folder, notes) = world(Space::Cosine);
        let query = Query::like(parsed(&["fox"]));
        let ids = |query: Query| {
            let answer = notes.query(&query).unwrap();
            answer.hits[0].iter().map(|hit| hit.record.id.to_string()).collect::<Vec<_>>()
        };
        let among = Filter::parse("#id in ('fox', 'dog', 'sea')").unwrap();
        assert_eq!(ids(query.clone().filter(among)), ["dog", "sea"]);
        assert_eq!(ids(query.clone().top(1).offset(1)), ["dog"]);
        assert_eq!(ids(query.clone().unique(true).best_per(BestPer::Uri)), ["wolf", "dog", "bus", "sea"]);
        let restricted = notes.only(Filter::parse("#id != 'fox'").unwrap());
        assert!(restricted.query(&query).unwrap_err().to_string().contains("no record \"fox\""));
    }

    #[test]
    fn what_cannot_be_asked_is_refused() {
        let (_folder, notes) = world(Space::Cosine);
        let refused = |query: Query| notes.query(&query).unwrap_err().to_string();
        let like = |ids: &[&str]| Query::like(parsed(ids));
        assert_eq!(refused(like(&["fox", "ghost"]).unlike(parsed(&["x"]))), "no record \"ghost\", \"x\" in notes");
        assert!(refused(like(&[])).contains("at least one"));
        assert!(refused(like(&["fox"]).unlike(parsed(&["fox"]))).contains("cancel each other out"));
        let beside = Ask::Like { like: parsed(&["fox"]), unlike: Vec::new() };
        assert!(refused(Query::new([beside, Ask::All])).contains("asks nothing else"));
    }
}
