use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::diagnostic::Diagnostics;
use crate::runbook::{Field, FieldKind, OnFailure, Risk, Runbook, Var, VarType};
use crate::scope::{Lookup, Scope};
use crate::source::{Source, Span};
use crate::template::{Template, TextKind};

fn var(name: &str, kind: VarType) -> Var {
    Var {
        name: name.to_owned(),
        name_span: Span::default(),
        kind,
        default: None,
        pattern: None,
        choices: Vec::new(),
        min: None,
        max: None,
        description: None,
        example: None,
        secret: false,
        allow_empty: false,
    }
}

fn template(text: &str) -> Field {
    let template = Template::parse(text, TextKind::Plain).unwrap_or_else(|f| panic!("{text}: {f:?}"));
    Field { span: Span::default(), kind: FieldKind::Template(template) }
}

fn literal(value: Value) -> Field {
    Field { span: Span::default(), kind: FieldKind::Literal(value) }
}

fn runbook(vars: Vec<Var>) -> Runbook {
    Runbook {
        source: Arc::new(Source::new("t.toml", "[vars]\n")),
        name: "t".to_owned(),
        title: None,
        description: None,
        risk: Risk::Medium,
        owners: Vec::new(),
        locks: Vec::new(),
        lock_store: None,
        on_failure: OnFailure::Stop,
        vars,
        values: Vec::new(),
        targets: Vec::new(),
        outputs: Vec::new(),
        units: Vec::new(),
        called: Vec::new(),
    }
}

fn given(name: &str, text: &str) -> Given {
    Given { name: name.to_owned(), value: GivenValue::Text(text.to_owned()), origin: Origin::CommandLine }
}

fn values(inputs: &Inputs) -> Value {
    inputs.iter().map(|input| (input.name.clone(), input.value.clone())).collect::<serde_json::Map<_, _>>().into()
}

fn messages(diagnostics: &Diagnostics) -> Vec<String> {
    let line = |d: &crate::diagnostic::Diagnostic| {
        let expected = d.labels.first().map(|l| l.text.clone()).unwrap_or_default();
        format!("{} {} ({expected}) {}", d.code, d.message, d.help.join(" | "))
    };
    diagnostics.iter().map(line).collect()
}

fn faults(vars: Vec<Var>, given: Vec<Given>) -> Vec<String> {
    match resolve(&runbook(vars), given) {
        Ok(inputs) => panic!("accepted: {inputs:?}"),
        Err(faults) => messages(&faults),
    }
}

fn one(kind: VarType, text: &str) -> Option<Value> {
    let mut var = var("v", kind);
    var.choices = vec!["red".to_owned(), "blue".to_owned()];
    resolve(&runbook(vec![var]), vec![given("v", text)]).ok().and_then(|inputs| inputs.get("v").map(|i| i.value.clone()))
}

#[test]
fn texts_are_read_by_type_into_one_form() {
    assert_eq!(one(VarType::String, "a b"), Some(json!("a b")));
    assert_eq!(one(VarType::Int, "-42"), Some(json!(-42)));
    assert_eq!(one(VarType::Bool, "true"), Some(json!(true)));
    assert_eq!(one(VarType::Port, "8989"), Some(json!(8989)));
    assert_eq!(one(VarType::Duration, "90m"), Some(json!("1h 30m")));
    assert_eq!(one(VarType::Size, "1024MiB"), Some(json!("1GiB")));
    assert_eq!(one(VarType::Size, "1024"), Some(json!("1KiB")));
    assert_eq!(one(VarType::Time, "2026-11-21T03:00:00+08:00"), Some(json!("2026-11-20T19:00:00Z")));
    assert_eq!(one(VarType::Path, "/a"), Some(json!("/a")));
    assert_eq!(one(VarType::Enum, "red"), Some(json!("red")));
    assert_eq!(one(VarType::List, "[1, \"a\"]"), Some(json!([1, "a"])));
    assert_eq!(one(VarType::Map, "{\"a\": 1}"), Some(json!({ "a": 1 })));
    let refused = [
        (VarType::String, ""),
        (VarType::Int, "010"),
        (VarType::Int, "1.0"),
        (VarType::Int, ""),
        (VarType::Bool, "yes"),
        (VarType::Port, "0"),
        (VarType::Port, "65536"),
        (VarType::Duration, "-3s"),
        (VarType::Size, "12 apples"),
        (VarType::Time, "yesterday"),
        (VarType::Path, ""),
        (VarType::Enum, "green"),
        (VarType::List, "a,b"),
        (VarType::Map, "[]"),
    ];
    for (kind, text) in refused {
        assert_eq!(one(kind, text), None, "{kind:?} {text:?}");
    }
}

