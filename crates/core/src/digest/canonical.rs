//! Canonical JSON: without white space, the keys of every map sorted by their bytes.
//!
//! It is made of the text that `serde_json` writes, which has no white space and is known to be well formed; no tree is built for it, since plans of
//! thousands of steps are digested whenever they are read.

use std::borrow::Cow;

/// The same JSON with sorted keys.
pub(super) fn sorted(text: &str) -> String {
    let mut writer = Writer { text, at: 0, out: String::with_capacity(text.len()) };
    writer.value();
    writer.out
}

struct Writer<'a> {
    text: &'a str,
    at: usize,
    out: String,
}

impl<'a> Writer<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Passes over `byte` if it comes next.
    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Copies the next value.
    fn value(&mut self) {
        match self.peek() {
            Some(b'{') => self.map(),
            Some(b'[') => {
                self.at += 1;
                self.out.push('[');
                while !self.take(b']') && self.peek().is_some() {
                    if self.take(b',') {
                        self.out.push(',');
                    }
                    self.value();
                }
                self.out.push(']');
            }
            Some(b'"') => {
                let text = self.string();
                self.out.push_str(text);
            }
            Some(_) => {
                let word = self.until(|byte| matches!(byte, b',' | b']' | b'}'));
                self.out.push_str(word);
            }
            None => {}
        }
    }

    fn map(&mut self) {
        self.at += 1;
        let (mut entries, mut in_order) = (Vec::new(), true);
        let from = self.out.len();
        while !self.take(b'}') && self.peek().is_some() {
            self.take(b',');
            let key = self.string();
            self.take(b':');
            let begins = self.out.len();
            self.value();
            let name = unescaped(key);
            in_order &= entries.last().is_none_or(|(last, ..): &(Cow<'_, str>, _, _)| *last < name);
            entries.push((name, key, begins));
        }
        // The values stand one behind the other by now; their keys go between them.
        let values = self.out.split_off(from);
        let ends = entries.iter().skip(1).map(|(_, _, begins)| *begins - from).chain([values.len()]);
        let mut entries: Vec<_> = entries.iter().zip(ends).map(|((name, key, begins), end)| (name, key, *begins - from, end)).collect();
        if !in_order {
            entries.sort_unstable_by_key(|(name, ..)| *name);
        }
        self.out.push('{');
        for (at, (_, key, begins, end)) in entries.into_iter().enumerate() {
            if at > 0 {
                self.out.push(',');
            }
            self.out.push_str(key);
            self.out.push(':');
            self.out.push_str(values.get(begins..end).unwrap_or_default());
        }
        self.out.push('}');
    }

    /// A string with its quotes.
    fn string(&mut self) -> &'a str {
        let begin = self.at;
        self.at += 1;
        loop {
            self.until(|byte| matches!(byte, b'"' | b'\\'));
            match self.peek() {
                Some(b'\\') => self.at += 2,
                Some(_) => {
                    self.at += 1;
                    break;
                }
                None => break,
            }
        }
        self.text.get(begin..self.at).unwrap_or_default()
    }

    fn until(&mut self, ends: impl Fn(u8) -> bool) -> &'a str {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|byte| ends(*byte)).unwrap_or(rest.len());
        let begin = self.at;
        self.at += length;
        self.text.get(begin..self.at).unwrap_or_default()
    }
}

/// A key as it is sorted: without its quotes and escapes.
fn unescaped(key: &str) -> Cow<'_, str> {
    let inner = key.strip_prefix('"').and_then(|key| key.strip_suffix('"')).unwrap_or(key);
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    serde_json::from_str(key).map_or(Cow::Borrowed(inner), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::*;

    #[test]
    fn keys_are_sorted_by_what_they_are_not_by_how_they_are_written() {
        let value = json!({ "é": 1, "a": [{ "z": null, "b\n": "}{", "b!": -1.5e3 }, [], {}], "a\"": true, "\u{1}": "\\\"" });
        assert_eq!(sorted(&value.to_string()), r#"{"\u0001":"\\\"","a":[{"b\n":"}{","b!":-1500.0,"z":null},[],{}],"a\"":true,"é":1}"#);
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "\\PC{0,6}|[\"\\\\\n{}\\[\\],:]{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec(("[ab\"\\\\\n{é]{0,3}", inner), 0..5)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    /// The same by a tree.
    fn by_tree(value: &Value) -> Value {
        match value {
            Value::Array(items) => items.iter().map(by_tree).collect(),
            Value::Object(map) => {
                let mut entries: Vec<_> = map.iter().map(|(key, item)| (key.clone(), by_tree(item))).collect();
                entries.sort_by(|(a, _), (b, _)| a.cmp(b));
                Value::Object(entries.into_iter().collect::<Map<_, _>>())
            }
            other => other.clone(),
        }
    }

    proptest! {
        #[test]
        fn it_is_what_a_sorted_tree_gives(value in values()) {
            prop_assert_eq!(sorted(&value.to_string()), by_tree(&value).to_string());
        }
    }
}
