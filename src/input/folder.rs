//! The text files of a folder, chosen as ripgrep chooses them, for a collection that follows the folder.
//!
//! Does not know what was stored before. Invariants: what could not be looked at is listed apart from what is not there,
//! so that nobody takes the one for the other; files come in the order of their relative paths, and the id of each is
//! that path with `/` between its parts.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ignore::overrides::{Override, OverrideBuilder};
use ignore::{DirEntry, WalkBuilder};

use super::decompress::{BINARY, InputBytes, without_flag};
use super::format::InputFormat;
use super::html;
use super::lines::not_utf8;
use super::mapping::{Mapping, RowParts};
use super::options::ROW_LIMIT_BYTES;
use super::progress::ReadProgress;
use super::source::SourceFile;
use crate::error::{Advice, Error, Remark, Result};
use crate::record::{NewRecord, Origin};

/// Which files of a folder are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// The folder.
    pub root: PathBuf,
    /// Globs of relative paths as in .gitignore; one that begins with `!` leaves files out. All files without any.
    ///
    /// They choose among what the other rules leave.
    pub globs: Vec<String>,
    /// Whether .gitignore, .ignore and git's other lists are heeded; above the folder only inside a git repository.
    pub heeds_ignores: bool,
    /// Whether files and folders whose name begins with a dot are among them; `.git` never is.
    pub hidden: bool,
    /// Whether symbolic links are followed.
    pub follows_links: bool,
}

/// What a folder holds.
#[derive(Debug, Default)]
pub struct FolderListing {
    /// The files chosen.
    pub files: Vec<SourceFile>,
    /// What could not be looked at.
    pub unread: Vec<Unread>,
}

/// A file or folder that could not be looked at.
#[derive(Debug)]
pub struct Unread {
    /// Its path from the root, with `/` between its parts.
    pub relative: String,
    /// Why.
    pub error: Error,
}

impl Folder {
    /// Lists the files.
    ///
    /// # Errors
    /// [`Error::BadInput`] when the folder is not there or none, or a glob is bad; [`Error::Io`] when it cannot be listed.
    pub fn list(&self) -> Result<FolderListing> {
        if !self.root.is_dir() {
            let why = if self.root.exists() { "it is not a folder" } else { "no such folder" };
            return Err(bad(&self.root.display().to_string(), why.into()));
        }
        let globs = Arc::new(self.matcher()?);
        let mut listing = FolderListing::default();
        for found in self.walk(&globs).build() {
            match found {
                Ok(found) => listing.files.extend(self.chosen(&found, &globs)),
                Err(error) => listing.unread.extend(self.unread(error)?),
            }
        }
        listing.files.sort_by(|a, b| a.id.cmp(&b.id).then_with(|| a.path.cmp(&b.path)));
        Ok(listing)
    }

    fn walk(&self, globs: &Arc<Override>) -> WalkBuilder {
        let globs = Arc::clone(globs);
        // A list of what git leaves out in a folder far above would be a surprise where there is no repository.
        let in_repository =
            self.root.canonicalize().is_ok_and(|root| root.ancestors().any(|f| f.join(".git").exists()));
        let mut walk = WalkBuilder::new(&self.root);
        walk.standard_filters(self.heeds_ignores)
            .parents(self.heeds_ignores && in_repository)
            .require_git(false)
            .hidden(!self.hidden)
            .follow_links(self.follows_links)
            .filter_entry(move |entry| {
                let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
                entry.depth() == 0
                    || entry.file_name() != ".git" && !(is_folder && globs.matched(entry.path(), true).is_ignore())
            });
        walk
    }

    fn chosen(&self, found: &DirEntry, globs: &Override) -> Option<SourceFile> {
        if !found.file_type()?.is_file() || globs.matched(found.path(), false).is_ignore() {
            return None;
        }
        let relative = found.path().strip_prefix(&self.root).unwrap_or(found.path());
        // What has gone meanwhile is said when it is read.
        let size_bytes = found.metadata().map_or(0, |data| data.len());
        Some(SourceFile::new(found.path().to_owned(), relative, Some(size_bytes)))
    }

    /// Tells what could not be looked at; a link that leads back up is none, its files are listed where it leads to.
    fn unread(&self, error: ignore::Error) -> Result<Option<Unread>> {
        if !error.is_io() {
            return Ok(None);
        }
        let (path, is_inside) = (path_of(&error).map(Path::to_owned), error.depth() != Some(0));
        let kind = error.into_io_error().map_or(std::io::ErrorKind::Other, |error| error.kind());
        let error = |path: &Path| Error::io(format!("read {}", path.display()), kind.into());
        let Some(path) = path.filter(|_| is_inside) else { return Err(error(&self.root)) };
        let relative = path.strip_prefix(&self.root).unwrap_or(&path).to_string_lossy().into_owned();
        Ok(Some(Unread { relative, error: error(&path) }))
    }

