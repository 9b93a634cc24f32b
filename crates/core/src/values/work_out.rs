//! From declarations to values, in the order of the file; and from a call to the variables of what it calls.

use serde_json::Value;

use super::uses::Frame;
use super::{ReadValue, called, recorded, uses};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use crate::inputs::Inputs;
use crate::record::ValueRecord;
use crate::runbook::{CallIx, FileFormat, Runbook, ValueDecl, ValueSource};
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

/// Where values come from.
pub struct Reading<'a> {
    /// For a plan: a file that is not here is a warning, and what needs it is known later.
    pub lenient: bool,
    /// What a run that is gone on with recorded: it counts, and only what is secret in it is read again.
    pub recorded: &'a [ValueRecord],
    /// What a file holds. A path that does not start at the root starts at the runbook's folder.
    pub read: &'a mut dyn FnMut(FileFormat, &str) -> Result<Value, Unread>,
}

/// Works all values out and adds them to the inputs; for each called runbook first the variables that its call gives it.
///
/// # Errors
///
/// All faults: files that cannot be read, expressions that cannot be worked out, everything that the runbook names and a file does not have, and what a
/// called runbook does not accept.
pub fn work_out(runbook: &Runbook, inputs: Inputs, reading: &mut Reading<'_>) -> Result<Inputs, Diagnostics> {
    let mut inputs = inputs;
    let mut faults = own(Frame { whole: runbook, call: None }, &mut inputs, reading);
    for (at, callee) in runbook.called.iter().enumerate() {
        if faults.has_errors() {
            break;
        }
        let call = Some(CallIx(at));
        let idle = called::is_idle(runbook, call, &inputs);
        let variables = match called::variables(runbook, callee, &inputs) {
            Ok(variables) => variables,
            // What will not run needs no values.
            Err(_) if idle => called::nothing(&callee.runbook),
            Err(found) => {
                faults.extend(found);
                break;
            }
        };
        inputs.add_called(&callee.id, variables);
        let found = own(Frame { whole: runbook, call }, &mut inputs, reading);
        if !idle {
            faults.extend(found);
        }
    }
    if faults.has_errors() {
        return Err(faults);
    }
    inputs.add_warnings(faults);
    Ok(inputs)
}

/// The values of the runbook itself, or of one that it calls.
fn own(frame: Frame<'_>, inputs: &mut Inputs, reading: &mut Reading<'_>) -> Diagnostics {
    let runbook = frame.runbook();
    let inputs = inputs.at_mut(frame.call);
    let mut faults = Diagnostics::new();
    // What uses a value that is not here is not worked out either, and not reported.
    let mut lacking = Vec::new();
    let mut fresh = Vec::new();
    for declared in &runbook.values {
        let name = frame.whole.full_id(frame.call, &declared.name);
        if let Some(record) = reading.recorded.iter().find(|record| record.name == name) {
            let record = ValueRecord { name: declared.name.clone(), ..record.clone() };
            match recorded::reread(runbook, &record, inputs, reading.read) {
                Ok(value) => inputs.add_value(value),
                Err(fault) => {
                    faults.push(*fault);
                    lacking.push(&declared.name);
                }
            }
            continue;
        }
        let scope = inputs.scope(&Scope::new());
        let (refs, span) = match &declared.source {
            ValueSource::File { path, .. } => (path.refs(), path.span),
            ValueSource::Expr(expr) => (expr.refs(), expr.span),
        };
        if refs.iter().any(|name| is_later(&scope, &lacking, name)) {
            lacking.push(&declared.name);
            continue;
        }
        match read(frame, declared, &scope, reading) {
            Ok(value) => {
                inputs.add_value(value);
                fresh.push(&declared.name);
            }
            // A key that it uses is not there; that is reported with all others.
            Err((Unread::Faulty(_), _)) if refs.iter().any(|name| is_lacking(&scope, name)) => lacking.push(&declared.name),
            Err((unread, lenient)) => {
                let (mut fault, pass) = match unread {
                    Unread::NotHere(fault) => (fault, lenient),
                    Unread::Faulty(fault) => (fault, false),
                };
                if pass {
                    fault.severity = Severity::Warning;
                    fault = fault.help("what needs it is known only where the file is");
                }
                faults.push(fault.at(&runbook.source, span, format!("`values.{}`", declared.name)));
                lacking.push(&declared.name);
            }
        }
    }
    if fresh.is_empty() {
        return faults;
    }
    uses::lacking(frame, inputs, &mut faults);
    if faults.has_errors() {
        return faults;
    }
    for read in inputs.values_mut().iter_mut().filter(|read| fresh.contains(&&read.name)) {
        read.value = uses::named(frame, &read.name, read.value.take());
    }
    hard_to_mask(runbook, inputs, &mut faults);
    faults
}

/// One value, read or worked out now. With a fault comes whether a file that is not here is passed over.
fn read(frame: Frame<'_>, declared: &ValueDecl, scope: &Scope, reading: &mut Reading<'_>) -> Result<ReadValue, (Unread, bool)> {
    let (value, secrecy, origin) = match &declared.source {
        ValueSource::File { format, path } => {
            let path = path.render(scope).map_err(|fault| (Unread::Faulty(not_worked_out(declared, fault)), false))?.text();
            let path = called::from_outermost(frame, &path);
            let value = (reading.read)(*format, &path).map_err(|unread| (unread, reading.lenient))?;
            (value, declared.secrecy.clone(), path)
        }
        ValueSource::Expr(expr) => {
            let found = expr.eval(scope).map_err(|fault| (Unread::Faulty(not_worked_out(declared, fault)), false))?;
            let secrecy = if found.secret { Secrecy::whole() } else { declared.secrecy.clone() };
            (found.value, secrecy, format!("`{}`", expr.source()))
        }
    };
    Ok(ReadValue { name: declared.name.clone(), value, secrecy, origin })
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

/// Whether a name is one of a value that is not here, or of a variable that is made of one.
fn is_later(scope: &Scope, lacking: &[&String], name: &Ref) -> bool {
    match &name.path[..] {
        [root, value, ..] if root == "values" => lacking.contains(&value),
        [root, _, ..] if root == "vars" => scope.is_absent(&name.path),
        _ => false,
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
