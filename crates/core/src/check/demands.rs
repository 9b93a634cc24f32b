//! Conditions are true or false, and loops go over lists: told where the type of what stands there is known, in the words of a run.

use super::references::Checker;
use super::scope::{Known, Site};
use super::types::known;
use crate::diagnostic::{Code, Diagnostic};
use crate::document::place_in_string;
use crate::source::Span;
use crate::template::{Demand, Expr, Gives, Template, Wants};

impl<'a> Checker<'a> {
    /// An expression; `whole` is what is wanted of what it gives.
    pub(super) fn demands_of_expr(&mut self, expr: &Expr, span: Span, whole: Option<Wants>, site: Site<'a>) {
        expr.demands(whole, &mut |demand| self.meet(&demand, expr.source(), span, site));
    }

    /// A text with templates.
    pub(super) fn demands_of_template(&mut self, template: &Template, span: Span, site: Site<'a>) {
        template.demands(&mut |demand| self.meet(&demand, template.source(), span, site));
    }

    /// Reports what a place gets that it does not take; `text` is the decoded string, `span` its place.
    fn meet(&mut self, demand: &Demand<'_>, text: &str, span: Span, site: Site<'a>) {
        let found = match &demand.gives {
            Gives::Like(value) => Some(Known::of_value(value)),
            Gives::Name(path) => known(self, path, site),
            Gives::Unknown => None,
        };
        let Some(found) = found else { return };
        let fits = match (demand.wants, found) {
            (_, Known::Any) => true,
            (Wants::Condition, found) => found == Known::Bool,
            (Wants::Elements, found) => matches!(found, Known::List | Known::Map),
            (Wants::Scalar, found) => !matches!(found, Known::List | Known::Map),
        };
        if fits {
            return;
        }
        let written = text.get(demand.span.range()).unwrap_or_default().trim();
        let argument = if written.contains(' ') { format!("({written})") } else { written.to_owned() };
        let (message, help) = match demand.wants {
            Wants::Condition => (
                format!("a condition must be true or false, and this is {}", found.name()),
                match (&demand.gives, found) {
                    (Gives::Like(_), _) if !written.contains(' ') => "compare a name with it: `eq NAME VALUE`".to_owned(),
                    (_, Known::Number) => format!("compare it with something: `eq {argument} 0`"),
                    (_, Known::List | Known::Map) => format!("ask whether something is in it: `not (is_empty {argument})`"),
                    (_, Known::Text | Known::Bool | Known::Any) => format!("compare it with something: `eq {argument} \"…\"`"),
                },
            ),
            Wants::Elements => (
                format!("a loop goes over a list or a map, and this is {}", found.name()),
                match found {
                    Known::Text => format!("make a list of it: `split {argument} \",\"`"),
                    _ => "write a list: `[\"a\", \"b\"]`".to_owned(),
                },
            ),
            Wants::Scalar => (
                format!("`{written}` is {}, which is no text", found.name()),
                match found {
                    Known::List => format!(
                        "write `{{{{join {argument} \",\"}}}}` or `{{{{json {argument}}}}}`; in a script, `{{{{words {argument}}}}}`"
                    ),
                    _ => format!("write `{{{{json {argument}}}}}`, or name one of its members"),
                },
            ),
        };
        let source = &self.draft.runbook.source;
        let fault = Diagnostic::error(Code::ValueType, message).at(source, place_in_string(source, span, demand.span), "");
        self.faults.push(fault.help(help));
    }
}
