//! `EXECUTOR.ACTION = { … }`.

use super::keys::literal;
use super::reader::Reader;
use crate::action::{ActionSpec, Executor};
use crate::diagnostic::{Code, Diagnostic};
use crate::document::{Entry, Node, NodeKind};
use crate::prepare::locate;
use crate::runbook::{ActionCall, Field, FieldKind};
use crate::shape::{At, quoted};
use crate::source::Span;
use crate::suggest::nearest;

/// An action, and the `proof` that stands among its fields but is the engine's business.
pub(super) struct Call {
    pub(super) action: ActionCall,
    pub(super) proof: Option<Entry>,
}

/// An executor's name, an action's name, and its table.
struct Candidate {
    executor: String,
    executor_span: Span,
    action: Entry,
}

impl Reader<'_> {
    /// The one action among the entries that are no keys of the holder. `holder` is what is marked where there is none.
    pub(super) fn action(&mut self, entries: Vec<Entry>, holder: At<'_>) -> Option<Call> {
        let mut candidates = Vec::new();
        for entry in entries {
            match entry.value.kind {
                NodeKind::Table(table) => candidates.extend(table.entries.into_iter().map(|action| Candidate {
                    executor: entry.key.clone(),
                    executor_span: entry.key_span,
                    action,
                })),
                other => {
                    let known: Vec<&str> =
                        self.registry.executor(&entry.key).map(|e| e.actions().iter().map(|a| a.name).collect()).unwrap_or_default();
                    self.faults.push(
                        Diagnostic::error(Code::NoAction, format!("`{}` does not say which action", entry.key))
                            .at(self.source, entry.key_span, format!("expected `{}.ACTION`, found {}", entry.key, other.name()))
                            .help(format!("its actions are {}", quoted(&known))),
                    );
                    return None;
                }
            }
        }
        let mut candidates = candidates.into_iter();
        let Some(first) = candidates.next() else {
            let executors: Vec<&str> = self.registry.executors().map(Executor::name).collect();
            self.faults.push(
                Diagnostic::error(Code::NoAction, format!("`{}` has no action", holder.name))
                    .at(self.source, holder.span, "nothing says what to do")
                    .help(format!("add `EXECUTOR.ACTION = {{ … }}`; the executors are {}", quoted(&executors))),
            );
            return None;
        };
        let others: Vec<Candidate> = candidates.collect();
        if !others.is_empty() {
            let mut fault = Diagnostic::error(Code::SeveralActions, format!("`{}` has {} actions", holder.name, others.len() + 1));
            for other in &others {
                fault = fault.at(self.source, other.span(), format!("another action: `{}.{}`", other.executor, other.action.key));
            }
            fault = fault.at(self.source, first.span(), "the first action");
            self.faults.push(fault.help("make it two: each has one action"));
        }
        let called = self.call(first);
        for other in others {
            self.call(other);
        }
        called
    }

    fn call(&mut self, candidate: Candidate) -> Option<Call> {
        let (executor, spec) = self.spec(&candidate)?;
        let key_span = candidate.span();
        let name = format!("{}.{}", candidate.executor, candidate.action.key);
        let Node { span, kind } = candidate.action.value;
        let NodeKind::Table(mut table) = kind else {
            self.faults.push(
                Diagnostic::error(Code::WrongType, format!("wrong type for `{name}`"))
                    .at(self.source, span, format!("expected a table with its fields, found {}", kind.name()))
                    .help(format!("write `{name} = {{ … }}`")),
            );
            return None;
        };
        let shape = self.action_shape(spec);
        let rule = shape.accepts.tables.first()?;
        let proof = rule.proof_key().and_then(|key| {
            let at = table.entries.iter().position(|entry| entry.key == key)?;
            Some(table.entries.remove(at))
        });
        let (faults, entries, places) = (self.faults.len(), table.entries.len(), self.places.len());
        let fields = self.walk_table(rule, table, span, At { name: &name, span: key_span });
        // What was left out, with a report or because its target has one, is not reported as missing.
        let whole = matches!(&fields.kind, FieldKind::Table(fields) if fields.len() == entries);
        if whole && self.faults.len() == faults {
            self.fields_together(&name, spec, &fields, key_span);
        }
        let exposed = self.places.iter().skip(places).filter(|place| place.refuses_secrets).map(|place| place.span).collect();
        Some(Call { action: ActionCall { executor, spec, key_span, fields, exposed }, proof })
    }

    /// What the action itself says of its fields, which no schema can say. Where there are templates it is asked when they are rendered.
    fn fields_together(&mut self, name: &str, spec: &ActionSpec, fields: &Field, key_span: Span) {
        let Some(values) = literal(fields) else { return };
        let Err(faults) = (spec.build)(values) else { return };
        for fault in faults {
            let span = if fault.path.is_empty() { key_span } else { locate(fields, &fault.path) };
            let diagnostic = Diagnostic::error(Code::FieldsTogether, fault.told(name)).at(self.source, span, "");
            self.faults.push(match fault.help {
                Some(help) => diagnostic.help(help),
                None => diagnostic,
            });
        }
    }

    fn spec(&mut self, candidate: &Candidate) -> Option<(&'static str, &'static ActionSpec)> {
        let Some(executor) = self.registry.executor(&candidate.executor) else {
            let fault = Diagnostic::error(Code::UnknownAction, format!("there is no executor `{}`", candidate.executor)).at(
                self.source,
                candidate.executor_span,
                "not known",
            );
            let executors: Vec<&str> = self.registry.executors().map(Executor::name).collect();
            let help = match nearest(&candidate.executor, executors.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the executors are {}", quoted(&executors)),
            };
            self.faults.push(fault.help(help));
            return None;
        };
        let wanted = &candidate.action.key;
        if let Some(spec) = executor.actions().iter().find(|action| action.name == wanted) {
            return Some((executor.name(), spec));
        }
        let fault = Diagnostic::error(Code::UnknownAction, format!("`{}` has no action `{wanted}`", executor.name())).at(
            self.source,
            candidate.action.key_span,
            "not known",
        );
        let actions: Vec<&str> = executor.actions().iter().map(|action| action.name).collect();
        let elsewhere = self.registry.executors().find(|e| e.actions().iter().any(|a| a.name == wanted));
        let help = match (nearest(wanted, actions.iter().copied()), elsewhere) {
            (Some(near), _) => format!("did you mean `{}.{near}`?", executor.name()),
            (None, Some(other)) => format!("did you mean `{}.{wanted}`?", other.name()),
            (None, None) => format!("its actions are {}", quoted(&actions)),
        };
        self.faults.push(fault.help(help));
        None
    }
}

impl Candidate {
    /// `EXECUTOR.ACTION` where it is written in one piece, else the action's name.
    fn span(&self) -> Span {
        let (from, to) = (self.executor_span, self.action.key_span);
        if from.end < to.start && to.start - from.end < 8 { from.to(to) } else { to }
    }
}
