//! The lab's images: a busybox, the ODC stand-in in two releases, one of them also with a migration that fails half-way, and the OMS stand-in in two
//! versions. Never a vendor's tag.

use super::archive::{About, Layer, image};
use super::engine_api::EngineApi;
use super::fetch::make;
use super::lifecycle::Lab;
use crate::checkout::Checkout;
use crate::error::TaskError;
use crate::{cargo, say};
use std::path::Path;

/// An image of the ODC stand-in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OdcImage {
    /// Repository and tag.
    pub(crate) tag: &'static str,
    /// Release number.
    pub(crate) version: &'static str,
    /// Highest migration of the release.
    pub(crate) highest_migration: &'static str,
    /// A migration that fails half-way.
    fails_at: Option<&'static str>,
}

/// The old release.
pub(crate) const OLD: OdcImage = OdcImage { tag: "runbook-lab/odc:4.2.4", version: "4.2.4", highest_migration: "4.2.4.18", fails_at: None };
/// The new release.
pub(crate) const NEW: OdcImage = OdcImage { tag: "runbook-lab/odc:4.3.4", version: "4.3.4", highest_migration: "4.3.4.12", fails_at: None };
/// The new release with a bug: its last but one migration fails after half of its statements.
pub(crate) const NEW_BROKEN: OdcImage = OdcImage { tag: "runbook-lab/odc:4.3.4-broken", fails_at: Some("4.3.4.9"), ..NEW };

/// An image of the OMS stand-in: repository and tag, and version.
const OMS: [(&str, &str); 2] = [("runbook-lab/oms:3.3.1", "3.3.1"), ("runbook-lab/oms:3.4.0", "3.4.0")];

/// A small image for probes.
pub(crate) const BUSYBOX: &str = "runbook-lab/busybox:1";

const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What a shell script in an image may want.
const APPLETS: [&str; 24] = [
    "awk", "cat", "cp", "date", "echo", "env", "false", "grep", "head", "id", "kill", "ls", "mkdir", "nc", "ps", "rm", "sed", "sh",
    "sleep", "sort", "tail", "test", "true", "wget",
];

/// As the real start script: it checks the environment, and becomes the server.
const START: &str = r#"#!/bin/sh
for name in DATABASE_HOST DATABASE_PORT DATABASE_USERNAME DATABASE_NAME; do
    eval "value=\$$name"
    if [ -z "$value" ]; then
        echo "FATAL ERROR!, environment variable <$name> not set, cannot start odc-server"
        exit 1
    fi
done
exec /opt/odc/bin/odc-server
"#;

/// Builds the stand-ins, writes their archives into the lab's folder, and loads them.
pub(crate) fn load(checkout: &Checkout, lab: &Lab) -> Result<(), TaskError> {
    say::part("The stand-ins for ODC, OMS and OceanBase's tools");
    let program = cargo::build_standins(checkout)?;
    tools(&program, &lab.environment().tools)?;
    let dir = lab.environment().images.clone();
    make(&dir)?;
    for odc in [OLD, NEW, NEW_BROKEN] {
        let layer = odc_layer(lab, &program, odc)?;
        let mut env = vec![PATH.to_owned(), "TZ=Asia/Shanghai".to_owned(), format!("ODC_IMAGE_VERSION={}", odc.version)];
        env.extend(odc.fails_at.map(|version| format!("LAB_ODC_FAIL_AT={version}")));
        let about = About { tag: odc.tag, env: &env, command: &["/usr/bin/supervisord"], label: checkout.label(), port: Some("8989/tcp") };
        keep_and_load(checkout, lab, odc.tag, &image(layer, &about)?)?;
    }
    for (tag, version) in OMS {
        let layer = oms_layer(lab, &program, version)?;
        let env = [PATH.to_owned(), "TZ=Asia/Shanghai".to_owned(), format!("OMS_VERSION={version}")];
        let about = About { tag, env: &env, command: &["/usr/bin/oms-supervisord"], label: checkout.label(), port: None };
        keep_and_load(checkout, lab, tag, &image(layer, &about)?)?;
    }
    Ok(())
}

fn keep_and_load(checkout: &Checkout, lab: &Lab, tag: &str, archive: &[u8]) -> Result<(), TaskError> {
    let path = lab.environment().images.join(format!("{}.tar", tag.replace(['/', ':'], "-")));
    std::fs::write(&path, archive).map_err(|error| TaskError::file("write", &path, error))?;
    load_one(checkout, &EngineApi::new(&lab.environment().docker_host), tag, archive)?;
    say::line(format!("{tag} is loaded"));
    Ok(())
}

