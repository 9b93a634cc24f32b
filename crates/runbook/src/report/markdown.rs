//! A report for a ticket. Nothing that comes from a runbook, a file or a program is taken for Markdown or HTML.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;
use runbook_core::record::{Reply, RunEnd, SkipReason, Subject};
use runbook_core::report::{Deed, Report, UnitReport};
use runbook_core::runbook::Phase;
use serde_json::Value;

use crate::outline::{code, inline};
use crate::reporters::probes;
use crate::runs::standing;
use crate::text::{count, duration};

/// As Markdown of GitHub's flavour.
pub(crate) fn markdown(report: &Report) -> String {
    let mut text = String::new();
    let title = report.runbook.title.as_deref().unwrap_or(&report.runbook.name);
    // Writing into a string does not fail.
    let _ = writeln!(text, "# {}: {}\n", inline(title), outcome(report.end));
    let lasted = duration(Duration::from_millis(report.lasted_ms));
    let _ = writeln!(text, "- run: {}", code(&report.run));
    let _ = writeln!(text, "- runbook: {} from {}", code(&report.runbook.name), code(&report.runbook.path));
    let _ = writeln!(text, "- started: {} by {}", time(report.started_at), code(&report.operator));
    let _ = writeln!(text, "- ended: {}, after {lasted}", time(report.finished_at));
    for session in &report.sessions {
        let opened = &session.opened;
        let (host, user, tool) = (code(&opened.host), code(&opened.user), inline(&opened.tool));
        let ended = session.end.map_or_else(|| "broke off, or goes on".to_owned(), |end| outcome(Some(end)));
        let _ = writeln!(text, "- session {}: on {host} as {user}, {}, {tool}: {ended}", opened.session, time(session.at));
    }
    down(report, &mut text);
    failures(report, &mut text);
    changes(report, &mut text);
    units(report, &mut text);
    rollback(report, &mut text);
    backups(report, &mut text);
    people(report, &mut text);
    inputs(report, &mut text);
    text
}

/// Times in UTC, to the second.
fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn outcome(end: Option<RunEnd>) -> String {
    standing(end, false)
}

fn down(report: &Report, text: &mut String) {
    for down in &report.downtime {
        let lasted = duration(Duration::from_millis(down.lasted_ms));
        let from = format!("from {} at {}", code(&down.stopped_by), time(down.from));
        let _ = match (&down.up_after, down.until) {
            (Some(unit), Some(until)) => writeln!(text, "- down: {lasted}, {from} to {} at {}", code(unit), time(until)),
            _ => writeln!(text, "- **down**: {lasted}, {from}, and not started since"),
        };
    }
}

fn failures(report: &Report, text: &mut String) {
    let mut lines = String::new();
    let mut tell = |id: &str, deed: &Deed, what: &str| {
        let Some(failure) = &deed.failure else { return };
        let file = deed.file.as_ref().map(|file| format!(" of {}", code(file))).unwrap_or_default();
        let line = deed.line.map(|line| format!(" (line {line}{file})")).unwrap_or_default();
        let _ = writeln!(lines, "- {what}{}{line}: {}", code(id), inline(&failure.message));
        for broken in deed.broken.iter().filter(|broken| !broken.warning) {
            let actuals: Vec<String> = broken.actuals.iter().map(|(name, value)| code(&format!("{name} = {value}"))).collect();
            let _ = match (&broken.fault, actuals.is_empty()) {
                (Some(fault), _) => writeln!(lines, "  - {} cannot be told: {}", code(&broken.text), inline(fault)),
                (None, true) => writeln!(lines, "  - {} does not hold", code(&broken.text)),
                (None, false) => writeln!(lines, "  - {} does not hold: {}", code(&broken.text), actuals.join(", ")),
            };
        }
        for detail in &failure.detail {
            let _ = writeln!(lines, "  - {}", code(detail));
        }
    };
    for unit in &report.units {
        tell(&unit.id, &unit.deed, "");
        for undo in &unit.undo {
            tell(&unit.id, undo, "the undo of ");
        }
    }
    part("Failures", &lines, text);
}

