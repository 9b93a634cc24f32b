//! Random texts with random places: the lexers are total, and what they say fits the text. The shells themselves are the oracles in
//! `crates/core/tests/shell_places`, the servers in `crates/executors/tests/sql`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use runbook_core::places::shell::{Form, Script};
use runbook_core::places::{shell, sql, url};

fuzz_target!(|text: &str| {
    let texts: Vec<&str> = text.split('\u{1}').collect();
    let holes = texts.len() - 1;
    let forms: Vec<Form> = (0..holes).map(|at| [Form::Value, Form::Sh, Form::Words, Form::Value, Form::Raw, Form::AllowEmpty][at % 6]).collect();
    match shell::analyse(&Script { texts: &texts, forms: &forms, env: &["x", "NAME"] }) {
        Ok(analysis) => {
            assert_eq!(analysis.places.len(), holes);
            assert_eq!(analysis.env.len(), if texts.len() < 2 && analysis.env.is_empty() { 0 } else { 2 });
        }
        Err(faults) => assert!(!faults.is_empty() && faults.iter().all(|f| f.hole < holes)),
    }
    for done in [sql::places(&texts).map(|places| places.len()), url::places(&texts, &[]).map(|places| places.len())] {
        match done {
            Ok(places) => assert_eq!(places, holes),
            Err(faults) => assert!(!faults.is_empty() && faults.iter().all(|f| f.hole < holes)),
        }
    }
});
