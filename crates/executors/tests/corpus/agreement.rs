//! The published schema and the decoder agree on structure.

use std::path::Path;
use std::sync::Arc;

use runbook_core::diagnostic::Code;
use runbook_core::source::Source;
use toml::{Table, Value};

use super::files;

/// What both say of a file.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Fits,
    DoesNotFit,
    /// Templates, patterns and names of other things are more than a schema can say.
    BeyondSchemas,
}

/// Whether a code is about structure.
fn verdict_of(code: Code) -> Verdict {
    match code {
        Code::Format
        | Code::UnknownKey
        | Code::WrongType
        | Code::MissingKey
        | Code::BadValue
        | Code::BadName
        | Code::NoAction
        | Code::SeveralActions
        | Code::UnknownAction
        | Code::ValueSource => Verdict::DoesNotFit,
        Code::NotYet
        | Code::Syntax
        | Code::TomlOneOne
        | Code::HiddenCharacter
        | Code::NotUtf8
        | Code::TemplateNotAllowed
        | Code::TemplateSyntax
        | Code::UnknownHelper
        | Code::HelperArguments
        | Code::TemplateRefused
        | Code::ShellPlace
        | Code::SqlPlace
        | Code::BadPattern
        | Code::UnknownTarget
        | Code::WrongTargetKind => Verdict::BeyondSchemas,
        _ => Verdict::Fits,
    }
}

fn decoder(text: &str) -> (Verdict, Vec<String>) {
    let source = Arc::new(Source::new("x.toml", text));
    let (_, faults) = runbook_core::load(&source, &runbook_executors::registry());
    let verdicts: Vec<Verdict> = faults.iter().map(|fault| verdict_of(fault.code)).collect();
    let verdict = if verdicts.contains(&Verdict::DoesNotFit) {
        Verdict::DoesNotFit
    } else if verdicts.contains(&Verdict::BeyondSchemas) {
        Verdict::BeyondSchemas
    } else {
        Verdict::Fits
    };
    (verdict, faults.iter().map(|fault| format!("{} {}", fault.code, fault.message)).collect())
}

/// A tree as JSON, as an editor's language server sees it.
fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::String(text) => text.clone().into(),
        Value::Integer(number) => (*number).into(),
        Value::Float(number) => (*number).into(),
        Value::Boolean(value) => (*value).into(),
        Value::Datetime(time) => time.to_string().into(),
        Value::Array(items) => items.iter().map(json).collect(),
        Value::Table(table) => serde_json::Value::Object(table.iter().map(|(key, value)| (key.clone(), json(value))).collect()),
    }
}

fn tree(path: &Path) -> Option<Value> {
    std::fs::read_to_string(path).ok()?.parse::<Table>().ok().map(Value::Table)
}

fn schema() -> jsonschema::Validator {
    jsonschema::draft7::new(&runbook_core::schema::runbook_schema(&runbook_executors::registry())).unwrap()
}

fn schema_faults(schema: &jsonschema::Validator, tree: &Value) -> Vec<String> {
    schema.iter_errors(&json(tree)).map(|e| format!("{}: {e}", e.instance_path())).collect()
}

/// The keywords of JSON Schema that the decoder knows. A type that produces another one would be held less strictly than its schema says.
const KNOWN: [&str; 26] = [
    "type",
    "properties",
    "required",
    "additionalProperties",
    "patternProperties",
    "minProperties",
    "items",
    "minItems",
    "maxItems",
    "pattern",
    "minLength",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "enum",
    "const",
    "anyOf",
    "oneOf",
    "format",
    "title",
    "description",
    "default",
    "$schema",
    "$ref",
    "definitions",
    "examples",
];

#[test]
fn the_decoder_knows_every_keyword_of_every_schema() {
    fn look(schema: &serde_json::Value, what: &str) {
        let Some(object) = schema.as_object() else { return };
        for (key, value) in object {
            assert!(KNOWN.contains(&key.as_str()) || key.starts_with("x-"), "{what}: `{key}`");
            match (key.as_str(), value) {
                ("properties" | "patternProperties" | "definitions", serde_json::Value::Object(inner)) => {
                    inner.values().for_each(|schema| look(schema, what));
                }
                ("anyOf" | "oneOf", serde_json::Value::Array(inner)) => inner.iter().for_each(|schema| look(schema, what)),
                ("items" | "additionalProperties", schema) => look(schema, what),
                _ => {}
            }
        }
    }
    for executor in runbook_executors::registry().executors() {
        for action in executor.actions() {
            assert_eq!(action.schema.whole()["type"], "object", "{}", action.name);
            look(&action.schema.whole(), &format!("{}.{}", executor.name(), action.name));
        }
        for target in executor.targets() {
            assert_eq!(target.schema.whole()["type"], "object", "{}", target.kind);
            look(&target.schema.whole(), target.kind);
        }
    }
}

#[test]
fn the_schema_takes_valid_runbooks() {
    let schema = schema();
    for folder in ["tests/valid", "docs/examples", "runbooks"] {
        for path in files(folder) {
            assert_eq!(schema_faults(&schema, &tree(&path).unwrap()), Vec::<String>::new(), "{}", path.display());
        }
    }
}

