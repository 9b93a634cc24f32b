//! Evaluation of a template's tree against a scope.

use std::borrow::Cow;

use serde_json::Value;

use super::ast::{Ex, ExKind, Local, Node, dotted};
use super::fault::{RenderFault, RenderFaultKind};
use super::form::Form;
use super::helpers::{HelperSpec, Run, Special};
use super::render::{Content, Segment};
use crate::scope::{Lookup, Scope, step};
use crate::suggest::nearest;

/// A value and whether anything that it was made from is secret.
#[derive(Clone)]
pub(super) struct Val<'a> {
    pub(super) value: Cow<'a, Value>,
    pub(super) secret: bool,
}

impl Val<'_> {
    fn plain(value: Value) -> Self {
        Self { value: Cow::Owned(value), secret: false }
    }
}

/// Where a surrounding `#each` or `#with` stands.
struct Frame<'a> {
    this: Val<'a>,
    key: Option<String>,
    index: usize,
    count: usize,
}

pub(super) struct Evaluation<'a> {
    scope: &'a Scope,
    frames: Vec<Frame<'a>>,
}

impl<'a> Evaluation<'a> {
    pub(super) const fn new(scope: &'a Scope) -> Self {
        Self { scope, frames: Vec::new() }
    }

    /// Renders pieces of a text: every value in it must be a scalar.
    /// `sql` says that null and lists have a form there.
    pub(super) fn nodes(&mut self, nodes: &'a [Node], sql: bool, out: &mut Vec<Segment>) -> Result<(), RenderFault> {
        for node in nodes {
            match node {
                Node::Text(text) => out.push(Segment { content: Content::Text(text.clone()), secret: false, origin: String::new() }),
                Node::Value { ex, span, origin, form, .. } => {
                    let val = self.value(ex)?;
                    let fault = |what: &str, help: String| {
                        Err(RenderFault::unfit(*span, format!("`{origin}` is {what}, which is no text")).help(help))
                    };
                    match val.value.as_ref() {
                        Value::Null if !sql => {
                            return fault("null", format!("say what to write instead: `{{{{default {} \"…\"}}}}`", argument(origin)));
                        }
                        Value::Array(list) if *form == Form::Words => {
                            if let Some(other) = list.iter().find(|element| element.is_array() || element.is_object() || element.is_null())
                            {
                                return fault(
                                    &format!("a list with {}", kind_of(other)),
                                    "its elements must be texts, numbers or booleans".to_owned(),
                                );
                            }
                        }
                        _ if *form == Form::Words => {
                            return fault(
                                &format!("{}, no list", kind_of(&val.value)),
                                "`words` makes words of a list's elements; leave it out".to_owned(),
                            );
                        }
                        Value::Array(_) if sql => {}
                        Value::Array(_) => {
                            return fault(
                                "a list",
                                format!(
                                    "write `{{{{join {0} \",\"}}}}` or `{{{{json {0}}}}}`; in a script, `{{{{words {0}}}}}`",
                                    argument(origin)
                                ),
                            );
                        }
                        Value::Object(_) => {
                            return fault("a map", format!("write `{{{{json {}}}}}`, or name one of its members", argument(origin)));
                        }
                        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
                    }
                    out.push(Segment { secret: val.secret, content: Content::Value(val.value.into_owned()), origin: origin.clone() });
                }
                Node::If { condition, negate, then, otherwise } => {
                    let (holds, _) = self.condition(condition)?;
                    self.nodes(if holds == *negate { otherwise } else { then }, sql, out)?;
                }
                Node::Each { over, body, otherwise } => self.each(over, (body, otherwise), sql, out)?,
                Node::With { over, body, otherwise } => {
                    let this = self.value(over)?;
                    if this.value.is_null() {
                        self.nodes(otherwise, sql, out)?;
                    } else {
                        self.frames.push(Frame { this, key: None, index: 0, count: 1 });
                        let done = self.nodes(body, sql, out);
                        self.frames.pop();
                        done?;
                    }
                }
            }
        }
        Ok(())
    }

