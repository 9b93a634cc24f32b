//! A runbook as it was understood: typed, references resolved, templates parsed but not rendered.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::action::{ActionSpec, Class, Effect, TargetSpec};
use crate::effect::UnitIx;
use crate::source::{Source, Span};
use crate::template::{Expr, Template};

mod called;
mod inputs;

pub use called::{Around, CallIx, Called, split_id};
pub use inputs::{FileFormat, ValueDecl, ValueSource, Var, VarType};

/// Something with its place in the file, so that a fault found while running points into the runbook as a parse error does.
#[derive(Clone, Copy, Debug)]
pub struct Placed<T> {
    /// Where it stands, quotes included.
    pub span: Span,
    /// What stands there.
    pub value: T,
}

impl<T> std::ops::Deref for Placed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// One file, one procedure.
pub struct Runbook {
    /// The file's text.
    pub source: Arc<Source>,
    /// `name`.
    pub name: String,
    /// `title`.
    pub title: Option<Placed<Template>>,
    /// `description`.
    pub description: Option<String>,
    /// `risk`; high asks before it starts.
    pub risk: Risk,
    /// `owners`.
    pub owners: Vec<String>,
    /// `locks`.
    pub locks: Vec<Placed<Template>>,
    /// `[lock_store]`: where the locks hold on all hosts; none where they hold on this one only.
    pub lock_store: Option<LockStore>,
    /// What becomes of a failure where a step does not say.
    pub on_failure: OnFailure,
    /// `[vars.NAME]`, in the order of the file.
    pub vars: Vec<Var>,
    /// `[values.NAME]`, in the order of the file.
    pub values: Vec<ValueDecl>,
    /// `[target.NAME]`, in the order of the file.
    pub targets: Vec<TargetDecl>,
    /// `[outputs]`: what a runbook that calls this one gets from it, in the order of the file.
    pub outputs: Vec<(String, Placed<Expr>)>,
    /// Checks, steps, verifies and monitors, each in the order of the file; those of called runbooks among them, each where its call stands.
    pub units: Vec<Unit>,
    /// The runbooks that it calls, and those that these call; a caller before what it calls. Their units are among its own.
    pub called: Vec<Called>,
}

/// How dangerous the procedure is, as its author says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Risk {
    /// Nothing can be lost.
    Low,
    /// The usual.
    #[default]
    Medium,
    /// Asks before it starts.
    High,
}

/// What becomes of a step's failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// Stop there; nothing is undone.
    #[default]
    Stop,
    /// Undo everything that was begun.
    Rollback,
    /// Go on; the failure is reported at the end.
    Continue,
}

/// What becomes of a run whose monitor has tripped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnTrip {
    /// It is told and recorded; the monitor goes on.
    Warn,
    /// What runs comes to its end, nothing new begins; nothing is undone.
    Stop,
    /// What runs comes to its end, then everything that was begun is undone.
    Rollback,
}

impl From<OnTrip> for OnFailure {
    fn from(then: OnTrip) -> Self {
        match then {
            OnTrip::Warn => Self::Continue,
            OnTrip::Stop => Self::Stop,
            OnTrip::Rollback => Self::Rollback,
        }
    }
}

/// `[target.NAME]`.
pub struct TargetDecl {
    /// Its name.
    pub name: String,
    /// Where the name stands.
    pub name_span: Span,
    /// Its kind.
    pub kind: &'static str,
    /// The kind's description.
    pub spec: &'static TargetSpec,
    /// Its settings.
    pub settings: Field,
}

/// `[lock_store]`.
pub struct LockStore {
    /// Where it stands.
    pub span: Span,
    /// The number of its target.
    pub target: usize,
    /// The database with the table of locks.
    pub database: String,
    /// How long a lock lasts, unless it is renewed.
    pub lease: Duration,
}

/// Which part of the runbook a unit stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// `[[check]]`.
    Check,
    /// `[[step]]`.
    Step,
    /// `[[verify]]`.
    Verify,
    /// `[[monitor]]`: beside the steps and verifies, in no order with them but for its window.
    Monitor,
}

impl Phase {
    /// The key of the file, and what one is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Step => "step",
            Self::Verify => "verify",
            Self::Monitor => "monitor",
        }
    }
}

