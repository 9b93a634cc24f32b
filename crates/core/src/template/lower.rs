//! From the grammar crate's tree to ours: names resolved, places found, helpers looked up, references collected.

use handlebars::template::{BlockParam, HelperTemplate, Parameter, Subexpression, Template as Grammar, TemplateElement};

use super::ast::{Ex, ExKind, Local, Node, Ref};
use super::fault::TemplateFault;
use super::form::Form;
use super::helpers::{self, HelperSpec, Run, Special};
use super::scan::{Tag, TagKind};
use crate::diagnostic::Code;
use crate::source::Span;
use crate::suggest::nearest;

/// The names that a runbook's scope can have at its top, other than a step's own outputs.
const ROOTS: &[&str] = &["vars", "values", "checks", "steps", "item", "before", "run", "env"];

/// What a surrounding `#each` or `#with` brings.
struct Frame {
    /// Names after `as |…|`.
    params: Vec<String>,
    /// Whether it is an `#each`.
    each: bool,
    /// For a `#with` over a name of the scope: that name's path, so that names inside can be checked.
    base: Option<Vec<String>>,
}

pub(super) struct Lowering<'a> {
    text: &'a str,
    tags: Vec<Tag>,
    next_tag: usize,
    /// The words of the tag at hand that have not been found in the tree yet.
    words: Vec<Span>,
    whole: Span,
    frames: Vec<Frame>,
    guards: usize,
    refs: Vec<Ref>,
    faults: Vec<TemplateFault>,
}

impl<'a> Lowering<'a> {
    pub(super) fn new(text: &'a str, tags: Vec<Tag>) -> Self {
        let whole = Span::new(0, text.len());
        Self { text, tags, next_tag: 0, words: Vec::new(), whole, frames: Vec::new(), guards: 0, refs: Vec::new(), faults: Vec::new() }
    }

    pub(super) fn for_expression(text: &'a str, words: Vec<Span>) -> Self {
        Self { words, ..Self::new(text, Vec::new()) }
    }

    pub(super) fn finish<T>(self, result: T) -> Result<(T, Vec<Ref>), Vec<TemplateFault>> {
        if self.faults.is_empty() { Ok((result, self.refs)) } else { Err(self.faults) }
    }

    pub(super) fn fault(&mut self, fault: TemplateFault) {
        self.faults.push(fault);
    }

    pub(super) fn refuse_named_arguments(&mut self, span: Span) {
        self.fault(
            TemplateFault::new(Code::HelperArguments, span, "helpers take no named arguments")
                .help("write the arguments in order, without `name=`"),
        );
    }

    pub(super) fn template(&mut self, grammar: &Grammar) -> Vec<Node> {
        let mut nodes = Vec::with_capacity(grammar.elements.len());
        for element in &grammar.elements {
            match element {
                TemplateElement::RawString(text) => {
                    if let Some(Node::Text(last)) = nodes.last_mut() {
                        last.push_str(text);
                    } else if !text.is_empty() {
                        nodes.push(Node::Text(text.clone()));
                    }
                }
                TemplateElement::Comment(_) => {}
                TemplateElement::Expression(call) => {
                    let (span, origin) = self.enter_tag(TagKind::Value);
                    nodes.push(match self.form(call) {
                        Some((form, reason)) => {
                            let ex = self.formed(call);
                            let origin = self.text.get(ex.span.range()).unwrap_or(&origin).to_owned();
                            Node::Value { ex, span, origin, form, reason }
                        }
                        None => Node::Value { ex: self.expression(call), span, origin, form: Form::Plain, reason: None },
                    });
                }
                TemplateElement::HelperBlock(block) => {
                    let (span, _) = self.enter_tag(TagKind::Open);
                    if let Some(node) = self.block(block, span) {
                        nodes.push(node);
                    }
                    self.enter_tag(TagKind::Close);
                }
                // The scan has refused these already; whatever else the grammar knows is refused as well.
                _ => {
                    self.fault(TemplateFault::new(Code::TemplateRefused, self.whole, "this kind of tag is not allowed"));
                }
            }
        }
        nodes
    }

