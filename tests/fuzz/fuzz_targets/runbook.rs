//! Any bytes as a runbook: faults or a runbook, never a panic; every label stands inside the text; rendering works in every form.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use runbook_core::diagnostic::render;
use runbook_core::source::Source;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let source = Arc::new(Source::new("fuzz.toml", text));
    let (runbook, faults) = runbook_core::load(&source, &runbook_executors::registry());
    assert!(runbook.is_some() || faults.has_errors());
    for fault in &faults {
        for label in &fault.labels {
            assert!(label.span.end <= text.len());
        }
    }
    let human = render::human(&faults, render::Style { width: 80, color: false });
    assert!(!human.contains('\u{1b}'));
    let _ = (render::json(&faults), render::sarif(&faults, "0"), render::github(&faults));
});
