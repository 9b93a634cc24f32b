//! Text.

use regex::{Regex, RegexBuilder};
use serde_json::Value;

use super::argument::{any, index, list, text, unfit};
use super::{Arg, Family, HelperError, eager, exactly};
use crate::template::render::scalar_text;

/// What a compiled pattern may take in memory: patterns come from files.
const MAX_PATTERN: usize = 1 << 20;
/// How long a text may become: a replacement can multiply it.
const MAX_TEXT: usize = 16 << 20;

pub(super) const FAMILY: Family = Family {
    title: "Text",
    about: "Texts are compared as they are, upper and lower case apart. Patterns are regular expressions in the syntax of Rust's `regex`; they are \
            searched for, so anchor them with `^` and `$` where the whole text must match.",
    helpers: &[
        eager("lower", "lower TEXT", exactly(1), "In lower case.", ("lower \"ABC\"", "\"abc\""), |a| Ok(text(a, 0)?.to_lowercase().into())),
        eager("upper", "upper TEXT", exactly(1), "In upper case.", ("upper \"abc\"", "\"ABC\""), |a| Ok(text(a, 0)?.to_uppercase().into())),
        eager("trim", "trim TEXT", exactly(1), "Without white space at both ends.", ("trim \" a \"", "\"a\""), |a| {
            Ok(text(a, 0)?.trim().into())
        }),
        eager(
            "replace",
            "replace TEXT OLD NEW",
            exactly(3),
            "With every OLD replaced by NEW. OLD must not be empty.",
            ("replace \"a.b\" \".\" \"-\"", "\"a-b\""),
            |a| replaced(text(a, 0)?, not_empty(a, 1)?, text(a, 2)?),
        ),
        eager(
            "split",
            "split TEXT SEPARATOR",
            exactly(2),
            "The list of its parts. The separator must not be empty.",
            ("split \"a,b\" \",\"", "[\"a\",\"b\"]"),
            |a| Ok(text(a, 0)?.split(not_empty(a, 1)?).map(Value::from).collect()),
        ),
        eager(
            "join",
            "join LIST SEPARATOR",
            exactly(2),
            "The elements as one text; they must be texts, numbers or booleans.",
            ("join [\"a\",\"b\"] \", \"", "\"a, b\""),
            |a| {
                let separator = text(a, 1)?;
                let parts = list(a, 0)?.iter().map(|element| scalar(element, 0)).collect::<Result<Vec<_>, _>>()?;
                bounded(parts.join(separator))
            },
        ),
        eager(
            "concat",
            "concat A B …",
            (1, None),
            "Texts, numbers and booleans put together.",
            ("concat \"v\" 4 \".2\"", "\"v4.2\""),
            |a| bounded(a.iter().enumerate().map(|(at, value)| scalar(value, at)).collect::<Result<String, _>>()?),
        ),
        eager(
            "lines",
            "lines TEXT",
            exactly(1),
            "The list of its lines, without line ends.",
            ("lines \"a\\nb\\n\"", "[\"a\",\"b\"]"),
            |a| Ok(text(a, 0)?.lines().map(Value::from).collect()),
        ),
        eager(
            "contains",
            "contains TEXT PART",
            exactly(2),
            "Whether PART stands in it. For lists, `in` is the helper.",
            ("contains \"abc\" \"b\"", "true"),
            |a| match any(a, 0)? {
                Value::Array(_) => Err(HelperError::of(0, "a text is wanted, and this is a list").help("write `in VALUE LIST`")),
                _ => Ok(text(a, 0)?.contains(text(a, 1)?).into()),
            },
        ),
        eager("starts_with", "starts_with TEXT PART", exactly(2), "Whether it begins so.", ("starts_with \"abc\" \"ab\"", "true"), |a| {
            Ok(text(a, 0)?.starts_with(text(a, 1)?).into())
        }),
        eager("ends_with", "ends_with TEXT PART", exactly(2), "Whether it ends so.", ("ends_with \"abc\" \"bc\"", "true"), |a| {
            Ok(text(a, 0)?.ends_with(text(a, 1)?).into())
        }),
        eager(
            "substring",
            "substring TEXT START LENGTH",
            (2, Some(3)),
            "So many characters from START, counted from 0; without a length all of the rest.",
            ("substring \"abcdef\" 1 3", "\"bcd\""),
            |a| {
                let rest = text(a, 0)?.chars().skip(index(a, 1)?);
                let taken: String = if a.len() > 2 { rest.take(index(a, 2)?).collect() } else { rest.collect() };
                Ok(taken.into())
            },
        ),
        eager(
            "length",
            "length A",
            exactly(1),
            "How many characters a text, elements a list, or members a map has.",
            ("length \"abc\"", "3"),
            |a| length(a).map(Value::from),
        ),
        eager("is_empty", "is_empty A", exactly(1), "Whether a text, a list or a map has nothing in it.", ("is_empty \"\"", "true"), |a| {
            length(a).map(|length| Value::Bool(length == 0))
        }),
        eager(
            "matches",
            "matches TEXT PATTERN",
            exactly(2),
            "Whether the pattern is found in it.",
            ("matches \"v42\" \"^v[0-9]+$\"", "true"),
            |a| Ok(pattern(a, 1)?.is_match(text(a, 0)?).into()),
        ),
        eager(
            "regex_find",
            "regex_find TEXT PATTERN",
            exactly(2),
            "What the pattern's first group (or, without groups, the pattern) finds first; null where it finds nothing.",
            ("regex_find \"port=8989;\" \"port=([0-9]+)\"", "\"8989\""),
            |a| {
                let found = pattern(a, 1)?
                    .captures(text(a, 0)?)
                    .and_then(|found| found.get(1).or_else(|| found.get(0)).map(|m| m.as_str().to_owned()));
                Ok(found.map_or(Value::Null, Value::String))
            },
        ),
        eager(
            "regex_replace",
            "regex_replace TEXT PATTERN NEW",
            exactly(3),
            "With everything that the pattern finds replaced; `$1` in NEW is the first group.",
            ("regex_replace \"a1b22\" \"[0-9]+\" \"#\"", "\"a#b#\""),
            |a| bounded(pattern(a, 1)?.replace_all(text(a, 0)?, text(a, 2)?).into_owned()),
        ),
    ],
};

