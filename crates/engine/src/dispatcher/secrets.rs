//! What must not be shown: known secrets, and how secret results are recorded.

use std::collections::BTreeSet;

use runbook_core::action::{Failure, Outputs};
use runbook_core::record::Expectation;
use runbook_core::scope::Secrecy;
use runbook_core::secret::{DigestKey, Masker, SHORTEST_MASKED, Secret, reference};
use serde_json::Value;

use super::oversize;

/// The longest line of a recorded failure, in bytes.
const LINE: usize = 1024;

/// The most lines that a failure has beside its message.
const LINES: usize = 30;

/// The secrets that a session knows.
pub(crate) struct Secrets {
    known: Vec<(String, Secret)>,
    values: BTreeSet<String>,
    masker: Masker,
    key: DigestKey,
}

impl Secrets {
    pub(crate) fn new(known: Vec<(String, Secret)>, key: DigestKey) -> Self {
        let mut this = Self { known: Vec::new(), values: BTreeSet::new(), masker: Masker::default(), key };
        this.learn(known);
        this
    }

    /// Hides these from now on. What runs already keeps the masker that it began with.
    pub(super) fn learn(&mut self, secrets: impl IntoIterator<Item = (String, Secret)>) {
        let before = self.known.len();
        for (name, secret) in secrets {
            if secret.reveal().len() >= SHORTEST_MASKED && self.values.insert(secret.reveal().to_owned()) {
                self.known.push((name, secret));
            }
        }
        if self.known.len() > before {
            self.masker = Masker::new(self.known.iter().map(|(name, secret)| (name.as_str(), secret.reveal())));
        }
    }

    /// Hides the texts in the secret members of a step's results.
    pub(super) fn learn_results(&mut self, origin: &str, outputs: &Outputs, names: &[String]) {
        let mut found = Vec::new();
        for (name, value) in outputs.iter().filter(|(name, _)| names.contains(name)) {
            leaves(value, &mut |text| found.push((format!("{origin}.{name}"), Secret::new(text))));
        }
        self.learn(found);
    }

    pub(super) fn masker(&self) -> &Masker {
        &self.masker
    }

    /// Results as they may be recorded: a secret one is its name and a keyed digest; in the others known secrets are masked. `origin` is `steps.ID`.
    pub(super) fn public(&self, origin: &str, outputs: &Outputs, secrecy: &Secrecy) -> Outputs {
        outputs
            .iter()
            .map(|(name, value)| {
                let public = if secrecy.covers(std::slice::from_ref(name)) {
                    let digest = self.key.digest(value.to_string().as_bytes());
                    let short: String = digest.chars().take("hmac-sha256:".len() + 16).collect();
                    Value::String(format!("{} {short}", reference(&format!("{origin}.{name}"))))
                } else {
                    let mut value = value.clone();
                    self.masker.json(&mut value);
                    value
                };
                (name.clone(), public)
            })
            .collect()
    }

    /// A failure as it may be recorded.
    pub(super) fn failure(&self, mut failure: Failure) -> Failure {
        let public = |text: &str| oversize::clip(self.masker.text(text), LINE);
        failure.message = public(&failure.message);
        failure.help = failure.help.map(|help| public(&help));
        failure.detail.truncate(LINES);
        for line in &mut failure.detail {
            *line = public(line);
        }
        failure
    }

    /// Actual values as they may be recorded.
    pub(super) fn actuals(&self, actuals: &mut [(String, Value)]) {
        for (_, value) in actuals.iter_mut() {
            self.masker.json(value);
        }
        oversize::shorten(actuals);
    }

    /// Expectations as they may be recorded.
    pub(super) fn expectations(&self, mut expectations: Vec<Expectation>) -> Vec<Expectation> {
        for expectation in &mut expectations {
            self.actuals(&mut expectation.actuals);
            expectation.fault = expectation.fault.take().map(|fault| oversize::clip(self.masker.text(&fault), LINE));
        }
        expectations
    }
}

fn leaves(value: &Value, found: &mut impl FnMut(String)) {
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::Number(number) => found(number.to_string()),
        Value::String(text) => found(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| leaves(item, found)),
        Value::Object(map) => map.values().for_each(|item| leaves(item, found)),
    }
}
