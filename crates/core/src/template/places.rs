//! Where the values of a template stand, in texts that another program interprets.

use super::ast::Node;
use super::fault::TemplateFault;
use super::form::Form;
use super::kind::TextKind;
use crate::action::SqlPlace;
use crate::diagnostic::Code;
use crate::places::shell::{Script, ShellPlace};
use crate::places::url::UrlPlace;
use crate::places::{PlaceFault, shell, sql, url};
use crate::source::Span;

/// The places of a template's values, in the order of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Places {
    /// A text that nobody interprets.
    Text,
    /// In a shell script: each becomes the expansion of an environment variable.
    Shell {
        /// The place of each.
        places: Vec<ShellPlace>,
        /// The first thing in the script that only bash knows.
        bash_only: Option<&'static str>,
    },
    /// In an SQL text: each is written by the executor, which knows the session's mode.
    Sql(Vec<SqlPlace>),
    /// In a URL.
    Url(Vec<UrlPlace>),
}

/// A value in a text that another program interprets, as a reviewer reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placing {
    /// The expression: `vars.image`.
    pub origin: String,
    /// Where the whole `{{…}}` stands, in bytes of the decoded text.
    pub span: Span,
    /// Where it stands and what follows from that, in words.
    pub context: String,
    /// How it was written.
    pub form: Form,
    /// Why it is not escaped, where it is not.
    pub reason: Option<String>,
}

/// Decides where each value stands.
pub(super) fn find(nodes: &[Node], kind: TextKind) -> Result<Places, Vec<TemplateFault>> {
    match kind {
        TextKind::Plain | TextKind::Path | TextKind::Argv | TextKind::Name | TextKind::Verbatim => {
            let mut faults = Vec::new();
            plain(nodes, &mut faults);
            if faults.is_empty() { Ok(Places::Text) } else { Err(faults) }
        }
        TextKind::Shell => shell_places(&Pieces::of(
            nodes,
            Code::ShellPlace,
            "give the step two scripts and let `when` choose, or use the shell's own `if` and `for` over \"$NAME\"",
            &[Form::AllowEmpty, Form::Words, Form::Sh, Form::Raw],
        )?),
        TextKind::Sql => {
            let help = "write two steps and let `when` choose, or put the whole text into one `{{…}}` per value";
            let pieces = Pieces::of(nodes, Code::SqlPlace, help, &[Form::Like, Form::Raw])?;
            let forms: Vec<sql::Form> = pieces.forms.iter().map(|form| sql_form(*form)).collect();
            sql::analyse(&pieces.texts, &forms).map(Places::Sql).map_err(|faults| placed(faults, &pieces.spans, Code::SqlPlace))
        }
        TextKind::Url if nodes.iter().all(|node| matches!(node, Node::Text(_))) => Ok(Places::Text),
        TextKind::Url => {
            let pieces = Pieces::of(nodes, Code::UrlPlace, "write two steps and let `when` choose", &[Form::Raw])?;
            let raw: Vec<bool> = pieces.forms.iter().map(|form| *form == Form::Raw).collect();
            url::places(&pieces.texts, &raw).map(Places::Url).map_err(|faults| placed(faults, &pieces.spans, Code::UrlPlace))
        }
    }
}

fn shell_places(pieces: &Pieces<'_>) -> Result<Places, Vec<TemplateFault>> {
    let forms: Vec<shell::Form> = pieces.forms.iter().map(|form| shell_form(*form)).collect();
    let analysis = shell::analyse(&Script { texts: &pieces.texts, forms: &forms, env: &[] })
        .map_err(|faults| placed(faults, &pieces.spans, Code::ShellPlace))?;
    Ok(Places::Shell { places: analysis.places, bash_only: analysis.bash_only })
}

