use serde_json::json;

use super::*;

fn path(text: &str) -> Vec<String> {
    text.split('.').map(str::to_owned).collect()
}

fn value(scope: &Scope, at: &str) -> Option<Value> {
    match scope.lookup(&path(at)) {
        Lookup::Found(found) => Some(found.value.into_owned()),
        Lookup::Absent | Lookup::Lost | Lookup::Nothing { .. } => None,
    }
}

#[test]
fn extending_a_scope_leaves_it_as_it_is() {
    let mut base = Scope::new().with("vars", json!({ "a": [10, 20] }));
    base.set_member("steps", "one", json!({ "out": 1 }), Secrecy::none());
    let inner = base.with("item", json!("x")).with("vars", json!({ "a": 2 }));
    base.set_member("steps", "two", json!({ "out": 2 }), Secrecy::none());
    assert_eq!((value(&inner, "vars.a"), value(&base, "vars.a.1")), (Some(json!(2)), Some(json!(20))));
    assert_eq!((value(&inner, "item"), value(&base, "item")), (Some(json!("x")), None));
    assert_eq!((value(&inner, "steps.two.out"), value(&base, "steps.two.out")), (None, Some(json!(2))));
    assert_eq!(value(&base, "steps"), Some(json!({ "one": { "out": 1 }, "two": { "out": 2 } })));
}

#[test]
fn what_is_not_there_yet_is_told_from_what_never_comes() {
    let mut scope = Scope::new().with("vars", json!({ "a": { "b": 1 } }));
    scope.set_group("steps");
    assert!(scope.is_absent(&path("steps.one.out")));
    assert!(scope.is_absent(&path("item")));
    assert!(!scope.is_absent(&path("vars.nothing")));
    assert!(matches!(scope.lookup(&path("vars.a.c.d")), Lookup::Nothing { known: 2, names } if names == ["b"]));
}

#[test]
fn a_secret_taints_what_holds_it_and_what_it_holds() {
    let mut scope =
        Scope::new().with_secret("vars", json!({ "p": "x", "q": { "r": "y", "s": "z" } }), Secrecy::of([vec!["p"], vec!["q", "r"]]));
    scope.set_member("steps", "one", json!({ "env": { "A": "b" } }), Secrecy::members(["env"]));
    for (at, secret) in [
        ("vars", true),
        ("vars.p", true),
        ("vars.q", true),
        ("vars.q.r", true),
        ("vars.q.s", false),
        ("steps", true),
        ("steps.one.env.A", true),
        ("steps.two", false),
    ] {
        assert_eq!(scope.is_secret(&path(at)), secret, "{at}");
    }
}

#[test]
fn a_steps_own_results_stand_at_the_top() {
    let members = json!({ "exit_code": 0, "token": { "v": 1 }, "vars": "mine" });
    let Value::Object(members) = members else { return };
    let scope = Scope::new().with("vars", json!({ "a": 1 })).with_members(&members, &Secrecy::of([vec!["token", "v"]]));
    assert_eq!((value(&scope, "exit_code"), value(&scope, "vars")), (Some(json!(0)), Some(json!("mine"))));
    assert!(scope.is_secret(&path("token.v")) && scope.is_secret(&path("token")) && !scope.is_secret(&path("exit_code")));
}
