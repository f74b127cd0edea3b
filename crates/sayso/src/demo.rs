//! `sayso demo`.
pub(crate) mod agent { use crate::{cli::Common, exit::Exit}; pub(crate) fn run(_: &Common) -> anyhow::Result<Exit> { Ok(Exit::Done) } }
use crate::{cli::Demo, exit::Exit};
pub(crate) fn run(_: &Demo) -> anyhow::Result<Exit> { Ok(Exit::Done) }
