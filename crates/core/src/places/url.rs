//! Places in URLs: host, port, a segment of the path, a value of the query.

use super::PlaceFault;

/// Where a value stands in a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlPlace {
    /// At the beginning: the URL itself, as far as it goes.
    Whole,
    /// The whole host, or host and port.
    Authority,
    /// A part of the host's name.
    Host,
    /// The port.
    Port,
    /// In the path: one segment of it, or a part of one.
    Segment,
    /// In the query: one value, or a part of one.
    Query,
    /// The author takes it upon himself.
    Raw,
}

/// Why a value cannot stand in its place, and what to write instead.
pub type Objection = (&'static str, &'static str);

const AS_RAW: &str = "write `{{raw … reason=\"…\"}}` if it is a part of a URL already";

impl UrlPlace {
    /// The value as it is written there.
    ///
    /// # Errors
    ///
    /// Why it cannot be.
    pub fn written(self, value: &str) -> Result<String, Objection> {
        let host = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b));
        match self {
            Self::Raw => Ok(value.to_owned()),
            Self::Whole if whole(value) => Ok(value.to_owned()),
            Self::Whole => Err((
                "is no address such as `http://host:8989`, without user, query and fragment",
                "write the address as a literal with values in it",
            )),
            Self::Authority if authority(value, host) => Ok(value.to_owned()),
            Self::Authority => Err(("is no host, nor host and port", "write a name or an address; IPv6 in square brackets")),
            Self::Host if host(value) => Ok(value.to_owned()),
            Self::Host => Err(("is no part of a host's name", "letters, digits, `.`, `-` and `_` make one")),
            Self::Port if port(value) => Ok(value.to_owned()),
            Self::Port => Err(("is no port", "declare the variable with `type = \"port\"`")),
            Self::Segment if matches!(value, "." | "..") => Err(("would lead to another folder", AS_RAW)),
            Self::Segment | Self::Query => Ok(encoded(value)),
        }
    }

    /// As a reviewer reads it.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Whole => "the address itself",
            Self::Authority => "the host, or host and port",
            Self::Host => "a part of the host's name",
            Self::Port => "the port",
            Self::Segment => "a segment of the path, percent-encoded (`/` too)",
            Self::Query => "a value of the query, percent-encoded",
            Self::Raw => "a part of the URL, unescaped",
        }
    }
}

fn whole(value: &str) -> bool {
    let Some(rest) = value.strip_prefix("http://").or_else(|| value.strip_prefix("https://")) else { return false };
    let host = rest.split('/').next().unwrap_or_default();
    !host.is_empty() && rest.bytes().all(|b| b.is_ascii_graphic() && !b"@\"<>\\^`{|}".contains(&b))
}

fn authority(value: &str, host: impl Fn(&str) -> bool) -> bool {
    let is_v6 = |text: &str| text.parse::<std::net::Ipv6Addr>().is_ok();
    if let Some(rest) = value.strip_prefix('[') {
        return rest
            .split_once(']')
            .is_some_and(|(address, rest)| is_v6(address) && (rest.is_empty() || rest.strip_prefix(':').is_some_and(port)));
    }
    match value.split_once(':') {
        Some((name, number)) => host(name) && port(number),
        None => host(value),
    }
}

fn port(value: &str) -> bool {
    value.bytes().all(|b| b.is_ascii_digit()) && value.parse::<u16>().is_ok_and(|port| port > 0)
}

/// All but the unreserved characters of RFC 3986 as `%XX` of their UTF-8 bytes.
fn encoded(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or_default().to_ascii_uppercase();
            out.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    out
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Scheme,
    Authority,
    Port,
    Path,
    Query,
    Fragment,
}