#[test]
fn all_faults_come_at_once_each_saying_what_to_do() {
    let mut image = var("image", VarType::String);
    image.pattern = crate::pattern::Pattern::whole("[^@]+:.+").ok();
    image.example = Some(json!("oceanbase/odc:4.2.4"));
    let mut count = var("count", VarType::Int);
    (count.min, count.max) = (Some(1), Some(9));
    let mut colour = var("colour", VarType::Enum);
    colour.choices = vec!["red".to_owned(), "blue".to_owned()];
    let mut host = var("host", VarType::String);
    host.description = Some("the database's host".to_owned());
    let wrong = vec![given("image", "odc"), given("count", "10"), given("colour", "bleu"), given("hots", "x")];
    assert_eq!(
        faults(vec![image, count, colour, host], wrong),
        [
            "RB402 `hots` from --var is not a variable of this runbook (declared here) did you mean `host`?",
            "RB404 `image` from --var is \"odc\", which is not accepted (expected a text that matches `[^@]+:.+`) an example: \"oceanbase/odc:4.2.4\"",
            "RB406 `count` from --var is \"10\", which is not accepted (expected a whole number from 1 to 9) ",
            "RB405 `colour` from --var is \"bleu\", which is not accepted (expected one of `red`, `blue`) did you mean `blue`?",
            "RB401 `host` has no value (the database's host) add `--var host=VALUE`, write it into a variable file, or set `RUNBOOK_VAR_HOST`",
        ]
    );
}

#[test]
fn the_nearer_source_wins_and_is_remembered() {
    let from = |origin, text: &str| Given { origin, ..given("v", text) };
    let file = |line| Origin::VarFile { path: "prod.toml".to_owned(), line };
    let all = vec![from(Origin::Environment { name: environment_name("v") }, "env"), from(file(1), "first"), from(file(7), "second")];
    let inputs = resolve(&runbook(vec![var("v", VarType::String)]), all).unwrap_or_else(|f| panic!("{:?}", messages(&f)));
    assert_eq!(values(&inputs), json!({ "v": "second" }));
    assert_eq!(inputs.records().first().map(|r| r.origin.clone()), Some("prod.toml:7".to_owned()));
    let inputs = resolve(&runbook(vec![var("v", VarType::String)]), vec![given("v", "cli"), from(file(1), "file")]);
    assert_eq!(inputs.ok().map(|i| values(&i)), Some(json!({ "v": "cli" })));
}

#[test]
fn values_from_files_keep_their_types() {
    let typed = |value| vec![Given { value: GivenValue::Json(value), ..given("v", "") }];
    let inputs = resolve(&runbook(vec![var("v", VarType::List)]), typed(json!(["a", 1])));
    assert_eq!(inputs.ok().map(|i| values(&i)), Some(json!({ "v": ["a", 1] })));
    assert_eq!(
        faults(vec![var("v", VarType::String)], typed(json!(4.2))),
        ["RB403 `v` from --var is 4.2, which is not accepted (expected a text) put it in quotes: without them it is a number or a boolean"]
    );
}

