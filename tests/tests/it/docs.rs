//! The guides keep their word: what they show of a terminal is what the program prints.
//!
//! In the README and in `docs/*.md` a block that begins with ```` ```console ```` holds command lines behind `$ ` and, below each, everything that the
//! command prints on both streams. The blocks of one page are run in their order, in one folder in which `runbooks` and `docs` are those of the repository. A
//! block ```` ```toml NAME ```` is the file of that name from there on; for runs, times and durations any will do. A block
//! ```` ```console lab ```` needs more than a folder: a test with the lab compares it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::sandbox::Sandbox;

/// A fenced block of a page.
struct Block {
    /// What stands behind the fence, such as `console` or `toml hello.toml`.
    info: String,
    text: String,
    line: usize,
}

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the repository")
}

fn blocks(page: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in page.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) => open = Some(Block { info: info.to_owned(), text: String::new(), line: number + 1 }),
            (Some(_), Some("")) => found.extend(open.take()),
            (Some(block), _) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    found
}

/// Command lines, each with what is printed below it.
fn commands(block: &Block) -> Vec<(&str, String)> {
    let mut found: Vec<(&str, String)> = Vec::new();
    for line in block.text.lines() {
        match (line.strip_prefix("$ "), found.last_mut()) {
            (Some(command), _) => found.push((command, String::new())),
            (None, Some((_, printed))) => {
                printed.push_str(line);
                printed.push('\n');
            }
            (None, None) => panic!("line {}: a console begins with a command", block.line),
        }
    }
    found
}

/// What the one block of a page with these words behind its fence shows below its command.
pub(crate) fn shown(page: &str, info: &str) -> String {
    let text = fs::read_to_string(top().join(page)).expect("a page");
    let found: Vec<Block> = blocks(&text).into_iter().filter(|block| block.info == info).collect();
    let [block] = found.as_slice() else { panic!("{page} has {} blocks `{info}`, not one", found.len()) };
    commands(block).into_iter().map(|(_, printed)| printed).collect()
}

#[track_caller]
fn hold(page: &str) {
    let text = fs::read_to_string(top().join(page)).expect("a page");
    let sandbox = Sandbox::new();
    for name in ["runbooks", "docs", "schemas"] {
        std::os::unix::fs::symlink(top().join(name), sandbox.path(name)).expect("a link");
    }
    for block in blocks(&text) {
        if let Some(name) = block.info.strip_prefix("toml ") {
            fs::write(sandbox.path(name), &block.text).expect("a file");
        }
        if block.info != "console" {
            continue;
        }
        for (command, printed) in commands(&block) {
            let shown = sandbox.shell(command);
            let expected = sandbox.redacted(printed.as_bytes());
            assert_eq!(shown.trim_end(), expected.trim_end(), "{page}:{}: `{command}` prints something else", block.line);
        }
    }
}

#[test]
fn every_page_shows_what_the_program_prints() {
    let guides = fs::read_dir(top().join("docs")).expect("the guides").map(|entry| entry.expect("an entry").file_name());
    let guides = guides.filter(|name| Path::new(name).extension().is_some_and(|extension| extension == "md"));
    let guides = guides.map(|name| format!("docs/{}", name.to_string_lossy()));
    for page in guides.chain(["README.md".to_owned(), "README.zh-CN.md".to_owned()]) {
        hold(&page);
    }
}
