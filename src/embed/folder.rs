//! What a folder with a model says of it: the layout of sentence-transformers and of its ONNX exports.
//!
//! It runs nothing. Invariant: what it returns names files that exist; a setting that the folder does not give
//! has the default that sentence-transformers would use.

use std::fs;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::graph;
use crate::error::{Advice, Error, Result};
use crate::record::{Fingerprint, Pooling};

/// Names of the graph, in the order of preference.
pub(super) const GRAPHS: [&str; 6] = [
    "model.onnx",
    "onnx/model.onnx",
    "model_int8.onnx",
    "model_quantized.onnx",
    "onnx/model_int8.onnx",
    "onnx/model_quantized.onnx",
];

/// What a folder says of its model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FolderModel {
    /// The graph, with the files of weights beside it.
    pub(super) graph: PathBuf,
    /// Weights that are not in the graph, by name.
    pub(super) weights: Vec<PathBuf>,
    /// The tokenizer.
    pub(super) tokenizer: PathBuf,
    pub(super) pooling: Pooling,
    pub(super) normalize: bool,
    pub(super) max_tokens: usize,
    /// The length of the vectors, where `config.json` gives it.
    pub(super) dimension: Option<usize>,
    pub(super) query_prefix: String,
    pub(super) document_prefix: String,
}

impl FolderModel {
    /// Returns what decides its embeddings, with this name, these weights and vectors of this length.
    pub(super) fn fingerprint(&self, model: String, sha256: String, dimension: usize) -> Fingerprint {
        Fingerprint {
            model,
            sha256,
            dimension,
            pooling: self.pooling,
            normalize: self.normalize,
            max_tokens: self.max_tokens,
            query_prefix: self.query_prefix.clone(),
            document_prefix: self.document_prefix.clone(),
            made_by: None,
            probe: None,
        }
    }
}

/// Reads a folder. `graph` names the graph inside it, and `pooling` how token vectors become one; looked for when `None`.
pub(super) fn read(dir: &Path, graph: Option<&Path>, pooling: Option<Pooling>) -> Result<FolderModel> {
    let graph = match graph {
        Some(graph) => Some(dir.join(graph)).filter(|path| path.is_file()),
        None => find_graph(dir),
    };
    let hint = if dir.join("model.safetensors").is_file() { Advice::ConvertWeights } else { GRAPH_HINT.into() };
    let graph = graph.ok_or_else(|| failure(dir, "it contains no ONNX graph", Some(hint)))?;
    let tokenizer = dir.join("tokenizer.json");
    if !tokenizer.is_file() {
        return Err(failure(dir, "it contains no tokenizer.json", None));
    }
    let weights = weights_of(&graph);
    for file in [&graph, &tokenizer].into_iter().chain(&weights) {
        refuse_lfs_pointer(dir, file)?;
    }
    let config: Value = json(dir, "config.json")?.unwrap_or_default();
    let modules: Vec<Value> = json(dir, "modules.json")?.unwrap_or_default();
    if modules.iter().any(|module| is(module, ".Dense")) {
        return Err(failure(dir, "it has a dense layer after pooling, which huedb does not run", None));
    }
    let prompts: Value = json(dir, "config_sentence_transformers.json")?.unwrap_or_default();
    let prompt = |names: &[&str]| {
        let prompt = names.iter().find_map(|name| prompts.get("prompts")?.get(name)?.as_str());
        prompt.unwrap_or_default().to_owned()
    };
    let pooling = match pooling {
        Some(pooling) => pooling,
        None => find_pooling(dir, &modules)?,
    };
    Ok(FolderModel {
        weights,
        graph,
        tokenizer,
        pooling,
        normalize: modules.is_empty() || modules.iter().any(|module| is(module, ".Normalize")),
        max_tokens: max_tokens(dir, &config)?,
        dimension: ["hidden_size", "dim", "d_model", "n_embd"].iter().find_map(|name| number(&config, name)),
        query_prefix: prompt(&["query"]),
        document_prefix: prompt(&["document", "passage"]),
    })
}

const GRAPH_HINT: &str = "name it, or call it model.onnx";

fn find_graph(dir: &Path) -> Option<PathBuf> {
    let known = GRAPHS.iter().map(|name| dir.join(name)).find(|path| path.is_file());
    known.or_else(|| {
        let is_graph = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "onnx");
        let mut graphs = fs::read_dir(dir).ok()?.filter_map(|entry| Some(entry.ok()?.path())).filter(is_graph);
        match (graphs.next(), graphs.next()) {
            (Some(only), None) => Some(only),
            _ => None,
        }
    })
}

