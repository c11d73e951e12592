//! Every record: that it decodes, has its id, and is in the index of its metadata.

use redb::ReadOnlyTable;
use roaring::RoaringTreemap;

use super::finding::Findings;
use super::subject::Subject;
use crate::error::Result;
use crate::record::Ordinal;
use crate::store::posting;
use crate::store::record::StoredRecord;
use crate::store::table::{self, PairKey, pair_ordinal};

/// What was seen of a collection's records.
#[derive(Default)]
pub(super) struct Records {
    /// Rows that have a record.
    present: RoaringTreemap,
    /// Those of them whose record does not decode.
    pub(super) unreadable: RoaringTreemap,
    /// How many postings these records are in; other memberships belong to no record.
    pub(super) memberships: u64,
}

impl Subject<'_> {
    pub(super) fn check_records(&self, findings: &mut Findings) -> Result<()> {
        let ids = self.tx.open_table(table::IDS)?;
        let postings = self.tx.open_table(table::POSTINGS)?;
        let live = self.live();
        let mut records = Records::default();
        let all = self.tx.open_table(table::RECORDS)?;
        for row in all.range::<&PairKey>(&self.number.pair(0)..=&self.number.pair(u64::MAX))? {
            let (key, value) = row?;
            let ordinal = pair_ordinal(key.value());
            let place = self.place(&format!("record of row {}", ordinal.0));
            records.present.insert(ordinal.0);
            if !live.contains(ordinal.0) {
                findings.add(&place, "it is deleted, or past the last row", true);
            }
            match findings.take(&place, false, self.decode_what_can_be(value.value()))? {
                None => {
                    records.unreadable.insert(ordinal.0);
                }
                Some(stored) => {
                    self.check_id(ordinal, &stored, &ids, &place, findings)?;
                    records.memberships += self.check_memberships(ordinal, &stored, &postings, &place, findings)?;
                }
            }
        }
        let missing = live - &records.present;
        if let Some(first) = missing.min() {
            let what = format!("{} are missing; the first is that of row {first}", missing.len());
            findings.add(self.place("records"), what, false);
        }
        self.check_ids(&ids, &records, findings)?;
        self.check_postings(&postings, &all, &records, findings)
    }

    fn check_id(
        &self,
        ordinal: Ordinal,
        stored: &StoredRecord,
        ids: &ReadOnlyTable<&'static [u8], &'static [u8; 8]>,
        place: &str,
        findings: &mut Findings,
    ) -> Result<()> {
        let found = ids.get(self.number.id_key(stored.id.as_str()).as_slice())?;
        match found.map(|found| u64::from_le_bytes(*found.value())) {
            Some(found) if found == ordinal.0 => {}
            Some(other) => findings.add(place, format!("its id {:?} leads to row {other}", stored.id.as_str()), true),
            None => findings.add(place, format!("its id {:?} leads nowhere", stored.id.as_str()), true),
        }
        Ok(())
    }

    /// Looks for ids that lead to no record, or to the record of another id.
    fn check_ids(
        &self,
        ids: &ReadOnlyTable<&'static [u8], &'static [u8; 8]>,
        records: &Records,
        findings: &mut Findings,
    ) -> Result<()> {
        let (from, to) = self.number.prefix();
        let mut seen = RoaringTreemap::new();
        for row in ids.range(from.as_slice()..to.as_slice())? {
            let (key, ordinal) = row?;
            let ordinal = u64::from_le_bytes(*ordinal.value());
            let is_first = seen.insert(ordinal);
            if !is_first || !records.present.contains(ordinal) {
                let id = String::from_utf8_lossy(key.value().get(from.len()..).unwrap_or_default()).into_owned();
                let how = if is_first { "has no record" } else { "has another id too" };
                findings.add(
                    self.place(&format!("id {id:?}")),
                    format!("it leads to row {ordinal}, which {how}"),
                    true,
                );
            }
        }
        Ok(())
    }

    /// Looks a record up in the postings of all its values; returns how many it is in.
    fn check_memberships(
        &self,
        ordinal: Ordinal,
        stored: &StoredRecord,
        postings: &ReadOnlyTable<&'static [u8], &'static [u8]>,
        place: &str,
        findings: &mut Findings,
    ) -> Result<u64> {
        let mut memberships = 0;
        for key in posting::keys(self.number, ordinal, &stored.metadata) {
            let posting = postings.get(key.as_slice())?;
            if posting.is_some_and(|members| posting::has_member(members.value(), ordinal)) {
                memberships += 1;
            } else {
                let what = format!("it is not found by its metadata {:?}", posting::metadata_key(&key));
                findings.add(place, what, true);
            }
        }
        Ok(memberships)
    }
}
