//! Regular expressions that are held against a handful of short texts: patterns of variables and of the format's own keys.
//!
//! They have the syntax and the meaning of the `regex` crate, whose parser and engine these are. That crate prepares each expression for megabytes of text
//! (a second automaton that runs backwards, tables for expressions that match in one pass), which was the costliest part of reading a small runbook. Here only
//! the plain automaton is built.

use regex_automata::meta::{Config, Regex};
use regex_automata::nfa::thompson::WhichCaptures;
use regex_syntax::hir::{Hir, Look};

/// The limit of the `regex` crate, in bytes: what an author wrote by mistake does not take the memory of the machine.
const LARGEST: usize = 10 << 20;

/// A compiled expression.
#[derive(Clone, Debug)]
pub struct Pattern {
    source: Box<str>,
    regex: Regex,
}

impl Pattern {
    /// An expression that the whole text must match.
    ///
    /// # Errors
    /// What is wrong with it, in a line.
    pub fn whole(source: &str) -> Result<Self, String> {
        Self::of(source, |hir| Hir::concat(vec![Hir::look(Look::Start), hir, Hir::look(Look::End)]))
    }

    /// An expression that is searched for in the text.
    ///
    /// # Errors
    /// What is wrong with it, in a line.
    pub fn anywhere(source: &str) -> Result<Self, String> {
        Self::of(source, |hir| hir)
    }

    fn of(source: &str, place: impl FnOnce(Hir) -> Hir) -> Result<Self, String> {
        // Anchored as a tree and not as a text, so that a parenthesis too many closes none of ours.
        let hir = regex_syntax::parse(source).map_err(|error| last_line(&error.to_string()))?;
        let config = Config::new().hybrid(false).onepass(false).which_captures(WhichCaptures::Implicit).nfa_size_limit(Some(LARGEST));
        let regex = Regex::builder().configure(config).build_from_hir(&place(hir)).map_err(|error| match error.size_limit() {
            Some(limit) => format!("it takes more than {limit} bytes when compiled"),
            None => last_line(&error.to_string()),
        })?;
        Ok(Self { source: source.into(), regex })
    }

    /// The expression as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether a text matches.
    pub fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

/// What is said last; the lines before draw the expression.
fn last_line(message: &str) -> String {
    message.lines().last().unwrap_or_default().trim().trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_whole_text_matches_and_nothing_around_it() {
        let pattern = Pattern::whole("a|bc").unwrap();
        assert!(pattern.matches("a") && pattern.matches("bc"));
        assert!(!pattern.matches("ab") && !pattern.matches("xbc") && !pattern.matches("a\n") && !pattern.matches(""));
        assert_eq!(pattern.source(), "a|bc");
        assert!(!Pattern::whole("(?m)^a$").unwrap().matches("x\na\ny"), "anchors of the expression's own stay inside");
    }

    #[test]
    fn what_is_wrong_is_said_in_a_line() {
        assert_eq!(Pattern::whole("a)|(b").unwrap_err(), "unopened group");
        assert_eq!(Pattern::whole("[a").unwrap_err(), "unclosed character class");
        assert_eq!(Pattern::anywhere("(a{1000}){1000}").unwrap_err(), format!("it takes more than {LARGEST} bytes when compiled"));
    }

    proptest! {
        #[test]
        fn the_regex_crate_agrees(source in r"([a-c0-9._-]|\[a-z\]|\\d|\\w|\(|\)|\||[*+?.^$]|中){0,12}", text in r"[a-c0-9._\-中\n]{0,8}") {
            let theirs = regex::Regex::new(&source);
            let ours = Pattern::anywhere(&source);
            prop_assert_eq!(ours.is_ok(), theirs.is_ok());
            if let (Ok(ours), Ok(theirs)) = (ours, theirs) {
                prop_assert_eq!(ours.matches(&text), theirs.is_match(&text));
                let anchored = regex::Regex::new(&format!(r"\A(?:{source})\z")).unwrap();
                prop_assert_eq!(Pattern::whole(&source).unwrap().matches(&text), anchored.is_match(&text));
            }
        }
    }
}
