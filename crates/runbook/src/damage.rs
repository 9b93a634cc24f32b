//! A run whose journal ends with a damaged line: bytes of it became others on the disk. What it began is not known, so nothing goes on by itself; what a person
//! can still find out, and do, is said. (A line that was only cut off, as a power failure does, began nothing: it is cut, and the run goes on.)

use std::path::Path;

use runbook_engine::journal::Tail;
use runbook_engine::state::{RunFolder, StateDir};

use crate::card::{self, Line};

/// The lines of help under the refusal to go on.
pub(crate) fn help(journal: &Path, state: &StateDir) -> Vec<String> {
    let run = journal.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    let command = |what: &str| card::command(&format!("{what} {run}"), state.named());
    vec![
        format!("all that is known up to there: `{}`", command("runs show")),
        format!("the line can often be read by eye: `tail --lines=1 {}`; a step that it starts may be half done", journal.display()),
        format!("put right by hand what may be half done, then give the run up: `{} --reason '…'`", command("abandon")),
        "what is still to be done goes into a new run: `runbook exec FILE --from STEP`".to_owned(),
    ]
}

/// A card that does not promise what is refused: of a journal that ends so, in place of the run's own.
pub(crate) fn card(lines: Vec<Line>, tail: &Tail, folder: &RunFolder, state: &StateDir) -> Vec<Line> {
    let Tail::InDoubt { line, .. } = tail else { return lines };
    let headline = format!("damaged: line {line} of its journal, the last one; what it began is not known (run {})", folder.id());
    let mut told = vec![Line::Headline { good: false, text: headline }];
    told.extend(lines.into_iter().filter(|line| matches!(line, Line::Row { .. })));
    told.push(Line::Row { label: "read", text: format!("tail --lines=1 {}", folder.journal().display()) });
    let abandon = card::command(&format!("abandon {} --reason '…'", folder.id()), state.named());
    told.push(Line::Command { label: "when done", text: abandon });
    told
}
