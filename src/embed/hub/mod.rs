//! Pulling a model from a hub that is laid out as Hugging Face's.
//!
//! The files gather in the cache directory and are then installed as those of any folder ([`super::add`]). Knows
//! nothing of terminals. Invariants: every file is of one commit, has the length and, where the hub tells it, the
//! sha256 that it must; a pull that ends early has installed nothing, and the next goes on with the file it was in.

use std::fs;
use std::path::{Component, Path, PathBuf};

use hf_hub::api::Progress;
use hf_hub::api::sync::{Api, ApiBuilder, ApiError, ApiRepo, Metadata};
use hf_hub::{Cache, Repo, RepoType};

use super::add::check_name;
use super::folder::GRAPHS;
use super::registry::models_dir;
use super::{HubOptions, LoadOptions, ModelOverrides, ModelSpec, add, digest};
use crate::error::{Error, Result};

/// Files that are fetched when the model has them, beside its graph.
const FILES: [&str; 10] = [
    "tokenizer.json",
    "config.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "sentence_bert_config.json",
    "modules.json",
    "1_Pooling/config.json",
    "config_sentence_transformers.json",
    "LICENSE",
    "README.md",
];
/// How often a connection that breaks is made anew.
const RETRIES: usize = 3;

/// What to pull.
#[derive(Debug, Clone, Default)]
pub struct PullRequest {
    /// The repository, as in `org/name`.
    pub repo: String,
    /// Branch, tag or commit; the main branch when `None`.
    pub revision: Option<String>,
    /// The name it is to have; the repository's when `None`.
    pub name: Option<String>,
    /// What to take from the user instead of from its files; `graph` is a path in the repository.
    pub overrides: ModelOverrides,
}

/// How far a pull is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PullStep {
    /// This graph, with all that belongs to it so many bytes, is fetched.
    Fetching {
        /// Its path in the repository.
        graph: String,
        /// Bytes of all files.
        bytes: u64,
    },
    /// So many bytes more are there.
    Fetched(u64),
    /// The files are there; the model is tried and installed.
    Installing,
}

/// Fetches a model and installs it.
///
/// Offline it is installed from the cache of Hugging Face's own tools, where that has it.
///
/// # Errors
/// [`Error::InvalidArgument`] when there is no such repository or file or the name is taken; [`Error::Model`] when it
/// has no ONNX graph, the hub cannot be reached, a file does not arrive whole, or the model does not run.
pub fn pull(request: &PullRequest, options: &LoadOptions, progress: &mut dyn FnMut(PullStep)) -> Result<ModelSpec> {
    let repo = check_request(request)?;
    let models = models_dir(options)
        .ok_or_else(|| Error::argument("there is no data directory to install models in; set HUEDB_DATA_DIR"))?;
    let of_repo = || request.repo.rsplit('/').next().unwrap_or_default().to_owned();
    let name = request.name.clone().unwrap_or_else(of_repo);
    check_name(&name, &models)?;
    if options.hub.offline {
        let snapshot = cached(&repo, &request.repo, &options.hub)?;
        progress(PullStep::Installing);
        return add(&snapshot, &name, &request.overrides, options);
    }
    let cache = match &options.cache_dir {
        Some(dir) => dir.join("hub"),
        None => models.join(".hub"),
    };
    let hub = Hub::new(&request.repo, repo, &cache, &options.hub)?;
    let fetched = hub.fetch(request.overrides.graph.as_deref(), progress)?;
    progress(PullStep::Installing);
    let overrides = ModelOverrides { graph: Some(fetched.graph.into()), ..request.overrides.clone() };
    let model = add(fetched.folder.path(), &name, &overrides, options)?;
    // What could not be removed is only in the way of other files of the cache.
    let _ = fs::remove_dir_all(&hub.own_folder);
    Ok(model)
}

