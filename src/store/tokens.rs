//! Tokens: who may ask a server of this file for what.
//!
//! They are a part of the file: encrypted with it, copied by `backup`, and looked up by every request, so that what is revoked
//! is refused from the next request on. Invariant: of a token there is kept what knows it again, never the token.

use std::time::SystemTime;

use redb::{ReadTransaction, ReadableTable, TableError};

use super::{Store, table};
use crate::error::{Error, Result};
use crate::record::{Token, TokenText, seconds};

fn decode(id: &str, bytes: &[u8]) -> Result<Token> {
    serde_json::from_slice(bytes)
        .map_err(|error| Error::damaged(format!("the entry of token {id} is unreadable: {error}")))
}

fn encode(token: &Token) -> Result<Vec<u8>> {
    serde_json::to_vec(token).map_err(|error| Error::argument(error.to_string()))
}

fn read_all(rows: &impl ReadableTable<&'static str, &'static [u8]>) -> Result<Vec<Token>> {
    let mut tokens = Vec::new();
    for row in rows.iter()? {
        let (id, bytes) = row?;
        tokens.push(decode(id.value(), bytes.value())?);
    }
    sort_tokens(&mut tokens);
    Ok(tokens)
}

/// Puts tokens in the order they are listed in.
pub(crate) fn sort_tokens(tokens: &mut [Token]) {
    tokens.sort_by(|a, b| (&a.name, a.created, &a.id).cmp(&(&b.name, b.created, &b.id)));
}

/// Returns whether a token is to be kept beside others; `false` where it is among them under its name.
///
/// # Errors
/// [`Error::TokenExists`] when its name or its id is another's.
pub(crate) fn is_new_token(tokens: &[Token], token: &Token, text: &TokenText) -> Result<bool> {
    for known in tokens {
        if known.name == token.name && known.is(text) {
            return Ok(false);
        }
        if known.name == token.name || known.id == token.id {
            return Err(Error::TokenExists { name: known.name.clone() });
        }
    }
    Ok(true)
}

/// Returns the tokens of a name or an id.
///
/// # Errors
/// [`Error::TokenNotFound`].
pub(crate) fn revoked_tokens<'t>(tokens: &'t [Token], name_or_id: &str) -> Result<Vec<&'t Token>> {
    let revoked: Vec<&Token> = tokens.iter().filter(|token| is_of(token, name_or_id)).collect();
    if revoked.is_empty() { Err(not_found(name_or_id, tokens)) } else { Ok(revoked) }
}

/// Returns the token that takes the place of one, and those that were changed by it.
///
/// # Errors
/// [`Error::TokenNotFound`].
pub(crate) fn rotated_token(
    tokens: &[Token],
    name_or_id: &str,
    text: &TokenText,
    until: SystemTime,
) -> Result<(Token, Vec<Token>)> {
    let named = tokens.iter().filter(|token| is_of(token, name_or_id));
    // Of two made in one second, that which was rotated has the shorter time.
    let newest = named.max_by_key(|token| (token.created, token.expires.unwrap_or(u64::MAX)));
    let newest = newest.ok_or_else(|| not_found(name_or_id, tokens))?;
    let mut fresh = Token::new(text, newest.name.clone(), newest.grant.clone())?;
    let lifetime = newest.expires.map(|expires| expires.saturating_sub(newest.created));
    fresh.expires = lifetime.map(|lifetime| fresh.created.saturating_add(lifetime));
    fresh.rate = newest.rate;
    let until = seconds(until);
    let mut changed: Vec<Token> = tokens.iter().filter(|token| token.name == newest.name).cloned().collect();
    for old in &mut changed {
        old.expires = Some(old.expires.map_or(until, |expires| expires.min(until)));
    }
    Ok((fresh, changed))
}

