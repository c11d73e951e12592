//! The records that are kept so far, by where they lie along some axes: what nearly all of them are too far away for is
//! seen without their embeddings.
//!
//! Places are coded as embeddings are, in segments that are in memory alone, and meet all questions at once. Invariant:
//! nothing that is near enough is missed: see [`Places`]; and the codes' bounds hold.

use super::Earlier;
use super::places::{Placed, Places};
use crate::error::{Error, Result};
use crate::index::measure::Measure;
use crate::index::meeting::{Around, Goal, Meeting};
use crate::index::ranked::Ranked;
use crate::index::turns::share;
use crate::record::{Ordinal, Space};
use crate::store::{Centre, Codes, Embeddings, Segment, View, seal};

/// With fewer records all are compared by all their components.
const RECORDS: u64 = 500;
/// Records that the axes are found from.
const SAMPLE: u64 = 1024;
/// How many axes there may be: the fewest that tell apart what is looked for.
const AXES: [usize; 6] = [32, 64, 96, 128, 192, 256];
/// Records that each axis has to be worth it for.
const RECORDS_PER_AXIS: u64 = 256;
/// Bytes of places that are kept in memory, where more axes than the fewest are wanted.
const MOST_BYTES: u64 = 256 << 20;
/// Of so many pairs one may be near along the axes and not near: then to measure those takes no longer than the rest.
const NEAR_OF: usize = 2000;
/// With fewer than this, all components tell more.
const NEAR_OF_AT_LEAST: usize = 300;
/// Rows of a segment, and so of a thread's turn.
const ROWS: usize = 2048;
/// Questions that a thread places at a time.
const TURN: u64 = 64;

/// Records that later ones are compared with.
pub struct SeenRecords {
    places: Places,
    space: Space,
    most: f32,
    ordinals: Vec<Ordinal>,
    /// Whole segments; a row's number in there is where `ordinals` has it.
    sealed: Vec<Vec<u8>>,
    rest: Vec<(Ordinal, Codes)>,
    /// The last questions.
    asked: Vec<(Ordinal, Placed)>,
}

impl SeenRecords {
    /// Looks where the records of a view differ; `None` where to compare them by all components is as good.
    ///
    /// # Errors
    /// [`crate::error::Error::Damaged`].
    pub fn begin(view: &View, chosen: &roaring::RoaringTreemap, most: f32) -> Result<Option<Self>> {
        let space = view.info().space;
        let records = chosen.len();
        // A zero vector, which lies nowhere, is at cosine distance 1 from everything.
        if records < RECORDS || (space == Space::Cosine && most >= 1.0) {
            return Ok(None);
        }
        let step = records / SAMPLE.min(records / 4).max(1);
        let mut sample = Vec::new();
        for ordinal in chosen.iter().step_by(usize::try_from(step.max(1)).unwrap_or(1)) {
            sample.push(view.embedding(Ordinal(ordinal))?);
        }
        let begun = |places| Self {
            places,
            space,
            most,
            ordinals: Vec::new(),
            sealed: Vec::new(),
            rest: Vec::new(),
            asked: Vec::new(),
        };
        Ok(telling(&sample, space, most, records).map(begun))
    }

    /// Returns of each question the nearest of what was kept before, if that is near enough, and those questions before it
    /// that are as near and near nothing kept before.
    ///
    /// # Errors
    /// [`crate::error::Error::Damaged`].
    pub fn near(&mut self, view: &View, questions: &[(Ordinal, Vec<f32>)], threads: usize) -> Result<Vec<Earlier>> {
        self.asked = self.place(questions, threads)?;
        let mut segments: Vec<Vec<u8>> = sealed(&self.rest).into_iter().collect();
        let mut found = self.meet(view, questions, &self.sealed, &segments, threads)?;
        // One that is near another is no longer compared with.
        let alone = self.asked.iter().zip(&found).enumerate().filter(|(_, (_, found))| found.before.is_none());
        let first = self.ordinals.len();
        let rows: Vec<_> = alone.map(|(at, ((_, placed), _))| (Ordinal((first + at) as u64), placed.coded())).collect();
        segments = rows.chunks(ROWS / 8).filter_map(sealed).collect();
        let among = self.meet(view, questions, &[], &segments, threads)?;
        found.iter_mut().zip(among).for_each(|(found, among)| found.merge(among));
        Ok(found)
    }

    /// Keeps one of the last questions.
    pub fn keep(&mut self, question: usize) {
        let Some((ordinal, placed)) = self.asked.get(question) else { return };
        self.rest.push((Ordinal(self.ordinals.len() as u64), placed.coded()));
        self.ordinals.push(*ordinal);
        if self.rest.len() == ROWS {
            self.sealed.extend(sealed(&self.rest));
            self.rest.clear();
        }
    }

    fn place(&self, questions: &[(Ordinal, Vec<f32>)], threads: usize) -> Result<Vec<(Ordinal, Placed)>> {
        let mut placed = share(
            questions.len() as u64,
            TURN,
            threads,
            |turns| {
                let questions = turns.flatten().filter_map(|at| questions.get(usize::try_from(at).ok()?));
                Ok(questions.map(|(ordinal, embedding)| (*ordinal, self.places.place(embedding))).collect::<Vec<_>>())
            },
            Vec::extend,
        )?;
        placed.sort_unstable_by_key(|(ordinal, _)| *ordinal);
        Ok(placed)
    }

