//! Versions: compared segment by segment, as numbers, the build's suffix apart.

use std::cmp::Ordering;

use serde_json::Value;

use super::argument::{list, text, unfit};
use super::{Arg, Family, HelperError, eager, exactly};

pub(super) const FAMILY: Family = Family {
    title: "Versions",
    about: "A version is numbers separated by dots, such as `4.3.4.12`; a `v` before it and what follows the first `-`, `_` or `+` (the build: \
            `4.3.4-20250508`) do not count. Missing segments are 0, so `4.3` equals `4.3.0`. A text of another form is an error.",
    helpers: &[
        eager(
            "version_eq",
            "version_eq A B",
            exactly(2),
            "Whether they are the same version.",
            ("version_eq \"4.3.4-20250508\" \"4.3.4\"", "true"),
            |a| order(a, Ordering::is_eq),
        ),
        eager(
            "version_lt",
            "version_lt A B",
            exactly(2),
            "Whether A is older than B.",
            ("version_lt \"4.3.4.9\" \"4.3.4.12\"", "true"),
            |a| order(a, Ordering::is_lt),
        ),
        eager(
            "version_le",
            "version_le A B",
            exactly(2),
            "Whether A is not newer than B.",
            ("version_le \"4.3\" \"4.3.0\"", "true"),
            |a| order(a, Ordering::is_le),
        ),
        eager("version_gt", "version_gt A B", exactly(2), "Whether A is newer than B.", ("version_gt \"4.10\" \"4.9\"", "true"), |a| {
            order(a, Ordering::is_gt)
        }),
        eager("version_ge", "version_ge A B", exactly(2), "Whether A is not older than B.", ("version_ge \"4.2\" \"4.3\"", "false"), |a| {
            order(a, Ordering::is_ge)
        }),
        eager(
            "version_prefix",
            "version_prefix A B",
            exactly(2),
            "Whether A begins with all segments of B: a `4.3.4.12` is a `4.3.4`.",
            ("version_prefix \"4.3.4-20250508\" \"4.3.4\"", "true"),
            |a| Ok(version(text(a, 0)?, 0)?.starts_with(&version(text(a, 1)?, 1)?).into()),
        ),
        eager(
            "max_version",
            "max_version LIST",
            exactly(1),
            "The newest in a list, as it is written there. An empty list is an error; null elements are left out.",
            ("max_version [\"4.3.2.20\", \"4.3.2.6\"]", "\"4.3.2.20\""),
            |a| extreme(a, Ordering::is_gt),
        ),
        eager(
            "min_version",
            "min_version LIST",
            exactly(1),
            "The oldest in a list, as it is written there. An empty list is an error; null elements are left out.",
            ("min_version [\"4.3.2.20\", \"4.3.2.6\"]", "\"4.3.2.6\""),
            |a| extreme(a, Ordering::is_lt),
        ),
    ],
};

/// The segments of a version.
fn version(text: &str, at: usize) -> Result<Vec<u64>, HelperError> {
    let bare = text.trim();
    let bare = bare.strip_prefix(['v', 'V']).unwrap_or(bare);
    let main = bare.split(['-', '_', '+']).next().unwrap_or_default();
    let digits = |s: &str| if !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit()) { s.parse().ok() } else { None };
    main.split('.').map(digits).collect::<Option<Vec<u64>>>().ok_or_else(|| {
        HelperError::of(at, format!("`{text}` is no version")).help("a version is numbers separated by dots, such as `4.3.4.12`")
    })
}

fn compare(a: &[u64], b: &[u64]) -> Ordering {
    let segment = |version: &[u64], at: usize| version.get(at).copied().unwrap_or(0);
    (0..a.len().max(b.len())).map(|at| segment(a, at).cmp(&segment(b, at))).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

fn order(args: &[Arg<'_>], holds: fn(Ordering) -> bool) -> Result<Value, HelperError> {
    let (a, b) = (version(text(args, 0)?, 0)?, version(text(args, 1)?, 1)?);
    Ok(holds(compare(&a, &b)).into())
}

fn extreme(args: &[Arg<'_>], better: fn(Ordering) -> bool) -> Result<Value, HelperError> {
    let mut best: Option<(Vec<u64>, &str)> = None;
    for element in list(args, 0)?.iter().filter(|e| !e.is_null()) {
        let Value::String(written) = element else { return Err(unfit(0, "a list of texts", element)) };
        let this = version(written, 0)?;
        if best.as_ref().is_none_or(|(best, _)| better(compare(&this, best))) {
            best = Some((this, written));
        }
    }
    best.map(|(_, written)| written.into()).ok_or_else(|| HelperError::of(0, "there is no version in an empty list"))
}
