//! The engine that runs models of ONNX: ONNX Runtime where it is found, rten where it is not.
//!
//! Not the model, and not a session. The engine is chosen anew for each set of options, with one limit: a process loads
//! one library of ONNX Runtime and keeps it. Invariant: what was found but is not used, a second library among it, is in
//! [`Runtime::skipped`], for the caller to say.

use std::fmt::{self, Write};
use std::fs;
use std::path::{Path, PathBuf};

use ort::environment::Environment;
use ort::logging::LogLevel;

use super::encoder::Kernels;
use super::once::TryOnce;
use super::options::{LoadOptions, RuntimeChoice};
use super::rten;
use crate::error::{Advice, Error, Result};
use crate::foreign;
use crate::record::Arithmetic;

/// Which engine runs models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuntimeKind {
    /// ONNX Runtime, a shared library.
    OnnxRuntime,
    /// rten, inside the program.
    Rten,
    /// The encoder inside the program.
    BuiltIn,
}

impl RuntimeKind {
    /// Returns what its embeddings differ by from those of another.
    #[must_use]
    pub fn arithmetic(self) -> Arithmetic {
        match self {
            Self::OnnxRuntime => Arithmetic::OnnxRuntime,
            Self::Rten => Arithmetic::Rten,
            Self::BuiltIn => Arithmetic::BuiltIn,
        }
    }
}

impl fmt::Display for RuntimeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.arithmetic().as_str())
    }
}

/// A library that was found and is not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The library.
    pub path: PathBuf,
    /// Why it is not used.
    pub why: String,
}

/// An engine, as some options choose it.
#[derive(Clone)]
#[non_exhaustive]
pub struct Runtime {
    /// Which engine it is.
    pub kind: RuntimeKind,
    /// Its version; of the encoder in the program, the instructions it runs on.
    pub version: String,
    /// The library it was loaded from; a bare name when the system found it, `None` for one in the program.
    pub path: Option<PathBuf>,
    /// Libraries that came first and are not used.
    pub skipped: Vec<Skipped>,
    /// That of ONNX Runtime.
    environment: Option<Environment>,
}

impl Runtime {
    /// What sessions of ONNX Runtime are opened in; `None` for rten.
    pub(super) fn environment(&self) -> Option<&Environment> {
        self.environment.as_ref()
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime")
            .field("kind", &self.kind)
            .field("version", &self.version)
            .field("path", &self.path)
            .field("skipped", &self.skipped)
            .finish_non_exhaustive()
    }
}

/// The ONNX Runtime that the process has loaded.
struct Library {
    path: PathBuf,
    version: String,
    environment: Environment,
    /// What was tried before it.
    skipped: Vec<Skipped>,
}

static LIBRARY: TryOnce<Library> = TryOnce::new();

/// Why there is no ONNX Runtime.
enum NoLibrary {
    NoneFound(Vec<Skipped>),
    NotStarted(String),
}

/// Returns the engine that some options choose for models of ONNX, and loads it where it is not loaded yet. Which engine
/// runs a certain model, [`super::runtime_of`] says.
///
/// A process can have one library of ONNX Runtime. Options that name another get the one that is loaded, and
/// [`Runtime::skipped`] says so; rten can be chosen at any time.
///
/// # Errors
/// [`Error::Runtime`] when ONNX Runtime is asked for and none can be used, or it does not start.
pub fn runtime(options: &LoadOptions) -> Result<Runtime> {
    match options.runtime {
        RuntimeChoice::Rten => return Ok(Runtime::rten(Vec::new())),
        RuntimeChoice::BuiltIn => return Ok(Runtime::built_in()),
        RuntimeChoice::Auto | RuntimeChoice::OnnxRuntime => {}
    }
    let candidates = candidates(options);
    match LIBRARY.get_or_try_init(|| load_first(&candidates)) {
        Ok(library) => Ok(library.as_runtime(&candidates)),
        Err(NoLibrary::NotStarted(why)) => Err(Error::Runtime { why, hint: None }),
        Err(NoLibrary::NoneFound(skipped)) if options.runtime == RuntimeChoice::OnnxRuntime => {
            Err(none_found(&skipped))
        }
        Err(NoLibrary::NoneFound(skipped)) => Ok(Runtime::rten(skipped)),
    }
}

impl Runtime {
    /// The encoder in the program.
    pub(super) fn built_in() -> Self {
        let version = Kernels::best().name().to_owned();
        Self { kind: RuntimeKind::BuiltIn, version, path: None, skipped: Vec::new(), environment: None }
    }

    fn rten(skipped: Vec<Skipped>) -> Self {
        let version = rten::VERSION.to_owned();
        Self { kind: RuntimeKind::Rten, version, path: None, skipped, environment: None }
    }
}

impl Library {
    /// Returns it as options with these candidates see it.
    fn as_runtime(&self, candidates: &[LibraryCandidate]) -> Runtime {
        let before = candidates.iter().take_while(|candidate| candidate.path != self.path);
        let skipped = before.filter(|candidate| candidate.present).map(|candidate| {
            let known = self.skipped.iter().find(|skipped| skipped.path == candidate.path).cloned();
            known.unwrap_or_else(|| Skipped {
                path: candidate.path.clone(),
                why: format!("this process already uses {} {}", self.path.display(), self.version),
            })
        });
        Runtime {
            kind: RuntimeKind::OnnxRuntime,
            version: self.version.clone(),
            path: Some(self.path.clone()),
            skipped: skipped.collect(),
            environment: Some(self.environment.clone()),
        }
    }
}

