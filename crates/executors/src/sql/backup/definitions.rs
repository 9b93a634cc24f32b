//! The statements that make tables, in the order in which they can be carried out, and those that come after the rows.
//!
//! A foreign key is made with its table, behind the table that it refers to: added to a table that is there, it is a change of both for OceanBase,
//! whose definitions it reads anew when they are used next. Such tables stand in a file of their own, before any row is loaded, since their statements
//! lock the tables that they refer to. Apart, after the rows, stay the foreign keys of tables that need each other, those that refer to another
//! database, and those from and to large tables, whose other keys come after the rows too.

use std::collections::{BTreeMap, BTreeSet};

use super::ddl::{Keyless, referred_to};
use super::manifest::Part;
use super::sink::Place;
use super::tables::Written;
use crate::sql::quote::name;

/// The statements, by the file that they belong to. `names` are those of the tables `written`, in their order.
pub(super) fn definitions<'n>(names: impl Iterator<Item = &'n String>, written: &'n [Written]) -> [(Place, Vec<String>); 4] {
    let tables: Vec<(&str, &Written)> = names.map(String::as_str).zip(written).collect();
    let made = in_order(&tables);
    let mut related = BTreeSet::new();
    for Made { at, keys } in &made {
        let parents: Vec<usize> = keys.iter().map(|key| key.parent).filter(|parent| parent != at).collect();
        if !parents.is_empty() {
            related.insert(*at);
            related.extend(parents);
        }
    }
    let mut texts: [BTreeMap<usize, Vec<String>>; 3] = Default::default();
    let [others, later, foreign_keys] = &mut texts;
    let mut first = Vec::new();
    for Made { at, keys } in &made {
        let Some((table, written)) = tables.get(*at) else { continue };
        let with: Vec<&str> = keys.iter().map(|key| key.text).collect();
        // OceanBase refuses two foreign keys in one statement that adds them.
        let apart = written.ddl.foreign_keys.iter().filter(|key| !with.contains(&key.as_str()));
        foreign_keys.insert(*at, apart.map(|key| add(table, std::slice::from_ref(key))).collect());
        if let Some(keyless) = keyless(written) {
            others.insert(*at, vec![format!("{};\n", keyless.create)]);
            later.insert(*at, vec![add(table, &keyless.keys)]);
        } else {
            let create = format!("{};\n", written.ddl.create_with(&with));
            if related.contains(at) { first.push(create) } else { drop(others.insert(*at, vec![create])) }
        }
    }
    let [others, later, foreign_keys] = texts.map(|by_name| by_name.into_values().flatten().collect());
    [
        (Place::RELATED, first),
        (Place::of(Part::Tables), others),
        (Place::of(Part::Keys), later),
        (Place::of(Part::ForeignKeys), foreign_keys),
    ]
}

/// A table, and the foreign keys that it is made with.
struct Made<'w> {
    at: usize,
    keys: Vec<Early<'w>>,
}

/// A foreign key that can be made with its table, when the table that it refers to is there.
#[derive(Clone, Copy)]
struct Early<'w> {
    text: &'w str,
    parent: usize,
}

/// Each table behind those that it refers to, else by name. In a ring of tables the first by name is made without what is not there yet.
fn in_order<'w>(tables: &[(&str, &'w Written)]) -> Vec<Made<'w>> {
    let places: BTreeMap<&str, usize> = tables.iter().enumerate().map(|(at, (table, _))| (*table, at)).collect();
    let large = |at: usize| tables.get(at).is_some_and(|(_, written)| keyless(written).is_some());
    let early = |at: usize, written: &'w Written| -> Vec<Early<'w>> {
        let parents = written.ddl.foreign_keys.iter().filter_map(|key| {
            let parent = *places.get(referred_to(key).first()?.as_str())?;
            Some(Early { text: key, parent })
        });
        parents.filter(|key| !large(at) && !large(key.parent)).collect()
    };
    let keys: Vec<Vec<Early<'w>>> = tables.iter().enumerate().map(|(at, (_, written))| early(at, written)).collect();
    let mut waits: Vec<BTreeSet<usize>> = Vec::new();
    let mut children: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, keys) in keys.iter().enumerate() {
        let parents: BTreeSet<usize> = keys.iter().map(|key| key.parent).filter(|parent| *parent != at).collect();
        for parent in &parents {
            children.entry(*parent).or_default().push(at);
        }
        waits.push(parents);
    }
    let mut left: BTreeSet<usize> = (0..tables.len()).collect();
    let mut ready: BTreeSet<usize> = left.iter().copied().filter(|at| waits.get(*at).is_some_and(BTreeSet::is_empty)).collect();
    let mut made = Vec::new();
    while let Some(at) = ready.pop_first().or_else(|| left.first().copied()) {
        left.remove(&at);
        let there = |key: &&Early<'w>| key.parent == at || !left.contains(&key.parent);
        made.push(Made { at, keys: keys.get(at).into_iter().flatten().filter(there).copied().collect() });
        for child in children.get(&at).into_iter().flatten().filter(|child| left.contains(child)) {
            if let Some(waits) = waits.get_mut(*child) {
                waits.remove(&at);
                if waits.is_empty() {
                    ready.insert(*child);
                }
            }
        }
    }
    made
}

