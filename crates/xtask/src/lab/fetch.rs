//! Downloads, kept in a cache that all checkouts of a user share, so that later runs work offline. Nothing is installed: Debian's packages come
//! by `apt-get download`, whose signatures apt checks; the wheel with seekdb by pip, and MySQL from Ubuntu, with their hashes pinned here.

use crate::error::TaskError;
use crate::hex::sha256;
use crate::say;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The wheel that holds OceanBase's `seekdb` server. Pinned: an older Python would silently get an older server.
const WHEEL: &str = "pylibseekdb==1.4.0.post1";

/// What is pinned per architecture: Rust's name of it, and the wheel's SHA-256.
const WHEEL_SHA256: [(&str, &str); 2] = [
    ("x86_64", "7c1c1e13148189af1332f69b896a818b674db3a4615c7caf1c9db05055738ad6"),
    ("aarch64", "3620c821b1a03a961ccfd76cbcc90f2f05d95bc00e4e0a396cb5ae17eb56f059"),
];

/// Debian packages, from the cache or else from Debian; returns the files, in the order asked for.
pub(crate) fn debian(cache: &Path, packages: &[&str]) -> Result<Vec<PathBuf>, TaskError> {
    let dir = cache.join("debian");
    make(&dir)?;
    let missing: Vec<&str> = packages.iter().copied().filter(|package| cached(&dir, package).is_none()).collect();
    if !missing.is_empty() {
        say::line(format!("downloading from Debian (unpacked into {}, not installed): {}", cache.display(), missing.join(", ")));
        require_debian()?;
        let fresh = Scratch::new(&dir)?;
        if !apt_download(&fresh.0, &missing)?.status.success() {
            // A machine that has never asked its mirrors knows no packages; only root may ask.
            let _ = Command::new("apt-get").args(["-q", "update"]).output();
            let again = apt_download(&fresh.0, &missing)?;
            if !again.status.success() {
                let said = String::from_utf8_lossy(&again.stderr).trim().to_owned();
                return Err(TaskError::missing(
                    format!("Debian's packages cannot be downloaded and are not in the cache: {said}"),
                    &["connect this machine to a Debian mirror once, and run `apt-get update` as root; later runs need no network"],
                ));
            }
        }
        fresh.move_into(&dir)?;
    }
    packages.iter().map(|package| cached(&dir, package).ok_or_else(|| TaskError::failed(format!("apt gave no `{package}`")))).collect()
}

/// Ubuntu's packages, from the cache or else from its archive, each given as its place there and its SHA-256; returns the files.
pub(crate) fn ubuntu(cache: &Path, packages: &[(&str, &str)]) -> Result<Vec<PathBuf>, TaskError> {
    if std::env::consts::ARCH != "x86_64" {
        return Err(TaskError::missing("the lab knows MySQL for x86-64 alone", &["use such a machine"]));
    }
    let dir = cache.join("ubuntu");
    make(&dir)?;
    let mut files = Vec::new();
    for (place, hash) in packages {
        let file = format!("{place}_amd64.deb");
        let to = dir.join(name(Path::new(&file)));
        if !to.is_file() {
            say::line(format!("downloading from Ubuntu (unpacked, not installed): {}", name(&to)));
            let fresh = Scratch::new(&dir)?;
            let mut helper = Command::new("/usr/lib/apt/apt-helper");
            helper
                .args(["-o", "APT::Sandbox::User=root", "download-file"])
                .arg(format!("http://archive.ubuntu.com/ubuntu/pool/main/{file}"));
            helper.arg(fresh.0.join(name(&to))).arg(format!("SHA256:{hash}"));
            let output = helper.output().map_err(|error| TaskError::missing(format!("cannot run apt-helper: {error}"), &[]))?;
            if !output.status.success() {
                return Err(TaskError::missing(
                    format!("{} cannot be downloaded: {}", name(&to), String::from_utf8_lossy(&output.stderr).trim()),
                    &["connect this machine to archive.ubuntu.com once; later runs need no network"],
                ));
            }
            fresh.move_into(&dir)?;
        }
        files.push(to);
    }
    Ok(files)
}

