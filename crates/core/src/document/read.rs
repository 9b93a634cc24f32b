//! From bytes to a source.

use std::sync::Arc;

use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Source, Span};

/// The largest file that is read. A runbook of 50,000 steps is smaller; a file that is larger is a dump given by mistake.
pub const MAX_BYTES: u64 = 32 * 1024 * 1024;

/// Makes a source of a file's bytes; refuses what is too large or not UTF-8, with the place. Whoever opens the file reads at most
/// [`MAX_BYTES`] + 1 bytes.
pub fn read(name: &str, bytes: Vec<u8>) -> Result<Arc<Source>, Diagnostic> {
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_BYTES {
        let source = Arc::new(Source::new(name, ""));
        return Err(Diagnostic::error(Code::TooLarge, format!("`{name}` is larger than {} MiB", MAX_BYTES / (1024 * 1024)))
            .at(&source, Span::default(), "")
            .help("a runbook is a small text: is this the file that was meant?"));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Arc::new(Source::new(name, text))),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let bytes = error.into_bytes();
            let byte = bytes.get(at).copied().unwrap_or_default();
            // What comes before is valid, so the place is the same in the text with replacement characters.
            let source = Arc::new(Source::new(name, String::from_utf8_lossy(&bytes)));
            let carriage_returns = bytes.get(..at).unwrap_or_default().windows(2).filter(|pair| pair == b"\r\n").count();
            let start = at - carriage_returns;
            Err(Diagnostic::error(Code::NotUtf8, "the file is not UTF-8")
                .at(
                    &source,
                    Span::new(start, start + char::REPLACEMENT_CHARACTER.len_utf8()),
                    format!("byte 0x{byte:02x} is no part of a character"),
                )
                .help("save the file as UTF-8, for example with `iconv -f GB18030 -t UTF-8`"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bad_byte_is_shown() {
        let fault = read("x.toml", b"a = 1\r\nb = \"\xff\"\r\n".to_vec()).unwrap_err();
        assert_eq!(fault.code, Code::NotUtf8);
        let label = &fault.labels[0];
        assert_eq!(label.source.position(label.span.start).to_string(), "2:6");
        assert_eq!(label.text, "byte 0xff is no part of a character");
    }

    #[test]
    fn line_ends_are_one_byte() {
        assert_eq!(read("x.toml", b"a = 1\r\nb = 2\r\n".to_vec()).unwrap().text(), "a = 1\nb = 2\n");
    }
}
