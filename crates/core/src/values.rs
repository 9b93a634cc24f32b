//! `[values.NAME]`: what is read from files or worked out once, before anything runs.
//!
//! Reading files is the business of the program around the core: here stands which files are wanted, what becomes of what is in them, and whether
//! everything that the runbook names is there. A run records its values, so that a later session sees the same; of secret parts it records a keyed
//! digest, and reads them again.

pub(crate) mod called;
mod recorded;
#[cfg(test)]
mod tests;
mod uses;
mod work_out;

use std::fmt;

use serde_json::Value;

use crate::record::ValueRecord;
use crate::scope::{Lookup, Scope, Secrecy};
use crate::secret::{Secret, reference};
use crate::template::leaves;

pub use work_out::{Reading, Unread, work_out};

/// A value of `[values]` as it was read or worked out. Has no `Debug` of its contents: it may be a secret.
#[derive(Clone)]
pub struct ReadValue {
    /// Its name.
    pub name: String,
    /// What it is.
    pub value: Value,
    /// What of it is secret.
    pub secrecy: Secrecy,
    /// Where it came from: the file's path, or the expression.
    pub origin: String,
}

impl ReadValue {
    /// The value as it may be shown: what is secret is replaced by its name.
    pub fn public(&self) -> Value {
        let mut value = self.value.clone();
        for path in self.secrecy.paths() {
            if let Some(part) = part(&mut value, path) {
                let name = ["values", &self.name].into_iter().chain(path.iter().map(String::as_str)).collect::<Vec<_>>().join(".");
                *part = Value::String(reference(&name));
            }
        }
        value
    }

    /// Whether an expression gave it, and not a file.
    pub fn is_made(&self) -> bool {
        self.origin.starts_with('`')
    }

    /// What must never be shown, each with its name `values.NAME.KEY`.
    pub(crate) fn secrets(&self) -> Vec<(String, Secret)> {
        let mut found = Vec::new();
        for (name, value) in self.secret_parts() {
            let mut texts = Vec::new();
            leaves(&value, &mut texts);
            found.extend(texts.into_iter().map(|text| (name.clone(), Secret::new(text))));
        }
        found
    }

    /// The secret parts with their names, in the order of the declaration.
    fn secret_parts(&self) -> Vec<(String, Value)> {
        let scope = Scope::new().with("value", self.value.clone());
        let find = |path: &Vec<String>| {
            let whole: Vec<String> = std::iter::once("value".to_owned()).chain(path.iter().cloned()).collect();
            let Lookup::Found(found) = scope.lookup(&whole) else { return None };
            let name = ["values", &self.name].into_iter().chain(path.iter().map(String::as_str)).collect::<Vec<_>>().join(".");
            Some((name, found.value.into_owned()))
        };
        self.secrecy.paths().iter().filter_map(find).collect()
    }

    /// What a keyed digest is taken of, so that a later session knows whether its secrets are still the same; none where nothing is secret.
    pub fn fingerprint(&self) -> Option<Vec<u8>> {
        let parts = self.secret_parts();
        (!parts.is_empty()).then(|| Value::from_iter(parts).to_string().into_bytes())
    }

    /// As the journal keeps it, without a digest of what is secret.
    pub fn record(&self) -> ValueRecord {
        ValueRecord {
            name: self.name.clone(),
            value: self.public(),
            secret: self.secrecy.paths().to_vec(),
            digest: None,
            origin: self.origin.clone(),
        }
    }
}

/// Without what it is.
impl fmt::Debug for ReadValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadValue").field("name", &self.name).field("origin", &self.origin).finish_non_exhaustive()
    }
}

/// The part of a value at a path.
fn part<'a>(value: &'a mut Value, path: &[String]) -> Option<&'a mut Value> {
    let mut here = value;
    for segment in path {
        here = match here {
            Value::Object(map) => map.get_mut(segment)?,
            Value::Array(list) => list.get_mut(segment.parse::<usize>().ok()?)?,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return None,
        };
    }
    Some(here)
}