    fn matcher(&self) -> Result<Override> {
        let mut builder = OverrideBuilder::new(&self.root);
        for glob in &self.globs {
            builder.add(glob).map_err(|error| bad(&format!("the glob {glob:?}"), reason(&error)))?;
        }
        builder.build().map_err(|error| bad("the globs", reason(&error)))
    }
}

/// What a file is to a collection of texts.
#[derive(Debug, PartialEq)]
pub enum TextFile {
    /// A row.
    Row(Box<NewRecord>),
    /// Nothing: it is binary or not UTF-8, or holds only white space.
    NoText {
        /// What it is instead.
        why: String,
        /// What to do about it, where something can be done.
        advice: Option<Advice>,
    },
}

/// Reads a file as a row, if it has text.
///
/// # Errors
/// [`Error::Io`] when it cannot be read, [`Error::BadInput`] when it is too long or its name is no id.
pub fn read_text(entry: &SourceFile) -> Result<TextFile> {
    let name = entry.path.display().to_string();
    let id = entry.id.as_ref().map_err(|why| bad(&name, why.clone()))?;
    let file = File::open(&entry.path).map_err(|e| Error::io(format!("read {name}"), e))?;
    let mut bytes = match InputBytes::open(file, name.as_str().into(), ReadProgress::new(None)) {
        // By its first block.
        Err(Error::NotText { why, hint, .. }) => {
            return Ok(TextFile::NoText { why, advice: what_helps(hint).map(without_flag) });
        }
        opened => opened?,
    };
    let no_text = |why: &str| Ok(TextFile::NoText { why: why.to_owned(), advice: None });
    let text = match String::from_utf8(bytes.read_all(ROW_LIMIT_BYTES)?) {
        Ok(text) if text.contains('\0') => return no_text("holds a NUL byte, so it is not text"),
        Ok(text) if InputFormat::of_path(&entry.path) == Some(InputFormat::Html) => html::text_of(&text),
        Ok(text) => text,
        Err(e) => {
            let Remark { text: why, advice } = not_utf8(e.as_bytes(), e.utf8_error());
            return Ok(TextFile::NoText { why, advice: advice.map(without_flag) });
        }
    };
    if text.trim().is_empty() {
        return no_text("holds nothing but white space");
    }
    let origin = Origin { source: name.as_str().into(), line: 0 };
    let parts = RowParts { id: Some(id.clone()), document: Some(text), uri: Some(name.clone()), ..RowParts::default() };
    let row = parts.into_row(&Mapping::default(), origin).map_err(|why| bad(&name, why.text))?;
    Ok(TextFile::Row(Box::new(row)))
}

/// Of what is to be done about a file that is no text, leaves what is about this file.
pub(super) fn what_helps(hint: Option<Advice>) -> Option<Advice> {
    hint.filter(|hint| *hint != Advice::Text(BINARY.into()))
}

fn bad(source: &str, why: String) -> Error {
    Error::BadInput { source: source.to_owned(), why, hint: None }
}

fn path_of(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => path_of(err),
        _ => None,
    }
}

