//! `manual.confirm`.

use runbook_core::action::{
    Action, Answer, Before, BoxFuture, Cx, Failure, FailureKind, Outcome, Outputs, Question, QuestionKind, Residue,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// Asks a person to do something, and whether it is done. `--yes` never answers it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Confirm {
    /// What to do, ending in a question that yes answers.
    text: String,
    /// Read back after the answer: an action and what must hold; asked again where it does not.
    #[serde(default, rename = "proof")]
    #[schemars(extend("x-proof" = true))]
    _proof: Option<serde_json::Value>,
}

impl Action for Confirm {
    fn run<'a>(&'a self, cx: Cx<'a>, _before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let question = Question { text: self.text.clone(), kind: QuestionKind::Confirm };
            match cx.ask(question).await {
                Ok(Answer::Yes) => Outcome::changed(Outputs::new()),
                Ok(Answer::No | Answer::Text(_)) => Outcome::failed(Failure::new(FailureKind::Refused, "a person said no"), Residue::None),
                Ok(Answer::Nobody) => Outcome::failed(nobody(&self.text), Residue::None),
                Ok(Answer::Withdrawn) => Outcome::Cancelled { residue: Residue::None },
                Err(failure) => Outcome::failed(failure, Residue::None),
            }
        })
    }
}

/// Nobody can be asked; whoever looks at the run later reads what would have been.
pub(super) fn nobody(text: &str) -> Failure {
    let mut failure = Failure::new(FailureKind::NeedsPerson, "a person is needed here, and nobody can be asked")
        .help("run it in a terminal, without `--no-input`");
    failure.detail.extend(text.lines().map(str::to_owned));
    failure
}
