//! Every name in a template or expression stands for something that is certain to be there.

use std::collections::BTreeSet;

use super::order::Order;
use super::outputs::outputs;
use super::scope::{Names, ROOTS, RUN, Site, TIMES, ValuesHere};
use super::secrets::Secrets;
use super::{scripts, types};
use crate::decode::Draft;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::document::place_in_string;
use crate::runbook::{Element, Fate, Field, FieldKind, Phase, Placed, Proof, Unit, ValueSource};
use crate::shape::quoted;
use crate::source::Span;
use crate::suggest::nearest;
use crate::template::{Expr, Ref, Template, Wants};

/// The variables that something uses.
#[derive(Default)]
pub(super) struct Used {
    pub(super) vars: BTreeSet<String>,
    pub(super) values: BTreeSet<String>,
    /// Something uses all of them.
    pub(super) all: bool,
    /// The targets that an action uses, by their number.
    pub(super) targets: BTreeSet<usize>,
}

/// Checks all references of the runbook. `order` is none where it has a cycle: then nothing is said about what runs before what.
pub(super) fn check(draft: &Draft, order: Option<&Order>, secrets: &Secrets, faults: &mut Diagnostics) -> Used {
    let mut checker = Checker { draft, names: Names::of(draft), order, secrets, faults, used: Used::default() };
    checker.outside();
    checker.outputs_of_runbook();
    super::calls::check(&mut checker);
    for (unit, beside) in draft.runbook.units.iter().zip(&draft.units) {
        checker.unit(unit);
        let site = Site::fields(unit);
        types::check(&mut checker, &beside.places, site);
        types::check(&mut checker, &beside.undo_places, site.undo(None));
    }
    checker.used
}

pub(super) struct Checker<'a> {
    pub(super) draft: &'a Draft,
    pub(super) names: Names<'a>,
    pub(super) order: Option<&'a Order>,
    pub(super) secrets: &'a Secrets,
    pub(super) faults: &'a mut Diagnostics,
    used: Used,
}

impl<'a> Checker<'a> {
    fn outside(&mut self) {
        let runbook = &self.draft.runbook;
        if let Some(title) = &runbook.title {
            self.template(title, Site::outside("the title"));
        }
        for lock in &runbook.locks {
            self.template(lock, Site::outside("a lock"));
            for name in lock.refs().iter().filter(|name| self.secrets.covers(name)) {
                self.faults.push(secret_decides(self.draft, lock.span, name, "name a lock"));
            }
        }
        for var in &runbook.vars {
            if let Some(default) = &var.default {
                self.field(default, Site { values: ValuesHere::None, ..Site::outside("a default") });
            }
        }
        for (at, declared) in runbook.values.iter().enumerate() {
            let site = Site { values: ValuesHere::Above(at), ..Site::outside("a value") };
            match &declared.source {
                ValueSource::File { path, .. } => {
                    self.template(path, site);
                    for name in path.refs().iter().filter(|name| self.secrets.covers(name)) {
                        self.faults.push(secret_decides(self.draft, path.span, name, "name a file"));
                    }
                }
                ValueSource::Expr(expr) => self.expr(expr, site),
            }
        }
        self.used.targets.extend(runbook.lock_store.iter().map(|store| store.target));
        for target in &runbook.targets {
            self.field(&target.settings, Site::outside("a target"));
        }
        types::check(self, &self.draft.target_places, Site::outside("a target"));
    }

    /// `[outputs]`: when all is done.
    fn outputs_of_runbook(&mut self) {
        for (_, output) in &self.draft.runbook.outputs {
            self.expr(output, Site::END);
        }
    }

