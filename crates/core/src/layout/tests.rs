//! Where the units of called runbooks come to stand, and what they wait for.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::action::Registry;
use crate::call::Calls;
use crate::diagnostic::{Code, Diagnostic};
use crate::load_with;
use crate::plan::tests::World;
use crate::runbook::{Fate, Needs, Runbook};
use crate::source::Source;

const HEAD: &str = "format = 1\nname = \"x\"\n";

/// The runbook of the first text, which may call `a.toml`, the second, and `b.toml`, the third.
fn load(texts: &[&str]) -> Runbook {
    let source = |name: &str, text: &str| Arc::new(Source::new(name, format!("{HEAD}{text}")));
    let mut called = |file: &str| match (file, texts) {
        ("a.toml", [_, text, ..]) | ("b.toml", [_, _, text, ..]) => Ok(source(file, text)),
        _ => Err(Diagnostic::error(Code::CallFile, "no such file")),
    };
    let registry = Registry::new(vec![Box::new(World), Box::new(Calls)]);
    let (runbook, faults) = load_with(&source("main.toml", texts[0]), &registry, &mut called);
    runbook.unwrap_or_else(|| panic!("{:#?}", crate::plan::tests::messages(&faults)))
}

/// One line for each unit: its id, its phase, and what it points at.
fn laid(texts: &[&str]) -> Vec<String> {
    let runbook = load(texts);
    let id = |ix: &crate::effect::UnitIx| runbook.units[ix.get()].id.clone();
    let ids = |list: &[crate::effect::UnitIx]| list.iter().map(id).collect::<Vec<_>>().join(" ");
    assert!(runbook.units.iter().enumerate().all(|(at, unit)| unit.ix.get() == at));
    let line = |unit: &crate::runbook::Unit| {
        let mut line = format!("{} {}", unit.phase.name(), unit.id);
        if let Needs::These(needs) = &unit.needs {
            let _ = write!(line, " needs [{}]", ids(needs));
        }
        if !unit.guards.is_empty() {
            let _ = write!(line, " guards [{}]", ids(&unit.guards));
        }
        if let Fate::CoveredBy(cover) = &unit.fate {
            let _ = write!(line, " covered by {}", id(cover));
        }
        if let Some(watch) = unit.watch {
            let _ = write!(line, " from {:?} until {:?}", watch.from.as_ref().map(id), watch.until.as_ref().map(id));
        }
        line
    };
    runbook.units.iter().map(line).collect()
}

const GET: &str = "world.get = { thing = 'x' }";

fn unit(phase: &str, id: &str, more: &str) -> String {
    format!("[[{phase}]]\nid = '{id}'\n{more}\n{}\n", if more.contains("world.") || more.contains("runbook.") { "" } else { GET })
}

fn call(id: &str, more: &str) -> String {
    unit("step", id, &format!("{more}\nrunbook.call = {{ file = 'a.toml' }}"))
}

#[test]
fn units_stand_where_the_call_stands() {
    let called = [unit("check", "c", "guards = ['t']"), unit("step", "s", ""), unit("step", "t", ""), unit("verify", "v", "")].concat();
    let main = [unit("check", "c", "guards = ['k']"), unit("step", "s", ""), call("k", ""), unit("step", "t", ""), unit("verify", "v", "")];
    assert_eq!(
        laid(&[&main.concat(), &called]),
        [
            "check c needs [] guards [k/s]",
            "check k/c needs [] guards [k/t]",
            "step s",
            "step k/s",
            "step k/t",
            "step k/v needs [k/s k/t]",
            "step k",
            "step t",
            "verify v needs []",
        ]
    );
}

#[test]
fn what_a_call_waits_for_its_first_steps_wait_for() {
    let called =
        [unit("step", "a", ""), unit("step", "b", "needs = []"), unit("step", "c", "needs = ['b']"), unit("step", "d", "")].concat();
    let main = [unit("step", "s", ""), unit("step", "t", "needs = []"), call("k", "needs = ['t']"), unit("step", "u", "needs = ['k']")];
    assert_eq!(
        laid(&[&main.concat(), &called]),
        [
            "step s",
            "step t needs []",
            "step k/a needs [t]",
            "step k/b needs [t]",
            "step k/c needs [k/b]",
            "step k/d needs [k/a k/b k/c]",
            "step k needs [k/a k/b k/c k/d]",
            "step u needs [k]",
        ]
    );
    // Without `needs` it waits for all before it, and so do those that would begin at once.
    let main = [unit("step", "s", ""), unit("step", "t", "needs = []"), call("k", "")].concat();
    assert_eq!(laid(&[&main, &called])[2..], ["step k/a", "step k/b needs [s t]", "step k/c needs [k/b]", "step k/d", "step k"]);
}

