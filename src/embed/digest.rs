//! The sha256 of files, in hexadecimal.
//!
//! Proves that a model or a runtime is the one it was; says nothing of who made it.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::record::hexadecimal;

/// Returns the sha256 of some bytes.
pub(super) fn of_bytes(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// Returns the sha256 of the content of files, one after the other.
pub(super) fn of_files<'p>(paths: impl IntoIterator<Item = &'p Path>) -> Result<String> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    for path in paths {
        let action = || format!("read {}", path.display());
        let mut file = File::open(path).map_err(|error| Error::io(action(), error))?;
        loop {
            let read = file.read(&mut buffer).map_err(|error| Error::io(action(), error))?;
            if read == 0 {
                break;
            }
            hasher.update(buffer.get(..read).unwrap_or_default());
        }
    }
    Ok(hexadecimal(&hasher.finalize()))
}

/// Returns the digest by which git names the content of a file.
pub(super) fn of_git(path: &Path) -> Result<String> {
    let content = std::fs::read(path).map_err(|error| Error::io(format!("read {}", path.display()), error))?;
    let mut hasher = Sha1::new();
    hasher.update(format!("blob {}\0", content.len()));
    hasher.update(content);
    Ok(hexadecimal(&hasher.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_sha256s_own() {
        // FIPS 180-4, the message "abc".
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(of_bytes(b"abc"), abc);
        let dir = tempfile::tempdir().unwrap();
        let (a, bc) = (dir.path().join("a"), dir.path().join("bc"));
        std::fs::write(&a, "a").unwrap();
        std::fs::write(&bc, "bc").unwrap();
        assert_eq!(of_files([a.as_path(), bc.as_path()]).unwrap(), abc);
        // `printf a | git hash-object --stdin`
        assert_eq!(of_git(&a).unwrap(), "2e65efe2a145dda7ee51d1741299f848e5bf752e");
        assert!(of_files([dir.path().join("absent").as_path()]).is_err());
    }
}
