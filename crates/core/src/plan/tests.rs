//! Plans of runbooks over a small executor of their own.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::*;
use crate::action::{
    Action, ActionSpec, Before, BoxFuture, Class, Cx, Executor, Outcome, OutputKind, OutputSpec, Outputs, Registry, TargetSpec,
};
use crate::diagnostic::Diagnostics;
use crate::inputs::{Given, GivenValue, Inputs, Origin, resolve};
use crate::load;
use crate::runbook::{Needs, Phase, Runbook};
use crate::source::Source;

/// Sets a thing to a value.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Set {
    /// The thing.
    #[serde(rename = "thing")]
    _thing: String,
    /// The value.
    #[serde(default, rename = "to")]
    _to: Option<u16>,
    /// A password.
    #[serde(default, rename = "password")]
    #[schemars(extend("x-secret" = "accept"))]
    _password: Option<String>,
}

impl Action for Set {
    fn run<'a>(&'a self, _: Cx<'a>, _: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async { Outcome::changed(Outputs::new()) })
    }
}

pub(crate) struct World;

impl Executor for World {
    fn name(&self) -> &'static str {
        "world"
    }
    fn about(&self) -> &'static str {
        "for tests"
    }
    fn actions(&self) -> &'static [ActionSpec] {
        const OUTPUTS: &[OutputSpec] = &[OutputSpec::new("value", OutputKind::Int, "the value")];
        static ACTIONS: [ActionSpec; 2] = [
            ActionSpec { outputs: OUTPUTS, before: OUTPUTS, ..ActionSpec::of::<Set>("set", Class::IDEMPOTENT, "sets") },
            ActionSpec { outputs: OUTPUTS, ..ActionSpec::of::<Set>("get", Class::READ_ONLY, "gets") },
        ];
        &ACTIONS
    }
    fn targets(&self) -> &'static [TargetSpec] {
        &[]
    }
}

const HEAD: &str = "format = 1\nname = \"odc\"\n";

pub(crate) fn runbook(text: &str) -> Runbook {
    let source = Arc::new(Source::new("odc.toml", format!("{HEAD}{text}")));
    let (runbook, faults) = load(&source, &Registry::new(vec![Box::new(World)]));
    let messages: Vec<_> = faults.iter().map(|fault| (fault.severity, fault.message.clone())).collect();
    runbook.unwrap_or_else(|| panic!("{messages:#?}"))
}

fn inputs(runbook: &Runbook, given: &[(&str, &str)]) -> Inputs {
    let given = given.iter().map(|(name, value)| Given {
        name: (*name).to_owned(),
        value: GivenValue::Text((*value).to_owned()),
        origin: Origin::CommandLine,
    });
    resolve(runbook, given.collect()).unwrap()
}

fn planned(text: &str) -> Plan {
    let runbook = runbook(text);
    let inputs = inputs(&runbook, &[]);
    plan(&runbook, &inputs, &PlanOptions::default()).unwrap_or_else(|faults| panic!("{:#?}", messages(&faults)))
}

pub(crate) fn messages(faults: &Diagnostics) -> Vec<String> {
    faults
        .iter()
        .map(|fault| {
            let places = fault.labels.iter().map(|l| format!("[{} {}]", l.source.slice(l.span), l.text));
            let help = fault.help.iter().map(|h| format!("help: {h}"));
            let message = [fault.code.to_string(), fault.message.clone()];
            message.into_iter().chain(places).chain(help).collect::<Vec<_>>().join(" ")
        })
        .collect()
}

fn selected(text: &str, options: &PlanOptions) -> Result<Plan, Vec<String>> {
    let runbook = runbook(text);
    let inputs = inputs(&runbook, &[]);
    plan(&runbook, &inputs, options).map_err(|faults| messages(&faults))
}