    /// Goes on to the next tag; gives its place and the text in it.
    fn enter_tag(&mut self, kind: TagKind) -> (Span, String) {
        while let Some(tag) = self.tags.get(self.next_tag) {
            self.next_tag += 1;
            if tag.kind == kind {
                self.words.clone_from(&tag.words);
                let inner = self.text.get(tag.inner.range()).unwrap_or_default().trim();
                return (tag.span, inner.to_owned());
            }
        }
        self.words.clear();
        (self.whole, String::new())
    }

    fn next_kind(&self) -> Option<TagKind> {
        self.tags.iter().skip(self.next_tag).map(|t| t.kind).find(|kind| *kind != TagKind::Comment)
    }

    /// The place of a word of the tag at hand. Words are used up, so equal words get their own places.
    fn place(&mut self, word: &str) -> Span {
        let found = self.words.iter().position(|span| self.text.get(span.range()) == Some(word));
        match found {
            Some(at) => self.words.remove(at),
            None => {
                self.words.first().map_or(self.whole, |first| Span::new(first.start, self.words.last().map_or(first.end, |last| last.end)))
            }
        }
    }

    fn block(&mut self, block: &HelperTemplate, span: Span) -> Option<Node> {
        let name = block.name.as_name().unwrap_or_default().to_owned();
        let name_span = self.place(&name);
        if !block.hash.is_empty() {
            self.refuse_named_arguments(span);
        }
        let known = ["if", "unless", "each", "with"];
        if !known.contains(&name.as_str()) {
            let fault = TemplateFault::new(Code::UnknownHelper, name_span, format!("no block is called `#{name}`"));
            let fault = match nearest(&name, known) {
                Some(near) => fault.help(format!("did you mean `#{near}`?")),
                None => fault.help("the blocks are `#if`, `#unless`, `#each` and `#with`"),
            };
            self.fault(fault);
        }
        let [param] = block.params.as_slice() else {
            self.fault(
                TemplateFault::new(Code::HelperArguments, span, format!("`#{name}` takes one argument, not {}", block.params.len()))
                    .help("put a call in parentheses: `{{#if (eq vars.a 1)}}`"),
            );
            // Its inside is looked at all the same, so that its faults are reported too.
            let frame = matches!(name.as_str(), "each" | "with").then(|| Frame { params: params(block), each: name == "each", base: None });
            self.inside(block, frame);
            return None;
        };
        let ex = self.parameter(param);
        match name.as_str() {
            "if" | "unless" => {
                let (then, otherwise) = self.inside(block, None);
                Some(Node::If { condition: ex, negate: name == "unless", then, otherwise })
            }
            "each" => {
                let (body, otherwise) = self.inside(block, Some(Frame { params: params(block), each: true, base: None }));
                Some(Node::Each { over: ex, body, otherwise })
            }
            _ => {
                let base = if let ExKind::Root(path) = &ex.kind { Some(path.clone()) } else { None };
                let (body, otherwise) = self.inside(block, Some(Frame { params: params(block), each: false, base }));
                Some(Node::With { over: ex, body, otherwise })
            }
        }
    }

    /// A block's two halves; the frame is there in the first only.
    fn inside(&mut self, block: &HelperTemplate, frame: Option<Frame>) -> (Vec<Node>, Vec<Node>) {
        let framed = frame.is_some();
        self.frames.extend(frame);
        let body = block.template.as_ref().map(|t| self.template(t)).unwrap_or_default();
        if framed {
            self.frames.pop();
        }
        let otherwise = match (&block.inverse, self.next_kind()) {
            (Some(inverse), Some(TagKind::ElseIf)) => {
                let (span, _) = self.enter_tag(TagKind::ElseIf);
                match inverse.elements.as_slice() {
                    [TemplateElement::HelperBlock(chained)] => self.block(chained, span).into_iter().collect(),
                    _ => Vec::new(),
                }
            }
            (Some(inverse), _) => {
                self.enter_tag(TagKind::Else);
                self.template(inverse)
            }
            (None, _) => Vec::new(),
        };
        (body, otherwise)
    }

