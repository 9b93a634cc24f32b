use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use runbook_core::action::{CancelKind, Context, Exit, Failure, ProcessSpec, Sink, Stdin};
use runbook_core::effect::{EffectId, Role};
use runbook_core::inputs::Inputs;
use runbook_core::secret::{DigestKey, Secret};
use tokio::sync::{mpsc, watch};

use super::Environment;
use crate::clock::HostClock;
use crate::context::{EffectContext, Parts, Surroundings};
use crate::dispatcher::{Happening, Secrets};
use crate::events::{self, Event, EventReceiver};
use crate::output::OutputLog;
use crate::testing::Folder;

/// A real context around real processes.
struct Bench {
    cx: Arc<EffectContext>,
    cancel: watch::Sender<Option<CancelKind>>,
    told: mpsc::UnboundedReceiver<Happening>,
    events: EventReceiver,
    folder: Folder,
}

impl Bench {
    fn new() -> Self {
        let folder = Folder::new();
        let (cancel, cancelled) = watch::channel(None);
        let (sender, told) = mpsc::unbounded_channel();
        let (events_to, events) = events::channel();
        let surroundings = Arc::new(Surroundings {
            run_id: folder.path().file_name().unwrap().to_string_lossy().into_owned(),
            run_dir: folder.path().to_owned(),
            base_dir: folder.path().to_owned(),
            environment: Arc::new(Environment::cleaned(std::env::vars_os())),
            clock: Arc::new(HostClock),
            events: events_to,
        });
        let secrets = Secrets::new(&Inputs::default(), DigestKey::new([7; 32]));
        secrets.learn([("vars.password".to_owned(), Secret::new("s3cr3t-word"))]);
        let parts = Parts {
            effect: EffectId::first("step", Role::Do),
            deadline: None,
            interruptible: true,
            cancel: cancelled,
            secrets,
            withheld: None,
            base_dir: folder.path().to_owned(),
            log: OutputLog::new(folder.path().join("step.log"), "output/step.log".into()),
            tell: sender,
        };
        Self { cx: Arc::new(EffectContext::new(&surroundings, parts)), cancel, told, events, folder }
    }

    async fn run(&self, spec: ProcessSpec) -> Result<Exit, Failure> {
        self.cx.processes().run(&*self.cx, spec).await
    }

    fn shown(&mut self) -> String {
        self.cx.finish_output();
        let mut text = Vec::new();
        while let Some(event) = self.events.try_recv() {
            if let Event::Output { bytes, .. } = event {
                text.extend(bytes);
            }
        }
        String::from_utf8_lossy(&text).into_owned()
    }
}

fn program(program: &str, args: &[&str]) -> ProcessSpec {
    ProcessSpec {
        program: program.into(),
        args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        env: BTreeMap::new(),
        cwd: None,
        user: None,
        umask: None,
        stdin: Stdin::Null,
        stdout: Sink::Capture(1024),
        stderr: Sink::Capture(1024),
        grace: Duration::from_millis(300),
    }
}

fn script(text: &str) -> ProcessSpec {
    program("sh", &["-c", text])
}

#[tokio::test]
async fn a_child_gives_its_code_and_both_outputs() {
    let bench = Bench::new();
    let exit = bench.run(script("printf out; printf err >&2; exit 3")).await.unwrap();
    assert_eq!((exit.code, exit.signal), (Some(3), None));
    assert_eq!((exit.stdout.as_slice(), exit.stderr.as_slice()), (&b"out"[..], &b"err"[..]));
    assert!(!exit.truncated && !exit.cancelled && !exit.left_behind);
}

#[tokio::test]
async fn what_is_shown_and_kept_is_masked() {
    let mut bench = Bench::new();
    let exit = bench.run(script("printf 's3cr3'; printf 't-word and more'")).await.unwrap();
    assert_eq!(exit.stdout, b"s3cr3t-word and more", "the action itself sees what there is");
    assert_eq!(bench.shown(), "‹vars.password› and more");
    assert_eq!(std::fs::read_to_string(bench.folder.path().join("step.log")).unwrap(), "‹vars.password› and more");
}

#[tokio::test]
async fn a_flood_is_counted_and_not_kept() {
    let bench = Bench::new();
    let exit = bench.run(script("head -c 20000000 /dev/zero")).await.unwrap();
    assert_eq!((exit.stdout.len(), exit.truncated), (768, true), "the end of what is cut could be half a secret");
}

#[tokio::test]
async fn input_is_fed_and_a_child_may_leave_it() {
    let bench = Bench::new();
    let exit = bench.run(ProcessSpec { stdin: Stdin::Bytes(b"some input".to_vec()), ..program("cat", &[]) }).await.unwrap();
    assert_eq!(exit.stdout, b"some input");
    let exit = bench.run(ProcessSpec { stdin: Stdin::Bytes(vec![0; 1_000_000]), ..program("true", &[]) }).await.unwrap();
    assert_eq!(exit.code, Some(0));
}

