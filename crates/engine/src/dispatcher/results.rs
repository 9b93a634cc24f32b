//! What has come out so far, as templates can name it: a fold of the run's records, with the real values of secret results where this process knows them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use runbook_core::action::{Before, Outputs};
use runbook_core::effect::{EffectId, Place, Role};
use runbook_core::record::ItemKey;
use runbook_core::runbook::split_id;
use runbook_core::scope::{Scope, Secrecy};
use serde_json::{Map, Value};

/// The last attempt at something.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub started: Timestamp,
    /// What this attempt found.
    pub before: Before,
    /// What was found before anything may have changed; an undo goes back to it.
    pub origin: Before,
    /// What of it is secret.
    secrecy: Secrecy,
    /// What it left to be found by.
    pub evidence: Vec<Value>,
    /// Whether an attempt before it may have changed something.
    touched: bool,
    /// Whether it may have changed something itself.
    open: bool,
}

/// The results of a unit that runs for each of several items.
#[derive(Default)]
struct Loop {
    items: Vec<ItemKey>,
    results: Map<String, Value>,
    secret: Vec<Vec<String>>,
    lost: Vec<Vec<String>>,
    /// Whether the scope does not have the latest of it.
    stale: bool,
}

/// Outputs that are not like the others.
#[derive(Clone, Copy)]
pub(super) struct Names<'a> {
    /// What is secret.
    pub secret: &'a [String],
    /// What was secret, and is not known to this session.
    pub lost: &'a [String],
}

/// Results by their names, and attempts by theirs.
pub(crate) struct Results {
    /// Of the runbook itself under an empty name, and of those that it calls by their ids: in each, names are its own.
    scopes: BTreeMap<String, Scope>,
    /// When the first step of a called runbook began.
    began: BTreeMap<String, Timestamp>,
    attempts: BTreeMap<(Vec<Place>, Role), Attempt>,
    /// By the unit's id.
    loops: BTreeMap<String, Loop>,
    /// Of steps with `repeat_until`: how often they were done, and when the first time began.
    repeats: BTreeMap<Vec<Place>, (u64, Timestamp)>,
}

impl Results {
    /// Over scopes that have everything that was known before the run (`vars`, `run`, …): that of the runbook itself under an empty name, and those of
    /// called ones by their ids.
    pub(crate) fn new(mut scopes: BTreeMap<String, Scope>) -> Self {
        for scope in scopes.values_mut() {
            for group in ["checks", "steps", "verify"] {
                scope.set_group(group);
            }
        }
        Self { scopes, began: BTreeMap::new(), attempts: BTreeMap::new(), loops: BTreeMap::new(), repeats: BTreeMap::new() }
    }

    /// The scope of a unit, an item or an undo action.
    pub(super) fn scope(&mut self, path: &[Place], role: Role) -> Scope {
        let step = path.last();
        self.refresh(step);
        let mut scope = self.scope_of(step.map_or("", |place| split_id(&place.step).0));
        if let Some(item) = step.and_then(|place| self.item(place)) {
            scope.set("item", item.clone(), Secrecy::none());
        }
        if let Role::Undo(_) = role {
            let attempt = self.attempt(path, Role::Do);
            let (before, secrecy) = attempt.map(|attempt| (attempt.origin.0.clone(), attempt.secrecy.clone())).unwrap_or_default();
            scope.set("before", Value::Object(before), secrecy);
        }
        scope
    }

    /// The scope of a called runbook, of the runbook itself where the name is empty.
    pub(super) fn scope_of(&mut self, call: &str) -> Scope {
        self.refresh(None);
        self.scopes.get(call).cloned().unwrap_or_default()
    }

    /// Brings what is known of loops up to date; those of `except` are its own business.
    fn refresh(&mut self, except: Option<&Place>) {
        for (id, looped) in self.loops.iter_mut().filter(|(id, looped)| looped.stale && except.is_none_or(|place| place.step != **id)) {
            let items = Value::Object(looped.results.clone());
            let secrecy = Secrecy::of(looped.secret.iter().cloned()).without(looped.lost.clone());
            let (call, id) = split_id(id);
            if let Some(scope) = self.scopes.get_mut(call) {
                scope.set_member("steps", id, Value::Object(Map::from_iter([("items".to_owned(), items)])), secrecy);
            }
            looped.stale = false;
        }
    }

    fn item(&self, place: &Place) -> Option<&Value> {
        let key = place.item.as_ref()?;
        let items = &self.loops.get(&place.step)?.items;
        items.iter().find(|item| item.key == *key).map(|item| &item.value)
    }

    /// The last attempt at it.
    pub(super) fn attempt(&self, path: &[Place], role: Role) -> Option<&Attempt> {
        self.attempts.get(&(path.to_vec(), role))
    }

