//! Questions for values that are missing.

use std::sync::atomic::AtomicBool;

use runbook_core::inputs::{Given, GivenValue, Origin};
use runbook_core::runbook::Var;
use serde_json::Value;

use crate::ask;
use crate::text::visible;

/// Asks for each; ends where the input is closed.
pub(super) fn ask(missing: &[&Var]) -> Vec<Given> {
    let never = AtomicBool::new(false);
    let mut answers = Vec::new();
    for var in missing {
        let about = var.description.as_ref().map(|text| format!(" ({})", visible(text))).unwrap_or_default();
        let example = match &var.example {
            Some(Value::String(text)) => format!(", such as {}", visible(text)),
            Some(value) => format!(", such as {value}"),
            None => String::new(),
        };
        let prompt = format!("? {}{about}{example}{}: ", var.name, if var.secret { ", not shown" } else { "" });
        loop {
            let line = if var.secret { ask::hidden_line(&prompt, &never) } else { ask::line(&prompt, &never) };
            match line {
                None => return answers,
                Some(line) if line.is_empty() && !var.allow_empty => {}
                Some(line) => {
                    answers.push(Given { name: var.name.clone(), value: GivenValue::Text(line), origin: Origin::Prompt });
                    break;
                }
            }
        }
    }
    answers
}
