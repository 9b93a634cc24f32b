//! Questions and what their answers bind.

use super::apply::Taken;
use super::{EffectKey, EffectState, RunView};
use crate::effect::{Place, Role};
use crate::plan::Plan;
use crate::record::{Answered, Asked, PersonNeeded, Reply, RunEnd, Subject};

impl RunView {
    pub(super) fn asked(&mut self, plan: &Plan, asked: &Asked) -> Taken {
        if self.questions.iter().any(|open| open.subject == asked.subject) {
            return Err("the question is open already".to_owned());
        }
        let fits = match &asked.subject {
            Subject::Start => self.start.is_none(),
            Subject::Confirm { path } | Subject::Step { path } => self.step_at(plan, path).is_some(),
            Subject::InDoubt { effect } => {
                let key = self.known(plan, effect)?;
                self.effect(key).is_some_and(|e| matches!(e.state(), EffectState::Unsure { .. }) && e.attempt() == effect.attempt)
            }
            Subject::Failed { effect } => {
                let key = self.known(plan, effect)?;
                self.flow.failed.contains(&key) && self.effect(key).is_some_and(|e| e.attempt() == effect.attempt)
            }
            Subject::Action { effect } => {
                let key = self.known(plan, effect)?;
                self.effect(key).is_some_and(|e| e.state() == EffectState::Running && e.attempt() == effect.attempt)
            }
        };
        if !fits {
            return Err("there is nothing to ask".to_owned());
        }
        self.questions.push(asked.clone());
        Ok(())
    }

    fn step_at(&self, plan: &Plan, path: &[Place]) -> Option<EffectKey> {
        self.key_of(plan, path, Role::Do)
    }

    pub(super) fn answered(&mut self, plan: &Plan, answered: &Answered, seq: u64) -> Taken {
        let Some(at) = self.questions.iter().position(|open| open.subject == answered.subject) else {
            return Err("the question is not open".to_owned());
        };
        self.bind(plan, &answered.subject, &answered.reply, seq)?;
        self.questions.remove(at);
        self.intents.asked.remove(&answered.subject);
        self.intents.withdrawn.remove(&answered.subject);
        Ok(())
    }

    /// What an answer binds. One that comes after its subject has gone another way binds nothing.
    fn bind(&mut self, plan: &Plan, subject: &Subject, reply: &Reply, seq: u64) -> Taken {
        let unfit = || Err("the question has no such answer".to_owned());
        match (subject, reply) {
            (_, Reply::Withdrawn) | (Subject::Action { .. }, _) => Ok(()),
            (Subject::Failed { .. }, Reply::Nobody) => self.wish(RunEnd::Failed),
            (_, Reply::Nobody) => {
                if let Some(session) = &mut self.session {
                    session.nobody = true;
                }
                Ok(())
            }
            (Subject::Start, Reply::Yes | Reply::No) => {
                self.start = Some(*reply == Reply::Yes);
                Ok(())
            }
            (Subject::Confirm { path }, Reply::Yes | Reply::No) => {
                if let Some(instance) = self.step_at(plan, path).and_then(|key| self.instance_mut(key)) {
                    instance.confirmed = Some(*reply == Reply::Yes);
                }
                Ok(())
            }
            (Subject::Step { .. }, Reply::No) => self.wish(RunEnd::Failed),
            (Subject::Step { path }, Reply::Yes | Reply::All) => {
                if let Some(instance) = self.step_at(plan, path).and_then(|key| self.instance_mut(key)) {
                    instance.stepped = true;
                }
                if let Some(session) = &mut self.session {
                    session.step_all |= *reply == Reply::All;
                }
                Ok(())
            }
            (Subject::InDoubt { effect }, reply) => {
                let key = self.known(plan, effect)?;
                if self.effect(key).is_none_or(|e| !matches!(e.state(), EffectState::Unsure { .. })) {
                    return Ok(());
                }
                self.resolve(plan, key, reply, seq)
            }
            (Subject::Failed { effect }, reply) => {
                let key = self.known(plan, effect)?;
                match reply {
                    Reply::Stop => self.wish(RunEnd::Failed),
                    Reply::RollBack => self.wish_rollback(),
                    Reply::Retry if self.flow.failed.contains(&key) => {
                        if let Some(instance) = self.instance_mut(key) {
                            instance.ready = seq;
                        }
                        self.change_key(plan, key, seq, super::EffectView::say_retry)
                    }
                    Reply::Skip => {
                        self.pass(plan, key, seq);
                        Ok(())
                    }
                    Reply::Retry => Ok(()),
                    Reply::Yes
                    | Reply::No
                    | Reply::All
                    | Reply::Done
                    | Reply::NotDone
                    | Reply::Text(_)
                    | Reply::Nobody
                    | Reply::Withdrawn => unfit(),
                }
            }
            (Subject::Start | Subject::Confirm { .. } | Subject::Step { .. }, _) => unfit(),
        }
    }

    /// What a person says about an effect in doubt.
    fn resolve(&mut self, plan: &Plan, key: EffectKey, reply: &Reply, seq: u64) -> Taken {
        match reply {
            Reply::Done => self.change_key(plan, key, seq, super::EffectView::say_done),
            Reply::NotDone => {
                if let Some(instance) = self.instance_mut(key) {
                    instance.ready = seq;
                }
                self.change_key(plan, key, seq, super::EffectView::say_not_done)
            }
            Reply::RollBack if key.undo.is_none() => {
                self.change_key(plan, key, seq, super::EffectView::give_up)
                    .map_err(|_| "what still moves cannot be rolled back".to_owned())?;
                self.wish_rollback()
            }
            Reply::Stop => self.wish(RunEnd::NeedsPerson { why: PersonNeeded::InDoubt }),
            Reply::Yes
            | Reply::No
            | Reply::All
            | Reply::Retry
            | Reply::Skip
            | Reply::RollBack
            | Reply::Text(_)
            | Reply::Nobody
            | Reply::Withdrawn => Err("the question has no such answer".to_owned()),
        }
    }

    fn wish(&mut self, end: RunEnd) -> Taken {
        if let Some(session) = &mut self.session {
            session.wish = Some(end);
        }
        Ok(())
    }

    fn wish_rollback(&mut self) -> Taken {
        if let Some(session) = &mut self.session {
            session.roll_back = true;
        }
        Ok(())
    }
}
