//! Requests in and answers out, on the threads that wait for nothing.
//!
//! Invariants: a body is read no further than its bound, and all bodies together no further than theirs; every error has
//! Chroma's body and `chroma-trace-id`.

use std::io;
use std::pin::Pin;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{RawPathParams, Request};
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter};
use axum::{Router, routing};
use http_body::Frame;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout;
use uuid::Uuid;

use super::body::too_large;
use super::call::{Call, Site, Step};
use super::call::{Kind, Route};
use super::connection::Streamed;
use super::engine::{Engine, Job, guarded, too_late};
use super::fault::Fault;
use super::responder::{Outgoing, Responder};
use super::routes;
use super::upload::upload;

/// Bodies are accounted for in pieces of so many bytes.
const PIECE: usize = 16 << 10;
/// How long a body that is refused is read on.
const DISCARD: Duration = Duration::from_secs(5);

static TRACE_ID: HeaderName = HeaderName::from_static("chroma-trace-id");
static JSON: HeaderValue = HeaderValue::from_static("application/json");

/// What every request passes.
pub(super) struct Gate {
    pub(super) site: Arc<Site>,
    pub(super) engine: Engine,
    /// Room for bodies, in pieces.
    bodies: Arc<Semaphore>,
}

impl Gate {
    pub(super) fn new(site: Arc<Site>, engine: Engine) -> Self {
        let pieces = (site.options.max_bodies / PIECE).clamp(1, Semaphore::MAX_PERMITS);
        Self { site, engine, bodies: Arc::new(Semaphore::new(pieces)) }
    }
}

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
                    Err(rejected) => refused(&Fault::invalid(rejected.to_string())),
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
        .fallback(|| async { refused(&Fault::not_found("there is no such route; /openapi.json lists them")) })
}

fn not_allowed(method: &Method) -> Response {
    refused(&Fault::other(StatusCode::METHOD_NOT_ALLOWED, format!("this route does not take {method}")))
}

