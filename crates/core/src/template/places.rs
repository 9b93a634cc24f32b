//! Where the values of a template stand, in texts that another program interprets.

use super::ast::Node;
use super::fault::TemplateFault;
use super::kind::TextKind;
use crate::action::SqlPlace;
use crate::diagnostic::Code;
use crate::places::shell::ShellPlace;
use crate::places::{PlaceFault, shell, sql};
use crate::source::Span;

/// The places of a template's values, in the order of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Places {
    /// A text that nobody interprets.
    Text,
    /// In a shell script: each becomes the expansion of an environment variable.
    Shell(Vec<ShellPlace>),
    /// In an SQL text: each is written by the executor, which knows the session's mode.
    Sql(Vec<SqlPlace>),
}

/// Decides where each value stands.
pub(super) fn find(nodes: &[Node], kind: TextKind) -> Result<Places, Vec<TemplateFault>> {
    match kind {
        TextKind::Plain | TextKind::Url | TextKind::Path | TextKind::Argv | TextKind::Name | TextKind::Verbatim => Ok(Places::Text),
        TextKind::Shell => {
            let (texts, spans) = pieces(
                nodes,
                Code::ShellPlace,
                "give the step two scripts and let `when` choose, or use the shell's own `if` and `for` over \"$NAME\"",
            )?;
            shell::places(&texts).map(Places::Shell).map_err(|faults| placed(faults, &spans, Code::ShellPlace))
        }
        TextKind::Sql => {
            let (texts, spans) =
                pieces(nodes, Code::SqlPlace, "write two steps and let `when` choose, or put the whole text into one `{{…}}` per value")?;
            sql::places(&texts).map(Places::Sql).map_err(|faults| placed(faults, &spans, Code::SqlPlace))
        }
    }
}

/// The pieces of text around the values, one more than there are values, and the values' places.
fn pieces<'a>(nodes: &'a [Node], code: Code, help: &str) -> Result<(Vec<&'a str>, Vec<Span>), Vec<TemplateFault>> {
    let (mut texts, mut spans, mut faults) = (Vec::new(), Vec::new(), Vec::new());
    let mut before = "";
    for node in nodes {
        match node {
            Node::Text(text) => before = text,
            Node::Value { span, .. } => {
                texts.push(std::mem::take(&mut before));
                spans.push(*span);
            }
            Node::If { condition: over, .. } | Node::Each { over, .. } | Node::With { over, .. } => {
                faults.push(TemplateFault::new(code, over.span, "a block inside a script or an SQL text is not allowed").help(help));
            }
        }
    }
    texts.push(before);
    if faults.is_empty() { Ok((texts, spans)) } else { Err(faults) }
}

fn placed(faults: Vec<PlaceFault>, spans: &[Span], code: Code) -> Vec<TemplateFault> {
    let at = |hole: usize| spans.get(hole).copied().unwrap_or_default();
    faults.into_iter().map(|fault| TemplateFault::new(code, at(fault.hole), fault.message).help(fault.help)).collect()
}