    fn unit(&mut self, unit: &'a Unit) {
        let site = Site::fields(unit);
        if let Some(when) = &unit.when {
            // Where it speaks of the item it decides about each of them, else about the whole unit.
            self.condition(when, Site { when: [None, None], ..site });
            self.no_secret(when, "decide whether a step is done");
        }
        if let Some(for_each) = &unit.for_each {
            self.wanting(Wants::Elements, &for_each.items, Site { item: false, ..site });
            self.no_secret(&for_each.items, "decide how often a step is done");
        }
        for text in unit.title.iter().chain(&unit.confirm) {
            self.template(text, site);
        }
        self.field(&unit.action.fields, site);
        scripts::check(self, &unit.action, site);
        // A monitor looks for nothing before its probes.
        let after = Site { before: unit.watch.is_none(), ..site.after(unit.action.spec) };
        for condition in unit.expect.iter().chain(&unit.warn) {
            self.condition(condition, after);
        }
        if let Some(repeat) = &unit.repeat {
            self.condition(&repeat.until, after);
            self.no_secret(&repeat.until, "decide how often a step is done");
        }
        // Those of a call are the called runbook's, which was checked by itself.
        for (_, output) in unit.outputs.iter().filter(|_| !unit.action.is_call()) {
            self.expr(output, after);
        }
        self.secret_outputs(unit);
        if let Some(proof) = &unit.proof {
            self.proof(proof, site);
        }
        if let Some(probe) = &unit.probe {
            self.proof(probe, Site { before: true, ..site });
        }
        if let Fate::Undo(steps) = &unit.fate {
            for step in steps {
                let site = site.undo(step.when.as_ref().map(|when| when.source()));
                if let Some(when) = &step.when {
                    self.condition(when, Site { when: [site.when[0], None], ..site });
                    self.no_secret(when, "decide whether a step is done");
                }
                if let Some(title) = &step.title {
                    self.template(title, site);
                }
                self.field(&step.action.fields, site);
                scripts::check(self, &step.action, site);
                for condition in &step.expect {
                    self.condition(condition, site.after(step.action.spec));
                }
            }
        }
    }

    fn proof(&mut self, proof: &'a Proof, site: Site<'a>) {
        self.field(&proof.action.fields, site);
        scripts::check(self, &proof.action, site);
        for condition in &proof.expect {
            self.condition(condition, site.after(proof.action.spec));
        }
    }

    fn secret_outputs(&mut self, unit: &Unit) {
        let Some(beside) = self.draft.units.get(unit.ix.get()) else { return };
        for name in &beside.secret_outputs {
            let known: Vec<&str> = outputs(unit).collect();
            if !known.contains(&name.name.as_str()) {
                let fault = Diagnostic::error(Code::UnknownOutput, format!("`{}` has no output `{}`", unit.id, name.name));
                self.faults.push(suggest(fault.at(&self.draft.runbook.source, name.span, "not an output"), &name.name, &known));
            }
        }
    }

    fn template(&mut self, template: &Placed<Template>, site: Site<'a>) {
        for name in template.refs() {
            self.name(name, template.span, site);
        }
        self.demands_of_template(template, template.span, site);
    }

    fn expr(&mut self, expr: &Placed<Expr>, site: Site<'a>) {
        self.names_of(expr, site);
        self.demands_of_expr(expr, expr.span, None, site);
    }

    fn condition(&mut self, expr: &Placed<Expr>, site: Site<'a>) {
        self.wanting(Wants::Condition, expr, site);
    }

    fn wanting(&mut self, wants: Wants, expr: &Placed<Expr>, site: Site<'a>) {
        self.names_of(expr, site);
        self.demands_of_expr(expr, expr.span, Some(wants), site);
    }

    fn names_of(&mut self, expr: &Placed<Expr>, site: Site<'a>) {
        for name in expr.refs() {
            self.name(name, expr.span, site);
        }
    }

    fn no_secret(&mut self, expr: &Placed<Expr>, what: &str) {
        for name in expr.refs().iter().filter(|name| self.secrets.covers(name)) {
            self.faults.push(secret_decides(self.draft, expr.span, name, what));
        }
    }

    fn field(&mut self, field: &'a Field, site: Site<'a>) {
        match &field.kind {
            FieldKind::Literal(_) => {}
            FieldKind::Target(target) => {
                self.used.targets.insert(*target);
            }
            FieldKind::Template(template) | FieldKind::Text(template) => {
                for name in template.refs() {
                    self.name(name, field.span, site);
                }
                self.demands_of_template(template, field.span, site);
            }
            FieldKind::Expr(expr) => {
                for name in expr.refs() {
                    self.name(name, field.span, site);
                }
                self.demands_of_expr(expr, field.span, None, site);
            }
            FieldKind::List(items) => {
                for item in items {
                    match item {
                        Element::One(field) => self.field(field, site),
                        Element::When(when, fields) => {
                            self.condition(when, site);
                            self.no_secret(when, "decide what a list holds");
                            for field in fields {
                                self.field(field, Site { when: [Some(when.source()), site.when[0]], ..site });
                            }
                        }
                    }
                }
            }
            FieldKind::Table(entries) => {
                for (_, _, field) in entries {
                    self.field(field, site);
                }
            }
        }
    }

