//! Quantised rows, sealed and not, against the counters and, in a deep check, against the embeddings.

use redb::ReadOnlyTable;
use roaring::RoaringTreemap;

use super::sketches::Sketches;
use super::{Depth, Findings, Subject};
use crate::error::Result;
use crate::record::Ordinal;
use crate::store::codec::floats;
use crate::store::quantise::{Codes, quantise};
use crate::store::segment::{Segment, parse_tail_row};
use crate::store::table::{self, PairKey, pair_ordinal};
use crate::store::vector::Embeddings;

type Pairs = ReadOnlyTable<&'static PairKey, &'static [u8]>;

/// What was seen of a collection's rows so far.
struct Rows<'v> {
    embeddings: Embeddings<'v>,
    /// Rows of records that stand in a segment or the tail.
    standing: RoaringTreemap,
    /// Rows below this one were seen.
    end: u64,
    sealed: u64,
    /// Whether a segment could not be read, so that its rows are not missing but unknown.
    lost: bool,
}

impl Subject<'_> {
    pub(super) fn check_rows(&self, findings: &mut Findings) -> Result<()> {
        let vectors: Pairs = self.tx.open_table(table::VECTORS)?;
        let dimension = self.entry.info.dimension.unwrap_or(0);
        let mut rows = Rows {
            embeddings: Embeddings::new(&vectors, self.number, dimension),
            standing: RoaringTreemap::new(),
            end: 0,
            sealed: 0,
            lost: false,
        };
        let mut sketches = Sketches::open(self, findings)?;
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
        if !rows.lost && rows.sealed != self.entry.sealed_rows {
            let what = format!("{} sealed rows are counted, {} are there", self.entry.sealed_rows, rows.sealed);
            findings.add(self.place("counters"), what, true);
        }
        self.check_tail(&mut rows, findings)?;
        let rest = self.live() - &rows.standing;
        if let Some(first) = rest.min().filter(|_| !rows.lost) {
            let what = format!("{} records are in none of them; the first is row {first}", rest.len());
            findings.add(self.place("quantised rows"), what, true);
        }
        if self.depth == Depth::Deep {
            for ordinal in rest {
                self.embedding(&mut rows.embeddings, Ordinal(ordinal), findings)?;
            }
        }
        Ok(())
    }

    pub(super) fn first(&self) -> PairKey {
        self.number.pair(0)
    }

    pub(super) fn last(&self) -> PairKey {
        self.number.pair(u64::MAX)
    }

    fn check_segment(
        &self,
        segment: &Segment,
        key: Ordinal,
        place: &str,
        rows: &mut Rows,
        findings: &mut Findings,
    ) -> Result<()> {
        rows.sealed += segment.rows() as u64;
        if Some(segment.dimension()) != self.entry.info.dimension || segment.ordinal(0) != key {
            findings.add(place, "it has another dimension or first row than it must", true);
            return Ok(());
        }
        let codes = segment.codes().chunks_exact(segment.dimension());
        let numbers = segment.factors().zip(segment.biases());
        for (row, (codes, (factor, bias))) in codes.zip(numbers).enumerate() {
            let ordinal = segment.ordinal(row);
            if ordinal.0 < rows.end || ordinal.0 >= self.entry.sealed_until {
                findings.add(place, format!("row {} stands in it out of order", ordinal.0), true);
                return Ok(());
            }
            rows.end = ordinal.0 + 1;
            if !self.dead.contains(ordinal.0) {
                rows.standing.insert(ordinal.0);
                self.check_row(ordinal, (factor, bias, codes), place, rows, findings)?;
            }
        }
        Ok(())
    }

    fn check_tail(&self, rows: &mut Rows, findings: &mut Findings) -> Result<()> {
        let mut tail_rows = 0;
        for row in self.tx.open_table(table::TAIL)?.range::<&PairKey>(&self.first()..=&self.last())? {
            let (key, value) = row?;
            let ordinal = pair_ordinal(key.value());
            tail_rows += 1;
            let place = self.place(&format!("row {} of the tail", ordinal.0));
            if ordinal.0 < self.entry.sealed_until || ordinal.0 >= self.entry.next_ordinal {
                findings.add(place, "it is sealed, or past the last row", true);
            } else if self.dead.contains(ordinal.0) {
                findings.add(place, "its record is deleted", true);
            } else if let Some(row) = findings.take(&place, true, parse_tail_row(value.value()))? {
                rows.standing.insert(ordinal.0);
                if Some(row.2.len()) == self.entry.info.dimension {
                    self.check_row(ordinal, row, &place, rows, findings)?;
                } else {
                    findings.add(place, "it has another dimension than it must", true);
                }
            }
        }
        if tail_rows != self.entry.tail_rows {
            let what = format!("{} rows are counted in the tail, {tail_rows} are there", self.entry.tail_rows);
            findings.add(self.place("counters"), what, true);
        }
        Ok(())
    }

    /// Compares a row with what its embedding gives.
    fn check_row(
        &self,
        ordinal: Ordinal,
        (factor, bias, codes): (f32, f32, &[i8]),
        place: &str,
        rows: &mut Rows,
        findings: &mut Findings,
    ) -> Result<()> {
        if self.depth == Depth::Quick {
            return Ok(());
        }
        let Some(embedding) = self.embedding(&mut rows.embeddings, ordinal, findings)? else { return Ok(()) };
        let given = quantise(&embedding, self.entry.info.space);
        if given != (Codes { codes: codes.to_vec(), factor, bias }) {
            findings.add(place, format!("row {} is not what its embedding gives", ordinal.0), true);
        }
        Ok(())
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
