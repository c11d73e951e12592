//! Files that are written next to their final path and then moved to it.
//!
//! Where the system allows, such a file has no name until it is complete, so that nothing is left of one whose process was
//! killed. Elsewhere it has a name and is locked; one that nobody locks is a leftover, which the next write removes.
//! Invariants: the file at the path is complete, before and after; a file that replaces another
//! keeps its owner and mode, where the system allows.

use std::fs::{File, Metadata, OpenOptions, Permissions};
use std::io::ErrorKind;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::fs::{AtFlags, CWD, linkat, statfs};
use tempfile::NamedTempFile;
use uuid::Uuid;

use crate::error::{Error, Result};

const PREFIX: &str = ".huedb-";
const SUFFIX: &str = ".part";
/// A younger one may not be locked yet.
const YOUNG: Duration = Duration::from_secs(1);
/// The most names of a folder that a write looks through.
const MOST_NAMES: usize = 20_000;
/// File systems whose locks other machines do not see, or that lock in another way: NFS, SMB, CIFS, SMB2, FUSE.
const SHARED: [u32; 5] = [0x6969, 0x517b, 0xff53_4d42, 0xfe53_4d42, 0x6573_5546];

fn folder_of(target: &Path) -> PathBuf {
    target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
}

/// The temporary files with a name that are not at their final path yet.
static BEGUN: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Removes the temporary files of this process, for a caller that is about to end it at once.
pub fn remove_unfinished() {
    for path in BEGUN.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        // An error may have removed it.
        let _ = std::fs::remove_file(path);
    }
}

/// A name in that list, until the file is at its final path or gone.
#[derive(Debug)]
struct Begun(PathBuf);

impl Begun {
    fn new(path: &Path) -> Self {
        // Absolute, in case the process changes its working directory.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        BEGUN.lock().unwrap_or_else(PoisonError::into_inner).push(path.clone());
        Self(path)
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        BEGUN.lock().unwrap_or_else(PoisonError::into_inner).retain(|begun| *begun != self.0);
    }
}

/// A temporary file on its way to a final path. Dropping it removes it.
#[derive(Debug)]
pub struct Beside {
    part: Part,
    target: PathBuf,
}

#[derive(Debug)]
enum Part {
    /// A file without a name, and the path under which this process can open it.
    Nameless(File, PathBuf),
    Named(NamedTempFile, Begun),
}

impl Beside {
    /// Returns a path under which this process can open it.
    #[must_use]
    pub fn path(&self) -> &Path {
        match &self.part {
            Part::Nameless(_, path) => path,
            Part::Named(file, _) => file.path(),
        }
    }

    /// Returns the file.
    #[must_use]
    pub fn as_file(&self) -> &File {
        match &self.part {
            Part::Nameless(file, _) => file,
            Part::Named(file, _) => file.as_file(),
        }
    }

    /// Returns the file, to write to.
    pub fn as_file_mut(&mut self) -> &mut File {
        match &mut self.part {
            Part::Nameless(file, _) => file,
            Part::Named(file, _) => file.as_file_mut(),
        }
    }

    /// Moves the file to its path; `replace` says whether a file that is there may be replaced.
    ///
    /// # Errors
    /// [`Error::FileExists`] when there is one that may not be replaced, and [`Error::Io`].
    pub fn put_in_place(self, replace: bool) -> Result<()> {
        let Self { part, target } = self;
        let write = |e: std::io::Error| match e.kind() {
            ErrorKind::AlreadyExists => Error::FileExists { path: target.clone() },
            _ => Error::io(format!("write {}", target.display()), e),
        };
        let file = match &part {
            Part::Nameless(file, _) => file,
            Part::Named(file, _) => file.as_file(),
        };
        if let Some(old) = target.metadata().ok().filter(|_| replace) {
            take_owner(file, &old).map_err(write)?;
        }
        match part {
            Part::Named(file, _begun) if replace => drop(file.persist(&target).map_err(|e| write(e.error))?),
            Part::Named(file, _begun) => drop(file.persist_noclobber(&target).map_err(|e| write(e.error))?),
            Part::Nameless(_file, path) => give_name(&path, &target, replace).map_err(write)?,
        }
        // The name, too, must survive a power failure.
        File::open(folder_of(&target)).and_then(|folder| folder.sync_all()).map_err(write)
    }
}

fn give_name(path: &Path, target: &Path, replace: bool) -> std::io::Result<()> {
    let link = |name: &Path| linkat(CWD, path, CWD, name, AtFlags::SYMLINK_FOLLOW).map_err(std::io::Error::from);
    if !replace {
        return link(target);
    }
    // A link fails where the name is taken; a rename replaces.
    let name = folder_of(target).join(format!("{PREFIX}{}{SUFFIX}", Uuid::new_v4().simple()));
    let _listed = Begun::new(&name);
    link(&name)?;
    std::fs::rename(&name, target).inspect_err(|_| drop(std::fs::remove_file(&name)))
}

