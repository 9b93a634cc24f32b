//! The report of a run: told by the core, laid out for a ticket or a program.

mod markdown;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use runbook_core::plan::Plan;
use runbook_core::record::{Record, Stamped};
use runbook_core::report::{Report, report};
use runbook_core::source::Source;
use runbook_engine::state::RunFolder;
use runbook_engine::{PLAN_COPY, RUNBOOK_COPY, called_copies};

pub(crate) use markdown::markdown;

use crate::loading::{self, Kept};

/// How a report is laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Layout {
    /// For a ticket
    #[default]
    Markdown,
    /// For a program
    Json,
}

impl Layout {
    /// By a file's ending; none for another.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "md" | "markdown" => Some(Self::Markdown),
            "json" => Some(Self::Json),
            _ => None,
        }
    }

    /// Lays a report out.
    pub(crate) fn text(self, report: &Report) -> String {
        match self {
            Self::Markdown => markdown(report),
            // A report has text keys and no failing serializers.
            Self::Json => format!("{:#}\n", serde_json::to_value(report).unwrap_or_default()),
        }
    }
}

/// A file for a report, with its layout.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) path: PathBuf,
    pub(crate) layout: Layout,
}

impl std::str::FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let path = PathBuf::from(text);
        match Layout::of(&path) {
            Some(layout) => Ok(Self { path, layout }),
            None => Err("a report ends in `.md` (Markdown) or `.json`".to_owned()),
        }
    }
}

/// Tells a run from its records and the copies in its folder; says why where it cannot.
pub(crate) fn of(folder: &RunFolder, records: &[Stamped]) -> Result<Report, String> {
    let text = std::fs::read(folder.source(PLAN_COPY)).map_err(|error| format!("the run's copy of its plan cannot be read: {error}"))?;
    let plan: Plan = serde_json::from_slice(&text).map_err(|error| format!("the run's copy of its plan is damaged: {error}"))?;
    // Without it failures have no lines, and that is all.
    let source = std::fs::read_to_string(folder.source(RUNBOOK_COPY)).ok();
    let opened = records.iter().find_map(|stamped| match &stamped.record {
        Record::RunOpened(opened) => Some(&opened.runbook),
        _ => None,
    });
    let called = opened.map(|runbook| called_copies(folder, runbook, 0)).unwrap_or_default();
    let kept = Kept::of(called, str::to_owned);
    let runbook = source.and_then(|text| loading::load(&Arc::new(Source::new("runbook.toml", text)), Some(&kept)).0);
    match report(&plan, runbook.as_ref(), records) {
        Ok(Some(report)) => Ok(report),
        Ok(None) => Err("its records do not say that it was opened".to_owned()),
        Err(error) => Err(format!("its records contradict each other: {error}")),
    }
}
