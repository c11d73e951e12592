//! Which axes tell records apart, and by how many of them all pairs are compared.
//!
//! Invariant: what is chosen changes how long it takes, never what is found.

use super::places::{Placed, Places};
use crate::record::Space;

/// Numbers of axes that all pairs may be compared by; what passes is looked at along as many as are worth it.
const AXES: [usize; 6] = [FEWEST, 64, 96, 128, 192, 256];
const FEWEST: usize = 32;
/// Records that each further axis has to be worth it for.
const RECORDS_PER_AXIS: u64 = 256;
/// Bytes of places that are kept in memory, where more axes than the fewest are wanted.
const MOST_BYTES: u64 = 256 << 20;
/// To look again at a pair takes as long as to compare another pair by so many axes.
const LOOK: usize = 6000;
/// Of so many pairs one may be near along all axes and not near; with fewer, all components tell more.
const NEAR_OF_AT_LEAST: usize = 300;

/// Axes, and what is done along them.
pub(super) struct Telling {
    pub(super) places: Places,
    /// All pairs are compared by the first so many.
    pub(super) first: usize,
    /// How many there are.
    pub(super) all: usize,
}

/// One of a sample.
struct Tried<'s> {
    row: &'s [f32],
    placed: Placed,
    /// What its codes leave out, for each number of axes.
    residuals: Vec<f64>,
}

/// What some pairs of a sample are.
#[derive(Default)]
struct Pairs {
    all: usize,
    /// How many seem near along each number of axes.
    near: Vec<usize>,
    /// How many seem near along all axes and are not.
    wrong: usize,
}

impl Telling {
    /// Finds axes from a sample and tries them on another, whose records are as far apart along them as any; `None` where
    /// embeddings themselves tell as much.
    pub(super) fn find(sample: &[Vec<f32>], other: &[Vec<f32>], space: Space, most: f32, records: u64) -> Option<Self> {
        let dimension = sample.first()?.len();
        let is_worth_it = |axes: &usize| {
            let needed = *axes as u64;
            *axes == FEWEST
                || needed <= records / RECORDS_PER_AXIS && needed * records <= MOST_BYTES && axes * 2 <= dimension
        };
        let axes: Vec<usize> = AXES.into_iter().filter(is_worth_it).map(|axes| axes.min(dimension)).collect();
        let all = *axes.last()?;
        let places = Places::find(sample, space, most, all);
        let tried: Vec<Tried> = other.iter().map(|row| Tried::new(row, &places, &axes)).collect();
        let pairs = Pairs::count(&tried, &axes, space, most);
        if pairs.wrong * NEAR_OF_AT_LEAST > pairs.all {
            return None;
        }
        let cost = |(axes, near): &(usize, usize)| axes * pairs.all + LOOK * near;
        let (first, _) = axes.iter().copied().zip(pairs.near.iter().copied()).min_by_key(cost)?;
        Some(Self { places, first, all })
    }
}

impl<'s> Tried<'s> {
    fn new(row: &'s [f32], places: &Places, axes: &[usize]) -> Self {
        let own = places.place(row);
        let residuals = axes.iter().map(|axes| f64::from(own.coded(*axes).residual)).collect();
        Self { row, placed: own, residuals }
    }

    /// Returns for each number of axes whether another may be near.
    fn may_be_near<'a>(&'a self, other: &'a Self, axes: &'a [usize]) -> impl Iterator<Item = bool> + use<'a> {
        let allowed = (self.placed.allowance + other.placed.allowance).max(0.0).sqrt();
        let apart = self.placed.apart(&other.placed, axes);
        apart.zip(self.residuals.iter().zip(&other.residuals)).map(move |(apart, (own, other))| {
            let limit = allowed + own + other;
            apart <= limit * limit
        })
    }
}

impl Pairs {
    #[expect(clippy::cast_possible_truncation, reason = "distances are compared as they are shown")]
    fn count(tried: &[Tried], axes: &[usize], space: Space, most: f32) -> Self {
        let mut pairs = Self { near: vec![0; axes.len()], ..Self::default() };
        for (at, one) in tried.iter().enumerate() {
            for other in tried.iter().take(at) {
                pairs.all += 1;
                let mut seems_near = false;
                for (may_be_near, near) in one.may_be_near(other, axes).zip(&mut pairs.near) {
                    seems_near = may_be_near;
                    *near += usize::from(may_be_near);
                }
                pairs.wrong += usize::from(seems_near && space.distance(one.row, other.row) as f32 > most);
            }
        }
        pairs
    }
}
