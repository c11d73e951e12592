//! The records that are kept so far, by where they lie along some axes: what nearly all of them are too far away for is
//! seen without their embeddings.
//!
//! Places are coded as embeddings are, in segments that are in memory alone, and meet all questions at once; what passes
//! is looked at again along more axes ([`Fine`]). Invariant: nothing that is near enough is missed: see
//! [`super::places::Places`]; and the codes' bounds hold.

use super::fine::{self, Fine};
use super::found::Earlier;
use super::places::Placed;
use super::telling::Telling;
use crate::error::{Error, Result};
use crate::index::exact_distance::Measure;
use crate::index::meeting::{Around, Goal, Meeting};
use crate::index::ranked::Ranked;
use crate::index::work_sharing::share;
use crate::record::{Ordinal, Space};
use crate::store::{Centre, Codes, Embeddings, Segment, View, seal};

/// With fewer records, all are compared by all their components.
const RECORDS: u64 = 500;
/// Records that the axes are found from, and as many that they are tried on.
const SAMPLE: u64 = 1024;
/// Rows of a segment, and so of a thread's turn.
const ROWS: usize = 2048;
/// Questions that a thread places at a time.
const TURN: u64 = 64;

/// Records that later ones are compared with.
pub struct SeenRecords {
    telling: Telling,
    space: Space,
    most: f32,
    ordinals: Vec<Ordinal>,
    /// Whole segments; a row's number in there is where `ordinals` has it.
    sealed: Vec<Vec<u8>>,
    rest: Vec<(Ordinal, Codes)>,
    fine: Fine,
    /// The last questions.
    asked: Vec<Asked>,
}

/// A question.
struct Asked {
    ordinal: Ordinal,
    placed: Placed,
    fine: fine::Asked,
}

impl SeenRecords {
    /// Finds where the records of a view differ; `None` where comparing them by all components is as good.
    ///
    /// # Errors
    /// [`crate::error::Error::Damaged`].
    pub fn begin(view: &View, chosen: &roaring::RoaringTreemap, most: f32) -> Result<Option<Self>> {
        let space = view.info().space;
        let records = chosen.len();
        // A zero vector, which has no direction, is at cosine distance 1 from everything.
        if records < RECORDS || (space == Space::Cosine && most >= 1.0) {
            return Ok(None);
        }
        let step = records / (2 * SAMPLE).min(records / 2).max(1);
        let (mut sample, mut other) = (Vec::new(), Vec::new());
        for ordinal in chosen.iter().step_by(usize::try_from(step.max(1)).unwrap_or(1)) {
            sample.push(view.embedding(Ordinal(ordinal))?);
            std::mem::swap(&mut sample, &mut other);
        }
        let begun = |telling: Telling| Self {
            fine: Fine::new(telling.all),
            telling,
            space,
            most,
            ordinals: Vec::new(),
            sealed: Vec::new(),
            rest: Vec::new(),
            asked: Vec::new(),
        };
        Ok(Telling::find(&sample, &other, space, most, records).map(begun))
    }

    /// Returns for each question the nearest of what was kept before, if that is near enough, and those questions before it
    /// that are as near and near nothing kept before.
    ///
    /// # Errors
    /// [`crate::error::Error::Damaged`].
    pub fn near(&mut self, view: &View, questions: &[(Ordinal, Vec<f32>)], threads: usize) -> Result<Vec<Earlier>> {
        self.asked = self.place(questions, threads)?;
        let mut among = Fine::new(self.telling.all);
        self.asked.iter().for_each(|asked| among.push(&asked.placed));
        let mut segments: Vec<Vec<u8>> = sealed(&self.rest).into_iter().collect();
        let mut found = self.meet(view, questions, &among, (&self.sealed, &segments), threads)?;
        // A record that is near another is no longer compared with others.
        let alone = self.asked.iter().zip(&found).enumerate().filter(|(_, (_, found))| found.before.is_none());
        let first = self.ordinals.len();
        let axes = self.telling.first;
        let rows: Vec<_> =
            alone.map(|(at, (asked, _))| (Ordinal((first + at) as u64), asked.placed.coded(axes))).collect();
        segments = rows.chunks(ROWS / 8).filter_map(sealed).collect();
        let others = self.meet(view, questions, &among, (&[], &segments), threads)?;
        found.iter_mut().zip(others).for_each(|(found, among)| found.merge(among));
        Ok(found)
    }