/// A check, a step, a verify or a monitor.
pub struct Unit {
    /// Its number.
    pub ix: UnitIx,
    /// `id`.
    pub id: String,
    /// Where the id stands.
    pub id_span: Span,
    /// The whole table's header.
    pub span: Span,
    /// Which part it belongs to.
    pub phase: Phase,
    /// `title`.
    pub title: Option<Placed<Template>>,
    /// `description`.
    pub description: Option<String>,
    /// What it does.
    pub action: ActionCall,
    /// What it waits for.
    pub needs: Needs,
    /// `when`.
    pub when: Option<Placed<Expr>>,
    /// `for_each`.
    pub for_each: Option<ForEach>,
    /// Of one attempt.
    pub timeout: Option<Duration>,
    /// `retry`.
    pub retry: Retry,
    /// `repeat_until`, with how it goes on.
    pub repeat: Option<Repeat>,
    /// Must hold after it.
    pub expect: Vec<Placed<Expr>>,
    /// Should hold after it.
    pub warn: Vec<Placed<Expr>>,
    /// Names for its results.
    pub outputs: Vec<(String, Placed<Expr>)>,
    /// Which outputs are secret.
    pub secret_outputs: Vec<String>,
    /// Asked before it.
    pub confirm: Option<Placed<Template>>,
    /// The action's class with what the author says.
    pub class: Class,
    /// Asks the world whether it was done.
    pub probe: Option<Proof>,
    /// Read back after a person's answer.
    pub proof: Option<Proof>,
    /// What becomes of its change.
    pub fate: Fate,
    /// Its own, or the runbook's.
    pub on_failure: OnFailure,
    /// For a check: asked again before these steps.
    pub guards: Vec<UnitIx>,
    /// For a monitor: when and how it watches.
    pub watch: Option<Watch>,
    /// The called runbook that it stands in; none in the runbook itself.
    pub call: Option<CallIx>,
    /// The called runbook whose end it is: its `outputs` are that one's.
    pub ends: Option<CallIx>,
    /// The conditions of the calls around it, from the outside inwards.
    pub around: Vec<Around>,
}

/// When a monitor watches, how often, and when it trips.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// The step after whose end it begins; with the first step where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<UnitIx>,
    /// The step before whose beginning it ends; after the last verify where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<UnitIx>,
    /// From the beginning of one probe to the beginning of the next.
    #[serde(rename = "every_ms", with = "crate::record::millis")]
    pub every: Duration,
    /// It trips after so many failures in a row.
    pub failures: u32,
}

/// What a unit waits for within its phase.
///
/// The default is a word of its own, not the list of all earlier units: that list would make a runbook's size grow with the square of its steps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Needs {
    /// `needs` is not written: all units of the phase that stand before it in the file.
    #[default]
    Earlier,
    /// `needs = […]`: these and no others; any order, each once.
    These(Vec<UnitIx>),
}

/// What becomes of a change.
pub enum Fate {
    /// It changes nothing.
    Nothing,
    /// Undone by these, in the order written.
    Undo(Vec<UndoStep>),
    /// A barrier, with the reason.
    Irreversible(String),
    /// Stays and does no harm, with the reason.
    Leaves(String),
    /// An earlier step's undo covers it.
    CoveredBy(UnitIx),
}

/// One action of an undo.
pub struct UndoStep {
    /// `title`.
    pub title: Option<Placed<Template>>,
    /// Where it stands.
    pub span: Span,
    /// What it does.
    pub action: ActionCall,
    /// `when`.
    pub when: Option<Placed<Expr>>,
    /// Of one attempt.
    pub timeout: Option<Duration>,
    /// `retry`.
    pub retry: Retry,
    /// Must hold after it.
    pub expect: Vec<Placed<Expr>>,
    /// The action's class with what the author says.
    pub class: Class,
}

/// `{ ACTION, expect }`: an action that asks the world, and what must hold.
pub struct Proof {
    /// What it does; read-only.
    pub action: ActionCall,
    /// What must hold.
    pub expect: Vec<Placed<Expr>>,
}

