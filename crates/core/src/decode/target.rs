//! `[target.NAME]`.

use super::draft::NameRef;
use super::reader::Reader;
use crate::diagnostic::{Code, Diagnostic};
use crate::document::Node;
use crate::runbook::TargetDecl;
use crate::shape::{At, Dialect, quoted};
use crate::suggest::nearest;
use crate::value::Name;

impl Reader<'_> {
    /// All targets; their names and kinds are known to the units afterwards.
    pub(super) fn target_decls(&mut self, node: Node) -> Vec<TargetDecl> {
        let Some((table, _)) = self.table(node, "target") else { return Vec::new() };
        let mut targets = Vec::new();
        for entry in table.entries {
            let name = NameRef { name: entry.key, span: entry.key_span };
            self.check_name(&name);
            if let Some(target) = self.target_decl(&name, entry.value) {
                self.targets.push((name.name, target.kind));
                targets.push(target);
            } else {
                self.broken_targets.push(name.name);
            }
        }
        targets
    }

    fn target_decl(&mut self, name: &NameRef, node: Node) -> Option<TargetDecl> {
        let (table, _) = self.table(node, &name.name)?;
        let kinds: Vec<&'static str> = self.registry.executors().flat_map(|e| e.targets().iter().map(|t| t.kind)).collect();
        let count = table.entries.len();
        let Some(entry) = table.entries.into_iter().next().filter(|_| count == 1) else {
            self.faults.push(
                Diagnostic::error(Code::WrongTargetKind, format!("the target `{}` has {count} kinds", name.name))
                    .at(self.source, name.span, "expected one")
                    .help(format!("write one of {} with its settings: `{} = {{ … }}`", quoted(&kinds), kinds.first().unwrap_or(&"mysql"))),
            );
            return None;
        };
        let Some(spec) = self.registry.target(&entry.key) else {
            let help = match nearest(&entry.key, kinds.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the kinds are {}", quoted(&kinds)),
            };
            self.faults.push(
                Diagnostic::error(Code::WrongTargetKind, format!("there is no kind of target `{}`", entry.key))
                    .at(self.source, entry.key_span, "not known")
                    .help(help),
            );
            return None;
        };
        let shape = self.shape(spec.schema, Dialect::Action);
        let (settings, span) = self.table(entry.value, spec.kind)?;
        let settings = self.walk_table(shape.accepts.tables.first()?, settings, span, At { name: spec.kind, span: entry.key_span });
        Some(TargetDecl { name: name.name.clone(), name_span: name.span, kind: spec.kind, spec, settings })
    }

    /// Reports a name that does not have the form of one.
    pub(super) fn check_name(&mut self, name: &NameRef) {
        if Name::parse(&name.name).is_err() {
            self.faults.push(Diagnostic::error(Code::BadName, format!("`{}` is no name", name.name)).at(
                self.source,
                name.span,
                format!("expected {}", Name::EXPECTED),
            ));
        }
    }
}
