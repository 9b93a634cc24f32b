//! Texts that another program interprets, where more than the text decides: the type of what is calculated with, the interpreter, the variables of the
//! environment, secrets that would go unescaped, an SQL text that is of no use to its action.
//!
//! A table with a script (`x-text = "shell"`) says its interpreter in `interpreter` and its variables in `env`; a script that takes no templates stands in
//! `verbatim`.

use super::references::Checker;
use super::scope::{Known, Site};
use super::types::known;
use crate::action::FieldFault;
use crate::diagnostic::{Code, Diagnostic};
use crate::document::place_in_string;
use crate::places::shell::{self, EnvUse, Script};
use crate::runbook::{ActionCall, Element, Field, FieldKind};
use crate::source::Span;
use crate::template::{Form, Places, Placing, Ref, Template, TextKind, shell_form};

/// A fault's text and what to write instead.
type Words = (String, &'static str);

pub(super) fn check<'a>(checker: &mut Checker<'a>, call: &'a ActionCall, site: Site<'a>) {
    let FieldKind::Table(entries) = &call.fields.kind else { return };
    for (key, _, field) in entries {
        match &field.kind {
            FieldKind::Template(template) | FieldKind::Text(template) if matches!(template.places(), Places::Shell { .. }) => {
                script(checker, template, field.span, entries, site);
            }
            FieldKind::Literal(serde_json::Value::String(text)) if key == "verbatim" && is_shell(entries) => {
                environment(checker, &[text.as_str()], &[], entries, site);
            }
            _ => {}
        }
    }
    all_placings(checker, &call.fields, site);
    if let Some(wrong) = call.spec.sql_begins {
        sql_texts(checker, entries, "", wrong);
    }
}

/// SQL texts that begin with what their action does not take. What the server would be told is known up to the first value.
fn sql_texts(checker: &mut Checker<'_>, entries: &Entries, within: &str, wrong: fn(&str) -> Option<FieldFault>) {
    for (key, _, field) in entries {
        match &field.kind {
            FieldKind::Table(entries) => sql_texts(checker, entries, &format!("{within}{key}."), wrong),
            FieldKind::Template(template) if template.kind() == TextKind::Sql => {
                let (texts, _) = template.pieces();
                let start = match texts[..] {
                    [whole] => whole,
                    // A value may go on with the word before it.
                    [start, ..] => start.trim_end_matches(|c: char| c.is_alphanumeric() || c == '_'),
                    [] => "",
                };
                if let Some(fault) = wrong(start) {
                    let fault = FieldFault { path: format!("{within}{key}"), ..fault };
                    let told = Diagnostic::error(Code::ActionInvalid, fault.told("")).at(&checker.draft.runbook.source, field.span, "");
                    checker.faults.push(match fault.help {
                        Some(help) => told.help(help),
                        None => told,
                    });
                }
            }
            _ => {}
        }
    }
}

type Entries = [(String, Span, Field)];

fn entry<'a>(entries: &'a Entries, name: &str) -> Option<&'a Field> {
    entries.iter().find(|(key, _, _)| key == name).map(|(_, _, field)| field)
}

/// What the interpreter is called, without its folder; none where it is not known yet.
fn interpreter(entries: &Entries) -> Option<&str> {
    match entry(entries, "interpreter").map(|field| &field.kind) {
        None => Some("bash"),
        Some(FieldKind::Literal(serde_json::Value::String(name))) => name.rsplit('/').next(),
        Some(_) => None,
    }
}

fn is_shell(entries: &Entries) -> bool {
    matches!(interpreter(entries), Some("bash" | "sh" | "dash" | "ash" | "ksh"))
}

/// The places of all texts in a field, however deep they stand.
fn all_placings<'a>(checker: &mut Checker<'a>, field: &'a Field, site: Site<'a>) {
    match &field.kind {
        FieldKind::Template(template) | FieldKind::Text(template) => placings(checker, template, field.span, site),
        FieldKind::Table(entries) => entries.iter().for_each(|(_, _, field)| all_placings(checker, field, site)),
        FieldKind::List(elements) => elements.iter().for_each(|element| match element {
            Element::One(field) => all_placings(checker, field, site),
            Element::When(_, fields) => fields.iter().for_each(|field| all_placings(checker, field, site)),
        }),
        FieldKind::Literal(_) | FieldKind::Expr(_) | FieldKind::Target(_) => {}
    }
}

