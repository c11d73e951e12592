//! Installing ONNX Runtime in huedb's data directory.
//!
//! What is installed is only tried, not used, by the process that installs it. Invariant: the data directory
//! holds either the runtime it held before or the new one, proven to open.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::onnxruntime_wheel::{PinnedWheel, VERSION, unpack_library};
use super::{LoadOptions, digest, runtime};
use crate::error::{Error, Result};
use crate::foreign;

/// How far an installation is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetupStep {
    /// pip fetches this file.
    Fetching(String),
    /// The checksum of this file is computed.
    Checking(PathBuf),
    /// The library is taken from this file and put into place.
    Installing(PathBuf),
}

/// An ONNX Runtime that was installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// Where the library is now.
    pub path: PathBuf,
    /// The version it says it has.
    pub version: String,
    /// The sha256 of the file it came from.
    pub sha256: String,
    /// Whether that is a checksum this program knows.
    pub pinned: bool,
}

/// Installs ONNX Runtime: the pinned wheel, fetched with pip, or what `from` names.
///
/// `from` is a wheel, a shared library, or a folder with either; a pinned wheel in the folder comes first.
///
/// # Errors
/// [`Error::Runtime`] when there is no pip, pip fails, a checksum differs or the library cannot be used;
/// [`Error::BadInput`] when `from` holds no library; [`Error::Io`] when a file cannot be read or written.
pub fn setup(from: Option<&Path>, options: &LoadOptions, progress: &mut dyn FnMut(SetupStep)) -> Result<Installed> {
    let data_dir = options.data_dir.as_deref().ok_or_else(|| Error::Runtime {
        why: "no data directory to install ONNX Runtime in".into(),
        hint: Some("set HUEDB_DATA_DIR".into()),
    })?;
    let dir = runtime::installed_dir(data_dir);
    fs::create_dir_all(&dir).map_err(|error| Error::io(format!("create {}", dir.display()), error))?;
    // Lives until the library is out of it.
    let mut download = None;
    let source = match from {
        Some(from) if from.is_dir() => library_or_wheel_in(from)?,
        Some(from) => from.to_path_buf(),
        None => {
            let wheel = PinnedWheel::of_this_system()?;
            progress(SetupStep::Fetching(wheel.file_name()));
            let folder = tempfile::tempdir().map_err(|error| Error::io("make a temporary folder", error))?;
            let path = wheel.fetch(folder.path())?;
            download = Some(folder);
            path
        }
    };
    progress(SetupStep::Checking(source.clone()));
    let sha256 = digest::of_files([source.as_path()])?;
    let pinned = check_pinned(&source, &sha256)?;
    progress(SetupStep::Installing(source.clone()));
    let (path, version) = install(&source, &dir)?;
    drop(download);
    Ok(Installed { path, version, sha256, pinned })
}

/// A file that has a pinned wheel's name must have its checksum; any other is the caller's own choice.
fn check_pinned(source: &Path, sha256: &str) -> Result<bool> {
    let Some(wheel) = source.file_name().and_then(PinnedWheel::named) else { return Ok(false) };
    if wheel.sha256 == sha256 {
        return Ok(true);
    }
    Err(Error::Runtime {
        why: format!("{} has the sha256 {sha256}, not {}", source.display(), wheel.sha256),
        hint: Some("fetch it again; it is damaged, or not the file that was published".into()),
    })
}

fn library_or_wheel_in(dir: &Path) -> Result<PathBuf> {
    let pinned = PinnedWheel::of_this_system().ok().map(|wheel| dir.join(wheel.file_name()));
    if let Some(pinned) = pinned.filter(|path| path.is_file()) {
        return Ok(pinned);
    }
    if let Some(library) = runtime::libraries_in(dir).into_iter().next() {
        return Ok(library);
    }
    let is_wheel = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.starts_with("onnxruntime-") && is_wheel(path)
    };
    let entries = fs::read_dir(dir).map_err(|error| Error::io(format!("read {}", dir.display()), error))?;
    let mut wheels: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_wheel).collect();
    wheels.sort_unstable();
    wheels.pop().ok_or_else(|| Error::BadInput {
        source: dir.display().to_string(),
        why: "it contains neither an onnxruntime wheel nor an ONNX Runtime library".into(),
        hint: Some(format!("the wheel of version {VERSION} is the one to have").into()),
    })
}

fn is_wheel(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("whl"))
}

/// Puts the library of a wheel, or a library, into the folder, and removes older ones from it.
fn install(source: &Path, dir: &Path) -> Result<(PathBuf, String)> {
    let action = || format!("write in {}", dir.display());
    let mut draft =
        tempfile::Builder::new().prefix(".draft-").tempfile_in(dir).map_err(|error| Error::io(action(), error))?;
    let name = if is_wheel(source) {
        unpack_library(source, draft.as_file_mut())?
    } else {
        let mut library = File::open(source).map_err(|error| Error::io(format!("read {}", source.display()), error))?;
        io::copy(&mut library, draft.as_file_mut()).map_err(|error| Error::io(action(), error))?;
        library_name(source)
    };
    draft
        .as_file_mut()
        .flush()
        .and_then(|()| draft.as_file().sync_all())
        .map_err(|error| Error::io(action(), error))?;
    let native = foreign::open_runtime(draft.path()).map_err(|why| Error::Runtime {
        why: format!("{}: {why}", source.display()),
        hint: Some("give an ONNX Runtime library, or an onnxruntime wheel, made for this system".into()),
    })?;
    make_readable(draft.path()).map_err(|error| Error::io(action(), error))?;
    let path = dir.join(name);
    draft.persist(&path).map_err(|error| Error::io(action(), error.error))?;
    for old in runtime::libraries_in(dir).into_iter().filter(|old| *old != path) {
        fs::remove_file(&old).map_err(|error| Error::io(format!("remove {}", old.display()), error))?;
    }
    Ok((path, native.version))
}

/// A library's own name where it is one that is looked for, else the plain one.
fn library_name(source: &Path) -> String {
    let name = source.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if runtime::is_library_name(name) {
        return name.to_owned();
    }
    format!("{}onnxruntime{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX)
}

/// Temporary files are for their owner alone; a data directory may be shared.
fn make_readable(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o644))?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

#[cfg(all(test, unix))]
#[path = "setup_tests.rs"]
mod tests;
