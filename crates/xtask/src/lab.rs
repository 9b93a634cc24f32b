//! The lab: a real Docker Engine, a real OceanBase (seekdb) and a real MariaDB for one checkout, brought up from nothing and taken down
//! without a trace. Nothing of the machine's own is touched: programs are unpacked into a cache, never installed; ports come from the system;
//! every process is known by its id **and** its start time; everything made in Docker carries a label.

mod archive;
mod bounded;
mod client;
mod docker;
mod engine_api;
mod environment;
mod fetch;
mod guard;
mod images;
mod lifecycle;
mod mariadb;
mod mysql;
mod ports;
mod preflight;
mod private;
mod process;
mod programs;
mod seekdb;
mod sweep;

pub(crate) use bounded::run_bounded;
pub(crate) use client::{http_get, sql};
pub(crate) use environment::Environment;
#[cfg(feature = "bench")]
pub(crate) use environment::Server;
pub(crate) use images::{NEW_BROKEN, OLD, OdcImage, load as load_images};
pub(crate) use lifecycle::{Lab, add_mysql, down, status, up};
pub(crate) use ports::free as free_port;
#[cfg(feature = "bench")]
pub(crate) use programs::debian_unpacked;
