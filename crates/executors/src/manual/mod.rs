//! What only a person can do, or knows.

mod confirm;
mod input;

use runbook_core::action::{ActionSpec, Class, Executor, OutputKind, OutputSpec};

/// `manual.*`.
pub struct Manual;

static ACTIONS: &[ActionSpec] = &[
    ActionSpec {
        example: r#"manual.confirm = { text = "In the OMS console, check that every project is paused. Are they?" }"#,
        schema: runbook_core::described!(confirm::Confirm, "manual.confirm"),
        ..ActionSpec::of::<confirm::Confirm>("confirm", Class::ONCE, "asks a person to do something, and whether it is done")
    },
    ActionSpec {
        outputs: &[OutputSpec::new("value", OutputKind::String, "what the person typed").secret_where("secret")],
        example: r#"manual.input = { text = "The number of the change ticket", pattern = "CHG-[0-9]+" }"#,
        schema: runbook_core::described!(input::Input, "manual.input"),
        ..ActionSpec::of::<input::Input>("input", Class::READ_ONLY, "asks a person for a line of text")
    },
];

impl Executor for Manual {
    fn name(&self) -> &'static str {
        "manual"
    }

    fn about(&self) -> &'static str {
        "what only a person can do or knows"
    }

    fn actions(&self) -> &'static [ActionSpec] {
        ACTIONS
    }
}
