//! No text makes the reader, the checker or a renderer panic.

use proptest::prelude::*;
use runbook_core::diagnostic::Diagnostics;
use runbook_core::diagnostic::render::{Style, github, human, json, sarif};
use runbook_core::document;

use super::files;

/// What a hurried person, a merge or a broken disk does to a file.
#[derive(Clone, Debug)]
enum Damage {
    Cut(usize, usize),
    Insert(usize, &'static str),
    Repeat(usize, usize),
    Byte(usize, u8),
}

const SNIPPETS: [&str; 24] = [
    "\"",
    "\"\"\"",
    "'",
    "'''",
    "[",
    "]",
    "[[",
    "{",
    "}",
    "{{",
    "}}",
    "=",
    ".",
    ",",
    "#",
    "\\",
    "\n",
    "\u{202e}",
    "\0",
    "[[step]]\n",
    "{{#if vars.x}}",
    "id = \"a\"\n",
    "99999999999999999999",
    "升",
];

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        (any::<usize>(), 0_usize..40).prop_map(|(at, length)| Damage::Cut(at, length)),
        (any::<usize>(), prop::sample::select(&SNIPPETS[..])).prop_map(|(at, text)| Damage::Insert(at, text)),
        (any::<usize>(), 0_usize..80).prop_map(|(at, length)| Damage::Repeat(at, length)),
        (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| Damage::Byte(at, byte)),
    ]
}

impl Damage {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let place = |at: usize, bytes: &[u8]| at % (bytes.len() + 1);
        match *self {
            Self::Cut(at, length) => {
                let start = place(at, bytes);
                let end = (start + length).min(bytes.len());
                bytes.drain(start..end);
            }
            Self::Insert(at, text) => {
                let start = place(at, bytes);
                bytes.splice(start..start, text.bytes());
            }
            Self::Repeat(at, length) => {
                let start = place(at, bytes);
                let piece = bytes[start..(start + length).min(bytes.len())].to_vec();
                bytes.splice(start..start, piece);
            }
            Self::Byte(at, byte) => {
                let start = place(at, bytes);
                if let Some(old) = bytes.get_mut(start) {
                    *old = byte;
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn damaged_runbooks_are_reported(which in any::<usize>(), damages in prop::collection::vec(damage(), 1..6)) {
        let files: Vec<_> = ["tests/valid", "tests/invalid"].into_iter().flat_map(files).collect();
        let mut bytes = std::fs::read(&files[which % files.len()]).unwrap();
        for damage in &damages {
            damage.apply(&mut bytes);
        }
        let faults = match document::read("x.toml", bytes) {
            Ok(source) => runbook_core::load(&source, &runbook_executors::registry()).1,
            Err(fault) => {
                let mut faults = Diagnostics::new();
                faults.push(fault);
                faults
            }
        };
        for width in [20, 120] {
            let shown = human(&faults, Style { width, color: false });
            prop_assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{}", shown);
        }
        prop_assert_eq!(github(&faults).lines().count(), faults.len());
        let data: serde_json::Value = serde_json::from_str(&json(&faults)).unwrap();
        prop_assert_eq!(data["diagnostics"].as_array().map(Vec::len), Some(faults.len()));
        prop_assert!(serde_json::from_str::<serde_json::Value>(&sarif(&faults, "0")).is_ok());
    }
}