/// Returns what is kept under the id of a token that is sent, if it is that token and its time is not over.
pub(crate) fn check_token(kept: Option<Token>, text: &TokenText, now: SystemTime) -> Result<Token, TokenRefusal> {
    match kept {
        Some(token) if token.is(text) => {
            if token.is_expired(now) {
                Err(TokenRefusal::Expired)
            } else {
                Ok(token)
            }
        }
        _ => Err(TokenRefusal::Unknown),
    }
}

/// Reads the tokens of one state; a file that never had one has no table.
pub(super) fn read(tx: &ReadTransaction) -> Result<Vec<Token>> {
    match tx.open_table(table::TOKENS) {
        Err(TableError::TableDoesNotExist(_)) => Ok(Vec::new()),
        rows => read_all(&rows?),
    }
}

fn is_of(token: &Token, name_or_id: &str) -> bool {
    token.name == name_or_id || token.id == name_or_id
}

fn not_found(name: &str, tokens: &[Token]) -> Error {
    let mut known: Vec<String> = tokens.iter().map(|token| token.name.clone()).collect();
    known.dedup();
    Error::TokenNotFound { name: name.to_owned(), known }
}

impl Store {
    /// Lists the tokens by name; those whose time is over among them, until they are revoked.
    ///
    /// # Errors
    /// [`Error::Damaged`] or [`Error::Io`].
    pub fn tokens(&self) -> Result<Vec<Token>> {
        self.read(|tx| read(&tx))
    }

    /// Returns whether there are tokens.
    ///
    /// # Errors
    /// [`Error::Damaged`] or [`Error::Io`].
    pub fn has_tokens(&self) -> Result<bool> {
        self.read(|tx| match tx.open_table(table::TOKENS) {
            Err(TableError::TableDoesNotExist(_)) => Ok(false),
            rows => Ok(rows?.first()?.is_some()),
        })
    }

    /// Keeps a token. Does nothing when this very token is kept under its name already; returns whether it was new.
    ///
    /// # Errors
    /// [`Error::TokenExists`] when its name or its id is another's, and those of every write.
    pub fn create_token(&self, token: &Token, text: &TokenText) -> Result<bool> {
        self.write(|tx| {
            let mut rows = tx.open_table(table::TOKENS)?;
            let is_new = is_new_token(&read_all(&rows)?, token, text)?;
            if is_new {
                rows.insert(token.id.as_str(), encode(token)?.as_slice())?;
            }
            Ok(is_new)
        })
    }

    /// Removes the tokens of a name or an id; returns how many.
    ///
    /// # Errors
    /// [`Error::TokenNotFound`], and those of every write.
    pub fn revoke_token(&self, name_or_id: &str) -> Result<usize> {
        self.write(|tx| {
            let mut rows = tx.open_table(table::TOKENS)?;
            let tokens = read_all(&rows)?;
            let revoked = revoked_tokens(&tokens, name_or_id)?;
            for token in &revoked {
                rows.remove(token.id.as_str())?;
            }
            Ok(revoked.len())
        })
    }

    /// Puts a token in the place of one, with all that may be done with that one, which stays good until `until`; returns the
    /// new one.
    ///
    /// # Errors
    /// [`Error::TokenNotFound`], and those of every write.
    pub fn rotate_token(&self, name_or_id: &str, text: &TokenText, until: SystemTime) -> Result<Token> {
        self.write(|tx| {
            let mut rows = tx.open_table(table::TOKENS)?;
            let (fresh, changed) = rotated_token(&read_all(&rows)?, name_or_id, text, until)?;
            for token in changed.iter().chain([&fresh]) {
                rows.insert(token.id.as_str(), encode(token)?.as_slice())?;
            }
            Ok(fresh)
        })
    }

