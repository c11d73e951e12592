//! Sketches against the segments they were made from.

use redb::ReadOnlyTable;

use super::finding::{Depth, Findings};
use super::subject::Subject;
use crate::error::Result;
use crate::store::segment::Segment;
use crate::store::sketch::{Sketch, Sketcher};
use crate::store::sketch_size::sign_bytes;
use crate::store::table::{self, PairKey};

/// The sketches of a collection, checked one segment after another.
pub(super) struct Sketches<'s> {
    subject: &'s Subject<'s>,
    table: ReadOnlyTable<&'static PairKey, &'static [u8]>,
    sketcher: Option<Sketcher>,
    /// Sketches of the segments checked so far.
    seen: u64,
}

impl<'s> Sketches<'s> {
    pub(super) fn open(subject: &'s Subject<'s>) -> Result<Self> {
        let table = subject.tx.open_table(table::SKETCH)?;
        Ok(Self { subject, table, sketcher: None, seen: 0 })
    }

    /// Checks the sketch of the segment at `key`; `segment` is `None` where that is damaged.
    pub(super) fn check(&mut self, key: &PairKey, segment: Option<&Segment>, findings: &mut Findings) -> Result<()> {
        if !self.subject.is_sketched() {
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
            } else if self.subject.depth == Depth::Deep && self.of(segment) != bytes {
                findings.add(place, "it is not what its segment gives", true);
            }
        }
        Ok(())
    }

    fn of(&mut self, segment: &Segment) -> Vec<u8> {
        let sketcher = self.sketcher.get_or_insert_with(|| Sketcher::new(segment.dimension()));
        sketcher.sketch(segment, self.subject.entry.info.space)
    }

    /// Looks for sketches of no segment.
    pub(super) fn check_rest(&self, findings: &mut Findings) -> Result<()> {
        let sealed = &self.subject.entry.sealed;
        if !sealed.bounded || (sealed.sketched && !sealed.is_sketched()) {
            return Ok(());
        }
        let number = self.subject.rows_number;
        let mut all = self.table.range::<&PairKey>(&number.pair(0)..=&number.pair(u64::MAX))?;
        let all = all.try_fold(0, |n, row| row.map(|_| n + 1))?;
        if all != self.seen {
            let what = format!("{all} are there, {} are of segments", self.seen);
            findings.add(self.subject.place("sketches"), what, true);
        }
        Ok(())
    }
}

impl Subject<'_> {
    /// Whether there are sketches that are searched: those of version 1 of the format, or of another rotation, are not.
    fn is_sketched(&self) -> bool {
        self.entry.sealed.is_sketched()
    }
}
