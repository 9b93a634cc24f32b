//! A plan as people read it.

mod human;
mod markdown;
mod tell;

pub(crate) use human::human;
pub(crate) use markdown::markdown;
pub(crate) use tell::outline;
