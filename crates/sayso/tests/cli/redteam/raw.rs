//! Requests as an attacker words them, byte for byte: no client stands between that would mend,
//! follow or refuse something.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::server::{Server, json};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) text: String,
}

impl Answer {
    /// The first header of that name.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name));
        found.map(|(_, value)| &**value)
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// A refusal with that status and kind of problem, in these words among others.
    #[track_caller]
    pub(super) fn refused(&self, status: u16, kind: &str, words: &str) {
        assert_eq!(self.status, status, "{self:?}");
        let problem = self.json();
        assert_eq!(problem["type"], format!("/problems/{kind}"), "{self:?}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(words), "{words:?} is not in {detail:?}");
    }

    /// A page with that status that says this.
    #[track_caller]
    pub(super) fn page(&self, status: u16, words: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert!(self.text.contains(words), "{words:?} is not in {}", self.text);
    }
}

/// Sends these bytes and reads until the server closes.
pub(super) fn bytes(server: &Server, bytes: &[u8]) -> Vec<u8> {
    let mut stream = connect(server);
    // Who is refused early may find the door closed while still talking.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer
}

/// Sends a request; `Host`, `Content-Length` and `Connection` are added unless they are given.
pub(super) fn send(
    server: &Server,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    parse(&bytes(server, request(server, method, path, headers, body).as_bytes()))
}

/// The same, as somebody with that token, with a JSON body.
pub(super) fn call(server: &Server, token: &str, method: &str, path: &str, body: &Value) -> Answer {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", &*bearer), ("content-type", "application/json")];
    let body = if body.is_null() { String::new() } else { body.to_string() };
    send(server, method, path, &headers, &body)
}

/// Proposes as an agent; the escalation.
pub(super) fn propose(server: &Server, key: &str, body: &Value) -> Value {
    let answer = call(server, key, "POST", "/v1/escalations", body);
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()
}

/// The escalation as its agent sees it now.
pub(super) fn now(server: &Server, key: &str, escalation: &Value) -> Value {
    call(server, key, "GET", &address(escalation), &Value::Null).json()
}

/// Decides on what `escalation` shows.
pub(super) fn decide(server: &Server, token: &str, escalation: &Value, decision: &str) -> Answer {
    let path = format!("{}/decisions", address(escalation));
    let body = serde_json::json!({"decision": decision, "digest": escalation["digest"]});
    call(server, token, "POST", &path, &body)
}

pub(super) fn address(escalation: &Value) -> String {
    format!("/v1/escalations/{}", escalation["id"].as_str().unwrap())
}

/// A fresh login link's path.
pub(super) fn login_path(server: &Server, person: &str) -> String {
    let output = server.beside().args(["reviewer", "login", person, "--json"]).output().unwrap();
    let link = json(&output)["login_url"].as_str().unwrap().to_owned();
    link.trim_start_matches(&server.url).to_owned()
}

/// Logs a person in; the cookie that their browser sends from then on.
pub(super) fn log_in(server: &Server, person: &str) -> String {
    let answer = send(server, "POST", &login_path(server, person), &[], "");
    assert_eq!(answer.status, 303, "{answer:?}");
    cookie(&answer)
}

/// The cookie that an answer sets, as a browser sends it back.
pub(super) fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
}

/// The token that the forms of that session's pages carry.
pub(super) fn form_token(server: &Server, cookie: &str) -> String {
    let page = send(server, "GET", "/inbox", &[("cookie", cookie)], "");
    let (_, after) = page.text.split_once("name=\"token\" value=\"").unwrap();
    after.split('"').next().unwrap().to_owned()
}

/// A stream that is followed line by line.
pub(super) fn follow(
    server: &Server,
    path: &str,
    headers: &[(&str, &str)],
) -> impl Iterator<Item = String> + use<> {
    let mut stream = connect(server);
    let request = request(server, "GET", path, headers, "");
    stream.write_all(request.as_bytes()).unwrap();
    BufReader::new(stream).lines().map(Result::unwrap)
}

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(host(server)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn host(server: &Server) -> &str {
    server.url.trim_start_matches("http://")
}

fn request(
    server: &Server,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> String {
    let length = body.len().to_string();
    let usual = [("host", host(server)), ("content-length", &length), ("connection", "close")];
    let given = |name: &str| headers.iter().any(|(found, _)| found.eq_ignore_ascii_case(name));
    let added = usual.iter().filter(|(name, _)| !given(name));
    let mut lines = String::new();
    for (name, value) in headers.iter().chain(added) {
        lines += &format!("{name}: {value}\r\n");
    }
    format!("{method} {path} HTTP/1.1\r\n{lines}\r\n{body}")
}

pub(super) fn parse(bytes: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let status = status.and_then(|status| status.parse().ok());
    let headers = lines.filter_map(|line| line.split_once(": "));
    Answer {
        status: status.unwrap_or_else(|| panic!("no answer: {text:?}")),
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        text: body.to_owned(),
    }
}

/// Sends these bytes, says that there will be no more, and reads until the server closes.
pub(super) fn bytes_and_hang_up(server: &Server, bytes: &[u8]) -> Vec<u8> {
    let mut stream = connect(server);
    stream.write_all(bytes).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer
}
