//! The thread that looks up who asks: a token of the place, a signature, the name of a collection.
//!
//! The threads that move bytes must not wait for the file, and the workers are busy when it matters; the tokens of what waits
//! here are looked up together, in one question to the place. Invariant: every request is decided by what the place says now,
//! and nothing of it is kept, so a token that is revoked is refused from the next request on, by every server of the place.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::SystemTime;

use tokio::sync::oneshot;
use uuid::Uuid;

use super::caller::{Caller, Identity, any_of};
use super::claim_rule::{ClaimRule, Claims};
use super::credential::Credential;
use super::decision::{Decision, Resource, decide};
use super::{Action, Level};
use crate::backend::Backend;
use crate::error::{Error, Result};
use crate::record::{Grant, Role, Scope, Token, TokenText};
use crate::serve::fault::Fault;
use crate::serve::oidc::Issuer;
use crate::serve::queue::Queue;
use crate::serve::visitor::Visitor;
use crate::store::TokenRefusal;

/// Requests that may wait to be looked up.
const MOST_WAITING: usize = 16_384;

/// What a request is about, as its path has it.
#[derive(Debug, Clone, Default)]
pub(in crate::serve) struct Place {
    pub(in crate::serve) tenant: Option<String>,
    pub(in crate::serve) database: Option<String>,
    /// The collection's name or identity.
    pub(in crate::serve) collection: Option<String>,
    /// Whether that is an identity.
    pub(in crate::serve) by_id: bool,
}

/// What is asked of the guard.
#[derive(Debug, Clone)]
pub(in crate::serve) struct AccessRequest {
    pub(in crate::serve) credential: Credential,
    /// The claims of a client certificate that the handshake has accepted.
    pub(in crate::serve) certificate: Option<Claims>,
    pub(in crate::serve) action: Action,
    pub(in crate::serve) place: Place,
}

