//! Names of containers and images, checked by their grammar.
//!
//! The client library puts a name into the request's path as it is: `../images` would ask for another thing. So a name that is not one is refused
//! before it comes near a request.

use std::fmt;

use super::forms::form;

/// The name or id of a container, a volume or a network: a letter or digit, then letters, digits, `_`, `.` and `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ContainerName(String);

/// The engine's own `[a-zA-Z0-9][a-zA-Z0-9_.-]+`, with an end so that no URL becomes endless.
const CONTAINER: &str = "^[A-Za-z0-9][A-Za-z0-9_.-]{1,254}$";

/// The name of an image: `[HOST[:PORT]/]PATH[:TAG][@sha256:DIGEST]`, or its id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ImageName(String);

/// The grammar of the distribution project; an id such as `sha256:…` has the form of a name with a tag.
const IMAGE: &str = r"^([A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?(:[0-9]{1,5})?/)?[a-z0-9]+((\.|_{1,2}|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_{1,2}|-+)[a-z0-9]+)*)*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?$";

impl ContainerName {
    /// Takes a text that has the form of a name.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let ends = (2..=255).contains(&text.len()) && text.starts_with(|c: char| c.is_ascii_alphanumeric());
        let all = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'));
        (ends && all).then(|| Self(text.to_owned()))
    }

    /// The text.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl ImageName {
    /// Takes a text that has the form of a name or an id.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (rest, digest) = text.split_once('@').map_or((text, None), |(rest, digest)| (rest, Some(digest)));
        let digest_fits = digest.is_none_or(|digest| {
            digest.strip_prefix("sha256:").is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
        });
        // A colon behind the last slash begins the tag; one before it belongs to the host's port.
        let last = rest.rfind('/').map_or(0, |slash| slash + 1);
        let (path, tag) = match rest[last..].find(':') {
            Some(colon) => (&rest[..last + colon], Some(&rest[last + colon + 1..])),
            None => (rest, None),
        };
        let mut parts: Vec<&str> = path.split('/').collect();
        if parts.len() > 1 && parts.first().is_some_and(|first| is_host(first)) {
            parts.remove(0);
        }
        let fits = text.len() <= 1024 && digest_fits && tag.is_none_or(is_tag) && parts.into_iter().all(is_component);
        fits.then(|| Self(text.to_owned()))
    }

    /// The text.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_tag(tag: &str) -> bool {
    let first = tag.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    first && tag.len() <= 128 && tag.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}

fn is_host(text: &str) -> bool {
    let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    let ends = host.starts_with(|c: char| c.is_ascii_alphanumeric()) && host.ends_with(|c: char| c.is_ascii_alphanumeric());
    let port_fits = port.is_none_or(|port| (1..=5).contains(&port.len()) && port.bytes().all(|b| b.is_ascii_digit()));
    ends && host.len() <= 254 && port_fits && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
}

/// Lower-case letters and digits, between them one `.`, one or two `_`, or any number of `-`.
fn is_component(text: &str) -> bool {
    let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let ends = text.bytes().next().is_some_and(word) && text.bytes().next_back().is_some_and(word);
    let separators = text.split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    ends && separators.filter(|s| !s.is_empty()).all(|s| s == "." || s == "_" || s == "__" || s.bytes().all(|b| b == b'-'))
}

impl fmt::Display for ContainerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

form!(ContainerName, pattern = CONTAINER, expected = "the name of a container: a letter or digit, then letters, digits, `_`, `.` and `-`");
form!(
    ImageName,
    pattern = IMAGE,
    expected = "the name of an image such as `oceanbase/odc:4.2.4` or `registry.example.com:5000/odc-server:4.2.4`"
);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn takes_the_names_of_the_published_procedures() {
        for name in ["obodc", "oms_331", "8bfecbc1cd03", "obodc-before-20261121-030000-ab2c", "ob.odc"] {
            assert!(ContainerName::parse(name).is_some(), "{name}");
        }
        let id = format!("sha256:{}", "0a".repeat(32));
        for name in [
            "oceanbase/odc:4.2.4",
            "reg.docker.alibaba-inc.com/oceanbase/odc-server:4.2.4",
            "work.oceanbase-dev.com/obartifact-store/oms:feature_3.4.0",
            "localhost:5000/odc",
            "busybox",
            &id,
            &format!("oceanbase/odc@{id}"),
        ] {
            assert!(ImageName::parse(name).is_some(), "{name}");
        }
    }

    #[test]
    fn refuses_what_would_ask_for_another_thing() {
        for name in ["", "a", "../images", "a/b", "a?b", "a#b", "-a", "a b", "a%2fb", "/obodc", "ä"] {
            assert!(ContainerName::parse(name).is_none(), "{name}");
        }
        for name in [
            "",
            "../x",
            "a/../b",
            "a//b",
            "/a",
            "a/",
            "A b",
            "a:",
            "a:b:c",
            "a@b",
            "a?x",
            "a#x",
            "odc:4.2 4",
            "Odc",
            "a..b",
            "a___b",
            "a%2f",
        ] {
            assert!(ImageName::parse(name).is_none(), "{name}");
        }
    }

    proptest! {
        #[test]
        fn the_schema_says_what_the_parser_does(text in "[a-zA-Z0-9:/@._ -]{0,12}") {
            prop_assert_eq!(ContainerName::parse(&text).is_some(), regex::Regex::new(CONTAINER).unwrap().is_match(&text));
            prop_assert_eq!(ImageName::parse(&text).is_some(), regex::Regex::new(IMAGE).unwrap().is_match(&text), "{}", text);
        }
    }
}