fn changes(report: &Report, text: &mut String) {
    let mut lines = String::new();
    for unit in report.units.iter().filter(|unit| unit.deed.changed) {
        let undone = !unit.undo.is_empty() && unit.undo.iter().all(|undo| matches!(undo.state, "done" | "skipped"));
        let title = unit.title.as_ref().map(|title| format!(": {}", inline(title))).unwrap_or_default();
        let _ = writeln!(lines, "- {}{title}{}", code(&unit.id), if undone { " (taken back)" } else { "" });
    }
    if lines.is_empty() {
        lines.push_str("Nothing.\n");
    }
    part("What changed", &lines, text);
}

fn units(report: &Report, text: &mut String) {
    let parts = [("Checks", Phase::Check), ("Steps", Phase::Step), ("Verification", Phase::Verify), ("Monitors", Phase::Monitor)];
    for (heading, phase) in parts {
        let mut rows = String::new();
        for unit in report.units.iter().filter(|unit| unit.phase == phase) {
            row(unit, &mut rows);
        }
        if !rows.is_empty() {
            part(heading, &format!("| | what | outcome | started (UTC) | took |\n|---|---|---|---|---|\n{rows}"), text);
        }
    }
}

fn row(unit: &UnitReport, rows: &mut String) {
    let deed = &unit.deed;
    let what = unit.title.as_ref().map_or_else(|| code(&deed.action), |title| inline(title));
    let mut outcome = deed.state.to_owned();
    match &deed.skipped {
        Some(SkipReason::When { text, .. }) => outcome = format!("skipped: {} is false", code(text)),
        Some(SkipReason::NotSelected { option }) => outcome = format!("left out by {}", code(option)),
        Some(SkipReason::NeedsFailed { needs }) => outcome = format!("skipped: {} did not hold", code(needs)),
        None => {}
    }
    if deed.iterations > 1 {
        let _ = write!(outcome, ", {}", count(deed.iterations as usize, "time"));
    }
    let failed = deed.attempts.saturating_sub(deed.iterations.max(1));
    if failed > 0 {
        let _ = write!(outcome, ", {} more", count(failed as usize, "attempt"));
    }
    for broken in deed.broken.iter().filter(|broken| broken.warning) {
        let _ = write!(outcome, "; warning: {} does not hold", code(&broken.text));
    }
    for warning in &deed.warnings {
        let _ = write!(outcome, "; {}", inline(warning));
    }
    if let Some(watch) = &unit.watch {
        outcome = format!("{outcome}: {}", probes(watch.tally));
        if watch.tally.failed > 0 {
            let _ = write!(outcome, ", the longest probe {}", duration(watch.tally.longest));
        }
        for change in &watch.history {
            let at = change.at.strftime("%H:%M:%S");
            let _ = match (&change.failure, change.holds) {
                (_, true) => write!(outcome, "; held from {at}"),
                (failure, false) => {
                    let why = failure.as_ref().map(|failure| format!(": {}", inline(&failure.message))).unwrap_or_default();
                    write!(outcome, "; {} at {at}{why}", if change.tripped { "**tripped**" } else { "failed" })
                }
            };
        }
    }
    let started = deed.started_at.map(|at| at.strftime("%H:%M:%S").to_string()).unwrap_or_default();
    let took = deed.lasted_ms.map(|lasted| duration(Duration::from_millis(lasted))).unwrap_or_default();
    let _ = writeln!(rows, "| {} | {what} | {outcome} | {started} | {took} |", code(&unit.id));
}

