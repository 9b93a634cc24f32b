//! Random scripts with random places: what is accepted must give the value back. The shell itself is the oracle in `crates/core/tests/shell_places.rs`; here it is
//! the lexers' totality.
#![no_main]

use libfuzzer_sys::fuzz_target;
use runbook_core::places::{shell, sql};

fuzz_target!(|text: &str| {
    let texts: Vec<&str> = text.split('\u{1}').collect();
    let holes = texts.len() - 1;
    match shell::places(&texts) {
        Ok(places) => assert_eq!(places.len(), holes),
        Err(faults) => assert!(!faults.is_empty() && faults.iter().all(|f| f.hole < holes)),
    }
    match sql::places(&texts) {
        Ok(places) => assert_eq!(places.len(), holes),
        Err(faults) => assert!(!faults.is_empty() && faults.iter().all(|f| f.hole < holes)),
    }
});
