//! Templates in string values, and bare expressions.
//!
//! A template is parsed when the runbook is read and rendered when its step is prepared. Rendering yields segments, never one flat string: what is
//! text, what is a value, of which type, from where, and whether it is secret.

use crate::source::Span;

/// A name that a template uses, such as `vars.image` or `steps.dump.manifest`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ref {
    /// Its segments: `["steps", "dump", "manifest"]`.
    pub path: Vec<String>,
    /// Where it stands, in bytes of the decoded string.
    pub span: Span,
    /// Whether a missing value is provided for (`default`, `coalesce`).
    pub guarded: bool,
}

/// A fault of a template or expression, by its place in the decoded string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateFault {
    /// Where, in bytes of the decoded string.
    pub span: Span,
    /// The diagnostic's code.
    pub code: crate::diagnostic::Code,
    /// A fragment in lower case.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

/// A string value with templates in it, parsed.
#[derive(Debug)]
pub struct Template {}

/// A bare expression (`when`, `expect`, `outputs`, …), parsed.
#[derive(Debug)]
pub struct Expr {}