    /// Has all questions meet the rows of segments.
    fn meet(
        &self,
        view: &View,
        questions: &[(Ordinal, Vec<f32>)],
        some: &[Vec<u8>],
        others: &[Vec<u8>],
        threads: usize,
    ) -> Result<Vec<Earlier>> {
        let asked: Vec<AskedRecord> = questions
            .iter()
            .zip(&self.asked)
            .map(|((_, embedding), (_, placed))| self.ask(embedding, placed))
            .collect();
        let segments: Vec<&Vec<u8>> = some.iter().chain(others).collect();
        share(
            segments.len() as u64,
            1,
            threads,
            |turns| {
                let found = vec![Earlier::default(); asked.len()];
                let mut finder = SeenFinder { kept: self, asked: &asked, embeddings: view.embeddings(), found };
                let places = self.asked.iter().map(|(_, placed)| placed.place.as_slice()).collect();
                let mut meeting = Meeting::new(places, Space::L2);
                for at in turns.flatten() {
                    let Some(bytes) = usize::try_from(at).ok().and_then(|at| segments.get(at)) else { continue };
                    let segment = Segment::parse(bytes)?;
                    meeting.prepare(Around::Tail, || Ok(Centre::origin(segment.dimension())))?;
                    meeting.meet(&segment, &mut finder)?;
                }
                Ok(finder.found)
            },
            |found, other| found.iter_mut().zip(other).for_each(|(found, other)| found.merge(other)),
        )
    }

    fn ask<'q>(&self, embedding: &'q [f32], placed: &Placed) -> AskedRecord<'q> {
        AskedRecord { measure: Measure::new(self.space, embedding), allowance: placed.allowance }
    }
}

/// A question.
struct AskedRecord<'q> {
    measure: Measure<'q>,
    allowance: f64,
}

/// One thread's search.
struct SeenFinder<'f> {
    kept: &'f SeenRecords,
    asked: &'f [AskedRecord<'f>],
    embeddings: Embeddings<'f>,
    found: Vec<Earlier>,
}

impl Goal for SeenFinder<'_> {
    fn keeps(&self, _: Ordinal) -> bool {
        true
    }

    fn limit(&self, question: usize) -> f64 {
        self.asked.get(question).map_or(f64::INFINITY, |asked| asked.allowance)
    }

    #[expect(clippy::cast_possible_truncation, reason = "distances are compared as they are shown")]
    fn take(&mut self, near: &mut [(usize, Ordinal, f64)]) -> Result<()> {
        // Rows in their order, so that a block of embeddings is read once.
        near.sort_unstable_by_key(|(question, row, _)| (*row, *question));
        for (question, row, _) in near {
            let (Ok(row), Some(asked)) = (usize::try_from(row.0), self.asked.get(*question)) else { continue };
            let kept = self.kept.ordinals.len();
            let ordinal = match row.checked_sub(kept) {
                None => self.kept.ordinals.get(row).copied(),
                Some(other) if other < *question => self.kept.asked.get(other).map(|(ordinal, _)| *ordinal),
                Some(_) => continue,
            };
            let ordinal = ordinal.ok_or_else(|| Error::damaged("a record that is compared is not there"))?;
            let distance = asked.measure.distance(self.embeddings.row(ordinal)?);
            if distance as f32 <= self.kept.most
                && let Some(found) = self.found.get_mut(*question)
            {
                found.add(Ranked { ordinal, distance }, row >= kept);
            }
        }
        Ok(())
    }
}

/// Returns the fewest axes that tell a sample apart, if there are any.
fn telling(sample: &[Vec<f32>], space: Space, most: f32, records: u64) -> Option<Places> {
    let dimension = sample.first()?.len();
    let is_worth_it = |axes: usize| {
        let axes = axes as u64;
        axes <= records / RECORDS_PER_AXIS && axes * records <= MOST_BYTES
    };
    let mut last = None;
    for (at, axes) in AXES.into_iter().enumerate() {
        // All axes there are tell no more than embeddings themselves.
        if at > 0 && (!is_worth_it(axes) || axes * 2 > dimension) {
            break;
        }
        let places = Places::find(sample, space, most, axes);
        let (near, pairs) = near_along(&places, sample, space, most);
        if near * NEAR_OF <= pairs {
            return Some(places);
        }
        last = (near * NEAR_OF_AT_LEAST <= pairs).then_some(places);
    }
    last
}

/// Counts the pairs of a sample that are near along the axes and not near, and all pairs.
#[expect(clippy::cast_possible_truncation, reason = "distances are compared as they are shown")]
fn near_along(places: &Places, sample: &[Vec<f32>], space: Space, most: f32) -> (usize, usize) {
    let rows: Vec<_> = sample.iter().map(|row| places.place(row)).collect();
    let residuals: Vec<f64> = rows.iter().map(|placed| f64::from(placed.coded().residual)).collect();
    let mut near = 0;
    for (at, (one, residual)) in rows.iter().zip(&residuals).enumerate() {
        let others = rows.iter().zip(&residuals).zip(sample).take(at);
        let is_near = |((other, left), row): ((&Placed, &f64), &Vec<f32>)| {
            let limit = (one.allowance + other.allowance).max(0.0).sqrt() + residual + left;
            one.apart(other) <= limit * limit
                && sample.get(at).is_some_and(|own| space.distance(own, row) as f32 > most)
        };
        near += others.filter(|other| is_near(*other)).count();
    }
    (near, rows.len() * rows.len().saturating_sub(1) / 2)
}

fn sealed(rows: &[(Ordinal, Codes)]) -> Option<Vec<u8>> {
    seal(rows, 0)
}
