//! An outline on a terminal.

use super::tell::{Becomes, Call, Entry, Outline};
use crate::streams::Stream;
use crate::text::{Paint, Style, visible, width, wrap};

/// Prints it.
pub(crate) fn human(outline: &Outline, out: &mut Stream) {
    let paint = out.paint();
    let title = outline.title.as_deref().unwrap_or(&outline.name);
    out.line(paint.apply(Style::Bold, &visible(title)));
    for (name, text) in &outline.facts {
        out.line(format_args!("  {name}: {}", visible(text)));
    }
    for (heading, variables) in [("Variables", &outline.variables), ("Values", &outline.values)] {
        if variables.is_empty() {
            continue;
        }
        out.line(format_args!("\n{}", paint.apply(Style::Bold, heading)));
        let wide = variables.iter().map(|variable| width(&variable.name)).max().unwrap_or(0);
        for variable in variables {
            let origin = format!("({})", visible(&variable.origin));
            out.line(format_args!(
                "  {:<wide$}  {}  {}",
                visible(&variable.name),
                visible(&variable.value),
                paint.apply(Style::Dim, &origin)
            ));
        }
    }
    for part in outline.parts.iter().filter(|part| !part.entries.is_empty()) {
        out.line(format_args!("\n{}", paint.apply(Style::Bold, part.heading)));
        for (at, entry) in part.entries.iter().enumerate() {
            print(at + 1, entry, out, paint);
        }
    }
    if !outline.escapes.is_empty() {
        out.line(format_args!("\n{}", paint.apply(Style::Bold, "Values in scripts, SQL texts and URLs")));
        for escape in &outline.escapes {
            let file = escape.file.as_ref().map(|file| format!(" of {}", visible(file))).unwrap_or_default();
            out.line(format_args!("  {}, line {}{file}, {}: {}", escape.unit, escape.line, escape.field, visible(&escape.value)));
            for line in wrap(&format!("      {}", escape.context), out.width(), 8) {
                out.line(line);
            }
            if let Some(reason) = &escape.unescaped {
                let label = paint.apply(Style::Bold, "not escaped:");
                out.line(format_args!("      {label} {}", visible(reason)));
            }
        }
    }
}

fn print(number: usize, entry: &Entry, out: &mut Stream, paint: Paint) {
    let columns = out.width();
    let head = match &entry.title {
        Some(title) => format!("{number:>3}. {}  {}", entry.id, visible(title)),
        None => format!("{number:>3}. {}", entry.id),
    };
    for line in wrap(&head, columns, 5) {
        out.line(line);
    }
    call("     ", &entry.call, out, paint);
    facts("     ", &entry.facts, out, paint);
    for becomes in &entry.fate {
        match becomes {
            Becomes::Words(text) => wrap(&format!("     {}", visible(text)), columns, 7).iter().for_each(|line| out.line(line)),
            Becomes::Undo(action, more) => {
                call(&format!("     {} ", paint.apply(Style::Dim, "undo:")), action, out, paint);
                facts("       ", more, out, paint);
            }
        }
    }
}

fn call(lead: &str, call: &Call, out: &mut Stream, paint: Paint) {
    out.line(format_args!("{lead}{}", paint.apply(Style::Cyan, &call.action)));
    for (name, value) in &call.fields {
        let mut lines = value.trim_end_matches('\n').split('\n');
        out.line(format_args!("       {name} = {}", visible(lines.next().unwrap_or_default())));
        for line in lines {
            out.line(format_args!("         {}", visible(line)));
        }
    }
    if !call.known_after.is_empty() {
        let text = format!("       its templates are known after {}", call.known_after.join(", "));
        out.line(paint.apply(Style::Dim, &visible(&text)));
    }
}

fn facts(lead: &str, facts: &[(String, String)], out: &mut Stream, paint: Paint) {
    for (name, text) in facts {
        let label = format!("{name}:");
        out.line(format_args!("{lead}{} {}", paint.apply(Style::Dim, &label), visible(text)));
    }
}
