//! `[[check]]`, `[[step]]`, `[[verify]]`, `[[monitor]]`.

use std::rc::Rc;

use serde_json::Value;

use super::draft::{Decoded, DraftUnit, NameRef};
use super::holder::{Held, Says};

use super::reader::Reader;
use super::watch::PROBE_TIME;
use crate::document::{Node, NodeKind};
use crate::effect::UnitIx;
use crate::runbook::{ActionCall, Fate, FieldKind, ForEach, Needs, OnFailure, Phase, Placed, Unit};
use crate::shape::{At, Shape};
use crate::source::Span;
use crate::template::Expr;

/// How a unit came out.
pub(super) enum Read {
    /// Whole enough to be checked.
    Whole(Box<Decoded>),
    /// It has a name, and faults that keep it out.
    Broken(String),
    /// Nothing to go by.
    Lost,
}

impl Reader<'_> {
    /// Reads one unit. `ix` is the number that it will have; `on_failure` the runbook's word.
    pub(super) fn unit(&mut self, phase: Phase, shape: &Rc<Shape>, node: Node, ix: UnitIx, on_failure: OnFailure) -> Read {
        let name = phase.name();
        let Some((table, span)) = self.table(node, name) else { return Read::Lost };
        // The name under which it is missed, should the rest be faulty.
        let written = table.get("id").and_then(|id| match &id.kind {
            NodeKind::Str(text) => Some(text.clone()),
            _ => None,
        });
        let loops = table.get("for_each").map(|items| items.span);
        self.take_places();
        let at = At { name: written.as_deref().unwrap_or(name), span: self.head(span) };
        let decoded = self.held(shape, table, span, at).and_then(|held| self.whole(phase, held, span, ix, on_failure));
        let decoded = decoded.map(|decoded| looping(decoded, loops));
        match (decoded, written) {
            (Some(decoded), _) => Read::Whole(Box::new(decoded)),
            (None, Some(id)) => Read::Broken(id),
            (None, None) => Read::Lost,
        }
    }

    fn whole(&mut self, phase: Phase, held: Held, span: Span, ix: UnitIx, on_failure: OnFailure) -> Option<Decoded> {
        self.call_of_unit(phase, &held);
        let Held { mut keys, call, nested, says_fate } = held;
        let keys = &mut keys;
        let id = keys.name("id");
        let title = keys.template("title");
        let watch = if phase == Phase::Monitor { Some(self.watch(keys)) } else { None };
        let timeout = self.timeout(keys).or_else(|| watch.as_ref().map(|_| PROBE_TIME));
        let retry_span = keys.span("retry");
        let retry = Self::retry(keys).unwrap_or_default();
        let repeat_span = keys.span("repeat");
        let repeat = Self::repeat(keys);
        let says = Says::of(keys);
        let parallel_span = keys.span("parallel");
        let parallel: u32 = keys.value("parallel").unwrap_or(1);
        let mut draft = DraftUnit {
            needs: keys.names("needs"),
            guards: keys.names("guards").unwrap_or_default(),
            secret_outputs: keys.names("secret_outputs").unwrap_or_default(),
            retry: retry_span,
            parallel: parallel_span,
            idle_repeat: repeat_span.filter(|_| repeat.is_none()),
            from: watch.as_ref().and_then(|watch| watch.from.clone()),
            until: watch.as_ref().and_then(|watch| watch.until.clone()),
            says_safety: says.safety.is_some(),
            says_fate,
            ..DraftUnit::default()
        };
        let mut proof = None;
        let action = call.map(|call| {
            proof = call.proof.and_then(|entry| self.proof(entry));
            call.action
        });
        let mut undo = None;
        let mut probe = None;
        for entry in nested {
            if entry.key == "probe" {
                draft.probe = Some(entry.key_span);
                probe = self.proof(entry);
            } else {
                draft.places.extend(self.take_places());
                draft.fates.push(("undo", entry.key_span));
                undo = Some(self.undo(entry.value));
                draft.undo_places = self.take_places();
            }
        }
        draft.places.extend(self.take_places());
        let mut fate = undo.map(Fate::Undo);
        for (key, make) in [("irreversible", Fate::Irreversible as fn(String) -> Fate), ("leaves", Fate::Leaves)] {
            if let Some((span, field)) = keys.entry(key) {
                draft.fates.push((key, span));
                if let Some(why) = super::keys::literal(&field).and_then(|v| v.as_str().map(str::to_owned)) {
                    fate = fate.or(Some(make(why)));
                }
            }
        }
        if let Some(span) = keys.span("covered_by") {
            draft.fates.push(("covered_by", span));
            draft.covered_by = keys.name("covered_by");
        }
        let on_failure_span = keys.span("on_failure");
        let then = watch.as_ref().map_or_else(|| keys.value("on_failure").unwrap_or(on_failure), |watch| watch.then);
        self.call_stops(on_failure_span, action.as_ref(), then);
        let for_each = keys.expr("for_each").map(|items| ForEach { items, parallel });
        let (id, action) = (id?, action?);
        let secret_outputs = secret_outputs(&draft.secret_outputs, &action);
        let unit = Unit {
            ix,
            id: id.name,
            id_span: id.span,
            span,
            phase,
            title,
            description: keys.text("description"),
            // What is written on a call in spite of that says nothing.
            class: if action.is_call() { action.class() } else { says.class(action.class()) },
            action,
            needs: Needs::Earlier,
            when: keys.expr("when"),
            for_each,
            timeout,
            retry,
            repeat,
            expect: keys.exprs("expect"),
            warn: keys.exprs("warn"),
            outputs: keys.expr_map("outputs"),
            secret_outputs,
            confirm: keys.template("confirm"),
            probe,
            proof,
            fate: fate.unwrap_or(Fate::Nothing),
            on_failure: then,
            guards: Vec::new(),
            watch: watch.map(|watch| watch.typed),
            call: None,
            ends: None,
            around: Vec::new(),
        };
        Some(Decoded { unit, draft })
    }
}

/// The unit with a loop over nothing in place of a `for_each` that has a fault: this was reported, and what speaks of its `item` is not wrong for that.
fn looping(mut decoded: Decoded, written: Option<Span>) -> Decoded {
    if let (None, Some(span)) = (&decoded.unit.for_each, written)
        && let Ok(value) = Expr::parse("[]")
    {
        decoded.unit.for_each = Some(ForEach { items: Placed { span, value }, parallel: 1 });
    }
    decoded
}

/// What the author calls a secret, and what the action's own fields make one.
fn secret_outputs(written: &[NameRef], action: &ActionCall) -> Vec<String> {
    let mut names: Vec<String> = written.iter().map(|name| name.name.clone()).collect();
    let FieldKind::Table(fields) = &action.fields.kind else { return names };
    let is_set =
        |wanted: &str| fields.iter().any(|(key, _, field)| key == wanted && !matches!(&field.kind, FieldKind::Literal(Value::Bool(false))));
    for output in action.spec.outputs.iter().filter(|output| output.secret_where.is_some_and(is_set)) {
        if !names.iter().any(|name| name == output.name) {
            names.push(output.name.to_owned());
        }
    }
    names
}
