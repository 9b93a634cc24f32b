//! Text for a terminal: nothing in it is obeyed, it fits, and it counts rightly.

mod amount;
mod style;
mod wrap;

pub(crate) use runbook_core::diagnostic::render::visible;

pub(crate) use amount::{bytes, count, duration};
pub(crate) use style::{Paint, Style};
pub(crate) use wrap::{fit, width, wrap};
