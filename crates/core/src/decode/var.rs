//! `[vars.NAME]`.

use super::draft::NameRef;
use super::keys::{Keys, literal};
use super::reader::Reader;
use crate::diagnostic::{Code, Diagnostic};
use crate::document::{Entry, Node};
use crate::format::VARIABLE;
use crate::pattern::Pattern;
use crate::runbook::{Field, FieldKind, Var, VarType};
use crate::shape::At;
use crate::source::Span;

/// The variables, and the names of those that are left out because of a fault.
#[derive(Default)]
pub(super) struct Vars {
    pub(super) whole: Vec<Var>,
    pub(super) broken: Vec<String>,
}

impl Reader<'_> {
    pub(super) fn var_decls(&mut self, node: Node) -> Vars {
        let mut vars = Vars::default();
        let Some((table, _)) = self.table(node, "vars") else { return vars };
        for entry in table.entries {
            let name = NameRef { name: entry.key.clone(), span: entry.key_span };
            self.check_name(&name);
            match self.var_decl(&name, entry) {
                Some(var) => vars.whole.push(var),
                None => vars.broken.push(name.name),
            }
        }
        vars
    }

    fn var_decl(&mut self, name: &NameRef, entry: Entry) -> Option<Var> {
        let (table, span) = self.table(entry.value, &name.name)?;
        let shape = self.format_shape(VARIABLE);
        let rule = shape.accepts.tables.first()?;
        let mut keys = Keys::of(self.walk_table(rule, table, span, At { name: &name.name, span: name.span }));
        let keys = &mut keys;
        let kind: VarType = keys.value("type")?;
        let pattern = keys.name("pattern").and_then(|pattern| self.pattern(&pattern));
        let default = keys.take("default");
        let example = keys.take("example");
        let choices_span = keys.span("choices");
        let (min_span, max_span) = (keys.span("min"), keys.span("max"));
        let var = Var {
            name: name.name.clone(),
            name_span: name.span,
            kind,
            default: None,
            pattern,
            choices: keys.value("choices").unwrap_or_default(),
            min: keys.value("min"),
            max: keys.value("max"),
            description: keys.text("description"),
            example: example.as_ref().and_then(literal),
            secret: keys.value("secret").unwrap_or_default(),
            allow_empty: keys.value("allow_empty").unwrap_or_default(),
        };
        self.rules_fit(&var, choices_span, min_span.or(max_span));
        if let Some(example) = &example {
            self.value_fits(&var, example, "example");
        }
        if let Some(default) = &default {
            self.value_fits(&var, default, "default");
        }
        Some(Var { default, ..var })
    }

    /// The whole value must match.
    fn pattern(&mut self, pattern: &NameRef) -> Option<Pattern> {
        match Pattern::whole(&pattern.name) {
            Ok(compiled) => Some(compiled),
            Err(why) => {
                self.faults.push(Diagnostic::error(Code::BadPattern, "`pattern` is no regular expression").at(
                    self.source,
                    pattern.span,
                    why,
                ));
                None
            }
        }
    }

    /// Keys that mean nothing for the type.
    fn rules_fit(&mut self, var: &Var, choices: Option<Span>, bounds: Option<Span>) {
        let mut misfit = |span: Span, message: String, help: &str| {
            self.faults.push(Diagnostic::error(Code::VarRules, message).at(self.source, span, "").help(help));
        };
        match (var.kind, choices) {
            (VarType::Enum, None) => {
                misfit(var.name_span, format!("the enum `{}` has no `choices`", var.name), "add `choices = [\"…\", \"…\"]`");
            }
            (VarType::Enum, Some(_)) | (_, None) => {}
            (_, Some(span)) => misfit(span, format!("`{}` has `choices` and is no enum", var.name), "write `type = \"enum\"`"),
        }
        if let Some(span) = bounds {
            if var.kind != VarType::Int {
                misfit(span, format!("`{}` has bounds and is no whole number", var.name), "`min` and `max` are for `type = \"int\"`");
            } else if var.min.zip(var.max).is_some_and(|(min, max)| min > max) {
                misfit(span, format!("no value of `{}` can be right", var.name), "`min` must not be above `max`");
            }
        }
        let textual = matches!(var.kind, VarType::String | VarType::Path | VarType::Enum);
        if var.pattern.is_some() && !textual {
            misfit(var.name_span, format!("`{}` has a `pattern` and is no text", var.name), "`pattern` is for `string`, `path` and `enum`");
        }
    }

    /// A default or an example must be what a person may give.
    fn value_fits(&mut self, var: &Var, field: &Field, key: &str) {
        if matches!(field.kind, FieldKind::Template(_) | FieldKind::Text(_)) {
            return;
        }
        let Some(value) = literal(field) else { return };
        if let Err(expected) = var.accepts(&value) {
            self.faults.push(Diagnostic::error(Code::VarValue, format!("the {key} of `{}` would not be accepted", var.name)).at(
                self.source,
                field.span,
                format!("expected {expected}"),
            ));
        }
    }
}
