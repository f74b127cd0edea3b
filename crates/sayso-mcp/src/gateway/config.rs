//! Which servers stand behind the gateway: the usual `mcpServers` file.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue};
use reqwest::Url;
use serde::Deserialize;

/// The servers behind a gateway.
#[derive(Clone, Debug)]
pub struct Config {
    /// By name, which tells their tools apart where two have one of the same name.
    pub(crate) servers: BTreeMap<String, ServerConfig>,
}

/// How one of them is reached.
#[derive(Clone, Debug)]
pub(crate) enum ServerConfig {
    /// A process of ours, spoken to on its standard input and output.
    Process {
        command: String,
        args: Vec<String>,
        env: BTreeMap<String, String>,
        cwd: Option<String>,
    },
    /// A server elsewhere, spoken to by streamable HTTP with these headers, which the client never
    /// sees.
    Remote { url: Url, headers: HeaderMap },
}

/// Why a file names no servers to stand in front of.
#[derive(Debug, thiserror::Error)]
pub enum BadConfig {
    /// Not the JSON that was expected.
    #[error("not a file of MCP servers: {0}")]
    Shape(#[from] serde_json::Error),
    /// Nobody to stand in front of.
    #[error("`mcpServers` names no server")]
    Empty,
    /// No way to reach it, or two.
    #[error("`mcpServers.{0}` needs either a `command` to start or a `url` to speak to")]
    NoWay(String),
    /// A transport that is no more.
    #[error("`mcpServers.{0}.type`: {1:?} is not spoken here; say \"stdio\" or \"http\"")]
    Type(String, String),
    /// Not an address that HTTP can be spoken to.
    #[error("`mcpServers.{0}.url` must begin with http:// or https://")]
    Url(String),
    /// A header that can't be sent.
    #[error("`mcpServers.{0}.headers.{1}` is no header that can be sent")]
    Header(String, String),
    /// A name that could not stand before a tool's.
    #[error("`mcpServers.{0}`: a name has 1 to 32 of a-z, A-Z, 0-9, `-` and `_`, and no `__`")]
    Name(String),
}

/// A file, as it is written.
#[derive(Deserialize)]
struct File {
    #[serde(rename = "mcpServers")]
    servers: BTreeMap<String, Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "type")]
    kind: Option<String>,
    command: Option<String>,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    cwd: Option<String>,
    url: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

impl Config {
    /// Reads a file's text.
    pub fn parse(text: &str) -> Result<Self, BadConfig> {
        let file: File = serde_json::from_str(text)?;
        if file.servers.is_empty() {
            return Err(BadConfig::Empty);
        }
        let read = |(name, entry): (String, Entry)| {
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            if !(1..=32).contains(&name.len()) || !name.chars().all(plain) || name.contains("__") {
                return Err(BadConfig::Name(name));
            }
            let config = entry.read(&name)?;
            Ok((name, config))
        };
        let servers = file.servers.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(Self { servers })
    }
}

impl Entry {
    fn read(self, name: &str) -> Result<ServerConfig, BadConfig> {
        let Self { kind, command, args, env, cwd, url, headers } = self;
        match kind.as_deref() {
            None | Some("stdio" | "http" | "streamable-http" | "streamableHttp") => {}
            Some(other) => return Err(BadConfig::Type(name.to_owned(), other.to_owned())),
        }
        match (command, url) {
            (Some(command), None) => Ok(ServerConfig::Process { command, args, env, cwd }),
            (None, Some(url)) => {
                let url = Url::parse(&url).ok().filter(|url| url.scheme().starts_with("http"));
                let url = url.ok_or_else(|| BadConfig::Url(name.to_owned()))?;
                let read = |(header, value): (String, String)| {
                    let read = HeaderName::try_from(&header).ok();
                    let read = read.zip(HeaderValue::try_from(value).ok());
                    read.ok_or_else(|| BadConfig::Header(name.to_owned(), header))
                };
                let headers = headers.into_iter().map(read).collect::<Result<_, _>>()?;
                Ok(ServerConfig::Remote { url, headers })
            }
            _ => Err(BadConfig::NoWay(name.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_file_is_read_and_what_else_stands_in_it_is_left_alone() {
        let text = r#"{"mcpServers": {"git": {"command": "g", "args": ["-r", "."], "type": "stdio"}},
                       "other": 1}"#;
        let config = Config::parse(text).unwrap();
        let ServerConfig::Process { args, .. } = &config.servers["git"] else {
            panic!("a process")
        };
        assert_eq!(args, &["-r", "."]);
    }

    #[test]
    fn a_server_elsewhere_has_an_address_and_headers() {
        let text = r#"{"mcpServers": {"far": {"type": "http", "url": "https://x.example/mcp",
                       "headers": {"Authorization": "Bearer t"}}}}"#;
        let config = Config::parse(text).unwrap();
        let ServerConfig::Remote { url, headers } = &config.servers["far"] else { panic!("far") };
        assert_eq!(
            (url.as_str(), &headers["authorization"]),
            ("https://x.example/mcp", &HeaderValue::from_static("Bearer t"),)
        );
    }

    #[test]
    fn mistakes_are_told_by_name() {
        for (text, says) in [
            ("{", "not a file of MCP servers"),
            ("{}", "mcpServers"),
            (r#"{"mcpServers": {}}"#, "names no server"),
            (r#"{"mcpServers": {"a": {}}}"#, "`mcpServers.a` needs either"),
            (
                r#"{"mcpServers": {"a": {"command": "c", "url": "http://x"}}}"#,
                "`mcpServers.a` needs",
            ),
            (r#"{"mcpServers": {"a": {"url": "ftp://x"}}}"#, "`mcpServers.a.url`"),
            (r#"{"mcpServers": {"a": {"url": "http://x", "type": "sse"}}}"#, "`mcpServers.a.type`"),
            (
                r#"{"mcpServers": {"a": {"url": "http://x", "headers": {"a b": "c"}}}}"#,
                "`mcpServers.a.headers.a b`",
            ),
            (r#"{"mcpServers": {"a__b": {"command": "x"}}}"#, "`mcpServers.a__b`"),
        ] {
            let error = Config::parse(text).unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
