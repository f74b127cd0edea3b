//! The settings of each harness: where they are, and how a hook stands in them so that the harness
//! stops a call whenever the hook has no answer, as far as it can be told to.

use std::path::{Path, PathBuf};

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstInputValue, CstNode, CstObject, CstRootNode};
use serde_json::Value;

use super::Harness;

/// The longest that the harness waits for a hook, in seconds: far beyond our own deadline, since
/// most let a call run when a hook is late.
const TIMEOUT_S: u32 = 600;

/// Whose settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Those of the project in the working folder.
    Project,
    /// The user's own, for all projects.
    User,
}

/// Why settings were left as they are.
#[derive(Debug, thiserror::Error)]
pub(super) enum BadSettings {
    #[error("it is not JSON: {0}")]
    NotJson(#[from] jsonc_parser::errors::ParseError),
    #[error("`{0}` is not what it should be")]
    Shape(String),
}

impl Harness {
    pub(super) const ALL: [Self; 5] =
        [Self::ClaudeCode, Self::Codex, Self::Gemini, Self::Copilot, Self::Cursor];

    /// The file with its hooks, within the project's or the user's folder.
    pub(super) fn settings(self, folder: &Path, scope: Scope) -> PathBuf {
        folder.join(match (self, scope) {
            (Self::ClaudeCode, _) => ".claude/settings.json",
            (Self::Codex, _) => ".codex/hooks.json",
            (Self::Gemini, _) => ".gemini/settings.json",
            (Self::Copilot, Scope::Project) => ".github/hooks/sayso.json",
            (Self::Copilot, Scope::User) => ".copilot/hooks/sayso.json",
            (Self::Cursor, _) => ".cursor/hooks.json",
        })
    }

    /// The event before a tool runs, and those after.
    fn events(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::ClaudeCode => ("PreToolUse", &["PostToolUse", "PostToolUseFailure"]),
            Self::Codex => ("PreToolUse", &["PostToolUse"]),
            Self::Gemini => ("BeforeTool", &["AfterTool"]),
            Self::Copilot => ("preToolUse", &["postToolUse"]),
            Self::Cursor => ("preToolUse", &["postToolUse", "postToolUseFailure"]),
        }
    }

