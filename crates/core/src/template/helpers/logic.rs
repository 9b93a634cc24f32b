//! Conditions, and what to take where nothing is there.

use serde_json::Value;

use super::argument::{any, unfit};
use super::{Family, HelperSpec, Run, eager, exactly};

/// Helpers that look only at the arguments that they need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Special {
    /// `and`.
    And,
    /// `or`.
    Or,
    /// `choose`.
    Choose,
    /// `default`.
    Default,
    /// `coalesce`.
    Coalesce,
    /// `is_null`.
    IsNull,
}

const fn lazy(
    name: &'static str,
    signature: &'static str,
    arity: (usize, Option<usize>),
    about: &'static str,
    example: (&'static str, &'static str),
    special: Special,
) -> HelperSpec {
    HelperSpec { name, signature, about, example: example.0, result: example.1, arity, run: Run::Lazy(special) }
}

pub(super) const FAMILY: Family = Family {
    title: "Conditions and missing values",
    about: "Conditions are true or false; nothing else counts as one. `and` and `or` stop at the first argument that decides.",
    helpers: &[
        lazy("and", "and A B …", (1, None), "Whether all hold.", ("and true (eq 1 1)", "true"), Special::And),
        lazy("or", "or A B …", (1, None), "Whether one of them holds.", ("or false (eq 1 1)", "true"), Special::Or),
        eager("not", "not A", exactly(1), "Whether it does not hold.", ("not false", "true"), |args| match any(args, 0)? {
            Value::Bool(holds) => Ok(Value::Bool(!holds)),
            other => Err(unfit(0, "true or false", other).help("compare it with something: `not (eq NAME VALUE)`")),
        }),
        lazy(
            "choose",
            "choose CONDITION A B",
            exactly(3),
            "A where the condition holds, else B.",
            ("choose true \"on\" \"off\"", "\"on\""),
            Special::Choose,
        ),
        lazy(
            "default",
            "default A B",
            exactly(2),
            "A, or B where A has no value or is null. An empty text is a value.",
            ("default null \"none\"", "\"none\""),
            Special::Default,
        ),
        lazy(
            "coalesce",
            "coalesce A B …",
            (1, None),
            "The first that has a value and is not null; null where none is.",
            ("coalesce null null 3", "3"),
            Special::Coalesce,
        ),
        lazy(
            "is_null",
            "is_null A",
            exactly(1),
            "Whether it is null. A name that does not exist is an error.",
            ("is_null null", "true"),
            Special::IsNull,
        ),
    ],
};