/// How the shell's lexer calls it.
pub(crate) const fn shell_form(form: Form) -> shell::Form {
    match form {
        Form::Plain | Form::Like => shell::Form::Value,
        Form::AllowEmpty => shell::Form::AllowEmpty,
        Form::Words => shell::Form::Words,
        Form::Sh => shell::Form::Sh,
        Form::Raw => shell::Form::Raw,
    }
}

/// How the SQL lexer calls it.
pub(crate) const fn sql_form(form: Form) -> sql::Form {
    match form {
        Form::Plain | Form::AllowEmpty | Form::Words | Form::Sh => sql::Form::Value,
        Form::Like => sql::Form::Like,
        Form::Raw => sql::Form::Raw,
    }
}

/// In a text that nobody interprets, nothing needs to be said on how a value is written.
fn plain(nodes: &[Node], faults: &mut Vec<TemplateFault>) {
    for node in nodes {
        match node {
            Node::Text(_) | Node::Value { form: Form::Plain, .. } => {}
            Node::Value { form, span, .. } => faults.push(out_of_place(*form, *span)),
            Node::If { then: body, otherwise, .. } | Node::Each { body, otherwise, .. } | Node::With { body, otherwise, .. } => {
                plain(body, faults);
                plain(otherwise, faults);
            }
        }
    }
}

fn out_of_place(form: Form, span: Span) -> TemplateFault {
    let (whither, help) = match form {
        Form::Like => ("patterns of SQL", "write the value without it"),
        Form::Raw => ("scripts, SQL texts and URLs", "nothing is escaped here: write the value without it"),
        Form::Words => ("scripts", "a list keeps its type where the text is nothing but `{{…}}`"),
        Form::Plain | Form::AllowEmpty | Form::Sh => ("scripts", "write the value without it"),
    };
    TemplateFault::new(Code::FormOutOfPlace, span, format!("`{}` is for {whither}", form.name())).help(help)
}

/// The pieces of text around the values, one more than there are values, and what is known of the values.
pub(super) struct Pieces<'a> {
    pub(super) texts: Vec<&'a str>,
    pub(super) spans: Vec<Span>,
    pub(super) forms: Vec<Form>,
}

impl<'a> Pieces<'a> {
    fn of(nodes: &'a [Node], code: Code, help: &str, forms: &[Form]) -> Result<Self, Vec<TemplateFault>> {
        let (mut pieces, mut faults) = (Self { texts: Vec::new(), spans: Vec::new(), forms: Vec::new() }, Vec::new());
        let mut before = "";
        for node in nodes {
            match node {
                Node::Text(text) => before = text,
                Node::Value { span, form, .. } => {
                    if *form != Form::Plain && !forms.contains(form) {
                        faults.push(out_of_place(*form, *span));
                    }
                    pieces.texts.push(std::mem::take(&mut before));
                    pieces.spans.push(*span);
                    pieces.forms.push(*form);
                }
                Node::If { condition: over, .. } | Node::Each { over, .. } | Node::With { over, .. } => {
                    faults.push(
                        TemplateFault::new(code, over.span, "a block inside a script, an SQL text or a URL is not allowed").help(help),
                    );
                }
            }
        }
        pieces.texts.push(before);
        if faults.is_empty() { Ok(pieces) } else { Err(faults) }
    }
}

/// The pieces of a template that was parsed.
pub(super) fn pieces(nodes: &[Node]) -> Pieces<'_> {
    let every = [Form::AllowEmpty, Form::Words, Form::Sh, Form::Like, Form::Raw];
    Pieces::of(nodes, Code::ShellPlace, "", &every).unwrap_or_else(|_| Pieces { texts: Vec::new(), spans: Vec::new(), forms: Vec::new() })
}

fn placed(faults: Vec<PlaceFault>, spans: &[Span], code: Code) -> Vec<TemplateFault> {
    let at = |hole: usize| spans.get(hole).copied().unwrap_or_default();
    faults.into_iter().map(|fault| TemplateFault::new(code, at(fault.hole), fault.message).help(fault.help)).collect()
}
