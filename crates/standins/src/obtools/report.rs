//! The closing table.

use std::fmt::Write as _;

/// One object.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// `TABLE` or `VIEW`.
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) count: u64,
    /// What went wrong; the server's words.
    pub(crate) error: Option<String>,
}

/// All objects, in the order in which they were worked on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report(pub(crate) Vec<Line>);

impl Report {
    pub(crate) fn is_good(&self) -> bool {
        self.0.iter().all(|line| line.error.is_none())
    }

    pub(crate) fn text(&self, what: &str) -> String {
        let mut text = String::new();
        for line in &self.0 {
            if let Some(error) = &line.error {
                let _ = writeln!(text, "[ERROR] {}: {error}", line.name);
            }
        }
        let rule = format!("+{:-<8}+{:-<8}+{:-<34}+{:-<12}+{:-<10}+\n", "", "", "", "", "");
        let _ = write!(
            text,
            "\nAll {what} Tasks Finished:\n{rule}| {:<6} | {:<6} | {:<32} | {:<10} | {:<8} |\n{rule}",
            "No.#", "Type", "Name", "Count", "Status"
        );
        for (at, line) in self.0.iter().enumerate() {
            let status = if line.error.is_none() { "SUCCESS" } else { "FAILURE" };
            let _ = writeln!(text, "| {:<6} | {:<6} | {:<32} | {:<10} | {status:<8} |", at + 1, line.kind, line.name, line.count);
        }
        text + &rule
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_says_what_failed() {
        let line =
            |name: &str, error: Option<&str>| Line { kind: "TABLE", name: name.to_owned(), count: 2, error: error.map(str::to_owned) };
        let report = Report(vec![line("good", None), line("bad", Some("no"))]);
        let text = report.text("Dump");
        assert!(!report.is_good());
        assert!(text.starts_with("[ERROR] bad: no\n"), "{text}");
        assert!(text.contains("| 2      | TABLE  | bad                              | 2          | FAILURE  |"), "{text}");
    }
}
