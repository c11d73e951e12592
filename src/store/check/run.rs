//! The order of a check: header, pages, catalogue, collections.
//!
//! Invariant: nothing is written.

use std::cell::OnceCell;
use std::fs::File;

use super::catalogue;
use super::finding::{Depth, Finding, Findings};
use super::subject::Subject;
use crate::error::{Error, Result};
use crate::store::write::read_set;
use crate::store::{Store, crypt, table};

impl Store {
    /// Looks for damage in the whole file or, beside its catalogue, in one collection; a sound file gives no findings.
    ///
    /// Nothing is written, so a file open for reading will do, and others may read and write meanwhile. At most
    /// [`super::MOST_FINDINGS`] are returned.
    ///
    /// # Errors
    /// [`Error::CollectionNotFound`], [`Error::Busy`] or [`Error::Io`]; damage is no error here.
    pub fn check(&self, collection: Option<&str>, depth: Depth) -> Result<Vec<Finding>> {
        let mut findings = Findings::default();
        self.check_header(&mut findings)?;
        // Damage to a page is reported by the walk over the pages; it must not end what follows here.
        self.handle()
            .pages
            .trusting(|| findings.check("file", false, |findings| self.check_tables(collection, depth, findings)))?;
        Ok(findings.0)
    }

    fn check_tables(&self, collection: Option<&str>, depth: Depth, findings: &mut Findings) -> Result<()> {
        self.read(|tx| {
            // The transaction keeps others from using the pages for something else.
            self.check_pages(findings)?;
            let catalogue = catalogue::check(&tx, findings)?;
            let asked = match collection {
                None => catalogue.collections,
                Some(name) => {
                    let number = catalogue.number(self.scope(), name)?;
                    catalogue.collections.into_iter().filter(|named| named.number == number).collect()
                }
            };
            for named in asked {
                let Some(entry) = named.entry else { continue };
                let place = format!("{}: deleted rows", named.name);
                let dead = read_set(&tx.open_table(table::DEAD)?, named.number, "the set");
                let Some(dead) = findings.take(place, true, dead)? else { continue };
                let (name, number, rows_number) = (named.name, named.number, entry.rows_number(named.number));
                let dictionary = OnceCell::new();
                Subject { tx: &tx, name, number, rows_number, entry, dead, depth, dictionary }.check(findings)?;
            }
            Ok(())
        })
    }

    /// Compares the two copies of the header of an encrypted file; `huedb rekey` writes both anew.
    fn check_header(&self, findings: &mut Findings) -> Result<()> {
        if self.handle().seal.is_some()
            && let Some(what) = File::open(self.path())
                .map_err(|e| Error::io(String::new(), e))
                .and_then(|file| crypt::finding(&file))?
        {
            findings.add("header of the encryption", what, true);
        }
        Ok(())
    }
}
