//! Killed at a point and gone on with: the shipped procedures on the lab, where nothing may be lost.
//!
//! The program is built with its feature `crash-points`: `RUNBOOK_CRASH_AT=NAME:N` ends it as `kill -9` would, before and after each sync, each effect and
//! each child. An undisturbed run tells which points there are (`RUNBOOK_CRASH_LOG`). From each, one pass resumes and a second one rolls back; what is then
//! in the database and which containers there are must be what an undisturbed run leaves, or what was there before.
//!
//! `cargo xtask chaos` tries every point; the tests here try a few.

mod stage;

use std::fmt;

use stage::{PROCEDURES, Picture, Procedure};

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
        let stage = (procedure.stage)();
        let log = stage.sandbox().path("points").display().to_string();
        stage.exec(procedure.runbook, ("RUNBOOK_CRASH_LOG", &log)).only_code(0);
        stage.wait(procedure.ends[0]);
        let points = stage.sandbox().read("points").lines().map(str::to_owned).collect();
        Self { procedure, done: stage.steady(), points }
    }

    /// Kills it at a point, then resumes it or rolls it back; says how that ended.
    fn at(&self, point: &str, back: bool, tally: &mut Tally) -> &'static str {
        let stage = (self.procedure.stage)();
        let before = stage.steady();
        tally.tried += 1;
        // What takes another way this time (a poll more or less) may end without meeting the point.
        match stage.exec(self.procedure.runbook, ("RUNBOOK_CRASH_AT", point)).ended() {
            None => {}
            Some(_) => tally.not_reached += 1,
        }
        let on = |command: &str| {
            let words = [command, "--last", "--yes", "--no-input", "--output", "quiet"];
            let child = stage.sandbox().command(words).spawn().expect("the program");
            stage.sandbox().wait(child).seen()
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
        // What never began stands as it stood.
        let wanted = self.procedure.ends[usize::from(undone)];
        let fits = code == expected && expected.is_some() && {
            stage.wait(wanted);
            stage.comes_to(|now| if undone { now.is_again(&before) } else { *now == self.done })
        };
        match (fits, undone) {
            (true, false) => {
                tally.new += 1;
                "new"
            }
            (true, true) => {
                tally.old += 1;
                "old"
            }
            (false, _) => {
                let shown = stage.sandbox().run(["runs", "show", "--last"]).seen().1;
                let way = if back { "rollback" } else { "resume" };
                tally.lost.push(format!("{point}, {way}: exit {code:?}\n{said}\n{shown}\n{:#?}\nbefore: {before:#?}", stage.picture()));
                "LOST"
            }
        }
    }

    /// Both passes over the points that `choose` takes. `tell` hears of each when it is over: the point's number, its name, and how both passes ended.
    fn over(&self, choose: impl Fn(usize) -> bool, tell: impl Fn(usize, &str, [&'static str; 2])) -> Tally {
        let mut tally = Tally::default();
        for (at, point) in self.points.iter().enumerate().filter(|(at, _)| choose(*at)) {
            let ends = [false, true].map(|back| self.at(point, back, &mut tally));
            tell(at, point, ends);
        }
        tally
    }
}

/// A few points, spread over the whole run: others in each procedure.
#[test]
fn killed_at_a_few_points_nothing_is_lost() {
    let trial = Trial::of(&PROCEDURES[0]);
    assert!(trial.points.len() > 50, "the program has no crash points: build it with `--features crash-points`");
    let each = trial.points.len() / 3;
    let tally = trial.over(|at| at % each == each / 2 && at < each * 2, |_, _, _| {});
    assert!(tally.lost.is_empty(), "lost at {}", tally.lost.join("\n"));
    assert_eq!(tally.new + tally.old, tally.tried);
}

/// All of it; `CHAOS_EVERY=N` takes each N-th point, `CHAOS_FROM=N` begins with the N-th from 0, `CHAOS_ONLY=NAME` takes one procedure.
#[test]
#[ignore = "takes hours: `cargo xtask chaos`"]
fn killed_at_every_point_nothing_is_lost() {
    let number = |name: &str, otherwise: usize| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise);
    let (every, from) = (number("CHAOS_EVERY", 1).max(1), number("CHAOS_FROM", 0));
    let only = std::env::var("CHAOS_ONLY").ok();
    let names: Vec<&str> = PROCEDURES.iter().map(|procedure| procedure.runbook).collect();
    assert!(only.as_deref().is_none_or(|only| names.contains(&only)), "there is no procedure {only:?}; there are {names:?}");
    let mut lost = Vec::new();
    println!(
        "\n{:<14} {:>6} {:>6} {:>12} {:>10} {:>10} {:>15} {:>5}",
        "", "points", "tried", "not reached", "ended new", "ended old", "needed a person", "lost"
    );
    for procedure in PROCEDURES.iter().filter(|procedure| only.as_ref().is_none_or(|only| procedure.runbook == only)) {
        let trial = Trial::of(procedure);
        // Hours of work that end in one line would be lost with the terminal.
        let tell = |at: usize, point: &str, [resumed, back]: [&str; 2]| {
            println!("  {at:>3} of {} {point:<28} resumed: {resumed}, rolled back: {back}", trial.points.len());
        };
        let tally = trial.over(|at| at >= from && (at - from) % every == 0, tell);
        println!("{:<14} {:>6} {tally}", procedure.runbook, trial.points.len());
        lost.extend(tally.lost.into_iter().map(|point| format!("{} at {point}", procedure.runbook)));
    }
    assert!(lost.is_empty(), "lost: {}", lost.join("\n"));
}
