//! Which value every variable has, or everything that keeps it from having one.

use std::collections::BTreeMap;

use serde_json::Value;

use super::defaults::Defaults;
use super::read::{self, Refusal};
use super::{Given, GivenValue, Input, Inputs, Origin, environment_name};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::runbook::{Runbook, Var};
use crate::secret::SHORTEST_MASKED;
use crate::suggest::nearest;
use crate::template::leaves;

/// What is known of a variable so far.
pub(super) enum State {
    Known(Input),
    /// A fault was reported; nothing that depends on it is reported again.
    Faulty,
    /// It is made of what is not known here, and nothing is wrong with it.
    Later,
}

/// The variables that have neither a value nor a default: what a person may be asked for.
pub fn missing<'a>(runbook: &'a Runbook, given: &[Given]) -> Vec<&'a Var> {
    runbook.vars.iter().filter(|var| var.default.is_none() && !given.iter().any(|g| g.name == var.name)).collect()
}

/// Finds the value of every variable.
///
/// # Errors
///
/// All faults: names that are not declared, missing values, values that do not fit, defaults that cannot be worked out. No message holds the value
/// of a secret.
pub fn resolve(runbook: &Runbook, given: Vec<Given>) -> Result<Inputs, Diagnostics> {
    resolve_but(runbook, given, &[])
}

/// The same where the values of some variables are not known here.
pub(crate) fn resolve_but(runbook: &Runbook, given: Vec<Given>, later: &[&str]) -> Result<Inputs, Diagnostics> {
    let mut faults = Diagnostics::new();
    let mut chosen: BTreeMap<String, Given> = BTreeMap::new();
    for given in given {
        if !runbook.vars.iter().any(|var| var.name == given.name) {
            faults.push(unknown(runbook, &given));
            continue;
        }
        let wins = chosen.get(&given.name).is_none_or(|before| given.origin.rank() <= before.origin.rank());
        if wins {
            chosen.insert(given.name.clone(), given);
        }
    }
    let mut states: BTreeMap<&str, State> = BTreeMap::new();
    for var in &runbook.vars {
        match chosen.remove(&var.name) {
            None if later.contains(&var.name.as_str()) => {
                states.insert(&var.name, State::Later);
            }
            Some(given) => {
                let state = taken(runbook, var, given, &mut faults);
                states.insert(&var.name, state);
            }
            None if var.default.is_none() => {
                faults.push(lacking(runbook, var));
                states.insert(&var.name, State::Faulty);
            }
            None => {}
        }
    }
    Defaults::new(runbook, &mut states, &mut faults).work_out();
    if faults.has_errors() {
        return Err(faults);
    }
    let inputs: Vec<Input> = runbook
        .vars
        .iter()
        .filter_map(|var| match states.remove(var.name.as_str()) {
            Some(State::Known(input)) => Some(input),
            Some(State::Faulty | State::Later) | None => None,
        })
        .collect();
    let partial = inputs.len() < runbook.vars.len();
    for warning in hard_to_mask(runbook, &inputs) {
        faults.push(warning);
    }
    Ok(Inputs { variables: inputs, partial, warnings: faults, ..Inputs::default() })
}

fn taken(runbook: &Runbook, var: &Var, given: Given, faults: &mut Diagnostics) -> State {
    let read = match given.value {
        GivenValue::Text(text) => {
            let shown = Value::String(text.clone());
            read::text(var, text).map_err(|refusal| (refusal, shown))
        }
        GivenValue::Json(value) => read::typed(var, value.clone()).map_err(|refusal| (refusal, value)),
    };
    match read {
        Ok(value) => State::Known(Input { name: var.name.clone(), value, secret: var.secret, origin: given.origin }),
        Err((refusal, value)) => {
            faults.push(refused(runbook, var, &given.origin, refusal, (!var.secret).then_some(&value)));
            State::Faulty
        }
    }
}

