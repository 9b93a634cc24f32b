//! awk, sed, jq, python, find and tar: a program text or options, then data.

use super::commands::advice;
use super::lexer::Lexer;
use super::words::Word;

/// What is known of a program's options.
struct Program {
    names: &'static [&'static str],
    /// Options behind which a program text, or a file with one, stands: then no operand is one.
    given_by: &'static [&'static str],
    /// Options behind which something else stands that may be no value.
    with_argument: &'static [&'static str],
    /// Options that take a name and a value, which may be any.
    with_value: &'static [&'static str],
    /// Whether the first operand is a program text.
    begins_with_text: bool,
}

const PROGRAMS: &[Program] = &[
    Program {
        names: &["awk", "gawk", "mawk", "nawk"],
        given_by: &["-f", "-e", "-E", "-i", "-l", "--file", "--source", "--include", "--load"],
        with_argument: &["-F", "-v", "--field-separator", "--assign"],
        with_value: &[],
        begins_with_text: true,
    },
    Program {
        names: &["sed"],
        given_by: &["-e", "-f", "--expression", "--file"],
        with_argument: &["-l", "--line-length"],
        with_value: &[],
        begins_with_text: true,
    },
    Program {
        names: &["jq"],
        given_by: &["-f", "--from-file"],
        with_argument: &["-L", "--indent", "--argjson", "--slurpfile", "--rawfile"],
        with_value: &["--arg"],
        begins_with_text: true,
    },
    Program {
        names: &["tar"],
        given_by: &[
            "-I",
            "-F",
            "--use-compress-program",
            "--to-command",
            "--rsh-command",
            "--info-script",
            "--new-volume-script",
            "--checkpoint-action",
        ],
        with_argument: &[],
        with_value: &[],
        begins_with_text: true,
    },
    Program {
        names: &["nc", "ncat", "netcat"],
        given_by: &["-e", "-c", "--exec", "--sh-exec", "--lua-exec"],
        with_argument: &["-X", "-x", "--proxy"],
        with_value: &[],
        begins_with_text: false,
    },
];

/// What may stand behind these options of `find` without being executed.
const FIND_TESTS: &[&str] = &[
    "-name",
    "-iname",
    "-path",
    "-ipath",
    "-wholename",
    "-newer",
    "-anewer",
    "-cnewer",
    "-user",
    "-group",
    "-size",
    "-mtime",
    "-mmin",
    "-atime",
    "-amin",
    "-ctime",
    "-cmin",
    "-maxdepth",
    "-mindepth",
    "-perm",
    "-lname",
    "-samefile",
];

impl Lexer<'_> {
    pub(super) fn judge_program(&mut self, name: &str, words: &[Word]) {
        let base = name.rsplit('/').next().unwrap_or(name).to_owned();
        if base == "find" {
            return self.judge_find(words);
        }
        if base.starts_with("python") {
            return self.judge_python(&base, words);
        }
        let Some(program) = PROGRAMS.iter().find(|program| program.names.contains(&base.as_str())) else { return };
        let (mut first, mut options) = (program.begins_with_text, true);
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let text = word.literal();
            match text {
                Some("--") if options => options = false,
                // tar's first word is its options, with a dash or without.
                Some(option) if options && option.starts_with('-') && option.len() > 1 => {
                    if base == "tar" {
                        first = false;
                    }
                    if program.given_by.contains(&option) {
                        first = false;
                        self.refuse_next(words.next(), &base);
                    } else if program.with_argument.contains(&option) {
                        self.refuse_next(words.next(), &base);
                    } else if program.with_value.contains(&option) {
                        self.refuse_next(words.next(), &base);
                        words.next();
                    }
                }
                Some(_) => first = false,
                None if first => {
                    first = false;
                    self.refuse_word(word, &base);
                }
                // `--option={{…}}` may be one that runs something.
                None if options && word.text.starts_with('-') => self.refuse_word(word, &base),
                None => {
                    if options {
                        self.flow.may_be_option(word.beginning());
                    }
                    self.flow.must_not_be_empty(word.if_nothing_else());
                }
            }
        }
    }

    fn refuse_next(&mut self, word: Option<&Word>, base: &str) {
        if let Some(word) = word {
            self.refuse_word(word, base);
        }
    }

    fn refuse_word(&mut self, word: &Word, base: &str) {
        self.flow.refuse(word.source(), format!("`{base}` may take it for a part of its program or for an option"), advice(base));
    }

    /// Behind a program that is written out, values are in `sys.argv`.
    fn judge_python(&mut self, base: &str, words: &[Word]) {
        let given = words.iter().position(|word| word.literal().is_some_and(|text| text == "-" || !text.starts_with('-')));
        let program = words.iter().position(|word| matches!(word.literal(), Some("-c" | "-m")));
        let last = match (program, given) {
            (Some(at), _) if words.get(at + 1).is_some_and(|word| word.literal().is_some()) => at + 1,
            (None, Some(at)) => at,
            _ => words.len(),
        };
        for (at, word) in words.iter().enumerate() {
            if at <= last {
                self.refuse_word(word, base);
            }
        }
    }

    /// Paths, then tests and actions.
    fn judge_find(&mut self, words: &[Word]) {
        let executes = words.iter().position(|word| matches!(word.literal(), Some("-exec" | "-execdir" | "-ok" | "-okdir")));
        let (tests, action) = words.split_at(executes.unwrap_or(words.len()));
        let mut before: Option<&str> = None;
        for word in tests {
            let source = word.source();
            let safe = before.is_some_and(|before| FIND_TESTS.contains(&before)) || word.text.starts_with(['/', '.']);
            if !source.is_empty() && !safe {
                self.flow.refuse(
                    source,
                    "`find` may take it for a test or an action",
                    "begin it with `./` or `/`, or write it behind a test such as `-name`",
                );
            }
            before = word.literal();
        }
        // `;` and `+` end what is executed, and begin tests again.
        for word in action.iter().filter(|word| word.may_be_nothing()) {
            let help = "glue it to other text (`./{{…}}`), or pass it through `env` and sh -c '… \"$NAME\"'";
            self.flow.refuse(word.source(), "`find` takes `;` and `+` for the end of what it executes", help);
        }
        if let Some((command, arguments)) = action.split_first().and_then(|(_, rest)| rest.split_first()) {
            match command.literal().map(str::to_owned) {
                Some(name) => self.judge_words(&name, arguments),
                None => self.flow.refuse(command.source(), "`find` would execute it", advice("find")),
            }
        }
    }
}