    /// Whether a tag is a value with a word on how it is written, and why.
    fn form(&mut self, call: &HelperTemplate) -> Option<(Form, Option<String>)> {
        let Run::Form(form) = helpers::find(call.name.as_name()?)?.run else { return None };
        let reason = call.hash.get("reason").and_then(|reason| match reason {
            Parameter::Literal(serde_json::Value::String(text)) => Some(text.trim().to_owned()),
            _ => None,
        });
        if form == Form::Raw {
            if reason.as_deref().is_none_or(str::is_empty) || call.hash.len() > 1 {
                let fault = TemplateFault::new(Code::FormOutOfPlace, self.tag_span(), "`raw` says no reason");
                self.fault(fault.help("a reviewer wants to know why nothing is escaped here: `{{raw x reason=\"…\"}}`"));
            }
        } else if !call.hash.is_empty() {
            self.refuse_named_arguments(self.tag_span());
        }
        Some((form, reason))
    }

    /// The argument of a call that says how it is written.
    fn formed(&mut self, call: &HelperTemplate) -> Ex {
        let name = call.name.as_name().unwrap_or_default();
        let span = self.place(name);
        if let (Some(helper), true) = (helpers::find(name), call.params.len() != 1) {
            self.count(helper, call.params.len(), span);
        }
        let args: Vec<Ex> = call.params.iter().map(|param| self.parameter(param)).collect();
        args.into_iter().next().unwrap_or_else(|| null(span))
    }

    /// What stands in a tag or in parentheses: a call, or one name.
    fn expression(&mut self, call: &HelperTemplate) -> Ex {
        let span =
            self.words.first().map_or(self.whole, |first| Span::new(first.start, self.words.last().map_or(first.end, |last| last.end)));
        if !call.hash.is_empty() {
            self.refuse_named_arguments(span);
        }
        match &call.name {
            Parameter::Subexpression(inner) if call.params.is_empty() => self.subexpression(inner),
            Parameter::Subexpression(_) => {
                self.fault(TemplateFault::new(Code::TemplateSyntax, span, "a helper's name is written out, not computed"));
                null(span)
            }
            name if call.params.is_empty() && call.hash.is_empty() => self.name(name.as_name().unwrap_or_default()),
            name => self.call(name.as_name().unwrap_or_default(), &call.params, span),
        }
    }

    fn subexpression(&mut self, sub: &Subexpression) -> Ex {
        match sub.as_element() {
            TemplateElement::Expression(call) => self.expression(call),
            _ => null(self.whole),
        }
    }

    pub(super) fn parameter(&mut self, parameter: &Parameter) -> Ex {
        match parameter {
            Parameter::Name(name) => self.name(name),
            Parameter::Path(_) => self.name(parameter.as_name().unwrap_or_default()),
            Parameter::Literal(value) => {
                // Texts and lists are no words; numbers, booleans and null are, and are used up here.
                let span = if value.is_string() || value.is_array() || value.is_object() {
                    self.tag_span()
                } else {
                    self.place(&value.to_string())
                };
                Ex { span, kind: ExKind::Literal(value.clone()) }
            }
            Parameter::Subexpression(inner) => self.subexpression(inner),
            // The grammar crate's enum is open.
            _ => {
                let span = self.tag_span();
                self.fault(TemplateFault::new(Code::TemplateRefused, span, "this kind of argument is not allowed"));
                null(span)
            }
        }
    }

    fn tag_span(&self) -> Span {
        match self.next_tag.checked_sub(1).and_then(|at| self.tags.get(at)) {
            Some(tag) => tag.inner,
            None => self.whole,
        }
    }

