//! Texts with a form, as the `docker` command takes them: parsed when an action is built, with the same form in the schema.

use std::borrow::Cow;
use std::fmt;

use bollard::models::{DeviceMapping, ResourcesUlimits, RestartPolicy as Policy, RestartPolicyNameEnum};
use runbook_core::value::ByteSize;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer};

/// `Deserialize` and `JsonSchema` of a type that has `parse(&str) -> Option<Self>`.
macro_rules! form {
    ($name:ident, pattern = $pattern:expr, expected = $expected:expr) => {
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::parse(&text).ok_or_else(|| serde::de::Error::custom(format_args!("`{text}` is not {}", $expected)))
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "pattern": $pattern, "x-expected": $expected })
            }
        }
    };
}
pub(super) use form;

/// An argument of a program. It is seen by others (in the engine's events, in a list of processes), so no secret may stand in it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline, extend("x-text" = "argv"))]
pub(super) struct Argument(pub(super) String);

impl Argument {
    /// The texts of a list of arguments.
    pub(super) fn texts(arguments: &[Self]) -> Vec<String> {
        arguments.iter().map(|argument| argument.0.clone()).collect()
    }
}

/// `no`, `always`, `unless-stopped`, `on-failure` or `on-failure:N`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RestartPolicy {
    /// Never started again.
    No,
    /// Also when the engine itself starts.
    Always,
    /// The same, unless it was stopped on purpose.
    UnlessStopped,
    /// When it ended with an error, at most so many times (0: without a limit).
    OnFailure(u32),
}

form!(
    RestartPolicy,
    pattern = "^(no|always|unless-stopped|on-failure(:[1-9][0-9]{0,8})?)$",
    expected = "a restart policy: `no`, `always`, `unless-stopped`, `on-failure` or `on-failure:N`"
);

impl RestartPolicy {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "no" => Some(Self::No),
            "always" => Some(Self::Always),
            "unless-stopped" => Some(Self::UnlessStopped),
            "on-failure" => Some(Self::OnFailure(0)),
            _ => text.strip_prefix("on-failure:").and_then(|times| plain(times, 9)).filter(|times| *times > 0).map(Self::OnFailure),
        }
    }

    /// As the engine takes it.
    pub(super) fn model(self) -> Policy {
        let (name, times) = match self {
            Self::No => (RestartPolicyNameEnum::NO, None),
            Self::Always => (RestartPolicyNameEnum::ALWAYS, None),
            Self::UnlessStopped => (RestartPolicyNameEnum::UNLESS_STOPPED, None),
            Self::OnFailure(times) => (RestartPolicyNameEnum::ON_FAILURE, Some(i64::from(times))),
        };
        Policy { name: Some(name), maximum_retry_count: times }
    }
}

impl fmt::Display for RestartPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::No => f.write_str("no"),
            Self::Always => f.write_str("always"),
            Self::UnlessStopped => f.write_str("unless-stopped"),
            Self::OnFailure(0) => f.write_str("on-failure"),
            Self::OnFailure(times) => write!(f, "on-failure:{times}"),
        }
    }
}

/// `host`, `none`, `bridge`, a network's name, or `container:NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Network(pub(super) String);

form!(
    Network,
    pattern = "^(container:)?[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$",
    expected = "a network: `host`, `none`, `bridge`, a network's name, or `container:NAME`"
);

impl Network {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let name = text.strip_prefix("container:").unwrap_or(text);
        let fits = name.len() <= 255
            && name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'));
        fits.then(|| Self(text.to_owned()))
    }
}

/// A published port: `[IP:]HOST:CONTAINER[/tcp|/udp|/sctp]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Published {
    /// The address on the host; empty for all.
    pub(super) ip: String,
    /// The port on the host.
    pub(super) host: u16,
    /// The port in the container with its protocol, `8989/tcp`.
    pub(super) container: String,
}

form!(
    Published,
    pattern = r"^(([0-9]{1,3}(\.[0-9]{1,3}){3}|\[[0-9A-Fa-f:.]+\]):)?[1-9][0-9]{0,4}:[1-9][0-9]{0,4}(/(tcp|udp|sctp))?$",
    expected = "a published port such as `8989:8989`, `127.0.0.1:8989:8989` or `5353:53/udp`"
);

impl Published {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (rest, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
        let (rest, container) = rest.rsplit_once(':')?;
        let (ip, host) = match rest.rsplit_once(':') {
            Some((ip, host)) => (ip, host),
            None => ("", rest),
        };
        let port = |text: &str| plain::<u16>(text, 5).filter(|port| *port > 0);
        let bare = ip.trim_start_matches('[').trim_end_matches(']');
        let address_fits = match (ip.is_empty(), ip.starts_with('[')) {
            (true, _) => rest == host,
            (false, true) => bare.parse::<std::net::Ipv6Addr>().is_ok(),
            (false, false) => ip.parse::<std::net::Ipv4Addr>().is_ok(),
        };
        let fits = address_fits && matches!(protocol, "tcp" | "udp" | "sctp");
        let (host, container) = (port(host)?, port(container)?);
        fits.then(|| Self { ip: bare.to_owned(), host, container: format!("{container}/{protocol}") })
    }
}

