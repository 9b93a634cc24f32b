//! Killed at a point and gone on with: the shipped procedures on the lab, where nothing may be lost.
//!
//! The program is built with its feature `crash-points`: `RUNBOOK_CRASH_AT=NAME:N` ends it as `kill -9` would, before and after each sync, each effect and
//! each child. An undisturbed run tells which points there are (`RUNBOOK_CRASH_LOG`). From each, one pass resumes and a second one rolls back; what is then
//! in the database and which containers there are must be what an undisturbed run leaves, or what was there before.
//!
//! `cargo xtask chaos` tries every point; the tests here try a few.

use std::collections::BTreeMap;
use std::fmt;

use regex::Regex;

use crate::lab::{BROKEN, Db, NEW, OLD, Odc, Release};

/// A procedure that is to be killed.
struct Procedure {
    /// The runbook's file.
    runbook: &'static str,
    /// What it goes to.
    release: Release,
    /// The version that answers when it is done, and when it is undone; none where nothing answers then.
    ends: [Option<&'static str>; 2],
    /// Brings about what it begins with, and says what else it needs.
    stage: fn() -> (Odc, Vec<String>),
}

const PROCEDURES: &[Procedure] = &[
    Procedure { runbook: "odc-upgrade", release: NEW, ends: [Some(NEW.version), Some(OLD.version)], stage: running },
    Procedure { runbook: "odc-rollback", release: OLD, ends: [Some(OLD.version), None], stage: broken },
];

/// The old release, at work.
fn running() -> (Odc, Vec<String>) {
    let odc = Odc::old(Db::OceanBase);
    let backup = odc.backup();
    (odc, vec![backup])
}

/// A new release whose migration failed half-way, and that nobody took back.
fn broken() -> (Odc, Vec<String>) {
    let (odc, mut vars) = running();
    odc.runbook("odc-upgrade", Some(BROKEN), &["--var", &vars[0], "--on-failure", "stop", "--output", "quiet"]).only_code(1);
    let aside = odc.containers("-before-");
    vars.push(format!("old_container={}", aside[0]));
    (odc, vars)
}

/// What the database holds and which containers there are.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Picture {
    contents: BTreeMap<String, Vec<String>>,
    containers: Vec<String>,
}

impl Picture {
    /// `all` says whether containers set aside count as well: a rollback keeps the failed one, where there was one.
    fn of(odc: &Odc, all: bool) -> Self {
        let own = [(odc.container.clone(), "[CONTAINER]"), (odc.database.clone(), "[DATABASE]"), (odc.port.to_string(), "[PORT]")];
        let times = Regex::new(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?|\d{8}-?\d{6}(-[0-9a-z]{4})?").expect("a pattern");
        let plain = |text: String| {
            let text = own.iter().fold(text, |text, (what, name)| text.replace(what.as_str(), name));
            times.replace_all(&text, "[TIME]").into_owned()
        };
        let contents = odc.contents().into_iter().map(|(table, rows)| {
            let mut rows: Vec<String> = rows.into_iter().map(plain).collect();
            rows.sort_unstable();
            (table, rows)
        });
        let format = "{{.Config.Image}} {{.State.Running}} {{.HostConfig.RestartPolicy.Name}}";
        let containers = odc.containers("").into_iter().filter(|name| all || *name == odc.container);
        Self {
            contents: contents.collect(),
            containers: containers.map(|name| plain(format!("{name} {}", odc.inspect(&name, format)))).collect(),
        }
    }
}

/// What became of a procedure that was killed.
#[derive(Default)]
struct Tally {
    tried: u32,
    not_reached: u32,
    new: u32,
    old: u32,
    person: u32,
    lost: Vec<String>,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tried, not_reached, new, old, person, lost } = self;
        write!(f, "{tried:>6} {not_reached:>12} {new:>10} {old:>10} {person:>15} {:>5}", lost.len())
    }
}

/// A procedure with what an undisturbed run of it leaves.
struct Trial<'a> {
    procedure: &'a Procedure,
    done: Picture,
    points: Vec<String>,
}

impl<'a> Trial<'a> {
    /// Runs it undisturbed.
    fn of(procedure: &'a Procedure) -> Self {
        let (odc, vars) = (procedure.stage)();
        let log = odc.sandbox.path("points").display().to_string();
        procedure.exec(&odc, &vars, ("RUNBOOK_CRASH_LOG", &log)).only_code(0);
        wait(&odc, procedure.ends[0]);
        let points = odc.sandbox.read("points").lines().map(str::to_owned).collect();
        Self { procedure, done: Picture::of(&odc, true), points }
    }

