//! One JSON object a line. The shape is stable: fields may be added, none is taken away or changes its meaning.
//!
//! | `event` | further fields |
//! |---|---|
//! | `record` | `seq`, `at`, `up_us`, `record`: as in the run's journal |
//! | `output` | `effect`, `stream`, `text` |
//! | `progress` | `effect`, `what`, `done`, `total`, `unit` |
//! | `warning` | `text` |
//! | `lost` | `bytes` of output that came too fast |

use std::fmt::Write as _;
use std::sync::Arc;

use runbook_core::action::{Progress, Stream};
use runbook_core::effect::EffectId;
use runbook_core::record::Stamped;
use serde_json::{Value, json};

use super::Reporter;
use crate::streams::Stream as Out;

pub(super) struct Jsonl {
    out: Out,
}

impl Jsonl {
    pub(super) fn new(out: Out) -> Self {
        Self { out }
    }

    fn line(&mut self, value: &Value) {
        self.out.line(inert(&value.to_string()));
        self.out.flush();
    }
}

impl Reporter for Jsonl {
    fn record(&mut self, stamped: &Stamped) {
        if let Ok(Value::Object(fields)) = serde_json::to_value(stamped) {
            let mut line = serde_json::Map::from_iter([("event".to_owned(), Value::from("record"))]);
            line.extend(fields);
            self.line(&Value::Object(line));
        } else {
            tracing::error!(seq = stamped.seq, "a record has no JSON form");
        }
    }

    fn output(&mut self, effect: &Arc<EffectId>, stream: Stream, bytes: &[u8]) {
        self.line(&json!({ "event": "output", "effect": effect.to_string(), "stream": stream, "text": String::from_utf8_lossy(bytes) }));
    }

    fn progress(&mut self, effect: &Arc<EffectId>, progress: &Progress) {
        let Progress { what, done, total, unit } = progress;
        self.line(&json!({ "event": "progress", "effect": effect.to_string(), "what": what, "done": done, "total": total, "unit": unit }));
    }

    fn warning(&mut self, text: &str) {
        self.line(&json!({ "event": "warning", "text": text }));
    }

    fn lost(&mut self, bytes: u64) {
        self.line(&json!({ "event": "lost", "bytes": bytes }));
    }
}

/// The same JSON, with what a terminal would obey and JSON need not escape (C1 controls, bidi controls, line separators) as escapes: a reader of the JSON sees
/// them as they are, whoever looks at the lines is not misled.
fn inert(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '\u{7f}'..='\u{9f}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                // Writing to a string does not fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_escaped_and_means_the_same() {
        let value = json!({ "text": "\u{1b}[31m \u{9b}31m \u{202e}abc ‹é›" });
        let line = inert(&value.to_string());
        assert_eq!(line, r#"{"text":"\u001b[31m \u009b31m \u202eabc ‹é›"}"#);
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), value);
    }
}
