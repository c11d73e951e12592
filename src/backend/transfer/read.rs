//! Records read off a collection in batches of a bounded size.
//!
//! Invariant: a batch has at most [`ROWS_AT_ONCE`] records and, but for one record that is longer, [`BYTES_AT_ONCE`].

use std::collections::HashSet;

use crate::backend::records::Records;
use crate::backend::records::bytes_of;
use crate::error::Result;
use crate::query::RecordQuery;
use crate::record::{DumpRecord, RecordId};
use crate::store::Include;

/// Records of a batch; tests want many batches of few records.
pub(super) const ROWS_AT_ONCE: usize = if cfg!(test) { 16 } else { 8192 };
/// Bytes of a batch, about, as they travel.
const BYTES_AT_ONCE: usize = 32 << 20;
/// Records that are read before it is known how long they are.
const FIRST_ROWS: usize = ROWS_AT_ONCE / 16;
/// Records that are looked up one by one: more are met sooner where all are read in turn.
const MOST_LISTED: usize = if cfg!(test) { 40 } else { 65_536 };

/// Which records are read.
#[derive(Debug)]
pub(super) enum Wanted {
    /// All, in their order.
    All,
    /// These, in the order of the collection.
    These(HashSet<RecordId>),
    /// These, in this order.
    Listed(Vec<RecordId>),
}

impl Wanted {
    /// Wants these records in the order of the collection.
    pub(super) fn in_order(source: &dyn Records, ids: Vec<RecordId>) -> Result<Self> {
        if ids.len() > MOST_LISTED {
            return Ok(Self::These(ids.into_iter().collect()));
        }
        if ids.is_empty() {
            return Ok(Self::Listed(ids));
        }
        let page = source.find(&RecordQuery { ids: Some(ids), ..RecordQuery::default() }, Include::NONE)?;
        Ok(Self::Listed(page.ids().collect::<Result<_>>()?))
    }

    pub(super) fn is_all(&self) -> bool {
        matches!(self, Self::All)
    }
}

/// Reads what is wanted; `each` takes a batch, and says whether there should be more.
pub(super) fn read(source: &dyn Records, wanted: Wanted, each: &mut dyn FnMut(Vec<DumpRecord>) -> bool) -> Result<()> {
    let mut batch = Batch { records: Vec::new(), bytes: 0, rows_to_read: FIRST_ROWS, each };
    match wanted {
        Wanted::Listed(ids) => {
            let mut rest = ids.as_slice();
            while let Some((now, later)) = rest.split_at_checked(batch.rows_to_read.min(rest.len())) {
                if now.is_empty() || !batch.take(source.dump(now)?, |_| true) {
                    break;
                }
                rest = later;
            }
        }
        Wanted::All => batch.scan(source, |_| true)?,
        Wanted::These(ids) => batch.scan(source, |id| ids.contains(id))?,
    }
    batch.hand_over();
    Ok(())
}

/// The batch that is filled.
struct Batch<'a> {
    records: Vec<DumpRecord>,
    bytes: usize,
    rows_to_read: usize,
    each: &'a mut dyn FnMut(Vec<DumpRecord>) -> bool,
}

impl Batch<'_> {
    fn scan(&mut self, source: &dyn Records, is_wanted: impl Fn(&RecordId) -> bool) -> Result<()> {
        let mut after = None;
        loop {
            let page = source.scan(after, self.rows_to_read)?;
            if !self.take(page.records, &is_wanted) || page.next.is_none() {
                return Ok(());
            }
            after = page.next;
        }
    }

    /// Takes what was read, and hands over what is full; returns whether there should be more.
    fn take(&mut self, read: Vec<DumpRecord>, is_wanted: impl Fn(&RecordId) -> bool) -> bool {
        let (rows, mut bytes_read) = (read.len(), 0);
        for record in read {
            let bytes = bytes_of(&record.record);
            bytes_read += bytes;
            if !is_wanted(&record.record.id) {
                continue;
            }
            if (self.records.len() == ROWS_AT_ONCE || self.bytes + bytes > BYTES_AT_ONCE) && !self.hand_over() {
                return false;
            }
            self.bytes += bytes;
            self.records.push(record);
        }
        // As many as fit if they are as long as these, and not many more than before, in case they are not.
        let mean = bytes_read.checked_div(rows).unwrap_or_default().max(1);
        self.rows_to_read = (BYTES_AT_ONCE / mean).clamp(1, ROWS_AT_ONCE).min(self.rows_to_read * 4);
        true
    }

    fn hand_over(&mut self) -> bool {
        self.bytes = 0;
        let full = std::mem::take(&mut self.records);
        full.is_empty() || (self.each)(full)
    }
}
