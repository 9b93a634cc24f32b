//! Values in SQL texts, written for the mode of the session that will read them.
//!
//! What holds (tried with random values, four modes, OceanBase and MariaDB): where the client's character set is utf8mb4, a text literal is exact
//! when `'` is doubled and, unless the session has `NO_BACKSLASH_ESCAPES`, `\` too.

use std::borrow::Cow;

use runbook_core::action::{Failure, FailureKind, SqlPlace, SqlSegment, SqlText};
use runbook_sqltext::Mode;
use serde_json::Value;

/// A text with its values in it.
pub(super) fn render(text: &SqlText, mode: Mode) -> Result<String, Failure> {
    let mut out = String::new();
    for segment in &text.segments {
        match segment {
            SqlSegment::Text(text) => out.push_str(text),
            SqlSegment::Value { value, place } => match place {
                SqlPlace::Value => push_value(&mut out, value, mode)?,
                SqlPlace::Quoted => push_escaped(&mut out, &plain(value)?, mode),
                SqlPlace::Identifier => push_identifier(&mut out, &plain(value)?)?,
                SqlPlace::List => push_list(&mut out, value, mode)?,
                SqlPlace::Number if value.is_i64() || value.is_u64() => out.push_str(&value.to_string()),
                SqlPlace::Number => return Err(Failure::new(FailureKind::Invalid, "only a whole number can stand in a hint")),
                // The core makes text of these; a value that comes here all the same is none.
                SqlPlace::Raw => return Err(Failure::new(FailureKind::Internal, "an unescaped value came as a value")),
            },
        }
    }
    Ok(out)
}

/// A whole text literal.
pub(super) fn literal(text: &str, mode: Mode) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('\'');
    push_escaped(&mut out, text, mode);
    out.push('\'');
    out
}

/// A name in back-quotes. For names that a server itself gave; what an author gives goes through [`render`], which also refuses.
pub(super) fn name(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 2);
    push_name(&mut out, name);
    out
}

/// Appends a name in back-quotes.
pub(super) fn push_name(out: &mut String, name: &str) {
    out.push('`');
    out.push_str(&name.replace('`', "``"));
    out.push('`');
}

/// Why a name cannot be one; none where it can.
pub(super) fn bad_identifier(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("is empty")
    } else if name.chars().count() > 64 {
        Some("is longer than 64 characters")
    } else if name.ends_with(' ') {
        Some("ends with a space")
    } else if name.chars().any(|c| c.is_control() || u32::from(c) > 0xFFFF) {
        Some("holds a control character or one outside Unicode's basic plane")
    } else {
        None
    }
}

fn push_value(out: &mut String, value: &Value, mode: Mode) -> Result<(), Failure> {
    match value {
        Value::Null => out.push_str("NULL"),
        Value::Bool(true) => out.push_str("TRUE"),
        Value::Bool(false) => out.push_str("FALSE"),
        Value::Number(number) => {
            let text = number.to_string();
            // `a -{{n}}` must not become the comment `a --5 `.
            if text.starts_with('-') {
                out.push(' ');
            }
            out.push_str(&text);
        }
        Value::String(text) => {
            out.push('\'');
            push_escaped(out, text, mode);
            out.push('\'');
        }
        Value::Array(_) => {
            return Err(Failure::new(FailureKind::Invalid, "a list stands in an SQL text").help("write it alone in brackets: `in ({{…}})`"));
        }
        Value::Object(_) => {
            return Err(Failure::new(FailureKind::Invalid, "a map stands in an SQL text").help("use one of its values, or `{{json x}}`"));
        }
    }
    Ok(())
}

/// The elements of a list, or one value.
fn push_list(out: &mut String, value: &Value, mode: Mode) -> Result<(), Failure> {
    let Value::Array(items) = value else { return push_value(out, value, mode) };
    if items.is_empty() {
        return Err(Failure::new(FailureKind::Invalid, "an empty list stands in an SQL text").help("guard the step with `when`"));
    }
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        push_value(out, item, mode)?;
    }
    Ok(())
}