fn rollback(report: &Report, text: &mut String) {
    let Some(rollback) = &report.rollback else { return };
    let mut lines = format!("It began at {}; {} to take back.\n\n", time(rollback.at), count(rollback.steps as usize, "step"));
    for unit in &report.units {
        for undo in &unit.undo {
            let _ = writeln!(lines, "- {}: {}: {}", code(&unit.id), code(&undo.action), undo.state);
        }
    }
    if let Some(barrier) = &rollback.barrier {
        let _ = writeln!(lines, "- **{} cannot be undone, nor what came before it**", code(barrier));
    }
    part("Rollback", &lines, text);
}

fn backups(report: &Report, text: &mut String) {
    let mut lines = String::new();
    for backup in &report.backups {
        let proof = if backup.proved { "" } else { ": **not proved**, it did not end well" };
        let _ = writeln!(lines, "- {} ({} of {}){proof}", code(&backup.manifest), code(&backup.action), code(&backup.unit));
        for (name, fact) in &backup.facts {
            let _ = writeln!(lines, "  - {}: {}", inline(name), code(&plain(fact)));
        }
    }
    part("Backups", &lines, text);
}

fn people(report: &Report, text: &mut String) {
    let mut lines = String::new();
    for answer in &report.people {
        let about = match &answer.subject {
            Subject::Start => "whether to start".to_owned(),
            Subject::Confirm { path } | Subject::Step { path } => code(&crate::reporters::unit_id(path)),
            Subject::InDoubt { effect } => format!("whether {} was done", code(&crate::reporters::unit_id(&effect.path))),
            Subject::Failed { effect } => format!("the failure of {}", code(&crate::reporters::unit_id(&effect.path))),
            Subject::Action { effect } => code(&crate::reporters::unit_id(&effect.path)),
        };
        let question = if answer.question.is_empty() { String::new() } else { format!(": {}", inline(&answer.question)) };
        let by = if answer.by.is_empty() { String::new() } else { format!(" by {}", code(&answer.by)) };
        let _ = writeln!(lines, "- {}, {about}{question} **{}**{by}", time(answer.at), said(&answer.reply));
    }
    part("What people said", &lines, text);
}

fn said(reply: &Reply) -> String {
    match reply {
        Reply::Yes => "yes".to_owned(),
        Reply::No => "no".to_owned(),
        Reply::All => "yes, and all that follow".to_owned(),
        Reply::Done => "it was done".to_owned(),
        Reply::NotDone => "it was not done".to_owned(),
        Reply::Retry => "try again".to_owned(),
        Reply::Skip => "go on without it".to_owned(),
        Reply::RollBack => "roll back".to_owned(),
        Reply::Stop => "stop".to_owned(),
        Reply::Text(Some(text)) => inline(text),
        Reply::Text(None) => "a secret".to_owned(),
        Reply::Nobody | Reply::Withdrawn => "nothing".to_owned(),
    }
}

fn inputs(report: &Report, text: &mut String) {
    let mut lines = String::new();
    if !(report.variables.is_empty() && report.values.is_empty()) {
        lines.push_str("| name | value | from |\n|---|---|---|\n");
    }
    for variable in &report.variables {
        let value = variable.value.as_ref().map_or_else(|| "‹secret›".to_owned(), plain);
        let _ = writeln!(lines, "| {} | {} | {} |", code(&format!("vars.{}", variable.name)), code(&value), inline(&variable.origin));
    }
    for value in &report.values {
        let _ =
            writeln!(lines, "| {} | {} | {} |", code(&format!("values.{}", value.name)), code(&plain(&value.value)), inline(&value.origin));
    }
    part("With what", &lines, text);
    let mut lines = String::new();
    for (name, settings) in &report.targets {
        let _ = writeln!(lines, "- {}: {}", code(name), code(&plain(settings)));
    }
    part("Against what", &lines, text);
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn part(heading: &str, lines: &str, text: &mut String) {
    if !lines.is_empty() {
        let _ = write!(text, "\n## {heading}\n\n{lines}");
    }
}
