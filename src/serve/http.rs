//! Requests in and answers out, on the threads that wait for nothing.
//!
//! Invariants: what every request passes, it passes here (`admission`, `intake`); every error has Chroma's body and
//! `chroma-trace-id`, every answer the identity of its request.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Instant;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{RawPathParams, Request};
use axum::http::header::{
    CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, STRICT_TRANSPORT_SECURITY,
    WWW_AUTHENTICATE,
};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter};
use axum::{Router, routing};
use http_body::Frame;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;
use uuid::Uuid;

#[cfg(feature = "mcp")]
use super::access::Action;
use super::admission::{content_length, origin, place};
use super::call::{Call, Kind, Reply, Route};
use super::connection::Streamed;
use super::fault::Fault;
use super::gate::{Gate, work};
use super::intake::{collect, hand_over};
use super::observe::{RequestId, RouteName, Trail};
use super::rejection::Rejection;
use super::responder::Outgoing;
use super::routes;
use super::upload::upload;

static TRACE_ID: HeaderName = HeaderName::from_static("chroma-trace-id");
static JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Returns the routes, each with its way through the gate.
pub(super) fn router(gate: &Arc<Gate>) -> Router {
    let mut router = Router::new();
    for route in routes::ALL {
        let gate = Arc::clone(gate);
        let answer = move |params: Result<RawPathParams, axum::extract::rejection::RawPathParamsRejection>,
                           request: Request| {
            let gate = Arc::clone(&gate);
            async move {
                match params {
                    Ok(params) => {
                        let params = params.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
                        serve(&gate, route, params, request).await
                    }
                    Err(rejected) => refused(&Fault::invalid(rejected.to_string()), None),
                }
            }
        };
        let filter = MethodFilter::try_from(route.method.clone()).unwrap_or(MethodFilter::GET);
        let method: MethodRouter = routing::on(filter, answer);
        router = router.route(route.path, method);
    }
    let allowed = |request: Request| async move { not_allowed(request.method()) };
    router
        .method_not_allowed_fallback(allowed)
        .fallback(|| async { refused(&Fault::not_found("there is no such route; /openapi.json lists them"), None) })
}

/// Returns the route of the metrics alone, for an address that asks nobody who they are.
pub(super) fn metrics_router(gate: &Arc<Gate>) -> Router {
    let gate = Arc::clone(gate);
    let answer = move || async move {
        gate.refresh_metrics();
        let text = gate.site.metrics().text();
        whole(Reply::text(super::system::OPEN_METRICS, text))
    };
    Router::new().route("/metrics", routing::get(answer))
}

fn not_allowed(method: &Method) -> Response {
    refused(&Fault::other(StatusCode::METHOD_NOT_ALLOWED, format!("this route does not take {method}")), None)
}

