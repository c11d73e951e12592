//! What an input argument names: standard input, a file, a folder, or a glob of files.
//!
//! Does not open files. Invariant: the files of a folder or glob are listed in the order of their relative paths,
//! hidden ones left out, and the id of each is that path with `/` between its parts on every system.

use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use walkdir::{DirEntry, WalkDir};

use super::stdin::Stdin;
use crate::error::{Advice, Error, Result};

/// Where rows come from.
#[derive(Debug, Clone)]
pub enum InputSource {
    /// Standard input, `-`.
    Stdin(Stdin),
    /// One file.
    File(PathBuf),
    /// All files of a folder and its folders.
    Folder(PathBuf),
    /// The files below `base` whose path from there matches `pattern`.
    Glob {
        /// The part of the glob before its first wildcard.
        base: PathBuf,
        /// The rest.
        pattern: String,
    },
    /// Text files that were listed before.
    Files(Vec<SourceFile>),
}

/// One file to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Its path.
    pub path: PathBuf,
    /// The id of the file as a record; the error says why it can have none.
    pub id: Result<String, String>,
    /// `None` for a pipe or a device; 0 for what cannot be looked at.
    pub size_bytes: Option<u64>,
}

impl InputSource {
    /// Reads an argument: `-`, a path, or a glob when no such path exists.
    ///
    /// # Errors
    /// [`Error::BadInput`] when it is neither.
    pub fn parse(argument: &str) -> Result<Self> {
        let path = Path::new(argument);
        if argument == "-" {
            return Ok(Self::Stdin(Stdin::default()));
        }
        if path.is_dir() {
            return Ok(Self::Folder(path.to_owned()));
        }
        if path.exists() {
            return Ok(Self::File(path.to_owned()));
        }
        let Some(wildcard) = argument.find(['*', '?', '[', '{']) else {
            return Err(bad(argument, "no such file or folder", None));
        };
        let (base, pattern) = match argument.get(..wildcard).and_then(|fixed| fixed.rfind('/')) {
            Some(slash) => argument.split_at(slash + 1),
            None => ("", argument),
        };
        Ok(Self::Glob { base: PathBuf::from(base), pattern: pattern.to_owned() })
    }

    /// Returns the bytes of all its files; `None` when that is not known, as of a pipe.
    ///
    /// # Errors
    /// [`Error::BadInput`] or [`Error::Io`] when there is nothing to read.
    pub fn size_bytes(&self) -> Result<Option<u64>> {
        match self {
            Self::Stdin(_) => Ok(None),
            _ => Ok(self.entries()?.iter().map(|file| file.size_bytes).sum()),
        }
    }

    /// Lists the files; none for standard input.
    pub(super) fn entries(&self) -> Result<Vec<SourceFile>> {
        match self {
            Self::Stdin(_) => Ok(Vec::new()),
            Self::Files(files) => Ok(files.clone()),
            Self::File(path) => {
                let data = path.metadata().map_err(|e| Error::io(format!("read {}", path.display()), e))?;
                Ok(vec![SourceFile::new(path.clone(), path, data.is_file().then_some(data.len()))])
            }
            Self::Folder(folder) => {
                let entries = walk(folder, usize::MAX, |_| true)?;
                nonempty(entries, &folder.display().to_string(), "the folder holds no files", None)
            }
            Self::Glob { base, pattern } => {
                let shown = base.join(pattern).display().to_string();
                let matcher = matcher(pattern).map_err(|why| bad(&shown, &why, None))?;
                let depth = if pattern.contains("**") { usize::MAX } else { pattern.matches('/').count() + 1 };
                let root = if base.as_os_str().is_empty() { Path::new(".") } else { base };
                if !root.is_dir() {
                    return Err(bad(&shown, &format!("there is not a folder {}", root.display()), None));
                }
                let mut entries = walk(root, depth, |relative| matcher.is_match(relative))?;
                if base.as_os_str().is_empty() {
                    for entry in &mut entries {
                        entry.path = entry.path.strip_prefix(".").map(Path::to_owned).unwrap_or_default();
                    }
                }
                let hint = "'**' stands for any folders, '*' for any name in one folder; hidden files are left out";
                nonempty(entries, &shown, "no file matches", Some(hint))
            }
        }
    }
}

impl SourceFile {
    pub(super) fn new(path: PathBuf, relative: &Path, size_bytes: Option<u64>) -> Self {
        let parts: Option<Vec<&str>> = relative.iter().filter(|part| *part != ".").map(|part| part.to_str()).collect();
        let id = match parts {
            // An absolute path begins with a part that is the separator itself.
            Some(parts) => Ok(parts.join("/").replacen("//", "/", 1)),
            None => Err("the file's name is not UTF-8, so it cannot be an id".to_owned()),
        };
        Self { path, id, size_bytes }
    }
}

