//! What a string field is, as far as its templates are concerned.

/// The meaning of a text field: the mark `x-text` of its schema.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TextKind {
    /// Any text.
    #[default]
    Plain,
    /// A shell script: a value stands only where it is proven to stay one word.
    Shell,
    /// An SQL text: a value stands only where it is proven to stay one literal.
    Sql,
    /// A URL.
    Url,
    /// A path of a file or folder.
    Path,
    /// One argument of a program; no shell sees it.
    Argv,
    /// A name of something: a container, a database.
    Name,
    /// No templates: the text is taken as it is, `{{` included.
    Verbatim,
}

impl TextKind {
    /// The kind that a schema's `x-text` mark names; none where the word is not known.
    pub fn from_mark(mark: &str) -> Option<Self> {
        match mark {
            "plain" => Some(Self::Plain),
            "shell" => Some(Self::Shell),
            "sql" => Some(Self::Sql),
            "url" => Some(Self::Url),
            "path" => Some(Self::Path),
            "argv" => Some(Self::Argv),
            "name" => Some(Self::Name),
            "verbatim" => Some(Self::Verbatim),
            _ => None,
        }
    }
}

/// Whether a text has anything in it for a template: `{{`. Texts without it are values as they stand.
pub fn needs_template(text: &str) -> bool {
    text.contains("{{")
}
