//! The command line, as both tools have it.

use std::io::Read as _;
use std::path::PathBuf;

use mysql_async::{Conn, OptsBuilder};

use super::Refused;

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// `NAME.csv`, with a header.
    Csv,
    /// `NAME.sql`.
    Sql,
}

/// What a tool was told.
#[expect(clippy::struct_excessive_bools, reason = "they are the switches of the real command line")]
#[derive(Clone, Debug)]
pub(crate) struct Options {
    host: String,
    port: u16,
    user: String,
    cluster: Option<String>,
    tenant: Option<String>,
    password: String,
    pub(crate) database: String,
    pub(crate) folder: PathBuf,
    pub(crate) ddl: bool,
    pub(crate) format: Option<Format>,
    pub(crate) skip_header: bool,
    pub(crate) replace_object: bool,
    pub(crate) retain_empty_files: bool,
    /// Knob `LAB_OB_FAIL`: the rows of this table fail.
    pub(crate) fail: Option<String>,
    /// Knob `LAB_OB_EXIT_ZERO`: errors end with 0, as was seen of the real ones.
    pub(crate) exit_zero: bool,
}

impl Options {
    /// Of this process.
    pub(crate) fn read() -> Result<Self, Refused> {
        let words: Vec<String> = std::env::args().skip(1).collect();
        let mut options = Self::parse(&words, || {
            let mut text = String::new();
            // The password is the first line, without a terminal too.
            std::io::stdin().read_to_string(&mut text)?;
            Ok(text.lines().next().unwrap_or_default().to_owned())
        })?;
        options.fail = std::env::var("LAB_OB_FAIL").ok();
        options.exit_zero = std::env::var_os("LAB_OB_EXIT_ZERO").is_some();
        Ok(options)
    }

    fn parse(words: &[String], stdin: impl FnOnce() -> std::io::Result<String>) -> Result<Self, Refused> {
        let usage = |what: String| Refused::Usage(what);
        let mut options = Self {
            host: String::new(),
            port: 2883,
            user: String::new(),
            cluster: None,
            tenant: None,
            password: String::new(),
            database: String::new(),
            folder: PathBuf::new(),
            ddl: false,
            format: None,
            skip_header: false,
            replace_object: false,
            retain_empty_files: false,
            fail: None,
            exit_zero: false,
        };
        let (mut asked, mut all) = (false, false);
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().cloned().ok_or_else(|| usage(format!("Missing required parameter for option '{word}'")));
            match word.as_str() {
                "-h" | "--host" => options.host = value()?,
                "-P" | "--port" => {
                    let port = value()?;
                    options.port = port.parse().map_err(|_| usage(format!("Invalid value for option '--port': '{port}' is not an int")))?;
                }
                "-u" | "--user" => options.user = value()?,
                "-c" | "--cluster" => options.cluster = Some(value()?),
                "-t" | "--tenant" => options.tenant = Some(value()?),
                "-D" | "--database" => options.database = value()?,
                "-f" | "--file-path" => options.folder = value()?.into(),
                "--thread" => drop(value()?),
                // Without a value, as the last word, it is asked for.
                "-p" | "--password" => match words.next() {
                    Some(password) => options.password.clone_from(password),
                    None => asked = true,
                },
                "--ddl" => options.ddl = true,
                "--csv" => options.format = Some(Format::Csv),
                "--sql" => options.format = Some(Format::Sql),
                "--all" => all = true,
                "--no-sys" | "--strict" => {}
                "--skip-header" => options.skip_header = true,
                "--replace-object" => options.replace_object = true,
                "--retain-empty-files" => options.retain_empty_files = true,
                other => return Err(usage(format!("Unknown option: '{other}'"))),
            }
        }
        for (name, missing) in [
            ("--host", options.host.is_empty()),
            ("--user", options.user.is_empty()),
            ("--database", options.database.is_empty()),
            ("--file-path", options.folder.as_os_str().is_empty()),
            ("--all", !all),
        ] {
            if missing {
                return Err(usage(format!("Missing required option: '{name}'")));
            }
        }
        if asked {
            options.password = stdin()?;
        }
        Ok(options)
    }

    /// As the server is told: `user@tenant#cluster`.
    fn login(&self) -> String {
        let tenant = self.tenant.as_ref().map(|tenant| format!("@{tenant}")).unwrap_or_default();
        let cluster = self.cluster.as_ref().map(|cluster| format!("#{cluster}")).unwrap_or_default();
        format!("{}{tenant}{cluster}", self.user)
    }

    /// Logs in.
    pub(crate) async fn connect(&self) -> Result<Conn, Refused> {
        let opts = OptsBuilder::default()
            .ip_or_hostname(self.host.clone())
            .tcp_port(self.port)
            .user(Some(self.login()))
            .pass(Some(self.password.clone()))
            .db_name(Some(self.database.clone()))
            .prefer_socket(false)
            .stmt_cache_size(0);
        Ok(Conn::new(opts).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str, stdin: &str) -> Result<Options, Refused> {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        Options::parse(&words, || Ok(stdin.to_owned()))
    }

    #[test]
    fn the_published_command_line_is_understood() {
        let line = "--thread 1 -h 127.0.0.1 -P 2883 -u obodc -c odc -t t1 -D odc_metadb --ddl --csv --no-sys --all -f /backup -p";
        let options = parse(line, "it's").unwrap();
        assert_eq!(options.login(), "obodc@t1#odc");
        assert_eq!((options.password.as_str(), options.port, options.format), ("it's", 2883, Some(Format::Csv)));
        assert!(options.ddl && !options.replace_object);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let wrong = |line: &str| parse(line, "").unwrap_err().to_string();
        assert_eq!(wrong("--unheard"), "Unknown option: '--unheard'");
        assert_eq!(wrong("-h h -u u -D d --all"), "Missing required option: '--file-path'");
        assert_eq!(wrong("-h"), "Missing required parameter for option '-h'");
        assert_eq!(wrong("-P x"), "Invalid value for option '--port': 'x' is not an int");
    }
}