    pub(super) fn call(&mut self, name: &str, params: &[Parameter], around: Span) -> Ex {
        let span = self.place(name);
        let Some(helper) = helpers::find(name) else {
            let fault = TemplateFault::new(Code::UnknownHelper, span, format!("no helper is called `{name}`"));
            let fault = match nearest(name, helpers::names()) {
                Some(near) => fault.help(format!("did you mean `{near}`?")),
                None => fault.help("the reference lists the helpers"),
            };
            self.fault(fault);
            for param in params {
                self.parameter(param);
            }
            return null(span);
        };
        if matches!(helper.run, Run::Form(_)) {
            let fault = TemplateFault::new(
                Code::FormOutOfPlace,
                span,
                format!("`{name}` says how a value is written, and stands inside another expression"),
            );
            self.fault(fault.help(format!("write it outermost, in a script or an SQL text: `{{{{{name} (…)}}}}`")));
        }
        let guards = matches!(helper.run, Run::Lazy(Special::Default | Special::Coalesce));
        self.guards += usize::from(guards);
        let args: Vec<Ex> = params.iter().map(|param| self.parameter(param)).collect();
        self.guards -= usize::from(guards);
        self.count(helper, args.len(), span);
        let end = args.last().map_or(span.end, |a| a.span.end.max(span.end)).min(around.end.max(span.end));
        Ex { span: Span::new(span.start, end), kind: ExKind::Call { helper, args } }
    }

    fn count(&mut self, helper: &HelperSpec, given: usize, span: Span) {
        let (least, most) = helper.arity;
        if given >= least && most.is_none_or(|most| given <= most) {
            return;
        }
        let wanted = match most {
            Some(most) if most == least => format!("{least}"),
            Some(most) => format!("{least} to {most}"),
            None => format!("at least {least}"),
        };
        let plural = if most.unwrap_or(least) == 1 { "argument" } else { "arguments" };
        self.fault(
            TemplateFault::new(Code::HelperArguments, span, format!("`{}` takes {wanted} {plural}, not {given}", helper.name))
                .help(format!("write `{}`", helper.signature)),
        );
    }

    /// A name or path as it stands.
    fn name(&mut self, raw: &str) -> Ex {
        let span = self.place(raw);
        match self.resolve(raw, span) {
            Ok(kind) => {
                if let ExKind::Root(path) = &kind {
                    self.refs.push(Ref { path: path.clone(), span, guarded: self.guards > 0 });
                }
                Ex { span, kind }
            }
            Err(fault) => {
                self.fault(fault);
                null(span)
            }
        }
    }

    fn resolve(&self, raw: &str, span: Span) -> Result<ExKind, TemplateFault> {
        let (mut rest, data) = match raw.strip_prefix('@') {
            Some(rest) => (rest, true),
            None => (raw, false),
        };
        let mut up = 0;
        while let Some(after) = rest.strip_prefix("../") {
            up += 1;
            rest = after;
        }
        let path = segments(rest);
        if data {
            return self.data(&path, up, span);
        }
        if path.is_empty() && up == 0 && self.frames.is_empty() {
            return Err(TemplateFault::new(Code::TemplateSyntax, span, "`this` has a meaning only inside `#each` and `#with`")
                .help("write the name: `vars.NAME`"));
        }
        if up == 0
            && let Some(found) = self.block_parameter(&path)
        {
            return Ok(found);
        }
        let relative = raw.starts_with("../") || raw.starts_with("this") || raw.starts_with("./");
        self.relative(path, up, relative, span)
    }

