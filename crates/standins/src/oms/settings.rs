//! What a container is told: its image's version, its environment, and `config.yaml`.

use super::config::Config;
use super::schema::Version;

const CONFIG_FILE: &str = "/home/admin/conf/config.yaml";
/// Where the image says which version it is.
const VERSION_FILE: &str = "/opt/oms/version";

/// The settings.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) version: Version,
    /// `OMS_HOST_IP`, under which the host is registered and reports its heartbeat.
    pub(crate) host_ip: String,
    /// Whether `IS_UPGRADE` is `true`, in lower case as published.
    pub(crate) upgrade: bool,
    pub(crate) meta: Meta,
    pub(crate) region: String,
    pub(crate) nodes: Vec<String>,
}

/// The metadata databases.
#[derive(Debug)]
pub(crate) struct Meta {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) rm: String,
    pub(crate) cm: String,
    pub(crate) hb: String,
}

impl Settings {
    /// Reads them; the error is what a person is shown.
    pub(crate) fn read() -> Result<Self, String> {
        let version = std::fs::read_to_string(VERSION_FILE).unwrap_or_default();
        let config = std::fs::read_to_string(CONFIG_FILE).map_err(|error| format!("{CONFIG_FILE}: {error}"))?;
        Self::from(version.trim(), |name| std::env::var(name).unwrap_or_default(), &config)
    }

    fn from(version: &str, env: impl Fn(&str) -> String, config: &str) -> Result<Self, String> {
        let version = Version::of(version).ok_or_else(|| format!("this image has no version `{version}`"))?;
        let config = Config::parse(config)?;
        let host_ip = env("OMS_HOST_IP");
        if host_ip.is_empty() {
            return Err("OMS_HOST_IP is not set".to_owned());
        }
        let port = config.get("oms_meta_port")?;
        config.get("cm_url")?;
        let meta = Meta {
            host: config.get("oms_meta_host")?.to_owned(),
            port: port.parse().map_err(|_| format!("config.yaml: `oms_meta_port` is `{port}`"))?,
            user: config.get("oms_meta_user")?.to_owned(),
            password: config.or_empty("oms_meta_password").to_owned(),
            rm: config.get("drc_rm_db")?.to_owned(),
            cm: config.get("drc_cm_db")?.to_owned(),
            hb: config.get("drc_cm_heartbeat_db")?.to_owned(),
        };
        let region = config.get("cm_region")?.to_owned();
        Ok(Self { version, host_ip, upgrade: env("IS_UPGRADE") == "true", meta, region, nodes: config.list("cm_nodes").to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "oms_meta_host: db\noms_meta_port: 2883\noms_meta_user: root@oms#c\noms_meta_password: p\ndrc_rm_db: rm\ndrc_cm_db: cm\n\
        drc_cm_heartbeat_db: hb\ncm_url: http://10.0.0.2:8088\ncm_region: cn\ncm_nodes:\n - 10.0.0.2\n";

    fn read(config: &str, upgrade: &str) -> Result<Settings, String> {
        let env = |name: &str| if name == "IS_UPGRADE" { upgrade.to_owned() } else { "10.0.0.2".to_owned() };
        Settings::from("3.4.0", env, config)
    }

    #[test]
    fn upgrade_is_said_in_lower_case() {
        assert!(read(CONFIG, "true").unwrap().upgrade);
        assert!(!read(CONFIG, "TRUE").unwrap().upgrade);
    }

    #[test]
    fn a_missing_key_is_named() {
        let config = CONFIG.replace("drc_cm_db: cm\n", "");
        assert_eq!(read(&config, "true").unwrap_err(), "config.yaml: `drc_cm_db` is missing");
    }
}
