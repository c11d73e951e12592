//! What fits at the cursor of a command line: verbs, flags, and names that stand in the file.
//!
//! Where clap's own tree knows what fits, it says so; names are looked up here. Invariant: nothing is written, nobody is
//! asked or told anything, and a file that is locked, damaged, or encrypted with a key that is not at hand has no names.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use clap::{Arg, Command, ValueHint};
use clap_complete::engine::{self, ArgValueCompleter, CompletionCandidate};
use huedb::backend::{Backend, Place};
use huedb::embed::{LoadOptions, models};
use huedb::error::{Error, Result};
use huedb::query::filter_key;
use huedb::record::Scope;
use huedb::store::{Access, Options, Store};

use crate::cli::configuration::defaults::Defaults;
use crate::cli::context::key::{KeyRing, KeySource, KnownKeys};
use crate::cli::context::places::Reach;
use crate::cli::context::token::TokenSource;

/// Longer nobody waits for a list of names.
const PATIENCE: Duration = Duration::from_millis(100);

/// Nor for one from another machine.
const FAR_PATIENCE: Duration = Duration::from_secs(1);

/// Stands among the candidates for the names of files, which the shell knows best.
const FILES: &str = "\u{1}files";

const PROGRAM: &str = "huedb";

/// What a column can be besides a metadata key.
const PARTS: [&str; 6] = ["id", "distance", "document", "metadata", "uri", "embedding"];

/// What could stand at the cursor.
#[derive(Debug, Default)]
pub(crate) struct CompletionCandidates {
    /// Whole words, each with a word about it.
    pub(crate) words: Vec<(String, String)>,
    /// Whether names of files fit as well.
    pub(crate) files: bool,
}

/// Kinds of names that are looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    Collections,
    Keys,
    /// Keys and parts of a record, one after a comma.
    Columns,
    /// Keys, inside a filter.
    Filter,
    Tenants,
    Databases,
    Tokens,
    Models,
    Verbs,
    Settings,
}

impl Names {
    /// Says what an argument of a verb names, if it names anything.
    fn of(verb: &str, arg: &Arg) -> Option<Self> {
        Some(match (verb, arg.get_id().as_str()) {
            (_, "collection") => Self::Collections,
            (_, "sort" | "color_by") | ("distinct", "key") => Self::Keys,
            (_, "columns" | "label") => Self::Columns,
            (_, "filters") => Self::Filter,
            (PROGRAM, "tenant") | ("tenant drop", "name") => Self::Tenants,
            (PROGRAM, "database") | ("database drop", "name") => Self::Databases,
            ("token show" | "token revoke" | "token rotate", "name") => Self::Tokens,
            (_, "model" | "rerank" | "sparse_model") | ("model verify" | "model remove", "name") => Self::Models,
            ("man" | "help", "words") => Self::Verbs,
            ("config set" | "config unset", "key") => Self::Settings,
            _ => return None,
        })
    }
}

/// Returns what fits for the last of the words, which may be empty; the first is the first after `huedb`.
pub(crate) fn candidates(defaults: &Defaults, words: &[String]) -> CompletionCandidates {
    let Some((current, before)) = words.split_last() else { return CompletionCandidates::default() };
    let known = Arc::new(NameLookup::of(defaults, before));
    let mut tree = completing(defaults.tree.clone(), PROGRAM, &known);
    let line: Vec<OsString> =
        std::iter::once(PROGRAM).chain(words.iter().map(String::as_str)).map(Into::into).collect();
    let at = line.len() - 1;
    let found = engine::complete(&mut tree, line, at, None).unwrap_or_default();
    let mut all = CompletionCandidates::default();
    for candidate in found {
        let Some(value) = candidate.get_value().to_str() else { continue };
        if value.ends_with(FILES) {
            all.files = true;
            continue;
        }
        let help = candidate.get_help().map(ToString::to_string).unwrap_or_default();
        let help = help.lines().next().unwrap_or_default().to_owned();
        // One line is one candidate.
        if !value.contains(['\n', '\t']) {
            all.words.push((value.to_owned(), help));
        }
    }
    // Flags are asked for by a dash, unless there is nothing else.
    if current.is_empty() && (all.files || all.words.iter().any(|(value, _)| !value.starts_with('-'))) {
        all.words.retain(|(value, _)| !value.starts_with('-'));
    }
    all
}

