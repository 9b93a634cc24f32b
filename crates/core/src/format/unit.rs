//! `[[check]]`, `[[step]]`, `[[verify]]`, and what stands inside a step.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::runbook::OnFailure;
use crate::value::{Duration, Name, NonEmpty};

/// A question to the world before the first change. All checks are asked and reported together; one that fails ends the run, and nothing was changed.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("x-actions" = true))]
#[expect(dead_code, clippy::zero_sized_map_values, reason = "only its schema is used")]
pub(crate) struct CheckDecl {
    /// Its name: `checks.ID.OUTPUT` in templates.
    id: Name,
    /// What is asked, in a few words; may hold templates.
    #[schemars(extend("x-text" = "plain"))]
    title: Option<String>,
    /// More about it, for the reader.
    #[schemars(extend("x-text" = "verbatim"))]
    description: Option<String>,
    /// Checks that must have been answered before; none by default.
    needs: Option<Vec<Name>>,
    /// Asked only where this holds.
    #[schemars(extend("x-text" = "expr"))]
    when: Option<String>,
    /// How long one attempt may take.
    timeout: Option<Duration>,
    /// Asks again until it holds.
    retry: Option<RetryDecl>,
    /// What must hold; the action's outputs have no prefix here.
    expect: Option<Vec<Condition>>,
    /// What should hold; a warning where it does not.
    warn: Option<Vec<Condition>>,
    /// More outputs: names and expressions.
    outputs: Option<BTreeMap<OutputName, Condition>>,
    /// Outputs that are secret.
    secret_outputs: Option<Vec<OutputName>>,
    /// What the tool cannot know: what doing it twice means. A check must be `read_only`.
    safety: Option<Safety>,
    /// Steps before which it is asked again, if time has passed.
    guards: Option<Vec<Name>>,
}

/// Something that is done, by one action.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("x-actions" = true))]
#[expect(dead_code, clippy::zero_sized_map_values, reason = "only its schema is used")]
pub(crate) struct StepDecl {
    /// Its name: `steps.ID.OUTPUT` in templates.
    id: Name,
    /// What is done, in a few words; may hold templates.
    #[schemars(extend("x-text" = "plain"))]
    title: Option<String>,
    /// More about it, for the reader.
    #[schemars(extend("x-text" = "verbatim"))]
    description: Option<String>,
    /// The steps that it waits for; all earlier ones by default.
    needs: Option<Vec<Name>>,
    /// Done only where this holds.
    #[schemars(extend("x-text" = "expr"))]
    when: Option<String>,
    /// Done once for each element of this list or map, which is `item` in templates.
    #[schemars(extend("x-text" = "expr"))]
    for_each: Option<String>,
    /// How many elements of `for_each` at once; 1 by default.
    parallel: Option<NonZeroU32>,
    /// How long one attempt may take.
    timeout: Option<Duration>,
    /// Does it again until it succeeds and `expect` holds.
    retry: Option<RetryDecl>,
    /// Does it again until this holds, for work in batches; the action's outputs have no prefix here. The last time's outputs count.
    #[schemars(extend("x-text" = "expr"))]
    repeat_until: Option<NonEmpty>,
    /// How often, with what pause and how long it is repeated.
    repeat: Option<RepeatDecl>,
    /// What must hold afterwards; the action's outputs have no prefix here.
    expect: Option<Vec<Condition>>,
    /// What should hold afterwards; a warning where it does not.
    warn: Option<Vec<Condition>>,
    /// More outputs: names and expressions.
    outputs: Option<BTreeMap<OutputName, Condition>>,
    /// Outputs that are secret.
    secret_outputs: Option<Vec<OutputName>>,
    /// A question to the person before it; may hold templates.
    #[schemars(extend("x-text" = "plain"))]
    confirm: Option<NonEmpty>,
    /// What the tool cannot know: what doing it twice means.
    safety: Option<Safety>,
    /// How to find out whether it was done: an action that only reads, and what then holds.
    probe: Option<ProbeDecl>,
    /// `never`: neither Ctrl-C nor a time-out ends it; it is waited for.
    interrupt: Option<Interrupt>,
    /// How to take it back: steps in the order in which they are carried out.
    #[schemars(length(min = 1))]
    undo: Option<Vec<UndoDecl>>,
    /// Why it cannot be taken back. What came after it is undone, nothing before it.
    #[schemars(extend("x-text" = "verbatim"))]
    irreversible: Option<NonEmpty>,
    /// What stays behind, and that it does no harm.
    #[schemars(extend("x-text" = "verbatim"))]
    leaves: Option<NonEmpty>,
    /// The earlier step whose undo takes this back as well.
    covered_by: Option<Name>,
    /// What becomes of its failure; the runbook's word by default.
    on_failure: Option<OnFailure>,
}

