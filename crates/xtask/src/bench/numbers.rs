//! What is measured, and against what.

use super::bare::reading;
use super::measure::{finish, typical, watched};
use super::runs::Runs;
use crate::checkout::Checkout;
use crate::error::TaskError;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// One line of the table.
pub(super) struct Row {
    pub(super) what: &'static str,
    pub(super) measured: String,
    pub(super) limit: &'static str,
    /// The raw numbers.
    pub(super) about: String,
}

/// Everything, in the order of the table.
pub(super) fn all(checkout: &Checkout, program: &Path, dir: &Path) -> Result<Vec<Row>, TaskError> {
    let bench = Bench { program, dir };
    let mut rows = vec![bench.startup(&checkout.root.join("runbooks/odc-upgrade.toml"))?];
    rows.extend(bench.check()?);
    rows.extend(bench.places()?);
    rows.extend(bench.steps()?);
    rows.push(bench.flood()?);
    rows.extend(super::masking::rows());
    rows.push(bench.size()?);
    rows.extend(Runs { program, dir }.rows()?);
    Ok(rows)
}

struct Bench<'a> {
    program: &'a Path,
    dir: &'a Path,
}

impl Bench<'_> {
    fn runbook(&self, words: &[&str], file: &Path) -> Command {
        let mut command = Command::new(self.program);
        command.args(words).arg(file).env("RUNBOOK_STATE_DIR", self.dir.join("state"));
        command
    }

    fn startup(&self, file: &Path) -> Result<Row, TaskError> {
        let bare = typical(200, || Command::new("/bin/true"))?;
        let check = typical(200, || self.runbook(&["check"], file))?;
        Ok(Row {
            what: "check of a shipped runbook, beyond /bin/true",
            measured: millis(check.saturating_sub(bare)),
            limit: "5 ms",
            about: format!("{} and {}", millis(check), millis(bare)),
        })
    }

    fn check(&self) -> Result<[Row; 2], TaskError> {
        let text = procedure(10_000);
        let file = self.write("10000.toml", &text)?;
        let parse = reading(&[&file])?;
        let check = typical(5, || self.runbook(&["check"], &file))?;
        let peak = watched(&mut self.runbook(&["check"], &file))?.peak;
        let size = u64::try_from(text.len()).unwrap_or(u64::MAX);
        Ok([
            Row {
                what: "check of 10,000 steps / bare TOML parse",
                measured: ratio(check, parse),
                limit: "4.0",
                about: format!("{} and {}", millis(check), millis(parse)),
            },
            Row {
                what: "memory of that check / the file",
                measured: format!("{}.{}", peak / size, peak * 10 / size % 10),
                limit: "25",
                about: format!("{} and {}", mebibytes(peak), mebibytes(size)),
            },
        ])
    }

    /// Recognising where values stand, as a part of checking a runbook: one whose every tenth step is a script, and one of nothing but scripts.
    fn places(&self) -> Result<[Row; 2], TaskError> {
        Ok([
            self.places_in("places of values / check of 10,000 steps, 1,000 scripts", 10, "0.05")?,
            self.places_in("places of values / check of 10,000 scripts", 1, "-")?,
        ])
    }

    fn places_in(&self, what: &'static str, every: usize, limit: &'static str) -> Result<Row, TaskError> {
        let mut text = format!("{HEAD}{VARS}");
        let mut scripts = Vec::new();
        for i in 0..10_000 {
            if i % every == 0 {
                let script = script(i);
                let _ = write!(
                    text,
                    "\n[[step]]\nid = \"step-{i}\"\nleaves = \"nothing\"\nshell.script = {{ text = \"\"\"\n{script}\"\"\" }}\n"
                );
                scripts.push(script);
            } else {
                text.push_str(&step(i));
            }
        }
        let file = self.write("places.toml", &text)?;
        let recognise = super::measure::median(
            (0..5)
                .map(|_| {
                    let begun = Instant::now();
                    for script in &scripts {
                        let texts: Vec<&str> = script.split(VALUE).collect();
                        let _ = std::hint::black_box(runbook_core::places::shell::places(&texts));
                    }
                    begun.elapsed()
                })
                .collect(),
        );
        let check = typical(5, || self.runbook(&["check"], &file))?;
        Ok(Row { what, measured: ratio(recognise, check), limit, about: format!("{} and {}", millis(recognise), millis(check)) })
    }

    fn steps(&self) -> Result<[Row; 2], TaskError> {
        let spawns = timed(|| (0..1000).try_for_each(|_| finish(&mut Command::new("/bin/true")).map(drop)))?;
        let appends = timed(|| self.synced_appends(1000))?;
        let exec = |steps: usize| {
            let file = self.write(&format!("{steps}.toml"), &procedure(steps))?;
            timed(|| finish(&mut self.runbook(&["exec", "--yes", "--no-input", "--output", "quiet"], &file)).map(drop))
        };
        let (short, long) = (exec(1000)?, exec(10_000)?);
        Ok([
            Row {
                what: "1,000 steps / (1,000 spawns + 1,000 synced appends)",
                measured: ratio(short, spawns + appends),
                limit: "1.3",
                about: format!("{} and {} + {}", millis(short), millis(spawns), millis(appends)),
            },
            Row {
                what: "10,000 steps / 10 times 1,000 steps",
                measured: ratio(long, short * 10),
                limit: "linear",
                about: format!("{} and {}", millis(long), millis(short)),
            },
        ])
    }

    fn flood(&self) -> Result<Row, TaskError> {
        let text = format!(
            "{HEAD}\n[[step]]\nid = \"flood\"\nsafety = \"read_only\"\nshell.run = {{ argv = [\"head\", \"-c\", \"500000000\", \"/dev/zero\"] }}\n"
        );
        let file = self.write("flood.toml", &text)?;
        let ran = watched(&mut self.runbook(&["exec", "--yes", "--no-input", "--output", "quiet"], &file))?;
        Ok(Row {
            what: "memory of a step with 500 MB of output",
            measured: mebibytes(ran.peak),
            limit: "64 MiB",
            about: format!("in {}", millis(ran.time)),
        })
    }

    fn size(&self) -> Result<Row, TaskError> {
        let size = std::fs::metadata(self.program).map_err(|error| TaskError::file("read", self.program, error))?.len();
        Ok(Row {
            what: "size of the program",
            measured: format!("{}.{} MB", size / 1_000_000, size / 100_000 % 10),
            limit: "12 MB",
            about: String::new(),
        })
    }

    /// Lines as long as a journal's, each appended and synced.
    fn synced_appends(&self, n: usize) -> Result<(), TaskError> {
        let path = self.dir.join("appends");
        let line = [b'x'; 400];
        let appended = File::create(&path).and_then(|mut file| {
            (0..n).try_for_each(|_| {
                file.write_all(&line)?;
                file.sync_data()
            })
        });
        appended.map_err(|error| TaskError::file("write", &path, error))
    }

    fn write(&self, name: &str, text: &str) -> Result<PathBuf, TaskError> {
        let path = self.dir.join(name);
        std::fs::write(&path, text).map_err(|error| TaskError::file("write", &path, error))?;
        Ok(path)
    }
}

