//! The backups of a run, in its card: where they are and how old.

use std::path::{Component, Path, PathBuf};

use jiff::Timestamp;
use runbook_core::action::Outcome;
use runbook_core::plan::Plan;
use runbook_core::view::{EffectKey, RunView};
use serde_json::Value;

use super::{Line, report};
use crate::text::duration;

/// The backups that this run made or looked at, and how old they are.
pub(super) fn backups(plan: &Plan, view: &RunView, now: Option<Timestamp>) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut seen: Vec<PathBuf> = Vec::new();
    let home = view.opened().map(|opened| PathBuf::from(&opened.runbook.path)).unwrap_or_default();
    let home = home.parent().unwrap_or(Path::new(""));
    for unit in plan.units() {
        if !matches!(unit.action.as_str(), "sql.dump" | "sql.restore" | "sql.recreate" | "sql.verify_backup" | "sql.manifest") {
            continue;
        }
        let Some(key) = plan.find(&unit.id).map(EffectKey::unit) else { continue };
        let Some(report) = report(view, key) else { continue };
        let outputs = match &report.outcome {
            Some(Outcome::Succeeded { outputs, .. } | Outcome::Failed { outputs, .. }) => Some(outputs),
            Some(Outcome::Cancelled { .. }) | None => None,
        };
        let done = matches!(report.outcome, Some(Outcome::Succeeded { .. }));
        // A dump that left nothing has no backup to name: what stands in its folder, if there is one, is not its own.
        let makes = matches!(unit.action.as_str(), "sql.dump" | "sql.manifest");
        if makes && !done && !view.instance(key).is_some_and(|instance| instance.effect().may_have_changed()) {
            continue;
        }
        let output = |name: &str| outputs.and_then(|outputs| outputs.get(name)).and_then(Value::as_str);
        let field = |name: &str| report.fields.get(name).and_then(Value::as_str);
        let age = output("taken_at")
            .or_else(|| output("finished_at"))
            .and_then(|text| text.parse::<Timestamp>().ok())
            .zip(now)
            .map(|(taken, now)| {
                format!(", taken {} ({} ago)", taken.strftime("%Y-%m-%d %H:%M UTC"), duration(now.duration_since(taken).unsigned_abs()))
            })
            .unwrap_or_default();
        let doubt = if done { "" } else { " (not verified: the step did not end well)" };
        let mut row = |label: &'static str, path: &str, note: &str| {
            let folder = folder(home, path);
            if !seen.contains(&folder) {
                seen.push(folder);
                lines.push(Line::Row { label, text: format!("{path}{note}") });
            }
        };
        if let Some(path) = output("manifest").or_else(|| field("manifest")).or_else(|| field("to")) {
            row("backup", path, &format!("{age}{doubt}"));
        }
        if let Some(path) = output("aside").or_else(|| field("aside")) {
            row("aside", path, doubt);
        }
    }
    lines
}

/// The folder of a backup, which may be named by its manifest, from the runbook's folder on, and by way of other folders.
fn folder(home: &Path, path: &str) -> PathBuf {
    let mut folder = PathBuf::new();
    for part in home.join(path).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if folder.file_name().is_some() => drop(folder.pop()),
            part => folder.push(part),
        }
    }
    if folder.ends_with("manifest.json") {
        folder.pop();
    }
    folder
}

/// The backups of a run as lines, with their age at `now`.
pub(crate) fn backup_rows(plan: &Plan, view: &RunView, now: Timestamp) -> Vec<String> {
    let row = |line: Line| match line {
        Line::Row { label, text } => Some(format!("{label}: {text}")),
        Line::Headline { .. } | Line::Command { .. } => None,
    };
    backups(plan, view, Some(now)).into_iter().filter_map(row).collect()
}
