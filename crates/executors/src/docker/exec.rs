//! `docker.exec`.
//!
//! An exec outlives its client and carries no labels. Its id is journaled before it starts and its pid after, so that a later process finds it again; its
//! environment carries the effect's mark, so that it and its children can be ended (see [`process`]).

mod capture;
mod follow;
mod process;

use std::collections::BTreeMap;
use std::time::Duration as Span;

use bollard::exec::{CreateExecOptions, StartExecResults};
use runbook_core::action::{
    Action, ActionSpec, Before, BoxFuture, Class, Cx, Failure, FailureKind, FieldFault, Outcome, OutputKind, OutputSpec, Outputs, Residue,
    Settled, Target,
};
use runbook_core::value::AbsolutePath;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use self::follow::{Kept, feed, follow};
use self::process::{MARK, Process, Signal};
use super::client::{Client, Settings, change, pause};
use super::container::{Container, missing, object};
use super::forms::Argument;
use super::halt::{Halt, Run, outcome, settled};
use super::names::ContainerName;

/// Runs a program inside a running container, without a shell, and waits for its end.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Exec {
    /// The container's name or id.
    container: ContainerName,
    /// The program and its arguments, exactly as it gets them. They stand in the engine's events: a secret belongs into `env` or `stdin`.
    #[schemars(length(min = 1))]
    argv: Vec<Argument>,
    /// Environment variables beside the container's own. A secret may stand here.
    #[serde(default)]
    #[schemars(extend("x-secret" = "accept"))]
    env: BTreeMap<String, String>,
    /// The user, `NAME` or `UID[:GID]`; without it the container's own.
    user: Option<String>,
    /// The folder in which it starts; without it the container's own.
    workdir: Option<AbsolutePath>,
    /// What it reads from its input. A secret may stand here.
    #[schemars(extend("x-secret" = "accept"))]
    stdin: Option<String>,
    /// The exit codes that mean success.
    #[serde(default = "zero")]
    exit_codes: Vec<u8>,
    /// The Docker Engine; without it the machine's own.
    #[schemars(extend("x-target" = "docker"))]
    target: Option<Target<Settings>>,
}

fn zero() -> Vec<u8> {
    vec![0]
}

pub(super) const SPEC: ActionSpec = ActionSpec {
    outputs: &[
        OutputSpec::new("exit_code", OutputKind::Int, "Its exit code; 128 and the signal's number where a signal ended it."),
        OutputSpec::new(
            "stdout",
            OutputKind::String,
            "The end of what it wrote to its output, without terminal sequences and the last line break; at most 32 KiB.",
        ),
        OutputSpec::new("stderr", OutputKind::String, "The end of what it wrote to its error output, in the same way; at most 16 KiB."),
        OutputSpec::new("truncated", OutputKind::Bool, "Whether some of the output is only in the step's log."),
        OutputSpec::new("duration", OutputKind::Number, "How long it ran, in seconds."),
    ],
    example: r#"docker.exec = { container = "oms_340", argv = ["bash", "/root/docker_init.sh"] }"#,
    schema: runbook_core::described!(Exec, "docker.exec"),
    ..ActionSpec::of::<Exec>("exec", Class::ONCE, "Runs a program inside a running container, without a shell.")
};

/// After SIGTERM, before SIGKILL, where an earlier run's process is ended.
const GRACE: Span = Span::from_secs(10);
/// The exit code of what SIGKILL ended: it may have been meant for the whole container.
const KILLED: i64 = 137;
/// What engines say of a user or a group that the container does not have.
const NO_USER: &[&str] = &["unable to find user", "unable to find group", "no matching entries in passwd file"];

impl Exec {
    fn program(&self) -> &str {
        self.argv.first().map(|program| program.0.as_str()).unwrap_or_default()
    }

