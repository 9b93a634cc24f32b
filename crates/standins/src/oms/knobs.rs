//! Faults on demand, for tests: lines `NAME=VALUE` in `lab-knobs` of the run folder (`/home/ds/run`), read anew at each use, so that they can be set while a
//! container runs. The real product has none of them.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// The run folder's mount point.
const FILE: &str = "/home/ds/run/lab-knobs";

/// What this container does wrong, slowly, or elsewhere.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Knobs {
    /// `LAB_OMS_FAIL_AT`: the stage of `docker_init.sh` that fails, half-way.
    pub(crate) fail_at: Option<u8>,
    /// `LAB_OMS_NO_CLOSING_LINE=1`: `docker_init.sh` ends with 0 and without its closing line.
    pub(crate) no_closing_line: bool,
    /// `LAB_OMS_STAGE_SECONDS`: what each stage takes; a moment.
    pub(crate) stage: Duration,
    /// `LAB_OMS_NEVER_ONLINE`: the version whose servers never come online.
    pub(crate) never_online: Option<String>,
    /// `LAB_OMS_NO_HEARTBEAT`: the version whose heartbeat stands still, while the row says ONLINE.
    pub(crate) no_heartbeat: Option<String>,
    /// `LAB_OMS_STOP_SECONDS`: what a stop in good order takes; 1.
    pub(crate) stop: Duration,
    /// `LAB_OMS_PORTS=8089:41001,8088:41002`: other ports than the product's own, which all OMS of one host would want.
    ports: BTreeMap<u16, u16>,
}

impl Knobs {
    /// Reads the file; where there is none, nothing is wrong.
    pub(crate) fn read() -> Result<Self, String> {
        Self::from(&std::fs::read_to_string(Path::new(FILE)).unwrap_or_default())
    }

    fn from(text: &str) -> Result<Self, String> {
        let find = |name: &str| {
            let lines = text.lines().filter_map(|line| line.split_once('='));
            lines.filter(|(key, _)| key.trim() == name).map(|(_, value)| value.trim().to_owned()).find(|value| !value.is_empty())
        };
        let seconds = |name: &str, default: Duration| match find(name) {
            Some(text) => text.parse().map(Duration::from_secs).map_err(|_| format!("{name} is `{text}`, which is no number of seconds")),
            None => Ok(default),
        };
        let fail_at = match find("LAB_OMS_FAIL_AT") {
            Some(text) => Some(text.parse().map_err(|_| format!("LAB_OMS_FAIL_AT is `{text}`, which is no stage"))?),
            None => None,
        };
        let port = |pair: &str| -> Option<(u16, u16)> {
            let (usual, here) = pair.split_once(':')?;
            Some((usual.trim().parse().ok()?, here.trim().parse().ok()?))
        };
        let ports = find("LAB_OMS_PORTS").unwrap_or_default();
        let ports =
            ports.split(',').filter(|pair| !pair.is_empty()).map(|pair| port(pair).ok_or_else(|| format!("LAB_OMS_PORTS: `{pair}`")));
        Ok(Self {
            fail_at,
            no_closing_line: find("LAB_OMS_NO_CLOSING_LINE").is_some(),
            stage: seconds("LAB_OMS_STAGE_SECONDS", Duration::from_millis(100))?,
            never_online: find("LAB_OMS_NEVER_ONLINE"),
            no_heartbeat: find("LAB_OMS_NO_HEARTBEAT"),
            stop: seconds("LAB_OMS_STOP_SECONDS", Duration::from_secs(1))?,
            ports: ports.collect::<Result<_, _>>()?,
        })
    }

    /// Where a program listens whose own port is `usual`.
    pub(crate) fn port(&self, usual: u16) -> u16 {
        self.ports.get(&usual).copied().unwrap_or(usual)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_the_products_own_unless_said_otherwise() {
        let knobs = Knobs::from("LAB_OMS_PORTS=8089:41001,9000:41002\nLAB_OMS_FAIL_AT=2\n").unwrap();
        assert_eq!((knobs.port(8089), knobs.port(8088), knobs.fail_at), (41001, 8088, Some(2)));
        assert!(Knobs::from("LAB_OMS_FAIL_AT=two").is_err());
        assert_eq!(Knobs::from("").unwrap().stop, Duration::from_secs(1));
    }
}
