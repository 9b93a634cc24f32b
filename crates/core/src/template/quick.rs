//! The short way for what nearly all templates and expressions are: plain references, and one call with plain arguments.
//!
//! The grammar crate takes about 25 µs for each, this well below one. Whatever is not plain is left to the grammar; a test holds both against one
//! another.

use serde_json::{Number, Value};

use super::ast::{Ex, ExKind, Node, Ref};
use super::form::Form;
use super::helpers::{self, Run, Special};
use crate::source::Span;

/// Text with plain references only: `{{vars.image}}`.
pub(super) fn references(text: &str) -> Option<(Vec<Node>, Vec<Ref>)> {
    let (mut nodes, mut refs, mut at) = (Vec::new(), Vec::new(), 0);
    while let Some(found) = text.get(at..)?.find("{{") {
        let start = at + found;
        let before = text.get(at..start)?;
        if before.ends_with('\\') {
            return None;
        }
        let end = start + text.get(start..)?.find("}}")?;
        let inner = text.get(start + 2..end)?;
        if text.get(end + 2..).is_some_and(|t| t.starts_with('}')) {
            return None;
        }
        let name = inner.trim_matches(' ');
        let name_start = start + 2 + inner.len() - inner.trim_start_matches(' ').len();
        let ex = reference(name, name_start)?;
        if let ExKind::Root(path) = &ex.kind {
            refs.push(Ref { path: path.clone(), span: ex.span, guarded: false });
        }
        if !before.is_empty() {
            nodes.push(Node::Text(before.to_owned()));
        }
        nodes.push(Node::Value { ex, span: Span::new(start, end + 2), origin: name.to_owned(), form: Form::Plain, reason: None });
        at = end + 2;
    }
    let rest = text.get(at..)?;
    if !rest.is_empty() {
        nodes.push(Node::Text(rest.to_owned()));
    }
    Some((nodes, refs))
}

/// One reference, or one call whose arguments are references and literals: `eq exit_code 0`.
pub(super) fn expression(text: &str) -> Option<(Ex, Vec<Ref>)> {
    let mut words = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = text.get(at..)?;
        let end = match rest.as_bytes().first()? {
            b' ' => {
                at += 1;
                continue;
            }
            quote @ (b'"' | b'\'') => rest.bytes().skip(1).position(|b| b == *quote)? + 2,
            _ => rest.find(' ').unwrap_or(rest.len()),
        };
        // What follows a closing quote directly is the grammar's business.
        if text.as_bytes().get(at + end).is_some_and(|b| *b != b' ') {
            return None;
        }
        words.push(Span::new(at, at + end));
        at += end;
    }
    let (first, args) = words.split_first()?;
    let name = text.get(first.range())?;
    if args.is_empty() {
        let ex = reference(name, first.start)?;
        let refs = ref_of(&ex, false).into_iter().collect();
        return Some((ex, refs));
    }
    let helper = helpers::find(name).filter(|helper| !matches!(helper.run, Run::Form(_)))?;
    if args.len() < helper.arity.0 || helper.arity.1.is_some_and(|most| args.len() > most) {
        return None;
    }
    let guarded = matches!(helper.run, Run::Lazy(Special::Default | Special::Coalesce));
    let args: Vec<Ex> = args.iter().map(|word| argument(text.get(word.range())?, *word)).collect::<Option<_>>()?;
    let refs = args.iter().filter_map(|arg| ref_of(arg, guarded)).collect();
    Some((Ex { span: Span::new(first.start, args.last()?.span.end), kind: ExKind::Call { helper, args } }, refs))
}

fn ref_of(ex: &Ex, guarded: bool) -> Option<Ref> {
    match &ex.kind {
        ExKind::Root(path) => Some(Ref { path: path.clone(), span: ex.span, guarded }),
        ExKind::Literal(_) | ExKind::Local { .. } | ExKind::Call { .. } => None,
    }
}

fn argument(word: &str, span: Span) -> Option<Ex> {
    let literal = |value| Some(Ex { span, kind: ExKind::Literal(value) });
    match word {
        "true" => literal(Value::Bool(true)),
        "false" => literal(Value::Bool(false)),
        "null" => literal(Value::Null),
        _ if word.starts_with(['"', '\'']) => {
            let inner = word.get(1..word.len() - 1)?;
            let plain = !inner.contains(['\\', '"']) && !inner.contains(char::is_control);
            if plain { literal(Value::String(inner.to_owned())) } else { None }
        }
        _ if word.starts_with(|c: char| c.is_ascii_digit()) => {
            let plain = word.len() < 18 && word.bytes().all(|b| b.is_ascii_digit()) && (word.len() == 1 || !word.starts_with('0'));
            if plain { literal(Value::Number(Number::from(word.parse::<u64>().ok()?))) } else { None }
        }
        _ => reference(word, span.start),
    }
}

/// A name of which every segment is plain.
fn reference(name: &str, start: usize) -> Option<Ex> {
    let path: Vec<String> = name.split('.').map(str::to_owned).collect();
    if !path.iter().all(|segment| plain_name(segment)) {
        return None;
    }
    Some(Ex { span: Span::new(start, start + name.len()), kind: ExKind::Root(path) })
}

/// A segment that needs no second look: no keyword, no literal, nothing relative.
fn plain_name(segment: &str) -> bool {
    segment.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && segment.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
        && !matches!(segment, "this" | "else" | "as" | "true" | "false" | "null")
}
