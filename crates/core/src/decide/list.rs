//! The commands of one decision, and what the decision cost.

use super::Command;
use crate::plan::Plan;
use crate::view::{EffectKey, RunView};

/// Commands in order; counts how many effects were looked at for them.
#[derive(Default)]
pub(super) struct List {
    commands: Vec<Command>,
    looked_at: usize,
}

impl List {
    pub(super) fn push(&mut self, command: Command) {
        self.commands.push(command);
    }

    pub(super) fn extend(&mut self, commands: impl IntoIterator<Item = Command>) {
        self.commands.extend(commands);
    }

    /// Adds a command that another effect may have asked for as well.
    pub(super) fn push_once(&mut self, command: Command) {
        if !self.commands.contains(&command) {
            self.commands.push(command);
        }
    }

    /// Notes that an effect is looked at.
    pub(super) fn look(&mut self) {
        self.looked_at += 1;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    pub(super) fn any(&self, wanted: impl Fn(&Command) -> bool) -> bool {
        self.commands.iter().any(wanted)
    }

    pub(super) fn clear(&mut self) {
        self.commands.clear();
    }

    /// How many effects are told to start.
    pub(super) fn starts(&self) -> usize {
        self.commands.iter().filter(|command| matches!(command, Command::Start(_))).count()
    }

    /// Whether this effect is told to start.
    pub(super) fn starts_this(&self, plan: &Plan, view: &RunView, key: EffectKey) -> bool {
        self.commands.iter().any(|command| matches!(command, Command::Start(start) if view.key(plan, &start.effect) == Some(key)))
    }

    pub(super) fn into_parts(self) -> (Vec<Command>, usize) {
        (self.commands, self.looked_at)
    }
}
