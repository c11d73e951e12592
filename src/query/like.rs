//! Questions by records: more like these, and less like those.
//!
//! Invariant: the records that are named are never among the hits, and one that is not there is an error.

use super::request::{Ask, Query};
use super::thin::unit;
use crate::error::{Error, Result};
use crate::record::{CollectionInfo, RecordId, Space};
use crate::store::View;

/// Turns a query by records into one by a vector; `None` for any other.
pub(super) fn by_records(view: &View, query: &Query) -> Result<Option<Query>> {
    let embedding = |id: &RecordId| view.ordinal(id)?.map(|ordinal| view.embedding(ordinal)).transpose();
    let embeddings = |ids: &[RecordId]| ids.iter().map(embedding).collect();
    let Some((mut query, named)) = by_embeddings(view.info(), query, embeddings)? else { return Ok(None) };
    query.left_out = view.ordinals(&named)?;
    Ok(Some(query))
}

/// Does so wherever the records are, and returns beside it those that are named and not to be among the hits; `embeddings`
/// returns the embedding of each record that is there.
pub(crate) fn by_embeddings(
    info: &CollectionInfo,
    query: &Query,
    embeddings: impl Fn(&[RecordId]) -> Result<Vec<Option<Vec<f32>>>>,
) -> Result<Option<(Query, Vec<RecordId>)>> {
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
    let named: Vec<RecordId> = like.iter().chain(unlike).cloned().collect();
    let found = embeddings(&named)?;
    let missing = named.iter().zip(&found).filter(|(_, found)| found.is_none());
    let missing: Vec<String> = missing.map(|(id, _)| format!("{:?}", id.as_str())).collect();
    if !missing.is_empty() {
        return Err(Error::argument(format!("no record {} in {}", missing.join(", "), info.name.as_str())));
    }
    let found: Vec<Vec<f32>> = found.into_iter().flatten().collect();
    let (like, unlike) = found.split_at(like.len().min(found.len()));
    let mut vector = mean(info.space, like);
    if !unlike.is_empty() {
        vector.iter_mut().zip(mean(info.space, unlike)).for_each(|(like, unlike)| *like -= unlike);
    }
    if info.space == Space::Cosine && vector.iter().all(|x| *x == 0.0) {
        return Err(Error::argument("the embeddings of these records cancel each other out"));
    }
    let mut query = query.clone();
    query.asks = vec![Ask::Vector(vector)];
    Ok(Some((query, named)))
}

/// Returns the mean of some embeddings; in a cosine space only their directions count.
#[expect(clippy::cast_possible_truncation, reason = "a mean of f32 is no larger than they are")]
#[expect(clippy::cast_precision_loss, reason = "nobody names so many records")]
fn mean(space: Space, embeddings: &[Vec<f32>]) -> Vec<f32> {
    let mut sums: Vec<f64> = Vec::new();
    for embedding in embeddings {
        let embedding = if space == Space::Cosine { unit(embedding) } else { embedding.clone() };
        sums.resize(embedding.len(), 0.0);
        sums.iter_mut().zip(embedding).for_each(|(sum, x)| *sum += f64::from(x));
    }
    sums.into_iter().map(|sum| (sum / embeddings.len() as f64) as f32).collect()
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
