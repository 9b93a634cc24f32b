//! A database server of a test's own, which it may kill: the lab's is used by others at the same time.

use std::fs::File;
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::lab::{Db, Lab};

/// What every statement of a test goes through, and the program too.
pub(crate) const PASSWORD: &str = "own-server-$'\"&";

/// A server with a folder and a port of its own; ended and removed with the test.
pub(crate) struct OwnServer {
    db: Db,
    programs: PathBuf,
    client: PathBuf,
    folder: PathBuf,
    pub(crate) port: u16,
    /// More words for its command line.
    more: Vec<String>,
    child: Option<Child>,
    _turn: MutexGuard<'static, ()>,
}

/// One at a time: a server takes a gigabyte of memory, and beside three others none of them recovers from a crash in the time that a test has.
static TURN: Mutex<()> = Mutex::new(());

impl OwnServer {
    /// A new one, which answers.
    pub(crate) fn new(lab: &Lab, db: Db, more: &[&str]) -> Self {
        // A test that failed had its turn all the same.
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("its number").port();
        drop(listener);
        // Short: the path of a socket holds 107 bytes.
        let folder = std::env::temp_dir().join(format!("rb-own-{}-{port}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        for part in ["data", "tmp"] {
            std::fs::create_dir_all(folder.join(part)).expect("a folder");
        }
        let more = more.iter().map(|word| (*word).to_owned()).collect();
        let mut server = Self { db, programs: lab.programs(), client: lab.client_program(), folder, port, more, child: None, _turn: turn };
        if matches!(db, Db::MariaDb) {
            server.install();
        }
        server.start();
        server
    }

    /// Starts it, again with the data that it has.
    pub(crate) fn start(&mut self) {
        let mut command = match self.db {
            Db::OceanBase => self.seekdb(),
            Db::MariaDb => self.mariadbd(),
        };
        let log = File::create(self.folder.join("log")).expect("a log");
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("a log")).stderr(log);
        self.child = Some(command.spawn().expect("a server"));
        let begun = Instant::now();
        while !self.answers() {
            let log = || std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(begun.elapsed() < Duration::from_mins(2), "no server answers; its log:\n{}", log());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Kills it, as a crash would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("a signal");
            child.wait().expect("its end");
        }
    }

    /// Starts it with a new folder of data, as on a new machine.
    pub(crate) fn start_anew(&mut self) {
        self.kill();
        let data = self.folder.join("data");
        std::fs::remove_dir_all(&data).expect("its data");
        std::fs::create_dir_all(&data).expect("a folder");
        if matches!(self.db, Db::MariaDb) {
            self.install();
        }
        self.start();
    }

    /// The transactions that it has kept from before it was started: nobody's, and without an end. Only seekdb 1.4 does so.
    pub(crate) fn kept(&self) -> Vec<String> {
        match self.db {
            Db::OceanBase => {
                self.sql("oceanbase", "select tx_id from `V$OB_TRANSACTION_WRITE_STATE` where session_id = 0 and tx_expired_time is null")
            }
            Db::MariaDb => Vec::new(),
        }
    }

    /// Carries statements out as root, and gives the rows, a line each.
    #[track_caller]
    pub(crate) fn sql(&self, database: &str, text: &str) -> Vec<String> {
        self.try_sql(database, text).unwrap_or_else(|said| panic!("{text}: {said}"))
    }

    /// The same where it may fail.
    pub(crate) fn try_sql(&self, database: &str, text: &str) -> Result<Vec<String>, String> {
        let mut client = self.client_over_tcp();
        if !database.is_empty() {
            client.arg(database);
        }
        tell(client, text)
    }

    fn answers(&self) -> bool {
        if self.try_sql("", "select 1").is_ok() {
            return true;
        }
        let socket = self.folder.join("data/run/sql.sock");
        if matches!(self.db, Db::OceanBase) && socket.exists() {
            // Until it has a password: the first time.
            let mut client = self.client();
            client.args(["--protocol=socket", "--connect-timeout=5"]).arg(format!("--socket={}", socket.display()));
            let _ = tell(client, &format!("alter user root identified by '{}'", PASSWORD.replace('\'', "''")));
        }
        false
    }

