//! A table that holds one action beside its own keys: a check, a step, a verify, a step of an undo, a probe.

use std::rc::Rc;

use super::action::Call;
use super::keys::Keys;
use super::reader::Reader;
use crate::action::{Class, Effect};
use crate::diagnostic::{Code, Diagnostic};
use crate::document::{Entry, Node, NodeKind, Table};
use crate::format::{PROBE, RepeatDecl, RetryDecl, Safety, UNDO};
use crate::runbook::{Proof, Repeat, Retry, UndoStep};
use crate::shape::{At, STEP_KEYS, Shape};
use crate::source::Span;
use crate::suggest::nearest;

/// What stands in such a table.
pub(super) struct Held {
    /// Its own keys.
    pub(super) keys: Keys,
    /// Its action; none where that is faulty.
    pub(super) call: Option<Call>,
    /// The keys that hold tables with actions in them, taken out unread.
    pub(super) nested: Vec<Entry>,
    /// Whether something is written about what becomes of the change, be it faulty or in the wrong place.
    pub(super) says_fate: bool,
}

/// The keys that say what becomes of a change.
const FATES: [&str; 4] = ["undo", "irreversible", "leaves", "covered_by"];

/// Keys whose values hold actions themselves.
const NESTED: [&str; 2] = ["undo", "probe"];

/// How often something is repeated at most where neither a number nor a time is written.
const MOST_TIMES: u32 = 1000;

/// The pause between two attempts where none is written.
const PAUSE: std::time::Duration = std::time::Duration::from_secs(1);

