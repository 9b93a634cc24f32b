//! Locks that hold on all hosts, as rows: `runbook_locks` has one for each lock's name, with who has it and until when, by the server's clock.
//!
//! Not `GET_LOCK`: OceanBase keeps such a lock when its session is gone, others lose it with the session, and neither says who has it. A row needs no
//! connection that stays open: each call has one of its own, so that a fail-over or a server's `wait_timeout` costs nothing.

mod link;
mod table;

use std::time::Duration;

use runbook_core::action::{
    BoxFuture, Claim, Failure, FailureKind, FieldFault, Hold, Holding, Lease, LeaseStore, Leaving, Renewed, Taken, from_fields,
};
use serde_json::Value;

use self::link::Link;
use self::table::{Row, Table};
use super::failure::{Fault, Sql, code};
use super::quote;
use super::target::Mysql;

/// How often a table that must be there is looked for again, and how often what others were in the way of is begun again.
const SEEN_LATE: usize = 40;

/// The pause between two looks.
const MOMENT: Duration = Duration::from_millis(50);

/// The target's server.
struct Rows {
    settings: Mysql,
    table: Table,
}

/// Builds it from a target's rendered settings.
pub(super) fn build(settings: Value, database: &str) -> Result<Box<dyn LeaseStore>, Vec<FieldFault>> {
    let settings: Mysql = from_fields(settings).map_err(|fault| vec![fault])?;
    if let Some(why) = quote::bad_identifier(database) {
        return Err(vec![FieldFault::new("database", format!("the name `{database}` {why}"))]);
    }
    Ok(Box::new(Rows { settings, table: Table::of(database) }))
}

impl LeaseStore for Rows {
    fn place(&self) -> String {
        format!("{}/{}", self.settings.address(), self.table.database())
    }

    fn take<'a>(&'a self, names: &'a [String], claim: &'a Claim) -> BoxFuture<'a, Result<Taken, Failure>> {
        Box::pin(async move { self.take_all(names, claim).await.map_err(|fault| *fault.failure) })
    }

    fn renew<'a>(&'a self, hold: &'a Hold) -> BoxFuture<'a, Result<Renewed, Failure>> {
        Box::pin(async move { self.renew_all(hold).await.map_err(|fault| *fault.failure) })
    }

    fn leave<'a>(&'a self, hold: &'a Hold, how: Leaving) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move { self.leave_all(hold, how).await.map_err(|fault| *fault.failure) })
    }
}

impl Rows {
    /// Takes all of them or none. On MySQL those who make the table at one moment may wait for each other's definitions, and one of them has to begin
    /// again: everything here can.
    async fn take_all(&self, names: &[String], claim: &Claim) -> Sql<Taken> {
        for _ in 0..SEEN_LATE {
            match self.try_all(names, claim).await {
                Err(fault) if fault.code == Some(code::DEADLOCK) => tokio::time::sleep(MOMENT).await,
                other => return other,
            }
        }
        self.try_all(names, claim).await
    }

    async fn try_all(&self, names: &[String], claim: &Claim) -> Sql<Taken> {
        let mut link = Link::open(&self.settings).await?;
        self.make_table(&mut link).await?;
        for name in names {
            self.add(&mut link, name).await?;
        }
        // One transaction, so that a refusal leaves no trace; the order of the names is everybody's, so that nobody waits in a circle.
        link.run("START TRANSACTION").await?;
        let taken = self.take_each(&mut link, names, claim).await;
        match &taken {
            Ok(Taken::All { .. }) => link.run("COMMIT").await?,
            // What failed may have failed with the connection; then the server rolls back by itself.
            Ok(Taken::Held { .. }) | Err(_) => link.run("ROLLBACK").await.unwrap_or_default(),
        };
        link.close().await;
        taken
    }

