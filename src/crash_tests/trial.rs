//! An operation under every fault.
//!
//! Invariant: a trial ends only once its operation has ended before the fault came.

use super::content::{ExpectedContent, read};
use super::disk::undisturbed;
use super::operation::{self, CrashOperation};
use crate::error::{Error, ErrorKind};
use crate::store::fault_injection::{Disk, Fault};
use crate::store::{Access, Depth, Store};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::Arc;

/// An operation, and what a run of it without a fault leaves behind after each acknowledged write.
struct Trial {
    operation: CrashOperation,
    contents: Vec<ExpectedContent>,
}

impl Trial {
    fn new(operation: CrashOperation) -> Self {
        let (_folder, path) = operation.file();
        let contents = undisturbed(&path, || {
            let mut contents = vec![read(&path).unwrap()];
            let run = operation.one_by_one.unwrap_or(operation.run);
            run(&path, &mut || contents.push(read(&path).unwrap())).unwrap();
            contents
        });
        Self { operation, contents }
    }

    /// Runs the operation with a fault and sees what came of it; returns the disk if the fault came.
    fn meets(&self, fault: Fault) -> Option<Arc<Disk>> {
        let (_folder, path) = self.operation.file();
        let disk = Disk::new(&path, fault);
        let mut acknowledged = 0;
        let seen = catch_unwind(AssertUnwindSafe(|| {
            let result = disk.under(|| (self.operation.run)(&path, &mut || acknowledged += 1));
            if disk.struck() {
                self.check_error(result.as_ref().err());
                self.check_content(&path, &disk, fault, acknowledged, result.is_ok());
            } else {
                result.unwrap();
            }
        }));
        if let Err(panic) = seen {
            #[expect(clippy::print_stderr, reason = "the place belongs to the report of the failed test")]
            {
                eprintln!("{} met {fault:?} after {acknowledged} acknowledged writes", self.operation.name);
            }
            resume_unwind(panic);
        }
        disk.struck().then_some(disk)
    }

    /// A disk that fails is told from a file that is damaged.
    fn check_error(&self, error: Option<&Error>) {
        if let Some(error) = error {
            assert_eq!(error.kind(), ErrorKind::Failure, "{}: {error:?}", self.operation.name);
        }
    }

    fn check_content(&self, path: &Path, disk: &Arc<Disk>, fault: Fault, acknowledged: usize, done: bool) {
        let full = matches!(fault, Fault::Full { .. });
        let last = self.contents.len() - 1;
        let found = if full { disk.under(|| read(path)) } else { undisturbed(path, || read(path)) }.unwrap();
        let first = if done { last } else { acknowledged };
        let until = match (done, self.operation.one_by_one.is_some()) {
            (true, _) | (_, true) => last,
            _ if full => first,
            _ => last.min(first + 1),
        };
        let at = (first..=until).find(|at| found == self.contents[*at]);
        assert!(at.is_some(), "content {first} to {until} expected, found {}", self.describe(&found));
        undisturbed(path, || {
            if found != ExpectedContent::Nothing {
                let store = Store::open_in_test(path, Access::Write).unwrap();
                assert_eq!(store.check(None, Depth::Deep).unwrap(), [], "after the fault");
                store.close().unwrap();
                assert_eq!(read(path).unwrap(), found, "repaired");
            }
            if at == Some(0) || self.operation.goes_on {
                (self.operation.run)(path, &mut || {}).unwrap();
                assert!(read(path).unwrap() == self.contents[last], "the operation, run again");
            }
        });
    }

    fn describe(&self, found: &ExpectedContent) -> String {
        match self.contents.iter().position(|content| content == found) {
            Some(at) => format!("content {at}"),
            None => format!("{found:?} and not {:?}", self.contents),
        }
    }

    fn meets_every_fault(&self) {
        for lasting in [true, false] {
            (1..u64::MAX).find(|at| self.meets(Fault::Call { at: *at, lasting }).is_none());
        }
        for sparse in [true, false] {
            let mut blocks = 0;
            while let Some(disk) = self.meets(Fault::Full { blocks, sparse }) {
                blocks = disk.next_room(blocks);
            }
        }
        if self.operation.survives_power {
            (1..u64::MAX).find(|at| self.meets(Fault::Torn { at: *at }).is_none());
            // What is lost at a sync is drawn anew each time.
            for _ in 0..3 {
                (1..u64::MAX).find(|at| self.meets(Fault::Power { at: *at }).is_none());
            }
        }
    }
}

macro_rules! trials {
    ($($name:ident),+) => {
        $(#[test]
        fn $name() {
            Trial::new(operation::$name()).meets_every_fault();
        })+
    };
}

trials!(
    making_a_file,
    creating_a_collection,
    adding,
    packing,
    updating,
    upserting,
    importing,
    filling_a_segment,
    deleting,
    indexing,
    indexing_words,
    dropping_an_index,
    clustering,
    extending_clusters,
    compacting,
    embedding_anew,
    renaming,
    dropping_a_collection,
    opening_after_a_kill,
    opening_after_a_killed_compaction
);