/// Has every argument that names something look the names up; `verb` is `huedb` itself or as in `index build`.
fn completing(tree: Command, verb: &str, known: &Arc<NameLookup>) -> Command {
    let tree = tree.mut_args(|arg| {
        let known = Arc::clone(known);
        match Names::of(verb, &arg) {
            Some(names) => arg.add(ArgValueCompleter::new(move |typed: &OsStr| {
                typed.to_str().map_or_else(Vec::new, |typed| known.complete(names, typed))
            })),
            None if is_path(&arg) => arg.add(ArgValueCompleter::new(|_: &OsStr| vec![CompletionCandidate::new(FILES)])),
            None => arg,
        }
    });
    tree.mut_subcommands(|sub| {
        let name = sub.get_name().to_owned();
        let name = if verb == PROGRAM { name } else { format!("{verb} {name}") };
        completing(sub, &name, known)
    })
}

fn is_path(arg: &Arg) -> bool {
    let hinted = matches!(arg.get_value_hint(), ValueHint::FilePath | ValueHint::DirPath | ValueHint::AnyPath);
    let is_named = |name: &str| ["FILE", "DIR", "PATH", "SOURCE"].contains(&name);
    hinted || arg.get_value_names().is_some_and(|names| names.iter().any(|name| is_named(name)))
}

/// What the words before the cursor say about where names are.
struct NameLookup {
    db: PathBuf,
    options: Options,
    key_file: Option<PathBuf>,
    token_file: Option<PathBuf>,
    collection: Option<String>,
    verbs: Vec<String>,
    settings: Vec<String>,
}

impl NameLookup {
    fn of(defaults: &Defaults, before: &[String]) -> Self {
        let mut tree = defaults.tree.clone().ignore_errors(true);
        let line = std::iter::once(PROGRAM).chain(before.iter().map(String::as_str));
        let matches = tree.try_get_matches_from_mut(line).ok();
        let text = |id: &str| Some(matches.as_ref()?.try_get_one::<String>(id).ok()??.clone());
        let path = |id: &str| Some(matches.as_ref()?.try_get_one::<PathBuf>(id).ok()??.clone());
        // The verb's own, or that of `index build` and its like.
        let mut within = matches.as_ref();
        let mut collection = None;
        while let Some((_, sub)) = within.and_then(|matches| matches.subcommand()) {
            collection = sub.try_get_one::<String>("collection").ok().flatten().cloned().or(collection);
            within = Some(sub);
        }
        let usual = Scope::default();
        let scope = Scope {
            tenant: text("tenant").unwrap_or(usual.tenant),
            database: text("database").unwrap_or(usual.database),
        };
        Self {
            db: crate::cli::configuration::defaults::at_home(&path("db").unwrap_or_default().to_string_lossy()),
            options: Options {
                busy_timeout: PATIENCE,
                cache_bytes: Options::READ_CACHE_BYTES,
                scope,
                mends: false,
                ..Options::default()
            },
            key_file: path("key_file"),
            token_file: path("token_file"),
            collection,
            verbs: tree.get_subcommands().map(|verb| verb.get_name().to_owned()).collect(),
            settings: defaults.keys(),
        }
    }

    fn complete(&self, names: Names, typed: &str) -> Vec<CompletionCandidate> {
        // Of a filter, and of a list, only the key that is being typed is completed.
        let kept = match names {
            Names::Filter => before_key(typed),
            Names::Columns => Some(typed.rfind(',').map_or(0, |comma| comma + 1)),
            _ => Some(0),
        };
        let Some((done, typed)) = kept.and_then(|at| typed.split_at_checked(at)) else { return Vec::new() };
        let found = self.names(names).unwrap_or_default().into_iter();
        let found = found.filter(|name| name.starts_with(typed));
        found.map(|name| CompletionCandidate::new(format!("{done}{name}"))).collect()
    }

