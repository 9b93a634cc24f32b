//! `http.get`, `http.post`, `http.put`, `http.delete`: the same request with and without a body.

use std::collections::BTreeMap;

use hyper::Method;
use runbook_core::action::{Action, Before, BoxFuture, Cx, FieldFault, Outcome};
use runbook_core::value::HttpUrl;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::request::{Body, Request};

/// Sends a GET request.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Get {
    /// The address, without user and password.
    #[schemars(extend("x-text" = "url"))]
    url: HttpUrl,
    /// Headers to send.
    #[serde(default)]
    #[schemars(extend("x-secret" = "accept"))]
    headers: BTreeMap<String, String>,
    /// The status codes that are a success; by default every one below 400.
    #[serde(default)]
    accept: Vec<u16>,
}

macro_rules! with_body {
    ($(#[$about:meta])* $name:ident, $method:expr) => {
        $(#[$about])*
        #[derive(Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub(super) struct $name {
            /// The address, without user and password.
            #[schemars(extend("x-text" = "url"))]
            url: HttpUrl,
            /// Headers to send.
            #[serde(default)]
            #[schemars(extend("x-secret" = "accept"))]
            headers: BTreeMap<String, String>,
            /// The status codes that are a success; by default every one below 400.
            #[serde(default)]
            accept: Vec<u16>,
            /// The body as text.
            #[schemars(extend("x-secret" = "accept"))]
            body: Option<String>,
            /// The body as a value that is sent as JSON.
            #[schemars(extend("x-secret" = "accept"))]
            json: Option<Value>,
        }

        impl Action for $name {
            fn validate(&self) -> Vec<FieldFault> {
                let mut faults = self.request().validate();
                if self.body.is_some() && self.json.is_some() {
                    faults.push(FieldFault::new("json", "`body` and `json` exclude each other").help("keep one of them"));
                }
                faults
            }

            fn run<'a>(&'a self, cx: Cx<'a>, _before: &'a Before) -> BoxFuture<'a, Outcome> {
                Box::pin(async move { self.request().send(cx).await })
            }
        }

        impl $name {
            fn request(&self) -> Request<'_> {
                let body = match (&self.body, &self.json) {
                    (Some(text), _) => Body::Text(text),
                    (None, Some(value)) => Body::Json(value),
                    (None, None) => Body::None,
                };
                Request { method: $method, url: self.url.as_str(), headers: &self.headers, body, accept: &self.accept }
            }
        }
    };
}

with_body! {
    /// Sends a POST request.
    Post, Method::POST
}

with_body! {
    /// Sends a PUT request.
    Put, Method::PUT
}

with_body! {
    /// Sends a DELETE request.
    Delete, Method::DELETE
}

impl Get {
    fn request(&self) -> Request<'_> {
        Request { method: Method::GET, url: self.url.as_str(), headers: &self.headers, body: Body::None, accept: &self.accept }
    }
}

impl Action for Get {
    fn validate(&self) -> Vec<FieldFault> {
        self.request().validate()
    }

    fn run<'a>(&'a self, cx: Cx<'a>, _before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { self.request().send(cx).await })
    }
}
