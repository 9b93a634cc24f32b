//! Questions and what their answers bind.

use super::apply::Taken;
use super::{EffectKey, EffectState, EffectView, RunView, SessionView};
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

    /// The replies that a question takes as things stand. An action's own question says itself what it wants.
    pub fn replies(&self, plan: &Plan, subject: &Subject) -> Vec<Reply> {
        match subject {
            Subject::Start | Subject::Confirm { .. } => vec![Reply::Yes, Reply::No],
            Subject::Step { .. } => vec![Reply::Yes, Reply::No, Reply::All],
            Subject::InDoubt { effect } => {
                let state = self.key(plan, effect).and_then(|key| self.effect(key)).map(EffectView::state);
                let mut replies = vec![Reply::Done, Reply::NotDone];
                // What still works cannot be undone, and an undo is what a rollback is made of.
                if !matches!(effect.role, Role::Undo(_)) && !matches!(state, Some(EffectState::Unsure { moving: true, .. })) {
                    replies.push(Reply::RollBack);
                }
                replies.push(Reply::Stop);
                replies
            }
            Subject::Failed { .. } => vec![Reply::Retry, Reply::Skip, Reply::RollBack, Reply::Stop],
            Subject::Action { .. } => Vec::new(),
        }
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
        match (subject, reply) {
            // An action's own question is the action's business.
            (Subject::Action { .. }, _) | (_, Reply::Withdrawn) => {}
            (Subject::Failed { .. }, Reply::Nobody) | (Subject::Step { .. }, Reply::No) => self.wish(RunEnd::Failed),
            (_, Reply::Nobody) => self.in_session_mut(|session| session.nobody = true),
            (Subject::Start, Reply::Yes | Reply::No) => self.start = Some(*reply == Reply::Yes),
            (Subject::Confirm { path }, Reply::Yes | Reply::No) => {
                if let Some(instance) = self.step_at(plan, path).and_then(|key| self.instance_mut(key)) {
                    instance.confirmed = Some(*reply == Reply::Yes);
                }
            }
            (Subject::Step { path }, Reply::Yes | Reply::All) => {
                if let Some(instance) = self.step_at(plan, path).and_then(|key| self.instance_mut(key)) {
                    instance.stepped = true;
                }
                self.in_session_mut(|session| session.step_all |= *reply == Reply::All);
            }
            (Subject::InDoubt { effect }, reply) => {
                let key = self.known(plan, effect)?;
                if self.effect(key).is_some_and(|e| matches!(e.state(), EffectState::Unsure { .. })) {
                    self.in_doubt_is(plan, key, reply, seq)?;
                }
            }
            (Subject::Failed { effect }, reply) => {
                let key = self.known(plan, effect)?;
                self.failed_is(plan, key, reply, seq)?;
            }
            (Subject::Start | Subject::Confirm { .. } | Subject::Step { .. }, _) => return unfit(),
        }
        Ok(())
    }

    /// What a person says about a failed step.
    fn failed_is(&mut self, plan: &Plan, key: EffectKey, reply: &Reply, seq: u64) -> Taken {
        match reply {
            Reply::Stop => self.wish(RunEnd::Failed),
            Reply::RollBack => self.in_session_mut(|session| session.roll_back = true),
            Reply::Skip => self.pass(plan, key, seq),
            Reply::Retry if self.flow.failed.contains(&key) => {
                self.ready_now(key, seq);
                self.change_key(plan, key, seq, EffectView::say_retry)?;
            }
            Reply::Retry => {}
            Reply::Yes | Reply::No | Reply::All | Reply::Done | Reply::NotDone | Reply::Text(_) | Reply::Nobody | Reply::Withdrawn => {
                return unfit();
            }
        }
        Ok(())
    }

    /// What a person says about an effect in doubt.
    fn in_doubt_is(&mut self, plan: &Plan, key: EffectKey, reply: &Reply, seq: u64) -> Taken {
        match reply {
            Reply::Done => {
                let (rules, now) = (self.rules(plan, key), self.clock().now());
                self.ready_now(key, seq);
                self.change_key(plan, key, seq, |effect| effect.say_done(rules, now))?;
            }
            Reply::NotDone => {
                self.ready_now(key, seq);
                self.change_key(plan, key, seq, EffectView::say_not_done)?;
            }
            Reply::RollBack if key.undo.is_none() => {
                let moves = |_| "what still moves cannot be rolled back".to_owned();
                self.change_key(plan, key, seq, EffectView::give_up).map_err(moves)?;
                self.in_session_mut(|session| session.roll_back = true);
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
            | Reply::Withdrawn => return unfit(),
        }
        Ok(())
    }

    /// Its guards are asked again.
    fn ready_now(&mut self, key: EffectKey, seq: u64) {
        if let Some(instance) = self.instance_mut(key) {
            instance.ready = seq;
        }
    }

    fn wish(&mut self, end: RunEnd) {
        self.in_session_mut(|session| session.wish = Some(end));
    }

    pub(super) fn in_session_mut(&mut self, change: impl FnOnce(&mut SessionView)) {
        if let Some(session) = &mut self.session {
            change(session);
        }
    }
}

fn unfit() -> Taken {
    Err("the question has no such answer".to_owned())
}
