//! A string value with templates in it.

use std::sync::Arc;

use super::ast::{Node, Ref};
use super::demand::{self, Demand};
use super::eval::Evaluation;
use super::fault::{RenderFault, TemplateFault};
use super::form::Form;
use super::kind::TextKind;
use super::parse;
use super::places::{self, Places, Placing};
use super::render::{Content, Rendered, Segment};
use crate::scope::Scope;

/// A string value with templates in it, parsed. Cheap to clone: equal texts of a runbook share one.
#[derive(Clone, Debug)]
pub struct Template(Arc<Parsed>);

#[derive(Debug)]
struct Parsed {
    source: String,
    kind: TextKind,
    nodes: Vec<Node>,
    refs: Vec<Ref>,
    places: Places,
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
            return Ok(Self(Arc::new(Parsed { source: text.to_owned(), kind, nodes, refs: Vec::new(), places: Places::Text })));
        }
        let (nodes, refs) = parse::template(text)?;
        let places = places::find(&nodes, kind)?;
        Ok(Self(Arc::new(Parsed { source: text.to_owned(), kind, nodes, refs, places })))
    }

    /// The text as the author wrote it.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// What kind of text it is.
    pub fn kind(&self) -> TextKind {
        self.0.kind
    }

    /// The names of the scope that it uses, in the order of the text.
    pub fn refs(&self) -> &[Ref] {
        &self.0.refs
    }

    /// Tells what wants a type in it.
    pub(crate) fn demands<'a>(&'a self, tell: &mut dyn FnMut(Demand<'a>)) {
        let around = match self.0.places {
            Places::Text => !self.is_single(),
            Places::Shell { .. } | Places::Url(_) => true,
            // A list has a form there.
            Places::Sql(_) => false,
        };
        demand::of_nodes(&self.0.nodes, around, tell);
    }

    /// Where its values stand, in a text that another program interprets.
    pub fn places(&self) -> &Places {
        &self.0.places
    }

    /// Where each value stands and what follows from that; empty for a text that nobody interprets.
    pub fn placings(&self) -> Vec<Placing> {
        let contexts: Vec<String> = match &self.0.places {
            Places::Text => return Vec::new(),
            Places::Shell { places, .. } => places.iter().map(ToString::to_string).collect(),
            Places::Sql(places) => places.iter().map(|place| place.describe().to_owned()).collect(),
            Places::Url(places) => places.iter().map(|place| place.describe().to_owned()).collect(),
        };
        let values = self.0.nodes.iter().filter_map(|node| match node {
            Node::Value { span, origin, form, reason, .. } => Some((span, origin, form, reason)),
            Node::Text(_) | Node::If { .. } | Node::Each { .. } | Node::With { .. } => None,
        });
        values
            .zip(contexts)
            .map(|((span, origin, form, reason), context)| Placing {
                origin: origin.clone(),
                span: *span,
                context,
                form: *form,
                reason: reason.clone(),
            })
            .collect()
    }

    /// The pieces of text around its values, one more than there are values, and how each value was written; for a text without blocks.
    pub(crate) fn pieces(&self) -> (Vec<&str>, Vec<Form>) {
        let pieces = places::pieces(&self.0.nodes);
        (pieces.texts, pieces.forms)
    }

    /// The script with the variables in it, as a shell reads it; none for a text of another kind, or one into which a value goes unescaped.
    pub fn script(&self) -> Option<String> {
        let Places::Shell { places, .. } = &self.0.places else { return None };
        let (texts, forms) = self.pieces();
        if forms.contains(&Form::Raw) {
            return None;
        }
        let mut texts = texts.into_iter();
        let mut script = texts.next().unwrap_or_default().to_owned();
        for (at, (place, text)) in places.iter().zip(texts).enumerate() {
            script.push_str(&place.expansion(&format!("RUNBOOK_P{}", at + 1)));
            script.push_str(text);
        }
        Some(script)
    }

    /// Whether it is nothing but one `{{…}}`: then its value keeps its type.
    pub fn is_single(&self) -> bool {
        matches!(self.0.nodes.as_slice(), [Node::Value { .. }])
    }

    /// Renders it.
    ///
    /// # Errors
    ///
    /// The first name without a value, or value that does not fit.
    pub fn render(&self, scope: &Scope) -> Result<Rendered, RenderFault> {
        let mut evaluation = Evaluation::new(scope);
        let single = match (self.0.nodes.as_slice(), &self.0.places) {
            ([Node::Value { ex, origin, .. }], Places::Text) => Some((ex, origin)),
            _ => None,
        };
        if let Some((ex, origin)) = single {
            let found = evaluation.value(ex)?;
            return Ok(Rendered {
                segments: vec![Segment { content: Content::Value(found.value.into_owned()), secret: found.secret, origin: origin.clone() }],
            });
        }
        let mut segments = Vec::with_capacity(self.0.nodes.len());
        evaluation.nodes(&self.0.nodes, matches!(self.0.places, Places::Sql(_)), &mut segments)?;
        Ok(Rendered { segments })
    }
}