/// `for_each`.
pub struct ForEach {
    /// Gives a list (keys are the values, or the index) or a map (keys are its keys).
    pub items: Placed<Expr>,
    /// How many at once.
    pub parallel: u32,
}

/// `repeat_until`: work in batches.
pub struct Repeat {
    /// Done again until this holds.
    pub until: Placed<Expr>,
    /// How often, with what pause, how long.
    pub bounds: Retry,
}

/// `retry`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// At most so many attempts; none means as many as fit into `within`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// The pause between two attempts.
    #[serde(rename = "every_ms", with = "crate::record::millis")]
    pub pause: Duration,
    /// For so long at most.
    #[serde(default, rename = "for_ms", with = "crate::record::millis::option", skip_serializing_if = "Option::is_none")]
    pub within: Option<Duration>,
    /// Each pause is so many times the one before; 1 is constant.
    pub backoff: u32,
}

impl Retry {
    /// One attempt.
    pub const NONE: Self = Self { attempts: Some(1), pause: Duration::ZERO, within: None, backoff: 1 };
}

impl Default for Retry {
    fn default() -> Self {
        Self::NONE
    }
}

/// `EXECUTOR.ACTION = { … }` with its fields.
pub struct ActionCall {
    /// The executor's name.
    pub executor: &'static str,
    /// The action.
    pub spec: &'static ActionSpec,
    /// Where `EXECUTOR.ACTION` stands.
    pub key_span: Span,
    /// Its table.
    pub fields: Field,
    /// Templates in it that must not turn out to hold a secret, by their places: others see what stands there.
    pub exposed: Vec<Span>,
}

impl ActionCall {
    /// How this use of the action behaves, its switches considered; what the author says (`safety`, `interrupt`) comes on top.
    pub fn class(&self) -> Class {
        match self.spec.changes_with {
            Some(switch) if !self.fields.is_off(switch) => Class { effect: Effect::Idempotent, ..self.spec.class },
            Some(_) | None => self.spec.class,
        }
    }
}

/// A value of an action, a target or a default: checked against its schema, templates parsed.
pub struct Field {
    /// Where it stands.
    pub span: Span,
    /// What it is.
    pub kind: FieldKind,
}

impl Field {
    /// Whether the switch of that name in this table is left out or written as `false`.
    fn is_off(&self, switch: &str) -> bool {
        match &self.kind {
            FieldKind::Table(entries) => entries
                .iter()
                .find(|(key, ..)| key == switch)
                .is_none_or(|(.., field)| matches!(field.kind, FieldKind::Literal(serde_json::Value::Bool(false)))),
            FieldKind::Literal(value) => value.get(switch).is_none_or(|value| *value == serde_json::Value::Bool(false)),
            FieldKind::Template(_) | FieldKind::Text(_) | FieldKind::Expr(_) | FieldKind::List(_) | FieldKind::Target(_) => false,
        }
    }
}

/// What a field is.
pub enum FieldKind {
    /// A value without templates.
    Literal(serde_json::Value),
    /// A string with templates; how it renders depends on the template's place (text, shell, SQL, …). Nothing but one `{{…}}` keeps its type.
    Template(Template),
    /// A string with templates in a place that takes text only: a number or boolean is written as text, even where it is nothing but one `{{…}}`
    /// (a port in an environment variable).
    Text(Template),
    /// A bare expression: keeps its type.
    Expr(Expr),
    /// A list; elements may be optional.
    List(Vec<Element>),
    /// A table: key, place of the key, value.
    Table(Vec<(String, Span, Field)>),
    /// The name of a target; renders as its name and settings.
    Target(usize),
}

/// An element of a list.
pub enum Element {
    /// Always there.
    One(Field),
    /// `{ when = "…", items = […] }`.
    When(Placed<Expr>, Vec<Field>),
}

impl Unit {
    /// The effect role of the unit's own action.
    pub const fn role(&self) -> crate::effect::Role {
        match self.phase {
            Phase::Check => crate::effect::Role::Check,
            Phase::Step => crate::effect::Role::Do,
            Phase::Verify => crate::effect::Role::Verify,
            Phase::Monitor => crate::effect::Role::Monitor,
        }
    }
}
