//! The compiled form.

use std::cell::OnceCell;
use std::rc::Rc;

use serde_json::Value;

use crate::pattern::Pattern;
use crate::template::TextKind;
use crate::value::decides;

/// What may stand in one place.
#[derive(Debug, Default)]
pub(crate) struct Shape {
    /// Of the kinds of value that may stand here.
    pub(crate) accepts: Accepts,
    /// What a text is, where a text may stand.
    pub(crate) text: Text,
    /// A fragment for "expected …", where the type has one of its own.
    pub(crate) expected: Option<String>,
    /// Whether a secret may not stand here: everywhere in an action but where its field is marked otherwise.
    pub(crate) refuses_secrets: bool,
    /// The type's or field's description.
    pub(crate) about: String,
}

/// The kinds of value that may stand in a place; several where a type has alternatives.
#[derive(Debug, Default)]
pub(crate) struct Accepts {
    /// Anything at all.
    pub(crate) anything: bool,
    /// A text.
    pub(crate) text: Option<TextRule>,
    /// A whole number, or any number.
    pub(crate) number: Option<NumberRule>,
    /// True or false.
    pub(crate) bool: bool,
    /// A list.
    pub(crate) list: Option<ListRule>,
    /// A table, or one of several.
    pub(crate) tables: Vec<TableRule>,
}

/// What a text must be.
#[derive(Debug, Default)]
pub(crate) struct TextRule {
    /// Must match.
    pub(crate) pattern: Option<Rc<LazyPattern>>,
    /// Must itself be a regular expression.
    pub(crate) is_regex: bool,
    /// Must be one of these; empty means any.
    pub(crate) one_of: Vec<String>,
    /// At least so many characters.
    pub(crate) min_length: usize,
}

/// What a number must be.
#[derive(Debug)]
pub(crate) struct NumberRule {
    /// Whether only whole numbers will do.
    pub(crate) whole: bool,
    /// At least.
    pub(crate) min: Option<f64>,
    /// At most.
    pub(crate) max: Option<f64>,
    /// Whether the bounds themselves are out.
    pub(crate) min_exclusive: bool,
    /// Must be one of these; empty means any.
    pub(crate) one_of: Vec<Value>,
}

/// What a list must be.
#[derive(Debug)]
pub(crate) struct ListRule {
    /// Of each element.
    pub(crate) item: Rc<Shape>,
    /// At least so many elements.
    pub(crate) min: usize,
    /// At most so many elements.
    pub(crate) max: Option<usize>,
    /// Whether `{ when = "…", items = […] }` may stand among the elements.
    pub(crate) optional_elements: bool,
}

/// What a table must be.
#[derive(Debug, Default)]
pub(crate) struct TableRule {
    /// The keys with a meaning, in the order of the type.
    pub(crate) keys: Vec<KeyRule>,
    /// What other keys may be there.
    pub(crate) others: Others,
    /// At least so many entries.
    pub(crate) min: usize,
}

/// A key with a meaning.
#[derive(Debug)]
pub(crate) struct KeyRule {
    /// Its name.
    pub(crate) name: String,
    /// Of its value.
    pub(crate) shape: Rc<Shape>,
    /// Whether it must be there.
    pub(crate) required: bool,
    /// What it is where it is left out, as far as the type says.
    pub(crate) default: Option<Value>,
    /// Whether it is `{ ACTION, expect }`, which belongs to the engine.
    pub(crate) proof: bool,
}

/// Keys that the author chooses.
#[derive(Debug, Default)]
pub(crate) enum Others {
    /// There are none.
    #[default]
    Refused,
    /// Any name.
    Any(Rc<Shape>),
    /// Names of one of these forms.
    Matching(Vec<(Rc<LazyPattern>, Rc<Shape>)>),
}

/// What a text is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Text {
    /// A value; a template here is a fault, because it is needed before anything is evaluated.
    #[default]
    Literal,
    /// May be a template.
    Template(TextKind),
    /// A bare expression.
    Expr,
    /// The name of a target of this kind.
    Target(String),
}

/// A regular expression of a schema, compiled when a literal is held against it for the first time: most places hold templates.
#[derive(Debug)]
pub(crate) struct LazyPattern {
    source: String,
    pattern: OnceCell<Option<Pattern>>,
}

impl LazyPattern {
    pub(super) fn new(source: &str) -> Self {
        Self { source: source.to_owned(), pattern: OnceCell::new() }
    }

    /// The expression's text.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// Whether the text matches. A pattern that is none matches nothing, so that a test of the type finds it.
    pub(crate) fn matches(&self, text: &str) -> bool {
        if let Some(decides) = decides(&self.source) {
            return decides(text);
        }
        self.pattern.get_or_init(|| Pattern::anywhere(&self.source).ok()).as_ref().is_some_and(|pattern| pattern.matches(text))
    }
}

impl TableRule {
    /// The rule of a key with a meaning.
    pub(crate) fn key(&self, name: &str) -> Option<&KeyRule> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// The key that holds `{ ACTION, expect }`.
    pub(crate) fn proof_key(&self) -> Option<&str> {
        self.keys.iter().find(|key| key.proof).map(|key| key.name.as_str())
    }
}

impl Shape {
    /// For "expected …": the type's own words, or what its kinds are called.
    pub(crate) fn expectation(&self) -> String {
        if let Some(expected) = &self.expected {
            return expected.clone();
        }
        if let Text::Target(kind) = &self.text {
            return format!("the name of a `{kind}` target");
        }
        if self.text == Text::Expr {
            return "an expression".to_owned();
        }
        let accepts = &self.accepts;
        let mut words = Vec::new();
        if let Some(text) = &accepts.text {
            words.push(match (&text.one_of[..], &text.pattern) {
                ([], Some(pattern)) => format!("a text that matches `{}`", pattern.source()),
                ([], None) if text.is_regex => "a regular expression".to_owned(),
                ([], None) if text.min_length > 0 => "a text that is not empty".to_owned(),
                ([], None) => "a text".to_owned(),
                ([only], _) => format!("`{only}`"),
                (several, _) => format!("one of {}", quoted(several)),
            });
        }
        if let Some(number) = &accepts.number {
            words.push(number.expectation());
        }
        if accepts.bool {
            words.push("`true` or `false`".to_owned());
        }
        if let Some(list) = &accepts.list {
            let least = if list.min > 0 { " that is not empty" } else { "" };
            words.push(format!("a list{least}"));
        }
        if !accepts.tables.is_empty() {
            words.push("a table".to_owned());
        }
        if words.is_empty() { "a value".to_owned() } else { words.join(" or ") }
    }
}

impl NumberRule {
    fn expectation(&self) -> String {
        if !self.one_of.is_empty() {
            let known: Vec<String> = self.one_of.iter().map(ToString::to_string).collect();
            return if known.len() == 1 { format!("`{}`", known.concat()) } else { format!("one of {}", quoted(&known)) };
        }
        let what = if self.whole { "a whole number" } else { "a number" };
        let above = if self.min_exclusive { "above" } else { "of at least" };
        match (self.min, self.max) {
            (Some(min), Some(max)) if !self.min_exclusive => format!("{what} from {min} to {max}"),
            (Some(min), _) => format!("{what} {above} {min}"),
            (None, Some(max)) => format!("{what} of at most {max}"),
            (None, None) => what.to_owned(),
        }
    }
}

/// `a`, `b` and `c`.
pub(crate) fn quoted<T: AsRef<str>>(names: &[T]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{}`", name.as_ref())).collect();
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}
