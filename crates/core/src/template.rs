//! Templates in string values, and bare expressions.
//!
//! A template is parsed when the runbook is read and rendered when its step is prepared. Rendering yields segments, never one flat string: what is
//! text, what is a value, of which type, from where, and whether it is secret.
//!
//! The language is Handlebars, and the `handlebars` crate's grammar decides what is well-formed and how white space around tags is treated. Its
//! renderer is not used: it writes one flat string, wants the whole scope as one JSON document for each call, lets `{{#if missing}}` pass and
//! compares numbers with text. Evaluation is [`eval`]'s, over a tree of our own in which every reference knows its place and what it is relative to.
//!
//! What differs from plain Handlebars, always towards strictness:
//!
//! - a missing name is an error, in conditions too; `default` and `coalesce` are the ways around it;
//! - conditions are real booleans; a list, a map or null in text is an error; nothing is HTML-escaped;
//! - `{{{…}}}`, `{{&…}}`, partials, decorators and raw blocks are refused;
//! - inside `#each` and `#with` a name of the runbook's own (`vars`, `steps`, …) must be written `@root.vars…` or `../vars…`.

mod ast;
mod demand;
mod eval;
mod expr;
mod fault;
mod form;
mod kind;
mod lower;
mod parse;
mod places;
mod quick;
mod render;
mod scan;
#[cfg(test)]
mod tests;
mod text;

pub mod helpers;

pub use ast::Ref;
pub(crate) use demand::{Demand, Gives, Wants};
pub use expr::{Evaluated, Expr, Tested};
pub use fault::{RenderFault, RenderFaultKind, TemplateFault};
pub use form::Form;
pub use kind::{TextKind, needs_template};
pub use places::{Places, Placing};
pub(crate) use places::{shell_form, sql_form};
pub(crate) use render::leaves;
pub use render::{Content, Rendered, Segment};
pub use text::Template;