async fn serve(gate: &Arc<Gate>, route: &'static Route, params: Vec<(String, String)>, request: Request) -> Response {
    let deadline = Instant::now() + gate.site.options.request_timeout;
    let (head, body) = request.into_parts();
    let header = |name: &HeaderName| head.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let length = header(&CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
    let mut call = Call {
        route,
        params,
        query: head.uri.query().unwrap_or_default().to_owned(),
        content_type: header(&CONTENT_TYPE),
        content_encoding: header(&CONTENT_ENCODING),
        body: Bytes::new(),
        upload: None,
        deadline,
    };
    let mut permit = None;
    if route.kind == Kind::Upload {
        let (sender, read) = upload();
        call.upload = Some(Mutex::new(Some(read)));
        tokio::spawn(hand_over(body, sender));
    } else {
        let collected = timeout(gate.site.options.request_timeout, collect(gate, body, length)).await;
        match collected
            .unwrap_or_else(|_| Err(Fault::other(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time")))
        {
            Ok((bytes, permits)) => (call.body, permit) = (bytes, permits),
            Err(fault) => return refused(&fault),
        }
    }
    let response = answer(gate, call).await;
    drop(permit);
    response
}

async fn answer(gate: &Arc<Gate>, call: Call) -> Response {
    if call.route.kind == Kind::Constant {
        return match guarded(|| (call.route.handler)(&gate.site, &call)) {
            Ok(Step::Done(reply)) => whole(reply.status, reply.body),
            Ok(_) => refused(&Fault::internal("a constant route has work to do")),
            Err(fault) => refused(&fault),
        };
    }
    let is_bounded = !matches!(call.route.kind, Kind::Long | Kind::Upload);
    let (sender, receiver) = oneshot::channel();
    gate.engine.submit(Job { call, responder: Responder::new(sender) });
    let outgoing =
        if is_bounded { timeout(gate.site.options.request_timeout, receiver).await } else { Ok(receiver.await) };
    match outgoing {
        Ok(Ok(Outgoing::Whole(Ok(reply)))) => whole(reply.status, reply.body),
        Ok(Ok(Outgoing::Whole(Err(fault)))) => refused(&fault),
        Ok(Ok(Outgoing::Streamed(streamed))) => pieces(streamed),
        Ok(Err(_)) => refused(&Fault::internal("the request was not answered")),
        Err(_) => refused(&too_late()),
    }
}

/// Reads a body within both bounds; returns also what it takes of the second, for as long as the request is worked on.
async fn collect(
    gate: &Gate,
    mut body: Body,
    length: Option<u64>,
) -> Result<(Bytes, Option<OwnedSemaphorePermit>), Fault> {
    let most = gate.site.options.max_body;
    if length.is_some_and(|length| length > most as u64) {
        discard(body).await;
        return Err(too_large(most));
    }
    let mut held: Option<OwnedSemaphorePermit> = None;
    let (mut bytes, mut first) = (Vec::new(), Bytes::new());
    while let Some(piece) = next(&mut body).await {
        let piece = piece?;
        let total = first.len() + bytes.len() + piece.len();
        if total > most {
            drop((bytes, first));
            discard(body).await;
            return Err(too_large(most));
        }
        let needed = total.div_ceil(PIECE).saturating_sub(held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits));
        if needed > 0 {
            let needed = u32::try_from(needed).unwrap_or(u32::MAX);
            let more = Arc::clone(&gate.bodies).try_acquire_many_owned(needed);
            let more =
                more.map_err(|_| Fault::backoff("the bodies of other requests take all the memory there is for them"))?;
            match &mut held {
                Some(held) => held.merge(more),
                None => held = Some(more),
            }
        }
        // Most bodies come in one piece, which need not be copied.
        if first.is_empty() && bytes.is_empty() {
            first = piece;
        } else {
            if bytes.is_empty() {
                bytes.extend_from_slice(&std::mem::take(&mut first));
            }
            bytes.extend_from_slice(&piece);
        }
    }
    Ok((if bytes.is_empty() { first } else { bytes.into() }, held))
}

/// Reads what is left of a body that is refused, for a while: a client that is still sending would not read why.
async fn discard(mut body: Body) {
    let all = async { while let Some(Ok(_)) = next(&mut body).await {} };
    let _ = timeout(DISCARD, all).await;
}

async fn next(body: &mut Body) -> Option<Result<Bytes, Fault>> {
    loop {
        let frame = std::future::poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await?;
        match frame {
            Ok(frame) => {
                if let Ok(bytes) = frame.into_data() {
                    return Some(Ok(bytes));
                }
            }
            Err(error) => return Some(Err(Fault::invalid(format!("the body ended early: {error}")))),
        }
    }
}

/// Hands a body to the thread that reads it, as fast as that reads.
async fn hand_over(mut body: Body, sender: SyncSender<io::Result<Bytes>>) {
    while let Some(piece) = next(&mut body).await {
        let mut piece = Some(piece.map_err(|fault| io::Error::other(fault.message)));
        while let Some(waiting) = piece.take() {
            match sender.try_send(waiting) {
                Ok(()) => {}
                Err(std::sync::mpsc::TrySendError::Full(waiting)) => {
                    piece = Some(waiting);
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                Err(std::sync::mpsc::TrySendError::Disconnected(_)) => return,
            }
        }
    }
}

fn whole(status: StatusCode, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON.clone());
    response
}

fn refused(fault: &Fault) -> Response {
    let mut response = whole(fault.status, fault.body());
    let trace = HeaderValue::from_str(&Uuid::new_v4().simple().to_string());
    if let Ok(trace) = trace {
        response.headers_mut().insert(TRACE_ID.clone(), trace);
    }
    if let Some(seconds) = fault.retry_after {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}

fn pieces(streamed: Streamed) -> Response {
    let mut response = Response::new(Body::new(Pieces(streamed.pieces)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(streamed.content_type));
    if let Some(length) = streamed.length {
        headers.insert(CONTENT_LENGTH, length.into());
    }
    response
}

/// A body that is sent while it is made.
struct Pieces(tokio::sync::mpsc::Receiver<io::Result<Bytes>>);

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.0.poll_recv(cx).map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}
