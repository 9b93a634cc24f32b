//! Where values go after they were assigned: `x={{…}}` and later `sh -c "$x"`.
//!
//! The order of the text says nothing about the order of execution (loops), so everything is collected first and followed to its end at once.

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
    assignments: Vec<(String, Source)>,
    uses: Vec<Use>,
    options: Vec<Source>,
}

impl Flow {
    /// A variable gets what a word is made of.
    pub(super) fn assign(&mut self, name: &str, source: Source) {
        if !source.is_empty() {
            self.assignments.push((name.to_owned(), source));
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
        if !source.is_empty() {
            self.options.push(source);
        }
    }

    /// The values that could be taken for options.
    pub(super) fn options(&self) -> BTreeSet<usize> {
        let tainted = self.tainted();
        let through = |name: &String| tainted.get(name.as_str()).into_iter().flatten().copied();
        self.options.iter().flat_map(|source| source.holes.iter().copied().chain(source.names.iter().flat_map(through))).collect()
    }

    /// Which values get where they must not, in which way.
    pub(super) fn faults(&self) -> Vec<PlaceFault> {
        let tainted = self.tainted();
        let mut faults = Vec::new();
        for Use { source, message, help } in &self.uses {
            for hole in &source.holes {
                faults.push(PlaceFault { hole: *hole, message: message.clone(), help: help.clone() });
            }
            for name in &source.names {
                for hole in tainted.get(name.as_str()).into_iter().flatten() {
                    faults.push(PlaceFault { hole: *hole, message: format!("through `${name}`: {message}"), help: help.clone() });
                }
            }
        }
        faults
    }

    /// The values that each variable can hold.
    fn tainted(&self) -> BTreeMap<&str, BTreeSet<usize>> {
        let mut tainted: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
        loop {
            let mut grown = false;
            for (name, source) in &self.assignments {
                let mut holes: BTreeSet<usize> = source.holes.iter().copied().collect();
                for from in &source.names {
                    holes.extend(tainted.get(from.as_str()).into_iter().flatten());
                }
                let known = tainted.entry(name).or_default();
                let before = known.len();
                known.extend(holes);
                grown |= known.len() > before;
            }
            if !grown {
                return tainted;
            }
        }
    }
}
