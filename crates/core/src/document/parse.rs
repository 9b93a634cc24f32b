//! From a source to a tree. The parser's table is consumed while the tree grows, so that both are never there whole.

use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Entry, Node, NodeKind, Table, hidden, pieces, syntax, toml_1_1};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::source::{Source, Span};

/// Reads a file's text. A tree is given where its structure is certain, even if single values are faulty (they are reported); none where a
/// bracket or a key's value is missing, because what follows would be guessed.
pub fn parse(source: &Arc<Source>) -> (Option<Node>, Diagnostics) {
    let mut faults = Diagnostics::new();
    let hidden = hidden::find(source, &mut faults);
    let whole = Span::new(0, source.text().len());
    if whole.end > pieces::LARGE
        && hidden.is_empty()
        && let Some((table, found)) = in_pieces(source)
    {
        return (Some(Node { span: whole, kind: NodeKind::Table(table) }), found);
    }
    let (table, errors) = DeTable::parse_recoverable(source.text());
    let certain = syntax::report(source, &table, errors, &hidden, &mut faults);
    if !certain {
        return (None, faults);
    }
    let mut reader = Reader { source, base: 0, faults, inline: false };
    let node = Node { span: whole, kind: NodeKind::Table(reader.table(table.into_inner())) };
    (Some(node), reader.faults)
}

/// Reads a large file piece by piece: the parser takes many times a text's size while it works. None where a piece alone has an error, or cannot be
/// put together with the others: the file is then read as a whole, which says what is wrong.
fn in_pieces(source: &Arc<Source>) -> Option<(Table, Diagnostics)> {
    let mut whole = Table::default();
    let mut reader = Reader { source, base: 0, faults: Diagnostics::new(), inline: false };
    for piece in pieces::cut(source.text()) {
        let (table, errors) = DeTable::parse_recoverable(source.slice(piece));
        if !errors.is_empty() {
            return None;
        }
        reader.base = piece.start;
        let table = reader.table(table.into_inner());
        pieces::join(source, &mut whole, table)?;
    }
    Some((whole, reader.faults))
}

struct Reader<'a> {
    source: &'a Arc<Source>,
    /// Where the text that the parser saw begins in the source.
    base: usize,
    faults: Diagnostics,
    /// Whether an inline table around this place was looked at already.
    inline: bool,
}

