//! What needs something that is left out of a backup: with it the backup could not be restored.

use std::collections::BTreeSet;

use runbook_core::action::{Failure, FailureKind};

use super::contents::ObjectKind;
use super::ddl;
use super::inventory::{self, Inventory};
use crate::sql::failure::Sql;
use crate::sql::quote::literal;
use crate::sql::session::Session;
use crate::sql::value::text_at;

/// Fails when a foreign key, a trigger or a view that is dumped needs a table or view that is not, and names each. Routines and events find their
/// tables only when they are called, so they can be restored without.
pub(super) async fn refuse(session: &mut Session<'_>, database: &str, inventory: &Inventory, without: &[String]) -> Sql<()> {
    if without.is_empty() {
        return Ok(());
    }
    let left_out: BTreeSet<&str> = without.iter().map(String::as_str).collect();
    let wanted = literal(database, session.mode);
    let mut named = BTreeSet::new();
    let keys = format!(
        "SELECT DISTINCT table_name, referenced_table_name FROM information_schema.key_column_usage \
         WHERE table_schema = {wanted} AND referenced_table_schema = {wanted}"
    );
    for (table, to) in pairs(session, &keys).await? {
        if left_out.contains(&*to) && inventory.tables.contains_key(&table) {
            named.insert(format!("the table `{table}` has a foreign key to `{to}`"));
        }
    }
    let triggers = format!("SELECT trigger_name, event_object_table FROM information_schema.triggers WHERE trigger_schema = {wanted}");
    for (trigger, on) in pairs(session, &triggers).await? {
        if left_out.contains(&*on) && inventory.objects.contains(&(ObjectKind::Trigger, trigger.clone())) {
            named.insert(format!("the trigger `{trigger}` is on `{on}`"));
        }
    }
    for (kind, view) in inventory.objects.iter().filter(|(kind, _)| *kind == ObjectKind::View) {
        let definition = inventory::definition(session, *kind, view).await?;
        for read in ddl::tables_read(&definition.create, database) {
            if left_out.contains(&*read) {
                named.insert(format!("the view `{view}` reads `{read}`"));
            }
        }
    }
    if named.is_empty() {
        return Ok(());
    }
    let list = named.into_iter().collect::<Vec<_>>().join(", ");
    let mut failure =
        Failure::new(FailureKind::Failed, format!("what is dumped needs what is left out, and could not be restored: {list}"))
            .field("without")
            .help("list these names under `without` as well, or leave nothing out that they need");
    failure.retryable = false;
    Err(failure.into())
}

async fn pairs(session: &mut Session<'_>, sql: &str) -> Sql<Vec<(String, String)>> {
    let rows = session.rows(sql).await?;
    Ok(rows.iter().filter_map(|row| Some((text_at(row, 0)?, text_at(row, 1)?))).collect())
}
