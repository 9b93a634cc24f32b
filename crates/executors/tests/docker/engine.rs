//! The lab's Docker Engine, an image made of a static busybox, and the sweeping up.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::atomic::{AtomicU32, Ordering};

use bollard::body_full;
use bollard::query_parameters::{ImportImageOptions, RemoveContainerOptionsBuilder};
use bollard::{API_DEFAULT_VERSION, Docker};
use futures_util::StreamExt as _;
use runbook_core::action::{
    Action, ActionSpec, Before, BoxFuture, Cx, Failure, Outcome, OutputKind, OutputSpec, Outputs, Settled, Verdict,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::lab;

/// The image of most tests: nothing but a busybox that sleeps.
pub(crate) const IMAGE: &str = "runbook-test/busybox:1";

/// What the images of the tests are made for.
const HERE: &str = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };

/// A target that names the lab's engine.
pub(crate) fn target() -> Value {
    json!({ "name": "lab", "settings": { "host": lab()["docker_host"] } })
}

/// The lab's engine, for what a test does behind the action's back.
pub(crate) fn docker() -> Docker {
    Docker::connect_with_unix(lab()["docker_host"].as_str().unwrap(), 60, API_DEFAULT_VERSION).unwrap()
}

/// Fields with the lab as their target.
pub(crate) fn with_target(mut fields: Value) -> Value {
    fields["target"] = target();
    fields
}

/// A `docker` action on the lab, held to what it documents.
pub(crate) fn action(name: &str, fields: Value) -> Box<dyn Action> {
    let registry = runbook_executors::registry();
    let spec = registry.action("docker", name).unwrap();
    Box::new(Documented { action: crate::support::action("docker", name, with_target(fields)), spec })
}

/// An action whose outputs and findings are compared with its documentation, whatever the test is about.
struct Documented {
    action: Box<dyn Action>,
    spec: &'static ActionSpec,
}

impl Documented {
    /// Each name is documented, and its value is null or of the documented type; where `all`, each documented name is there.
    fn check(&self, found: &Outputs, documented: &[OutputSpec], all: bool) {
        for (name, value) in found {
            let spec = documented
                .iter()
                .find(|spec| spec.name == name)
                .unwrap_or_else(|| panic!("`{name}` of `{}` is not documented", self.spec.name));
            let fits = match spec.kind {
                OutputKind::String => value.is_string(),
                OutputKind::Int => value.is_i64() || value.is_u64(),
                OutputKind::Number => value.is_number(),
                OutputKind::Bool => value.is_boolean(),
                OutputKind::List => value.is_array(),
                OutputKind::Map => value.is_object(),
                OutputKind::Any => true,
            };
            assert!(fits || value.is_null(), "`{name}` of `{}` is {value}, documented as {:?}", self.spec.name, spec.kind);
        }
        for spec in documented.iter().filter(|_| all) {
            assert!(found.contains_key(spec.name), "`{}` gave no `{}`", self.spec.name, spec.name);
        }
    }
}

impl Action for Documented {
    fn capture<'a>(&'a self, cx: Cx<'a>) -> BoxFuture<'a, Result<Before, Failure>> {
        Box::pin(async move {
            let before = self.action.capture(cx).await?;
            self.check(&before.0, self.spec.before, true);
            Ok(before)
        })
    }
    fn run<'a>(&'a self, cx: Cx<'a>, before: &'a Before) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let outcome = self.action.run(cx, before).await;
            match &outcome {
                Outcome::Succeeded { outputs, .. } => self.check(outputs, self.spec.outputs, true),
                Outcome::Failed { outputs, .. } => self.check(outputs, self.spec.outputs, false),
                Outcome::Cancelled { .. } => {}
            }
            outcome
        })
    }
    fn settle<'a>(&'a self, cx: Cx<'a>, evidence: &'a [Value]) -> BoxFuture<'a, Settled> {
        self.action.settle(cx, evidence)
    }
    fn probe<'a>(&'a self, cx: Cx<'a>, before: &'a Before) -> BoxFuture<'a, Verdict> {
        Box::pin(async move {
            let verdict = self.action.probe(cx, before).await;
            if let Verdict::Done { outputs, .. } = &verdict {
                self.check(outputs, self.spec.outputs, true);
            }
            verdict
        })
    }
}

