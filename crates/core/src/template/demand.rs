//! What the places of a template or an expression want of their values, and what an expression is certain to give: to be read before anything is
//! evaluated.

use serde_json::Value;

use super::ast::{Ex, ExKind, Node};
use super::form::Form;
use super::helpers::{Run, Special};
use crate::source::Span;

/// A place that wants something of its value.
pub(crate) struct Demand<'a> {
    /// What it wants.
    pub(crate) wants: Wants,
    /// What it gets, as far as that is certain.
    pub(crate) gives: Gives<'a>,
    /// Where its expression stands, in bytes of the decoded string.
    pub(crate) span: Span,
}

/// What a place wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wants {
    /// True or false.
    Condition,
    /// A list or a map.
    Elements,
    /// What can be written into the text around it.
    Scalar,
}

/// What an expression is certain to give.
pub(crate) enum Gives<'a> {
    /// A value of the type of this one.
    Like(Value),
    /// What this name of the scope stands for.
    Name(&'a [String]),
    /// That turns out when it is evaluated.
    Unknown,
}

/// Tells all demands of a text; `around` says whether a value in it has a text around it, into which no list can be written.
pub(super) fn of_nodes<'a>(nodes: &'a [Node], around: bool, tell: &mut dyn FnMut(Demand<'a>)) {
    for node in nodes {
        match node {
            Node::Text(_) => {}
            Node::Value { ex, form, .. } => {
                of_expression(ex, tell);
                if around && matches!(form, Form::Plain | Form::AllowEmpty) {
                    tell(Demand::new(Wants::Scalar, ex));
                }
            }
            Node::If { condition, then, otherwise, .. } => {
                of_condition(condition, tell);
                of_nodes(then, around, tell);
                of_nodes(otherwise, around, tell);
            }
            Node::Each { over, body, otherwise } => {
                of_elements(over, tell);
                of_nodes(body, around, tell);
                of_nodes(otherwise, around, tell);
            }
            Node::With { over, body, otherwise } => {
                of_expression(over, tell);
                of_nodes(body, around, tell);
                of_nodes(otherwise, around, tell);
            }
        }
    }
}

/// Tells the demands of an expression that must be true or false.
pub(super) fn of_condition<'a>(ex: &'a Ex, tell: &mut dyn FnMut(Demand<'a>)) {
    tell(Demand::new(Wants::Condition, ex));
    of_expression(ex, tell);
}

/// Tells the demands of an expression that must give a list or a map.
pub(super) fn of_elements<'a>(ex: &'a Ex, tell: &mut dyn FnMut(Demand<'a>)) {
    tell(Demand::new(Wants::Elements, ex));
    of_expression(ex, tell);
}

/// Tells the demands inside an expression, whatever it gives.
pub(super) fn of_expression<'a>(ex: &'a Ex, tell: &mut dyn FnMut(Demand<'a>)) {
    let ExKind::Call { helper, args } = &ex.kind else { return };
    let conditions = match helper.run {
        Run::Lazy(Special::And | Special::Or) => args.len(),
        Run::Lazy(Special::Choose) => 1,
        Run::Eager(_) if helper.name == "not" => 1,
        Run::Lazy(Special::Default | Special::Coalesce | Special::IsNull) | Run::Eager(_) | Run::Form(_) => 0,
    };
    for (at, arg) in args.iter().enumerate() {
        if at < conditions {
            tell(Demand::new(Wants::Condition, arg));
        }
        of_expression(arg, tell);
    }
}

impl<'a> Demand<'a> {
    fn new(wants: Wants, ex: &'a Ex) -> Self {
        Self { wants, gives: gives(ex), span: ex.span }
    }
}

fn gives(ex: &Ex) -> Gives<'_> {
    match &ex.kind {
        ExKind::Literal(value) => Gives::Like(value.clone()),
        ExKind::Root(path) => Gives::Name(path),
        ExKind::Call { helper, .. } => helper.gives().map_or(Gives::Unknown, Gives::Like),
        ExKind::Local { .. } => Gives::Unknown,
    }
}
