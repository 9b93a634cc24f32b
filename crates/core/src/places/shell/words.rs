//! Words and commands: what a complete word is, and whether the command that ends may be given its values.

use super::commands::{ASSIGNING, BEFORE_COMMANDS, Treats, treats};
use super::lexer::{BY_ENV, Lexer};

/// The command that is being read.
#[derive(Clone, Debug, Default)]
pub(super) struct Command {
    /// Its name, once its word is complete; none while only assignments were seen.
    pub(super) name: Option<String>,
    /// How many words followed the name.
    pub(super) words: usize,
    /// Words so far that begin with `-`, for `printf -v` and `test -a`.
    pub(super) flags: Vec<String>,
    /// Holes that are operands of it, checked when it ends.
    pub(super) holes: Vec<usize>,
    /// The next word is a redirection's target.
    pub(super) redirect: bool,
}

/// The word that is being read.
#[derive(Clone, Debug, Default)]
pub(super) struct Word {
    /// Its text without quotes; a hole is U+FFFC.
    pub(super) text: String,
    /// Whether any part of it was quoted.
    pub(super) quoted: bool,
    /// The holes in it.
    pub(super) holes: Vec<usize>,
    /// Whether it has begun.
    pub(super) begun: bool,
}

impl Lexer {
    pub(super) fn end_word(&mut self) {
        let word = std::mem::take(&mut self.word);
        if !word.begun {
            return;
        }
        if self.command.redirect {
            self.command.redirect = false;
            return;
        }
        let Some(name) = self.command.name.clone() else {
            self.first_word(word);
            return;
        };
        if ASSIGNING.contains(&name.as_str()) {
            if assigned_name(&word.text).is_none() {
                for hole in &word.holes {
                    self.refuse(*hole, &format!("a value may not be a name that `{name}` takes"), BY_ENV);
                }
            }
            return;
        }
        self.command.words += 1;
        if treats(&name) == Treats::AsDataAfterFormat && self.command.words == 1 {
            for hole in &word.holes {
                self.refuse(*hole, "a value may not be a part of `printf`'s format", "write printf '%s\\n' {{…}}");
            }
            if word.text.starts_with('-') {
                self.give_up("`printf -v` executes text in a value");
            }
            return;
        }
        if word.text.starts_with('-') && word.holes.is_empty() {
            self.command.flags.push(word.text.clone());
        }
        self.command.holes.extend(&word.holes);
    }

    /// An assignment, a reserved word, or the command's own name.
    fn first_word(&mut self, word: Word) {
        if let Some(name) = assigned_name(&word.text) {
            if matches!(name, "PS4" | "ENV" | "BASH_ENV" | "IFS" | "PATH" | "PROMPT_COMMAND" | "SHELLOPTS") {
                for hole in &word.holes {
                    self.refuse(*hole, &format!("a value may not be assigned to `{name}`, which the shell itself obeys"), BY_ENV);
                }
            }
            return;
        }
        for hole in &word.holes {
            self.refuse(*hole, "a value may not be the command itself", "use `shell.run` with `argv = [\"{{…}}\", …]`");
        }
        if word.quoted {
            self.command.name = Some(word.text);
            return;
        }
        match word.text.as_str() {
            text if BEFORE_COMMANDS.contains(&text) => {}
            "[[" | "case" | "esac" | "function" | "select" | "coproc" => {
                self.give_up(&format!("`{}` is not understood well enough to place a value in this script", word.text));
            }
            "let" | "eval" | "declare" | "typeset" => {
                self.give_up(&format!("this script uses `{}`, which can execute text in a value", word.text));
            }
            _ => self.command.name = Some(word.text),
        }
    }

    pub(super) fn end_command(&mut self) {
        self.end_word();
        let command = std::mem::take(&mut self.command);
        let Some(name) = command.name else { return };
        for hole in command.holes {
            match treats(&name) {
                Treats::AsData | Treats::AsDataAfterFormat => {}
                Treats::AsOperands if !command.flags.iter().any(|f| matches!(f.as_str(), "-a" | "-o" | "-v" | "-R")) => {}
                Treats::AsOperands => self.refuse(
                    hole,
                    "`test` with `-a`, `-o`, `-v` or `-R` takes a value for an operator or a name",
                    "write two tests, joined by && or ||",
                ),
                Treats::Unreliably => {
                    self.refuse(hole, "what `echo` prints for a value depends on the value and the shell", "write printf '%s\\n' {{…}}");
                }
                Treats::AsCode => {
                    self.refuse(hole, &format!("`{name}` may execute its arguments, or take them for names or options"), BY_ENV);
                }
            }
        }
    }
}

/// `NAME` of `NAME=…` and `NAME+=…`.
fn assigned_name(word: &str) -> Option<&str> {
    let (name, _) = word.split_once('=')?;
    let name = name.strip_suffix('+').unwrap_or(name);
    let mut chars = name.chars();
    let first = chars.next()?;
    ((first.is_ascii_alphabetic() || first == '_') && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')).then_some(name)
}
