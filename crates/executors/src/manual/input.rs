//! `manual.input`.

use regex::Regex;
use runbook_core::action::{
    Action, Answer, Before, BoxFuture, Cx, Failure, FailureKind, FieldFault, Outcome, Outputs, Question, QuestionKind, Residue,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::confirm::nobody;

/// How often a line that does not fit is asked for again.
const TRIES: u32 = 5;

/// Asks a person for a line of text.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    /// What to type.
    text: String,
    /// The whole line must match.
    #[schemars(extend("x-text" = "verbatim", "format" = "regex"))]
    pattern: Option<String>,
    /// Whether it is typed without being shown; `value` is a secret then.
    #[serde(default)]
    secret: bool,
    /// Read back after the answer: an action and what must hold; asked again where it does not.
    #[serde(default, rename = "proof")]
    #[schemars(extend("x-proof" = true))]
    _proof: Option<serde_json::Value>,
}

impl Input {
    fn regex(&self) -> Result<Option<Regex>, regex::Error> {
        self.pattern.as_ref().map(|pattern| Regex::new(&format!("^(?:{pattern})$"))).transpose()
    }
}

impl Action for Input {
    fn validate(&self) -> Vec<FieldFault> {
        match self.regex() {
            Ok(_) => Vec::new(),
            Err(_) => vec![FieldFault::new("pattern", "this is not a regular expression")],
        }
    }

    fn run<'a>(&'a self, cx: Cx<'a>, _before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let pattern = self.regex().ok().flatten();
            let mut text = self.text.clone();
            for _ in 0..TRIES {
                let question = Question { text: text.clone(), kind: QuestionKind::Input { secret: self.secret } };
                match cx.ask(question).await {
                    Ok(Answer::Text(line)) if pattern.as_ref().is_none_or(|pattern| pattern.is_match(&line)) => {
                        return Outcome::unchanged(Outputs::from_iter([("value".to_owned(), Value::from(line))]));
                    }
                    Ok(Answer::Text(_) | Answer::Yes) => {
                        text = format!("That does not match `{}`. {}", self.pattern.as_deref().unwrap_or_default(), self.text);
                    }
                    Ok(Answer::No) => return Outcome::failed(Failure::new(FailureKind::Refused, "a person gave no answer"), Residue::None),
                    Ok(Answer::Nobody) => return Outcome::failed(nobody(&self.text), Residue::None),
                    Ok(Answer::Withdrawn) => return Outcome::Cancelled { residue: Residue::None },
                    Err(failure) => return Outcome::failed(failure, Residue::None),
                }
            }
            let message = format!("{TRIES} answers did not match `{}`", self.pattern.as_deref().unwrap_or_default());
            Outcome::failed(Failure::new(FailureKind::Refused, message).field("pattern"), Residue::None)
        })
    }
}
