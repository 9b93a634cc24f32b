//! `file.assert`.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use runbook_core::action::{Action, Before, BoxFuture, Cx, Failure, FailureKind, FieldFault, Outcome, Outputs, Residue};
use runbook_core::value::{ByteSize, OctalMode};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::disk::{self, Watch, blocking, failure};
use super::replace;

/// Checks what a path is. Everything that is written must hold.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Assert {
    /// The path; a relative one starts from the runbook's folder.
    #[schemars(extend("x-text" = "path"))]
    path: String,
    /// Whether it must be there, or must not.
    #[serde(default = "yes")]
    exists: bool,
    /// What it must be.
    kind: Option<Kind>,
    /// It must be at least so large, such as `1MiB`.
    min_size: Option<ByteSize>,
    /// Its mode must be this, such as `0600`.
    mode: Option<OctalMode>,
    /// The number of the user whom it must belong to.
    uid: Option<u32>,
    /// The number of the group that it must belong to.
    gid: Option<u32>,
    /// Its SHA-256 must be this, as 64 hexadecimal digits.
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"), extend("x-expected" = "64 hexadecimal digits in lower case"))]
    sha256: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Kind {
    /// A file.
    File,
    /// A folder.
    Dir,
    /// A symbolic link.
    Symlink,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Dir => "dir",
            Self::Symlink => "symlink",
        }
    }
}

fn yes() -> bool {
    true
}

impl Action for Assert {
    fn validate(&self) -> Vec<FieldFault> {
        let mut faults = Vec::new();
        let more = [
            ("kind", self.kind.is_some()),
            ("min_size", self.min_size.is_some()),
            ("mode", self.mode.is_some()),
            ("uid", self.uid.is_some()),
            ("gid", self.gid.is_some()),
            ("sha256", self.sha256.is_some()),
        ];
        if let Some((field, _)) = more.iter().find(|(_, given)| *given && !self.exists) {
            faults.push(
                FieldFault::new(*field, format!("`{field}` says nothing of a path that must not exist"))
                    .help("leave it out, or leave `exists = false` out"),
            );
        }
        faults
    }

    fn run<'a>(&'a self, cx: Cx<'a>, _before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let path = cx.base_dir().join(&self.path);
            let wanted = self.clone();
            match blocking(cx, "reading", None, move |watch| wanted.look(&path, watch)).await {
                Ok((outputs, None)) => Outcome::unchanged(outputs),
                Ok((outputs, Some(failure))) => Outcome::Failed { failure, residue: Residue::None, outputs },
                Err(broken) => replace::broken(broken),
            }
        })
    }
}

