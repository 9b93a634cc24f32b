//! An OMS of a test's own on the lab: a container, three databases, its `config.yaml`, its ports, and the runbooks run against it. Removed at the end.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::lab::{Db, Lab};
use crate::sandbox::{Ran, Sandbox};

/// The old version of the stand-in.
pub(crate) const OLD: &str = "runbook-lab/oms:3.3.1";
/// What a site gives to the runbooks.
const UPGRADE: [&str; 6] =
    ["image=runbook-lab/oms:3.4.0", "version=3.4.0", "upgrades_from=[\"3.3.1\"]", "attended=false", "batch=100", "docker_room=256MiB"];

pub(crate) struct Oms {
    pub(crate) lab: Lab,
    pub(crate) sandbox: Sandbox,
    /// Name of the old container.
    pub(crate) old: String,
    /// Name of the new one.
    pub(crate) new: String,
    /// Names of the databases.
    pub(crate) rm: String,
    pub(crate) cm: String,
    pub(crate) hb: String,
    /// An address of this host.
    pub(crate) ip: String,
    /// Where each of the product's ports is here.
    pub(crate) ports: BTreeMap<u16, u16>,
}

impl Oms {
    /// The old version, initialised, healthy, with work in it and HA on.
    pub(crate) fn old() -> Self {
        Self::old_in(Lab::get())
    }

    /// The same in a lab with another engine.
    pub(crate) fn old_in(lab: Lab) -> Self {
        let oms = Self::prepared(lab);
        oms.run(&oms.old, OLD);
        oms.init(&oms.old);
        oms.wait_for_health();
        let old_numbers = "insert into heatbeat_sequence(gmt_created) select now() from (select 1 union all select 2 union all select 3 union all select 4) a, \
             (select 1 union all select 2 union all select 3 union all select 4) b, (select 1 union all select 2 union all select 3 union all select 4) c, \
             (select 1 union all select 2 union all select 3 union all select 4) d";
        oms.sql(&oms.hb, old_numbers);
        oms.sql(&oms.rm, "update oms_normal_config set cfg_value = json_set(cfg_value, '$.enable', true) where cfg_name = 'ha.config'");
        oms
    }