pub(super) const HEAD: &str = "format = 1\nname = \"bench\"\ntitle = \"Measured\"\nrisk = \"low\"\non_failure = \"stop\"\n";

/// A procedure of that many steps, each with what steps usually have.
pub(super) fn procedure(steps: usize) -> String {
    (0..steps).fold(HEAD.to_owned(), |text, i| text + &step(i))
}

fn step(i: usize) -> String {
    format!(
        "\n[[step]]\nid = \"step-{i}\"\ntitle = \"Step {i} of a long procedure\"\nsafety = \"read_only\"\ntimeout = \"30s\"\n\
         shell.run = {{ argv = [\"/bin/true\", \"--number\", \"{i}\"], env = {{ STEP_NUMBER = \"{i}\" }} }}\nexpect = [\"eq exit_code 0\"]\n"
    )
}

const VARS: &str = "
[vars.name]
type = \"string\"
default = \"x\"
";

/// A value of [`script`].
const VALUE: &str = "{{vars.name}}";

/// A short script with two values.
fn script(i: usize) -> String {
    format!("mkdir -p /data/{VALUE}\nprintf '%s\\\\n' \"step {i} of {VALUE}\" >> /tmp/log\n")
}

pub(super) fn timed(work: impl FnOnce() -> Result<(), TaskError>) -> Result<Duration, TaskError> {
    let begun = Instant::now();
    work().map(|()| begun.elapsed())
}

pub(super) fn ratio(a: Duration, b: Duration) -> String {
    format!("{:.2}", a.as_secs_f64() / b.as_secs_f64().max(f64::MIN_POSITIVE))
}

pub(super) fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

fn mebibytes(bytes: u64) -> String {
    format!("{}.{} MiB", bytes >> 20, (bytes >> 10) % 1024 * 10 / 1024)
}
