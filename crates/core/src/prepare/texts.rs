//! Scripts, SQL texts and URLs with their values: what each place makes of its value, and what the value must not be there.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::fields::Both;
use crate::action::SqlPlace;
use crate::places::shell::{self, Script, ShellPlace};
use crate::places::sql;
use crate::places::url::UrlPlace;
use crate::template::{Content, Form, Rendered, Segment, Template, shell_form, sql_form};

/// What an environment variable holds at most, with its name and the `=`: Linux's `MAX_ARG_STRLEN` of 32 pages less the final NUL and what was
/// measured to be lost beside it.
const LONGEST_VARIABLE: usize = 131_070;
/// What all values of a script may have together. Linux gives arguments and environment a quarter of the stack, usually 2 MiB; some of it is the
/// inherited environment's.
const ALL_VARIABLES: usize = 1_900_000;

/// What is wrong with a value in its place.
pub(super) struct Said {
    pub(super) message: String,
    /// Empty where there is none.
    pub(super) help: String,
}

fn say(out: &mut Vec<Said>, message: String, help: &str) {
    out.push(Said { message, help: help.to_owned() });
}

/// The pieces of a rendered text: the author's own, and values with their places.
fn pieces<'r, P>(rendered: &'r Rendered, places: &'r [P]) -> impl Iterator<Item = (&'r Segment, Option<&'r P>)> {
    let mut places = places.iter();
    rendered.segments.iter().map(move |segment| (segment, if segment.origin.is_empty() { None } else { places.next() }))
}

const NO_SECRET: &str = "give it to the step as `env = { NAME = \"{{…}}\" }`";

/// A constant script, and the values in the environment.
pub(super) fn shell(
    template: &Template,
    rendered: &Rendered,
    places: &[ShellPlace],
    bash_only: Option<&'static str>,
    out: &mut Vec<Said>,
) -> Both {
    let mut making = Making::default();
    let mut raw = false;
    for (segment, place) in pieces(rendered, places) {
        match place {
            None => making.script.push_str(&segment.text()),
            Some(place) if place.form == shell::Form::Raw => {
                raw = true;
                if segment.secret {
                    say(out, format!("`{}` is secret, and would stand in the script itself", segment.origin), NO_SECRET);
                } else {
                    making.script.push_str(&segment.text());
                }
            }
            Some(place) => match (&segment.content, place.form) {
                (Content::Value(Value::Array(list)), shell::Form::Words) => {
                    for (at, element) in list.iter().enumerate() {
                        if at > 0 {
                            making.script.push(' ');
                        }
                        making.value(segment, *place, &Segment { content: Content::Value(element.clone()), ..segment.clone() }.text(), out);
                    }
                }
                _ => making.value(segment, *place, &segment.text(), out),
            },
        }
    }
    if making.real.values().map(|value| value.len() + 16).sum::<usize>() > ALL_VARIABLES {
        say(
            out,
            "the values of this script are too long together for an environment".to_owned(),
            "hand them over through `stdin`, or through a file",
        );
    }
    if raw && out.is_empty() && !shell_is_as_checked(template, rendered, places) {
        unlike(out);
    }
    Both {
        real: json!({ "script": making.script, "env": making.real, "bash_only": bash_only }),
        public: json!({ "script": making.script, "env": making.public }),
    }
}

#[derive(Default)]
struct Making {
    script: String,
    real: BTreeMap<String, String>,
    public: BTreeMap<String, String>,
}

impl Making {
    fn value(&mut self, segment: &Segment, place: ShellPlace, text: &str, out: &mut Vec<Said>) {
        let name = format!("RUNBOOK_P{}", self.real.len() + 1);
        let origin = &segment.origin;
        self.script.push_str(&place.expansion(&name));
        let written = if place.form == shell::Form::Sh { shell::quoted(text) } else { text.to_owned() };
        if let Some((what, help)) = place.objection(text) {
            say(out, format!("`{origin}` {what}"), help);
        } else if text.contains('\0') {
            say(out, format!("`{origin}` holds a NUL byte, which no environment variable can"), "");
        } else if name.len() + 1 + written.len() > LONGEST_VARIABLE {
            let message = format!("`{origin}` has {} bytes, and an environment variable holds {LONGEST_VARIABLE}", text.len());
            say(out, message, "hand it over through `stdin`, or through a file");
        }
        let public = if segment.secret { segment.public_text() } else { written.clone() };
        self.public.insert(name.clone(), public);
        self.real.insert(name, written);
    }
}

fn unlike(out: &mut Vec<Said>) {
    let message = "what a `raw` value brings changes how the values around it are read";
    say(out, message.to_owned(), "quotes and brackets must end in it as they begin; or take the other values out of this text");
}

/// The texts around the values, with what goes unescaped in them as a part of the text, and the forms of the others.
fn with_raw(template: &Template, rendered: &Rendered) -> (Vec<String>, Vec<Form>) {
    let (texts, forms) = template.pieces();
    let values = rendered.segments.iter().filter(|segment| !segment.origin.is_empty());
    let mut whole: Vec<String> = texts.first().map(|text| (*text).to_owned()).into_iter().collect();
    let mut left = Vec::new();
    for ((form, text), segment) in forms.into_iter().zip(texts.into_iter().skip(1)).zip(values) {
        match whole.last_mut() {
            Some(last) if form == Form::Raw => {
                last.push_str(&segment.text());
                last.push_str(text);
            }
            _ => {
                left.push(form);
                whole.push(text.to_owned());
            }
        }
    }
    (whole, left)
}

