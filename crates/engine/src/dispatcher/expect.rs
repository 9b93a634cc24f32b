//! After an action: the author's names for its results, `expect` and `warn`.

use runbook_core::action::{Failure, FailureKind, Outputs};
use runbook_core::record::Expectation;
use runbook_core::runbook::{ActionCall, Placed};
use runbook_core::scope::{Scope, Secrecy};
use runbook_core::template::Expr;

/// What stands in the runbook about an action's results.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub outputs: &'a [(String, Placed<Expr>)],
    pub secret_outputs: &'a [String],
    pub expect: &'a [Placed<Expr>],
    pub warn: &'a [Placed<Expr>],
    /// `repeat_until`.
    pub until: Option<&'a Placed<Expr>>,
}

/// The results with the author's names among them, and what was found of them.
pub(super) struct Asked {
    pub outputs: Outputs,
    /// The names of those that are secret.
    pub secret: Vec<String>,
    pub expectations: Vec<Expectation>,
    /// An expression in `outputs` that cannot be evaluated.
    pub fault: Option<Failure>,
}

/// Which of an action's outputs are secret by its own account.
pub(super) fn sensitive(specs: &[runbook_core::action::OutputSpec]) -> Vec<String> {
    specs.iter().filter(|spec| spec.sensitive).map(|spec| spec.name.to_owned()).collect()
}

/// The same as paths.
pub(super) fn secrecy(specs: &[runbook_core::action::OutputSpec]) -> Secrecy {
    Secrecy::members(sensitive(specs))
}

/// What expressions about an action's results are evaluated over, beside these.
#[derive(Clone, Copy)]
pub(super) struct Scopes<'a> {
    /// The step's own scope.
    pub own: &'a Scope,
    /// That of the author's names for results; another one only at the end of a call.
    pub outputs: &'a Scope,
}

/// Evaluates everything over an action's results.
pub(super) fn ask(call: &ActionCall, wanted: Wanted<'_>, mut outputs: Outputs, scopes: Scopes<'_>) -> Asked {
    let scope = scopes.own;
    let mut secret = sensitive(call.spec.outputs);
    secret.extend(wanted.secret_outputs.iter().cloned());
    let mut fault = None;
    let own = scopes.outputs.with_members(&outputs, &Secrecy::members(secret.clone()));
    for (name, expr) in wanted.outputs {
        match expr.eval(&own) {
            Ok(evaluated) => {
                if evaluated.secret {
                    secret.push(name.clone());
                }
                outputs.insert(name.clone(), evaluated.value);
            }
            Err(error) if fault.is_none() => {
                let mut failure = Failure::new(FailureKind::Unexpected, format!("the output `{name}` cannot be evaluated: {error}"));
                failure.field = Some(format!("outputs.{name}"));
                failure.help = error.help;
                fault = Some(failure);
            }
            Err(_) => {}
        }
    }
    let own = if wanted.outputs.is_empty() && std::ptr::eq(scopes.own, scopes.outputs) {
        own
    } else {
        scope.with_members(&outputs, &Secrecy::members(secret.clone()))
    };
    let until =
        test(wanted.until.map(std::slice::from_ref).unwrap_or_default(), false, &own).map(|until| Expectation { until: true, ..until });
    let expectations = test(wanted.expect, false, &own).chain(test(wanted.warn, true, &own)).chain(until).collect();
    Asked { outputs, secret, expectations, fault }
}

/// Asks conditions one by one; all are asked, so that all that is wrong is seen at once.
pub(super) fn test<'a>(exprs: &'a [Placed<Expr>], warning: bool, scope: &'a Scope) -> impl Iterator<Item = Expectation> + 'a {
    exprs.iter().zip(0_u32..).map(move |(expr, index)| {
        let text = expr.source().to_owned();
        match expr.test(scope) {
            Ok(tested) => Expectation { index, text, holds: tested.holds, warning, until: false, actuals: tested.actuals, fault: None },
            Err(error) => Expectation { index, text, holds: false, warning, until: false, actuals: Vec::new(), fault: Some(error.message) },
        }
    })
}
