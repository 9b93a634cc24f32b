//! The stand-in for ODC (web version): what is published and what was seen of the real one, as far as a runbook can notice it.

mod http;
mod knobs;
mod lock;
mod log;
mod migrate;
mod release;
mod scripts;
mod server;
mod settings;
mod storage;
mod supervisor;

pub(crate) use server::serve;
pub(crate) use supervisor::supervise;
