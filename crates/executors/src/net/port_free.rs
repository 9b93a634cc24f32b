//! `net.port_free`.
//!
//! By listening for a moment, for that is what a server will do: lists of sockets do not show what another user's namespace, a reserved range or a missing
//! privilege would refuse.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use runbook_core::action::{
    Action, ActionSpec, Before, BoxFuture, Class, Cx, Failure, FailureKind, FieldFault, Outcome, OutputKind, OutputSpec, Outputs, Residue,
};
use runbook_core::value::Port;
use schemars::JsonSchema;
use serde::Deserialize;

use super::holder;

/// Sees that nobody listens on some TCP ports of this host, by listening there for a moment.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PortFree {
    /// The ports.
    #[schemars(length(min = 1, max = 100))]
    ports: Vec<Port>,
    /// The address that a server would listen on, such as `127.0.0.1`; without it all addresses.
    address: Option<String>,
}

pub(super) const SPEC: ActionSpec = ActionSpec {
    outputs: &[OutputSpec::new("ports", OutputKind::List, "The ports, all of them free.")],
    example: "net.port_free = { ports = [8089, 8090, 8088, 9000] }",
    schema: runbook_core::described!(PortFree, "net.port_free"),
    ..ActionSpec::of::<PortFree>("port_free", Class::READ_ONLY, "Sees that nobody listens on some TCP ports of this host.")
};

impl PortFree {
    fn addresses(&self) -> Vec<IpAddr> {
        match self.address.as_deref().and_then(|text| text.parse().ok()) {
            Some(address) => vec![address],
            None => vec![Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()],
        }
    }

    /// All ports are tried, so that one look shows everything that is in the way.
    fn look(&self) -> Outcome {
        let mut taken = Vec::new();
        for port in &self.ports {
            let refused = self.addresses().into_iter().find_map(|address| refusal(address, port.get()));
            match refused {
                None => {}
                Some(error) if error.kind() == io::ErrorKind::AddrInUse => taken.push(*port),
                Some(error) => return Outcome::failed(self.cannot_listen(*port, &error), Residue::None),
            }
        }
        if taken.is_empty() {
            let ports = self.ports.iter().map(|port| port.get().into()).collect();
            return Outcome::unchanged(Outputs::from_iter([("ports".to_owned(), serde_json::Value::Array(ports))]));
        }
        Outcome::failed(in_use(&taken), Residue::None)
    }

    fn cannot_listen(&self, port: Port, error: &io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::PermissionDenied => Failure::new(FailureKind::Denied, format!("this user may not listen on port {port}"))
                .field("ports")
                .help("run as root: ports below 1024 need it"),
            io::ErrorKind::AddrNotAvailable => {
                let address = self.address.as_deref().unwrap_or_default();
                Failure::new(FailureKind::Invalid, format!("this host has no address `{address}`"))
                    .field("address")
                    .help("`net.addresses` lists what it has")
            }
            _ => Failure::new(FailureKind::Failed, format!("port {port} cannot be listened on: {error}")).field("ports"),
        }
    }
}

/// Listens and stops at once. A host without IPv6 has nobody who listens there.
fn refusal(address: IpAddr, port: u16) -> Option<io::Error> {
    let no_such_family = |error: &io::Error| address == IpAddr::from(Ipv6Addr::UNSPECIFIED) && error.kind() != io::ErrorKind::AddrInUse;
    TcpListener::bind(SocketAddr::new(address, port)).err().filter(|error| !no_such_family(error))
}

fn in_use(taken: &[Port]) -> Failure {
    let list: Vec<String> = taken.iter().map(ToString::to_string).collect();
    let message = match list.as_slice() {
        [one] => format!("port {one} is in use"),
        many => format!("ports {} are in use", many.join(", ")),
    };
    let failure = Failure::new(FailureKind::Conflict, message).field("ports").help("stop what listens there, or wait for it (`retry`)");
    let failure = taken.iter().fold(failure, |failure, port| match holder::of(port.get()) {
        Some(holder) => failure.detail(format!("port {port}: {holder}")),
        None => failure.detail(format!("port {port}: by a process that this user cannot see")),
    });
    // What holds a port may just be on its way out.
    Failure { retryable: true, ..failure }
}

impl Action for PortFree {
    fn validate(&self) -> Vec<FieldFault> {
        match &self.address {
            Some(text) if text.parse::<IpAddr>().is_err() => {
                vec![
                    FieldFault::new("address", format!("`{text}` is not an IP address"))
                        .help("write one such as `127.0.0.1`, or leave it out"),
                ]
            }
            _ => Vec::new(),
        }
    }

    fn run<'a>(&'a self, _cx: Cx<'a>, _before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async { self.look() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(ports: &[u16], address: Option<&str>) -> PortFree {
        PortFree { ports: ports.iter().map(|port| Port::new(*port).unwrap()).collect(), address: address.map(str::to_owned) }
    }

    #[test]
    fn a_port_on_which_somebody_listens_is_in_use_and_the_process_is_named() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        for address in [None, Some("127.0.0.1")] {
            let Outcome::Failed { failure, residue, .. } = action(&[port], address).look() else { panic!("it is taken") };
            assert_eq!((failure.kind, residue, failure.retryable), (FailureKind::Conflict, Residue::None, true));
            assert_eq!(failure.message, format!("port {port} is in use"));
            assert!(failure.detail[0].contains(&format!("process {}", std::process::id())), "{:?}", failure.detail);
        }
        drop(listener);
        assert!(matches!(action(&[port], None).look(), Outcome::Succeeded { changed: false, .. }));
    }

    #[test]
    fn all_that_is_in_the_way_is_told_at_once() {
        let (first, second) = (TcpListener::bind("[::]:0"), TcpListener::bind("127.0.0.1:0").unwrap());
        let first = first.unwrap_or_else(|_| TcpListener::bind("0.0.0.0:0").unwrap());
        let ports = [first.local_addr().unwrap().port(), second.local_addr().unwrap().port()];
        let Outcome::Failed { failure, .. } = action(&ports, None).look() else { panic!("both are taken") };
        assert_eq!(failure.message, format!("ports {}, {} are in use", ports[0], ports[1]));
        assert_eq!(failure.detail.len(), 2);
    }

    #[test]
    fn an_address_that_is_not_ours_is_told() {
        let Outcome::Failed { failure, .. } = action(&[1025], Some("192.0.2.1")).look() else {
            panic!("192.0.2.0/24 is for documentation")
        };
        assert_eq!(failure.message, "this host has no address `192.0.2.1`");
        assert_eq!(action(&[1025], Some("localhost")).validate()[0].path, "address");
    }
}
