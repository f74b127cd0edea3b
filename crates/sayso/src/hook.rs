//! `sayso hook HARNESS`: asked by a coding agent's harness before each of its tools runs.
//!
//! Harnesses let a tool run when a hook says nothing, dies or takes too long. So this answers
//! exactly once, always: with a decision, or with a denial that says why there is none.

mod answer;
mod call;
mod canary;
mod gate;
mod install;
mod ours;
mod settings;

use std::io::{Read, Write};
use std::sync::mpsc::{self, Sender};

use clap::ValueEnum;
use sayso_core::json::{self, Limits};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use self::answer::Answer;
use self::call::Event;
use self::gate::Gate;
use crate::cli::{Common, Hook, Hooks};
use crate::exit::Exit;

pub(crate) use canary::{Found, installed};

/// The most that a harness tells at once, in bytes: results of tools come along, too.
const LONGEST: usize = 64 << 20;

/// A coding agent's program, which runs hooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Harness {
    /// Claude Code
    ClaudeCode,
    /// Codex
    Codex,
    /// Gemini CLI
    Gemini,
    /// Copilot CLI
    Copilot,
    /// Cursor
    Cursor,
}

impl Harness {
    /// What people call it.
    fn title(self) -> &'static str {
        match self {
            Self::ClaudeCode => "Claude Code",
            Self::Codex => "Codex",
            Self::Gemini => "Gemini CLI",
            Self::Copilot => "Copilot CLI",
            Self::Cursor => "Cursor",
        }
    }

    /// What it is called on the command line.
    fn word(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude-code",
            Self::Codex => "codex",
            Self::Gemini => "gemini",
            Self::Copilot => "copilot",
            Self::Cursor => "cursor",
        }
    }
}

pub(crate) fn run(common: &Common, hooks: &Hooks) -> anyhow::Result<Exit> {
    match hooks {
        Hooks::ClaudeCode(hook) => answer(common, Harness::ClaudeCode, hook),
        Hooks::Codex(hook) => answer(common, Harness::Codex, hook),
        Hooks::Gemini(hook) => answer(common, Harness::Gemini, hook),
        Hooks::Copilot(hook) => answer(common, Harness::Copilot, hook),
        Hooks::Cursor(hook) => answer(common, Harness::Cursor, hook),
        Hooks::Install(install) => install::run(common, install),
    }
}

fn answer(common: &Common, harness: Harness, hook: &Hook) -> anyhow::Result<Exit> {
    let (says, said) = mpsc::channel();
    deny_when_stopped(says.clone())?;
    let (asking, asked) = (common.clone(), hook.clone());
    std::thread::spawn(move || {
        // Whoever waited is gone if this is not taken.
        let _ = says.send(decide(&asking, harness, &asked));
    });
    let (event, answer) = said.recv_timeout(hook.deadline.into()).unwrap_or_else(|_| {
        let late = format!("Sayso had no answer within {}.", hook.deadline.about());
        (Event::Before, Answer::Deny(late))
    });
    let mut output = std::io::stdout().lock();
    let printed = writeln!(output, "{}", answer.in_dialect(harness, event));
    // A harness that can't be told anything understands the exit code.
    Ok(match printed.and_then(|()| output.flush()) {
        Ok(()) => Exit::Done,
        Err(_) => Exit::Failed,
    })
}

/// A hook that is told to stop still denies.
fn deny_when_stopped(says: Sender<(Event, Answer)>) -> std::io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP])?;
    std::thread::spawn(move || {
        if signals.forever().next().is_some() {
            let stopped = "Sayso's hook was stopped before it had an answer.";
            let _ = says.send((Event::Before, Answer::Deny(stopped.into())));
        }
    });
    Ok(())
}

/// What to answer to what stands on the standard input.
fn decide(common: &Common, harness: Harness, hook: &Hook) -> (Event, Answer) {
    let mut payload = Vec::new();
    if let Err(error) = std::io::stdin().take(LONGEST as u64 + 1).read_to_end(&mut payload) {
        return (Event::Before, Answer::Deny(format!("the hook's input can't be read: {error}")));
    }
    let limits = Limits { bytes: LONGEST, ..Limits::default() };
    let read = json::read(&payload, limits).map_err(|bad| bad.to_string());
    let call = match read.and_then(|payload| call::read(harness, &payload)) {
        Ok(call) => call,
        Err(wrong) => {
            return (Event::Before, Answer::Deny(format!("the hook's input is odd: {wrong}")));
        }
    };
    (call.event, Gate { common, harness, hook }.answer(&call))
}
