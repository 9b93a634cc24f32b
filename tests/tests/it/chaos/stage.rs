//! What is killed: the shipped procedures, each with a system of its own to work on.

use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::Duration;

use regex::Regex;

use crate::lab::{BROKEN, Db, NEW, OLD, Odc, Release};
use crate::oms::Oms;
use crate::sandbox::{Ran, Sandbox};

/// A procedure that is to be killed.
pub(super) struct Procedure {
    /// The runbook's file.
    pub(super) runbook: &'static str,
    /// The version that answers when it is done, and when it is undone; none where nothing answers then.
    pub(super) ends: [Option<&'static str>; 2],
    /// Brings about what it begins with.
    pub(super) stage: fn() -> Stage,
}

pub(super) const PROCEDURES: &[Procedure] = &[
    Procedure { runbook: "odc-upgrade", ends: [Some(NEW.version), Some(OLD.version)], stage: odc },
    Procedure { runbook: "odc-rollback", ends: [Some(OLD.version), None], stage: broken_odc },
    Procedure { runbook: "oms-upgrade", ends: [Some("3.4.0"), Some("3.3.1")], stage: oms },
    Procedure { runbook: "oms-rollback", ends: [Some("3.3.1"), Some("3.4.0")], stage: upgraded_oms },
];

/// The old release, at work.
fn odc() -> Stage {
    let odc = Odc::old(Db::OceanBase);
    let backup = odc.backup();
    Stage::Odc { odc: Box::new(odc), to: NEW, vars: vec![backup] }
}

/// A new release whose migration failed half-way, and that nobody took back.
fn broken_odc() -> Stage {
    let odc = Odc::old(Db::OceanBase);
    let backup = odc.backup();
    odc.runbook("odc-upgrade", Some(BROKEN), &["--var", &backup, "--on-failure", "stop", "--output", "quiet"]).only_code(1);
    let aside = odc.containers("-before-");
    let vars = vec![backup, format!("old_container={}", aside[0])];
    Stage::Odc { odc: Box::new(odc), to: OLD, vars }
}

/// The old OMS, at work.
fn oms() -> Stage {
    Stage::Oms(Box::new(Oms::old()))
}

/// The new one, that nobody wants any more.
fn upgraded_oms() -> Stage {
    let oms = Oms::old();
    oms.runbook_with("oms-upgrade", &[], &["--output", "quiet"]).only_code(0);
    oms.wait_for_health();
    Stage::Oms(Box::new(oms))
}

/// How often a system is looked at, and the pause between: beside a start that fails, which takes a second or two.
const TRIES: usize = 20;
const PAUSE: Duration = Duration::from_millis(400);

/// A system that a procedure works on.
pub(super) enum Stage {
    /// With the release that it goes to, and what else the procedure needs.
    Odc { odc: Box<Odc>, to: Release, vars: Vec<String> },
    /// Its runbooks know where to go.
    Oms(Box<Oms>),
}

/// What the databases hold and which containers there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Picture {
    contents: BTreeMap<String, Vec<String>>,
    containers: Vec<String>,
}

impl Stage {
    pub(super) fn sandbox(&self) -> &Sandbox {
        match self {
            Self::Odc { odc, .. } => &odc.sandbox,
            Self::Oms(oms) => &oms.sandbox,
        }
    }

    /// Begins the procedure, and stops where a step fails.
    pub(super) fn exec(&self, runbook: &str, env: (&str, &str)) -> Ran {
        let options = ["--output", "quiet", "--on-failure", "stop"];
        match self {
            Self::Odc { odc, to, vars } => {
                let more: Vec<&str> = options.into_iter().chain(vars.iter().flat_map(|var| ["--var", var])).collect();
                odc.runbook_with(&[env], runbook, Some(*to), &more)
            }
            Self::Oms(oms) => {
                let words = oms.words(runbook, &[]);
                let words = words.iter().map(String::as_str).chain(["--no-input"]).chain(options);
                let child = oms.sandbox.command(words).envs([env]).spawn().expect("the program");
                oms.sandbox.wait(child)
            }
        }
    }

