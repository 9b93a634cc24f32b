//! Every code has a page, and its examples are what they say.

use std::sync::Arc;

use runbook_core::diagnostic::render::{Style, human};
use runbook_core::diagnostic::{Code, Diagnostic};
use runbook_core::source::Source;

/// The blocks of a page that are marked with a word: `toml wrong`.
fn blocks<'p>(page: &'p str, mark: &str) -> Vec<&'p str> {
    let fence = format!("```toml {mark}\n");
    page.split(fence.as_str()).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

#[test]
fn the_examples_of_every_page_are_wrong_and_right_as_it_says() {
    let registry = runbook_executors::registry();
    let source = |name: &str, example: &str| {
        let head = if example.contains("format =") { "" } else { "format = 1\nname = \"example\"\n\n" };
        Arc::new(Source::new(name, format!("{head}{example}")))
    };
    let faults = |page: &str, example: &str| {
        // What an example calls stands on the page as well.
        let mut called = |file: &str| {
            let text = blocks(page, &format!("file={file}")).into_iter().next();
            text.map(|text| source(file, text)).ok_or_else(|| Diagnostic::error(Code::CallFile, format!("there is no `{file}`")))
        };
        runbook_core::load_with(&source("example.toml", example), &registry, &mut called).1
    };
    for code in Code::ALL {
        let page = &*code.page();
        assert!(page.starts_with(&format!("# {code}: {}\n", code.title())), "{code}");
        assert!(page.len() > 80, "{code} says too little");
        for example in blocks(page, "wrong") {
            assert!(faults(page, example).iter().any(|fault| fault.code == *code), "{code} is not shown by\n{example}");
        }
        for example in blocks(page, "right") {
            assert_eq!(human(&faults(page, example), Style::default()), "", "{code}");
        }
    }
}
