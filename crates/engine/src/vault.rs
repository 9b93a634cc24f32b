//! The real values of secret results, from one session of a run to the next.
//!
//! The journal has a reference and a keyed digest of them; a session that goes on after a crash or a stop needs the values. They stand in
//! `RUN/sealed/EFFECT.sealed`, encrypted (ChaCha20-Poly1305) with a key of the run's own, which stands in `STATE/keys/RUN.key`: a copy of the run's folder tells
//! nothing, and removing 32 bytes makes all of it unreadable for good.
//!
//! | the process dies | what is there | what the next session does |
//! |---|---|---|
//! | before the file is whole | nothing, or `….sealed.new` | the effect is in doubt; the rest is overwritten |
//! | between the file and the record | a file that no record names | the effect is in doubt; a new end writes the file anew, in one step |
//! | after the record | both | reads the file |
//! | between the last record and the removal | a closed run with a key | the next session of any run removes it ([`sweep`]) |
//!
//! The file holds the digest of the public results that it belongs to, so a file of an end that was never recorded is not taken for another's.

use std::path::{Path, PathBuf};

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use runbook_core::action::Outputs;
use runbook_core::digest::Digest;
use runbook_core::effect::EffectId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::disk::{self, DiskError, OnPath};
use crate::state::{RunFolder, RunId, StateDir};
use crate::unfinished;

/// Before everything else in a file.
const MAGIC: &[u8] = b"runbook sealed 1\n";

/// The length of a key, in bytes.
const KEY: usize = 32;

/// What a run keeps.
pub(crate) struct Vault {
    run: RunFolder,
    key_path: PathBuf,
    key: Option<LessSafeKey>,
}

/// Of what the real values are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// What an effect gave.
    Outputs,
    /// What it found before.
    Before,
}

impl Kept {
    fn file(self, effect: &EffectId) -> String {
        match self {
            Self::Outputs => RunFolder::sealed_name(effect),
            Self::Before => format!("{}.before", RunFolder::sealed_name(effect)),
        }
    }
}

/// What a file holds, encrypted.
#[derive(Serialize, Deserialize)]
struct Content {
    /// Of the public results.
    public: Digest,
    members: Outputs,
}

impl Vault {
    /// A run's; nothing is created before there is something to keep.
    pub(crate) fn of(state: &StateDir, run: &RunFolder) -> Self {
        Self { run: run.clone(), key_path: key_path(state, run.id()), key: None }
    }

    /// Keeps these members. On disk when it returns; the caller records `public` afterwards.
    pub(crate) fn seal(&mut self, kept: Kept, effect: &EffectId, public: &Outputs, members: Outputs) -> Result<(), DiskError> {
        let name = kept.file(effect);
        let path = self.run.path().join(&name);
        let content = Content { public: digest(public), members };
        let plain = serde_json::to_vec(&content).map_err(|error| DiskError::new("write", &path, error.into()))?;
        // What is encrypted is encrypted in place: the plain text is gone with that.
        let mut bytes = plain;
        let aad = self.aad(&name);
        let mut nonce = [0; NONCE_LEN];
        random(&mut nonce)?;
        let key = self.key(true)?;
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut bytes)
            .map_err(|_| DiskError::new("encrypt", &path, std::io::Error::other("it is too large")))?;
        let mut file = MAGIC.to_vec();
        file.extend_from_slice(&nonce);
        file.extend_from_slice(&bytes);
        disk::create_folders(&self.run.sealed())?;
        disk::replace(&path, &file)
    }

    /// The members that were kept for these public results; none where they are not there any more, or not readable.
    pub(crate) fn open(&mut self, kept: Kept, effect: &EffectId, public: &Outputs) -> Option<Outputs> {
        let name = kept.file(effect);
        let path = self.run.path().join(&name);
        let aad = self.aad(&name);
        let file = disk::read(&path).ok()?;
        let (nonce, sealed) = file.strip_prefix(MAGIC)?.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut bytes = Zeroizing::new(sealed.to_vec());
        let plain = self.key(false).ok()?.open_in_place(nonce, Aad::from(aad), &mut bytes).ok()?;
        let content: Content = serde_json::from_slice(plain).ok()?;
        (content.public == digest(public)).then_some(content.members)
    }

    /// Whose file it is: one of another effect or run cannot be put in its place.
    fn aad(&self, name: &str) -> Vec<u8> {
        format!("{}\0{name}", self.run.id()).into_bytes()
    }

    /// The key; made where it is missing and `make` says so.
    fn key(&mut self, make: bool) -> Result<&LessSafeKey, DiskError> {
        if self.key.is_none() {
            if make && !self.key_path.exists() {
                let mut key = Zeroizing::new([0; KEY]);
                random(&mut *key)?;
                if let Some(folder) = self.key_path.parent() {
                    disk::create_folders(folder)?;
                }
                disk::write_new(&self.key_path, &*key)?;
            }
            let bytes = Zeroizing::new(disk::read(&self.key_path)?);
            let key = UnboundKey::new(&CHACHA20_POLY1305, &bytes)
                .map_err(|_| DiskError::new("use", &self.key_path, std::io::Error::other("it does not hold 32 bytes")))?;
            self.key = Some(LessSafeKey::new(key));
        }
        self.key.as_ref().ok_or_else(|| DiskError::new("use", &self.key_path, std::io::Error::other("there is none")))
    }
}

