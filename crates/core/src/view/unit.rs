//! Where a unit, its items and their undo stand.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{EffectState, EffectView};
use crate::effect::UnitIx;
use crate::record::ItemKey;

/// The name of an effect within a view: its unit, its item where the unit has several, and the number of the undo action where it is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EffectKey {
    /// The unit.
    pub unit: UnitIx,
    /// The item's place in the order of `for_each`; none for a unit without, and for the unit itself before it is laid out.
    pub item: Option<u32>,
    /// The number of the undo action, from 0; none for the unit's own action.
    pub undo: Option<u16>,
}

impl EffectKey {
    /// A unit's own action.
    pub const fn unit(unit: UnitIx) -> Self {
        Self { unit, item: None, undo: None }
    }

    /// The same unit and item, its own action.
    #[must_use]
    pub const fn forward(self) -> Self {
        Self { undo: None, ..self }
    }

    /// An undo action of it.
    #[must_use]
    pub const fn undo(self, action: u16) -> Self {
        Self { undo: Some(action), ..self }
    }
}

/// A unit without items, an item, or a unit with items as a whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Instance {
    /// The item; none for a unit as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) item: Option<Box<ItemKey>>,
    /// Its own action.
    pub(super) effect: EffectView,
    /// Its undo actions, once a rollback has come to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) undo: Vec<EffectView>,
    /// The number of the record by which it became ready.
    pub(super) ready: u64,
    /// The number of the record by which it was last tried: its `started`, or its end where it did not come to begin.
    pub(super) tried: u64,
    /// What a person said to its `confirm` in this session.
    pub(super) confirmed: Option<bool>,
    /// Whether a person let it pass in this session (`--step`).
    pub(super) stepped: bool,
    /// Whether it has begun.
    pub(super) begun: bool,
    /// Whether those that wait for it have been told.
    pub(super) settled: bool,
}

impl Instance {
    /// The item; none for a unit as a whole.
    pub fn item(&self) -> Option<&ItemKey> {
        self.item.as_deref()
    }

    /// Its own action.
    pub const fn effect(&self) -> &EffectView {
        &self.effect
    }

    /// Its undo actions, in the order written; empty until a rollback comes to it.
    pub fn undo(&self) -> &[EffectView] {
        &self.undo
    }

    /// Whether a rollback has undone it.
    pub fn is_undone(&self) -> bool {
        !self.undo.is_empty() && self.undo.iter().all(|e| matches!(e.state(), EffectState::Done | EffectState::Skipped))
    }

    pub(super) fn effect_mut(&mut self, key: EffectKey) -> Option<&mut EffectView> {
        match key.undo {
            None => Some(&mut self.effect),
            Some(action) => self.undo.get_mut(usize::from(action)),
        }
    }

    pub(crate) const fn ready_at(&self) -> u64 {
        self.ready
    }

    pub(crate) const fn tried_at(&self) -> u64 {
        self.tried
    }

    pub(crate) const fn confirmed(&self) -> Option<bool> {
        self.confirmed
    }

    pub(crate) const fn stepped(&self) -> bool {
        self.stepped
    }
}

/// Where a unit stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct UnitView {
    /// The unit as a whole.
    pub(super) whole: Instance,
    /// Its items, once they are known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) items: Vec<Instance>,
    /// The items' places by their keys.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) keys: BTreeMap<String, u32>,
    /// How many items have been let go.
    #[serde(default)]
    pub(super) let_go: u32,
    /// How many items are settled.
    #[serde(default)]
    pub(super) settled: u32,
    /// Whether an item failed, and that was let pass.
    #[serde(default)]
    pub(super) failed: bool,
}

impl UnitView {
    /// The unit as a whole: its own effect, or, with `for_each`, the frame around its items.
    pub const fn whole(&self) -> &Instance {
        &self.whole
    }

    /// The items of a `for_each`, in their order; empty before they are known.
    pub fn items(&self) -> &[Instance] {
        &self.items
    }

    /// The unit where it has no items, its items where it has.
    pub fn instances(&self) -> &[Instance] {
        if self.items.is_empty() { std::slice::from_ref(&self.whole) } else { &self.items }
    }

    pub(super) fn get(&self, item: Option<u32>) -> Option<&Instance> {
        match item {
            None => Some(&self.whole),
            Some(item) => self.items.get(item as usize),
        }
    }

    pub(super) fn get_mut(&mut self, item: Option<u32>) -> Option<&mut Instance> {
        match item {
            None => Some(&mut self.whole),
            Some(item) => self.items.get_mut(item as usize),
        }
    }
}
