//! The values of a run that is gone on with: as they were recorded, with their secrets read again.

use serde_json::Value;

use super::{ReadValue, part};
use crate::diagnostic::{Code, Diagnostic};
use crate::inputs::Inputs;
use crate::record::ValueRecord;
use crate::runbook::{Runbook, ValueSource};
use crate::scope::{Scope, Secrecy};

use super::Unread;
use crate::runbook::FileFormat;

/// A value of a run as it was recorded. Where something of it is secret it is read again, by `read` as in [`work_out`](super::work_out): of what comes only
/// the secret parts are taken. `inputs` hold the variables, and the values that are ready so far.
///
/// # Errors
///
/// A secret that cannot be read, or is not there, any more.
pub(super) fn reread(
    runbook: &Runbook,
    record: &ValueRecord,
    inputs: &Inputs,
    read: &mut dyn FnMut(FileFormat, &str) -> Result<Value, Unread>,
) -> Result<ReadValue, Box<Diagnostic>> {
    let secrecy = Secrecy::of(record.secret.iter().cloned());
    let mut value = record.value.clone();
    if !secrecy.is_none() {
        let fresh = fetch(runbook, record, inputs, read)?;
        let mut fresh = fresh;
        for path in secrecy.paths() {
            let (Some(place), Some(secret)) = (part(&mut value, path), part(&mut fresh, path)) else {
                let message = format!("`{}` has no `{}` any more", record.origin, path.join("."));
                return Err(Box::new(
                    Diagnostic::error(Code::ValueKey, message).help("it is secret, so that the run did not keep it: put it back to go on"),
                ));
            };
            *place = secret.take();
        }
    }
    Ok(ReadValue { name: record.name.clone(), value, secrecy, origin: record.origin.clone() })
}

fn fetch(
    runbook: &Runbook,
    record: &ValueRecord,
    inputs: &Inputs,
    read: &mut dyn FnMut(FileFormat, &str) -> Result<Value, Unread>,
) -> Result<Value, Box<Diagnostic>> {
    let Some(declared) = runbook.values.iter().find(|declared| declared.name == record.name) else {
        return Err(Box::new(Diagnostic::error(Code::ValueFault, format!("the runbook has no `values.{}`", record.name))));
    };
    match &declared.source {
        // The path as it was: what its template was made from is recorded with it.
        ValueSource::File { format, .. } => read(*format, &record.origin).map_err(|unread| match unread {
            Unread::NotHere(fault) | Unread::Faulty(fault) => Box::new(fault),
        }),
        ValueSource::Expr(expr) => expr.eval(&inputs.scope(&Scope::new())).map(|found| found.value).map_err(|fault| {
            Box::new(Diagnostic::error(Code::ValueFault, format!("`values.{}` cannot be worked out: {}", record.name, fault.message)))
        }),
    }
}