/// Refuses what cannot be the name of a repository, a revision or a file of it.
fn check_request(request: &PullRequest) -> Result<Repo> {
    let is_name = |name: &str| {
        let allowed = |c: u8| c.is_ascii_alphanumeric() || b"._-".contains(&c);
        !name.is_empty() && !name.starts_with('.') && name.bytes().all(allowed)
    };
    let parts: Vec<&str> = request.repo.split('/').collect();
    if parts.len() > 2 || !parts.iter().all(|part| is_name(part)) {
        return Err(Error::InvalidArgument {
            why: format!("{:?} cannot be the name of a model on the hub", request.repo),
            hint: Some("a name is ORGANISATION/MODEL, as in intfloat/e5-small-v2".into()),
        });
    }
    let revision = request.revision.as_deref().unwrap_or("main");
    if !revision.split('/').all(is_name) {
        return Err(Error::argument(format!("{revision:?} cannot be a branch, a tag or a commit")));
    }
    if let Some(graph) = request.overrides.graph.as_deref()
        && !is_inside(graph)
    {
        return Err(Error::argument(format!("{} cannot be a file of the model", graph.display())));
    }
    Ok(Repo::with_revision(request.repo.clone(), RepoType::Model, revision.to_owned()))
}

/// Whether a path leads to something inside of the folder it starts from.
fn is_inside(path: &Path) -> bool {
    path.components().next().is_some() && path.components().all(|part| matches!(part, Component::Normal(_)))
}

/// Finds a model in the cache of Hugging Face's own tools.
fn cached(repo: &Repo, name: &str, hub: &HubOptions) -> Result<PathBuf> {
    let found = hub.cache_dir.as_ref().and_then(|dir| {
        let cache = Cache::new(dir.clone()).repo(repo.clone());
        let folder = dir.join(repo.folder_name());
        // The revision is a commit itself where no name stands for it.
        let commit = fs::read_to_string(folder.join("refs").join(repo.revision()));
        let snapshot = cache.pointer_path(commit.as_deref().map_or(repo.revision(), str::trim));
        snapshot.is_dir().then_some(snapshot)
    });
    found.ok_or_else(|| Error::Model {
        model: name.to_owned(),
        why: "it is not in the cache, and HF_HUB_OFFLINE forbids to fetch it".into(),
        hint: Some("unset HF_HUB_OFFLINE, or copy the model's folder here and add it with `huedb model add`".into()),
    })
}

/// A repository on the hub.
struct Hub<'o> {
    api: Api,
    name: &'o str,
    repo: Repo,
    own_cache: Cache,
    /// Where the own cache keeps this repository.
    own_folder: PathBuf,
    options: &'o HubOptions,
}

/// The files of a model in a folder of links to them.
struct Fetched {
    folder: tempfile::TempDir,
    graph: String,
}

/// A file of the repository and what the hub says of it.
struct Remote {
    path: String,
    metadata: Metadata,
}

impl<'o> Hub<'o> {
    fn new(name: &'o str, repo: Repo, cache: &Path, options: &'o HubOptions) -> Result<Self> {
        let own_cache = Cache::new(cache.to_owned());
        let mut builder = ApiBuilder::from_cache(own_cache.clone())
            .with_progress(false)
            .with_retries(RETRIES)
            .with_token(options.token.clone())
            .with_user_agent("huedb", env!("CARGO_PKG_VERSION"));
        if let Some(endpoint) = &options.endpoint {
            builder = builder.with_endpoint(endpoint.trim_end_matches('/').to_owned());
        }
        let api = builder.build().map_err(|error| unreachable(name, &error.to_string()))?;
        let own_folder = cache.join(repo.folder_name());
        Ok(Self { api, name, repo, own_cache, own_folder, options })
    }

