//! What must not be shown: known secrets, and how secret results are recorded.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use runbook_core::action::{Failure, Outputs};
use runbook_core::inputs::Inputs;
use runbook_core::record::Expectation;
use runbook_core::scope::Secrecy;
use runbook_core::secret::{DigestKey, Masker, SHORTEST_MASKED, Secret, reference};
use serde_json::Value;

use super::oversize;

/// The longest line of a recorded failure, in bytes.
const LINE: usize = 1024;

/// The most lines that a failure has beside its message.
const LINES: usize = 30;

/// What names of a container's environment and the like have in them when their values are secret. The other values (`PATH`, a host, a version) would make
/// everything unreadable if they were looked for everywhere.
const SECRET_NAMES: &[&str] = &["pass", "pwd", "secret", "token", "key", "cred", "auth", "dsn"];

/// The secrets that a session knows; shared with everything that shows or writes something.
#[derive(Clone)]
pub(crate) struct Secrets(Arc<Shared>);

struct Shared {
    key: DigestKey,
    /// The values of variables that are shown: what equals one of them cannot be masked without making the rest unreadable.
    public: BTreeSet<String>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    masked: Vec<(String, Secret)>,
    /// Too short to be masked, or equal to what is shown anyway.
    plain: Vec<(String, Secret)>,
    masker: Masker,
}

impl Secrets {
    pub(crate) fn new(inputs: &Inputs, key: DigestKey) -> Self {
        let this = Self(Arc::new(Shared { key, public: inputs.public_texts(), known: Mutex::default() }));
        this.learn(inputs.secrets());
        this
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_plain(&self, secret: &Secret) -> bool {
        secret.reveal().len() < SHORTEST_MASKED || self.0.public.contains(secret.reveal())
    }

    /// Hides these from now on, in what runs already too.
    pub(crate) fn learn(&self, secrets: impl IntoIterator<Item = (String, Secret)>) {
        let mut known = self.lock();
        let before = known.masked.len();
        for (name, secret) in secrets {
            let list = if self.is_plain(&secret) { &mut known.plain } else { &mut known.masked };
            if !secret.reveal().is_empty() && !list.iter().any(|(_, known)| *known == secret) {
                list.push((name, secret));
            }
        }
        if known.masked.len() > before {
            known.masker = Masker::new(known.masked.iter().map(|(name, secret)| (name.as_str(), secret.reveal())));
        }
    }

    /// Hides what is secret in a step's results. `named` are those that the author calls so; of what an action is careful about (a container's whole
    /// environment) only what has the name of a secret.
    pub(super) fn learn_results(&self, origin: &str, outputs: &Outputs, secret: &[String], named: &[String]) {
        let mut found = Vec::new();
        for (name, value) in outputs.iter().filter(|(name, _)| secret.contains(name)) {
            let path = format!("{origin}.{name}");
            match value {
                Value::Object(map) if !named.contains(name) => {
                    for (key, value) in map.iter().filter(|(key, _)| is_secret_name(key)) {
                        leaves(value, &mut |text| found.push((format!("{path}.{key}"), Secret::new(text))));
                    }
                }
                value => leaves(value, &mut |text| found.push((path.clone(), Secret::new(text)))),
            }
        }
        self.learn(found);
    }

    pub(crate) fn masker(&self) -> Masker {
        self.lock().masker.clone()
    }

    /// Those of an action's secrets that cannot be masked, by their names.
    pub(super) fn unmaskable(&self, secrets: &[(String, Secret)]) -> Vec<String> {
        let mut names: Vec<_> = secrets
            .iter()
            .filter(|(_, secret)| !secret.reveal().is_empty() && self.is_plain(secret))
            .map(|(name, _)| reference(name))
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Results as they may be recorded: a secret one is its name and a keyed digest; in the others known secrets are masked. `origin` is `steps.ID`.
    pub(super) fn public(&self, origin: &str, outputs: &Outputs, secrecy: &Secrecy) -> Outputs {
        let masker = self.masker();
        outputs
            .iter()
            .map(|(name, value)| {
                let public = if secrecy.covers(std::slice::from_ref(name)) {
                    let digest = self.0.key.digest(value.to_string().as_bytes());
                    let short: String = digest.chars().take("hmac-sha256:".len() + 16).collect();
                    Value::String(format!("{} {short}", reference(&format!("{origin}.{name}"))))
                } else {
                    let mut value = value.clone();
                    masker.json(&mut value);
                    value
                };
                (name.clone(), public)
            })
            .collect()
    }

    /// A failure as it may be recorded; `withheld` says why its words are not shown, where they are not.
    pub(super) fn failure(&self, mut failure: Failure, withheld: Option<&str>) -> Failure {
        let masker = self.masker();
        let public = |text: &str| oversize::clip(masker.text(text), LINE);
        failure.message = public(&failure.message);
        failure.help = failure.help.map(|help| public(&help));
        failure.detail.truncate(LINES);
        for line in &mut failure.detail {
            *line = public(line);
        }
        if let Some(why) = withheld {
            if self.shows_plain(&failure.message) {
                failure.message = format!("it failed; {why}");
            }
            failure.help = failure.help.filter(|help| !self.shows_plain(help));
            if !failure.detail.is_empty() {
                failure.detail = vec![why.to_owned()];
            }
        }
        failure
    }

    fn shows_plain(&self, text: &str) -> bool {
        self.lock().plain.iter().any(|(_, secret)| text.contains(secret.reveal()))
    }

    /// Actual values as they may be recorded.
    pub(super) fn actuals(&self, actuals: &mut [(String, Value)]) {
        let masker = self.masker();
        for (_, value) in actuals.iter_mut() {
            masker.json(value);
        }
        oversize::shorten(actuals);
    }

    /// Expectations as they may be recorded.
    pub(super) fn expectations(&self, mut expectations: Vec<Expectation>, withheld: Option<&str>) -> Vec<Expectation> {
        let masker = self.masker();
        for expectation in &mut expectations {
            self.actuals(&mut expectation.actuals);
            expectation.fault = expectation.fault.take().map(|fault| oversize::clip(masker.text(&fault), LINE));
            if let Some(why) = withheld {
                expectation.actuals.retain(|(_, value)| !value.is_string());
                expectation.fault = expectation.fault.take().map(|_| why.to_owned());
            }
        }
        expectations
    }
}

fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_NAMES.iter().any(|part| name.contains(part))
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