const THREE: &str = r#"
locks = ["odc@{{vars.host}}"]
[vars.host]
type = "string"
default = "db1"
[vars.password]
type = "string"
secret = true
default = "open sesame"
[[check]]
id = "room"
world.get = { thing = "disk" }
guards = ["second"]
[[check]]
id = "speed"
needs = ["room"]
world.get = { thing = "{{checks.room.value}}" }
[[step]]
id = "first"
title = "Set {{vars.host}}"
world.set = { thing = "{{vars.host}}", password = "{{vars.password}}" }
undo = [{ world.set = { thing = "{{vars.host}}", to = "{{before.value}}" } }]
[[step]]
id = "second"
world.set = { thing = "x", to = "{{steps.first.value}}" }
leaves = "nothing that matters"
[[step]]
id = "third"
needs = []
world.set = { thing = "y" }
irreversible = "it is"
[[verify]]
id = "good"
world.get = { thing = "{{checks.room.value}}" }
[[verify]]
id = "better"
world.get = { thing = "x" }
"#;

#[test]
fn what_only_variables_decide_is_known_and_the_rest_says_what_it_waits_for() {
    let plan = planned(THREE);
    let fields: Vec<_> = plan.units().iter().map(|unit| (unit.id.as_str(), unit.fields.clone())).collect();
    assert_eq!(
        fields,
        [
            ("room", Fields::Ready(json!({ "thing": "disk" }))),
            ("speed", Fields::Deferred { needs: vec!["checks.room".to_owned()] }),
            ("first", Fields::Ready(json!({ "thing": "db1", "password": "‹vars.password›" }))),
            ("second", Fields::Deferred { needs: vec!["steps.first".to_owned()] }),
            ("third", Fields::Ready(json!({ "thing": "y" }))),
            ("good", Fields::Deferred { needs: vec!["checks.room".to_owned()] }),
            ("better", Fields::Ready(json!({ "thing": "x" }))),
        ]
    );
    let first = &plan.units()[2];
    assert_eq!(first.undo()[0].fields, Fields::Deferred { needs: vec!["before".to_owned()] });
    assert_eq!((first.title.as_deref(), first.action.as_str()), (Some("Set db1"), "world.set"));
    assert_eq!(plan.parts().locks, ["odc@db1"]);
}

#[test]
fn a_title_is_one_line_whatever_stands_in_it() {
    let plan = planned(
        "title = \"\"\"\nRoll back,\r\n  as of {{vars.day}}\n\"\"\"\n[vars.day]\ntype = \"string\"\ndefault = \"Mon\\nday\"\n[[step]]\nid = \"a\"\ntitle = \"One\\n\\ntwo  three\"\nworld.set = { thing = \"x\", to = 1 }\nleaves = \"it\"\n",
    );
    assert_eq!(plan.parts().title.as_deref(), Some("Roll back, as of Mon day"));
    assert_eq!(plan.units()[0].title.as_deref(), Some("One two  three"));
}

#[test]
fn order_guards_and_uses_are_resolved() {
    let plan = planned(THREE);
    let ix = |id| plan.find(id).unwrap();
    let unit = |id| plan.unit(ix(id)).unwrap();
    assert_eq!(unit("second").needs, Needs::Earlier);
    assert_eq!(unit("third").needs, Needs::These(Vec::new()));
    assert_eq!(unit("second").guarded_by, [ix("room")]);
    assert_eq!(unit("speed").uses, [ix("room")]);
    assert_eq!(plan.phase(Phase::Verify), [ix("good"), ix("better")]);
}

#[test]
fn no_secret_is_in_a_plan() {
    let text = serde_json::to_string(&planned(THREE)).unwrap();
    assert!(!text.contains("sesame"), "{text}");
}

#[test]
fn a_plan_is_read_back_as_it_was_written() {
    let plan = planned(THREE);
    let text = serde_json::to_string(&plan).unwrap();
    let read: Plan = serde_json::from_str(&text).unwrap();
    assert_eq!((&read, read.digest()), (&plan, plan.digest()));
}

fn spec(step: &str) -> crate::digest::Digest {
    let text = format!("[[step]]\nid = \"a\"\n{step}\n");
    planned(&text).units()[0].spec.clone()
}

