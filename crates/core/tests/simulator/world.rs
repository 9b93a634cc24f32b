//! The world: what was truly done, which nobody but the laws may look at.

use std::collections::BTreeMap;

use runbook_core::action::{CancelKind, Failure, FailureKind, Outcome, Outputs, Residue, Settled, Verdict};
use runbook_core::view::EffectKey;

use crate::rng::Rng;

/// What the last attempt of an effect truly did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Truth {
    #[default]
    Nothing,
    Part,
    All,
}

#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub(crate) struct Thing {
    /// Of the last attempt.
    pub(crate) truth: Truth,
    /// Whether an attempt before the last one changed something.
    pub(crate) earlier: bool,
    /// Whether something of it still works.
    pub(crate) moving: bool,
    /// Whether a person allowed it to be done again.
    pub(crate) allowed: bool,
    /// Whether it can be asked about.
    pub(crate) probeable: bool,
}

impl Thing {
    /// Whether anything was changed, as far as no person has denied it.
    pub(crate) fn changed(&self) -> bool {
        self.earlier || self.truth != Truth::Nothing
    }
}

#[derive(Default)]
pub(crate) struct World {
    pub(crate) things: BTreeMap<EffectKey, Thing>,
}

fn any(rng: &mut Rng) -> Truth {
    rng.pick(&[Truth::Nothing, Truth::Part, Truth::All])
}

const KINDS: [FailureKind; 9] = [
    FailureKind::Failed,
    FailureKind::Unexpected,
    FailureKind::TimedOut,
    FailureKind::Disconnected,
    FailureKind::Unreachable,
    FailureKind::Denied,
    FailureKind::Refused,
    FailureKind::Internal,
    FailureKind::NeedsPerson,
];

impl World {
    pub(crate) fn thing(&mut self, key: EffectKey, rng: &mut Rng) -> &mut Thing {
        self.things.entry(key).or_insert_with(|| Thing { probeable: rng.percent(60), ..Thing::default() })
    }

    fn did(&mut self, key: EffectKey, truth: Truth, rng: &mut Rng) {
        self.thing(key, rng).truth = truth;
    }

    /// An attempt begins.
    pub(crate) fn begin(&mut self, key: EffectKey, rng: &mut Rng) {
        let thing = self.thing(key, rng);
        thing.earlier |= thing.truth != Truth::Nothing;
        thing.truth = Truth::Nothing;
        thing.allowed = false;
    }

    /// Carries an attempt out to its end. Whatever it says of what it left behind is true.
    pub(crate) fn act(&mut self, key: EffectKey, changes: bool, cancelled: Option<CancelKind>, rng: &mut Rng) -> Outcome {
        if cancelled.is_some() && rng.percent(80) {
            let residue = if changes { rng.pick(&[Residue::None, Residue::Partial, Residue::Unknown]) } else { Residue::None };
            self.leave(key, residue, rng);
            return Outcome::Cancelled { residue };
        }
        if rng.percent(if changes { 72 } else { 92 }) {
            let did = changes && rng.percent(80);
            self.did(key, if did { Truth::All } else { Truth::Nothing }, rng);
            return Outcome::Succeeded { outputs: Outputs::new(), changed: did };
        }
        let kind = rng.pick(&KINDS);
        let residue = if changes { rng.pick(&[Residue::None, Residue::Partial, Residue::Unknown]) } else { Residue::None };
        self.leave(key, residue, rng);
        if matches!(kind, FailureKind::TimedOut | FailureKind::Disconnected) && residue != Residue::None {
            self.thing(key, rng).moving = rng.percent(40);
        }
        Outcome::Failed { failure: Failure::new(kind, "it failed"), residue, outputs: Outputs::new() }
    }

    /// Carries an attempt out on a good day.
    pub(crate) fn succeed(&mut self, key: EffectKey, changes: bool, rng: &mut Rng) -> Outcome {
        self.did(key, if changes { Truth::All } else { Truth::Nothing }, rng);
        Outcome::Succeeded { outputs: Outputs::new(), changed: changes }
    }

    fn leave(&mut self, key: EffectKey, residue: Residue, rng: &mut Rng) {
        let truth = match residue {
            Residue::None => Truth::Nothing,
            Residue::Partial => rng.pick(&[Truth::Part, Truth::All]),
            Residue::Unknown => any(rng),
        };
        self.did(key, truth, rng);
    }

    /// The process dies while the attempt runs.
    pub(crate) fn break_off(&mut self, key: EffectKey, changes: bool, rng: &mut Rng) {
        if changes {
            let truth = any(rng);
            self.did(key, truth, rng);
            self.thing(key, rng).moving = rng.percent(30);
        }
    }

    /// Nothing was seen of what an attempt left.
    pub(crate) fn unseen(why: &str) -> (Settled, Verdict) {
        (Settled::Moving { why: why.to_owned() }, Verdict::Unknown { why: why.to_owned() })
    }

    /// Looks at what an attempt left.
    pub(crate) fn look(&mut self, key: EffectKey, calm: bool, rng: &mut Rng) -> (Settled, Verdict) {
        let stays = !calm && rng.percent(25);
        let thing = self.thing(key, rng);
        if thing.moving && stays {
            return Self::unseen("it still works");
        }
        if thing.moving {
            // What still worked has come to its end meanwhile.
            thing.moving = false;
            thing.truth = Truth::All;
        }
        let why = || "somehow".to_owned();
        let verdict = match (thing.probeable, thing.truth) {
            (false, _) => Verdict::Unknown { why: why() },
            (true, Truth::Nothing) => Verdict::NotDone,
            (true, Truth::Part) => Verdict::Partial { why: why() },
            (true, Truth::All) => Verdict::Done { outputs: Outputs::new(), changed: true },
        };
        (Settled::AtRest, verdict)
    }

    /// A person has looked, and brought to rest what moved.
    pub(crate) fn person_says(&mut self, key: EffectKey, done: bool, rng: &mut Rng) {
        let thing = self.thing(key, rng);
        thing.moving = false;
        thing.allowed = true;
        thing.truth = if done { Truth::All } else { Truth::Nothing };
    }
}
