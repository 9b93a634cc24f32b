//! What all parts of decoding share: the file, the registry, the shapes compiled so far, and the faults.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use crate::action::{ActionSpec, Registry};
use crate::described::Described;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::document::{Node, NodeKind, Table};
use crate::runbook::Field;
use crate::shape::{At, Cache, Compiler, Dialect, Shape, TableRule, TemplatePlace, Walker};
use crate::source::{Source, Span};

pub(super) struct Reader<'a> {
    pub(super) source: &'a Arc<Source>,
    pub(super) registry: &'a Registry,
    pub(super) faults: Diagnostics,
    /// The declared targets, known before the first unit is read.
    pub(super) targets: Vec<(String, &'static str)>,
    /// Declared targets with a fault: what names them is not reported.
    pub(super) broken_targets: Vec<String>,
    /// What the walks since the last [`take_places`](Self::take_places) found.
    pub(super) places: Vec<TemplatePlace>,
    compiler: Compiler,
    cache: Cache,
    /// By what describes the type: each is compiled once, and only when it is used.
    shapes: HashMap<usize, Rc<Shape>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(source: &'a Arc<Source>, registry: &'a Registry) -> Self {
        Self {
            source,
            registry,
            faults: Diagnostics::new(),
            targets: Vec::new(),
            broken_targets: Vec::new(),
            places: Vec::new(),
            compiler: Compiler::default(),
            cache: Cache::default(),
            shapes: HashMap::new(),
        }
    }

    /// The shape of one of the format's own types.
    pub(super) fn format_shape(&mut self, described: Described) -> Rc<Shape> {
        self.shape(described, Dialect::Format)
    }

    /// The shape of an action's fields.
    pub(super) fn action_shape(&mut self, spec: &ActionSpec) -> Rc<Shape> {
        self.shape(spec.schema, Dialect::Action)
    }

    pub(super) fn shape(&mut self, described: Described, dialect: Dialect) -> Rc<Shape> {
        let key = described.key();
        if let Some(shape) = self.shapes.get(&key) {
            return Rc::clone(shape);
        }
        let shape = self.compiler.compile(described, dialect);
        self.shapes.insert(key, Rc::clone(&shape));
        shape
    }

    /// Holds a table against its rule.
    pub(super) fn walk_table(&mut self, rule: &TableRule, table: Table, span: Span, at: At<'_>) -> Field {
        self.walker(|walker| walker.table(rule, table, span, at))
    }

    fn walker<T>(&mut self, walk: impl FnOnce(&mut Walker<'_>) -> T) -> T {
        let places = std::mem::take(&mut self.places);
        let mut walker = Walker {
            source: self.source,
            targets: &self.targets,
            broken_targets: &self.broken_targets,
            faults: &mut self.faults,
            cache: &mut self.cache,
            places,
        };
        let found = walk(&mut walker);
        self.places = walker.places;
        found
    }

    /// The templates that want something, since this was asked last.
    pub(super) fn take_places(&mut self) -> Vec<TemplatePlace> {
        std::mem::take(&mut self.places)
    }

    /// The value as a table; anything else is reported.
    pub(super) fn table(&mut self, node: Node, name: &str) -> Option<(Table, Span)> {
        match node.kind {
            NodeKind::Table(table) => Some((table, node.span)),
            other => {
                self.wrong_type(node.span, name, "a table", &other);
                None
            }
        }
    }

    /// The value as a list; anything else is reported.
    pub(super) fn list(&mut self, node: Node, name: &str) -> Vec<Node> {
        match node.kind {
            NodeKind::List(items) => items,
            other => {
                self.wrong_type(node.span, name, "a list", &other);
                Vec::new()
            }
        }
    }

    fn wrong_type(&mut self, span: Span, name: &str, expected: &str, found: &NodeKind) {
        let label = format!("expected {expected}, found {}", found.name());
        self.faults.push(Diagnostic::error(Code::WrongType, format!("wrong type for `{name}`")).at(self.source, span, label));
    }
}
