//! The connection to a Docker Engine.
//!
//! The library's time-out runs until the head of an answer, uploads and graceful stops included, and drops parts of a second; so every request here
//! says how long it may take, rounded up.

use std::path::Path;
use std::time::Duration;

use bollard::errors::Error;
use bollard::{API_DEFAULT_VERSION, Docker};
use runbook_core::action::{CancelKind, Cx, Failure, FailureKind, Residue, Target};
use runbook_core::value::AbsolutePath;
use schemars::JsonSchema;
use serde::Deserialize;

use super::failure;
use super::halt::{Halt, Run};

/// Where a Docker Engine answers: `[target.NAME] docker = { … }`.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// `unix:///path/to/docker.sock` or `tcp://HOST:PORT`. Without it `DOCKER_HOST` says where, else it is the machine's own socket.
    #[schemars(regex(pattern = "^(unix:///|tcp://).+$"), extend("x-expected" = "an address such as `unix:///var/run/docker.sock` or `tcp://10.0.0.5:2376`"))]
    host: Option<String>,
    /// The certificates for `tcp://`; without them the connection is neither encrypted nor authenticated.
    tls: Option<Tls>,
}

/// The files of a TLS connection, in PEM.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Tls {
    /// The certificate of the authority that signed the engine's.
    ca: AbsolutePath,
    /// Our own certificate.
    cert: AbsolutePath,
    /// The key of our own certificate.
    key: AbsolutePath,
}

/// For questions, and for changes that only touch the engine's own state.
pub(crate) const QUICK: Duration = Duration::from_secs(30);
/// For changes that make the engine work: creating a container with a large volume, starting it, removing it.
pub(crate) const SLOW: Duration = Duration::from_mins(5);
/// The engine's usual socket.
const SOCKET: &str = "unix:///var/run/docker.sock";

/// A connection whose engine has answered.
pub(crate) struct Client {
    docker: Docker,
}

impl Client {
    /// Connects to the target's engine, or to the one that the environment names, and agrees on the version of the interface.
    pub(crate) async fn connect(target: Option<&Target<Settings>>) -> Result<Self, Failure> {
        let address = Address::find(target);
        let docker = address.client().map_err(|error| address.unreachable(&error))?;
        let docker = docker.with_timeout(Duration::from_secs(10)).negotiate_version().await.map_err(|error| address.unreachable(&error))?;
        Ok(Self { docker })
    }

    /// For one request that may take so long until it is answered.
    pub(crate) fn within(&self, time: Duration) -> Docker {
        let seconds = time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0)).max(1);
        self.docker.clone().with_timeout(Duration::from_secs(seconds))
    }

    /// For a question.
    pub(crate) fn quick(&self) -> Docker {
        self.within(QUICK)
    }
}

/// A question: given up when the action is asked to end, for nothing is lost with it.
pub(crate) async fn ask<T>(cx: Cx<'_>, what: &str, request: impl Future<Output = Result<T, Error>>) -> Run<T> {
    let answer = unless_told(cx, CancelKind::Graceful, request).await.ok_or_else(Halt::told)?;
    answer.map_err(|error| Halt::failed(failure::of(&error, what)))
}

/// A change: the engine carries it through whether we listen or not, so its answer is awaited; only at once-and-for-all it is given up.
pub(crate) async fn change<T>(cx: Cx<'_>, what: &str, request: impl Future<Output = Result<T, Error>>) -> Run<T> {
    match unless_told(cx, CancelKind::Kill, request).await {
        Some(answer) => answer.map_err(|error| Halt::refused(&error, what)),
        None => Err(Halt::told().after(Residue::Unknown)),
    }
}

/// The value, or nothing when the action is asked to end before.
pub(crate) async fn unless_told<T>(cx: Cx<'_>, at_least: CancelKind, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        value = work => Some(value),
        () = cx.cancelled(at_least) => None,
    }
}

/// Waits, and ends early when the action is asked to end.
pub(crate) async fn pause(cx: Cx<'_>, time: Duration) -> Run<()> {
    unless_told(cx, CancelKind::Graceful, cx.sleep(time)).await.ok_or_else(Halt::told)
}

/// Where an engine should be, and who said so.
struct Address {
    host: String,
    tls: Option<Tls>,
    /// As a person would look it up.
    source: String,
    /// Whether the runbook says it.
    in_runbook: bool,
}

impl Address {
    fn find(target: Option<&Target<Settings>>) -> Self {
        let environment = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        if let Some(target) = target
            && let Some(host) = &target.settings.host
        {
            let source = format!("target `{}`", target.name);
            return Self { host: host.clone(), tls: target.settings.tls.clone(), source, in_runbook: true };
        }
        let tls = target.and_then(|target| target.settings.tls.clone());
        let Some(host) = environment("DOCKER_HOST") else {
            return Self {
                host: SOCKET.to_owned(),
                tls,
                source: "the usual place (contexts of the `docker` command are not read)".to_owned(),
                in_runbook: false,
            };
        };
        // What the docker command does with the same environment.
        let tls = tls.or_else(|| {
            environment("DOCKER_TLS_VERIFY")?;
            let folder = environment("DOCKER_CERT_PATH").or_else(|| Some(format!("{}/.docker", environment("HOME")?)))?;
            let file = |name: &str| AbsolutePath::parse(&format!("{folder}/{name}")).ok();
            Some(Tls { ca: file("ca.pem")?, cert: file("cert.pem")?, key: file("key.pem")? })
        });
        Self { host, tls, source: "`DOCKER_HOST`".to_owned(), in_runbook: false }
    }