async fn serve(gate: &Arc<Gate>, route: &'static Route, params: Vec<(String, String)>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let origin = origin(&head, &gate.site.options);
    let place = place(route, &params);
    let name = RouteName { method: route.method.as_str(), path: route.path, action: route.action };
    let id = RequestId::of(&head.headers);
    let mut trail = Trail::begin(Arc::clone(&gate.site.observed), name, id.clone(), origin.client, place.clone());
    let admitted = gate.admission.admit(route, place, &head, origin, &gate.site.options, &mut trail).await;
    let mut permit = None;
    #[cfg(feature = "mcp")]
    let headers = (route.action == Action::Mcp).then(|| head.headers.clone());
    let call = match admitted {
        Ok(access) => read(gate, route, params, head, body, access, &mut trail, &mut permit).await,
        Err(fault) => Err(fault),
    };
    let outgoing = match call {
        #[cfg(feature = "mcp")]
        Ok(call) if headers.is_some() => {
            super::mcp::exchange(gate, call, headers.unwrap_or_default(), &mut trail).await
        }
        Ok(call) => work(gate, call).await,
        Err(fault) => Outgoing::Whole(Err(fault)),
    };
    drop(permit);
    let mut response = sent(gate, outgoing, trail);
    response.headers_mut().insert(RequestId::header_name(), id.header());
    if gate.tls.is_some() && !origin.peer.is_loopback() {
        response.headers_mut().insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    response
}

/// Reads the body of a request that was let in.
#[expect(clippy::too_many_arguments, reason = "all that a request is made of")]
async fn read(
    gate: &Gate,
    route: &'static Route,
    params: Vec<(String, String)>,
    head: Parts,
    body: Body,
    access: super::access::Caller,
    trail: &mut Trail,
    permit: &mut Option<OwnedSemaphorePermit>,
) -> Result<Call, Fault> {
    let options = &gate.site.options;
    let deadline = Instant::now() + options.request_timeout;
    let header = |name: &HeaderName| head.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let length = content_length(&head.headers);
    let mut call = Call {
        route,
        params,
        query: head.uri.query().unwrap_or_default().to_owned(),
        content_type: header(&CONTENT_TYPE),
        content_encoding: header(&CONTENT_ENCODING),
        body: Bytes::new(),
        upload: None,
        deadline,
        access,
        waited: Arc::clone(&trail.waited),
    };
    if route.kind == Kind::Upload {
        let (sender, read) = upload();
        call.upload = Some(Mutex::new(Some(read)));
        tokio::spawn(hand_over(body, sender));
        return Ok(call);
    }
    let collected = timeout(options.request_timeout, collect(&gate.bodies, options.max_body, body, length)).await;
    let late = || {
        let fault = Fault::other(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time (--request-timeout)");
        Fault { rejection: Some(Rejection::Time), ..fault }
    };
    (call.body, *permit) = collected.unwrap_or_else(|_| Err(late()))?;
    trail.bytes = call.body.len();
    Ok(call)
}

/// Makes a response, and ends the trail with it.
fn sent(gate: &Gate, outgoing: Outgoing, mut trail: Trail) -> Response {
    match outgoing {
        Outgoing::Whole(Ok(reply)) => {
            trail.status = reply.status.as_u16();
            trail.records = reply.records;
            if let (Some(records), Some(operation)) = (reply.records, trail.action().operation()) {
                gate.site.metrics().wrote(operation, records);
            }
            whole(reply)
        }
        Outgoing::Whole(Err(fault)) => {
            if let Some(rejection) = fault.rejection {
                gate.site.metrics().reject(rejection);
            }
            if let Some(reason) = trail.reason {
                gate.site.metrics().unauthenticated(reason);
            }
            trail.status = fault.status.as_u16();
            let response = refused(&fault, Some(trail.id()));
            trail.error = Some(fault.message);
            response
        }
        Outgoing::Streamed(streamed) => {
            trail.status = StatusCode::OK.as_u16();
            pieces(streamed, trail)
        }
    }
}

fn whole(reply: Reply) -> Response {
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() = reply.status;
    let content_type = reply.content_type.map_or_else(|| JSON.clone(), HeaderValue::from_static);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    for (name, value) in reply.headers {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

fn refused(fault: &Fault, id: Option<&RequestId>) -> Response {
    let mut response = Response::new(Body::from(fault.body()));
    *response.status_mut() = fault.status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, JSON.clone());
    let made = || HeaderValue::from_str(&Uuid::new_v4().simple().to_string());
    if let Some(trace) = id.map(RequestId::header).or_else(|| made().ok()) {
        headers.insert(TRACE_ID.clone(), trace);
    }
    if let Some(seconds) = fault.retry_after {
        headers.insert(RETRY_AFTER, seconds.into());
    }
    if fault.status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if fault.rejection == Some(Rejection::Connections) {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

fn pieces(streamed: Streamed, trail: Trail) -> Response {
    let mut response = Response::new(Body::new(Pieces { pieces: streamed.pieces, _trail: trail }));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(streamed.content_type));
    if let Some(length) = streamed.length {
        headers.insert(CONTENT_LENGTH, length.into());
    }
    response
}

/// A body that is sent while it is made.
struct Pieces {
    pieces: tokio::sync::mpsc::Receiver<io::Result<Bytes>>,
    /// Ends when it was sent.
    _trail: Trail,
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.pieces.poll_recv(cx).map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}