    fn fetch(&self, graph: Option<&Path>, progress: &mut dyn FnMut(PullStep)) -> Result<Fetched> {
        let info = self.api.repo(self.repo.clone()).info().map_err(|error| self.no_repository(&error))?;
        let files: Vec<&str> = info.siblings.iter().map(|file| file.rfilename.as_str()).collect();
        let graph = choose_graph(self.name, &files, graph)?;
        if !files.contains(&"tokenizer.json") {
            return Err(self.failure("it has no tokenizer.json".into(), None));
        }
        // All files of the commit that was the revision a moment ago.
        let repo = self.repo_at(&info.sha)?;
        let mut remotes = Vec::new();
        for path in wanted(&files, &graph) {
            let metadata = self.api.metadata(&repo.url(&path)).map_err(|error| self.no_file(&path, &error))?;
            self.check_metadata(&path, &metadata, &info.sha)?;
            remotes.push(Remote { path, metadata });
        }
        let bytes = remotes.iter().map(|remote| remote.metadata.size() as u64).sum();
        progress(PullStep::Fetching { graph: graph.clone(), bytes });
        let folder = tempfile::tempdir().map_err(|error| Error::io("make a temporary folder", error))?;
        for remote in remotes {
            let here = self.fetch_file(&repo, &remote, progress)?;
            link(&here, &folder.path().join(&remote.path))?;
        }
        Ok(Fetched { folder, graph })
    }

    fn repo_at(&self, commit: &str) -> Result<ApiRepo> {
        if commit.is_empty() || !commit.bytes().all(|c| c.is_ascii_alphanumeric()) {
            return Err(self.failure(format!("the hub gives {commit:?} as its commit"), None));
        }
        Ok(self.api.repo(Repo::with_revision(self.name.to_owned(), RepoType::Model, commit.to_owned())))
    }

    /// The names of files in the cache are made of these.
    fn check_metadata(&self, path: &str, metadata: &Metadata, commit: &str) -> Result<()> {
        let is_plain = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-');
        if metadata.commit_hash() == commit && is_plain(metadata.etag()) {
            return Ok(());
        }
        Err(self.failure(format!("the hub describes {path} in a way that is not understood"), None))
    }

    /// Fetches a file, unless it is in a cache; returns where it is.
    fn fetch_file(&self, repo: &ApiRepo, remote: &Remote, progress: &mut dyn FnMut(PullStep)) -> Result<PathBuf> {
        let Remote { path, metadata } = remote;
        let bytes = metadata.size() as u64;
        let is_whole = |file: &Path| fs::metadata(file).is_ok_and(|facts| facts.is_file() && facts.len() == bytes);
        let shared = self.options.cache_dir.clone().map(Cache::new);
        let caches = [Some(self.own_cache.clone()), shared];
        for cache in caches.into_iter().flatten() {
            let blob = cache.repo(self.repo.clone()).blob_path(metadata.etag());
            if is_whole(&blob) && has_digest(&blob, metadata.etag())? {
                progress(PullStep::Fetched(bytes));
                return Ok(blob);
            }
        }
        let blob = self.own_cache.repo(self.repo.clone()).blob_path(metadata.etag());
        // A part that has everything was only not put in its place; asked for what follows, the hub answers with an
        // error.
        let part = blob.with_extension("part");
        if is_whole(&part) && has_digest(&part, metadata.etag())? {
            fs::rename(&part, &blob).map_err(|error| Error::io(format!("write {}", blob.display()), error))?;
            progress(PullStep::Fetched(bytes));
            return Ok(blob);
        }
        if fs::metadata(&part).is_ok_and(|facts| facts.len() >= bytes) {
            fs::remove_file(&part).map_err(|error| Error::io(format!("remove {}", part.display()), error))?;
        }
        let fetched = repo.download_with_progress(path, Tell(progress)).map_err(|error| self.no_file(path, &error))?;
        if is_whole(&fetched) && has_digest(&fetched, metadata.etag())? {
            return Ok(fetched);
        }
        fs::remove_dir_all(&self.own_folder)
            .map_err(|error| Error::io(format!("remove {}", self.own_folder.display()), error))?;
        Err(self.failure(format!("{path} did not arrive as it is on the hub"), Some("pull it again")))
    }