/// A volume or folder as `-v` takes it: `SOURCE:TARGET[:OPTIONS]`, or `TARGET` for an anonymous volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Volume {
    /// A path on the host or a volume's name; none for an anonymous volume.
    pub(super) source: Option<String>,
    /// Where it is in the container.
    pub(super) target: String,
    /// The whole text.
    pub(super) text: String,
}

form!(
    Volume,
    pattern = "^(/[^:\\u0000]*:|[A-Za-z0-9][A-Za-z0-9_.-]*:)?/[^:\\u0000]+(:[a-zA-Z]+(,[a-zA-Z]+)*)?$",
    expected = "a volume such as `/var/log/odc:/opt/odc/log`, `data:/data:ro` or `/data`"
);

impl Volume {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split(':').collect();
        let (source, target, options) = match parts.as_slice() {
            [target] => (None, *target, None),
            [target, options] if target.starts_with('/') && !options.starts_with('/') => (None, *target, Some(*options)),
            [source, target] => (Some(*source), *target, None),
            [source, target, options] => (Some(*source), *target, Some(*options)),
            _ => return None,
        };
        let named = |source: &str| {
            source.starts_with(|c: char| c.is_ascii_alphanumeric())
                && source.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
        };
        let word = |option: &str| !option.is_empty() && option.bytes().all(|b| b.is_ascii_alphabetic());
        let fits = source.is_none_or(|source| source.starts_with('/') || named(source))
            && target.len() > 1
            && target.starts_with('/')
            && options.is_none_or(|options| options.split(',').all(word))
            && !text.contains('\0');
        fits.then(|| Self { source: source.map(str::to_owned), target: target.to_owned(), text: text.to_owned() })
    }
}

/// A limit of the kernel: `nproc=65535`, `nofile=1024:65535`; -1 is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ulimit {
    name: String,
    soft: i64,
    hard: i64,
}

form!(
    Ulimit,
    pattern = "^[a-z]{2,12}=(-1|[0-9]{1,18})(:(-1|[0-9]{1,18}))?$",
    expected = "a limit such as `nproc=65535:65535` (soft and hard) or `nofile=655350`"
);

impl Ulimit {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (name, limits) = text.split_once('=')?;
        let (soft, hard) = limits.split_once(':').unwrap_or((limits, limits));
        let number = |text: &str| if text == "-1" { Some(-1) } else { plain(text, 18) };
        let fits = (2..=12).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_lowercase());
        let (soft, hard) = (number(soft)?, number(hard)?);
        fits.then(|| Self { name: name.to_owned(), soft, hard })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn model(&self) -> ResourcesUlimits {
        ResourcesUlimits { name: Some(self.name.clone()), soft: Some(self.soft), hard: Some(self.hard) }
    }
}

/// A device of the host: `/dev/fuse`, `/dev/sda:/dev/xvda:r`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Device {
    host: String,
    container: String,
    access: String,
}

form!(
    Device,
    pattern = "^/[^:\\u0000]+(:/[^:\\u0000]+(:[rwm]{1,3})?)?$",
    expected = "a device such as `/dev/fuse` or `/dev/sda:/dev/xvda:rwm`"
);

impl Device {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let host = parts.next()?;
        let container = parts.next().unwrap_or(host);
        let access = parts.next().unwrap_or("rwm");
        let path = |text: &str| text.starts_with('/') && text.len() > 1 && !text.contains('\0');
        let fits = parts.next().is_none()
            && path(host)
            && path(container)
            && (1..=3).contains(&access.len())
            && access.bytes().all(|b| matches!(b, b'r' | b'w' | b'm'));
        fits.then(|| Self { host: host.to_owned(), container: container.to_owned(), access: access.to_owned() })
    }

    pub(super) fn model(&self) -> DeviceMapping {
        DeviceMapping {
            path_on_host: Some(self.host.clone()),
            path_in_container: Some(self.container.clone()),
            cgroup_permissions: Some(self.access.clone()),
        }
    }
}

/// A size, or `unlimited` (which the engine writes as -1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SizeLimit(pub(super) i64);

const SIZE_LIMIT_EXPECTED: &str = "a size such as `8GiB`, a number of bytes, or `unlimited`";

impl<'de> Deserialize<'de> for SizeLimit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Limits;
        impl Visitor<'_> for Limits {
            type Value = SizeLimit;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(SIZE_LIMIT_EXPECTED)
            }

            fn visit_i64<E: de::Error>(self, bytes: i64) -> Result<SizeLimit, E> {
                if bytes >= -1 { Ok(SizeLimit(bytes)) } else { Err(E::invalid_value(de::Unexpected::Signed(bytes), &self)) }
            }

            fn visit_u64<E: de::Error>(self, bytes: u64) -> Result<SizeLimit, E> {
                i64::try_from(bytes).map(SizeLimit).map_err(|_| E::invalid_value(de::Unexpected::Unsigned(bytes), &self))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<SizeLimit, E> {
                if text == "unlimited" {
                    return Ok(SizeLimit(-1));
                }
                let size = ByteSize::parse(text).ok().and_then(|size| i64::try_from(size.get()).ok());
                size.map(SizeLimit).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(Limits)
    }
}

