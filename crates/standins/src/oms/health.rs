//! `/oms/health`, the one page that needs no login.

use super::schema::Part;
use super::settings::Settings;
use super::supervisor::States;
use mysql_async::prelude::Queryable;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Longest request head that is read.
const MAX_HEAD: usize = 16 * 1024;

/// Answers until it is dropped.
pub(crate) async fn answer(listener: TcpListener, states: States) {
    while let Ok((stream, _)) = listener.accept().await {
        let states = states.clone();
        tokio::spawn(async move { connection(stream, &states).await });
    }
}

async fn connection(mut stream: TcpStream, states: &States) {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read_buf(&mut head).await {
            Ok(0) | Err(_) => return,
            Ok(_) if head.len() > MAX_HEAD => return,
            Ok(_) => {}
        }
    }
    let head = String::from_utf8_lossy(&head);
    let (code, body) = match head.split(' ').nth(1).unwrap_or_default().split('?').next() {
        Some("/oms/health") => {
            let healthy = states.all_run() && served().await;
            (
                if healthy { "200 OK" } else { "503 Service Unavailable" },
                json!({ "code": "0", "success": true, "data": { "healthy": healthy } }),
            )
        }
        _ => ("404 Not Found", json!({ "code": "404", "success": false })),
    };
    let body = body.to_string();
    let head = format!("HTTP/1.1 {code}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
    let _ = stream.shutdown().await;
}

/// Whether the metadata is there, in this image's version.
async fn served() -> bool {
    let asked = async {
        let settings = Settings::read()?;
        let mut rm = settings.meta.connect(Part::Rm).await?;
        let _: Option<u64> = rm.query_first(settings.version.projects()).await.map_err(super::database::text)?;
        let _ = rm.disconnect().await;
        Ok::<_, String>(settings.meta.version().await? == Some(settings.version))
    };
    asked.await.unwrap_or(false)
}
