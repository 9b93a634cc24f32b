//! Questions on the terminal.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::Duration;

use runbook_core::action::{BoxFuture, QuestionKind};
use runbook_core::record::{Reply, Subject};
use runbook_core::runbook::Runbook;
use runbook_core::secret::Secret;
use runbook_engine::ask::{Asker, Prompt, Told};
use runbook_engine::signals::Stops;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Signal, getpid, kill_process};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};

use crate::answers::word;
use crate::exit::Exit;
use crate::reporters::{Screen, named, unit_id};
use crate::text::visible;

/// How long a question that was taken back may still stand there.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// How often it is looked whether a question is taken back after Ctrl-C, before it is asked again.
const LOOKS: u32 = 10;

/// What shows the log of a step instead of answering.
const LOG: &str = "log";

/// The most lines of a log that are shown.
const LINES: usize = 40;

/// Asks whoever sits at the terminal; nobody, where input is off or is no terminal.
pub(crate) struct Terminal {
    screen: Screen,
    runbook: Arc<Runbook>,
    user: String,
    there: bool,
}

/// Whether anybody could answer.
pub(crate) fn somebody_there(no_input: bool) -> bool {
    !no_input && io::stdin().is_terminal() && io::stderr().is_terminal()
}

impl Terminal {
    pub(crate) fn new(screen: Screen, runbook: Arc<Runbook>, no_input: bool) -> Self {
        let user = std::env::var("SUDO_USER").or_else(|_| std::env::var("USER")).unwrap_or_else(|_| "operator".to_owned());
        Self { screen, runbook, user, there: somebody_there(no_input) }
    }
}

impl Asker for Terminal {
    fn ask<'a>(&'a self, prompt: &'a Prompt) -> BoxFuture<'a, Told> {
        Box::pin(async move {
            if !self.there {
                return Told::nobody();
            }
            let question = Question::of(prompt, &self.runbook);
            let screen = self.screen.clone();
            let gone = Gone::default();
            let theirs = Arc::clone(&gone.0);
            let answer = tokio::task::spawn_blocking(move || {
                let _taken = screen.take();
                question.ask(&theirs)
            })
            .await;
            match answer {
                Ok(Some((reply, secret))) => Told { reply, secret, by: self.user.clone() },
                Ok(None) | Err(_) => Told::nobody(),
            }
        })
    }
}