/// A container's name of this test alone; the container is removed when it goes out of scope.
pub(crate) struct Named(pub(crate) String);

impl Named {
    pub(crate) fn new(about: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        Self(format!("rbt-{}-{}-{about}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)))
    }
}

impl std::ops::Deref for Named {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        let name = self.0.clone();
        // A runtime of its own: the test's may be on its way out.
        let sweep = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
                let _ = docker().remove_container(&name, Some(options)).await;
            });
        });
        let _ = sweep.join();
    }
}

/// What an image of the tests has.
pub(crate) struct Recipe<'a> {
    pub(crate) tag: &'a str,
    pub(crate) env: &'a [&'a str],
    pub(crate) command: &'a [&'a str],
    /// Makes its layer, and so its id, another one.
    pub(crate) salt: &'a str,
    pub(crate) volumes: &'a [&'a str],
    pub(crate) architecture: &'a str,
}

impl Default for Recipe<'_> {
    fn default() -> Self {
        Self { tag: IMAGE, env: &["PATH=/bin"], command: &["sleep", "3600"], salt: "", volumes: &[], architecture: HERE }
    }
}

impl Recipe<'_> {
    /// The image as `docker save` would write it.
    pub(crate) fn archive(&self) -> Vec<u8> {
        let layer = layer(self.salt);
        let volumes: BTreeMap<&str, Value> = self.volumes.iter().map(|path| (*path, json!({}))).collect();
        let config = json!({
            "architecture": self.architecture, "os": "linux", "created": "2026-01-01T00:00:00Z",
            "config": { "Env": self.env, "Cmd": self.command, "Volumes": volumes, "Labels": { "vendor": "runbook-test" } },
            "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{}", hex(&layer))] }
        })
        .to_string()
        .into_bytes();
        let config_name = format!("{}.json", hex(&config));
        let manifest = json!([{ "Config": config_name, "RepoTags": [self.tag], "Layers": ["layer/layer.tar"] }]).to_string().into_bytes();
        let mut tar = tar::Builder::new(Vec::new());
        file(&mut tar, &config_name, &config, 0o644);
        file(&mut tar, "layer/layer.tar", &layer, 0o644);
        file(&mut tar, "manifest.json", &manifest, 0o644);
        tar.into_inner().unwrap()
    }

    /// Its id, which is the digest of its configuration.
    pub(crate) async fn load(&self) {
        let docker = docker();
        let mut stream = docker.import_image(ImportImageOptions::default(), body_full(self.archive().into()), None);
        while let Some(step) = stream.next().await {
            step.unwrap();
        }
    }
}

/// Loads the image of most tests, once.
pub(crate) async fn image() {
    static LOADED: tokio::sync::OnceCell<()> = tokio::sync::OnceCell::const_new();
    LOADED.get_or_init(|| async { Recipe::default().load().await }).await;
}

fn layer(salt: &str) -> Vec<u8> {
    let busybox = std::fs::read(lab()["busybox"].as_str().unwrap()).unwrap();
    let mut tar = tar::Builder::new(Vec::new());
    file(&mut tar, "bin/busybox", &busybox, 0o755);
    for name in ["sh", "sleep", "echo", "cat", "kill", "grep", "env", "id", "pwd", "true", "false", "touch", "ls", "trap"] {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        header.set_mode(0o777);
        tar.append_link(&mut header, format!("bin/{name}"), "busybox").unwrap();
    }
    file(&mut tar, "etc/salt", salt.as_bytes(), 0o644);
    tar.into_inner().unwrap()
}

fn file(tar: &mut tar::Builder<Vec<u8>>, path: &str, content: &[u8], mode: u32) {
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(mode);
    tar.append_data(&mut header, path, content).unwrap();
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// The same bytes, compressed.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
