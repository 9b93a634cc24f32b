use serde_json::{Value, json};

use super::*;
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::inputs::{Given, GivenValue, Inputs, Origin, resolve};
use crate::plan::tests::{messages, runbook};
use crate::plan::{PlanOptions, plan};
use crate::runbook::FileFormat;

const OMS: &str = r#"
[vars.path]
type = "path"
[vars.https]
type = "bool"
default = false
[values.oms]
yaml = { path = "{{vars.path}}/config.yaml" }
secret = ["password", "db.password"]
[values.port]
value = "values.oms.port"
[[check]]
id = "get"
world.get = { thing = "{{values.oms.host}}", to = "{{values.port}}", password = "{{values.oms.password}}" }
[[check]]
id = "https"
when = "vars.https"
world.get = { thing = "{{values.oms.cert}} {{default values.oms.key 'none'}}" }
"#;

fn config() -> Value {
    json!({ "host": "db1", "port": 2881, "password": "hunter2", "db": { "password": "horse", "user": "root" }, "forgotten": "s3cret" })
}

fn worked_out(text: &str, vars: &[(&str, &str)], file: &Value) -> Result<Inputs, Vec<String>> {
    let runbook = runbook(text);
    let give = |(name, text): &(&str, &str)| Given {
        name: (*name).to_owned(),
        value: GivenValue::Text((*text).to_owned()),
        origin: Origin::CommandLine,
    };
    let inputs = resolve(&runbook, vars.iter().map(give).collect()).map_err(|f| messages(&f))?;
    work_out(&runbook, inputs, &mut Reading { lenient: false, recorded: &[], read: &mut |_, _| Ok(file.clone()) }).map_err(|f| messages(&f))
}

#[test]
fn only_what_the_runbook_names_is_kept_and_secrets_are_names() {
    let inputs = worked_out(OMS, &[("path", "/opt/oms")], &config()).unwrap();
    let records = inputs.value_records();
    assert_eq!(
        records[0].value,
        json!({ "host": "db1", "port": 2881, "password": "‹values.oms.password›", "db": { "password": "‹values.oms.db.password›" } })
    );
    assert_eq!(records[0].origin, "/opt/oms/config.yaml");
    assert_eq!((&records[1].value, records[1].origin.as_str()), (&json!(2881), "`values.oms.port`"));
    let secrets: Vec<_> = inputs.secrets().into_iter().map(|(name, secret)| (name, secret.reveal().to_owned())).collect();
    let secret = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    assert_eq!(secrets, [secret("values.oms.password", "hunter2"), secret("values.oms.db.password", "horse")]);
    assert!(!format!("{inputs:?}").contains("hunter2"));
}

#[test]
fn a_secret_that_cannot_be_masked_deserves_a_word() {
    let mut file = config();
    file["password"] = json!("abc");
    file["db"]["password"] = json!("/opt/oms");
    let inputs = worked_out(OMS, &[("path", "/opt/oms")], &file).unwrap();
    let said = messages(inputs.warnings());
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].starts_with("RB409 the secret `values.oms.password` has fewer than 4 bytes and cannot be masked"), "{said:?}");
    assert!(said[1].starts_with("RB409 the secret `values.oms.db.password` is the same text as a public variable"), "{said:?}");
}

#[test]
fn a_plan_shows_values_and_not_secrets() {
    let runbook = runbook(OMS);
    let inputs = worked_out(OMS, &[("path", "/opt/oms")], &config()).unwrap();
    let plan = plan(&runbook, &inputs, &PlanOptions::default()).unwrap();
    let text = serde_json::to_string(plan.parts()).unwrap();
    assert!(text.contains(r#"{"thing":"db1","to":2881,"password":"‹values.oms.password›"}"#), "{text}");
    assert!(!text.contains("hunter2"));
}

#[test]
fn a_missing_key_is_found_before_anything_runs_where_it_is_needed() {
    let mut file = config();
    file.as_object_mut().unwrap().retain(|key, _| key != "host" && key != "password");
    assert_eq!(
        worked_out(OMS, &[("path", "/o")], &file).unwrap_err(),
        [
            "RB442 `/o/config.yaml` has no `password` [secret a secret that is not there] help: where it need not be there, make all of it secret: `secret = true`",
            "RB442 `/o/config.yaml` has no `host` [values.oms.host ] help: add it there; or say what to use without it: `(default values.oms.host VALUE)`",
        ]
    );
    let missing = worked_out(OMS, &[("path", "/o"), ("https", "true")], &config()).unwrap_err();
    assert_eq!(missing.len(), 1, "the other has a default: {missing:?}");
    assert!(missing[0].starts_with("RB442 `/o/config.yaml` has no `cert`"), "{missing:?}");
}

#[test]
fn a_plan_can_be_made_without_the_file_and_a_run_cannot() {
    let runbook = runbook(OMS);
    let given = || vec![Given { name: "path".to_owned(), value: GivenValue::Text("/o".to_owned()), origin: Origin::CommandLine }];
    let mut absent = |_: FileFormat, path: &str| Err(Unread::NotHere(Diagnostic::error(Code::ValueFile, format!("no {path}"))));
    let inputs = resolve(&runbook, given()).unwrap();
    let inputs = work_out(&runbook, inputs, &mut Reading { lenient: true, recorded: &[], read: &mut absent }).unwrap();
    assert!(inputs.warnings().iter().all(|w| w.severity == Severity::Warning && w.message == "no /o/config.yaml"));
    assert_eq!(inputs.warnings().len(), 1);
    let plan = plan(&runbook, &inputs, &PlanOptions::default()).unwrap();
    let text = serde_json::to_string(&plan.units()[0].fields).unwrap();
    assert_eq!(text, r#"{"deferred":{"needs":["values.oms","values.port"]}}"#);
    let inputs = resolve(&runbook, given()).unwrap();
    let faults = work_out(&runbook, inputs, &mut Reading { lenient: false, recorded: &[], read: &mut absent }).err().unwrap();
    assert_eq!(messages(&faults), ["RB440 no /o/config.yaml [\"{{vars.path}}/config.yaml\" `values.oms`]"]);
}

#[test]
fn a_later_session_sees_what_the_first_saw_with_secrets_read_again() {
    let runbook = runbook(OMS);
    let first = worked_out(OMS, &[("path", "/o")], &config()).unwrap();
    let recorded = first.value_records();
    let mut file = config();
    file["host"] = json!("another");
    file["password"] = json!("changed");
    let given = || vec![Given { name: "path".to_owned(), value: GivenValue::Text("/o".to_owned()), origin: Origin::Record }];
    let again = |read: &mut dyn FnMut(FileFormat, &str) -> Result<Value, Unread>| {
        let inputs = resolve(&runbook, given()).unwrap();
        work_out(&runbook, inputs, &mut Reading { lenient: false, recorded: &recorded, read })
    };
    let second = again(&mut |_, path| {
        assert_eq!(path, "/o/config.yaml");
        Ok(file.clone())
    });
    let second = second.unwrap_or_else(|faults| panic!("{:?}", messages(&faults)));
    assert_eq!(second.values()[0].value["host"], "db1", "as it was recorded");
    assert_eq!(second.values()[0].value["password"], "changed");
    assert_ne!(second.values()[0].fingerprint(), first.values()[0].fingerprint(), "a changed secret is noticed");
    let gone = again(&mut |_, _| Ok(json!({}))).err().unwrap();
    assert!(messages(&gone)[0].contains("`/o/config.yaml` has no `password` any more"), "{:?}", messages(&gone));
}
