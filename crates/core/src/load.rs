//! The way in: from a file's text to a checked runbook.

use std::collections::BTreeSet;
use std::path::{Component, Path};
use std::sync::Arc;

use crate::action::Registry;
use crate::check::{Checked, check};
use crate::decode::{Draft, decode};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::document;
use crate::layout::{Callee, lay_out};
use crate::runbook::{FieldKind, OnFailure, Phase, Runbook, Unit};
use crate::source::{Source, Span};

/// Calls within calls: nobody reads more, and where one file has two names a circle of calls ends here.
const MAX_DEPTH: usize = 16;

/// Called runbooks in one plan, those called twice counted twice: a few files that call each other several times would make a plan without an end.
const MAX_CALLED: usize = 200;

/// Gives the text of a called file by its path from the folder of the outermost runbook on, or says why there is none.
pub type CalledFiles<'a> = dyn FnMut(&str) -> Result<Arc<Source>, Diagnostic> + 'a;

/// Reads and checks a runbook that calls no other. All faults of the file are returned at once, in the order of the file; the runbook only where none
/// is an error.
pub fn load(source: &Arc<Source>, registry: &Registry) -> (Option<Runbook>, Diagnostics) {
    load_with(source, registry, &mut |file| Err(Diagnostic::error(Code::CallFile, format!("`{file}` cannot be read from here"))))
}

/// The same for a runbook that may call others: all of them are read and checked, and laid out into the one that is returned.
pub fn load_with(source: &Arc<Source>, registry: &Registry, files: &mut CalledFiles<'_>) -> (Option<Runbook>, Diagnostics) {
    let file = Path::new(source.name()).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut loader = Loader { registry, files, open: Vec::new(), called: 0, told: BTreeSet::new() };
    let (callee, mut faults) = loader.runbook(source, file, None);
    faults.sort();
    (callee.map(|callee| callee.runbook).filter(|_| !faults.has_errors()), faults)
}

struct Loader<'a> {
    registry: &'a Registry,
    files: &'a mut CalledFiles<'a>,
    /// The files whose calls are being read, outermost first.
    open: Vec<String>,
    /// How many called runbooks were read.
    called: usize,
    /// The faults that were reported of each called file. One that is called again may have others there: calls that go too deep.
    told: BTreeSet<(String, Code, String, Option<Span>)>,
}

impl Loader<'_> {
    /// A file with all that it calls. The runbook is there as well where something that it calls is faulty.
    fn runbook(&mut self, source: &Arc<Source>, file: String, on_failure: Option<OnFailure>) -> (Option<Callee>, Diagnostics) {
        let (root, mut faults) = document::parse(source);
        let broken_lines: Vec<usize> =
            faults.iter().filter_map(|fault| fault.labels.first()).map(|label| source.position(label.span.start).line).collect();
        let Some(root) = root else { return (None, faults) };

        let (draft, found) = decode(source, root, self.registry, on_failure);
        let mut later = found;
        let mut below = Diagnostics::new();
        let callee = draft.map(|mut draft| {
            self.open.push(file.clone());
            self.calls(&mut draft, source, &mut below);
            self.open.pop();
            let Checked { draft, secret_outputs, faults } = check(draft);
            later.extend(faults);
            (draft, secret_outputs)
        });
        if broken_lines.is_empty() {
            faults.extend(later);
        } else {
            // The parser's guess at a faulty value is not held against the author a second time.
            faults.extend_where(later, |span: Span| {
                let (first, last) = (source.position(span.start).line, source.position(span.end).line);
                !broken_lines.iter().any(|line| (first..=last).contains(line))
            });
        }
        faults.extend(below);
        let callee = callee.filter(|_| !faults.has_errors()).map(|(draft, secret_outputs)| Callee {
            runbook: lay_out(draft.runbook, draft.callees),
            file,
            secret_outputs,
        });
        (callee, faults)
    }

    /// Reads what the steps of a runbook call.
    fn calls(&mut self, draft: &mut Draft, source: &Arc<Source>, faults: &mut Diagnostics) {
        for unit in draft.runbook.units.iter_mut().filter(|unit| unit.action.is_call()) {
            if unit.phase != Phase::Step {
                // It cannot stand there, as was reported.
                draft.callees.insert(unit.ix, None);
                continue;
            }
            let callee = match self.callee(unit, source) {
                Ok((callee, found)) => {
                    faults.extend(found);
                    callee
                }
                Err(fault) => {
                    faults.push(*fault);
                    None
                }
            };
            if let Some(callee) = &callee {
                unit.outputs.clone_from(&callee.runbook.outputs);
                unit.secret_outputs.clone_from(&callee.secret_outputs);
            }
            draft.callees.insert(unit.ix, callee);
        }
    }

    fn callee(&mut self, unit: &Unit, source: &Arc<Source>) -> Result<(Option<Callee>, Diagnostics), Box<Diagnostic>> {
        let (written, span) = file(unit);
        let fault = |code, message: String, label: &str| Diagnostic::error(code, message).at(source, span, label);
        let Some(written) = written else { return Ok((None, Diagnostics::new())) };
        if written.contains("{{") {
            let message = format!("`{written}` is no file: the file of a call is written out");
            let help = "a reviewer must see what is called; where one of two is called, write two calls and let `when` choose";
            return Err(Box::new(fault(Code::CallFile, message, "a template is not expected here").help(help)));
        }
        if Path::new(written).is_absolute() {
            let help = "both are reviewed together and travel together: write the path from this file's folder on";
            return Err(Box::new(fault(Code::CallFile, format!("`{written}` does not start from this file's folder"), "").help(help)));
        }
        let from = self.open.last().map(String::as_str).unwrap_or_default();
        let file = beside(from, written);
        if let Some(start) = self.open.iter().position(|open| *open == file) {
            let mut circle: Vec<String> = self.open.iter().skip(start).map(|file| format!("`{file}`")).collect();
            circle.push(format!("`{file}`"));
            let help = "a procedure comes to an end: take one of these calls out";
            let message = format!("the runbook calls itself: {}", circle.join(" calls "));
            return Err(Box::new(fault(Code::CallCycle, message, "").help(help)));
        }
        if self.open.len() > MAX_DEPTH {
            let help = "nobody can review this: call the inner ones from further outside";
            return Err(Box::new(fault(Code::CallCycle, format!("calls go more than {MAX_DEPTH} deep"), "").help(help)));
        }
        self.called += 1;
        if self.called > MAX_CALLED {
            if self.called > MAX_CALLED + 1 {
                // It was said.
                return Ok((None, Diagnostics::new()));
            }
            let help = "call each from one place, or let the steps of a called runbook loop";
            return Err(Box::new(fault(Code::CallCycle, format!("more than {MAX_CALLED} runbooks are called in all"), "").help(help)));
        }
        let text = (self.files)(&file).map_err(|fault| {
            let fault = Diagnostic { code: Code::CallFile, ..fault };
            Box::new(fault.at(source, span, "called here"))
        })?;
        let (callee, found) = self.runbook(&text, file.clone(), Some(unit.on_failure));
        // A file that is called twice has its faults once.
        let mut faults = Diagnostics::new();
        for fault in &found {
            let place = fault.labels.first().map(|label| label.span);
            if self.told.insert((file.clone(), fault.code, fault.message.clone(), place)) {
                faults.push(fault.clone().at(source, span, "called from here"));
            }
        }
        Ok((callee, faults))
    }
}

