mod properties;
mod refusals;

use serde_json::json;

use super::*;
use crate::scope::{Scope, Secrecy};

fn scope() -> Scope {
    let mut scope = Scope::new();
    scope.set(
        "vars",
        json!({ "image": "odc:4.2.4", "port": 8989, "password": "hunter22", "list": ["a", "b"], "on": true, "none": null, "page": "\r\n<h1>502 Bad Gateway</h1>\r\n<hr>\r\n" }),
        Secrecy::members(["password"]),
    );
    scope.set_member(
        "steps",
        "dump",
        json!({ "manifest": "/b/manifest.json", "rows": [{ "name": "x", "n": 1 }, { "name": "y", "n": 2 }] }),
        Secrecy::none(),
    );
    scope
}

fn template(text: &str) -> Template {
    Template::parse(text, TextKind::Plain).unwrap_or_else(|faults| panic!("{text}: {faults:?}"))
}

fn rendered(text: &str) -> String {
    template(text).render(&scope()).unwrap_or_else(|fault| panic!("{text}: {fault}")).text()
}

fn refs(text: &str) -> Vec<String> {
    template(text).refs().iter().map(|r| format!("{r}{}@{}..{}", if r.guarded { "?" } else { "" }, r.span.start, r.span.end)).collect()
}

fn fault(text: &str) -> String {
    match Template::parse(text, TextKind::Plain) {
        Ok(_) => panic!("{text} was taken"),
        Err(faults) => {
            faults.iter().map(|f| format!("{}..{} {}: {}", f.span.start, f.span.end, f.code, f.message)).collect::<Vec<_>>().join("\n")
        }
    }
}

#[test]
fn every_example_of_the_reference_gives_what_it_says() {
    for helper in helpers::all() {
        if helper.result.is_empty() {
            let kind = if helper.name == "like" { TextKind::Sql } else { TextKind::Shell };
            Template::parse(helper.example, kind).unwrap_or_else(|f| panic!("{}: {f:?}", helper.example));
            continue;
        }
        let expr = Expr::parse(helper.example).unwrap_or_else(|f| panic!("{}: {f:?}", helper.example));
        let value = expr.eval(&Scope::new()).unwrap_or_else(|f| panic!("{}: {f}", helper.example)).value;
        let wanted: serde_json::Value = serde_json::from_str(helper.result).unwrap_or_else(|e| panic!("{}: {e}", helper.result));
        assert_eq!(value, wanted, "{}", helper.example);
    }
}

#[test]
fn plain_references_render() {
    assert_eq!(rendered("image {{vars.image}} on {{ vars.port }}"), "image odc:4.2.4 on 8989");
    assert_eq!(rendered("{{steps.dump.manifest}}"), "/b/manifest.json");
}

#[test]
fn blocks_and_locals() {
    assert_eq!(rendered("{{#each steps.dump.rows}}{{@index}}={{name}}{{#unless @last}},{{/unless}}{{/each}}"), "0=x,1=y");
    assert_eq!(rendered("{{#each steps.dump.rows as |r i|}}{{i}}{{r.n}}{{@root.vars.port}} {{/each}}"), "018989 128989 ");
    assert_eq!(rendered("{{#each vars.list}}{{this}}{{../vars.port}}{{/each}}"), "a8989b8989");
    assert_eq!(rendered("{{#if (eq vars.port 1)}}one{{else if vars.on}}on{{else}}no{{/if}}"), "on");
    assert_eq!(rendered("{{#with steps.dump}}{{manifest}}{{/with}}"), "/b/manifest.json");
}

#[test]
fn references_are_found_everywhere() {
    assert_eq!(refs("{{vars.a}}-{{ vars.b }}"), ["vars.a@2..8", "vars.b@14..20"]);
    assert_eq!(
        refs("{{#if (and vars.a (or vars.b vars.a))}}{{vars.c}}{{else}}{{lower vars.d}}{{/if}}"),
        ["vars.a@11..17", "vars.b@22..28", "vars.a@29..35", "vars.c@41..47", "vars.d@65..71"]
    );
    assert_eq!(refs("{{default vars.a (lower vars.b)}}{{vars.c}}"), ["vars.a?@10..16", "vars.b?@24..30", "vars.c@35..41"]);
    assert_eq!(refs("{{#each vars.l as |x|}}{{x.y}}{{@root.vars.z}}{{@index}}{{/each}}"), ["vars.l@8..14", "vars.z@32..44"]);
    assert_eq!(refs("{{#with steps.s as |s|}}{{s.out}}{{two}}{{/with}}"), ["steps.s@8..15", "steps.s.out@26..31", "steps.s.two@35..38"]);
}

