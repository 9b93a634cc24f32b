//! Where values go after they were assigned: `x={{…}}` and later `sh -c "$x"`.
//!
//! The order of the text says nothing about the order of execution (loops), so everything is collected first and followed to its end at once.
//! The positional parameters of all functions and inner scripts together are the variable `@`.

use std::collections::{BTreeMap, BTreeSet};

use super::super::PlaceFault;

/// What a word is made of, as far as values can come in.
#[derive(Clone, Debug, Default)]
pub(super) struct Source {
    /// Values that stand in it, or in a `$(…)` in it.
    pub(super) holes: Vec<usize>,
    /// Variables that it expands.
    pub(super) names: Vec<String>,
}

impl Source {
    /// One variable.
    pub(super) fn name(name: impl Into<String>) -> Self {
        Self { holes: Vec::new(), names: vec![name.into()] }
    }

    pub(super) fn extend(&mut self, other: &Self) {
        self.holes.extend(&other.holes);
        self.names.extend(other.names.iter().cloned());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.holes.is_empty() && self.names.is_empty()
    }
}

/// Something that must not get a value.
struct Use {
    source: Source,
    message: String,
    help: String,
}

/// All assignments of a script, and all that must not get a value.
#[derive(Default)]
pub(super) struct Flow {
    assignments: Vec<Assignment>,
    uses: Vec<Use>,
    options: Vec<Source>,
    numbers: Vec<Source>,
    full: Vec<Source>,
}

struct Assignment {
    name: String,
    source: Source,
    /// Whether other text stands beside it, so that a number does not stay one.
    mixed: bool,
}

/// The values that each variable can hold, and whether other text stands beside them there.
pub(super) type Taint = BTreeMap<String, BTreeMap<usize, bool>>;

impl Flow {
    /// A variable gets what a word is made of.
    pub(super) fn assign(&mut self, name: &str, source: Source, mixed: bool) {
        if !source.is_empty() {
            self.assignments.push(Assignment { name: name.to_owned(), source, mixed });
        }
    }

    /// No value may get here.
    pub(super) fn refuse(&mut self, source: Source, message: impl Into<String>, help: &str) {
        if !source.is_empty() {
            self.uses.push(Use { source, message: message.into(), help: help.to_owned() });
        }
    }

    /// What begins an argument that could be taken for an option.
    pub(super) fn may_be_option(&mut self, source: Source) {
        push(&mut self.options, source);
    }

    /// What would be an empty argument if it were empty.
    pub(super) fn must_not_be_empty(&mut self, source: Source) {
        push(&mut self.full, source);
    }

    /// What is calculated with.
    pub(super) fn number(&mut self, source: Source) {
        push(&mut self.numbers, source);
    }

    /// All that an inner script does with the variables that it shares with the outer one.
    pub(super) fn merge(&mut self, inner: Self) {
        self.assignments.extend(inner.assignments);
        self.uses.extend(inner.uses);
        self.options.extend(inner.options);
        self.numbers.extend(inner.numbers);
        self.full.extend(inner.full);
    }

    /// The values that could be taken for options.
    pub(super) fn options(&self, taint: &Taint) -> BTreeSet<usize> {
        reach(&self.options, taint)
    }

    /// The values that would be empty arguments.
    pub(super) fn full(&self, taint: &Taint) -> BTreeSet<usize> {
        reach(&self.full, taint)
    }

    /// The values that are calculated with.
    pub(super) fn numbers(&self, taint: &Taint) -> BTreeSet<usize> {
        reach(&self.numbers, taint)
    }

    /// Which values get where they must not, in which way.
    pub(super) fn faults(&self, taint: &Taint) -> Vec<PlaceFault> {
        let mut faults = Vec::new();
        for Use { source, message, help } in &self.uses {
            for hole in &source.holes {
                faults.push(PlaceFault { hole: *hole, message: message.clone(), help: help.clone() });
            }
            for name in &source.names {
                for hole in taint.get(name.as_str()).into_iter().flat_map(BTreeMap::keys) {
                    let message = if name == "@" { message.clone() } else { format!("through `${name}`: {message}") };
                    faults.push(PlaceFault { hole: *hole, message, help: help.clone() });
                }
            }
        }
        for name in self.numbers.iter().flat_map(|source| &source.names) {
            for (hole, _) in taint.get(name.as_str()).into_iter().flatten().filter(|(_, mixed)| **mixed) {
                faults.push(PlaceFault {
                    hole: *hole,
                    message: format!("the script calculates with `${name}`, of which this is only a part, and executes what is no number"),
                    help: "give the number a variable of its own: `n={{…}}`".to_owned(),
                });
            }
        }
        faults
    }

    /// Follows all assignments to their end.
    pub(super) fn taint(&self) -> Taint {
        let mut tainted = Taint::new();
        loop {
            let mut grown = false;
            for Assignment { name, source, mixed } in &self.assignments {
                let mut holes: BTreeMap<usize, bool> = source.holes.iter().map(|hole| (*hole, *mixed)).collect();
                for from in &source.names {
                    for (hole, before) in tainted.get(from.as_str()).into_iter().flatten() {
                        *holes.entry(*hole).or_default() |= *mixed || *before;
                    }
                }
                let known = tainted.entry(name.clone()).or_default();
                for (hole, mixed) in holes {
                    grown |= known.get(&hole).is_none_or(|before| mixed && !before);
                    *known.entry(hole).or_default() |= mixed;
                }
            }
            if !grown {
                return tainted;
            }
        }
    }
}

fn push(list: &mut Vec<Source>, source: Source) {
    if !source.is_empty() {
        list.push(source);
    }
}

fn reach(sources: &[Source], taint: &Taint) -> BTreeSet<usize> {
    let through = |name: &String| taint.get(name.as_str()).into_iter().flat_map(BTreeMap::keys).copied();
    sources.iter().flat_map(|source| source.holes.iter().copied().chain(source.names.iter().flat_map(through))).collect()
}