/// The definition of a large table that gets its other keys after its rows.
fn keyless(written: &Written) -> Option<&Keyless> {
    written.ddl.keyless.as_ref().filter(|_| written.large)
}

fn add(table: &str, items: &[String]) -> String {
    let mut text = format!("ALTER TABLE {}", name(table));
    for (at, item) in items.iter().enumerate() {
        text.push_str(if at == 0 { "\n  ADD " } else { ",\n  ADD " });
        text.push_str(item);
    }
    text.push_str(";\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::backup::ddl;
    use runbook_sqltext::Sum;

    /// What the files hold of tables with foreign keys to others, as (name, the tables they refer to); a large one has a `!` behind its name.
    fn of(tables: &[(&str, &[&str])]) -> [Vec<String>; 4] {
        let mut names = Vec::new();
        let mut written = Vec::new();
        for (table, parents) in tables {
            let (bare, large) = table.strip_suffix('!').map_or((*table, false), |bare| (bare, true));
            let key = |parent: &&str| {
                format!(",\n  CONSTRAINT `{bare}_{}` FOREIGN KEY (`up`) REFERENCES {parent} (`id`)", parent.replace('`', ""))
            };
            let keys = parents.iter().map(key).collect::<Vec<_>>().concat();
            let create = format!("CREATE TABLE `{bare}` (\n  `id` int,\n  `up` int,\n  PRIMARY KEY (`id`),\n  KEY `k` (`up`){keys}\n)");
            names.push(bare.to_owned());
            written.push(Written { ddl: ddl::table(&create, "db").unwrap(), sum: Sum::default(), large });
        }
        definitions(names.iter(), &written).map(|(_, texts)| {
            let short = |text: String| {
                let table = text.split('`').nth(1).unwrap_or_default().to_owned();
                let parents = referred_to(&text).into_iter().collect::<Vec<_>>();
                if parents.is_empty() { table } else { format!("{table} to {}", parents.join(" and ")) }
            };
            texts.into_iter().map(short).collect()
        })
    }

    #[test]
    fn tables_come_behind_those_that_they_refer_to() {
        let [related, others, keys, foreign_keys] =
            of(&[("a", &["`c`"]), ("b", &[]), ("c", &["`d`", "`e`"]), ("d", &[]), ("e", &["`e`"]), ("f", &["`f`"])]);
        assert_eq!(related, ["d", "e to e", "c to d and e", "a to c"]);
        assert_eq!(others, ["b", "f to f"]);
        assert!(keys.is_empty() && foreign_keys.is_empty());
    }

    #[test]
    fn tables_that_need_each_other_are_made_first_and_joined_later() {
        let [related, others, _, foreign_keys] = of(&[("a", &["`b`"]), ("b", &["`c`"]), ("c", &["`a`"]), ("d", &["`other`.`a`"])]);
        assert_eq!(related, ["a", "c to a", "b to c"]);
        assert_eq!(others, ["d"]);
        assert_eq!(foreign_keys, ["a to b", "d"]);
    }

    #[test]
    fn foreign_keys_of_large_tables_come_after_their_other_keys() {
        let [related, others, keys, foreign_keys] = of(&[("a!", &["`b`"]), ("b", &[]), ("c", &["`a`", "`b`"])]);
        assert_eq!(related, ["b", "c to b"]);
        assert_eq!(others, ["a"]);
        assert_eq!(keys, ["a"]);
        assert_eq!(foreign_keys, ["a to b", "c to a"]);
    }
}
