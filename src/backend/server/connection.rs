//! A connection to a server: which kind it is, what its paths are, and what its refusals mean here.
//!
//! Invariant: a refusal that a file has an error of its own for is that error.

use std::sync::OnceLock;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use ureq::http::Method;

use super::chroma::{Quota, is_cloud};
use crate::backend::place::Place;
use crate::error::{Error, Result};
use crate::input::chroma::wire::{check_is_chroma, path_of};
use crate::input::http::{HttpAnswer, HttpClient, Repeat, ServerOptions, escaped, message};
use crate::record::Scope;

/// What answers at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ServerKind {
    Huedb,
    Chroma,
}

/// A server.
pub(super) struct Connection {
    pub(super) http: HttpClient,
    pub(super) place: Place,
    kind: OnceLock<ServerKind>,
    is_cloud: bool,
    preflight: OnceLock<PreflightJson>,
}

/// What a Chroma server says that it takes.
#[derive(Debug, Clone, Copy, Deserialize)]
struct PreflightJson {
    max_batch_size: usize,
    #[serde(default)]
    supports_base64_encoding: bool,
}

impl Connection {
    pub(super) fn new(address: &str, options: &ServerOptions) -> Result<Self> {
        let http = HttpClient::new(address, options)?;
        Ok(Self {
            http,
            place: Place::Server(address.trim_end_matches('/').to_owned()),
            kind: OnceLock::new(),
            is_cloud: options.is_cloud || is_cloud(address),
            preflight: OnceLock::new(),
        })
    }

    /// Returns what answers there, and asks the first time.
    pub(super) fn kind(&self) -> Result<ServerKind> {
        if let Some(kind) = self.kind.get() {
            return Ok(*kind);
        }
        if self.is_cloud {
            return Ok(ServerKind::Chroma);
        }
        let answer = self.http.ask("/huedb/v1/info")?;
        let kind = match answer.status {
            // Who may not know what the whole file holds is told so by a huedb alone.
            200 | 403 => ServerKind::Huedb,
            404 | 405 => {
                check_is_chroma(&self.http)?;
                ServerKind::Chroma
            }
            _ => return Err(self.http.refused(&answer)),
        };
        Ok(*self.kind.get_or_init(|| kind))
    }

    fn preflight(&self) -> Result<PreflightJson> {
        if let Some(preflight) = self.preflight.get() {
            return Ok(*preflight);
        }
        let preflight = self.http.get("/api/v2/pre-flight-checks")?;
        Ok(*self.preflight.get_or_init(|| preflight))
    }

    /// Returns the bounds of requests to a Chroma server.
    pub(super) fn quota(&self) -> Result<Quota> {
        if self.is_cloud { Ok(Quota::cloud()) } else { Ok(Quota::own(self.preflight()?.max_batch_size)) }
    }

    /// Returns whether a Chroma server takes embeddings as base64.
    pub(super) fn takes_base64(&self) -> bool {
        self.preflight().is_ok_and(|preflight| preflight.supports_base64_encoding)
    }

    /// Sends a body, where there is one, and reads the answer.
    pub(super) fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
        repeat: Repeat,
        about: About,
    ) -> Result<T> {
        let body = body.map(serde_json::to_vec).transpose();
        let body = body.map_err(|error| Error::argument(format!("cannot be sent as JSON: {error}")))?;
        let answer = self.http.send(method, path, body.as_deref(), repeat)?;
        if answer.is_done() { self.http.read(&answer.body) } else { Err(self.refused(&answer, about)) }
    }

    /// Reads what a path says.
    pub(super) fn get<T: DeserializeOwned>(&self, path: &str, about: About) -> Result<T> {
        self.call(Method::GET, path, None::<&()>, Repeat::Same, about)
    }

    /// Says what a refusal means.
    pub(super) fn refused(&self, answer: &HttpAnswer, About { scope, collection }: About) -> Error {
        let said = message(answer);
        let is_of = |what: &str| said.starts_with(what);
        let (tenant, database) = (scope.tenant.clone(), scope.database.clone());
        // The name that was asked for, where a server says an identity.
        let name = || collection.map_or_else(|| bracketed(&said), str::to_owned);
        match answer.status {
            404 if is_of("Collection [") => {
                let known = self.names(scope).unwrap_or_default();
                Error::CollectionNotFound { name: name(), known }
            }
            404 if is_of("Tenant [") => Error::TenantNotFound { name: tenant, known: Vec::new() },
            404 if is_of("Database [") => Error::DatabaseNotFound { name: database, tenant, known: Vec::new() },
            400 if is_of("Database [") && said.ends_with("does not exist") => {
                Error::DatabaseNotFound { name: database, tenant, known: Vec::new() }
            }
            409 if is_of("Collection [") => Error::CollectionExists { name: bracketed(&said) },
            409 if is_of("Tenant [") => Error::TenantExists { name: bracketed(&said) },
            409 if is_of("Database [") => Error::DatabaseExists { name: bracketed(&said), tenant },
            400 | 422 => {
                let record = bad_record(answer);
                let said = record.as_ref().map_or(said.as_str(), |id| without_record(&said, id));
                let why = match dimensions(said) {
                    Some((expected, got)) => Error::DimensionMismatch { collection: name(), expected, got },
                    None if said.contains("has no index of the words") => Error::WordsNotIndexed { collection: name() },
                    None => Error::argument(said),
                };
                match record {
                    Some(id) => why.of_record(&id),
                    None => why,
                }
            }
            _ => self.http.refused(answer),
        }
    }

    /// Lists the names of collections, for an error that says which there are.
    fn names(&self, scope: &Scope) -> Result<Vec<String>> {
        #[derive(Deserialize)]
        struct Named {
            name: String,
        }
        let found: Vec<Named> = self.http.get(&format!("{}/collections", path_of(scope)))?;
        let mut names: Vec<String> = found.into_iter().map(|found| found.name).collect();
        names.sort();
        Ok(names)
    }
}

/// What a request is about, for the error where it is refused.
#[derive(Debug, Clone, Copy)]
pub(super) struct About<'a> {
    pub(super) scope: &'a Scope,
    pub(super) collection: Option<&'a str>,
}

/// Returns the id of the record that a huedb server refused.
fn bad_record(answer: &HttpAnswer) -> Option<String> {
    let said: Json = serde_json::from_slice(&answer.body).ok()?;
    said.get("record")?.as_str().map(str::to_owned)
}

/// Leaves out of a message which record it is about.
fn without_record<'s>(said: &'s str, id: &str) -> &'s str {
    said.strip_prefix(&format!("record {id:?}: ")).unwrap_or(said)
}

fn bracketed(said: &str) -> String {
    said.split_once('[')
        .and_then(|(_, rest)| rest.split_once(']'))
        .map_or_else(String::new, |(name, _)| name.to_owned())
}

/// Reads Chroma's sentence about an embedding of another length than the collection's.
fn dimensions(said: &str) -> Option<(usize, usize)> {
    let rest = said.strip_prefix("Collection expecting embedding with dimension of ")?;
    let (expected, got) = rest.split_once(", got ")?;
    Some((expected.parse().ok()?, got.trim().parse().ok()?))
}

/// Returns huedb's own path of a database.
pub(super) fn own_path_of(scope: &Scope) -> String {
    format!("/huedb/v1/tenants/{}/databases/{}", escaped(&scope.tenant), escaped(&scope.database))
}