/// The place of each value; `raw` says which of them the author takes upon himself. Reports every value that may not stand where it stands.
///
/// # Errors
///
/// As above.
pub fn places(texts: &[&str], raw: &[bool]) -> Result<Vec<UrlPlace>, Vec<PlaceFault>> {
    let (mut state, mut places, mut faults) = (State::Scheme, Vec::new(), Vec::new());
    let mut in_authority: Vec<usize> = Vec::new();
    for (at, text) in texts.iter().enumerate() {
        if let Some(hole) = at.checked_sub(1) {
            let before = texts.get(hole).copied().unwrap_or_default();
            let place = match state {
                _ if raw.get(hole) == Some(&true) => Ok(UrlPlace::Raw),
                State::Scheme if hole == 0 && before.is_empty() && !text.contains("://") => {
                    state = State::Path;
                    if text.starts_with(':') {
                        state = State::Authority;
                    }
                    Ok(UrlPlace::Whole)
                }
                State::Scheme => Err((
                    "a value may not stand in the scheme of a URL",
                    "write `http://` or `https://`, or the whole address as one value",
                )),
                State::Authority => {
                    in_authority.push(hole);
                    let alone = before.ends_with("://")
                        && (text.is_empty() || text.starts_with(['/', '?', '#']))
                        && (!text.is_empty() || at + 1 == texts.len());
                    Ok(if alone { UrlPlace::Authority } else { UrlPlace::Host })
                }
                State::Port => {
                    in_authority.push(hole);
                    Ok(UrlPlace::Port)
                }
                State::Path => Ok(UrlPlace::Segment),
                State::Query => Ok(UrlPlace::Query),
                State::Fragment => Err(("a value may not stand behind `#`, which is never sent", "remove it")),
            };
            match place {
                Ok(place) => places.push(place),
                Err((message, help)) => faults.push(PlaceFault { hole, message: message.to_owned(), help: help.to_owned() }),
            }
        }
        let mut rest = *text;
        if state == State::Scheme {
            match rest.split_once("://") {
                Some((_, after)) => {
                    state = State::Authority;
                    rest = after;
                }
                None => continue,
            }
        }
        for c in rest.chars() {
            state = match (state, c) {
                (State::Authority | State::Port, '@') => {
                    for hole in in_authority.drain(..) {
                        let help = "user and password go into the header `authorization`";
                        faults.push(PlaceFault {
                            hole,
                            message: "a value may not stand before `@`, as a user or a password".to_owned(),
                            help: help.to_owned(),
                        });
                    }
                    State::Authority
                }
                (State::Authority, ':') => State::Port,
                (State::Authority | State::Port, '/') => State::Path,
                (State::Authority | State::Port | State::Path, '?') => State::Query,
                (_, '#') => State::Fragment,
                (state, _) => state,
            };
        }
    }
    if faults.is_empty() {
        return Ok(places);
    }
    faults.sort_by_key(|fault| fault.hole);
    Err(faults)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Vec<UrlPlace>, String> {
        let texts: Vec<&str> = text.split('◊').collect();
        places(&texts, &[]).map_err(|faults| faults.iter().map(|f| f.message.clone()).collect::<Vec<_>>().join("; "))
    }

    #[test]
    fn each_part_of_a_url_is_a_place() {
        use UrlPlace::{Authority, Host, Port, Query, Segment, Whole};
        for (text, wanted) in [
            ("◊", vec![Whole]),
            ("◊/api/◊?q=◊", vec![Whole, Segment, Query]),
            ("http://◊/", vec![Authority]),
            ("http://◊", vec![Authority]),
            ("http://◊:8989/", vec![Host]),
            ("https://odc.◊.example.com:◊/a/◊-◊/b?x=◊&y=a◊", vec![Host, Port, Segment, Segment, Query, Query]),
        ] {
            assert_eq!(of(text), Ok(wanted), "{text}");
        }
        for text in ["◊://h/", "ht◊://h/", "http://◊:◊@h/", "http://u:◊@h/", "http://h/#◊"] {
            assert!(of(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_value_is_written_for_its_place() {
        assert_eq!(UrlPlace::Segment.written("a b/ü?&").as_deref(), Ok("a%20b%2F%C3%BC%3F%26"));
        assert_eq!(UrlPlace::Query.written("a+b=c&d#é").as_deref(), Ok("a%2Bb%3Dc%26d%23%C3%A9"));
        assert!(UrlPlace::Segment.written("..").is_err());
        for good in ["h", "10.0.0.1", "h:80", "[::1]", "[::1]:80"] {
            assert_eq!(UrlPlace::Authority.written(good).as_deref(), Ok(good));
        }
        for bad in ["", "h/x", "u@h", "h:0", "h:99999", "h:+80", "::1", "h#", "h?", "h\\x", "[::1", "h h"] {
            assert!(UrlPlace::Authority.written(bad).is_err(), "{bad}");
            assert!(UrlPlace::Host.written(bad).is_err(), "{bad}");
        }
        for bad in ["file:///etc", "h", "http://u@h", "http://h/a b", "http://", "http:///x"] {
            assert!(UrlPlace::Whole.written(bad).is_err(), "{bad}");
        }
        assert!(UrlPlace::Port.written("8080").is_ok() && UrlPlace::Port.written("80/x").is_err());
    }
}