/// The file of a call as it is written, and where.
fn file(unit: &Unit) -> (Option<&str>, Span) {
    let FieldKind::Table(fields) = &unit.action.fields.kind else { return (None, unit.action.key_span) };
    match fields.iter().find(|(key, ..)| key == "file").map(|(_, _, field)| (&field.kind, field.span)) {
        Some((FieldKind::Literal(serde_json::Value::String(file)), span)) => (Some(file), span),
        _ => (None, unit.action.key_span),
    }
}

/// A path that starts from a file's folder, from where that file's own path starts: `x/a.toml` and `../b.toml` give `b.toml`.
fn beside(file: &str, written: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let folder = Path::new(file).parent().unwrap_or(Path::new(""));
    for component in folder.components().chain(Path::new(written).components()) {
        match component {
            Component::ParentDir if parts.last().is_some_and(|part| *part != "..") => {
                parts.pop();
            }
            Component::ParentDir => parts.push(".."),
            Component::Normal(part) => parts.extend(part.to_str()),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{beside, load_with};
    use crate::action::Registry;
    use crate::call::Calls;
    use crate::diagnostic::Code;
    use crate::source::Source;

    /// A runbook of calls and nothing else.
    fn calling(files: &[String]) -> String {
        let steps: Vec<String> = files
            .iter()
            .enumerate()
            .map(|(at, file)| format!("[[step]]\nid = \"s{at}\"\nrunbook.call = {{ file = \"{file}\" }}\n"))
            .collect();
        format!("format = 1\nname = \"x\"\n{}", steps.concat())
    }

    /// What is wrong with a runbook that calls `called`, whose files are what `text` gives.
    fn faults(called: &[String], text: impl Fn(&str) -> String) -> Vec<(Code, String)> {
        let registry = Registry::new(vec![Box::new(Calls)]);
        let main = Arc::new(Source::new("main.toml".to_owned(), calling(called)));
        let (runbook, faults) = load_with(&main, &registry, &mut |file| Ok(Arc::new(Source::new(file.to_owned(), text(file)))));
        assert_eq!(runbook.is_none(), faults.has_errors());
        // The innermost ones have nothing to do, which is a fault of theirs alone.
        faults.iter().filter(|fault| fault.code != Code::Empty).map(|fault| (fault.code, fault.message.clone())).collect()
    }

    /// Each file calls the next one three times: a plan of three times three times three …
    #[test]
    fn calls_that_multiply_come_to_an_end() {
        let next = |file: &str| {
            let number: usize = file.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap();
            calling(&if number == 15 { Vec::new() } else { vec![format!("f{}.toml", number + 1); 3] })
        };
        assert_eq!(faults(&["f1.toml".to_owned()], next), [(Code::CallCycle, "more than 200 runbooks are called in all".to_owned())]);
    }

    /// The second time `f10.toml` is called from so far inside that its own calls go too deep.
    #[test]
    fn a_file_that_is_faulty_only_where_it_is_called_again_is_faulty() {
        let next = |file: &str| {
            let number: usize = file.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap();
            calling(&if number == 20 { Vec::new() } else { vec![format!("f{}.toml", number + 1)] })
        };
        let both = ["f10.toml".to_owned(), "f1.toml".to_owned()];
        assert_eq!(faults(&both, next), [(Code::CallCycle, "calls go more than 16 deep".to_owned())]);
    }

    #[test]
    fn paths_start_from_the_outermost_folder() {
        for (file, written, found) in [
            ("a.toml", "b.toml", "b.toml"),
            ("a.toml", "./x/../b.toml", "b.toml"),
            ("x/a.toml", "b.toml", "x/b.toml"),
            ("x/a.toml", "../b.toml", "b.toml"),
            ("a.toml", "../../b.toml", "../../b.toml"),
            ("../a.toml", "../b.toml", "../../b.toml"),
        ] {
            assert_eq!(beside(file, written), found, "{written} from {file}");
        }
    }
}
