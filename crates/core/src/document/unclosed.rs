//! Which bracket or quote it is that was not closed.

use super::strings::string_end;

/// What was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Opening {
    /// Where, in bytes of the text.
    pub(super) at: usize,
    /// `[`, `{`, `"""` or `'''`.
    pub(super) sign: &'static str,
    /// What closes it.
    pub(super) close: &'static str,
}

/// Looks through a value, from its opening bracket or quote to where the parser gave up, for the opening that lacks its end: the one that a wrong
/// bracket, or a line that begins something else, comes after.
pub(super) fn culprit(raw: &str) -> Option<Opening> {
    let bytes = raw.as_bytes();
    let mut open: Vec<Opening> = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' | b'\'' => {
                let end = string_end(bytes, at);
                let sign = if *byte == b'"' { "\"\"\"" } else { "'''" };
                if end == bytes.len()
                    && raw.get(at..).is_some_and(|rest| rest.starts_with(sign))
                    && !raw.get(at + 3..).unwrap_or_default().ends_with(sign)
                {
                    return Some(Opening { at, sign, close: sign });
                }
                at = end;
                continue;
            }
            b'#' => {
                at += bytes.get(at..).and_then(|rest| rest.iter().position(|b| *b == b'\n')).unwrap_or(bytes.len() - at);
                continue;
            }
            b'[' => open.push(Opening { at, sign: "[", close: "]" }),
            b'{' => open.push(Opening { at, sign: "{", close: "}" }),
            b']' | b'}' => {
                let close = if *byte == b']' { "]" } else { "}" };
                match open.pop() {
                    Some(opening) if opening.close != close => return Some(opening),
                    Some(_) | None => {}
                }
            }
            b'\n' if !open.is_empty() && begins_something(raw.get(at + 1..).unwrap_or_default()) => return open.pop(),
            _ => {}
        }
        at += 1;
    }
    open.pop()
}

/// Whether a line is a header, or a key with its value, that belongs to no bracket before it.
pub(super) fn begins_something(rest: &str) -> bool {
    let line = rest.lines().next().unwrap_or_default();
    let is_name = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    let header = line.trim_end().strip_prefix('[').and_then(|l| l.strip_suffix(']'));
    if let Some(name) = header {
        return is_name(name.trim_start_matches('[').trim_end_matches(']').trim());
    }
    line.split_once('=').is_some_and(|(key, _)| is_name(key.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_opening_that_lacks_its_end_is_found() {
        for (raw, at, sign) in [
            ("{ argv = [\"echo\", \"a\" }\nleaves = \"x\"\n", 9, "["),
            ("{ image = \"x\", env = { A = \"b\" }\n[[step]]\nid = \"b\"\n", 0, "{"),
            ("[1, 2\n[x]\nb = 3\n", 0, "["),
            ("[\n  \"a # b\", # ]\n  { x = 1\n]", 19, "{"),
            ("{ text = \"\"\"\necho hello\n\" }\nleaves = \"nothing\"\n", 9, "\"\"\""),
            ("'''abc", 0, "'''"),
        ] {
            assert_eq!(culprit(raw).map(|o| (o.at, o.sign)), Some((at, sign)), "{raw}");
        }
    }
}
