//! What is found near a record.

use crate::index::ranked::Ranked;

/// What is near one record.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Earlier {
    /// The nearest record before the first question.
    pub before: Option<Ranked>,
    /// Those from there to the record itself.
    pub among: Vec<Ranked>,
}

impl Earlier {
    pub(super) fn add(&mut self, near: Ranked, is_among: bool) {
        if is_among {
            self.among.push(near);
        } else if self.before.is_none_or(|before| is_nearer(&near, &before)) {
            self.before = Some(near);
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.before = match (self.before, other.before) {
            (Some(a), Some(b)) => Some(if is_nearer(&b, &a) { b } else { a }),
            (a, b) => a.or(b),
        };
        self.among.extend(other.among);
    }
}

/// Returns whether the first is nearer, or as near and inserted before.
fn is_nearer(a: &Ranked, b: &Ranked) -> bool {
    a.distance.total_cmp(&b.distance).then(a.ordinal.cmp(&b.ordinal)).is_lt()
}
