//! The lab of `cargo xtask test`, and an ODC in it.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::sandbox::{Ran, Sandbox};

/// The old release of the stand-in.
pub(crate) const OLD: Release = Release { image: "runbook-lab/odc:4.2.4", version: "4.2.4", highest: "4.2.4.18" };
/// The new one.
pub(crate) const NEW: Release = Release { image: "runbook-lab/odc:4.3.4", version: "4.3.4", highest: "4.3.4.12" };
/// The new one with a migration that fails half-way.
pub(crate) const BROKEN: Release = Release { image: "runbook-lab/odc:4.3.4-broken", ..NEW };

/// A release, as the variables of the shipped runbooks have it.
#[derive(Clone, Copy)]
pub(crate) struct Release {
    pub(crate) image: &'static str,
    pub(crate) version: &'static str,
    pub(crate) highest: &'static str,
}

/// A database server of the lab.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Db {
    OceanBase,
    MariaDb,
}

/// What `cargo xtask lab up` has brought up.
#[derive(Clone)]
pub(crate) struct Lab(Value);

impl Lab {
    /// Reads what `RUNBOOK_LAB` names. Without it the test fails: a test that is skipped proves nothing.
    pub(crate) fn get() -> Self {
        let path = std::env::var_os("RUNBOOK_LAB").expect("this test needs the lab: run `cargo xtask test`");
        // Cargo runs tests in their package's folder, and people give paths from the top.
        let top = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(&path);
        let text = std::fs::read(&path).or_else(|_| std::fs::read(top)).expect("the lab's env.json");
        Self(serde_json::from_slice(&text).expect("the lab's env.json"))
    }

    /// The same with another Docker Engine.
    pub(crate) fn with_engine(&self, docker_host: &str) -> Self {
        let mut lab = self.clone();
        lab.0["docker_host"] = docker_host.into();
        lab
    }

