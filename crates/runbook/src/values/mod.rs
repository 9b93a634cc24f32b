//! What the files of `[values]` hold: reading them, and their three formats.

mod json;
mod toml;
mod yaml;

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use runbook_core::diagnostic::{Code, Diagnostic};
use runbook_core::runbook::FileFormat;
use runbook_core::values::Unread;
use serde_json::Value;

/// More is no configuration.
const MOST: u64 = 1024 * 1024;

/// Reads files for a runbook.
pub(crate) struct Files {
    /// Where relative paths start: the runbook's folder.
    base: PathBuf,
}

/// What is wrong with a text, and where.
struct Wrong {
    /// Line and column, from 1.
    at: Option<(usize, usize)>,
    what: String,
}

impl Files {
    /// For the runbook in this file.
    pub(crate) fn beside(runbook: &Path) -> Self {
        Self { base: runbook.parent().unwrap_or(Path::new("")).to_owned() }
    }

    /// What a file holds.
    pub(crate) fn read(&self, format: FileFormat, path: &str) -> Result<Value, Unread> {
        let text = text(&self.base.join(path), path)?;
        let read = match format {
            FileFormat::Yaml => yaml::read(&text),
            FileFormat::Json => json::read(&text),
            FileFormat::Toml => toml::read(path, text),
        };
        read.map_err(|wrong| {
            let place = wrong.at.map(|(line, column)| format!(":{line}:{column}")).unwrap_or_default();
            let message = format!("`{path}{place}` is not well-formed {}: {}", format.name(), wrong.what);
            Unread::Faulty(Diagnostic::error(Code::ValueSyntax, message))
        })
    }
}

fn text(whole: &Path, shown: &str) -> Result<String, Unread> {
    let fault = |why: &str| Diagnostic::error(Code::ValueFile, format!("`{shown}` cannot be read: {why}"));
    let mut bytes = Vec::new();
    let read = File::open(whole).and_then(|file| file.take(MOST + 1).read_to_end(&mut bytes));
    if let Err(error) = read {
        let diagnostic = match error.kind() {
            std::io::ErrorKind::NotFound if whole == Path::new(shown) => fault("there is no such file"),
            std::io::ErrorKind::NotFound => fault("there is no such file").help(format!("it was looked for as `{}`", whole.display())),
            std::io::ErrorKind::PermissionDenied => {
                fault("permission denied").help(format!("who may read it: `ls -l {}`", whole.display()))
            }
            _ => fault(&error.to_string()),
        };
        return Err(Unread::NotHere(diagnostic));
    }
    if bytes.len() as u64 > MOST {
        return Err(Unread::Faulty(fault("it has more than 1 MiB")));
    }
    String::from_utf8(bytes).map_err(|_| Unread::Faulty(fault("it is not UTF-8 text")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wrong(read: Result<Value, Wrong>) -> (Option<(usize, usize)>, String) {
        match read {
            Ok(value) => panic!("accepted: {value}"),
            Err(wrong) => (wrong.at, wrong.what),
        }
    }

    #[test]
    fn yaml_is_read_as_1_2() {
        let text = "a: yes\nb: true\nc: 010\nd: 8088\ne: '8088'\nf: ~\ng: [1, x]\nh: {i: 1.5}\nj: &x {k: 1}\nl: *x\n# comment\nm: 2026-11-21\nn: |\n  two\n  lines\n";
        let value = yaml::read(text).unwrap_or_else(|wrong| panic!("{}", wrong.what));
        assert_eq!(
            value,
            json!({ "a": "yes", "b": true, "c": "010", "d": 8088, "e": "8088", "f": null, "g": [1, "x"], "h": { "i": 1.5 },
                    "j": { "k": 1 }, "l": { "k": 1 }, "m": "2026-11-21", "n": "two\nlines\n" })
        );
    }

    #[test]
    fn faults_have_a_place() {
        assert_eq!(wrong(yaml::read("a: 1\nb: [1,\nc: 2\n")).0.map(|at| at.0), Some(2));
        assert_eq!(wrong(yaml::read("a: 1\nb: 2\na: 3\n")).0, Some((3, 1)));
        assert!(wrong(yaml::read("a: 1\n---\nb: 2\n")).1.contains("document"));
        assert_eq!(wrong(json::read("{\n  \"a\": 1,\n}")).0, Some((3, 1)));
        assert_eq!(wrong(json::read("{\"a\": 1, \"a\": 2}")).1, "the key `a` is there twice");
        assert_eq!(wrong(toml::read("x", "a = 1\nb = \n".to_owned())).0.map(|at| at.0), Some(2));
    }

    #[test]
    #[expect(clippy::format_push_string, reason = "a test reads better with it")]
    fn yaml_that_grows_beyond_all_measure_is_refused() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let below = format!("*a{}", level - 1);
            text.push_str(&format!("a{level}: &a{level} [{}]\n", vec![below; 10].join(", ")));
        }
        assert!(wrong(yaml::read(&text)).1.len() < 300);
        assert!(yaml::read(&"[".repeat(100_000)).is_err());
    }

    #[test]
    fn no_message_shows_what_is_in_the_file() {
        for text in ["password: hunter2\npassword: hunter2\n", "password: [hunter2\n", "password: hunter2: x\n", "hunter2"] {
            if let Err(wrong) = yaml::read(text) {
                assert!(!wrong.what.contains("hunter2"), "{}", wrong.what);
            }
        }
        assert!(!wrong(json::read("{\"password\": hunter2}")).1.contains("hunter2"));
        assert_eq!(wrong(toml::read("x", "password = hunter2".to_owned())).1, "it is not TOML");
    }
}
