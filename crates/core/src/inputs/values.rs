//! The values of a run's variables.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::Origin;
use crate::diagnostic::Diagnostics;
use crate::record::{ValueRecord, VariableValue};
use crate::runbook::CallIx;
use crate::scope::{Scope, Secrecy};
use crate::secret::{DigestKey, Secret};
use crate::template::leaves;
use crate::values::ReadValue;

/// A variable's value.
#[derive(Clone)]
pub struct Input {
    /// The variable's name.
    pub name: String,
    /// The value, in its canonical form.
    pub value: Value,
    /// Whether it is declared secret, or a default made from something secret.
    pub secret: bool,
    /// Where it came from.
    pub origin: Origin,
}

/// The values of all variables, in the order of their declarations; and what `[values]` gave, once it was worked out; and the same of each called
/// runbook.
#[derive(Clone, Default)]
pub struct Inputs {
    pub(super) variables: Vec<Input>,
    pub(super) values: Vec<ReadValue>,
    pub(super) warnings: Diagnostics,
    /// Whether some variables have no value here.
    pub(super) partial: bool,
    /// In the order of the runbook's called ones, with their ids.
    pub(super) called: Vec<(String, Self)>,
}

impl Inputs {
    /// In the order of the declarations.
    pub fn iter(&self) -> std::slice::Iter<'_, Input> {
        self.variables.iter()
    }

    /// The one of that name.
    pub fn get(&self, name: &str) -> Option<&Input> {
        self.variables.iter().find(|input| input.name == name)
    }

    /// What `[values]` gave, in the order of the file.
    pub fn values(&self) -> &[ReadValue] {
        &self.values
    }

    /// Adds a value that was worked out.
    pub fn add_value(&mut self, value: ReadValue) {
        self.values.push(value);
    }

    pub(crate) fn values_mut(&mut self) -> &mut [ReadValue] {
        &mut self.values
    }

    pub(crate) fn add_warnings(&mut self, warnings: Diagnostics) {
        self.warnings.extend(warnings);
    }

    /// Those of a called runbook, or these.
    pub fn at(&self, call: Option<CallIx>) -> &Self {
        call.and_then(|CallIx(at)| self.called.get(at)).map_or(self, |(_, inputs)| inputs)
    }

    /// Those of the called runbooks, each with its id.
    pub fn called(&self) -> impl Iterator<Item = (&str, &Self)> {
        self.called.iter().map(|(id, inputs)| (id.as_str(), inputs))
    }

    /// Adds those of the next called runbook.
    pub(crate) fn add_called(&mut self, id: &str, inputs: Self) {
        self.called.push((id.to_owned(), inputs));
    }

    pub(crate) fn at_mut(&mut self, call: Option<CallIx>) -> &mut Self {
        match call {
            Some(CallIx(at)) if at < self.called.len() => &mut self.called[at].1,
            Some(_) | None => self,
        }
    }

    /// What `[values]` gave, here and in the called runbooks, each with its name as it is recorded: `oms`, `backup/oms`.
    pub fn all_values(&self) -> impl Iterator<Item = (String, &ReadValue)> {
        let own = self.values.iter().map(|value| (value.name.clone(), value));
        own.chain(
            self.called.iter().flat_map(|(id, inputs)| inputs.values.iter().map(move |value| (format!("{id}/{}", value.name), value))),
        )
    }

    /// The variables here and in the called runbooks, each with its name as it is recorded: `container`, `backup/container`.
    pub fn all_variables(&self) -> impl Iterator<Item = (String, &Input)> {
        let own = self.variables.iter().map(|input| (input.name.clone(), input));
        own.chain(
            self.called.iter().flat_map(|(id, inputs)| inputs.variables.iter().map(move |input| (format!("{id}/{}", input.name), input))),
        )
    }

    /// What deserves a word without keeping the run from starting: a secret that is too short to be masked.
    pub const fn warnings(&self) -> &Diagnostics {
        &self.warnings
    }

    /// Adds them to a scope as `vars` and `values`.
    #[must_use]
    pub fn scope(&self, scope: &Scope) -> Scope {
        let values: Map<String, Value> = self.variables.iter().map(|input| (input.name.clone(), input.value.clone())).collect();
        let secrecy = Secrecy::members(self.variables.iter().filter(|input| input.secret).map(|input| input.name.clone()));
        let mut scope = if self.partial {
            // A name that is not there yet is known later; one that is not there at all is an error.
            let mut scope = scope.clone();
            scope.set_group("vars");
            for input in &self.variables {
                let secrecy = if input.secret { Secrecy::whole() } else { Secrecy::none() };
                scope.set_member("vars", &input.name, input.value.clone(), secrecy);
            }
            scope
        } else {
            scope.with_secret("vars", Value::Object(values), secrecy)
        };
        scope.set_group("values");
        for read in &self.values {
            scope.set_member("values", &read.name, read.value.clone(), read.secrecy.clone());
        }
        scope
    }

    /// What must never be shown, each with its name `vars.NAME` or `values.NAME.KEY`: the masker's business. Of lists and maps every text in them.
    pub fn secrets(&self) -> Vec<(String, Secret)> {
        let mut secrets = Vec::new();
        for input in self.variables.iter().filter(|input| input.secret) {
            let mut texts = Vec::new();
            leaves(&input.value, &mut texts);
            secrets.extend(texts.into_iter().map(|text| (format!("vars.{}", input.name), Secret::new(text))));
        }
        secrets.extend(self.values.iter().flat_map(ReadValue::secrets));
        secrets.extend(self.called.iter().flat_map(|(_, inputs)| inputs.secrets()));
        secrets
    }

    /// `[values]` as the journal keeps them: what is secret is replaced by its name.
    pub fn value_records(&self) -> Vec<ValueRecord> {
        self.all_values().map(|(name, value)| ValueRecord { name, ..value.record() }).collect()
    }

    /// The texts of all values that are shown.
    pub fn public_texts(&self) -> BTreeSet<String> {
        let mut texts = Vec::new();
        for (_, input) in self.all_variables().filter(|(_, input)| !input.secret) {
            leaves(&input.value, &mut texts);
        }
        texts.into_iter().collect()
    }

    /// The keyed digest of a secret's value; none for what is not secret, or not there. The name goes in as well, so that two variables with the same
    /// password do not show it.
    pub fn digest(&self, name: &str, key: &DigestKey) -> Option<String> {
        let input = self.get(name).filter(|input| input.secret)?;
        let text = Zeroizing::new(format!("vars\0{}\0{}", input.name, input.value));
        Some(key.digest(text.as_bytes()))
    }

    /// As plans keep them: secrets without their values.
    pub fn records(&self) -> Vec<VariableValue> {
        let record = |(name, input): (String, &Input)| VariableValue {
            name,
            value: (!input.secret).then(|| input.value.clone()),
            secret: input.secret,
            digest: None,
            origin: input.origin.to_string(),
            source: input.secret.then(|| input.origin.source()).flatten(),
        };
        self.all_variables().map(record).collect()
    }
}

impl<'a> IntoIterator for &'a Inputs {
    type Item = &'a Input;
    type IntoIter = std::slice::Iter<'a, Input>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Without the values of secrets.
impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Input");
        out.field("name", &self.name);
        if self.secret {
            out.field("value", &"‹secret›")
        } else {
            out.field("value", &self.value)
        };
        out.field("origin", &self.origin).finish()
    }
}

impl fmt::Debug for Inputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.variables).finish()
    }
}
