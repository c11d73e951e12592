//! What an ingest may do beside what its mode says of ids, and rows that may not do it.
//!
//! Only reads. Invariant: a document is refused as a whole, with all its parts, and before a byte of the file has changed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::prepared_row::PreparedRow;
use super::target::Existing;
use crate::error::{Advice, Error, Remark, Result};
use crate::record::{Chunk, NewRecord, Record, RecordId};
use crate::store::{Mode, taken_by_another};

/// What an ingest may do.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// A new document may come without an embedding where there is no model, and the record keeps its old one.
    pub keep_embedding: bool,
    /// A document that comes whole takes the place of its parts, and one that comes in parts that of its whole record.
    pub one_form: bool,
    /// A file takes the place of no record that came from another folder.
    pub keep_folders: bool,
    /// Folders that the files' folder was before.
    pub moved_from: Vec<PathBuf>,
}

/// The files that an ingest has met, by their ids, and where each was read.
#[derive(Debug, Default)]
pub(super) struct Files(HashMap<RecordId, String>);

/// The id of the document that a row is, or is a part of.
pub(super) fn document_of(row: &NewRecord) -> &RecordId {
    row.part.as_ref().map_or(&row.id, |part| &part.of)
}

/// Returns the ids whose records decide what becomes of a row.
pub(super) fn decisive_ids(row: &NewRecord) -> impl Iterator<Item = RecordId> {
    let of = document_of(row);
    let whole = row.part.is_some().then(|| of.clone());
    [row.id.clone(), Chunk::id(of, 0)].into_iter().chain(whole)
}

/// Makes an error about a document.
pub(super) fn bad_document(row: &NewRecord, why: Remark) -> Error {
    let why = why.of(format_args!("record {:?}:", document_of(row).as_str()));
    Error::bad_row(&row.origin.source, row.origin.line, why)
}

/// Returns the record of an id, if it is that part of a document.
fn part(existing: &dyn Existing, of: &RecordId, number: u64) -> Result<Option<Record>> {
    Ok(existing.stored(&Chunk::id(of, number))?.filter(|record| is_part(record, of, number)))
}

/// Returns whether a record says that it is that part of a document.
fn is_part(record: &Record, of: &RecordId, number: u64) -> bool {
    record.metadata.as_ref().is_some_and(|metadata| Chunk::is_said_by(metadata, of, number))
}

impl Rules {
    /// Returns whether a document is there, whole or in parts.
    pub(super) fn document_exists(&self, row: &NewRecord, existing: &dyn Existing) -> Result<bool> {
        let of = document_of(row);
        let in_parts = || Ok(part(existing, of, 0)?.is_some());
        match (&row.part, self.one_form && row.document.is_some()) {
            (Some(_), true) => Ok(in_parts()? || existing.stored(of)?.is_some_and(|whole| whole.document.is_some())),
            (Some(_), false) => in_parts(),
            (None, true) => Ok(existing.exists(of)? || in_parts()?),
            (None, false) => Ok(existing.exists(of)?),
        }
    }

    /// Says why a document may not be stored: all its rows, in order.
    pub(super) fn why_not(
        &self,
        rows: &[PreparedRow],
        mode: Mode,
        existing: &dyn Existing,
        files: &mut Files,
    ) -> Result<Option<Remark>> {
        let Some(first) = rows.first().map(|prepared| &prepared.row) else { return Ok(None) };
        if self.keep_folders
            && mode != Mode::Add
            && let Some(why) = self.of_another_folder(first, existing, files)?
        {
            return Ok(Some(why));
        }
        if first.part.is_none() {
            // One that is there is left alone.
            return if mode == Mode::Add { Ok(None) } else { self.stale_embedding(first, existing) };
        }
        let written = match mode {
            Mode::Upsert => true,
            Mode::Add => !self.document_exists(first, existing)?,
            Mode::Update => self.document_exists(first, existing)?,
        };
        if !written {
            return Ok(None);
        }
        for PreparedRow { row, .. } in rows {
            let Some(part) = &row.part else { continue };
            let taken = existing.stored(&row.id)?.filter(|taken| !is_part(taken, &part.of, part.number));
            if taken.is_some() {
                return Ok(Some(taken_by_another(&row.id).into()));
            }
        }
        Ok(None)
    }

