//! Ports and addresses, as seen from the host where runbook runs.

mod addresses;
mod holder;
mod port_free;
mod wait_port;

use runbook_core::action::{ActionSpec, Executor};

/// The `net` executor.
#[derive(Clone, Copy, Debug)]
pub struct Net;

static ACTIONS: &[ActionSpec] = &[port_free::SPEC, addresses::SPEC, wait_port::SPEC];

impl Executor for Net {
    fn name(&self) -> &'static str {
        "net"
    }

    fn about(&self) -> &'static str {
        "Ports and addresses, as seen from the host where runbook runs."
    }

    fn actions(&self) -> &'static [ActionSpec] {
        ACTIONS
    }
}
