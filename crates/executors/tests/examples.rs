//! The example of every action is accepted as it stands.
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::fmt::Write as _;

use runbook_core::diagnostic::render::{Style, human};
use runbook_core::document;

/// A runbook around an example, with the targets that it names.
fn around(example: &str, changes: bool) -> String {
    let mut text = "format = 1\nname = \"example\"\n\n".to_owned();
    let mut names: Vec<&str> = example.split("target = \"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let _ = write!(text, "[target.{name}]\nmysql = {{ host = \"db\", user = \"u\" }}\n\n");
    }
    if example.contains("{{vars.container}}") {
        text.push_str("[vars.container]\ntype = \"string\"\n\n");
    }
    if example.contains("{{before.") {
        let step = "file.copy = { from = \"/etc/odc.env\", to = \"/tmp/odc.env\" }";
        let _ = write!(text, "[[step]]\nid = \"example\"\n{step}\n[[step.undo]]\n{example}\n");
    } else {
        let fate = if changes { "leaves = \"what the example makes\"\n" } else { "" };
        let _ = write!(text, "[[step]]\nid = \"example\"\n{fate}{example}\n");
    }
    text
}

/// What the engine itself says of every step would hide an output of the same name.
#[test]
fn no_output_has_a_name_that_every_step_has() {
    for executor in runbook_executors::registry().executors() {
        for action in executor.actions() {
            let hidden = action.outputs.iter().find(|output| ["started_at", "finished_at", "items"].contains(&output.name));
            assert!(hidden.is_none(), "{}.{} has an output `{}`", executor.name(), action.name, hidden.unwrap().name);
        }
    }
}

#[test]
fn every_example_is_accepted() {
    let registry = runbook_executors::registry();
    let mut refused = Vec::new();
    for executor in registry.executors() {
        for action in executor.actions() {
            assert!(!action.example.is_empty(), "{}.{} has no example", executor.name(), action.name);
            let source = document::read("example.toml", around(action.example, action.class.changes()).into_bytes()).unwrap();
            // What the example of a call calls.
            let mut called = |file: &str| {
                let text = "format = 1\nname = 'called'\n[vars.container]\ntype = 'string'\n[[step]]\nid = 'look'\ndocker.inspect = { container = '{{vars.container}}' }\n";
                document::read(file, text.as_bytes().to_vec())
            };
            let (runbook, faults) = runbook_core::load_with(&source, &registry, &mut called);
            if runbook.is_none() {
                refused.push(format!("{}.{}:\n{}", executor.name(), action.name, human(&faults, Style::default())));
            }
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}
