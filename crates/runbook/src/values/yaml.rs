//! YAML 1.2, one document.

use serde_json::Value;
use serde_saphyr::{DuplicateKeyPolicy, Options};

use super::Wrong;

/// The most nodes of a document, aliases counted as often as they are used.
const NODES: usize = 100_000;

/// The deepest nesting.
const DEPTH: usize = 64;

pub(super) fn read(text: &str) -> Result<Value, Wrong> {
    serde_saphyr::from_str_with_options(text, options()).map_err(|error| {
        let at = error.location().and_then(|at| Some((usize::try_from(at.line()).ok()?, usize::try_from(at.column()).ok()?)));
        // Its first line: the others show the text, which may hold secrets.
        let whole = error.without_snippet().to_string();
        let first = whole.lines().next().unwrap_or_default();
        Wrong { at, what: first.split(" at line ").next().unwrap_or(first).to_owned() }
    })
}

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_depth: DEPTH, max_documents: 1, max_nodes: NODES },
        duplicate_keys: DuplicateKeyPolicy::Error,
        leading_zero_numbers_as_strings: true,
        strict_booleans: true,
        underscored_numbers_as_strings: true,
        with_snippet: false,
    }
}
