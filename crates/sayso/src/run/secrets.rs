//! Secrets for approved commands: named in a file, shown to people by name, read only once the
//! permit has been used.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use sayso_client::wire::Action;
use serde::Deserialize;
use serde_json::Value;

/// The member of the action's arguments that names them.
const MEMBER: &str = "secrets";

/// The file: where each secret comes from, by the environment variable it goes into.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Secrets {
    #[serde(default)]
    secret: BTreeMap<String, Source>,
}

/// Where a secret comes from.
#[derive(Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields, expecting = "write file = \"…\" or command = [\"…\"]")]
enum Source {
    /// What a file holds.
    File { file: PathBuf },
    /// What a command prints.
    Command { command: Vec<String> },
}

impl Secrets {
    /// Reads the file; without one there are none.
    pub(super) fn open(file: Option<&Path>) -> anyhow::Result<Self> {
        let Some(file) = file else { return Ok(Self::default()) };
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("can't read the secrets' file {}", file.display()))?;
        let secrets: Self =
            toml::from_str(&text).with_context(|| format!("{} is not in order", file.display()))?;
        let odd = |name: &&String| name.is_empty() || name.contains(['=', '\0']);
        match secrets.secret.keys().find(odd) {
            Some(odd) => bail!("{}: {odd:?} can't be a variable's name", file.display()),
            None => Ok(secrets),
        }
    }

    /// Refuses names that the file does not have, before anybody is asked.
    pub(super) fn check(&self, names: &[String]) -> anyhow::Result<()> {
        match names.iter().find(|name| !self.secret.contains_key(*name)) {
            Some(unknown) => {
                bail!("--secret {unknown}: the file given by --secrets has none so named")
            }
            None => Ok(()),
        }
    }

    /// The secrets that an approved action names. Its permit must have been used up.
    pub(super) fn release(&self, action: &Action) -> anyhow::Result<Vec<(String, String)>> {
        let names = named(action)?;
        self.check(&names)?;
        let read = |name: String| {
            let value = self.secret[&name].read().with_context(|| format!("secret {name}"))?;
            Ok((name, value))
        };
        names.into_iter().map(read).collect()
    }
}

/// The names that an action asks for.
pub(super) fn named(action: &Action) -> anyhow::Result<Vec<String>> {
    let odd = || anyhow::anyhow!("the approved action is odd: `{MEMBER}` must be a list of names");
    match action.arguments.get(MEMBER) {
        None => Ok(Vec::new()),
        Some(Value::Array(names)) => {
            let names = names.iter().map(|name| name.as_str().map(str::to_owned));
            names.collect::<Option<_>>().ok_or_else(odd)
        }
        Some(_) => Err(odd()),
    }
}

impl Source {
    /// Its value, without the line break at its end.
    fn read(&self) -> anyhow::Result<String> {
        let text = match self {
            Self::File { file } => std::fs::read_to_string(file)
                .with_context(|| format!("can't read {}", file.display()))?,
            Self::Command { command } => {
                let Some((program, arguments)) = command.split_first() else {
                    bail!("its command is empty");
                };
                let output = Command::new(program).args(arguments).output();
                let output = output.with_context(|| format!("can't run {program}"))?;
                if !output.status.success() {
                    bail!("{program} ended with {}", output.status);
                }
                String::from_utf8(output.stdout).context("it is not UTF-8")?
            }
        };
        let text = text.strip_suffix('\n').unwrap_or(&text);
        Ok(text.strip_suffix('\r').unwrap_or(text).to_owned())
    }
}
