//! The parser's errors in our words, without those that only follow from another.

use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue, Error};

use super::unclosed;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::source::{Source, Span};

/// Reports what the parser found, apart from what stands on a line with a hidden character. Whether the table can be trusted all the same.
pub(super) fn report(
    source: &Arc<Source>,
    table: &Spanned<DeTable<'_>>,
    errors: Vec<Error>,
    hidden: &[Span],
    faults: &mut Diagnostics,
) -> bool {
    if errors.is_empty() {
        return true;
    }
    let mut values = Vec::new();
    outermost_values(table.get_ref(), &mut values);
    values.sort_unstable();

    let place = |error: &Error| error.span().map_or_else(|| longest_key(source), Span::from);
    let mut errors: Vec<(Span, Error)> = errors.into_iter().map(|error| (place(&error), error)).collect();
    errors.sort_by_key(|(at, _)| *at);
    let unclosed: Vec<(Span, &Error)> = errors
        .iter()
        .filter_map(|(at, error)| Some((unclosed_value(source, &values, *at, error)?, error)))
        .fold(Vec::new(), |mut found: Vec<(Span, &Error)>, next| {
            // Of brackets inside each other only the outer one is told.
            if !found.iter().any(|(outer, _)| outer.contains(next.0)) {
                found.retain(|(inner, _)| !next.0.contains(*inner));
                found.push(next);
            }
            found
        });

    let mut certain = true;
    let mut recovered = 0;
    let mut told: Vec<(Span, Diagnostic)> = Vec::new();
    for (region, _) in &unclosed {
        certain = false;
        told.push((*region, not_closed(source, *region)));
    }
    for (at, error) in &errors {
        // Everything between an unclosed bracket and where the parser gave up follows from the bracket.
        if unclosed.iter().any(|(region, _)| region.start <= at.start && at.start <= region.end) {
            continue;
        }
        // A quote that is missing on one line makes nonsense of what follows, up to the next line that begins something.
        if at.start < recovered {
            continue;
        }
        let line = source.position(at.start).line;
        if hidden.iter().any(|place| source.position(place.start).line == line) {
            continue;
        }
        if error.message().starts_with("invalid basic string") || error.message().starts_with("invalid literal string") {
            recovered = next_beginning(source, line);
        }
        let (fault, harmless) = in_our_words(source, *at, error.message());
        certain &= harmless;
        told.push((*at, fault));
    }
    told.sort_by_key(|(at, _)| *at);
    told.dedup_by(|next, first| next.0.start == first.0.start);
    for (_, fault) in told {
        faults.push(fault);
    }
    certain
}

/// The beginning of the key with the most parts: the one error that the parser gives no place is that a key has too many.
fn longest_key(source: &Source) -> Span {
    /// Bytes of it that are shown.
    const SHOWN: usize = 40;
    let parts = |line: &Span| source.slice(*line).split('=').next().unwrap_or_default().matches('.').count();
    let keys =
        (1..=source.lines()).map(|line| source.line(line)).filter(|line| unclosed::begins_something(source.slice(*line).trim_start()));
    let longest = keys.max_by_key(parts).unwrap_or_default();
    let shown = source.slice(longest).char_indices().nth(SHOWN).map_or(longest.end, |(at, _)| longest.start + at);
    Span::new(longest.start, shown)
}

/// Where the first line after this one begins that is a header or a key with its value.
fn next_beginning(source: &Source, line: usize) -> usize {
    let beginning = (line + 1..=source.lines()).map(|line| source.line(line)).find(|span| unclosed::begins_something(source.slice(*span)));
    beginning.map_or(source.text().len(), |span| span.start)
}

/// The spans of all values that stand in no bracket themselves.
fn outermost_values(table: &DeTable<'_>, found: &mut Vec<Span>) {
    for (key, value) in table {
        let span: Span = value.span().into();
        match value.get_ref() {
            // A table of a header or a dotted key has the span of the header or the key.
            DeValue::Table(inner) if span.start <= key.span().start => outermost_values(inner, found),
            DeValue::Array(items) if span.start <= key.span().start => {
                for item in items {
                    if let DeValue::Table(inner) = item.get_ref() {
                        outermost_values(inner, found);
                    }
                }
            }
            _ => found.push(span),
        }
    }
}

