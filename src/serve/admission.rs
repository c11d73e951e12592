//! What every request passes before its body is read: who sends it, whether they may, how often they did.
//!
//! Invariant: of a request that is refused here, no byte of the body is read.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::http::header::{CONTENT_LENGTH, HOST};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum_server::tls::TlsInfo;
use uuid::Uuid;

use super::access::{AccessRequest, Caller, Claims, Credential, Guard, Level, Place, RateLimits, Refusal};
use super::call::Route;
use super::fault::Fault;
use super::net::{Connection, claims_of, client_address};
use super::observe::Trail;
use super::options::ServeOptions;
use super::rejection::Rejection;
use crate::record::Rate;

/// Decides whether a request is let in.
pub(super) struct Admission {
    pub(super) guard: Guard,
    pub(super) limits: RateLimits,
    /// Whether what is sent can be read on its way, and so only some may send it.
    pub(super) is_plain: bool,
}

/// Where a request comes from.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClientOrigin {
    /// Whoever sent it.
    pub(super) peer: IpAddr,
    /// The client behind that, where it is a trusted proxy.
    pub(super) client: IpAddr,
}

/// Returns where a request comes from.
pub(super) fn origin(head: &Parts, options: &ServeOptions) -> ClientOrigin {
    let peer = head.extensions.get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map_or(IpAddr::from([0, 0, 0, 0]), |ConnectInfo(peer)| peer.ip().to_canonical());
    ClientOrigin { peer, client: client_address(peer, &head.headers, &options.trusted_proxies) }
}

/// Returns how long the head of a request says that its body is.
pub(super) fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Returns what the path of a request is about.
pub(super) fn place(route: &Route, params: &[(String, String)]) -> Place {
    let param = |name: &str| params.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    Place {
        tenant: param("tenant"),
        database: param("database"),
        collection: param("collection"),
        by_id: !route.names_collection(),
    }
}

fn certificate(head: &Parts) -> Option<Claims> {
    let tls = head.extensions.get::<Arc<TlsInfo>>()?;
    claims_of(tls.peer_certificates.first()?)
}

impl Admission {
    /// Lets a request in, or says why not.
    pub(super) async fn admit(
        &self,
        route: &Route,
        place: Place,
        head: &Parts,
        ClientOrigin { peer, client }: ClientOrigin,
        options: &ServeOptions,
        trail: &mut Trail,
    ) -> Result<Caller, Fault> {
        let level = route.action.level();
        if head.extensions.get::<Arc<Connection>>().is_some_and(|connection| connection.is_surplus) {
            return Err(Fault::over(Rejection::Connections, "there are too many connections (--max-connections)"));
        }
        let is_proxy = || peer.is_loopback() || options.trusted_proxies.iter().any(|network| network.contains(&peer));
        // Who reads metrics learns no more than the token for them lets them read.
        if self.is_plain && !matches!(level, Level::Public | Level::Metrics) && !is_proxy() {
            trail.outcome = "denied";
            return Err(Fault::forbidden(
                "unencrypted requests are taken from trusted proxies alone (--trusted-proxy)",
            ));
        }
        if self.guard.is_open() && level != Level::Public && !is_this_machine(&head.headers) {
            trail.outcome = "denied";
            let why = "a server without tokens is asked as localhost alone, so that no page of another name can ask it";
            return Err(Fault::forbidden(format!("{why}; make a token, or start it with --anonymous admin")));
        }
        let missing = missing(&place);
        let asked = AccessRequest {
            credential: Credential::of(&head.headers),
            certificate: certificate(head),
            action: route.action,
            place,
        };
        let access = match self.guard.admit(asked).await {
            Ok(access) => access,
            Err(refusal) => return Err(self.refuse(refusal, client, missing, level, trail)),
        };
        trail.subject = Some(access.subject.clone());
        if level != Level::Public {
            self.limits.count(&access, client, content_length(&head.headers).unwrap_or(0)).map_err(|over| {
                trail.outcome = "limited";
                too_fast(&over)
            })?;
        }
        Ok(access)
    }

    fn refuse(&self, refusal: Refusal, client: IpAddr, missing: Fault, level: Level, trail: &mut Trail) -> Fault {
        match refusal {
            Refusal::Unauthenticated(reason) => {
                trail.outcome = "unauthenticated";
                trail.reason = Some(reason);
                match self.limits.count_stranger(client) {
                    Ok(()) => Fault::unauthenticated(reason),
                    Err(over) => too_fast(&over),
                }
            }
            Refusal::Forbidden(subject) => {
                trail.outcome = "denied";
                trail.subject = Some(subject);
                Fault::forbidden(may_not(level))
            }
            Refusal::Hidden(subject) => {
                trail.outcome = "denied";
                trail.subject = Some(subject);
                missing
            }
            Refusal::Failed(fault) => fault,
            Refusal::Overloaded => Fault::over(Rejection::Queue, "too many requests wait to be let in"),
        }
    }
}

/// What is answered about what no grant allows.
pub(super) fn may_not(level: Level) -> &'static str {
    match level {
        Level::Collection => "this token may not do that, or only with a part of the collection's records",
        _ => "this token may not do that",
    }
}

fn too_fast((wait, rate): &(Duration, Rate)) -> Fault {
    Fault::too_fast(
        *wait,
        format!("this is more than {rate}; a request costs one, and one more for each 256 KiB of its body (--rate)"),
    )
}

/// Returns whether a request names this machine as its host. A page of another name that has been made to lead here (DNS
/// rebinding) does not; whoever is no browser says what they like.
fn is_this_machine(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST) else { return true };
    let Ok(host) = host.to_str() else { return false };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.trim_start_matches('[').trim_end_matches([']', '.']).to_ascii_lowercase();
    let is_loopback = name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    is_loopback || name == "localhost" || name.ends_with(".localhost")
}

/// What is answered about something that does not exist, which is also what is answered about what is hidden.
fn missing(place: &Place) -> Fault {
    match (&place.tenant, &place.database, &place.collection) {
        (_, _, Some(collection)) => {
            let id = Uuid::try_parse(collection).ok().filter(|_| place.by_id);
            let name = id.map_or_else(|| collection.clone(), |id| id.to_string());
            Fault::not_found(format!("Collection [{name}] does not exist"))
        }
        (_, Some(database), None) => {
            Fault::not_found(format!("Database [{database}] not found. Are you sure it exists?"))
        }
        (Some(tenant), None, None) => Fault::not_found(format!("Tenant [{tenant}] not found")),
        (None, None, None) => Fault::other(StatusCode::NOT_FOUND, "not found"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_another_name_is_not_this_machine() {
        let is_here = |host: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, host.parse().unwrap());
            is_this_machine(&headers)
        };
        for host in [
            "localhost",
            "LOCALHOST:8000",
            "127.0.0.1:8000",
            "127.9.9.9",
            "[::1]:8000",
            "[::1]",
            "db.localhost",
            "localhost.",
        ] {
            assert!(is_here(host), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:8000",
            "localhost.evil.example",
            "10.0.0.1:8000",
            "127.0.0.1.evil.example",
            "",
        ] {
            assert!(!is_here(host), "{host}");
        }
        assert!(is_this_machine(&HeaderMap::new()));
    }
}