#[tokio::test]
async fn a_child_carries_its_mark_and_leaves_its_pid() {
    let mut bench = Bench::new();
    let exit = bench.run(script("printf %s \"$RUNBOOK_EFFECT\"")).await.unwrap();
    assert_eq!(exit.stdout, bench.cx.mark().as_bytes());
    let Ok(Happening::Evidence { evidence, done: None, .. }) = bench.told.try_recv() else { panic!("no evidence") };
    assert!(evidence["pid"].as_u64().is_some_and(|pid| pid > 1), "{evidence}");
}

#[tokio::test]
async fn faults_name_the_field() {
    let bench = Bench::new();
    let cases = [
        (program("no-such-program", &[]), "there is no program `no-such-program` in `PATH`", "program"),
        (program("/etc/passwd", &[]), "`/etc/passwd` is not executable", "program"),
        (ProcessSpec { cwd: Some(PathBuf::from("/no/such")), ..program("true", &[]) }, "the folder `/no/such` does not exist", "cwd"),
        (
            ProcessSpec { user: Some("nobody-at-all".into()), ..program("true", &[]) },
            "there is no user `nobody-at-all` on this host",
            "user",
        ),
        (
            ProcessSpec { stdin: Stdin::File("/no/such".into()), ..program("true", &[]) },
            "cannot read `/no/such`: no such file or directory",
            "stdin_file",
        ),
        (
            ProcessSpec { stdout: Sink::File("/etc/passwd".into()), ..program("true", &[]) },
            "cannot create `/etc/passwd`: file exists",
            "stdout_file",
        ),
        (program("true", &["x".repeat(200_000).as_str()]), "the arguments and environment of `true` are too long", "program"),
    ];
    for (spec, message, field) in cases {
        let failure = bench.run(spec).await.unwrap_err();
        assert_eq!((failure.message.as_str(), failure.field.as_deref()), (message, Some(field)));
    }
}

#[tokio::test]
async fn umask_and_output_file() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::new();
    let out = bench.folder.path().join("out");
    let spec = ProcessSpec { umask: Some(0o027), stdout: Sink::File(out.clone()), ..script("touch made; echo done") };
    bench.run(spec).await.unwrap();
    assert_eq!(std::fs::read(out).unwrap(), b"done\n");
    assert_eq!(bench.folder.path().join("made").metadata().unwrap().permissions().mode() & 0o777, 0o640);
}

#[tokio::test]
async fn the_whole_group_is_asked_to_end() {
    let bench = Bench::new();
    let run = bench.run(script("sleep 100 & wait"));
    let cancel = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        bench.cancel.send_replace(Some(CancelKind::Graceful));
    };
    let (exit, ()) = tokio::join!(run, cancel);
    let exit = exit.unwrap();
    assert!(exit.cancelled && !exit.left_behind);
    assert_eq!(exit.signal, Some(15));
    assert!(bench.cx.processes().settle(bench.cx.mark(), false, Duration::ZERO).await.is_empty());
}

#[tokio::test]
async fn a_child_that_ignores_sigterm_is_killed_after_its_grace() {
    let bench = Bench::new();
    let run = bench.run(script("trap '' TERM; sleep 100"));
    let cancel = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        bench.cancel.send_replace(Some(CancelKind::Graceful));
    };
    let (exit, ()) = tokio::join!(run, cancel);
    assert_eq!(exit.unwrap().signal, Some(9));
}

#[tokio::test]
async fn a_forced_stop_does_not_wait_for_the_grace() {
    let bench = Bench::new();
    let spec = ProcessSpec { grace: Duration::from_hours(1), ..script("trap '' TERM; sleep 100") };
    let run = bench.run(spec);
    let cancel = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        bench.cancel.send_replace(Some(CancelKind::Kill));
    };
    let (exit, ()) = tokio::join!(run, cancel);
    assert_eq!(exit.unwrap().signal, Some(9));
}

#[tokio::test]
async fn a_grandchild_on_the_pipe_holds_nothing_up_and_is_found_by_its_mark() {
    let bench = Bench::new();
    let exit = bench.run(script("setsid sleep 100 & echo started")).await.unwrap();
    assert_eq!((exit.code, exit.left_behind), (Some(0), true));
    assert_eq!(exit.stdout, b"started\n");
    assert_eq!(bench.cx.finish_output().1, ["`sh` ended, but something that it started still holds its output and goes on"]);
    let processes = bench.cx.processes();
    assert_eq!(processes.settle(bench.cx.mark(), false, Duration::ZERO).await.len(), 1);
    assert!(processes.settle(bench.cx.mark(), true, Duration::from_secs(5)).await.is_empty());
}
