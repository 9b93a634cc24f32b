//! Another user, by name or number.

use std::process::Command;

use runbook_core::action::{Failure, FailureKind};

/// A user as the system knows it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct User {
    pub uid: u32,
    pub gid: u32,
    /// None for a number that the system has no name for.
    pub name: Option<String>,
    pub home: Option<String>,
}

/// Looks a user up: in `/etc/passwd`, then through `getent`, which also asks directory services.
pub(super) fn find(wanted: &str) -> Result<User, Failure> {
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    if let Some(user) = in_passwd(&passwd, wanted) {
        return Ok(user);
    }
    // Only a name that can be one: `getent` would take a leading `-` for an option.
    if wanted.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && let Ok(found) = Command::new("getent").args(["passwd", wanted]).output()
        && let Some(user) = in_passwd(&String::from_utf8_lossy(&found.stdout), wanted)
    {
        return Ok(user);
    }
    match wanted.parse() {
        Ok(uid) => Ok(User { uid, gid: uid, name: None, home: None }),
        Err(_) => Err(Failure::new(FailureKind::NotFound, format!("there is no user `{wanted}` on this host")).field("user")),
    }
}

/// The name of a user; `uid N` where the system has none.
pub(crate) fn name(uid: u32) -> String {
    find(&uid.to_string()).ok().and_then(|user| user.name).unwrap_or_else(|| format!("uid {uid}"))
}

fn in_passwd(text: &str, wanted: &str) -> Option<User> {
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, uid, gid) = (fields.next()?, fields.nth(1)?, fields.next()?);
        let home = fields.nth(1)?;
        if name != wanted && uid != wanted {
            return None;
        }
        Some(User { uid: uid.parse().ok()?, gid: gid.parse().ok()?, name: Some(name.to_owned()), home: Some(home.to_owned()) })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_name_and_by_number() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\nodc:x:1001:1002:ODC,,,:/home/odc:/bin/sh\n";
        let odc = User { uid: 1001, gid: 1002, name: Some("odc".into()), home: Some("/home/odc".into()) };
        assert_eq!(in_passwd(passwd, "odc"), Some(odc));
        assert_eq!(in_passwd(passwd, "1001").unwrap().name.as_deref(), Some("odc"));
        assert_eq!(in_passwd(passwd, "od"), None);
    }

    #[test]
    fn a_missing_user_names_the_field() {
        let failure = find("no-such-user-here").unwrap_err();
        assert_eq!(
            (failure.message.as_str(), failure.field.as_deref()),
            ("there is no user `no-such-user-here` on this host", Some("user"))
        );
    }
}
