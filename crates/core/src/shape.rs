//! What may stand where: compiled from the schema of a type, then held against a file's tree.
//!
//! The types are the truth (`schemars` gives their schema), so what the decoder takes and what the published schema says agree by construction. A
//! shape knows the subset of JSON Schema that our types produce, and the marks (`x-…`) that say what a text is. Walking a tree reports **all**
//! structural faults, each with its place and the nearest right name, and gives a [`Field`](crate::runbook::Field) tree in which templates are
//! parsed. A text with `{{` is accepted wherever a template may stand; what it gives is checked when it is rendered.

mod cache;
mod compile;
mod model;
mod scalar;
mod texts;
mod unknown;
mod walk;

pub(crate) use cache::Cache;
pub(crate) use compile::{Compiler, Dialect, text_of};
pub(crate) use model::{Others, Shape, TableRule, Text, quoted};
pub(crate) use unknown::STEP_KEYS;
pub(crate) use walk::{At, TemplatePlace, Walker};
