//! For people: the message, the lines in question with carets, and what to do.

use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::super::{Diagnostic, Diagnostics, Label, Severity};
use super::visible;
use crate::source::{Source, Span};

/// How the text is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Columns of the terminal.
    pub width: usize,
    /// Whether to colour.
    pub color: bool,
}

impl Default for Style {
    /// Plain, for files and pipes.
    fn default() -> Self {
        Self { width: 140, color: false }
    }
}

/// Lines further apart than this are shown as two pieces.
const NEAR: usize = 4;

/// A place that spans more lines than this is marked by its first line only.
const MOST_LINES: usize = 3;

/// All diagnostics, a blank line between them and one at the end of each; without a summary.
pub fn human(diagnostics: &Diagnostics, style: Style) -> String {
    let renderer = if style.color { Renderer::styled() } else { Renderer::plain() }.term_width(style.width);
    let mut text = String::new();
    for diagnostic in diagnostics {
        text.push_str(&one(diagnostic, &renderer));
        text.push_str("\n\n");
    }
    text
}

fn one(diagnostic: &Diagnostic, renderer: &Renderer) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(visible(&diagnostic.message)).id(diagnostic.code.as_str()));
    for piece in pieces(&diagnostic.labels) {
        group = group.element(piece.snippet());
    }
    for help in &diagnostic.help {
        group = group.element(Level::HELP.message(visible(help)));
    }
    renderer.render(&[group])
}

/// Some lines of one source that are shown together.
struct Piece<'a> {
    source: &'a Arc<Source>,
    first: usize,
    last: usize,
    labels: Vec<(AnnotationKind, Span, &'a str)>,
}

/// The piece with the primary label comes first.
fn pieces(labels: &[Label]) -> Vec<Piece<'_>> {
    let mut pieces: Vec<Piece<'_>> = Vec::new();
    for (at, label) in labels.iter().enumerate() {
        let kind = if at == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
        let span = short(&label.source, label.span);
        let (first, last) = (label.source.position(span.start).line, label.source.position(span.end).line);
        let near = pieces.iter_mut().find(|p| Arc::ptr_eq(p.source, &label.source) && first <= p.last + NEAR && p.first <= last + NEAR);
        if let Some(piece) = near {
            piece.first = piece.first.min(first);
            piece.last = piece.last.max(last);
            piece.labels.push((kind, span, &label.text));
        } else {
            pieces.push(Piece { source: &label.source, first, last, labels: vec![(kind, span, &label.text)] });
        }
    }
    pieces
}

/// Cut to the first line where it spans many.
fn short(source: &Source, span: Span) -> Span {
    let start = source.position(span.start).line;
    let end = source.position(span.end.max(span.start)).line;
    if end - start < MOST_LINES { span } else { Span::new(span.start, source.line(start).end.max(span.start)) }
}

impl<'a> Piece<'a> {
    /// Only the lines around the labels are handed over: the renderer's work grows with the text it gets.
    fn snippet(self) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
        let lines = Span::new(self.source.line(self.first).start, self.source.line(self.last).end);
        let text = self.source.slice(lines);
        let inside = |at: usize| {
            let mut at = at.saturating_sub(lines.start).min(text.len());
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let annotations = self.labels.into_iter().map(|(kind, span, label)| {
            let start = inside(span.start);
            let annotation = kind.span(start..inside(span.end).max(start));
            if label.is_empty() { annotation } else { annotation.label(visible(label)) }
        });
        Snippet::source(text).line_start(self.first).path(visible(self.source.name())).annotations(annotations)
    }
}
