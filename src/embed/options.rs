//! Where models and runtimes are looked for, and which runtime may run them.
//!
//! Not a configuration file: the command line fills it in. Invariant: this file is the only one of the room
//! that reads the environment, and only in [`LoadOptions::from_env`].

use std::env;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use etcetera::BaseStrategy;

use crate::error::{Error, Result};

/// Which runtime may run models.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RuntimeChoice {
    /// ONNX Runtime where one is found, else tract.
    #[default]
    Auto,
    /// ONNX Runtime; an error where none is found.
    OnnxRuntime,
    /// tract, whatever is installed.
    Tract,
}

impl FromStr for RuntimeChoice {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "" | "auto" => Ok(Self::Auto),
            "onnxruntime" => Ok(Self::OnnxRuntime),
            "tract" => Ok(Self::Tract),
            _ => Err(Error::InvalidArgument {
                why: format!("{name:?} is no runtime"),
                hint: Some("HUEDB_RUNTIME is auto, onnxruntime or tract".into()),
            }),
        }
    }
}

/// Where models and runtimes are looked for. The default looks nowhere but at the system's library path.
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    /// Which runtime may run models.
    pub runtime: RuntimeChoice,
    /// An ONNX Runtime library to try first.
    pub library: Option<PathBuf>,
    /// huedb's data directory: installed models and ONNX Runtime.
    pub data_dir: Option<PathBuf>,
    /// huedb's cache directory: models already optimised for this machine.
    pub cache_dir: Option<PathBuf>,
    /// Threads that embed; as many as the machine runs at once when `None`.
    pub threads: Option<NonZeroUsize>,
}

impl LoadOptions {
    /// Reads the environment: `HUEDB_RUNTIME`, `ORT_DYLIB_PATH`, `HUEDB_DATA_DIR`, `HUEDB_CACHE_DIR` and
    /// `HUEDB_THREADS`, and the system's directories where those are not set.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when `HUEDB_RUNTIME` names no runtime or `HUEDB_THREADS` is no number above 0.
    pub fn from_env() -> Result<Self> {
        let system = etcetera::choose_base_strategy().ok();
        let path = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        Ok(Self {
            runtime: env::var("HUEDB_RUNTIME").unwrap_or_default().parse()?,
            library: path("ORT_DYLIB_PATH"),
            data_dir: path("HUEDB_DATA_DIR").or_else(|| system.as_ref().map(|dirs| dirs.data_dir().join("huedb"))),
            cache_dir: path("HUEDB_CACHE_DIR").or_else(|| system.as_ref().map(|dirs| dirs.cache_dir().join("huedb"))),
            threads: env::var("HUEDB_THREADS").ok().as_deref().map(threads).transpose()?,
        })
    }

    /// Returns the threads to embed with.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get)
    }
}

fn threads(text: &str) -> Result<NonZeroUsize> {
    text.parse().map_err(|_| Error::InvalidArgument {
        why: format!("{text:?} is no number of threads"),
        hint: Some("HUEDB_THREADS is a number above 0".into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_is_known_by_name() {
        assert_eq!("auto".parse::<RuntimeChoice>().unwrap(), RuntimeChoice::Auto);
        assert_eq!("tract".parse::<RuntimeChoice>().unwrap(), RuntimeChoice::Tract);
        assert_eq!("onnxruntime".parse::<RuntimeChoice>().unwrap(), RuntimeChoice::OnnxRuntime);
        let error = "cuda".parse::<RuntimeChoice>().unwrap_err();
        assert!(error.hint().unwrap().contains("tract"), "{error}");
    }

    #[test]
    fn zero_threads_are_refused() {
        assert_eq!(threads("3").unwrap().get(), 3);
        assert!(threads("0").is_err());
        assert!(threads("many").is_err());
        assert!(LoadOptions::default().threads() >= 1);
    }
}
