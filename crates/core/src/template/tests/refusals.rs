//! What helpers and templates refuse, and what they say.

use super::{scope, template};
use crate::scope::Scope;
use crate::template::Expr;

fn refused(text: &str) -> String {
    let expr = Expr::parse(text).unwrap_or_else(|f| panic!("{text}: {f:?}"));
    match expr.eval(&Scope::new()) {
        Ok(value) => panic!("{text} gave {value:?}"),
        Err(fault) => match fault.help {
            Some(help) => format!("{} | {help}", fault.message),
            None => fault.message,
        },
    }
}

fn render_refused(text: &str) -> String {
    match template(text).render(&scope()) {
        Ok(rendered) => panic!("{text} gave {rendered:?}"),
        Err(fault) => match fault.help {
            Some(help) => format!("{} | {help}", fault.message),
            None => fault.message,
        },
    }
}

#[test]
fn a_wrong_type_is_never_false() {
    for (text, wanted) in [
        ("eq 1 '1'", "`eq`: a number is compared with a text | make the text a number: `int TEXT`"),
        ("eq true 'true'", "`eq`: a boolean is compared with a text | write `true` and `false` without quotes"),
        (
            "lt '4.10' '4.9'",
            "`lt`: a number is wanted, and this is a text | texts have no such order: use `version_lt`, `size_lt`, `duration_lt` or `time_before`, or make it a number with `int`",
        ),
        ("in 1 [\"1\"]", "`in`: a number is looked for in a list with a text in it"),
        (
            "in 'a' [{\"k\": \"a\"}]",
            "`in`: a text is looked for in a list with a map in it | take one member of each: `in VALUE (pluck LIST \"KEY\")`",
        ),
        ("not 1", "`not`: true or false is wanted, and this is a number | compare it with something: `not (eq NAME VALUE)`"),
        ("and 1 true", "a condition must be true or false, and this is a number | compare it with something: `eq NAME VALUE`"),
        ("add '1' 2", "`add`: a number is wanted, and this is a text | a text of digits becomes a number with `int TEXT`"),
        ("lower 1", "`lower`: a text is wanted, and this is a number"),
        ("join [[1]] ','", "`join`: a text, a number or a boolean is wanted, and this is a list"),
        ("contains [\"a\"] 'a'", "`contains`: a text is wanted, and this is a list | write `in VALUE LIST`"),
    ] {
        assert_eq!(refused(text), wanted, "{text}");
    }
}

#[test]
fn a_value_out_of_range_is_no_wrong_value() {
    for (text, wanted) in [
        ("div 1 0", "`div`: division by 0"),
        ("mul 9223372036854775807 9223372036854775807", "`mul`: the result does not fit 64 bits"),
        ("int '1.5'", "`int`: `1.5` is no whole number"),
        ("int 1.5", "`int`: 1.5 is no whole number | write `round A` to lose the fraction"),
        ("first []", "`first`: the list is empty | ask first: `gt (count LIST) 0`"),
        ("column [[1]] 1", "`column`: there is no column 1: a row has 1"),
        ("max_version []", "`max_version`: there is no version in an empty list"),
        ("version_lt 'latest' '4.2'", "`version_lt`: `latest` is no version | a version is numbers separated by dots, such as `4.3.4.12`"),
        ("size_gt '5 apples' 1", "`size_gt`: `5 apples` is not a size such as `512MiB`, `8GiB` or `10GB`, or a number of bytes"),
        ("seconds '5x'", "`seconds`: `5x` is not a duration such as `30s`, `10m`, `1h 30m` or `PT5M`"),
        ("minutes_between 'noon' 'now'", "`minutes_between`: `noon` is no time | write it as `2026-11-21T03:00:00Z`"),
        ("get {\"a\": 1} 'b'", "`get`: there is no \"b\" | say what to take then: `get A KEY B`"),
        ("replace 'a' '' 'b'", "`replace`: this must not be empty"),
        ("path_join '/a' '/b'", "`path_join`: `/b` begins at the root and cannot be put behind another path"),
    ] {
        assert_eq!(refused(text), wanted, "{text}");
    }
    assert!(refused("matches 'a' '('").starts_with("`matches`: `(` is no regular expression: "));
    assert!(refused("parse_json '{'").starts_with("`parse_json`: this text is no JSON: "));
}

#[test]
fn nothing_stands_in_a_text_by_accident() {
    for (text, wanted) in [
        ("a {{vars.none}}", "`vars.none` is null, which is no text | say what to write instead: `{{default vars.none \"…\"}}`"),
        (
            "a {{vars.list}}",
            "`vars.list` is a list, which is no text | write `{{join vars.list \",\"}}` or `{{json vars.list}}`; in a script, `{{words vars.list}}`",
        ),
        ("a {{vars}}", "`vars` is a map, which is no text | write `{{json vars}}`, or name one of its members"),
        ("a {{vars.imag}}", "`vars` has no `imag` | did you mean `vars.image`?"),
        ("a {{steps.load.image}}", "`steps.load.image` has no value"),
        (
            "{{#if vars.port}}x{{/if}}",
            "a condition must be true or false, and this is a number | compare it with something: `eq NAME VALUE`",
        ),
        ("{{#each vars.port}}x{{/each}}", "`#each` goes over a list or a map, and this is a number"),
        ("a {{vars.image.tag}}", "`vars.image` is a text, with nothing below it: \"odc:4.2.4\""),
        ("a {{vars.port.tag}}", "`vars.port` is a number, with nothing below it: 8989"),
        ("a {{vars.password.tag}}", "`vars.password` is a text, with nothing below it"),
        ("a {{vars.page.data.version}}", "`vars.page` is a text, with nothing below it: \"<h1>502 Bad Gateway</h1>\" …"),
        ("{{#each steps.dump.rows}}{{nope}}{{/each}}", "the element has no `nope`"),
    ] {
        assert_eq!(render_refused(text), wanted, "{text}");
    }
}

#[test]
fn a_list_is_written_as_json() {
    let faults = Expr::parse("in 'a' ['a']").err().unwrap_or_default();
    assert_eq!(faults.first().map(|f| f.message.as_str()), Some("`['a']` is no list and no map"));
}

#[test]
fn a_fault_of_a_helper_does_not_quote_a_secret() {
    assert_eq!(render_refused("{{int vars.password}}"), "`int` does not take such a value");
    assert_eq!(render_refused("{{add 1 (int vars.password)}}"), "`int` does not take such a value");
}

#[test]
fn what_may_be_missing_is_provided_for() {
    let rendered = |text: &str| template(text).render(&scope()).unwrap_or_else(|f| panic!("{text}: {f}")).text();
    assert_eq!(rendered("{{default steps.load.image 'none'}}"), "none");
    assert_eq!(rendered("{{coalesce steps.load.image vars.none vars.image}}"), "odc:4.2.4");
    assert_eq!(rendered("{{default (lower steps.load.image) 'none'}}"), "none");
    assert_eq!(rendered("{{#if (or vars.on steps.load.done)}}yes{{/if}}"), "yes");
    assert_eq!(render_refused("{{default (lower vars.port) 'none'}}"), "`lower`: a text is wanted, and this is a number");
}