/// The files that begin with the graph's name, such as `model.onnx_data`.
pub(super) fn weights_of(graph: &Path) -> Vec<PathBuf> {
    let name = graph.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let is_weights = |path: &PathBuf| {
        path.file_name()
            .and_then(|other| other.to_str())
            .is_some_and(|other| other.len() > name.len() && other.starts_with(name))
    };
    let mut weights: Vec<PathBuf> = graph
        .parent()
        .and_then(|dir| fs::read_dir(dir).ok())
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(is_weights)
        .collect();
    weights.sort_unstable();
    weights
}

/// Whether a module of `modules.json` is of a kind.
fn is(module: &Value, kind: &str) -> bool {
    module.get("type").and_then(Value::as_str).is_some_and(|name| name.ends_with(kind))
}

/// Finds the pooling where `modules.json` says it is, else in the folder that it mostly has.
fn find_pooling(dir: &Path, modules: &[Value]) -> Result<Pooling> {
    let mut named = modules.iter().filter(|module| is(module, ".Pooling"));
    let (first, second) = (named.next(), named.next());
    if second.is_some() {
        return Err(failure(dir, "modules.json has more than one pooling", Some(Advice::NamePooling)));
    }
    let folder = match first {
        None => "1_Pooling",
        Some(module) => module.get("path").and_then(Value::as_str).unwrap_or_default(),
    };
    let is_inside = Path::new(folder).components().all(|part| matches!(part, Component::Normal(_)));
    let file = Path::new(folder).join("config.json");
    let name = file.to_string_lossy();
    match (if is_inside { json(dir, &name)? } else { None }, first) {
        (Some(config), _) => pooling_of(dir, &name, &config),
        (None, None) => Ok(Pooling::Mean),
        (None, Some(_)) => Err(failure(
            dir,
            &format!("modules.json has its pooling in {name}, which is not there"),
            Some(Advice::NamePooling),
        )),
    }
}

/// What sentence-transformers puts side by side where several are on.
const POOLING_MODES: [(&str, &str, Option<Pooling>); 6] = [
    ("pooling_mode_cls_token", "cls", Some(Pooling::Cls)),
    ("pooling_mode_max_tokens", "max", None),
    ("pooling_mode_mean_tokens", "mean", Some(Pooling::Mean)),
    ("pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens", None),
    ("pooling_mode_weightedmean_tokens", "weightedmean", None),
    ("pooling_mode_lasttoken", "lasttoken", Some(Pooling::Last)),
];

fn pooling_of(dir: &Path, file: &str, config: &Value) -> Result<Pooling> {
    // A name goes before the flags; it may be a list.
    let named: Option<Vec<&str>> = match config.get("pooling_mode") {
        Some(Value::String(name)) => Some(name.split('+').map(str::trim).collect()),
        Some(Value::Array(names)) => Some(names.iter().filter_map(Value::as_str).collect()),
        _ => None,
    };
    let on: Vec<&(&str, &str, Option<Pooling>)> = POOLING_MODES
        .iter()
        .filter(|(flag, name, _)| match &named {
            Some(named) => named.contains(name),
            // Mean is what is on where nothing is said of it.
            None => config.get(flag).map_or(*name == "mean", |on| on.as_bool() == Some(true)),
        })
        .collect();
    match on.as_slice() {
        [(.., Some(pooling))] => Ok(*pooling),
        [] | [_] => Err(failure(
            dir,
            &format!("{file}: its pooling is none of mean, cls and last token"),
            Some(Advice::NamePooling),
        )),
        several => {
            let all: Vec<&str> = several.iter().map(|(_, name, _)| *name).collect();
            let why = format!(
                "{file}: it puts {} poolings side by side ({}), which huedb does not",
                several.len(),
                all.join(", ")
            );
            Err(failure(dir, &why, Some(Advice::NamePooling)))
        }
    }
}

/// Refuses the few lines that stand in for a file which Git keeps elsewhere.
fn refuse_lfs_pointer(dir: &Path, file: &Path) -> Result<()> {
    let mut start = Vec::new();
    let read = fs::File::open(file).and_then(|file| file.take(64).read_to_end(&mut start));
    read.map_err(|error| Error::io(format!("read {}", file.display()), error))?;
    if !graph::is_lfs_pointer(&start) {
        return Ok(());
    }
    let name = file.strip_prefix(dir).unwrap_or(file).display();
    Err(failure(
        dir,
        &format!("{name} is a Git LFS pointer, not the file itself"),
        Some("get the file with `git lfs pull`".into()),
    ))
}