impl Reader<'_> {
    fn table(&mut self, table: DeTable<'_>) -> Table {
        let mut entries = Vec::with_capacity(table.len());
        for (key, value) in table {
            let key_span = self.span(key.span());
            let key = key.into_inner().into_owned();
            entries.push(Entry { key, key_span, value: self.node(value) });
        }
        Table { entries }
    }

    fn node(&mut self, value: Spanned<DeValue<'_>>) -> Node {
        let span = self.span(value.span());
        let kind = match value.into_inner() {
            DeValue::String(text) => {
                // Only a text with escapes is not borrowed from the source.
                if matches!(text, std::borrow::Cow::Owned(_)) {
                    self.note(toml_1_1::in_string(self.source, span));
                }
                NodeKind::Str(text.into_owned())
            }
            DeValue::Integer(number) => {
                // A faulty number was reported by the parser, and comes as an empty text or with its fault in it.
                NodeKind::Int(i64::from_str_radix(number.as_str(), number.radix()).unwrap_or_else(|_| {
                    if number.as_str().chars().all(|c| c.is_ascii_hexdigit() || c == '-') && !number.as_str().is_empty() {
                        self.faults.push(Diagnostic::error(Code::Syntax, format!("the number `{number}` is too large")).at(
                            self.source,
                            span,
                            "expected a whole number of at most 64 bits",
                        ));
                    }
                    0
                }))
            }
            DeValue::Float(number) => NodeKind::Float(number.as_str().parse().unwrap_or_default()),
            DeValue::Boolean(value) => NodeKind::Bool(value),
            DeValue::Datetime(time) => {
                if time.time.is_some_and(|t| t.second.is_none()) {
                    self.note(Some(toml_1_1::in_time(self.source, span)));
                }
                NodeKind::Datetime(self.source.slice(span).to_owned())
            }
            DeValue::Array(array) => {
                // Not collected: that would keep the parser's own, larger allocation.
                let mut items = Vec::with_capacity(array.len());
                for item in array {
                    items.push(self.node(item));
                }
                NodeKind::List(items)
            }
            DeValue::Table(table) => {
                let outermost = !self.inline && self.source.text().as_bytes().get(span.start) == Some(&b'{');
                if outermost {
                    self.note(toml_1_1::in_inline_table(self.source, span));
                    self.inline = true;
                }
                let table = self.table(table);
                if outermost {
                    self.inline = false;
                }
                NodeKind::Table(table)
            }
        };
        Node { span, kind }
    }

    fn span(&self, range: std::ops::Range<usize>) -> Span {
        Span::new(self.base + range.start, self.base + range.end)
    }

    fn note(&mut self, fault: Option<Diagnostic>) {
        if let Some(fault) = fault {
            self.faults.push(fault);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<Node>, Vec<String>) {
        let source = Arc::new(Source::new("x.toml", text));
        let (node, faults) = parse(&source);
        let faults = faults
            .iter()
            .map(|d| {
                format!(
                    "{} {} {}",
                    d.code,
                    d.labels.first().map(|l| l.source.position(l.span.start).to_string()).unwrap_or_default(),
                    d.message
                )
            })
            .collect();
        (node, faults)
    }

    #[test]
    fn keys_and_values_know_their_places() {
        let text = "[[step]]\nid = \"a\"\ndocker.stop = { container = 'x' }\n";
        let (node, faults) = read(text);
        assert_eq!(faults, Vec::<String>::new());
        let NodeKind::Table(root) = node.unwrap().kind else { panic!() };
        let NodeKind::List(steps) = &root.get("step").unwrap().kind else { panic!() };
        assert_eq!(&text[steps[0].span.range()], "[[step]]");
        let NodeKind::Table(step) = &steps[0].kind else { panic!() };
        let docker = step.entry("docker").unwrap();
        assert_eq!(&text[docker.key_span.range()], "docker");
        let NodeKind::Table(actions) = &docker.value.kind else { panic!() };
        assert_eq!(&text[actions.entries[0].value.span.range()], "{ container = 'x' }");
    }

    #[test]
    fn several_faults_are_told_at_once_and_the_rest_is_read() {
        let (node, faults) = read("a = yes\nb = 2\nb = 3\nc = \"\\q\"\nd = 99999999999999999999\n");
        assert!(node.is_some());
        assert_eq!(
            faults,
            [
                "RB101 1:5 `yes` is not a value",
                "RB101 3:1 `b` is set twice",
                "RB101 4:6 `\\q` is no escape",
                "RB101 5:5 the number `99999999999999999999` is too large",
            ]
        );
    }

    #[test]
    fn an_unclosed_bracket_is_one_fault() {
        let (node, faults) = read("x = yes\na = [1, 2\n[x]\nb = 3\nc = \"q\"\n[[step]]\nid='x'\n");
        assert!(node.is_none());
        assert_eq!(faults, ["RB101 1:5 `yes` is not a value", "RB101 2:5 this `[` is not closed"]);
        let (_, faults) = read("[[step]]\nid = \"a\"\ndocker.run = { image = \"x\", env = { A = \"b\" }\n[[step]]\nid = \"b\"\n");
        assert_eq!(faults, ["RB101 3:14 this `{` is not closed"]);
        let (_, faults) = read("a = { b = \"x \\\n  y\" }\nc = yes\n");
        assert_eq!(faults, ["RB101 1:15 the text is not closed on its line", "RB101 3:5 `yes` is not a value"]);
        let (_, faults) = read("a = \"\"\"abc\n[[step]]\nid=\"x\"\n");
        assert_eq!(faults, ["RB101 1:5 this text is not closed"]);
    }

    #[test]
    fn toml_1_1_is_refused() {
        for (text, fault) in [
            ("a = {b = 1,\n c = 2}\n", "RB104 1:12 a line end inside `{ … }` is TOML 1.1, which many tools do not read"),
            ("a = {b = '}', c = 2, }\n", "RB104 1:20 a comma before the `}` is TOML 1.1, which many tools do not read"),
            ("a = [{b = {c = 2 ,}}]\n", "RB104 1:18 a comma before the `}` is TOML 1.1, which many tools do not read"),
            ("a = \"\\\\\\e\"\n", "RB104 1:8 `\\e` is TOML 1.1, which many tools do not read"),
            ("a = \"\\x41\"\n", "RB104 1:6 `\\x` is TOML 1.1, which many tools do not read"),
            ("a = 07:32\n", "RB104 1:5 a time without seconds is TOML 1.1, which many tools do not read"),
        ] {
            assert_eq!(read(text).1, [fault], "{text}");
        }
        for text in [
            "a = {b = [1,\n 2,\n], c = \"\"\"x,}\n\"\"\"}\n",
            "a = {b = ',}', c = \"\\\",}\"}\n",
            "a = [{b = 1},\n]\n",
            "a = ['x', # {,}\n]",
        ] {
            assert_eq!(read(text).1, Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn what_a_reviewer_does_not_see_is_an_error() {
        let (_, faults) = read("a = 'x\u{1b}y' # \u{0}\nb = \"\u{202e}c\"\r\n# \u{feff}");
        assert_eq!(
            faults,
            [
                "RB105 1:7 an ESC character (U+001B) stands in the file",
                "RB105 1:13 a NUL character (U+0000) stands in the file",
                "RB105 2:6 a character that turns the reading direction (U+202E) stands in the file",
                "RB105 3:3 a character without width (U+FEFF) stands in the file",
            ]
        );
        assert_eq!(read("\u{feff}a = 'ü 漢字'").1, Vec::<String>::new());
    }

    #[test]
    fn line_ends_of_scripts_are_line_feeds_and_written_carriage_returns_stay() {
        let (node, _) = read("a = \"\"\"x\r\ny\\r\\n\"\"\"\r\n");
        let NodeKind::Table(root) = node.unwrap().kind else { panic!() };
        assert_eq!(root.get("a").unwrap().kind, NodeKind::Str("x\ny\r\n".to_owned()));
    }

    #[test]
    fn a_large_file_reads_the_same_in_pieces() {
        let step = "[[step]]\nid = \"a\"\ntext = \"\"\"\n[[step]]\n\"\"\"\n[step.docker.run]\nx = { b = 1 }\n[[step.undo]]\ny = [1,\n2]\n";
        let text = format!("format = 1\n[vars.a]\n{}[[verify]]\nid = 'v'\n", step.repeat(2 * pieces::LARGE / step.len()));
        let source = Arc::new(Source::new("x.toml", text.clone()));
        let (table, _) = DeTable::parse_recoverable(&text);
        let mut reader = Reader { source: &source, base: 0, faults: Diagnostics::new(), inline: false };
        let whole = reader.table(table.into_inner());
        assert!(pieces::cut(&text).len() > 2);
        assert_eq!(in_pieces(&source).map(|(table, _)| table), Some(whole));
    }

    #[test]
    fn a_fault_in_a_large_file_is_told_like_any_other() {
        let text = format!("format = 1\n{}[[step]]\nid = yes\n", "[[step]]\nid = \"a\"\n".repeat(pieces::LARGE / 18));
        let (node, faults) = read(&text);
        assert!(node.is_some());
        assert_eq!(faults.len(), 1);
        assert!(faults[0].ends_with("`yes` is not a value"));
        // A table that is set in two pieces is set twice.
        let text = format!("[vars.a]\n{}[vars.a]\n", "[[step]]\nid = \"a\"\n".repeat(pieces::LARGE / 9));
        assert!(read(&text).1[0].ends_with("`a` is set twice"));
    }

    #[test]
    fn a_key_of_too_many_parts_is_pointed_to() {
        for head in [format!("[{}a]\nx", "a.".repeat(5000)), format!("[[ {}a ]]\nx", "a.".repeat(5000)), format!("{}a", "a.".repeat(5000))]
        {
            let (_, faults) = read(&format!("format = 1\nname = \"a.b.c\"\n\n{head} = 1\n"));
            assert_eq!(faults, ["RB101 4:1 a key has too many parts"]);
        }
    }

    #[test]
    fn deep_nesting_ends_with_a_fault() {
        for text in [format!("{}b = 1", "a.".repeat(5000)), format!("a = {}", "[".repeat(5000)), format!("a = {}", "{a=".repeat(5000))] {
            let (_, faults) = read(&text);
            assert!(!faults.is_empty());
        }
    }
}
