//! The tokens of servers that share a database.
//!
//! The rules are the file's. Invariant: of a token there is kept what knows it again, never the token.

use std::time::SystemTime;

use postgres::Row;

use super::PostgresBackend;
use super::fault::Done;
use super::pool::Session;
use super::schema::{is_made, make};
use crate::backend::TokenStore;
use crate::error::{Error, Result};
use crate::record::{Token, TokenText};
use crate::store::{TokenRefusal, check_token, is_new_token, revoked_tokens, rotated_token, sort_tokens};

fn decode(row: &Row) -> Done<Token> {
    let entry: String = row.try_get(0)?;
    let unreadable = |error| Error::damaged(format!("the entry of a token in PostgreSQL is unreadable: {error}"));
    Ok(serde_json::from_str(&entry).map_err(unreadable)?)
}

fn read_all(session: &mut Session) -> Done<Vec<Token>> {
    let rows = session.rows("select entry::text from huedb.token", &[])?;
    let mut tokens = rows.iter().map(decode).collect::<Done<Vec<_>>>()?;
    sort_tokens(&mut tokens);
    Ok(tokens)
}

fn put(session: &mut Session, token: &Token) -> Done<()> {
    let entry = serde_json::to_string(token).map_err(|error| Error::argument(error.to_string()))?;
    let sql =
        "insert into huedb.token values ($1, $2::text::json) on conflict (id) do update set entry = excluded.entry";
    session.execute(sql, &[&token.id, &entry])?;
    Ok(())
}

impl PostgresBackend {
    /// Changes tokens; two that do so at once take turns.
    fn change_tokens<T>(&self, mut change: impl FnMut(&mut Session, &[Token]) -> Done<T>) -> Result<T> {
        self.pool.write(|session| {
            make(&self.pool, session)?;
            session.client().batch_execute("lock table huedb.token in share row exclusive mode")?;
            let tokens = read_all(session)?;
            change(session, &tokens)
        })
    }
}

impl TokenStore for PostgresBackend {
    fn tokens(&self) -> Result<Vec<Token>> {
        self.pool.ask(|session| if is_made(&self.pool, session)? { read_all(session) } else { Ok(Vec::new()) })
    }

    fn has_tokens(&self) -> Result<bool> {
        self.pool.ask(|session| {
            Ok(is_made(&self.pool, session)? && session.row("select 1 from huedb.token limit 1", &[])?.is_some())
        })
    }

    fn create_token(&self, token: &Token, text: &TokenText) -> Result<bool> {
        self.change_tokens(|session, tokens| {
            let is_new = is_new_token(tokens, token, text)?;
            if is_new {
                put(session, token)?;
            }
            Ok(is_new)
        })
    }

    fn revoke_token(&self, name_or_id: &str) -> Result<usize> {
        self.change_tokens(|session, tokens| {
            let revoked: Vec<&str> =
                revoked_tokens(tokens, name_or_id)?.iter().map(|token| token.id.as_str()).collect();
            session.execute("delete from huedb.token where id = any($1)", &[&revoked])?;
            Ok(revoked.len())
        })
    }

    fn rotate_token(&self, name_or_id: &str, text: &TokenText, until: SystemTime) -> Result<Token> {
        self.change_tokens(|session, tokens| {
            let (fresh, changed) = rotated_token(tokens, name_or_id, text, until)?;
            changed.iter().chain([&fresh]).try_for_each(|token| put(session, token))?;
            Ok(fresh)
        })
    }

    fn tokens_of(&self, texts: &[TokenText], now: SystemTime) -> Result<Vec<Result<Token, TokenRefusal>>> {
        let ids: Vec<&str> = texts.iter().map(TokenText::id).collect();
        let kept = self.pool.ask(|session| {
            if !is_made(&self.pool, session)? {
                return Ok(Vec::new());
            }
            let rows = session.rows("select entry::text from huedb.token where id = any($1)", &[&ids])?;
            rows.iter().map(decode).collect::<Done<Vec<_>>>()
        })?;
        let of = |text: &TokenText| kept.iter().find(|token| token.id == text.id()).cloned();
        Ok(texts.iter().map(|text| check_token(of(text), text, now)).collect())
    }
}
