//! Places in shell scripts (bash, dash, busybox sh).
//!
//! A value never enters the text: each place becomes the expansion of an environment variable, quoted as its context wants. What is accepted is proven
//! exact; what a shell would execute, evaluate or take for a name is refused, with what to write instead. A value also goes on, through variables,
//! functions, pipes and scripts inside of the script: it is followed to its end.

use std::fmt;

use super::PlaceFault;

mod arithmetic;
mod commands;
mod compound;
mod flow;
mod heredoc;
mod inner;
mod judge;
mod lexer;
mod parameters;
mod programs;
mod quotes;
mod shells;
mod verdict;
mod words;
mod wrappers;

/// How a value is quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quoting {
    /// Outside quotes: a word or a part of one.
    Word,
    /// Inside `"…"` or a here-document.
    InDouble,
    /// Inside `'…'`: the quotes are closed and opened again.
    InSingle,
    /// Inside bash's `$'…'`: the same.
    InAnsiC,
    /// In a calculation: a whole number in brackets.
    Number,
    /// The author takes it upon himself: the value becomes a part of the text.
    Raw,
}

/// How the author wrote the value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// `{{x}}`.
    #[default]
    Value,
    /// `{{allow_empty x}}`: it may be empty where that could be dangerous.
    AllowEmpty,
    /// `{{words x}}`: a list, each element a word.
    Words,
    /// `{{sh x}}`: quoted for a shell inside of this one.
    Sh,
    /// `{{raw x reason="…"}}`: text.
    Raw,
}

/// What the value is to the script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// An argument of a command.
    Argument,
    /// What a variable gets.
    Assignment,
    /// An element of an array.
    Element,
    /// The file of a redirection.
    Redirection,
    /// A here-document.
    HereDocument,
    /// The word that `case` looks at.
    CaseWord,
    /// A pattern of `case`, matched as it is.
    CasePattern,
    /// An operand of `[[ … ]]`, matched as it is.
    Condition,
    /// A number in a calculation.
    Calculation,
    /// A word of a script inside of this one.
    InnerScript,
    /// A piece of the text.
    Text,
}

/// A place in which a value is exact, and what its value must not be all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "four independent demands on a value")]
pub struct ShellPlace {
    /// How the value is quoted.
    pub quoting: Quoting,
    /// How the author wrote it.
    pub form: Form,
    /// What it is to the script.
    pub role: Role,
    /// Whether a value that begins with `-` would be taken for an option: it begins an argument, and no `--` stands before.
    pub may_be_option: bool,
    /// Whether an empty value would leave the folder instead of something in it: `/data/{{…}}`.
    pub ends_path: bool,
    /// Whether an empty value would be an empty argument.
    pub whole_argument: bool,
    /// Whether the script calculates with it: anything but a whole number would be executed.
    pub number: bool,
}

impl ShellPlace {
    /// The text that stands for the value of the environment variable `name`; a missing variable ends the script.
    pub fn expansion(self, name: &str) -> String {
        match self.quoting {
            Quoting::Word => format!("\"${{{name}?}}\""),
            Quoting::InDouble => format!("${{{name}?}}"),
            Quoting::InSingle => format!("'\"${{{name}?}}\"'"),
            Quoting::InAnsiC => format!("'\"${{{name}?}}\"$'"),
            Quoting::Number => format!("(${{{name}?}})"),
            Quoting::Raw => name.to_owned(),
        }
    }