#[test]
fn defaults_are_worked_out_in_their_own_order() {
    let mut dir = var("dir", VarType::Path);
    dir.default = Some(template("{{vars.base}}/odc-{{vars.port}}"));
    let mut copy = var("copy", VarType::Port);
    copy.default = Some(template("{{vars.port}}"));
    let mut port = var("port", VarType::Port);
    port.default = Some(literal(json!(8989)));
    let base = var("base", VarType::Path);
    let inputs = resolve(&runbook(vec![dir, copy, port, base]), vec![given("base", "/b")]).unwrap_or_else(|f| panic!("{:?}", messages(&f)));
    assert_eq!(values(&inputs), json!({ "dir": "/b/odc-8989", "copy": 8989, "port": 8989, "base": "/b" }));
}

#[test]
fn a_cycle_of_defaults_is_said_once() {
    let cyclic = |name, text| {
        let mut var = var(name, VarType::String);
        var.default = Some(template(text));
        var
    };
    let vars = vec![cyclic("a", "{{vars.b}}"), cyclic("b", "x{{vars.c}}"), cyclic("c", "{{vars.a}}"), cyclic("d", "{{vars.a}}")];
    assert_eq!(
        faults(vars, Vec::new()),
        [
            "RB407 the defaults of `a` → `b` → `c` → `a` wait for one another (the default of `c`) give one of them a default of its own, or none"
        ]
    );
    assert_eq!(
        faults(vec![cyclic("a", "{{steps.x.y}}"), cyclic("b", "{{vars.q}}")], Vec::new()),
        [
            "RB408 the default of `a` uses `steps.x.y` () a default is worked out before anything else: it can use `vars` only",
            "RB408 the default of `b` uses `vars.q`, which is not a variable () ",
        ]
    );
}

#[test]
fn a_secret_is_in_no_message_and_taints_what_is_made_from_it() {
    let secret = |name, kind| {
        let mut var = var(name, kind);
        var.secret = true;
        var
    };
    let said = faults(vec![secret("pin", VarType::Int)], vec![given("pin", "hunter22")]);
    assert_eq!(said, ["RB403 `pin` from --var is not accepted (expected a whole number such as `42`) "]);

    let mut url = var("url", VarType::String);
    url.default = Some(template("u:{{vars.password}}"));
    let inputs = resolve(&runbook(vec![url, secret("password", VarType::String)]), vec![given("password", "hunter22")])
        .unwrap_or_else(|f| panic!("{:?}", messages(&f)));
    assert!(!format!("{inputs:?}").contains("hunter22"));
    assert!(inputs.records().iter().all(|record| record.value.is_none()));
    let names: Vec<(String, String)> = inputs.secrets().into_iter().map(|(name, secret)| (name, secret.reveal().to_owned())).collect();
    assert_eq!(names, [("vars.url".to_owned(), "u:hunter22".to_owned()), ("vars.password".to_owned(), "hunter22".to_owned())]);
    let scope = inputs.scope(&Scope::new());
    assert!(matches!(scope.lookup(&["vars".to_owned(), "url".to_owned()]), Lookup::Found(found) if found.secret));
}

#[test]
fn secrets_that_cannot_be_masked_deserve_a_word() {
    let mut pin = var("pin", VarType::String);
    pin.secret = true;
    let user = var("user", VarType::String);
    let inputs = resolve(&runbook(vec![pin, user]), vec![given("pin", "odc"), given("user", "odc")])
        .unwrap_or_else(|f| panic!("{:?}", messages(&f)));
    assert_eq!(
        messages(inputs.warnings()),
        [
            "RB409 the secret `pin` has fewer than 4 bytes and cannot be masked (declared secret here) use a longer one: whatever steps that get it print is withheld",
            "RB409 the secret `pin` is the same text as the public variable `user` (declared secret here) use another one: it is shown as its twin is, and whatever steps that get it print is withheld",
        ]
    );
}

#[test]
fn what_has_to_be_asked_for_is_known_before() {
    let mut with_default = var("a", VarType::String);
    with_default.default = Some(literal(json!("x")));
    let book = runbook(vec![with_default, var("b", VarType::String), var("c", VarType::String)]);
    let names: Vec<&str> = missing(&book, &[given("c", "1")]).into_iter().map(|var| var.name.as_str()).collect();
    assert_eq!(names, ["b"]);
}