    /// Kills it at a point, then resumes it or rolls it back.
    fn at(&self, point: &str, back: bool, tally: &mut Tally) {
        let (odc, vars) = (self.procedure.stage)();
        let before = Picture::of(&odc, false);
        tally.tried += 1;
        // What takes another way this time (a poll more or less) may end without meeting the point.
        match self.procedure.exec(&odc, &vars, ("RUNBOOK_CRASH_AT", point)).ended() {
            None => {}
            Some(_) => tally.not_reached += 1,
        }
        let on = |command: &str| {
            let child = odc.sandbox.command([command, "--last", "--yes", "--no-input", "--output", "quiet"]).spawn().expect("the program");
            odc.sandbox.wait(child).seen()
        };
        let (mut code, mut said) = if back { on("rollback") } else { on("resume") };
        let mut undone = back;
        if code == Some(6) && !back {
            // A person looks, and takes it back.
            tally.person += 1;
            (code, said) = on("rollback");
            undone = true;
        }
        // Where the very first record was not on disk yet, there is nothing to go on with.
        let never = code == Some(8) && said.contains("before it began") || code == Some(2) && said.contains("there are no runs");
        undone = undone || never || code == Some(5);
        let expected = if never {
            code
        } else if back || !undone {
            Some(0)
        } else {
            code.filter(|code| matches!(code, 0 | 5))
        };
        let wanted = self.procedure.ends[usize::from(undone)];
        let fits = code == expected && expected.is_some() && {
            wait(&odc, wanted);
            if undone { Picture::of(&odc, false) == before } else { Picture::of(&odc, true) == self.done }
        };
        match (fits, undone) {
            (true, false) => tally.new += 1,
            (true, true) => tally.old += 1,
            (false, _) => {
                let shown = odc.sandbox.run(["runs", "show", "--last"]).seen().1;
                let picture = Picture::of(&odc, true);
                let way = if back { "rollback" } else { "resume" };
                tally.lost.push(format!("{point}, {way}: exit {code:?}\n{said}\n{shown}\n{picture:#?}\nbefore: {before:#?}"));
            }
        }
    }

    /// Both passes over the points that `choose` takes.
    fn over(&self, choose: impl Fn(usize) -> bool) -> Tally {
        let mut tally = Tally::default();
        for (_, point) in self.points.iter().enumerate().filter(|(at, _)| choose(*at)) {
            for back in [false, true] {
                self.at(point, back, &mut tally);
            }
        }
        tally
    }
}

impl Procedure {
    fn exec(&self, odc: &Odc, vars: &[String], env: (&str, &str)) -> crate::sandbox::Ran {
        let mut more = vec!["--output", "quiet", "--on-failure", "stop"];
        for var in vars {
            more.extend(["--var", var]);
        }
        odc.runbook_with(&[env], self.runbook, Some(self.release), &more)
    }
}

fn wait(odc: &Odc, version: Option<&str>) {
    if let Some(version) = version {
        odc.wait_for(version);
    }
}

/// A few points, spread over the whole run: others in each procedure.
#[test]
fn killed_at_a_few_points_nothing_is_lost() {
    let trial = Trial::of(&PROCEDURES[0]);
    assert!(trial.points.len() > 50, "the program has no crash points: build it with `--features crash-points`");
    let each = trial.points.len() / 3;
    let tally = trial.over(|at| at % each == each / 2 && at < each * 2);
    assert!(tally.lost.is_empty(), "lost at {}", tally.lost.join("\n"));
    assert_eq!(tally.new + tally.old, tally.tried);
}

/// All of it; `CHAOS_EVERY=N` takes each N-th point, `CHAOS_FROM=N` begins with the N-th.
#[test]
#[ignore = "takes hours: `cargo xtask chaos`"]
fn killed_at_every_point_nothing_is_lost() {
    let number = |name: &str, otherwise: usize| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise);
    let (every, from) = (number("CHAOS_EVERY", 1).max(1), number("CHAOS_FROM", 0));
    let mut lost = Vec::new();
    println!(
        "\n{:<14} {:>6} {:>6} {:>12} {:>10} {:>10} {:>15} {:>5}",
        "", "points", "tried", "not reached", "ended new", "ended old", "needed a person", "lost"
    );
    for procedure in PROCEDURES {
        let trial = Trial::of(procedure);
        let tally = trial.over(|at| at >= from && (at - from) % every == 0);
        println!("{:<14} {:>6} {tally}", procedure.runbook, trial.points.len());
        lost.extend(tally.lost.into_iter().map(|point| format!("{} at {point}", procedure.runbook)));
    }
    assert!(lost.is_empty(), "lost: {}", lost.join("\n"));
}