    /// Returns what is kept of each token that is sent: it is in the file, its secret is right and its time is not over. All are
    /// looked up in one state of the file.
    ///
    /// # Errors
    /// [`Error::Damaged`] or [`Error::Io`].
    pub fn tokens_of(&self, texts: &[TokenText], now: SystemTime) -> Result<Vec<Result<Token, TokenRefusal>>> {
        self.read(|tx| {
            let rows = match tx.open_table(table::TOKENS) {
                Err(TableError::TableDoesNotExist(_)) => return Ok(vec![Err(TokenRefusal::Unknown); texts.len()]),
                rows => rows?,
            };
            let look_up = |text: &TokenText| {
                let kept = rows.get(text.id())?.map(|bytes| decode(text.id(), bytes.value())).transpose()?;
                Ok(check_token(kept, text, now))
            };
            texts.iter().map(look_up).collect()
        })
    }
}

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenRefusal {
    /// The file does not know it: it was never made, was revoked, or has another secret.
    Unknown,
    /// Its time is over.
    Expired,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::record::{Grant, Role};
    use crate::store::Access;

    fn token_of(store: &Store, text: &TokenText, now: SystemTime) -> Result<Token, TokenRefusal> {
        store.tokens_of(std::slice::from_ref(text), now).unwrap().remove(0)
    }

    fn made(store: &Store, name: &str) -> TokenText {
        let text = TokenText::draw().unwrap();
        let token = Token::new(&text, name, Grant::everywhere(Role::Reader)).unwrap();
        assert!(store.create_token(&token, &text).unwrap());
        assert!(!store.create_token(&token, &text).unwrap(), "the same once more");
        text
    }

    #[test]
    fn a_token_is_known_until_it_is_revoked_or_expires() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open_in_test(folder.path().join("t.redb"), Access::Create).unwrap();
        assert!(!store.has_tokens().unwrap());
        let now = SystemTime::now();
        assert_eq!(token_of(&store, &TokenText::draw().unwrap(), now), Err(TokenRefusal::Unknown));
        let (one, two) = (made(&store, "one"), made(&store, "two"));
        assert!(store.has_tokens().unwrap());
        assert_eq!(token_of(&store, &one, now).unwrap().name, "one");
        // The id of one and the secret of another.
        let mixed = format!("{}{}", &one.as_str()[..13], &two.as_str()[13..57]);
        assert!(TokenText::parse(&mixed).is_none());
        let other = Token::new(&TokenText::draw().unwrap(), "one", Grant::everywhere(Role::Admin)).unwrap();
        let refused = store.create_token(&other, &TokenText::draw().unwrap());
        assert!(matches!(refused, Err(Error::TokenExists { name }) if name == "one"));
        assert_eq!(store.revoke_token("one").unwrap(), 1);
        assert_eq!(token_of(&store, &one, now), Err(TokenRefusal::Unknown));
        assert!(matches!(store.revoke_token("one"), Err(Error::TokenNotFound { known, .. }) if known == ["two"]));
    }

    #[test]
    fn a_rotated_token_is_good_for_a_while() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open_in_test(folder.path().join("t.redb"), Access::Create).unwrap();
        let (old, fresh, now) = (made(&store, "ci"), TokenText::draw().unwrap(), SystemTime::now());
        store.rotate_token("ci", &fresh, now + Duration::from_secs(100)).unwrap();
        assert_eq!(token_of(&store, &old, now).unwrap().name, "ci");
        assert_eq!(token_of(&store, &fresh, now).unwrap().expires, None);
        let later = now + Duration::from_secs(101);
        assert_eq!(token_of(&store, &old, later), Err(TokenRefusal::Expired));
        assert!(token_of(&store, &fresh, later).is_ok());
        assert_eq!((store.tokens().unwrap().len(), store.revoke_token("ci").unwrap()), (2, 2));
    }

    #[test]
    fn tokens_go_where_the_file_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.redb");
        let store = Store::open_in_test(&path, Access::Create).unwrap();
        let text = made(&store, "ci");
        store.reset().unwrap();
        let copy = folder.path().join("copy.redb");
        store.backup(&copy, false).unwrap();
        store.compact().unwrap();
        let now = SystemTime::now();
        let copy = Store::open_in_test(&copy, Access::Read).unwrap();
        assert!(token_of(&store, &text, now).is_ok() && token_of(&copy, &text, now).is_ok());
    }
}