/// Numbers that must be numbers, and secrets that must not be text.
fn placings<'a>(checker: &mut Checker<'a>, template: &Template, span: Span, site: Site<'a>) {
    let numbers: Vec<bool> = match template.places() {
        Places::Text => return,
        Places::Shell { places, .. } => places.iter().map(|place| place.number).collect(),
        Places::Sql(places) => places.iter().map(|place| *place == crate::action::SqlPlace::Number).collect(),
        Places::Url(places) => vec![false; places.len()],
    };
    for (placing, number) in template.placings().iter().zip(numbers) {
        let inside = |name: &&Ref| placing.span.start <= name.span.start && name.span.end <= placing.span.end;
        let names: Vec<&Ref> = template.refs().iter().filter(inside).collect();
        if number
            && let [name] = names[..]
            && name.to_string() == placing.origin
            && let Some(kind) = known(checker, &name.path, site).filter(|kind| !matches!(kind, Known::Number | Known::Any))
        {
            fault(
                checker,
                Code::NotWhole,
                span,
                placing,
                (
                    format!("`{name}` is {}, and this text calculates with it", kind.name()),
                    "declare the variable with `type = \"int\"`; a shell executes what stands in place of a number",
                ),
            );
        }
        if placing.form == Form::Raw && names.iter().any(|name| checker.secrets.covers(name)) {
            fault(
                checker,
                Code::SecretRefused,
                span,
                placing,
                (
                    "a secret would stand in the text itself, where others can read it".to_owned(),
                    "write it without `raw`, or give it to the step in `env`",
                ),
            );
        }
    }
}

fn fault(checker: &mut Checker<'_>, code: Code, span: Span, placing: &Placing, (message, help): Words) {
    let source = &checker.draft.runbook.source;
    let place = place_in_string(source, span, placing.span);
    checker.faults.push(Diagnostic::error(code, message).at(source, place, "").help(help));
}

fn script<'a>(checker: &mut Checker<'a>, template: &Template, span: Span, entries: &'a Entries, site: Site<'a>) {
    let Places::Shell { bash_only, .. } = template.places() else { return };
    if let (Some(what), Some(name @ ("sh" | "dash" | "ash"))) = (bash_only, interpreter(entries)) {
        let source = &checker.draft.runbook.source;
        let message = format!("this script for `{name}` has {what}, which only bash knows");
        let fault = Diagnostic::error(Code::BashOnly, message)
            .at(source, span, "")
            .help("write `interpreter = \"bash\"`, or the same as POSIX has it");
        checker.faults.push(fault);
    }
    let (texts, forms) = template.pieces();
    let forms: Vec<shell::Form> = forms.into_iter().map(shell_form).collect();
    environment(checker, &texts, &forms, entries, site);
}

/// What the script does with the variables of the step's environment that hold values.
fn environment<'a>(checker: &mut Checker<'a>, texts: &[&str], forms: &[shell::Form], entries: &'a Entries, site: Site<'a>) {
    let Some(FieldKind::Table(variables)) = entry(entries, "env").map(|field| &field.kind) else { return };
    let holding: Vec<(&str, &Field, &Template)> = variables
        .iter()
        .filter_map(|(name, _, field)| match &field.kind {
            FieldKind::Template(template) | FieldKind::Text(template) if !template.refs().is_empty() => {
                Some((name.as_str(), field, template))
            }
            _ => None,
        })
        .collect();
    let names: Vec<&str> = holding.iter().map(|(name, _, _)| *name).collect();
    if names.is_empty() {
        return;
    }
    // What is wrong with the script itself was told when it was read.
    let Ok(analysis) = shell::analyse(&Script { texts, forms, env: &names }) else { return };
    for ((name, field, template), EnvUse { number, fault }) in holding.into_iter().zip(analysis.env) {
        let is_number = match template.refs() {
            [only] if template.is_single() => known(checker, &only.path, site).is_some_and(|kind| kind == Known::Number),
            _ => false,
        };
        let said = match fault {
            Some((message, help)) => Some((
                format!("the script executes what `{name}` holds: {}", message.trim_start_matches(&format!("through `${name}`: "))),
                help,
            )),
            None if number && !is_number => Some((
                format!("the script calculates with `{name}`, and a shell executes what stands there in place of a number"),
                "declare the variable with `type = \"int\"`, or compare with `[ \"$NAME\" -gt 5 ]`, which takes nothing but numbers"
                    .to_owned(),
            )),
            None => None,
        };
        if let Some((message, help)) = said {
            let source = &checker.draft.runbook.source;
            checker.faults.push(Diagnostic::error(Code::EnvExecuted, message).at(source, field.span, "").help(help));
        }
    }
}
