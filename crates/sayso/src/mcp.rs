//! `sayso mcp`: the tools for a model that is started with this as its MCP server.

use std::sync::Arc;

use sayso_mcp::server::{HttpDesk, stdio};

use crate::cli::Common;
use crate::exit::Exit;
use crate::serve::block_on;

pub(crate) fn run(common: &Common) -> anyhow::Result<Exit> {
    let desk = Arc::new(HttpDesk::new(common.client()?));
    block_on(async { Ok(stdio(desk).await?) })?;
    Ok(Exit::Done)
}