fn max_tokens(dir: &Path, config: &Value) -> Result<usize> {
    let sentence: Value = json(dir, "sentence_bert_config.json")?.unwrap_or_default();
    let tokenizer: Value = json(dir, "tokenizer_config.json")?.unwrap_or_default();
    let positions = number(config, "max_position_embeddings").map(|positions| {
        // These families number positions from the padding id plus one.
        let offset = config
            .get("model_type")
            .and_then(Value::as_str)
            .is_some_and(|kind| ["roberta", "xlm-roberta", "camembert", "mpnet"].contains(&kind));
        positions - if offset { 2 } else { 0 }
    });
    let limits = [number(&sentence, "max_seq_length").or_else(|| number(&tokenizer, "model_max_length")), positions];
    Ok(limits.into_iter().flatten().min().unwrap_or(512))
}

/// A whole number between 3 (a token between its ends) and what memory can hold; tokenizers without a limit
/// give 1e30.
fn number(value: &Value, name: &str) -> Option<usize> {
    let number = value.get(name)?.as_u64()?;
    usize::try_from(number).ok().filter(|number| (3..=1 << 20).contains(number))
}

fn json<T: DeserializeOwned>(dir: &Path, name: &str) -> Result<Option<T>> {
    let path = dir.join(name);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io(format!("read {}", path.display()), error)),
    };
    refuse_lfs_pointer(dir, &path)?;
    serde_json::from_slice(&text).map(Some).map_err(|error| failure(dir, &format!("{name}: {error}"), None))
}

