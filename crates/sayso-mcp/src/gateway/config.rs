//! Which servers stand behind the gateway: the usual `mcpServers` file.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The servers behind a gateway.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    /// By name, which tells their tools apart where two have one of the same name.
    #[serde(rename = "mcpServers")]
    pub(crate) servers: BTreeMap<String, ServerConfig>,
}

/// How one of them is started.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ServerConfig {
    pub(crate) command: Option<String>,
    #[serde(default)]
    pub(crate) args: Vec<String>,
    #[serde(default)]
    pub(crate) env: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) cwd: Option<String>,
    #[serde(default)]
    pub(crate) url: Option<String>,
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
    /// No way to start it.
    #[error("`mcpServers.{0}` needs a `command`; servers at a `url` are not supported yet")]
    NoCommand(String),
    /// A name that could not stand before a tool's.
    #[error("`mcpServers.{0}`: a name has 1 to 32 of a-z, A-Z, 0-9, `-` and `_`, and no `__`")]
    Name(String),
}

impl Config {
    /// Reads a file's text.
    pub fn parse(text: &str) -> Result<Self, BadConfig> {
        let config: Self = serde_json::from_str(text)?;
        if config.servers.is_empty() {
            return Err(BadConfig::Empty);
        }
        for (name, server) in &config.servers {
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            if !(1..=32).contains(&name.len()) || !name.chars().all(plain) || name.contains("__") {
                return Err(BadConfig::Name(name.clone()));
            }
            if server.command.is_none() || server.url.is_some() {
                return Err(BadConfig::NoCommand(name.clone()));
            }
        }
        Ok(config)
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
        assert_eq!(config.servers["git"].args, ["-r", "."]);
    }

    #[test]
    fn mistakes_are_told_by_name() {
        for (text, says) in [
            ("{", "not a file of MCP servers"),
            ("{}", "mcpServers"),
            (r#"{"mcpServers": {}}"#, "names no server"),
            (r#"{"mcpServers": {"a": {"url": "http://x"}}}"#, "`mcpServers.a`"),
            (r#"{"mcpServers": {"a__b": {"command": "x"}}}"#, "`mcpServers.a__b`"),
        ] {
            let error = Config::parse(text).unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