    /// Refuses a new document beside the embedding of the old one.
    fn stale_embedding(&self, row: &NewRecord, existing: &dyn Existing) -> Result<Option<Remark>> {
        if self.keep_embedding
            || existing.info().embedder.is_some()
            || row.embedding.is_some()
            || row.document.is_none()
        {
            return Ok(None);
        }
        let is_new = existing.stored(&row.id)?.is_some_and(|stored| stored.document != row.document);
        Ok(is_new.then(|| Remark::with("its document is new and no embedding comes with it", Advice::KeepEmbedding)))
    }

    /// Refuses a file whose id is that of a file of another folder.
    fn of_another_folder(&self, row: &NewRecord, existing: &dyn Existing, files: &mut Files) -> Result<Option<Remark>> {
        // What is read as one text is a file; what has lines is in one.
        let is_file = |uri: &&str| row.origin.line == 0 && **uri == *row.origin.source;
        let Some(uri) = row.uri.as_deref().filter(is_file) else { return Ok(None) };
        let of = document_of(row);
        let before = match files.0.get(of) {
            Some(met) => Some(met.clone()),
            None => uri_of(of, existing)?,
        };
        let Some(old) = before.filter(|old| self.is_another(old, uri)) else {
            files.0.insert(of.clone(), uri.to_owned());
            return Ok(None);
        };
        let folder = folder_of(&old, uri);
        let why = format!("it came from {old}, which is in another folder");
        Ok(Some(Remark::with(why, Advice::TellFoldersApart(folder))))
    }

    fn is_another(&self, old: &str, new: &str) -> bool {
        let (old_path, new_path) = (Path::new(old), Path::new(new));
        let is_file = !old.contains("://") && old_path.file_name() == new_path.file_name();
        let old_plain = plain(old_path);
        let has_moved = |before: &PathBuf| {
            let before = plain(before);
            // `.` is what every relative path is below.
            if before.as_os_str().is_empty() { old_plain.is_relative() } else { old_plain.starts_with(before) }
        };
        let same = || old_path.canonicalize().is_ok_and(|old| new_path.canonicalize().is_ok_and(|new| old == new));
        is_file && old_plain != plain(new_path) && !self.moved_from.iter().any(has_moved) && !same()
    }
}

/// Returns where a document that is stored came from.
fn uri_of(of: &RecordId, existing: &dyn Existing) -> Result<Option<String>> {
    let found = match existing.stored(of)? {
        Some(whole) => Some(whole),
        None => part(existing, of, 0)?,
    };
    Ok(found.and_then(|stored| stored.uri))
}

/// Returns a path without a `./` before it.
fn plain(path: &Path) -> &Path {
    path.strip_prefix(".").unwrap_or(path)
}

/// Returns the folder of a path, above what it ends with as the other does.
fn folder_of(old: &str, new: &str) -> String {
    let (mut old, mut new) = (Path::new(old), Path::new(new));
    while let (Some(name), Some(other)) = (old.file_name(), new.file_name()) {
        if name != other {
            break;
        }
        old = old.parent().unwrap_or(Path::new(""));
        new = new.parent().unwrap_or(Path::new(""));
    }
    if old.as_os_str().is_empty() { ".".to_owned() } else { old.display().to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_what_stands_above_the_common_end() {
        for (old, new, folder) in [
            ("projA/README.md", "projB/README.md", "projA"),
            ("/a/docs/x/y.md", "/b/docs/x/y.md", "/a"),
            ("a.md", "docs/a.md", "."),
            ("docs/sub/a.md", "docs/a.md", "docs/sub"),
        ] {
            assert_eq!(folder_of(old, new), folder, "{old} {new}");
        }
    }

    #[test]
    fn only_files_of_other_folders_are_others() {
        let rules = Rules { moved_from: vec!["gone".into()], ..Rules::default() };
        for (old, another) in [
            ("projA/README.md", true),
            ("projB/README.md", false),
            ("./projB/README.md", false),
            ("gone/README.md", false),
            ("./gone/README.md", false),
            ("gone2/README.md", true),
            ("https://example.org/README.md", false),
            ("projA/other.md", false),
        ] {
            assert_eq!(rules.is_another(old, "projB/README.md"), another, "{old}");
        }
    }
}
