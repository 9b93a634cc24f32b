//! Paths, as texts; nothing looks at a disk.

use serde_json::Value;

use super::argument::text;
use super::{Arg, Family, HelperError, eager, exactly};

pub(super) const FAMILY: Family = Family {
    title: "Paths",
    about: "Paths are texts with `/`; nothing looks at the disk.",
    helpers: &[
        eager("basename", "basename PATH", exactly(1), "What follows the last `/`.", ("basename \"/a/b.tar\"", "\"b.tar\""), |a| {
            let path = text(a, 0)?.trim_end_matches('/');
            Ok(path.rsplit('/').next().unwrap_or_default().into())
        }),
        eager("dirname", "dirname PATH", exactly(1), "What comes before the last `/`.", ("dirname \"/a/b.tar\"", "\"/a\""), |a| {
            Ok(dirname(text(a, 0)?).into())
        }),
        eager(
            "path_join",
            "path_join A B …",
            (2, None),
            "Paths put together with one `/` between them. Only the first may begin with `/`.",
            ("path_join \"/a/\" \"b\"", "\"/a/b\""),
            path_join,
        ),
        eager(
            "extension",
            "extension PATH",
            exactly(1),
            "What follows the last dot of the last name; empty where there is none.",
            ("extension \"/a/b.tar.gz\"", "\"gz\""),
            |a| {
                let name = text(a, 0)?.rsplit('/').next().unwrap_or_default();
                Ok(name.rsplit_once('.').filter(|(before, _)| !before.is_empty()).map_or("", |(_, after)| after).into())
            },
        ),
    ],
};

/// As the program `dirname` has it: `/a` → `/`, `a` → `.`.
fn dirname(path: &str) -> &str {
    let path = match path.trim_end_matches('/') {
        "" if path.starts_with('/') => return "/",
        trimmed => trimmed,
    };
    match path.rsplit_once('/') {
        None => ".",
        Some((before, _)) => match before.trim_end_matches('/') {
            "" => "/",
            before => before,
        },
    }
}

fn path_join(args: &[Arg<'_>]) -> Result<Value, HelperError> {
    let mut path = text(args, 0)?.to_owned();
    for at in 1..args.len() {
        let next = text(args, at)?;
        if next.starts_with('/') {
            return Err(HelperError::of(at, format!("`{next}` begins at the root and cannot be put behind another path")));
        }
        if !path.is_empty() && !path.ends_with('/') {
            path.push('/');
        }
        path.push_str(next);
    }
    Ok(path.into())
}
