//! Bringing to rest what an interrupted action may still have under way: its statements are found by the mark in their comment or hint.

use std::collections::BTreeSet;
use std::time::Duration;

use runbook_core::action::{Cx, Settled, Target};
use serde_json::Value;

use super::failure::{Sql, code};
use super::quote::literal;
use super::session::{Dialer, Session, comment, hint, mark};
use super::target::Mysql;
use super::value::int_at;

/// How often the list of processes is asked again.
const EVERY: Duration = Duration::from_millis(300);
/// How often at most: a killed statement of OceanBase took 6 s to end.
const ROUNDS: u32 = 100;

/// Kills the marked statements of an earlier run of this effect and waits until the server has none of them. A connection without a statement needs
/// nothing: its owner is gone, and a transaction that it had open is rolled back.
pub(super) async fn settle(cx: Cx<'_>, target: &Target<Mysql>, evidence: &[Value]) -> Settled {
    let mut marks: BTreeSet<String> = evidence.iter().filter_map(|e| e.get("mark")).filter_map(Value::as_str).map(str::to_owned).collect();
    let own = mark(cx.mark());
    if evidence.is_empty() {
        marks.insert(own.clone());
    }
    // The statements sent from here carry this effect's mark as well, but their connection is known.
    let dialer = Dialer::new(cx, target);
    let result = dialer.guarded(async {
        let mut session = dialer.connect_bare().await?;
        let mut left = 0;
        for _ in 0..ROUNDS {
            left = kill(&mut session, &marks).await?;
            if left == 0 {
                break;
            }
            cx.sleep(EVERY).await;
        }
        session.close().await;
        Ok(left)
    });
    match result.await {
        Ok(0) => Settled::AtRest,
        Ok(left) => Settled::Moving { why: format!("{left} of its statements did not end when they were killed") },
        Err(fault) => Settled::Moving { why: format!("whether its statements have ended cannot be asked: {}", fault.failure.message) },
    }
}

async fn kill(session: &mut Session<'_>, marks: &BTreeSet<String>) -> Sql<usize> {
    let mut found = 0;
    for mark in marks {
        let [comment, hint] = [comment(mark), hint(mark)].map(|text| literal(&text, session.mode));
        let sql = format!(
            "SELECT id FROM information_schema.processlist WHERE (locate({comment}, info) > 0 OR locate({hint}, info) > 0) AND id <> {} AND id <> connection_id()",
            session.id()
        );
        for row in session.rows(&sql).await? {
            let Some(id) = int_at(&row, 0) else { continue };
            found += 1;
            match session.run(&format!("KILL {id}")).await {
                Ok(_) => {}
                Err(fault) if fault.code == Some(code::NO_SUCH_THREAD) => {}
                Err(fault) => return Err(fault),
            }
        }
    }
    Ok(found)
}
