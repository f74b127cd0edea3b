//! Lines from several hands, and one status line below them that keeps changing.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use crate::output::on_terminal;

pub(crate) struct Screen {
    status: Mutex<String>,
    live: bool,
}

impl Screen {
    pub(crate) fn new() -> Self {
        Self { status: Mutex::default(), live: on_terminal() }
    }

    /// Prints a line above the status line.
    pub(crate) fn line(&self, line: &str) {
        let status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        if self.live {
            anstream::print!("\r\x1b[2K");
        }
        anstream::println!("{line}");
        if self.live && !status.is_empty() {
            anstream::print!("{status}");
        }
        let _ = std::io::stdout().flush();
    }

    /// Changes the status line; without a terminal there is none.
    pub(crate) fn status(&self, text: &str) {
        if !self.live {
            return;
        }
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        text.clone_into(&mut status);
        anstream::print!("\r\x1b[2K{text}");
        let _ = std::io::stdout().flush();
    }

    pub(crate) fn clear_status(&self) {
        self.status("");
    }
}