/// Why a request is refused.
#[derive(Debug)]
pub(in crate::serve) enum Refusal {
    /// 401, with the reason as metrics and logs have it.
    Unauthenticated(&'static str),
    /// 403, to somebody known.
    Forbidden(Identity),
    /// 404, to somebody known.
    Hidden(Identity),
    /// What kept the guard from knowing.
    Failed(Fault),
    /// More wait than may.
    Overloaded,
}

struct PendingRequest {
    asked: AccessRequest,
    reply: oneshot::Sender<Result<Caller, Refusal>>,
}

/// What the guard goes by.
pub(in crate::serve) struct GuardRules {
    /// What may be done without a credential.
    pub(in crate::serve) anonymous: Option<Role>,
    /// Who has a token that is not the place's.
    pub(in crate::serve) visitor: Option<Visitor>,
    /// Whether others than this machine can reach the server.
    pub(in crate::serve) is_exposed: bool,
    pub(in crate::serve) issuer: Option<Issuer>,
    /// What claims of others than the place's tokens are worth.
    pub(in crate::serve) claims: Vec<ClaimRule>,
}

struct GuardState {
    backend: Arc<dyn Backend>,
    rules: GuardRules,
    queue: Queue<PendingRequest>,
    /// Whether everybody may do everything: a place without tokens, reached from this machine alone.
    is_open: AtomicBool,
}

/// Looks up who asks.
pub(in crate::serve) struct Guard {
    shared: Arc<GuardState>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Guard {
    pub(in crate::serve) fn start(backend: Arc<dyn Backend>, rules: GuardRules) -> Result<Self> {
        let is_open = AtomicBool::new(false);
        let shared = Arc::new(GuardState { backend, rules, queue: Queue::new(), is_open });
        shared.is_open.store(shared.may_be_open()?, Ordering::Relaxed);
        let worker = Arc::clone(&shared);
        let run = move || {
            let all = |waiting: &mut VecDeque<PendingRequest>| {
                (!waiting.is_empty()).then(|| waiting.drain(..).collect::<Vec<_>>())
            };
            while let Some(waiting) = worker.queue.take(all) {
                // Whoever is not answered is not let in; the next are looked up all the same.
                let _ = catch_unwind(AssertUnwindSafe(|| worker.look_up_all(waiting)));
            }
        };
        let thread = std::thread::Builder::new().name("huedb-guard".into()).spawn(run);
        let thread = thread.map_err(|error| Error::io("start the guard", error))?;
        Ok(Self { shared, thread: Mutex::new(Some(thread)) })
    }

    /// Returns whether everybody may do everything.
    pub(in crate::serve) fn is_open(&self) -> bool {
        self.shared.is_open.load(Ordering::Relaxed)
    }

    /// Asks for tokens from now on, where the place has some; it never stops to ask while it runs.
    pub(in crate::serve) fn look_for_tokens(&self) -> Result<()> {
        if self.is_open() && !self.shared.may_be_open()? {
            self.shared.is_open.store(false, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Returns why the keys of the identity provider could not be renewed, where the last try failed.
    pub(in crate::serve) fn issuer_failure(&self) -> Option<String> {
        self.shared.rules.issuer.as_ref()?.failure()
    }

    /// Returns who asks, if they may.
    pub(in crate::serve) async fn admit(&self, asked: AccessRequest) -> Result<Caller, Refusal> {
        if asked.action.level() == Level::Public || self.is_open() {
            return Ok(Caller::anonymous(Role::Admin));
        }
        let (reply, answer) = oneshot::channel();
        if self.shared.queue.push(PendingRequest { asked, reply }, MOST_WAITING).is_err() {
            return Err(Refusal::Overloaded);
        }
        answer.await.unwrap_or(Err(Refusal::Overloaded))
    }

    /// Answers what waits and ends.
    pub(in crate::serve) fn finish(&self) {
        self.shared.queue.close();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

impl GuardState {
    fn may_be_open(&self) -> Result<bool> {
        let GuardRules { anonymous, visitor, is_exposed, issuer, claims } = &self.rules;
        let asks = anonymous.is_some() || visitor.is_some() || *is_exposed || issuer.is_some() || !claims.is_empty();
        if asks {
            return Ok(false);
        }
        self.follow()?;
        Ok(!self.backend.tokens()?.has_tokens()?)
    }

    /// Answers what waits; its tokens are looked up together.
    fn look_up_all(&self, waiting: Vec<PendingRequest>) {
        let token = |waiting: &PendingRequest| match &waiting.asked.credential {
            Credential::Token(text) => Some(text.clone()),
            _ => None,
        };
        let texts: Vec<TokenText> = waiting.iter().filter_map(token).collect();
        let found = if texts.is_empty() { Ok(Vec::new()) } else { self.tokens_of(&texts) };
        let mut found = found.map(Vec::into_iter).map_err(Fault::from);
        for PendingRequest { asked, reply } in waiting {
            let token = match (&asked.credential, &mut found) {
                (Credential::Token(_), Ok(found)) => found.next().map(Ok),
                (Credential::Token(_), Err(fault)) => Some(Err(fault.clone())),
                _ => None,
            };
            let _ = reply.send(self.look_up(asked, token));
        }
    }

    fn tokens_of(&self, texts: &[TokenText]) -> Result<Vec<Result<Token, TokenRefusal>>> {
        self.follow()?;
        self.backend.tokens()?.tokens_of(texts, SystemTime::now())
    }

    /// Another file may have been put in its place.
    fn follow(&self) -> Result<()> {
        self.backend.file().map_or(Ok(()), |store| store.follow().map(drop))
    }

    /// Decides about a request; `token` is what was found of its token, where it has one.
    fn look_up(
        &self,
        asked: AccessRequest,
        token: Option<Result<Result<Token, TokenRefusal>, Fault>>,
    ) -> Result<Caller, Refusal> {
        let AccessRequest { credential, certificate, action, place } = asked;
        let visitor = match (&credential, &self.rules.visitor) {
            (Credential::Token(text), Some(visitor)) => visitor.caller(text),
            _ => None,
        };
        let access = match token.transpose().map_err(Refusal::Failed)? {
            _ if let Some(caller) = visitor => caller,
            Some(Ok(token)) => Caller {
                subject: Identity::Token { id: token.id, name: token.name },
                grants: [token.grant].into(),
                rate: token.rate,
                filter: None,
            },
            Some(Err(TokenRefusal::Unknown)) => return Err(Refusal::Unauthenticated("unknown")),
            Some(Err(TokenRefusal::Expired)) => return Err(Refusal::Unauthenticated("expired")),
            None => self.authenticate(credential, certificate)?,
        };
        let name = self.collection_name(&access.grants, &place).map_err(|error| Refusal::Failed(error.into()))?;
        let target = Resource {
            tenant: place.tenant.as_deref(),
            database: place.database.as_deref(),
            collection: name.as_deref(),
        };
        match decide(&access.grants, action, target) {
            Decision::Allowed => Ok(access),
            Decision::Filtered(filters) => {
                let filter = any_of(&filters).map_err(|error| Refusal::Failed(error.into()))?;
                Ok(Caller { filter: Some(filter), ..access })
            }
            Decision::Forbidden => Err(Refusal::Forbidden(access.subject)),
            Decision::Hidden => Err(Refusal::Hidden(access.subject)),
        }
    }

    /// Knows those who send no token of the place.
    fn authenticate(&self, credential: Credential, certificate: Option<Claims>) -> Result<Caller, Refusal> {
        match (credential, certificate) {
            (Credential::Signed(token), _) => {
                let issuer = self.rules.issuer.as_ref().ok_or(Refusal::Unauthenticated("malformed"))?;
                let claims =
                    issuer.verify(&token, SystemTime::now()).map_err(|why| Refusal::Unauthenticated(why.name()))?;
                self.by_claims(&claims, "sub", Identity::Signed)
            }
            (Credential::Malformed | Credential::Token(_), _) => Err(Refusal::Unauthenticated("malformed")),
            (Credential::Nobody, Some(claims)) if !self.rules.claims.is_empty() => {
                self.by_claims(&claims, "subject", Identity::Certificate)
            }
            (Credential::Nobody, _) => match self.rules.anonymous {
                Some(role) => Ok(Caller::anonymous(role)),
                None => Err(Refusal::Unauthenticated("missing")),
            },
        }
    }

    fn by_claims(&self, claims: &Claims, name: &str, subject: fn(String) -> Identity) -> Result<Caller, Refusal> {
        let subject = subject(claims.get(name).and_then(|name| name.as_str()).unwrap_or_default().to_owned());
        let grants: Vec<Grant> = self.rules.claims.iter().filter_map(|rule| rule.grant(claims)).collect();
        if grants.is_empty() {
            return Err(Refusal::Forbidden(subject));
        }
        Ok(Caller { subject, grants: grants.into(), rate: None, filter: None })
    }

    /// Returns the name of the collection that a path is about, where any grant asks for it.
    fn collection_name(&self, grants: &[Grant], place: &Place) -> Result<Option<String>> {
        let Some(collection) = &place.collection else { return Ok(None) };
        if !place.by_id {
            return Ok(Some(collection.clone()));
        }
        if grants.iter().all(|grant| grant.collection.is_all()) {
            return Ok(None);
        }
        let (Ok(id), Some(tenant), Some(database)) = (Uuid::try_parse(collection), &place.tenant, &place.database)
        else {
            return Ok(None);
        };
        self.backend.in_scope(Scope { tenant: tenant.clone(), database: database.clone() }).name_by_id(id)
    }
}
