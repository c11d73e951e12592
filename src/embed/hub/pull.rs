//! Pulling a model from a hub that is laid out as Hugging Face's.
//!
//! The files gather in the cache directory and are then installed as those of any folder ([`super::super::install`]). Knows
//! nothing of terminals. Invariants: every file is of one commit, has the length and, where the hub tells it, the
//! sha256 or git's digest that it must; a pull that ends early has installed nothing, and the next goes on with the file it was in.

use super::super::convert::recognise;
use super::super::folder::GRAPHS;
use super::super::install::check_name;
use super::super::install_converted::not_converted;
use super::super::registry::models_dir;
use super::super::{HubOptions, LoadOptions, ModelOverrides, ModelSpec, Precision, digest, install};
use super::client::{Described, HubClient, HubFailure};
use crate::error::{Advice, Error, Result};
use std::fs::{self, File, TryLockError};
use std::path::{Component, Path, PathBuf};

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

/// Weights that are not in a graph.
const WEIGHTS: &str = "model.safetensors";

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
    /// Another process pulls the same model; it is waited for.
    Waiting,
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
        .ok_or_else(|| Error::argument("no data directory to install models in; set HUEDB_DATA_DIR"))?;
    let of_repo = || request.repo.rsplit('/').next().unwrap_or_default().to_owned();
    let name = request.name.clone().unwrap_or_else(of_repo);
    check_name(&name, &models)?;
    if options.hub.offline || options.offline {
        let snapshot = cached(&repo, &options.hub)?;
        progress(PullStep::Installing);
        return install(&snapshot, &name, &request.overrides, options);
    }
    let cache = match &options.cache_dir {
        Some(dir) => dir.join("hub"),
        None => models.join(".hub"),
    };
    let hub =
        Hub { client: HubClient::new(&options.hub), folder: cache.join(repo.folder()), repo, options: &options.hub };
    let _alone = hub.lock(progress)?;
    // Whoever was waited for may have installed it.
    check_name(&name, &models)?;
    let fetched = hub.fetch(request.overrides.graph.as_deref(), request.overrides.precision, progress)?;
    progress(PullStep::Installing);
    let overrides = ModelOverrides { graph: Some(fetched.graph.into()), ..request.overrides.clone() };
    let model = install(fetched.folder.path(), &name, &overrides, options);
    // What does not load may have arrived broken where the hub tells no checksum: the next pull fetches it again. What
    // could not be removed is only in the way of other files of the cache.
    let _ = fs::remove_dir_all(&hub.folder);
    model
}

/// A repository and its revision.
#[derive(Debug)]
struct Repo {
    name: String,
    revision: String,
}

impl Repo {
    /// The folder that Hugging Face's own tools keep it in.
    fn folder(&self) -> String {
        format!("models--{}", self.name.replace('/', "--"))
    }
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
    Ok(Repo { name: request.repo.clone(), revision: revision.to_owned() })
}

/// Whether a path leads to something inside of the folder it starts from.
fn is_inside(path: &Path) -> bool {
    path.components().next().is_some() && path.components().all(|part| matches!(part, Component::Normal(_)))
}

/// Finds a model in the cache of Hugging Face's own tools.
fn cached(repo: &Repo, hub: &HubOptions) -> Result<PathBuf> {
    let found = hub.cache_dir.as_ref().and_then(|dir| {
        let folder = dir.join(repo.folder());
        // The revision is a commit itself where no name stands for it.
        let commit = fs::read_to_string(folder.join("refs").join(&repo.revision));
        let snapshot = folder.join("snapshots").join(commit.as_deref().map_or(repo.revision.as_str(), str::trim));
        snapshot.is_dir().then_some(snapshot)
    });
    found.ok_or_else(|| Error::Model {
        model: repo.name.clone(),
        why: "it is not in the cache, and HF_HUB_OFFLINE or HUEDB_OFFLINE forbids fetching it".into(),
        hint: Some(Advice::InstallFolderOffline),
    })
}

/// A repository on the hub.
struct Hub<'o> {
    client: HubClient,
    repo: Repo,
    /// Where its files gather.
    folder: PathBuf,
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
    url: String,
    facts: Described,
}