#[test]
fn the_schema_and_the_decoder_agree_on_invalid_runbooks() {
    let schema = schema();
    let quarrels: String =
        files("tests/invalid").iter().filter_map(|path| quarrel(&schema, &tree(path)?, &path.display().to_string())).collect();
    assert_eq!(quarrels, "");
}

/// Single changes of each kind, all over the valid runbooks.
#[test]
fn the_schema_and_the_decoder_agree_on_mutated_runbooks() {
    let schema = schema();
    let mut quarrels = String::new();
    let mut count = 0;
    for path in files("tests/valid") {
        let whole = tree(&path).unwrap();
        for (nth, place) in places(&whole).iter().enumerate() {
            for (kind, mutation) in Mutation::ALL.iter().enumerate() {
                let mut mutated = whole.clone();
                // One in so many: each kind of change is made in many places, and each place is changed.
                if (nth + kind).is_multiple_of(ONE_IN) && mutation.apply(&mut mutated, place) && mutated != whole {
                    count += 1;
                    quarrels.extend(quarrel(&schema, &mutated, &format!("{} {mutation:?} {place:?}", path.display())));
                }
            }
        }
    }
    assert!(count > 100, "only {count} mutations");
    assert_eq!(quarrels, "");
}

/// How many mutations one is tried of: all of them take minutes. Prime, so that places and kinds meet in every way.
const ONE_IN: usize = 23;

/// What decoder and schema say where they do not agree.
fn quarrel(schema: &jsonschema::Validator, tree: &Value, what: &str) -> Option<String> {
    let (verdict, faults) = decoder(&toml::to_string(tree).unwrap());
    let found = schema_faults(schema, tree);
    let agreed = match verdict {
        Verdict::Fits => found.is_empty(),
        Verdict::DoesNotFit => !found.is_empty(),
        Verdict::BeyondSchemas => true,
    };
    (!agreed).then(|| format!("{what}\ndecoder: {faults:#?}\nschema: {found:#?}\n"))
}

/// A step on the way to a value.
#[derive(Clone, Debug)]
enum Step {
    Key(String),
    Index(usize),
}

/// The ways to all values of a tree.
fn places(tree: &Value) -> Vec<Vec<Step>> {
    fn walk(value: &Value, way: &[Step], found: &mut Vec<Vec<Step>>) {
        let mut inner = |step: Step, value: &Value| {
            let mut way = way.to_vec();
            way.push(step);
            walk(value, &way, found);
            found.push(way);
        };
        match value {
            Value::Table(table) => table.iter().for_each(|(key, value)| inner(Step::Key(key.clone()), value)),
            Value::Array(items) => items.iter().enumerate().for_each(|(ix, value)| inner(Step::Index(ix), value)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(tree, &[], &mut found);
    found
}

#[derive(Clone, Copy, Debug)]
enum Mutation {
    Remove,
    Rename,
    Add,
    ToText,
    ToEmptyText,
    ToNumber,
    ToNegative,
    ToBool,
    ToList,
    ToTable,
    ToTemplate,
}

impl Mutation {
    const ALL: [Self; 11] = [
        Self::Remove,
        Self::Rename,
        Self::Add,
        Self::ToText,
        Self::ToEmptyText,
        Self::ToNumber,
        Self::ToNegative,
        Self::ToBool,
        Self::ToList,
        Self::ToTable,
        Self::ToTemplate,
    ];

    /// Whether it can be done there.
    fn apply(self, tree: &mut Value, place: &[Step]) -> bool {
        let (last, way) = place.split_last().unwrap();
        let mut holder = tree;
        for step in way {
            holder = match step {
                Step::Key(key) => &mut holder[key.as_str()],
                Step::Index(ix) => &mut holder[*ix],
            };
        }
        let new = match self {
            Self::Remove | Self::Rename => {
                return match (holder, last) {
                    (Value::Table(table), Step::Key(key)) => {
                        let value = table.remove(key).unwrap();
                        if matches!(self, Self::Rename) {
                            table.insert(format!("{key}_zz"), value);
                        }
                        true
                    }
                    (Value::Array(items), Step::Index(ix)) if matches!(self, Self::Remove) => {
                        items.remove(*ix);
                        true
                    }
                    _ => false,
                };
            }
            Self::Add => {
                let value = match last {
                    Step::Key(key) => &mut holder[key.as_str()],
                    Step::Index(ix) => &mut holder[*ix],
                };
                return match value {
                    Value::Table(table) => table.insert("zz-top".to_owned(), Value::Integer(1)).is_none(),
                    _ => false,
                };
            }
            Self::ToText => Value::String("A b".to_owned()),
            Self::ToEmptyText => Value::String(String::new()),
            Self::ToNumber => Value::Integer(7),
            Self::ToNegative => Value::Integer(-7),
            Self::ToBool => Value::Boolean(true),
            Self::ToList => Value::Array(vec![Value::Integer(1)]),
            Self::ToTable => Value::Table(Table::new()),
            Self::ToTemplate => Value::String("{{vars.host}}".to_owned()),
        };
        match last {
            Step::Key(key) => holder[key.as_str()] = new,
            Step::Index(ix) => holder[*ix] = new,
        }
        true
    }
}
