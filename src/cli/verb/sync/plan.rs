//! What a sync is about to do, and what came of it.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use huedb::error::{Error, Result};
use huedb::input::{SourceFile, Split};
use huedb::record::{CollectionInfo, NewRecord};
use huedb::store::{Standing, Stray, Tally};

use crate::cli::context::command::Context;
use crate::cli::process::hint::hint;
use crate::output::{ProgressDisplay, Properties, count};

/// Files by what becomes of them.
#[derive(Default)]
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

/// A file to embed.
pub(crate) struct Changed {
    pub(crate) entry: SourceFile,
    document: String,
    is_new: bool,
    records: u64,
}

/// How the files of a folder stand to the records.
#[derive(Default)]
pub(crate) struct SyncPlan {
    pub(crate) files: FileCounts,
    pub(crate) changed: Vec<Changed>,
    pub(crate) strays: Vec<Stray>,
    /// The collection; `None` when it is still to be made.
    pub(crate) info: Option<CollectionInfo>,
    /// The documents of files that are there.
    met: HashSet<String>,
    /// The documents of files that are not, and how many records they have.
    gone: Vec<(String, u64)>,
}

impl SyncPlan {
    /// Notes a file that cannot be taken in.
    pub(crate) fn fail(&mut self, context: &mut Context, progress: &ProgressDisplay, error: &Error) {
        self.files.failed += 1;
        let hint = hint(error).map(|hint| format!("; {hint}")).unwrap_or_default();
        let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
        progress.suspend(|| context.printer.warning(format!("{error}{cause}{hint}")));
    }

    pub(crate) fn take(&mut self, entry: SourceFile, document: String, standing: &Standing, records: u64) {
        match standing {
            Standing::Unchanged => self.files.unchanged += 1,
            Standing::Taken { .. } => {}
            Standing::New | Standing::Changed => {
                let is_new = *standing == Standing::New;
                *(if is_new { &mut self.files.added } else { &mut self.files.updated }) += 1;
                self.changed.push(Changed { entry, document: document.clone(), is_new, records });
            }
        }
        self.met.insert(document);
    }

    /// Returns whether nothing was found to keep records of.
    pub(crate) fn is_empty_folder(&self) -> bool {
        self.met.is_empty() && self.files.failed == 0
    }

    /// Counts the strays by their files.
    pub(crate) fn count_gone(&mut self) {
        let mut places: HashMap<&str, usize> = HashMap::new();
        for Stray { document, .. } in self.strays.iter().filter(|stray| !self.met.contains(&stray.document)) {
            let place = *places.entry(document).or_insert(self.gone.len());
            match self.gone.get_mut(place) {
                Some((_, records)) => *records += 1,
                None => self.gone.push((document.clone(), 1)),
            }
        }
        self.files.removed = self.gone.len() as u64;
    }

    /// Visits what is to be done, file by file: its document, what becomes of it, how many records that are.
    fn changes(&self) -> impl Iterator<Item = (&str, &'static str, u64)> {
        let changed = self.changed.iter().map(|file| {
            let change = if file.is_new { "added" } else { "updated" };
            (file.document.as_str(), change, file.records)
        });
        changed.chain(self.gone.iter().map(|(document, records)| (document.as_str(), "removed", *records)))
    }

    /// Lists what is to be done.
    pub(crate) fn facts(&self) -> Vec<Properties> {
        let line = |(document, change, records): (&str, &'static str, u64)| {
            Properties::new().with("id", document).with("change", change).with("records", records)
        };
        self.changes().map(line).collect()
    }

    /// Says what is to be done, to who wants to know.
    pub(crate) fn tell(&self, context: &mut Context) {
        for (document, change, records) in self.changes() {
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
        changed: &[Changed],
    ) -> Split {
        let counts = Arc::clone(&self.0);
        let new: HashSet<String> =
            changed.iter().filter(|file| file.is_new).filter_map(|f| f.entry.id.clone().ok()).collect();
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

/// Returns whether a document is one of those, or of a file below one.
pub(crate) fn is_kept(document: &str, kept: &[String]) -> bool {
    let below = |folder: &str| document.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    kept.iter().any(|kept| kept == document || below(kept))
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

/// Returns the whole path of the folder that the database is in.
fn folder_of_file(db: &Path) -> Result<PathBuf> {
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
