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
    /// A variable that is not set.
    #[error("`mcpServers.{0}` names ${{{1}}}, which is not set; set it, or write ${{{1}:-…}}")]
    Unset(String, String),
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
    /// Reads a file's text. `${NAME}` in it stands for a variable of the environment, so that
    /// secrets need not be written down, and `${NAME:-else}` for something else where it is not set.
    pub fn parse(
        text: &str,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, BadConfig> {
        let file: File = serde_json::from_str(text)?;
        if file.servers.is_empty() {
            return Err(BadConfig::Empty);
        }
        let read = |(name, entry): (String, Entry)| {
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            if !(1..=32).contains(&name.len()) || !name.chars().all(plain) || name.contains("__") {
                return Err(BadConfig::Name(name));
            }
            let config = match entry.expanded(&environment) {
                Ok(entry) => entry.read(&name)?,
                Err(variable) => return Err(BadConfig::Unset(name, variable)),
            };
            Ok((name, config))
        };
        let servers = file.servers.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(Self { servers })
    }
}

impl Entry {
    /// The same, with the environment's values in it; an error is the variable that is not set.
    fn expanded(self, environment: &impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let one = |text: String| expanded(&text, environment);
        let values = |map: BTreeMap<String, String>| -> Result<_, String> {
            map.into_iter().map(|(name, value)| Ok((name, one(value)?))).collect()
        };
        Ok(Self {
            kind: self.kind,
            command: self.command.map(one).transpose()?,
            args: self.args.into_iter().map(one).collect::<Result<_, _>>()?,
            env: values(self.env)?,
            cwd: self.cwd.map(one).transpose()?,
            url: self.url.map(one).transpose()?,
            headers: values(self.headers)?,
        })
    }

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

/// A text in which variables are replaced by what they stand for. What is no plain variable is left
/// as it is: a shell may want it.
fn expanded(text: &str, environment: &impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut done = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        done.push_str(before);
        let (inner, next) = after.split_once('}').unwrap_or((after, ""));
        let (name, fallback) = match inner.split_once(":-") {
            Some((name, fallback)) => (name, Some(fallback)),
            None => (inner, None),
        };
        let name = name.strip_prefix("env:").unwrap_or(name);
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let is_name = !name.is_empty() && name.chars().all(is_plain);
        if !is_name || !after.contains('}') {
            done.push_str("${");
            rest = after;
            continue;
        }
        let value = environment(name).or_else(|| fallback.map(str::to_owned));
        done.push_str(&value.ok_or_else(|| name.to_owned())?);
        rest = next;
    }
    done.push_str(rest);
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, BadConfig> {
        Config::parse(text, |name| (name == "KEY").then(|| "k3y${KEY}".into()))
    }

    #[test]
    fn variables_stand_for_what_they_are_and_only_those() {
        for (text, becomes) in [
            ("Bearer ${KEY}!", "Bearer k3y${KEY}!"),
            ("${env:KEY}", "k3y${KEY}"),
            ("${NONE:-a b}${NONE:-}", "a b"),
            ("echo ${X#y} $KEY ${", "echo ${X#y} $KEY ${"),
        ] {
            let file = serde_json::json!({"mcpServers": {"a": {"command": "c", "args": [text]}}});
            let config = parse(&file.to_string()).unwrap();
            let ServerConfig::Process { args, .. } = &config.servers["a"] else { panic!() };
            assert_eq!(args, &[becomes]);
        }
    }

    #[test]
    fn the_usual_file_is_read_and_what_else_stands_in_it_is_left_alone() {
        let text = r#"{"mcpServers": {"git": {"command": "g", "args": ["-r", "."], "type": "stdio"}},
                       "other": 1}"#;
        let config = parse(text).unwrap();
        let ServerConfig::Process { args, .. } = &config.servers["git"] else {
            panic!("a process")
        };
        assert_eq!(args, &["-r", "."]);
    }

    #[test]
    fn a_server_elsewhere_has_an_address_and_headers() {
        let text = r#"{"mcpServers": {"far": {"type": "http", "url": "https://x.example/mcp",
                       "headers": {"Authorization": "Bearer t"}}}}"#;
        let config = parse(text).unwrap();
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
            (r#"{"mcpServers": {"a": {"command": "${NONE}"}}}"#, "${NONE}, which is not set"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
