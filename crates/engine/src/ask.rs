//! Questions to a person, as the engine puts them.

use std::path::PathBuf;

use runbook_core::action::{BoxFuture, QuestionKind};
use runbook_core::effect::UnitIx;
use runbook_core::record::{Reply, Subject};
use runbook_core::secret::Secret;

/// A question that is to be shown.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// What it is about; says which replies there are.
    pub subject: Subject,
    /// The unit it is about, where it is about one.
    pub unit: Option<UnitIx>,
    /// An action's or a step's own text; empty where the program words the question.
    pub text: String,
    /// What kind of answer an action wants.
    pub kind: Option<QuestionKind>,
    /// What is known about it, a line each, for whoever has to decide.
    pub known: Vec<String>,
    /// What it wrote, where it wrote something and that is kept.
    pub log: Option<PathBuf>,
    /// The replies that it takes; empty for an action's own question, which `kind` is about.
    pub replies: Vec<Reply>,
}

/// What was said.
#[derive(Clone, Debug)]
pub struct Told {
    /// The reply as it is recorded. A secret line is `Reply::Text(None)`.
    pub reply: Reply,
    /// The secret line.
    pub secret: Option<Secret>,
    /// Who said it: a user's name, `--yes`, `--answer`; empty for nobody.
    pub by: String,
}

impl Told {
    /// Nobody can be asked.
    pub const fn nobody() -> Self {
        Self { reply: Reply::Nobody, secret: None, by: String::new() }
    }
}

/// Asks a person. The engine shows one question at a time; when the future is dropped, the question has been taken back.
pub trait Asker: Send + Sync {
    /// Shows a question and waits for the answer.
    fn ask<'a>(&'a self, prompt: &'a Prompt) -> BoxFuture<'a, Told>;
}

/// Input is off: nobody is ever there.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nobody;

impl Asker for Nobody {
    fn ask<'a>(&'a self, _prompt: &'a Prompt) -> BoxFuture<'a, Told> {
        Box::pin(async { Told::nobody() })
    }
}