impl JsonSchema for SizeLimit {
    fn schema_name() -> Cow<'static, str> {
        "SizeLimit".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        // The forms of a size, and one word more.
        let size = ByteSize::json_schema(generator);
        let sizes = size
            .get("pattern")
            .and_then(serde_json::Value::as_str)
            .unwrap_or_default()
            .trim_start_matches('^')
            .trim_end_matches('$')
            .to_owned();
        json_schema!({ "type": ["string", "integer"], "pattern": format!("^(unlimited|{sizes})$"), "minimum": -1, "x-expected": SIZE_LIMIT_EXPECTED })
    }
}

/// A number of at most so many digits and nothing else.
fn plain<T: std::str::FromStr>(text: &str, digits: usize) -> Option<T> {
    let fits = !text.is_empty() && text.len() <= digits && text.bytes().all(|b| b.is_ascii_digit());
    if fits { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restart_policy_is_written_as_it_is_read() {
        for text in ["no", "always", "unless-stopped", "on-failure", "on-failure:3"] {
            assert_eq!(RestartPolicy::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "yes", "on-failure:", "on-failure:0", "always:3"] {
            assert_eq!(RestartPolicy::parse(text), None, "{text}");
        }
    }

    #[test]
    fn ports_are_read_as_the_docker_command_reads_them() {
        let port = |text| Published::parse(text).map(|p| (p.ip, p.host, p.container));
        assert_eq!(port("8989:8989"), Some((String::new(), 8989, "8989/tcp".to_owned())));
        assert_eq!(port("127.0.0.1:80:8080/udp"), Some(("127.0.0.1".to_owned(), 80, "8080/udp".to_owned())));
        assert_eq!(port("[::1]:80:8080"), Some(("::1".to_owned(), 80, "8080/tcp".to_owned())));
        for text in ["8989", "0:1", "1:70000", ":80:80", "x:80:80", "80:80/icmp", "80:80:80:80"] {
            assert_eq!(port(text), None, "{text}");
        }
    }

    #[test]
    fn volumes_are_read_as_the_docker_command_reads_them() {
        let volume = |text| Volume::parse(text).map(|v| (v.source, v.target));
        assert_eq!(volume("/data/oms/run:/home/ds/run"), Some((Some("/data/oms/run".to_owned()), "/home/ds/run".to_owned())));
        assert_eq!(volume("data:/data:ro,z"), Some((Some("data".to_owned()), "/data".to_owned())));
        assert_eq!(volume("/data"), Some((None, "/data".to_owned())));
        for text in ["", "data", "./x:/y", "a:b", "/a:", "/a:/b:r-o", "/a:/b:ro:z", "/"] {
            assert_eq!(volume(text), None, "{text}");
        }
    }

    #[test]
    fn limits_and_devices() {
        assert_eq!(Ulimit::parse("nproc=65535:65535").unwrap().model().hard, Some(65535));
        assert_eq!(Ulimit::parse("core=-1").unwrap().model().soft, Some(-1));
        assert!(Ulimit::parse("nproc").is_none());
        assert_eq!(Device::parse("/dev/fuse").unwrap().model().path_in_container.as_deref(), Some("/dev/fuse"));
        assert!(Device::parse("/dev/fuse:rwm").is_none());
        assert_eq!(serde_json::from_str::<SizeLimit>("\"unlimited\"").unwrap(), SizeLimit(-1));
        assert_eq!(serde_json::from_str::<SizeLimit>("\"8GiB\"").unwrap(), SizeLimit(8 << 30));
        assert!(serde_json::from_str::<SizeLimit>("-2").is_err());
    }

    #[test]
    fn the_schemas_patterns_say_what_the_parsers_do() {
        let agree = |schema: Schema, parses: &dyn Fn(&str) -> bool, texts: &[&str]| {
            let pattern = regex::Regex::new(schema.get("pattern").and_then(serde_json::Value::as_str).unwrap()).unwrap();
            for text in texts {
                assert_eq!(pattern.is_match(text), parses(text), "{text}");
            }
        };
        let mut generator = SchemaGenerator::default();
        let texts = [
            "no",
            "on-failure:3",
            "on-failure:0",
            "/a:/b",
            "/a:/b:ro",
            "a:/b",
            "/a",
            "a",
            "80:80",
            "80:80/udp",
            "nproc=1:2",
            "nproc=x",
            "/dev/a:/dev/b:rw",
        ];
        agree(RestartPolicy::json_schema(&mut generator), &|t| RestartPolicy::parse(t).is_some(), &texts);
        agree(Volume::json_schema(&mut generator), &|t| Volume::parse(t).is_some(), &texts);
        agree(Published::json_schema(&mut generator), &|t| Published::parse(t).is_some(), &texts);
        agree(Ulimit::json_schema(&mut generator), &|t| Ulimit::parse(t).is_some(), &texts);
        agree(Network::json_schema(&mut generator), &|t| Network::parse(t).is_some(), &["host", "container:x", "a:b", "", "-x"]);
    }
}