    /// A path relative to the frame that is `up` outwards; beyond the outermost is the runbook's scope.
    fn relative(&self, path: Vec<String>, up: usize, explicit: bool, span: Span) -> Result<ExKind, TemplateFault> {
        let Some(index) = self.frames.len().checked_sub(up + 1) else {
            if up > self.frames.len() {
                return Err(
                    TemplateFault::new(Code::TemplateSyntax, span, "`../` leads out of the template").help("write the name without it")
                );
            }
            return Ok(ExKind::Root(path));
        };
        let frame = self.frames.get(index);
        if let Some(base) = frame.and_then(|f| f.base.as_ref()) {
            return Ok(ExKind::Root(base.iter().cloned().chain(path).collect()));
        }
        let root = path.first().filter(|first| !explicit && path.len() > 1 && ROOTS.contains(&first.as_str()));
        if let Some(root) = root {
            return Err(TemplateFault::new(
                Code::TemplateSyntax,
                span,
                format!("inside `#each` and `#with`, `{root}` is looked up in the element"),
            )
            .help(format!("write `@root.{}`", path.join("."))));
        }
        Ok(ExKind::Local { up, what: Local::This, path })
    }

    fn block_parameter(&self, path: &[String]) -> Option<ExKind> {
        let first = path.first()?;
        for (up, frame) in self.frames.iter().rev().enumerate() {
            let Some(at) = frame.params.iter().position(|p| p == first) else { continue };
            let rest = path.get(1..).unwrap_or_default().to_vec();
            if at == 0
                && let Some(base) = &frame.base
            {
                return Some(ExKind::Root(base.iter().cloned().chain(rest).collect()));
            }
            let what = if at == 0 { Local::This } else { Local::Position };
            return Some(ExKind::Local { up, what, path: rest });
        }
        None
    }

    fn data(&self, path: &[String], up: usize, span: Span) -> Result<ExKind, TemplateFault> {
        let name = path.first().map(String::as_str).unwrap_or_default();
        if name == "root" && up == 0 {
            return match path.get(1..) {
                Some(rest) if !rest.is_empty() => Ok(ExKind::Root(rest.to_vec())),
                _ => Err(TemplateFault::new(Code::TemplateSyntax, span, "`@root` is the whole scope")
                    .help("write the name behind it: `@root.vars.NAME`")),
            };
        }
        let what = match name {
            "index" => Local::Index,
            "key" => Local::Key,
            "first" => Local::First,
            "last" => Local::Last,
            _ => {
                return Err(TemplateFault::new(Code::TemplateSyntax, span, format!("`@{name}` does not exist"))
                    .help("there are `@index`, `@key`, `@first` and `@last` inside `#each`, and `@root`"));
            }
        };
        let at = self.frames.len().checked_sub(up + 1).and_then(|index| self.frames.get(index));
        if at.is_some_and(|frame| frame.each) {
            Ok(ExKind::Local { up, what, path: Vec::new() })
        } else {
            Err(TemplateFault::new(Code::TemplateSyntax, span, format!("`@{name}` has a meaning only inside `#each`")))
        }
    }
}

fn null(span: Span) -> Ex {
    Ex { span, kind: ExKind::Literal(serde_json::Value::Null) }
}

fn params(block: &HelperTemplate) -> Vec<String> {
    let name = |p: &Parameter| p.as_name().unwrap_or_default().to_owned();
    match &block.block_param {
        Some(BlockParam::Single(one)) => vec![name(one)],
        Some(BlockParam::Pair((one, two))) => vec![name(one), name(two)],
        // The grammar crate's enum is open.
        None | Some(_) => Vec::new(),
    }
}

/// The segments of a path: `a.b`, `a/b`, `a.[b c]`; `this` and `.` stand for nothing.
fn segments(path: &str) -> Vec<String> {
    let (mut out, mut rest) = (Vec::new(), path);
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('[') {
            let (name, after) = after.split_once(']').unwrap_or((after, ""));
            out.push(name.to_owned());
            rest = after;
        } else {
            let end = rest.find(['.', '/', '[']).unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            if !name.is_empty() && name != "this" {
                out.push(name.to_owned());
            }
            rest = after;
        }
        rest = rest.strip_prefix(['.', '/']).unwrap_or(rest);
    }
    out
}
