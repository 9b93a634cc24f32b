//! Locks that hold on all hosts, on both servers. A lease of a few minutes never ends here by itself; where one has to end, the table is told so.

use std::time::Duration;

use runbook_core::action::{Claim, FailureKind, Hold, Holder, Lease, LeaseStore, Leaving, Renewed, Taken};
use serde_json::{Value, json};

use crate::lab::{Database, Server, servers};

const LONG: Duration = Duration::from_mins(5);

fn store(server: &Server, database: &Database) -> Box<dyn LeaseStore> {
    store_with(&server.settings, &database.name)
}

fn store_with(settings: &Value, database: &str) -> Box<dyn LeaseStore> {
    let registry = runbook_executors::registry();
    let build = registry.target("mysql").unwrap().leases.unwrap();
    build(settings.clone(), database).unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn holder(run: &str, machine: &str) -> Holder {
    Holder {
        run: run.to_owned(),
        runbook: "odc-upgrade".to_owned(),
        host: machine.to_owned(),
        boot_id: format!("boot of {machine}"),
        pid: 7,
        user: "o'p \\ 运维".to_owned(),
        state_dir: "/var/lib/runbook".to_owned(),
    }
}

fn claim(run: &str, machine: &str) -> Claim {
    Claim { holder: holder(run, machine), time: LONG, past: Vec::new() }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

async fn had(store: &dyn LeaseStore, lock: &[&str], claim: &Claim) -> (Hold, Vec<(String, Holder)>) {
    match store.take(&names(lock), claim).await.unwrap_or_else(|failure| panic!("{failure:?}")) {
        Taken::All { leases, before } => (Hold { run: claim.holder.run.clone(), leases, time: claim.time }, before),
        Taken::Held { name, by } => panic!("`{name}` is held by {by:?}"),
    }
}

async fn refused(store: &dyn LeaseStore, lock: &[&str], claim: &Claim) -> (String, Holder, bool) {
    match store.take(&names(lock), claim).await.unwrap_or_else(|failure| panic!("{failure:?}")) {
        Taken::All { leases, .. } => panic!("{leases:?} were given away"),
        Taken::Held { name, by } => (name, by.holder, by.over),
    }
}

/// Lets the leases of a run end.
async fn silence(server: &Server, database: &Database, run: &str) {
    let sql = format!("update runbook_locks set expires_at = utc_timestamp(6) - interval 1 second where run_id = '{run}'");
    server.script(database, &sql).await;
}

#[tokio::test]
async fn one_at_a_time_and_the_refusal_says_who() {
    let servers = servers().await;
    for server in servers.iter() {
        let database = server.no_database("leases").await;
        let store = store(server, &database);
        let (hold, before) = had(&*store, &["a", "odc@db/x"], &claim("r1", "h1")).await;
        assert_eq!((hold.leases.len(), before.len()), (2, 0), "{}", server.name);
        assert_eq!(hold.leases[1], Lease { name: "odc@db/x".into(), fence: 1 });
        let (name, by, over) = refused(&*store, &["b", "odc@db/x"], &claim("r2", "h2")).await;
        assert_eq!((name.as_str(), by, over), ("odc@db/x", holder("r1", "h1"), false));
        // A refusal takes nothing, and names are told apart by every letter.
        had(&*store, &["b", "A", "odc@db/x "], &claim("r3", "h3")).await;
        assert!(matches!(store.renew(&hold).await, Ok(Renewed::All)));

        store.leave(&hold, Leaving::Free).await.unwrap();
        let (hold, before) = had(&*store, &["odc@db/x"], &claim("r2", "h2")).await;
        assert_eq!((hold.leases[0].fence, before.len()), (2, 0), "what was given free was nobody's");
        database.drop().await;
    }
}

#[tokio::test]
async fn what_is_silent_passes_to_its_own_run_or_on_a_persons_word() {
    let servers = servers().await;
    for server in servers.iter() {
        let database = server.no_database("silent").await;
        let store = store(server, &database);
        let (hold, _) = had(&*store, &["x", "y"], &claim("r1", "h1")).await;
        // Killed and gone on with on the same machine: nobody has to wait.
        let (again, _) = had(&*store, &["x", "y"], &claim("r1", "h1")).await;
        assert!(matches!(store.renew(&hold).await, Ok(Renewed::Lost { .. })), "the process before it has lost them");
        // On another machine it could still be at work.
        let (_, by, over) = refused(&*store, &["x"], &claim("r1", "h2")).await;
        assert_eq!((by.run.as_str(), over), ("r1", false));
        let over_r1 = Claim { past: vec!["r1".into()], ..claim("r2", "h2") };
        let (.., over) = refused(&*store, &["x"], &over_r1).await;
        assert!(!over, "a person's word does not take what is renewed");

        silence(server, &database, "r1").await;
        let (_, by, over) = refused(&*store, &["x"], &claim("r2", "h2")).await;
        assert_eq!((by, over), (holder("r1", "h1"), true), "{}", server.name);
        let (.., over) = refused(&*store, &["x"], &Claim { past: vec!["r0".into()], ..claim("r2", "h2") }).await;
        assert!(over, "another run was named");
        let (taken, before) = had(&*store, &["x"], &over_r1).await;
        assert_eq!(before, [("x".to_owned(), holder("r1", "h1"))]);
        assert_eq!(taken.leases[0].fence, again.leases[0].fence + 1);
        match store.renew(&again).await {
            Ok(Renewed::Lost { name, by }) => assert_eq!((name.as_str(), by.unwrap().holder.run.as_str()), ("x", "r2")),
            other => panic!("{other:?}"),
        }
        // Leaving touches nothing of others'.
        store.leave(&again, Leaving::Free).await.unwrap();
        assert!(matches!(store.renew(&taken).await, Ok(Renewed::All)));

        // One that ended its session is silent at once, and its run may go on anywhere.
        store.leave(&taken, Leaving::Unfinished).await.unwrap();
        let (_, by, over) = refused(&*store, &["x"], &claim("r3", "h3")).await;
        assert_eq!((by.run.as_str(), over), ("r2", true));
        had(&*store, &["x"], &claim("r2", "h9")).await;
        database.drop().await;
    }
}

#[tokio::test]
async fn of_many_at_once_one_has_it() {
    let servers = servers().await;
    for server in servers.iter() {
        let database = server.no_database("race").await;
        let racers = (0..12).map(|number| {
            let store = store(server, &database);
            tokio::spawn(async move {
                let claim = claim(&format!("r{number}"), &format!("h{number}"));
                match store.take(&names(&["p", "q", "r"]), &claim).await.unwrap_or_else(|failure| panic!("{failure:?}")) {
                    Taken::All { .. } => true,
                    Taken::Held { .. } => false,
                }
            })
        });
        let mut won = 0;
        for racer in racers.collect::<Vec<_>>() {
            won += usize::from(racer.await.unwrap());
        }
        assert_eq!(won, 1, "{}", server.name);
        database.drop().await;
    }
}

#[tokio::test]
async fn who_may_only_write_rows_is_told_what_is_missing() {
    let servers = servers().await;
    for server in servers.iter() {
        let database = server.database("poor").await;
        let user = format!("poor_{}", std::process::id());
        let grant = |what: &str| format!("grant {what} on `{}`.* to '{user}'@'%'", database.name);
        server.script(&database, &format!("drop user if exists '{user}'@'%'; create user '{user}'@'%' identified by 'p w'")).await;
        server.script(&database, &grant("select, insert, update")).await;
        let mut settings = server.settings.clone();
        settings["user"] = json!(if server.name == "seekdb" { format!("{user}@sys") } else { user.clone() });
        settings["password"] = json!("p w");
        let poor = store_with(&settings, &database.name);
        let failure = poor.take(&names(&["x"]), &claim("r1", "h1")).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Denied, "{}: {failure:?}", server.name);
        assert!(failure.help.as_ref().is_some_and(|help| help.contains("administrator")), "{failure:?}");

        // Made by somebody who may, it will do.
        let (hold, _) = had(&*store(server, &database), &["y"], &claim("r0", "h0")).await;
        had(&*poor, &["x"], &claim("r1", "h1")).await;
        let (_, by, _) = refused(&*poor, &["y"], &claim("r1", "h1")).await;
        assert_eq!(by.run, hold.run);
        server.script(&database, &format!("drop user '{user}'@'%'")).await;
        database.drop().await;
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_says_so() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let store = store_with(&json!({ "host": "127.0.0.1", "port": port, "user": "root", "password": "secret-word" }), "runbook");
    let failure = store.take(&names(&["x"]), &claim("r1", "h1")).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unreachable);
    assert_eq!(store.place(), format!("127.0.0.1:{port}/runbook"));
}
