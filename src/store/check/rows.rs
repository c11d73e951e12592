//! Quantised rows against the counters and, in a deep check, against the embeddings.

use redb::{ReadOnlyTable, TableError};
use roaring::RoaringTreemap;

use super::finding::{Depth, Findings};
use super::sketches::Sketches;
use super::subject::Subject;
use crate::error::{Error, Result};
use crate::record::Ordinal;
use crate::store::centre::Centre;
use crate::store::codec::floats;
use crate::store::quantise::quantise;
use crate::store::quantised_rows::read_centre;
use crate::store::segment::Segment;
use crate::store::table::{self, PairKey, pair_ordinal};
use crate::store::vector::{Embeddings, RowForm};

type CheckedPairs = ReadOnlyTable<&'static PairKey, &'static [u8]>;

/// What was seen of a collection's rows so far.
struct SeenRows<'v> {
    embeddings: Embeddings<'v>,
    /// The centre of the segment before.
    centre: Option<(Option<u32>, Centre)>,
    /// Rows of records that are in a segment.
    standing: RoaringTreemap,
    /// Rows below this one were seen.
    end: u64,
    sealed: u64,
    /// Whether a segment could not be read, so that its rows are not missing but unknown.
    lost: bool,
}

impl Subject<'_> {
    pub(super) fn check_rows(&self, findings: &mut Findings) -> Result<()> {
        let vectors: CheckedPairs = self.tx.open_table(table::VECTORS)?;
        let dimension = self.entry.info.dimension.unwrap_or(0);
        let mut rows = SeenRows {
            embeddings: Embeddings::new(
                &vectors,
                self.rows_number,
                RowForm { dimension, precision: self.entry.info.precision },
            ),
            centre: None,
            standing: RoaringTreemap::new(),
            end: 0,
            sealed: 0,
            lost: false,
        };
        self.check_centres(dimension, findings)?;
        let mut sketches = Sketches::open(self)?;
        for segment in self.tx.open_table(table::SEGMENTS)?.range::<&PairKey>(&self.first()..=&self.last())? {
            let (key, bytes) = segment?;
            let place = self.place(&format!("segment of row {}", pair_ordinal(key.value()).0));
            let verified = Segment::verify(bytes.value()).and_then(|()| Segment::parse(bytes.value()));
            let segment = findings.take(&place, true, verified)?;
            sketches.check(key.value(), segment.as_ref(), findings)?;
            match &segment {
                Some(segment) => self.check_segment(segment, pair_ordinal(key.value()), &place, &mut rows, findings)?,
                None => rows.lost = true,
            }
        }
        sketches.check_rest(findings)?;
        if !rows.lost && rows.sealed != self.entry.sealed.sealed_rows {
            let what = format!("{} sealed rows are counted, {} are there", self.entry.sealed.sealed_rows, rows.sealed);
            findings.add(self.place("counters"), what, true);
        }
        let rest = self.live() - &rows.standing;
        let tail = rest.range_cardinality(self.entry.sealed.sealed_until..);
        if let Some(first) = rest.min().filter(|first| !rows.lost && *first < self.entry.sealed.sealed_until) {
            let what = format!("{} records are in none of them; the first is row {first}", rest.len() - tail);
            findings.add(self.place("quantised rows"), what, true);
        }
        if self.entry.sealed.bounded && tail != self.entry.sealed.tail_rows {
            let what = format!("{} rows are counted in the tail, {tail} are there", self.entry.sealed.tail_rows);
            findings.add(self.place("counters"), what, true);
        }
        if self.depth == Depth::Deep {
            for ordinal in rest {
                self.embedding(&mut rows.embeddings, Ordinal(ordinal), findings)?;
            }
        }
        Ok(())
    }

    fn first(&self) -> PairKey {
        self.rows_number.pair(0)
    }

    fn last(&self) -> PairKey {
        self.rows_number.pair(u64::MAX)
    }

    fn check_segment(
        &self,
        segment: &Segment,
        key: Ordinal,
        place: &str,
        rows: &mut SeenRows,
        findings: &mut Findings,
    ) -> Result<()> {
        rows.sealed += segment.rows() as u64;
        if Some(segment.dimension()) != self.entry.info.dimension || segment.ordinal(0) != key {
            findings.add(place, "it has another dimension or first row than it must", true);
            return Ok(());
        }
        let space = self.entry.info.space;
        if self.depth == Depth::Deep && rows.centre.as_ref().is_none_or(|(known, _)| *known != segment.centre()) {
            let centre = findings.take(place, true, self.centre(segment.centre(), segment.dimension()))?;
            rows.centre = centre.map(|centre| (segment.centre(), centre));
        }
        for (ordinal, codes) in segment.to_rows(space) {
            if ordinal.0 < rows.end || ordinal.0 >= self.entry.sealed.sealed_until {
                findings.add(place, format!("row {} is out of order", ordinal.0), true);
                return Ok(());
            }
            rows.end = ordinal.0 + 1;
            if self.dead.contains(ordinal.0) {
                continue;
            }
            rows.standing.insert(ordinal.0);
            if self.depth == Depth::Quick {
                continue;
            }
            let embedding = self.embedding(&mut rows.embeddings, ordinal, findings)?;
            // Rows of version 1 of the format were rounded otherwise; what bounds them holds for any rounding.
            let centre = rows.centre.as_ref().filter(|(number, _)| number.is_some());
            if let (Some(embedding), Some((_, centre))) = (embedding, centre)
                && quantise(&embedding, centre, space) != codes
            {
                findings.add(place, format!("row {} is not what its embedding gives", ordinal.0), true);
            }
        }
        Ok(())
    }

    /// Checks that every centre is what was written, and that none between them is missing.
    fn check_centres(&self, dimension: usize, findings: &mut Findings) -> Result<()> {
        let centres: CheckedPairs = match self.tx.open_table(table::CENTRES) {
            Err(TableError::TableDoesNotExist(_)) => return Ok(()),
            centres => centres?,
        };
        let (place, mut expected) = (self.place("centres"), 0);
        for centre in centres.range::<&PairKey>(&self.first()..=&self.last())? {
            let (key, bytes) = centre?;
            if pair_ordinal(key.value()).0 != expected {
                findings.add(place.as_str(), format!("centre {expected} is missing"), true);
            }
            expected = pair_ordinal(key.value()).0 + 1;
            findings.take(place.as_str(), true, Centre::from_bytes(bytes.value(), dimension))?;
        }
        if expected == 0 && self.entry.sealed.bounded && self.entry.sealed.sealed_rows > 0 {
            findings.add(place, "there is none", true);
        }
        Ok(())
    }

    fn centre(&self, number: Option<u32>, dimension: usize) -> Result<Centre> {
        let Some(number) = number else { return Ok(Centre::origin(dimension)) };
        match self.tx.open_table(table::CENTRES) {
            Ok(centres) => read_centre(&centres, self.rows_number, number, dimension),
            Err(TableError::TableDoesNotExist(_)) => Err(Error::damaged("its centre is missing")),
            Err(error) => Err(error.into()),
        }
    }

    fn embedding(&self, all: &mut Embeddings, ordinal: Ordinal, findings: &mut Findings) -> Result<Option<Vec<f32>>> {
        let place = || self.place(&format!("embedding of row {}", ordinal.0));
        let read = all.row(ordinal).map(|bytes| floats(bytes).collect::<Vec<f32>>());
        let read = match read {
            Ok(embedding) => Some(embedding),
            failed => findings.take(place(), false, failed)?,
        };
        let finite = |embedding: &Vec<f32>| embedding.iter().fold(true, |all, x| all & x.is_finite());
        if read.as_ref().is_some_and(|embedding| !finite(embedding)) {
            findings.add(place(), "it holds NaN or infinity", false);
            return Ok(None);
        }
        Ok(read)
    }
}