/// Set when nobody waits for the answer any more.
#[derive(Default)]
struct Gone(Arc<AtomicBool>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A question with its words and the replies that it takes.
struct Question {
    text: String,
    kind: Kind,
    /// What can be shown before an answer is given.
    log: Option<PathBuf>,
}

enum Kind {
    /// Words to choose from, each with what it stands for.
    Choice(Vec<(&'static str, Reply)>),
    /// A line.
    Line,
    /// A line that is not shown.
    Secret,
}

impl Question {
    fn of(prompt: &Prompt, runbook: &Runbook) -> Self {
        let own = |otherwise: String| if prompt.text.is_empty() { otherwise } else { prompt.text.clone() };
        let text = match &prompt.subject {
            Subject::Start => own(format!("`{}` can do lasting harm where it is not meant to run (risk: high). Start?", runbook.name)),
            Subject::Confirm { path } | Subject::Step { path } => own(format!("Do `{}`?", unit_id(path))),
            Subject::InDoubt { effect } => {
                own(format!("It is not known whether {} was done. Look, and say what you found.", named(effect)))
            }
            Subject::Failed { effect } => own(format!("{} failed. What now?", named(effect))),
            Subject::Action { .. } => prompt.text.clone(),
        };
        // What is known stands before what is asked, so that the answers follow the question.
        let text = prompt.known.iter().map(String::as_str).chain([text.as_str()]).collect::<Vec<_>>().join("\n");
        let kind = match (&prompt.subject, &prompt.kind) {
            (Subject::Action { .. }, Some(QuestionKind::Input { secret: false })) => Kind::Line,
            (Subject::Action { .. }, Some(QuestionKind::Input { secret: true })) => Kind::Secret,
            (Subject::Action { .. }, Some(QuestionKind::Confirm) | None) => Kind::Choice(choices(&[Reply::Yes, Reply::No])),
            (_, _) => Kind::Choice(choices(&prompt.replies)),
        };
        Self { text, kind, log: prompt.log.clone() }
    }

    /// Asks until the answer is one; nothing where the input is closed or nobody waits any more.
    fn ask(&self, gone: &AtomicBool) -> Option<(Reply, Option<Secret>)> {
        let text = self.text.lines().map(visible).collect::<Vec<_>>().join("\n  ");
        match &self.kind {
            Kind::Choice(choices) => {
                let words: Vec<&str> = choices.iter().map(|(word, _)| *word).chain(self.log.as_ref().map(|_| LOG)).collect();
                loop {
                    let line = line(&format!("? {text} [{}] ", words.join("/")), gone)?;
                    let said = line.trim().to_lowercase();
                    if let (Some(log), true) = (&self.log, said == LOG) {
                        show_log(log);
                        continue;
                    }
                    let fitting: Vec<&(&str, Reply)> =
                        choices.iter().filter(|(word, _)| !said.is_empty() && word.starts_with(&said)).collect();
                    let exact = fitting.iter().find(|(word, _)| *word == said).or(fitting.first().filter(|_| fitting.len() == 1));
                    if let Some((_, reply)) = exact {
                        return Some((reply.clone(), None));
                    }
                    say(&format!("  please type one of: {}\n", words.join(", ")));
                }
            }
            Kind::Line => line(&format!("? {text}: "), gone).map(|line| (Reply::Text(Some(line)), None)),
            Kind::Secret => {
                let line = hidden_line(&format!("? {text} (not shown): "), gone)?;
                Some((Reply::Text(None), Some(Secret::new(line))))
            }
        }
    }
}

/// The end of what a step wrote.
fn show_log(path: &Path) {
    match std::fs::read(path) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            let lines: Vec<&str> = text.lines().collect();
            let skipped = lines.len().saturating_sub(LINES);
            if skipped > 0 {
                say(&format!("  … {skipped} lines before that\n"));
            }
            for line in lines.into_iter().skip(skipped) {
                say(&format!("  │ {}\n", visible(line)));
            }
        }
        Err(error) => say(&format!("  `{}` cannot be read: {error}\n", path.display())),
    }
}

fn choices(replies: &[Reply]) -> Vec<(&'static str, Reply)> {
    replies.iter().filter_map(|reply| Some((word(reply)?, reply.clone()))).collect()
}

/// Where a prompt cannot be shown, nobody can answer it either.
pub(crate) fn say(text: &str) {
    let mut to = io::stderr();
    let _ = to.write_all(text.as_bytes()).and_then(|()| to.flush());
}

/// A line without its end, as it was typed; nothing where the input is closed or nobody waits any more.
pub(crate) fn line(prompt: &str, gone: &AtomicBool) -> Option<String> {
    say(prompt);
    let line = typed(gone);
    if line.is_none() {
        say("\n");
    }
    line
}

/// The same without showing what is typed.
pub(crate) fn hidden_line(prompt: &str, gone: &AtomicBool) -> Option<String> {
    loop {
        say(prompt);
        let hidden = Hidden::new().ok()?;
        let line = typed(gone);
        let signal = line.as_ref().and_then(|line| hidden.meant(line));
        drop(hidden);
        say("\n");
        let Some(signal) = signal else { return line };
        // Ends or stops the program, or asks its session to end, which takes the question back.
        kill_process(getpid(), signal).ok()?;
        for _ in 0..LOOKS {
            if gone.load(Ordering::Relaxed) {
                return None;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// The terminal gives a whole line at once, so that what is there can be read without waiting.
fn typed(gone: &AtomicBool) -> Option<String> {
    let stdin = io::stdin();
    loop {
        if gone.load(Ordering::Relaxed) {
            return None;
        }
        let fd = stdin.as_fd();
        match poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&LOOK)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            Ok(_) => break,
            Err(_) => return None,
        }
    }
    let mut stdin = stdin.lock();
    let line = stdin.fill_buf().ok()?.to_vec();
    stdin.consume(line.len());
    let line = String::from_utf8(line).ok().filter(|line| !line.is_empty())?;
    Some(line.trim_end_matches(['\n', '\r']).to_owned())
}

/// The terminal as it was, while what is typed is not shown: for who ends the program then. There is one terminal.
static SHOWN: Mutex<Option<Termios>> = Mutex::new(None);

/// Ends the program at a signal as the signal would, with the terminal as it was. Set up once; a session sees to its signals itself.
static ENDS_WELL: Once = Once::new();

/// The terminal without echo; as it was when this is dropped. A program that is ended before that leaves a person who cannot see what they type, so Ctrl-C and
/// Ctrl-Z end the line like Enter does, and are seen to when the terminal is as it was.
struct Hidden(Termios);

impl Hidden {
    fn new() -> rustix::io::Result<Self> {
        let stdin = io::stdin();
        let before = tcgetattr(&stdin)?;
        ENDS_WELL.call_once(|| {
            // Without it a signal ends the program all the same, if not as well.
            let _ = Stops::before_a_session(|signal| {
                put_back();
                std::process::exit(Exit::Signal(u8::try_from(signal).unwrap_or(u8::MAX)).code().into());
            });
        });
        *SHOWN.lock().unwrap_or_else(PoisonError::into_inner) = Some(before.clone());
        let mut without = before.clone();
        without.local_modes.remove(LocalModes::ECHO | LocalModes::ISIG);
        without.special_codes[SpecialCodeIndex::VEOL] = before.special_codes[SpecialCodeIndex::VINTR];
        without.special_codes[SpecialCodeIndex::VEOL2] = before.special_codes[SpecialCodeIndex::VSUSP];
        tcsetattr(&stdin, OptionalActions::Flush, &without)?;
        Ok(Self(before))
    }

    /// The signal that the last key of a line stands for.
    fn meant(&self, line: &str) -> Option<Signal> {
        let last = line.bytes().last().filter(|byte| *byte != 0)?;
        let is = |key| self.0.special_codes[key] == last;
        if is(SpecialCodeIndex::VINTR) { Some(Signal::INT) } else { is(SpecialCodeIndex::VSUSP).then_some(Signal::TSTP) }
    }
}

/// Shows again what is typed, where it was not shown.
fn put_back() {
    if let Some(shown) = SHOWN.lock().unwrap_or_else(PoisonError::into_inner).take() {
        // What cannot be put back is a terminal that is gone.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &shown);
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        put_back();
    }
}