    fn failure(&self, why: String, hint: Option<&str>) -> Error {
        Error::Model { model: self.name.to_owned(), why, hint: hint.map(str::to_owned) }
    }

    fn no_repository(&self, error: &ApiError) -> Error {
        let why = |what: &str| format!("{what} {}{}", self.name, at_revision(self.repo.revision()));
        match status(error) {
            // Without a token a private repository looks like none.
            Some(401 | 404) => Error::InvalidArgument {
                why: why("the hub shows no model"),
                hint: Some("check its name and revision; set HF_TOKEN to see private ones".into()),
            },
            Some(403) => Error::InvalidArgument {
                why: why("the hub does not give out"),
                hint: Some("its owner asks for consent to terms: give it on the hub, and set HF_TOKEN".into()),
            },
            _ => unreachable(self.name, &error.to_string()),
        }
    }

    fn no_file(&self, path: &str, error: &ApiError) -> Error {
        match status(error) {
            Some(401 | 403) => self.failure(
                format!("the hub does not give out {path}"),
                Some("its owner asks for consent to terms: give it on the hub, and set HF_TOKEN"),
            ),
            _ => self.failure(
                format!("{path} could not be fetched: {error}"),
                Some("pull it again; what has arrived is kept"),
            ),
        }
    }
}

fn at_revision(revision: &str) -> String {
    if revision == "main" { String::new() } else { format!(" at {revision:?}") }
}

fn unreachable(name: &str, why: &str) -> Error {
    Error::Model {
        model: name.to_owned(),
        why: format!("the hub could not be asked for it: {why}"),
        hint: Some("check the network and HF_ENDPOINT; `huedb model add DIR` installs a folder without either".into()),
    }
}

fn status(error: &ApiError) -> Option<u16> {
    match error {
        ApiError::RequestError(error) => match error.as_ref() {
            ureq::Error::StatusCode(status) => Some(*status),
            _ => None,
        },
        ApiError::TooManyRetries(error) => status(error),
        _ => None,
    }
}

/// Chooses the graph among the files of a repository, as it is chosen in a folder.
fn choose_graph(name: &str, files: &[&str], asked: Option<&Path>) -> Result<String> {
    let graphs: Vec<&str> = files
        .iter()
        .copied()
        .filter(|file| Path::new(file).extension().is_some_and(|extension| extension == "onnx"))
        .filter(|file| is_inside(Path::new(file)))
        .collect();
    let failure = |why: &str, hint: String| Error::Model { model: name.to_owned(), why: why.into(), hint: Some(hint) };
    let listed = || format!("choose one with --file: {}", graphs.join(", "));
    if graphs.is_empty() {
        let hint = "look for the model under an organisation that exports models to ONNX, or export it yourself";
        return Err(failure("there is no ONNX graph in it", hint.into()));
    }
    if let Some(asked) = asked {
        let found = graphs.iter().find(|graph| Path::new(graph) == asked);
        return found.map(|graph| (*graph).to_owned()).ok_or_else(|| Error::InvalidArgument {
            why: format!("{name} has no ONNX graph {}", asked.display()),
            hint: Some(listed()),
        });
    }
    let known = GRAPHS.iter().find(|known| graphs.contains(known));
    match (known, graphs.as_slice()) {
        (Some(known), _) => Ok((*known).to_owned()),
        (None, [only]) => Ok((*only).to_owned()),
        (None, _) => Err(failure("which of its ONNX graphs is meant is not clear", listed())),
    }
}

/// Returns the files to fetch: the graph, its weights, and what the folder's settings are read from.
fn wanted(files: &[&str], graph: &str) -> Vec<String> {
    let is_weights = |file: &&&str| file.len() > graph.len() && file.starts_with(graph) && is_inside(Path::new(file));
    let settings = FILES.iter().filter(|file| files.contains(file));
    let weights = files.iter().filter(is_weights);
    settings.chain([&graph]).chain(weights).map(|file| (*file).to_owned()).collect()
}

