//! The whole file.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::draft::{Draft, DraftUnit};
use super::keys::Keys;
use super::reader::Reader;
use super::unit::Read;
use crate::action::Registry;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::document::{Entry, Node, NodeKind, Table};
use crate::effect::UnitIx;
use crate::format::RUNBOOK;
use crate::runbook::{OnFailure, Phase, Runbook, TargetDecl, Unit, ValueDecl, Var};
use crate::shape::{At, TableRule};
use crate::source::{Source, Span};

/// The version of the format that this program reads.
const FORMAT: i64 = 1;

/// Reads a file's tree. There is no draft where the file is of another version, or no table of a runbook at all.
///
/// `on_failure` is the word of the call for which it is read: it stands for the file's own.
pub(crate) fn decode(source: &Arc<Source>, root: Node, registry: &Registry, on_failure: Option<OnFailure>) -> (Option<Draft>, Diagnostics) {
    let mut reader = Reader::new(source, registry);
    let mut draft = match root.kind {
        NodeKind::Table(table) => reader.file(table, on_failure),
        _ => None,
    };
    if let Some(draft) = &mut draft {
        draft.faulty = reader.faults.has_errors();
    }
    (draft, reader.faults)
}

/// The parts of a file that are read one by one.
#[derive(Default)]
struct Parts {
    vars: Option<Node>,
    values: Option<Node>,
    target: Option<Node>,
    lock_store: Option<Entry>,
    check: Option<Node>,
    step: Option<Node>,
    verify: Option<Node>,
    monitor: Option<Node>,
}

impl Reader<'_> {
    fn file(&mut self, table: Table, on_failure: Option<OnFailure>) -> Option<Draft> {
        if !self.is_format(&table) {
            return None;
        }
        let mut parts = Parts::default();
        let mut own = Table::default();
        for entry in table.entries {
            let part = match entry.key.as_str() {
                "vars" => &mut parts.vars,
                "values" => &mut parts.values,
                "target" => &mut parts.target,
                "lock_store" => {
                    parts.lock_store = Some(entry);
                    continue;
                }
                "check" => &mut parts.check,
                "step" => &mut parts.step,
                "verify" => &mut parts.verify,
                "monitor" => &mut parts.monitor,
                _ => {
                    own.entries.push(entry);
                    continue;
                }
            };
            *part = Some(entry.value);
        }
        if own.get("format").is_none() {
            // Its absence was reported; the walk need not say it again.
            let value = Node { span: Span::default(), kind: NodeKind::Int(FORMAT) };
            own.entries.push(Entry { key: "format".to_owned(), key_span: Span::default(), value });
        }
        let shape = self.format_shape(RUNBOOK);
        let rule = shape.accepts.tables.first()?;
        let first_line = self.source.line(1);
        let mut keys = Keys::of(self.walk_table(rule, own, first_line, At { name: "runbook", span: first_line }));

        let vars = parts.vars.map(|node| self.var_decls(node)).unwrap_or_default();
        let values = parts.values.map(|node| self.value_decls(node)).unwrap_or_default();
        self.take_places();
        let targets = parts.target.map(|node| self.target_decls(node)).unwrap_or_default();
        let target_places = self.take_places();
        let lock_store = parts.lock_store.and_then(|entry| self.lock_store(entry));
        let units = [parts.check, parts.step, parts.verify];
        if units.iter().all(Option::is_none) {
            self.faults.push(
                Diagnostic::error(Code::Empty, "there is nothing to do")
                    .at(self.source, first_line, "no `[[check]]`, no `[[step]]`, no `[[verify]]`")
                    .help("add a `[[step]]` with an `id` and an action"),
            );
        }
        let runbook = Self::runbook(Arc::clone(self.source), &mut keys, (vars.whole, values.whole, targets));
        let on_failure = on_failure.unwrap_or(runbook.on_failure);
        let runbook = Runbook { lock_store, on_failure, ..runbook };
        let mut draft = Draft {
            runbook,
            units: Vec::new(),
            broken: BTreeMap::new(),
            broken_vars: vars.broken,
            broken_values: values.broken,
            callees: BTreeMap::new(),
            faulty: false,
            target_places,
        };
        let [check, step, verify] = units;
        let monitor = parts.monitor;
        self.units(Phase::Check, check, rule, &mut draft);
        self.units(Phase::Step, step, rule, &mut draft);
        self.units(Phase::Verify, verify, rule, &mut draft);
        self.units(Phase::Monitor, monitor, rule, &mut draft);
        Some(draft)
    }

    fn runbook(source: Arc<Source>, keys: &mut Keys, (vars, values, targets): (Vec<Var>, Vec<ValueDecl>, Vec<TargetDecl>)) -> Runbook {
        Runbook {
            source,
            name: keys.text("name").unwrap_or_default(),
            title: keys.template("title"),
            description: keys.text("description"),
            risk: keys.value("risk").unwrap_or_default(),
            owners: keys.value("owners").unwrap_or_default(),
            locks: keys.templates("locks"),
            lock_store: None,
            on_failure: keys.value("on_failure").unwrap_or(OnFailure::Stop),
            vars,
            values,
            targets,
            outputs: keys.expr_map("outputs"),
            units: Vec::new(),
            called: Vec::new(),
        }
    }

    /// The units of one phase; `whole` is the rule of the file, which has theirs in it.
    fn units(&mut self, phase: Phase, node: Option<Node>, whole: &TableRule, draft: &mut Draft) {
        let name = phase.name();
        let rule = whole.key(name).and_then(|key| key.shape.accepts.list.as_ref());
        let (Some(node), Some(shape)) = (node, rule.map(|list| Rc::clone(&list.item))) else { return };
        for item in self.list(node, name) {
            let ix = UnitIx(u32::try_from(draft.runbook.units.len()).unwrap_or(u32::MAX));
            match self.unit(phase, &shape, item, ix, draft.runbook.on_failure) {
                Read::Whole(decoded) => {
                    let (unit, beside): (Unit, DraftUnit) = (decoded.unit, decoded.draft);
                    draft.runbook.units.push(unit);
                    draft.units.push(beside);
                }
                Read::Broken(id) => {
                    draft.broken.insert(id, phase);
                }
                Read::Lost => {}
            }
        }
    }

    /// Whether the file is of the version that this program reads.
    fn is_format(&mut self, table: &Table) -> bool {
        let Some(entry) = table.entry("format") else {
            let line = self.source.line(1);
            self.faults.push(
                Diagnostic::error(Code::Format, "the file does not say which format it has")
                    .at(self.source, line, "`format` is missing")
                    .help(format!("begin with `format = {FORMAT}`")),
            );
            return true;
        };
        match entry.value.kind {
            NodeKind::Int(FORMAT) => true,
            NodeKind::Int(other) => {
                let fault = Diagnostic::error(Code::Format, format!("the format {other} is not known")).at(
                    self.source,
                    entry.value.span,
                    format!("this version reads format {FORMAT}"),
                );
                let help = if other > FORMAT { "a newer version of `runbook` may read it" } else { "write `format = 1`" };
                self.faults.push(fault.help(help));
                false
            }
            // The walk reports the type.
            _ => true,
        }
    }
}
