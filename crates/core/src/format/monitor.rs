//! `[[monitor]]`.

use std::num::NonZeroU32;

use schemars::JsonSchema;

use super::Safety;
use super::unit::Condition;
use crate::runbook::OnTrip;
use crate::value::{Duration, Name};

/// A probe that runs beside the steps, every so often. It begins with the steps and ends with the last verify, or where `from` and `until` say; it is not
/// there while a rollback runs. After so many failures in a row it trips.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("x-actions" = true))]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct MonitorDecl {
    /// Its name.
    id: Name,
    /// What is watched, in a few words; may hold templates.
    #[schemars(extend("x-text" = "plain"))]
    title: Option<String>,
    /// More about it, for the reader.
    #[schemars(extend("x-text" = "verbatim"))]
    description: Option<String>,
    /// The step after whose end it begins; with the first step by default.
    from: Option<Name>,
    /// The step before whose beginning it ends; after the last verify by default.
    until: Option<Name>,
    /// Watches only where this holds.
    #[schemars(extend("x-text" = "expr"))]
    when: Option<String>,
    /// From the beginning of one probe to the beginning of the next; 10 seconds by default, at least 100 milliseconds. A probe that takes longer is followed at once.
    every: Option<Duration>,
    /// How long one probe may take; 10 seconds by default. One that takes longer is ended, and failed.
    timeout: Option<Duration>,
    /// After so many failures in a row it trips; 3 by default.
    failures: Option<NonZeroU32>,
    /// What becomes of the run when it trips.
    then: OnTrip,
    /// What must hold after each probe; the action's outputs have no prefix here.
    expect: Option<Vec<Condition>>,
    /// What the tool cannot know: what doing it twice means. A probe must be `read_only`.
    safety: Option<Safety>,
}
