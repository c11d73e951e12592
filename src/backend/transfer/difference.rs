//! What two collections do not share, found by the digests of their records.
//!
//! Invariant: every id of either side stands in one place of the result.

use std::cmp::Ordering;

use crate::record::RecordId;

/// The id and the digest of each record, in the order of the ids' bytes.
type Digests = Vec<(RecordId, [u8; 16])>;

/// What differs.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Difference {
    /// Records that only the source has.
    pub(super) added: Vec<RecordId>,
    /// Records that are different in the target.
    pub(super) replaced: Vec<RecordId>,
    /// How many are the same.
    pub(super) unchanged: u64,
    /// Records that only the target has.
    pub(super) only_there: Vec<RecordId>,
}

impl Difference {
    /// Compares a source with a target.
    pub(super) fn between(here: Digests, there: Digests) -> Self {
        let (mut here, mut there) = (here.into_iter().peekable(), there.into_iter().peekable());
        let mut found = Self::default();
        loop {
            let order = match (here.peek(), there.peek()) {
                (None, None) => return found,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some((here, _)), Some((there, _))) => here.as_str().cmp(there.as_str()),
            };
            match order {
                Ordering::Less => found.added.extend(here.next().map(|(id, _)| id)),
                Ordering::Greater => found.only_there.extend(there.next().map(|(id, _)| id)),
                Ordering::Equal => match (here.next(), there.next()) {
                    (Some((id, here)), Some((_, there))) if here != there => found.replaced.push(id),
                    _ => found.unchanged += 1,
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::record::random::Random;

    type Side = BTreeMap<RecordId, [u8; 16]>;

    fn side(random: &mut Random) -> Side {
        let rows = random.below(30);
        (0..rows)
            .map(|_| (RecordId::parse(random.below(40).to_string()).unwrap(), [random.below(2) as u8; 16]))
            .collect()
    }

    #[test]
    fn every_id_of_two_random_sides_is_where_it_belongs() {
        let mut random = Random::new();
        for _ in 0..200 {
            let (here, there) = (side(&mut random), side(&mut random));
            let found = Difference::between(here.clone().into_iter().collect(), there.clone().into_iter().collect());
            let ids = |of: &Side, keep: &dyn Fn(&RecordId) -> bool| {
                of.keys().filter(|id| keep(id)).cloned().collect::<Vec<_>>()
            };
            assert_eq!(found.added, ids(&here, &|id| !there.contains_key(id)));
            assert_eq!(found.only_there, ids(&there, &|id| !here.contains_key(id)));
            assert_eq!(found.replaced, ids(&here, &|id| there.get(id).is_some_and(|digest| *digest != here[id])));
            assert_eq!(found.unchanged as usize, here.len() - found.added.len() - found.replaced.len());
        }
    }
}
