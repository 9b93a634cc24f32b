//! The few calls that the lab makes to a Docker Engine, over its socket. HTTP/1.0, so that each answer ends with the connection.

use crate::error::TaskError;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// An engine, by the value that `DOCKER_HOST` has for it.
#[derive(Clone, Debug)]
pub(crate) struct EngineApi {
    host: String,
}

/// An answer: status and body.
struct Answer {
    status: u16,
    body: Vec<u8>,
}

impl EngineApi {
    /// An engine at `unix://PATH` or `tcp://HOST:PORT`.
    pub(crate) fn new(host: impl Into<String>) -> Self {
        Self { host: host.into() }
    }

    /// Whether an engine answers there. A socket file proves nothing, and neither does a client.
    pub(crate) fn answers(&self) -> bool {
        self.call("GET", "/_ping", None).is_ok_and(|answer| answer.status == 200)
    }

    /// Version of the engine and of its API, for a person.
    pub(crate) fn version(&self) -> Option<String> {
        let value = self.json("GET", "/version", None).ok()?;
        Some(format!("{} (API {})", value["Version"].as_str()?, value["ApiVersion"].as_str()?))
    }

    /// Ids of the containers with that label, running or not.
    pub(crate) fn containers(&self, label: (&str, &str)) -> Result<Vec<String>, TaskError> {
        self.ids(&format!("/containers/json?all=true&filters={}", label_filter(label)))
    }

    /// Ids of the images with that label.
    pub(crate) fn images(&self, label: (&str, &str)) -> Result<Vec<String>, TaskError> {
        self.ids(&format!("/images/json?filters={}", label_filter(label)))
    }

    /// Stops and removes a container; one that is gone is no error.
    pub(crate) fn remove_container(&self, id: &str) -> Result<(), TaskError> {
        self.call("DELETE", &format!("/containers/{id}?force=true&v=true"), None).map(drop)
    }

    /// Removes an image; one that is gone is no error.
    pub(crate) fn remove_image(&self, id: &str) -> Result<(), TaskError> {
        self.call("DELETE", &format!("/images/{id}?force=true"), None).map(drop)
    }

    /// Whether there is an image of that tag, and it has no label of that name.
    pub(crate) fn image_without_label(&self, tag: &str, label: &str) -> Result<bool, TaskError> {
        let answer = self.call("GET", &format!("/images/{tag}/json"), None)?;
        if answer.status == 404 {
            return Ok(false);
        }
        Ok(self.parse(&answer)?["Config"]["Labels"][label].is_null())
    }

    /// Loads an archive of images.
    pub(crate) fn load(&self, archive: &[u8]) -> Result<(), TaskError> {
        let answer = self.call("POST", "/images/load?quiet=true", Some(("application/x-tar", archive)))?;
        let said = String::from_utf8_lossy(&answer.body);
        if answer.status != 200 || said.contains("\"error\"") {
            return Err(TaskError::failed(format!("the engine does not load the image: {}", said.trim())));
        }
        Ok(())
    }

    /// Runs a container to its end and returns what it wrote.
    pub(crate) fn run(&self, body: &Value) -> Result<Vec<u8>, TaskError> {
        let created = self.json("POST", "/containers/create", Some(body))?;
        let id = created["Id"].as_str().unwrap_or_default().to_owned();
        let ran = self.start_and_read(&id);
        let removed = self.remove_container(&id);
        ran.and_then(|output| removed.map(|()| output))
    }

    fn start_and_read(&self, id: &str) -> Result<Vec<u8>, TaskError> {
        let started = self.call("POST", &format!("/containers/{id}/start"), None)?;
        if started.status >= 300 {
            return Err(self.refused(&started));
        }
        self.json("POST", &format!("/containers/{id}/wait"), None)?;
        Ok(self.call("GET", &format!("/containers/{id}/logs?stdout=true&stderr=true"), None)?.body)
    }

    fn ids(&self, path: &str) -> Result<Vec<String>, TaskError> {
        let list = self.json("GET", path, None)?;
        let rows = list.as_array().map(Vec::as_slice).unwrap_or_default();
        Ok(rows.iter().filter_map(|row| row["Id"].as_str()).map(str::to_owned).collect())
    }

    fn json(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, TaskError> {
        let text = body.map(Value::to_string);
        let answer = self.call(method, path, text.as_ref().map(|text| ("application/json", text.as_bytes())))?;
        if answer.status >= 300 {
            return Err(self.refused(&answer));
        }
        self.parse(&answer)
    }

    fn parse(&self, answer: &Answer) -> Result<Value, TaskError> {
        serde_json::from_slice(&answer.body)
            .map_err(|error| TaskError::failed(format!("the engine at {} answers no JSON: {error}", self.host)))
    }

    fn refused(&self, answer: &Answer) -> TaskError {
        TaskError::failed(format!(
            "the engine at {} refuses ({}): {}",
            self.host,
            answer.status,
            String::from_utf8_lossy(&answer.body).trim()
        ))
    }

    fn call(&self, method: &str, path: &str, body: Option<(&str, &[u8])>) -> Result<Answer, TaskError> {
        let patience = Some(Duration::from_mins(2));
        let broken = |error: std::io::Error| TaskError::failed(format!("no Docker Engine answers at {}: {error}", self.host));
        let (kind, bytes) = body.unwrap_or(("application/json", b""));
        let head = format!("{method} {path} HTTP/1.0\r\nHost: docker\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n", bytes.len());
        let exchange = |stream: &mut dyn ReadWrite| {
            stream.write_all(head.as_bytes())?;
            stream.write_all(bytes)?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).map(|_| answer)
        };
        let raw = if let Some(path) = self.host.strip_prefix("unix://") {
            let mut stream = UnixStream::connect(path).map_err(broken)?;
            stream.set_read_timeout(patience).map_err(broken)?;
            exchange(&mut stream)
        } else if let Some(address) = self.host.strip_prefix("tcp://") {
            let mut stream = TcpStream::connect(address).map_err(broken)?;
            stream.set_read_timeout(patience).map_err(broken)?;
            exchange(&mut stream)
        } else {
            return Err(TaskError::missing(
                format!("the lab cannot use the engine at `{}`", self.host),
                &["set DOCKER_HOST to `unix://…` or `tcp://…` without TLS, or unset it"],
            ));
        };
        split(&raw.map_err(broken)?).ok_or_else(|| TaskError::failed(format!("what answers at {} is no Docker Engine", self.host)))
    }
}

trait ReadWrite: Read + Write {}
impl<T: Read + Write> ReadWrite for T {}

fn split(raw: &[u8]) -> Option<Answer> {
    let end = raw.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&raw[..end]).ok()?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, body: raw[end + 4..].to_vec() })
}

/// `{"label":["NAME=VALUE"]}`, encoded for a query. Name and value are the lab's own: letters, digits, points.
fn label_filter((name, value): (&str, &str)) -> String {
    format!("%7B%22label%22%3A%5B%22{name}%3D{value}%22%5D%7D")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_split_into_status_and_body() {
        let answer = split(b"HTTP/1.0 404 Not Found\r\nA: b\r\n\r\n{}").unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (404, b"{}".as_slice()));
        assert!(split(b"SSH-2.0").is_none());
    }
}
