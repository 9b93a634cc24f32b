//! `expect`, `warn` and `repeat_until`: what was found when they were asked, and what becomes of an outcome by them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::action::{Failure, FailureKind, Outcome, Residue};

/// What became of one `expect` or `warn` expression.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Expectation {
    /// Its place in the unit's list of its kind, from 0.
    pub index: u32,
    /// The expression as written.
    pub text: String,
    /// Whether it held; `false` as well where it could not be evaluated.
    pub holds: bool,
    /// Whether it only warns.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub warning: bool,
    /// Whether it is the step's `repeat_until`: where it does not hold, the step is done once more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub until: bool,
    /// The public values of the names in it, as found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actuals: Vec<(String, Value)>,
    /// Why it could not be evaluated, where it could not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// The outcome of an effect after its expectations were asked: what [`Ended`](super::Ended) holds.
///
/// A success whose `expect` does not hold is a failure of the kind `Unexpected`; its residue is `Partial` where the action changed something (that is
/// certain) and `None` where it did not. Every other outcome stays as it is, and so do the outputs.
pub fn judge(outcome: Outcome, expectations: &[Expectation]) -> Outcome {
    let mut broken = expectations.iter().filter(|e| !e.holds && !e.warning && !e.until).peekable();
    match outcome {
        Outcome::Succeeded { outputs, changed } if broken.peek().is_some() => {
            let texts: Vec<_> = broken.map(|e| format!("`{}`", e.text)).collect();
            let verb = if texts.len() == 1 { "does" } else { "do" };
            let failure = Failure::new(FailureKind::Unexpected, format!("{} {verb} not hold", texts.join(", ")));
            let residue = if changed { Residue::Partial } else { Residue::None };
            Outcome::Failed { failure, residue, outputs }
        }
        other => other,
    }
}

/// What a step's `repeat_until` said; none where it has none.
pub fn repeat_is_over(expectations: &[Expectation]) -> Option<bool> {
    expectations.iter().find(|e| e.until).map(|e| e.holds)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::action::Outputs;

    fn expectation(text: &str, holds: bool, warning: bool) -> Expectation {
        Expectation { index: 0, text: text.into(), holds, warning, until: false, actuals: Vec::new(), fault: None }
    }

    fn outputs() -> Outputs {
        [("status".to_owned(), json!(503))].into_iter().collect()
    }

    #[test]
    fn a_broken_expectation_fails_a_success_and_keeps_its_outputs() {
        let judged = judge(Outcome::changed(outputs()), &[expectation("eq status 200", false, false), expectation("eq a b", false, false)]);
        let Outcome::Failed { failure, residue, outputs: kept } = judged else { panic!("{judged:?}") };
        assert_eq!(failure.message, "`eq status 200`, `eq a b` do not hold");
        assert_eq!((failure.kind, residue, kept), (FailureKind::Unexpected, Residue::Partial, outputs()));
    }

    #[test]
    fn nothing_is_left_behind_where_nothing_was_changed() {
        let judged = judge(Outcome::unchanged(outputs()), &[expectation("eq status 200", false, false)]);
        assert!(!judged.may_have_changed());
    }

    #[test]
    fn a_warning_fails_nothing() {
        let judged = judge(Outcome::changed(outputs()), &[expectation("ne exit_code 137", false, true)]);
        assert_eq!(judged, Outcome::changed(outputs()));
    }
}
