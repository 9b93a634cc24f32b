//! From declarations to values, in the order of the file.

use serde_json::Value;

use super::{ReadValue, uses};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::inputs::Inputs;
use crate::runbook::{FileFormat, Runbook, ValueDecl, ValueSource};
use crate::scope::{Lookup, Scope, Secrecy};
use crate::secret::SHORTEST_MASKED;
use crate::template::{Ref, RenderFault};

/// Why a file gives nothing. The diagnostics have no place in the runbook yet; the declaration is added to the first.
pub enum Unread {
    /// It cannot be read here: another host may have it.
    NotHere(Diagnostic),
    /// What is in it is not well-formed.
    Faulty(Diagnostic),
}

/// Works all values out and adds them to the inputs. `read` gives what a file holds: its path is as the author wrote it, with its templates filled in.
///
/// With `lenient`, for a plan, a file that is not here is a warning, and what needs it is known later.
///
/// # Errors
///
/// All faults: files that cannot be read, expressions that cannot be worked out, and everything that the runbook names and a file does not have.
pub fn work_out(
    runbook: &Runbook,
    inputs: Inputs,
    lenient: bool,
    read: &mut dyn FnMut(FileFormat, &str) -> Result<Value, Unread>,
) -> Result<Inputs, Diagnostics> {
    let mut inputs = inputs;
    let mut faults = Diagnostics::new();
    // What uses a value that is not here is not worked out either, and not reported.
    let mut lacking = Vec::new();
    for declared in &runbook.values {
        let scope = inputs.scope(&Scope::new());
        let (refs, span) = match &declared.source {
            ValueSource::File { path, .. } => (path.refs(), path.span),
            ValueSource::Expr(expr) => (expr.refs(), expr.span),
        };
        if refs.iter().any(|name| matches!(&name.path[..], [root, value, ..] if root == "values" && lacking.contains(&value.as_str()))) {
            lacking.push(&declared.name);
            continue;
        }
        let found = match &declared.source {
            ValueSource::File { format, path } => match path.render(&scope) {
                Ok(rendered) => {
                    let path = rendered.text();
                    read(*format, &path).map(|value| (value, declared.secrecy.clone(), path)).map_err(|unread| (unread, lenient))
                }
                Err(fault) => Err((Unread::Faulty(not_worked_out(declared, fault)), false)),
            },
            ValueSource::Expr(expr) => match expr.eval(&scope) {
                Ok(found) => {
                    let secrecy = if found.secret { Secrecy::whole() } else { declared.secrecy.clone() };
                    Ok((found.value, secrecy, format!("`{}`", expr.source())))
                }
                Err(fault) => Err((Unread::Faulty(not_worked_out(declared, fault)), false)),
            },
        };
        match found {
            Ok((value, secrecy, origin)) => {
                inputs.add_value(ReadValue { name: declared.name.clone(), value, secrecy, origin });
            }
            // A key that it uses is not there; that is reported with all others.
            Err((Unread::Faulty(_), _)) if refs.iter().any(|name| is_lacking(&scope, name)) => lacking.push(&declared.name),
            Err((unread, lenient)) => {
                let (mut fault, pass) = match unread {
                    Unread::NotHere(fault) => (fault, lenient),
                    Unread::Faulty(fault) => (fault, false),
                };
                if pass {
                    fault.severity = crate::diagnostic::Severity::Warning;
                    fault = fault.help("what needs it is known only where the file is");
                }
                faults.push(fault.at(&runbook.source, span, format!("`values.{}`", declared.name)));
                lacking.push(&declared.name);
            }
        }
    }
    uses::lacking(runbook, &inputs, &mut faults);
    if faults.has_errors() {
        return Err(faults);
    }
    for read in inputs.values_mut() {
        read.value = uses::named(runbook, &read.name, read.value.take());
    }
    hard_to_mask(runbook, &inputs, &mut faults);
    inputs.add_warnings(faults);
    Ok(inputs)
}

/// Secrets that are used and cannot be told apart from other text.
fn hard_to_mask(runbook: &Runbook, inputs: &Inputs, faults: &mut Diagnostics) {
    let public = inputs.public_texts();
    for read in inputs.values() {
        let Some(declared) = runbook.values.iter().find(|declared| declared.name == read.name) else { continue };
        for (name, secret) in read.secrets() {
            let why = match secret.reveal() {
                "" => continue,
                text if text.len() < SHORTEST_MASKED => format!("has fewer than {SHORTEST_MASKED} bytes and cannot be masked"),
                text if public.contains(text) => "is the same text as a public variable".to_owned(),
                _ => continue,
            };
            faults.push(
                Diagnostic::warning(Code::ShortSecret, format!("the secret `{name}` {why}"))
                    .at(&runbook.source, declared.secret_span, "declared secret here")
                    .help("use another one: whatever steps that get it print is withheld"),
            );
        }
    }
}

fn is_lacking(scope: &Scope, name: &Ref) -> bool {
    let of_value = name.path.first().is_some_and(|root| root == "values") && !name.guarded;
    of_value && matches!(scope.lookup(&name.path), Lookup::Nothing { .. })
}

fn not_worked_out(declared: &ValueDecl, fault: RenderFault) -> Diagnostic {
    let diagnostic = Diagnostic::error(Code::ValueFault, format!("`values.{}` cannot be worked out: {}", declared.name, fault.message));
    match fault.help {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    }
}
