//! `docs/reference.md`: every action with its fields and outputs, every target, every helper.

use runbook_core::action::{ActionSpec, Effect, OutputKind, OutputSpec, Registry, TargetSpec};
use runbook_core::template::helpers::FAMILIES;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::Value;
use std::fmt::Write;

/// The whole page.
pub(super) fn markdown(registry: &Registry) -> String {
    let mut page = String::from(
        "<!-- Written by `cargo xtask generate` from the types; do not edit. -->\n# Reference\n\nThe keys of a runbook and of its steps are in [Writing runbooks](authors.md). \
         Here: what a step can do, where it does it, and what templates and expressions can compute.\n\nEvery text field takes a template (`{{…}}`); so does a number, a switch or a list that is nothing \
         but one template. Fields in **bold** have to be given.\n\n",
    );
    for executor in registry.executors() {
        let _ = writeln!(page, "- [{0}](#{0}): {1}", executor.name(), names(executor.actions().iter().map(|action| action.name)));
    }
    page.push_str("- [helpers](#helpers)\n");
    for executor in registry.executors() {
        let _ = write!(page, "\n## {}\n\n{}\n", executor.name(), executor.about());
        for target in executor.targets() {
            write_target(&mut page, target);
        }
        for action in executor.actions() {
            write_action(&mut page, executor.name(), action);
        }
    }
    page.push_str("\n## helpers\n");
    for family in FAMILIES {
        let _ = write!(page, "\n### {}\n\n{}\n\n| call | what it gives | example |\n|---|---|---|\n", family.title, family.about);
        for helper in family.helpers {
            let example = format!("`{}` → `{}`", helper.example, helper.result);
            let _ = writeln!(page, "| `{}` | {} | {} |", cell(helper.signature), cell(helper.about), cell(&example));
        }
    }
    page
}

fn write_target(page: &mut String, target: &TargetSpec) {
    let _ = write!(page, "\n### Target `{}`\n\n{}\n", target.kind, target.about);
    write_fields(page, &schema(target.schema));
}

fn write_action(page: &mut String, executor: &str, action: &ActionSpec) {
    let class = match action.class.effect {
        Effect::ReadOnly => "Changes nothing.",
        Effect::Idempotent => "May be repeated: a second time changes nothing more.",
        Effect::Once => "Never repeated by itself.",
    };
    let schema = schema(action.schema);
    let about = schema["description"].as_str().unwrap_or(action.about);
    let _ = write!(page, "\n### {executor}.{}\n\n{about}\n\n*{class}*", action.name);
    if !action.class.interruptible {
        page.push_str(" *Not interrupted: it is waited for.*");
    }
    let _ = write!(page, "\n\n```toml\n{}\n```\n", action.example);
    write_fields(page, &schema);
    write_outputs(page, "Output", action.outputs);
    write_outputs(page, "Found before (`before`)", action.before);
}

fn write_fields(page: &mut String, schema: &Value) {
    let Some(fields) = schema["properties"].as_object().filter(|fields| !fields.is_empty()) else { return };
    let required = schema["required"].as_array();
    page.push_str("\n| field | kind | |\n|---|---|---|\n");
    for (name, field) in fields {
        let needed = required.is_some_and(|list| list.iter().any(|one| one == name.as_str()));
        let name = if needed { format!("**`{name}`**") } else { format!("`{name}`") };
        let mut about = field["description"].as_str().unwrap_or_default().to_owned();
        match &field["default"] {
            Value::Null => {}
            Value::Array(list) if list.is_empty() => {}
            Value::Object(map) if map.is_empty() => {}
            default => {
                let _ = write!(about, " Default: `{default}`.");
            }
        }
        let _ = writeln!(page, "| {name} | {} | {} |", cell(&kind(schema, field)), cell(&about));
    }
}

fn write_outputs(page: &mut String, title: &str, outputs: &[OutputSpec]) {
    if outputs.is_empty() {
        return;
    }
    let _ = write!(page, "\n| {} | kind | |\n|---|---|---|\n", title.to_lowercase());
    for output in outputs {
        let kind = match output.kind {
            OutputKind::Bool => "true or false",
            OutputKind::Int => "integer",
            OutputKind::Number => "number",
            OutputKind::String => "text",
            OutputKind::List => "list",
            OutputKind::Map => "map",
            OutputKind::Any => "any",
        };
        let secret = if output.sensitive { " Sensitive: masked wherever it is shown." } else { "" };
        let _ = writeln!(page, "| `{}` | {kind} | {}{secret} |", output.name, cell(output.about));
    }
}

/// A kind of field in words: what its schema says, or what it says was expected.
fn kind(root: &Value, field: &Value) -> String {
    if let Some(target) = field["x-target"].as_str() {
        return format!("target (`{target}`)");
    }
    if let Some(reference) = field["$ref"].as_str() {
        let resolved = root.pointer(reference.trim_start_matches('#')).unwrap_or(&Value::Null);
        return kind(root, resolved);
    }
    if let Some(options) = field["anyOf"].as_array().or_else(|| field["oneOf"].as_array()) {
        let mut kinds: Vec<String> = options.iter().filter(|option| option["type"] != "null").map(|option| kind(root, option)).collect();
        kinds.dedup();
        return kinds.join(" or ");
    }
    if let Some(choices) = field["enum"].as_array() {
        return choices.iter().map(|choice| format!("`{choice}`")).collect::<Vec<_>>().join(", ");
    }
    if let Some(choice) = field.get("const") {
        return format!("`{choice}`");
    }
    if let Some(expected) = field["x-expected"].as_str() {
        return expected.to_owned();
    }
    let kinds: Vec<&str> = match &field["type"] {
        Value::String(one) => vec![one.as_str()],
        Value::Array(list) => list.iter().filter_map(Value::as_str).filter(|one| *one != "null").collect(),
        _ => Vec::new(),
    };
    let words: Vec<String> = kinds.into_iter().map(|one| word(root, field, one)).collect();
    words.join(" or ")
}

fn word(root: &Value, field: &Value, kind_name: &str) -> String {
    match kind_name {
        "string" => match field["x-text"].as_str() {
            Some("shell") => "shell script".to_owned(),
            Some("sql") => "SQL".to_owned(),
            Some("path") => "path".to_owned(),
            Some("url") => "URL".to_owned(),
            Some(_) | None => "text".to_owned(),
        },
        "boolean" => "`true` or `false`".to_owned(),
        "array" => match kind(root, &field["items"]) {
            items if items.is_empty() => "list".to_owned(),
            items => format!("list of {items}"),
        },
        "object" => match kind(root, &field["additionalProperties"]) {
            values if values.is_empty() => "table".to_owned(),
            values => format!("table of {values}"),
        },
        other => other.to_owned(),
    }
}

fn schema(of: fn(&mut SchemaGenerator) -> schemars::Schema) -> Value {
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    of(&mut settings.into_generator()).to_value()
}

fn names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// A text inside a table's cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace("\n\n", "<br>").replace('\n', " ")
}
