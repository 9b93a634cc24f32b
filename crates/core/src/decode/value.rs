//! `[values.NAME]`.

use super::draft::NameRef;
use super::keys::{Keys, literal};
use super::reader::Reader;
use crate::diagnostic::{Code, Diagnostic};
use crate::document::{Entry, Node};
use crate::format::VALUE;
use crate::runbook::{FileFormat, ValueDecl, ValueSource};
use crate::scope::Secrecy;
use crate::shape::At;

/// The values, and the names of those that are left out because of a fault.
#[derive(Default)]
pub(super) struct Values {
    pub(super) whole: Vec<ValueDecl>,
    pub(super) broken: Vec<String>,
}

/// The keys that name a file, and what stands in it.
const FILES: [(&str, FileFormat); 3] = [("yaml", FileFormat::Yaml), ("json", FileFormat::Json), ("toml", FileFormat::Toml)];

impl Reader<'_> {
    pub(super) fn value_decls(&mut self, node: Node) -> Values {
        let mut values = Values::default();
        let Some((table, _)) = self.table(node, "values") else { return values };
        for entry in table.entries {
            let name = NameRef { name: entry.key.clone(), span: entry.key_span };
            self.check_name(&name);
            match self.value_decl(&name, entry) {
                Some(value) => values.whole.push(value),
                None => values.broken.push(name.name),
            }
        }
        values
    }

    fn value_decl(&mut self, name: &NameRef, entry: Entry) -> Option<ValueDecl> {
        let (table, span) = self.table(entry.value, &name.name)?;
        let written: Vec<_> = table.entries.iter().filter(|e| is_source(&e.key)).map(|e| e.key_span).collect();
        let shape = self.format_shape(VALUE);
        let rule = shape.accepts.tables.first()?;
        let mut keys = Keys::of(self.walk_table(rule, table, span, At { name: &name.name, span: name.span }));
        match written.as_slice() {
            [_] => {}
            [] => {
                self.faults.push(
                    Diagnostic::error(Code::ValueSource, format!("nothing says where `values.{}` comes from", name.name))
                        .at(self.source, name.span, "")
                        .help("write `yaml = { path = \"…\" }`, `json = …`, `toml = …`, or `value = \"EXPRESSION\"`"),
                );
                return None;
            }
            [first, second, ..] => {
                self.faults.push(
                    Diagnostic::error(Code::ValueSource, format!("`values.{}` comes from two places", name.name))
                        .at(self.source, *second, "the second")
                        .at(self.source, *first, "the first")
                        .help("make two values of it, each with a name of its own"),
                );
                return None;
            }
        }
        let secret_span = keys.span("secret").unwrap_or_default();
        let secrecy = keys.take("secret").and_then(|field| literal(&field)).map_or_else(Secrecy::none, |parts| secrecy(&parts));
        let source = FILES.iter().find_map(|(key, format)| {
            let path = Keys::of(keys.take(key)?).template("path")?;
            Some(ValueSource::File { format: *format, path })
        });
        let source = source.or_else(|| keys.expr("value").map(ValueSource::Expr))?;
        Some(ValueDecl { name: name.name.clone(), name_span: name.span, source, secrecy, secret_span })
    }
}

fn is_source(key: &str) -> bool {
    key == "value" || FILES.iter().any(|(name, _)| *name == key)
}

/// `true`, or keys with their members behind a dot.
fn secrecy(parts: &serde_json::Value) -> Secrecy {
    match parts.as_array() {
        Some(keys) => Secrecy::of(keys.iter().filter_map(|key| key.as_str()).map(|key| key.split('.'))),
        None if parts == &serde_json::Value::Bool(true) => Secrecy::whole(),
        None => Secrecy::none(),
    }
}
