//! What the engine's refusals and silences mean.

use std::error::Error as _;
use std::io;

use bollard::errors::Error;
use runbook_core::action::{Failure, FailureKind};

/// The failure of a request. `what` is what was asked, as in "stop the container `obodc`".
pub(crate) fn of(error: &Error, what: &str) -> Failure {
    match error {
        Error::DockerResponseServerError { status_code, message } => refusal(*status_code, message, what),
        Error::DockerStreamError { error } | Error::DockerContainerWaitError { error, .. } => refusal(500, error, what),
        Error::RequestTimeoutError => Failure::new(FailureKind::TimedOut, format!("the Docker Engine gave no answer in time to: {what}"))
            .help("look at the engine's own log (`journalctl -u docker`); it may be overloaded or stuck"),
        Error::JsonDataError { message, .. } => not_understood(what, message),
        Error::JsonSerdeError { err } => not_understood(what, &err.to_string()),
        Error::StrParseError { err } => not_understood(what, &err.to_string()),
        _ if never_arrived(error) => {
            Failure::new(FailureKind::Unreachable, format!("the Docker Engine cannot be reached any more: {}", innermost(error)))
                .detail(format!("while asking it to {what}"))
        }
        Error::HyperResponseError { .. } | Error::HyperLegacyError { .. } | Error::IOError { .. } => {
            Failure::new(FailureKind::Disconnected, format!("the connection to the Docker Engine was lost: {}", innermost(error)))
                .detail(format!("while asking it to {what}"))
        }
        other => Failure::new(FailureKind::Internal, format!("the request to the Docker Engine could not be made: {other}"))
            .detail(format!("while asking it to {what}")),
    }
}

/// Whether the request cannot have arrived: no connection was made for it.
pub(crate) fn never_arrived(error: &Error) -> bool {
    match error {
        Error::HyperLegacyError { err } => err.is_connect(),
        Error::SocketNotFoundError(_) => true,
        _ => false,
    }
}

/// Whether the engine says that there is no such thing.
pub(crate) const fn is_missing(error: &Error) -> bool {
    matches!(error, Error::DockerResponseServerError { status_code: 404, .. })
}

/// The error of the operating system inside, where there is one.
pub(crate) fn io_kind(error: &Error) -> Option<io::ErrorKind> {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return Some(io.kind());
        }
        next = error.source();
    }
    None
}

/// The last cause's text: the outer ones only say that there was an error.
pub(crate) fn innermost(error: &Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text = error.to_string();
        next = error.source();
    }
    text
}

fn not_understood(what: &str, message: &str) -> Failure {
    Failure::new(FailureKind::Failed, format!("the Docker Engine's answer was not understood: {message}"))
        .detail(format!("while asking it to {what}"))
}

/// The engine reports a full disk and a taken port as its own error (500), so its words are read too.
fn refusal(status: u16, message: &str, what: &str) -> Failure {
    let says = |text: &str| message.contains(text);
    let kind = match status {
        400 => FailureKind::Invalid,
        401 | 403 => FailureKind::Denied,
        404 => FailureKind::NotFound,
        409 => FailureKind::Conflict,
        503 => FailureKind::Unreachable,
        _ if says("no space left on device") || says("disk quota exceeded") || says("cannot allocate memory") => FailureKind::Exhausted,
        _ if says("port is already allocated") || says("address already in use") => FailureKind::Conflict,
        _ => FailureKind::Failed,
    };
    let failure = Failure::new(kind, format!("the Docker Engine did not {what}: {}", message.trim()));
    match kind {
        FailureKind::Exhausted => failure.help("make room (`docker system df` shows what takes it), then go on with the run"),
        _ => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status_code: u16, message: &str) -> Failure {
        of(&Error::DockerResponseServerError { status_code, message: message.to_owned() }, "stop the container `obodc`")
    }

    #[test]
    fn a_refusal_says_what_was_asked_and_in_the_engines_words_why() {
        let failure = refused(409, "removal of container obodc is already in progress\n");
        assert_eq!(failure.kind, FailureKind::Conflict);
        assert_eq!(
            failure.message,
            "the Docker Engine did not stop the container `obodc`: removal of container obodc is already in progress"
        );
    }

    #[test]
    fn a_full_disk_and_a_taken_port_are_told_from_other_errors() {
        assert_eq!(refused(500, "write /var/lib/docker: no space left on device").kind, FailureKind::Exhausted);
        assert_eq!(refused(500, "Bind for 0.0.0.0:8989 failed: port is already allocated").kind, FailureKind::Conflict);
        assert_eq!(refused(500, "something else").kind, FailureKind::Failed);
        assert_eq!(refused(404, "No such container: obodc").kind, FailureKind::NotFound);
    }

    #[test]
    fn a_silent_engine_is_a_time_out_that_may_be_retried() {
        let failure = of(&Error::RequestTimeoutError, "stop the container `obodc`");
        assert_eq!(failure.kind, FailureKind::TimedOut);
        assert!(failure.retryable);
    }
}
