//! Text for a terminal: nothing in it is obeyed, it fits, and it counts rightly.

mod amount;
mod style;
mod visible;
mod wrap;

pub(crate) use amount::{bytes, count, duration};
pub(crate) use style::{Paint, Style};
pub(crate) use visible::{visible, visible_lines};
pub(crate) use wrap::{fit, width, wrap};