#[test]
fn prose_places_and_defaults_do_not_count_in_a_digest() {
    let plain = spec("world.set = { thing = \"x\", to = 1 }\nundo = [{ world.set = { thing = \"x\" } }]");
    let others = [
        "title = \"A title\"\ndescription = \"And more.\"\nworld.set = { thing = \"x\", to = 1 }\nundo = [{ world.set = { thing = \"x\" } }]",
        "# why\nworld.set = { to = 1, thing = \"x\" }\n\nundo = [{ world.set = { thing = \"x\" } }]",
        "on_failure = \"stop\"\nworld.set = { thing = \"x\", to = 1 }\nundo = [{ world.set = { thing = \"x\" } }]",
    ];
    for other in others {
        assert_eq!(spec(other), plain, "{other}");
    }
}

#[test]
fn what_is_done_counts_in_a_digest() {
    let undo = "undo = [{ world.set = { thing = \"x\" } }]";
    let specs = [
        spec(&format!("world.set = {{ thing = \"x\" }}\n{undo}")),
        spec(&format!("world.set = {{ thing = \"x\", to = 1 }}\n{undo}")),
        spec(&format!("world.set = {{ thing = \"x\" }}\nneeds = []\n{undo}")),
        spec(&format!("world.set = {{ thing = \"x\" }}\ntimeout = \"1m\"\n{undo}")),
        spec(&format!("world.set = {{ thing = \"x\" }}\nretry = {{ attempts = 2, every = \"1s\" }}\n{undo}")),
        spec(&format!("world.set = {{ thing = \"x\" }}\nexpect = [\"eq value 1\"]\n{undo}")),
        spec(&format!("world.set = {{ thing = \"x\" }}\nwarn = [\"eq value 1\"]\n{undo}")),
        spec(&format!("world.set = {{ thing = \"x\" }}\nconfirm = \"Sure?\"\n{undo}")),
        spec("world.set = { thing = \"x\" }\nundo = [{ world.set = { thing = \"y\" } }]"),
        spec("world.set = { thing = \"x\" }\nleaves = \"it\""),
    ];
    for (at, one) in specs.iter().enumerate() {
        assert!(!specs[..at].contains(one), "{at}");
    }
}

#[test]
fn a_selection_leaves_out_what_it_says() {
    let options = PlanOptions { from: Some("second".to_owned()), skip: vec!["better".to_owned()], ..PlanOptions::default() };
    let text = THREE.replace("steps.first.value", "default steps.first.value 5");
    let left_out = |options| {
        let plan = selected(&text, &options).unwrap();
        plan.units().iter().filter_map(|u| Some((u.id.clone(), u.left_out.clone()?))).collect::<Vec<_>>()
    };
    let owned = |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect::<Vec<_>>();
    assert_eq!(left_out(options), owned(&[("first", "--from second"), ("better", "--skip better")]));
    let options = PlanOptions { until: Some("first".to_owned()), ..PlanOptions::default() };
    let until = "--until first";
    assert_eq!(left_out(options), owned(&[("second", until), ("third", until), ("good", until), ("better", until)]));
}

#[test]
fn a_selection_is_refused_where_the_rest_needs_what_is_left_out() {
    let options = PlanOptions { skip: vec!["first".to_owned()], ..PlanOptions::default() };
    assert_eq!(
        selected(THREE, &options).unwrap_err(),
        ["RB431 `--skip first` leaves out `first`, which `second` needs [\"second\" uses `steps.first.value`] [\"first\" is left out] \
          help: leave out `second` as well, or run both"]
    );
}

#[test]
fn a_selection_of_nothing_is_refused_with_the_nearest_name() {
    let options = PlanOptions { from: Some("secnd".to_owned()), skip: vec!["room".to_owned()], ..PlanOptions::default() };
    assert_eq!(
        selected(THREE, &options).unwrap_err(),
        [
            "RB430 `--from secnd` names no step of this runbook help: write `--from second`",
            "RB430 `--skip room` names a check [\"room\" a check, not a step] help: checks only look, and are always asked: mend what it finds",
        ]
    );
}

