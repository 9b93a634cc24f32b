//! Process 1: keeps the programs, answers `supervisorctl`, and stays up whatever becomes of them. A container whose OMS is dead is "Up".

use super::control::SOCKET;
use super::knobs::Knobs;
use super::programs::{self, NAMES, Name};
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

/// How often a program that ends is started again before it is given up.
const TRIES: u32 = 3;
/// A program that lived so long has started.
const STARTED: Duration = Duration::from_secs(1);

/// What a program is doing.
#[derive(Clone, Debug)]
pub(crate) enum State {
    Stopped,
    Starting,
    Running(Instant),
    Fatal,
}

/// The programs' states, which the health page reads too.
#[derive(Clone, Default)]
pub(crate) struct States(Arc<Mutex<BTreeMap<Name, State>>>);

impl States {
    fn set(&self, name: Name, state: State) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name, state);
    }

    /// What it is doing.
    pub(crate) fn get(&self, name: Name) -> State {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&name).cloned().unwrap_or(State::Stopped)
    }

    /// Whether all of them run.
    pub(crate) fn all_run(&self) -> bool {
        NAMES.iter().all(|name| matches!(self.get(*name), State::Running(_)))
    }

    /// As `supervisorctl status` prints it.
    fn table(&self) -> String {
        NAMES.iter().fold(String::new(), |text, name| {
            let (word, about) = match self.get(*name) {
                State::Stopped => ("STOPPED", "Not started".to_owned()),
                State::Starting => ("STARTING", String::new()),
                State::Fatal => ("FATAL", "Exited too quickly (process log may have details)".to_owned()),
                State::Running(since) => {
                    let up = since.elapsed().as_secs();
                    let pid = 20 + name.number();
                    ("RUNNING", format!("pid {pid}, uptime {}:{:02}:{:02}", up / 3600, up / 60 % 60, up % 60))
                }
            };
            let line = format!("{:<33}{word:<10}{about}", name.text());
            format!("{text}{}\n", line.trim_end())
        })
    }
}

/// Runs until it is told to stop.
pub(crate) async fn supervise() -> ExitCode {
    let listening = signal(SignalKind::terminate()).and_then(|term| Ok((term, signal(SignalKind::interrupt())?)));
    let (mut term, mut int) = match listening {
        Ok(streams) => streams,
        Err(error) => {
            eprintln!("supervisord: cannot listen to signals: {error}");
            return ExitCode::FAILURE;
        }
    };
    // A container that is started again still has the socket of its last run.
    let _ = std::fs::remove_file(SOCKET);
    let socket = match UnixListener::bind(SOCKET) {
        Ok(socket) => socket,
        Err(error) => {
            eprintln!("supervisord: cannot listen at {SOCKET}: {error}");
            return ExitCode::FAILURE;
        }
    };
    println!("INFO supervisord started with pid {}", std::process::id());
    let mut keeper = Keeper::default();
    for name in NAMES {
        keeper.start(*name);
    }
    loop {
        tokio::select! {
            asked = socket.accept() => if let Ok((stream, _)) = asked { keeper.serve(stream).await },
            _ = term.recv() => break,
            _ = int.recv() => break,
        }
    }
    println!("WARN received SIGTERM indicating exit request");
    for name in NAMES {
        keeper.stop(*name);
    }
    tokio::time::sleep(Knobs::read().map(|knobs| knobs.stop).unwrap_or_default()).await;
    ExitCode::SUCCESS
}

#[derive(Default)]
struct Keeper {
    states: States,
    running: BTreeMap<Name, JoinHandle<()>>,
}

impl Keeper {
    fn start(&mut self, name: Name) {
        self.stop(name);
        self.states.set(name, State::Starting);
        self.running.insert(name, tokio::spawn(keep(name, self.states.clone())));
    }

    fn stop(&mut self, name: Name) {
        if let Some(task) = self.running.remove(&name) {
            task.abort();
        }
        self.states.set(name, State::Stopped);
    }

    async fn serve(&mut self, stream: UnixStream) {
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        if stream.read_line(&mut line).await.is_err() {
            return;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let (code, text) = match words.as_slice() {
            ["status"] => (if self.states.all_run() { 0 } else { 3 }, self.states.table()),
            [verb @ ("start" | "stop" | "restart"), wanted] => self.change(verb, wanted).await,
            _ => (2, format!("*** Unknown syntax: {}\n", line.trim())),
        };
        let _ = stream.write_all(&[&[code], text.as_bytes()].concat()).await;
    }

    async fn change(&mut self, verb: &str, wanted: &str) -> (u8, String) {
        let Some(name) = NAMES.iter().copied().find(|name| name.text() == wanted) else {
            return (1, format!("{wanted}: ERROR (no such process)\n"));
        };
        let mut text = String::new();
        if verb != "start" {
            self.stop(name);
            text.push_str(&[wanted, ": stopped\n"].concat());
            // The port is free when the task is gone.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        if verb != "stop" {
            self.start(name);
            text.push_str(&[wanted, ": started\n"].concat());
        }
        (0, text)
    }
}

/// Runs a program, again where it ends, and gives up after a few times.
async fn keep(name: Name, states: States) {
    for attempt in 1..=TRIES {
        states.set(name, State::Starting);
        let program = programs::run(name, states.clone());
        tokio::pin!(program);
        let why = tokio::select! {
            why = &mut program => why,
            () = tokio::time::sleep(STARTED) => {
                states.set(name, State::Running(Instant::now()));
                program.await
            }
        };
        println!("INFO exited: {} (exit status 1; not expected), attempt {attempt}: {why}", name.text());
        states.set(name, State::Starting);
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    println!("INFO gave up: {} entered FATAL state, too many start retries too quickly", name.text());
    states.set(name, State::Fatal);
}
