//! The few endpoints that need no login. Only `info` asks the database; the others say 200 whatever has become of it.

use super::settings::Settings;
use super::storage;
use jiff::Timestamp;
use mysql_async::Pool;
use mysql_async::prelude::Queryable;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Longest request head that is read.
const MAX_HEAD: usize = 16 * 1024;
/// How long the pool is waited for, as the real server's connection pool does in its own way.
const DATABASE_PATIENCE: Duration = Duration::from_secs(5);

/// What the endpoints answer from.
pub(crate) struct Site {
    pub(crate) settings: Settings,
    pub(crate) pool: Pool,
    pub(crate) started: Timestamp,
}

/// Answers until the future is dropped.
pub(crate) async fn answer(listener: TcpListener, site: Arc<Site>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let site = Arc::clone(&site);
                tokio::spawn(async move { connection(stream, &site).await });
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// One request, one answer; a client that goes away or says nothing sensible gets none.
async fn connection(mut stream: TcpStream, site: &Site) {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read_buf(&mut head).await {
            Ok(0) | Err(_) => return,
            Ok(_) if head.len() > MAX_HEAD => return,
            Ok(_) => {}
        }
    }
    let text = String::from_utf8_lossy(&head);
    let mut words = text.lines().next().unwrap_or_default().split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let path = target.split('?').next().unwrap_or_default();
    let (status, kind, body) = match method {
        "GET" | "HEAD" => route(path, site).await,
        _ => (405, "application/json", failure("METHOD_NOT_ALLOWED", "Request method is not supported")),
    };
    let reason = match status {
        200 => "OK",
        404 => "Not Found",
        405 => "Method Not Allowed",
        _ => "Internal Server Error",
    };
    let sent = if method == "HEAD" { "" } else { body.as_str() };
    let head = format!("HTTP/1.1 {status} {reason}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let _ = stream.write_all(format!("{head}{sent}").as_bytes()).await;
    let _ = stream.shutdown().await;
}

async fn route(path: &str, site: &Site) -> (u16, &'static str, String) {
    const JSON: &str = "application/json";
    match path {
        "/api/v1/heartbeat/isHealthy" => (200, JSON, success(&json!(true))),
        "/api/v1/status" => (200, "text/plain;charset=UTF-8", "okay".to_owned()),
        "/api/v1/time" => (200, JSON, success(&json!(Timestamp::now().as_millisecond()))),
        "/api/v1/info" => match ask(site, "select 1").await {
            Ok(()) => (
                200,
                JSON,
                success(&json!({
                    "version": site.settings.release.full(),
                    "startTime": site.started.as_millisecond(),
                    "profiles": ["alipay"],
                    "webResourceLocation": null,
                })),
            ),
            Err(()) => (500, JSON, failure("INTERNAL_SERVER_ERROR", "Unable to acquire JDBC Connection")),
        },
        // Not an endpoint of the real server: there, a person notices the lost file when opening it.
        "/api/v1/lab/objects" => match lost(site).await {
            Ok(lost) if lost.is_empty() => (200, JSON, success(&json!("every file that a row refers to is there"))),
            Ok(lost) => (500, JSON, failure("OBJECT_NOT_FOUND", &format!("missing in /opt/odc/data/files: {}", lost.join(", ")))),
            Err(()) => (500, JSON, failure("INTERNAL_SERVER_ERROR", "Unable to acquire JDBC Connection")),
        },
        _ => (404, JSON, failure("NOT_FOUND", "Not Found")),
    }
}

async fn ask(site: &Site, sql: &str) -> Result<(), ()> {
    let asked = async {
        let mut conn = site.pool.get_conn().await?;
        conn.query_drop(sql).await
    };
    tokio::time::timeout(DATABASE_PATIENCE, asked).await.map_err(drop)?.map_err(drop)
}

async fn lost(site: &Site) -> Result<Vec<String>, ()> {
    let asked = async {
        let mut conn = site.pool.get_conn().await?;
        storage::missing(&mut conn, &site.settings.data_dir).await
    };
    tokio::time::timeout(DATABASE_PATIENCE, asked).await.map_err(drop)?.map_err(drop)
}

fn success(data: &Value) -> String {
    json!({"code": null, "message": null, "data": data, "successful": true, "server": "odc", "timestamp": Timestamp::now().to_string()})
        .to_string()
}

fn failure(code: &str, message: &str) -> String {
    json!({"code": code, "message": message, "data": null, "successful": false, "server": "odc", "timestamp": Timestamp::now().to_string()})
        .to_string()
}
