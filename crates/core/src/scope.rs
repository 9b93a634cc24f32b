//! The values that templates can name, and which of them are secret.
//!
//! A scope is a handful of names (`vars`, `steps`, `item`, …). A name stands either for one value or for a group of members that come one by one
//! (`steps.ID`, `checks.ID`). Values are shared, so extending a scope for one step, one item or one undo costs the number of its names, never the
//! size of what they hold.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

/// Which parts of a value are secret: paths below it; an empty path is the whole of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Secrecy {
    paths: Vec<Vec<String>>,
    /// What was there, was not to be shown, and is not known to this session any more.
    lost: Vec<Vec<String>>,
}

impl Secrecy {
    /// Nothing of it.
    pub const fn none() -> Self {
        Self { paths: Vec::new(), lost: Vec::new() }
    }

    /// All of it.
    pub fn whole() -> Self {
        Self { paths: vec![Vec::new()], lost: Vec::new() }
    }

    /// What is below these paths.
    pub fn of<P: IntoIterator<Item = S>, S: Into<String>>(paths: impl IntoIterator<Item = P>) -> Self {
        Self { paths: paths.into_iter().map(|path| path.into_iter().map(Into::into).collect()).collect(), lost: Vec::new() }
    }

    /// The same, where these paths lead to what an earlier session knew and this one does not: using it is an error of its own.
    #[must_use]
    pub fn without(self, lost: Vec<Vec<String>>) -> Self {
        Self { lost, ..self }
    }

    /// The members of a map with these names.
    pub fn members<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Self {
        Self::of(names.into_iter().map(|name| [name]))
    }

    /// Whether the value at `path` is secret or holds something secret.
    pub fn covers(&self, path: &[String]) -> bool {
        self.paths.iter().any(|secret| secret.iter().zip(path).all(|(a, b)| a == b))
    }

    /// Whether the value at `path` is lost, or is part of what is.
    fn is_lost(&self, path: &[String]) -> bool {
        self.lost.iter().any(|lost| path.starts_with(lost))
    }

    /// Whether anything is secret.
    pub fn is_none(&self) -> bool {
        self.paths.is_empty()
    }

    /// The paths, as they were given.
    pub fn paths(&self) -> &[Vec<String>] {
        &self.paths
    }
}

struct Entry {
    value: Value,
    secrecy: Secrecy,
}

#[derive(Clone)]
enum Name {
    One(Arc<Entry>),
    Group(Arc<BTreeMap<String, Arc<Entry>>>),
}

/// What a path stands for.
pub struct Found<'a> {
    /// The value.
    pub value: Cow<'a, Value>,
    /// Whether it is secret or holds something secret.
    pub secret: bool,
}

/// How far a path leads.
pub enum Lookup<'a> {
    /// To a value.
    Found(Found<'a>),
    /// The name, or the group's member, is not in scope (yet).
    Absent,
    /// To a secret that an earlier session knew and that was not kept.
    Lost,
    /// The value is there and has nothing of that name below it: how many segments lead somewhere, and what it has there.
    Nothing {
        /// The number of segments that lead somewhere.
        known: usize,
        /// The names there, where it is a map.
        names: Vec<String>,
    },
}

/// The values that templates can name.
#[derive(Clone, Default)]
pub struct Scope {
    names: BTreeMap<String, Name>,
}

impl Scope {
    /// Nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// A scope with one more name (or with another value for it); this one stays as it is.
    #[must_use]
    pub fn with(&self, name: &str, value: Value) -> Self {
        self.with_secret(name, value, Secrecy::none())
    }

    /// The same for a value with something secret in it.
    #[must_use]
    pub fn with_secret(&self, name: &str, value: Value, secrecy: Secrecy) -> Self {
        let mut scope = self.clone();
        scope.set(name, value, secrecy);
        scope
    }

    /// A scope in which the members of a map are names of their own, as a step's outputs are in its `expect`. They come on top of names that are
    /// there already.
    #[must_use]
    pub fn with_members(&self, members: &Map<String, Value>, secrecy: &Secrecy) -> Self {
        let mut scope = self.clone();
        for (name, value) in members {
            let below = secrecy
                .paths
                .iter()
                .filter(|p| p.first().is_none_or(|first| first == name))
                .map(|p| p.get(1..).unwrap_or_default().to_vec());
            scope.set(name, value.clone(), Secrecy { paths: below.collect(), lost: Vec::new() });
        }
        scope
    }

