//! The programs that process 1 keeps. Each says why it ended; none ends well by itself.

use super::database::text;
use super::health;
use super::knobs::Knobs;
use super::schema::Part;
use super::settings::Settings;
use super::supervisor::States;
use mysql_async::Conn;
use mysql_async::params;
use mysql_async::prelude::Queryable;
use serde_json::Value;
use std::time::Duration;
use tokio::net::TcpListener;

/// Between two heartbeats.
const PERIOD: Duration = Duration::from_secs(1);
/// A heartbeat older than this says that the host was down. The real one waits `checkHostDownIntervalSec`, nine minutes.
const HOST_DOWN_SECONDS: u32 = 3;

/// A program by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Name {
    Crond,
    Nginx,
    Console,
    Cm,
    Supervisor,
    Sshd,
}

/// All of them, in the order in which `supervisorctl status` lists them.
pub(crate) const NAMES: &[Name] = &[Name::Crond, Name::Nginx, Name::Console, Name::Cm, Name::Supervisor, Name::Sshd];

impl Name {
    /// As `supervisorctl` knows it.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Crond => "crond",
            Self::Nginx => "nginx",
            Self::Console => "oms_console",
            Self::Cm => "oms_drc_cm",
            Self::Supervisor => "oms_drc_supervisor",
            Self::Sshd => "sshd",
        }
    }

    /// A number of its own.
    pub(crate) fn number(self) -> u32 {
        match self {
            Self::Crond => 0,
            Self::Nginx => 1,
            Self::Console => 2,
            Self::Cm => 3,
            Self::Supervisor => 4,
            Self::Sshd => 5,
        }
    }
}

/// Runs a program until it ends, and says why.
pub(crate) async fn run(name: Name, states: States) -> String {
    let ended = match name {
        Name::Crond => std::future::pending().await,
        Name::Nginx => nginx(states).await,
        Name::Console => console().await,
        Name::Cm => cm().await,
        Name::Supervisor => supervisor().await,
        Name::Sshd => hold(2023).await,
    };
    match ended {
        Ok(never) => match never {},
        Err(why) => why,
    }
}

/// What never comes.
enum Never {}

async fn bind(usual: u16) -> Result<TcpListener, String> {
    let port = Knobs::read()?.port(usual);
    TcpListener::bind(("0.0.0.0", port)).await.map_err(|error| format!("bind() to 0.0.0.0:{port} failed: {error}"))
}

/// Only has its port.
async fn hold(usual: u16) -> Result<Never, String> {
    let _listener = bind(usual).await?;
    std::future::pending().await
}

async fn nginx(states: States) -> Result<Never, String> {
    health::answer(bind(8089).await?, states).await;
    Err("the listener is gone".to_owned())
}

/// Whether this image works on the metadata. On an older one it waits for `docker_init.sh`, which starts it anew.
async fn ready(settings: &Settings) -> Result<(), String> {
    match settings.meta.version().await? {
        Some(version) if version == settings.version => Ok(()),
        Some(version) if version > settings.version => {
            Err(format!("the metadata is of version {}, and this is {}", version.number(), settings.version.number()))
        }
        Some(_) | None => std::future::pending().await,
    }
}

async fn console() -> Result<Never, String> {
    let settings = Settings::read()?;
    let _listener = bind(8090).await?;
    ready(&settings).await?;
    loop {
        let mut rm = settings.meta.connect(Part::Rm).await?;
        let _: Option<u64> = rm.query_first(settings.version.projects()).await.map_err(text)?;
        let _ = rm.disconnect().await;
        tokio::time::sleep(PERIOD).await;
    }
}

