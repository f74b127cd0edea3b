//! What we are told by signals is the command's to obey.

use std::io;
use std::process::Child;
use std::thread::JoinHandle;

use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::exfiltrator::WithOrigin;
use signal_hook::iterator::{Handle, SignalsInfo};
use signal_hook::low_level::siginfo::{Cause, Origin};

/// What may be told a command. Those that we were started to ignore are none of its business.
const PASSED: [i32; 6] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2];

/// Signals that are caught, and wait for somebody to be told.
pub(super) struct Caught(SignalsInfo<WithOrigin>);

/// Catches signals. To be called before there is a command: without us, it would be nobody's.
pub(super) fn catch() -> io::Result<Caught> {
    let ignored = ignored();
    let heeded = PASSED.into_iter().filter(|signal| ignored & (1 << (signal - 1)) == 0);
    Ok(Caught(SignalsInfo::new(heeded)?))
}

/// The signals that we ignore, a bit each, where the system tells: what was begun with `nohup` goes
/// on after a hangup, and so does the command.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

/// Signals are passed on until this is dropped.
pub(super) struct Passing {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

impl Caught {
    /// Passes them on to the command, those that have come already, too.
    pub(super) fn pass_on(mut self, child: &Child) -> Passing {
        let child = Pid::from_child(child);
        let handle = self.0.handle();
        let thread = std::thread::spawn(move || {
            for origin in self.0.forever() {
                if let Some(signal) = for_command(&origin) {
                    // A command that has just ended needs no telling.
                    let _ = kill_process(child, signal);
                }
            }
        });
        Passing { handle, thread: Some(thread) }
    }
}

/// What the command is to be told. A key at the terminal has reached it already, as it has us.
fn for_command(origin: &Origin) -> Option<Signal> {
    let is_key = matches!(origin.cause, Cause::Kernel);
    match origin.signal {
        SIGINT | SIGQUIT if is_key => None,
        SIGINT => Some(Signal::INT),
        SIGQUIT => Some(Signal::QUIT),
        SIGHUP => Some(Signal::HUP),
        SIGTERM => Some(Signal::TERM),
        SIGUSR1 => Some(Signal::USR1),
        SIGUSR2 => Some(Signal::USR2),
        _ => None,
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        self.handle.close();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
