//! Answers that were given on the command line: `--answer STEP=ANSWER`.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use runbook_core::action::{BoxFuture, QuestionKind};
use runbook_core::effect::{EffectId, Place};
use runbook_core::record::{Reply, Subject};
use runbook_engine::ask::{Asker, Prompt, Told};

use crate::reporters::unit_id;

/// Who said it, as it is recorded.
const BY: &str = "--answer";

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The step, with its item where it has several: `copy[a]`.
    pub(crate) step: String,
    /// The answer as it was typed.
    pub(crate) said: String,
}

impl FromStr for Answer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // The key of an item may have an equals sign in it.
        let parts = match text.split_once("]=") {
            Some((step, said)) => Some((format!("{step}]"), said)),
            None => text.split_once('=').map(|(step, said)| (step.to_owned(), said)),
        };
        match parts {
            Some((step, said)) if !step.is_empty() && !said.is_empty() => Ok(Self { step, said: said.to_owned() }),
            Some(_) | None => Err("it is not of the form STEP=ANSWER, such as `init-oms=done`".to_owned()),
        }
    }
}

/// Answers what it was told to, and leaves the rest to another. An answer is used once: a question that comes again is put to a person.
pub(crate) struct Answers {
    left: Arc<Mutex<BTreeMap<String, String>>>,
    otherwise: Box<dyn Asker>,
}

/// The answers that nothing was asked about yet.
#[derive(Clone)]
pub(crate) struct Unused(Arc<Mutex<BTreeMap<String, String>>>);

impl Unused {
    /// As they were typed.
    pub(crate) fn list(&self) -> Vec<String> {
        let left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        left.iter().map(|(step, said)| format!("{step}={said}")).collect()
    }
}

impl Answers {
    pub(crate) fn new(answers: &[Answer], otherwise: Box<dyn Asker>) -> (Self, Unused) {
        let left = answers.iter().map(|answer| (answer.step.clone(), answer.said.clone())).collect();
        let left = Arc::new(Mutex::new(left));
        (Self { left: Arc::clone(&left), otherwise }, Unused(left))
    }

    fn take(&self, prompt: &Prompt) -> Option<Reply> {
        let step = step(&prompt.subject)?;
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let reply = reply(prompt, left.get(&step)?)?;
        left.remove(&step);
        Some(reply)
    }
}

impl Asker for Answers {
    fn ask<'a>(&'a self, prompt: &'a Prompt) -> BoxFuture<'a, Told> {
        Box::pin(async move {
            match self.take(prompt) {
                Some(reply) => Told { reply, secret: None, by: BY.to_owned() },
                None => self.otherwise.ask(prompt).await,
            }
        })
    }
}

fn step(subject: &Subject) -> Option<String> {
    let of = |effect: &EffectId| unit_id(&effect.path);
    let at = |path: &[Place]| unit_id(path);
    match subject {
        // `--yes` answers that one.
        Subject::Start => None,
        Subject::Confirm { path } | Subject::Step { path } => Some(at(path)),
        Subject::InDoubt { effect } | Subject::Failed { effect } | Subject::Action { effect } => Some(of(effect)),
    }
}

/// The word that stands for a reply; none for what nobody types.
pub(crate) const fn word(reply: &Reply) -> Option<&'static str> {
    match reply {
        Reply::Yes => Some("yes"),
        Reply::No => Some("no"),
        Reply::All => Some("all"),
        Reply::Done => Some("done"),
        Reply::NotDone => Some("not-done"),
        Reply::Retry => Some("retry"),
        Reply::Skip => Some("skip"),
        Reply::RollBack => Some("rollback"),
        Reply::Stop => Some("stop"),
        Reply::Text(_) | Reply::Nobody | Reply::Withdrawn => None,
    }
}

/// What was said, where the question takes it.
fn reply(prompt: &Prompt, said: &str) -> Option<Reply> {
    match (&prompt.subject, said) {
        (Subject::Action { .. }, said) => match (&prompt.kind, said) {
            (Some(QuestionKind::Input { secret: false }), line) => Some(Reply::Text(Some(line.to_owned()))),
            (Some(QuestionKind::Confirm) | None, "yes") => Some(Reply::Yes),
            (Some(QuestionKind::Confirm) | None, "no") => Some(Reply::No),
            // A secret has no place on a command line.
            (Some(QuestionKind::Confirm | QuestionKind::Input { secret: true }) | None, _) => None,
        },
        (_, said) => prompt.replies.iter().find(|reply| word(reply) == Some(said)).cloned(),
    }
}

#[cfg(test)]
mod tests {
    use runbook_core::effect::Role;

    use super::*;

    fn prompt(subject: Subject, replies: Vec<Reply>) -> Prompt {
        Prompt { subject, unit: None, text: String::new(), kind: None, known: Vec::new(), log: None, replies }
    }

    #[test]
    fn an_answer_fits_its_question_and_no_other() {
        let effect = EffectId::first("init", Role::Do);
        let confirm = prompt(Subject::Confirm { path: effect.path.clone() }, vec![Reply::Yes, Reply::No]);
        let doubt = prompt(Subject::InDoubt { effect }, vec![Reply::Done, Reply::NotDone, Reply::Stop]);
        assert_eq!(reply(&doubt, "done"), Some(Reply::Done));
        assert_eq!(reply(&doubt, "not-done"), Some(Reply::NotDone));
        assert_eq!(reply(&doubt, "yes"), None);
        assert_eq!(reply(&doubt, "rollback"), None, "it is not among those that the question takes");
        assert_eq!(reply(&confirm, "done"), None);
    }

    #[test]
    fn an_answer_has_two_sides() {
        assert_eq!("copy[a=b]=done".parse::<Answer>(), Ok(Answer { step: "copy[a=b]".into(), said: "done".into() }));
        assert!("done".parse::<Answer>().is_err());
        assert!("=done".parse::<Answer>().is_err());
    }
}
