//! Sketches against the segments they were made from.

use redb::ReadOnlyTable;

use super::{Depth, Findings, Subject};
use crate::error::{Error, Result};
use crate::store::segment::Segment;
use crate::store::sketch::{Centre, Sketch, sign_bytes, sketch};
use crate::store::table::{self, PairKey};

/// The sketches of a collection, asked about one segment after the other.
pub(super) struct Sketches<'s> {
    subject: &'s Subject<'s>,
    table: ReadOnlyTable<&'static PairKey, &'static [u8]>,
    centre: Option<Centre>,
    /// Sketches of segments that were asked about.
    seen: u64,
}

impl<'s> Sketches<'s> {
    pub(super) fn open(subject: &'s Subject<'s>, findings: &mut Findings) -> Result<Self> {
        let table = subject.tx.open_table(table::SKETCH)?;
        let centre = if subject.entry.sealed.sketched {
            let stored = table.get(&subject.rows_number.pair(u64::MAX))?;
            let dimension = subject.entry.info.dimension.unwrap_or(0);
            let centre = stored.ok_or_else(|| Error::damaged("it is missing"));
            let centre = centre.and_then(|centre| Centre::from_bytes(centre.value(), dimension));
            findings.take(subject.place("centre of the sketches"), true, centre)?
        } else {
            None
        };
        Ok(Self { subject, table, centre, seen: 0 })
    }

    /// Checks the sketch of the segment at `key`; `segment` is `None` where that is damaged.
    pub(super) fn check(&mut self, key: &PairKey, segment: Option<&Segment>, findings: &mut Findings) -> Result<()> {
        if !self.subject.entry.sealed.sketched {
            return Ok(());
        }
        let place = self.subject.place(&format!("sketch of row {}", table::pair_number(key)));
        let Some(bytes) = self.table.get(key)? else {
            findings.add(place, "it is missing", true);
            return Ok(());
        };
        self.seen += 1;
        let bytes = bytes.value();
        let verified = Sketch::verify(bytes).and_then(|()| Sketch::parse(bytes));
        if let Some(found) = findings.take(&place, true, verified)?
            && let Some(segment) = segment
        {
            let first = segment.ordinal(0);
            let rows = (0..segment.rows()).all(|row| found.ordinal(first, row) == segment.ordinal(row));
            let as_long = found.signs().len() == segment.rows() * sign_bytes(segment.dimension());
            if !rows || !as_long || found.rows() != segment.rows() {
                findings.add(place, "it has other rows than its segment", true);
            } else if self.subject.depth == Depth::Deep
                && let Some(centre) = &self.centre
                && sketch(segment, centre, self.subject.entry.info.space) != bytes
            {
                findings.add(place, "it is not what its segment gives", true);
            }
        }
        Ok(())
    }

    /// Looks for sketches of no segment.
    pub(super) fn check_rest(&self, findings: &mut Findings) -> Result<()> {
        let number = self.subject.rows_number;
        let mut all = self.table.range::<&PairKey>(&number.pair(0)..&number.pair(u64::MAX))?;
        let all = all.try_fold(0, |n, row| row.map(|_| n + 1))?;
        if all != self.seen {
            let what = format!("{all} are there, {} are of segments", self.seen);
            findings.add(self.subject.place("sketches"), what, true);
        }
        Ok(())
    }
}