fn matcher(pattern: &str) -> Result<GlobMatcher, String> {
    let glob = GlobBuilder::new(pattern).literal_separator(true).build().map_err(|e| e.kind().to_string())?;
    Ok(glob.compile_matcher())
}

/// Lists the files below `root` that `keep` wants, by their path from there.
fn walk(root: &Path, depth: usize, keep: impl Fn(&Path) -> bool) -> Result<Vec<SourceFile>> {
    let shown = |entry: &DirEntry| entry.depth() == 0 || !entry.file_name().as_encoded_bytes().starts_with(b".");
    let mut entries = Vec::new();
    for found in WalkDir::new(root).max_depth(depth).into_iter().filter_entry(shown) {
        let (path, size_bytes) = match found {
            Ok(found) => match found.path().metadata() {
                // A link to a file is read; a link to a folder is not walked, for it may lead back up.
                Ok(data) if !data.is_file() => continue,
                data => (found.into_path(), data.map_or(0, |data| data.len())),
            },
            Err(e) if e.depth() == 0 => return Err(Error::io(format!("list {}", root.display()), e.into())),
            // A folder inside that may not be listed is told in its place, as a file that may not be read.
            Err(e) => (e.path().unwrap_or(root).to_owned(), 0),
        };
        let relative = path.strip_prefix(root).unwrap_or(&path).to_owned();
        if keep(&relative) || path.is_dir() {
            entries.push(SourceFile::new(path, &relative, Some(size_bytes)));
        }
    }
    entries.sort_by(|a, b| a.id.cmp(&b.id).then_with(|| a.path.cmp(&b.path)));
    Ok(entries)
}

fn nonempty(entries: Vec<SourceFile>, source: &str, why: &str, hint: Option<&str>) -> Result<Vec<SourceFile>> {
    if entries.is_empty() { Err(bad(source, why, hint)) } else { Ok(entries) }
}

fn bad(source: &str, why: &str, hint: Option<&str>) -> Error {
    Error::BadInput { source: source.to_owned(), why: why.to_owned(), hint: hint.map(Advice::from) }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn tree() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in ["b.md", "a/z.md", "a/deep/y.txt", ".git/config", "a/.hidden.md", "a-b.md"] {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "text").unwrap();
        }
        folder
    }

    fn ids(source: &InputSource) -> Vec<String> {
        source.entries().unwrap().into_iter().map(|e| e.id.unwrap()).collect()
    }

    #[test]
    fn a_folder_and_a_glob_give_the_same_ids_in_order() {
        let folder = tree();
        let root = folder.path().to_str().unwrap();
        assert_eq!(ids(&InputSource::parse(root).unwrap()), ["a-b.md", "a/deep/y.txt", "a/z.md", "b.md"]);
        let glob = |pattern: &str| ids(&InputSource::parse(&format!("{root}/{pattern}")).unwrap());
        assert_eq!(glob("**/*.md"), ["a-b.md", "a/z.md", "b.md"]);
        assert_eq!(glob("*.md"), ["a-b.md", "b.md"]);
        assert_eq!(glob("a/**/*.{md,txt}"), ["deep/y.txt", "z.md"]);
        assert_eq!(glob("{a,c}/*.md"), ["a/z.md"]);
    }

    #[test]
    fn one_file_is_named_as_it_was_given() {
        let folder = tree();
        let path = folder.path().join("a/./z.md");
        assert_eq!(ids(&InputSource::File(path)), [folder.path().join("a/z.md").to_str().unwrap()]);
        assert_eq!(SourceFile::new("./x/y.md".into(), Path::new("./x/y.md"), None).id.unwrap(), "x/y.md");
    }

    #[test]
    fn what_is_not_there_is_said() {
        let folder = tree();
        let root = folder.path().to_str().unwrap();
        assert!(InputSource::parse(&format!("{root}/none.csv")).is_err());
        for pattern in ["*.pdf", "none/*.md", "[a"] {
            let error = InputSource::parse(&format!("{root}/{pattern}")).unwrap().entries().unwrap_err();
            assert!(matches!(error, Error::BadInput { .. }), "{error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_to_folders_are_not_followed_and_lost_ones_are_listed() {
        let folder = tree();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("a/up")).unwrap();
        std::os::unix::fs::symlink(folder.path().join("b.md"), folder.path().join("a/link.md")).unwrap();
        std::os::unix::fs::symlink("nowhere", folder.path().join("a/lost.md")).unwrap();
        let read = ids(&InputSource::Folder(folder.path().to_owned()));
        assert_eq!(read, ["a-b.md", "a/deep/y.txt", "a/link.md", "a/lost.md", "a/z.md", "b.md"]);
    }
}