/// Whether a file has the sha256 that the hub names it by; files of another kind of name are not computed.
fn has_digest(file: &Path, etag: &str) -> Result<bool> {
    Ok(etag.len() != 64 || digest::of_files([file])? == etag)
}

/// Makes a file of the cache appear in a folder.
fn link(file: &Path, place: &Path) -> Result<()> {
    let action = || format!("write {}", place.display());
    let failed = |error| Error::io(action(), error);
    fs::create_dir_all(place.parent().unwrap_or(place)).map_err(failed)?;
    let file = file.canonicalize().map_err(failed)?;
    #[cfg(unix)]
    let linked = std::os::unix::fs::symlink(file, place);
    #[cfg(not(unix))]
    let linked = fs::copy(file, place).map(drop);
    linked.map_err(failed)
}

/// Tells how many bytes arrive.
struct Tell<'p>(&'p mut dyn FnMut(PullStep));

impl Progress for Tell<'_> {
    fn init(&mut self, _size: usize, _filename: &str) {}

    fn update(&mut self, size: usize) {
        (self.0)(PullStep::Fetched(size as u64));
    }

    fn finish(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_graph_is_chosen_as_in_a_folder() {
        let choose = |files: &[&str], asked: Option<&str>| choose_graph("a/b", files, asked.map(Path::new));
        assert_eq!(choose(&["onnx/model_O3.onnx", "onnx/model.onnx"], None).unwrap(), "onnx/model.onnx");
        assert_eq!(choose(&["x.onnx", "x.txt"], None).unwrap(), "x.onnx");
        assert_eq!(choose(&["x.onnx", "onnx/y.onnx"], Some("onnx/y.onnx")).unwrap(), "onnx/y.onnx");
        let error = choose(&["x.onnx", "y.onnx"], None).unwrap_err();
        assert!(error.hint().unwrap().ends_with("x.onnx, y.onnx"), "{error}");
        assert!(choose(&["x.onnx"], Some("y.onnx")).unwrap_err().hint().unwrap().ends_with("x.onnx"));
        for files in [&["model.safetensors"][..], &["../model.onnx"], &["/model.onnx"], &[]] {
            assert!(choose(files, None).unwrap_err().to_string().contains("no ONNX graph"), "{files:?}");
        }
    }

    #[test]
    fn weights_come_with_their_graph_and_settings_where_there_are_some() {
        let files = ["onnx/model.onnx", "onnx/model.onnx_data", "onnx/model_O2.onnx", "config.json", "pytorch.bin"];
        assert_eq!(wanted(&files, "onnx/model.onnx"), ["config.json", "onnx/model.onnx", "onnx/model.onnx_data"]);
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        let request = |repo: &str, revision: &str, graph: &str| PullRequest {
            repo: repo.into(),
            revision: Some(revision.into()),
            name: None,
            overrides: ModelOverrides { graph: Some(graph.into()), ..ModelOverrides::default() },
        };
        check_request(&request("a/b.c-d_e", "refs/pr/1", "onnx/model.onnx")).unwrap();
        for (repo, revision, graph) in [
            ("", "main", "x.onnx"),
            ("../b", "main", "x.onnx"),
            ("a/b/c", "main", "x.onnx"),
            ("a/b?x", "main", "x.onnx"),
            ("a/b", "../main", "x.onnx"),
            ("a/b", "", "x.onnx"),
            ("a/b", "main", "../x.onnx"),
            ("a/b", "main", "/x.onnx"),
        ] {
            let error = check_request(&request(repo, revision, graph)).unwrap_err();
            assert!(matches!(error, Error::InvalidArgument { .. }), "{repo:?} {revision:?} {graph:?}");
        }
    }
}
