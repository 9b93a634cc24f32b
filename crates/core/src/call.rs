//! `runbook.call`: another runbook, laid out into the plan of its caller.
//!
//! Nothing is left of it when it runs but its end: a unit with the call's id that gives the called runbook's `[outputs]`; and its beginning, where
//! something is told or asked, or watched from there on.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::action::{Action, ActionSpec, Before, BoxFuture, Class, Cx, Executor, Outcome, Outputs, Verdict};
use crate::described::Described;
use crate::runbook::{ActionCall, Fate, Field, FieldKind, Phase, Retry, Unit};

/// The executor `runbook`.
pub struct Calls;

/// Its name.
const EXECUTOR: &str = "runbook";

/// Carries another runbook out as a part of this one. Its checks are asked with this one's, its steps stand where the call stands, with the ids `ID/STEP`,
/// and its `[outputs]` are the outputs of the call.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Call {
    /// The other runbook's file, relative to the folder of this one.
    #[serde(rename = "file")]
    #[schemars(extend("x-text" = "verbatim"), length(min = 1))]
    _file: String,
    /// The values of its variables. A secret can be given to one that is declared secret there.
    #[serde(default, rename = "vars")]
    #[schemars(extend("x-secret" = "accept"))]
    _vars: BTreeMap<String, Value>,
}

/// The beginning of a called runbook.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Begin {}

static ACTIONS: [ActionSpec; 1] = [ActionSpec {
    example: r#"runbook.call = { file = "backup.toml", vars = { container = "{{vars.container}}" } }"#,
    schema: crate::described!(Call, "runbook.call"),
    ..ActionSpec::of::<Call>("call", Class::READ_ONLY, "carries another runbook out as a part of this one")
}];

/// No author writes it.
static BEGIN: ActionSpec =
    ActionSpec { schema: Described::Text("{}"), ..ActionSpec::of::<Begin>("begin", Class::READ_ONLY, "begins a called runbook") };

/// The beginning of a call: it has the id `ID:begin`, which no step can have, and says what the call is for, and asks what is to be asked before it.
pub(crate) fn begin(call: &Unit) -> Unit {
    let span = call.action.key_span;
    let fields = Field { span, kind: FieldKind::Table(Vec::new()) };
    Unit {
        ix: call.ix,
        id: format!("{}:begin", call.id),
        id_span: call.id_span,
        span: call.span,
        phase: Phase::Step,
        title: call.title.clone(),
        description: None,
        action: ActionCall { executor: EXECUTOR, spec: &BEGIN, key_span: span, fields, exposed: Vec::new() },
        needs: call.needs.clone(),
        when: call.when.clone(),
        for_each: None,
        timeout: None,
        retry: Retry::NONE,
        repeat: None,
        expect: Vec::new(),
        warn: Vec::new(),
        outputs: Vec::new(),
        secret_outputs: Vec::new(),
        confirm: call.confirm.clone(),
        class: Class::READ_ONLY,
        probe: None,
        proof: None,
        fate: Fate::Nothing,
        on_failure: call.on_failure,
        guards: Vec::new(),
        watch: None,
        call: None,
        ends: None,
        around: Vec::new(),
    }
}

impl Executor for Calls {
    fn name(&self) -> &'static str {
        EXECUTOR
    }

    fn about(&self) -> &'static str {
        "other runbooks"
    }

    fn actions(&self) -> &'static [ActionSpec] {
        &ACTIONS
    }
}

/// Whether an action (`EXECUTOR.ACTION`) is nothing but the beginning or the end of a called runbook.
pub fn is_mark(action: &str) -> bool {
    action.split_once('.').is_some_and(|(executor, _)| executor == EXECUTOR)
}

impl ActionCall {
    /// Whether it calls another runbook.
    pub fn is_call(&self) -> bool {
        self.executor == EXECUTOR && self.spec.name == "call"
    }
}

impl Action for Call {
    fn run<'a>(&'a self, _: Cx<'a>, _: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async { Outcome::unchanged(Outputs::new()) })
    }

    fn probe<'a>(&'a self, _: Cx<'a>, _: &'a Before) -> BoxFuture<'a, Verdict> {
        Box::pin(async { Verdict::NotDone })
    }
}

impl Action for Begin {
    fn run<'a>(&'a self, _: Cx<'a>, _: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async { Outcome::unchanged(Outputs::new()) })
    }

    fn probe<'a>(&'a self, _: Cx<'a>, _: &'a Before) -> BoxFuture<'a, Verdict> {
        Box::pin(async { Verdict::NotDone })
    }
}
