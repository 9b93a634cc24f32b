//! What is known of an effect's attempts: what reports, cards and undo need.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{RunTime, WatchReport};
use crate::action::{Before, Class, Outcome, Verdict};
use crate::digest::Digest;
use crate::record::{Ended, Expectation, OutputFile, Recovered, SkipReason, Started, UndoResolved};

/// When something happened, by both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// Wall-clock time.
    pub at: Timestamp,
    /// Since the run began.
    pub run: RunTime,
}

/// What is known of an effect. Where nothing else is said, it is about the last attempt.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EffectReport {
    /// When the first attempt began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_started: Option<Moment>,
    /// When it began; none where it ended without having begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<Moment>,
    /// When it ended or was recovered; none while it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished: Option<Moment>,
    /// How it might be treated, as the plan said when it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<Class>,
    /// The digest of the rendered fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub render: Option<Digest>,
    /// The rendered fields, secrets as references.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub fields: Value,
    /// What this attempt found: what a probe compares with.
    pub before: Before,
    /// What was found before anything was changed by any attempt: `before.*` of the undo.
    pub origin: Before,
    /// How it would be undone, as far as it was known at the start.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub undo: Vec<UndoResolved>,
    /// The traces it left, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Value>,
    /// How it ended, after its expectations; for a recovered one, what was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// How often it was tried within the attempt.
    pub tries: u32,
    /// What became of `expect` and `warn`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expectations: Vec<Expectation>,
    /// What else a person should see.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Its output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<OutputFile>,
    /// What the world said when it was looked at again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// Of a monitor: what its probes found, over all its watches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watch: Option<Box<WatchReport>>,
    /// Why it is not done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<SkipReason>,
}

impl EffectReport {
    /// A new attempt begins; `touched` says whether an earlier one may have changed something.
    pub(super) fn begin(&mut self, started: &Started, now: Moment, touched: bool) {
        let origin = if touched { std::mem::take(&mut self.origin) } else { started.before.clone() };
        let mut watch = self.watch.take();
        if let Some(watch) = &mut watch {
            watch.begin();
        }
        *self = Self {
            first_started: Some(self.first_started.unwrap_or(now)),
            started: Some(now),
            class: Some(started.class),
            render: Some(started.render.clone()),
            fields: started.fields.clone(),
            before: started.before.clone(),
            origin,
            undo: started.undo.clone(),
            watch,
            ..Self::default()
        };
    }

    /// The attempt ended; `began` says whether it had begun at all.
    pub(super) fn finish(&mut self, ended: &Ended, now: Moment, began: bool) {
        if !began {
            self.started = None;
        }
        self.finished = Some(now);
        self.outcome = Some(ended.outcome.clone());
        self.tries = ended.tries;
        self.expectations.clone_from(&ended.expectations);
        self.warnings.clone_from(&ended.warnings);
        self.output.clone_from(&ended.output);
    }

    /// It was looked at again.
    pub(super) fn recovered(&mut self, recovered: &Recovered, now: Moment) {
        self.finished = Some(now);
        self.expectations.clone_from(&recovered.expectations);
        self.verdict = Some(recovered.verdict.clone());
    }
}
