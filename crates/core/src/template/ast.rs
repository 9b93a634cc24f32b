//! A template as it is evaluated: every name resolved to what it is relative to.

use std::fmt;

use serde_json::Value;

use super::form::Form;
use super::helpers::HelperSpec;
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

/// Prints `steps.dump.manifest`.
impl fmt::Display for Ref {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&dotted(&self.path))
    }
}

/// `a.b.c`; a segment that is no plain name is written as Handlebars wants it, `[a b]`.
pub(crate) fn dotted(path: &[String]) -> String {
    let mut text = String::new();
    for segment in path {
        if !text.is_empty() {
            text.push('.');
        }
        if !segment.is_empty() && segment.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
            text.push_str(segment);
        } else {
            text.push('[');
            text.push_str(segment);
            text.push(']');
        }
    }
    text
}

/// A piece of a template.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    /// The author's own text, escapes and white-space control applied.
    Text(String),
    /// `{{…}}`.
    Value {
        /// What is written there.
        ex: Ex,
        /// The whole tag.
        span: Span,
        /// The expression's text: what a reader is shown in place of a secret.
        origin: String,
        /// How it is to be written.
        form: Form,
        /// Why it is to be written unescaped.
        reason: Option<String>,
    },
    /// `{{#if}}` and `{{#unless}}`.
    If {
        /// Must give a boolean.
        condition: Ex,
        /// For `unless`.
        negate: bool,
        /// Where it holds.
        then: Vec<Node>,
        /// Where it does not.
        otherwise: Vec<Node>,
    },
    /// `{{#each}}`: over a list or a map.
    Each {
        /// What is walked over.
        over: Ex,
        /// For each.
        body: Vec<Node>,
        /// When there is nothing.
        otherwise: Vec<Node>,
    },
    /// `{{#with}}`: a shorter way to say names.
    With {
        /// What the names inside are relative to.
        over: Ex,
        /// Inside.
        body: Vec<Node>,
        /// When it is null.
        otherwise: Vec<Node>,
    },
}

/// An expression.
#[derive(Clone, Debug)]
pub(crate) struct Ex {
    /// Where it stands, in bytes of the decoded string.
    pub(crate) span: Span,
    /// What it is.
    pub(crate) kind: ExKind,
}

#[derive(Clone, Debug)]
pub(crate) enum ExKind {
    /// Written out.
    Literal(Value),
    /// A name in the runbook's scope.
    Root(Vec<String>),
    /// A name relative to what a surrounding `#each` or `#with` stands at.
    Local {
        /// How many of them outwards; 0 is the innermost.
        up: usize,
        /// What of it.
        what: Local,
        /// The rest of the path.
        path: Vec<String>,
    },
    /// A helper with its arguments.
    Call {
        /// Which.
        helper: &'static HelperSpec,
        /// In order.
        args: Vec<Ex>,
    },
}

/// What a surrounding `#each` or `#with` offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Local {
    /// The element itself.
    This,
    /// `@index`.
    Index,
    /// `@key`.
    Key,
    /// `@first`.
    First,
    /// `@last`.
    Last,
    /// The second block parameter: the index in a list, the key in a map.
    Position,
}
