//! `docker.logs`.

use std::collections::VecDeque;

use runbook_core::action::{
    Action, ActionSpec, Before, BoxFuture, CancelKind, Class, Cx, Failure, FailureKind, Outcome, OutputKind, OutputSpec, Target,
};
use runbook_core::value::{Pattern, Timestamp};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::client::{Client, Settings, unless_told};
use super::container::{Container, missing, object};
use super::failure;
use super::halt::{Halt, Run, outcome};
use super::lines::{Lines, this_start};
use super::names::ContainerName;

/// Reads what a container has put out since its last start.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Logs {
    /// The container's name or id.
    container: ContainerName,
    /// Since this moment instead of the last start.
    since: Option<Timestamp>,
    /// How many lines are kept of each, from the end.
    #[serde(default = "hundred")]
    #[schemars(range(min = 1, max = 10_000))]
    tail: u32,
    /// A regular expression; the lines in which it is found are counted and kept apart.
    #[serde(rename = "match")]
    pattern: Option<Pattern>,
    /// The Docker Engine; without it the machine's own.
    #[schemars(extend("x-target" = "docker"))]
    target: Option<Target<Settings>>,
}

fn hundred() -> u32 {
    100
}

pub(super) const SPEC: ActionSpec = ActionSpec {
    outputs: &[
        OutputSpec::new("lines", OutputKind::List, "The last lines, at most `tail` and at most 24 KiB."),
        OutputSpec::new("count", OutputKind::Int, "How many lines there are since then."),
        OutputSpec::new("matched", OutputKind::List, "The last lines in which `match` was found, at most `tail` and at most 24 KiB."),
        OutputSpec::new("matched_count", OutputKind::Int, "In how many lines `match` was found."),
        OutputSpec::new("since", OutputKind::String, "The moment from which on was read, RFC 3339; null for the whole log."),
    ],
    example: r#"docker.logs = { container = "obodc", match = "exit status 1" }"#,
    schema: runbook_core::described!(Logs, "docker.logs"),
    ..ActionSpec::of::<Logs>("logs", Class::READ_ONLY, "Reads what a container has put out since its last start.")
};

/// What is kept of each list, so that a record stays small.
const MOST: usize = 24 * 1024;

/// The last lines, bounded in number and bytes.
pub(super) struct Last {
    lines: VecDeque<String>,
    bytes: usize,
    most_lines: usize,
}

impl Last {
    pub(super) fn new(most_lines: usize) -> Self {
        Self { lines: VecDeque::new(), bytes: 0, most_lines }
    }

    pub(super) fn push(&mut self, line: String) {
        self.bytes += line.len();
        self.lines.push_back(line);
        while self.lines.len() > self.most_lines || (self.bytes > MOST && self.lines.len() > 1) {
            self.bytes -= self.lines.pop_front().map_or(0, |line| line.len());
        }
        if let Some(only) = self.lines.front_mut().filter(|_| self.bytes > MOST) {
            let end = only.floor_char_boundary(MOST);
            only.truncate(end);
            self.bytes = only.len();
        }
    }

    pub(super) fn into_lines(self) -> Vec<String> {
        self.lines.into()
    }
}

impl Logs {
    async fn go(&self, cx: Cx<'_>) -> Run<Outcome> {
        let client = Client::connect(self.target.as_ref()).await?;
        let Some(found) = Container::find(cx, &client, self.container.as_str()).await? else {
            return Err(missing(&client, &self.container).await.into());
        };
        let since = self.since.map(Timestamp::get).or_else(|| this_start(&found));
        let most = usize::try_from(self.tail).unwrap_or(usize::MAX);
        let (mut last, mut matched, mut count, mut matched_count) = (Last::new(most), Last::new(most), 0_u64, 0_u64);
        let mut lines = Lines::open(&client, &found.id, since, false);
        while let Some(line) = unless_told(cx, CancelKind::Graceful, lines.next()).await.ok_or_else(Halt::told)? {
            let line = line.map_err(|error| Halt::failed(unreadable(&error, &found)))?;
            count += 1;
            if self.pattern.as_ref().is_some_and(|pattern| pattern.get().is_match(&line.text)) {
                matched_count += 1;
                cx.output(line.stream, format!("{}\n", line.text).as_bytes());
                matched.push(line.text.clone());
            }
            last.push(line.text);
        }
        let last = last.into_lines();
        if self.pattern.is_none() {
            for line in &last {
                cx.output(runbook_core::action::Stream::Stdout, format!("{line}\n").as_bytes());
            }
        }
        Ok(Outcome::unchanged(object(json!({
            "lines": last,
            "count": count,
            "matched": matched.into_lines(),
            "matched_count": matched_count,
            "since": since.map(|since| since.to_string()),
        }))))
    }
}

/// A log that cannot be read, most often because its driver sends it away.
pub(super) fn unreadable(error: &bollard::errors::Error, found: &Container) -> Failure {
    let failure = failure::of(error, &format!("read the log of the container `{}`", found.name)).field("container");
    if failure.message.contains("does not support reading") {
        return Failure { kind: FailureKind::Invalid, retryable: false, ..failure }
            .help("its log driver sends the output away: look where it goes");
    }
    failure
}

impl Action for Logs {
    fn run<'a>(&'a self, cx: Cx<'a>, _before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { outcome(Box::pin(self.go(cx)).await) })
    }
}
