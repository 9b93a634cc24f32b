//! The stand-in for OMS (single node): what is published and known of the real one, as far as a runbook can notice it.

mod config;
mod control;
mod database;
mod health;
mod init;
mod knobs;
mod programs;
mod schema;
mod settings;
mod supervisor;

pub(crate) use control::ask;
pub(crate) use init::initialise;
pub(crate) use supervisor::supervise;
