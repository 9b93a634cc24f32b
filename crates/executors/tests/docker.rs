//! The `docker` executor against the lab's real engine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may")]

mod support;

#[path = "docker/engine.rs"]
mod engine;
#[path = "docker/life.rs"]
mod life;
