//! Process 1 of the container. It starts the application, starts it again whenever it ends, and stays up itself: a container whose application
//! crash-loops is "Up", as with the real image.

use super::log::now;
use rustix::process::{Pid, Signal, kill_process};
use std::process::{ExitCode, ExitStatus};
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::signal::unix::{Signal as SignalStream, SignalKind, signal};

/// The program that is kept running.
const PROGRAM: &str = "/opt/odc/bin/start-odc.sh";
/// Pause before the next start. The real one comes again after 13 s, most of which its start takes.
const PAUSE: Duration = Duration::from_secs(3);

/// Runs until it is told to stop (TERM or INT), then stops the application in good order and ends with 0.
pub(crate) async fn supervise() -> ExitCode {
    let streams = signal(SignalKind::terminate()).and_then(|term| Ok((term, signal(SignalKind::interrupt())?)));
    let (mut term, mut int) = match streams {
        Ok(streams) => streams,
        Err(error) => {
            eprintln!("supervisord: cannot listen to signals: {error}");
            return ExitCode::FAILURE;
        }
    };
    say("INFO", &format!("supervisord started with pid {}", std::process::id()));
    loop {
        match Command::new(PROGRAM).spawn() {
            Ok(mut child) => {
                say("INFO", &format!("spawned: 'ob-odc-web_00' with pid {}", child.id().unwrap_or_default()));
                tokio::select! {
                    status = child.wait() => say("INFO", &format!("exited: ob-odc-web_00 ({}; not expected)", describe(status.ok()))),
                    () = stopped(&mut term, &mut int) => return stop(child).await,
                }
            }
            Err(error) => say("CRIT", &format!("cannot start {PROGRAM}: {error}")),
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = stopped(&mut term, &mut int) => return ExitCode::SUCCESS,
        }
    }
}

async fn stopped(term: &mut SignalStream, int: &mut SignalStream) {
    tokio::select! { _ = term.recv() => {} _ = int.recv() => {} }
}

/// Passes the stop on as INT and waits for the end, however long that takes: who is impatient kills the container.
async fn stop(mut child: Child) -> ExitCode {
    say("WARN", "received SIGTERM indicating exit request");
    if let Some(pid) = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) {
        let _ = kill_process(pid, Signal::INT);
    }
    let status = child.wait().await;
    say("INFO", &format!("stopped: ob-odc-web_00 ({})", describe(status.ok())));
    ExitCode::SUCCESS
}

fn describe(status: Option<ExitStatus>) -> String {
    match status.and_then(|status| status.code()) {
        Some(code) => format!("exit status {code}"),
        None => "terminated by a signal".to_owned(),
    }
}

fn say(level: &str, text: &str) {
    println!("{},000 {level} {text}", now());
}
