//! Large files in pieces: cut at headers such as `[[step]]`, put together again.

use super::{Node, NodeKind, Table};
use crate::source::{Source, Span};

/// Larger texts are read in pieces.
pub(super) const LARGE: usize = 256 * 1024;

/// About how large a piece is.
const PIECE: usize = 64 * 1024;

/// The pieces of a text; each but the first begins with a header `[[NAME]]`. Where such a line stands inside a text or a list, the pieces around it
/// are no valid TOML, which whoever reads them will see.
pub(super) fn cut(text: &str) -> Vec<Span> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for (at, _) in text.match_indices("\n[[") {
        let at = at + 1;
        if at - start >= PIECE && is_root_header(text.get(at..).unwrap_or_default()) {
            pieces.push(Span::new(start, at));
            start = at;
        }
    }
    pieces.push(Span::new(start, text.len()));
    pieces
}

/// Whether the line is `[[NAME]]` and not `[[NAME.MORE]]`, which belongs to what comes before.
fn is_root_header(rest: &str) -> bool {
    let name = rest.get(2..).and_then(|rest| rest.split(']').next()).unwrap_or_default();
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// Adds the entries of the next piece. None where that would not be what the whole text means.
pub(super) fn join(source: &Source, whole: &mut Table, piece: Table) -> Option<()> {
    for entry in piece.entries {
        let Some(known) = whole.entries.iter_mut().find(|known| known.key == entry.key) else {
            whole.entries.push(entry);
            continue;
        };
        match (&mut known.value.kind, entry.value.kind) {
            (NodeKind::List(known), NodeKind::List(more)) if of_headers(source, known) && of_headers(source, &more) => known.extend(more),
            _ => return None,
        }
    }
    Some(())
}

/// Whether the list was made of `[[NAME]]` headers.
fn of_headers(source: &Source, items: &[Node]) -> bool {
    items.first().is_some_and(|item| source.slice(item.span).starts_with("[["))
}