#[test]
fn a_title_a_question_or_a_monitor_makes_a_beginning() {
    let called =
        [unit("step", "s", "needs = []"), unit("monitor", "m", "then = 'warn'"), unit("monitor", "n", "then = 'warn'\nfrom = 's'")];
    let main = [
        unit("check", "c", "guards = ['k']"),
        unit("step", "s", ""),
        call("k", "needs = ['s']\nconfirm = 'Now?'"),
        unit("step", "t", ""),
        unit("monitor", "m", "then = 'warn'\nfrom = 'k'"),
        unit("monitor", "n", "then = 'warn'\nuntil = 'k'"),
    ];
    assert_eq!(
        laid(&[&main.concat(), &called.concat()]),
        [
            "check c needs [] guards [k:begin]",
            "step s",
            "step k:begin needs [s]",
            "step k/s needs [k:begin]",
            "step k needs [k/s]",
            "step t",
            r#"monitor m needs [] from Some("k") until None"#,
            r#"monitor n needs [] from None until Some("k:begin")"#,
            r#"monitor k/m needs [] from Some("k:begin") until Some("k")"#,
            r#"monitor k/n needs [] from Some("k/s") until Some("k")"#,
        ]
    );
    let runbook = load(&[&main.concat(), &called.concat()]);
    let asks: Vec<&str> = runbook.units.iter().filter(|unit| unit.confirm.is_some()).map(|unit| unit.id.as_str()).collect();
    assert_eq!(asks, ["k:begin"]);
}

#[test]
fn calls_stand_within_calls() {
    let set = "world.set = { thing = 'x' }";
    let inner =
        [unit("step", "s", &format!("{set}\nundo = [{{ {set} }}]")), unit("step", "t", &format!("{set}\ncovered_by = 's'"))].concat();
    let middle = [
        unit("check", "c", "guards = ['in']"),
        unit("step", "in", "when = 'eq 1 1'\nrunbook.call = { file = 'b.toml' }"),
        unit("step", "last", ""),
    ];
    let main = [unit("step", "first", ""), call("out", "when = 'eq 2 2'"), call("again", "needs = []")].concat();
    let texts = [main.as_str(), &middle.concat(), &inner];
    assert_eq!(
        laid(&texts),
        [
            "check out/c needs [] guards [out/in/s]",
            "check again/c needs [] guards [again/in/s]",
            "step first",
            "step out/in/s",
            "step out/in/t covered by out/in/s",
            "step out/in",
            "step out/last",
            "step out",
            "step again/in/s needs []",
            "step again/in/t needs [again/in/s] covered by again/in/s",
            "step again/in needs [again/in/t]",
            "step again/last needs [again/in]",
            "step again needs [again/in/s again/in/t again/in again/last]",
        ]
    );
    let runbook = load(&texts);
    let ids: Vec<_> =
        runbook.called.iter().map(|called| (called.id.as_str(), called.file.as_str(), called.parent.map(|ix| ix.0))).collect();
    assert_eq!(ids, [("out", "a.toml", None), ("out/in", "b.toml", Some(0)), ("again", "a.toml", None), ("again/in", "b.toml", Some(2))]);
    for (at, called) in runbook.called.iter().enumerate() {
        let end = &runbook.units[called.end.get()];
        assert_eq!((end.id.as_str(), end.ends.map(|ix| ix.0)), (called.id.as_str(), Some(at)));
    }
    let conditions = |id: &str| {
        let unit = runbook.units.iter().find(|unit| unit.id == id).unwrap();
        unit.conditions().map(|(call, when)| format!("{:?} {}", call.map(|ix| ix.0), when.source())).collect::<Vec<_>>()
    };
    assert_eq!(conditions("out/in/s"), ["None eq 2 2", "Some(0) eq 1 1"]);
    assert_eq!(conditions("out/in"), ["None eq 2 2", "Some(0) eq 1 1"]);
    assert_eq!(conditions("again/in/t"), ["Some(2) eq 1 1"]);
    assert_eq!(conditions("out"), ["None eq 2 2"]);
}

#[test]
fn a_runbook_that_only_asks_can_be_called() {
    let main = [unit("step", "s", ""), call("k", "needs = ['s']"), unit("step", "t", "needs = ['k']")].concat();
    assert_eq!(
        laid(&[&main, &[unit("check", "c", ""), unit("verify", "v", "")].concat()]),
        ["check k/c needs []", "step s", "step k/v needs [s]", "step k needs [k/v]", "step t needs [k]"]
    );
    assert_eq!(laid(&[&main, &unit("check", "c", "")]), ["check k/c needs []", "step s", "step k needs [s]", "step t needs [k]"]);
}
