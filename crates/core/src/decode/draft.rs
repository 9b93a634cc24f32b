//! What decoding gives to checking.

use std::collections::BTreeMap;

use crate::effect::UnitIx;
use crate::layout::Callee;
use crate::runbook::{Phase, Runbook, Unit};
use crate::shape::TemplatePlace;
use crate::source::Span;

/// A runbook whose units name each other by text.
pub(crate) struct Draft {
    /// Everything but `needs`, `guards` and `covered_by`, which are empty.
    pub(crate) runbook: Runbook,
    /// What is known of each unit beside; in the same order.
    pub(crate) units: Vec<DraftUnit>,
    /// The ids of units that have a fault and are left out: references to them are not reported.
    pub(crate) broken: BTreeMap<String, Phase>,
    /// Variables that have a fault and are left out.
    pub(crate) broken_vars: Vec<String>,
    /// Values that have a fault and are left out.
    pub(crate) broken_values: Vec<String>,
    /// The runbooks that its steps call; none of one that is not there or has a fault, which was reported: references to its outputs are not.
    pub(crate) callees: BTreeMap<UnitIx, Option<Callee>>,
    /// Whether anything was left out because of a fault.
    pub(crate) faulty: bool,
    /// Templates in the settings of targets that want something.
    pub(crate) target_places: Vec<TemplatePlace>,
}

/// The name of another unit, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NameRef {
    /// The name.
    pub(crate) name: String,
    /// With its quotes.
    pub(crate) span: Span,
}

/// What a unit says beside its typed form.
#[derive(Default)]
pub(crate) struct DraftUnit {
    /// `needs`, where it is written.
    pub(crate) needs: Option<Vec<NameRef>>,
    /// `guards`.
    pub(crate) guards: Vec<NameRef>,
    /// `from` of a monitor.
    pub(crate) from: Option<NameRef>,
    /// `until` of a monitor.
    pub(crate) until: Option<NameRef>,
    /// `covered_by`.
    pub(crate) covered_by: Option<NameRef>,
    /// The keys that say what becomes of the change, as far as they are written.
    pub(crate) fates: Vec<(&'static str, Span)>,
    /// Whether anything is written about what becomes of the change, be it faulty.
    pub(crate) says_fate: bool,
    /// Where `retry` stands.
    pub(crate) retry: Option<Span>,
    /// Where `parallel` stands.
    pub(crate) parallel: Option<Span>,
    /// Where a `repeat` without `repeat_until` stands.
    pub(crate) idle_repeat: Option<Span>,
    /// Where `probe` stands.
    pub(crate) probe: Option<Span>,
    /// Whether the author says `safety`.
    pub(crate) says_safety: bool,
    /// Names of secret outputs.
    pub(crate) secret_outputs: Vec<NameRef>,
    /// Templates that want something, in the action itself, in its proof and in its probe.
    pub(crate) places: Vec<TemplatePlace>,
    /// The same, in the undo.
    pub(crate) undo_places: Vec<TemplatePlace>,
}

/// A unit with what it says beside.
pub(crate) struct Decoded {
    pub(crate) unit: Unit,
    pub(crate) draft: DraftUnit,
}
