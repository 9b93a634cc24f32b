//! From text to tree: a quick way for plain references, the grammar crate for everything else.

use handlebars::template::{Parameter, Template as Grammar, TemplateElement};
use handlebars::{TemplateError, TemplateErrorReason};

use super::ast::{Ex, ExKind, Node, Ref};
use super::fault::TemplateFault;
use super::lower::Lowering;
use super::quick;
use super::scan::{scan, scan_expression};
use crate::diagnostic::Code;
use crate::source::Span;

/// What came of a parse.
pub(super) type Parsed<T> = Result<(T, Vec<Ref>), Vec<TemplateFault>>;

/// Parses a string with templates in it.
pub(super) fn template(text: &str) -> Parsed<Vec<Node>> {
    if !text.contains("{{") {
        let nodes = if text.is_empty() { Vec::new() } else { vec![Node::Text(text.to_owned())] };
        return Ok((nodes, Vec::new()));
    }
    if let Some(quick) = quick::references(text) {
        return Ok(quick);
    }
    slow_template(text)
}

/// The same without the short way.
pub(super) fn slow_template(text: &str) -> Parsed<Vec<Node>> {
    let tags = scan(text)?;
    let grammar = Grammar::compile(text).map_err(|error| vec![syntax_fault(text, &error)])?;
    let mut lowering = Lowering::new(text, tags);
    let nodes = lowering.template(&grammar);
    lowering.finish(nodes)
}

/// Parses a bare expression.
pub(super) fn expression(text: &str) -> Parsed<Ex> {
    if let Some(quick) = quick::expression(text) {
        return Ok(quick);
    }
    slow_expression(text)
}

/// The same without the short way.
pub(super) fn slow_expression(text: &str) -> Parsed<Ex> {
    let whole = Span::new(0, text.len());
    if text.trim().is_empty() {
        return Err(vec![TemplateFault::new(Code::TemplateSyntax, whole, "an empty expression")]);
    }
    if let Some(at) = text.find("{{") {
        let trimmed = text.trim();
        let bare = trimmed.strip_prefix("{{").and_then(|t| t.strip_suffix("}}")).map(str::trim).filter(|t| !t.contains("{{"));
        let fault = TemplateFault::new(Code::TemplateSyntax, Span::new(at, at + 2), "an expression stands without braces");
        return Err(vec![match bare {
            Some(bare) => fault.help(format!("write `{bare}`")),
            None => fault.help("write the names bare: `eq vars.a vars.b`"),
        }]);
    }
    let words = scan_expression(text)?;
    // The grammar has no rule for "one literal, one reference or one call"; as arguments of a call it has all of them.
    let wrapped = format!("{PREFIX}{text}}}}}");
    let grammar = Grammar::compile(&wrapped).map_err(|error| {
        let mut fault = syntax_fault(&wrapped, &error);
        fault.span = Span::new(
            fault.span.start.saturating_sub(PREFIX.len()).min(text.len()),
            fault.span.end.saturating_sub(PREFIX.len()).min(text.len()),
        );
        vec![fault]
    })?;
    let [TemplateElement::Expression(call)] = grammar.elements.as_slice() else {
        return Err(vec![
            TemplateFault::new(Code::TemplateSyntax, whole, "not one expression").help("write one name or one call: `eq vars.a 1`"),
        ]);
    };
    let mut lowering = Lowering::for_expression(text, words);
    if !call.hash.is_empty() {
        lowering.refuse_named_arguments(whole);
    }
    let ex = match call.params.as_slice() {
        [] => Ex { span: whole, kind: ExKind::Literal(serde_json::Value::Null) },
        [one] => lowering.parameter(one),
        [name, args @ ..] => match name {
            Parameter::Path(_) | Parameter::Name(_) => lowering.call(name.as_name().unwrap_or_default(), args, whole),
            _ => {
                lowering.fault(
                    TemplateFault::new(Code::TemplateSyntax, whole, "an expression begins with a helper or is one name")
                        .help("write `eq vars.a 1`"),
                );
                Ex { span: whole, kind: ExKind::Literal(serde_json::Value::Null) }
            }
        },
    };
    lowering.finish(ex)
}

const PREFIX: &str = "{{x ";

/// What the grammar crate says, with its line and character turned into a place.
fn syntax_fault(text: &str, error: &TemplateError) -> TemplateFault {
    let at = error.pos().map_or(0, |(line, column)| offset(text, line, column));
    let end = text.get(at..).and_then(|rest| rest.find("}}")).map_or(text.len(), |found| at + found + 2);
    let span = Span::new(at, end);
    match error.reason() {
        TemplateErrorReason::InvalidParam(param) if param.starts_with(['[', '{']) => {
            TemplateFault::new(Code::TemplateSyntax, span, format!("`{param}` is no list and no map"))
                .help("a list or a map is written as JSON, with texts in double quotes: `[\"a\", \"b\"]`")
        }
        TemplateErrorReason::InvalidParam(param) => {
            TemplateFault::new(Code::TemplateSyntax, span, format!("`{param}` is neither a name nor a number nor a text"))
                .help("put texts in quotes: `\"…\"` or `'…'`")
        }
        _ => TemplateFault::new(Code::TemplateSyntax, span, "this is not a Handlebars expression")
            .help("write a name (`vars.image`), a helper with arguments (`lower vars.image`), or `\\{{` for two braces"),
    }
}

/// The byte offset of a line and a character, both from 1.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let rest = text.get(start..).unwrap_or_default();
    start + rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(at, _)| at)
}
