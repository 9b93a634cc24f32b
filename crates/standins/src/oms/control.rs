//! `supervisorctl`: asks process 1 over a socket of the container's own, and prints what it answers.

use std::process::ExitCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

/// Where process 1 listens, as the real one does.
pub(crate) const SOCKET: &str = "/var/run/supervisor.sock";

/// One question: `status`, or `start|stop|restart NAME`. The first byte of the answer is the exit code.
pub(crate) async fn ask() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let line = if words.is_empty() { "status".to_owned() } else { words.join(" ") };
    match answer(&line).await {
        Ok((code, text)) => {
            print!("{text}");
            ExitCode::from(code)
        }
        Err(error) => {
            println!("unix://{SOCKET} refused connection: {error}");
            ExitCode::from(4)
        }
    }
}

/// The exit code and the text.
pub(crate) async fn answer(line: &str) -> std::io::Result<(u8, String)> {
    let mut stream = UnixStream::connect(SOCKET).await?;
    stream.write_all(format!("{line}\n").as_bytes()).await?;
    let mut text = Vec::new();
    stream.read_to_end(&mut text).await?;
    match text.split_first() {
        Some((code, rest)) => Ok((*code, String::from_utf8_lossy(rest).into_owned())),
        None => Err(std::io::ErrorKind::UnexpectedEof.into()),
    }
}