impl Hub<'_> {
    /// Waits until no other process pulls the same repository.
    fn lock(&self, progress: &mut dyn FnMut(PullStep)) -> Result<File> {
        let path = self.folder.with_extension("lock");
        let failed = |error| Error::io(format!("write {}", path.display()), error);
        fs::create_dir_all(path.parent().unwrap_or(&path)).map_err(failed)?;
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                progress(PullStep::Waiting);
                file.lock().map_err(failed)?;
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        Ok(file)
    }

    fn fetch(
        &self,
        graph: Option<&Path>,
        precision: Option<Precision>,
        progress: &mut dyn FnMut(PullStep),
    ) -> Result<Fetched> {
        let name = self.repo.name.as_str();
        let listing = self.client.list(name, &self.repo.revision).map_err(|error| self.no_repository(&error))?;
        let files = listing.files();
        let graph = choose_graph(name, &files, graph, precision)?;
        if !files.contains(&"tokenizer.json") {
            return Err(self.failure("it has no tokenizer.json".into(), None));
        }
        // All files of the commit that was the revision a moment ago.
        let commit = listing.sha.as_str();
        if !is_plain(commit) {
            return Err(self.failure(format!("the hub gives {commit:?} as its commit"), None));
        }
        let mut remotes = Vec::new();
        for path in wanted(&files, &graph) {
            let url = self.client.url(name, commit, &path);
            let facts = self.client.describe(&url).map_err(|error| self.no_file(&path, &error))?;
            // The names of files in the cache are made of these.
            if facts.commit != commit || !is_plain(&facts.etag) {
                return Err(self.failure(format!("the hub describes {path} in an unknown way"), None));
            }
            remotes.push(Remote { path, url, facts });
        }
        let bytes = remotes.iter().map(|remote| remote.facts.bytes).sum();
        progress(PullStep::Fetching { graph: graph.clone(), bytes });
        let folder = tempfile::tempdir().map_err(|error| Error::io("make a temporary folder", error))?;
        for remote in remotes {
            let here = self.fetch_file(&remote, progress)?;
            link(&here, &folder.path().join(&remote.path))?;
            // Before the weights, which are large.
            if precision.is_some() && remote.path == "config.json" {
                recognise(folder.path()).map_err(|why| not_converted(name, &why))?;
            }
        }
        Ok(Fetched { folder, graph })
    }

    /// Fetches a file, unless it is in a cache; returns where it is.
    fn fetch_file(&self, remote: &Remote, progress: &mut dyn FnMut(PullStep)) -> Result<PathBuf> {
        let Described { etag, bytes, .. } = &remote.facts;
        let length = |file: &Path| fs::metadata(file).ok().filter(fs::Metadata::is_file).map(|facts| facts.len());
        let is_whole = |file: &Path| Ok::<_, Error>(length(file) == Some(*bytes) && has_digest(file, etag)?);
        let shared = self.options.cache_dir.as_ref().map(|dir| dir.join(self.repo.folder()));
        for cache in [Some(self.folder.clone()), shared].into_iter().flatten() {
            let blob = cache.join("blobs").join(etag);
            if is_whole(&blob)? {
                progress(PullStep::Fetched(*bytes));
                return Ok(blob);
            }
        }
        let blob = self.folder.join("blobs").join(etag);
        let failed = |error| Error::io(format!("write {}", blob.display()), error);
        fs::create_dir_all(blob.parent().unwrap_or(&blob)).map_err(failed)?;
        let part = blob.with_extension("part");
        let begun = length(&part).unwrap_or(0);
        if begun > *bytes || begun == *bytes && !is_whole(&part)? {
            fs::remove_file(&part).map_err(failed)?;
        } else {
            progress(PullStep::Fetched(begun));
        }
        let mut arrived = |more| progress(PullStep::Fetched(more));
        let fetched = self.client.fetch(&remote.url, &part, *bytes, &mut arrived);
        fetched.map_err(|error| self.no_file(&remote.path, &error))?;
        if is_whole(&part)? {
            fs::rename(&part, &blob).map_err(failed)?;
            return Ok(blob);
        }
        fs::remove_file(&part).map_err(failed)?;
        Err(self.failure(format!("{} did not arrive as it is on the hub", remote.path), Some("pull it again")))
    }

    fn failure(&self, why: String, hint: Option<&str>) -> Error {
        Error::Model { model: self.repo.name.clone(), why, hint: hint.map(Advice::from) }
    }

    fn no_repository(&self, error: &HubFailure) -> Error {
        let why = |what: &str| format!("{what} {}{}", self.repo.name, at_revision(&self.repo.revision));
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
            _ => unreachable(&self.repo.name, &error.to_string()),
        }
    }

    fn no_file(&self, path: &str, error: &HubFailure) -> Error {
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
        why: format!("the hub could not be reached: {why}"),
        hint: Some(Advice::InstallFolder),
    }
}

