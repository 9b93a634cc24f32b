//! The forms in which tools print a secret: as it is, quoted by a shell, escaped for JSON or a URL, in hex or base64.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::SHORTEST_MASKED;

/// The forms of one secret, without doubles; none is shorter than what can be masked.
pub(super) struct Forms {
    /// Found as they stand.
    pub(super) plain: BTreeSet<Vec<u8>>,
    /// Hex and base64: found wherever an encoder breaks its lines, and with blanks between bytes.
    pub(super) coded: BTreeSet<Vec<u8>>,
}

/// All forms of one secret.
pub(super) fn all(secret: &str) -> Forms {
    let (mut plain, mut coded) = (BTreeSet::new(), BTreeSet::new());
    let add = |forms: &mut BTreeSet<Vec<u8>>, form: String| {
        if form.len() >= SHORTEST_MASKED {
            forms.insert(form.into_bytes());
        }
    };
    for part in std::iter::once(secret).chain(lines(secret)) {
        for form in shell(part).into_iter().chain(json(part)).chain(url(part)).chain(quoted(part)) {
            add(&mut plain, form);
        }
        add(&mut plain, part.to_owned());
        for form in hex(part.as_bytes()).into_iter().chain(base64(part.as_bytes())) {
            add(&mut coded, form);
        }
    }
    if secret.contains('\n') {
        // As a terminal has it.
        add(&mut plain, secret.replace('\n', "\r\n"));
    }
    Forms { plain, coded }
}

/// Programs that print line by line put something before each line, so a secret of several lines is also looked for line by line.
fn lines(secret: &str) -> impl Iterator<Item = &str> {
    let several = secret.contains('\n');
    secret.lines().filter(move |line| several && line.len() >= 2 * SHORTEST_MASKED)
}

/// `set -x`, `printf %q`, `declare -p`, `$'…'`, and a backslash before every character.
fn shell(text: &str) -> [String; 8] {
    let (mut percent_q, mut declared, mut each) = (String::new(), String::new(), String::new());
    for c in text.chars() {
        // What bash 5.2 quotes inside of a word.
        if " \t!\"$&'()*,;<>?[\\]^`{|}".contains(c) {
            percent_q.push('\\');
        }
        percent_q.push(c);
        each.push('\\');
        each.push(c);
        if "\"\\$`".contains(c) {
            declared.push('\\');
        }
        declared.push(c);
    }
    // At the beginning of a word it quotes these two as well; behind something else they stand as they are.
    let first = if text.starts_with(['~', '#']) { format!("\\{percent_q}") } else { percent_q.clone() };
    [text.replace('\'', r"'\''"), text.replace('\'', r#"'"'"'"#), percent_q, first, each, declared, ansi_c(text, true), ansi_c(text, false)]
}

/// The inside of bash's `$'…'`: named escapes, and octal for control characters and, where asked, for all bytes that are not ASCII.
fn ansi_c(text: &str, octal: bool) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\'' => out.push_str("\\'"),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            '\u{1b}' => out.push_str("\\E"),
            c if c.is_ascii_control() || (octal && !c.is_ascii()) => {
                let mut buffer = [0; 4];
                for byte in c.encode_utf8(&mut buffer).bytes() {
                    // Writing to a String cannot fail.
                    let _ = write!(out, "\\{byte:03o}");
                }
            }
            c => out.push(c),
        }
    }
    out
}

/// The inside of a literal of SQL, in its two ways, and of a text in XML or HTML.
fn quoted(text: &str) -> [String; 4] {
    let doubled = text.replace('\'', "''");
    let escaped: String = text
        .chars()
        .map(|c| match c {
            '\'' => "\\'".to_owned(),
            '"' => "\\\"".to_owned(),
            '\\' => "\\\\".to_owned(),
            '\n' => "\\n".to_owned(),
            '\r' => "\\r".to_owned(),
            '\0' => "\\0".to_owned(),
            c => c.to_string(),
        })
        .collect();
    let markup = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let numeric = markup.replace('\'', "&#39;");
    [doubled, escaped, markup, numeric]
}

/// The inside of a JSON string: as most write it, with `\/`, with `<`, `>` and `&` as Go writes them (`docker inspect`), and with every character
/// beyond ASCII as `\u`, in both cases of the digits.
fn json(text: &str) -> [String; 5] {
    let quoted = serde_json::Value::String(text.to_owned()).to_string();
    let plain = quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned();
    let escaped = |upper: bool| {
        let mut out = String::new();
        for c in plain.chars() {
            if c.is_ascii() {
                out.push(c);
                continue;
            }
            let mut buffer = [0; 2];
            for unit in c.encode_utf16(&mut buffer) {
                let _ = if upper { write!(out, "\\u{unit:04X}") } else { write!(out, "\\u{unit:04x}") };
            }
        }
        out
    };
    let go = plain.replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e");
    [plain.replace('/', "\\/"), go, escaped(true), escaped(false), plain]
}

/// Percent-encoding with each of the spaces, in both cases, and with the characters that some encoders leave alone.
fn url(text: &str) -> Vec<String> {
    let mut forms = Vec::new();
    for keep in ["-_.~", "-_.!~*'()", "-_.*"] {
        for space in ["%20", "+"] {
            for upper in [true, false] {
                let mut out = String::new();
                for byte in text.bytes() {
                    if byte.is_ascii_alphanumeric() || keep.as_bytes().contains(&byte) {
                        out.push(char::from(byte));
                    } else if byte == b' ' {
                        out.push_str(space);
                    } else {
                        let _ = if upper { write!(out, "%{byte:02X}") } else { write!(out, "%{byte:02x}") };
                    }
                }
                forms.push(out);
            }
        }
    }
    forms
}

fn hex(bytes: &[u8]) -> [String; 2] {
    let mut lower = String::new();
    for byte in bytes {
        let _ = write!(lower, "{byte:02x}");
    }
    [lower.to_uppercase(), lower]
}

/// Inside a longer text the encoding depends on how many bytes stand before: each of the three alignments, without the characters that neighbours share.
fn base64(bytes: &[u8]) -> Vec<String> {
    let mut forms = Vec::new();
    for before in 0..3 {
        let mut padded = vec![0; before];
        padded.extend_from_slice(bytes);
        let head = [0, 2, 3][before];
        // The last character carries bits of whatever follows unless the text ends on a group.
        let tail = usize::from(padded.len() % 3 != 0);
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let text = engine.encode(&padded);
            if let Some(inner) = text.get(head..text.len() - tail) {
                forms.push(inner.to_owned());
            }
        }
    }
    forms
}
