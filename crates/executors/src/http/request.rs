//! A request as the author wrote it, and what its answer means.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use http_body_util::Full;
use hyper::Method;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue, SET_COOKIE, USER_AGENT};
use runbook_core::action::{CancelKind, Cx, Failure, FailureKind, FieldFault, Outcome, Outputs, Residue};
use serde_json::{Map, Value};

use super::client::{self, NoResponse, Response, Sent};

/// How long a request may take where the step has no `timeout`.
const LIMIT: Duration = Duration::from_mins(1);
/// Lines of an error's body that a failure shows.
const DETAIL_LINES: usize = 10;

/// What is sent with the request.
pub(super) enum Body<'a> {
    None,
    Text(&'a str),
    Json(&'a Value),
}

/// A request.
pub(super) struct Request<'a> {
    pub(super) method: Method,
    pub(super) url: &'a str,
    pub(super) headers: &'a BTreeMap<String, String>,
    pub(super) body: Body<'a>,
    pub(super) accept: &'a [u16],
}

impl Request<'_> {
    /// Faults that no schema can say.
    pub(super) fn validate(&self) -> Vec<FieldFault> {
        let mut faults = Vec::new();
        if let Err(error) = self.url.parse::<hyper::Uri>() {
            faults.push(FieldFault::new("url", format!("this is no address: {error}")));
        }
        for (name, value) in self.headers {
            if HeaderName::try_from(name.as_str()).is_err() {
                faults.push(FieldFault::new(format!("headers.{name}"), format!("`{name}` cannot be the name of a header")));
            } else if name.eq_ignore_ascii_case(HOST.as_str()) {
                faults.push(FieldFault::new(format!("headers.{name}"), "`host` follows from `url`").help("leave it out"));
            }
            if HeaderValue::try_from(value.as_str()).is_err() {
                faults.push(FieldFault::new(
                    format!("headers.{name}"),
                    format!("the value of `{name}` has characters that a header cannot carry"),
                ));
            }
        }
        for (at, status) in self.accept.iter().enumerate() {
            if !(100..=599).contains(status) {
                faults.push(FieldFault::new(format!("accept[{at}]"), format!("{status} is no status code")));
            }
        }
        faults
    }

    /// Sends it and says what came of it.
    pub(super) async fn send(&self, cx: Cx<'_>) -> Outcome {
        let request = match self.build() {
            Ok(request) => request,
            Err(error) => return Outcome::failed(Failure::new(FailureKind::Invalid, error.to_string()).field("url"), Residue::None),
        };
        let started = Instant::now();
        let limit = if cx.remaining().is_none() { cx.sleep(LIMIT) } else { Box::pin(std::future::pending()) };
        tokio::select! {
            response = client::exchange(request) => match response {
                Ok(response) => self.outcome(&response, started.elapsed()),
                Err(NoResponse { failure, sent }) => Outcome::failed(failure, self.residue(sent)),
            },
            () = cx.cancelled(CancelKind::Graceful) => Outcome::Cancelled { residue: self.residue(true) },
            () = limit => {
                let message = format!("no answer within {} seconds", LIMIT.as_secs());
                let failure = Failure::new(FailureKind::TimedOut, message).field("url").help("give the step a `timeout` if it may take longer");
                Outcome::failed(failure, self.residue(true))
            }
        }
    }

    fn residue(&self, sent: bool) -> Residue {
        if sent && self.method != Method::GET { Residue::Unknown } else { Residue::None }
    }

    fn build(&self) -> Result<hyper::Request<Sent>, hyper::http::Error> {
        let mut request = hyper::Request::builder().method(self.method.clone()).uri(self.url);
        let given = |header: HeaderName| self.headers.keys().any(|name| name.eq_ignore_ascii_case(header.as_str()));
        if !given(USER_AGENT) {
            request = request.header(USER_AGENT, concat!("runbook/", env!("CARGO_PKG_VERSION")));
        }
        let body = match self.body {
            Body::None => Bytes::new(),
            Body::Text(text) => Bytes::copy_from_slice(text.as_bytes()),
            Body::Json(value) => {
                if !given(CONTENT_TYPE) {
                    request = request.header(CONTENT_TYPE, "application/json");
                }
                Bytes::from(value.to_string())
            }
        };
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        request.body(Sent::Left(Full::new(body)))
    }

    fn outcome(&self, response: &Response, took: Duration) -> Outcome {
        let status = response.status.as_u16();
        let outputs = outputs(response, took);
        let accepted = if self.accept.is_empty() { status < 400 } else { self.accept.contains(&status) };
        if accepted {
            return Outcome::Succeeded { outputs, changed: self.method != Method::GET };
        }
        let message = format!("`{}` answered {}", self.url, response.status);
        let kind = match status {
            401 | 403 => FailureKind::Denied,
            404 | 410 => FailureKind::NotFound,
            _ => FailureKind::Failed,
        };
        let mut failure = Failure::new(kind, message).field("url");
        // A service that is starting says all sorts of things.
        failure.retryable = true;
        // Whole lines: who masks secrets finds none of which half is cut off.
        let text = String::from_utf8_lossy(&response.body);
        failure.detail = text.lines().filter(|line| !line.trim().is_empty()).take(DETAIL_LINES).map(str::to_owned).collect();
        Outcome::Failed { failure, residue: self.residue(true), outputs }
    }
}

fn outputs(response: &Response, took: Duration) -> Outputs {
    let mut headers: Map<String, Value> = Map::new();
    for (name, value) in response.headers.iter().filter(|(name, _)| *name != SET_COOKIE) {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        match headers.get_mut(name.as_str()) {
            Some(Value::String(before)) => *before = format!("{before}, {value}"),
            _ => drop(headers.insert(name.as_str().to_owned(), Value::from(value))),
        }
    }
    let text = String::from_utf8_lossy(&response.body).into_owned();
    let body = serde_json::from_str(&text).unwrap_or_else(|_| Value::from(text.as_str()));
    Outputs::from_iter([
        ("status".to_owned(), Value::from(response.status.as_u16())),
        ("headers".to_owned(), Value::from(headers)),
        ("body".to_owned(), body),
        ("text".to_owned(), Value::from(text)),
        ("duration_ms".to_owned(), Value::from(u64::try_from(took.as_millis()).unwrap_or(u64::MAX))),
    ])
}
