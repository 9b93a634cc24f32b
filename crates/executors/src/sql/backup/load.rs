//! Loading a backup's files into a database that is there and empty.

use std::path::Path;

use runbook_core::action::{Progress, Unit};

use super::verify::Report;
use crate::sql::failure::Sql;
use crate::sql::session::{Dialer, Session};
use crate::sql::statements::{Runner, Tally};

/// Carries out all files, one after the other, and stops at the first error.
pub(in crate::sql) async fn load(dialer: &Dialer<'_>, session: &mut Session<'_>, report: &Report) -> Sql<Tally> {
    let cx = dialer.cx();
    let folder: &Path = report.folder();
    let total = report.manifest.files.iter().map(|file| file.statements).sum();
    let mut tally = Tally::default();
    for file in &report.manifest.files {
        let mut progress = |tally: &Tally| {
            cx.progress(Progress { what: "restoring".to_owned(), done: tally.statements, total: Some(total), unit: Unit::Items });
        };
        let mut runner = Runner { name: format!("`{}`", file.name), field: "manifest", session, tally: &mut tally };
        runner.file(&folder.join(&file.name), &mut progress).await?;
    }
    Ok(tally)
}