/// The wheel, from the cache or else from PyPI; its hash is checked each time.
pub(crate) fn wheel(cache: &Path) -> Result<PathBuf, TaskError> {
    let arch = std::env::consts::ARCH;
    let Some((_, expected)) = WHEEL_SHA256.iter().find(|(name, _)| *name == arch) else {
        return Err(TaskError::missing(format!("there is no seekdb for {arch}"), &["use an x86-64 or arm64 machine"]));
    };
    let dir = cache.join("wheel");
    make(&dir)?;
    if wheel_in(&dir).is_none() {
        say::line(format!("downloading {WHEEL} from PyPI (it contains the OceanBase server `seekdb`; unpacked, not installed)"));
        let fresh = Scratch::new(&dir)?;
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--python-version", "3.11"]);
        pip.args(["--platform", &format!("manylinux_2_28_{arch}"), "--dest"]).arg(&fresh.0).arg(WHEEL);
        let output = pip
            .output()
            .map_err(|_| TaskError::missing("there is no `python3`", &["install it: `apt-get install python3 python3-pip`"]))?;
        if !output.status.success() {
            return Err(TaskError::missing(
                format!("{WHEEL} cannot be downloaded and is not in the cache: {}", String::from_utf8_lossy(&output.stderr).trim()),
                &[
                    "install pip (`apt-get install python3-pip`) and connect this machine to PyPI or a mirror of it once; later runs need no network",
                ],
            ));
        }
        fresh.move_into(&dir)?;
    }
    let file = wheel_in(&dir).ok_or_else(|| TaskError::failed(format!("pip gave no {WHEEL}")))?;
    let bytes = std::fs::read(&file).map_err(|error| TaskError::file("read", &file, error))?;
    let found = sha256(&bytes);
    if found != *expected {
        return Err(TaskError::missing(
            format!("`{}` has the SHA-256 {found}, and {expected} is expected", file.display()),
            &["remove the file and run again; where it comes back, the mirror does not give what PyPI gives"],
        ));
    }
    Ok(file)
}

/// Makes a folder with its parents.
pub(crate) fn make(dir: &Path) -> Result<(), TaskError> {
    std::fs::create_dir_all(dir).map_err(|error| TaskError::file("create", dir, error))
}

fn apt_download(dir: &Path, packages: &[&str]) -> Result<Output, TaskError> {
    let mut apt = Command::new("apt-get");
    apt.args(["-q", "-o", "APT::Sandbox::User=root", "download"]).args(packages).current_dir(dir);
    apt.output()
        .map_err(|error| TaskError::missing(format!("cannot run apt-get: {error}"), &["the lab needs Debian 12 or a relative of it"]))
}

fn require_debian() -> Result<(), TaskError> {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let debian = release.lines().any(|line| (line.starts_with("ID=") || line.starts_with("ID_LIKE=")) && line.contains("debian"));
    if debian {
        return Ok(());
    }
    Err(TaskError::missing(
        "this is not Debian, where the lab gets its programs from",
        &["run the lab on Debian 12, or in a virtual machine of it"],
    ))
}

/// The newest file `PACKAGE_VERSION_ARCH.deb`.
fn cached(dir: &Path, package: &str) -> Option<PathBuf> {
    let prefix = format!("{package}_");
    files(dir).filter(|path| name(path).starts_with(&prefix) && path.extension().is_some_and(|kind| kind == "deb")).max()
}

fn wheel_in(dir: &Path) -> Option<PathBuf> {
    files(dir).find(|path| name(path).ends_with(&format!("_{}.whl", std::env::consts::ARCH)))
}

fn files(dir: &Path) -> impl Iterator<Item = PathBuf> {
    std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path())
}

fn name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

/// A folder for one download, removed when it is dropped: the cache holds whole files only.
struct Scratch(PathBuf);

impl Scratch {
    fn new(parent: &Path) -> Result<Self, TaskError> {
        let dir = parent.join(format!("incoming-{}", std::process::id()));
        make(&dir)?;
        Ok(Self(dir))
    }

    fn move_into(&self, parent: &Path) -> Result<(), TaskError> {
        for file in files(&self.0) {
            let to = parent.join(name(&file));
            std::fs::rename(&file, &to).map_err(|error| TaskError::file("write", &to, error))?;
        }
        Ok(())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
