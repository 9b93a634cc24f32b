//! Whether the user sees everything in a database: servers leave out of their lists what a user may not use, without a word, and a backup would
//! silently miss it.
//!
//! What a role gives counts while the role is switched on, which it is at login only where it is a default one. MariaDB lists it among the user's
//! own grants then, and not otherwise; MySQL when it is asked with `USING`; OceanBase never (tried on seekdb 1.4), so there it does not count.

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
    /// Taken away from the database again, where everything was given: MySQL's partial revokes.
    revoked: Vec<String>,
    /// Whether there is a role.
    roles: bool,
}

/// Fails when there may be objects that the user cannot see, and names the missing privileges.
pub(in crate::sql) async fn sees_everything(session: &mut Session<'_>, database: &str) -> Sql<()> {
    let mut held = held(&grants(session, "SHOW GRANTS").await?, database);
    if held.roles
        && session.flavour == Flavour::MySql
        && let Some(active) = active_roles(session).await?
    {
        held = self::held(&grants(session, &format!("SHOW GRANTS FOR CURRENT_USER() USING {active}")).await?, database);
    }
    let missing = missing(&held, session.flavour);
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(", ");
    let mut advice =
        format!("as an administrator: GRANT {list} ON `{database}`.* TO the user; a backup must not leave out what nobody sees");
    if held.roles {
        advice.push_str(match session.flavour {
            Flavour::OceanBase => ". The user has a role, but this server does not show what a role gives: grant it to the user itself",
            Flavour::MariaDb | Flavour::MySql => {
                ". The user has a role: what it gives counts once it is the user's default (SET DEFAULT ROLE)"
            }
        });
    }
    Err(Failure::new(FailureKind::Denied, format!("the user lacks {list} on `{database}`, so the server may hide some of what it holds"))
        .field("target")
        .help(advice)
        .into())
}

async fn grants(session: &mut Session<'_>, sql: &str) -> Sql<Vec<String>> {
    Ok(session.rows(sql).await?.iter().filter_map(|row| text_at(row, 0)).collect())
}

/// The roles that are switched on, as MySQL writes them: `` `a`@`%`,`b`@`%` ``.
async fn active_roles(session: &mut Session<'_>) -> Sql<Option<String>> {
    let row = session.one("SELECT CURRENT_ROLE()").await?;
    Ok(row.and_then(|row| text_at(&row, 0)).filter(|roles| roles.starts_with('`')))
}

fn held(lines: &[String], database: &str) -> Held {
    let mut held = Held::default();
    for line in lines {
        let (revoked, rest) = match (line.strip_prefix("GRANT "), line.strip_prefix("REVOKE ")) {
            (Some(rest), _) => (false, rest),
            (_, Some(rest)) => (true, rest),
            (None, None) => continue,
        };
        let Some((privileges, rest)) = rest.split_once(" ON ") else {
            held.roles = true;
            continue;
        };
        let everywhere = rest.starts_with("*.*");
        let here = everywhere || rest.split_once(".*").is_some_and(|(pattern, _)| matches(pattern, database));
        let privileges = privileges.split(',').map(|privilege| privilege.trim().to_ascii_uppercase());
        if revoked {
            held.revoked.extend(privileges.filter(|_| here));
        } else if everywhere {
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
    let wanted: &[&str] = match flavour {
        Flavour::OceanBase => &["SELECT"],
        Flavour::MariaDb | Flavour::MySql => &["SELECT", "TRIGGER", "EVENT", "EXECUTE"],
    };
    wanted
        .iter()
        .filter(|wanted| {
            // Who may read everything sees every routine.
            let by_reading = **wanted == "EXECUTE" && has(&held.everywhere, "SELECT");
            has(&held.revoked, wanted) || !(by_reading || has(&held.here, wanted))
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
        let everything = "GRANT SELECT, EVENT, TRIGGER ON *.* TO `u`@`%`";
        assert_eq!(lacks(&[everything, "REVOKE SELECT ON `odc_db`.* FROM `u`@`%`"], Flavour::MySql), ["SELECT"]);
        assert!(lacks(&[everything, "REVOKE SELECT ON `mysql`.* FROM `u`@`%`"], Flavour::MySql).is_empty());
    }

    #[test]
    fn a_role_counts_by_what_is_listed_of_it() {
        let own = ["GRANT `role` TO `u`@`%`", "GRANT USAGE ON *.* TO `u`@`%`"];
        assert_eq!(lacks(&own, Flavour::MariaDb), ["SELECT", "TRIGGER", "EVENT", "EXECUTE"]);
        assert_eq!(lacks(&own, Flavour::OceanBase), ["SELECT"]);
        let active = "GRANT SELECT, EXECUTE, SHOW VIEW, EVENT, TRIGGER ON `odc\\_db`.* TO `role`";
        assert!(
            lacks(&[own[0], own[1], "GRANT USAGE ON *.* TO `role`", active, "SET DEFAULT ROLE `role` FOR `u`@`%`"], Flavour::MariaDb)
                .is_empty()
        );
    }
}