    async fn go(&self, cx: Cx<'_>) -> Run<Outcome> {
        let client = Client::connect(self.target.as_ref()).await?;
        let Some(found) = Container::find(cx, &client, self.container.as_str()).await? else {
            return Err(missing(&client, &self.container).await.into());
        };
        if found.status != "running" {
            let message = format!("nothing can be run in the container `{}`: it is {}", found.name, found.status);
            return Err(Failure::new(FailureKind::Failed, message).field("container").help("start it first (`docker.start`)").into());
        }
        let what = format!("run `{}` in the container `{}`", self.program(), found.name);
        let created = change(cx, &what, client.quick().create_exec(&found.id, self.options(cx))).await.map_err(Halt::without_residue)?;
        // An exec that was created and never started does nothing and ends with its container.
        cx.evidence(json!({ "container": found.id, "exec": created.id })).await?;
        if cx.cancel_requested().is_some() {
            return Err(Halt::told());
        }
        let begun = cx.now();
        let docker = client.quick();
        let attached = change(cx, &what, docker.start_exec(&created.id, None)).await.map_err(|halt| self.explained(halt))?;
        let StartExecResults::Attached { output, input } = attached else {
            return Err(Halt::failed(Failure::new(FailureKind::Internal, "the Docker Engine detached a command that was to be attached"))
                .after(Residue::Unknown));
        };
        let process = Process { client: &client, container: &found.id, exec: &created.id };
        let feed = feed(input, self.stdin.as_deref().unwrap_or_default().as_bytes());
        let (kept, told) = follow(cx, &process, output, feed).await.map_err(|halt| halt.after(Residue::Unknown))?;
        let end = match end(cx, &process).await {
            Ok(end) => end,
            Err(halt) => {
                let gone = self.gone(cx, &client, &found).await.map_or(halt, Halt::failed);
                return Err(gone.after(Residue::Unknown));
            }
        };
        let outputs = outputs(end.exit_code, &kept, cx.now().duration_since(begun).as_secs_f64());
        if told {
            return Err(Halt::told().after(Residue::Unknown).with(outputs));
        }
        if end.exit_code == KILLED
            && !self.expects(KILLED)
            && let Some(failure) = self.gone(cx, &client, &found).await
        {
            return Err(Halt::failed(failure).after(Residue::Unknown).with(outputs));
        }
        self.judged(&found, end, &kept, outputs)
    }

    /// What became of the container, where it has ended since `found` was seen. The engine takes a moment from the end of what runs in a container to that of
    /// the container, and another one until it is removed.
    async fn gone(&self, cx: Cx<'_>, client: &Client, found: &Container) -> Option<Failure> {
        let mut seen = None;
        for _ in 0..10 {
            match Container::look(client, &found.id).await.ok()? {
                None => {
                    let message = format!("the container `{}` was removed while `{}` ran in it", found.name, self.program());
                    return Some(Failure::new(FailureKind::Failed, message).field("container"));
                }
                now => seen = now,
            }
            cx.sleep(Span::from_millis(100)).await;
        }
        let now = seen.filter(|now| !now.running || now.started_at != found.started_at)?;
        let ending = if now.running { "it was started again".to_owned() } else { format!("it {}", now.ending()) };
        let message = format!("the container `{}` ended while `{}` ran in it: {ending}", found.name, self.program());
        Some(Failure::new(FailureKind::Failed, message).field("container"))
    }

    fn expects(&self, exit_code: i64) -> bool {
        u8::try_from(exit_code).is_ok_and(|code| self.exit_codes.contains(&code))
    }

    fn options(&self, cx: Cx<'_>) -> CreateExecOptions<String> {
        let env = self.env.iter().map(|(name, value)| format!("{name}={value}")).chain([format!("{MARK}={}", cx.mark())]);
        CreateExecOptions {
            attach_stdin: Some(self.stdin.is_some()),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            env: Some(env.collect()),
            cmd: Some(Argument::texts(&self.argv)),
            user: self.user.clone(),
            working_dir: self.workdir.as_ref().map(|path| path.as_str().to_owned()),
            ..CreateExecOptions::default()
        }
    }

    /// Whether the exit code is one of those that mean success.
    fn judged(&self, found: &Container, End { exit_code, started }: End, kept: &Kept, outputs: Outputs) -> Run<Outcome> {
        let stdout = kept.stdout.text();
        if !started && matches!(exit_code, 126 | 127) {
            // The engine's own words, which it puts where the program's output would be.
            return Err(Halt::failed(self.not_started(&stdout)).with(outputs));
        }
        if self.expects(exit_code) {
            return Ok(Outcome::changed(outputs));
        }
        let expected: Vec<String> = self.exit_codes.iter().map(u8::to_string).collect();
        let message =
            format!("`{}` in the container `{}` exited with {exit_code}, expected {}", self.program(), found.name, expected.join(" or "));
        let stderr = kept.stderr.text();
        let last = if stderr.is_empty() { &stdout } else { &stderr };
        let lines: Vec<&str> = last.lines().collect();
        let failure = Failure::new(FailureKind::Failed, message);
        let failure = lines.iter().skip(lines.len().saturating_sub(20)).fold(failure, |failure, line| failure.detail(*line));
        Err(Halt::failed(failure).after(Residue::Unknown).with(outputs))
    }

    /// Why the engine could not start it: the user, the folder or the program, by the engine's words.
    fn not_started(&self, words: &str) -> Failure {
        let about = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
        let (message, field, help) = match (&self.user, &self.workdir) {
            (Some(user), _) if about(NO_USER) => (
                format!("the user `{user}` is not known in the container `{}`", self.container),
                "user",
                "write a name that stands in the container's `/etc/passwd` (`/etc/group` for a group), or numbers: `UID:GID`",
            ),
            (_, Some(folder)) if about(&["chdir to cwd"]) => (
                format!("`{}` is no folder in the container `{}`", folder.as_str(), self.container),
                "workdir",
                "write a folder that is there inside the container",
            ),
            _ => (
                format!("`{}` cannot be run in the container `{}`", self.program(), self.container),
                "argv[0]",
                "write the program with its full path inside the container, and see that its image has it",
            ),
        };
        Failure::new(FailureKind::NotFound, message).field(field).detail(words.trim()).help(help)
    }

