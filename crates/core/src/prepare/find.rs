//! What a tree of fields refers to, and where a field stands.

use crate::runbook::{Element, Field, FieldKind, TargetDecl};
use crate::scope::Scope;
use crate::source::Span;
use crate::template::Ref;

/// Every name that a field uses, those of its targets' settings included.
pub fn refs<'a>(field: &'a Field, targets: &'a [TargetDecl]) -> Vec<&'a Ref> {
    let mut found = Vec::new();
    collect(field, targets, &mut found);
    found
}

fn collect<'a>(field: &'a Field, targets: &'a [TargetDecl], found: &mut Vec<&'a Ref>) {
    match &field.kind {
        FieldKind::Literal(_) => {}
        FieldKind::Template(template) | FieldKind::Text(template) => found.extend(template.refs()),
        FieldKind::Expr(expr) => found.extend(expr.refs()),
        FieldKind::List(elements) => {
            for element in elements {
                match element {
                    Element::One(field) => collect(field, targets, found),
                    Element::When(condition, fields) => {
                        found.extend(condition.refs());
                        for field in fields {
                            collect(field, targets, found);
                        }
                    }
                }
            }
        }
        FieldKind::Table(entries) => {
            for (_, _, field) in entries {
                collect(field, targets, found);
            }
        }
        FieldKind::Target(index) => {
            if let Some(target) = targets.get(*index) {
                collect(&target.settings, targets, found);
            }
        }
    }
}

/// The names whose values are not there yet: a step or check that has not run, `item`, `before`. Names behind `default` are among them: that they
/// may never come is known only when they should have come.
pub fn unresolved(field: &Field, targets: &[TargetDecl], scope: &Scope) -> Vec<Ref> {
    refs(field, targets).into_iter().filter(|name| scope.is_absent(&name.path)).cloned().collect()
}

/// The place of the field that a fault names (`mounts[1].source`): the field itself or, where it was left to its default, the nearest thing around
/// it. In a list with optional elements an index counts those that may be left out as well.
pub fn locate(field: &Field, path: &str) -> Span {
    let mut here = field;
    for segment in path.split(['.', '[']).filter(|s| !s.is_empty()) {
        let segment = segment.strip_suffix(']').unwrap_or(segment);
        let next = match &here.kind {
            FieldKind::Table(entries) => entries.iter().find(|(key, _, _)| key == segment).map(|(_, _, field)| field),
            FieldKind::List(elements) => segment.parse().ok().and_then(|at| nth(elements, at)),
            FieldKind::Literal(_) | FieldKind::Template(_) | FieldKind::Text(_) | FieldKind::Expr(_) | FieldKind::Target(_) => None,
        };
        match next {
            Some(next) => here = next,
            None => break,
        }
    }
    here.span
}

fn nth(elements: &[Element], at: usize) -> Option<&Field> {
    let fields = elements.iter().flat_map(|element| match element {
        Element::One(field) => std::slice::from_ref(field),
        Element::When(_, fields) => fields,
    });
    fields.into_iter().nth(at)
}
