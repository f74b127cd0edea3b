//! Which of a harness's MCP servers are Sayso itself: those ask for their own calls, so the hook
//! leaves them alone and one call is one escalation.

use std::path::{Path, PathBuf};

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::CstRootNode;
use serde_json::Value;

use super::Harness;

/// The names of these servers in what a project's folder and the home folder configure. What can't
/// be read names none: the worst that comes of it is that people are asked twice.
pub(super) fn servers(harness: Harness, project: &Path, home: Option<&Path>) -> Vec<String> {
    let mut names: Vec<String> = files(harness, project, home)
        .iter()
        .filter_map(|file| read(file))
        .flat_map(|settings| named(&settings, project))
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Where a harness is told of MCP servers. Cursor does not tell its hooks whose tool it is, so
/// there it is of no use to know.
fn files(harness: Harness, project: &Path, home: Option<&Path>) -> Vec<PathBuf> {
    let (in_project, in_home) = match harness {
        Harness::ClaudeCode => (".mcp.json", ".claude.json"),
        Harness::Codex => (".codex/config.toml", ".codex/config.toml"),
        Harness::Gemini => (".gemini/settings.json", ".gemini/settings.json"),
        Harness::Copilot => (".mcp.json", ".copilot/mcp-config.json"),
        Harness::Cursor => return Vec::new(),
    };
    let in_home = home.map(|home| home.join(in_home));
    [project.join(in_project)].into_iter().chain(in_home).collect()
}

fn read(file: &Path) -> Option<Value> {
    let text = std::fs::read_to_string(file).ok()?;
    match file.extension()?.to_str()? {
        "toml" => toml::from_str(&text).ok(),
        _ => CstRootNode::parse(&text, &ParseOptions::default()).ok()?.to_serde_value(),
    }
}

/// The servers of ours among those that a file names, for all projects or for this one.
fn named(settings: &Value, project: &Path) -> Vec<String> {
    let project = std::path::absolute(project).unwrap_or_else(|_| project.to_owned());
    let of_project = project.to_str().map(|project| &settings["projects"][project]["mcpServers"]);
    let lists = [&settings["mcpServers"], &settings["mcp_servers"]].into_iter().chain(of_project);
    let servers = lists.filter_map(Value::as_object).flatten();
    servers.filter(|(_, server)| is_ours(server)).map(|(name, _)| name.clone()).collect()
}

/// Whether it is started as `sayso gateway` or `sayso mcp`.
fn is_ours(server: &Value) -> bool {
    let program = server["command"].as_str().map(Path::new).and_then(Path::file_stem);
    let words = server["args"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let serves = { words }.any(|word| word == "gateway" || word == "mcp");
    serves && program.is_some_and(|program| program == "sayso")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(file: PathBuf, text: &str) {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    #[test]
    fn servers_that_are_sayso_are_found_where_each_harness_is_told_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let (home, project) = (folder.path().join("home"), folder.path().join("project"));
        let servers = r#"{
            "gated": {"command": "/opt/sayso", "args": ["gateway", "--config", "s.json"]},
            "asks": {"type": "stdio", "command": "sayso", "args": ["--data", "d", "mcp"]},
            "other": {"command": "sayso-lookalike", "args": ["mcp"]},
            "far": {"url": "https://example.org/gateway"}
        }"#;
        let file = format!("{{// ours\n\"mcpServers\": {servers}}}");
        put(project.join(".mcp.json"), &file);
        put(project.join(".gemini/settings.json"), &file);
        let mine = r#"{"mcpServers": {"mine": {"command": "sayso", "args": ["gateway"]}}}"#;
        put(home.join(".copilot/mcp-config.json"), mine);
        put(
            home.join(".claude.json"),
            &format!(r#"{{"projects": {{"{}": {mine}, "/other": {file}}}}}"#, project.display())
                .replace("// ours", ""),
        );
        put(
            home.join(".codex/config.toml"),
            "[mcp_servers.gated]\ncommand = \"sayso\"\nargs = [\"gateway\"]\n[mcp_servers.odd]\nargs = 3",
        );
        for (harness, expected) in [
            (Harness::ClaudeCode, vec!["asks", "gated", "mine"]),
            (Harness::Codex, vec!["gated"]),
            (Harness::Gemini, vec!["asks", "gated"]),
            (Harness::Copilot, vec!["asks", "gated", "mine"]),
            (Harness::Cursor, vec![]),
        ] {
            let found = super::servers(harness, &project, Some(&home));
            assert_eq!(found, expected, "{harness:?}");
        }
    }
}