    /// Makes a lock's row, if there is none. Outside of a transaction: for a row that is there InnoDB takes a shared lock, on which two that want more
    /// would wait for each other.
    async fn add(&self, link: &mut Link, name: &str) -> Sql<()> {
        for _ in 0..SEEN_LATE {
            match link.run(&self.table.add(name, link.mode)).await {
                // On OceanBase a table that another connection has just made is seen a moment later.
                Err(fault) if is_missing(&fault) => tokio::time::sleep(MOMENT).await,
                added => return added.map(drop),
            }
        }
        link.run(&self.table.add(name, link.mode)).await.map(drop)
    }

    async fn take_each(&self, link: &mut Link, names: &[String], claim: &Claim) -> Sql<Taken> {
        let (mut leases, mut before) = (Vec::with_capacity(names.len()), Vec::new());
        for name in names {
            let earlier = link.one(&self.table.read_and_hold(name)).await?.as_ref().map(Table::row).unwrap_or_default();
            let matched = link.run(&self.table.take(name, claim, link.mode)).await?;
            let now = self.row(link, name).await?;
            let Row { holding, fence } = now;
            match holding {
                Some(Holding { holder, .. }) if matched == 1 && holder == claim.holder => {
                    leases.push(Lease { name: name.clone(), fence });
                    let other = earlier.holding.map(|holding| holding.holder).filter(|before| before.run != claim.holder.run);
                    before.extend(other.map(|holder| (name.clone(), holder)));
                }
                Some(by) => return Ok(Taken::Held { name: name.clone(), by: Box::new(by) }),
                None => {
                    return Err(
                        Failure::new(FailureKind::Conflict, format!("the row of the lock `{name}` changed while it was taken")).into()
                    );
                }
            }
        }
        Ok(Taken::All { leases, before })
    }

    async fn renew_all(&self, hold: &Hold) -> Sql<Renewed> {
        let mut link = Link::open(&self.settings).await?;
        for lease in &hold.leases {
            if link.run(&self.table.renew(lease, hold, link.mode)).await? != 1 {
                let by = self.row(&mut link, &lease.name).await?.holding.map(Box::new);
                link.close().await;
                return Ok(Renewed::Lost { name: lease.name.clone(), by });
            }
        }
        link.close().await;
        Ok(Renewed::All)
    }

    async fn leave_all(&self, hold: &Hold, how: Leaving) -> Sql<()> {
        let mut link = Link::open(&self.settings).await?;
        for lease in &hold.leases {
            link.run(&self.table.leave(lease, hold, how, link.mode)).await?;
        }
        link.close().await;
        Ok(())
    }

    /// Makes what is missing. Where it is there, nothing of it is tried: a user who may only write rows is enough then.
    async fn make_table(&self, link: &mut Link) -> Sql<()> {
        match link.run(&self.table.look()).await {
            Ok(_) => return Ok(()),
            Err(fault) if is_missing(&fault) => {}
            Err(fault) => return Err(fault),
        }
        match link.run(&self.table.create()).await {
            Err(fault) if fault.code == Some(code::BAD_DB) => {}
            made => return made.map(drop).map_err(|fault| self.cannot_make(fault)),
        }
        link.run(&self.table.create_database()).await.map_err(|fault| self.cannot_make(fault))?;
        link.run(&self.table.create()).await.map(drop).map_err(|fault| self.cannot_make(fault))
    }

    fn cannot_make(&self, mut fault: Fault) -> Fault {
        if fault.failure.kind == FailureKind::Denied {
            let database = self.table.database();
            fault.failure.help = Some(format!(
                "`{}` may not make the table of locks in `{database}`: let an administrator make it, as the operators' guide has it, and grant `select`, `insert` and \
                 `update` on it",
                self.settings.user
            ));
        }
        fault
    }

    async fn row(&self, link: &mut Link, name: &str) -> Sql<Row> {
        let found = link.one(&self.table.read(name)).await?;
        Ok(found.as_ref().map(Table::row).unwrap_or_default())
    }
}

/// Whether the table, or its whole database, is not there.
fn is_missing(fault: &Fault) -> bool {
    matches!(fault.code, Some(code::BAD_DB | code::NO_SUCH_TABLE))
}