    /// What it can't be told by its settings, if that matters.
    pub(super) fn gap(self) -> Option<&'static str> {
        match self {
            Self::ClaudeCode => None,
            Self::Codex => Some(
                "Codex runs a hook only once you have trusted it (start codex and look at /hooks), \
                 and lets tools run if the hook's program is missing.",
            ),
            Self::Gemini => Some("Gemini CLI lets tools run if the hook's program is missing."),
            Self::Copilot => Some("Copilot CLI lets tools run if a hook is stopped as too slow."),
            Self::Cursor => Some("What Cursor does was read about, not tried."),
        }
    }

    /// A hook, as it stands in a list of them. `gates`: it is asked before a tool runs.
    fn entry(self, command: &str, gates: bool) -> CstInputValue {
        let text = |text: &str| CstInputValue::String(text.to_owned());
        let number = |number: u32| CstInputValue::Number(number.to_string());
        let object = |members: Vec<(&str, CstInputValue)>| {
            let members = members.into_iter().map(|(name, value)| (name.to_owned(), value));
            CstInputValue::Object(members.collect())
        };
        let group = |hook: CstInputValue| {
            object(vec![("matcher", text("*")), ("hooks", CstInputValue::Array(vec![hook]))])
        };
        let mut hook = vec![("type", text("command")), ("command", text(command))];
        match self {
            Self::ClaudeCode => {
                hook.push(("timeout", number(TIMEOUT_S)));
                if gates {
                    hook.push(("onFailure", text("block")));
                }
                group(object(hook))
            }
            Self::Codex => {
                hook.push(("timeout", number(TIMEOUT_S)));
                group(object(hook))
            }
            Self::Gemini => {
                hook.insert(0, ("name", text("sayso")));
                // Milliseconds here.
                hook.push(("timeout", number(TIMEOUT_S * 1_000)));
                group(object(hook))
            }
            Self::Copilot => object(vec![
                ("type", text("command")),
                ("bash", text(command)),
                ("timeoutSec", number(TIMEOUT_S)),
            ]),
            Self::Cursor => {
                let mut hook = vec![("command", text(command)), ("timeout", number(TIMEOUT_S))];
                if gates {
                    hook.push(("failClosed", CstInputValue::Bool(true)));
                }
                object(hook)
            }
        }
    }

    /// The settings with our hook in them, in place of an earlier one of ours. All else stays as it
    /// was written, comments too.
    pub(super) fn with_hook(self, text: &str, command: &str) -> Result<String, BadSettings> {
        let shape = |name: &str| BadSettings::Shape(name.to_owned());
        let text = if text.trim().is_empty() { "{\n}\n" } else { text };
        let root = CstRootNode::parse(text, &ParseOptions::default())?;
        let top = root.object_value().ok_or_else(|| shape("the whole"))?;
        if matches!(self, Self::Copilot | Self::Cursor) && top.get("version").is_none() {
            top.append("version", CstInputValue::Number("1".into()));
        }
        let hooks = top.object_value_or_create("hooks").ok_or_else(|| shape("hooks"))?;
        let (before, after) = self.events();
        for (event, gates) in
            [(before, true)].into_iter().chain(after.iter().map(|event| (*event, false)))
        {
            let name = || shape(&format!("hooks.{event}"));
            let list = hooks.array_value_or_create(event).ok_or_else(name)?;
            list.elements().into_iter().for_each(|element| self.take_out(element));
            list.append(self.entry(command, gates));
            list.ensure_multiline();
        }
        Ok(root.to_string())
    }

    /// Takes our hook out of an element of a list: the element, or what it groups.
    fn take_out(self, element: CstNode) {
        let grouped = element.as_object().and_then(|object| object.array_value("hooks"));
        let Some(grouped) = grouped else {
            if self.is_ours(element.as_object().as_ref()) {
                element.remove();
            }
            return;
        };
        let hooks = grouped.elements();
        let ours = hooks.iter().filter(|hook| self.is_ours(hook.as_object().as_ref())).count();
        if ours > 0 && ours == hooks.len() {
            return element.remove();
        }
        let ours = hooks.into_iter().filter(|hook| self.is_ours(hook.as_object().as_ref()));
        ours.for_each(CstNode::remove);
    }

    fn is_ours(self, hook: Option<&CstObject>) -> bool {
        let value = hook.and_then(CstObject::to_serde_value);
        value.is_some_and(|value| self.command_of(&value).is_some())
    }

    /// The command of a hook, if it is ours.
    fn command_of(self, hook: &Value) -> Option<String> {
        let name = if self == Self::Copilot { "bash" } else { "command" };
        let command = hook.get(name)?.as_str()?;
        let ours = command.contains("sayso") && command.contains(&format!(" hook {}", self.word()));
        ours.then(|| command.to_owned())
    }

    /// Our hook before tools run, if the settings have it: its command, and whether the harness is
    /// told to stop calls when the hook fails.
    pub(super) fn find_hook(self, text: &str) -> Option<(String, bool)> {
        let root = CstRootNode::parse(text, &ParseOptions::default()).ok()?;
        let settings = root.to_serde_value()?;
        let list = settings.get("hooks")?.get(self.events().0)?.as_array()?;
        let hooks = list.iter().flat_map(|element| match element.get("hooks") {
            Some(Value::Array(grouped)) => grouped.iter().collect(),
            _ => vec![element],
        });
        let mut ours = hooks.filter_map(|hook| {
            let closed = match self {
                Self::ClaudeCode => hook.get("onFailure").is_some_and(|word| word == "block"),
                Self::Cursor => hook.get("failClosed").is_some_and(|word| *word == true),
                Self::Codex | Self::Gemini | Self::Copilot => true,
            };
            Some((self.command_of(hook)?, closed))
        });
        ours.next()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const COMMAND: &str = "/opt/sayso hook claude-code";

    fn json(text: &str) -> Value {
        CstRootNode::parse(text, &ParseOptions::default()).unwrap().to_serde_value().unwrap()
    }

    #[test]
    fn what_stood_there_stays_as_it_was_written() {
        let before = r#"{
  // mine
  "model": "best",
  "hooks": {
    "PreToolUse": [
      {"matcher": "Bash", "hooks": [{"type": "command", "command": "./lint.sh"}]}
    ]
  }
}
"#;
        let after = Harness::ClaudeCode.with_hook(before, COMMAND).unwrap();
        assert!(after.contains("// mine\n  \"model\": \"best\","), "{after}");
        let hooks = &json(&after)["hooks"];
        assert_eq!(hooks["PreToolUse"][0]["hooks"][0]["command"], "./lint.sh");
        let ours = json!({"matcher": "*", "hooks": [{
            "type": "command", "command": COMMAND, "timeout": 600, "onFailure": "block",
        }]});
        assert_eq!(hooks["PreToolUse"][1], ours);
        assert_eq!(hooks["PostToolUseFailure"][0]["hooks"][0]["command"], COMMAND);
    }

    #[test]
    fn a_second_time_changes_nothing_but_the_command() {
        for harness in Harness::ALL {
            let command = |path: &str| format!("{path} hook {}", harness.word());
            let once = harness.with_hook("", &command("/old/sayso")).unwrap();
            let again = harness.with_hook(&once, &command("/new/sayso")).unwrap();
            assert_eq!(json(&again), json(&once.replace("/old/", "/new/")), "{again}");
            let found = harness.find_hook(&again).unwrap();
            assert_eq!(found, (command("/new/sayso"), true));
        }
    }

    #[test]
    fn anothers_hook_beside_ours_in_a_group_is_left() {
        let shared = format!(
            r#"{{"hooks": {{"PreToolUse": [{{"matcher": "*", "hooks": [
                {{"type": "command", "command": "{COMMAND}"}}, {{"type": "command", "command": "x"}}
            ]}}]}}}}"#
        );
        let after = json(&Harness::ClaudeCode.with_hook(&shared, COMMAND).unwrap());
        let before_tools = &after["hooks"]["PreToolUse"];
        assert_eq!(before_tools[0]["hooks"], json!([{"type": "command", "command": "x"}]));
        assert_eq!(before_tools.as_array().unwrap().len(), 2);
    }

    #[test]
    fn settings_that_are_something_else_are_refused_by_name() {
        for (text, says) in [
            ("[]", "the whole"),
            ("{", "not JSON"),
            (r#"{"hooks": 1}"#, "`hooks`"),
            (r#"{"hooks": {"PreToolUse": {}}}"#, "`hooks.PreToolUse`"),
        ] {
            let wrong = Harness::ClaudeCode.with_hook(text, COMMAND).unwrap_err().to_string();
            assert!(wrong.contains(says), "{text}: {wrong}");
        }
    }

    #[test]
    fn a_hook_whose_failure_lets_calls_run_is_told_apart() {
        let open = format!(
            r#"{{"hooks": {{"PreToolUse": [{{"hooks": [{{"command": "{COMMAND}"}}]}}]}}}}"#
        );
        assert_eq!(Harness::ClaudeCode.find_hook(&open), Some((COMMAND.into(), false)));
        assert_eq!(Harness::ClaudeCode.find_hook("{}"), None);
    }
}