    fn names(&self, names: Names) -> Result<Vec<String>> {
        let place = Place::parse(&self.db);
        if place.path().is_none() && [Names::Collections, Names::Tenants, Names::Databases].contains(&names) {
            return self.far_names(place, names);
        }
        Ok(match names {
            Names::Collections => {
                self.open()?.collections()?.into_iter().map(|(info, _)| info.name.to_string()).collect()
            }
            Names::Keys => self.keys()?,
            Names::Columns => {
                let keys = self.keys()?.into_iter().filter(|key| !key.contains(','));
                PARTS.map(str::to_owned).into_iter().chain(keys).collect()
            }
            Names::Filter => self.keys()?.iter().map(|key| filter_key(key)).collect(),
            Names::Tenants => self.open()?.tenants()?,
            Names::Databases => self.open()?.databases()?.into_iter().map(|database| database.name).collect(),
            Names::Tokens => {
                let mut names: Vec<String> = self.open()?.tokens()?.into_iter().map(|token| token.name).collect();
                names.dedup();
                names
            }
            Names::Models => models(&LoadOptions::from_env()?)?.into_iter().map(|model| model.name).collect(),
            Names::Verbs => self.verbs.clone(),
            Names::Settings => self.settings.clone(),
        })
    }

    /// Asks a place on another machine; one that does not answer soon has no names.
    fn far_names(&self, place: Place, names: Names) -> Result<Vec<String>> {
        // A command that prints the token may ask for something itself.
        let token = TokenSource::new(self.token_file.clone(), None, None);
        let reach = Reach { scope: self.options.scope.clone(), token, patience: FAR_PATIENCE };
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            let found = reach.connect(&place).and_then(|place| listed(place.as_ref(), names));
            // Nobody listens any longer, maybe.
            let _ = tell.send(found);
        });
        told.recv_timeout(FAR_PATIENCE).unwrap_or(Ok(Vec::new()))
    }

    fn keys(&self) -> Result<Vec<String>> {
        match &self.collection {
            Some(collection) => self.open()?.view(collection)?.metadata_keys(),
            None => Ok(Vec::new()),
        }
    }

    fn open(&self) -> Result<Store> {
        match Store::open_with(&self.db, Access::Read, &self.options) {
            // A command that prints the key may ask for something itself.
            Err(Error::KeyNeeded { path }) if self.key_file.is_some() => {
                let source = KeySource::given(self.key_file.clone(), None, false);
                let (key, _) = KeyRing::new(source, KnownKeys::default()).of(&path)?;
                Store::open_with(&self.db, Access::Read, &Options { key: Some(key), ..self.options.clone() })
            }
            opened => opened,
        }
    }
}

fn listed(place: &dyn Backend, names: Names) -> Result<Vec<String>> {
    match names {
        Names::Tenants => place.tenants(),
        Names::Databases => Ok(place.databases()?.into_iter().map(|database| database.name).collect()),
        _ => Ok(place.collections()?.into_iter().map(|(info, _)| info.name.to_string()).collect()),
    }
}

/// Returns where the key begins that a filter in the short form ends with; `None` where a key does not fit.
fn before_key(filter: &str) -> Option<usize> {
    let at = filter.rfind([' ', '(']).map_or(0, |at| at + 1);
    let done = filter.get(..at)?.trim_end();
    let is_json = filter.trim_start().starts_with('{');
    let opened = done.trim_end_matches('(');
    let last = opened.trim_end().rsplit([' ', '(']).next().unwrap_or_default();
    // What a list begins with is a value.
    let fits = opened.is_empty() || ["and", "or", "not"].iter().any(|word| word.eq_ignore_ascii_case(last));
    (fits && !is_json).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_fits_where_a_test_begins() {
        for (filter, at) in [
            ("", Some(0)),
            ("ye", Some(0)),
            ("year ", None),
            ("year >= ", None),
            ("year >= 2000 and la", Some(17)),
            ("not ", Some(4)),
            ("(ye", Some(1)),
            ("a = 1 or (b", Some(10)),
            ("{\"ye", None),
            ("{\"$and\": [ ", None),
            ("lang in (\"en", None),
        ] {
            assert_eq!(before_key(filter), at, "{filter:?}");
        }
    }
}