/// Reports that this host lives.
async fn supervisor() -> Result<Never, String> {
    let settings = Settings::read()?;
    let _listener = bind(9000).await?;
    ready(&settings).await?;
    // The manager looks how old the last heartbeat is before a new one comes.
    tokio::time::sleep(PERIOD).await;
    loop {
        if Knobs::read()?.no_heartbeat.as_deref() != Some(settings.version.number()) {
            let mut hb = settings.meta.connect(Part::Hb).await?;
            let values = params! { "ip" => &settings.host_ip, "region" => &settings.region };
            hb.exec_drop(settings.version.heartbeat(), values).await.map_err(text)?;
            hb.query_drop("insert into heatbeat_sequence(gmt_created) values (now())").await.map_err(text)?;
            let _ = hb.disconnect().await;
        }
        tokio::time::sleep(PERIOD).await;
    }
}

/// Watches over the hosts; with HA on it makes another store for a host that was down.
async fn cm() -> Result<Never, String> {
    let settings = Settings::read()?;
    let _listener = bind(8088).await?;
    ready(&settings).await?;
    take_over(&settings).await?;
    loop {
        let never = Knobs::read()?.never_online.as_deref() == Some(settings.version.number());
        let member = settings.nodes.contains(&settings.host_ip);
        let mut cm = settings.meta.connect(Part::Cm).await?;
        let status = if member && !never && alive(&settings).await? { "ONLINE" } else { "OFFLINE" };
        set_status(&mut cm, &settings, status).await?;
        let _ = cm.disconnect().await;
        tokio::time::sleep(PERIOD).await;
    }
}

/// Whether the host's heartbeat is no older than a moment.
async fn alive(settings: &Settings) -> Result<bool, String> {
    let mut hb = settings.meta.connect(Part::Hb).await?;
    let sql = "select count(*) from heart_beat where host_ip = ? and task_name = 'supervisor' and gmt_modified > date_sub(now(), interval 5 second)";
    let fresh: Option<u64> = hb.exec_first(sql, (&settings.host_ip,)).await.map_err(text)?;
    let _ = hb.disconnect().await;
    // With the knob the row goes on saying what it said.
    Ok(fresh.unwrap_or_default() > 0 || Knobs::read()?.no_heartbeat.as_deref() == Some(settings.version.number()))
}

async fn set_status(cm: &mut Conn, settings: &Settings, status: &str) -> Result<(), String> {
    let sql = "insert into host(ip, host_status, region) values (:ip, :status, :region) on duplicate key update host_status = :status, gmt_modified = now()";
    let values = params! { "ip" => &settings.host_ip, "status" => status, "region" => &settings.region };
    cm.exec_drop(sql, values).await.map_err(text)
}

/// The harm of HA left on: the downtime looks like a lost host, and a store that nobody asked for appears.
async fn take_over(settings: &Settings) -> Result<(), String> {
    let mut rm = settings.meta.connect(Part::Rm).await?;
    let value: Option<String> =
        rm.query_first("select cfg_value from oms_normal_config where cfg_name = 'ha.config'").await.map_err(text)?;
    let _ = rm.disconnect().await;
    let config: Value = serde_json::from_str(&value.unwrap_or_default()).map_err(|error| format!("ha.config is not JSON: {error}"))?;
    if config.get("enable") != Some(&Value::Bool(true)) {
        return Ok(());
    }
    let mut hb = settings.meta.connect(Part::Hb).await?;
    let sql = format!(
        "select count(*) from heart_beat where task_name = 'supervisor' and gmt_modified < date_sub(now(), interval {HOST_DOWN_SECONDS} second)"
    );
    let down: Option<u64> = hb.query_first(sql).await.map_err(text)?;
    let _ = hb.disconnect().await;
    if down.unwrap_or_default() == 0 {
        return Ok(());
    }
    let mut cm = settings.meta.connect(Part::Cm).await?;
    let sql = "insert into store(host_ip, subtopic, made_by) values (?, 'orders-0', 'HA')";
    cm.exec_drop(sql, (&settings.host_ip,)).await.map_err(text)?;
    let _ = cm.disconnect().await;
    Ok(())
}
