//! What a task prints: what it does now, and why; results stand by themselves.

use std::fmt::Display;

/// A heading: the next part of a task.
pub(crate) fn part(title: impl Display) {
    println!("\n== {title}");
}

/// One thing that is done.
pub(crate) fn line(text: impl Display) {
    println!("   {text}");
}

/// A command that a reader can repeat.
pub(crate) fn command(text: impl Display) {
    println!("$ {text}");
}
