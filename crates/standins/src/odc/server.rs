//! The application: connects, bootstraps, migrates, and **listens only afterwards**. It ends with 1 when it cannot start; process 1 starts it again.

use super::http::{self, Site};
use super::lock;
use super::log::Log;
use super::migrate::{self, Refused};
use super::settings::Settings;
use super::storage;
use jiff::Timestamp;
use mysql_async::{Conn, OptsBuilder, Pool};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// Starts, serves, and ends: 0 after a stop in good order, 1 where it could not start.
pub(crate) async fn serve() -> ExitCode {
    let settings = match Settings::read() {
        Ok(settings) => settings,
        Err(message) => {
            println!("{message}");
            return ExitCode::FAILURE;
        }
    };
    let log = Log::open(&settings.log_dir);
    let (mut int, mut term) = match signal(SignalKind::interrupt()).and_then(|int| Ok((int, signal(SignalKind::terminate())?))) {
        Ok(streams) => streams,
        Err(error) => return failed(&log, &format!("cannot listen to signals: {error}")),
    };
    let stop = settings.knobs.stop;
    let ended = tokio::select! {
        ended = run(settings, &log) => ended,
        _ = int.recv() => Ok(()),
        _ = term.recv() => Ok(()),
    };
    match ended {
        Ok(()) => {
            log.info("Stopping OdcServer in good order");
            tokio::time::sleep(stop).await;
            log.info("Stopped OdcServer");
            ExitCode::SUCCESS
        }
        Err(message) => failed(&log, &message),
    }
}

/// Never ends well: either it serves until it is dropped, or it says why it cannot.
async fn run(settings: Settings, log: &Log) -> Result<(), String> {
    let begun = Instant::now();
    log.info(&format!("Starting OdcServer {}", settings.release.full()));
    if let Some(after) = settings.knobs.crash_after {
        tokio::time::sleep(after).await;
        return Err("java.lang.OutOfMemoryError: Java heap space".to_owned());
    }
    let options = OptsBuilder::default()
        .ip_or_hostname(settings.host.clone())
        .tcp_port(settings.port)
        .user(Some(settings.user.clone()))
        .pass(Some(settings.password.clone()))
        .db_name(Some(settings.database.clone()))
        .prefer_socket(false)
        .stmt_cache_size(0);
    let pool = Pool::new(options);
    let mut conn = pool.get_conn().await.map_err(|error| format!("Unable to acquire JDBC Connection: {error}"))?;
    prepare(&mut conn, &settings, log).await.map_err(|refused| refused.to_string())?;
    drop(conn);
    tokio::time::sleep(settings.knobs.slow_start).await;
    let port = settings.server_port;
    let listener = TcpListener::bind(("0.0.0.0", port))
        .await
        .map_err(|error| format!("Web server failed to start. Port {port} was already in use. ({error})"))?;
    log.info(&format!("Tomcat started on port(s): {port} (http) with context path ''"));
    log.info(&format!("Started OdcServer in {:.3} seconds", begun.elapsed().as_secs_f64()));
    http::answer(listener, Arc::new(Site { settings, pool, started: Timestamp::now() })).await;
    Ok(())
}

/// Everything that the database needs before the server may listen.
async fn prepare(conn: &mut Conn, settings: &Settings, log: &Log) -> Result<(), Refused> {
    migrate::bootstrap(conn).await?;
    lock::take(conn, settings, log).await?;
    let migrated = migrate::migrate(conn, settings.release, &settings.knobs, log).await;
    lock::release(conn).await?;
    migrated?;
    storage::seed(conn, &settings.data_dir).await?;
    for name in storage::missing(conn, &settings.data_dir).await? {
        log.error(&format!("object file not found, name={name}"));
    }
    Ok(())
}

fn failed(log: &Log, message: &str) -> ExitCode {
    log.error(message);
    log.error("APPLICATION FAILED TO START");
    // The real one needs 12 s to give up; a little of that keeps the loop from spinning.
    std::thread::sleep(Duration::from_secs(1));
    ExitCode::FAILURE
}
