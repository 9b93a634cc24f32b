//! Templates and expressions that were parsed already: runbooks repeat themselves.

use std::collections::HashMap;

use crate::template::{Expr, Template, TemplateFault, TextKind};

/// Longer texts (scripts) are hardly ever there twice.
const MOST_BYTES: usize = 256;

/// Equal texts give one and the same template.
#[derive(Default)]
pub(crate) struct Cache {
    templates: HashMap<TextKind, HashMap<Box<str>, Template>>,
    exprs: HashMap<Box<str>, Expr>,
}

impl Cache {
    pub(crate) fn template(&mut self, text: &str, kind: TextKind) -> Result<Template, Vec<TemplateFault>> {
        if text.len() > MOST_BYTES {
            return Template::parse(text, kind);
        }
        let known = self.templates.entry(kind).or_default();
        if let Some(template) = known.get(text) {
            return Ok(template.clone());
        }
        let template = Template::parse(text, kind)?;
        known.insert(text.into(), template.clone());
        Ok(template)
    }

    pub(crate) fn expr(&mut self, text: &str) -> Result<Expr, Vec<TemplateFault>> {
        if text.len() > MOST_BYTES {
            return Expr::parse(text);
        }
        if let Some(expr) = self.exprs.get(text) {
            return Ok(expr.clone());
        }
        let expr = Expr::parse(text)?;
        self.exprs.insert(text.into(), expr.clone());
        Ok(expr)
    }
}
