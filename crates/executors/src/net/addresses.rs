//! `net.addresses`.

use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr};

use runbook_core::action::{
    Action, ActionSpec, Before, BoxFuture, Class, Cx, Failure, FailureKind, Outcome, OutputKind, OutputSpec, Outputs, Residue,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

/// The addresses of this host: what a setting such as `OMS_HOST_IP` must be one of.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Addresses {}

pub(super) const SPEC: ActionSpec = ActionSpec {
    outputs: &[
        OutputSpec::new("all", OutputKind::List, "All addresses but those of the loopback and of single links (`fe80::`)."),
        OutputSpec::new("ipv4", OutputKind::List, "Those of IPv4."),
        OutputSpec::new("ipv6", OutputKind::List, "Those of IPv6."),
        OutputSpec::new("hostname", OutputKind::String, "The host's name."),
    ],
    example: "net.addresses = {}",
    schema: runbook_core::described!(Addresses, "net.addresses"),
    ..ActionSpec::of::<Addresses>("addresses", Class::READ_ONLY, "The addresses of this host.")
};

/// The addresses that the kernel's routing table calls local, as `/proc/net/fib_trie` draws it: a leaf `|-- ADDRESS`, below it `/32 host LOCAL`.
fn ipv4(trie: &str) -> BTreeSet<Ipv4Addr> {
    let mut found = BTreeSet::new();
    let mut leaf = None;
    for line in trie.lines() {
        let line = line.trim();
        if let Some(address) = line.strip_prefix("|-- ") {
            leaf = address.parse::<Ipv4Addr>().ok();
        } else if line == "/32 host LOCAL" {
            found.extend(leaf.filter(|address| !address.is_loopback()));
        }
    }
    found
}

/// The lines of `/proc/net/if_inet6`: 32 hexadecimal digits, then interface number, prefix, scope, flags and name.
fn ipv6(table: &str) -> BTreeSet<Ipv6Addr> {
    let address = |line: &str| {
        let digits = line.split_whitespace().next()?;
        u128::from_str_radix(digits, 16).ok().map(Ipv6Addr::from)
    };
    table.lines().filter_map(address).filter(|address| !address.is_loopback() && !address.is_unicast_link_local()).collect()
}

fn look() -> Outcome {
    let trie = match fs::read_to_string("/proc/net/fib_trie") {
        Ok(trie) => trie,
        Err(error) => {
            let failure =
                Failure::new(FailureKind::Failed, format!("the host's addresses cannot be read from `/proc/net/fib_trie`: {error}"));
            return Outcome::failed(failure, Residue::None);
        }
    };
    // A host without IPv6 has no such file.
    let table = fs::read_to_string("/proc/net/if_inet6").unwrap_or_default();
    let v4: Vec<String> = ipv4(&trie).iter().map(ToString::to_string).collect();
    let v6: Vec<String> = ipv6(&table).iter().map(ToString::to_string).collect();
    let hostname = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let all: Vec<&String> = v4.iter().chain(&v6).collect();
    Outcome::unchanged(Outputs::from_iter([
        ("all".to_owned(), json!(all)),
        ("ipv4".to_owned(), json!(v4)),
        ("ipv6".to_owned(), json!(v6)),
        ("hostname".to_owned(), json!(hostname)),
    ]))
}

impl Action for Addresses {
    fn run<'a>(&'a self, _cx: Cx<'a>, _before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async { look() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_addresses_are_told_from_networks_and_broadcasts() {
        let trie = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n     |-- 10.0.0.0\n        /24 link UNICAST\n\
                    Local:\n  +-- 10.0.0.0/24 2 0 2\n        |-- 10.0.0.7\n           /32 host LOCAL\n        |-- 10.0.0.255\n           /32 link BROADCAST\n\
                    \x20    |-- 127.0.0.1\n        /32 host LOCAL\n";
        assert_eq!(ipv4(trie).into_iter().collect::<Vec<_>>(), [Ipv4Addr::new(10, 0, 0, 7)]);
    }

    #[test]
    fn addresses_of_a_single_link_are_left_out() {
        let table = "00000000000000000000000000000001 01 80 10 80       lo\nfe800000000000000042acfffe110002 02 40 20 80     eth0\n\
                     20010db8000000000000000000000005 02 40 00 80     eth0\n";
        assert_eq!(ipv6(table).into_iter().map(|a| a.to_string()).collect::<Vec<_>>(), ["2001:db8::5"]);
    }

    #[test]
    fn this_host_has_a_name() {
        let Outcome::Succeeded { outputs, changed: false } = look() else { panic!("it can be read everywhere") };
        assert!(outputs["hostname"].as_str().is_some_and(|name| !name.is_empty()));
        assert!(outputs["ipv4"].as_array().is_some_and(|all| all.iter().all(|address| address != "127.0.0.1")));
    }
}
