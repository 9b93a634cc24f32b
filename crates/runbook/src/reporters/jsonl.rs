//! One JSON object a line. The shape is stable: fields may be added, none is taken away or changes its meaning.
//!
//! | `event` | further fields |
//! |---|---|
//! | `record` | `seq`, `at`, `up_us`, `record`: as in the run's journal |
//! | `output` | `effect`, `stream`, `text` |
//! | `progress` | `effect`, `what`, `done`, `total`, `unit` |
//! | `warning` | `text` |
//! | `lost` | `bytes` of output that came too fast |

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
        // serde_json writes control characters as escapes; a reader sees them as they are.
        self.out.line(value);
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
