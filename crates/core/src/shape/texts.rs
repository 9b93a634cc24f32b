//! Texts: literals, templates, expressions, names of targets.

use serde_json::Value;

use super::model::{Shape, Text, quoted};
use super::walk::{At, TemplatePlace, Walker, Wants};
use crate::diagnostic::{Code, Diagnostic};
use crate::document::{NodeKind, place_in_string};
use crate::pattern::Pattern;
use crate::runbook::{Field, FieldKind};
use crate::source::Span;
use crate::suggest::nearest;
use crate::template::{Expr, TemplateFault, TextKind, needs_template};

impl Walker<'_> {
    /// A text in a place that may want something else.
    pub(super) fn text(&mut self, shape: &Shape, text: String, span: Span, at: At<'_>) -> Option<Field> {
        match &shape.text {
            Text::Target(kind) => self.target(kind, &text, span),
            Text::Expr => {
                let expr = self.expr(&text, span)?;
                Some(Field { span, kind: FieldKind::Expr(expr) })
            }
            // These are given to the action in pieces, whether there is a template in them or not.
            Text::Template(kind @ (TextKind::Shell | TextKind::Sql)) => self.template(shape, &text, *kind, span, at),
            Text::Template(TextKind::Verbatim) => self.literal_text(shape, text, span, at),
            Text::Template(kind) if needs_template(&text) => self.template(shape, &text, *kind, span, at),
            Text::Literal
                if needs_template(&text) && (shape.accepts.text.is_some() || shape.accepts.number.is_some() || shape.accepts.bool) =>
            {
                self.faults.push(
                    Diagnostic::error(Code::TemplateNotAllowed, format!("`{}` cannot be a template", at.name))
                        .at(self.source, span, format!("expected {}", shape.expectation()))
                        .help("it is needed before anything is evaluated: write the value itself"),
                );
                None
            }
            Text::Template(_) | Text::Literal => self.literal_text(shape, text, span, at),
        }
    }

    fn literal_text(&mut self, shape: &Shape, text: String, span: Span, at: At<'_>) -> Option<Field> {
        match &shape.accepts.text {
            None if shape.accepts.anything => {}
            None => return self.wrong_type(shape, &NodeKind::Str(text), span, at),
            Some(rule) if rule.accepts(&text) => {}
            Some(rule) if rule.is_regex => {
                let why = Pattern::anywhere(&text).err().unwrap_or_default();
                self.faults.push(Diagnostic::error(Code::BadPattern, format!("`{}` is no regular expression", at.name)).at(
                    self.source,
                    span,
                    why,
                ));
                return None;
            }
            Some(rule) => {
                let mut fault = Diagnostic::error(Code::BadValue, format!("bad value for `{}`", at.name)).at(
                    self.source,
                    span,
                    format!("expected {}", shape.expectation()),
                );
                if let Some(near) = nearest(&text, rule.one_of.iter().map(String::as_str)) {
                    fault = fault.help(format!("did you mean `{near}`?"));
                }
                self.faults.push(fault);
                return None;
            }
        }
        Some(Field { span, kind: FieldKind::Literal(Value::String(text)) })
    }

    fn template(&mut self, shape: &Shape, text: &str, kind: TextKind, span: Span, at: At<'_>) -> Option<Field> {
        let template = match self.cache.template(text, kind) {
            Ok(template) => template,
            Err(faults) => {
                self.template_faults(span, faults);
                return None;
            }
        };
        let accepts = &shape.accepts;
        let takes_others =
            accepts.number.is_some() || accepts.bool || accepts.list.is_some() || !accepts.tables.is_empty() || accepts.anything;
        let only_text = accepts.text.is_some() && !takes_others;
        let one_name = template.is_single() && template.refs().len() == 1 && is_name(text);
        let wants = (one_name && !only_text && !accepts.anything).then(|| Wants {
            expected: shape.expectation(),
            text: accepts.text.is_some(),
            number: accepts.number.is_some(),
            bool: accepts.bool,
            list: accepts.list.is_some(),
            table: !accepts.tables.is_empty(),
        });
        if shape.refuses_secrets || wants.is_some() {
            self.places.push(TemplatePlace {
                span,
                name: at.name.to_owned(),
                refs: template.refs().to_vec(),
                refuses_secrets: shape.refuses_secrets,
                wants,
            });
        }
        if accepts.text.is_none() && !accepts.anything && !template.is_single() {
            self.faults.push(
                Diagnostic::error(Code::WrongType, format!("wrong type for `{}`", at.name))
                    .at(self.source, span, format!("expected {}, found a text with a template in it", shape.expectation()))
                    .help("a template keeps its type only where it is the whole text: `\"{{vars.NAME}}\"`"),
            );
            return None;
        }
        let in_pieces = matches!(kind, TextKind::Shell | TextKind::Sql);
        let field = if only_text && !in_pieces { FieldKind::Text(template) } else { FieldKind::Template(template) };
        Some(Field { span, kind: field })
    }

    /// Parses a bare expression.
    pub(super) fn expr(&mut self, text: &str, span: Span) -> Option<Expr> {
        let unbraced = text.trim().strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
        if let Some(inner) = unbraced {
            self.faults.push(
                Diagnostic::error(Code::TemplateNotAllowed, "an expression stands without braces")
                    .at(self.source, span, "a template is not expected here")
                    .help(format!("write `{}`", inner.trim())),
            );
            return None;
        }
        match self.cache.expr(text) {
            Ok(expr) => Some(expr),
            Err(faults) => {
                self.template_faults(span, faults);
                None
            }
        }
    }

    fn template_faults(&mut self, span: Span, faults: Vec<TemplateFault>) {
        for fault in faults {
            let place = place_in_string(self.source, span, fault.span);
            let mut diagnostic = Diagnostic::error(fault.code, fault.message).at(self.source, place, "");
            if let Some(help) = fault.help {
                diagnostic = diagnostic.help(help);
            }
            self.faults.push(diagnostic);
        }
    }

    fn target(&mut self, kind: &str, name: &str, span: Span) -> Option<Field> {
        if self.broken_targets.iter().any(|broken| broken == name) {
            return None;
        }
        let Some(index) = self.targets.iter().position(|(known, _)| known == name) else {
            let mut fault =
                Diagnostic::error(Code::UnknownTarget, format!("there is no target `{name}`")).at(self.source, span, "not declared");
            let fitting: Vec<&str> = self.targets.iter().filter(|(_, k)| *k == kind).map(|(name, _)| name.as_str()).collect();
            fault = match (nearest(name, fitting.iter().copied()), &fitting[..]) {
                (Some(near), _) => fault.help(format!("did you mean `{near}`?")),
                (None, []) if needs_template(name) => fault.help("the name of a target is written out; its settings may be templates"),
                (None, []) => fault.help(format!("declare it: `[target.{name}]` with `{kind} = {{ … }}`")),
                (None, [only]) => fault.help(format!("the only `{kind}` target is `{only}`")),
                (None, several) => fault.help(format!("the `{kind}` targets are {}", quoted(several))),
            };
            self.faults.push(fault);
            return None;
        };
        let found = self.targets.get(index).map_or("", |(_, kind)| kind);
        if found != kind {
            self.faults.push(Diagnostic::error(Code::WrongTargetKind, format!("the target `{name}` is of another kind")).at(
                self.source,
                span,
                format!("expected a `{kind}` target, found a `{found}` target"),
            ));
            return None;
        }
        Some(Field { span, kind: FieldKind::Target(index) })
    }
}

/// Whether a text is `{{` and a name and `}}`.
fn is_name(text: &str) -> bool {
    let inner = text.trim().trim_start_matches("{{").trim_end_matches("}}").trim().trim_matches('~').trim();
    !inner.is_empty() && inner.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@'))
}
