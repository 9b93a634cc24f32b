//! The reference, `docs/reference.md`.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde_json::Value;

use crate::action::{ActionSpec, Effect, Executor, OutputKind, OutputSpec, Registry, TargetSpec};
use crate::described::Described;
use crate::format::{
    CheckDecl, LockStoreDecl, MonitorDecl, ProbeDecl, RepeatDecl, RetryDecl, RunbookFile, StepDecl, UndoDecl, ValueDecl, VarDecl,
    VerifyDecl,
};
use crate::shape::{Compiler, Dialect, Others, Shape, TableRule, Text};
use crate::template::TextKind;
use crate::template::helpers::FAMILIES;

/// Every key, action, field, output, target and helper, as Markdown.
pub fn reference(registry: &Registry) -> String {
    let mut page = Page { text: String::new(), compiler: Compiler::default() };
    page.line("<!-- Written by `cargo xtask generate` from the types; do not edit. -->");
    page.line("# Reference");
    page.line("");
    page.line("How it all goes together is in [Writing runbooks](authors.md). Keys in **bold** have to be given.");
    page.line("");
    page.contents(registry);
    page.format();
    for executor in registry.executors() {
        page.executor(executor);
    }
    page.helpers();
    page.text.truncate(page.text.trim_end().len());
    page.text.push('\n');
    page.text
}

struct Page {
    text: String,
    compiler: Compiler,
}

