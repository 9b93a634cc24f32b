//! What holds for all texts: nothing panics, plain text stays as it is, and what plain Handlebars can say, says the same here.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::scope::Scope;
use crate::template::ast::{Ex, ExKind, Node};
use crate::template::{Expr, Template, TextKind, parse, quick};

fn data() -> Value {
    json!({ "on": true, "off": false, "a": "A", "n": 7, "none": [], "list": ["x", "y", "z"], "rows": [{ "k": "K1" }, { "k": "K2" }], "m": { "k": "MK", "in": { "d": 1 } } })
}

fn scope() -> Scope {
    let mut scope = Scope::new();
    if let Value::Object(map) = data() {
        for (name, value) in map {
            scope.set(&name, value, crate::scope::Secrecy::none());
        }
    }
    scope
}

/// Pieces that make faults likely: tags cut in the middle, quotes, brackets, other alphabets.
fn broken() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("{{"),
        Just("}}"),
        Just("{{#if "),
        Just("{{/if}}"),
        Just("{{#each x as |a b|}}"),
        Just("{{/each}}"),
        Just("{{else}}"),
        Just("{{else if "),
        Just("{{^}}"),
        Just("{{~"),
        Just("~}}"),
        Just("{{!"),
        Just("--}}"),
        Just("{{!--"),
        Just("("),
        Just(")"),
        Just("\""),
        Just("'"),
        Just("\\"),
        Just("["),
        Just("]"),
        Just("@root."),
        Just("@index"),
        Just("../"),
        Just("this"),
        Just("vars.a"),
        Just("eq "),
        Just("1"),
        Just("-0"),
        Just("{"),
        Just("}"),
        Just("|"),
        Just("="),
        Just(" "),
        Just("\n"),
        Just("é"),
        Just("\u{202e}"),
        Just("."),
        Just("lookup"),
        Just("{{{"),
        Just("}}}"),
        Just("{{{{raw}}}}"),
        Just("{{{{/raw}}}}"),
        Just("{{>"),
        Just("{{*"),
        Just("&"),
        Just("null"),
        Just(","),
        Just(":"),
        Just("as"),
        Just("\t"),
        Just("\r\n"),
        Just("\0"),
        Just("1e999"),
        Just("\\u12"),
        Just("\\{{"),
        Just("\\\\{{"),
        Just("{{#*inline x}}"),
        Just("{{#> p}}"),
        Just("{{/"),
    ];
    prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

/// Templates that plain Handlebars and this crate read the same way.
fn common() -> impl Strategy<Value = String> {
    let space = prop_oneof![Just(""), Just(" "), Just("\n"), Just(" \n "), Just("\n\n"), Just("\t")];
    let text = (space.clone(), "[a-z]{0,3}", space).prop_map(|(a, b, c)| format!("{a}{b}{c}"));
    let value = (
        any::<bool>(),
        any::<bool>(),
        prop_oneof![Just("@root.a"), Just("@root.n"), Just("@root.list.[1]"), Just("@root.m.in.d"), Just("@root.rows.[0].k")],
    )
        .prop_map(|(l, r, name)| format!("{{{{{}{name}{}}}}}", if l { "~" } else { "" }, if r { "~" } else { "" }));
    let leaf = prop_oneof![4 => text, 3 => value, 1 => Just("{{! note }}".to_owned()), 1 => Just("{{!-- a }} b --}}".to_owned()), 1 => Just("\\{{raw}}".to_owned())];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let body = prop::collection::vec(inner, 0..4).prop_map(|pieces| pieces.concat());
        let flag = prop_oneof![Just("@root.on"), Just("@root.off")];
        let list = prop_oneof![Just("@root.list"), Just("@root.none")];
        prop_oneof![
            (flag.clone(), body.clone(), body.clone()).prop_map(|(f, a, b)| format!("{{{{#if {f}}}}}{a}{{{{else}}}}{b}{{{{/if}}}}")),
            (flag.clone(), flag.clone(), body.clone(), body.clone(), body.clone())
                .prop_map(|(f, g, a, b, c)| format!("{{{{#if {f}}}}}{a}{{{{else if {g}}}}}{b}{{{{else}}}}{c}{{{{/if}}}}")),
            (flag, body.clone()).prop_map(|(f, a)| format!("{{{{#unless {f}~}}}}{a}{{{{~/unless}}}}")),
            (list.clone(), body.clone(), body.clone()).prop_map(|(l, a, b)| format!(
                "{{{{#each {l}}}}}{a}{{{{this}}}}{{{{@index}}}}{{{{@first}}}}{{{{@last}}}}{{{{else}}}}{b}{{{{/each}}}}"
            )),
            (list, body.clone()).prop_map(|(l, a)| format!("{{{{#each {l} as |v i|}}}}{a}{{{{v}}}}{{{{i}}}}{{{{/each}}}}")),
            body.clone().prop_map(|a| format!("{{{{#each @root.rows}}}}{a}{{{{k}}}}{{{{/each}}}}")),
            body.prop_map(|a| format!("{{{{#with @root.m}}}}{a}{{{{k}}}}{{{{in.d}}}}{{{{/with}}}}")),
        ]
    })
}