/// From the opening of a bracket or quote that the parser misses the end of, to where it gave up.
fn unclosed_value(source: &Source, values: &[Span], at: Span, error: &Error) -> Option<Span> {
    let message = error.message();
    let bracket = message.starts_with("unclosed ");
    let quotes = message.starts_with("invalid multi-line") && at.start == source.text().len();
    if !bracket && !quotes {
        return None;
    }
    let value = values.get(values.partition_point(|v| v.start < at.start).checked_sub(1)?)?;
    Some(Span::new(value.start, at.start))
}

fn not_closed(source: &Arc<Source>, region: Span) -> Diagnostic {
    let opening = unclosed::culprit(source.slice(region));
    let (at, sign, close) = opening.map_or((0, "[", "]"), |o| (o.at, o.sign, o.close));
    let what = if sign.len() == 3 { "this text is not closed".to_owned() } else { format!("this `{sign}` is not closed") };
    let start = region.start + at;
    Diagnostic::error(Code::Syntax, what)
        .at(source, Span::new(start, (start + sign.len()).min(source.text().len())), "opened here")
        .help(format!("write `{close}` where it ends"))
}

/// The diagnostic, and whether the structure around it is certain.
fn in_our_words(source: &Arc<Source>, at: Span, message: &str) -> (Diagnostic, bool) {
    let (what, expected) = message.split_once(", expected ").unwrap_or((message, ""));
    let text = source.slice(at);
    let error = |message: String, span: Span, label: &str| Diagnostic::error(Code::Syntax, message).at(source, span, label);
    match what {
        "duplicate key" => {
            (error(format!("`{text}` is set twice"), at, "the second time").help("remove one of the two, or make it one table"), true)
        }
        "string values must be quoted" if text.is_empty() => (error("a value is missing".to_owned(), at, "expected a value"), false),
        "string values must be quoted" => {
            let fault = error(format!("`{text}` is not a value"), at, "expected a text in quotes, a number, `true` or `false`");
            (fault.help(format!("write `\"{}\"`", text.replace('\\', "\\\\").replace('"', "\\\""))), true)
        }
        "missing escaped value" => {
            // The parser points behind the backslash.
            let start = at.start.saturating_sub(1);
            let end = source.text().get(at.start..).and_then(|rest| rest.chars().next()).map_or(at.start, |c| at.start + c.len_utf8());
            let span = Span::new(start, end);
            let fault =
                error(format!("`{}` is no escape", source.slice(span)), span, "expected one of `\\\\`, `\\\"`, `\\n`, `\\t`, `\\uXXXX`");
            (fault.help("write `\\\\` for a backslash, or put the text into single quotes, which know no escapes"), true)
        }
        "key with no value" => (error("a key has no value".to_owned(), at, "expected `=` and a value"), false),
        "invalid basic string" | "invalid literal string" => {
            (error("the text is not closed on its line".to_owned(), at, "expected the closing quote"), false)
        }
        "recursion limit" => {
            let fault = error("a key has too many parts".to_owned(), at, "expected at most 80, with dots between them");
            (fault.help("nothing in a runbook lies that deep: write the key that was meant"), false)
        }
        "unexpected leading zero" => {
            let fault = error("a number begins with 0".to_owned(), at, "expected a digit from 1 to 9");
            (fault.help("write octal numbers as `0o640`, file modes as `\"0640\"`"), true)
        }
        _ => {
            let harmless = ["redundant numeric sign", "invalid fraction", "invalid exponent"].contains(&what);
            let label = match expected {
                "" | "nothing" => String::new(),
                expected => format!("expected {expected}"),
            };
            (error(what.to_owned(), at, &label), harmless)
        }
    }
}
