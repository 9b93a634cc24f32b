//! The `http` actions against a server that says what a test wants.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use crate::sandbox::Sandbox;

/// A server that gives these answers, one a connection, and tells what it was asked.
struct Server {
    address: String,
    requests: Receiver<String>,
}

impl Server {
    fn start(answers: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let answers: Vec<String> = answers.iter().map(|answer| (*answer).to_owned()).collect();
        let (tell, requests) = channel();
        std::thread::spawn(move || {
            for answer in answers {
                let Ok((stream, _)) = listener.accept() else { return };
                let mut reader = BufReader::new(stream);
                let mut request = String::new();
                let mut length = 0;
                loop {
                    let mut line = String::new();
                    if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
                        break;
                    }
                    if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                        length = value.trim().parse().unwrap_or(0);
                    }
                    request.push_str(&line);
                }
                let mut body = vec![0; length];
                let _ = reader.read_exact(&mut body);
                request.push_str(&String::from_utf8_lossy(&body));
                let _ = tell.send(request);
                let _ = reader.get_mut().write_all(answer.as_bytes());
            }
        });
        Self { address, requests }
    }
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}Connection: close\r\n\r\n{body}", body.len())
}

fn runbook(server: &Server, lines: &str) -> String {
    format!("format = 1\nname = \"web\"\n\n[[step]]\nid = \"call\"\n{}\n", lines.replace('@', &server.address))
}

#[test]
fn a_json_answer_can_be_looked_into() {
    let server = Server::start(&[&answer("200 OK", "X-Kind: a\r\nSet-Cookie: session=1\r\n", r#"{"data":{"version":"4.3.4-20250508"}}"#)]);
    let text = runbook(
        &server,
        "http.get = { url = \"http://@/api/v1/info\" }\nexpect = [\"eq status 200\", \"version_prefix body.data.version '4.3.4'\", \"eq headers.x-kind 'a'\"]",
    );
    let (_, _) = Sandbox::new().file("a.toml", text).run(["exec", "a.toml"]).only_code(0);
    assert!(server.requests.recv().expect("a request").starts_with("GET /api/v1/info HTTP/1.1\r\n"));
}

#[test]
fn a_service_that_is_starting_is_asked_again() {
    let busy = answer("503 Service Unavailable", "", "starting");
    let server = Server::start(&[&busy, &busy, &answer("200 OK", "", "okay")]);
    let text = runbook(
        &server,
        "http.get = { url = \"http://@/status\" }\nretry = { every = \"10ms\", for = \"1m\" }\nexpect = [\"eq text 'okay'\"]",
    );
    let (stdout, _) = Sandbox::new().file("a.toml", text).run(["exec", "a.toml"]).only_code(0);
    assert!(stdout.contains("3 tries"), "{stdout}");
}

#[test]
fn an_error_shows_the_services_own_words() {
    let server = Server::start(&[&answer("500 Internal Server Error", "", "Unable to acquire JDBC Connection\u{1b}[31m")]);
    let (_, stderr) =
        Sandbox::new().file("a.toml", runbook(&server, "http.get = { url = \"http://@/info\" }")).run(["exec", "a.toml"]).only_code(1);
    assert!(stderr.contains("answered 500 Internal Server Error"), "{stderr}");
    assert!(stderr.contains("    > Unable to acquire JDBC Connection\\u{1b}[31m\n"), "{stderr}");
}

#[test]
fn a_redirect_is_not_followed() {
    let server = Server::start(&[&answer("302 Found", "Location: http://192.0.2.1/\r\n", "")]);
    let text =
        runbook(&server, "http.get = { url = \"http://@/\" }\nexpect = [\"eq status 302\", \"eq headers.location 'http://192.0.2.1/'\"]");
    Sandbox::new().file("a.toml", text).run(["exec", "a.toml"]).only_code(0);
}

#[test]
fn a_body_is_sent_as_json() {
    let server = Server::start(&[&answer("201 Created", "", "{}")]);
    let text = runbook(
        &server,
        "http.post = { url = \"http://@/mode\", json = { on = true, why = \"{{run.id}}\" }, headers = { X-Token = \"t\" } }\nleaves = \"a mode\"",
    );
    Sandbox::new().file("a.toml", text).run(["exec", "a.toml"]).only_code(0);
    let request = server.requests.recv().expect("a request");
    assert!(request.starts_with("POST /mode HTTP/1.1\r\n"), "{request}");
    assert!(
        request.to_lowercase().contains("content-type: application/json\r\n") && request.contains(r#"{"on":true,"why":"20"#),
        "{request}"
    );
}

#[test]
fn an_answer_that_breaks_off_is_a_lost_connection() {
    let server = Server::start(&["HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"]);
    let (_, stderr) =
        Sandbox::new().file("a.toml", runbook(&server, "http.get = { url = \"http://@/\" }")).run(["exec", "a.toml"]).only_code(1);
    assert!(stderr.contains("error[RB509]") && stderr.contains("broke off its answer"), "{stderr}");
}

#[test]
fn half_a_secret_is_not_shown_where_an_errors_words_are_cut() {
    const TOKEN: &str = "correct-horse-battery-staple-0123456789";
    // Wherever the shown words end, they end behind or before the whole token.
    for before in [380, 1000] {
        let server = Server::start(&[&answer("500 Internal Server Error", "", &format!("{}{TOKEN} is unknown", "x".repeat(before)))]);
        let lines = "http.get = { url = \"http://@/info\", headers = { X-Token = \"{{vars.token}}\" } }";
        let text = format!("{}\n[vars.token]\ntype = \"string\"\nsecret = true\n", runbook(&server, lines));
        let (_, stderr) = Sandbox::new().file("a.toml", text).env("RUNBOOK_VAR_TOKEN", TOKEN).run(["exec", "a.toml"]).only_code(1);
        assert!(stderr.contains("xxx") && !stderr.contains(&TOKEN[..4]), "{stderr}");
    }
}
