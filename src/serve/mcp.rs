//! `/mcp`: the tools of the Model Context Protocol, for programs on other machines.
//!
//! A message is a request like any other: it passes the gate, its work is done by a worker, and its trail says which tool
//! asked for what. There are no sessions to keep: each message is answered by itself. Invariant: a tool does to a collection
//! what the asker's grants allow for that collection, and what they hide is as if it did not exist.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, to_bytes};
use axum::extract::Request as HttpRequest;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Method};
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use serde::{Deserialize, Serialize};

use super::access::{Action, Caller, Decision};
use super::admission::may_not;
use super::call::{Call, Handled, Reply, Site};
use super::fault::Fault;
use super::gate::{Gate, work};
use super::observe::Trail;
use super::responder::Outgoing;
use crate::backend::{Backend, Records};
use crate::embed::LoadOptions;
use crate::error::Error;
use crate::mcp::{Catalogue, Need, Offer, Refusal, Request, Response, Session, Worker, answer};
use crate::record::{Role, Scope};

/// What a worker hands back.
#[derive(Serialize, Deserialize)]
struct Answered {
    response: Response,
    /// Whether a grant is missing for it.
    is_denied: bool,
}

/// What there is to say of a message once it is answered.
#[derive(Default)]
struct Seen {
    action: Option<Action>,
    collection: Option<String>,
    is_denied: bool,
    records: Option<u64>,
    fault: Option<Fault>,
}

/// Hands what a message wants done to the workers.
#[derive(Clone)]
struct Engine {
    gate: Arc<Gate>,
    call: Arc<Call>,
    seen: Arc<Mutex<Seen>>,
}