    /// Sets a name.
    pub fn set(&mut self, name: &str, value: Value, secrecy: Secrecy) {
        self.names.insert(name.to_owned(), Name::One(Arc::new(Entry { value, secrecy })));
    }

    /// Makes a name a group without members, so that it is known before the first comes.
    pub fn set_group(&mut self, group: &str) {
        self.names.entry(group.to_owned()).or_insert_with(|| Name::Group(Arc::default()));
    }

    /// Sets a member of a group: `steps.ID`. A name that was one value becomes a group.
    pub fn set_member(&mut self, group: &str, member: &str, value: Value, secrecy: Secrecy) {
        let entry = Arc::new(Entry { value, secrecy });
        match self.names.get_mut(group) {
            Some(Name::Group(members)) => {
                Arc::make_mut(members).insert(member.to_owned(), entry);
            }
            Some(Name::One(_)) | None => {
                self.names.insert(group.to_owned(), Name::Group(Arc::new(BTreeMap::from([(member.to_owned(), entry)]))));
            }
        }
    }

    /// Looks a path up.
    pub fn lookup<'a>(&'a self, path: &[String]) -> Lookup<'a> {
        let Some((first, rest)) = path.split_first() else { return Lookup::Absent };
        match self.names.get(first) {
            None => Lookup::Absent,
            Some(Name::One(entry)) => entry.lookup(rest, 1),
            Some(Name::Group(members)) => match rest.split_first() {
                None => {
                    let all: Map<String, Value> = members.iter().map(|(k, e)| (k.clone(), e.value.clone())).collect();
                    let secret = members.values().any(|e| !e.secrecy.is_none());
                    Lookup::Found(Found { value: Cow::Owned(Value::Object(all)), secret })
                }
                Some((member, below)) => members.get(member).map_or(Lookup::Absent, |entry| entry.lookup(below, 2)),
            },
        }
    }

    /// Whether a path's value will be known only later: its name, or its member of a group, is not in scope.
    pub fn is_absent(&self, path: &[String]) -> bool {
        let Some((first, rest)) = path.split_first() else { return true };
        match self.names.get(first) {
            None => true,
            Some(Name::One(_)) => false,
            Some(Name::Group(members)) => rest.first().is_some_and(|member| !members.contains_key(member)),
        }
    }

    /// Whether what a path stands for is secret or holds something secret; no when it is not there.
    pub fn is_secret(&self, path: &[String]) -> bool {
        let Some((first, rest)) = path.split_first() else { return false };
        match self.names.get(first) {
            None => false,
            Some(Name::One(entry)) => entry.secrecy.covers(rest),
            Some(Name::Group(members)) => match rest.split_first() {
                None => members.values().any(|e| !e.secrecy.is_none()),
                Some((member, below)) => members.get(member).is_some_and(|e| e.secrecy.covers(below)),
            },
        }
    }

    /// The names at the top, for suggestions.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(String::as_str)
    }
}

impl Entry {
    fn lookup<'a>(&'a self, path: &[String], depth: usize) -> Lookup<'a> {
        if self.secrecy.is_lost(path) {
            return Lookup::Lost;
        }
        let mut value = &self.value;
        for (at, segment) in path.iter().enumerate() {
            let Some(next) = step(value, segment) else {
                let names = value.as_object().map(|map| map.keys().cloned().collect()).unwrap_or_default();
                return Lookup::Nothing { known: depth + at, names };
            };
            value = next;
        }
        Lookup::Found(Found { value: Cow::Borrowed(value), secret: self.secrecy.covers(path) })
    }
}

/// One segment down: a key of a map, or an index of a list.
pub(crate) fn step<'a>(value: &'a Value, segment: &str) -> Option<&'a Value> {
    match value {
        Value::Object(map) => map.get(segment),
        Value::Array(list) => segment.parse::<usize>().ok().and_then(|at| list.get(at)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

/// Values are not shown: any of them may be secret.
impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names.keys()).finish()
    }
}

#[cfg(test)]
mod tests;