impl Reader<'_> {
    /// Reads a table that holds an action.
    pub(super) fn held(&mut self, shape: &Rc<Shape>, table: Table, span: Span, at: At<'_>) -> Option<Held> {
        let rule = shape.accepts.tables.first()?;
        let says_fate = says_fate(&table, 2);
        if let Some(retry) = table.get("retry") {
            self.retry_ends(retry);
        }
        let mut own = Table::default();
        let mut actions = Vec::new();
        let mut nested = Vec::new();
        let mut strange = false;
        for entry in table.entries {
            let known = rule.key(&entry.key).is_some();
            if known && NESTED.contains(&entry.key.as_str()) {
                nested.push(entry);
            } else if known {
                own.entries.push(entry);
            } else if self.registry.executor(&entry.key).is_some() || self.is_action(&entry) {
                actions.push(entry);
            } else {
                // Its report, by the walk, suggests a key; it may have been meant as the action, so that no other fault is added.
                strange |= matches!(entry.value.kind, NodeKind::Table(_));
                own.entries.push(entry);
            }
        }
        let keys = Keys::of(self.walk_table(rule, own, span, at));
        let call = if actions.is_empty() && strange { None } else { self.action(actions, at) };
        Some(Held { keys, call, nested, says_fate })
    }

    pub(super) fn not_yet(&mut self, what: &str, span: Span) {
        self.faults.push(
            Diagnostic::error(Code::NotYet, format!("{what} is not supported yet"))
                .at(self.source, span, "this version cannot carry it out")
                .help("it is part of the format, and comes with a later version"),
        );
    }

    /// Whether an unknown key looks like an executor's: a table of tables, or a name near one.
    fn is_action(&self, entry: &Entry) -> bool {
        let NodeKind::Table(table) = &entry.value.kind else { return false };
        let near_executor = nearest(&entry.key, self.registry.executors().map(crate::action::Executor::name)).is_some();
        let near_key = nearest(&entry.key, STEP_KEYS.iter().copied()).is_some();
        let nested = table.entries.len() == 1 && table.entries.iter().all(|e| matches!(e.value.kind, NodeKind::Table(_)));
        near_executor || (nested && !near_key)
    }

    /// The undo of a step.
    pub(super) fn undo(&mut self, node: Node) -> Vec<UndoStep> {
        let span = node.span;
        let items = self.list(node, "undo");
        if items.is_empty() {
            self.faults.push(
                Diagnostic::error(Code::BadValue, "`undo` has 0 elements")
                    .at(self.source, span, "expected at least 1 element")
                    .help("where nothing needs to be taken back, say why it does no harm: `leaves = \"…\"`"),
            );
        }
        let shape = self.format_shape(UNDO);
        items.into_iter().filter_map(|item| self.undo_step(&shape, item)).collect()
    }

    fn undo_step(&mut self, shape: &Rc<Shape>, node: Node) -> Option<UndoStep> {
        let (table, span) = self.table(node, "undo")?;
        let mut held = self.held(shape, table, span, At { name: "undo", span: self.head(span) })?;
        let keys = &mut held.keys;
        let title = keys.template("title");
        let when = keys.expr("when");
        let timeout = self.timeout(keys);
        let retry = Self::retry(keys).unwrap_or_default();
        let expect = keys.exprs("expect");
        let says = Says::of(keys);
        let call = held.call?;
        if call.action.is_call() {
            self.no_call_here(&call.action, "an undo");
            return None;
        }
        if let Some(proof) = call.proof {
            self.not_yet("`proof` in an undo", proof.key_span);
        }
        let class = says.class(call.action.class());
        Some(UndoStep { title, span, action: call.action, when, timeout, retry, expect, class })
    }

    /// `{ ACTION, expect }`, which must only read. `name` is the key that it stands behind.
    pub(super) fn proof(&mut self, entry: Entry) -> Option<Proof> {
        let name = entry.key;
        let (table, span) = self.table(entry.value, &name)?;
        let shape = self.format_shape(PROBE);
        let mut held = self.held(&shape, table, span, At { name: &name, span: entry.key_span })?;
        let expect = held.keys.exprs("expect");
        let says = Says::of(&mut held.keys);
        let call = held.call?;
        if call.action.is_call() {
            self.no_call_here(&call.action, &format!("a `{name}`"));
            return None;
        }
        if says.class(call.action.class()).changes() {
            self.faults.push(
                Diagnostic::error(Code::ProbeChanges, format!("`{name}` must only read"))
                    .at(self.source, call.action.key_span, "this action changes something")
                    .help("use an action that reads, or say `safety = \"read_only\"` beside it where it changes nothing"),
            );
        }
        Some(Proof { action: call.action, expect })
    }

    pub(super) fn timeout(&mut self, keys: &mut Keys) -> Option<std::time::Duration> {
        let field = keys.take("timeout")?;
        let timeout: crate::value::Duration = serde_json::from_value(super::keys::literal(&field)?).ok()?;
        if timeout.get().is_zero() {
            self.faults.push(
                Diagnostic::error(Code::NoTime, "a `timeout` of no time at all")
                    .at(self.source, field.span, "nothing could ever succeed")
                    .help("leave it out for no limit"),
            );
        }
        Some(timeout.get())
    }

    pub(super) fn retry(keys: &mut Keys) -> Option<Retry> {
        let field = keys.take("retry")?;
        let decl: RetryDecl = serde_json::from_value(super::keys::literal(&field)?).ok()?;
        Some(Retry {
            attempts: decl.attempts.map(std::num::NonZeroU32::get),
            pause: decl.every.map_or(PAUSE, crate::value::Duration::get),
            within: decl.within.map(crate::value::Duration::get),
            backoff: decl.backoff.map_or(1, |factor| factor.0),
        })
    }

    /// `repeat_until` with `repeat`.
    pub(super) fn repeat(keys: &mut Keys) -> Option<Repeat> {
        let bounds = keys.take("repeat").and_then(|field| serde_json::from_value(super::keys::literal(&field)?).ok());
        let until = keys.expr("repeat_until")?;
        let bounds = bounds.unwrap_or(RepeatDecl { attempts: None, every: None, within: None });
        let attempts = bounds.attempts.map(std::num::NonZeroU32::get).or_else(|| bounds.within.is_none().then_some(MOST_TIMES));
        let pause = bounds.every.map_or(std::time::Duration::ZERO, crate::value::Duration::get);
        let within = bounds.within.map(crate::value::Duration::get);
        Some(Repeat { until, bounds: Retry { attempts, pause, within, backoff: 1 } })
    }

    /// Reports a `retry` that goes on for ever. Looks at what is written, so that a faulty bound is a bound.
    fn retry_ends(&mut self, retry: &Node) {
        let NodeKind::Table(table) = &retry.kind else { return };
        if table.get("attempts").is_none() && table.get("for").is_none() {
            self.faults.push(
                Diagnostic::error(Code::EndlessRetry, "`retry` has no end")
                    .at(self.source, retry.span, "neither `attempts` nor `for` is there")
                    .help("add `for = \"10m\"` or `attempts = 5`"),
            );
        }
    }

    /// The first line of a place.
    pub(super) fn head(&self, span: Span) -> Span {
        let line = self.source.line(self.source.position(span.start).line);
        Span::new(span.start, span.end.min(line.end).max(span.start))
    }
}

/// Whether one of the fates stands in a table, or in one inside it, where it has no meaning.
fn says_fate(table: &Table, depth: usize) -> bool {
    table.entries.iter().any(|entry| {
        FATES.contains(&entry.key.as_str())
            || match &entry.value.kind {
                NodeKind::Table(inner) if depth > 0 => says_fate(inner, depth - 1),
                _ => false,
            }
    })
}

/// What the author says of an action's class.
#[derive(Clone, Copy)]
pub(super) struct Says {
    pub(super) safety: Option<Safety>,
    never_interrupted: bool,
}

impl Says {
    pub(super) fn of(keys: &mut Keys) -> Self {
        Self { safety: keys.value("safety"), never_interrupted: keys.take("interrupt").is_some() }
    }

    pub(super) fn class(self, of_action: Class) -> Class {
        let effect = match self.safety {
            Some(Safety::ReadOnly) => Effect::ReadOnly,
            Some(Safety::Idempotent) => Effect::Idempotent,
            Some(Safety::Once) => Effect::Once,
            None => of_action.effect,
        };
        Class { effect, interruptible: of_action.interruptible && !self.never_interrupted }
    }
}