#[test]
fn faults_have_places_and_advice() {
    assert_eq!(fault("docker ps --format '{{.Names}}'"), "22..28 RB201: `.Names` is no name of this runbook");
    assert_eq!(fault("a {{{vars.b}}}"), "2..14 RB204: `{{{…}}}` is not allowed");
    assert_eq!(fault("{{> x}}"), "0..7 RB204: a partial `{{>…}}` is not allowed");
    assert_eq!(fault("{{lowr vars.x}}"), "2..6 RB202: no helper is called `lowr`");
    assert_eq!(fault("{{lower vars.x vars.y}}"), "2..7 RB203: `lower` takes 1 argument, not 2");
    assert_eq!(fault("{{#if vars.x}}a"), "0..14 RB201: `{{#if}}` is never closed");
    assert_eq!(fault("{{vars.x"), "0..2 RB201: this `{{` is never closed");
    assert_eq!(
        fault("{{#each vars.l}}{{vars.x}}{{/each}}"),
        "18..24 RB201: inside `#each` and `#with`, `vars` is looked up in the element"
    );
}

#[test]
fn a_heap_of_open_parentheses_is_no_heap_of_faults() {
    let text = format!("{{{{{}}}}}", "(".repeat(20_000));
    let faults = Template::parse(&text, TextKind::Plain).unwrap_err();
    assert!(faults.len() < 100, "{}", faults.len());
    assert!(faults.iter().any(|fault| fault.message.contains("parentheses inside one another")));
}

#[test]
fn braces_of_other_programs_pass_with_a_backslash() {
    assert_eq!(rendered(r"docker ps --format '\{{.Names}}' {{vars.port}}"), "docker ps --format '{{.Names}}' 8989");
}

#[test]
fn single_templates_keep_their_type() {
    for (text, wanted) in
        [("{{vars.port}}", json!(8989)), ("{{vars.list}}", json!(["a", "b"])), ("{{vars.on}}", json!(true)), ("{{vars.none}}", json!(null))]
    {
        assert_eq!(template(text).render(&scope()).map(|r| r.value()).ok(), Some(wanted));
    }
}

#[test]
fn secrets_are_named_not_shown() {
    let rendered = template("-p{{upper vars.password}}:{{vars.port}}").render(&scope()).unwrap_or_else(|f| panic!("{f}"));
    assert_eq!(rendered.text(), "-pHUNTER22:8989");
    assert_eq!(rendered.public_text(), "-p‹upper vars.password›:8989");
    assert_eq!(rendered.secrets(), ["HUNTER22"]);
}

#[test]
fn conditions_are_real() {
    let expr = |t: &str| Expr::parse(t).unwrap_or_else(|f| panic!("{t}: {f:?}"));
    let tested = expr("eq vars.port 1").test(&scope()).unwrap_or_else(|f| panic!("{f}"));
    assert!(!tested.holds);
    assert_eq!(tested.actuals, [("vars.port".to_owned(), json!(8989))]);
    assert_eq!(
        expr("vars.image").test(&scope()).err().map(|f| f.message),
        Some("a condition must be true or false, and this is a text".to_owned())
    );
    assert_eq!(
        expr("eq vars.port '8989'").test(&scope()).err().map(|f| f.message),
        Some("`eq`: a number is compared with a text".to_owned())
    );
    assert!(expr("true").test(&scope()).is_ok_and(|t| t.holds));
}

#[test]
fn helpers_say_what_they_always_give() {
    let gives = |name: &str| super::helpers::find(name).unwrap().gives();
    assert_eq!(gives("eq"), Some(json!(true)));
    assert!(gives("count").unwrap().is_number());
    assert!(gives("split").unwrap().is_array());
    for open in ["choose", "default", "coalesce", "first", "last", "cell", "get", "parse_json", "raw", "words"] {
        assert_eq!(gives(open), None, "{open}");
    }
}
