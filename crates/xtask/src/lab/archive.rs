//! Images as archives for `docker load`, built without an engine: one layer, a configuration, a manifest.

use crate::error::TaskError;
use crate::hex::sha256;
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use tar::{Builder, EntryType, Header};

/// The one layer of an image, while it is filled. Times and owners are zero, so that equal content makes an equal image.
pub(crate) struct Layer(Builder<Vec<u8>>);

impl Layer {
    /// An empty layer.
    pub(crate) fn new() -> Self {
        Self(Builder::new(Vec::new()))
    }

    /// A folder. Parents come first.
    pub(crate) fn folder(&mut self, path: &str, mode: u32) -> Result<(), TaskError> {
        self.entry(path, EntryType::Directory, mode, &[])
    }

    /// A file with that content.
    pub(crate) fn file(&mut self, path: &str, mode: u32, content: &[u8]) -> Result<(), TaskError> {
        self.entry(path, EntryType::Regular, mode, content)
    }

    /// A file of this machine.
    pub(crate) fn copy(&mut self, path: &str, from: &Path) -> Result<(), TaskError> {
        let content = std::fs::read(from).map_err(|error| TaskError::file("read", from, error))?;
        self.file(path, 0o755, &content)
    }

    /// A symbolic link.
    pub(crate) fn link(&mut self, path: &str, to: &str) -> Result<(), TaskError> {
        let mut header = header(EntryType::Symlink, 0o777, 0);
        self.0.append_link(&mut header, path, to).map_err(|error| failed(&error))
    }

    fn entry(&mut self, path: &str, kind: EntryType, mode: u32, content: &[u8]) -> Result<(), TaskError> {
        let mut header = header(kind, mode, content.len());
        self.0.append_data(&mut header, path, content).map_err(|error| failed(&error))
    }
}

/// What an image says about itself.
pub(crate) struct About<'a> {
    /// Repository and tag.
    pub(crate) tag: &'a str,
    /// `NAME=VALUE`.
    pub(crate) env: &'a [String],
    /// What a container runs.
    pub(crate) command: &'a [&'a str],
    /// Label, name and value.
    pub(crate) label: (&'a str, &'a str),
    /// A port that it says it listens on, such as `8989/tcp`.
    pub(crate) port: Option<&'a str>,
}

/// The archive of one image.
pub(crate) fn image(layer: Layer, about: &About<'_>) -> Result<Vec<u8>, TaskError> {
    let layer = layer.0.into_inner().map_err(|error| failed(&error))?;
    let (label, value) = about.label;
    let ports: Value = about.port.map_or(Value::Null, |port| json!({ port: {} }));
    let config = json!({
        "architecture": match std::env::consts::ARCH { "aarch64" => "arm64", "x86_64" => "amd64", other => other },
        "os": "linux",
        "created": "1970-01-01T00:00:00Z",
        "config": { "Env": about.env, "Cmd": about.command, "Labels": { label: value }, "ExposedPorts": ports },
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{}", sha256(&layer))] },
        "history": [{ "created": "1970-01-01T00:00:00Z", "created_by": "runbook's lab" }],
    })
    .to_string();
    let config_name = format!("{}.json", sha256(config.as_bytes()));
    let manifest = json!([{ "Config": config_name, "RepoTags": [about.tag], "Layers": ["layer/layer.tar"] }]).to_string();
    let mut archive = Layer::new();
    archive.folder("layer", 0o755)?;
    archive.file("layer/layer.tar", 0o644, &layer)?;
    archive.file(&config_name, 0o644, config.as_bytes())?;
    archive.file("manifest.json", 0o644, manifest.as_bytes())?;
    let mut bytes = archive.0.into_inner().map_err(|error| failed(&error))?;
    bytes.flush().map_err(|error| failed(&error))?;
    Ok(bytes)
}

fn header(kind: EntryType, mode: u32, size: usize) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(u64::try_from(size).unwrap_or(u64::MAX));
    header
}

fn failed(error: &std::io::Error) -> TaskError {
    TaskError::failed(format!("cannot build an image: {error}"))
}
