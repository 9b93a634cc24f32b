//! Finding secrets in what is about to be shown or written, whole or in pieces.
//!
//! Matches may overlap, and one may begin inside another: what is hidden is the union of all spans. A span that may still grow is held back at the end
//! of a piece, and no more than that: the automaton's state says how many of the last bytes could be the beginning of a secret.

use std::sync::Arc;

use super::finder::{Finder, Patterns, Place};
use super::{SHORTEST_MASKED, forms, reference};

/// Replaces every known secret, in each of its forms, by its name. Cheap to clone.
#[derive(Clone, Default)]
pub struct Masker {
    inner: Option<Arc<Known>>,
}

/// What is looked for.
enum Known {
    Secrets(Box<Finder>),
    /// More than any automaton takes: everything is taken for a secret.
    TooMuch,
}

/// What stands for everything where nothing can be told apart.
const EVERYTHING: &str = "‹…›";

impl Masker {
    /// Masks these secrets, given as name and value. Values that are empty or too short ([`SHORTEST_MASKED`]) are left out: a caller reports them.
    pub fn new<'a>(secrets: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let (mut plain, mut coded) = (Vec::new(), Vec::new());
        for (name, value) in secrets {
            if value.len() < SHORTEST_MASKED {
                continue;
            }
            let token: Arc<str> = reference(name).into();
            let forms = forms::all(value);
            plain.extend(forms.plain.into_iter().map(|form| (form, Arc::clone(&token))));
            coded.extend(forms.coded.into_iter().map(|form| (form, Arc::clone(&token))));
        }
        if plain.is_empty() {
            return Self::default();
        }
        let known = match (Patterns::new(plain), Patterns::new(coded)) {
            (Some(plain), Some(coded)) => Known::Secrets(Box::new(Finder::new(plain, coded))),
            (None, _) | (_, None) => Known::TooMuch,
        };
        Self { inner: Some(Arc::new(known)) }
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

    /// Whether a text holds a secret.
    pub fn finds(&self, text: &str) -> bool {
        match self.inner.as_deref() {
            None => false,
            Some(Known::TooMuch) => true,
            Some(Known::Secrets(finder)) => {
                let mut found = false;
                finder.walk(finder.start(), text.as_bytes(), 0, |_| found = true);
                found
            }
        }
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

    /// Whether it is the very same masker: nothing was learnt between the two.
    pub fn is(&self, other: &Self) -> bool {
        match (&self.inner, &other.inner) {
            (Some(ours), Some(theirs)) => Arc::ptr_eq(ours, theirs),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        }
    }

    /// For a text that arrives in pieces.
    pub fn stream(&self) -> StreamMasker {
        StreamMasker { place: None, known: self.inner.clone(), held: Vec::new(), spans: Vec::new(), inside: false }
    }
}

impl std::fmt::Debug for Masker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Masker(…)")
    }
}

/// Masks a text that arrives in pieces; what cannot be part of a secret any more comes out at once.
pub struct StreamMasker {
    known: Option<Arc<Known>>,
    /// None at the beginning.
    place: Option<Place>,
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
        let known = self.known.clone();
        let finder = match known.as_deref() {
            None => return out.extend_from_slice(piece),
            Some(Known::TooMuch) => {
                if !std::mem::replace(&mut self.inside, true) {
                    out.extend_from_slice(EVERYTHING.as_bytes());
                }
                return;
            }
            Some(Known::Secrets(finder)) => finder,
        };
        let from = self.held.len();
        self.held.extend_from_slice(piece);
        let place = self.place.unwrap_or_else(|| finder.start());
        let spans = &mut self.spans;
        let place = finder.walk(place, &self.held, from, |hit| add(spans, hit.end, hit.length, hit.token));
        self.place = Some(place);
        let safe = self.held.len().saturating_sub(finder.open(place, &self.held));
        self.release(safe, out);
    }

    /// Goes on with a masker that knows more. What is held back is looked at anew.
    pub fn renew(&mut self, masker: &Masker, out: &mut Vec<u8>) {
        let mut renewed = masker.stream();
        // What was replaced already is not to be looked at again.
        let replaced = if self.inside { self.spans.first().map_or(0, |(_, end, _)| *end) } else { 0 };
        renewed.push(self.held.get(replaced..).unwrap_or_default(), out);
        *self = renewed;
    }

    /// Appends the rest: nothing can follow.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.release(self.held.len(), out);
        self.inside = false;
        self.place = None;
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

/// The longest pattern that ends here covers all others that do; what it overlaps becomes one with it.
fn add(spans: &mut Vec<(usize, usize, Arc<str>)>, end: usize, length: usize, token: &Arc<str>) {
    let mut token = Arc::clone(token);
    let mut start = end.saturating_sub(length);
    while let Some((s, e, t)) = spans.last() {
        if *e <= start {
            break;
        }
        if *s <= start {
            token = Arc::clone(t);
            start = *s;
        }
        spans.pop();
    }
    spans.push((start, end, token));
}
