//! The canary: a call that no hook of ours lets through, to see that hooks are alive.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::answer::Answer;
use super::call::Event;
use super::settings::Scope;
use super::{Harness, install, ours};

/// The tool that is denied without asking anybody.
pub(super) const TOOL: &str = "sayso_canary";
/// What it is denied with.
pub(super) const ALIVE: &str = "The canary is always denied: Sayso's hook is alive.";

/// How long a hook may take: longer than the one that answers at its own deadline.
const PATIENCE: Duration = Duration::from_secs(30);

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
            let twice = asked_twice(harness, &command, home.as_deref());
            let state = match denies(harness, &command) {
                Err(wrong) => Err(format!("{wrong} ({place})")),
                Ok(()) if !is_closed => Err(format!(
                    "denies, but calls run if it fails: run `sayso hook install {}` again ({place})",
                    harness.word()
                )),
                Ok(()) => match (twice, harness.gap()) {
                    (Some(server), _) => Err(format!(
                        "denies, but people are asked twice for calls of {server}, which is Sayso \
                         itself: run `sayso hook install {}` again ({place})",
                        harness.word()
                    )),
                    (None, None) => Ok(format!("denies the canary ({place})")),
                    (None, Some(gap)) => Ok(format!("denies the canary ({place}). {gap}")),
                },
            };
            found.push(Found { harness: harness.word(), state });
        }
    }
    found
}

/// A server that asks by itself and that the hook asks for, too.
fn asked_twice(harness: Harness, command: &str, home: Option<&Path>) -> Option<String> {
    let servers = ours::servers(harness, Path::new("."), home).into_iter();
    { servers }.find(|server| !command.contains(&install::leaves(server)))
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
    let id = Pid::from_child(&child);
    let (ends, ended) = mpsc::channel();
    std::thread::spawn(move || ends.send(child.wait_with_output()));
    let Ok(output) = ended.recv_timeout(PATIENCE) else {
        // One that has just ended needs no telling.
        let _ = kill_process(id, Signal::KILL);
        return Err(format!("does not answer: {command}"));
    };
    let output = output.map_err(wrong)?;
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