fn not_empty<'a>(args: &'a [Arg<'_>], at: usize) -> Result<&'a str, HelperError> {
    let text = text(args, at)?;
    if text.is_empty() { Err(HelperError::of(at, "this must not be empty")) } else { Ok(text) }
}

fn replaced(text: &str, old: &str, new: &str) -> Result<Value, HelperError> {
    let grown = text.matches(old).count().saturating_mul(new.len()).saturating_add(text.len());
    if grown > 2 * MAX_TEXT { Err(too_long()) } else { bounded(text.replace(old, new)) }
}

fn too_long() -> HelperError {
    HelperError::new("the text would be longer than 16 MiB")
}

fn bounded(text: String) -> Result<Value, HelperError> {
    if text.len() > MAX_TEXT { Err(too_long()) } else { Ok(Value::String(text)) }
}

fn scalar(value: &Value, at: usize) -> Result<String, HelperError> {
    match value {
        Value::String(_) | Value::Number(_) | Value::Bool(_) => Ok(scalar_text(value)),
        Value::Null | Value::Array(_) | Value::Object(_) => Err(unfit(at, "a text, a number or a boolean", value)),
    }
}

fn length(args: &[Arg<'_>]) -> Result<usize, HelperError> {
    match any(args, 0)? {
        Value::String(text) => Ok(text.chars().count()),
        Value::Array(list) => Ok(list.len()),
        Value::Object(map) => Ok(map.len()),
        other @ (Value::Null | Value::Bool(_) | Value::Number(_)) => Err(unfit(0, "a text, a list or a map", other)),
    }
}

fn pattern(args: &[Arg<'_>], at: usize) -> Result<Regex, HelperError> {
    let text = text(args, at)?;
    RegexBuilder::new(text).size_limit(MAX_PATTERN).build().map_err(|error| {
        let why = error.to_string();
        let last = why.lines().last().unwrap_or_default().trim();
        HelperError::of(at, format!("`{text}` is no regular expression: {}", last.strip_prefix("error: ").unwrap_or(last)))
    })
}
