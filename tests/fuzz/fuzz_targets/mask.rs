//! Secrets in a text that is cut anywhere: the same as in one piece, and never shown.
#![no_main]

use libfuzzer_sys::fuzz_target;
use runbook_core::secret::Masker;

fuzz_target!(|data: (String, String, Vec<u8>, usize)| {
    let (one, two, mut text, cut) = data;
    text.extend_from_slice(one.as_bytes());
    let masker = Masker::new([("one", one.as_str()), ("two", two.as_str())]);
    let run = |pieces: &[&[u8]]| {
        let (mut stream, mut out) = (masker.stream(), Vec::new());
        for piece in pieces {
            stream.push(piece, &mut out);
        }
        stream.finish(&mut out);
        out
    };
    let (head, tail) = text.split_at(cut.min(text.len()));
    let out = run(&[head, tail]);
    assert_eq!(out, run(&[&text]));
    if one.len() >= 4 && !"‹one›‹two›".contains(&one) {
        assert!(!String::from_utf8_lossy(&out).replace("‹one›", "\u{0}").replace("‹two›", "\u{0}").contains(&one));
    }
});