impl Page {
    fn line(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    fn contents(&mut self, registry: &Registry) {
        self.line("- [the file](#the-file): checks, steps, verifies, monitors, variables, and what stands inside them");
        for executor in registry.executors() {
            let actions: Vec<String> = executor.actions().iter().map(|action| format!("`{}`", action.name)).collect();
            self.line(&format!("- [{0}](#{0}): {1}", executor.name(), actions.join(", ")));
        }
        self.line("- [helpers](#helpers): what templates and expressions can compute");
        self.line("");
    }

    fn format(&mut self) {
        self.line("## The file");
        self.line("");
        self.line(
            "Texts are plain values unless marked as a template (`{{…}}` in the text) or an expression (which stands without braces).",
        );
        self.line("");
        self.keys_of::<RunbookFile>("Top level");
        self.keys_of::<VarDecl>("`[vars.NAME]`");
        self.keys_of::<ValueDecl>("`[values.NAME]`");
        self.keys_of::<LockStoreDecl>("`[lock_store]`");
        self.keys_of::<CheckDecl>("`[[check]]`");
        self.keys_of::<StepDecl>("`[[step]]`");
        self.keys_of::<UndoDecl>("`undo = [{ … }]`, `[[step.undo]]`");
        self.keys_of::<ProbeDecl>("`probe = { … }`, `proof = { … }`");
        self.keys_of::<VerifyDecl>("`[[verify]]`");
        self.keys_of::<MonitorDecl>("`[[monitor]]`");
        self.keys_of::<RetryDecl>("`retry = { … }`");
        self.keys_of::<RepeatDecl>("`repeat = { … }`");
    }

    fn keys_of<T: JsonSchema>(&mut self, title: &str) {
        let shape = self.compiler.compile(Described::Type(T::json_schema), Dialect::Format);
        self.line(&format!("### {title}"));
        self.line("");
        if !shape.about.is_empty() {
            self.line(&paragraph(&shape.about));
            self.line("");
        }
        self.keys(&shape, Dialect::Format);
    }

    /// The table of a table's keys.
    fn keys(&mut self, shape: &Shape, dialect: Dialect) {
        let heads = if dialect == Dialect::Format { &["key", "value", "meaning"] } else { &["field", "value", "meaning"] };
        let mut rows = Vec::new();
        for rule in &shape.accepts.tables {
            rows_of(rule, "", dialect, &mut rows);
        }
        if rows.is_empty() {
            self.line("It takes no fields.");
            self.line("");
            return;
        }
        self.table(heads, &rows);
    }

    fn table(&mut self, heads: &[&str], rows: &[[String; 3]]) {
        self.line(&format!("| {} |", heads.join(" | ")));
        self.line(&format!("|{}", "---|".repeat(heads.len())));
        for row in rows {
            let cells: Vec<String> = row.iter().map(|cell| cell.replace('|', "\\|").replace('\n', " ")).collect();
            self.line(&format!("| {} |", cells.join(" | ")));
        }
        self.line("");
    }

    fn executor(&mut self, executor: &dyn Executor) {
        self.line(&format!("## {}", executor.name()));
        self.line("");
        self.line(executor.about());
        self.line("");
        self.line("Texts are templates unless something else is said; so may be a number, a switch, a list or a table that is nothing but one template.");
        self.line("");
        for target in executor.targets() {
            self.target(target);
        }
        for spec in executor.actions() {
            self.action(executor.name(), spec);
        }
    }

    fn action(&mut self, executor: &str, spec: &ActionSpec) {
        let shape = self.compiler.compile(spec.schema, Dialect::Action);
        self.line(&format!("### {executor}.{}", spec.name));
        self.line("");
        self.line(&paragraph(if shape.about.is_empty() { spec.about } else { &shape.about }));
        self.line("");
        let class = match spec.class.effect {
            Effect::ReadOnly => "It only reads.",
            Effect::Idempotent => "It changes something, and doing it twice leaves the same as doing it once.",
            Effect::Once => "It changes something, and is not done twice without knowing how the first time ended.",
        };
        let waits = if spec.class.interruptible { "" } else { " It is not interrupted, but waited for." };
        let switch = spec.changes_with.map_or_else(String::new, |switch| {
            format!(" With `{switch}` it changes something, so it is a step then; doing it twice leaves the same as doing it once.")
        });
        self.line(&format!("{class}{waits}{switch}"));
        self.line("");
        if !spec.example.is_empty() {
            self.line("```toml");
            self.line(spec.example.trim());
            self.line("```");
            self.line("");
        }
        self.keys(&shape, Dialect::Action);
        self.outputs("output", spec.outputs);
        self.outputs("`before`", spec.before);
    }

    fn outputs(&mut self, what: &str, outputs: &[OutputSpec]) {
        if outputs.is_empty() {
            return;
        }
        let rows: Vec<[String; 3]> = outputs
            .iter()
            .map(|output| {
                let sensitive = if output.sensitive { " *May hold secrets: masked, and never journaled in clear.*" } else { "" };
                [format!("`{}`", output.name), kind(output.kind).to_owned(), format!("{}{sensitive}", output.about)]
            })
            .collect();
        self.table(&[what, "type", "meaning"], &rows);
    }

    fn target(&mut self, target: &TargetSpec) {
        self.line(&format!("### `[target.NAME]` with `{} = {{ … }}`", target.kind));
        self.line("");
        self.line(target.about);
        self.line("");
        let shape = self.compiler.compile(target.schema, Dialect::Action);
        self.keys(&shape, Dialect::Action);
    }

    fn helpers(&mut self) {
        self.line("## Helpers");
        self.line("");
        self.line("In a template `{{helper a b}}`, in an expression `helper a b`; a helper inside another stands in parentheses.");
        self.line("");
        for family in FAMILIES {
            self.line(&format!("### {}", family.title));
            self.line("");
            if !family.about.is_empty() {
                self.line(family.about);
                self.line("");
            }
            let rows: Vec<[String; 3]> = family
                .helpers
                .iter()
                .map(|helper| {
                    [
                        format!("`{}`", helper.signature),
                        helper.about.to_owned(),
                        if helper.result.is_empty() {
                            format!("`{}`", helper.example)
                        } else {
                            format!("`{}` → `{}`", helper.example, helper.result)
                        },
                    ]
                })
                .collect();
            self.table(&["helper", "gives", "example"], &rows);
        }
    }
}

/// The rows of a table's keys, those of tables inside it behind their own.
fn rows_of(rule: &TableRule, prefix: &str, dialect: Dialect, rows: &mut Vec<[String; 3]>) {
    for key in &rule.keys {
        let name = format!("{prefix}{}", key.name);
        let shown = if key.required { format!("**`{name}`**") } else { format!("`{name}`") };
        let default = match &key.default {
            Some(Value::Array(items)) if items.is_empty() => String::new(),
            Some(Value::Object(entries)) if entries.is_empty() => String::new(),
            Some(default) => format!(" Default: `{default}`."),
            None => String::new(),
        };
        let mark = match (&key.shape.text, dialect) {
            (Text::Template(TextKind::Shell), _) => " (a shell text)",
            (Text::Template(TextKind::Sql), _) => " (an SQL text)",
            (Text::Template(TextKind::Verbatim), Dialect::Action) if key.shape.accepts.text.is_some() => " (taken as it is, no templates)",
            // In actions nearly every text may be a template: only what is special is said.
            (Text::Template(TextKind::Plain), Dialect::Format) if key.shape.accepts.text.is_some() => " (a template)",
            (Text::Literal | Text::Expr | Text::Template(_) | Text::Target(_), _) => "",
        };
        let expected = match &key.shape.accepts.list {
            _ if key.proof => "a table with an action and `expect`".to_owned(),
            Some(list) if list.item.accepts.tables.is_empty() && !list.item.accepts.anything => {
                format!("{}, each {}", key.shape.expectation(), list.item.expectation())
            }
            Some(_) | None => key.shape.expectation(),
        };
        rows.push([shown, format!("{expected}{mark}"), format!("{}{default}", paragraph(&key.shape.about))]);
        // Units, variables and targets have parts of their own.
        if key.proof
            || (prefix.is_empty() && ["vars", "target", "check", "step", "verify", "undo", "probe", "retry"].contains(&key.name.as_str()))
        {
            continue;
        }
        for inner in &key.shape.accepts.tables {
            rows_of(inner, &format!("{name}."), dialect, rows);
            inner_of_map(inner, &name, dialect, rows);
        }
        if let Some(list) = &key.shape.accepts.list {
            for inner in &list.item.accepts.tables {
                rows_of(inner, &format!("{name}[]."), dialect, rows);
            }
        }
    }
}

/// The keys of a map's values, where they are tables.
fn inner_of_map(rule: &TableRule, name: &str, dialect: Dialect, rows: &mut Vec<[String; 3]>) {
    let values: Vec<&Shape> = match &rule.others {
        Others::Refused => Vec::new(),
        Others::Any(shape) => vec![shape],
        Others::Matching(patterns) => patterns.iter().map(|(_, shape)| &**shape).collect(),
    };
    for inner in values.iter().flat_map(|shape| &shape.accepts.tables) {
        rows_of(inner, &format!("{name}.NAME."), dialect, rows);
    }
}

const fn kind(kind: OutputKind) -> &'static str {
    match kind {
        OutputKind::String => "text",
        OutputKind::Int => "whole number",
        OutputKind::Number => "number",
        OutputKind::Bool => "true or false",
        OutputKind::List => "list",
        OutputKind::Map => "map",
        OutputKind::Any => "any",
    }
}

/// Doc comments are wrapped; a paragraph is not.
fn paragraph(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let line = line.trim();
        if !out.is_empty() {
            // Writing to a string does not fail.
            let _ = write!(out, "{}", if line.is_empty() || line.starts_with("- ") { "\n" } else { " " });
        }
        out.push_str(line);
    }
    out.trim().to_owned()
}