    /// Keeps one of the last questions.
    pub fn keep(&mut self, question: usize) {
        let Some(Asked { ordinal, placed, .. }) = self.asked.get(question) else { return };
        self.rest.push((Ordinal(self.ordinals.len() as u64), placed.coded(self.telling.first)));
        self.fine.push(placed);
        self.ordinals.push(*ordinal);
        if self.rest.len() == ROWS {
            self.sealed.extend(sealed(&self.rest));
            self.rest.clear();
        }
    }

    fn place(&self, questions: &[(Ordinal, Vec<f32>)], threads: usize) -> Result<Vec<Asked>> {
        let mut placed = share(
            questions.len() as u64,
            TURN,
            threads,
            |turns| {
                let questions = turns.flatten().filter_map(|at| questions.get(usize::try_from(at).ok()?));
                let place = |(ordinal, embedding): &(Ordinal, Vec<f32>)| {
                    let placed = self.telling.places.place(embedding);
                    Asked { ordinal: *ordinal, fine: fine::Asked::new(&placed), placed }
                };
                Ok(questions.map(place).collect::<Vec<_>>())
            },
            Vec::extend,
        )?;
        placed.sort_unstable_by_key(|asked| asked.ordinal);
        Ok(placed)
    }

    /// Compares all questions with the rows of segments.
    fn meet(
        &self,
        view: &View,
        questions: &[(Ordinal, Vec<f32>)],
        among: &Fine,
        (some, others): (&[Vec<u8>], &[Vec<u8>]),
        threads: usize,
    ) -> Result<Vec<Earlier>> {
        let measures: Vec<Measure> =
            questions.iter().map(|(_, embedding)| Measure::new(self.space, embedding)).collect();
        let segments: Vec<&Vec<u8>> = some.iter().chain(others).collect();
        share(
            segments.len() as u64,
            1,
            threads,
            |turns| {
                let (found, near) = (vec![Earlier::default(); measures.len()], Vec::new());
                let embeddings = view.embeddings();
                let mut finder = SeenFinder { kept: self, among, measures: &measures, embeddings, near, found };
                let places = self.asked.iter().map(|asked| asked.placed.along(self.telling.first)).collect();
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
}

/// One thread's search.
struct SeenFinder<'f> {
    kept: &'f SeenRecords,
    /// The last questions as records.
    among: &'f Fine,
    measures: &'f [Measure<'f>],
    /// What is still to be measured.
    near: Vec<(usize, usize)>,
    embeddings: Embeddings<'f>,
    found: Vec<Earlier>,
}

impl Goal for SeenFinder<'_> {
    fn keeps(&self, _: Ordinal) -> bool {
        true
    }

    fn limit(&self, question: usize) -> f64 {
        self.kept.asked.get(question).map_or(f64::INFINITY, |asked| asked.placed.allowance)
    }

    #[expect(clippy::cast_possible_truncation, reason = "distances are compared as they are shown")]
    fn take(&mut self, near: &mut [(usize, Ordinal, f64)]) -> Result<()> {
        let Self { kept, among, measures, near: left, embeddings, found } = self;
        let before = kept.ordinals.len();
        left.clear();
        left.extend(near.iter().filter_map(|(question, row, _)| {
            let (row, asked) = (usize::try_from(row.0).ok()?, kept.asked.get(*question)?);
            let passes = match row.checked_sub(before) {
                None => kept.fine.passes(row, &asked.fine),
                Some(other) => other < *question && among.passes(other, &asked.fine),
            };
            passes.then_some((row, *question))
        }));
        // Rows in their order, so that a block of embeddings is read once.
        left.sort_unstable();
        for (row, question) in left.iter() {
            let ordinal = match row.checked_sub(before) {
                None => kept.ordinals.get(*row).copied(),
                Some(other) => kept.asked.get(other).map(|asked| asked.ordinal),
            };
            let ordinal = ordinal.ok_or_else(|| Error::damaged("a record that is compared is not there"))?;
            let Some(measure) = measures.get(*question) else { continue };
            let distance = measure.distance(embeddings.row(ordinal)?);
            if distance as f32 <= kept.most
                && let Some(found) = found.get_mut(*question)
            {
                found.add(Ranked { ordinal, distance }, *row >= before);
            }
        }
        Ok(())
    }
}

fn sealed(rows: &[(Ordinal, Codes)]) -> Option<Vec<u8>> {
    seal(rows, 0)
}