/// Gives a file the owner, group and mode of another, as far as this process may.
fn take_owner(file: &File, old: &Metadata) -> std::io::Result<()> {
    let now = file.metadata()?;
    let mut mode = old.mode() & 0o7777;
    if now.uid() != old.uid() && fchown(file, Some(old.uid()), None).is_err() {
        // A set-user-ID bit would apply to this user instead.
        mode &= 0o1777;
    }
    if now.gid() != old.gid() && fchown(file, None, Some(old.gid())).is_err() {
        // Another group gets no more rights than everybody.
        mode = mode & 0o1707 | (mode & 0o7) << 3;
    }
    file.set_permissions(Permissions::from_mode(mode))
}

/// Makes a file in the folder of `target`; only its owner may read it unless `mode` says otherwise.
///
/// # Errors
/// [`Error::Io`] when the folder cannot be written.
pub fn beside(target: &Path, permissions: Option<Permissions>) -> Result<Beside> {
    let target = real_place(target);
    let write = |e| Error::io(format!("write {}", target.display()), e);
    let folder = folder_of(&target);
    sweep(&folder);
    if let Some((file, path)) = nameless(&folder, permissions.as_ref().map_or(0o600, Permissions::mode)) {
        return Ok(Beside { part: Part::Nameless(file, path), target });
    }
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).suffix(SUFFIX);
    if let Some(permissions) = permissions {
        builder.permissions(permissions);
    }
    let begun = builder.tempfile_in(&folder).map_err(|e| write(without_path(&e)))?;
    let listed = Begun::new(begun.path());
    if has_locks(&folder) {
        // Shared: redb takes a shared one of its own.
        begun.as_file().lock_shared().map_err(write)?;
    }
    Ok(Beside { part: Part::Named(begun, listed), target })
}

/// Strips the name of a temporary file from an error, which would mean nothing to its reader.
pub(crate) fn without_path(error: &std::io::Error) -> std::io::Error {
    // The system's message comes before the path; its number alone restores it.
    let text = error.to_string();
    let number = text.split_once("(os error ").and_then(|(_, rest)| rest.split_once(')')?.0.parse().ok());
    number.map_or_else(|| error.kind().into(), std::io::Error::from_raw_os_error)
}

/// Makes a file that vanishes with its process, where the system can.
fn nameless(folder: &Path, mode: u32) -> Option<(File, PathBuf)> {
    if !cfg!(target_os = "linux") || std::env::var_os("HUEDB_TEST_NAMED_PARTS").is_some() {
        return None;
    }
    let flags = i32::try_from(rustix::fs::OFlags::TMPFILE.bits()).ok()?;
    let file = OpenOptions::new().read(true).write(true).mode(mode).custom_flags(flags).open(folder).ok()?;
    let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
    // Not every system has /proc.
    let is_same = path.metadata().ok()?.ino() == file.metadata().ok()?.ino();
    is_same.then_some((file, path))
}

/// Follows symbolic links to the file itself, or to where it would be, so that they are kept.
pub(super) fn real_place(target: &Path) -> PathBuf {
    const MOST_LINKS: usize = 40;
    let mut place = target.to_owned();
    for _ in 0..MOST_LINKS {
        if let Ok(real) = place.canonicalize() {
            return real;
        }
        let Ok(next) = place.read_link() else { return place };
        place = folder_of(&place).join(next);
    }
    target.to_owned()
}

/// Says what a path is that is not a regular file; `None` for a file, and where there is nothing.
pub(super) fn no_file(path: &Path) -> Option<&'static str> {
    let kind = path.metadata().ok()?.file_type();
    match () {
        () if kind.is_file() => None,
        () if kind.is_dir() => Some("a folder"),
        () if kind.is_fifo() => Some("a FIFO"),
        () if kind.is_socket() => Some("a socket"),
        () => Some("a device"),
    }
}

fn has_locks(folder: &Path) -> bool {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the numbers have 32 bits")]
    statfs(folder).is_ok_and(|facts| !SHARED.contains(&(facts.f_type as u32)))
}

/// Removes what killed processes left in a folder.
pub(super) fn sweep(folder: &Path) {
    for (path, _lock) in left_over(folder) {
        // Another process may have removed it, or only another may.
        let _ = std::fs::remove_file(path);
    }
}

/// Lists what killed processes left beside a file; the next write removes it.
#[must_use]
pub fn unfinished_beside(file: &Path) -> Vec<PathBuf> {
    left_over(&folder_of(&real_place(file))).into_iter().map(|(path, _)| path).collect()
}

/// The files that no process is working on, each locked.
fn left_over(folder: &Path) -> Vec<(PathBuf, File)> {
    let is_part =
        |name: &std::ffi::OsStr| name.to_str().is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX));
    let entries = std::fs::read_dir(folder).into_iter().flatten().take(MOST_NAMES).flatten();
    let mut parts = entries.filter(|entry| is_part(&entry.file_name())).map(|entry| entry.path()).peekable();
    if parts.peek().is_none() || !has_locks(folder) {
        return Vec::new();
    }
    let locked = |path: PathBuf| {
        let facts = path.symlink_metadata().ok().filter(Metadata::is_file)?;
        facts.modified().ok()?.elapsed().ok().filter(|age| *age >= YOUNG)?;
        let file = File::open(&path).ok()?;
        file.try_lock().ok()?;
        Some((path, file))
    };
    parts.filter_map(locked).collect()
}