fn shell_is_as_checked(template: &Template, rendered: &Rendered, places: &[ShellPlace]) -> bool {
    let (texts, forms) = with_raw(template, rendered);
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let forms: Vec<shell::Form> = forms.into_iter().map(shell_form).collect();
    let checked = places.iter().filter(|place| place.form != shell::Form::Raw).map(|place| place.quoting);
    shell::analyse(&Script { texts: &texts, forms: &forms, env: &[] })
        .is_ok_and(|analysis| analysis.places.iter().map(|place| place.quoting).eq(checked))
}

/// Text and values in turn; the executor writes the values, for the mode of its session.
pub(super) fn sql(template: &Template, rendered: &Rendered, places: &[SqlPlace], out: &mut Vec<Said>) -> Both {
    let (mut real, mut public) = (Vec::new(), Vec::new());
    let mut forms = template.pieces().1.into_iter();
    let mut raw = false;
    for (segment, place) in pieces(rendered, places) {
        let (Some(place), Content::Value(value)) = (place, &segment.content) else {
            real.push(json!({ "text": segment.text() }));
            public.push(json!({ "text": segment.text() }));
            continue;
        };
        let form = forms.next().unwrap_or_default();
        if *place == SqlPlace::Raw {
            raw = true;
            if segment.secret {
                say(out, format!("`{}` is secret, and would stand in the statement itself", segment.origin), "write it without `raw`");
            }
            real.push(json!({ "text": segment.text() }));
            public.push(json!({ "text": segment.public_text() }));
            continue;
        }
        if let Some((what, help)) = sql_objection(*place, value) {
            say(out, format!("`{}` {what}", segment.origin), help);
        }
        let value = match value {
            Value::String(text) if form == Form::Like => Value::String(text.replace('|', "||").replace('%', "|%").replace('_', "|_")),
            value => value.clone(),
        };
        let shown = if segment.secret { Value::String(segment.public_text()) } else { value.clone() };
        real.push(json!({ "value": { "value": value, "place": place } }));
        public.push(json!({ "value": { "value": shown, "place": place } }));
    }
    if raw && out.is_empty() && !sql_is_as_checked(template, rendered, places) {
        unlike(out);
    }
    Both { real: json!({ "segments": real }), public: json!({ "segments": public }) }
}

fn sql_is_as_checked(template: &Template, rendered: &Rendered, places: &[SqlPlace]) -> bool {
    let (texts, forms) = with_raw(template, rendered);
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let forms: Vec<sql::Form> = forms.into_iter().map(sql_form).collect();
    let checked = places.iter().filter(|place| **place != SqlPlace::Raw);
    sql::analyse(&texts, &forms).is_ok_and(|places| places.iter().eq(checked))
}

/// What a value must not be in its place of an SQL text.
fn sql_objection(place: SqlPlace, value: &Value) -> Option<(&'static str, &'static str)> {
    let scalar = |value: &Value| !matches!(value, Value::Array(_) | Value::Object(_));
    match (place, value) {
        (SqlPlace::List, Value::Array(list)) if list.is_empty() => {
            Some(("is an empty list, and `in ()` is no SQL", "guard the step with `when`"))
        }
        (SqlPlace::List, Value::Array(list)) if list.iter().all(scalar) => None,
        (_, Value::Array(_)) => {
            Some(("is a list", "a list stands alone in the brackets of `in ({{…}})`; or write one of its elements, or `{{json …}}`"))
        }
        (_, Value::Object(_)) => Some(("is a map", "write one of its members, or `{{json …}}`")),
        (SqlPlace::Number, value) if !value.is_i64() && !value.is_u64() => {
            Some(("is no whole number, and in a hint nothing else is safe", "declare the variable with `type = \"int\"`"))
        }
        (SqlPlace::Quoted | SqlPlace::Identifier, Value::Null) => {
            Some(("is null, which is no text", "write `{{default … \"\"}}`, or the value without quotes"))
        }
        _ => None,
    }
}

/// The URL with its values, each written for its place.
pub(super) fn url(rendered: &Rendered, places: &[UrlPlace], out: &mut Vec<Said>) -> Both {
    let (mut real, mut public) = (String::new(), String::new());
    for (segment, place) in pieces(rendered, places) {
        let text = segment.text();
        let Some(place) = place else {
            real.push_str(&text);
            public.push_str(&text);
            continue;
        };
        match place.written(&text) {
            Ok(written) => {
                public.push_str(&if segment.secret { segment.public_text() } else { written.clone() });
                real.push_str(&written);
            }
            Err((what, help)) => {
                let shown = if segment.secret { String::new() } else { format!(" ({text:?})") };
                say(out, format!("`{}`{shown} {what}", segment.origin), help);
            }
        }
    }
    Both { real: Value::String(real), public: Value::String(public) }
}
