//! A string value with templates in it.

use super::ast::{Node, Ref};
use super::eval::Evaluation;
use super::fault::{RenderFault, TemplateFault};
use super::kind::TextKind;
use super::parse;
use super::render::{Content, Rendered, Segment};
use crate::scope::Scope;

/// A string value with templates in it, parsed.
#[derive(Clone, Debug)]
pub struct Template {
    source: String,
    kind: TextKind,
    nodes: Vec<Node>,
    refs: Vec<Ref>,
}

impl Template {
    /// Parses a text. A text without `{{`, or of a kind that takes no templates, stands for itself.
    ///
    /// # Errors
    ///
    /// All faults: syntax, unknown helpers and their arguments, refused tags, places in a shell or SQL text that are not proven safe.
    pub fn parse(text: &str, kind: TextKind) -> Result<Self, Vec<TemplateFault>> {
        if kind == TextKind::Verbatim {
            let nodes = if text.is_empty() { Vec::new() } else { vec![Node::Text(text.to_owned())] };
            return Ok(Self { source: text.to_owned(), kind, nodes, refs: Vec::new() });
        }
        let (nodes, refs) = parse::template(text)?;
        Ok(Self { source: text.to_owned(), kind, nodes, refs })
    }

    /// The text as the author wrote it.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What kind of text it is.
    pub const fn kind(&self) -> TextKind {
        self.kind
    }

    /// The names of the scope that it uses, in the order of the text.
    pub fn refs(&self) -> &[Ref] {
        &self.refs
    }

    /// Whether it is nothing but one `{{…}}`: then its value keeps its type.
    pub fn is_single(&self) -> bool {
        matches!(self.nodes.as_slice(), [Node::Value { .. }])
    }

    /// Renders it.
    ///
    /// # Errors
    ///
    /// The first name without a value, or value that does not fit.
    pub fn render(&self, scope: &Scope) -> Result<Rendered, RenderFault> {
        let mut evaluation = Evaluation::new(scope);
        if let [Node::Value { ex, origin, .. }] = self.nodes.as_slice() {
            let value = evaluation.value(ex)?;
            let segment = Segment { secret: value.secret, content: Content::Value(value.value.into_owned()), origin: origin.clone() };
            return Ok(Rendered { segments: vec![segment] });
        }
        let mut segments = Vec::with_capacity(self.nodes.len());
        evaluation.nodes(&self.nodes, &mut segments)?;
        Ok(Rendered { segments })
    }
}
