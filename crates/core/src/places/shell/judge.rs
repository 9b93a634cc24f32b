//! Whether the command that ends may be given its values.

use super::commands::{Treats, advice, is_interpreter, prints_files, runs_its_input, treats};
use super::flow::Source;
use super::lexer::{BY_ENV, Lexer};
use super::words::{Command, Word, assigned_name, is_name};

/// What the commands of a pipeline so far may print.
#[derive(Clone, Debug, Default)]
pub(super) struct Pipeline {
    /// Values and variables among their arguments.
    prints: Source,
    /// Whether a compound command is among them: then it may print anything.
    anything: bool,
}

impl Lexer {
    /// Ends the command; `piped` says whether what it prints is read by the next one.
    pub(super) fn end_command(&mut self, piped: bool) {
        self.end_word();
        let next = Command { piped, ..Command::default() };
        let command = std::mem::replace(&mut self.command, next);
        let name = command.name.as_ref().and_then(Word::literal).map(str::to_owned);
        self.reads(&command, name.as_deref());
        match (&command.name, &name) {
            (None, _) => {}
            (Some(_), None) => {
                let message = "a value may not be given to a command whose name is not written out";
                self.flow.refuse(arguments(&command), message, BY_ENV);
            }
            (Some(_), Some(name)) => self.judge(&command, name),
        }
        if piped {
            self.pipeline.anything |= command.compound;
            if !name.as_deref().is_some_and(prints_files) {
                self.pipeline.prints.extend(&arguments(&command));
            }
            self.piped_compound |= command.piped && command.compound;
        } else {
            self.piped_compound |= command.piped && command.compound;
            self.pipeline = Pipeline::default();
        }
    }

    /// What the command reads, where it runs what it reads.
    fn reads(&mut self, command: &Command, name: Option<&str>) {
        let code = name.is_none_or(runs_its_input) && command.name.is_some();
        if command.compound {
            self.compound_documents.extend(&command.documents);
        }
        if !code {
            return;
        }
        self.runs_input = true;
        let what = name.unwrap_or("a command whose name is not written out");
        let message = format!("`{what}` may execute what it reads");
        let help = advice(what);
        self.flow.refuse(command.input.clone(), message.clone(), help);
        self.code_documents.extend(&command.documents);
        if command.piped {
            let all = if self.pipeline.anything { self.everything() } else { Source::default() };
            let mut read = self.pipeline.prints.clone();
            read.extend(&all);
            self.flow.refuse(read, message, help);
        }
    }

    fn judge(&mut self, command: &Command, name: &str) {
        let all = arguments(command);
        match treats(name) {
            Treats::AsData if name == "for" => self.judge_for(command),
            Treats::AsData => {
                for word in command.words.iter().take_while(|word| word.literal() != Some("--")) {
                    self.flow.may_be_option(word.beginning());
                }
                let interpreter = command.words.iter().filter_map(Word::literal).find(|word| is_interpreter(word));
                if let Some(interpreter) = interpreter {
                    let message = format!("`{name}` may hand it to `{interpreter}`, which may execute it");
                    self.flow.refuse(all, message, advice(interpreter));
                }
            }
            Treats::AsDataAfterFormat => self.judge_printf(command),
            Treats::AsOperands => self.judge_test(command, name),
            Treats::AsAssignments => self.judge_assignments(command, name),
            Treats::Unreliably => {
                for hole in command.words.iter().flat_map(|word| &word.holes) {
                    self.refuse(*hole, "what `echo` prints for a value depends on the value and the shell", "write printf '%s\\n' {{…}}");
                }
            }
            Treats::AsCode => {
                self.flow.refuse(all, format!("`{name}` may execute its arguments, or take them for names or options"), advice(name));
                if matches!(name, "read" | "mapfile" | "readarray" | "getopts") {
                    // What it reads may be what another command of the script prints.
                    for word in command.words.iter().filter_map(Word::literal).filter(|word| is_name(word)) {
                        let everything = self.everything();
                        self.assign(word, everything);
                    }
                }
            }
        }
    }

    /// `for NAME in …`: the only form in which no word behind it is a command.
    fn judge_for(&mut self, command: &Command) {
        let Some((variable, rest)) = command.words.split_first() else { return };
        match (variable.literal(), rest.split_first()) {
            (Some(name), Some((word, values))) if word.is("in") && is_name(name) => {
                let mut source = Source::default();
                for value in values {
                    source.extend(&value.source);
                }
                let name = name.to_owned();
                self.assign(&name, source);
            }
            (Some(name), None) if is_name(name) => {}
            _ => self.give_up("a `for` of this script is not understood: write `for NAME in …; do`"),
        }
    }

    /// `printf FORMAT …`: bash takes `-vNAME` for a variable, and a format for more than text.
    fn judge_printf(&mut self, command: &Command) {
        let mut words = command.words.iter();
        let Some(format) = words.by_ref().find(|word| !word.is("--")) else { return };
        self.flow.refuse(format.source.clone(), "a value may not be a part of `printf`'s format", "write printf '%s\\n' {{…}}");
        if format.text.starts_with('-') {
            self.give_up("`printf -v` executes text in a value");
        }
    }

    /// `test` and `[`: which operator is used must not depend on a value, and none may look at names.
    fn judge_test(&mut self, command: &Command, name: &str) {
        let mut words = command.words.as_slice();
        if name.ends_with('[') {
            words = words.split_last().map_or(words, |(_, before)| before);
        }
        while let [first, rest @ ..] = words
            && first.is("!")
            && rest.len() != 1
        {
            words = rest;
        }
        let operator = |word: &Word| {
            word.literal()
                .is_some_and(|text| text.starts_with(['-', '=', '!', '<', '>']) && !matches!(text, "-a" | "-o" | "-v" | "-R" | "!"))
        };
        let sound = match words {
            [] | [_] => true,
            [first, second] => operator(first) || (first.is("!") && second.literal() != Some("!")),
            [_, second, _] => operator(second),
            _ => false,
        };
        if !sound {
            let message = format!("`{name}` could take a value here for an operator, or for a name");
            self.flow.refuse(arguments(command), message, "write one comparison for each `[ … ]`, and join them by && or ||");
        }
    }

    /// `export`, `local` and `readonly`.
    fn judge_assignments(&mut self, command: &Command, name: &str) {
        for word in &command.words {
            if let Some(assigned) = assigned_name(&word.text) {
                let assigned = assigned.to_owned();
                self.assign(&assigned, word.source.clone());
            } else if name == "local" && word.text.starts_with('-') {
                // `-i` calculates and `-n` makes a name of the value: both execute.
                self.give_up("`local` with options can execute text in a value");
            } else {
                self.flow.refuse(word.source.clone(), format!("a value may not be a name that `{name}` takes"), BY_ENV);
            }
        }
    }
}

/// All that the arguments of a command are made of.
fn arguments(command: &Command) -> Source {
    let mut source = Source::default();
    for word in &command.words {
        source.extend(&word.source);
    }
    source
}
