//! Any text as a template of each kind, and as an expression: parsed or refused with places inside the text, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use runbook_core::template::{Expr, Template, TextKind};

fuzz_target!(|text: &str| {
    for kind in [TextKind::Plain, TextKind::Shell, TextKind::Sql, TextKind::Url, TextKind::Path] {
        if let Err(faults) = Template::parse(text, kind) {
            assert!(!faults.is_empty());
            assert!(faults.iter().all(|fault| fault.span.end <= text.len()));
        }
    }
    let _ = Expr::parse(text);
});
