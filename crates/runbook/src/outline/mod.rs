//! A plan as people read it.

mod escapes;
mod human;
mod markdown;
mod tell;

pub(crate) use escapes::{Escape, escapes};
pub(crate) use human::human;
pub(crate) use markdown::{code, inline, markdown};
pub(crate) use tell::outline;