/// Removes what a closed run kept: first the key, which makes all of it unreadable, then the files.
pub(crate) fn forget(state: &StateDir, run: &RunFolder) -> Result<(), DiskError> {
    let key = key_path(state, run.id());
    if key.exists() {
        disk::remove(&key)?;
        disk::sync_parent(&key)?;
    }
    let folder = run.sealed();
    match std::fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(DiskError::new("remove", folder, error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Forgets what runs kept that were closed by a process that died before it came to that, or whose folder a person removed.
pub(crate) fn sweep(state: &StateDir) -> Result<(), DiskError> {
    let folder = state.keys();
    if !folder.exists() {
        return Ok(());
    }
    for entry in folder.read_dir().on("read", &folder)? {
        let path = entry.on("read", &folder)?.path();
        let run = path.file_stem().and_then(|name| name.to_str()).and_then(|name| name.parse::<RunId>().ok());
        let Some(run) = run.map(|run| state.folder(&run)) else { continue };
        if unfinished::is_closed(&run) {
            forget(state, &run)?;
        }
    }
    Ok(())
}

fn key_path(state: &StateDir, run: &RunId) -> PathBuf {
    state.keys().join(format!("{run}.key"))
}

fn digest(public: &Outputs) -> Digest {
    Digest::of_json("public1", &Value::Object(public.clone()))
}

fn random(bytes: &mut [u8]) -> Result<(), DiskError> {
    rustix::rand::getrandom(bytes, rustix::rand::GetRandomFlags::empty()).on("read", Path::new("/dev/urandom")).map(drop)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use jiff::Timestamp;
    use runbook_core::effect::Role;
    use serde_json::{Map, json};

    use super::*;
    use crate::testing::Folder;

    fn map(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    fn every_byte(folder: &Path) -> Vec<u8> {
        let mut bytes = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            if entry.path().is_dir() { bytes.extend(every_byte(&entry.path())) } else { bytes.extend(std::fs::read(entry.path()).unwrap()) }
        }
        bytes
    }

    #[test]
    fn what_is_kept_comes_back_and_is_not_readable_without_the_key() {
        let folder = Folder::new();
        let state = StateDir::at(folder.path());
        let run = state.create_run(Timestamp::UNIX_EPOCH).unwrap();
        let (effect, public) = (EffectId::first("login", Role::Do), map(&json!({ "token": "‹steps.login.token›", "code": 0 })));
        let secret = map(&json!({ "token": "correct horse" }));
        Vault::of(&state, &run).seal(Kept::Outputs, &effect, &public, secret.clone()).unwrap();

        assert_eq!(Vault::of(&state, &run).open(Kept::Outputs, &effect, &public), Some(secret));
        assert!(!every_byte(run.path()).windows(7).any(|bytes| bytes == b"correct"));
        let path = run.path().join(RunFolder::sealed_name(&effect));
        for private in [path.clone(), state.keys().join(format!("{}.key", run.id()))] {
            assert_eq!(private.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{}", private.display());
        }

        let other = map(&json!({ "token": "‹steps.login.token›", "code": 1 }));
        assert_eq!(Vault::of(&state, &run).open(Kept::Outputs, &effect, &other), None, "an end that was never recorded");
        let stranger = EffectId::first("logout", Role::Do);
        std::fs::copy(&path, run.path().join(RunFolder::sealed_name(&stranger))).unwrap();
        assert_eq!(Vault::of(&state, &run).open(Kept::Outputs, &stranger, &public), None, "another effect's file");
        let mut bytes = std::fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(Vault::of(&state, &run).open(Kept::Outputs, &effect, &public), None, "a damaged file");
    }

    #[test]
    fn a_later_end_of_the_same_effect_takes_the_place_of_an_earlier_one() {
        let folder = Folder::new();
        let state = StateDir::at(folder.path());
        let run = state.create_run(Timestamp::UNIX_EPOCH).unwrap();
        let effect = EffectId::first("login", Role::Do);
        let public = |n: u32| map(&json!({ "token": "‹…›", "n": n }));
        let mut vault = Vault::of(&state, &run);
        vault.seal(Kept::Outputs, &effect, &public(1), map(&json!({ "token": "one" }))).unwrap();
        std::fs::write(run.path().join(RunFolder::sealed_name(&effect) + ".new"), b"half of it").unwrap();
        vault.seal(Kept::Outputs, &effect, &public(2), map(&json!({ "token": "two" }))).unwrap();
        assert_eq!(vault.open(Kept::Outputs, &effect, &public(2)), Some(map(&json!({ "token": "two" }))));
        assert_eq!(vault.open(Kept::Outputs, &effect, &public(1)), None);
    }

    #[test]
    fn what_is_forgotten_is_gone_and_a_folder_that_is_gone_is_forgotten() {
        let folder = Folder::new();
        let state = StateDir::at(folder.path());
        let effect = EffectId::first("login", Role::Do);
        let public = map(&json!({ "token": "‹…›" }));
        let run = state.create_run(Timestamp::UNIX_EPOCH).unwrap();
        Vault::of(&state, &run).seal(Kept::Outputs, &effect, &public, public.clone()).unwrap();
        forget(&state, &run).unwrap();
        assert!(!run.sealed().exists() && state.keys().read_dir().unwrap().next().is_none());
        forget(&state, &run).unwrap();

        let removed = state.create_run(Timestamp::UNIX_EPOCH).unwrap();
        Vault::of(&state, &removed).seal(Kept::Outputs, &effect, &public, public.clone()).unwrap();
        std::fs::remove_dir_all(removed.path()).unwrap();
        sweep(&state).unwrap();
        assert!(state.keys().read_dir().unwrap().next().is_none());
    }
}
