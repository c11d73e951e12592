//! Where an export goes: the standard output, or a file.
//!
//! Invariant: a file appears under its name when it is whole; until then, and when the work fails, what was there stays.

use std::fs::{File, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use huedb::error::{Error, Result};
use huedb::store::{Beside, beside};

use crate::output::{Compressed, Compression};

/// Where bytes go.
pub(crate) enum Destination {
    Stdout,
    /// A pipe or device that has a name.
    Device(File, PathBuf),
    File {
        part: Beside,
        target: PathBuf,
        replace: bool,
    },
}

impl Destination {
    /// Looks whether a file can be written there; `None` and `-` are the standard output.
    ///
    /// # Errors
    /// [`Error::FileExists`], or [`Error::Io`] for a folder that cannot be written.
    pub(crate) fn open(path: Option<&Path>, replace: bool) -> Result<Self> {
        let Some(path) = path.filter(|path| path.as_os_str() != "-") else { return Ok(Self::Stdout) };
        let failed = |e| Error::io(format!("write {}", path.display()), e);
        match path.metadata() {
            Ok(data) if data.is_dir() => return Err(failed(io::ErrorKind::IsADirectory.into())),
            Ok(data) if !data.is_file() => {
                return Ok(Self::Device(File::create(path).map_err(failed)?, path.to_owned()));
            }
            Ok(_) if !replace => return Err(Error::FileExists { path: path.to_owned() }),
            _ => {}
        }
        // What the umask leaves, as for any file that a command makes.
        let part = beside(path, Some(Permissions::from_mode(0o666)))?;
        Ok(Self::File { part, target: path.to_owned(), replace })
    }

    pub(crate) fn is_stdout(&self) -> bool {
        matches!(self, Self::Stdout)
    }

    /// Has the work write, and gives the file its name.
    ///
    /// # Errors
    /// Those of the work, and [`Error::Io`].
    pub(crate) fn write(
        self,
        packing: Option<Compression>,
        stdout: &mut dyn Write,
        work: impl FnOnce(&mut dyn Write) -> Result<()>,
    ) -> Result<()> {
        match self {
            Self::Stdout => packed(stdout, packing, "the output", work),
            Self::Device(file, path) => packed(file, packing, &path.display().to_string(), work),
            Self::File { mut part, target, replace } => {
                let name = target.display().to_string();
                packed(part.as_file_mut(), packing, &name, work)?;
                part.as_file().sync_all().map_err(|e| Error::io(format!("write {name}"), e))?;
                part.put_in_place(replace)
            }
        }
    }
}

fn packed<W: Write>(
    out: W,
    packing: Option<Compression>,
    name: &str,
    work: impl FnOnce(&mut dyn Write) -> Result<()>,
) -> Result<()> {
    let failed = |e| Error::io(format!("write {name}"), e);
    let mut out = Compressed::new(BufWriter::new(out), packing).map_err(failed)?;
    work(&mut out)?;
    out.finish().and_then(|mut out| out.flush()).map_err(failed)
}