fn reason(error: &ignore::Error) -> String {
    match error {
        ignore::Error::Glob { err, .. } => err.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn tree() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (file, text) in [
            ("b.md", "text"),
            ("a/z.md", "text"),
            ("a/deep/y.txt", "text"),
            ("a/.hidden.md", "text"),
            (".git/config", "text"),
            ("build/out.md", "text"),
            (".gitignore", "build/\n"),
            ("a/.ignore", "z.md\n"),
        ] {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    fn all_of(root: &Path) -> Folder {
        let root = root.to_owned();
        Folder { root, globs: Vec::new(), heeds_ignores: true, hidden: false, follows_links: false }
    }

    fn ids(folder: &Folder) -> Vec<String> {
        folder.list().unwrap().files.into_iter().map(|file| file.id.unwrap()).collect()
    }

    #[test]
    fn ignored_and_hidden_files_are_left_out_unless_asked_for() {
        let tree = tree();
        let all = all_of(tree.path());
        assert_eq!(ids(&all), ["a/deep/y.txt", "b.md"]);
        let unheeded = Folder { heeds_ignores: false, ..all.clone() };
        assert_eq!(ids(&unheeded), ["a/deep/y.txt", "a/z.md", "b.md", "build/out.md"]);
        let hidden = Folder { hidden: true, ..unheeded };
        let most = [".gitignore", "a/.hidden.md", "a/.ignore", "a/deep/y.txt", "a/z.md", "b.md", "build/out.md"];
        assert_eq!(ids(&hidden), most);
        // Without a repository what stands in the folder itself is heeded all the same.
        fs::remove_dir_all(tree.path().join(".git")).unwrap();
        assert_eq!(ids(&all), ["a/deep/y.txt", "b.md"]);
    }

    #[test]
    fn globs_choose_among_what_is_left() {
        let tree = tree();
        let with = |globs: &[&str]| {
            let globs = globs.iter().map(|&glob| glob.to_owned()).collect();
            ids(&Folder { globs, ..all_of(tree.path()) })
        };
        assert_eq!(with(&["*.md"]), ["b.md"]);
        assert_eq!(with(&["**/*.md", "**/*.txt"]), ["a/deep/y.txt", "b.md"]);
        assert_eq!(with(&["!*.md"]), ["a/deep/y.txt"]);
        assert_eq!(with(&["!a/"]), ["b.md"]);
        assert_eq!(with(&["*.pdf"]), [""; 0]);
        let bad = Folder { globs: vec!["a[".into()], ..all_of(tree.path()) };
        assert!(matches!(bad.list(), Err(Error::BadInput { .. })));
    }

    #[test]
    fn what_is_no_text_is_told_from_what_cannot_be_read() {
        let tree = tree();
        let read = |name: &str| read_text(&SourceFile::new(tree.path().join(name), Path::new(name), Some(0)));
        for bytes in [&b"a\0b"[..], b"caf\xe9", b" \n\t", b"", b"SQLite format 3\0"] {
            fs::write(tree.path().join("x"), bytes).unwrap();
            assert!(matches!(read("x").unwrap(), TextFile::NoText { why, .. } if !why.is_empty()), "{bytes:?}");
        }
        fs::write(tree.path().join("x.htm"), "<p>A <b>page</b>").unwrap();
        let TextFile::Row(row) = read("x.htm").unwrap() else { panic!() };
        assert_eq!(row.document.as_deref(), Some("A page"));
        fs::write(tree.path().join("y.html"), "<script>no()</script>").unwrap();
        assert!(matches!(read("y.html").unwrap(), TextFile::NoText { .. }));
        fs::write(tree.path().join("x"), b"caf\xe9").unwrap();
        let TextFile::NoText { advice, .. } = read("x").unwrap() else { panic!() };
        assert!(matches!(advice, Some(Advice::Text(said)) if said.contains("iconv -f windows-1252")));
        let TextFile::Row(row) = read("b.md").unwrap() else { panic!() };
        assert_eq!((row.id.as_str(), row.document.as_deref()), ("b.md", Some("text")));
        assert!(matches!(read("none"), Err(Error::Io { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_when_asked_for_and_lost_ones_are_told() {
        let tree = tree();
        std::os::unix::fs::symlink(tree.path(), tree.path().join("a/up")).unwrap();
        std::os::unix::fs::symlink(tree.path().join("b.md"), tree.path().join("link.md")).unwrap();
        std::os::unix::fs::symlink("nowhere", tree.path().join("lost.md")).unwrap();
        let folder = all_of(tree.path());
        assert_eq!(ids(&folder), ["a/deep/y.txt", "b.md"]);
        let listing = Folder { follows_links: true, ..folder }.list().unwrap();
        let ids: Vec<_> = listing.files.into_iter().map(|file| file.id.unwrap()).collect();
        assert_eq!(ids, ["a/deep/y.txt", "b.md", "link.md"]);
        let unread: Vec<_> = listing.unread.iter().map(|unread| unread.relative.as_str()).collect();
        assert_eq!(unread, ["lost.md"]);
        assert_eq!(read_root_link(tree.path()), 2);
    }

    #[cfg(unix)]
    fn read_root_link(root: &Path) -> usize {
        let beside = tempfile::tempdir().unwrap();
        let link = beside.path().join("link");
        std::os::unix::fs::symlink(root, &link).unwrap();
        all_of(&link).list().unwrap().files.len()
    }

    #[test]
    fn a_folder_must_be_one() {
        let tree = tree();
        for name in ["none", "b.md"] {
            assert!(matches!(all_of(&tree.path().join(name)).list(), Err(Error::BadInput { .. })), "{name}");
        }
    }
}
