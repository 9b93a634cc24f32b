//! The files of `schemas/types`, which the program holds a runbook against.

use crate::action::Registry;
use crate::described::Described;
use crate::format::PARTS;

/// For each part of the format, each action and each kind of target: the name of its file without `.json`, and the text of it.
pub fn types(registry: &Registry) -> Vec<(String, String)> {
    let text = |described: Described| format!("{}\n", described.whole());
    let mut files: Vec<(String, String)> = PARTS.iter().map(|(name, described)| ((*name).to_owned(), text(*described))).collect();
    for executor in registry.executors() {
        for spec in executor.actions() {
            files.push((format!("{}.{}", executor.name(), spec.name), text(spec.schema)));
        }
        for target in executor.targets() {
            files.push((format!("target.{}", target.kind), text(target.schema)));
        }
    }
    files
}
