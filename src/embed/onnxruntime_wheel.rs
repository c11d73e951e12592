//! The `onnxruntime` Python wheel: which one is pinned, how pip fetches it, what is taken out of it.
//!
//! It installs nothing. Invariant: what pip fetched is used only when its sha256 is the pinned one.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use zip::ZipArchive;

use super::runtime::is_library_name;
use crate::error::{Advice, Error, Result};

/// The version of ONNX Runtime that is fetched.
pub(super) const VERSION: &str = "1.32.0";
/// A library longer than this is not unpacked.
const MAX_LIBRARY_BYTES: u64 = 1 << 30;

/// A wheel whose checksum is known.
pub(super) struct PinnedWheel {
    os: &'static str,
    arch: &'static str,
    platform: &'static str,
    /// The sha256 of the file.
    pub(super) sha256: &'static str,
}

/// One for each system; of the wheels for the various versions of Python, which hold the same library, the
/// one for 3.11.
static PINNED: [PinnedWheel; 3] = [
    PinnedWheel {
        os: "linux",
        arch: "x86_64",
        platform: "manylinux_2_28_x86_64",
        sha256: "5a34fc4dfeb5a7b4a74c95dcba1e773d722abda720b474edf1b0c419dc6d163d",
    },
    PinnedWheel {
        os: "linux",
        arch: "aarch64",
        platform: "manylinux_2_28_aarch64",
        sha256: "2303372a85299b6757b0e11e1cbf13e410ddf7e10c37f4b37e99d1c90e7daf7c",
    },
    PinnedWheel {
        os: "macos",
        arch: "aarch64",
        platform: "macosx_14_0_arm64",
        sha256: "366b9e53d07812cc5c92822cecf7563b76a8a0f32ba3bb8dd232a206ac3bcb6c",
    },
];

impl PinnedWheel {
    /// Returns the wheel for this system.
    pub(super) fn of_this_system() -> Result<&'static Self> {
        let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
        PINNED.iter().find(|wheel| wheel.os == os && wheel.arch == arch).ok_or_else(|| Error::Runtime {
            why: format!("no ONNX Runtime is pinned for {os} on {arch}"),
            hint: Some(Advice::SupplyRuntime),
        })
    }

    /// Returns the wheel of that file name, whatever system it is for.
    pub(super) fn named(file_name: &OsStr) -> Option<&'static Self> {
        PINNED.iter().find(|wheel| file_name == wheel.file_name().as_str())
    }

    /// Returns the name of the file.
    pub(super) fn file_name(&self) -> String {
        format!("onnxruntime-{VERSION}-cp311-cp311-{}.whl", self.platform)
    }

    /// Fetches the wheel into a folder with pip, and returns its path.
    pub(super) fn fetch(&self, dir: &Path) -> Result<PathBuf> {
        let (program, arguments) = find_pip()?;
        let output = Command::new(program)
            .args(arguments)
            .args(["download", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps"])
            .args(["--only-binary=:all:", "--implementation", "cp", "--python-version", "311", "--abi", "cp311"])
            .args(["--platform", self.platform, "--dest"])
            .arg(dir)
            .arg(format!("onnxruntime=={VERSION}"))
            .stdin(Stdio::null())
            .output()
            .map_err(|error| Error::io(format!("run {program}"), error))?;
        let wheel = dir.join(self.file_name());
        if output.status.success() && wheel.is_file() { Ok(wheel) } else { Err(pip_failed(&output)) }
    }
}

fn find_pip() -> Result<(&'static str, &'static [&'static str])> {
    let ways: [(&str, &[&str]); 4] =
        [("python3", &["-m", "pip"]), ("python", &["-m", "pip"]), ("pip3", &[]), ("pip", &[])];
    let runs = |(program, arguments): &(&str, &[&str])| {
        let mut command = Command::new(program);
        command.args(*arguments).arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    ways.into_iter().find(runs).ok_or_else(|| Error::Runtime {
        why: "ONNX Runtime is fetched with pip, and pip was not found".into(),
        hint: Some(Advice::SupplyRuntimeOffline),
    })
}

fn pip_failed(output: &Output) -> Error {
    let talk = String::from_utf8_lossy(&output.stderr);
    let said = talk.lines().map(str::trim).rfind(|line| line.starts_with("ERROR")).unwrap_or("it gave no reason");
    Error::Runtime {
        why: format!("pip could not fetch ONNX Runtime {VERSION}: {said}"),
        hint: Some(Advice::SupplyRuntimeOffline),
    }
}

/// Writes the library of a wheel to `to`, and returns the library's file name.
pub(super) fn unpack_library(wheel: &Path, mut to: impl Write) -> Result<String> {
    let failure = |why: String| Error::BadInput { source: wheel.display().to_string(), why, hint: None };
    let file = File::open(wheel).map_err(|error| Error::io(format!("read {}", wheel.display()), error))?;
    let mut archive = ZipArchive::new(file).map_err(|error| failure(format!("it is not a wheel: {error}")))?;
    for index in 0..archive.len() {
        let entry = archive.by_index(index).map_err(|error| failure(error.to_string()))?;
        let path = entry.enclosed_name().unwrap_or_default();
        let name = path.file_name().and_then(OsStr::to_str).filter(|name| is_library_name(name)).map(str::to_owned);
        let Some(name) = name.filter(|_| entry.is_file()) else { continue };
        let length = entry.size();
        if length > MAX_LIBRARY_BYTES {
            return Err(failure(format!("{name} in it is too long")));
        }
        let copied = io::copy(&mut entry.take(MAX_LIBRARY_BYTES), &mut to)
            .map_err(|error| failure(format!("{name} in it cannot be unpacked: {error}")))?;
        return if copied == length { Ok(name) } else { Err(failure(format!("{name} in it is cut off"))) };
    }
    Err(failure("it contains no ONNX Runtime library for this system".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_system_has_one_pinned_wheel() {
        for (at, wheel) in PINNED.iter().enumerate() {
            assert_eq!(wheel.sha256.len(), 64);
            assert!(PINNED[..at].iter().all(|other| (other.os, other.arch) != (wheel.os, wheel.arch)));
            assert!(std::ptr::eq(PinnedWheel::named(OsStr::new(&wheel.file_name())).unwrap(), wheel));
        }
        assert!(PinnedWheel::named(OsStr::new("onnxruntime-1.0.0-cp311-cp311-any.whl")).is_none());
    }

    #[test]
    fn what_pip_says_last_is_what_failed() {
        let output =
            Command::new("sh").args(["-c", "echo 'WARNING: x' >&2; echo 'ERROR: no network' >&2; exit 1"]).output();
        let error = pip_failed(&output.unwrap());
        assert!(error.to_string().ends_with("ERROR: no network"), "{error}");
        assert!(error.hint().unwrap().contains("on another machine"));
    }

    #[test]
    fn a_file_that_is_no_wheel_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.whl");
        std::fs::write(&path, "not a zip archive").unwrap();
        assert!(unpack_library(&path, Vec::new()).unwrap_err().to_string().contains("it is not a wheel"));
        assert!(unpack_library(dir.path(), Vec::new()).is_err());
    }
}
