//! Tokens: the secret that a client sends, and what is kept of it.
//!
//! A token is `hdb_`, eight characters that name it, `_`, a secret of 43 characters, `_`, and six check digits. The secret is
//! drawn from 62 characters evenly, which is 256 bits; so much chance needs no slow hash, and SHA-256 of the whole is what is
//! kept. The check digits, a CRC-32 of what is before them, tell a token that was cut or mistyped, also to scanners of secrets
//! that have no server to ask. Invariant: nothing here shows a secret but [`TokenText::as_str`].

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{Grant, hexadecimal};
use crate::error::{Error, Result};

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const START: &str = "hdb_";
const ID_CHARS: usize = 8;
const SECRET_CHARS: usize = 43;
const CHECK_CHARS: usize = 6;
const CHARS: usize = START.len() + ID_CHARS + 1 + SECRET_CHARS + 1 + CHECK_CHARS;

/// A token as it is sent.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenText(Zeroizing<String>);

impl TokenText {
    /// Draws a token.
    ///
    /// # Errors
    /// [`Error::Io`] when the system has no random numbers.
    pub fn draw() -> Result<Self> {
        let mut text = Zeroizing::new(String::with_capacity(CHARS));
        text.push_str(START);
        push_drawn(&mut text, ID_CHARS)?;
        text.push('_');
        push_drawn(&mut text, SECRET_CHARS)?;
        text.push('_');
        let check = check_digits(text.as_bytes());
        text.push_str(&check);
        Ok(Self(text))
    }

    /// Reads a token; `None` where it is not one, or its check digits are wrong.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_digits = |part: &str, chars| part.len() == chars && part.bytes().all(|c| c.is_ascii_alphanumeric());
        let (id, rest) = text.strip_prefix(START)?.split_once('_')?;
        let (secret, check) = rest.split_once('_')?;
        let is_formed = is_digits(id, ID_CHARS) && is_digits(secret, SECRET_CHARS) && is_digits(check, CHECK_CHARS);
        let before = text.len().checked_sub(CHECK_CHARS)?;
        let is_whole = is_formed && check_digits(text.as_bytes().get(..before)?) == check;
        is_whole.then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// Returns the token, secret and all.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the part that names it, which is no secret.
    #[must_use]
    pub fn id(&self) -> &str {
        self.0.get(START.len()..START.len() + ID_CHARS).unwrap_or_default()
    }

    fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

impl fmt::Debug for TokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenText({START}{}_...)", self.id())
    }
}

/// Appends characters, each as likely as any other.
fn push_drawn(text: &mut String, count: usize) -> Result<()> {
    /// The largest multiple of 62 that a byte holds: bytes from here on would favour some characters.
    const EVEN: u8 = 248;
    let mut left = count;
    while left > 0 {
        let mut bytes = Zeroizing::new([0; 64]);
        getrandom::fill(&mut *bytes).map_err(|error| Error::io("draw a token", std::io::Error::other(error)))?;
        for byte in bytes.iter().filter(|byte| **byte < EVEN).take(left) {
            text.extend(DIGITS.get(usize::from(byte % 62)).map(|digit| char::from(*digit)));
            left -= 1;
        }
    }
    Ok(())
}

fn check_digits(bytes: &[u8]) -> String {
    let mut sum = crc32fast::hash(bytes);
    let mut digits = [b'0'; CHECK_CHARS];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS.get(sum as usize % DIGITS.len()).copied().unwrap_or(b'0');
        sum /= 62;
    }
    digits.iter().copied().map(char::from).collect()
}

/// How many requests a second, evenly; as many as a second's may come at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rate(pub NonZeroU32);

impl FromStr for Rate {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let number = text.strip_suffix("/s").and_then(|number| number.parse().ok());
        number.map(Self).ok_or_else(|| Error::argument(format!("{text:?} is no rate; write one as 100/s")))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.0)
    }
}

impl TryFrom<String> for Rate {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Rate> for String {
    fn from(rate: Rate) -> Self {
        rate.to_string()
    }
}

/// A token as the file keeps it: what it is for, and how to know it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// The part of its text that names it.
    pub id: String,
    /// What people call it. A token and the one that takes its place have the same name for a while.
    pub name: String,
    /// What it may do, and where.
    #[serde(flatten)]
    pub grant: Grant,
    /// How many requests it may send.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rate: Option<Rate>,
    /// When it was made, in seconds since 1970.
    pub created: u64,
    /// From when on it is refused, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expires: Option<u64>,
    sha256: String,
}