#[test]
fn a_value_that_does_not_fit_is_found_before_the_run() {
    let text = "[vars.to]\ntype = \"int\"\ndefault = 70000\n[[step]]\nid = \"a\"\nworld.set = { thing = \"x\", to = \"{{vars.to}}\" }\nleaves = \"it\"\n";
    let faults = selected(text, &PlanOptions::default()).unwrap_err();
    assert_eq!(faults.len(), 1);
    assert!(faults[0].starts_with("RB501 ") && faults[0].contains("[\"{{vars.to}}\" ]"), "{faults:?}");
}

/// A plan's JSON with a change to it.
fn tampered(change: impl Fn(&mut Value)) -> String {
    let mut value = serde_json::to_value(planned(THREE)).unwrap();
    change(&mut value);
    serde_json::from_value::<Plan>(value).unwrap_err().to_string()
}

#[test]
fn data_that_cannot_be_carried_out_is_no_plan() {
    assert_eq!(tampered(|v| v["format"] = json!(2)), "the plan has format 2, this program reads up to 1");
    assert_eq!(tampered(|v| v["units"][1]["id"] = json!("room")), "two units are called `room`");
    assert_eq!(tampered(|v| v["units"][2]["needs"] = json!({ "these": [99] })), "`first` points at a unit that it cannot wait for");
    assert_eq!(tampered(|v| v["units"][2]["needs"] = json!({ "these": [0] })), "`first` points at a unit that it cannot wait for");
    assert_eq!(tampered(|v| v["units"][2]["needs"] = json!({ "these": [3] })), "`first`, `second` wait for each other");
    assert_eq!(tampered(|v| v["units"][4]["needs"] = json!({ "these": [4] })), "`third` wait for each other");
}

#[test]
fn a_monitors_window_is_made_of_steps() {
    let watched =
        format!("{THREE}\n[[monitor]]\nid = \"m\"\nfrom = \"first\"\nevery = \"5s\"\nthen = \"warn\"\nworld.get = {{ thing = \"x\" }}\n");
    let plan = planned(&watched);
    let ix = plan.find("m").unwrap();
    let watch = plan.unit(ix).unwrap().watch.unwrap();
    assert_eq!((watch.from, watch.until, watch.failures), (plan.find("first"), None, 3));
    let tampered = |change: &dyn Fn(&mut Value)| {
        let mut value = serde_json::to_value(&plan).unwrap();
        change(&mut value["units"][ix.get()]);
        serde_json::from_value::<Plan>(value).unwrap_err().to_string()
    };
    let refused = "`m` points at a unit that it cannot wait for";
    assert_eq!(tampered(&|unit| unit["watch"]["until"] = json!(0)), refused, "a check");
    assert_eq!(tampered(&|unit| unit["watch"]["from"] = json!(99)), refused);
    assert_eq!(tampered(&|unit| unit["watch"] = Value::Null), refused);
    assert_eq!(tampered(&|unit| unit["for_each"] = json!({ "parallel": 1 })), refused);
}

#[test]
fn what_a_when_keeps_from_running_needs_no_fitting_values() {
    let text = r#"
[vars.to]
type = "string"
default = ""
allow_empty = true
[[step]]
id = "maybe"
when = "ne vars.to ''"
world.set = { thing = "x", to = "{{int vars.to}}" }
undo = [{ world.set = { thing = "x", to = "{{int vars.to}}" } }]
"#;
    assert_eq!(planned(text).units().iter().map(|unit| unit.idle).collect::<Vec<_>>(), [true]);
    let runbook = runbook(text);
    let faults = |to| plan(&runbook, &inputs(&runbook, &[("to", to)]), &PlanOptions::default()).map(|_| ()).map_err(|f| f.len());
    assert_eq!(faults("7"), Ok(()));
    assert_eq!(faults("seven"), Err(2), "the step's and its undo's");
}