/// A value that is refused; `value` is none where it is a secret.
pub(super) fn refused(runbook: &Runbook, var: &Var, origin: &Origin, refusal: Refusal, value: Option<&Value>) -> Diagnostic {
    let verdict = value.map_or_else(|| "is not accepted".to_owned(), |value| format!("is {value}, which is not accepted"));
    let message = match origin {
        Origin::Default => format!("the default of `{}` {verdict}", var.name),
        origin => format!("`{}` from {origin} {verdict}", var.name),
    };
    let mut fault = Diagnostic::error(refusal.code, message).at(&runbook.source, var.name_span, format!("expected {}", refusal.expected));
    if let Some(help) = refusal.help {
        fault = fault.help(help);
    }
    if let (Some(example), false) = (&var.example, var.secret) {
        fault = fault.help(format!("an example: {example}"));
    }
    fault
}

/// That a variable has no value.
pub fn lacking(runbook: &Runbook, var: &Var) -> Diagnostic {
    let fault = Diagnostic::error(Code::MissingVariable, format!("`{}` has no value", var.name)).at(
        &runbook.source,
        var.name_span,
        var.description.clone().unwrap_or_else(|| "declared here, without a default".to_owned()),
    );
    let environment = environment_name(&var.name);
    if var.secret {
        return fault.help(format!("set `{environment}` in the environment, or run it on a terminal to be asked"));
    }
    let example = match &var.example {
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => "VALUE".to_owned(),
    };
    fault.help(format!("add `--var {}={}`, write it into a variable file, or set `{environment}`", var.name, quoted(&example)))
}

/// As it must be typed on a command line.
fn quoted(text: &str) -> String {
    let plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-./:@=,+%".contains(c));
    if plain { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

fn unknown(runbook: &Runbook, given: &Given) -> Diagnostic {
    let fault =
        Diagnostic::error(Code::UnknownVariable, format!("`{}` from {} is not a variable of this runbook", given.name, given.origin));
    match nearest(&given.name, runbook.vars.iter().map(|var| var.name.as_str())) {
        Some(near) => match runbook.vars.iter().find(|var| var.name == near) {
            Some(var) => fault.at(&runbook.source, var.name_span, "declared here").help(format!("did you mean `{near}`?")),
            None => fault,
        },
        None if runbook.vars.is_empty() => fault.help("this runbook has no variables"),
        None => {
            let names: Vec<String> = runbook.vars.iter().map(|var| format!("`{}`", var.name)).collect();
            fault.help(format!("its variables are {}", names.join(", ")))
        }
    }
}

/// Secrets that would leave too much or too little when they are masked: very short ones, and ones that stand in a public value.
fn hard_to_mask(runbook: &Runbook, inputs: &[Input]) -> Vec<Diagnostic> {
    let mut warnings = Vec::new();
    for input in inputs.iter().filter(|input| input.secret) {
        let Some(var) = runbook.vars.iter().find(|var| var.name == input.name) else { continue };
        let mut texts = Vec::new();
        leaves(&input.value, &mut texts);
        let warn =
            |message: String| Diagnostic::warning(Code::ShortSecret, message).at(&runbook.source, var.name_span, "declared secret here");
        if texts.iter().any(|text| !text.is_empty() && text.len() < SHORTEST_MASKED) {
            let message = format!("the secret `{}` has fewer than {SHORTEST_MASKED} bytes and cannot be masked", input.name);
            warnings.push(warn(message).help("use a longer one: whatever steps that get it print is withheld"));
        }
        let twin = inputs.iter().find(|other| {
            let mut public = Vec::new();
            leaves(&other.value, &mut public);
            !other.secret && public.iter().any(|text| !text.is_empty() && texts.contains(text))
        });
        if let Some(twin) = twin {
            let message = format!("the secret `{}` is the same text as the public variable `{}`", input.name, twin.name);
            warnings
                .push(warn(message).help("use another one: it is shown as its twin is, and whatever steps that get it print is withheld"));
        }
    }
    warnings
}
