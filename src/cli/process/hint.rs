//! What to do about an error, in the command's own words: its flags and verbs.
//!
//! The library's errors name neither ([`Error::hint`]). Invariant: an error of which nothing is said here has the library's
//! hint, and every hint here names a flag or a verb that there is.

use huedb::error::{Advice, Error};

use crate::cli::process::advice::words;
use crate::output::chain;

/// Says what to do, where there is something to do.
pub(crate) fn hint(error: &Error) -> Option<String> {
    Some(match error {
        Error::CollectionNotFound { name, known } if known.is_empty() => {
            format!("there are no collections here yet; create one with `huedb create {name}`")
        }
        Error::CollectionExists { name } => {
            format!("--get-or-create goes on with it; `huedb show {name}` shows it, `huedb drop {name}` removes it")
        }
        Error::TenantNotFound { known, .. } => {
            format!("available: {}; create one with `huedb tenant create NAME`", known.join(", "))
        }
        Error::DatabaseNotFound { known, .. } if known.is_empty() => {
            "the tenant has none yet; create one with `huedb database create NAME`".into()
        }
        Error::DatabaseNotFound { known, .. } => {
            format!("available: {}; create one with `huedb database create NAME`", known.join(", "))
        }
        Error::TokenNotFound { known, .. } if known.is_empty() => {
            "there are none yet; create one with `huedb token create NAME --role ROLE`".into()
        }
        Error::TokenExists { name } => {
            format!("`huedb token rotate {name}` puts another in its place, `huedb token revoke {name}` removes it")
        }
        Error::ModelMismatch { stored, .. } => {
            format!("use the model {stored}; `huedb reembed` changes the model of a collection")
        }
        Error::ModelNotFound { .. } => {
            format!("{}; add one with `huedb model add DIR`", error.hint().unwrap_or_default())
        }
        Error::NoModel { .. } => "give --embedding, or create the collection with a model".into(),
        Error::WordsNotIndexed { collection } => {
            format!("create one with `huedb index build {collection} --hybrid`")
        }
        Error::FileNotFound { .. } => {
            "create it with `huedb create NAME`, or with --create where you import or sync; or name another with --db or \
             HUEDB_FILE"
                .into()
        }
        Error::FileExists { .. } => "name another, or replace it with --force".into(),
        Error::KeyNeeded { .. } => {
            "give its key with --key-file FILE (or HUEDB_KEY_FILE), with --key-command COMMAND (or HUEDB_KEY_COMMAND), \
             or on a terminal, where it is asked for"
                .into()
        }
        Error::WrongKey { .. } => {
            "its key is the one last given to `huedb create --encrypt`, `huedb encrypt` or `huedb rekey`".into()
        }
        Error::Busy { .. } => "wait for the other huedb to finish, or raise --busy-timeout".into(),
        Error::Damaged { .. } => "`huedb check` lists what is damaged, `huedb repair` repairs what it can".into(),
        Error::Interrupted => "what was stored is complete; run the same command to continue".into(),
        Error::BadRecord { cause, .. } => return hint(cause),
        error => return error.advice().map(words).or_else(|| error.hint()),
    })
}

/// Says an error that does not end the command, with its causes and what to do.
pub(crate) fn passing(error: &Error) -> String {
    // Of a whole table without text a notice says it once.
    let is_said = matches!(error.advice(), Some(Advice::NameTextColumn(None)));
    let hint = hint(error).filter(|_| !is_said);
    chain(error) + &hint.map(|hint| format!("; {hint}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::tree::command;

    #[test]
    fn every_hint_names_verbs_that_there_are() {
        let (name, path) = (|| String::from("notes"), || std::path::PathBuf::from("n.redb"));
        let errors = [
            Error::CollectionNotFound { name: name(), known: Vec::new() },
            Error::CollectionExists { name: name() },
            Error::TenantNotFound { name: name(), known: Vec::new() },
            Error::DatabaseNotFound { name: name(), tenant: name(), known: Vec::new() },
            Error::ModelMismatch { collection: name(), stored: name(), given: name() },
            Error::ModelNotFound { model: name(), known: Vec::new() },
            Error::WordsNotIndexed { collection: name() },
            Error::TokenNotFound { name: name(), known: Vec::new() },
            Error::TokenExists { name: name() },
            Error::FileNotFound { path: path() },
            Error::WrongKey { path: path() },
            Error::Damaged { path: path(), what: name() },
        ];
        for error in errors {
            let hint = hint(&error).unwrap();
            let named: Vec<&str> = hint.split('`').skip(1).step_by(2).collect();
            assert!(!named.is_empty(), "{hint}");
            for words in named {
                let verb = words.split(' ').nth(1).unwrap();
                assert!(command().find_subcommand(verb).is_some(), "{hint}");
            }
            // The library's own hint names none.
            let own = error.hint().unwrap_or_default();
            assert!(!own.contains("huedb") && !own.contains("--"), "{own}");
        }
    }
}
