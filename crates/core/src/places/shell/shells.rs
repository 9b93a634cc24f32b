//! Shells inside of the script: `sh -c '…'`, `su -c`, `ssh`.

use super::commands::advice;
use super::flow::Source;
use super::lexer::Lexer;
use super::words::{EXPANSION, Word};

/// Options of `ssh` that take an argument.
const SSH_OPTIONS: &[&str] =
    &["-B", "-b", "-c", "-D", "-E", "-e", "-F", "-I", "-i", "-J", "-L", "-l", "-m", "-O", "-o", "-P", "-p", "-Q", "-R", "-S", "-W", "-w"];

impl Lexer<'_> {
    /// `sh`, `bash`, `su`: a script behind `-c`, and its arguments.
    pub(super) fn judge_shell(&mut self, name: &str, words: &[Word]) {
        let su = matches!(name.rsplit('/').next(), Some("su" | "runuser"));
        let is_c = |word: &&Word| match word.literal() {
            Some("--command") => su,
            Some(text) => text.starts_with(['-', '+']) && !text.starts_with("--") && text.ends_with('c'),
            None => false,
        };
        let Some(at) = words.iter().position(|word| is_c(&word)) else {
            return self.judge_script_file(name, su, words);
        };
        let (before, rest) = words.split_at(at);
        for word in before {
            // The user of `su` is data; whatever else stands before is an option.
            if su && !word.text.starts_with('-') {
                self.flow.may_be_option(word.beginning());
            } else {
                self.refuse_for_shell(name, word.source());
            }
        }
        let Some((script, arguments)) = rest.get(1..).and_then(<[Word]>::split_first) else { return };
        self.inner_script(name, script);
        let mut all = Source::default();
        for word in arguments {
            // Behind the script `su` takes its own options.
            if su {
                self.refuse_for_shell(name, word.source());
            }
            all.extend(&word.source());
        }
        self.assign("@", all, false);
    }

    /// A script in a file, with arguments; or `-s`.
    fn judge_script_file(&mut self, name: &str, su: bool, words: &[Word]) {
        let mut given = false;
        for word in words {
            match word.literal() {
                Some("-s") => given = true,
                Some(text) => given |= !su && !text.starts_with(['-', '+']),
                None if given => self.flow.may_be_option(word.beginning()),
                None if su && !word.text.starts_with('-') => self.flow.may_be_option(word.beginning()),
                None => self.refuse_for_shell(name, word.source()),
            }
        }
    }

    pub(super) fn refuse_for_shell(&mut self, name: &str, source: Source) {
        self.flow.refuse(source, format!("`{name}` would execute it, or take it for an option"), advice(name));
    }

    /// `ssh`: options, a destination, and words that a shell on the other side reads as one text.
    pub(super) fn judge_ssh(&mut self, words: &[Word]) {
        let mut rest = words.iter();
        let mut destination = None;
        while let Some(word) = rest.next() {
            match word.literal() {
                Some("--") => {}
                Some(option) if option.starts_with('-') => {
                    if SSH_OPTIONS.contains(&option)
                        && let Some(argument) = rest.next()
                    {
                        if matches!(option, "-p" | "-l" | "-i") {
                            self.flow.may_be_option(argument.beginning());
                        } else {
                            self.refuse_for_shell("ssh", argument.source());
                        }
                    }
                }
                None if word.text.starts_with('-') => self.refuse_for_shell("ssh", word.source()),
                _ => {
                    destination = Some(word);
                    break;
                }
            }
        }
        let Some(destination) = destination else { return };
        self.flow.may_be_option(destination.beginning());
        self.flow.must_not_be_empty(destination.if_nothing_else());
        let mut remote = Word::default();
        for word in rest {
            if remote.begun {
                remote.text.push(' ');
            }
            let offset = remote.text.len();
            remote.begun = true;
            remote.text.push_str(&word.text);
            remote.holes.extend(&word.holes);
            remote.parts.extend(word.parts.iter().map(|(at, source)| (at + offset, source.clone())));
        }
        if remote.text.contains(EXPANSION) && !remote.holes.is_empty() {
            return self.not_alone("ssh", &remote);
        }
        self.inner_words("ssh", &remote);
    }
}
