//! A plan as people read it: what each unit does, with which values, and what becomes of its change. Told once; laid out for a terminal and for a
//! pull request.

use std::fmt::Write as _;
use std::time::Duration;

use runbook_core::action::{Class, Effect};
use runbook_core::effect::UnitIx;
use runbook_core::inputs::{Input, Inputs};
use runbook_core::plan::{FailurePolicy, Fields, Plan, PlanFate, PlanUndo, PlanUnit};
use runbook_core::prepare;
use runbook_core::runbook::{ActionCall, CallIx, Fate, Needs, Phase, Retry, Risk, Runbook, Unit};
use runbook_core::scope::Scope;
use runbook_core::values::ReadValue;
use serde_json::Value;

use super::escapes::{Escape, escapes};
use crate::text::{count, duration};

/// The whole.
pub(crate) struct Outline {
    pub(crate) name: String,
    pub(crate) title: Option<String>,
    /// `risk`, `on failure`, `locks`.
    pub(crate) facts: Vec<(String, String)>,
    pub(crate) variables: Vec<Variable>,
    /// What `[values]` gave, key by key where it is a map.
    pub(crate) values: Vec<Variable>,
    pub(crate) parts: Vec<Part>,
    /// Values in scripts, SQL texts and URLs: those that are not escaped, or all where the reviewer wants them.
    pub(crate) escapes: Vec<Escape>,
}

/// A variable with its public value.
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) origin: String,
}

/// Checks, steps, verifies or monitors.
pub(crate) struct Part {
    pub(crate) heading: &'static str,
    pub(crate) entries: Vec<Entry>,
}

/// A check, a step, a verify or a monitor.
pub(crate) struct Entry {
    pub(crate) id: String,
    pub(crate) title: Option<String>,
    pub(crate) call: Call,
    /// `when`, `needs`, `expect`, time-outs, class: in the order in which one asks.
    pub(crate) facts: Vec<(String, String)>,
    /// What becomes of its change.
    pub(crate) fate: Vec<Becomes>,
}

/// What becomes of a change.
pub(crate) enum Becomes {
    /// In so many words.
    Words(String),
    /// An action of the undo.
    Undo(Call, Vec<(String, String)>),
}

/// An action with its fields.
pub(crate) struct Call {
    pub(crate) action: String,
    /// As one would write them; what is not known yet stands as its template.
    pub(crate) fields: Vec<(String, String)>,
    /// What the rest waits for, in words.
    pub(crate) known_after: Vec<String>,
}

/// Tells a plan.
pub(crate) fn outline(runbook: &Runbook, plan: &Plan, inputs: &Inputs, show_escapes: bool) -> Outline {
    let parts = plan.parts();
    let mut facts = vec![("risk".to_owned(), risk(parts.risk).to_owned()), ("on failure".to_owned(), policy(parts.on_failure).to_owned())];
    if !parts.locks.is_empty() {
        facts.push(("locks".to_owned(), parts.locks.join(", ")));
    }
    let scopes = runbook.frames().map(|(call, _)| inputs.at(call).scope(&Scope::new())).collect();
    let teller = Teller { runbook, plan, scopes };
    let part = |heading, phase| Part { heading, entries: plan.phase(phase).iter().filter_map(|ix| teller.entry(*ix)).collect() };
    Outline {
        name: parts.name.clone(),
        title: parts.title.clone(),
        facts,
        variables: inputs.all_variables().map(variable).collect(),
        values: inputs.all_values().flat_map(|(name, read)| values(&name, read)).collect(),
        parts: vec![
            part("Checks, before anything is changed", Phase::Check),
            part("Steps", Phase::Step),
            part("Verification", Phase::Verify),
            part("Monitors, beside the steps", Phase::Monitor),
        ],
        escapes: escapes(runbook, plan, show_escapes),
    }
}