    fn client(&self) -> Result<Docker, Error> {
        let seconds = QUICK.as_secs();
        match (&self.tls, self.host.split_once("://").map_or("", |(scheme, _)| scheme)) {
            (_, "unix") => Docker::connect_with_unix(&self.host, seconds, API_DEFAULT_VERSION),
            (Some(tls), "tcp" | "https") => {
                let [ca, cert, key] = [&tls.ca, &tls.cert, &tls.key].map(|file| Path::new(file.as_str()));
                // The library reads these two when the engine asks for them, and says nothing where it cannot.
                for file in [cert, key] {
                    std::fs::File::open(file).map_err(|_| Error::CertPathError { path: file.to_owned() })?;
                }
                Docker::connect_with_ssl(&self.host, key, cert, ca, seconds, API_DEFAULT_VERSION)
            }
            (None, "tcp" | "http") => Docker::connect_with_http(&self.host, seconds, API_DEFAULT_VERSION),
            _ => Err(Error::UnsupportedURISchemeError { uri: self.host.clone() }),
        }
    }

    /// No engine: the commonest of all failures, so it says where was looked, who said to look there, and what to do.
    fn unreachable(&self, error: &Error) -> Failure {
        use std::io::ErrorKind::{ConnectionRefused, NotFound, PermissionDenied};
        let place = self.host.strip_prefix("unix://").unwrap_or(&self.host);
        let (kind, message, help) = match (failure::io_kind(error), error) {
            (_, Error::UnsupportedURISchemeError { .. }) => (
                FailureKind::Invalid,
                format!("`{}` is not an address of a Docker Engine that can be used", self.host),
                "write `unix:///var/run/docker.sock` or `tcp://HOST:PORT`; over ssh, forward the socket first (`ssh -N -L /run/far.sock:/var/run/docker.sock HOST`)",
            ),
            (_, Error::CertPathError { path } | Error::CertParseError { path } | Error::CertMultipleKeys { path, .. }) => (
                FailureKind::Invalid,
                format!("`{}` is not a usable certificate or key for the Docker Engine at `{place}`", path.display()),
                "name readable PEM files in `tls = { ca, cert, key }`; `key` holds one key only",
            ),
            (Some(NotFound), _) | (_, Error::SocketNotFoundError(_)) => (
                FailureKind::Unreachable,
                format!("there is no Docker Engine: the socket `{place}` does not exist"),
                "start it (`systemctl start docker`), or say where it is with `DOCKER_HOST` or a target",
            ),
            (Some(PermissionDenied), _) => (
                FailureKind::Denied,
                format!("this user may not use the Docker Engine's socket `{place}`"),
                "run as root, or as a member of the group that owns the socket (usually `docker`)",
            ),
            (Some(ConnectionRefused), _) => (
                FailureKind::Unreachable,
                format!("nothing answers as a Docker Engine at `{place}`: connection refused"),
                "start it (`systemctl start docker`), or say where it is with `DOCKER_HOST` or a target",
            ),
            (_, Error::RequestTimeoutError) => (
                FailureKind::Unreachable,
                format!("the Docker Engine at `{place}` does not answer within 10s"),
                "look at the engine's own log (`journalctl -u docker`) and at the network between",
            ),
            _ => (
                FailureKind::Unreachable,
                format!("the Docker Engine at `{place}` cannot be reached: {}", failure::innermost(error)),
                "see whether `docker version` works for the same address; an engine with TLS needs `tls = { ca, cert, key }`",
            ),
        };
        let failure = Failure::new(kind, message).help(help).detail(format!("the address comes from {}", self.source));
        if self.in_runbook { failure.field("target") } else { failure }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn fails(host: &str) -> Failure {
        let settings = Settings { host: Some(host.to_owned()), tls: None };
        let target = Target { name: "lab".to_owned(), settings };
        Client::connect(Some(&target)).await.err().unwrap()
    }

    #[tokio::test]
    async fn a_missing_socket_is_named_with_what_to_do() {
        let failure = fails("unix:///nowhere/docker.sock").await;
        assert_eq!(failure.kind, FailureKind::Unreachable);
        assert_eq!(failure.message, "there is no Docker Engine: the socket `/nowhere/docker.sock` does not exist");
        assert_eq!(failure.help.as_deref(), Some("start it (`systemctl start docker`), or say where it is with `DOCKER_HOST` or a target"));
        assert_eq!(failure.field.as_deref(), Some("target"));
        assert_eq!(failure.detail, ["the address comes from target `lab`"]);
    }

    #[tokio::test]
    async fn a_port_where_nobody_listens_is_unreachable() {
        let failure = fails("tcp://127.0.0.1:1").await;
        assert_eq!(failure.kind, FailureKind::Unreachable);
        assert_eq!(failure.message, "nothing answers as a Docker Engine at `tcp://127.0.0.1:1`: connection refused");
    }

    #[tokio::test]
    async fn a_missing_key_is_named() {
        let file = |name: &str| AbsolutePath::parse(name).unwrap();
        let tls = Tls { ca: file("/nowhere/ca.pem"), cert: file("/nowhere/cert.pem"), key: file("/nowhere/key.pem") };
        let settings = Settings { host: Some("tcp://127.0.0.1:1".to_owned()), tls: Some(tls) };
        let failure = Client::connect(Some(&Target { name: "far".to_owned(), settings })).await.err().unwrap();
        assert_eq!(failure.kind, FailureKind::Invalid);
        assert_eq!(failure.message, "`/nowhere/cert.pem` is not a usable certificate or key for the Docker Engine at `tcp://127.0.0.1:1`");
    }

    #[tokio::test]
    async fn another_scheme_is_refused() {
        assert_eq!(fails("ftp://example.com").await.kind, FailureKind::Invalid);
    }
}
