//! The `docker` executor against the lab's real engine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may")]

mod support;

#[path = "docker/copy.rs"]
mod copy;
#[path = "docker/cut.rs"]
mod cut;
#[path = "docker/engine.rs"]
mod engine;
#[path = "docker/exec.rs"]
mod exec;
#[path = "docker/images.rs"]
mod images;
#[path = "docker/life.rs"]
mod life;
#[path = "docker/load.rs"]
mod load;
#[path = "docker/logs.rs"]
mod logs;
#[path = "docker/replace.rs"]
mod replace;
#[path = "docker/settings.rs"]
mod settings;
