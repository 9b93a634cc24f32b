//! What a value must be: by type, pattern, choices and bounds.

use serde_json::{Number, Value};

use crate::diagnostic::Code;
use crate::runbook::{Var, VarType};
use crate::suggest::nearest;
use crate::value::{ByteSize, Duration, Timestamp};

/// Why a value is refused. Says nothing of the value itself, which may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: Code,
    /// As in "expected …".
    pub(super) expected: String,
    pub(super) help: Option<String>,
}

impl Refusal {
    fn new(code: Code, expected: impl Into<String>) -> Self {
        Self { code, expected: expected.into(), help: None }
    }

    fn of_type(expected: impl Into<String>) -> Self {
        Self::new(Code::VariableType, expected)
    }

    fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

impl Var {
    /// Whether a written value (a default, an example) would be accepted; if not, what is expected.
    pub fn accepts(&self, value: &Value) -> Result<(), String> {
        typed(self, value.clone()).map(|_| ()).map_err(|refusal| refusal.expected)
    }
}

/// Reads a text as a value of the variable's type.
pub(super) fn text(var: &Var, text: String) -> Result<Value, Refusal> {
    let value = match var.kind {
        VarType::Int => Value::from(whole(&text)?),
        VarType::Port => Value::from(text.parse::<u16>().map_err(|_| expected(var.kind))?),
        VarType::Bool => match text.as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => return Err(expected(var.kind)),
        },
        VarType::Size if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) => {
            Value::Number(text.parse::<u64>().map(Number::from).map_err(|_| expected(var.kind))?)
        }
        VarType::List | VarType::Map => {
            serde_json::from_str(&text).map_err(|_| expected(var.kind).help("write it as JSON on the command line"))?
        }
        VarType::String | VarType::Duration | VarType::Size | VarType::Time | VarType::Path | VarType::Enum => Value::String(text),
    };
    typed(var, value)
}

/// Checks a typed value and brings it into its canonical form.
pub(super) fn typed(var: &Var, value: Value) -> Result<Value, Refusal> {
    let value = match (var.kind, value) {
        (VarType::String, Value::String(text)) => Value::String(not_empty(var, text)?),
        (VarType::Path, Value::String(text)) => {
            if text.contains('\0') {
                return Err(expected(var.kind));
            }
            Value::String(not_empty(var, text)?)
        }
        (VarType::Enum, Value::String(text)) => Value::String(choice(var, text)?),
        (VarType::Int, Value::Number(number)) => Value::from(bounded(var, number.as_i64().ok_or_else(|| expected(var.kind))?)?),
        (VarType::Port, Value::Number(number)) => match number.as_u64() {
            Some(port @ 1..=65535) => Value::from(port),
            Some(_) | None => return Err(expected(var.kind)),
        },
        (VarType::Bool, Value::Bool(on)) => Value::Bool(on),
        (VarType::Duration, Value::String(text)) => Value::String(Duration::parse(&text).map_err(|_| expected(var.kind))?.to_string()),
        (VarType::Size, Value::String(text)) => Value::String(ByteSize::parse(&text).map_err(|_| expected(var.kind))?.to_string()),
        (VarType::Size, Value::Number(number)) => {
            let bytes = number.as_u64().filter(|bytes| i64::try_from(*bytes).is_ok()).ok_or_else(|| expected(var.kind))?;
            Value::String(ByteSize::new(bytes).to_string())
        }
        (VarType::Time, Value::String(text)) => Value::String(Timestamp::parse(&text).map_err(|_| expected(var.kind))?.get().to_string()),
        (VarType::List, value @ Value::Array(_)) | (VarType::Map, value @ Value::Object(_)) => value,
        (VarType::String | VarType::Path | VarType::Enum, Value::Number(_) | Value::Bool(_)) => {
            return Err(expected(var.kind).help("put it in quotes: without them it is a number or a boolean"));
        }
        _ => return Err(expected(var.kind)),
    };
    match (&var.pattern, &value) {
        // An empty text that is allowed says "none", which no pattern of a name would take.
        (Some(_), Value::String(text)) if text.is_empty() && var.allow_empty => Ok(value),
        (Some(pattern), Value::String(text)) if !pattern.matches(text) => {
            Err(Refusal::new(Code::VariablePattern, format!("a text that matches `{}`", pattern.source())))
        }
        _ => Ok(value),
    }
}

/// What a value of a type looks like.
fn expected(kind: VarType) -> Refusal {
    Refusal::of_type(match kind {
        VarType::String => "a text",
        VarType::Int => "a whole number such as `42`",
        VarType::Bool => "`true` or `false`",
        VarType::Port => "a port, 1 to 65535",
        VarType::Duration => Duration::EXPECTED,
        VarType::Size => ByteSize::EXPECTED,
        VarType::Time => Timestamp::EXPECTED,
        VarType::Path => "a path",
        VarType::Enum => "one of its choices",
        VarType::List => "a list such as `[\"a\", \"b\"]`",
        VarType::Map => "a map such as `{\"a\": 1}`",
    })
}

/// A whole number without anything that could be meant otherwise: `010` is 8 to a shell.
fn whole(text: &str) -> Result<i64, Refusal> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) && (digits.len() == 1 || !digits.starts_with('0'));
    if plain { text.parse().map_err(|_| Refusal::of_type("a whole number of at most 64 bits")) } else { Err(expected(VarType::Int)) }
}

fn not_empty(var: &Var, text: String) -> Result<String, Refusal> {
    if text.is_empty() && !var.allow_empty {
        return Err(Refusal::of_type("a text that is not empty")
            .help(format!("where an empty `{}` makes sense, its declaration says `allow_empty = true`", var.name)));
    }
    Ok(text)
}

fn choice(var: &Var, text: String) -> Result<String, Refusal> {
    if var.choices.contains(&text) {
        return Ok(text);
    }
    let all: Vec<String> = var.choices.iter().map(|choice| format!("`{choice}`")).collect();
    let refusal = Refusal::new(Code::VariableChoice, format!("one of {}", all.join(", ")));
    // A near miss of a secret says what the secret nearly is.
    let near = if var.secret { None } else { nearest(&text, var.choices.iter().map(String::as_str)) };
    Err(match near {
        Some(near) => refusal.help(format!("did you mean `{near}`?")),
        None => refusal,
    })
}

fn bounded(var: &Var, number: i64) -> Result<i64, Refusal> {
    let fits = var.min.is_none_or(|min| number >= min) && var.max.is_none_or(|max| number <= max);
    if fits {
        return Ok(number);
    }
    let wanted = match (var.min, var.max) {
        (Some(min), Some(max)) => format!("a whole number from {min} to {max}"),
        (Some(min), None) => format!("a whole number of at least {min}"),
        (None, Some(max)) => format!("a whole number of at most {max}"),
        (None, None) => "a whole number".to_owned(),
    };
    Err(Refusal::new(Code::VariableBounds, wanted))
}
