//! The seam between the core, the engine and the executors. Object-safe; no async runtime in it.
//!
//! An action is a type whose fields are what the author writes. The type gives the schema (`schemars`), the reference and the decoding (`serde`);
//! templates are rendered before it is built, so an action only ever sees values. Marks on fields tell the core what a text is:
//!
//! | mark | meaning |
//! |---|---|
//! | `#[schemars(extend("x-text" = "shell"))]` | a shell script; the field's type is [`ShellText`] |
//! | `… = "sql"` | an SQL text; the field's type is [`SqlText`] |
//! | `… = "url"`, `"path"`, `"argv"`, `"name"` | a plain string with that meaning |
//! | `… = "verbatim"` | no templates: the text is taken as it is |
//! | `#[schemars(extend("x-target" = "mysql"))]` | names a `[target.NAME]` of that kind; the action gets a [`Target`] |
//! | `#[schemars(extend("x-secret" = "accept"))]` | a secret may stand here or inside it; anywhere else it is refused: names, labels and command lines are seen by others |
//!
//! The order of a call is `capture` → journal `started` → `run` → journal `ended`. After a crash, a time-out or a cut connection it is
//! `settle` → `probe` → decide. A future of `run` is never dropped: it is cancelled through its [`Cx`] and awaited.

mod context;
mod fields;
mod lease;
mod outcome;
mod process;
mod spec;
mod text;

pub use context::{Answer, CancelKind, Context, Cx, Progress, Question, QuestionKind, Stream, Unit};
pub use fields::from_fields;
pub use lease::{BuildLeases, Claim, Hold, Holder, Holding, Lease, LeaseStore, Leaving, Renewed, Taken};
pub use outcome::{Before, Failure, FailureKind, Outcome, Outputs, Residue, Settled, Verdict};
pub use process::{Exit, ProcessSpec, Processes, Sink, Stdin};
pub use spec::{ActionSpec, Build, Class, Effect, Executor, FieldFault, OutputKind, OutputSpec, Registry, TargetSpec};
pub use text::{ShellText, SqlPlace, SqlSegment, SqlText, Target};

use std::future::Future;
use std::pin::Pin;

/// A boxed future that can move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One action with all its values, ready to be carried out.
pub trait Action: Send + Sync {
    /// Faults of values that no schema can say (two fields that exclude each other). Pure.
    fn validate(&self) -> Vec<FieldFault> {
        Vec::new()
    }

    /// What is found before anything is changed: what `undo` and `probe` need to know. Read-only.
    fn capture<'a>(&'a self, _cx: Cx<'a>) -> BoxFuture<'a, Result<Before, Failure>> {
        Box::pin(async { Ok(Before::nothing()) })
    }

    /// Does it. Ends in good order when the context says so.
    fn run<'a>(&'a self, cx: Cx<'a>, before: &'a Before) -> BoxFuture<'a, Outcome>;

    /// Brings to rest what an earlier, interrupted run of this action may still have under way. `evidence` is what that run reported by
    /// [`Context::evidence`], oldest first.
    fn settle<'a>(&'a self, _cx: Cx<'a>, _evidence: &'a [serde_json::Value]) -> BoxFuture<'a, Settled> {
        Box::pin(async { Settled::AtRest })
    }

    /// Asks the world whether it was done, compared with what was found before. Read-only.
    fn probe<'a>(&'a self, _cx: Cx<'a>, _before: &'a Before) -> BoxFuture<'a, Verdict> {
        Box::pin(async { Verdict::Unknown { why: "this action cannot ask whether it was done".to_owned() } })
    }
}
