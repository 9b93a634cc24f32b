//! Writing what a database holds besides tables: each definition in the state of the session in which it was made.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::contents::{ObjectEntry, ObjectKind};
use super::ddl::{delimiter_for, in_order};
use super::inventory::{self, Definition, Inventory};
use super::manifest::Part;
use super::sink::{Batch, Place, Sink};
use super::survey::{object_entry, sequence, stripped};
use crate::sql::failure::Sql;
use crate::sql::quote::{literal, name};
use crate::sql::session::Session;
use crate::sql::value::{int_at, text_at};

/// Reads definitions over one connection and hands them to a sink.
pub(super) struct Objects<'o, 'a> {
    pub(super) session: &'o mut Session<'a>,
    pub(super) sink: &'o mut Sink,
    pub(super) database: &'o str,
    pub(super) inventory: &'o Inventory,
}

impl Objects<'_, '_> {
    /// All of them, by kind and name.
    pub(super) async fn everything(&mut self) -> Sql<Vec<ObjectEntry>> {
        let names = self.inventory.names();
        let mut objects = self.sequences().await?;
        objects.extend(self.coded(Part::Routines, &[ObjectKind::Procedure, ObjectKind::Function], &names).await?);
        objects.extend(self.views(&names).await?);
        objects.extend(self.coded(Part::Triggers, &[ObjectKind::Trigger], &names).await?);
        objects.extend(self.coded(Part::Events, &[ObjectKind::Event], &names).await?);
        objects.sort_unstable_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
        Ok(objects)
    }

    async fn put(&mut self, part: Part, text: String, statements: u64) -> Sql<()> {
        if statements > 0 {
            self.sink.write(Batch { place: Place::of(part), text: text.into_bytes(), statements }).await?;
        }
        Ok(())
    }

    async fn sequences(&mut self) -> Sql<Vec<ObjectEntry>> {
        let mut text = String::new();
        let mut entries = Vec::new();
        for (kind, object) in self.inventory.objects.iter().filter(|(kind, _)| *kind == ObjectKind::Sequence) {
            let definition = inventory::definition(self.session, *kind, object).await?;
            let create = stripped(&definition, self.database, &BTreeSet::new());
            let whole = sequence(self.session, object, &create).await?;
            entries.push(object_entry(*kind, object, &whole));
            text.push_str(&whole);
        }
        let statements = entries.len() as u64 * 2;
        self.put(Part::Sequences, text, statements).await?;
        Ok(entries)
    }

    async fn views(&mut self, names: &BTreeSet<String>) -> Sql<Vec<ObjectEntry>> {
        let mut creates = BTreeMap::new();
        let mut collations = BTreeMap::new();
        let mut entries = Vec::new();
        for (kind, view) in self.inventory.objects.iter().filter(|(kind, _)| *kind == ObjectKind::View) {
            let definition = inventory::definition(self.session, *kind, view).await?;
            // A view whose tables are gone is shown all the same, but it could not be created again.
            self.session.rows(&format!("SELECT 1 FROM {} LIMIT 0", name(view))).await.map_err(|fault| {
                let mut fault = fault.at(&format!("the view `{view}` cannot be read, so it could not be restored"));
                if fault.code.is_some() {
                    fault.failure.help = Some("drop the view, or list it under `without`".to_owned());
                }
                fault
            })?;
            let create = stripped(&definition, self.database, names);
            entries.push(object_entry(*kind, view, &create));
            collations.insert(view.clone(), definition.collation);
            creates.insert(view.clone(), create);
        }
        let mut text = String::new();
        let mut statements = 0;
        for (view, create) in in_order(creates) {
            if let Some(Some(collation)) = collations.get(&view) {
                let _ = writeln!(text, "SET SESSION collation_connection = '{collation}';");
                statements += 1;
            }
            text.push_str(&create);
            text.push_str(";\n");
            statements += 1;
        }
        self.put(Part::Views, text, statements).await?;
        Ok(entries)
    }

    /// What has a body: each behind a delimiter of its own, in the mode in which it was made.
    async fn coded(&mut self, part: Part, kinds: &[ObjectKind], names: &BTreeSet<String>) -> Sql<Vec<ObjectEntry>> {
        let mut text = String::new();
        let mut statements = 0;
        let mut entries = Vec::new();
        let objects = if part == Part::Triggers { self.triggers_in_order().await? } else { self.of_kinds(kinds) };
        for (kind, object) in objects {
            let definition = inventory::definition(self.session, kind, &object).await?;
            let create = stripped(&definition, self.database, names);
            let Definition { sql_mode, collation, time_zone, .. } = definition;
            if let Some(mode) = sql_mode {
                let _ = writeln!(text, "SET SESSION sql_mode = '{mode}';");
                statements += 1;
            }
            if let Some(collation) = collation {
                let _ = writeln!(text, "SET SESSION collation_connection = '{collation}';");
                statements += 1;
            }
            if let Some(zone) = time_zone {
                let _ = writeln!(text, "SET SESSION time_zone = '{zone}';");
                statements += 1;
            }
            let delimiter = delimiter_for(&create);
            let _ = writeln!(text, "DELIMITER {delimiter}\n{create}\n{delimiter}\nDELIMITER ;");
            statements += 1;
            entries.push(object_entry(kind, &object, &create));
        }
        self.put(part, text, statements).await?;
        Ok(entries)
    }

    fn of_kinds(&self, kinds: &[ObjectKind]) -> Vec<(ObjectKind, String)> {
        self.inventory.objects.iter().filter(|(kind, _)| kinds.contains(kind)).cloned().collect()
    }

    /// Triggers of one table and event fire in the order in which they were made.
    async fn triggers_in_order(&mut self) -> Sql<Vec<(ObjectKind, String)>> {
        let mut triggers = self.of_kinds(&[ObjectKind::Trigger]);
        if triggers.len() < 2 {
            return Ok(triggers);
        }
        let database = literal(self.database, self.session.mode);
        let sql = format!("SELECT action_order, trigger_name FROM information_schema.triggers WHERE trigger_schema = {database}");
        let mut order = BTreeMap::new();
        for row in self.session.rows(&sql).await? {
            order.insert(text_at(&row, 1).unwrap_or_default(), int_at(&row, 0).unwrap_or(0));
        }
        triggers.sort_by_key(|(_, trigger)| order.get(trigger).copied().unwrap_or(0));
        Ok(triggers)
    }
}
