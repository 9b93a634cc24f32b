//! What was commanded and not yet recorded.

use std::collections::{BTreeMap, BTreeSet};

use super::EffectKey;
use crate::action::CancelKind;
use crate::record::Subject;

/// The intents of the process that carries commands out. They end with it, so that they are equal to any others and never written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Intents {
    /// Commands for an effect, until its state changes.
    pub(super) pending: BTreeSet<EffectKey>,
    /// Effects that were told to start or to recover, until their end or verdict.
    pub(super) flight: BTreeSet<EffectKey>,
    /// Monitors that were told to watch, until their end.
    pub(super) watching: BTreeSet<EffectKey>,
    /// Effects that were told to end, and how urgently.
    pub(super) cancelled: BTreeMap<EffectKey, CancelKind>,
    /// Questions that were put.
    pub(super) asked: BTreeSet<Subject>,
    /// Questions that were taken back.
    pub(super) withdrawn: BTreeSet<Subject>,
    /// Whether the session was told to end.
    pub(super) ending: bool,
}

impl PartialEq for Intents {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
