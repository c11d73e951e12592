//! Where models and runtimes are looked for, and which runtime may run them.
//!
//! Not a configuration file: the command line fills it in. Invariant: this file is the only one of the room
//! that reads the environment, and only for [`LoadOptions::from_env`] and for the key of a service that names its variable.

use std::env;
use std::fs;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use etcetera::BaseStrategy;

use super::ModelCache;
use super::once::TryOnce;
use crate::error::{Error, Result};

/// Which runtime may run models.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RuntimeChoice {
    /// The encoder in the program for the built-in model; for others ONNX Runtime where one is found, else rten.
    #[default]
    Auto,
    /// ONNX Runtime; an error where none is found.
    OnnxRuntime,
    /// rten, whatever is installed.
    Rten,
    /// The encoder in the program, which runs the built-in model and converted ones alone.
    BuiltIn,
}

impl FromStr for RuntimeChoice {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "" | "auto" => Ok(Self::Auto),
            "onnxruntime" => Ok(Self::OnnxRuntime),
            "rten" => Ok(Self::Rten),
            "builtin" => Ok(Self::BuiltIn),
            "tract" => Err(Error::InvalidArgument {
                why: "tract is no longer part of huedb".into(),
                hint: Some("rten has its place, and is faster: HUEDB_RUNTIME=rten, or leave it unset".into()),
            }),
            _ => Err(Error::InvalidArgument {
                why: format!("{name:?} is not a runtime"),
                hint: Some("HUEDB_RUNTIME is auto, builtin, onnxruntime or rten".into()),
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
    /// Where models are pulled from.
    pub hub: HubOptions,
    /// Whether nothing may leave this machine: no model is fetched, and no service on another machine is asked.
    pub offline: bool,
    /// The models that are loaded; clones of the options share them.
    pub loaded: ModelCache,
    /// The threads that large batches are spread over; `None` takes those of the process, as many as `threads` says.
    pub pool: Option<Arc<rayon::ThreadPool>>,
}

/// Where models are pulled from. The default is Hugging Face, without a token.
#[derive(Debug, Clone)]
pub struct HubOptions {
    /// The address of another hub of the same layout.
    pub endpoint: Option<String>,
    /// What proves to the hub who asks.
    pub token: Option<String>,
    /// Whether nothing may be fetched.
    pub offline: bool,
    /// The cache of Hugging Face's own tools, which is only read.
    pub cache_dir: Option<PathBuf>,
    /// How long a request may bring nothing.
    pub patience: Duration,
}

impl Default for HubOptions {
    fn default() -> Self {
        Self { endpoint: None, token: None, offline: false, cache_dir: None, patience: Duration::from_secs(30) }
    }
}

impl HubOptions {
    /// Reads what Hugging Face's own tools read: `HF_ENDPOINT`, `HF_TOKEN` or the file their login writes,
    /// `HF_HUB_OFFLINE`, `HF_HUB_DOWNLOAD_TIMEOUT`, and `HF_HUB_CACHE`, `HF_HOME` or the system's place for their cache.
    fn from_env(system_cache: Option<PathBuf>) -> Self {
        let text = |name: &str| env::var(name).ok().filter(|value| !value.trim().is_empty());
        let home = text("HF_HOME").map(PathBuf::from).or_else(|| Some(system_cache?.join("huggingface")));
        let file = || fs::read_to_string(home.as_ref()?.join("token")).ok().filter(|token| !token.trim().is_empty());
        let seconds = text("HF_HUB_DOWNLOAD_TIMEOUT").and_then(|text| text.trim().parse::<f64>().ok());
        let patience = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        Self {
            patience: patience.filter(|patience| !patience.is_zero()).unwrap_or(Self::default().patience),
            endpoint: text("HF_ENDPOINT"),
            token: text("HF_TOKEN").or_else(file).map(|token| token.trim().to_owned()),
            offline: text("HF_HUB_OFFLINE").is_some_and(|value| is_yes(&value)),
            cache_dir: text("HF_HUB_CACHE").map(PathBuf::from).or_else(|| Some(home?.join("hub"))),
        }
    }
}

/// As Hugging Face's own tools read a switch.
fn is_yes(value: &str) -> bool {
    ["1", "on", "yes", "true"].contains(&value.trim().to_lowercase().as_str())
}

impl LoadOptions {
    /// Reads the environment: `HUEDB_RUNTIME`, `ORT_DYLIB_PATH`, `HUEDB_DATA_DIR`, `HUEDB_CACHE_DIR`,
    /// `HUEDB_THREADS`, `HUEDB_OFFLINE` and what says where the hub is, and the system's directories where those are not set.
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
            hub: HubOptions::from_env(system.as_ref().map(BaseStrategy::cache_dir)),
            offline: env::var("HUEDB_OFFLINE").is_ok_and(|value| is_yes(&value)),
            loaded: ModelCache::default(),
            pool: None,
        })
    }

    /// Returns the options that the environment gave when they were first asked for. All of a process that use them share
    /// their models.
    ///
    /// # Errors
    /// As [`Self::from_env`].
    pub fn of_process() -> Result<&'static Self> {
        static OF_PROCESS: TryOnce<LoadOptions> = TryOnce::new();
        OF_PROCESS.get_or_try_init(Self::from_env)
    }

    /// Returns a variable of the environment that a service's settings name, unless it is empty.
    pub(super) fn variable(name: &str) -> Option<String> {
        env::var(name).ok().filter(|value| !value.trim().is_empty())
    }

    /// Returns the threads to embed with.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get)
    }
}

fn threads(text: &str) -> Result<NonZeroUsize> {
    text.parse().map_err(|_| Error::InvalidArgument {
        why: format!("{text:?} is not a number of threads"),
        hint: Some("HUEDB_THREADS is a number above 0".into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_is_known_by_name() {
        assert_eq!("auto".parse::<RuntimeChoice>().unwrap(), RuntimeChoice::Auto);
        assert_eq!("rten".parse::<RuntimeChoice>().unwrap(), RuntimeChoice::Rten);
        assert_eq!("onnxruntime".parse::<RuntimeChoice>().unwrap(), RuntimeChoice::OnnxRuntime);
        assert_eq!("builtin".parse::<RuntimeChoice>().unwrap(), RuntimeChoice::BuiltIn);
        let error = "cuda".parse::<RuntimeChoice>().unwrap_err();
        assert!(error.hint().unwrap().contains("rten"), "{error}");
        let error = "tract".parse::<RuntimeChoice>().unwrap_err();
        assert!(error.to_string().contains("no longer") && error.hint().unwrap().contains("=rten"), "{error}");
    }

    #[test]
    fn switches_are_read_as_by_the_hubs_own_tools() {
        for (value, yes) in [("1", true), ("ON", true), ("True", true), ("0", false), ("off", false), ("", false)] {
            assert_eq!(is_yes(value), yes, "{value:?}");
        }
    }

    #[test]
    fn zero_threads_are_refused() {
        assert_eq!(threads("3").unwrap().get(), 3);
        assert!(threads("0").is_err());
        assert!(threads("many").is_err());
        assert!(LoadOptions::default().threads() >= 1);
    }
}
