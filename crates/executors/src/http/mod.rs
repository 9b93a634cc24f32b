//! Requests to a service. No redirects are followed, no credentials stand in addresses.

mod client;
mod request;
mod verbs;

use runbook_core::action::{ActionSpec, Class, Executor, OutputKind, OutputSpec};

/// `http.*`.
pub struct Http;

const OUTPUTS: &[OutputSpec] = &[
    OutputSpec::new("status", OutputKind::Int, "the status code"),
    OutputSpec::new("headers", OutputKind::Map, "the response's headers, names in lower case; without `set-cookie`"),
    OutputSpec::new("body", OutputKind::Any, "the response's body: parsed where it is JSON, else as text"),
    OutputSpec::new("text", OutputKind::String, "the response's body as text"),
    OutputSpec::new("duration_ms", OutputKind::Int, "how long it took, in milliseconds"),
];

static ACTIONS: &[ActionSpec] = &[
    ActionSpec {
        outputs: OUTPUTS,
        example: r#"http.get = { url = "http://127.0.0.1:8989/api/v1/info" }"#,
        schema: runbook_core::described!(verbs::Get, "http.get"),
        ..ActionSpec::of::<verbs::Get>("get", Class::READ_ONLY, "sends a GET request")
    },
    ActionSpec {
        outputs: OUTPUTS,
        example: r#"http.post = { url = "http://127.0.0.1:8080/maintenance", json = { on = true } }"#,
        schema: runbook_core::described!(verbs::Post, "http.post"),
        ..ActionSpec::of::<verbs::Post>("post", Class::ONCE, "sends a POST request")
    },
    ActionSpec {
        outputs: OUTPUTS,
        example: r#"http.put = { url = "http://127.0.0.1:8080/mode", json = "read-only" }"#,
        schema: runbook_core::described!(verbs::Put, "http.put"),
        ..ActionSpec::of::<verbs::Put>("put", Class::IDEMPOTENT, "sends a PUT request")
    },
    ActionSpec {
        outputs: OUTPUTS,
        example: r#"http.delete = { url = "http://127.0.0.1:8080/silence/7" }"#,
        schema: runbook_core::described!(verbs::Delete, "http.delete"),
        ..ActionSpec::of::<verbs::Delete>("delete", Class::IDEMPOTENT, "sends a DELETE request")
    },
];

impl Executor for Http {
    fn name(&self) -> &'static str {
        "http"
    }

    fn about(&self) -> &'static str {
        "requests to services"
    }

    fn actions(&self) -> &'static [ActionSpec] {
        ACTIONS
    }
}
