//! Every page of the file against the checksum in the page that leads to it.

use super::finding::Findings;
use crate::error::{Error, Result};
use crate::store::page::{PageState, Tree};
use crate::store::{Store, table};

impl Store {
    pub(super) fn check_pages(&self, findings: &mut Findings) -> Result<()> {
        let handle = self.handle();
        let header = handle.pages.header();
        let tree = header.and_then(|header| Tree::new(handle.pages.file(), &header));
        let tree = tree.ok_or_else(|| Error::damaged("the header of the file"))?;
        tree.walk(false, &|_| true, &mut |page| {
            let what = match page.state {
                PageState::Sound | PageState::Healed => return Ok(()),
                PageState::Damaged => "it does not match its checksum",
                PageState::Unreadable => "it cannot be read, or the file ends before it",
            };
            let derived = page.shape.is_system || table::is_derived(&page.shape.table) && !page.shape.holds_tables;
            findings.add(format!("table {}: page at byte {}", page.shape.table, page.offset), what, derived);
            Ok(())
        })
    }
}
