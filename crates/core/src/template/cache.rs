//! Templates of one file: equal texts are parsed once.

use std::collections::HashMap;

use super::{Expr, Template, TemplateFault, TextKind};

/// What was parsed so far. Lives as long as one file is read.
#[derive(Default)]
pub struct Templates {
    templates: HashMap<(TextKind, String), Result<Template, Vec<TemplateFault>>>,
    exprs: HashMap<String, Result<Expr, Vec<TemplateFault>>>,
}

impl Templates {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// As [`Template::parse`].
    pub fn template(&mut self, text: &str, kind: TextKind) -> Result<Template, Vec<TemplateFault>> {
        self.templates.entry((kind, text.to_owned())).or_insert_with(|| Template::parse(text, kind)).clone()
    }

    /// As [`Expr::parse`].
    pub fn expr(&mut self, text: &str) -> Result<Expr, Vec<TemplateFault>> {
        self.exprs.entry(text.to_owned()).or_insert_with(|| Expr::parse(text)).clone()
    }
}