    /// The `mariadb` client, as root.
    pub(crate) fn client_over_tcp(&self) -> Command {
        let mut client = self.client();
        client.args(["--protocol=tcp", "--host=127.0.0.1", "--unbuffered", &format!("--port={}", self.port)]).env("MYSQL_PWD", PASSWORD);
        client
    }

    fn client(&self) -> Command {
        let mut client = Command::new(&self.client);
        client.args(["--no-defaults", "--default-character-set=utf8mb4", "--user=root", "--batch", "--skip-column-names"]);
        client
    }

    fn seekdb(&self) -> Command {
        let wheel = self.programs.join("wheel");
        let data = self.folder.join("data");
        let mut command = Command::new(wheel.join("pylibseekdb/seekdb"));
        command.args(["--nodaemon", "--port", &self.port.to_string()]).arg("--base-dir").arg(&data);
        for limit in ["memory_limit=2G", "datafile_size=2G", "log_disk_size=2G"] {
            command.args(["--parameter", limit]);
        }
        command.args(&self.more).current_dir(&data).env("TELEMETRY_ENABLED", "false");
        command.env("LD_LIBRARY_PATH", join(&[wheel.join("pylibseekdb"), wheel.join("pylibseekdb.libs")]));
        command
    }

    fn mariadbd(&self) -> Command {
        let base = self.programs.join("usr");
        let mut command = Command::new(base.join("sbin/mariadbd"));
        command.arg("--no-defaults").arg(format!("--basedir={}", base.display())).arg(format!("--datadir={}", self.data()));
        command.arg(format!("--lc-messages-dir={}", base.join("share/mysql").display())).args(self.as_root());
        command.arg(format!("--socket={}", self.folder.join("sock").display()));
        command.arg(format!("--pid-file={}", self.folder.join("pid").display()));
        // One that starts removes the temporary tables of all others in the same folder.
        command.arg(format!("--tmpdir={}", self.folder.join("tmp").display()));
        command.arg(format!("--init-file={}", self.folder.join("first.sql").display())).arg(format!("--port={}", self.port));
        command.args(["--bind-address=127.0.0.1", "--skip-name-resolve", "--character-set-server=utf8mb4"]).args(&self.more);
        command.env("LD_LIBRARY_PATH", self.debian_libraries());
        command
    }

    fn install(&self) {
        let base = self.programs.join("usr");
        let mut install = Command::new(base.join("bin/mariadb-install-db"));
        install.arg("--no-defaults").arg(format!("--basedir={}", base.display())).arg(format!("--datadir={}", self.data()));
        install.args(["--auth-root-authentication-method=normal", "--skip-test-db"]).args(self.as_root());
        let output = install.env("LD_LIBRARY_PATH", self.debian_libraries()).output().expect("mariadb-install-db");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let password = PASSWORD.replace('\'', "''");
        let first = ["localhost", "127.0.0.1"].map(|host| format!("ALTER USER root@'{host}' IDENTIFIED BY '{password}';\n")).concat();
        std::fs::write(self.folder.join("first.sql"), first).expect("a file");
    }

    fn data(&self) -> String {
        self.folder.join("data").display().to_string()
    }

    fn as_root(&self) -> Option<&'static str> {
        let _ = self;
        rustix::process::geteuid().is_root().then_some("--user=root")
    }

    fn debian_libraries(&self) -> String {
        let triple = format!("{}-linux-gnu", std::env::consts::ARCH);
        join(&["usr/lib", "lib"].map(|folder| self.programs.join(folder).join(&triple)))
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        self.kill();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn join(folders: &[impl AsRef<Path>]) -> String {
    folders.iter().map(|folder| folder.as_ref().display().to_string()).collect::<Vec<_>>().join(":")
}

fn tell(mut client: Command, text: &str) -> Result<Vec<String>, String> {
    client.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = client.spawn().expect("the mariadb client");
    let _ = child.stdin.take().expect("a pipe").write_all(text.as_bytes());
    let output = child.wait_with_output().expect("its output");
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
}