/// Puts the stand-ins of OceanBase's tools where a runbook can be told to find them: one program, which acts by its name.
fn tools(program: &Path, folder: &Path) -> Result<(), TaskError> {
    make(folder)?;
    for name in ["obdumper", "obloader"] {
        let (fresh, path) = (folder.join(format!(".{name}")), folder.join(name));
        // One that runs now must not be written into.
        std::fs::copy(program, &fresh)
            .and_then(|_| std::fs::rename(&fresh, &path))
            .map_err(|error| TaskError::file("write", &path, error))?;
        say::line(format!("{} is there", path.display()));
    }
    Ok(())
}

/// Loads the small image.
pub(crate) fn load_busybox(checkout: &Checkout, docker_host: &str, busybox: &Path) -> Result<(), TaskError> {
    let mut layer = Layer::new();
    base(&mut layer, busybox)?;
    let about = About { tag: BUSYBOX, env: &[PATH.to_owned()], command: &["/bin/sh"], label: checkout.label(), port: None };
    load_one(checkout, &EngineApi::new(docker_host), BUSYBOX, &image(layer, &about)?)
}

/// Loads an archive, unless the engine has an image of that name which is none of a lab's.
fn load_one(checkout: &Checkout, api: &EngineApi, tag: &str, archive: &[u8]) -> Result<(), TaskError> {
    let (label, _) = checkout.label();
    if api.image_without_label(tag, label)? {
        return Err(TaskError::missing(
            format!("the engine has an image `{tag}` that is not the lab's (it has no label `{label}`)"),
            &[&format!("give it another name (`docker tag {tag} …`) and remove this one (`docker rmi {tag}`)")],
        ));
    }
    api.load(archive)
}

fn base(layer: &mut Layer, busybox: &Path) -> Result<(), TaskError> {
    for folder in ["bin", "etc", "usr", "usr/bin", "opt", "root", "proc", "sys", "dev", "var", "var/log"] {
        layer.folder(folder, 0o755)?;
    }
    layer.folder("tmp", 0o1777)?;
    layer.file("etc/passwd", 0o644, b"root:x:0:0:root:/root:/bin/sh\nadmin:x:500:500:admin:/home/admin:/bin/sh\n")?;
    layer.file("etc/group", 0o644, b"root:x:0:\nadmin:x:500:\n")?;
    layer.copy("bin/busybox", busybox)?;
    APPLETS.iter().try_for_each(|applet| layer.link(&format!("bin/{applet}"), "busybox"))
}

fn odc_layer(lab: &Lab, program: &Path, odc: OdcImage) -> Result<Layer, TaskError> {
    let mut layer = Layer::new();
    base(&mut layer, &lab.environment().busybox)?;
    layer.copy("bin/bash", &lab.environment().bash_static)?;
    for folder in ["opt/odc", "opt/odc/bin", "opt/odc/data", "opt/odc/log"] {
        layer.folder(folder, 0o755)?;
    }
    layer.copy("usr/bin/supervisord", program)?;
    layer.link("opt/odc/bin/odc-server", "/usr/bin/supervisord")?;
    layer.file("opt/odc/bin/start-odc.sh", 0o755, START.as_bytes())?;
    layer.file("opt/odc/release", 0o644, odc.version.as_bytes())?;
    Ok(layer)
}

/// As published: `docker_init.sh` in root's home, the configuration, logs, store and run folders as mount points.
fn oms_layer(lab: &Lab, program: &Path, version: &str) -> Result<Layer, TaskError> {
    let mut layer = Layer::new();
    base(&mut layer, &lab.environment().busybox)?;
    layer.copy("bin/bash", &lab.environment().bash_static)?;
    let folders = [
        "opt/oms",
        "opt/oms/bin",
        "home",
        "home/admin",
        "home/admin/conf",
        "home/admin/logs",
        "home/ds",
        "home/ds/store",
        "home/ds/run",
        "var/run",
    ];
    for folder in folders {
        layer.folder(folder, 0o755)?;
    }
    layer.copy("usr/bin/oms-supervisord", program)?;
    layer.link("usr/bin/supervisorctl", "/usr/bin/oms-supervisord")?;
    layer.link("opt/oms/bin/oms-init", "/usr/bin/oms-supervisord")?;
    layer.file("root/docker_init.sh", 0o755, b"#!/bin/bash\nexec /opt/oms/bin/oms-init\n")?;
    layer.file("opt/oms/version", 0o644, version.as_bytes())?;
    Ok(layer)
}
