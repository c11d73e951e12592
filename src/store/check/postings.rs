//! Postings that name records which do not hold the value.
//!
//! Every record is known to be in its postings by now, so the sums tell whether there is anything to look for.

use redb::ReadOnlyTable;

use super::finding::{Findings, MOST_FINDINGS};
use super::records::Records;
use super::subject::Subject;
use crate::error::Result;
use crate::record::Ordinal;
use crate::store::posting;
use crate::store::record::decode_but_document;
use crate::store::table::PairKey;

type Postings = ReadOnlyTable<&'static [u8], &'static [u8]>;
type StoredPostings = ReadOnlyTable<&'static PairKey, &'static [u8]>;

impl Subject<'_> {
    pub(super) fn check_postings(
        &self,
        postings: &Postings,
        stored: &StoredPostings,
        records: &Records,
        findings: &mut Findings,
    ) -> Result<()> {
        let (from, to) = self.number.prefix();
        let mut memberships = 0;
        for row in postings.range(from.as_slice()..to.as_slice())? {
            let (key, members) = row?;
            let place = self.place(&format!("metadata index of {:?}", posting::metadata_key(key.value())));
            if let Some(members) = findings.take(&place, true, posting::members(key.value(), members.value()))? {
                memberships += members.len();
                if members.is_empty() {
                    findings.add(place, "a set of it is empty", true);
                }
            }
        }
        if memberships == records.memberships {
            Ok(())
        } else {
            self.find_strangers(postings, stored, records, findings)
        }
    }

    /// Checks that every member of every posting holds the value.
    fn find_strangers(
        &self,
        postings: &Postings,
        stored: &StoredPostings,
        records: &Records,
        findings: &mut Findings,
    ) -> Result<()> {
        let (from, to) = self.number.prefix();
        for row in postings.range(from.as_slice()..to.as_slice())? {
            let (key, members) = row?;
            let Ok(members) = posting::members(key.value(), members.value()) else { continue };
            for member in members.iter().filter(|member| !records.unreadable.contains(*member)) {
                let holds = match stored.get(&self.number.pair(member))? {
                    Some(record) => {
                        let metadata = decode_but_document(record.value())?.metadata;
                        posting::keys(self.number, Ordinal(member), &metadata).any(|held| held == key.value())
                    }
                    None => false,
                };
                if !holds {
                    let place = self.place(&format!("metadata index of {:?}", posting::metadata_key(key.value())));
                    findings.add(place, format!("it names row {member}, which does not hold the value"), true);
                }
            }
            if findings.0.len() >= MOST_FINDINGS {
                break;
            }
        }
        Ok(())
    }
}