fn variable((name, input): (String, &Input)) -> Variable {
    let value = if input.secret { "‹secret›".to_owned() } else { written(&input.value) };
    Variable { name, value, origin: input.origin.to_string() }
}

/// A value that was read; of a map each key by itself.
fn values(name: &str, read: &ReadValue) -> Vec<Variable> {
    let line = |name: String, value: &Value| Variable { name, value: written(value), origin: read.origin.clone() };
    match read.public() {
        Value::Object(map) if !map.is_empty() => map.iter().map(|(key, value)| line(format!("{name}.{key}"), value)).collect(),
        value => vec![line(name.to_owned(), &value)],
    }
}

struct Teller<'a> {
    runbook: &'a Runbook,
    plan: &'a Plan,
    /// Of the runbook itself, and of each that it calls.
    scopes: Vec<Scope>,
}

impl Teller<'_> {
    fn entry(&self, ix: UnitIx) -> Option<Entry> {
        let planned = self.plan.unit(ix)?;
        let unit = self.runbook.units.get(ix.get())?;
        Some(Entry {
            id: planned.id.clone(),
            title: planned.title.clone(),
            call: self.call(&planned.action, &planned.fields, (&unit.action, unit.call)),
            facts: self.facts(planned, unit),
            fate: self.fate(planned, unit),
        })
    }

    fn call(&self, action: &str, planned: &Fields, (call, at): (&ActionCall, Option<CallIx>)) -> Call {
        let (public, known_after) = match planned {
            Fields::Ready(public) => (public.clone(), Vec::new()),
            // Faults of the values that are known were told when the plan was made.
            Fields::Deferred { needs } => {
                match prepare::preview(call, &self.runbook.at(at).targets, &self.scopes[at.map_or(0, |CallIx(at)| at + 1)]) {
                    Ok(preview) => (preview.public, needs.clone()),
                    Err(_) => (Value::Null, needs.clone()),
                }
            }
        };
        let fields = match &public {
            Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), written(value))).collect(),
            _ => Vec::new(),
        };
        Call { action: action.to_owned(), fields, known_after: known_after.iter().map(|name| waited_for(name)).collect() }
    }

    fn id(&self, ix: UnitIx) -> String {
        self.plan.unit(ix).map(|unit| unit.id.clone()).unwrap_or_default()
    }

    fn ids(&self, list: &[UnitIx]) -> String {
        list.iter().map(|ix| format!("`{}`", self.id(*ix))).collect::<Vec<_>>().join(", ")
    }

    fn facts(&self, planned: &PlanUnit, unit: &Unit) -> Vec<(String, String)> {
        let mut facts = Vec::new();
        let mut fact = |name: &str, text: String| facts.push((name.to_owned(), text));
        if let Some(option) = &planned.left_out {
            fact("left out", format!("by `{option}`"));
        }
        if let Some(called) = self.runbook.call(unit.ends) {
            let gives: Vec<String> = unit.outputs.iter().map(|(name, _)| format!("`{name}`")).collect();
            let gives = if gives.is_empty() { String::new() } else { format!(", and gives {}", gives.join(", ")) };
            fact("ends", format!("`{}`{gives}", called.file));
        }
        let conditions: Vec<&str> = unit.conditions().map(|(_, when)| when.source()).collect();
        for (at, when) in conditions.iter().enumerate() {
            let idle = if planned.idle && at + 1 == conditions.len() { " (false with these variables: it will not run)" } else { "" };
            fact("when", format!("{when}{idle}"));
        }
        if let Some(each) = &unit.for_each {
            fact("for each", format!("of {}, {} at once", each.items.source(), each.parallel));
        }
        match &planned.needs {
            Needs::Earlier => {}
            Needs::These(needs) if needs.is_empty() && planned.phase != Phase::Step => {}
            Needs::These(needs) if needs.is_empty() => fact("needs", "nothing: begins at once".to_owned()),
            Needs::These(needs) => fact("needs", self.ids(needs)),
        }
        if !planned.guarded_by.is_empty() {
            fact("asks again", self.ids(&planned.guarded_by));
        }
        if let Some(confirm) = &unit.confirm {
            fact("confirm", confirm.source().to_owned());
        }
        for expect in &unit.expect {
            fact("expect", expect.source().to_owned());
        }
        for warn in &unit.warn {
            fact("warn unless", warn.source().to_owned());
        }
        if let Some(repeat) = &unit.repeat {
            let bounds = limits(None, &repeat.bounds).map(|text| format!(" ({text})")).unwrap_or_default();
            fact("repeated until", format!("{}{bounds}", repeat.until.source()));
        }
        if let Some(text) = limits(planned.timeout, &planned.retry) {
            fact("limits", text);
        }
        if let Some(watch) = planned.watch {
            let from = watch.from.map_or_else(|| "the first step".to_owned(), |step| format!("the end of `{}`", self.id(step)));
            let until = watch.until.map_or_else(|| "the last verify".to_owned(), |step| format!("`{}` begins", self.id(step)));
            fact("watches", format!("from {from} until {until}, every {}", duration(watch.every)));
            fact("trips", format!("after {} in a row: {}", count(watch.failures as usize, "failure"), on_trip(planned.on_failure)));
        }
        if planned.phase == Phase::Step {
            if planned.on_failure != self.plan.parts().on_failure {
                fact("on failure", policy(planned.on_failure).to_owned());
            }
            fact("class", class(planned.class));
        }
        facts
    }

    fn fate(&self, planned: &PlanUnit, unit: &Unit) -> Vec<Becomes> {
        match &planned.fate {
            PlanFate::Nothing => Vec::new(),
            PlanFate::Irreversible(why) => vec![Becomes::Words(format!("cannot be undone: {why}"))],
            PlanFate::Leaves(what) => vec![Becomes::Words(format!("stays after a rollback: {what}"))],
            PlanFate::CoveredBy(cover) => vec![Becomes::Words(format!("undone by the undo of `{}`", self.id(*cover)))],
            PlanFate::Undo(actions) => {
                let written = match &unit.fate {
                    Fate::Undo(written) => written.as_slice(),
                    Fate::Nothing | Fate::Irreversible(_) | Fate::Leaves(_) | Fate::CoveredBy(_) => &[],
                };
                actions
                    .iter()
                    .zip(written)
                    .map(|(undo, step)| {
                        Becomes::Undo(self.call(&undo.action, &undo.fields, (&step.action, unit.call)), undo_facts(undo, step))
                    })
                    .collect()
            }
        }
    }
}