/// Loads the first library that can be used.
fn load_first(candidates: &[LibraryCandidate]) -> std::result::Result<Library, NoLibrary> {
    let mut skipped = Vec::new();
    for LibraryCandidate { path, present } in candidates {
        match foreign::open_runtime(path) {
            Ok(native) => {
                ort::set_api(native.api);
                let environment = ort::init()
                    .with_name("huedb")
                    .with_telemetry(false)
                    .build()
                    .map_err(|error| NoLibrary::NotStarted(format!("cannot start ONNX Runtime: {error}")))?;
                // What goes wrong comes back as an error; the runtime would also write it to stderr, in colours.
                environment.set_log_level(LogLevel::Fatal);
                return Ok(Library { path: path.clone(), version: native.version, environment, skipped });
            }
            Err(why) if *present => skipped.push(Skipped { path: path.clone(), why }),
            Err(_) => {}
        }
    }
    Err(NoLibrary::NoneFound(skipped))
}

fn none_found(skipped: &[Skipped]) -> Error {
    let mut why = "ONNX Runtime was asked for and none can be used".to_owned();
    for Skipped { path, why: reason } in skipped {
        // Writing to a string cannot fail.
        let _ = write!(why, "; {}: {reason}", path.display());
    }
    Error::Runtime { why, hint: Some(Advice::InstallRuntime) }
}

/// A place where the library may be.
#[derive(Debug, PartialEq, Eq)]
struct LibraryCandidate {
    path: PathBuf,
    /// Whether it was named or seen, so that a failure is worth telling.
    present: bool,
}

fn candidates(options: &LoadOptions) -> Vec<LibraryCandidate> {
    let mut places: Vec<LibraryCandidate> =
        options.library.iter().map(|path| LibraryCandidate { path: path.clone(), present: true }).collect();
    let beside = std::env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_path_buf));
    for dir in [options.data_dir.as_deref().map(installed_dir), beside].into_iter().flatten() {
        places.extend(libraries_in(&dir).into_iter().map(|path| LibraryCandidate { path, present: true }));
    }
    places.extend(SYSTEM_NAMES.iter().map(|name| LibraryCandidate { path: PathBuf::from(name), present: false }));
    places
}

/// Where `setup` puts the library.
pub(super) fn installed_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("runtime")
}

#[cfg(target_os = "macos")]
const SYSTEM_NAMES: [&str; 2] = ["libonnxruntime.dylib", "libonnxruntime.1.dylib"];
/// Distributions give the name without a version to those who build against it only.
#[cfg(not(target_os = "macos"))]
const SYSTEM_NAMES: [&str; 2] = ["libonnxruntime.so", "libonnxruntime.so.1"];

/// Whether a file name is that of ONNX Runtime's library, with or without a version.
pub(super) fn is_library_name(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("libonnxruntime.") else { return false };
    if cfg!(target_os = "macos") { rest.ends_with("dylib") } else { rest == "so" || rest.starts_with("so.") }
}

/// The libraries of a folder, the latest version first.
pub(super) fn libraries_in(dir: &Path) -> Vec<PathBuf> {
    let mut found: Vec<(Vec<u32>, PathBuf)> = fs::read_dir(dir)
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let name = entry.file_name().into_string().ok().filter(|name| is_library_name(name))?;
            Some((name.split('.').filter_map(|part| part.parse().ok()).collect(), entry.path()))
        })
        .collect();
    found.sort_unstable_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, path)| path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_named_library_comes_first_and_the_system_last() {
        let data = tempfile::tempdir().unwrap();
        let dir = installed_dir(data.path());
        fs::create_dir_all(&dir).unwrap();
        let names = if cfg!(target_os = "macos") {
            ["libonnxruntime.1.9.0.dylib", "libonnxruntime.1.32.0.dylib"]
        } else {
            ["libonnxruntime.so.1.9.0", "libonnxruntime.so.1.32.0"]
        };
        for name in names {
            fs::write(dir.join(name), "x").unwrap();
        }
        fs::write(dir.join("libonnxruntime_providers_shared.so"), "x").unwrap();
        let options = LoadOptions {
            library: Some("/opt/mine.so".into()),
            data_dir: Some(data.path().into()),
            ..LoadOptions::default()
        };
        let found: Vec<_> = candidates(&options).into_iter().map(|candidate| candidate.path).collect();
        assert_eq!(found[0], Path::new("/opt/mine.so"));
        assert_eq!(found[1], dir.join(names[1]));
        assert_eq!(found[2], dir.join(names[0]));
        assert_eq!(found.last().unwrap(), Path::new(SYSTEM_NAMES[SYSTEM_NAMES.len() - 1]));
        assert!(!found.iter().any(|path| path.to_string_lossy().contains("providers")));
    }

    #[test]
    fn a_missing_runtime_says_what_was_tried() {
        let error = none_found(&[Skipped { path: "/x/libonnxruntime.so".into(), why: "it is cut off".into() }]);
        assert!(error.to_string().contains("/x/libonnxruntime.so: it is cut off"), "{error}");
        assert!(error.hint().unwrap().contains("rten"));
    }

    #[test]
    fn each_options_have_their_own_engine_and_a_second_library_is_told() {
        let rten = LoadOptions { runtime: RuntimeChoice::Rten, ..LoadOptions::default() };
        let chosen = LoadOptions::from_env().unwrap();
        let before = runtime(&chosen).unwrap();
        assert_eq!(runtime(&rten).unwrap().kind, RuntimeKind::Rten);
        assert_eq!(runtime(&chosen).unwrap().kind, before.kind);
        if before.kind == RuntimeKind::OnnxRuntime {
            let other = LoadOptions { library: Some("/opt/another.so".into()), ..chosen };
            let told = runtime(&other).unwrap().skipped;
            assert_eq!(told[0].path, Path::new("/opt/another.so"));
            assert!(told[0].why.contains("this process already uses"), "{}", told[0].why);
        }
    }
}
