//! The helpers: small functions over typed values, in families. One table per family; the reference is generated from them, and a test evaluates
//! every example.
//!
//! A helper never guesses: a value of the wrong type is an error with the right call in it, never `false`, an empty text or `[object]`.

mod argument;
mod compare;
mod data;
mod form;
mod logic;
mod number;
mod path;
mod rows;
mod set;
mod size;
mod text;
mod time;
mod version;

use std::borrow::Cow;

use serde_json::Value;

use super::form::Form;
pub(crate) use logic::Special;

/// A helper.
#[derive(Debug)]
pub struct HelperSpec {
    /// Its name.
    pub name: &'static str,
    /// How it is called: `replace TEXT OLD NEW`.
    pub signature: &'static str,
    /// One sentence for the reference, with units and what is an error.
    pub about: &'static str,
    /// A call without names of a scope; of a family that says how a value is written, a text around it.
    pub example: &'static str,
    /// What the example gives, as JSON; empty where it is a text around the call.
    pub result: &'static str,
    pub(crate) arity: (usize, Option<usize>),
    pub(crate) run: Run,
}

/// Helpers whose result is of a type that depends on their arguments: an element of a list, what a text stands for, one of several.
const OF_ANY_TYPE: [&str; 8] = ["choose", "default", "coalesce", "first", "last", "cell", "get", "parse_json"];

impl HelperSpec {
    /// A value of the type that it always gives, if there is one such type.
    pub(crate) fn gives(&self) -> Option<Value> {
        let always = !matches!(self.run, Run::Form(_)) && !OF_ANY_TYPE.contains(&self.name);
        always.then(|| serde_json::from_str(self.result).ok()).flatten()
    }
}

/// Helpers that belong together.
pub struct Family {
    /// The heading in the reference.
    pub title: &'static str,
    /// A sentence or two under the heading.
    pub about: &'static str,
    /// In the order of the reference.
    pub helpers: &'static [HelperSpec],
}

/// How a helper runs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Run {
    /// On all its arguments.
    Eager(fn(&[Arg<'_>]) -> Result<Value, HelperError>),
    /// On those that it needs.
    Lazy(Special),
    /// Not at all: it says how its argument is written.
    Form(Form),
}

/// A value that a helper was given.
pub(crate) type Arg<'a> = Cow<'a, Value>;

/// Why a helper does not take its arguments.
#[derive(Debug)]
pub(crate) struct HelperError {
    /// Which one, from 0, where it is one.
    pub(crate) argument: Option<usize>,
    /// A fragment in lower case.
    pub(crate) message: String,
    /// What to write instead.
    pub(crate) help: Option<String>,
}

impl HelperError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { argument: None, message: message.into(), help: None }
    }

    pub(crate) fn of(argument: usize, message: impl Into<String>) -> Self {
        Self { argument: Some(argument), message: message.into(), help: None }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// All helpers, in the order of the reference.
pub const FAMILIES: &[Family] = &[
    compare::FAMILY,
    logic::FAMILY,
    text::FAMILY,
    number::FAMILY,
    version::FAMILY,
    set::FAMILY,
    rows::FAMILY,
    data::FAMILY,
    size::FAMILY,
    time::FAMILY,
    path::FAMILY,
    form::FAMILY,
];

/// Every helper, in the order of the reference.
pub fn all() -> impl Iterator<Item = &'static HelperSpec> {
    FAMILIES.iter().flat_map(|family| family.helpers)
}

/// Every helper's name.
pub fn names() -> impl Iterator<Item = &'static str> {
    all().map(|helper| helper.name)
}

/// The helper of that name.
pub fn find(name: &str) -> Option<&'static HelperSpec> {
    all().find(|helper| helper.name == name)
}

/// A helper that runs on all its arguments.
const fn eager(
    name: &'static str,
    signature: &'static str,
    arity: (usize, Option<usize>),
    about: &'static str,
    example: (&'static str, &'static str),
    run: fn(&[Arg<'_>]) -> Result<Value, HelperError>,
) -> HelperSpec {
    HelperSpec { name, signature, about, example: example.0, result: example.1, arity, run: Run::Eager(run) }
}

/// Exactly so many arguments.
const fn exactly(count: usize) -> (usize, Option<usize>) {
    (count, Some(count))
}
