//! A dump and a restore whose program is killed at many moments: what is good stays, and `resume` ends what was begun.

use std::time::{Duration, Instant};

use crate::lab::{Db, Lab};
use crate::sandbox::Sandbox;
use crate::there_and_back::{self, SUMS};

/// `RUNBOOK_KILLS` says at how many moments.
#[test]
fn a_backup_survives_a_kill_at_any_moment() {
    let moments: u32 = std::env::var("RUNBOOK_KILLS").ok().map_or(4, |count| count.parse().expect("a number"));
    let lab = Lab::get();
    for db in [Db::OceanBase, Db::MariaDb] {
        let mut whole = None;
        for moment in 0..=moments {
            let name = format!("kill{}_{moment}", std::process::id());
            let copy = format!("{name}_copy");
            let runbook = there_and_back::runbook(&name, &copy);
            let sandbox = Sandbox::new().file("there.toml", runbook).env("RUNBOOK_VAR_PASSWORD", lab.password(db));
            lab.sql(db, "", &there_and_back::databases(&name, &copy, 15));
            let port = format!("port={}", lab.port(db));
            let exec = ["exec", "there.toml", "--var", &port, "--yes", "--no-input", "--output", "quiet"];
            let begun = Instant::now();
            let Some(whole) = whole else {
                // The first goes through, and tells how long it takes.
                sandbox.run(exec).code(0);
                whole = Some(begun.elapsed());
                check(&lab, db, &sandbox, &name);
                continue;
            };
            let mut child = sandbox.spawn(exec);
            let wait: Duration = whole * moment / (moments + 1);
            while begun.elapsed() < wait && child.try_wait().expect("its state").is_none() {
                std::thread::sleep(Duration::from_millis(2));
            }
            let ended = child.try_wait().expect("its state").is_some();
            if !ended {
                child.kill().expect("a signal");
            }
            child.wait().expect("its end");
            if !ended {
                // Whatever stands there is a whole backup, or has not got its name.
                for folder in ["backup", "aside"].into_iter().filter(|folder| sandbox.path(folder).exists()) {
                    assert_eq!(sandbox.run(["backup", "verify", folder]).any_code(), 0, "moment {moment}: {folder}");
                }
                let resumed = sandbox.run(["resume", "--last", "--yes", "--no-input", "--output", "quiet"]).any_code();
                // It may have been killed before there was a run.
                let code = if resumed == 0 { 0 } else { sandbox.run(exec).any_code() };
                assert_eq!(code, 0, "moment {moment} of {moments}: resumed with {resumed}");
            }
            check(&lab, db, &sandbox, &name);
        }
    }
}

fn check(lab: &Lab, db: Db, sandbox: &Sandbox, name: &str) {
    assert_eq!(lab.sql(db, name, SUMS), lab.sql(db, &format!("{name}_copy"), SUMS), "{name}");
    // What stood there before was kept.
    assert!(sandbox.read("aside/30-data-00001.sql").contains("(42)"), "{name}");
    let partial = std::fs::read_dir(sandbox.path(".")).expect("the folder").flatten();
    let partial: Vec<_> = partial.map(|entry| entry.file_name()).filter(|file| file.to_string_lossy().ends_with(".partial")).collect();
    assert!(partial.is_empty(), "{name}: {partial:?}");
    lab.sql(db, "", &format!("drop database {name}; drop database {name}_copy"));
}