impl Token {
    /// Returns what is to be kept of a token.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a name that is empty, longer than 128 characters, or holds others than those that print.
    pub fn new(text: &TokenText, name: impl Into<String>, grant: Grant) -> Result<Self> {
        let name = name.into();
        if name.is_empty() || name.chars().count() > 128 || name.chars().any(char::is_control) {
            return Err(Error::argument("the name of a token has 1 to 128 characters, all of which print"));
        }
        let (id, created) = (text.id().to_owned(), seconds(SystemTime::now()));
        Ok(Self { id, name, grant, rate: None, created, expires: None, sha256: hexadecimal(&text.digest()) })
    }

    /// Returns whether a text is this token; takes as long for every text.
    #[must_use]
    pub fn is(&self, text: &TokenText) -> bool {
        hexadecimal(&text.digest()).as_bytes().ct_eq(self.sha256.as_bytes()).into()
    }

    /// Returns whether its time is over.
    #[must_use]
    pub fn is_expired(&self, now: SystemTime) -> bool {
        self.expires.is_some_and(|expires| seconds(now) >= expires)
    }

    /// Returns when it expires.
    #[must_use]
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.expires.and_then(|expires| UNIX_EPOCH.checked_add(Duration::from_secs(expires)))
    }
}

/// Returns seconds since 1970.
pub(crate) fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::super::{Grant, Role};
    use super::*;

    #[test]
    fn a_token_is_read_again_and_no_changed_one_is() {
        let text = TokenText::draw().unwrap();
        assert_eq!(text.as_str().len(), CHARS);
        assert_eq!(TokenText::parse(text.as_str()).as_ref(), Some(&text));
        assert!(format!("{text:?}").len() < 40, "it shows its secret");
        for at in 0..CHARS {
            let mut changed: Vec<char> = text.as_str().chars().collect();
            changed[at] = if changed[at] == 'x' { 'y' } else { 'x' };
            let changed: String = changed.into_iter().collect();
            assert!(TokenText::parse(&changed).is_none(), "{at}");
            assert!(TokenText::parse(&text.as_str()[..at]).is_none(), "{at}");
        }
        assert!(TokenText::parse(&format!("{} ", text.as_str())).is_none());
        assert_ne!(TokenText::draw().unwrap(), text);
    }

    /// Scanners of secrets compute them without us.
    #[test]
    fn check_digits_stay_what_they_are() {
        assert_eq!(check_digits(b"hdb_00000000_0000000000000000000000000000000000000000000_"), "2FTSMA");
    }

    #[test]
    fn every_character_is_as_likely() {
        let mut seen = [0_u32; 256];
        for _ in 0..500 {
            TokenText::draw().unwrap().as_str().bytes().for_each(|byte| seen[usize::from(byte)] += 1);
        }
        // 500 x 51 drawn of 62 is 411 of each; the start and the check digits add to some.
        assert!(DIGITS.iter().all(|digit| (250..1300).contains(&seen[usize::from(*digit)])), "{seen:?}");
    }

    #[test]
    fn what_is_kept_knows_the_token_and_not_its_secret() {
        let (text, other) = (TokenText::draw().unwrap(), TokenText::draw().unwrap());
        let mut token = Token::new(&text, "ci", Grant::everywhere(Role::Reader)).unwrap();
        assert!(token.is(&text) && !token.is(&other));
        let json = serde_json::to_string(&token).unwrap();
        assert!(!json.contains(&text.as_str()[13..56]), "{json}");
        assert_eq!(serde_json::from_str::<Token>(&json).unwrap(), token);
        let now = SystemTime::now();
        token.expires = Some(seconds(now));
        assert!(token.is_expired(now) && !token.is_expired(now - Duration::from_secs(1)));
        assert!(Token::new(&text, "", Grant::everywhere(Role::Reader)).is_err());
        assert!(Token::new(&text, "a\nb", Grant::everywhere(Role::Reader)).is_err());
    }

    #[test]
    fn rates() {
        assert_eq!("100/s".parse::<Rate>().unwrap().to_string(), "100/s");
        for bad in ["100", "0/s", "-1/s", "/s", "1/m", ""] {
            assert!(bad.parse::<Rate>().is_err(), "{bad}");
        }
    }
}