/// A question to the world after the last step.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("x-actions" = true))]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct VerifyDecl {
    /// Its name.
    id: Name,
    /// What is asked, in a few words; may hold templates.
    #[schemars(extend("x-text" = "plain"))]
    title: Option<String>,
    /// More about it, for the reader.
    #[schemars(extend("x-text" = "verbatim"))]
    description: Option<String>,
    /// Asked only where this holds.
    #[schemars(extend("x-text" = "expr"))]
    when: Option<String>,
    /// How long one attempt may take.
    timeout: Option<Duration>,
    /// Asks again until it holds.
    retry: Option<RetryDecl>,
    /// What must hold; the action's outputs have no prefix here.
    expect: Option<Vec<Condition>>,
    /// What should hold; a warning where it does not.
    warn: Option<Vec<Condition>>,
    /// What the tool cannot know: what doing it twice means. A verify must be `read_only`.
    safety: Option<Safety>,
}

/// One step of an undo. What the step found before it changed anything is `before` in templates.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("x-actions" = true))]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct UndoDecl {
    /// What is done, in a few words; may hold templates.
    #[schemars(extend("x-text" = "plain"))]
    title: Option<String>,
    /// Done only where this holds.
    #[schemars(extend("x-text" = "expr"))]
    when: Option<String>,
    /// How long one attempt may take.
    timeout: Option<Duration>,
    /// Does it again until it succeeds and `expect` holds.
    retry: Option<RetryDecl>,
    /// What must hold afterwards; the action's outputs have no prefix here.
    expect: Option<Vec<Condition>>,
    /// What the tool cannot know: what doing it twice means.
    safety: Option<Safety>,
    /// `never`: neither Ctrl-C nor a time-out ends it; it is waited for.
    interrupt: Option<Interrupt>,
}

/// An action that only reads, and what must hold.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("x-actions" = true))]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct ProbeDecl {
    /// What holds where it was done; the action's outputs have no prefix here.
    expect: Option<Vec<Condition>>,
    /// What the tool cannot know: what doing it twice means. It must be `read_only`.
    safety: Option<Safety>,
}

/// How often and how long something is tried again.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetryDecl {
    /// At most so many attempts, the first one included.
    pub(crate) attempts: Option<NonZeroU32>,
    /// The pause between two attempts; 1 second by default.
    pub(crate) every: Option<Duration>,
    /// For so long at most, from the first attempt on.
    #[serde(rename = "for")]
    pub(crate) within: Option<Duration>,
    /// `2` doubles each pause; 1, the default, keeps it.
    pub(crate) backoff: Option<Backoff>,
}

/// How `repeat_until` goes on. Where neither `attempts` nor `for` is written, at most 1,000 times.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RepeatDecl {
    /// At most so many times, the first one included.
    pub(crate) attempts: Option<NonZeroU32>,
    /// The pause between two times; none by default.
    pub(crate) every: Option<Duration>,
    /// For so long at most, from the first time on.
    #[serde(rename = "for")]
    pub(crate) within: Option<Duration>,
}

/// The factor by which a pause grows.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct Backoff(#[schemars(range(min = 1, max = 10))] pub(crate) u32);

/// What doing something twice means, where only the author can know.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Safety {
    /// It changes nothing.
    ReadOnly,
    /// Doing it twice leaves the same as doing it once.
    Idempotent,
    /// It must not be done twice without knowing how the first time ended.
    Once,
}

/// Whether it may be ended.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its schema is used")]
enum Interrupt {
    /// It is always waited for.
    Never,
}

pub(super) struct Condition;

impl JsonSchema for Condition {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Expression".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "minLength": 1, "x-text": "expr" })
    }
}

pub(super) struct OutputName;

impl JsonSchema for OutputName {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "OutputName".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^[a-z][a-z0-9_]*$",
            "x-expected": "a name of lower-case letters, digits and `_` that begins with a letter"
        })
    }
}
