//! Whether the user sees everything in a database: servers leave out of their lists what a user may not use, without a word, and a backup would
//! silently miss it.

use runbook_core::action::{Failure, FailureKind};

use crate::sql::failure::Sql;
use crate::sql::session::{Flavour, Session};
use crate::sql::value::text_at;

/// What a user holds on a whole database.
#[derive(Debug, Default, PartialEq, Eq)]
struct Held {
    /// On the database or on everything, in capitals.
    here: Vec<String>,
    /// On everything.
    everywhere: Vec<String>,
    /// Whether something comes through a role, which is not listed.
    roles: bool,
}

/// Fails when there may be objects that the user cannot see, and names the missing privileges.
pub(in crate::sql) async fn sees_everything(session: &mut Session<'_>, database: &str) -> Sql<()> {
    let lines = session.rows("SHOW GRANTS").await?;
    let lines: Vec<String> = lines.iter().filter_map(|row| text_at(row, 0)).collect();
    let missing = missing(&held(&lines, database), session.flavour);
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(", ");
    Err(Failure::new(FailureKind::Denied, format!("the user lacks {list} on `{database}`, so the server may hide some of what it holds"))
        .field("target")
        .help(format!("as an administrator: GRANT {list} ON `{database}`.* TO the user; a backup must not leave out what nobody sees"))
        .into())
}

fn held(lines: &[String], database: &str) -> Held {
    let mut held = Held::default();
    for line in lines {
        let Some(rest) = line.strip_prefix("GRANT ") else { continue };
        let Some((privileges, rest)) = rest.split_once(" ON ") else {
            held.roles = true;
            continue;
        };
        let everywhere = rest.starts_with("*.*");
        let here = everywhere || rest.split_once(".*").is_some_and(|(pattern, _)| matches(pattern, database));
        let privileges = privileges.split(',').map(|privilege| privilege.trim().to_ascii_uppercase());
        if everywhere {
            held.everywhere.extend(privileges);
        } else if here {
            held.here.extend(privileges);
        }
    }
    held.here.extend(held.everywhere.iter().cloned());
    held
}

/// Whether a grant's pattern, in back-quotes, covers a database: `%` and `_` stand for anything unless a backslash is in front.
fn matches(pattern: &str, database: &str) -> bool {
    let Some(pattern) = pattern.strip_prefix('`').and_then(|pattern| pattern.strip_suffix('`')) else { return false };
    let pattern: Vec<char> = pattern.replace("``", "`").chars().collect();
    let name: Vec<char> = database.chars().collect();
    like(&pattern, &name)
}

fn like(pattern: &[char], name: &[char]) -> bool {
    match pattern {
        [] => name.is_empty(),
        ['\\', literal, rest @ ..] => name.split_first().is_some_and(|(first, name)| first == literal && like(rest, name)),
        ['%', rest @ ..] => (0..=name.len()).any(|skip| name.get(skip..).is_some_and(|name| like(rest, name))),
        ['_', rest @ ..] => name.split_first().is_some_and(|(_, name)| like(rest, name)),
        [literal, rest @ ..] => name.split_first().is_some_and(|(first, name)| first == literal && like(rest, name)),
    }
}

fn missing(held: &Held, flavour: Flavour) -> Vec<&'static str> {
    let has = |list: &[String], privilege: &str| list.iter().any(|held| held == privilege || held == "ALL PRIVILEGES" || held == "ALL");
    if held.roles {
        return Vec::new();
    }
    let wanted: &[&str] = match flavour {
        Flavour::OceanBase => &["SELECT"],
        Flavour::MariaDb | Flavour::MySql => &["SELECT", "TRIGGER", "EVENT", "EXECUTE"],
    };
    wanted
        .iter()
        .filter(|wanted| {
            // Who may read everything sees every routine.
            let by_reading = **wanted == "EXECUTE" && has(&held.everywhere, "SELECT");
            !(by_reading || has(&held.here, wanted))
        })
        .copied()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lacks(lines: &[&str], flavour: Flavour) -> Vec<&'static str> {
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        missing(&held(&lines, "odc_db"), flavour)
    }

    #[test]
    fn what_a_grant_covers_is_known() {
        let usage = "GRANT USAGE ON *.* TO `u`@`%`";
        let all = Flavour::MariaDb;
        assert!(lacks(&["GRANT ALL PRIVILEGES ON *.* TO 'root'@'%' WITH GRANT OPTION"], all).is_empty());
        assert!(lacks(&[usage, "GRANT ALL PRIVILEGES ON `odc\\_db`.* TO `u`@`%`"], all).is_empty());
        assert!(lacks(&[usage, "GRANT SELECT, EXECUTE, EVENT, TRIGGER ON `odc%`.* TO `u`@`%`"], all).is_empty());
        assert!(lacks(&["GRANT SELECT, EVENT, TRIGGER ON *.* TO `u`@`%`"], all).is_empty());
        assert_eq!(lacks(&[usage, "GRANT SELECT ON `odc_db`.`a` TO 'u'"], Flavour::OceanBase), ["SELECT"]);
        assert_eq!(lacks(&[usage, "GRANT SELECT, SHOW VIEW ON `odc_db`.* TO `u`@`%`"], all), ["TRIGGER", "EVENT", "EXECUTE"]);
        assert_eq!(lacks(&[usage, "GRANT ALL PRIVILEGES ON `odcXdb\\_`.* TO `u`@`%`"], Flavour::OceanBase), ["SELECT"]);
        assert!(lacks(&["GRANT `role` TO `u`@`%`", usage], all).is_empty());
    }
}
