//! How an action of this folder comes to an early end.

use bollard::errors::Error;
use runbook_core::action::{Failure, Outcome, Outputs, Residue, Settled};

use super::failure;

/// The early end of an action: why, and what it may have left behind.
#[derive(Debug)]
pub(crate) struct Halt {
    /// Why it failed; none where it ended because it was told to.
    pub(crate) failure: Option<Box<Failure>>,
    /// What may have been left behind.
    pub(crate) residue: Residue,
    /// Results that are known all the same.
    pub(crate) outputs: Outputs,
}

/// The result of a part of an action.
pub(crate) type Run<T> = Result<T, Halt>;

impl Halt {
    /// It was told to end, and nothing has changed yet.
    pub(crate) fn told() -> Self {
        Self { failure: None, residue: Residue::None, outputs: Outputs::new() }
    }

    /// It failed, and nothing has changed yet.
    pub(crate) fn failed(failure: Failure) -> Self {
        Self { failure: Some(Box::new(failure)), residue: Residue::None, outputs: Outputs::new() }
    }

    /// The engine's refusal of a change, or no answer to it. Where it answered with a refusal of the request (4xx), nothing changed; else nobody knows.
    pub(crate) fn refused(error: &Error, what: &str) -> Self {
        let residue = match error {
            Error::DockerResponseServerError { status_code: 400..=499, .. } => Residue::None,
            _ if failure::never_arrived(error) => Residue::None,
            _ => Residue::Unknown,
        };
        Self { residue, ..Self::failed(failure::of(error, what)) }
    }

    /// The same end after something had changed already.
    #[must_use]
    pub(crate) fn after(mut self, residue: Residue) -> Self {
        if self.residue == Residue::None {
            self.residue = residue;
        }
        self
    }

    /// The same end of a part that cannot leave anything behind, however it ended.
    #[must_use]
    pub(crate) fn without_residue(self) -> Self {
        Self { residue: Residue::None, ..self }
    }

    /// With results.
    #[must_use]
    pub(crate) fn with(mut self, outputs: Outputs) -> Self {
        self.outputs = outputs;
        self
    }

    /// As the engine wants it.
    pub(crate) fn into_outcome(self) -> Outcome {
        match self.failure {
            Some(failure) => Outcome::Failed { failure: *failure, residue: self.residue, outputs: self.outputs },
            None => Outcome::Cancelled { residue: self.residue },
        }
    }
}

impl From<Failure> for Halt {
    fn from(failure: Failure) -> Self {
        Self::failed(failure)
    }
}

/// The end of an action as an outcome.
pub(crate) fn outcome(run: Run<Outcome>) -> Outcome {
    run.unwrap_or_else(Halt::into_outcome)
}

/// What a look at something that may still be under way found: an error of the question itself leaves it in doubt.
pub(crate) fn settled(looked: Run<()>) -> Settled {
    match looked {
        Ok(()) => Settled::AtRest,
        Err(Halt { failure: Some(failure), .. }) => Settled::Moving { why: failure.message },
        Err(Halt { failure: None, .. }) => Settled::Moving { why: "the look at it was ended".to_owned() },
    }
}
