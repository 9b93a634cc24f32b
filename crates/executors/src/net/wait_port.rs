//! `net.wait_port`.

use std::io;
use std::time::Duration as Span;

use runbook_core::action::{
    Action, ActionSpec, Before, BoxFuture, CancelKind, Class, Cx, Failure, FailureKind, FieldFault, Outcome, OutputKind, OutputSpec,
    Outputs, Residue,
};
use runbook_core::value::{Duration, NonEmpty, Port};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::net::{TcpStream, lookup_host};

/// Waits until a TCP port takes connections, or does not any more. That a port is open says nothing of what is behind it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::unsafe_derive_deserialize, reason = "the `unsafe` is inside tokio's `select!`, and no invariant of a field is at stake")]
pub(super) struct WaitPort {
    /// A host name or an address.
    host: NonEmpty,
    /// The port.
    port: Port,
    /// Whether it is waited for an open port (the default), or for a closed one.
    #[serde(default = "yes")]
    open: bool,
    /// How long it is waited at most.
    #[serde(default = "five_minutes")]
    within: Duration,
}

fn yes() -> bool {
    true
}

fn five_minutes() -> Duration {
    Duration::new(Span::from_mins(5))
}

pub(super) const SPEC: ActionSpec = ActionSpec {
    outputs: &[
        OutputSpec::new("address", OutputKind::String, "The address that answered; null for a closed port."),
        OutputSpec::new("waited", OutputKind::Number, "How long it was waited, in seconds."),
    ],
    example: r#"net.wait_port = { host = "127.0.0.1", port = 8989, within = "2m" }"#,
    schema: runbook_core::described!(WaitPort, "net.wait_port"),
    ..ActionSpec::of::<WaitPort>("wait_port", Class::READ_ONLY, "Waits until a TCP port takes connections, or does not any more.")
};

/// Between two attempts.
const PERIOD: Span = Span::from_millis(500);
/// Of one attempt: a host that drops packets says nothing.
const PATIENCE: Span = Span::from_secs(3);

/// Why a connection was not made.
enum Closed {
    /// Nobody listens there; certain.
    Refused(String),
    /// No answer, no such host, no way there: nobody knows.
    Unclear(String),
}

impl WaitPort {
    async fn go(&self, cx: Cx<'_>) -> Outcome {
        let begun = cx.now();
        loop {
            let attempt = self.connect(cx).await;
            let waited = cx.now().duration_since(begun);
            let address = match (&attempt, self.open) {
                (Ok(address), true) => Some(Some(address.clone())),
                (Err(Closed::Refused(_)), false) => Some(None),
                _ => None,
            };
            if let Some(address) = address {
                let outputs = [("address".to_owned(), address.into()), ("waited".to_owned(), waited.as_secs_f64().into())];
                return Outcome::unchanged(Outputs::from_iter(outputs));
            }
            if waited.unsigned_abs() >= self.within.get() {
                return Outcome::failed(self.late(attempt.err()), Residue::None);
            }
            tokio::select! {
                biased;
                () = cx.cancelled(CancelKind::Graceful) => return Outcome::Cancelled { residue: Residue::None },
                () = cx.sleep(PERIOD.min(self.within.get())) => {}
            }
        }
    }

    /// Connects to the first of the host's addresses that answers, and closes at once.
    async fn connect(&self, cx: Cx<'_>) -> Result<String, Closed> {
        let attempt = async {
            let addresses: Vec<_> =
                lookup_host((self.host.as_str(), self.port.get())).await.map_err(|error| Closed::Unclear(error.to_string()))?.collect();
            let mut last = Closed::Unclear("the name has no address".to_owned());
            for address in addresses {
                match TcpStream::connect(address).await {
                    Ok(_) => return Ok(address.ip().to_string()),
                    Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                        last = Closed::Refused("connection refused".to_owned());
                    }
                    Err(error) => last = Closed::Unclear(error.to_string()),
                }
            }
            Err(last)
        };
        tokio::select! {
            biased;
            result = attempt => result,
            () = cx.sleep(PATIENCE) => Err(Closed::Unclear("no answer".to_owned())),
        }
    }

    fn late(&self, last: Option<Closed>) -> Failure {
        let place = format!("port {} of `{}`", self.port, self.host.as_str());
        match (self.open, last) {
            (true, Some(Closed::Refused(why) | Closed::Unclear(why))) => {
                Failure::new(FailureKind::TimedOut, format!("after {} {place} does not take connections: {why}", self.within))
            }
            (false, Some(Closed::Unclear(why))) => {
                Failure::new(FailureKind::TimedOut, format!("after {} it is not known whether {place} is closed: {why}", self.within))
            }
            _ => Failure::new(FailureKind::TimedOut, format!("after {} {place} still takes connections", self.within)),
        }
        .field("port")
    }
}

impl Action for WaitPort {
    fn validate(&self) -> Vec<FieldFault> {
        if self.host.as_str().contains(|c: char| c.is_whitespace() || c == '/') {
            return vec![
                FieldFault::new("host", format!("`{}` is not a host name or an address", self.host.as_str()))
                    .help("write the host alone, without `http://` and path"),
            ];
        }
        Vec::new()
    }

    fn run<'a>(&'a self, cx: Cx<'a>, _before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(self.go(cx))
    }
}