    /// The items of a unit are known.
    pub(super) fn expanded(&mut self, path: &[Place], items: &[ItemKey]) {
        if let Some(place) = path.last() {
            self.loops.insert(place.step.clone(), Loop { items: items.to_vec(), stale: true, ..Loop::default() });
        }
    }

    /// An attempt began.
    pub(super) fn started(&mut self, effect: &EffectId, before: Before, secrecy: Secrecy, at: Timestamp) {
        let key = (effect.path.clone(), effect.role);
        let touched = self.attempts.get(&key).filter(|last| last.touched || last.open);
        let (origin, secrecy) = touched.map_or_else(|| (before.clone(), secrecy), |last| (last.origin.clone(), last.secrecy.clone()));
        let touched = touched.is_some();
        if let (Role::Do, Some(place)) = (effect.role, effect.path.last()) {
            let mut call = split_id(&place.step).0;
            while !call.is_empty() {
                self.began.entry(call.to_owned()).or_insert(at);
                call = split_id(call).0;
            }
        }
        self.attempts.insert(key, Attempt { started: at, before, origin, secrecy, evidence: Vec::new(), touched, open: true });
    }

    /// It left a trace.
    pub(super) fn evidence(&mut self, effect: &EffectId, evidence: Value) {
        if let Some(attempt) = self.attempts.get_mut(&(effect.path.clone(), effect.role)) {
            attempt.evidence.push(evidence);
        }
    }

    /// The last attempt is certain to have changed nothing: unless an earlier one may have, what the next one finds is where an undo goes back to.
    pub(super) fn unchanged(&mut self, effect: &EffectId) {
        if let Some(attempt) = self.attempts.get_mut(&(effect.path.clone(), effect.role)) {
            attempt.open = false;
        }
    }

    /// It was done; `over` says whether a `repeat_until` holds. As long as it does not, there are no results.
    pub(super) fn done(&mut self, effect: &EffectId, outputs: Outputs, names: Names<'_>, over: Option<bool>, at: Timestamp) {
        let Names { secret, lost } = names;
        let group = match effect.role {
            Role::Check => "checks",
            Role::Do => "steps",
            Role::Verify => "verify",
            // Nothing refers to the results of an undo.
            Role::Undo(_) | Role::Monitor => return,
        };
        let Some(place) = effect.path.last() else { return };
        let mut outputs = outputs;
        let mut started = self.attempts.get(&(effect.path.clone(), effect.role)).map(|attempt| attempt.started);
        if let Some(over) = over {
            let (times, since) = self.repeats.entry(effect.path.clone()).or_insert((0, started.unwrap_or(at)));
            *times += 1;
            if !over {
                return;
            }
            started = Some(*since);
            outputs.insert("iterations".to_owned(), Value::from(*times));
        }
        // A call began with its first step.
        let started = self.began.get(&place.step).copied().or(started);
        if let Some(started) = started {
            outputs.insert("started_at".to_owned(), Value::String(started.to_string()));
        }
        outputs.insert("finished_at".to_owned(), Value::String(at.to_string()));
        match &place.item {
            None => {
                let secrecy = Secrecy::members(secret.iter().cloned()).without(lost.iter().map(|name| vec![name.clone()]).collect());
                let (call, id) = split_id(&place.step);
                if let Some(scope) = self.scopes.get_mut(call) {
                    scope.set_member(group, id, Value::Object(outputs), secrecy);
                }
            }
            Some(key) => {
                let looped = self.loops.entry(place.step.clone()).or_default();
                let path = |name: &String| vec!["items".to_owned(), key.clone(), name.clone()];
                looped.secret.extend(secret.iter().map(path));
                looped.lost.extend(lost.iter().map(path));
                looped.results.insert(key.clone(), Value::Object(outputs));
                looped.stale = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_undo_goes_back_to_what_was_found_before_the_first_change() {
        let mut results = Results::new(BTreeMap::from([(String::new(), Scope::new())]));
        let effect = EffectId::first("stop", Role::Do);
        let found = |value: u32| Before(Map::from_iter([("found".to_owned(), json!(value))]));
        let origin = |results: &Results| results.attempt(&effect.path, Role::Do).unwrap().origin.0["found"].clone();
        results.started(&effect, found(1), Secrecy::none(), Timestamp::UNIX_EPOCH);
        results.unchanged(&effect);
        results.started(&effect, found(2), Secrecy::none(), Timestamp::UNIX_EPOCH);
        assert_eq!(origin(&results), 2, "the first attempt changed nothing");
        results.started(&effect, found(3), Secrecy::none(), Timestamp::UNIX_EPOCH);
        assert_eq!(origin(&results), 2, "the second may have");
        results.unchanged(&effect);
        assert_eq!(origin(&results), 2, "that the third changed nothing takes nothing back");
        results.started(&effect, found(4), Secrecy::none(), Timestamp::UNIX_EPOCH);
        assert_eq!(origin(&results), 2);
    }
}
