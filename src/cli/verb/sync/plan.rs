//! What a sync is about to do, and what came of it.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use huedb::backend::Place;
use huedb::error::{Error, Result};
use huedb::ingest::{ChangedDocument, DocumentChange, SyncDiff, Tally};
use huedb::input::{SourceFile, Split};
use huedb::record::{CollectionInfo, NewRecord};

use crate::cli::context::command::Context;
use crate::cli::process::hint::passing;
use crate::output::{ProgressDisplay, Properties, count};

/// Files, counted by what becomes of them.
#[derive(Clone, Copy, Default)]
pub(crate) struct FileCounts {
    pub(crate) added: u64,
    pub(crate) updated: u64,
    pub(crate) unchanged: u64,
    pub(crate) removed: u64,
    pub(crate) skipped: u64,
    pub(crate) failed: u64,
}

impl FileCounts {
    pub(crate) fn describe(&self) -> String {
        let Self { added, updated, unchanged, removed, skipped, failed } = *self;
        let [added, updated, unchanged, removed] = [added, updated, unchanged, removed].map(count);
        let [skipped, failed] = [skipped, failed].map(count);
        let said =
            format!("added {added}, updated {updated}, unchanged {unchanged}, removed {removed}, skipped {skipped}");
        if self.failed > 0 { format!("{said}, failed {failed}") } else { said }
    }
}

/// How the files of a folder stand to the records.
#[derive(Default)]
pub(crate) struct SyncPlan {
    pub(crate) files: FileCounts,
    pub(crate) diff: SyncDiff<SourceFile>,
    /// The collection; `None` when it is still to be made.
    pub(crate) info: Option<CollectionInfo>,
}

impl SyncPlan {
    /// Notes a file that cannot be taken in.
    pub(crate) fn fail(&mut self, context: &mut Context, progress: &ProgressDisplay, error: &Error) {
        self.files.failed += 1;
        progress.suspend(|| context.printer.warning(passing(error)));
    }

    /// Counts the files, once all were compared.
    pub(crate) fn count_files(&mut self) {
        let diff = &self.diff;
        let [added, updated, removed] =
            [DocumentChange::Added, DocumentChange::Updated, DocumentChange::Removed].map(|change| diff.count(change));
        self.files = FileCounts { added, updated, removed, unchanged: diff.unchanged, ..self.files };
    }

    /// Returns whether nothing was found to keep records of.
    pub(crate) fn is_empty_folder(&self) -> bool {
        self.diff.has_no_documents() && self.files.failed == 0
    }

    /// Lists what is to be done.
    pub(crate) fn facts(&self) -> Vec<Properties> {
        let line = |(document, change, records): (&str, DocumentChange, u64)| {
            Properties::new().with("id", document).with("change", change.as_str()).with("records", records)
        };
        self.diff.changes().map(line).collect()
    }

    /// Says what is to be done at --verbose.
    pub(crate) fn tell(&self, context: &mut Context) {
        for (document, change, records) in self.diff.changes() {
            let change = change.as_str();
            context.printer.detail(format!("{change} {document}: records {}", count(records)));
        }
    }
}

/// How many files were stored.
#[derive(Default)]
pub(crate) struct Seen(Arc<(AtomicU64, AtomicU64)>);

impl Seen {
    /// Makes rows of files and counts these.
    pub(crate) fn counted(
        &self,
        rows: impl Fn(NewRecord) -> Result<Vec<NewRecord>> + Send + 'static,
        changed: &[ChangedDocument<SourceFile>],
    ) -> Split {
        let counts = Arc::clone(&self.0);
        let new: HashSet<String> =
            changed.iter().filter(|file| file.is_new).filter_map(|f| f.item.id.clone().ok()).collect();
        Box::new(move |row| {
            let count = if new.contains(row.id.as_str()) { &counts.0 } else { &counts.1 };
            let rows = rows(row)?;
            count.fetch_add(1, Ordering::Relaxed);
            Ok(rows)
        })
    }

    pub(crate) fn added(&self) -> u64 {
        self.0.0.load(Ordering::Relaxed)
    }

    pub(crate) fn updated(&self) -> u64 {
        self.0.1.load(Ordering::Relaxed)
    }
}

pub(crate) fn describe_records(tally: &Tally) -> String {
    let counts =
        [(tally.added, "added"), (tally.updated, "updated"), (tally.removed, "removed"), (tally.embedded, "embedded")];
    let said: Vec<_> = counts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{what} {}", count(*n))).collect();
    if said.is_empty() { String::new() } else { format!("; records: {}", said.join(", ")) }
}

/// Returns the whole path of a folder, and its path from that of the database, by which its records are known: both may
/// then be moved together.
///
/// # Errors
/// [`Error::Io`] when a path cannot be followed, [`Error::InvalidArgument`] when it is not UTF-8.
pub(crate) fn root_name(folder: &Path, db: &Path) -> Result<(PathBuf, String)> {
    let folder = whole(folder)?;
    let beside = folder_of_file(db)?;
    let name = from_beside(&folder, &beside);
    let name = name.ok_or_else(|| Error::argument(format!("the path {} is not UTF-8", folder.display())))?;
    Ok((folder, name))
}

/// Returns by what name the records of a folder that is no longer there are known, if its path can be followed.
///
/// # Errors
/// [`Error::Io`] when the database's path cannot be followed.
pub(crate) fn old_root_name(folder: &Path, db: &Path) -> Result<Option<String>> {
    let beside = folder_of_file(db)?;
    // Of a path that is gone only what stands before its last part can be followed.
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let (Ok(parent), Some(name)) = (parent.canonicalize(), folder.file_name()) else { return Ok(None) };
    Ok(from_beside(&parent.join(name), &beside))
}

fn whole(path: &Path) -> Result<PathBuf> {
    path.canonicalize().map_err(|e| Error::io(format!("find {}", path.display()), e))
}

/// Returns the whole path of the folder that the database is in; of a place that is no file none, to which every path is whole.
fn folder_of_file(db: &Path) -> Result<PathBuf> {
    if Place::parse(db).path().is_none() {
        return Ok(PathBuf::new());
    }
    let file = if db.exists() { whole(db)? } else { db.to_owned() };
    whole(file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")))
}

/// Returns a folder's path from that of the database; the whole path where it lies elsewhere.
fn from_beside(folder: &Path, beside: &Path) -> Option<String> {
    let relative = match folder.strip_prefix(beside) {
        Ok(same) if same.as_os_str().is_empty() => Path::new("."),
        Ok(inside) => inside,
        Err(_) => folder,
    };
    relative.to_str().map(str::to_owned)
}