    fn each(
        &mut self,
        over: &'a Ex,
        (body, otherwise): (&'a [Node], &'a [Node]),
        sql: bool,
        out: &mut Vec<Segment>,
    ) -> Result<(), RenderFault> {
        let all = self.value(over)?;
        let secret = all.secret;
        let items: Vec<(Option<String>, Cow<'a, Value>)> = match all.value {
            Cow::Borrowed(Value::Array(list)) => list.iter().map(|v| (None, Cow::Borrowed(v))).collect(),
            Cow::Borrowed(Value::Object(map)) => map.iter().map(|(k, v)| (Some(k.clone()), Cow::Borrowed(v))).collect(),
            Cow::Owned(Value::Array(list)) => list.into_iter().map(|v| (None, Cow::Owned(v))).collect(),
            Cow::Owned(Value::Object(map)) => map.into_iter().map(|(k, v)| (Some(k), Cow::Owned(v))).collect(),
            other => {
                return Err(RenderFault::unfit(over.span, format!("`#each` goes over a list or a map, and this is {}", kind_of(&other))));
            }
        };
        if items.is_empty() {
            return self.nodes(otherwise, sql, out);
        }
        let count = items.len();
        for (index, (key, value)) in items.into_iter().enumerate() {
            self.frames.push(Frame { this: Val { value, secret }, key, index, count });
            let done = self.nodes(body, sql, out);
            self.frames.pop();
            done?;
        }
        Ok(())
    }

    /// A condition: a real boolean, and whether it is secret.
    fn condition(&mut self, ex: &'a Ex) -> Result<(bool, bool), RenderFault> {
        let val = self.value(ex)?;
        match *val.value {
            Value::Bool(holds) => Ok((holds, val.secret)),
            ref other => Err(RenderFault::unfit(ex.span, format!("a condition must be true or false, and this is {}", kind_of(other)))
                .help("compare it with something: `eq NAME VALUE`")),
        }
    }

    pub(super) fn value(&mut self, ex: &'a Ex) -> Result<Val<'a>, RenderFault> {
        match &ex.kind {
            ExKind::Literal(value) => Ok(Val { value: Cow::Borrowed(value), secret: false }),
            ExKind::Root(path) => self.root(path, ex),
            ExKind::Local { up, what, path } => self.local(*up, *what, path, ex),
            ExKind::Call { helper, args } => self.call(helper, args, ex),
        }
    }

    fn root(&self, path: &[String], ex: &Ex) -> Result<Val<'a>, RenderFault> {
        match self.scope.lookup(path) {
            Lookup::Found(found) => Ok(Val { value: found.value, secret: found.secret }),
            Lookup::Absent => Err(RenderFault::missing(ex.span, format!("`{}` has no value", dotted(path)))),
            // Not "missing": a default would go on with another value than the one that there was.
            Lookup::Lost => Err(RenderFault::unfit(ex.span, format!("`{}` was a secret, and its value was not kept", dotted(path)))
                .help("such values are kept until the run is closed; have the step done again, or roll back by hand")),
            Lookup::Nothing { known, names } => {
                let above = dotted(path.get(..known).unwrap_or_default());
                if let Lookup::Found(found) = self.scope.lookup(path.get(..known).unwrap_or_default())
                    && !matches!(*found.value, Value::Object(_) | Value::Array(_))
                {
                    let shown = if found.secret { None } else { shown(&found.value) };
                    let shown = shown.map_or_else(String::new, |shown| format!(": {shown}"));
                    return Err(RenderFault::missing(
                        ex.span,
                        format!("`{above}` is {}, with nothing below it{shown}", kind_of(&found.value)),
                    ));
                }
                let wanted = path.get(known).map(String::as_str).unwrap_or_default();
                let fault = RenderFault::missing(ex.span, format!("`{above}` has no `{wanted}`"));
                Err(match nearest(wanted, names.iter().map(String::as_str)) {
                    Some(near) => fault.help(format!("did you mean `{above}.{near}`?")),
                    None => fault,
                })
            }
        }
    }

