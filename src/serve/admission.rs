//! What every request passes before its body is read: who sends it, whether they may, how often they did.
//!
//! Invariant: of a request that is refused here, no byte of the body is read.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum_server::tls::TlsInfo;
use uuid::Uuid;

use super::access::{Access, Asked, Claims, Credential, Guard, Level, Place, RateLimits, Refusal};
use super::call::Route;
use super::fault::Fault;
use super::net::{Connection, claims_of, client_address};
use super::observe::{Rejection, Trail};
use super::options::ServeOptions;
use crate::record::Rate;

/// Decides whether a request is let in.
pub(super) struct Admission {
    pub(super) guard: Guard,
    pub(super) limits: RateLimits,
    /// Whether what is sent can be read on its way, and so only some may send it.
    pub(super) is_plain: bool,
}

/// Returns the address of whoever sent a request, and of the client behind it.
pub(super) fn addresses(head: &Parts, options: &ServeOptions) -> (IpAddr, IpAddr) {
    let peer = head.extensions.get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map_or(IpAddr::from([0, 0, 0, 0]), |ConnectInfo(peer)| peer.ip().to_canonical());
    (peer, client_address(peer, &head.headers, &options.trusted_proxies))
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
        peer: IpAddr,
        client: IpAddr,
        options: &ServeOptions,
        trail: &mut Trail,
    ) -> Result<Access, Fault> {
        let level = route.action.level();
        if head.extensions.get::<Arc<Connection>>().is_some_and(|connection| connection.is_surplus) {
            return Err(Fault::over(Rejection::Connections, "there are too many connections (--max-connections)"));
        }
        let is_proxy = || peer.is_loopback() || options.trusted_proxies.iter().any(|network| network.contains(&peer));
        if self.is_plain && level != Level::Public && !is_proxy() {
            trail.outcome = "denied";
            return Err(Fault::forbidden(
                "unencrypted requests are taken from trusted proxies alone (--trusted-proxy)",
            ));
        }
        let missing = missing(&place);
        let asked = Asked {
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
            let length = head.headers.get(axum::http::header::CONTENT_LENGTH);
            let length = length.and_then(|length| length.to_str().ok()?.parse().ok()).unwrap_or(0);
            self.limits.count(&access, client, length).map_err(|over| too_fast(&over))?;
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
                Fault::forbidden(match level {
                    Level::Collection => "this token may not do that, or only with a part of the collection's records",
                    _ => "this token may not do that",
                })
            }
            Refusal::Hidden(subject) => {
                trail.outcome = "denied";
                trail.subject = Some(subject);
                missing
            }
            Refusal::Failed(error) => error.into(),
            Refusal::Overloaded => Fault::over(Rejection::Queue, "too many requests wait to be let in"),
        }
    }
}

fn too_fast((wait, rate): &(Duration, Rate)) -> Fault {
    Fault::too_fast(
        *wait,
        format!("this is more than {rate}; a request costs one, and one more for each 256 KiB of its body (--rate)"),
    )
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
