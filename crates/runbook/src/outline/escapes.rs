//! Where values stand in scripts, SQL texts and URLs, and what each place makes of them: for reviewers.

use std::sync::Arc;

use runbook_core::document::place_in_string;
use runbook_core::plan::Plan;
use runbook_core::runbook::{ActionCall, Element, Fate, Field, FieldKind, Runbook};
use runbook_core::source::Source;
use runbook_core::template::Form;
use serde::{Deserialize, Serialize};

/// A value in a text that another program interprets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Escape {
    /// The check, step or verify.
    pub(crate) unit: String,
    /// The field, from the action's table on: `text`, `undo[0].text`.
    pub(crate) field: String,
    /// The called file in which it stands; none for the runbook itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
    /// The line of the file, from 1.
    pub(crate) line: usize,
    /// The expression.
    pub(crate) value: String,
    /// Where it stands, and what follows from that.
    pub(crate) context: String,
    /// Why it is not escaped, in the author's words; none where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) unescaped: Option<String>,
}

/// All of them where `all`, else those that are not escaped: nobody should have to ask for these.
pub(crate) fn escapes(runbook: &Runbook, plan: &Plan, all: bool) -> Vec<Escape> {
    let mut found = Finding { source: &runbook.source, file: None, unit: String::new(), found: Vec::new() };
    for (planned, unit) in plan.units().iter().zip(&runbook.units) {
        found.unit.clone_from(&planned.id);
        found.source = &runbook.at(unit.call).source;
        found.file = runbook.call(unit.call).map(|called| called.file.as_str());
        found.call(&unit.action, "");
        if let Fate::Undo(steps) = &unit.fate {
            for (at, step) in steps.iter().enumerate() {
                found.call(&step.action, &format!("undo[{at}]."));
            }
        }
    }
    found.found.retain(|escape| all || escape.unescaped.is_some());
    found.found
}

struct Finding<'a> {
    source: &'a Arc<Source>,
    file: Option<&'a str>,
    unit: String,
    found: Vec<Escape>,
}

impl Finding<'_> {
    fn call(&mut self, call: &ActionCall, prefix: &str) {
        self.field(&call.fields, prefix);
    }

    fn field(&mut self, field: &Field, path: &str) {
        match &field.kind {
            FieldKind::Template(template) | FieldKind::Text(template) => {
                for placing in template.placings() {
                    let source = self.source;
                    let place = place_in_string(source, field.span, placing.span);
                    self.found.push(Escape {
                        unit: self.unit.clone(),
                        field: path.trim_end_matches('.').to_owned(),
                        file: self.file.map(str::to_owned),
                        line: source.position(place.start).line,
                        value: placing.origin,
                        context: placing.context,
                        unescaped: (placing.form == Form::Raw).then(|| placing.reason.unwrap_or_default()),
                    });
                }
            }
            FieldKind::Table(entries) => {
                for (key, _, field) in entries {
                    self.field(field, &format!("{path}{key}."));
                }
            }
            FieldKind::List(elements) => {
                for (at, element) in elements.iter().enumerate() {
                    let fields = match element {
                        Element::One(field) => std::slice::from_ref(field),
                        Element::When(_, fields) => fields.as_slice(),
                    };
                    for field in fields {
                        self.field(field, &format!("{}[{at}].", path.trim_end_matches('.')));
                    }
                }
            }
            FieldKind::Literal(_) | FieldKind::Expr(_) | FieldKind::Target(_) => {}
        }
    }
}