    fn local(&self, up: usize, what: Local, path: &[String], ex: &Ex) -> Result<Val<'a>, RenderFault> {
        let frame = self.frames.len().checked_sub(up + 1).and_then(|at| self.frames.get(at));
        let Some(frame) = frame else { return Err(RenderFault::missing(ex.span, "a name outside of its block")) };
        let number = |n: usize| Val::plain(Value::from(n));
        match what {
            Local::This => descend(&frame.this, path, ex),
            Local::Index => Ok(number(frame.index)),
            Local::Key | Local::Position => match &frame.key {
                Some(key) => Ok(Val { value: Cow::Owned(Value::String(key.clone())), secret: frame.this.secret }),
                None => Ok(number(frame.index)),
            },
            Local::First => Ok(Val::plain(Value::Bool(frame.index == 0))),
            Local::Last => Ok(Val::plain(Value::Bool(frame.index + 1 == frame.count))),
        }
    }

    fn call(&mut self, helper: &'static HelperSpec, args: &'a [Ex], ex: &Ex) -> Result<Val<'a>, RenderFault> {
        let run = match helper.run {
            Run::Lazy(special) => return self.special(special, args, ex),
            Run::Eager(run) => run,
            // Refused when it was parsed; in a text its argument stands in its place.
            Run::Form(_) => return Err(RenderFault::unfit(ex.span, format!("`{}` stands out of place", helper.name))),
        };
        let mut values = Vec::with_capacity(args.len());
        let mut secret = false;
        for arg in args {
            let val = self.value(arg)?;
            secret |= val.secret;
            values.push(val.value);
        }
        match run(&values) {
            Ok(value) => Ok(Val { value: Cow::Owned(value), secret }),
            Err(error) => {
                let span = error.argument.and_then(|at| args.get(at)).map_or(ex.span, |arg| arg.span);
                // A helper's own words may quote its argument.
                let message = if secret {
                    format!("`{}` does not take such a value", helper.name)
                } else {
                    format!("`{}`: {}", helper.name, error.message)
                };
                let fault = RenderFault::unfit(span, message);
                Err(match error.help {
                    Some(help) => fault.help(help),
                    None => fault,
                })
            }
        }
    }

    fn special(&mut self, special: Special, args: &'a [Ex], ex: &Ex) -> Result<Val<'a>, RenderFault> {
        match special {
            Special::And | Special::Or => {
                let stop = special == Special::Or;
                let mut secret = false;
                for arg in args {
                    let (holds, tainted) = self.condition(arg)?;
                    secret |= tainted;
                    if holds == stop {
                        return Ok(Val { value: Cow::Owned(Value::Bool(stop)), secret });
                    }
                }
                Ok(Val { value: Cow::Owned(Value::Bool(!stop)), secret })
            }
            Special::Choose => {
                let [condition, yes, no] = args else { return Err(RenderFault::unfit(ex.span, "`choose` takes 3 arguments")) };
                let (holds, tainted) = self.condition(condition)?;
                let mut val = self.value(if holds { yes } else { no })?;
                val.secret |= tainted;
                Ok(val)
            }
            Special::Default | Special::Coalesce => {
                for arg in args {
                    match self.value(arg) {
                        Ok(val) if !val.value.is_null() => return Ok(val),
                        Ok(_) => {}
                        Err(fault) if fault.kind == RenderFaultKind::Missing => {}
                        Err(fault) => return Err(fault),
                    }
                }
                Ok(Val::plain(Value::Null))
            }
            Special::IsNull => {
                let [arg] = args else { return Err(RenderFault::unfit(ex.span, "`is_null` takes 1 argument")) };
                let val = self.value(arg)?;
                Ok(Val { value: Cow::Owned(Value::Bool(val.value.is_null())), secret: val.secret })
            }
        }
    }
}

fn descend<'a>(from: &Val<'a>, path: &[String], ex: &Ex) -> Result<Val<'a>, RenderFault> {
    let missing = |segment: &str| RenderFault::missing(ex.span, format!("the element has no `{segment}`"));
    match &from.value {
        Cow::Borrowed(value) => {
            let mut value: &'a Value = value;
            for segment in path {
                value = step(value, segment).ok_or_else(|| missing(segment))?;
            }
            Ok(Val { value: Cow::Borrowed(value), secret: from.secret })
        }
        Cow::Owned(value) => {
            let mut value = value;
            for segment in path {
                value = step(value, segment).ok_or_else(|| missing(segment))?;
            }
            Ok(Val { value: Cow::Owned(value.clone()), secret: from.secret })
        }
    }
}

/// A value for a message: of a text its first line, whole or not at all, as who masks secrets finds none of which half is cut off.
fn shown(value: &Value) -> Option<String> {
    /// Bytes of a line that are still read in a message.
    const LINE: usize = 120;
    let Value::String(text) = value else { return if value.is_null() { None } else { Some(value.to_string()) } };
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let more = if line.trim_end().len() < text.trim().len() { " …" } else { "" };
    (line.len() <= LINE).then(|| format!("{}{more}", Value::from(line)))
}

/// An expression as the argument of a helper: a call in parentheses.
fn argument(origin: &str) -> String {
    if origin.contains(' ') { format!("({origin})") } else { origin.to_owned() }
}

/// What a value is, as a person would say it.
pub(crate) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}
