//! Keys that are not known, and keys that are missing.

use std::rc::Rc;
use std::sync::Arc;

use super::model::{LazyPattern, Shape, TableRule, quoted};
use super::walk::At;
use crate::diagnostic::{Code, Diagnostic};
use crate::document::Entry;
use crate::source::{Source, Span};
use crate::suggest::nearest;

/// The keys of a step. No action has a field and no author an environment variable of such a name.
pub(crate) const STEP_KEYS: &[&str] = &[
    "id",
    "title",
    "description",
    "needs",
    "when",
    "for_each",
    "parallel",
    "timeout",
    "retry",
    "repeat_until",
    "expect",
    "warn",
    "outputs",
    "secret_outputs",
    "confirm",
    "safety",
    "probe",
    "interrupt",
    "undo",
    "irreversible",
    "leaves",
    "covered_by",
    "on_failure",
    "guards",
];

/// More names than this are not listed in a message.
const MOST_LISTED: usize = 30;

pub(super) fn unknown_key(source: &Arc<Source>, at: At<'_>, entry: &Entry, rule: &TableRule) -> Diagnostic {
    let key = &entry.key;
    let fault = Diagnostic::error(Code::UnknownKey, format!("`{}` has no key `{key}`", at.name)).at(source, entry.key_span, "unknown key");
    let known: Vec<&str> = rule.keys.iter().map(|k| k.name.as_str()).collect();
    if let Some(near) = nearest(key, known.iter().copied()) {
        return fault.help(format!("did you mean `{near}`?"));
    }
    if STEP_KEYS.contains(&key.as_str()) {
        return fault.help(format!("`{key}` is a key of the step: write it in `[[step]]`, before any sub-table such as `[step.…]`"));
    }
    match &known[..] {
        [] => fault.help("it takes no keys"),
        [only] => fault.help(format!("its only key is `{only}`")),
        several if several.len() <= MOST_LISTED => fault.help(format!("its keys are {}", quoted(several))),
        _ => fault.help("the reference lists its keys"),
    }
}

pub(super) fn missing(source: &Arc<Source>, at: At<'_>, key: &str, shape: &Shape) -> Diagnostic {
    let about = match first_sentence(&shape.about) {
        about if about.is_empty() => about,
        about => format!(" ({about})"),
    };
    Diagnostic::error(Code::MissingKey, format!("`{}` needs `{key}`", at.name))
        .at(source, at.span, format!("`{key}` is missing"))
        .help(format!("add `{key} = …`, {}{about}", shape.expectation()))
}

/// The first sentence of a description, as a fragment.
fn first_sentence(about: &str) -> String {
    let line = about.lines().next().unwrap_or_default();
    let sentence = line.split(". ").next().unwrap_or_default().trim().trim_end_matches('.');
    let mut chars = sentence.chars();
    match (chars.next(), chars.clone().next()) {
        // A name such as `PATH` keeps its case.
        (Some(first), Some(second)) if !second.is_uppercase() => first.to_lowercase().chain(chars).collect(),
        _ => sentence.to_owned(),
    }
}

/// A name that the author chooses, and which does not have the form of such names.
pub(super) fn bad_name(source: &Arc<Source>, at: At<'_>, entry: &Entry, patterns: &[(Rc<LazyPattern>, Rc<Shape>)]) -> Diagnostic {
    let forms: Vec<&str> = patterns.iter().map(|(pattern, _)| pattern.source()).collect();
    Diagnostic::error(Code::BadName, format!("`{}` is no name for an entry of `{}`", entry.key, at.name)).at(
        source,
        entry.key_span,
        format!("expected a name that matches {}", quoted(&forms)),
    )
}

pub(super) fn step_key_in_env(source: &Arc<Source>, key: &str, span: Span) -> Diagnostic {
    Diagnostic::error(Code::KeyOutOfPlace, format!("`{key}` stands in `env`, where it is an environment variable"))
        .at(source, span, "not a key of the step")
        .help(format!("write `{key}` in `[[step]]`, before any sub-table: in TOML a table goes on until the next header"))
}