    /// Newer engines refuse at the start what they cannot start.
    fn explained(&self, halt: Halt) -> Halt {
        const NO_PROGRAM: [&str; 4] = ["executable file not found", "no such file or directory", "permission denied", "chdir to cwd"];
        let known = |message: &str| NO_PROGRAM.iter().chain(NO_USER).any(|words| message.contains(words));
        match &halt.failure {
            Some(failure) if known(&failure.message) => Halt::failed(self.not_started(&failure.message)),
            _ => halt,
        }
    }

    /// Waits for what an earlier run left behind, or ends it where that is allowed.
    async fn bring_to_rest(&self, cx: Cx<'_>, evidence: &[Value]) -> Run<()> {
        let text = |entry: &Value, key: &str| entry.get(key).and_then(Value::as_str).map(str::to_owned);
        let Some((container, exec)) = evidence.iter().rev().find_map(|entry| Some((text(entry, "container")?, text(entry, "exec")?)))
        else {
            return Ok(());
        };
        if ![&container, &exec].iter().all(|id| !id.is_empty() && id.bytes().all(|b| b.is_ascii_hexdigit())) {
            return Err(Failure::new(FailureKind::Internal, "the journal names no usable id of a command in a container").into());
        }
        let client = Client::connect(self.target.as_ref()).await?;
        if !Container::look(&client, &container).await?.is_some_and(|found| found.running) {
            return Ok(());
        }
        let process = Process { client: &client, container: &container, exec: &exec };
        let begun = cx.now();
        let mut signal = Signal::Term;
        while process.runs(cx).await? {
            let waited = cx.now().duration_since(begun).unsigned_abs();
            if cx.interruptible() {
                if waited > 2 * GRACE {
                    let message = format!("`{}` still runs in the container `{}` although it was killed", self.program(), self.container);
                    return Err(Failure::new(FailureKind::Failed, message).into());
                }
                if waited > GRACE && signal != Signal::Kill {
                    signal = Signal::Kill;
                    process.signal(cx, signal).await;
                } else if waited < Span::from_millis(500) {
                    process.signal(cx, signal).await;
                }
            }
            pause(cx, Span::from_millis(500)).await?;
        }
        Ok(())
    }
}

/// How a command ended.
#[derive(Clone, Copy)]
struct End {
    exit_code: i64,
    /// Whether there ever was a process: the engine has an exit code also for what it could not start.
    started: bool,
}

/// The engine's record of the end may follow the end of the output by a moment.
async fn end(cx: Cx<'_>, process: &Process<'_>) -> Run<End> {
    for _ in 0..20 {
        match process.state().await? {
            Some(state) if !state.running.unwrap_or_default() && state.exit_code.is_some() => {
                return Ok(End { exit_code: state.exit_code.unwrap_or_default(), started: state.pid != Some(0) });
            }
            Some(_) => cx.sleep(Span::from_millis(100)).await,
            None => break,
        }
    }
    Err(Failure::new(FailureKind::Disconnected, "the Docker Engine has no record of how the command ended").into())
}

fn outputs(exit_code: i64, kept: &Kept, duration: f64) -> Outputs {
    object(json!({
        "exit_code": exit_code,
        "stdout": kept.stdout.text(),
        "stderr": kept.stderr.text(),
        "truncated": kept.stdout.truncated() || kept.stderr.truncated(),
        "duration": duration,
    }))
}

impl Action for Exec {
    fn validate(&self) -> Vec<FieldFault> {
        let mut faults = Vec::new();
        if self.program().is_empty() {
            faults.push(
                FieldFault::new("argv", "names no program")
                    .help("write the program and its arguments, such as `[\"bash\", \"/root/docker_init.sh\"]`"),
            );
        }
        for (at, Argument(argument)) in self.argv.iter().enumerate().filter(|(_, argument)| argument.0.contains('\0')) {
            faults.push(FieldFault::new(
                format!("argv[{at}]"),
                format!("holds a NUL after {} bytes", argument.find('\0').unwrap_or_default()),
            ));
        }
        for (name, value) in &self.env {
            if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
                faults.push(FieldFault::new(
                    format!("env.{name}"),
                    "is not an environment variable: its name is empty or holds `=`, or there is a NUL",
                ));
            }
            if name == MARK {
                faults.push(FieldFault::new(format!("env.{name}"), "is a variable that this tool sets itself").help("take another name"));
            }
        }
        faults
    }

    fn run<'a>(&'a self, cx: Cx<'a>, _before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { outcome(Box::pin(self.go(cx)).await) })
    }

    fn settle<'a>(&'a self, cx: Cx<'a>, evidence: &'a [Value]) -> BoxFuture<'a, Settled> {
        Box::pin(async move { settled(self.bring_to_rest(cx, evidence).await) })
    }
}
