//! What names mean in a place of the runbook.

use std::collections::HashMap;

use serde_json::Value;

use crate::action::{ActionSpec, OutputKind, OutputSpec};
use crate::decode::Draft;
use crate::effect::UnitIx;
use crate::runbook::{Phase, Unit, Var, VarType};

/// What every unit leaves beside its action's outputs.
pub(super) const TIMES: [OutputSpec; 2] = [
    OutputSpec::new("started_at", OutputKind::String, "when it began, in UTC"),
    OutputSpec::new("finished_at", OutputKind::String, "when it ended, in UTC"),
];

/// What `run` holds.
pub(super) const RUN: [&str; 3] = ["id", "started_at", "dir"];

/// Names of the scope that no output hides.
pub(super) const ROOTS: [&str; 7] = ["vars", "values", "checks", "steps", "item", "before", "run"];

/// The type of a value, as far as it is known before the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    Text,
    Number,
    Bool,
    List,
    Map,
    Any,
}

/// Which of `[values]` are there in a place.
#[derive(Clone, Copy)]
pub(super) enum ValuesHere {
    /// All of them.
    All,
    /// So many from the top of the file: the place is in `[values]` itself.
    Above(usize),
    /// None: it is worked out before files are read.
    None,
}

/// A place in which names are used.
#[derive(Clone, Copy)]
pub(super) struct Site<'a> {
    /// The unit around it; none in the settings of a target, a default, a lock, the title.
    pub(super) unit: Option<&'a Unit>,
    /// The action whose outputs have no prefix here: in `expect`, `warn`, `outputs`.
    pub(super) own: Option<&'a ActionSpec>,
    /// Whether what the unit's action found before is there: after it, and in its undo.
    pub(super) before: bool,
    /// Whether the unit's own result is being taken back, so that nobody knows how far it came.
    pub(super) undo: bool,
    /// Whether `item` is there.
    pub(super) item: bool,
    /// The conditions under which this place is looked at at all.
    pub(super) when: [Option<&'a str>; 2],
    /// What the place is called where it may use variables only.
    pub(super) only_vars: Option<&'static str>,
    /// Which of `[values]` are there.
    pub(super) values: ValuesHere,
}

impl<'a> Site<'a> {
    /// A place outside of all units.
    pub(super) const fn outside(what: &'static str) -> Self {
        Self {
            unit: None,
            own: None,
            before: false,
            undo: false,
            item: false,
            when: [None, None],
            only_vars: Some(what),
            values: ValuesHere::All,
        }
    }

    /// When all is done: everything has run that is not skipped.
    pub(super) const END: Self = Self { only_vars: None, ..Self::outside("") };

    /// The action's own fields.
    pub(super) fn fields(unit: &'a Unit) -> Self {
        Self {
            unit: Some(unit),
            own: None,
            before: false,
            undo: false,
            item: unit.for_each.is_some(),
            when: [unit.when.as_ref().map(|when| when.source()), None],
            only_vars: None,
            values: ValuesHere::All,
        }
    }

    /// After an action of the unit: its outputs have no prefix.
    pub(super) const fn after(self, spec: &'a ActionSpec) -> Self {
        Self { own: Some(spec), before: true, ..self }
    }

    /// In the unit's undo, where the step of it has a condition of its own.
    pub(super) const fn undo(self, when: Option<&'a str>) -> Self {
        Self { before: true, undo: true, when: [self.when[0], when], ..self }
    }
}

/// Units and variables by name.
pub(super) struct Names<'a> {
    pub(super) draft: &'a Draft,
    units: HashMap<(Phase, &'a str), UnitIx>,
    vars: HashMap<&'a str, &'a Var>,
}

impl<'a> Names<'a> {
    pub(super) fn of(draft: &'a Draft) -> Self {
        let units = draft.runbook.units.iter().map(|unit| ((unit.phase, unit.id.as_str()), unit.ix)).collect();
        let vars = draft.runbook.vars.iter().map(|var| (var.name.as_str(), var)).collect();
        Self { draft, units, vars }
    }

    pub(super) fn unit(&self, phase: Phase, id: &str) -> Option<&'a Unit> {
        self.draft.runbook.units.get(self.units.get(&(phase, id))?.get())
    }

    pub(super) fn var(&self, name: &str) -> Option<&'a Var> {
        self.vars.get(name).copied()
    }
}

/// The type of an output.
pub(super) const fn of_output(kind: OutputKind) -> Known {
    match kind {
        OutputKind::String => Known::Text,
        OutputKind::Int | OutputKind::Number => Known::Number,
        OutputKind::Bool => Known::Bool,
        OutputKind::List => Known::List,
        OutputKind::Map => Known::Map,
        OutputKind::Any => Known::Any,
    }
}

/// The type of a variable's value. Durations, sizes and times are texts in their canonical form.
pub(super) const fn of_var(kind: VarType) -> Known {
    match kind {
        VarType::String | VarType::Path | VarType::Enum | VarType::Duration | VarType::Size | VarType::Time => Known::Text,
        VarType::Int | VarType::Port => Known::Number,
        VarType::Bool => Known::Bool,
        VarType::List => Known::List,
        VarType::Map => Known::Map,
    }
}

impl Known {
    /// The type of a value. Nothing is said of null: it may be there or not.
    pub(super) const fn of_value(value: &Value) -> Self {
        match value {
            Value::Null => Self::Any,
            Value::Bool(_) => Self::Bool,
            Value::Number(_) => Self::Number,
            Value::String(_) => Self::Text,
            Value::Array(_) => Self::List,
            Value::Object(_) => Self::Map,
        }
    }

    /// Whether something can stand below it.
    pub(super) const fn has_members(self) -> bool {
        matches!(self, Self::List | Self::Map | Self::Any)
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Number => "a number",
            Self::Bool => "true or false",
            Self::List => "a list",
            Self::Map => "a map",
            Self::Any => "a value",
        }
    }
}