    fn prepared(lab: Lab) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        // Its end keeps one name from being the beginning of another.
        let name = format!("{}x{}z", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let held: Vec<(u16, TcpListener)> =
            [2023, 8088, 8089, 8090, 9000].map(|usual| (usual, TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a free port"))).into();
        let ports: BTreeMap<u16, u16> = held.iter().map(|(usual, here)| (*usual, here.local_addr().expect("its number").port())).collect();
        let knobs: Vec<String> = ports.iter().map(|(usual, here)| format!("{usual}:{here}")).collect();
        let ip = address();
        let [rm, cm, hb] = ["rm", "cm", "cm_hb"].map(|part| format!("{part}_{name}"));
        let config = format!(
            "# OMS\noms_meta_host: 127.0.0.1\noms_meta_port: {}\noms_meta_user: root@sys\noms_meta_password: '{}'\ndrc_rm_db: {rm}\ndrc_cm_db: {cm}\n\
             drc_cm_heartbeat_db: {hb}\ncm_url: http://{ip}:8088\ncm_location: 100\ncm_region: cn-hangzhou\ncm_is_default: true\ncm_nodes:\n - {ip}\n",
            lab.port(Db::OceanBase),
            lab.password(Db::OceanBase).replace('\'', "''"),
        );
        let sandbox = Sandbox::new()
            .file("config.yaml", &config)
            .file("logs/.keep", "")
            .file("store/.keep", "")
            .file("run/lab-knobs", format!("LAB_OMS_PORTS={}\n", knobs.join(",")))
            .env("DOCKER_HOST", lab.docker_host());
        for database in [&rm, &cm, &hb] {
            // None of the server's defaults: what a restore makes anew must have them again.
            lab.sql(Db::OceanBase, "", &format!("create database {database} default character set utf8mb4 collate utf8mb4_bin"));
        }
        Self { old: format!("oms_331_{name}"), new: format!("oms_340_{name}"), rm, cm, hb, ip, ports, lab, sandbox }
    }

    /// `docker run` as published.
    fn run(&self, name: &str, image: &str) {
        self.run_with(name, image, &[]);
    }

    /// The same with options.
    pub(crate) fn run_with(&self, name: &str, image: &str, options: &[&str]) {
        let mounts = [
            format!("{}:/home/admin/conf/config.yaml", self.sandbox.path("config.yaml").display()),
            format!("{}:/home/admin/logs", self.sandbox.path("logs").display()),
            format!("{}:/home/ds/store", self.sandbox.path("store").display()),
            format!("{}:/home/ds/run", self.sandbox.path("run").display()),
        ];
        let address = format!("OMS_HOST_IP={}", self.ip);
        let mut words = vec!["run", "-d", "-i", "-t", "--net", "host", "--restart", "always"];
        for mount in &mounts {
            words.extend(["-v", mount]);
        }
        words.extend(options);
        words.extend(["-e", &address, "--privileged=true", "--pids-limit", "-1", "--ulimit", "nproc=65535:65535", "--name", name, image]);
        self.lab.docker_ok(&words);
    }

    /// `docker_init.sh`, by hand.
    fn init(&self, container: &str) {
        let said = self.lab.docker_ok(&["exec", container, "bash", "/root/docker_init.sh"]);
        assert!(said.contains("【结束】全部初始化步骤执行成功"), "{said}");
    }

    /// Adds a knob.
    pub(crate) fn knob(&self, line: &str) {
        let knobs = self.sandbox.read("run/lab-knobs");
        std::fs::write(self.sandbox.path("run/lab-knobs"), format!("{knobs}{line}\n")).expect("a file");
    }

    /// The variables of every shipped OMS runbook, `more` winning over them; a runbook gets those that it has.
    pub(crate) fn words(&self, runbook: &str, more: &[&str]) -> Vec<String> {
        self.words_of(&shipped(runbook), more)
    }

    pub(crate) fn words_of(&self, file: &str, more: &[&str]) -> Vec<String> {
        let text = std::fs::read_to_string(file).expect("a runbook");
        let ports: Vec<String> = self.ports.values().map(u16::to_string).collect();
        let mut set = vec![
            format!("container={}", self.old),
            format!("new_container={}", self.new),
            format!("config_path={}", self.sandbox.path("config.yaml").display()),
            format!("host_ip={}", self.ip),
            format!("health_url=http://127.0.0.1:{}/oms/health", self.port(8089)),
            format!("ports=[{}]", ports.join(", ")),
            format!("backup_dir={}", self.sandbox.path("backup").display()),
        ];
        set.extend(UPGRADE.map(str::to_owned));
        set.retain(|one| !more.iter().any(|word| one.split('=').next() == word.split('=').next()));
        set.extend(more.iter().map(|word| (*word).to_owned()));
        let known = |one: &String| text.contains(&format!("[vars.{}]", one.split('=').next().unwrap_or_default()));
        let vars = set.into_iter().filter(known).flat_map(|one| ["--var".to_owned(), one]);
        ["exec".to_owned(), file.to_owned(), "--yes".to_owned()].into_iter().chain(vars).collect()
    }

    /// `runbook exec` of a shipped runbook, with variables and without a person.
    pub(crate) fn runbook(&self, runbook: &str, more: &[&str]) -> Ran {
        self.runbook_with(runbook, more, &[])
    }

    /// The same with options of the command line.
    pub(crate) fn runbook_with(&self, runbook: &str, more: &[&str], options: &[&str]) -> Ran {
        self.exec(self.words(runbook, more), options)
    }

    /// The same with a copy of a shipped runbook that waits less long.
    pub(crate) fn runbook_file(&self, file: &str, more: &[&str]) -> Ran {
        self.exec(self.words_of(file, more), &[])
    }

    /// A copy of a shipped runbook with other waiting times: what never comes is not waited for in a test.
    pub(crate) fn shortened(&self, runbook: &str, changes: &[(&str, &str)]) -> String {
        let text = std::fs::read_to_string(shipped(runbook)).expect("a runbook");
        let text = changes.iter().fold(text, |text, (from, to)| {
            assert!(text.contains(from), "{runbook} has no {from}");
            text.replace(from, to)
        });
        let path = self.sandbox.path("shortened.toml");
        std::fs::write(&path, text).expect("a file");
        path.display().to_string()
    }

    fn exec(&self, mut words: Vec<String>, options: &[&str]) -> Ran {
        words.push("--no-input".to_owned());
        words.extend(options.iter().map(|option| (*option).to_owned()));
        let child = self.sandbox.command(words.iter().map(String::as_str)).spawn().expect("the program");
        self.sandbox.wait(child)
    }

    pub(crate) fn port(&self, usual: u16) -> u16 {
        self.ports.get(&usual).copied().unwrap_or(usual)
    }

    /// Whether `/oms/health` says that all is well.
    pub(crate) fn healthy(&self) -> bool {
        let answer = || -> Option<String> {
            let mut stream = TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, self.port(8089)).into(), Duration::from_secs(2)).ok()?;
            stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
            stream.write_all(b"GET /oms/health HTTP/1.0\r\n\r\n").ok()?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).ok()?;
            Some(answer)
        };
        answer().is_some_and(|answer| answer.contains("\"healthy\":true"))
    }

    #[track_caller]
    pub(crate) fn wait_for_health(&self) {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_mins(1) {
            let online = format!("select count(*) from `{}`.host where host_status = 'ONLINE'", self.cm);
            if self.healthy() && self.sql("", &online) == ["1"] {
                return;
            }
            sleep(Duration::from_millis(200));
        }
        panic!("OMS is not healthy: {}", self.lab.docker_ok(&["logs", "--tail", "20", &self.old]));
    }

    pub(crate) fn sql(&self, database: &str, text: &str) -> Vec<String> {
        self.lab.sql(Db::OceanBase, database, text)
    }

    /// One value of ha.config.
    pub(crate) fn ha(&self, key: &str) -> String {
        let text = format!("select json_extract(cfg_value, '$.{key}') from oms_normal_config where cfg_name = 'ha.config'");
        self.sql(&self.rm, &text).join("")
    }

    /// Stores that HA made on its own.
    pub(crate) fn stray_stores(&self) -> usize {
        self.sql(&self.cm, "select id from store where made_by = 'HA'").len()
    }

    /// Every row of every table and every column's definition, but what a living OMS writes all the time (heartbeats, numbers, times of hosts) and
    /// ha.config, which the runbooks are to change.
    pub(crate) fn contents(&self) -> BTreeMap<String, Vec<String>> {
        let mut contents = BTreeMap::new();
        for database in [&self.rm, &self.cm, &self.hb] {
            let tables = self.sql("", &format!("select table_name from information_schema.tables where table_schema = '{database}'"));
            for table in tables {
                let what = match table.as_str() {
                    "heatbeat_sequence" => "select 1",
                    "heart_beat" => "select host_ip, task_name from heart_beat",
                    "host" => "select ip, host_status, region from host",
                    "oms_normal_config" => "select cfg_name from oms_normal_config",
                    other => &format!("select * from `{other}`"),
                };
                let mut rows = self.sql(database, what);
                rows.sort_unstable();
                contents.insert(format!("{database}.{table}"), rows);
            }
            let columns = format!(
                "select table_name, column_name, column_type, is_nullable, column_key from information_schema.columns \
                 where table_schema = '{database}' order by table_name, ordinal_position"
            );
            contents.insert(format!("{database} (columns)"), self.sql("", &columns));
            let made = format!(
                "select default_character_set_name, default_collation_name from information_schema.schemata where schema_name = '{database}'"
            );
            contents.insert(format!("{database} (charset)"), self.sql("", &made));
        }
        contents
    }

    pub(crate) fn inspect(&self, container: &str, format: &str) -> String {
        self.lab.docker_ok(&["inspect", "--format", format, container])
    }

    /// The names of this test's containers.
    pub(crate) fn containers(&self) -> Vec<String> {
        let names = self.lab.docker_ok(&["ps", "--all", "--format", "{{.Names}}"]);
        let ours = |name: &&str| name.starts_with(&self.old) || name.starts_with(&self.new);
        let mut names: Vec<String> = names.lines().filter(ours).map(str::to_owned).collect();
        names.sort_unstable();
        names
    }

    /// What a refusal before the downtime must leave: the old OMS was never stopped, nothing was written.
    #[track_caller]
    pub(crate) fn assert_untouched(&self, before: &Untouched) {
        assert_eq!(&Untouched::of(self), before, "the old OMS was touched");
        assert_eq!(self.ha("enable"), "true", "HA was switched off");
        assert!(!self.sandbox.path("backup").exists(), "something was written");
    }

    /// What a rollback must come back to.
    #[track_caller]
    pub(crate) fn assert_back(&self, contents: &BTreeMap<String, Vec<String>>) {
        self.wait_for_health();
        assert_eq!(&self.contents(), contents);
        let state = self.inspect(&self.old, "{{.State.Running}} {{.HostConfig.RestartPolicy.Name}}");
        assert_eq!(state, "true always");
        assert_eq!(self.ha("enable"), "true");
        assert_eq!(self.stray_stores(), 0, "HA was on while OMS was down");
        for name in self.containers().iter().filter(|name| **name != self.old) {
            let state = self.inspect(name, "{{.State.Running}} {{.HostConfig.RestartPolicy.Name}}");
            assert_eq!(state, "false no", "{name} may come back");
        }
    }
}

