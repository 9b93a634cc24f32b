//! Bare expressions: `when`, `expect`, `outputs`, …

use std::sync::Arc;

use serde_json::Value;

use super::ast::{Ex, Ref};
use super::demand::{self, Demand, Wants};
use super::eval::{Evaluation, kind_of};
use super::fault::{RenderFault, TemplateFault};
use super::parse;
use crate::scope::{Lookup, Scope};

/// A bare expression (`when`, `expect`, `outputs`, …), parsed. Cheap to clone: equal texts of a runbook share one.
#[derive(Clone, Debug)]
pub struct Expr(Arc<Parsed>);

#[derive(Debug)]
struct Parsed {
    source: String,
    ex: Ex,
    refs: Vec<Ref>,
}

/// What an expression gave.
#[derive(Clone, PartialEq)]
pub struct Evaluated {
    /// The value, with its type.
    pub value: Value,
    /// Whether anything that it was made from is secret.
    pub secret: bool,
}

/// What a condition gave.
#[derive(Clone, PartialEq)]
pub struct Tested {
    /// Whether it holds.
    pub holds: bool,
    /// The values of the names in it, for the message; a secret one is replaced by its name.
    pub actuals: Vec<(String, Value)>,
}

impl Expr {
    /// Parses an expression.
    ///
    /// # Errors
    ///
    /// All faults: syntax, unknown helpers and their arguments.
    pub fn parse(text: &str) -> Result<Self, Vec<TemplateFault>> {
        let (ex, refs) = parse::expression(text)?;
        Ok(Self(Arc::new(Parsed { source: text.to_owned(), ex, refs })))
    }

    /// The text as the author wrote it.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// The names of the scope that it uses, in the order of the text.
    pub fn refs(&self) -> &[Ref] {
        &self.0.refs
    }

    /// Tells what wants a type in it; `whole` is what is wanted of the expression itself.
    pub(crate) fn demands<'a>(&'a self, whole: Option<Wants>, tell: &mut dyn FnMut(Demand<'a>)) {
        let ex = &self.0.ex;
        match whole {
            Some(Wants::Condition) => demand::of_condition(ex, tell),
            Some(Wants::Elements) => demand::of_elements(ex, tell),
            Some(Wants::Scalar) | None => demand::of_expression(ex, tell),
        }
    }

    /// Evaluates it.
    ///
    /// # Errors
    ///
    /// The first name without a value, or value that does not fit.
    pub fn eval(&self, scope: &Scope) -> Result<Evaluated, RenderFault> {
        let value = Evaluation::new(scope).value(&self.0.ex)?;
        Ok(Evaluated { secret: value.secret, value: value.value.into_owned() })
    }

    /// Evaluates it as a condition.
    ///
    /// # Errors
    ///
    /// As [`eval`](Self::eval); also where it gives anything but a boolean.
    pub fn test(&self, scope: &Scope) -> Result<Tested, RenderFault> {
        let value = Evaluation::new(scope).value(&self.0.ex)?;
        let Value::Bool(holds) = *value.value else {
            return Err(RenderFault::unfit(
                self.0.ex.span,
                format!("a condition must be true or false, and this is {}", kind_of(&value.value)),
            )
            .help("compare it with something: `eq NAME VALUE`"));
        };
        let mut actuals: Vec<(String, Value)> = Vec::new();
        for name in &self.0.refs {
            let shown = name.to_string();
            if actuals.iter().any(|(known, _)| *known == shown) {
                continue;
            }
            if let Lookup::Found(found) = scope.lookup(&name.path) {
                let actual = if found.secret { Value::String(format!("‹{shown}›")) } else { found.value.into_owned() };
                actuals.push((shown, actual));
            }
        }
        Ok(Tested { holds, actuals })
    }
}

/// The value is not shown where it is secret.
impl std::fmt::Debug for Evaluated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = f.debug_struct("Evaluated");
        if self.secret {
            out.field("value", &"‹secret›")
        } else {
            out.field("value", &self.value)
        };
        out.field("secret", &self.secret).finish()
    }
}

impl std::fmt::Debug for Tested {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tested").field("holds", &self.holds).field("actuals", &self.actuals).finish()
    }
}
