//! Where TOML strings end.

/// Behind the string whose opening quote stands at `start`; the end of the line or of the text where it is not closed.
pub(super) fn string_end(raw: &[u8], start: usize) -> usize {
    let quote = raw.get(start).copied().unwrap_or_default();
    let rest = raw.get(start..).unwrap_or_default();
    let multi = rest.len() >= 3 && rest.iter().take(3).all(|b| *b == quote);
    let width = if multi { 3 } else { 1 };
    let mut at = start + width;
    while let Some(byte) = raw.get(at) {
        if *byte == b'\\' && quote == b'"' {
            at += 2;
            continue;
        }
        if *byte == b'\n' && !multi {
            return at;
        }
        if *byte == quote {
            let run = raw.get(at..).unwrap_or_default().iter().take_while(|b| **b == quote).count();
            // Up to two quotes may stand before the closing three.
            if run >= width {
                return at + if multi { run.min(5) } else { 1 };
            }
            at += run;
            continue;
        }
        at += 1;
    }
    raw.len()
}
