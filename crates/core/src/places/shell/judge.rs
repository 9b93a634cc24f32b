//! Whether the command that ends may be given its values.

use super::commands::{Treats, advice, is_given_its_program, is_interpreter, prints_files, runs_its_input, treats};
use super::flow::Source;
use super::lexer::{BY_ENV, Lexer};
use super::words::{Command, Word, assigned_name, is_name};
use super::wrappers::Led;
use super::{Form, Role};

/// How many wrappers may stand before a command: `sudo nohup timeout 5 …`.
const WRAPPERS: usize = 6;

/// What the commands of a pipeline so far may print.
#[derive(Clone, Debug, Default)]
pub(super) struct Pipeline {
    /// Values and variables among their arguments.
    prints: Source,
    /// Whether a compound command is among them: then it may print anything.
    pub(super) anything: bool,
}

impl Lexer<'_> {
    /// Ends the command; `piped` says whether what it prints is read by the next one.
    pub(super) fn end_command(&mut self, piped: bool) {
        self.end_word();
        let next = Command { piped, ..Command::default() };
        let mut command = std::mem::replace(&mut self.command, next);
        let name = command.name.as_ref().and_then(Word::literal).map(str::to_owned);
        for word in &command.words {
            self.role(word, Role::Argument);
        }
        if let Some(name) = &name {
            command.compound |= self.functions.contains(name);
        }
        match (&command.name, &name) {
            (None, _) => {}
            (Some(_), None) => {
                let message = "a value may not be given to a command whose name is not written out";
                self.flow.refuse(all(&command.words), message, BY_ENV);
                self.reads(&command, None, &[]);
            }
            (Some(_), Some(name)) => {
                let (name, words) = self.effective(name, &command.words);
                self.reads(&command, Some(&name), words);
                self.judge_words(&name, words);
            }
        }
        if command.name.is_none() {
            self.reads(&command, None, &[]);
        }
        self.piped_compound |= command.piped && command.compound;
        if piped {
            self.pipeline.anything |= command.compound;
            if !name.as_deref().is_some_and(prints_files) {
                self.pipeline.prints.extend(&all(&command.words));
            }
            self.pipeline.prints.extend(&command.input);
            // The body of a here-document is not read yet.
            self.pipeline.anything |= !command.documents.is_empty();
        } else {
            self.pipeline = Pipeline::default();
        }
    }

    /// The command that is carried out in the end, and its arguments; wrappers that are not understood stay themselves.
    fn effective<'w>(&mut self, name: &str, words: &'w [Word]) -> (String, &'w [Word]) {
        let (mut name, mut words) = (name.to_owned(), words);
        for _ in 0..WRAPPERS {
            match self.led(&name, words) {
                Led::Itself => return (name, words),
                Led::To(command, rest) => {
                    name = command.literal().unwrap_or_default().to_owned();
                    words = rest;
                }
                Led::Nowhere => break,
            }
        }
        self.flow.refuse(all(words), format!("`{name}` may execute its arguments, or take them for names or options"), advice(&name));
        (name, words)
    }

    /// What the command reads, where it runs what it reads.
    fn reads(&mut self, command: &Command, name: Option<&str>, words: &[Word]) {
        if command.compound {
            self.compound_documents.extend(&command.documents);
        }
        let literals: Vec<Option<&str>> = words.iter().map(Word::literal).collect();
        let code = command.name.is_some() && name.is_none_or(|name| runs_its_input(name) && !is_given_its_program(name, &literals));
        if !code {
            return;
        }
        self.runs_input = true;
        let what = name.unwrap_or("a command whose name is not written out");
        let message = format!("`{what}` may execute what it reads");
        let help = advice(what);
        self.flow.refuse(command.input.clone(), message.clone(), help);
        let shell = name.is_some_and(|name| super::commands::is_shell(name) || name == "ssh");
        self.code_documents.extend(command.documents.iter().map(|number| (*number, shell)));
        if command.piped {
            let mut read = self.pipeline.prints.clone();
            if self.pipeline.anything {
                read.extend(&self.everything());
            }
            self.flow.refuse(read, message, help);
        }
    }

    /// What a command may not get among its arguments.
    pub(super) fn judge_words(&mut self, name: &str, words: &[Word]) {
        if self.functions.contains(name) {
            // A number stays a number only where each argument is one.
            for word in words {
                self.assign_argument(word);
            }
            return;
        }
        let treats = treats(name);
        if treats != Treats::AsCode
            && let Led::To(command, rest) = self.led(name, words)
        {
            let inner = command.literal().unwrap_or_default().to_owned();
            return self.judge_words(&inner, rest);
        }
        match treats {
            Treats::AsData => self.judge_data(name, words),
            Treats::AsList => self.judge_for(words),
            Treats::AsDataAfterFormat => self.judge_printf(words),
            Treats::AsOperands => self.judge_test(words, name),
            Treats::AsAssignments => self.judge_assignments(words, name),
            Treats::AsShell => self.judge_shell(name, words),
            Treats::AsRemote => self.judge_ssh(words),
            Treats::AsProgram => self.judge_program(name, words),
            Treats::Unreliably => self.judge_echo(words),
            Treats::AsCode => self.judge_code(name, words),
        }
    }

    fn assign_argument(&mut self, word: &Word) {
        let mixed = word.text.chars().count() > 1;
        self.assign("@", word.source(), mixed);
    }

    fn judge_data(&mut self, name: &str, words: &[Word]) {
        let interpreter = words.iter().position(|word| word.literal().is_some_and(is_interpreter));
        if let Some(at) = interpreter
            && let Some((command, rest)) = words.get(at..).and_then(<[Word]>::split_first)
            && matches!(name.rsplit('/').next(), Some("docker" | "podman" | "nerdctl" | "kubectl"))
        {
            // `docker exec c sh -c '…' _ {{…}}`
            let inner = command.literal().unwrap_or_default().to_owned();
            self.judge_words(&inner, rest);
            return self.judge_operands(words.get(..at).unwrap_or_default());
        }
        if let Some(word) = interpreter.and_then(|at| words.get(at)).and_then(Word::literal) {
            let message = format!("`{name}` may hand it to `{word}`, which may execute it");
            self.flow.refuse(all(words), message, advice(word));
        }
        self.judge_operands(words);
    }

    fn judge_operands(&mut self, words: &[Word]) {
        let mut options = true;
        for word in words {
            options &= word.literal() != Some("--");
            if options {
                self.flow.may_be_option(word.beginning());
            }
            if word.may_be_nothing() && word.parts.len() == 1 && word.holes.len() + usize::from(word.quoted) > 0 {
                self.flow.must_not_be_empty(word.source());
            }
        }
    }

    fn judge_code(&mut self, name: &str, words: &[Word]) {
        match (name, words) {
            ("set", [first, rest @ ..]) if first.is("--") => {
                for word in rest {
                    self.assign_argument(word);
                }
                return;
            }
            ("trap", [first, rest @ ..]) if first.literal().is_some() => {
                let text = first.literal().unwrap_or_default().to_owned();
                if text != "-" && !text.is_empty() {
                    self.inner_text(&text);
                }
                return self.flow.refuse(all(rest), "`trap` takes it for a signal", BY_ENV);
            }
            ("eval", words) => {
                let text: Option<Vec<&str>> = words.iter().map(Word::literal).collect();
                match text {
                    Some(texts) => {
                        let text = texts.join(" ");
                        self.inner_text(&text);
                    }
                    None if all(words).holes.is_empty() => self.give_up("this script uses `eval`, which can execute text in a value"),
                    None => {}
                }
            }
            ("let", words) => {
                self.bash_only("`let`");
                for word in words {
                    let text = word.text.clone();
                    self.calculates(&text, word.source());
                }
                return;
            }
            ("read" | "mapfile" | "readarray" | "getopts", words) => self.judge_read(words),
            ("unset", words) => {
                for word in words.iter().filter(|word| word.text.contains('[')) {
                    let text = word.text.clone();
                    self.calculates(&text, Source::default());
                }
            }
            _ => {}
        }
        self.flow.refuse(all(words), format!("`{name}` may execute its arguments, or take them for names or options"), advice(name));
    }

    /// What is read may be what another command of the script prints.
    fn judge_read(&mut self, words: &[Word]) {
        for word in words {
            if word.text.contains('[') {
                let text = word.text.clone();
                self.calculates(&text, Source::default());
            }
            if let Some(name) = word.literal().filter(|name| is_name(name)) {
                let (name, everything) = (name.to_owned(), self.everything());
                self.assign(&name, everything, true);
            }
        }
    }

    fn judge_echo(&mut self, words: &[Word]) {
        for hole in words.iter().flat_map(|word| &word.holes) {
            self.refuse(*hole, "what `echo` prints for a value depends on the value and the shell", "write printf '%s\\n' {{…}}");
        }
    }

    /// `printf FORMAT …`: bash takes `-vNAME` for a variable, and a format for more than text.
    fn judge_printf(&mut self, words: &[Word]) {
        let mut words = words.iter();
        let Some(format) = words.by_ref().find(|word| !word.is("--")) else { return };
        self.flow.refuse(format.source(), "a value may not be a part of `printf`'s format", "write printf '%s\\n' {{…}}");
        if format.text.starts_with('-') {
            self.give_up("`printf -v` executes text in a value");
        }
    }

    /// `test` and `[`: which operator is used must not depend on a value, and none may look at names.
    fn judge_test(&mut self, words: &[Word], name: &str) {
        let mut words = words;
        if name.ends_with('[') {
            words = words.split_last().map_or(words, |(_, before)| before);
        }
        for word in words.iter().filter(|word| word.text.contains('[')) {
            // `[ -v a[x] ]` calculates.
            if words.iter().any(|word| matches!(word.literal(), Some("-v" | "-R"))) {
                let text = word.text.clone();
                self.calculates(&text, Source::default());
            }
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
        if words.iter().any(|word| word.is("==")) {
            self.bash_only("`==` in `[ ]`");
        }
        if !sound {
            let message = format!("`{name}` could take a value here for an operator, or for a name");
            self.flow.refuse(all(words), message, "write one comparison for each `[ … ]`, and join them by && or ||");
        }
        for hole in words.iter().flat_map(|word| &word.holes) {
            if self.form(*hole) == Form::Words {
                self.refuse(*hole, "a list may not stand in a comparison", "compare one of its elements");
            }
        }
    }

    /// `export`, `local`, `readonly`, `declare`.
    fn judge_assignments(&mut self, words: &[Word], name: &str) {
        let options: String = words.iter().filter(|word| word.text.starts_with(['-', '+'])).map(|word| word.text.as_str()).collect();
        if matches!(name, "declare" | "typeset") {
            self.bash_only("`declare`");
        }
        for word in words {
            if let Some(assigned) = assigned_name(&word.text) {
                let assigned = assigned.to_owned();
                self.role(word, Role::Assignment);
                let list = word.text.ends_with('=') && self.arrays.contains(&assigned);
                if options.contains('i') {
                    // Each assignment calculates from now on.
                    self.flow.number(word.source());
                    self.flow.number(Source::name(&assigned));
                }
                if options.contains(['a', 'A']) && !list {
                    self.flow.refuse(
                        word.source(),
                        format!("`{name}` with this option executes text in it (tried with bash 5.2)"),
                        "write `NAME=( {{…}} )`",
                    );
                }
                if !list {
                    self.declared.push((assigned.clone(), word.source()));
                }
                self.assign_word(&assigned, word);
            } else if word.text.starts_with(['-', '+']) {
                self.flow.refuse(word.source(), format!("a value may not be an option of `{name}`"), BY_ENV);
                if word.text.contains('n') && word.text != "-n" || name != "export" && word.text == "-n" {
                    self.give_up(&format!("`{name} -n` makes a name of a value, and executes text in it"));
                }
            } else {
                if word.text.contains('[') {
                    let text = word.text.clone();
                    self.calculates(&text, Source::default());
                }
                if options.contains('i') {
                    self.flow.number(Source::name(word.text.clone()));
                }
                if options.contains(['a', 'A']) {
                    self.arrays.insert(word.text.clone());
                }
                self.flow.refuse(word.source(), format!("a value may not be a name that `{name}` takes"), BY_ENV);
            }
        }
    }
}

/// All that words are made of.
pub(super) fn all(words: &[Word]) -> Source {
    let mut source = Source::default();
    for word in words {
        source.extend(&word.source());
    }
    source
}
