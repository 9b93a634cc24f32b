//! What an executor says of its actions: one list, from which checking, the schema and the reference are made.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Action, BuildLeases, from_fields};
use crate::described::Described;

/// What carrying an action out twice would mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Changes nothing; may be asked again at any time.
    ReadOnly,
    /// Doing it twice leaves the same as doing it once.
    Idempotent,
    /// Must not be done twice without knowing how the first time ended.
    Once,
}

/// How an action may be treated when things go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Class {
    /// What doing it twice means.
    pub effect: Effect,
    /// Whether Ctrl-C or a time-out may end it; if not, it is waited for.
    pub interruptible: bool,
}

impl Class {
    /// Reads only.
    pub const READ_ONLY: Self = Self { effect: Effect::ReadOnly, interruptible: true };
    /// Changes, and may be repeated.
    pub const IDEMPOTENT: Self = Self { effect: Effect::Idempotent, interruptible: true };
    /// Changes, and may not be repeated blindly.
    pub const ONCE: Self = Self { effect: Effect::Once, interruptible: true };

    /// Whether it can change anything.
    pub const fn changes(self) -> bool {
        !matches!(self.effect, Effect::ReadOnly)
    }
}

/// The type of an output, for checking references to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputKind {
    /// Text.
    String,
    /// A whole number.
    Int,
    /// A number.
    Number,
    /// True or false.
    Bool,
    /// A list.
    List,
    /// A map whose keys are not known before it ran; any path below it is accepted.
    Map,
    /// Anything, null included.
    Any,
}

/// One output of an action.
#[derive(Clone, Copy, Debug)]
pub struct OutputSpec {
    /// Its name in `steps.ID.NAME`.
    pub name: &'static str,
    /// Its type.
    pub kind: OutputKind,
    /// One sentence for the reference, with the unit where there is one.
    pub about: &'static str,
    /// Whether it may hold secrets that the tool never knew (a container's environment): masked and never journaled in clear.
    pub sensitive: bool,
    /// A boolean field of the action: where it is true, or not known before the run, the output is the step's secret.
    pub secret_where: Option<&'static str>,
}

impl OutputSpec {
    /// An output that may be shown.
    pub const fn new(name: &'static str, kind: OutputKind, about: &'static str) -> Self {
        Self { name, kind, about, sensitive: false, secret_where: None }
    }

    /// An output that may hold secrets.
    pub const fn sensitive(name: &'static str, kind: OutputKind, about: &'static str) -> Self {
        Self { name, kind, about, sensitive: true, secret_where: None }
    }

    /// The same, a secret where that field of the action is true.
    #[must_use]
    pub const fn secret_where(self, field: &'static str) -> Self {
        Self { secret_where: Some(field), ..self }
    }
}

/// A fault of one field, by its path inside the action's table (`mounts[1].source`); empty for the whole action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldFault {
    /// The path.
    pub path: String,
    /// A fragment in lower case.
    pub message: String,
    /// What to write instead, where that is known.
    pub help: Option<String>,
}

impl FieldFault {
    /// A fault of the field at `path`.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into(), help: None }
    }

    /// The fault with the name of its field, or of the whole action, before it.
    pub fn told(&self, action: &str) -> String {
        format!("`{}`: {}", if self.path.is_empty() { action } else { &self.path }, self.message)
    }

    /// With advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Builds an action from rendered fields.
pub type Build = fn(serde_json::Value) -> Result<Box<dyn Action>, Vec<FieldFault>>;

/// Everything about one action but its values.
pub struct ActionSpec {
    /// `stop` in `docker.stop`.
    pub name: &'static str,
    /// One sentence for the reference.
    pub about: &'static str,
    /// How it behaves unless the author says otherwise (`safety`, `interrupt`).
    pub class: Class,
    /// A switch among its fields with which an action that only reads changes something and may be repeated. A switch that is a template counts as on:
    /// what a step may do must be known when the file is read.
    pub changes_with: Option<&'static str>,
    /// What is wrong with one of its SQL texts, as far as the text up to its first value says; the `path` of the fault is filled in.
    pub sql_begins: Option<fn(&str) -> Option<FieldFault>>,
    /// What a step with this action leaves in `steps.ID`.
    pub outputs: &'static [OutputSpec],
    /// What `before.*` holds in this step's undo.
    pub before: &'static [OutputSpec],
    /// A TOML line or lines that show its use, as in the reference; checked by a test.
    pub example: &'static str,
    /// The schema of its fields.
    pub schema: Described,
    /// Builds it from rendered fields.
    pub build: Build,
}

impl ActionSpec {
    /// A spec whose fields are those of `A`; outputs, `before` and the example are set with struct update syntax.
    pub const fn of<A: Action + DeserializeOwned + JsonSchema + 'static>(name: &'static str, class: Class, about: &'static str) -> Self {
        Self {
            name,
            about,
            class,
            changes_with: None,
            sql_begins: None,
            outputs: &[],
            before: &[],
            example: "",
            schema: Described::Type(A::json_schema),
            build: build::<A>,
        }
    }
}

fn build<A: Action + DeserializeOwned + 'static>(fields: serde_json::Value) -> Result<Box<dyn Action>, Vec<FieldFault>> {
    let action: A = from_fields(fields).map_err(|fault| vec![fault])?;
    let faults = action.validate();
    if faults.is_empty() { Ok(Box::new(action)) } else { Err(faults) }
}

/// A kind of `[target.NAME]`.
pub struct TargetSpec {
    /// The key in the target's table, such as `mysql`.
    pub kind: &'static str,
    /// One sentence for the reference.
    pub about: &'static str,
    /// The schema of its fields.
    pub schema: Described,
    /// Makes a place for locks of it; none where such a target cannot keep them.
    pub leases: Option<BuildLeases>,
}

/// A family of actions: docker, sql, shell, …
pub trait Executor: Send + Sync {
    /// The first half of an action's key.
    fn name(&self) -> &'static str;
    /// One sentence for the reference.
    fn about(&self) -> &'static str;
    /// Its actions, in the order of the reference.
    fn actions(&self) -> &'static [ActionSpec];
    /// The kinds of target that its actions take.
    fn targets(&self) -> &'static [TargetSpec] {
        &[]
    }
}

/// All executors that this program knows: a plain list.
pub struct Registry {
    executors: Vec<Box<dyn Executor>>,
}

impl Registry {
    /// Wraps a list.
    pub fn new(executors: Vec<Box<dyn Executor>>) -> Self {
        Self { executors }
    }

    /// In the order of the reference.
    pub fn executors(&self) -> impl Iterator<Item = &dyn Executor> {
        self.executors.iter().map(AsRef::as_ref)
    }

    /// The executor of that name.
    pub fn executor(&self, name: &str) -> Option<&dyn Executor> {
        self.executors().find(|e| e.name() == name)
    }

    /// The action `EXECUTOR.ACTION`.
    pub fn action(&self, executor: &str, action: &str) -> Option<&'static ActionSpec> {
        self.executor(executor)?.actions().iter().find(|a| a.name == action)
    }

    /// The kind of target of that name.
    pub fn target(&self, kind: &str) -> Option<&'static TargetSpec> {
        self.executors().find_map(|e| e.targets().iter().find(|t| t.kind == kind))
    }
}
