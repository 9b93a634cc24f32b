//! Stand-ins for the vendor's images and tools, which the lab cannot fetch. One static program, which acts by the name it is called by:
//! `supervisord` (process 1 of an ODC container), `odc-server` (the application), `oms-supervisord`, `supervisorctl`, `oms-init`, `obdumper` or `obloader`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "these are small programs of their own: what they print is what a person or `docker logs` shows"
)]

mod obtools;
mod odc;
mod oms;

use std::process::ExitCode;

fn main() -> ExitCode {
    let called = std::env::args().next().unwrap_or_default();
    let name = called.rsplit('/').next().unwrap_or_default();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("{name}: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match name {
        "supervisord" => runtime.block_on(odc::supervise()),
        "odc-server" => runtime.block_on(odc::serve()),
        "obdumper" => runtime.block_on(obtools::dump()),
        "obloader" => runtime.block_on(obtools::load()),
        "oms-supervisord" => runtime.block_on(oms::supervise()),
        "supervisorctl" => runtime.block_on(oms::ask()),
        "oms-init" => runtime.block_on(oms::initialise()),
        other => {
            eprintln!("`{other}`: called by a name that stands for nothing");
            ExitCode::FAILURE
        }
    }
}