    /// One name. `value` is the place of the text that it stands in.
    fn name(&mut self, name: &Ref, value: Span, site: Site<'a>) {
        let Some(root) = name.path.first() else { return };
        if let Some(what) = site.only_vars
            && match root.as_str() {
                "checks" | "steps" | "item" | "before" => true,
                "values" => matches!(site.values, ValuesHere::None),
                "run" => matches!(site.values, ValuesHere::Above(_)),
                _ => false,
            }
        {
            let fault = self.fault(Code::UnknownName, format!("`{root}` cannot be used in {what}"), name, value, "");
            let help = if root == "values" {
                "it is worked out before files are read: use `vars`"
            } else if matches!(site.values, ValuesHere::Above(_)) {
                "it is worked out before the run begins: use `vars` and the values above it"
            } else {
                "it is worked out before anything runs: use `vars`, `values` or `run`"
            };
            self.faults.push(fault.help(help));
            return;
        }
        match root.as_str() {
            "vars" => self.var(name, value),
            "checks" => self.output(Phase::Check, name, value, site),
            "steps" => self.output(Phase::Step, name, value, site),
            "item" if site.item => {}
            "item" => {
                let fault = self.fault(Code::UnknownName, "there is no `item` here".to_owned(), name, value, "");
                self.faults.push(fault.help("`item` is the element in a step with `for_each`, except in the `for_each` itself"));
            }
            "before" => self.before(name, value, site),
            "run" => {
                if let Some(member) = name.path.get(1)
                    && !RUN.contains(&member.as_str())
                {
                    let fault = self.fault(Code::UnknownName, format!("`run` has no `{member}`"), name, value, "");
                    self.faults.push(suggest(fault, member, &RUN));
                }
            }
            "values" => self.value(name, value, site),
            _ => self.own(name, value, site),
        }
    }

    fn var(&mut self, name: &Ref, value: Span) {
        let Some(wanted) = name.path.get(1) else {
            self.used.all = true;
            return;
        };
        self.used.vars.insert(wanted.clone());
        let Some(var) = self.names.var(wanted) else {
            if self.draft.broken_vars.contains(wanted) {
                return;
            }
            let fault = self.fault(Code::UnknownName, format!("there is no variable `{wanted}`"), name, value, "not declared");
            let fault = match nearest(wanted, self.draft.runbook.vars.iter().map(|v| v.name.as_str())) {
                Some(near) => fault.help(format!("did you mean `vars.{near}`?")),
                None => fault.help(format!("declare it: `[vars.{wanted}]` with a `type`")),
            };
            self.faults.push(fault);
            return;
        };
        if name.path.len() > 2 && !super::scope::of_var(var.kind).has_members() {
            let what = super::scope::of_var(var.kind).name();
            let fault = self.fault(Code::UnknownName, format!("`vars.{wanted}` is {what}, with nothing below it"), name, value, "");
            self.faults.push(fault);
        }
    }