impl Assert {
    /// What is there, and the first thing that is not as it must be.
    fn look(&self, path: &PathBuf, watch: &Watch) -> Result<(Outputs, Option<Failure>), Failure> {
        let shown = path.display();
        let link = match std::fs::symlink_metadata(path) {
            Ok(meta) => meta,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let failed = self.exists.then(|| {
                    let mut failure = Failure::new(FailureKind::NotFound, format!("`{shown}` is not there")).field("path");
                    failure.retryable = true;
                    failure
                });
                return Ok((absent(), failed));
            }
            Err(error) => return Err(failure(&error, "looked at", path, "path")),
        };
        // A link counts as what it points to, unless a link is asked for.
        let meta = if self.kind == Some(Kind::Symlink) { link } else { std::fs::metadata(path).unwrap_or(link) };
        let kind = kind_of(&meta);
        let outputs = Outputs::from_iter([
            ("exists".to_owned(), Value::from(true)),
            ("kind".to_owned(), Value::from(kind)),
            ("size".to_owned(), Value::from(meta.len())),
            ("mode".to_owned(), Value::from(format!("{:04o}", meta.mode() & 0o7777))),
            ("uid".to_owned(), Value::from(meta.uid())),
            ("gid".to_owned(), Value::from(meta.gid())),
            (
                "modified".to_owned(),
                meta.modified()
                    .ok()
                    .and_then(|time| jiff::Timestamp::try_from(time).ok())
                    .map_or(Value::Null, |time| Value::from(time.to_string())),
            ),
        ]);
        let wrong = |field: &str, message: String| Ok(Some(Failure::new(FailureKind::Unexpected, message).field(field)));
        let failed: Result<Option<Failure>, Failure> = if !self.exists {
            Ok(Some(Failure::new(FailureKind::Conflict, format!("`{shown}` is there, and must not be")).field("path")))
        } else if let Some(wanted) = self.kind.filter(|wanted| wanted.name() != kind) {
            wrong("kind", format!("`{shown}` is a {kind}, not a {}", wanted.name()))
        } else if let Some(wanted) = self.min_size.filter(|wanted| meta.len() < wanted.get()) {
            wrong("min_size", format!("`{shown}` has {}, at least {} are expected", disk::human(meta.len()), disk::human(wanted.get())))
        } else if let Some(wanted) = self.mode.filter(|wanted| wanted.get() != meta.mode() & 0o7777) {
            wrong("mode", format!("`{shown}` has mode {:04o}, not {wanted}", meta.mode() & 0o7777))
        } else if let Some(wanted) = self.uid.filter(|wanted| *wanted != meta.uid()) {
            wrong("uid", format!("`{shown}` belongs to user {}, not {wanted}", meta.uid()))
        } else if let Some(wanted) = self.gid.filter(|wanted| *wanted != meta.gid()) {
            wrong("gid", format!("`{shown}` belongs to group {}, not {wanted}", meta.gid()))
        } else {
            self.digest_fault(path, watch)
        };
        Ok((outputs, failed?))
    }

    fn digest_fault(&self, path: &Path, watch: &Watch) -> Result<Option<Failure>, Failure> {
        let Some(wanted) = &self.sha256 else { return Ok(None) };
        let digested = disk::digest(path, watch).map_err(|error| failure(&error, "read", path, "path"))?;
        Ok((digested.sha256 != *wanted).then(|| {
            Failure::new(FailureKind::Unexpected, format!("`{}` has the SHA-256 {}", path.display(), digested.sha256)).field("sha256")
        }))
    }
}

fn absent() -> Outputs {
    Outputs::from_iter([
        ("exists".to_owned(), Value::from(false)),
        ("kind".to_owned(), Value::from("")),
        ("size".to_owned(), Value::from(0)),
        ("mode".to_owned(), Value::from("")),
        ("uid".to_owned(), Value::Null),
        ("gid".to_owned(), Value::Null),
        ("modified".to_owned(), Value::Null),
    ])
}

fn kind_of(meta: &std::fs::Metadata) -> &'static str {
    let kind = meta.file_type();
    if kind.is_file() {
        "file"
    } else if kind.is_dir() {
        "dir"
    } else if kind.is_symlink() {
        "symlink"
    } else {
        "other"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert(fields: &serde_json::Value) -> Assert {
        serde_json::from_value(fields.clone()).unwrap()
    }

    fn message(fields: &serde_json::Value) -> Option<String> {
        let assert = assert(fields);
        let path = PathBuf::from(&assert.path);
        assert.look(&path, &Watch::default()).map(|(_, failure)| failure.map(|failure| failure.message)).unwrap()
    }

    #[test]
    fn says_what_is_not_as_it_must_be() {
        let nowhere = serde_json::json!({ "path": "/nowhere/at/all" });
        assert_eq!(message(&nowhere).as_deref(), Some("`/nowhere/at/all` is not there"));
        assert_eq!(message(&serde_json::json!({ "path": "/nowhere/at/all", "exists": false })), None);
        assert_eq!(message(&serde_json::json!({ "path": "/", "exists": false })).as_deref(), Some("`/` is there, and must not be"));
        assert_eq!(message(&serde_json::json!({ "path": "/", "kind": "file" })).as_deref(), Some("`/` is a dir, not a file"));
        assert_eq!(
            message(&serde_json::json!({ "path": "/dev/null", "mode": "0600" })).as_deref(),
            Some("`/dev/null` has mode 0666, not 0600")
        );
    }

    #[test]
    fn a_property_of_what_must_not_exist_is_refused() {
        let faults = assert(&serde_json::json!({ "path": "/", "exists": false, "mode": "0600" })).validate();
        assert_eq!(faults.iter().map(|fault| fault.path.as_str()).collect::<Vec<_>>(), ["mode"]);
    }
}