fn bare() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("vars.a"),
        Just("n"),
        Just("1"),
        Just("01"),
        Just("1.5"),
        Just("-3"),
        Just("true"),
        Just("null"),
        Just("'it'"),
        Just("\"it\""),
        Just("'a b'"),
        Just("this"),
        Just("a-b.c"),
        Just("'a\"b'"),
        Just("'a\\'b'"),
        Just("a."),
        Just(".a"),
        Just("@root.a"),
        Just("(eq n 1)"),
        Just("x=1"),
        Just("''"),
        Just("a/b"),
        Just("else"),
        Just("123456789012345678901"),
        Just("é"),
        Just("as"),
        Just("'a''b'"),
        Just("'a'b"),
        Just("a'b'"),
        Just("$x"),
        Just("a:b"),
        Just("null.x"),
        Just("true.y"),
        Just("1a"),
        Just("[x]"),
    ];
    let helper = prop_oneof![Just("eq"), Just("lower"), Just("default"), Just("and"), Just("nope"), Just("vars.a"), Just("not")];
    let space = prop_oneof![4 => Just(" "), 1 => Just("  ")];
    (prop::option::of(helper), prop::collection::vec((space, word), 0..4))
        .prop_map(|(helper, words)| helper.into_iter().chain(words.into_iter().flat_map(|(space, word)| [space, word])).collect())
}

/// Everything but the places, which the two ways give literals differently.
fn shape(ex: &Ex) -> String {
    match &ex.kind {
        ExKind::Literal(value) => format!("{value:?}"),
        ExKind::Root(path) => format!("{path:?}@{:?}", ex.span),
        ExKind::Local { up, what, path } => format!("{up}{what:?}{path:?}"),
        ExKind::Call { helper, args } => format!("{}({})", helper.name, args.iter().map(shape).collect::<Vec<_>>().join(", ")),
    }
}

fn shapes(nodes: &[Node]) -> String {
    let one = |node: &Node| match node {
        Node::Value { ex, span, origin, form, reason } => format!("{}{span:?}{origin:?}{form:?}{reason:?}", shape(ex)),
        other => format!("{other:?}"),
    };
    nodes.iter().map(one).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_parser_panic(text in prop_oneof![broken(), any::<String>()]) {
        for kind in [TextKind::Plain, TextKind::Shell, TextKind::Sql] {
            if let Ok(template) = Template::parse(&text, kind) {
                let _ = template.render(&scope());
            }
        }
        if let Ok(expr) = Expr::parse(&text) {
            let _ = expr.test(&scope());
        }
    }

    #[test]
    fn faults_stand_inside_the_text(text in broken()) {
        let faults = [Template::parse(&text, TextKind::Plain).err(), Expr::parse(&text).err()];
        for fault in faults.into_iter().flatten().flatten() {
            prop_assert!(text.get(fault.span.range()).is_some(), "{:?} in {:?}", fault, text);
        }
    }

    #[test]
    fn a_text_without_braces_stays_as_it_is(text in any::<String>()) {
        prop_assume!(!text.contains("{{"));
        let rendered = Template::parse(&text, TextKind::Plain).ok().and_then(|t| t.render(&scope()).ok());
        prop_assert_eq!(rendered.map(|r| r.text()), Some(text));
    }

    #[test]
    fn what_plain_handlebars_can_say_says_the_same(text in common()) {
        let mut registry = handlebars::Handlebars::new();
        registry.set_strict_mode(true);
        registry.register_escape_fn(handlebars::no_escape);
        let theirs = registry.render_template(&text, &data());
        let ours = Template::parse(&text, TextKind::Plain).map(|t| t.render(&scope()).map(|r| r.text()));
        match (theirs, ours) {
            (Ok(theirs), Ok(Ok(ours))) => prop_assert_eq!(ours, theirs, "{:?}", text),
            (theirs, ours) => prop_assert!(false, "{:?}: {:?} {:?}", text, theirs, ours),
        }
    }

    #[test]
    fn the_short_way_gives_what_the_grammar_gives(text in bare()) {
        if let Some((ex, refs)) = quick::expression(&text) {
            let slow = parse::slow_expression(&text);
            prop_assert_eq!(slow.map(|(ex, refs)| (shape(&ex), refs)), Ok((shape(&ex), refs)), "{:?}", text);
        }
        let template = format!("x {{{{{text}}}}} y {{{{ vars.a }}}}");
        if let Some((nodes, refs)) = quick::references(&template) {
            let slow = parse::slow_template(&template);
            prop_assert_eq!(slow.map(|(nodes, refs)| (shapes(&nodes), refs)), Ok((shapes(&nodes), refs)), "{:?}", template);
        }
    }
}
