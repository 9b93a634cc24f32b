//! How fast output is searched for secrets.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use runbook_core::secret::Masker;

use super::numbers::Row;

/// What is searched, in bytes, in pieces as a pipe gives them.
const BYTES: usize = 256 << 20;
const PIECE: usize = 32 << 10;

/// Twenty secrets, as people choose them and as machines do.
fn secrets() -> Vec<(String, String)> {
    let people = ["p'a\"$(x)!\\ 中文", "correct horse \"battery\" staple", "Oceanbase#2026", "Größe-ÄÖÜ-ß", "two\nlines-of-a-secret"];
    let machines = (0..15_u32).map(|n| {
        let mut state = n.wrapping_mul(2_654_435_761).wrapping_add(12_345);
        (0..24).fold(String::new(), |mut text, _| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
            text.push(char::from(letters[(state >> 26) as usize]));
            text
        })
    });
    let values = people.into_iter().map(str::to_owned).chain(machines);
    values.enumerate().map(|(at, value)| (format!("vars.s{at}"), value)).collect()
}

/// Masking of a log, and of what looks like an encoding all over.
pub(super) fn rows() -> [Row; 2] {
    let secrets = secrets();
    let masker = Masker::new(secrets.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let mut log = String::new();
    for line in 0.. {
        if log.len() >= PIECE {
            break;
        }
        // Writing to a string does not fail.
        let _ = writeln!(
            log,
            "2026-11-21T03:{:02}:07.123Z INFO  [main] c.o.o.server.OdcServer - step {line} of 4711 took {} ms: /api/v1/info",
            line % 60,
            line * 37
        );
    }
    let mut dump = String::new();
    for line in 0_u64.. {
        if dump.len() >= PIECE {
            break;
        }
        let _ = writeln!(
            dump,
            "{:016x}{:016x}Zm9vYmFy{line}",
            line.wrapping_mul(0x9e37_79b9_7f4a_7c15),
            line.wrapping_mul(0xc2b2_ae3d_27d4_eb4f)
        );
    }
    [
        row("masking of a log, 20 secrets in all forms", &masker, log.as_bytes()),
        row("masking of hex and base64, the same", &masker, dump.as_bytes()),
    ]
}

fn row(what: &'static str, masker: &Masker, piece: &[u8]) -> Row {
    let mut stream = masker.stream();
    let mut out = Vec::new();
    let mut most = 0;
    let begun = Instant::now();
    let mut done = 0;
    while done < BYTES {
        out.clear();
        stream.push(piece, &mut out);
        most = most.max(out.capacity());
        done += piece.len();
    }
    let took = begun.elapsed().max(Duration::from_millis(1));
    let rate = done as u128 / took.as_millis() / 1000;
    Row { what, measured: format!("{rate} MB/s"), limit: "300 MB/s", about: format!("at most {} KiB held", most >> 10) }
}
