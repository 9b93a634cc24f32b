//! What is wrong with a text that a person wrote: collected, never thrown.

use std::sync::Arc;

use crate::source::{Source, Span};

pub use code::Code;

mod code;
pub mod render;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Runs, but something is likely not meant so.
    Warning,
    /// Does not run.
    Error,
}

/// A place in a source with a short remark.
#[derive(Clone, Debug)]
pub struct Label {
    /// The text it points into.
    pub source: Arc<Source>,
    /// Where.
    pub span: Span,
    /// A fragment in lower case, such as "expected a duration like `30s`"; may be empty.
    pub text: String,
}

/// One fault: a code with a page of its own, a message, the places, and what to write instead.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// The stable code.
    pub code: Code,
    /// Error or warning.
    pub severity: Severity,
    /// A fragment in lower case, names in back-quotes, no full stop.
    pub message: String,
    /// The first is the primary one.
    pub labels: Vec<Label>,
    /// Each what to do, ready to be printed behind `help:`.
    pub help: Vec<String>,
}

impl Diagnostic {
    /// An error with a code and a message.
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self { code, severity: Severity::Error, message: message.into(), labels: Vec::new(), help: Vec::new() }
    }

    /// A warning with a code and a message.
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// Adds a place; the first that is added is the primary one.
    #[must_use]
    pub fn at(mut self, source: &Arc<Source>, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { source: Arc::clone(source), span, text: text.into() });
        self
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }
}

/// Faults in the order in which they were found.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Adds all of another collection.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Adds those of another collection whose primary place is one that `keep` takes.
    pub(crate) fn extend_where(&mut self, other: Self, keep: impl Fn(Span) -> bool) {
        self.0.extend(other.0.into_iter().filter(|fault| fault.labels.first().is_none_or(|label| keep(label.span))));
    }

    /// Whether anything here keeps the runbook from running.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|d| d.severity == Severity::Error)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    /// By file, then by place; the order in which people read.
    pub fn sort(&mut self) {
        self.0.sort_by(|a, b| {
            let key = |d: &Diagnostic| d.labels.first().map(|l| (l.source.name().to_owned(), l.span));
            key(a).cmp(&key(b))
        });
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}
