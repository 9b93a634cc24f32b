//! What rendering yields: pieces, each with its origin and whether it is secret.

use serde_json::Value;

/// What a piece is.
#[derive(Clone, PartialEq)]
pub enum Content {
    /// The author's own text.
    Text(String),
    /// A value, with its type.
    Value(Value),
}

/// A piece of a rendered template.
#[derive(Clone, PartialEq)]
pub struct Segment {
    /// What it is.
    pub content: Content,
    /// Whether anything that it was made from is secret.
    pub secret: bool,
    /// The expression that it came from (`vars.image`); empty for the author's own text.
    pub origin: String,
}

/// A rendered template.
#[derive(Clone, Default, PartialEq)]
pub struct Rendered {
    /// In the order of the text.
    pub segments: Vec<Segment>,
}

impl Segment {
    /// The piece as text. Values in a rendered template are scalars wherever there is more than one piece.
    pub fn text(&self) -> String {
        match &self.content {
            Content::Text(text) => text.clone(),
            Content::Value(value) => scalar_text(value),
        }
    }

    /// The piece as it may be shown: `‹vars.password›` for a secret.
    pub fn public_text(&self) -> String {
        if self.secret { format!("‹{}›", self.origin) } else { self.text() }
    }
}

impl Rendered {
    /// All of it as one text. May hold secrets.
    pub fn text(&self) -> String {
        self.segments.iter().map(Segment::text).collect()
    }

    /// All of it as one text with secrets replaced by where they come from.
    pub fn public_text(&self) -> String {
        self.segments.iter().map(Segment::public_text).collect()
    }

    /// The value: of a template that is nothing but one `{{…}}` with its type, else a text. May hold secrets.
    pub fn value(&self) -> Value {
        match self.segments.as_slice() {
            [Segment { content: Content::Value(value), .. }] => value.clone(),
            _ => Value::String(self.text()),
        }
    }

    /// The value with secrets replaced by where they come from.
    pub fn public_value(&self) -> Value {
        match self.segments.as_slice() {
            [Segment { content: Content::Value(value), secret: false, .. }] => value.clone(),
            _ => Value::String(self.public_text()),
        }
    }

    /// Whether any piece is secret.
    pub fn is_secret(&self) -> bool {
        self.segments.iter().any(|s| s.secret)
    }

    /// The texts that must never be shown: each secret piece, and the texts inside of it where it is a list or a map.
    pub fn secrets(&self) -> Vec<String> {
        let mut out = Vec::new();
        for segment in self.segments.iter().filter(|s| s.secret) {
            match &segment.content {
                Content::Text(text) => out.push(text.clone()),
                Content::Value(value) => leaves(value, &mut out),
            }
        }
        out
    }
}

/// The texts and numbers in a value.
pub(crate) fn leaves(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::Number(n) => out.push(n.to_string()),
        Value::String(text) => out.push(text.clone()),
        Value::Array(list) => list.iter().for_each(|v| leaves(v, out)),
        Value::Object(map) => map.values().for_each(|v| leaves(v, out)),
    }
}

/// A scalar as it stands in text; a list or a map as JSON (evaluation lets none through into text).
pub(crate) fn scalar_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// Contents are not shown: any of them may be secret.
impl std::fmt::Debug for Segment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Segment").field(&self.public_text()).finish()
    }
}

impl std::fmt::Debug for Rendered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Rendered").field(&self.public_text()).finish()
    }
}