    fn text(&self, pointer: &str) -> &str {
        self.0.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("the lab says nothing about {pointer}"))
    }

    pub(crate) fn docker_host(&self) -> &str {
        self.text("/docker_host")
    }

    pub(crate) fn port(&self, db: Db) -> u16 {
        let port = self.0.pointer(&format!("/{}/port", key(db))).and_then(Value::as_u64).expect("a port");
        u16::try_from(port).expect("a port")
    }

    pub(crate) fn password(&self, db: Db) -> &str {
        self.text(&format!("/{}/password", key(db)))
    }

    /// The path of a stand-in of one of OceanBase's tools.
    pub(crate) fn tool(&self, name: &str) -> String {
        format!("{}/{name}", self.text("/tools"))
    }

    /// The folder with the servers' programs.
    pub(crate) fn programs(&self) -> PathBuf {
        PathBuf::from(self.text("/programs"))
    }

    /// The `mariadb` client's path.
    pub(crate) fn client_program(&self) -> PathBuf {
        PathBuf::from(self.text("/mariadb_client"))
    }

    /// The folder with the archives of the stand-ins.
    pub(crate) fn images(&self) -> PathBuf {
        PathBuf::from(self.text("/images"))
    }

    /// The `docker` client.
    pub(crate) fn cli(&self) -> &str {
        self.text("/docker_cli")
    }

    /// Loads an image with nothing but a busybox in it.
    pub(crate) fn busybox_image(&self, tag: &str) {
        let folder = Sandbox::new().file("bin/.keep", "");
        let bin = folder.path("bin");
        std::fs::copy(self.text("/busybox"), bin.join("busybox")).expect("a busybox");
        for link in ["sh", "env", "cat", "sleep"] {
            std::os::unix::fs::symlink("busybox", bin.join(link)).expect("a link");
        }
        let mut tar = Command::new("tar").arg("-C").arg(folder.path("")).args(["-c", "bin"]).stdout(Stdio::piped()).spawn().expect("tar");
        let mut import = Command::new(self.cli());
        import.args(["import", "-", tag]).env("DOCKER_HOST", self.docker_host()).stdin(tar.stdout.take().expect("a pipe"));
        let output = import.output().expect("the docker client");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        tar.wait().expect("its end");
    }

    /// Runs the `docker` client.
    pub(crate) fn docker(&self, words: &[&str], env: &[(&str, &str)]) -> Output {
        let mut docker = Command::new(self.text("/docker_cli"));
        docker.args(words).env("DOCKER_HOST", self.docker_host()).envs(env.iter().copied()).output().expect("the docker client")
    }

    /// Runs the `docker` client, which has to succeed, and gives what it prints.
    #[track_caller]
    pub(crate) fn docker_ok(&self, words: &[&str]) -> String {
        let output = self.docker(words, &[]);
        assert!(output.status.success(), "docker {words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Carries statements out as root, and gives the rows, a line each, with binary values in hexadecimal.
    #[track_caller]
    pub(crate) fn sql(&self, db: Db, database: &str, text: &str) -> Vec<String> {
        let output = self.client(db, database, text);
        assert!(output.status.success(), "{text}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
    }

    /// The `mariadb` client, as root.
    pub(crate) fn client_command(&self, db: Db) -> Command {
        let mut client = Command::new(self.text("/mariadb_client"));
        client.args(["--no-defaults", "--default-character-set=utf8mb4", "--protocol=tcp", "--host=127.0.0.1", "--user=root"]);
        client.args(["--batch", "--skip-column-names", "--binary-as-hex", &format!("--port={}", self.port(db))]);
        client.env("MYSQL_PWD", self.password(db));
        client
    }

    fn client(&self, db: Db, database: &str, text: &str) -> Output {
        let mut client = self.client_command(db);
        if !database.is_empty() {
            client.arg(database);
        }
        client.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = client.spawn().expect("the mariadb client");
        // A client that meets an error closes its end; what it says is in its output.
        let _ = child.stdin.take().expect("a pipe").write_all(text.as_bytes());
        child.wait_with_output().expect("its output")
    }
}

fn key(db: Db) -> &'static str {
    match db {
        Db::OceanBase => "seekdb",
        Db::MariaDb => "mariadb",
    }
}

/// An ODC of a test's own: a container, a metadb, a port, and the runbooks run against it. Removed at the end.
pub(crate) struct Odc {
    pub(crate) lab: Lab,
    pub(crate) sandbox: Sandbox,
    pub(crate) db: Db,
    /// Name of the container; names of those set aside begin with it.
    pub(crate) container: String,
    pub(crate) database: String,
    pub(crate) port: u16,
    pub(crate) user: &'static str,
    pub(crate) password: String,
}

impl Odc {
    /// The old release, running with data in it. Its stop takes one second.
    pub(crate) fn old(db: Db) -> Self {
        Self::old_in(Lab::get(), db)
    }

    /// The same in a lab with another engine.
    pub(crate) fn old_in(lab: Lab, db: Db) -> Self {
        let odc = Self::prepared(lab, db);
        std::fs::write(odc.sandbox.path("data/lab-knobs"), "LAB_ODC_STOP_SECONDS=1\n").expect("a file");
        odc.run(&odc.container, OLD, odc.port);
        odc.wait_for(OLD.version);
        odc.sql(WORK);
        odc
    }

    fn prepared(lab: Lab, db: Db) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("it{}x{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a free port");
        let port = listener.local_addr().expect("its number").port();
        let (user, password) = match db {
            Db::OceanBase => ("root@sys", lab.password(db).to_owned()),
            // As it is written for OBProxy; here it is a user's literal name.
            Db::MariaDb => ("obodc@obodc#odc_cluster", "it's $a \"hard\" `one`; #!".to_owned()),
        };
        let sandbox = Sandbox::new()
            .file("data/.keep", "")
            .file("log/.keep", "")
            .env("DOCKER_HOST", lab.docker_host())
            .env("RUNBOOK_VAR_METADB_PASSWORD", &password);
        let odc = Self { db, container: format!("obodc-{name}"), database: format!("odc_{name}"), port, user, password, lab, sandbox };
        let database = &odc.database;
        odc.lab.sql(db, "", &format!("create database {database} default character set utf8mb4"));
        if matches!(db, Db::MariaDb) {
            let (user, password) = (odc.user, odc.password.replace('\'', "''"));
            let sql =
                format!("create user if not exists '{user}'@'%' identified by '{password}'; grant all on {database}.* to '{user}'@'%'");
            odc.lab.sql(db, "", &sql);
        }
        odc
    }

    /// Runs a container of the release, as the published `docker run` does.
    pub(crate) fn run(&self, name: &str, release: Release, port: u16) {
        let set = [
            "DATABASE_HOST=127.0.0.1".to_owned(),
            format!("DATABASE_PORT={}", self.lab.port(self.db)),
            format!("DATABASE_USERNAME={}", self.user),
            format!("DATABASE_NAME={}", self.database),
            format!("ODC_SERVER_PORT={port}"),
        ];
        let log = format!("{}:/opt/odc/log", self.sandbox.path("log").display());
        let data = format!("{}:/opt/odc/data", self.sandbox.path("data").display());
        let mut words = vec!["run", "-d", "-i", "--name", name, "--network", "host", "--restart", "always", "-v", &log, "-v", &data];
        for one in &set {
            words.extend(["-e", one]);
        }
        words.extend(["-e", "DATABASE_PASSWORD", release.image]);
        let output = self.lab.docker(&words, &[("DATABASE_PASSWORD", &self.password)]);
        assert!(output.status.success(), "docker run: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// `runbook exec` of a shipped runbook, with this ODC's variables.
    pub(crate) fn runbook(&self, runbook: &str, release: Option<Release>, more: &[&str]) -> Ran {
        self.runbook_with(&[], runbook, release, more)
    }

    /// The same, with environment variables that are not as they should be.
    pub(crate) fn runbook_with(&self, env: &[(&str, &str)], runbook: &str, release: Option<Release>, more: &[&str]) -> Ran {
        let file = format!("{}/../runbooks/{runbook}.toml", env!("CARGO_MANIFEST_DIR"));
        let more = if runbook == "odc-upgrade" { &[&["--var", "docker_room=256MiB"], more].concat() } else { more };
        self.exec(env, &file, release, more)
    }

    /// `runbook exec` of a copy that a test has changed.
    pub(crate) fn runbook_file(&self, file: &str, release: Option<Release>, more: &[&str]) -> Ran {
        self.exec(&[], file, release, more)
    }

    fn exec(&self, env: &[(&str, &str)], file: &str, release: Option<Release>, more: &[&str]) -> Ran {
        let mut set = vec![
            format!("container={}", self.container),
            "metadb_host=127.0.0.1".to_owned(),
            format!("metadb_port={}", self.lab.port(self.db)),
            format!("metadb_user={}", self.user),
            format!("metadb_name={}", self.database),
            format!("odc_port={}", self.port),
        ];
        if let Some(release) = release {
            set.push(format!("image={}", release.image));
            set.push(format!("version={}", release.version));
            set.push(format!("highest_migration={}", release.highest));
        }
        let mut words = vec!["exec", file, "--yes", "--no-input"];
        // What a test says comes last, and wins.
        set.retain(|one| !more.iter().any(|word| one.split('=').next() == word.split('=').next()));
        for one in &set {
            words.extend(["--var", one]);
        }
        words.extend(more);
        let child = self.sandbox.command(words).envs(env.iter().copied()).spawn().expect("the program");
        self.sandbox.wait(child)
    }

    /// `backup_dir=…`, a folder in the sandbox.
    pub(crate) fn backup(&self) -> String {
        format!("backup_dir={}", self.sandbox.path("backup").display())
    }

    /// A text with the names that guides use, and without what differs from run to run.
    pub(crate) fn as_in_the_guides(&self, text: &str) -> String {
        let text = text.replace(&format!("{}/../runbooks", env!("CARGO_MANIFEST_DIR")), "runbooks");
        let text =
            text.replace(&format!(" --state-dir {}", self.sandbox.path("state").display()), "").replace(" --state-dir [DIR]/state", "");
        let text = text.replace("[DIR]/backup", "/backup/odc").replace(&self.container, "obodc").replace(&self.database, "odc_metadb");
        self.sandbox.redacted(text.as_bytes())
    }

    /// Waits until `/api/v1/info` answers with that version.
    #[track_caller]
    pub(crate) fn wait_for(&self, version: &str) {
        let begun = Instant::now();
        let mut last = None;
        while begun.elapsed() < Duration::from_mins(1) {
            last = self.get("/api/v1/info");
            if last.as_ref().is_some_and(|(status, body)| *status == 200 && body.contains(&format!("\"{version}-"))) {
                return;
            }
            sleep(Duration::from_millis(100));
        }
        let log = std::fs::read_to_string(self.sandbox.path("log/odc.log")).unwrap_or_default();
        panic!("no ODC {version} answers on port {} ({last:?}); its log:\n{log}", self.port);
    }

    /// Status and body of a GET; `None` where nobody answers.
    pub(crate) fn get(&self, path: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, self.port).into(), Duration::from_secs(2)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
        stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some((answer.split(' ').nth(1)?.parse().ok()?, answer.split_once("\r\n\r\n")?.1.to_owned()))
    }

    /// Carries statements out in the metadb.
    pub(crate) fn sql(&self, text: &str) -> Vec<String> {
        self.lab.sql(self.db, &self.database, text)
    }

    /// Every row of every table and view, sorted, and every column's definition: what must be as before. Asked without the tool that is tested.
    /// `migrate_schema_history` is asked for its versions, since each start adds rows to it.
    pub(crate) fn contents(&self) -> BTreeMap<String, Vec<String>> {
        let database = &self.database;
        let listed = self.sql(&format!("select table_name from information_schema.tables where table_schema = '{database}'"));
        let mut contents = BTreeMap::new();
        for table in listed {
            let what = if table == "migrate_schema_history" { "version, script, success" } else { "*" };
            let only = if table == "migrate_schema_history" { " where version is not null" } else { "" };
            let mut rows = self.sql(&format!("select {what} from `{table}`{only}"));
            rows.sort_unstable();
            contents.insert(table, rows);
        }
        let columns = format!(
            "select table_name, column_name, column_type, is_nullable, column_key from information_schema.columns \
             where table_schema = '{database}' order by table_name, ordinal_position"
        );
        contents.insert("(columns)".to_owned(), self.sql(&columns));
        let keys = format!(
            "select constraint_name, table_name, referenced_table_name from information_schema.referential_constraints \
             where constraint_schema = '{database}' order by constraint_name"
        );
        contents.insert("(foreign keys)".to_owned(), self.sql(&keys));
        contents
    }

    /// Names of this test's containers that begin like that, after the container's own name.
    pub(crate) fn containers(&self, suffix: &str) -> Vec<String> {
        let names = self.lab.docker_ok(&["ps", "--all", "--format", "{{.Names}}"]);
        let begins = format!("{}{suffix}", self.container);
        names.lines().filter(|name| name.starts_with(&begins)).map(str::to_owned).collect()
    }

    /// One value of `docker inspect`.
    pub(crate) fn inspect(&self, container: &str, format: &str) -> String {
        self.lab.docker_ok(&["inspect", "--format", format, container])
    }
}

impl Drop for Odc {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read(self.sandbox.path("log/odc.log")).unwrap_or_default();
            let _ = std::io::stderr().write_all(&[b"--- odc.log\n", log.as_slice()].concat());
        }
        let listed = self.lab.docker(&["ps", "--all", "--format", "{{.Names}}"], &[]);
        for name in String::from_utf8_lossy(&listed.stdout).lines().filter(|name| name.starts_with(&self.container)) {
            self.lab.docker(&["rm", "--force", name], &[]);
        }
        self.lab.client(self.db, "", &format!("drop database if exists {}", self.database));
    }
}

/// What people do in ODC: texts that a careless dump would lose, a large value, many rows.
const WORK: &str = r#"
insert into iam_user(account_name, name, organization_id) values ('wang', '王小明 🎉', 1), ('d''arc', 'Jeanne d''Arc \\ "la Pucelle"', 2);
insert into config_organization_configuration values (1, 'odc.editor.font', 'Fira Code'), (2, 'odc.editor.theme', '浅色 ☀️');
insert into act_ge_bytearray values ('upload', 1, 'photo.png', 'd1', unhex(repeat('89504e470d0a1a0a00ff', 20000)), 0);
insert into audit_event(user_id, action, detail, happened) select user_id, 'WORK', concat(detail, ' again'), now() from audit_event;
"#;
