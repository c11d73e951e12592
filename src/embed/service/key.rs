//! The key of a service: from a variable or a command, into memory alone.
//!
//! Invariants: it is got at the first request and not before; it has no `Debug`, and whatever a service says is shown
//! without it; it leaves no trace in memory once it is not needed.

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use ureq::http::HeaderValue;
use zeroize::Zeroizing;

use super::settings::KeySource;
use crate::error::{Advice, Error, Result};

/// Longer than any key.
const MOST_BYTES: u64 = 16 << 10;

/// A key.
pub(super) struct Key(Zeroizing<String>);

impl Key {
    /// Returns what goes into a header; it does not show itself.
    pub(super) fn header(&self, before: &str) -> Result<HeaderValue> {
        let value = Zeroizing::new(format!("{before}{}", self.0.as_str()));
        let mut header = HeaderValue::from_str(&value)
            .map_err(|_| Error::argument("the key of the service has characters that no header can have"))?;
        header.set_sensitive(true);
        Ok(header)
    }

    /// Returns a text without it.
    pub(super) fn hidden_in(&self, text: &str) -> String {
        text.replace(self.0.as_str(), "***")
    }
}

/// A key, once it was got.
pub(super) struct ServiceKey {
    source: KeySource,
    known: Mutex<Option<Arc<Key>>>,
    /// Reads a variable of the environment.
    variable: fn(&str) -> Option<String>,
}

impl ServiceKey {
    pub(super) fn new(source: KeySource, variable: fn(&str) -> Option<String>) -> Self {
        Self { source, known: Mutex::default(), variable }
    }

    /// Returns the key, and gets it the first time.
    pub(super) fn get(&self) -> Result<Arc<Key>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = known.as_ref() {
            return Ok(Arc::clone(key));
        }
        let text = match &self.source {
            KeySource::Env(name) => {
                (self.variable)(name).map(Zeroizing::new).ok_or_else(|| Error::InvalidArgument {
                    why: format!("the variable {name}, which is to hold the key of the service, is not set"),
                    hint: Some("set and export it; only its name is kept".into()),
                })?
            }
            KeySource::Command(command) => run(command)?,
        };
        let text = Zeroizing::new(text.trim().to_owned());
        if text.is_empty() {
            return Err(Error::argument(format!("the key from {} is empty", shown(&self.source))));
        }
        Ok(Arc::clone(known.insert(Arc::new(Key(text)))))
    }

    /// Forgets a key that is no longer taken; returns whether another may be got in its place.
    pub(super) fn renews(&self, refused: &Arc<Key>) -> bool {
        let KeySource::Command(_) = self.source else { return false };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have got a new one meanwhile.
        if known.as_ref().is_some_and(|key| Arc::ptr_eq(key, refused)) {
            *known = None;
        }
        true
    }
}

/// Names where a key comes from; the words of a command may hold more than they should.
pub(super) fn shown(source: &KeySource) -> String {
    match source {
        KeySource::Env(name) => format!("the variable {name}"),
        KeySource::Command(_) => "a command".to_owned(),
    }
}

/// Refuses what cannot be where a key is, above all a key itself, which is not repeated.
pub(super) fn check(source: &KeySource) -> Result<()> {
    let is_name = |name: &str| {
        let allowed = |c: u8| c.is_ascii_uppercase() || c.is_ascii_digit() || c == b'_';
        name.bytes().all(allowed) && name.bytes().next().is_some_and(|c| !c.is_ascii_digit())
    };
    match source {
        KeySource::Env(name) if !is_name(name) => Err(Error::InvalidArgument {
            why: "what was given is not the name of a variable that holds a key: capitals, digits and _".into(),
            hint: Some(Advice::NameKeyVariable),
        }),
        KeySource::Command(command) if command.trim().is_empty() => {
            Err(Error::argument("the command that prints the key is empty"))
        }
        _ => Ok(()),
    }
}

fn run(command: &str) -> Result<Zeroizing<String>> {
    let failed = |error| Error::io("run the command that prints the key of the service", error);
    // Its input is not what huedb is to read; what it says is for whoever sees the standard error.
    let mut child =
        Command::new("sh").args(["-c", command]).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map_err(failed)?;
    let mut text = Zeroizing::new(String::with_capacity(1 << 10));
    let read = child.stdout.take().map_or(Ok(0), |out| out.take(MOST_BYTES).read_to_string(&mut text));
    let status = child.wait().map_err(failed)?;
    read.map_err(failed)?;
    if status.success() {
        return Ok(text);
    }
    Err(Error::argument(format!("the command that prints the key of the service failed with {status}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(name: &str) -> Option<String> {
        (name == "KEY").then(|| " hush\n".to_owned())
    }

    #[test]
    fn a_key_is_got_once_and_a_command_runs_again_where_it_is_refused() {
        let env = ServiceKey::new(KeySource::Env("KEY".into()), variable);
        let key = env.get().unwrap();
        assert_eq!(key.header("Bearer ").unwrap(), "Bearer hush");
        assert_eq!(format!("{:?}", key.header("Bearer ").unwrap()), "Sensitive");
        assert_eq!(key.hidden_in("no key hush here"), "no key *** here");
        assert!(!env.renews(&key));
        let dir = tempfile::tempdir().unwrap();
        let count = dir.path().join("count");
        let command = format!("echo x >> '{0}'; wc -l < '{0}'", count.display());
        let command = ServiceKey::new(KeySource::Command(command), variable);
        let first = command.get().unwrap();
        assert_eq!(command.get().unwrap().header("").unwrap(), "1");
        assert!(command.renews(&first));
        assert_eq!(command.get().unwrap().header("").unwrap(), "2");
        // Whoever was refused with the old one takes the new one.
        assert!(command.renews(&first));
        assert_eq!(command.get().unwrap().header("").unwrap(), "2");
    }

    #[test]
    fn what_gives_no_key_is_told_without_one() {
        let get = |source| ServiceKey::new(source, variable).get().map(drop).unwrap_err().to_string();
        assert!(get(KeySource::Env("OTHER".into())).contains("OTHER"));
        assert!(get(KeySource::Command("echo".into())).contains("empty"));
        assert!(get(KeySource::Command("echo hush; exit 3".into())).contains("exit status: 3"));
        let multi = ServiceKey::new(KeySource::Command("printf 'a\\nb'".into()), variable).get().unwrap();
        assert!(multi.header("").is_err());
        for key in ["sk-hush", "hush", "Bearer x", "", "1KEY"] {
            let error = check(&KeySource::Env(key.into())).unwrap_err().to_string();
            assert!(!error.contains("hush"), "{error}");
        }
        check(&KeySource::Env("OPENAI_API_KEY".into())).unwrap();
        assert!(check(&KeySource::Command(" ".into())).is_err());
    }
}
