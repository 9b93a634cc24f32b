use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use jiff::Timestamp;
use runbook_core::record::RunEnd;

use super::*;
use crate::testing::Folder;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn an_id_says_when_in_utc() {
    let id = RunId::new(at("2026-11-21T03:15:00+02:00"), 0x0001_2345);
    assert!(id.as_str().starts_with("20261121-011500-"), "{id}");
    assert_eq!(id.as_str().parse::<RunId>().unwrap(), id);
    for wrong in ["", "20261121-011500", "20261121-011500-../x", "20261121-011500-ABCD", "2026112X-011500-abcd"] {
        assert!(wrong.parse::<RunId>().is_err(), "{wrong}");
    }
}

#[test]
fn a_runs_folder_is_private() {
    let folder = Folder::new();
    let state = StateDir::at(folder.path().join("state"));
    let run = state.create_run(at("2026-11-21T03:15:00Z")).unwrap();
    for path in [state.root(), run.path(), &run.tmp()] {
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o700, "{}", path.display());
    }
    run.keep_source("runbook.toml", b"format = 1\n").unwrap();
    assert_eq!(run.source("runbook.toml").metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn runs_are_found_by_id_beginning_and_last() {
    let folder = Folder::new();
    let state = StateDir::at(folder.path());
    assert!(matches!(state.last_run(), Err(StateError::NoRuns { .. })));
    let first = state.create_run(at("2026-11-20T03:15:00Z")).unwrap();
    let second = state.create_run(at("2026-11-21T03:15:00Z")).unwrap();
    assert_eq!(state.last_run().unwrap().id(), second.id());
    assert_eq!(state.open_run("20261120").unwrap().id(), first.id());
    assert_eq!(state.open_run(second.id().as_str()).unwrap().id(), second.id());
    assert!(matches!(state.open_run("2025"), Err(StateError::NotFound { .. })));
    let error = state.open_run("2026").unwrap_err().to_string();
    assert_eq!(error, format!("`2026` is the beginning of 2 runs: `{}`, `{}`", first.id(), second.id()));
}

#[test]
fn of_runs_of_the_same_second_the_last_is_the_one_that_was_opened_last() {
    let folder = Folder::new();
    let state = StateDir::at(folder.path());
    let mut runs = Vec::new();
    for part in 0..20 {
        let time = at(&format!("2026-11-21T03:15:00.{part:02}Z"));
        let run = state.create_run(time).unwrap();
        state.note_opened(run.id(), time, "odc-upgrade", &[]).unwrap();
        runs.push(run.id().clone());
    }
    let listed: Vec<RunId> = state.runs().unwrap().into_iter().map(|entry| entry.run).collect();
    assert_eq!(listed, runs);
    assert_eq!(Some(state.last_run().unwrap().id()), runs.last());
}

#[test]
fn the_index_fills_in_and_its_loss_hides_no_run() {
    let folder = Folder::new();
    let state = StateDir::at(folder.path());
    let time = at("2026-11-21T03:15:00Z");
    let run = state.create_run(time).unwrap();
    state.note_opened(run.id(), time, "odc-upgrade", &["odc@db/x".to_owned()]).unwrap();
    state.note_ended(run.id(), time, RunEnd::Stopped { signal: 2 }).unwrap();

    let entries = state.runs().unwrap();
    assert_eq!(entries[0].runbook.as_deref(), Some("odc-upgrade"));
    assert_eq!(entries[0].locks, ["odc@db/x"]);
    assert_eq!(entries[0].last.as_ref().unwrap().end, RunEnd::Stopped { signal: 2 });

    std::fs::write(folder.path().join("index.jsonl"), b"{\"line\":\"ended\",\"ru").unwrap();
    let entries = state.runs().unwrap();
    assert_eq!((entries.len(), entries[0].runbook.as_deref()), (1, None));
}

#[test]
fn the_named_directory_wins_and_is_carried_by_commands() {
    let env = |name: &str| match name {
        "RUNBOOK_STATE_DIR" => Some(OsString::from("/srv/runs")),
        "HOME" => Some(OsString::from("/home/op")),
        _ => None,
    };
    assert_eq!(StateDir::locate(None, env).unwrap().named(), Some(Path::new("/srv/runs")));
    assert_eq!(StateDir::locate(Some(Path::new("/tmp/x")), env).unwrap().root(), Path::new("/tmp/x"));
    let default = StateDir::locate(None, |name| env(name).filter(|_| name == "HOME")).unwrap();
    assert_eq!(default.named(), None);
}
