//! What the server reads from its environment.

use super::knobs::Knobs;
use super::release::Release;
use std::path::PathBuf;

/// Folder of the files that rows of the metadb refer to; the image's published mount point.
const DATA_DIR: &str = "/opt/odc/data";
/// Where the image says which release it is.
const RELEASE_FILE: &str = "/opt/odc/release";

/// The settings of one start.
pub(crate) struct Settings {
    pub(crate) release: Release,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) database: String,
    /// Where the server listens: `ODC_SERVER_PORT`, 8989.
    pub(crate) server_port: u16,
    /// Address under which this node is known, for the lock: `ODC_HOST`.
    pub(crate) server_host: String,
    pub(crate) log_dir: PathBuf,
    pub(crate) data_dir: PathBuf,
    pub(crate) knobs: Knobs,
}

impl Settings {
    /// Reads the environment; the error is the line that the real start script prints, or one about the image itself.
    pub(crate) fn read() -> Result<Self, String> {
        Self::from(|name| std::env::var(name).unwrap_or_default(), &std::fs::read_to_string(RELEASE_FILE).unwrap_or_default())
    }

    fn from(env: impl Fn(&str) -> String, release: &str) -> Result<Self, String> {
        let required = |name: &str| {
            let value = env(name);
            if value.is_empty() {
                return Err(format!("FATAL ERROR!, environment variable <{name}> not set, cannot start odc-server"));
            }
            Ok(value)
        };
        let or = |name: &str, default: &str| {
            let value = env(name);
            if value.is_empty() { default.to_owned() } else { value }
        };
        let host = required("DATABASE_HOST")?;
        let port = required("DATABASE_PORT")?;
        let user = required("DATABASE_USERNAME")?;
        let database = required("DATABASE_NAME")?;
        let number = release.trim();
        let release = Release::of(number).ok_or_else(|| format!("this image has no release `{number}`"))?;
        // The image's own variables come with its image: a container made from the settings of another one must not carry that one's.
        let said = env("ODC_IMAGE_VERSION");
        if said != release.number {
            return Err(format!(
                "the image is release {}, and its variable ODC_IMAGE_VERSION says `{said}`: the variables of another image were given to this one",
                release.number
            ));
        }
        let number = |name: &str, text: &str| text.parse::<u16>().map_err(|_| format!("{name} is `{text}`, which is no port"));
        let data_dir = PathBuf::from(DATA_DIR);
        Ok(Self {
            release,
            host,
            port: number("DATABASE_PORT", &port)?,
            user,
            password: env("DATABASE_PASSWORD"),
            database,
            server_port: number("ODC_SERVER_PORT", &or("ODC_SERVER_PORT", "8989"))?,
            server_host: or("ODC_HOST", "127.0.0.1"),
            log_dir: PathBuf::from(or("ODC_LOG_DIR", "/opt/odc/log")),
            knobs: Knobs::read(&env, &data_dir.join("lab-knobs"))?,
            data_dir,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(set: &[(&str, &str)]) -> Result<Settings, String> {
        let set: std::collections::BTreeMap<String, String> =
            set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Settings::from(|name| set.get(name).cloned().unwrap_or_default(), "4.2.4\n")
    }

    const WHOLE: [(&str, &str); 5] = [
        ("DATABASE_HOST", "db"),
        ("DATABASE_PORT", "2883"),
        ("DATABASE_USERNAME", "obodc@obodc#c"),
        ("DATABASE_NAME", "odc_metadb"),
        ("ODC_IMAGE_VERSION", "4.2.4"),
    ];

    #[test]
    fn a_missing_variable_is_named_as_the_real_one_does() {
        let error = read(&WHOLE[..3]).err().unwrap();
        assert_eq!(error, "FATAL ERROR!, environment variable <DATABASE_NAME> not set, cannot start odc-server");
    }

    #[test]
    fn the_port_and_the_password_have_defaults() {
        let settings = read(&WHOLE).unwrap();
        assert_eq!((settings.server_port, settings.password.as_str()), (8989, ""));
    }

    #[test]
    fn another_images_variables_are_refused() {
        let mut set = WHOLE;
        set[4].1 = "4.3.4";
        assert!(read(&set).err().unwrap().contains("another image"));
    }
}
