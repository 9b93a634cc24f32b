//! Templates in places that want something of them: a type, or no secret.

use super::references::Checker;
use super::scope::{Known, ROOTS, Site, of_output, of_var};
use crate::action::OutputSpec;
use crate::diagnostic::{Code, Diagnostic};
use crate::document::place_in_string;
use crate::runbook::Phase;
use crate::shape::TemplatePlace;

pub(super) fn check<'a>(checker: &mut Checker<'a>, places: &[TemplatePlace], site: Site<'a>) {
    for place in places {
        let source = &checker.draft.runbook.source;
        if place.refuses_secrets {
            for name in place.refs.iter().filter(|name| checker.secrets.covers(name)) {
                checker.faults.push(
                    Diagnostic::error(Code::SecretRefused, format!("a secret would stand in `{}`, where others can read it", place.name))
                        .at(source, place_in_string(source, place.span, name.span), "secret")
                        .help("a secret can stand in `env`, `stdin`, a script, a query, a header, a body or a file's text; names, labels and command lines are seen by others"),
                );
            }
        }
        let Some(wants) = &place.wants else { continue };
        let [name] = &place.refs[..] else { continue };
        let Some(known) = known(checker, &name.path, site) else { continue };
        let fits = match known {
            Known::Text => wants.text,
            Known::Number => wants.number || wants.text,
            Known::Bool => wants.bool || wants.text,
            Known::List => wants.list,
            Known::Map => wants.table,
            Known::Any => true,
        };
        if !fits {
            let fault = checker.fault(Code::ValueType, format!("`{name}` does not fit `{}`", place.name), name, place.span, "");
            let label = format!("expected {}, and this is {}", wants.expected, known.name());
            let mut fault = fault;
            if let Some(first) = fault.labels.first_mut() {
                first.text = label;
            }
            checker.faults.push(fault);
        }
    }
}

/// The type of what a name stands for, where it is known.
pub(super) fn known(checker: &Checker<'_>, path: &[String], site: Site<'_>) -> Option<Known> {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match path[..] {
        ["vars", var] => checker.names.var(var).map(|var| of_var(var.kind)),
        [group @ ("checks" | "steps"), id, output] => {
            let phase = if group == "checks" { Phase::Check } else { Phase::Step };
            let unit = checker.names.unit(phase, id).filter(|unit| unit.for_each.is_none())?;
            if unit.outputs.iter().any(|(declared, _)| declared == output) { None } else { kind_of(unit.action.spec.outputs, output) }
        }
        ["before", output] => kind_of(site.unit?.action.spec.before, output),
        ["run", _] => Some(Known::Text),
        [root] if ROOTS.contains(&root) => None,
        [output] => {
            let (spec, unit) = (site.own?, site.unit?);
            let declared = std::ptr::eq(spec, unit.action.spec) && unit.outputs.iter().any(|(declared, _)| declared == output);
            if declared { None } else { kind_of(spec.outputs, output) }
        }
        _ => None,
    }
}

fn kind_of(outputs: &[OutputSpec], wanted: &str) -> Option<Known> {
    outputs.iter().find(|output| output.name == wanted).map(|output| of_output(output.kind))
}