    /// `values.NAME.KEY`: what stands in a file is known only when the file is read.
    fn value(&mut self, name: &Ref, value: Span, site: Site<'a>) {
        let values = &self.draft.runbook.values;
        let Some(wanted) = name.path.get(1) else {
            let fault = self.fault(Code::UnknownName, "`values` alone is no value".to_owned(), name, value, "");
            self.faults.push(fault.help("write `values.NAME` or `values.NAME.KEY`"));
            return;
        };
        self.used.values.insert(wanted.clone());
        match values.iter().position(|declared| declared.name == *wanted) {
            Some(at) if matches!(site.values, ValuesHere::Above(above) if at >= above) => {
                let fault = self.fault(Code::ValueOrder, format!("`values.{wanted}` is not there yet"), name, value, "");
                self.faults.push(fault.help("values are worked out from the top of the file downwards: move it up"));
            }
            Some(_) => {}
            None if self.draft.broken_values.contains(wanted) => {}
            None => {
                let fault = self.fault(Code::UnknownName, format!("there is no value `{wanted}`"), name, value, "not declared");
                let fault = match nearest(wanted, values.iter().map(|declared| declared.name.as_str())) {
                    Some(near) => fault.help(format!("did you mean `values.{near}`?")),
                    None => fault.help(format!("declare it: `[values.{wanted}]` with a file or a `value`")),
                };
                self.faults.push(fault);
            }
        }
    }

    /// A name without prefix: an own output, or none.
    fn own(&mut self, name: &Ref, value: Span, site: Site<'a>) {
        let root = name.path.first().map(String::as_str).unwrap_or_default();
        if let (Some(spec), Some(unit)) = (site.own, site.unit) {
            let declared: Vec<&str> = if std::ptr::eq(spec, unit.action.spec) {
                unit.outputs.iter().map(|(name, _)| name.as_str()).collect()
            } else {
                Vec::new()
            };
            if declared.contains(&root) {
                return;
            }
            let all = spec.outputs.iter().chain(&TIMES);
            if all.clone().any(|output| output.name == root) {
                self.spec_output(all, &name.path, name, value, "", &[]);
                return;
            }
            if self.draft.callees.get(&unit.ix).is_some_and(Option::is_none) {
                // What the called runbook would have given is not known, as was reported.
                return;
            }
            let known: Vec<&str> = spec.outputs.iter().map(|o| o.name).chain(declared).collect();
            let fault = self.fault(Code::UnknownName, format!("`{root}` is no output of this action, and no name"), name, value, "");
            let fault = match self.likely(root) {
                Some(likely) if nearest(root, known.iter().copied()).is_none() => fault.help(likely),
                _ => suggest(fault, root, &known),
            };
            self.faults.push(fault);
            return;
        }
        let fault = self.fault(Code::UnknownName, format!("`{root}` stands for nothing here"), name, value, "");
        let help = self.likely(root).or_else(|| nearest(root, ROOTS).map(|near| format!("did you mean `{near}`?")));
        self.faults.push(fault.help(help.unwrap_or_else(|| format!("names begin with one of {}", quoted(&ROOTS)))));
    }

    /// What was meant by a name without its prefix.
    fn likely(&self, root: &str) -> Option<String> {
        if self.names.var(root).is_some() {
            return Some(format!("write `vars.{root}`"));
        }
        if root == "env" {
            // What came from there unseen would stand in no plan, and a session on another day would find another.
            return Some("the environment is not read by itself: declare a variable, and `RUNBOOK_VAR_NAME` gives it its value".to_owned());
        }
        let group = if self.names.unit(Phase::Step, root).is_some() {
            "steps"
        } else if self.names.unit(Phase::Check, root).is_some() {
            "checks"
        } else {
            return None;
        };
        Some(format!("write `{group}.{root}.OUTPUT`"))
    }

    pub(super) fn fault(&self, code: Code, message: String, name: &Ref, value: Span, label: &str) -> Diagnostic {
        let source = &self.draft.runbook.source;
        Diagnostic::error(code, message).at(source, place_in_string(source, value, name.span), label)
    }
}

pub(super) fn suggest(fault: Diagnostic, wanted: &str, known: &[&str]) -> Diagnostic {
    match (nearest(wanted, known.iter().copied()), known) {
        (Some(near), _) => fault.help(format!("did you mean `{near}`?")),
        (None, []) => fault.help("it has none"),
        (None, known) => fault.help(format!("it has {}", quoted(known))),
    }
}

fn secret_decides(draft: &Draft, value: Span, name: &Ref, what: &str) -> Diagnostic {
    let source = &draft.runbook.source;
    Diagnostic::error(Code::SecretDecides, format!("a secret cannot {what}"))
        .at(source, place_in_string(source, value, name.span), "secret")
        .help("what is done and under which name is written to the journal: use a variable that is no secret")
}