fn shipped(runbook: &str) -> String {
    format!("{}/../runbooks/{runbook}.toml", env!("CARGO_MANIFEST_DIR"))
}

/// What tells that an OMS was not stopped and nothing was made beside it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Untouched {
    started: String,
    containers: Vec<String>,
}

impl Untouched {
    pub(crate) fn of(oms: &Oms) -> Self {
        let started = oms.inspect(&oms.old, "{{.State.StartedAt}} {{.State.Running}} {{.HostConfig.RestartPolicy.Name}}");
        Self { started, containers: oms.containers() }
    }
}

/// An address of this host that is not the loopback's; no packet is sent for it.
fn address() -> String {
    let socket = std::net::UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a socket");
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).expect("a route");
    socket.local_addr().expect("its address").ip().to_string()
}

impl Drop for Oms {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for name in self.containers() {
                let log = self.lab.docker(&["logs", "--tail", "30", &name], &[]);
                let _ = std::io::stderr().write_all(&[b"--- ", name.as_bytes(), b"\n", log.stdout.as_slice()].concat());
            }
        }
        for name in self.containers() {
            self.lab.docker(&["rm", "--force", &name], &[]);
        }
        for database in [&self.rm, &self.cm, &self.hb] {
            self.sql("", &format!("drop database if exists {database}"));
        }
    }
}