impl Engine {
    fn see<T>(&self, what: impl FnOnce(&mut Seen) -> T) -> T {
        what(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Worker for Engine {
    async fn work(&self, request: Request) -> Response {
        self.see(|seen| {
            seen.action = Some(action_of(&request));
            seen.collection = request.collection().map(str::to_owned);
        });
        let call = Call {
            route: self.call.route,
            params: Vec::new(),
            query: String::new(),
            content_type: None,
            content_encoding: None,
            body: serde_json::to_vec(&request).unwrap_or_default().into(),
            upload: None,
            deadline: self.call.deadline,
            access: self.call.access.clone(),
            waited: Arc::clone(&self.call.waited),
        };
        let fault = match work(&self.gate, call).await {
            Outgoing::Whole(Ok(reply)) => match serde_json::from_slice(&reply.body) {
                Ok(Answered { response, is_denied }) => {
                    self.see(|seen| (seen.is_denied, seen.records) = (is_denied, response.records()));
                    return response;
                }
                Err(error) => Fault::internal(error.to_string()),
            },
            Outgoing::Whole(Err(fault)) => fault,
            Outgoing::Streamed(_) => Fault::internal("an answer came in pieces"),
        };
        let why = fault.message.clone();
        self.see(|seen| seen.fault = Some(fault));
        Response::Failed(why)
    }
}

/// Bytes of an answer of ours: its records keep to `mcp`'s own limit, which is far below.
const MOST_ANSWER_BYTES: usize = 64 << 20;

/// What a tool does, by the names that the routes have for it.
fn action_of(request: &Request) -> Action {
    match request {
        Request::Resources { .. } => Action::ListCollections,
        Request::Read { .. } => Action::Get,
        Request::Call { tool, .. } => match tool.as_str() {
            "list_collections" => Action::ListCollections,
            "describe_collection" => Action::GetCollection,
            "search" => Action::Query,
            "get" => Action::Get,
            "add" => Action::Add,
            "update" => Action::Update,
            "delete" => Action::Delete,
            _ => Action::Mcp,
        },
    }
}

/// Answers a message that was let in; what it was about goes into its trail.
pub(super) async fn exchange(gate: &Arc<Gate>, call: Call, headers: HeaderMap, trail: &mut Trail) -> Outgoing {
    let scope = scope(&call.access);
    let offer = offer(&gate.site, &call.access);
    let mut request = HttpRequest::new(Body::from(call.body.clone()));
    (*request.method_mut(), *request.headers_mut()) = (Method::POST, headers);
    let engine = Engine { gate: Arc::clone(gate), call: Arc::new(call), seen: Arc::default() };
    let session = {
        let engine = engine.clone();
        move || Ok(Session::new(engine.clone(), offer))
    };
    // Whom the host and the origin may name, and how large a body may be, was decided at the gate.
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .disable_allowed_hosts()
        .with_max_request_body_bytes(usize::MAX);
    let service = StreamableHttpService::new(session, Arc::new(NeverSessionManager::default()), config);
    let (head, body) = service.handle(request).await.into_parts();
    let Ok(body) = to_bytes(Body::new(body), MOST_ANSWER_BYTES).await else {
        return Outgoing::Whole(Err(Fault::internal("an answer is longer than any that a tool gives")));
    };
    let seen = engine.see(std::mem::take);
    if let Some(action) = seen.action {
        trail.about(action, scope, seen.collection);
    }
    if seen.is_denied {
        trail.outcome = "denied";
    }
    // What has no time or no room for it is told as to every client.
    if let Some(fault) = seen.fault.filter(|fault| fault.rejection.is_some()) {
        return Outgoing::Whole(Err(fault));
    }
    let is_json = head.headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    Outgoing::Whole(if head.status.is_success() || is_json {
        Ok(Reply { status: head.status, body: body.into(), records: seen.records, ..Reply::empty() })
    } else {
        Err(Fault::other(head.status, String::from_utf8_lossy(&body).into_owned()))
    })
}

/// The tenant and database that the asker's grants are in, where they are in one; else the default ones.
fn scope(access: &Caller) -> Scope {
    let (tenant, databases) = access.home();
    let default = Scope::default();
    let one = |name: &str| (name != "*").then(|| name.to_owned());
    let database = match databases.as_slice() {
        [database] => one(database),
        _ => None,
    };
    Scope { tenant: one(&tenant).unwrap_or(default.tenant), database: database.unwrap_or(default.database) }
}

fn offer(site: &Site, access: &Caller) -> Offer {
    let writes = !site.options.read_only && access.grants.iter().any(|grant| grant.role >= Role::Writer);
    // The folders of the server are nobody else's.
    Offer { writes, syncs: false }
}

/// Does what a message wants done; a worker calls it.
pub(super) fn handle(site: &Site, call: &Call) -> Handled {
    let request = site.body(call)?;
    let backend = site.backend.in_scope(scope(&call.access));
    let catalogue = GrantedCatalogue { site, access: &call.access, backend, is_denied: AtomicBool::new(false) };
    let response = answer(&catalogue, request);
    let is_denied = catalogue.is_denied.into_inner();
    Ok(Reply::json(&Answered { response, is_denied }).into())
}

/// The collections that there are to whoever asks.
struct GrantedCatalogue<'c> {
    site: &'c Site,
    access: &'c Caller,
    backend: Arc<dyn Backend>,
    is_denied: AtomicBool,
}

impl GrantedCatalogue<'_> {
    fn not_found(&self, name: &str) -> Refusal {
        let known = self.names().unwrap_or_default();
        Error::CollectionNotFound { name: name.to_owned(), known }.into()
    }

    fn denied(&self, why: &str) -> Refusal {
        self.is_denied.store(true, Ordering::Relaxed);
        Refusal(why.to_owned())
    }
}

impl Catalogue for GrantedCatalogue<'_> {
    fn names(&self) -> Result<Vec<String>, Refusal> {
        let all = self.backend.collections().map_err(|error| self.refusal(error))?;
        let names = all.into_iter().map(|(info, _)| info.name.to_string());
        Ok(names.filter(|name| self.access.sees_collection(self.backend.scope(), name)).collect())
    }

    fn collection(&self, name: &str, need: Need) -> Result<Arc<dyn Records>, Refusal> {
        let action = match need {
            Need::Read => Action::Get,
            Need::Add => Action::Add,
            Need::Update => Action::Update,
            Need::Delete => Action::Delete,
        };
        if need != Need::Read && self.site.options.read_only {
            return Err(Refusal("this server only reads (--read-only)".into()));
        }
        let records = self.backend.collection(name.into());
        let reached = self.access.reach(action, records, self.backend.scope(), name);
        match reached.map_err(|error| self.refusal(error))? {
            Ok(records) => match records.state() {
                Err(Error::CollectionNotFound { .. }) => Err(self.not_found(name)),
                Err(error) => Err(self.refusal(error)),
                Ok(_) => Ok(records),
            },
            Err(Decision::Hidden) => {
                self.is_denied.store(true, Ordering::Relaxed);
                Err(self.not_found(name))
            }
            Err(_) => Err(self.denied(may_not(action.level()))),
        }
    }

    fn models(&self) -> &LoadOptions {
        &self.site.options.models
    }

    fn offer(&self) -> Offer {
        offer(self.site, self.access)
    }

    fn threads(&self) -> usize {
        self.site.options.threads
    }

    fn refusal(&self, error: Error) -> Refusal {
        match error {
            // Others that there are may be hidden.
            Error::CollectionNotFound { name, .. } => Error::CollectionNotFound { name, known: Vec::new() }.into(),
            error => error.into(),
        }
    }
}