    /// Waits until it serves, where it is to serve.
    pub(super) fn wait(&self, version: Option<&str>) {
        match (self, version) {
            (_, None) => {}
            (Self::Odc { odc, .. }, Some(version)) => odc.wait_for(version),
            (Self::Oms(oms), Some(version)) => {
                oms.wait_for_health();
                assert_eq!(oms.sql(&oms.rm, "select version from cluster_info"), [version]);
            }
        }
    }

    /// How it stands.
    pub(super) fn picture(&self) -> Picture {
        let (contents, containers) = match self {
            Self::Odc { odc, .. } => (odc.contents(), odc.containers("")),
            Self::Oms(oms) => {
                let mut contents = oms.contents();
                contents.insert("(ha)".to_owned(), vec![oms.ha("enable"), oms.stray_stores().to_string()]);
                (contents, oms.containers())
            }
        };
        let times = Regex::new(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?|\d{8}-?\d{6}(-[0-9a-z]{4})?").expect("a pattern");
        let own = self.own_names();
        let plain = |text: &str| {
            let text = own.iter().fold(text.to_owned(), |text, (what, name)| text.replace(what.as_str(), name));
            times.replace_all(&text, "[TIME]").into_owned()
        };
        let contents = contents.into_iter().map(|(table, rows)| {
            let mut rows: Vec<String> = rows.iter().map(|row| plain(row)).collect();
            rows.sort_unstable();
            // A product that fails to start is started again and again, and notes each time that the same migration failed.
            if table == "migrate_schema_history" {
                rows.dedup();
                // Nor does it count that a migration failed once on a busy server, where the product's next start did it.
                let done = rows.clone();
                rows.retain(|row| row.strip_suffix("\t0").is_none_or(|script| !done.contains(&format!("{script}\t1"))));
            }
            (plain(&table), rows)
        });
        let format = "{{.Config.Image}} {{.State.Running}} {{.HostConfig.RestartPolicy.Name}}";
        Picture {
            contents: contents.collect(),
            containers: containers.iter().map(|name| plain(&format!("{name} {}", self.inspect(name, format)))).collect(),
        }
    }

    /// How it stands when nothing changes any more. A product that starts again and again, and fails each time, writes and takes back at each start.
    pub(super) fn steady(&self) -> Picture {
        let mut last = self.picture();
        for _ in 0..TRIES {
            sleep(PAUSE);
            let now = self.picture();
            if now == last {
                break;
            }
            last = now;
        }
        last
    }

    /// Whether it comes to stand so. It is looked at more than once for the same reason.
    pub(super) fn comes_to(&self, holds: impl Fn(&Picture) -> bool) -> bool {
        (0..TRIES).any(|at| {
            if at > 0 {
                sleep(PAUSE);
            }
            holds(&self.picture())
        })
    }

    fn inspect(&self, container: &str, format: &str) -> String {
        match self {
            Self::Odc { odc, .. } => odc.inspect(container, format),
            Self::Oms(oms) => oms.inspect(container, format),
        }
    }

    /// What differs from stage to stage.
    fn own_names(&self) -> Vec<(String, &'static str)> {
        match self {
            Self::Odc { odc, .. } => {
                vec![(odc.container.clone(), "[CONTAINER]"), (odc.database.clone(), "[DATABASE]"), (odc.port.to_string(), "[PORT]")]
            }
            Self::Oms(oms) => vec![
                (oms.old.clone(), "[OLD]"),
                (oms.new.clone(), "[NEW]"),
                (oms.rm.clone(), "[RM]"),
                // Its name begins with that of the next.
                (oms.hb.clone(), "[HB]"),
                (oms.cm.clone(), "[CM]"),
            ],
        }
    }
}

impl Picture {
    /// Whether this is `before` again. An upgrade that was taken back keeps what failed, stopped for good.
    pub(super) fn is_again(&self, before: &Self) -> bool {
        let kept = |container: &&String| !before.containers.contains(container);
        self.contents == before.contents
            && before.containers.iter().all(|container| self.containers.contains(container))
            && self.containers.iter().filter(kept).all(|container| container.ends_with("false no"))
    }
}
