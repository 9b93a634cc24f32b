//! `/root/docker_init.sh`: five stages, a coloured stream, a log file, and a closing line when all went well. What a failed stage did stays done.

use super::control;
use super::database::text;
use super::knobs::Knobs;
use super::programs::NAMES;
use super::schema::{ALTER, CREATE, HA_CONFIG, Part, SEED, Version};
use super::settings::Settings;
use mysql_async::params;
use mysql_async::prelude::Queryable;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

const LOG: &str = "/home/admin/logs/docker_init.log";
const STAGES: [&str; 5] = ["检查配置文件", "初始化数据库", "写入配置文件", "重启服务", "注册主机"];
/// As the real one writes it.
const CLOSING: &str = "【结束】全部初始化步骤执行成功";

/// Where its lines go: the stream with colours, the log without.
struct Out(Option<File>);

impl Out {
    fn open() -> Self {
        let made = Path::new(LOG).parent().map(std::fs::create_dir_all);
        drop(made);
        Self(OpenOptions::new().create(true).append(true).open(LOG).ok())
    }

    fn line(&self, colour: u8, line: &str) {
        println!("\u{1b}[{colour}m{line}\u{1b}[0m");
        if let Some(mut file) = self.0.as_ref() {
            let _ = writeln!(file, "{line}");
        }
    }
}

/// Runs the stages in order and stops at the first that fails.
pub(crate) async fn initialise() -> ExitCode {
    let out = Out::open();
    let knobs = match Knobs::read() {
        Ok(knobs) => knobs,
        Err(error) => {
            out.line(31, &error);
            return ExitCode::FAILURE;
        }
    };
    for (number, title) in (1_u8..).zip(STAGES) {
        out.line(36, &format!("【{number}/5】{title}"));
        tokio::time::sleep(knobs.stage).await;
        let fails = knobs.fail_at == Some(number);
        let done = match number {
            1 => check(),
            2 => databases(&out, fails).await,
            3 => files(),
            4 => restart(&out).await,
            _ => register().await,
        };
        let done = done.and_then(|()| if fails { Err("LAB_OMS_FAIL_AT".to_owned()) } else { Ok(()) });
        match done {
            Ok(()) => out.line(32, &format!("【{number}/5】{title} 成功")),
            Err(error) => {
                out.line(31, &format!("【{number}/5】{title} 失败: {error}"));
                return ExitCode::FAILURE;
            }
        }
    }
    if !knobs.no_closing_line {
        out.line(32, CLOSING);
    }
    ExitCode::SUCCESS
}

fn check() -> Result<(), String> {
    Settings::read().map(drop)
}

/// Makes the tables, or alters them.
async fn databases(out: &Out, fails: bool) -> Result<(), String> {
    let settings = Settings::read()?;
    let there = settings.meta.version().await?;
    if there.is_some_and(|there| there > settings.version) {
        return Err(format!("元数据版本高于 {}", settings.version.number()));
    }
    if there.is_some_and(|there| there < settings.version) && !settings.upgrade {
        return Err("元数据已存在，请设置 IS_UPGRADE=true".to_owned());
    }
    for part in [Part::Rm, Part::Cm, Part::Hb] {
        let mut conn = settings.meta.connect_bare().await?;
        let sql = format!("create database if not exists `{}` default character set utf8mb4", settings.meta.name(part));
        conn.query_drop(sql).await.map_err(text)?;
        let _ = conn.disconnect().await;
    }
    if there.is_none() {
        carry_out(&settings, CREATE, None).await?;
        carry_out(&settings, SEED, None).await?;
    }
    if there != Some(Version::New) && settings.version == Version::New {
        // Said by the real one too, and of no consequence.
        out.line(33, "ERROR 1235 (0A000): Modify large text/lob column not supported");
        carry_out(&settings, ALTER, fails.then_some(ALTER.len() / 2)).await?;
    }
    Ok(())
}

/// Carries statements out, up to where it fails by order of a knob.
async fn carry_out(settings: &Settings, statements: &[(Part, &str)], fails_at: Option<usize>) -> Result<(), String> {
    for (at, (part, sql)) in statements.iter().enumerate() {
        if fails_at == Some(at) {
            return Err("ERROR 4012 (HY000): Timeout, query has reached the maximum query timeout".to_owned());
        }
        let mut conn = settings.meta.connect(*part).await?;
        if sql.contains(":ip") {
            conn.exec_drop(*sql, params! { "ip" => &settings.host_ip }).await.map_err(text)?;
        } else if sql.contains(":ha") {
            conn.exec_drop(*sql, params! { "ha" => HA_CONFIG }).await.map_err(text)?;
        } else {
            conn.query_drop(*sql).await.map_err(text)?;
        }
        let _ = conn.disconnect().await;
    }
    Ok(())
}

/// The files that the programs read.
fn files() -> Result<(), String> {
    let settings = Settings::read()?;
    let folder = Path::new("/home/ds/run");
    std::fs::create_dir_all(folder)
        .and_then(|()| {
            std::fs::write(folder.join("oms.properties"), format!("version={}\nhost={}\n", settings.version.number(), settings.host_ip))
        })
        .map_err(|error| format!("{}: {error}", folder.display()))
}

async fn restart(out: &Out) -> Result<(), String> {
    for name in NAMES {
        let (code, said) = control::answer(&format!("restart {}", name.text())).await.map_err(|error| format!("supervisorctl: {error}"))?;
        out.line(0, said.trim_end());
        if code != 0 {
            return Err(format!("supervisorctl restart {}", name.text()));
        }
    }
    Ok(())
}

/// Makes the host known; whether it is online, the manager says.
async fn register() -> Result<(), String> {
    let settings = Settings::read()?;
    let mut cm = settings.meta.connect(Part::Cm).await?;
    let sql = "insert into host(ip, host_status, region) values (?, 'OFFLINE', ?) on duplicate key update region = values(region)";
    cm.exec_drop(sql, (&settings.host_ip, &settings.region)).await.map_err(text)?;
    let _ = cm.disconnect().await;
    Ok(())
}
