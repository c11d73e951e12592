//! The one visitor of `huedb browse`: a key that stands in the address it opens, and the token that the page gets for it.
//!
//! A key in an address is seen by others: by the history of the browser, by whoever lists the processes of the machine. So it
//! opens once, and its second use is told. Invariants: neither is kept in the file or written to a log; the token reads, and
//! ends with the server.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::access::{Caller, Identity};
use super::call::{Call, Handled, Reply, Site};
use super::fault::Fault;
use crate::error::{Error, Result};
use crate::record::{Grant, Role, Token, TokenText};

/// Lets one browser in, to read everything; clones are of the same visitor.
#[derive(Debug, Clone)]
pub struct Visitor(Arc<Drawn>);

#[derive(Debug)]
struct Drawn {
    /// What is drawn, and what it is known by.
    key: (TokenText, Token),
    token: (TokenText, Token),
    has_entered: AtomicBool,
}

impl Visitor {
    /// Draws a key and a token.
    ///
    /// # Errors
    /// [`crate::Error::Io`] when the system has no random numbers.
    pub fn draw() -> Result<Self> {
        let draw = || {
            let text = TokenText::draw()?;
            let token = Token::new(&text, "browse", Grant::everywhere(Role::Reader))?;
            Ok::<_, Error>((text, token))
        };
        Ok(Self(Arc::new(Drawn { key: draw()?, token: draw()?, has_entered: AtomicBool::new(false) })))
    }

    /// Returns what the address has behind `#key=`.
    #[must_use]
    pub fn key(&self) -> &str {
        self.0.key.0.as_str()
    }

    /// Returns what the visitor may do, if this token is theirs.
    pub(super) fn caller(&self, text: &TokenText) -> Option<Caller> {
        let (_, token) = &self.0.token;
        token.is(text).then(|| Caller {
            subject: Identity::Token { id: token.id.clone(), name: token.name.clone() },
            grants: [token.grant.clone()].into(),
            rate: None,
            filter: None,
        })
    }
}

/// Body that gives the key of an address for a token.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = EnterBody)]
pub(super) struct EnterBody {
    key: String,
}

pub(super) fn enter(site: &Site, call: &Call) -> Handled {
    let EnterBody { key } = site.body(call)?;
    let Some(Visitor(drawn)) = &site.options.visitor else {
        return Err(Fault::not_found("only `huedb browse` gives tokens for keys"));
    };
    if !TokenText::parse(&key).is_some_and(|key| drawn.key.1.is(&key)) {
        return Err(Fault::unauthenticated("unknown"));
    }
    if drawn.has_entered.swap(true, Ordering::Relaxed) {
        let why = "the address was opened a second time, which its key does not allow";
        site.tell(why);
        return Err(Fault { message: format!("{why}; run `huedb browse` again"), ..Fault::unauthenticated("unknown") });
    }
    Ok(Reply::json(&json!({ "token": drawn.token.0.as_str() })).into())
}