/// `steps.dump` → `` `dump` ``.
fn waited_for(name: &str) -> String {
    match name.split_once('.') {
        Some(("steps" | "checks", id)) => format!("`{id}`"),
        _ => match name {
            "before" => "what is found before the step".to_owned(),
            "item" => "each item is known".to_owned(),
            "run" => "the run has begun".to_owned(),
            other => format!("`{other}`"),
        },
    }
}

fn undo_facts(undo: &PlanUndo, step: &runbook_core::runbook::UndoStep) -> Vec<(String, String)> {
    let mut facts: Vec<(String, String)> = step.when.iter().map(|when| ("when".to_owned(), when.source().to_owned())).collect();
    facts.extend(limits(undo.timeout, &undo.retry).map(|text| ("limits".to_owned(), text)));
    facts
}

const fn risk(risk: Risk) -> &'static str {
    match risk {
        Risk::Low => "low",
        Risk::Medium => "medium",
        Risk::High => "high: asks before it starts",
    }
}

const fn on_trip(policy: FailurePolicy) -> &'static str {
    match policy {
        FailurePolicy::Continue => "warn",
        FailurePolicy::Stop | FailurePolicy::Rollback | FailurePolicy::Ask => self::policy(policy),
    }
}

const fn policy(policy: FailurePolicy) -> &'static str {
    match policy {
        FailurePolicy::Stop => "stop there, undo nothing",
        FailurePolicy::Rollback => "undo everything that was begun",
        FailurePolicy::Continue => "go on",
        FailurePolicy::Ask => "ask",
    }
}

