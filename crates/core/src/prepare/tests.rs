use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::*;
use crate::action::{ActionSpec, BoxFuture, Class, Cx, Outcome, Outputs, ShellText, SqlText};
use crate::runbook::{Element, Field, FieldKind, Placed};
use crate::scope::Secrecy;
use crate::secret::Masker;
use crate::source::Span;
use crate::template::{Expr, Template, TextKind};

/// Takes anything and does nothing.
#[derive(Deserialize, JsonSchema)]
struct Anything {
    #[serde(default, rename = "port")]
    _port: Option<u16>,
}

impl Action for Anything {
    fn run<'a>(&'a self, _cx: Cx<'a>, _before: &'a crate::action::Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async { Outcome::changed(Outputs::new()) })
    }
}

static SPEC: ActionSpec = ActionSpec::of::<Anything>("do", Class::ONCE, "Does nothing.");

fn field(kind: FieldKind) -> Field {
    Field { span: Span::new(1, 2), kind }
}

fn template(text: &str, kind: TextKind) -> Template {
    Template::parse(text, kind).unwrap_or_else(|f| panic!("{text}: {f:?}"))
}

fn plain(text: &str) -> Field {
    field(FieldKind::Template(template(text, TextKind::Plain)))
}

fn when(text: &str) -> Placed<Expr> {
    Placed { span: Span::default(), value: Expr::parse(text).unwrap_or_else(|f| panic!("{text}: {f:?}")) }
}

fn call(entries: Vec<(&str, Field)>) -> ActionCall {
    let entries = entries.into_iter().map(|(key, field)| (key.to_owned(), Span::default(), field)).collect();
    ActionCall { executor: "test", spec: &SPEC, key_span: Span::default(), fields: field(FieldKind::Table(entries)), exposed: Vec::new() }
}

fn scope() -> Scope {
    let vars = json!({ "port": 8989, "image": "odc:4", "password": "hunter22", "keep": false, "list": ["a"] });
    Scope::new().with_secret("vars", vars, Secrecy::members(["password"]))
}

fn public(call: &ActionCall) -> Value {
    prepare(call, &[], &scope()).unwrap_or_else(|f| panic!("{f:?}")).public
}

fn faults(call: &ActionCall, scope: &Scope) -> Vec<String> {
    match prepare(call, &[], scope) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.into_iter().map(|f| format!("{}: {}", f.path, f.message)).collect(),
    }
}

#[test]
fn types_are_kept_or_made_text_as_the_place_wants() {
    let call = call(vec![
        ("typed", plain("{{vars.port}}")),
        ("text", field(FieldKind::Text(template("{{vars.port}}", TextKind::Plain)))),
        ("mixed", plain("{{vars.image}}:{{vars.port}}")),
        ("expr", field(FieldKind::Expr(when("add vars.port 1").value))),
    ]);
    assert_eq!(public(&call), json!({ "typed": 8989, "text": "8989", "mixed": "odc:4:8989", "expr": 8990 }));
}

#[test]
fn optional_elements_come_and_go() {
    let list = |condition| {
        field(FieldKind::List(vec![
            Element::One(plain("a")),
            Element::When(when(condition), vec![plain("b"), plain("{{vars.nothing}}")]),
            Element::One(plain("{{vars.image}}")),
        ]))
    };
    assert_eq!(public(&call(vec![("list", list("vars.keep"))])), json!({ "list": ["a", "odc:4"] }));
    assert_eq!(faults(&call(vec![("list", list("not vars.keep"))]), &scope()), ["list[2]: `vars` has no `nothing`"]);
    assert_eq!(
        faults(&call(vec![("list", list("eq vars.password 'x'"))]), &scope()),
        ["list: the condition `eq vars.password 'x'` depends on a secret, and everyone sees what follows from it"]
    );
}