    /// What is wrong with a value in this place, and what to write instead.
    pub fn objection(self, value: &str) -> Option<(&'static str, &'static str)> {
        if self.number && value.parse::<i64>().map(|number| number.to_string()).as_deref() != Ok(value) {
            return Some((
                "is no whole number, and the script calculates with it: a shell executes what stands there instead",
                "declare the variable with `type = \"int\"`",
            ));
        }
        if self.may_be_option && value.starts_with('-') && self.form != Form::Sh {
            return Some((
                "begins with `-`, and the command would take it for an option",
                "write `--` before it, `--option={{…}}` in one word, or `./{{…}}` for a path",
            ));
        }
        if value.is_empty() && matches!(self.form, Form::Value | Form::Sh) {
            if self.ends_path {
                return Some((
                    "is empty, and the path would be that of the whole folder",
                    "make sure that it has a value, or write `{{allow_empty …}}` if that is meant",
                ));
            }
            if self.whole_argument {
                return Some(("is empty, and the command would get an empty argument", "write `{{allow_empty …}}` if that is meant"));
            }
        }
        None
    }
}

/// As a reviewer reads it: `an argument, inside "…"`.
impl fmt::Display for ShellPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.role {
            Role::Argument if self.form == Form::Words => "one argument for each element",
            Role::Argument => "an argument",
            Role::Assignment => "what a variable gets",
            Role::Element => "an element of an array",
            Role::Redirection => "the file of a redirection",
            Role::HereDocument => "a here-document",
            Role::CaseWord => "the word of `case`",
            Role::CasePattern => "a pattern of `case`, matched as it is",
            Role::Condition => "an operand of `[[ ]]`, matched as it is",
            Role::Calculation => "a calculation: a whole number",
            Role::InnerScript => "a word of a script in the script, quoted for it",
            Role::Text => "a part of the script's own text, unquoted",
        })?;
        match self.quoting {
            Quoting::InDouble if self.role != Role::HereDocument => f.write_str(", inside \"…\"")?,
            Quoting::InSingle => f.write_str(", inside '…'")?,
            Quoting::InAnsiC => f.write_str(", inside $'…'")?,
            Quoting::Word | Quoting::InDouble | Quoting::Number | Quoting::Raw => {}
        }
        if self.number && self.role != Role::Calculation {
            f.write_str("; the script calculates with it: a whole number")?;
        }
        if self.may_be_option && self.form != Form::Sh {
            f.write_str("; must not begin with `-`")?;
        }
        if (self.ends_path || self.whole_argument) && matches!(self.form, Form::Value | Form::Sh) {
            f.write_str("; must not be empty")?;
        }
        Ok(())
    }
}

/// A script with values in it.
#[derive(Clone, Copy, Debug)]
pub struct Script<'a> {
    /// The pieces around the values, one more than there are values.
    pub texts: &'a [&'a str],
    /// How each value was written; those that are missing are [`Form::Value`].
    pub forms: &'a [Form],
    /// Names of environment variables that hold values.
    pub env: &'a [&'a str],
}

/// What is known of a script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Analysis {
    /// The place of each value.
    pub places: Vec<ShellPlace>,
    /// The first thing in it that only bash knows.
    pub bash_only: Option<&'static str>,
    /// For each variable of the environment: whether the script calculates with it, and what is wrong otherwise.
    pub env: Vec<EnvUse>,
}

/// What a script does with a variable of its environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EnvUse {
    /// Whether it calculates with it.
    pub number: bool,
    /// Why it must not hold a value, and what to write instead.
    pub fault: Option<(String, String)>,
}

/// The place of each value; `texts` are the pieces around them, one more than there are values.
///
/// # Errors
///
/// Every value that may not stand where it stands.
pub fn places(texts: &[&str]) -> Result<Vec<ShellPlace>, Vec<PlaceFault>> {
    analyse(&Script { texts, forms: &[], env: &[] }).map(|analysis| analysis.places)
}

/// The place of each value, and what else is known of the script.
///
/// # Errors
///
/// Every value that may not stand where it stands.
pub fn analyse(script: &Script<'_>) -> Result<Analysis, Vec<PlaceFault>> {
    if script.texts.len() < 2 && script.env.is_empty() {
        return Ok(Analysis::default());
    }
    verdict::analyse(script)
}

/// Quotes a value for one shell: `it's` becomes `'it'\''s'`.
pub fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests;
