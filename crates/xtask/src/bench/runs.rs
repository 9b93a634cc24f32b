//! What looking back and going on cost: many runs, long journals, one sync a step.

use super::bare::reading;
use super::measure::{finish, median, typical};
use super::numbers::{HEAD, Row, millis, procedure, ratio, timed};
use crate::error::TaskError;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// A state directory of its own, and the program.
pub(super) struct Runs<'a> {
    pub(super) program: &'a Path,
    pub(super) dir: &'a Path,
}

impl Runs<'_> {
    /// In the order of the table.
    pub(super) fn rows(&self) -> Result<Vec<Row>, TaskError> {
        let mut rows = vec![self.list()?];
        rows.extend(self.long_journal()?);
        rows.push(self.syncs()?);
        rows.push(self.independent()?);
        Ok(rows)
    }

    fn runbook(&self, state: &str, words: &[&str]) -> Command {
        let mut command = Command::new(self.program);
        command.args(words).env("RUNBOOK_STATE_DIR", self.dir.join(state));
        command
    }

    /// 10,000 runs that are done, each a copy of a real one.
    fn list(&self) -> Result<Row, TaskError> {
        let file = self.write("one.toml", &procedure(1))?;
        finish(self.runbook("many", &["exec", "--yes", "--no-input", "--output", "quiet"]).arg(&file))?;
        let runs = self.dir.join("many/runs");
        let broken = |error| TaskError::file("copy runs in", &runs, error);
        let first = std::fs::read_dir(&runs).map_err(broken)?.flatten().next().ok_or_else(|| TaskError::failed("no run"))?;
        let id = first.file_name().to_string_lossy().into_owned();
        let index = self.dir.join("many/index.jsonl");
        let lines = std::fs::read_to_string(&index).map_err(broken)?;
        let mut all = lines.clone();
        for number in 0..9_999 {
            let other = format!("20200101-{:02}{:02}{:02}-aaaa", number / 3600, number / 60 % 60, number % 60);
            let folder = runs.join(&other);
            std::fs::create_dir(&folder).map_err(broken)?;
            std::fs::copy(first.path().join("journal.jsonl"), folder.join("journal.jsonl")).map_err(broken)?;
            all.push_str(&lines.replace(&id, &other));
        }
        std::fs::write(&index, all).map_err(broken)?;
        let took = typical(5, || self.runbook("many", &["runs", "list"]))?;
        Ok(Row { what: "`runs list` with 10,000 runs", measured: millis(took), limit: "100 ms", about: String::new() })
    }

    /// A step has three records: its start, the trace of its child, its end.
    fn long_journal(&self) -> Result<[Row; 2], TaskError> {
        let mut text = procedure(33_000);
        let _ = write!(text, "\n[[step]]\nid = \"waits\"\nmanual.confirm = {{ text = \"Is it so?\" }}\nleaves = \"nothing\"\n");
        let file = self.write("long.toml", &text)?;
        // It ends with 7: nobody can be asked.
        let mut exec = self.runbook("long", &["exec", "--yes", "--no-input", "--output", "quiet"]);
        let _ = exec.arg(&file).stdout(Stdio::null()).stderr(Stdio::null()).status();
        let runs = self.dir.join("long/runs");
        let broken = |error| TaskError::file("read", &runs, error);
        let run = std::fs::read_dir(&runs).map_err(broken)?.flatten().next().ok_or_else(|| TaskError::failed("no run"))?.path();
        let journal = run.join("journal.jsonl");
        let records = std::fs::read_to_string(&journal).map_err(broken)?.matches("\"seq\":").count();
        let copy = |name: &str| run.join("sources").join(name);
        let read = reading(&[&journal])?;
        let read_all = reading(&[&journal, &copy("plan.json"), &copy("runbook.toml")])?;
        let show = typical(3, || self.runbook("long", &["runs", "show", "--last", "--json"]))?;
        // The end is asked for again, and nobody is there again.
        let resume = || {
            timed(|| {
                let mut resume = self.runbook("long", &["resume", "--last", "--no-input", "--output", "quiet"]);
                let _ = resume.stdout(Stdio::null()).stderr(Stdio::null()).status();
                Ok(())
            })
        };
        let resume = median(vec![resume()?, resume()?, resume()?]);
        let row = |what, took: Duration, read: Duration| Row {
            what,
            measured: ratio(took, read),
            limit: "5.0",
            about: format!("{} and {}, {records} records", millis(took), millis(read)),
        };
        Ok([
            row("showing a run of 100,000 records / reading its JSON", show, read),
            row("resuming it / reading its journal, plan and runbook", resume, read_all),
        ])
    }

    /// Counted by the kernel, where `strace` is not at hand: lines of the journal, each of which is one sync.
    fn syncs(&self) -> Result<Row, TaskError> {
        let file = self.write("synced.toml", &procedure(10_000))?;
        finish(self.runbook("synced", &["exec", "--yes", "--no-input", "--output", "quiet"]).arg(&file))?;
        let runs = self.dir.join("synced/runs");
        let broken = |error| TaskError::file("read", &runs, error);
        let run = std::fs::read_dir(&runs).map_err(broken)?.flatten().next().ok_or_else(|| TaskError::failed("no run"))?.path();
        let text = std::fs::read_to_string(run.join("journal.jsonl")).map_err(broken)?;
        // Traces of children are appended without a sync where they have lines of their own.
        let count = |line: &str, what: &str| line.matches(what).count();
        let synced = text.lines().filter(|line| count(line, "\"seq\":") > count(line, "\"type\":\"evidence\"")).count();
        Ok(Row {
            what: "synced lines of the journal in 10,000 steps / steps",
            measured: format!("{}.{:03}", synced / 10_000, synced % 10_000 / 10),
            limit: "1.0",
            about: format!("{synced} lines, {} bytes", text.len()),
        })
    }

    /// 10,000 independent steps, two at a time, and the same with make.
    fn independent(&self) -> Result<Row, TaskError> {
        let mut text = HEAD.to_owned();
        let mut make = "all:".to_owned();
        for number in 0..10_000 {
            let _ = write!(make, " t{number}");
            let _ = write!(
                text,
                "\n[[step]]\nid = \"s{number}\"\nneeds = []\nsafety = \"read_only\"\nshell.run = {{ argv = [\"/bin/true\"] }}\n"
            );
        }
        make.push('\n');
        for number in 0..10_000 {
            let _ = write!(make, "t{number}:\n\t@/bin/true\n");
        }
        let (book, makefile) = (self.write("independent.toml", &text)?, self.write("Makefile", &make)?);
        let own =
            timed(|| finish(self.runbook("independent", &["exec", "--yes", "--no-input", "--output", "quiet"]).arg(&book)).map(drop))?;
        let peer = timed(|| finish(Command::new("make").args(["-j2", "-s", "-f"]).arg(&makefile)).map(drop))?;
        Ok(Row {
            what: "10,000 independent steps / make -j2",
            measured: ratio(own, peer),
            limit: "1.0",
            about: format!("{} and {}", millis(own), millis(peer)),
        })
    }

    fn write(&self, name: &str, text: &str) -> Result<PathBuf, TaskError> {
        let path = self.dir.join(name);
        std::fs::write(&path, text).map_err(|error| TaskError::file("write", &path, error))?;
        Ok(path)
    }
}
