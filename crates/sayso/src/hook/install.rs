//! `sayso hook install NAME`: writes the harness's settings.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde_json::json;

use super::ours;
use super::settings::Scope;
use crate::cli::{Common, Install};
use crate::exit::Exit;
use crate::output::{json as print_json, say};

pub(super) fn run(common: &Common, install: &Install) -> anyhow::Result<Exit> {
    let harness = install.harness;
    let mut servers = install.sayso_server.clone();
    servers.extend(ours::servers(harness, Path::new("."), home().ok().as_deref()));
    servers.sort();
    servers.dedup();
    let command = command(install, &servers)?;
    let file = match &install.file {
        Some(file) => file.clone(),
        None if install.user => harness.settings(&home()?, Scope::User),
        None => harness.settings(Path::new("."), Scope::Project),
    };
    let text = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(error) => {
            return Err(error).with_context(|| format!("can't read {}", file.display()));
        }
    };
    let text = harness
        .with_hook(&text, &command)
        .with_context(|| format!("{} was left as it is", file.display()))?;
    write(&file, &text)?;
    if common.json {
        let said = json!({"harness": harness.word(), "file": file, "command": command,
                          "asks_by_itself": servers, "gap": harness.gap()});
        print_json(&said)?;
        return Ok(Exit::Done);
    }
    say!("{} now asks Sayso before each tool: {}", harness.title(), file.display());
    if let Some(gap) = harness.gap() {
        say!("{gap}");
    }
    if !servers.is_empty() {
        let servers = servers.join(", ");
        say!("It leaves {servers} alone, which is Sayso itself and asks for its own calls.");
    }
    say!("It needs SAYSO_URL and SAYSO_TOKEN (an agent's key) in its environment.");
    say!("Check it with: sayso doctor");
    Ok(Exit::Done)
}

/// The home folder.
pub(super) fn home() -> anyhow::Result<PathBuf> {
    match std::env::var_os("HOME").filter(|home| !home.is_empty()) {
        Some(home) => Ok(home.into()),
        None => bail!("there is no home folder; say which file with --file"),
    }
}

/// The command as a shell reads it. With its whole path: a harness that can't find it lets tools
/// run.
fn command(install: &Install, servers: &[String]) -> anyhow::Result<String> {
    let harness = install.harness;
    let program = std::env::current_exe().context("can't tell where sayso is")?;
    let Some(program) = program.to_str() else { bail!("the path of sayso is not UTF-8") };
    let mut command = format!("{} hook {}", quoted(program), harness.word());
    for server in servers {
        command.push_str(&leaves(server));
    }
    if install.defer {
        if !harness.defers() {
            bail!("{} can't put calls aside: leave --defer out", harness.title());
        }
        command.push_str(" --defer");
    }
    Ok(command)
}

/// How a hook's command says that a server asks by itself.
pub(super) fn leaves(server: &str) -> String {
    format!(" --sayso-server {}", quoted(server))
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// Writes the whole file or nothing.
fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    let wrong = || format!("can't write {}", file.display());
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    fs::create_dir_all(folder).with_context(wrong)?;
    let mut beside = tempfile::NamedTempFile::new_in(folder).with_context(wrong)?;
    std::io::Write::write_all(&mut beside, text.as_bytes()).with_context(wrong)?;
    let usual = fs::metadata(file).map_or_else(
        |_| std::os::unix::fs::PermissionsExt::from_mode(0o644),
        |known| known.permissions(),
    );
    beside.as_file().set_permissions(usual).with_context(wrong)?;
    beside.persist(file).with_context(wrong)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_reach_the_shell_as_they_are() {
        assert_eq!(quoted("/usr/bin/sayso"), "/usr/bin/sayso");
        assert_eq!(quoted("my server"), "'my server'");
        assert_eq!(quoted("it's; rm"), r"'it'\''s; rm'");
    }
}
