//! An outline for a pull request.

use std::fmt::Write as _;

use super::escapes::Escape;
use super::tell::{Becomes, Call, Entry, Outline};
use crate::text::visible;

/// As Markdown of GitHub's flavour.
pub(crate) fn markdown(outline: &Outline) -> String {
    let mut text = String::new();
    // Writing into a string does not fail.
    let _ = writeln!(text, "# {}\n", inline(outline.title.as_deref().unwrap_or(&outline.name)));
    for (name, fact) in &outline.facts {
        let _ = writeln!(text, "- {name}: {}", inline(fact));
    }
    for (heading, variables) in [("Variables", &outline.variables), ("Values", &outline.values)] {
        if variables.is_empty() {
            continue;
        }
        let _ = writeln!(text, "\n## {heading}\n\n| name | value | from |\n|---|---|---|");
        for variable in variables {
            let _ = writeln!(text, "| {} | {} | {} |", code(&variable.name), code(&variable.value), inline(&variable.origin));
        }
    }
    for part in outline.parts.iter().filter(|part| !part.entries.is_empty()) {
        let _ = writeln!(text, "\n## {}", part.heading);
        for (at, entry) in part.entries.iter().enumerate() {
            unit(at + 1, entry, &mut text);
        }
    }
    if !outline.escapes.is_empty() {
        let _ = writeln!(
            text,
            "\n## Values in scripts, SQL texts and URLs\n\n| unit | line | field | value | stands as |\n|---|---|---|---|---|"
        );
        for escape in &outline.escapes {
            let Escape { unit, file, line, field, value, context, unescaped } = escape;
            let of = file.as_ref().map(|file| format!(" of {}", code(file))).unwrap_or_default();
            let reason = unescaped.as_ref().map(|reason| format!("; **not escaped**: {}", inline(reason))).unwrap_or_default();
            let _ = writeln!(text, "| `{unit}` | {line}{of} | `{field}` | {} | {}{reason} |", code(value), inline(context));
        }
    }
    text
}

fn unit(number: usize, entry: &Entry, text: &mut String) {
    let title = entry.title.as_ref().map(|title| format!(": {}", inline(title))).unwrap_or_default();
    let _ = writeln!(text, "\n### {number}. `{}`{title}\n", entry.id);
    call("", &entry.call, text);
    facts("", &entry.facts, text);
    for becomes in &entry.fate {
        match becomes {
            Becomes::Words(words) => {
                let _ = writeln!(text, "- {}", inline(words));
            }
            Becomes::Undo(action, more) => {
                let _ = writeln!(text, "- undo:");
                call("  ", action, text);
                facts("  ", more, text);
            }
        }
    }
}

fn call(lead: &str, call: &Call, text: &mut String) {
    let _ = writeln!(text, "{lead}- `{}`", call.action);
    for (name, value) in &call.fields {
        if value.contains('\n') {
            let _ = writeln!(text, "{lead}  - `{name}`:\n\n{lead}    ```");
            for line in value.trim_end_matches('\n').split('\n') {
                let _ = writeln!(text, "{lead}    {}", visible(line));
            }
            let _ = writeln!(text, "{lead}    ```\n");
        } else {
            let _ = writeln!(text, "{lead}  - `{name}` = {}", code(value));
        }
    }
    if !call.known_after.is_empty() {
        let _ = writeln!(text, "{lead}  - its templates are known after {}", call.known_after.join(", "));
    }
}

fn facts(lead: &str, facts: &[(String, String)], text: &mut String) {
    for (name, fact) in facts {
        let _ = writeln!(text, "{lead}- {name}: {}", code(fact));
    }
}

/// Text between other text: nothing in it is taken for Markdown or HTML.
pub(crate) fn inline(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in visible(text).chars() {
        match c {
            '\\' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '@' => {
                escaped.push('\\');
                escaped.push(c);
            }
            '\n' => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Text as code, however many back-quotes are in it.
pub(crate) fn code(text: &str) -> String {
    let text = visible(text).replace('\n', " ").replace('|', "\\|");
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    if longest == 0 { format!("`{text}`") } else { format!("{fence} {text} {fence}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_a_runbook_is_markup() {
        assert_eq!(inline("<b>*x*</b> @team"), r"\<b\>\*x\*\</b\> \@team");
        assert_eq!(code("a `b` c"), "`` a `b` c ``");
        assert_eq!(code("a|b"), r"`a\|b`");
    }
}
