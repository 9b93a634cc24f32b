//! Whether a container that was just started stays up.
//!
//! The engine reports a start as done when the process has been created. A process that ends at once, or that a restart policy starts again and again,
//! shows only in a second look.

use std::time::Duration as Span;

use bollard::container::LogOutput;
use bollard::query_parameters::LogsOptionsBuilder;
use futures_util::StreamExt as _;
use runbook_core::action::{Cx, Failure, FailureKind};

use super::client::{Client, pause};
use super::container::Container;
use super::halt::{Halt, Run};

/// How long a container is watched after its start unless the author says otherwise.
pub(crate) const SHORTLY: Span = Span::from_secs(2);
/// So many lines of its log are told of a container that fell.
const LAST_LINES: usize = 20;
/// Between two looks; the engine's first pause before a restart is 100 ms.
const PERIOD: Span = Span::from_millis(200);

/// Watches a started container for so long; with zero it looks once, and anything is well.
pub(crate) async fn stays_up(cx: Cx<'_>, client: &Client, id: &str, time: Span) -> Run<Container> {
    let first = look(cx, client, id).await?;
    if time.is_zero() {
        return Ok(first);
    }
    let begun = cx.now();
    let mut now = first.clone();
    loop {
        if !now.running || now.restarting || now.started_at != first.started_at {
            return Err(fell(client, &now).await);
        }
        if cx.now().duration_since(begun).unsigned_abs() >= time {
            return Ok(now);
        }
        pause(cx, PERIOD).await?;
        now = look(cx, client, id).await?;
    }
}

async fn look(cx: Cx<'_>, client: &Client, id: &str) -> Run<Container> {
    let gone = || Failure::new(FailureKind::Failed, "the container is gone right after its start; it was created to be removed at its end");
    Container::find(cx, client, id).await?.ok_or_else(|| Halt::failed(gone()))
}

async fn fell(client: &Client, container: &Container) -> Halt {
    let how = if container.restarting { "and the Docker Engine starts it again and again" } else { "right after its start" };
    let message = format!("the container `{}` did not stay up: its process {} {how}", container.name, container.ending());
    let said = log_tail(client, &container.id, LAST_LINES).await;
    let all = said.len() < LAST_LINES;
    let failure = said.into_iter().fold(Failure::new(FailureKind::Failed, message), Failure::detail);
    // A rollback takes the container away, and its log with it.
    let more =
        || format!("these are the last lines of its log; as long as the container is there, `docker logs {}` has all", container.name);
    let failure = if all { failure } else { failure.help(more()) };
    let outputs = super::container::object(serde_json::json!({ "id": container.id, "name": container.name }));
    Halt::failed(failure).with(outputs)
}

/// The last lines of a container's log, whole, so that secrets are found in them; none where they cannot be had.
pub(crate) async fn log_tail(client: &Client, id: &str, lines: usize) -> Vec<String> {
    let options = LogsOptionsBuilder::new().stdout(true).stderr(true).tail(&lines.to_string()).build();
    let docker = client.quick();
    let mut stream = docker.logs(id, Some(options));
    let mut text = Vec::new();
    let read = async {
        while let Some(Ok(piece)) = stream.next().await {
            text.extend_from_slice(&LogOutput::into_bytes(piece));
            if text.len() > 64 * 1024 {
                break;
            }
        }
    };
    // Never the reason why a failure is reported late.
    let _ = tokio::time::timeout(Span::from_secs(5), read).await;
    let text = String::from_utf8_lossy(&text);
    let all: Vec<&str> = text.lines().collect();
    all.iter().skip(all.len().saturating_sub(lines)).map(|line| (*line).to_owned()).collect()
}
