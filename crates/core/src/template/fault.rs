//! What can be wrong with a template: when it is read, and when it is rendered.

use crate::diagnostic::Code;
use crate::source::Span;

/// A fault of a template or expression, by its place in the decoded string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateFault {
    /// Where, in bytes of the decoded string.
    pub span: Span,
    /// The diagnostic's code.
    pub code: Code,
    /// A fragment in lower case.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl TemplateFault {
    /// A fault without advice.
    pub fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self { span, code, message: message.into(), help: None }
    }

    /// With what to write instead.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Why a template could not be rendered or an expression not be evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenderFaultKind {
    /// A name has no value.
    Missing,
    /// A value is there and does not fit: its type, its range, its form.
    Unfit,
}

/// A template that could not be rendered. Its message never holds the value of a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RenderFault {
    /// Why.
    pub kind: RenderFaultKind,
    /// Where, in bytes of the decoded string.
    pub span: Span,
    /// A fragment in lower case, names in back-quotes.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl RenderFault {
    pub(crate) fn missing(span: Span, message: impl Into<String>) -> Self {
        Self { kind: RenderFaultKind::Missing, span, message: message.into(), help: None }
    }

    pub(crate) fn unfit(span: Span, message: impl Into<String>) -> Self {
        Self { kind: RenderFaultKind::Unfit, span, message: message.into(), help: None }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}