fn status(error: &HubFailure) -> Option<u16> {
    match error {
        HubFailure::Status(status) => Some(*status),
        HubFailure::Other(_) => None,
    }
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-')
}

/// Chooses the graph among the files of a repository, or the weights to convert, as they are chosen in a folder.
fn choose_graph(name: &str, files: &[&str], asked: Option<&Path>, precision: Option<Precision>) -> Result<String> {
    let weights = files.iter().find(|file| **file == WEIGHTS);
    match (precision, asked.and_then(Path::to_str), weights) {
        (Some(_), None, Some(weights)) => return Ok((*weights).to_owned()),
        (Some(_), Some(asked), _) if asked.ends_with(".safetensors") && files.contains(&asked) => {
            return Ok(asked.to_owned());
        }
        _ => {}
    }
    let graphs: Vec<&str> = files
        .iter()
        .copied()
        .filter(|file| Path::new(file).extension().is_some_and(|extension| extension == "onnx"))
        .filter(|file| is_inside(Path::new(file)))
        .collect();
    let failure = |why: &str, hint: Advice| Error::Model { model: name.to_owned(), why: why.into(), hint: Some(hint) };
    let listed = || Advice::ChooseGraph(graphs.iter().map(ToString::to_string).collect());
    if graphs.is_empty() {
        let hint = "look for the model under an organisation that exports models to ONNX, or export it yourself";
        let hint = if weights.is_some() { Advice::ConvertWeights } else { hint.into() };
        return Err(failure("it contains no ONNX graph", hint));
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
        (None, _) => Err(failure("it is unclear which of its ONNX graphs to use", listed())),
    }
}

/// Returns the files to fetch: the graph, its weights, and what the folder's settings are read from.
fn wanted(files: &[&str], graph: &str) -> Vec<String> {
    let is_weights = |file: &&&str| file.len() > graph.len() && file.starts_with(graph) && is_inside(Path::new(file));
    // `modules.json` says in which folder the pooling is.
    let is_setting = |file: &&&str| file.ends_with("/config.json") && is_inside(Path::new(file));
    let modules = files.iter().filter(is_setting).filter(|_| files.contains(&"modules.json"));
    let settings = FILES.iter().filter(|file| files.contains(file));
    let settings = settings.chain(modules.filter(|file| !FILES.contains(file)));
    let weights = files.iter().filter(is_weights);
    settings.chain([&graph]).chain(weights).map(|file| (*file).to_owned()).collect()
}

/// Whether a file has the digest that the hub names it by: a sha256, or that of git; another kind of name is not computed.
fn has_digest(file: &Path, etag: &str) -> Result<bool> {
    match etag.len() {
        64 => Ok(digest::of_files([file])? == etag),
        40 if etag.bytes().all(|c| c.is_ascii_hexdigit()) => Ok(digest::of_git(file)? == etag),
        _ => Ok(true),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_graph_is_chosen_as_in_a_folder() {
        let choose = |files: &[&str], asked: Option<&str>| choose_graph("a/b", files, asked.map(Path::new), None);
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
    fn what_is_to_be_converted_is_its_weights_where_it_has_them() {
        let choose = |files: &[&str], asked: Option<&str>| {
            choose_graph("a/b", files, asked.map(Path::new), Some(Precision::Int8))
        };
        assert_eq!(choose(&["onnx/model.onnx", "model.safetensors"], None).unwrap(), "model.safetensors");
        assert_eq!(
            choose(&["onnx/model.onnx", "model.safetensors"], Some("onnx/model.onnx")).unwrap(),
            "onnx/model.onnx"
        );
        assert_eq!(choose(&["a.safetensors", "b.onnx"], Some("a.safetensors")).unwrap(), "a.safetensors");
        assert_eq!(choose(&["onnx/model.onnx"], None).unwrap(), "onnx/model.onnx");
        assert!(choose(&["x.onnx"], Some("a.safetensors")).is_err());
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
