//! Files on the host where runbook runs. What is written is written beside its place, synced and renamed: a reader sees the old file or the new
//! one, never half of it.

mod assert;
mod checksum;
mod copy;
mod disk;
mod disk_free;
mod put_back;
mod read;
mod replace;
mod write;

use runbook_core::action::{ActionSpec, Class, Executor, OutputKind, OutputSpec};

/// `file.*`.
pub struct Files;

const FORMER: &[OutputSpec] = &[
    OutputSpec::new("existed", OutputKind::Bool, "whether a file was there"),
    OutputSpec::new("kept", OutputKind::String, "where a copy of it stands, in the run's folder; empty where there was none"),
    OutputSpec::new("sha256", OutputKind::String, "its digest; empty where there was none"),
];

const WRITTEN: &[OutputSpec] = &[
    OutputSpec::new("path", OutputKind::String, "the file, as an absolute path"),
    OutputSpec::new("size", OutputKind::Int, "its size in bytes"),
    OutputSpec::new("sha256", OutputKind::String, "its digest"),
];

static ACTIONS: &[ActionSpec] = &[
    ActionSpec {
        outputs: &[
            OutputSpec::new("exists", OutputKind::Bool, "whether it is there"),
            OutputSpec::new("kind", OutputKind::String, "`file`, `dir`, `symlink` or `other`; empty where it is not there"),
            OutputSpec::new("size", OutputKind::Int, "its size in bytes"),
            OutputSpec::new("mode", OutputKind::String, "its mode, such as `0644`"),
            OutputSpec::new("uid", OutputKind::Int, "its owner's number"),
            OutputSpec::new("gid", OutputKind::Int, "its group's number"),
            OutputSpec::new("modified", OutputKind::String, "when it was last written, in UTC"),
        ],
        example: r#"file.assert = { path = "/backup/odc/manifest.json", kind = "file", min_size = "1KiB" }"#,
        schema: runbook_core::described!(assert::Assert, "file.assert"),
        ..ActionSpec::of::<assert::Assert>("assert", Class::READ_ONLY, "checks what a path is")
    },
    ActionSpec {
        outputs: &[
            OutputSpec::new("text", OutputKind::String, "the content"),
            OutputSpec::new("data", OutputKind::Any, "the content as JSON, with `format = \"json\"`"),
            OutputSpec::new("size", OutputKind::Int, "its size in bytes"),
            OutputSpec::new("sha256", OutputKind::String, "its digest"),
        ],
        example: r#"file.read = { path = "/backup/odc/manifest.json", format = "json" }"#,
        schema: runbook_core::described!(read::Read, "file.read"),
        ..ActionSpec::of::<read::Read>("read", Class::READ_ONLY, "reads a small text file")
    },
    ActionSpec {
        before: FORMER,
        example: r#"file.put_back = { path = "/etc/odc.env", kept = "{{before.kept}}" }"#,
        schema: runbook_core::described!(put_back::PutBack, "file.put_back"),
        ..ActionSpec::of::<put_back::PutBack>(
            "put_back",
            Class::IDEMPOTENT,
            "puts back what `file.write` or `file.copy` found; for their undo",
        )
    },
    ActionSpec {
        outputs: WRITTEN,
        before: FORMER,
        example: r#"file.copy = { from = "odc.env", to = "/etc/odc.env", overwrite = true }"#,
        schema: runbook_core::described!(copy::Copy, "file.copy"),
        ..ActionSpec::of::<copy::Copy>("copy", Class::IDEMPOTENT, "copies a file")
    },
    ActionSpec {
        outputs: WRITTEN,
        before: FORMER,
        example: r#"file.write = { path = "/etc/odc.version", text = "4.3.4\n", overwrite = true }"#,
        schema: runbook_core::described!(write::Write, "file.write"),
        ..ActionSpec::of::<write::Write>("write", Class::IDEMPOTENT, "writes a text file")
    },
    ActionSpec {
        outputs: &[
            OutputSpec::new("sha256", OutputKind::String, "the digest, 64 hexadecimal digits"),
            OutputSpec::new("size", OutputKind::Int, "the size in bytes"),
        ],
        example: r#"file.checksum = { path = "/backup/obodc-4.3.4.tar.gz" }"#,
        schema: runbook_core::described!(checksum::Checksum, "file.checksum"),
        ..ActionSpec::of::<checksum::Checksum>("checksum", Class::READ_ONLY, "reads a file and gives its SHA-256")
    },
    ActionSpec {
        outputs: &[
            OutputSpec::new("free_bytes", OutputKind::Int, "what an ordinary user may still write, in bytes"),
            OutputSpec::new("total_bytes", OutputKind::Int, "the file system's size in bytes"),
        ],
        example: r#"file.disk_free = { path = "/backup", at_least = "20GiB" }"#,
        schema: runbook_core::described!(disk_free::DiskFree, "file.disk_free"),
        ..ActionSpec::of::<disk_free::DiskFree>("disk_free", Class::READ_ONLY, "checks the free space of a file system")
    },
];

impl Executor for Files {
    fn name(&self) -> &'static str {
        "file"
    }

    fn about(&self) -> &'static str {
        "files on the host where runbook runs"
    }

    fn actions(&self) -> &'static [ActionSpec] {
        ACTIONS
    }
}
