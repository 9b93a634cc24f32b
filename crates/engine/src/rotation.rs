//! Whether the secrets of a session are those that the run had before.
//!
//! A run's record has the keyed digest of each secret variable, and of what is secret in each of `[values]` (`values.NAME`). A later session fetches its secrets again; one with another value is refused unless the
//! operator names it (`--accept-secret`): half of a procedure with one password and half with another is rarely meant, and a mistyped one is found before
//! anything is done with it. What is accepted is recorded, and is what the session after that is held against.

use std::collections::{BTreeMap, BTreeSet};

use runbook_core::inputs::{Inputs, Origin};
use runbook_core::record::{AcceptedSecret, Record, Stamped, ValueRecord, VariableValue};
use runbook_core::secret::DigestKey;

use crate::EngineError;

/// The secrets that changed and may. An error names all that may not.
pub(crate) fn accepted(
    records: &[Stamped],
    inputs: &Inputs,
    accept: &BTreeSet<String>,
    key: &DigestKey,
) -> Result<Vec<AcceptedSecret>, EngineError> {
    let mut accepted = Vec::new();
    let mut names = Vec::new();
    for (name, last) in last_known(records) {
        let Some((digest, made)) = now(inputs, &name, key) else { continue };
        // What the runbook makes of other variables changes with them, and they are compared themselves.
        if digest == last.digest || (last.made && made) {
            continue;
        }
        if accept.contains(&name) {
            accepted.push(AcceptedSecret { name, digest });
        } else {
            names.push(name);
        }
    }
    if names.is_empty() { Ok(accepted) } else { Err(EngineError::SecretsDiffer { names }) }
}

/// The digest of a secret variable, or of the secrets of a value (`values.NAME`), and whether the runbook itself makes it.
fn now(inputs: &Inputs, name: &str, key: &DigestKey) -> Option<(String, bool)> {
    match name.strip_prefix("values.") {
        Some(value) => {
            let (_, read) = inputs.all_values().find(|(name, _)| name == value)?;
            Some((key.digest(&read.fingerprint()?), read.is_made()))
        }
        None => Some((inputs.digest(name, key)?, inputs.get(name)?.origin == Origin::Default)),
    }
}

/// What the last session had.
struct Known<'a> {
    digest: &'a str,
    /// Whether the runbook's own default gave it.
    made: bool,
}

fn last_known(records: &[Stamped]) -> BTreeMap<String, Known<'_>> {
    let mut known = BTreeMap::new();
    for stamped in records {
        match &stamped.record {
            Record::RunOpened(opened) => known.extend(digests(&opened.variables, &opened.values)),
            Record::Amended(amended) => known.extend(digests(&amended.variables, &amended.values)),
            Record::SessionOpened(opened) => {
                for secret in &opened.accepted {
                    known.insert(secret.name.clone(), Known { digest: &secret.digest, made: false });
                }
            }
            Record::Expanded(_)
            | Record::Admitted(_)
            | Record::Skipped(_)
            | Record::Asked(_)
            | Record::Answered(_)
            | Record::Started(_)
            | Record::Evidence(_)
            | Record::Watched(_)
            | Record::Ended(_)
            | Record::RecoveryStarted(_)
            | Record::Recovered(_)
            | Record::RetryScheduled(_)
            | Record::TimerFired(_)
            | Record::CancelRequested(_)
            | Record::StopRequested(_)
            | Record::RollbackBegan(_)
            | Record::SessionEnded(_)
            | Record::RunClosed(_) => {}
        }
    }
    known
}

fn digests<'a>(variables: &'a [VariableValue], values: &'a [ValueRecord]) -> impl Iterator<Item = (String, Known<'a>)> {
    let variables = variables.iter().filter_map(|variable| {
        let made = variable.origin == Origin::Default.to_string();
        Some((variable.name.clone(), Known { digest: variable.digest.as_deref()?, made }))
    });
    let values = values
        .iter()
        .filter_map(|value| Some((format!("values.{}", value.name), Known { digest: value.digest.as_deref()?, made: value.is_made() })));
    variables.chain(values)
}
