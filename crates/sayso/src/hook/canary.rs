//! The canary: a call that no hook of ours lets through, to see that hooks are alive.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::answer::Answer;
use super::call::Event;
use super::settings::Scope;
use super::{Harness, install};

/// The tool that is denied without asking anybody.
pub(super) const TOOL: &str = "sayso_canary";
/// What it is denied with.
pub(super) const ALIVE: &str = "The canary is always denied: Sayso's hook is alive.";

/// A hook that is installed, and how it answered the canary.
pub(crate) struct Found {
    /// Its harness's word.
    pub(crate) harness: &'static str,
    /// In words; the error says what is wrong.
    pub(crate) state: Result<String, String>,
}

/// Looks for hooks of ours in the project of the working folder and the user's home, and has each
/// deny the canary.
pub(crate) fn installed() -> Vec<Found> {
    let home = install::home().ok();
    let mut found = Vec::new();
    for harness in Harness::ALL {
        let mut files = vec![harness.settings(Path::new("."), Scope::Project)];
        files.extend(home.as_ref().map(|home| harness.settings(home, Scope::User)));
        for file in files {
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            let Some((command, is_closed)) = harness.find_hook(&text) else { continue };
            let place = file.display();
            let state = match denies(harness, &command) {
                Err(wrong) => Err(format!("{wrong} ({place})")),
                Ok(()) if !is_closed => Err(format!(
                    "denies, but calls run if it fails: run `sayso hook install {}` again ({place})",
                    harness.word()
                )),
                Ok(()) => Ok(match harness.gap() {
                    None => format!("denies the canary ({place})"),
                    Some(gap) => format!("denies the canary ({place}). {gap}"),
                }),
            };
            found.push(Found { harness: harness.word(), state });
        }
    }
    found
}

/// Runs a hook's command as its harness does.
fn denies(harness: Harness, command: &str) -> Result<(), String> {
    let wrong = |error: std::io::Error| format!("its command can't be run: {error}");
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = shell.spawn().map_err(wrong)?;
    if let Some(mut input) = child.stdin.take() {
        // Who does not read it will not answer either.
        let _ = input.write_all(payload(harness).to_string().as_bytes());
    }
    let output = child.wait_with_output().map_err(wrong)?;
    let expected = Answer::Deny(ALIVE.into()).in_dialect(harness, Event::Before);
    let said = serde_json::from_slice::<Value>(&output.stdout);
    match said {
        Ok(said) if said == expected && output.status.success() => Ok(()),
        _ => Err(format!("does not deny the canary: {command} ended with {}", output.status)),
    }
}

/// The canary's call, as the harness would tell of it.
fn payload(harness: Harness) -> Value {
    match harness {
        Harness::ClaudeCode | Harness::Codex => {
            json!({"hook_event_name": "PreToolUse", "tool_name": TOOL, "tool_input": {}})
        }
        Harness::Gemini => {
            json!({"hook_event_name": "BeforeTool", "tool_name": TOOL, "tool_input": {}})
        }
        Harness::Copilot => json!({"toolName": TOOL, "toolArgs": "{}"}),
        Harness::Cursor => {
            json!({"hook_event_name": "preToolUse", "tool_name": TOOL, "tool_input": {}})
        }
    }
}
