//! `[lock_store]`.

use std::time::Duration;

use super::draft::NameRef;
use super::keys::{Keys, literal};
use super::reader::Reader;
use crate::diagnostic::{Code, Diagnostic};
use crate::document::Entry;
use crate::format::LOCK_STORE;
use crate::runbook::LockStore;
use crate::shape::{At, quoted};
use crate::suggest::nearest;
use crate::value;

/// The database where none is named.
const DATABASE: &str = "runbook";
/// How long a lock lasts where nothing is said. A run that was killed keeps others away for so long at most before they are told that it is silent.
const LEASE: Duration = Duration::from_mins(1);
/// Renewing takes a login; below this a busy server would cost a run its locks.
const SHORTEST: Duration = Duration::from_secs(1);
/// Beyond it nobody would learn in time that a run is gone.
const LONGEST: Duration = Duration::from_hours(24);

impl Reader<'_> {
    /// The place for locks; targets are known by now.
    pub(super) fn lock_store(&mut self, entry: Entry) -> Option<LockStore> {
        let (table, span) = self.table(entry.value, "lock_store")?;
        let shape = self.format_shape(LOCK_STORE);
        let rule = shape.accepts.tables.first()?;
        let mut keys = Keys::of(self.walk_table(rule, table, span, At { name: "lock_store", span: entry.key_span }));
        let target = keys.name("target");
        let target = target.and_then(|name| self.target_for_locks(&name));
        let written = keys.take("lease");
        let lease = written.as_ref().and_then(|field| serde_json::from_value::<value::Duration>(literal(field)?).ok());
        let lease = lease.map_or(LEASE, value::Duration::get);
        if !(SHORTEST..=LONGEST).contains(&lease) {
            self.faults.push(
                Diagnostic::error(Code::LeaseTime, "a `lease` that no lock can have")
                    .at(self.source, written.map_or(span, |field| field.span), "expected a time from `1s` to `1d`")
                    .help("leave it out for `1m`"),
            );
        }
        Some(LockStore {
            span: entry.key_span,
            target: target?,
            database: keys.text("database").unwrap_or_else(|| DATABASE.to_owned()),
            lease,
        })
    }

    /// The number of a target that can keep locks.
    fn target_for_locks(&mut self, wanted: &NameRef) -> Option<usize> {
        if self.broken_targets.contains(&wanted.name) {
            return None;
        }
        let can = |kind: &str| self.registry.target(kind).is_some_and(|spec| spec.leases.is_some());
        let fitting: Vec<&str> = self.targets.iter().filter(|(_, kind)| can(kind)).map(|(name, _)| name.as_str()).collect();
        let Some(index) = self.targets.iter().position(|(name, _)| *name == wanted.name) else {
            let fault = Diagnostic::error(Code::UnknownTarget, format!("there is no target `{}`", wanted.name)).at(
                self.source,
                wanted.span,
                "not declared",
            );
            let help = match (nearest(&wanted.name, fitting.iter().copied()), &fitting[..]) {
                (Some(near), _) => format!("did you mean `{near}`?"),
                (None, []) => format!("declare it: `[target.{}]` with `mysql = {{ … }}`", wanted.name),
                (None, several) => format!("targets that can keep locks: {}", quoted(several)),
            };
            self.faults.push(fault.help(help));
            return None;
        };
        let kind = self.targets.get(index).map_or("", |(_, kind)| kind);
        if !can(kind) {
            self.faults.push(
                Diagnostic::error(Code::WrongTargetKind, format!("the target `{}` cannot keep locks", wanted.name))
                    .at(self.source, wanted.span, format!("a `{kind}` target"))
                    .help("name a target whose server all hosts see and that keeps rows, such as `mysql`"),
            );
            return None;
        }
        Some(index)
    }
}