fn class(class: Class) -> String {
    let effect = match class.effect {
        Effect::ReadOnly => "changes nothing",
        Effect::Idempotent => "may be repeated",
        Effect::Once => "must not be done twice",
    };
    if class.interruptible { effect.to_owned() } else { format!("{effect}, is never interrupted") }
}

/// `within 30m`, `again every 2s for 10m`.
fn limits(timeout: Option<Duration>, retry: &Retry) -> Option<String> {
    let mut words = Vec::new();
    if let Some(timeout) = timeout {
        words.push(format!("each attempt within {}", duration(timeout)));
    }
    if *retry != Retry::NONE {
        let mut text = format!("again after {}", duration(retry.pause));
        if retry.backoff > 1 {
            let _ = write!(text, " (each pause {} times the one before)", retry.backoff);
        }
        if let Some(within) = retry.within {
            let _ = write!(text, ", for {}", duration(within));
        }
        if let Some(attempts) = retry.attempts {
            let _ = write!(text, ", at most {attempts} attempts");
        }
        words.push(text);
    }
    (!words.is_empty()).then(|| words.join("; "))
}

/// A value as an author would write it.
fn written(value: &Value) -> String {
    let Value::Object(fields) = value else { return value.to_string() };
    // What the core makes of targets, scripts and SQL texts, as it was written.
    match (fields.get("name"), fields.get("settings"), fields.get("script"), fields.get("segments")) {
        (Some(Value::String(name)), Some(_), None, None) if fields.len() == 2 => format!("{name:?}"),
        (None, None, Some(Value::String(script)), None) if fields.contains_key("env") => {
            let mut text = script.clone();
            for (name, value) in fields.get("env").and_then(Value::as_object).into_iter().flatten() {
                let _ = write!(text, "\n# {name} = {value}");
            }
            text
        }
        (None, None, None, Some(Value::Array(segments))) if fields.len() == 1 => segments.iter().map(segment).collect(),
        _ => {
            let entries: Vec<String> = fields.iter().map(|(key, value)| format!("{key} = {}", written(value))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
    }
}

fn segment(segment: &Value) -> String {
    match (segment.get("text"), segment.pointer("/value/value")) {
        (Some(Value::String(text)), _) => text.clone(),
        (_, Some(Value::String(text))) => format!("'{text}'"),
        (_, Some(value)) => value.to_string(),
        (Some(_) | None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_shown_as_they_were_written() {
        assert_eq!(written(&json!({ "name": "metadb", "settings": { "host": "h" } })), "\"metadb\"");
        assert_eq!(
            written(&json!({ "script": "echo $RUNBOOK_P1", "env": { "RUNBOOK_P1": "‹vars.pw›" } })),
            "echo $RUNBOOK_P1\n# RUNBOOK_P1 = \"‹vars.pw›\""
        );
        let sql = json!({ "segments": [{ "text": "select 1 from t where a = " }, { "value": { "value": "x", "place": "value" } }] });
        assert_eq!(written(&sql), "select 1 from t where a = 'x'");
        assert_eq!(written(&json!({ "a": 1, "b": ["x"] })), r#"{ a = 1, b = ["x"] }"#);
    }

    #[test]
    fn limits_read_like_a_sentence() {
        let retry = Retry { attempts: None, pause: Duration::from_secs(2), within: Some(Duration::from_mins(10)), backoff: 1 };
        assert_eq!(
            limits(Some(Duration::from_mins(30)), &retry).as_deref(),
            Some("each attempt within 30m 00s; again after 2.0s, for 10m 00s")
        );
        assert_eq!(limits(None, &Retry::NONE), None);
    }
}