pub(super) fn failure(dir: &Path, why: &str, hint: Option<Advice>) -> Error {
    Error::Model { model: dir.display().to_string(), why: why.to_owned(), hint }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        dir
    }

    #[test]
    fn a_bare_export_has_sentence_transformers_defaults() {
        let dir = folder(&[("model.onnx", ""), ("tokenizer.json", "{}")]);
        let model = read(dir.path(), None, None).unwrap();
        assert_eq!(model.pooling, Pooling::Mean);
        assert!(model.normalize);
        assert_eq!((model.max_tokens, model.dimension), (512, None));
        assert!(model.weights.is_empty());
    }

    #[test]
    fn every_setting_is_read_from_its_file() {
        let dir = folder(&[
            ("onnx/model.onnx", ""),
            ("onnx/model.onnx_data", ""),
            ("tokenizer.json", "{}"),
            ("config.json", r#"{"hidden_size": 768, "max_position_embeddings": 514, "model_type": "xlm-roberta"}"#),
            ("tokenizer_config.json", r#"{"model_max_length": 1000000000000000019884624838656}"#),
            ("1_Pooling/config.json", r#"{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}"#),
            ("modules.json", r#"[{"type": "sentence_transformers.models.Transformer"}]"#),
            ("config_sentence_transformers.json", r#"{"prompts": {"query": "query: ", "passage": "passage: "}}"#),
        ]);
        let model = read(dir.path(), None, None).unwrap();
        assert_eq!(model.pooling, Pooling::Cls);
        assert!(!model.normalize);
        assert_eq!((model.max_tokens, model.dimension), (512, Some(768)));
        assert_eq!((model.query_prefix.as_str(), model.document_prefix.as_str()), ("query: ", "passage: "));
        assert_eq!(model.weights, [dir.path().join("onnx/model.onnx_data")]);
    }

    #[test]
    fn the_limit_of_sentence_transformers_comes_before_the_tokenizers() {
        let dir = folder(&[
            ("model.onnx", ""),
            ("tokenizer.json", "{}"),
            ("config.json", r#"{"max_position_embeddings": 512}"#),
            ("tokenizer_config.json", r#"{"model_max_length": 384}"#),
            ("sentence_bert_config.json", r#"{"max_seq_length": 128}"#),
        ]);
        assert_eq!(read(dir.path(), None, None).unwrap().max_tokens, 128);
        fs::remove_file(dir.path().join("sentence_bert_config.json")).unwrap();
        assert_eq!(read(dir.path(), None, None).unwrap().max_tokens, 384);
    }

    #[test]
    fn a_folder_that_lacks_something_says_what() {
        let why = |files: &[(&str, &str)]| read(folder(files).path(), None, None).unwrap_err().to_string();
        assert!(why(&[]).contains("no ONNX graph"));
        assert!(why(&[("a.onnx", ""), ("b.onnx", "")]).contains("no ONNX graph"), "which of two is not guessed");
        assert!(why(&[("a.onnx", "")]).contains("no tokenizer.json"));
        let base = [("a.onnx", ""), ("tokenizer.json", "{}")];
        let with = |name, content| [&base[..], &[(name, content)]].concat();
        assert!(why(&with("config.json", "{")).contains("config.json"));
        assert!(why(&with("1_Pooling/config.json", r#"{"pooling_mode_max_tokens": true}"#)).contains("pooling"));
        assert!(
            why(&with("modules.json", r#"[{"type": "sentence_transformers.models.Dense"}]"#)).contains("dense layer")
        );
    }

    #[test]
    fn the_pooling_is_where_modules_json_says() {
        let modules = |path: &str| {
            format!(
                r#"[{{"idx":0,"path":"","type":"sentence_transformers.models.Transformer"}},
                    {{"idx":1,"path":{path:?},"type":"sentence_transformers.models.Pooling"}}]"#
            )
        };
        let cls = r#"{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}"#;
        let pooling = |files: &[(&str, &str)], asked: Option<Pooling>| {
            let base = [("a.onnx", ""), ("tokenizer.json", "{}")];
            read(folder(&[&base, files].concat()).path(), None, asked)
                .map(|model| model.pooling)
                .map_err(|e| e.to_string())
        };
        let elsewhere = [("modules.json", &*modules("3_P")), ("3_P/config.json", cls), ("1_Pooling/config.json", "{}")];
        assert_eq!(pooling(&elsewhere, None), Ok(Pooling::Cls));
        let missing = [("modules.json", &*modules("3_P")), ("1_Pooling/config.json", cls)];
        assert!(pooling(&missing, None).unwrap_err().contains("3_P/config.json, which is not there"));
        assert_eq!(pooling(&missing, Some(Pooling::Last)), Ok(Pooling::Last));
        let outside = [("modules.json", &*modules("../P"))];
        assert!(pooling(&outside, None).unwrap_err().contains("which is not there"));
        for (config, expected) in [
            (r#"{"word_embedding_dimension": 384}"#, Ok(Pooling::Mean)),
            (r#"{"pooling_mode": "lasttoken"}"#, Ok(Pooling::Last)),
            (r#"{"pooling_mode": "cls", "pooling_mode_mean_tokens": true}"#, Ok(Pooling::Cls)),
            (r#"{"pooling_mode": ["mean"]}"#, Ok(Pooling::Mean)),
            (r#"{"pooling_mode": ["cls", "mean"]}"#, Err("2 poolings side by side (cls, mean)")),
            (r#"{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": true}"#, Err("side by side (cls, mean)")),
            (
                r#"{"pooling_mode_cls_token": true, "pooling_mode_max_tokens": true}"#,
                Err("side by side (cls, max, mean)"),
            ),
            (r#"{"pooling_mode_cls_token": true}"#, Err("side by side (cls, mean)")),
            (
                r#"{"pooling_mode_max_tokens": true, "pooling_mode_mean_tokens": false}"#,
                Err("none of mean, cls and last token"),
            ),
            (r#"{"pooling_mode": "mean_sqrt_len_tokens"}"#, Err("none of mean, cls and last token")),
            (r#"{"pooling_mode_mean_tokens": false}"#, Err("none of mean, cls and last token")),
        ] {
            match (pooling(&[("1_Pooling/config.json", config)], None), expected) {
                (Err(found), Err(says)) => assert!(found.contains(says), "{config}: {found}"),
                (found, expected) => assert_eq!(found, expected.map_err(str::to_owned), "{config}"),
            }
            assert_eq!(pooling(&[("1_Pooling/config.json", config)], Some(Pooling::Last)), Ok(Pooling::Last));
        }
    }

    #[test]
    fn a_pointer_of_git_is_named_as_one() {
        let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 34\n";
        let files = ["model.onnx", "model.onnx_data", "tokenizer.json", "config.json", "modules.json"];
        for name in files {
            let content = |file: &str| {
                if file == name {
                    pointer
                } else if file == "modules.json" {
                    "[]"
                } else {
                    "{}"
                }
            };
            let dir = folder(&files.map(|file| (file, content(file))));
            let error = read(dir.path(), None, None).unwrap_err();
            assert!(error.to_string().contains(&format!("{name} is a Git LFS pointer")), "{error}");
            assert!(error.hint().unwrap().contains("git lfs pull"));
        }
    }
}
