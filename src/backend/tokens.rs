//! The tokens of a server, kept with the collections it serves.

use std::time::SystemTime;

use crate::error::Result;
use crate::record::{Token, TokenText};
use crate::store::{Store, TokenRefusal};

/// Where tokens are kept.
pub trait TokenStore: Send + Sync {
    /// Lists the tokens by name; those whose time is over among them, until they are revoked.
    ///
    /// # Errors
    /// Those of reading.
    fn tokens(&self) -> Result<Vec<Token>>;

    /// Returns whether there are tokens.
    ///
    /// # Errors
    /// Those of reading.
    fn has_tokens(&self) -> Result<bool>;

    /// Keeps a token. Does nothing when this very token is kept under its name already; returns whether it was new.
    ///
    /// # Errors
    /// [`crate::error::Error::TokenExists`] when its name or its id is another's, and those of every write.
    fn create_token(&self, token: &Token, text: &TokenText) -> Result<bool>;

    /// Removes the tokens of a name or an id; returns how many.
    ///
    /// # Errors
    /// [`crate::error::Error::TokenNotFound`], and those of every write.
    fn revoke_token(&self, name_or_id: &str) -> Result<usize>;

    /// Puts a token in the place of one, with all that may be done with that one, which stays good until `until`; returns
    /// the new one.
    ///
    /// # Errors
    /// [`crate::error::Error::TokenNotFound`], and those of every write.
    fn rotate_token(&self, name_or_id: &str, text: &TokenText, until: SystemTime) -> Result<Token>;

    /// Returns what is kept of each token that is sent, all looked up in one state.
    ///
    /// # Errors
    /// Those of reading.
    fn tokens_of(&self, texts: &[TokenText], now: SystemTime) -> Result<Vec<Result<Token, TokenRefusal>>>;
}

impl TokenStore for Store {
    fn tokens(&self) -> Result<Vec<Token>> {
        self.tokens()
    }

    fn has_tokens(&self) -> Result<bool> {
        self.has_tokens()
    }

    fn create_token(&self, token: &Token, text: &TokenText) -> Result<bool> {
        self.create_token(token, text)
    }

    fn revoke_token(&self, name_or_id: &str) -> Result<usize> {
        self.revoke_token(name_or_id)
    }

    fn rotate_token(&self, name_or_id: &str, text: &TokenText, until: SystemTime) -> Result<Token> {
        self.rotate_token(name_or_id, text, until)
    }

    fn tokens_of(&self, texts: &[TokenText], now: SystemTime) -> Result<Vec<Result<Token, TokenRefusal>>> {
        self.tokens_of(texts, now)
    }
}
