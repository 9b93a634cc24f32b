//! Defaults: literals, and templates over other variables.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::read;
use super::resolve::{State, refused};
use super::{Input, Origin};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::prepare;
use crate::runbook::{Field, FieldKind, Runbook, Var};
use crate::scope::{Scope, Secrecy};

/// Works out the defaults of all variables without a value, each after those that it is made from.
pub(super) struct Defaults<'r, 's> {
    runbook: &'r Runbook,
    states: &'s mut BTreeMap<&'r str, State>,
    faults: &'s mut Diagnostics,
    /// The variables whose defaults are being worked out, outermost first.
    waiting: Vec<&'r str>,
}

impl<'r, 's> Defaults<'r, 's> {
    pub(super) const fn new(runbook: &'r Runbook, states: &'s mut BTreeMap<&'r str, State>, faults: &'s mut Diagnostics) -> Self {
        Self { runbook, states, faults, waiting: Vec::new() }
    }

    pub(super) fn work_out(mut self) {
        for var in &self.runbook.vars {
            self.variable(var);
        }
    }

    /// Makes the variable's state known. The depth is that of the chain of defaults, which a file's number of variables bounds.
    fn variable(&mut self, var: &'r Var) {
        if self.states.contains_key(var.name.as_str()) {
            return;
        }
        let Some(default) = &var.default else { return };
        if self.waiting.len() > MAX_CHAIN {
            self.fault(var, default, "the chain of defaults is too long", &[]);
            return;
        }
        self.waiting.push(&var.name);
        let state = self.default(var, default);
        self.waiting.pop();
        // A cycle may have settled it already.
        self.states.entry(&var.name).or_insert(state);
    }

    fn default(&mut self, var: &'r Var, default: &'r Field) -> State {
        let refs = prepare::refs(default, &[]);
        let mut scope_values = Map::new();
        let mut secrets = Vec::new();
        for name in refs {
            let other = match name.path.as_slice() {
                [root, other, ..] if root == "vars" => self.runbook.vars.iter().find(|var| var.name == *other),
                _ => {
                    let message = format!("the default of `{}` uses `{name}`", var.name);
                    self.fault(var, default, &message, &["a default is worked out before anything else: it can use `vars` only"]);
                    return State::Faulty;
                }
            };
            let Some(other) = other else {
                let message = format!("the default of `{}` uses `{name}`, which is not a variable", var.name);
                self.fault(var, default, &message, &[]);
                return State::Faulty;
            };
            if let Some(start) = self.waiting.iter().position(|waiting| *waiting == other.name) {
                self.cycle(start, var, default);
                return State::Faulty;
            }
            self.variable(other);
            match self.states.get(other.name.as_str()) {
                Some(State::Known(input)) => {
                    scope_values.insert(input.name.clone(), input.value.clone());
                    secrets.extend(input.secret.then(|| input.name.clone()));
                }
                Some(State::Later) => return State::Later,
                Some(State::Faulty) | None => return State::Faulty,
            }
        }
        let tainted = !secrets.is_empty();
        let scope = Scope::new().with_secret("vars", Value::Object(scope_values), Secrecy::members(secrets));
        self.value(var, default, &scope, tainted)
    }

    fn value(&mut self, var: &'r Var, default: &'r Field, scope: &Scope, tainted: bool) -> State {
        let (value, faults) = prepare::values(default, &[], scope);
        if let Some(fault) = faults.into_iter().next() {
            let message = format!("the default of `{}` cannot be worked out: {}", var.name, fault.message);
            self.fault(var, default, &message, fault.help.as_deref().as_slice());
            return State::Faulty;
        }
        // What a template gives is text wherever it is not alone; a literal has the type that the author wrote.
        let read = match (value, &default.kind) {
            (Value::String(text), FieldKind::Template(_) | FieldKind::Text(_)) => {
                let shown = Value::String(text.clone());
                read::text(var, text).map_err(|refusal| (refusal, shown))
            }
            (value, _) => read::typed(var, value.clone()).map_err(|refusal| (refusal, value)),
        };
        match read {
            Ok(value) => State::Known(Input { name: var.name.clone(), value, secret: var.secret || tainted, origin: Origin::Default }),
            Err((refusal, shown)) => {
                let shown = (!tainted && !var.secret).then_some(&shown);
                let fault = refused(self.runbook, var, &Origin::Default, refusal, shown);
                self.faults.push(fault.at(&self.runbook.source, default.span, "this default"));
                State::Faulty
            }
        }
    }

    fn fault(&mut self, var: &Var, default: &Field, message: &str, help: &[&str]) {
        let mut fault = Diagnostic::error(Code::DefaultFault, message).at(&self.runbook.source, default.span, "").at(
            &self.runbook.source,
            var.name_span,
            "declared here",
        );
        for help in help {
            fault = fault.help(*help);
        }
        self.faults.push(fault);
    }

    /// Reports a cycle once, and settles everything in it.
    fn cycle(&mut self, start: usize, var: &Var, default: &Field) {
        let members: Vec<&'r str> = self.waiting.get(start..).unwrap_or_default().to_vec();
        let mut chain: Vec<String> = members.iter().map(|name| format!("`{name}`")).collect();
        chain.extend(chain.first().cloned());
        self.faults.push(
            Diagnostic::error(Code::DefaultCycle, format!("the defaults of {} wait for one another", chain.join(" → ")))
                .at(&self.runbook.source, default.span, format!("the default of `{}`", var.name))
                .help("give one of them a default of its own, or none"),
        );
        for member in members {
            self.states.insert(member, State::Faulty);
        }
    }
}

/// Defaults of defaults of defaults: nobody writes more, and each takes room on the stack.
const MAX_CHAIN: usize = 100;
