//! Finding secrets in what is about to be shown or written, whole or in pieces.
//!
//! Matches may overlap, and one may begin inside another: what is hidden is the union of all spans. A span that may still grow is held back at the end
//! of a piece, and no more than that: the automaton's state says how many of the last bytes could be the beginning of a secret.

use std::collections::HashMap;
use std::sync::Arc;

use super::automaton::{Machine, State};
use super::{SHORTEST_MASKED, forms, reference};

/// Replaces every known secret, in each of its forms, by its name. Cheap to clone.
#[derive(Clone, Default)]
pub struct Masker {
    inner: Option<Arc<Patterns>>,
}

struct Patterns {
    machine: Machine,
    start: State,
    /// How many of the last bytes a state remembers.
    depth: HashMap<State, usize>,
    /// The replacement for each pattern.
    tokens: Vec<Arc<str>>,
}

impl Masker {
    /// Masks these secrets, given as name and value. Values that are empty or too short ([`SHORTEST_MASKED`]) are left out: a caller reports them.
    pub fn new<'a>(secrets: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut patterns: Vec<Vec<u8>> = Vec::new();
        let mut tokens = Vec::new();
        for (name, value) in secrets {
            if value.len() < SHORTEST_MASKED {
                continue;
            }
            let token: Arc<str> = reference(name).into();
            for form in forms::all(value) {
                patterns.push(form);
                tokens.push(Arc::clone(&token));
            }
        }
        if patterns.is_empty() {
            return Self::default();
        }
        let (machine, start) = Machine::new(&patterns);
        let mut depth = HashMap::new();
        for pattern in &patterns {
            let mut state = start;
            for (at, byte) in pattern.iter().enumerate() {
                state = machine.next(state, *byte);
                depth.insert(state, at + 1);
            }
        }
        Self { inner: Some(Arc::new(Patterns { machine, start, depth, tokens })) }
    }

    /// Whether there is nothing to mask.
    pub fn is_empty(&self) -> bool {
        self.inner.is_none()
    }

    /// A whole text, masked.
    pub fn text(&self, text: &str) -> String {
        if self.is_empty() {
            return text.to_owned();
        }
        let mut stream = self.stream();
        let mut out = Vec::with_capacity(text.len());
        stream.push(text.as_bytes(), &mut out);
        stream.finish(&mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    /// Every string of a JSON value, keys included. Leaves are masked before anything is serialized: a secret may hold a quotation mark.
    pub fn json(&self, value: &mut serde_json::Value) {
        use serde_json::Value;
        if self.is_empty() {
            return;
        }
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::Number(number) => {
                let (plain, masked) = (number.to_string(), self.text(&number.to_string()));
                if plain != masked {
                    *value = Value::String(masked);
                }
            }
            Value::String(text) => *text = self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.json(item)),
            Value::Object(map) => {
                *map = std::mem::take(map)
                    .into_iter()
                    .map(|(key, mut item)| {
                        self.json(&mut item);
                        (self.text(&key), item)
                    })
                    .collect();
            }
        }
    }

    /// For a text that arrives in pieces.
    pub fn stream(&self) -> StreamMasker {
        StreamMasker {
            state: self.inner.as_ref().map(|p| p.start),
            patterns: self.inner.clone(),
            held: Vec::new(),
            spans: Vec::new(),
            inside: false,
        }
    }
}

impl std::fmt::Debug for Masker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Masker(…)")
    }
}

/// Masks a text that arrives in pieces; what cannot be part of a secret any more comes out at once.
pub struct StreamMasker {
    patterns: Option<Arc<Patterns>>,
    state: Option<State>,
    /// Bytes that are not out yet.
    pub(super) held: Vec<u8>,
    /// What of `held` is secret: start, end, replacement; apart from each other and in order.
    spans: Vec<(usize, usize, Arc<str>)>,
    /// Whether the replacement of the first span is out already, and the span went on.
    inside: bool,
}

impl StreamMasker {
    /// Takes a piece and appends to `out` what is safe to show.
    pub fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        let (Some(patterns), Some(mut state)) = (self.patterns.clone(), self.state) else {
            out.extend_from_slice(piece);
            return;
        };
        for byte in piece {
            self.held.push(*byte);
            state = patterns.machine.next(state, *byte);
            if let Some((pattern, length)) = patterns.machine.longest_match(state) {
                self.add(&patterns, pattern, length);
            }
        }
        self.state = Some(state);
        let open = patterns.depth.get(&state).copied().unwrap_or_default();
        let safe = self.held.len().saturating_sub(open);
        self.release(safe, out);
    }

    /// Appends the rest: nothing can follow.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.release(self.held.len(), out);
        self.inside = false;
        self.state = self.patterns.as_ref().map(|p| p.start);
    }

    /// The longest pattern that ends here covers all others that do.
    fn add(&mut self, patterns: &Patterns, pattern: usize, length: usize) {
        let end = self.held.len();
        let Some(mut token) = patterns.tokens.get(pattern).cloned() else { return };
        let mut start = end.saturating_sub(length);
        while let Some((s, e, t)) = self.spans.last() {
            if *e <= start {
                break;
            }
            if *s <= start {
                token = Arc::clone(t);
                start = *s;
            }
            self.spans.pop();
        }
        self.spans.push((start, end, token));
    }

    /// Lets everything before `safe` out; a span that reaches over it is replaced once and goes on.
    fn release(&mut self, safe: usize, out: &mut Vec<u8>) {
        let went_on = std::mem::take(&mut self.inside);
        let mut at = 0;
        for (start, end, token) in std::mem::take(&mut self.spans) {
            let replaced = went_on && start == 0;
            if start >= safe && !replaced {
                self.spans.push((start - safe, end - safe, token));
                continue;
            }
            out.extend_from_slice(self.held.get(at..start).unwrap_or_default());
            if !replaced {
                out.extend_from_slice(token.as_bytes());
            }
            at = end.min(safe);
            if end > safe {
                self.inside = true;
                self.spans.push((0, end - safe, token));
            }
        }
        out.extend_from_slice(self.held.get(at..safe).unwrap_or_default());
        self.held.drain(..safe);
    }
}