fn plain(value: &Value) -> Result<Cow<'_, str>, Failure> {
    match value {
        Value::String(text) => Ok(Cow::Borrowed(text)),
        Value::Number(number) => Ok(Cow::Owned(number.to_string())),
        Value::Bool(value) => Ok(Cow::Borrowed(if *value { "1" } else { "0" })),
        Value::Null | Value::Array(_) | Value::Object(_) => {
            Err(Failure::new(FailureKind::Invalid, "only a text, a number or a boolean can stand inside quotes"))
        }
    }
}

fn push_escaped(out: &mut String, text: &str, mode: Mode) {
    for c in text.chars() {
        match c {
            '\'' => out.push_str("''"),
            '\\' if !mode.no_backslash_escapes => out.push_str("\\\\"),
            _ => out.push(c),
        }
    }
}

fn push_identifier(out: &mut String, name: &str) -> Result<(), Failure> {
    if let Some(why) = bad_identifier(name) {
        return Err(Failure::new(FailureKind::Invalid, format!("the name `{name}` {why}")));
    }
    out.push_str(&name.replace('`', "``"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn text(segments: &Value) -> SqlText {
        serde_json::from_value(json!({ "segments": segments })).unwrap()
    }

    fn with(value: &Value, place: &str) -> SqlText {
        text(&json!([{ "text": "[" }, { "value": { "value": value, "place": place } }, { "text": "]" }]))
    }

    #[test]
    fn values_keep_their_types() {
        let mode = Mode::default();
        for (value, expected) in [
            (json!(null), "[NULL]"),
            (json!(true), "[TRUE]"),
            (json!(18_446_744_073_709_551_615_u64), "[18446744073709551615]"),
            (json!(-5), "[ -5]"),
            (json!("it's a \\"), "['it''s a \\\\']"),
        ] {
            assert_eq!(render(&with(&value, "value"), mode).unwrap(), expected);
        }
    }

    #[test]
    fn a_list_is_written_where_one_is_wanted() {
        let mode = Mode::default();
        assert_eq!(render(&with(&json!([1, "a'b", null]), "list"), mode).unwrap(), "[1, 'a''b', NULL]");
        assert_eq!(render(&with(&json!("x"), "list"), mode).unwrap(), "['x']");
        assert_eq!(render(&with(&json!(4), "number"), mode).unwrap(), "[4]");
        for (value, place) in
            [(json!([]), "list"), (json!([[1]]), "list"), (json!([1]), "value"), (json!("4"), "number"), (json!(4.5), "number")]
        {
            assert_eq!(render(&with(&value, place), mode).unwrap_err().kind, FailureKind::Invalid, "{value} {place}");
        }
    }

    #[test]
    fn the_mode_decides_about_backslashes() {
        let mode = Mode::parse("STRICT_ALL_TABLES,no_backslash_escapes");
        assert_eq!(render(&with(&json!("a\\'"), "quoted"), mode).unwrap(), "[a\\'']");
        assert_eq!(render(&with(&json!("a\\'"), "quoted"), Mode::default()).unwrap(), "[a\\\\'']");
    }

    #[test]
    fn names_that_no_server_takes_are_refused() {
        let mode = Mode::default();
        assert_eq!(render(&with(&json!("a`b"), "identifier"), mode).unwrap(), "[a``b]");
        for bad in ["", "a ", "a\0b", "😀", &"x".repeat(65)] {
            assert_eq!(render(&with(&json!(bad), "identifier"), mode).unwrap_err().kind, FailureKind::Invalid, "{bad:?}");
        }
    }

    #[test]
    fn what_has_no_form_is_refused() {
        for value in [json!([]), json!({}), json!([{}])] {
            assert_eq!(render(&with(&value, "value"), Mode::default()).unwrap_err().kind, FailureKind::Invalid);
        }
    }
}