#[test]
fn a_secret_is_a_reference_wherever_it_may_be_seen() {
    let shell = template("login -p {{vars.password}} \"at {{vars.image}}\"", TextKind::Shell);
    let sql = template("set password = '{{vars.password}}' where p = {{vars.port}}", TextKind::Sql);
    let call = call(vec![
        ("shell", field(FieldKind::Template(shell))),
        ("sql", field(FieldKind::Template(sql))),
        ("mixed", plain("p={{lower vars.password}}!")),
        ("whole", plain("{{vars.password}}")),
        ("map", plain("{{vars}}")),
    ]);
    let prepared = prepare(&call, &[], &scope()).unwrap_or_else(|f| panic!("{f:?}"));
    assert_eq!(
        prepared.public,
        json!({
            "shell": {
                "script": "login -p \"${RUNBOOK_P1?}\" \"at ${RUNBOOK_P2?}\"",
                "env": { "RUNBOOK_P1": "‹vars.password›", "RUNBOOK_P2": "odc:4" }
            },
            "sql": { "segments": [
                { "text": "set password = '" },
                { "value": { "value": "‹vars.password›", "place": "quoted" } },
                { "text": "' where p = " },
                { "value": { "value": 8989, "place": "value" } },
            ] },
            "mixed": "p=‹lower vars.password›!",
            "whole": "‹vars.password›",
            "map": "‹vars›",
        })
    );
    assert!(prepared.secrets.iter().filter(|(_, s)| s.reveal() == "hunter22").count() >= 4);
    let other = scope().with_secret(
        "vars",
        json!({ "port": 8989, "image": "odc:4", "password": "else", "keep": false, "list": ["a"] }),
        Secrecy::members(["password"]),
    );
    let mut prepared = prepared;
    let mut other = prepare(&call, &[], &other).unwrap_or_else(|f| panic!("{f:?}"));
    let digest = prepared.masked(&Masker::default());
    assert_eq!(digest, other.masked(&Masker::default()), "a digest knows no secret");
    assert_ne!(digest, prepared.masked(&Masker::new([("token", "odc:4")])), "what a masker finds is not in it either");
}

#[test]
fn what_the_core_makes_is_what_the_action_reads() {
    let real = |kind, text| {
        let call = call(vec![("it", field(FieldKind::Template(template(text, kind))))]);
        let mut rendering = fields::Rendering::new(&[], Box::leak(Box::new(scope())));
        rendering.field(&call.fields, "").real.get("it").cloned().unwrap_or_default()
    };
    let shell: ShellText = serde_json::from_value(real(TextKind::Shell, "echo")).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!((shell.script.as_str(), shell.env.len()), ("echo", 0));
    let sql: SqlText = serde_json::from_value(real(TextKind::Sql, "select {{vars.port}}")).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(sql.segments.len(), 2);
}

#[test]
fn all_faults_are_reported_each_by_its_field() {
    let call = call(vec![
        ("a", plain("{{vars.non}} ")),
        ("b", field(FieldKind::Table(vec![("c".to_owned(), Span::default(), plain("x{{vars.list}}"))]))),
    ]);
    assert_eq!(faults(&call, &scope()), ["a: `vars` has no `non`", "b.c: `vars.list` is a list, which is no text"]);
}

#[test]
fn the_actions_own_words_name_the_field() {
    let call = call(vec![("port", plain("{{vars.image}}"))]);
    assert_eq!(faults(&call, &scope()), ["port: invalid type: string \"odc:4\", expected u16"]);
}

#[test]
fn the_actions_own_words_never_quote_a_secret() {
    let call = call(vec![("port", plain("{{vars.password}}"))]);
    assert_eq!(faults(&call, &scope()), ["port: invalid type: string \"‹vars.password›\", expected u16"]);
    let short = Scope::new().with_secret("vars", json!({ "password": "x1" }), Secrecy::members(["password"]));
    assert_eq!(faults(&call, &short), ["port: invalid type: string ‹vars.password›, expected u16"]);
}

#[test]
fn what_is_not_there_yet_is_named() {
    let call = call(vec![
        ("a", plain("{{steps.dump.manifest}} {{vars.image}}")),
        ("b", plain("{{vars.password}}")),
        ("c", plain("{{default steps.stop.was_running false}}{{item}}")),
    ]);
    let found = preview(&call, &[], &scope()).unwrap_or_else(|f| panic!("{f:?}"));
    assert_eq!(found.needs, ["item", "steps.dump", "steps.stop"]);
    assert_eq!(
        found.public,
        json!({
            "a": "{{steps.dump.manifest}} {{vars.image}}",
            "b": "‹vars.password›",
            "c": "{{default steps.stop.was_running false}}{{item}}",
        })
    );
    assert_eq!(unresolved(&call.fields, &[], &scope()).len(), 3);
}

#[test]
fn a_fault_finds_its_place() {
    let at = |n| Field { span: Span::new(n, n + 1), kind: FieldKind::Literal(json!(1)) };
    let list =
        Field { span: Span::new(5, 6), kind: FieldKind::List(vec![Element::One(at(10)), Element::When(when("true"), vec![at(20)])]) };
    let table = Field { span: Span::new(0, 9), kind: FieldKind::Table(vec![("mounts".to_owned(), Span::default(), list)]) };
    assert_eq!(locate(&table, "mounts[1]").start, 20);
    assert_eq!(locate(&table, "mounts[1].source").start, 20);
    assert_eq!(locate(&table, "mounts[7]").start, 5);
    assert_eq!(locate(&table, "").start, 0);
    assert_eq!(locate(&table, "other").start, 0);
}
