//! One request over HTTP/1.1, with TLS where the address asks for it. No connection is kept: between two steps the world may have changed.

use std::io;
use std::pin::Pin;

use futures_util::Stream;
use http_body_util::{BodyExt as _, Either, Full, StreamBody};
use hyper::body::{Bytes, Frame};
use hyper::{HeaderMap, StatusCode};
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::TokioExecutor;
use runbook_core::action::{Failure, FailureKind};

/// What is sent: always the first of the two. It is the type that the Docker client sends, so that the program has one client for both.
pub(super) type Sent = Either<Full<Bytes>, StreamBody<Pin<Box<dyn Stream<Item = io::Result<Frame<Bytes>>> + Send>>>>;

/// More of a body is not read.
pub(super) const MOST: usize = 8 * 1024 * 1024;

/// A response, read to its end.
pub(super) struct Response {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// Why there is no response.
pub(super) struct NoResponse {
    pub(super) failure: Failure,
    /// Whether the request may have reached the service.
    pub(super) sent: bool,
}

impl NoResponse {
    fn unsent(failure: Failure) -> Self {
        Self { failure, sent: false }
    }
}

/// Sends a request and reads the response.
pub(super) async fn exchange(request: hyper::Request<Sent>) -> Result<Response, NoResponse> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    if request.uri().scheme_str() == Some("https") {
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_native_roots()
            .map_err(|error| {
                let message = format!("the system's certificates cannot be read: {error}");
                NoResponse::unsent(Failure::new(FailureKind::NotFound, message).field("url").help("install the package `ca-certificates`"))
            })?
            .https_only()
            .enable_http1()
            .wrap_connector(tcp);
        through(connector, request).await
    } else {
        through(tcp, request).await
    }
}

async fn through<C: Connect + Clone + Send + Sync + 'static>(connector: C, request: hyper::Request<Sent>) -> Result<Response, NoResponse> {
    let host = request.uri().authority().map(ToString::to_string).unwrap_or_default();
    let client: Client<C, Sent> = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector);
    let response = client.request(request).await.map_err(|error| no_response(&error, &host))?;
    let (head, mut body) = response.into_parts();
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let broken = |error: hyper::Error| {
            let failure = Failure::new(FailureKind::Disconnected, format!("`{host}` broke off its answer: {}", reason(&error)));
            NoResponse { failure: failure.field("url"), sent: true }
        };
        if let Ok(piece) = frame.map_err(broken)?.into_data() {
            if bytes.len() + piece.len() > MOST {
                let failure = Failure::new(FailureKind::Exhausted, format!("the answer of `{host}` is larger than 8 MiB")).field("url");
                return Err(NoResponse { failure, sent: true });
            }
            bytes.extend_from_slice(&piece);
        }
    }
    Ok(Response { status: head.status, headers: head.headers, body: bytes })
}

fn no_response(error: &legacy::Error, host: &str) -> NoResponse {
    let why = reason(error);
    if error.is_connect() {
        let message = match cause(error).map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionRefused) => format!("nothing listens at `{host}`"),
            _ => format!("`{host}` cannot be reached: {why}"),
        };
        return NoResponse::unsent(Failure::new(FailureKind::Unreachable, message).field("url"));
    }
    let failure = Failure::new(FailureKind::Disconnected, format!("`{host}` gave no answer: {why}")).field("url");
    NoResponse { failure, sent: true }
}

fn cause<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a io::Error> {
    let mut at = Some(error);
    while let Some(error) = at {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(error);
        }
        at = error.source();
    }
    None
}

/// The innermost cause: the outer ones only say that something went wrong.
fn reason(error: &(dyn std::error::Error + 'static)) -> String {
    let mut at = error;
    while let Some(source) = at.source() {
        at = source;
    }
    at.to_string()
}
